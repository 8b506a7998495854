// SPDX-License-Identifier: MIT
#include "host/lib/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_number(const char *text, uint32_t expected) {
  uint32_t value = ~expected;
  assert_int_equal(number_parse_hex(text, UINT32_MAX, &value), NUMBER_OK);
  assert_int_equal(value, expected);
}

static void expect_refused(const char *text, uint32_t max, enum number_status status) {
  uint32_t value = 0x5A5A5A5A;
  assert_int_equal(number_parse_hex(text, max, &value), status);
  assert_int_equal(value, 0x5A5A5A5A);
}

static void digits_of_either_case_with_or_without_prefix(void **state) {
  (void)state;
  expect_number("0", 0);
  expect_number("df11", 0xDF11);
  expect_number("DF11", 0xDF11);
  expect_number("0xdF11", 0xDF11);
  expect_number("0Xdf11", 0xDF11);
}

static void every_digit_has_its_value(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 16; i++) {
    char text[8];
    snprintf(text, sizeof text, "%x", i);
    expect_number(text, i);
    snprintf(text, sizeof text, "%X", i);
    expect_number(text, i);
  }
}

static void leading_zeros_do_not_count(void **state) {
  (void)state;
  expect_number("0x000000000000000000000090000000", 0x90000000);
  expect_number("00ff", 0xFF);
}

static void anything_else_is_malformed(void **state) {
  (void)state;
  static const char *const texts[] = {"",    "0x", "0X", "g",    "12g", "0x12 ",
                                      " 12", "-1", "+1", "0x-1", "1.0", "x12",
                                      "@",   "`",  "/",  ":",    "0xx1"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    expect_refused(texts[i], UINT32_MAX, NUMBER_MALFORMED);
  }
}

static void the_limit_is_inclusive(void **state) {
  (void)state;
  expect_number("ffffffff", UINT32_MAX);
  expect_refused("100000000", UINT32_MAX, NUMBER_TOO_BIG);
  uint32_t value = 0;
  assert_int_equal(number_parse_hex("ffff", 0xFFFF, &value), NUMBER_OK);
  expect_refused("10000", 0xFFFF, NUMBER_TOO_BIG);
}

// More than 64 bits must not come round to a small number again.
static void a_number_cannot_wrap(void **state) {
  (void)state;
  expect_refused("10000000000000000", UINT32_MAX, NUMBER_TOO_BIG);
  expect_refused("1000000000000000000000000000000000001", UINT32_MAX, NUMBER_TOO_BIG);
  expect_refused("10000000000000000z", UINT32_MAX, NUMBER_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digits_of_either_case_with_or_without_prefix),
      cmocka_unit_test(every_digit_has_its_value),
      cmocka_unit_test(leading_zeros_do_not_count),
      cmocka_unit_test(anything_else_is_malformed),
      cmocka_unit_test(the_limit_is_inclusive),
      cmocka_unit_test(a_number_cannot_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
