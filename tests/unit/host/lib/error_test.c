// SPDX-License-Identifier: MIT
#include "host/lib/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_sentence_is_formatted_and_means_failure(void **state) {
  (void)state;
  struct qb_error error;
  assert_false(qb_error_set(&error, "%s: line %d", "a.hex", 7));
  assert_string_equal(error.text, "a.hex: line 7");
}

static void control_characters_cannot_reach_a_terminal(void **state) {
  (void)state;
  struct qb_error error;
  qb_error_set(&error, "%s", "a\nb\x1B[2Jc\td\x7F\x1F e");
  assert_string_equal(error.text, "a?b?[2Jc?d?? e");
}

static void utf8_stays(void **state) {
  (void)state;
  struct qb_error error;
  qb_error_set(&error, "%s",
               "gr\xC3\xB6\xC3\x9F"
               "e.bin");
  assert_string_equal(error.text,
                      "gr\xC3\xB6\xC3\x9F"
                      "e.bin");
}

// U+0080 to U+009F are control characters, too, in two bytes of UTF-8.
static void c1_controls_cannot_reach_a_terminal(void **state) {
  (void)state;
  struct qb_error error;
  qb_error_set(&error, "%s",
               "a\xC2\x9B"
               "2J\xC2\x80\xC2\xA0\xC2");
  assert_string_equal(error.text, "a??2J??\xC2\xA0\xC2");
}

// A sentence that is cut ends with a whole character.
static void a_cut_goes_between_characters(void **state) {
  (void)state;
  static const char *const characters[] = {"\xC3\xA4", "\xE2\x82\xAC",
                                           "\xF0\x9F\x98\x80"};
  for (size_t i = 0; i < 3; i++) {
    const size_t size = strlen(characters[i]);
    for (size_t before = 0; before < size; before++) {
      struct qb_error error;
      char text[3000] = "xxxx";
      text[before] = '\0';
      while (strlen(text) + size < 2000) {
        strcat(text, characters[i]);
      }
      qb_error_set(&error, "%s", text);
      const size_t length = strlen(error.text);
      assert_true(length + size > sizeof error.text - 1);
      assert_int_equal((length - before) % size, 0);
    }
  }
}

static void a_long_sentence_is_cut_not_overrun(void **state) {
  (void)state;
  struct {
    struct qb_error error;
    char after;
  } s = {.after = 'x'};
  char name[3000];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  qb_error_set(&s.error, "%s", name);
  assert_int_equal(strlen(s.error.text), sizeof s.error.text - 1);
  assert_int_equal(s.after, 'x');
}

static void lack_of_memory_has_a_sentence(void **state) {
  (void)state;
  struct qb_error error = {.text = ""};
  assert_false(qb_error_no_memory(&error));
  assert_non_null(strstr(error.text, "memory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sentence_is_formatted_and_means_failure),
      cmocka_unit_test(control_characters_cannot_reach_a_terminal),
      cmocka_unit_test(utf8_stays),
      cmocka_unit_test(c1_controls_cannot_reach_a_terminal),
      cmocka_unit_test(a_cut_goes_between_characters),
      cmocka_unit_test(a_long_sentence_is_cut_not_overrun),
      cmocka_unit_test(lack_of_memory_has_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
