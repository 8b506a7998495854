// SPDX-License-Identifier: MIT
// Digests of flash on the whole board (docs/spec/digest.md, typed again): the chip's
// CRC unit against zlib's CRC over the cells, how long a digest takes, and that USB is
// served meanwhile. The rig's own limits hold for every request.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/crc32.h"
#include "tests/hostmodel/dfu_client.h"

enum { WORKING = 1, DONE = 2, FAILED = 3, CRC = 1, SYNC_ALL = 2, HEADER = 16 };

static int start(struct rig *r, uint8_t kind, uint32_t address, uint32_t unit,
                 uint16_t count) {
  uint8_t block[12] = {1, kind};
  store_le16(block + 2, count);
  store_le32(block + 4, address);
  store_le32(block + 8, unit);
  return rig_control(r, (struct request){0x41, 0x52, 0, 0, sizeof block}, block);
}

static int fetch(struct rig *r, uint8_t reply[4096]) {
  const int n = rig_control(r, (struct request){0xC1, 0x52, 0, 0, 4096}, reply);
  assert_in_range(n, HEADER, 4096);
  return n;
}

// Until it is no longer working, with the pauses that the board asks for.
static int fetch_end(struct rig *r, uint8_t reply[4096]) {
  for (;;) {
    const int n = fetch(r, reply);
    if (reply[1] != WORKING) return n;
    rig_run(r, VT_MS(load_le32(reply + 12)));
  }
}

static void expect_digest(struct rig *r, uint32_t address, uint32_t unit,
                          uint16_t count) {
  uint8_t reply[4096];
  assert_int_equal(start(r, CRC, address, unit, count), 12);
  assert_int_equal(fetch_end(r, reply), HEADER + 4 * count);
  assert_int_equal(reply[1], DONE);
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *cells = rig_memory(r, address + i * unit);
    assert_int_equal(load_le32(reply + HEADER + 4 * i),
                     ~crc32_update(CRC32_INIT, cells, unit));
  }
}

static void fill(struct rig *r, uint32_t address, uint32_t size) {
  dfu_pattern((uint8_t *)(uintptr_t)rig_memory(r, address), size, address);
}

static void equals_the_cells(void **state) {
  struct rig *r = *state;
  fill(r, APPLICATION, 0x40000);
  fill(r, EXTERNAL, 0x40000);
  expect_digest(r, EXTERNAL, 4096, 64);
  expect_digest(r, EXTERNAL + 5, 1023, 200);
  expect_digest(r, EXTERNAL, 1, 1020);
  expect_digest(r, EXTERNAL_END - 4096, 4096, 1);
  expect_digest(r, INTERNAL, 32768, 3);
  expect_digest(r, APPLICATION + 1, 7, 100);
  expect_digest(r, INTERNAL_END - 0x40000, 0x40000, 1);
}

static void ends_of_flash(void **state) {
  struct rig *r = *state;
  uint8_t reply[4096];
  assert_int_equal(start(r, CRC, EXTERNAL_END - 4096, 4096, 2), 12);
  assert_int_equal(fetch_end(r, reply), HEADER);
  assert_int_equal(reply[1], FAILED);
  assert_int_equal(reply[6], 3);
  assert_int_equal(load_le32(reply + 8), EXTERNAL_END);
  assert_int_equal(start(r, CRC, 0x20000000, 4, 1), 12);
  assert_int_equal(fetch_end(r, reply), HEADER);
  assert_int_equal(reply[6], 1);
  assert_int_equal(start(r, CRC, EXTERNAL, 0, 1), -EPIPE);
  assert_int_equal(dfu_state(r), IDLE);
}

// How long the board says and takes for 1 MB in pieces of 4 KB; USB is served.
static void takes_as_long_as_it_says(void **state) {
  enum { KB = 1024, MOST_US_PER_KB = 200 };
  struct rig *r = *state;
  uint8_t reply[4096];
  const vtime_t begin = machine_now(r->m);
  assert_int_equal(start(r, CRC, EXTERNAL, 4096, KB / 4), 12);
  rig_run(r, VT_MS(2));
  fetch(r, reply);
  assert_int_equal(reply[1], WORKING);
  const uint32_t said_ms = load_le32(reply + 12);
  const vtime_t middle = machine_now(r->m);
  do {
    assert_int_equal(dfu_state(r), IDLE);
    rig_run(r, VT_US(200));
    fetch(r, reply);
  } while (reply[1] == WORKING);
  const uint32_t took_ms = (uint32_t)((machine_now(r->m) - middle) / VT_MS(1));
  const uint32_t us_per_kb = (uint32_t)((machine_now(r->m) - begin) / VT_US(1) / KB);
  print_message("%s: %u us per KB of QSPI flash\n", r->board->label, us_per_kb);
  assert_in_range(said_ms, took_ms * 2 / 3, took_ms + 2);
  assert_true(us_per_kb <= MOST_US_PER_KB);
}

// Cut off at any moment: by a new start, by a bus reset, by nobody who ever asks again.
static void abandoned(void **state) {
  struct rig *r = *state;
  const struct request set_configuration = {0x00, 9, 1, 0, 0};
  uint8_t reply[4096];
  fill(r, APPLICATION, 0x40000);
  for (uint32_t us = 0; us < 4000; us += 370) {
    assert_int_equal(start(r, CRC, EXTERNAL, 4096, 1020), 12);
    rig_run(r, VT_US(us));
    expect_digest(r, APPLICATION, 1000, 30);
    assert_int_equal(start(r, CRC, EXTERNAL, 4096, 1020), 12);
    rig_run(r, VT_US(us));
    assert_int_equal(rig_enumerate(r), 0);
    assert_int_equal(rig_control(r, set_configuration, NULL), 0);
    assert_int_equal(fetch(r, reply), HEADER);
    assert_int_equal(reply[1], 0);
  }
  assert_int_equal(start(r, CRC, EXTERNAL, 4096, 1020), 12);
  dfu_expect_usable(r);
}

// What was accepted counts, though the flash still works on it.
static void with_work_under_way(void **state) {
  struct rig *r = *state;
  uint8_t data[CLIENT_BLOCK], reply[4096];
  fill(r, EXTERNAL, 0x10000);
  assert_int_equal(dfu_command(r, 0x41, EXTERNAL), 5);
  assert_int_equal(dfu_status(r).state, DNBUSY);
  assert_int_equal(start(r, CRC, EXTERNAL, 4096, 16), 12);
  assert_int_equal(dfu_wait(r).state, DNLOAD_IDLE);
  assert_int_equal(fetch_end(r, reply), HEADER + 4 * 16);
  dfu_pattern(data, sizeof data, 9);
  assert_int_equal(dfu_write(r, EXTERNAL, data, sizeof data).state, DNLOAD_IDLE);
  assert_int_equal(start(r, SYNC_ALL, 0, 0, 0), 12);
  assert_int_equal(fetch_end(r, reply), HEADER);
  assert_int_equal(reply[1], DONE);
  assert_memory_equal(rig_memory(r, EXTERNAL), data, sizeof data);
  expect_digest(r, EXTERNAL, 4096, 16);
  assert_int_equal(dfu_state(r), DNLOAD_IDLE);
  dfu_abort(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(equals_the_cells),         RIG_BOTH(ends_of_flash),
      RIG_BOTH(takes_as_long_as_it_says), RIG_BOTH(abandoned),
      RIG_BOTH(with_work_under_way),
  };
  return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
