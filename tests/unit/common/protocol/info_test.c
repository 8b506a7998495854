// SPDX-License-Identifier: MIT
// The information block, byte by byte from docs/spec/info.md.
#include "common/protocol/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct info info = {.dev_id = 0x0451,
                                 .rev_id = 0x1001,
                                 .flash_kb = 2048,
                                 .optcr = 0xFFFFAAFD,
                                 .optcr1 = 0x00400080,
                                 .nor_status = 0,
                                 .nor_id = {0xC2, 0x20, 0x1A},
                                 .nor_size = 64 << 20,
                                 .unfinished = true};

static const uint8_t block[32] = {1,    32,   0x51, 0x04, 0x01, 0x10, 0x00, 0x08,
                                  0xFD, 0xAA, 0xFF, 0xFF, 0x80, 0x00, 0x40, 0x00,
                                  0,    0xC2, 0x20, 0x1A, 0,    0,    0,    4,
                                  1,    0,    0,    0,    0,    0,    0,    0};

static void test_encode(void **state) {
  uint8_t out[32];
  (void)state;
  memset(out, 0x5A, sizeof out);
  info_encode(&info, out);
  assert_memory_equal(out, block, sizeof block);
}

static void test_decode(void **state) {
  struct info out;
  uint8_t longer[40] = {0};
  (void)state;
  assert_true(info_decode(block, sizeof block, &out));
  assert_int_equal(out.dev_id, 0x0451);
  assert_int_equal(out.rev_id, 0x1001);
  assert_int_equal(out.flash_kb, 2048);
  assert_int_equal(out.optcr, 0xFFFFAAFD);
  assert_int_equal(out.optcr1, 0x00400080);
  assert_int_equal(out.nor_status, 0);
  assert_int_equal(out.nor_id[2], 0x1A);
  assert_int_equal(out.nor_size, 64 << 20);
  assert_true(out.unfinished);
  memcpy(longer, block, sizeof block);
  longer[1] = 40;
  assert_true(info_decode(longer, sizeof longer, &out));
}

// Cut at every byte, each in memory of its own size; another version; a size that lies.
static void test_refuses(void **state) {
  struct info out = {.dev_id = 7};
  uint8_t bad[32];
  (void)state;
  for (size_t n = 0; n < sizeof block; n++) {
    uint8_t *cut = malloc(n ? n : 1);
    memcpy(cut, block, n);
    assert_false(info_decode(cut, n, &out));
    free(cut);
  }
  memcpy(bad, block, sizeof bad);
  bad[0] = 2;
  assert_false(info_decode(bad, sizeof bad, &out));
  bad[0] = 1;
  bad[1] = 31;
  assert_false(info_decode(bad, sizeof bad, &out));
  assert_int_equal(out.dev_id, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_encode),
      cmocka_unit_test(test_decode),
      cmocka_unit_test(test_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
