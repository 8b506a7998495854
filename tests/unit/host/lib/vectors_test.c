// SPDX-License-Identifier: MIT
#include "host/lib/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool plausible(uint32_t sp, uint32_t reset) {
  const struct vectors v = {.sp = sp, .reset = reset};
  return vectors_plausible(&v);
}

static void two_words_are_loaded(void **state) {
  (void)state;
  const struct vectors v =
      vectors_load((const uint8_t *)"\x00\x00\x08\x20\x01\x02\x01\x08");
  assert_int_equal(v.sp, 0x20080000);
  assert_int_equal(v.reset, 0x08010201);
}

static void the_stack_is_in_ram(void **state) {
  (void)state;
  assert_true(plausible(0x20080000, 0x08010201));
  assert_true(plausible(0x20000004, 0x08010201));
  assert_true(plausible(0xC0800000, 0x08010201));  // SDRAM
  static const uint32_t bad[] = {0, 0xFFFFFFFF, 0x20000000, 0x20080004, 0x2007FFFE};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(plausible(bad[i], 0x08010201));
  }
}

static void the_handler_is_thumb_code_in_flash(void **state) {
  (void)state;
  assert_true(plausible(0x20080000, 0x08000001));
  assert_true(plausible(0x20080000, 0x081FFFFF));
  assert_false(plausible(0x20080000, 0x08010200));
  assert_false(plausible(0x20080000, 0x07FFFFFF));
  assert_false(plausible(0x20080000, 0x08200001));
}

static void the_handler_is_behind_the_begin(void **state) {
  (void)state;
  const struct vectors v = {.sp = 0x20080000, .reset = 0x08010201};
  assert_true(vectors_fit(&v, 0x08010000));
  assert_false(vectors_fit(&v, 0x08020000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_words_are_loaded),
      cmocka_unit_test(the_stack_is_in_ram),
      cmocka_unit_test(the_handler_is_thumb_code_in_flash),
      cmocka_unit_test(the_handler_is_behind_the_begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
