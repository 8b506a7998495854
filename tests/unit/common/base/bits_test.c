// SPDX-License-Identifier: MIT
#include "common/base/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void mask_covers_exactly_the_field(void **state) {
  (void)state;
  assert_int_equal(field_mask(FIELD(0, 1)), 0x00000001);
  assert_int_equal(field_mask(FIELD(8, 5)), 0x00001F00);
  assert_int_equal(field_mask(FIELD(24, 8)), 0xFF000000);
  assert_int_equal(field_mask(FIELD(31, 1)), 0x80000000);
  assert_int_equal(field_mask(FIELD(0, 32)), 0xFFFFFFFF);
}

static void bit_is_a_field_of_width_one(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 32; i++) {
    assert_int_equal(FIELD_BIT(i), FIELD(i, 1));
    assert_int_equal(field_mask(FIELD_BIT(i)), (uint32_t)1 << i);
  }
}

static void get_aligns_to_the_right(void **state) {
  (void)state;
  assert_int_equal(field_get(0xDEADBEEF, FIELD(0, 4)), 0xF);
  assert_int_equal(field_get(0xDEADBEEF, FIELD(8, 8)), 0xBE);
  assert_int_equal(field_get(0xDEADBEEF, FIELD(28, 4)), 0xD);
  assert_int_equal(field_get(0xDEADBEEF, FIELD(0, 32)), 0xDEADBEEF);
}

static void set_replaces_the_field_and_nothing_else(void **state) {
  (void)state;
  assert_int_equal(field_set(0xFFFFFFFF, FIELD(8, 5), 0), 0xFFFFE0FF);
  assert_int_equal(field_set(0x00000000, FIELD(8, 5), 0x15), 0x00001500);
  assert_int_equal(field_set(0x12345678, FIELD(28, 4), 0xA), 0xA2345678);
  assert_int_equal(field_set(0x12345678, FIELD(0, 32), 0x9ABCDEF0), 0x9ABCDEF0);
}

static void set_drops_bits_that_do_not_fit(void **state) {
  (void)state;
  assert_int_equal(field_set(0, FIELD(4, 4), 0x123), 0x30);
  assert_int_equal(field_set(0, FIELD(31, 1), 0xFFFFFFFE), 0);
}

// Every position and width: what is set is what is got, and the rest stays.
static void set_then_get_holds_for_every_field(void **state) {
  (void)state;
  const uint32_t background = 0xA5C3F00F;
  for (uint32_t width = 1; width <= 32; width++) {
    for (uint32_t lsb = 0; lsb + width <= 32; lsb++) {
      const uint32_t field = FIELD(lsb, width);
      const uint32_t value = 0x96F01E87u & (uint32_t)(((uint64_t)1 << width) - 1);
      const uint32_t word = field_set(background, field, value);
      assert_int_equal(field_get(word, field), value);
      assert_int_equal((word ^ background) & ~field_mask(field), 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mask_covers_exactly_the_field),
      cmocka_unit_test(bit_is_a_field_of_width_one),
      cmocka_unit_test(get_aligns_to_the_right),
      cmocka_unit_test(set_replaces_the_field_and_nothing_else),
      cmocka_unit_test(set_drops_bits_that_do_not_fit),
      cmocka_unit_test(set_then_get_holds_for_every_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
