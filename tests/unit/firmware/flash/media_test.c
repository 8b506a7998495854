// SPDX-License-Identifier: MIT
// Which erase block holds an offset.
#include "firmware/flash/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KB 1024u

// 2 MB in one bank, sectors 0 and 1 kept (RM0410 table 3, DS11532 table 53).
static const struct media_geometry internal = {
    .base = 0x08000000,
    .size = 2048 * KB,
    .runs = {{32 * KB, 2, false, 200},
             {32 * KB, 2, true, 201},
             {128 * KB, 1, true, 500},
             {256 * KB, 7, true, 1000}},
    .run_count = 4,
};

static void each_edge_belongs_to_its_block(void **state) {
  (void)state;
  static const struct {
    uint32_t offset, start, size, erase_us;
    bool writable;
    uint8_t run;
    uint32_t run_start, run_end;
  } cases[] = {
      {0, 0, 32 * KB, 200, false, 0, 0, 64 * KB},
      {32 * KB - 1, 0, 32 * KB, 200, false, 0, 0, 64 * KB},
      {32 * KB, 32 * KB, 32 * KB, 200, false, 0, 0, 64 * KB},
      {64 * KB - 1, 32 * KB, 32 * KB, 200, false, 0, 0, 64 * KB},
      {64 * KB, 64 * KB, 32 * KB, 201, true, 1, 64 * KB, 128 * KB},
      {96 * KB, 96 * KB, 32 * KB, 201, true, 1, 64 * KB, 128 * KB},
      {128 * KB - 1, 96 * KB, 32 * KB, 201, true, 1, 64 * KB, 128 * KB},
      {128 * KB, 128 * KB, 128 * KB, 500, true, 2, 128 * KB, 256 * KB},
      {256 * KB - 1, 128 * KB, 128 * KB, 500, true, 2, 128 * KB, 256 * KB},
      {256 * KB, 256 * KB, 256 * KB, 1000, true, 3, 256 * KB, 2048 * KB},
      {1000 * KB, 768 * KB, 256 * KB, 1000, true, 3, 256 * KB, 2048 * KB},
      {2048 * KB - 1, 1792 * KB, 256 * KB, 1000, true, 3, 256 * KB, 2048 * KB},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct media_block b;
    assert_true(media_block_at(&internal, cases[i].offset, &b));
    assert_int_equal(b.offset, cases[i].start);
    assert_int_equal(b.size, cases[i].size);
    assert_int_equal(b.erase_us, cases[i].erase_us);
    assert_int_equal(b.writable, cases[i].writable);
    assert_int_equal(b.run, cases[i].run);
    assert_int_equal(b.run_start, cases[i].run_start);
    assert_int_equal(b.run_end, cases[i].run_end);
  }
}

// Offsets come from subtracting a base from any address a host may name.
static void nothing_lies_beyond_the_end(void **state) {
  (void)state;
  static const uint32_t beyond[] = {2048 * KB, 2048 * KB + 1, 0x7FFFFFFF, 0x80000000,
                                    0xFFFFFFFF};
  for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
    struct media_block b = {.size = 123};
    assert_false(media_block_at(&internal, beyond[i], &b));
    assert_int_equal(b.size, 123);
  }
}

static void a_medium_without_blocks_holds_nothing(void **state) {
  (void)state;
  static const struct media_geometry empty = {.base = 0x90000000};
  struct media_block b;
  assert_false(media_block_at(&empty, 0, &b));
}

static void walking_from_block_to_block_meets_every_byte_once(void **state) {
  (void)state;
  static const uint32_t sizes[] = {32,  32,  32,  32,  128, 256,
                                   256, 256, 256, 256, 256, 256};
  uint32_t at = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct media_block b;
    assert_true(media_block_at(&internal, at, &b));
    assert_int_equal(b.offset, at);
    assert_int_equal(b.size, sizes[i] * KB);
    at = b.offset + b.size;
  }
  assert_int_equal(at, internal.size);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_edge_belongs_to_its_block),
      cmocka_unit_test(nothing_lies_beyond_the_end),
      cmocka_unit_test(a_medium_without_blocks_holds_nothing),
      cmocka_unit_test(walking_from_block_to_block_meets_every_byte_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
