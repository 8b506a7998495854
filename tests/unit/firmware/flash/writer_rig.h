// SPDX-License-Identifier: MIT
// A writer over a medium of RAM, with a clock and a supply that the test moves.
//
//   0x90000000  2 x  4 KB  read-only
//   0x90002000  4 x  4 KB  30 ms
//   0x90006000  2 x 16 KB  200 ms
#pragma once

#include "firmware/flash/writer.h"
#include "tests/fakes/ram_medium.h"

#define RIG_BASE 0x90000000u

enum {
  RIG_KEPT = 0x2000,  // bytes before the first writable block
  RIG_BIG = 0x6000,   // first block of 16 KB
  RIG_SIZE = 0xE000,
  RIG_STEP_US = 100,  // passes whenever the writer waits
};

struct writer_rig {
  uint32_t now_us;
  struct ram_medium medium;
  struct writer writer;
};

static bool writer_rig_supply;

static inline bool writer_rig_supply_good(void) {
  return writer_rig_supply;
}

static inline int writer_rig_open(void **state) {
  static const struct media_geometry geometry = {
      .name = "Rig",
      .base = RIG_BASE,
      .size = RIG_SIZE,
      .runs = {{4096, 2, false, 30000},
               {4096, 4, true, 30000},
               {16384, 2, true, 200000}},
      .run_count = 3,
      .program_us_per_kb = 1000,
  };
  struct writer_rig *r = (struct writer_rig *)malloc(sizeof *r);
  if (!r) return -1;
  r->now_us = 0xFFFF0000;  // wraps in the first tenth of a second
  writer_rig_supply = true;
  ram_medium_open(&r->medium, &geometry, &r->now_us);
  r->medium.erase_us = 20000;
  r->medium.program_us = 3000;
  // Garbage before: whoever begins must not rely on zeros.
  memset(&r->writer, 0xA5, sizeof r->writer);
  writer_init(&r->writer, ram_medium_now, &r->now_us, writer_rig_supply_good);
  *state = r;
  return 0;
}

static inline int writer_rig_close(void **state) {
  struct writer_rig *r = (struct writer_rig *)*state;
  ram_medium_close(&r->medium);
  free(r);
  return 0;
}

// Until the work is done; how it ended.
static inline struct writer_result writer_rig_run(struct writer_rig *r) {
  for (unsigned steps = 0; writer_busy(&r->writer); steps++) {
    assert_true(steps < 100000);
    assert_true(writer_remaining_us(&r->writer) >= 1);
    if (!writer_poll(&r->writer)) r->now_us += RIG_STEP_US;
  }
  return writer_take_result(&r->writer);
}

static inline struct writer_result writer_rig_erase(struct writer_rig *r,
                                                    uint32_t offset) {
  writer_erase(&r->writer, &r->medium.media, offset);
  return writer_rig_run(r);
}

static inline struct writer_result writer_rig_mass_erase(struct writer_rig *r) {
  writer_mass_erase(&r->writer, &r->medium.media);
  return writer_rig_run(r);
}

static inline struct writer_result writer_rig_write(struct writer_rig *r,
                                                    uint32_t offset,
                                                    const uint8_t *data, uint32_t n) {
  writer_write(&r->writer, &r->medium.media, offset, data, n);
  return writer_rig_run(r);
}

#define writer_rig_test(test) \
  cmocka_unit_test_setup_teardown(test, writer_rig_open, writer_rig_close)

#define assert_result(result, expected_status, expected_address)       \
  do {                                                                 \
    const struct writer_result result_ = (result);                     \
    assert_int_equal(result_.status, expected_status);                 \
    if (result_.status != ST_OK)                                       \
      assert_int_equal(result_.address, (uint32_t)(expected_address)); \
  } while (0)
