// SPDX-License-Identifier: MIT
#include "common/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void loads_are_little_endian(void **state) {
  (void)state;
  const uint8_t bytes[] = {0x81, 0x92, 0xA3, 0xB4};
  assert_int_equal(load_le16(bytes), 0x9281);
  assert_int_equal(load_le24(bytes), 0xA39281);
  assert_int_equal(load_le32(bytes), 0xB4A39281);
}

static void loads_work_at_any_alignment(void **state) {
  (void)state;
  const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6};
  assert_int_equal(load_le32(bytes + 1), 0x04030201);
  assert_int_equal(load_le32(bytes + 2), 0x05040302);
  assert_int_equal(load_le32(bytes + 3), 0x06050403);
}

static void stores_are_little_endian_and_write_nothing_else(void **state) {
  (void)state;
  uint8_t bytes[8];
  memset(bytes, 0xEE, sizeof bytes);
  store_le16(bytes + 1, 0x1234);
  store_le32(bytes + 3, 0x89ABCDEF);
  const uint8_t expected[] = {0xEE, 0x34, 0x12, 0xEF, 0xCD, 0xAB, 0x89, 0xEE};
  assert_memory_equal(bytes, expected, sizeof bytes);
}

static void reading_moves_on(void **state) {
  (void)state;
  const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  struct rd r = {.p = bytes, .left = sizeof bytes};
  assert_int_equal(rd_u8(&r), 0x01);
  assert_int_equal(rd_le16(&r), 0x0302);
  assert_int_equal(rd_le32(&r), 0x07060504);
  assert_ptr_equal(rd_bytes(&r, 2), bytes + 7);
  assert_int_equal(r.left, 0);
  assert_false(r.bad);
}

static void reading_nothing_at_the_end_is_fine(void **state) {
  (void)state;
  const uint8_t byte = 7;
  struct rd r = {.p = &byte, .left = 1};
  assert_int_equal(rd_u8(&r), 7);
  assert_non_null(rd_bytes(&r, 0));
  assert_false(r.bad);
}

// A value that only half fits must not be read in part.
static void reading_past_the_end_gives_zero_and_sticks(void **state) {
  (void)state;
  const uint8_t bytes[] = {0xFF, 0xFF, 0xFF};
  struct rd r = {.p = bytes, .left = sizeof bytes};
  assert_int_equal(rd_le32(&r), 0);
  assert_true(r.bad);
  assert_int_equal(rd_u8(&r), 0);
  assert_int_equal(rd_le16(&r), 0);
  assert_null(rd_bytes(&r, 0));
  assert_ptr_equal(r.p, bytes);
  assert_int_equal(r.left, sizeof bytes);
}

static void a_huge_length_does_not_wrap(void **state) {
  (void)state;
  uint8_t bytes[4] = {0};
  struct rd r = {.p = bytes, .left = sizeof bytes};
  assert_null(rd_bytes(&r, SIZE_MAX));
  assert_true(r.bad);
  struct wr w = {.p = bytes, .left = sizeof bytes};
  assert_null(wr_bytes(&w, SIZE_MAX));
  assert_true(w.bad);
}

static void writing_moves_on(void **state) {
  (void)state;
  uint8_t bytes[9];
  struct wr w = {.p = bytes, .left = sizeof bytes};
  wr_u8(&w, 0x01);
  wr_le16(&w, 0x0302);
  wr_le32(&w, 0x07060504);
  wr_copy(&w, "\x08\x09", 2);
  const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  assert_memory_equal(bytes, expected, sizeof bytes);
  assert_int_equal(w.left, 0);
  assert_false(w.bad);
}

static void writing_past_the_end_stores_nothing_and_sticks(void **state) {
  (void)state;
  uint8_t bytes[4] = {0xEE, 0xEE, 0xEE, 0xEE};
  const uint8_t untouched[4] = {0xEE, 0xEE, 0xEE, 0xEE};
  struct wr w = {.p = bytes, .left = 3};
  wr_le32(&w, 0);
  assert_true(w.bad);
  wr_u8(&w, 0);
  wr_le16(&w, 0);
  wr_copy(&w, "x", 1);
  assert_memory_equal(bytes, untouched, sizeof bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_are_little_endian),
      cmocka_unit_test(loads_work_at_any_alignment),
      cmocka_unit_test(stores_are_little_endian_and_write_nothing_else),
      cmocka_unit_test(reading_moves_on),
      cmocka_unit_test(reading_nothing_at_the_end_is_fine),
      cmocka_unit_test(reading_past_the_end_gives_zero_and_sticks),
      cmocka_unit_test(a_huge_length_does_not_wrap),
      cmocka_unit_test(writing_moves_on),
      cmocka_unit_test(writing_past_the_end_stores_nothing_and_sticks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
