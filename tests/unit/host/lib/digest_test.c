// SPDX-License-Identifier: MIT
// Digests asked of a device that computes them, and of devices that lie: nothing that a
// device answers makes the host believe in a CRC, wait for ever, or say nothing.
#include "host/lib/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/crc32.h"
#include "tests/unit/host/lib/update_rig.h"

struct bench {
  struct fake_board board;
  struct usb_io io;
  struct dfuc client;
  struct qb_error error;
};

static int setup(void **state) {
  struct bench *b = calloc(1, sizeof *b);
  if (!b) return -1;
  fake_board_init(&b->board);
  b->board.digests = true;
  b->board.abilities = 0x8002;
  b->io = fake_board_io(&b->board);
  b->client = (struct dfuc){.io = &b->io, .transfer_size = 1024, .is_quadboot = true};
  *state = b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  b->io.close(b->io.ctx);
  free(b);
  return 0;
}

static uint32_t crc_of(const uint8_t *bytes, size_t n) {
  return ~crc32_update(CRC32_INIT, bytes, n);
}

static void asks_what_it_can_do(void **state) {
  struct bench *b = *state;
  uint16_t abilities = 0;
  assert_true(digest_ask(&b->client, &abilities));
  assert_int_equal(abilities & 2, 2);
  assert_int_equal(b->client.transfers, 1);
  b->board.digests = false;
  assert_false(digest_ask(&b->client, &abilities));
  b->board.digests = true;
  b->board.gone = true;
  assert_false(digest_ask(&b->client, &abilities));
}

static void tells_crcs(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t at, unit;
    uint16_t count;
  } ranges[] = {{0, 4096, 16}, {1, 1, 1020}, {100, 777, 30}, {0, 65536, 1}, {5, 3, 1}};
  for (unsigned polls = 0; polls < 3; polls++) {
    b->board.digest_polls = polls;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
      uint32_t crcs[DIGEST_MOST_UNITS];
      b->board.internal[i] ^= 0x77;
      assert_int_equal(digest_crcs(&b->client, FAKE_INTERNAL + ranges[i].at,
                                   ranges[i].unit, ranges[i].count, crcs, &b->error),
                       DIGEST_TOLD);
      for (size_t k = 0; k < ranges[i].count; k++) {
        assert_int_equal(crcs[k],
                         crc_of(b->board.internal + ranges[i].at + k * ranges[i].unit,
                                ranges[i].unit));
      }
    }
  }
}

// One start, a fetch for each time that it works, and its own times for the pauses.
static void asks_no_more_than_needed(void **state) {
  struct bench *b = *state;
  uint32_t crcs[4];
  b->board.digest_polls = 1;
  assert_int_equal(digest_crcs(&b->client, FAKE_QSPI, 4096, 4, crcs, &b->error),
                   DIGEST_TOLD);
  assert_int_equal(b->client.transfers, 3);
  assert_int_equal(b->board.transfers, 3);
  assert_int_equal(b->board.slept_ms, 2);
}

static void a_bad_range_is_told(void **state) {
  struct bench *b = *state;
  uint32_t crcs[2];
  assert_int_equal(
      digest_crcs(&b->client, FAKE_QSPI + 0xF000, 0x1000, 2, crcs, &b->error),
      DIGEST_REFUSED);
  assert_string_equal(b->error.text,
                      "the board says: at 0x90010000: this address belongs to no "
                      "flash; check the file's addresses");
}

static void syncs(void **state) {
  struct bench *b = *state;
  b->board.digest_polls = 2;
  assert_int_equal(digest_sync(&b->client, &b->error), DIGEST_TOLD);
  assert_int_equal(b->board.syncs, 1);
  b->board.sync_reason = 6;
  assert_int_equal(digest_sync(&b->client, &b->error), DIGEST_REFUSED);
  assert_string_equal(b->error.text,
                      "the board says: at 0x90000123: the flash reports a failed "
                      "write; try again or replace the chip");
  b->board.sync_reason = 250;
  assert_int_equal(digest_sync(&b->client, &b->error), DIGEST_REFUSED);
  expect_sentence(&b->error);
}

static void no_lie_is_believed(void **state) {
  struct bench *b = *state;
  for (int fib = FIB_NONE + 1; fib < FIBS; fib++) {
    uint32_t crcs[3] = {1, 2, 3};
    if (fib == FIB_CRC || fib == FIB_FAILS) continue;  // the next tests
    b->board.fib = (enum fake_fib)fib;
    b->board.slept_ms = 0;
    b->error.text[0] = '\0';
    assert_int_equal(digest_crcs(&b->client, FAKE_QSPI, 512, 3, crcs, &b->error),
                     DIGEST_USELESS);
    expect_sentence(&b->error);
    assert_int_equal(crcs[0] + crcs[1] + crcs[2], 6);
    assert_in_range(b->board.slept_ms, 0, 130000);
    const bool patient = fib == FIB_NEVER_DONE;
    assert_int_equal(b->board.slept_ms >= 100000, patient);
  }
}

static void whatever_happens_to_a_transfer(void **state) {
  struct bench *b = *state;
  static const struct {
    enum fake_fault fault;
    enum digest_result result;
  } faults[] = {{FAULT_STALL, DIGEST_USELESS},
                {FAULT_GONE, DIGEST_LOST},
                {FAULT_TIMEOUT, DIGEST_LOST},
                {FAULT_BROKEN, DIGEST_LOST},
                {FAULT_SHORT, DIGEST_USELESS}};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    for (uint64_t at = 1; at <= 4; at++) {
      uint32_t crcs[3];
      b->io.close(b->io.ctx);
      fake_board_init(&b->board);
      b->board.digests = true;
      b->board.digest_polls = 2;
      b->io = fake_board_io(&b->board);
      b->board.fault = faults[i].fault;
      b->board.at = at;
      const enum digest_result result =
          digest_crcs(&b->client, FAKE_QSPI, 512, 3, crcs, &b->error);
      // Of what goes out nothing can be missing.
      const bool none = faults[i].fault == FAULT_SHORT && at == 1;
      assert_int_equal(result, none ? DIGEST_TOLD : faults[i].result);
      if (!none) expect_sentence(&b->error);
    }
  }
}

#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      test(asks_what_it_can_do),
      test(tells_crcs),
      test(asks_no_more_than_needed),
      test(a_bad_range_is_told),
      test(syncs),
      test(no_lie_is_believed),
      test(whatever_happens_to_a_transfer),
  };
  return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
