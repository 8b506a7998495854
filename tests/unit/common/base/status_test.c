// SPDX-License-Identifier: MIT
// The list of statuses as a list: numbers are for ever, sentences are for people.
#include "common/base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  enum status value;
  int number;
  const char *sentence;
} list[] = {
#define X(name, number, sentence) {ST_##name, (number), (sentence)},
    STATUS_LIST(X)
#undef X
};
#define COUNT (sizeof list / sizeof list[0])

static void numbers_count_up_without_gap_or_repeat(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(list[i].number, i);
    assert_int_equal(list[i].value, i);
  }
}

static void ok_is_zero(void **state) {
  (void)state;
  assert_int_equal(ST_OK, 0);
}

static void every_status_tells_its_own_sentence(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    assert_string_equal(status_sentence(list[i].value), list[i].sentence);
    for (size_t k = 0; k < i; k++) {
      assert_string_not_equal(list[i].sentence, list[k].sentence);
    }
  }
}

// A USB string descriptor holds 126 characters (USB 2.0 9.6.7: bLength is a byte).
static void every_sentence_fits_a_usb_string(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    const size_t length = strlen(list[i].sentence);
    assert_in_range(length, 2, 126);
    assert_true(list[i].sentence[length - 1] != '.');
    for (size_t k = 0; k < length; k++) {
      assert_in_range(list[i].sentence[k], ' ', '~');
    }
  }
}

static void an_unknown_number_has_a_sentence_too(void **state) {
  (void)state;
  assert_string_equal(status_sentence((enum status)COUNT), "unknown status");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_count_up_without_gap_or_repeat),
      cmocka_unit_test(ok_is_zero),
      cmocka_unit_test(every_status_tells_its_own_sentence),
      cmocka_unit_test(every_sentence_fits_a_usb_string),
      cmocka_unit_test(an_unknown_number_has_a_sentence_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
