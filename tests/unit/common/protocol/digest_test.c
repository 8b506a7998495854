// SPDX-License-Identifier: MIT
// The two blocks of the digest request, byte by byte from docs/spec/digest.md.
#include "common/protocol/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t start_block[12] = {1,    1,    0xFC, 0x03, 0x78, 0x56,
                                        0x34, 0x12, 0x00, 0x10, 0,    0};
static const uint8_t sync_block[12] = {1, 2};
static const uint8_t header_block[16] = {
    1, 3, 0x03, 0x80, 0x34, 0x12, 7, 0, 0xEF, 0xCD, 0xAB, 0x90, 0x0D, 0x0C, 0x0B, 0x0A};

static void test_start_encode(void **state) {
  const struct digest_start s = {
      .kind = DIGEST_CRC32, .count = 1020, .address = 0x12345678, .unit = 4096};
  const struct digest_start sync = {.kind = DIGEST_SYNC};
  uint8_t out[12];
  (void)state;
  memset(out, 0x5A, sizeof out);
  digest_start_encode(&s, out);
  assert_memory_equal(out, start_block, sizeof out);
  digest_start_encode(&sync, out);
  assert_memory_equal(out, sync_block, sizeof out);
}

static void test_start_decode(void **state) {
  struct digest_start s;
  (void)state;
  assert_true(digest_start_decode(start_block, &s));
  assert_int_equal(s.kind, DIGEST_CRC32);
  assert_int_equal(s.count, 1020);
  assert_int_equal(s.address, 0x12345678);
  assert_int_equal(s.unit, 4096);
  assert_true(digest_start_decode(sync_block, &s));
  assert_int_equal(s.kind, DIGEST_SYNC);
}

// Byte `at` of a good block becomes `value`.
static bool takes(const uint8_t *good, size_t at, uint8_t value) {
  uint8_t block[12];
  struct digest_start s;
  memcpy(block, good, sizeof block);
  block[at] = value;
  return digest_start_decode(block, &s);
}

static void test_start_refuses(void **state) {
  (void)state;
  assert_false(takes(start_block, 0, 0));  // versions
  assert_false(takes(start_block, 0, 2));
  for (unsigned kind = 0; kind < 256; kind++)
    assert_int_equal(takes(start_block, 1, (uint8_t)kind), kind == 1);
  assert_false(takes(start_block, 2, 0xFD));  // 1021 units
  assert_false(takes(start_block, 3, 0xFF));
  assert_true(takes(start_block, 3, 0));   // 252
  assert_false(takes(start_block, 9, 0));  // units of no bytes
  assert_true(takes(start_block, 8, 1));   // of 4097
  assert_false(takes(sync_block, 2, 1));   // a sync has no units
  assert_false(takes(sync_block, 1, 1));   // CRCs of no units
}

static void test_header_encode(void **state) {
  const struct digest_header h = {.state = DIGEST_FAILED,
                                  .abilities = 0x8003,
                                  .finished = 0x1234,
                                  .reason = 7,
                                  .address = 0x90ABCDEF,
                                  .remaining_ms = 0x0A0B0C0D};
  uint8_t out[16];
  (void)state;
  memset(out, 0x5A, sizeof out);
  digest_header_encode(&h, out);
  assert_memory_equal(out, header_block, sizeof out);
}

static void test_header_decode(void **state) {
  struct digest_header h;
  uint8_t longer[20] = {0};
  (void)state;
  memcpy(longer, header_block, sizeof header_block);
  assert_true(digest_header_decode(longer, sizeof longer, &h));
  assert_int_equal(h.state, DIGEST_FAILED);
  assert_int_equal(h.abilities, 0x8003);
  assert_int_equal(h.abilities & DIGEST_SECTOR_EXACT, 1);
  assert_int_equal(h.abilities & DIGEST_MIXED_MEDIA, 2);
  assert_int_equal(h.finished, 0x1234);
  assert_int_equal(h.reason, 7);
  assert_int_equal(h.address, 0x90ABCDEF);
  assert_int_equal(h.remaining_ms, 0x0A0B0C0D);
}

// Cut at every byte, each in memory of its own size; other versions and states.
static void test_header_refuses(void **state) {
  struct digest_header h = {.finished = 7};
  uint8_t bad[16];
  (void)state;
  for (size_t n = 0; n < sizeof header_block; n++) {
    uint8_t *cut = malloc(n ? n : 1);
    memcpy(cut, header_block, n);
    assert_false(digest_header_decode(cut, n, &h));
    free(cut);
  }
  memcpy(bad, header_block, sizeof bad);
  bad[0] = 2;
  assert_false(digest_header_decode(bad, sizeof bad, &h));
  bad[0] = 1;
  bad[1] = 4;
  assert_false(digest_header_decode(bad, sizeof bad, &h));
  assert_int_equal(h.finished, 7);
  for (bad[1] = 0; bad[1] < 4; bad[1]++)
    assert_true(digest_header_decode(bad, sizeof bad, &h));
}

// As many CRCs as fit behind the header in one transfer of DFU's size.
static void test_sizes(void **state) {
  (void)state;
  assert_int_equal(DIGEST_MOST_UNITS, 1020);
  assert_int_equal(DIGEST_HEADER_SIZE + 4 * DIGEST_MOST_UNITS, 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_start_encode),  cmocka_unit_test(test_start_decode),
      cmocka_unit_test(test_start_refuses), cmocka_unit_test(test_header_encode),
      cmocka_unit_test(test_header_decode), cmocka_unit_test(test_header_refuses),
      cmocka_unit_test(test_sizes),
  };
  return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
