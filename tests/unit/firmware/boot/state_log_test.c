// SPDX-License-Identifier: MIT
// The state log's records, typed again from docs/spec/state-log.md, and each record
// torn at every byte and bit.
#include "firmware/boot/state_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// zlib.crc32 of the 24 bytes, inverted.
static const uint8_t updating[32] = {
    0x31, 0x51, 0x55, 0x50, 1, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0, 0, 0, 0, 0x0A, 0x5E, 0x3F, 0x31, 0x31, 0x51, 0x4F, 0x4B};
static const uint8_t complete[32] = {
    0x31, 0x51, 0x43, 0x4F, 2, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0, 0, 0, 0, 0xC3, 0x9E, 0x61, 0x42, 0x31, 0x51, 0x4F, 0x4B};
static const uint8_t blank[32] = {[0 ... 31] = 0xFF};

static void test_a_blank_log_is_finished(void **state) {
  struct state_log l = {.unfinished = false};
  (void)state;
  assert_false(state_log_take(&l, blank));
  assert_false(l.unfinished);
  assert_int_equal(l.records, 0);
}

static void test_records_as_specified(void **state) {
  struct state_log l = {.unfinished = false};
  uint8_t out[32];
  (void)state;
  state_log_build(&l, STATE_LOG_UPDATING, out);
  assert_memory_equal(out, updating, sizeof out);
  assert_true(state_log_take(&l, out));
  assert_true(l.unfinished);
  state_log_build(&l, STATE_LOG_COMPLETE, out);
  assert_memory_equal(out, complete, sizeof out);
  assert_true(state_log_take(&l, out));
  assert_false(l.unfinished);
  assert_int_equal(l.sequence, 2);
  assert_int_equal(l.records, 2);
}

// Any subset of a record's zeros may be missing after a cut: here each prefix of its
// bytes, and each single bit. Only a slot that is wholly blank counts as none.
static void test_torn_records_are_unfinished(void **state) {
  (void)state;
  for (unsigned n = 1; n < 32; n++) {
    struct state_log l = {.unfinished = false};
    uint8_t torn[32];
    memset(torn, 0xFF, sizeof torn);
    memcpy(torn, complete, n);
    assert_true(state_log_take(&l, torn));
    assert_true(l.unfinished);
    assert_int_equal(l.records, 1);
  }
  for (unsigned bit = 0; bit < 256; bit++) {
    struct state_log l = {.unfinished = false};
    uint8_t torn[32];
    memcpy(torn, complete, sizeof torn);
    torn[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_true(state_log_take(&l, torn));
    assert_true(l.unfinished);
  }
}

static void test_only_the_newest_counts(void **state) {
  struct state_log l = {.unfinished = false};
  uint8_t torn[32], third[32];
  (void)state;
  memset(torn, 0xFF, sizeof torn);
  torn[0] = 0;
  assert_true(state_log_take(&l, updating));
  assert_true(state_log_take(&l, complete));
  assert_true(state_log_take(&l, torn));
  assert_true(l.unfinished);
  state_log_build(&l, STATE_LOG_COMPLETE, third);
  assert_true(state_log_take(&l, third));
  assert_false(l.unfinished);
  assert_int_equal(l.sequence, 3);
  assert_int_equal(l.records, 4);
  assert_false(state_log_take(&l, blank));
}

// A record of a kind from the future is whole, and means that something had begun.
static void test_unknown_kinds_are_unfinished(void **state) {
  struct state_log l = {.unfinished = false};
  uint8_t record[32];
  (void)state;
  state_log_build(&l, 0x12345678, record);
  assert_true(state_log_take(&l, record));
  assert_true(l.unfinished);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_blank_log_is_finished),
      cmocka_unit_test(test_records_as_specified),
      cmocka_unit_test(test_torn_records_are_unfinished),
      cmocka_unit_test(test_only_the_newest_counts),
      cmocka_unit_test(test_unknown_kinds_are_unfinished),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
