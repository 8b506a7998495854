// SPDX-License-Identifier: MIT
// A writer over two media of RAM, with a clock and a supply that the test moves. One is
// erased in blocks of 16 KB only, as internal flash is; the other in 4 KB or 16 KB, as a
// NOR flash is.
//
//   0x08000000  1 x 16 KB  read-only        0x90000000  8 x 16 KB  60 ms
//   0x08004000  5 x 16 KB  200 ms                       or 4 KB    20 ms
//                                                       or all    400 ms
#pragma once

#include "firmware/flash/writer.h"
#include "tests/fakes/ram_medium.h"

#define RIG_BIG_BASE 0x08000000u
#define RIG_NOR_BASE 0x90000000u

enum {
  RIG_BLOCK = 16384,
  RIG_KEPT = RIG_BLOCK,  // bytes of the first medium before the first writable block
  RIG_BIG_SIZE = 6 * RIG_BLOCK,
  RIG_NOR_SIZE = 8 * RIG_BLOCK,
  RIG_SLOTS = 12,
  RIG_STEP_US = 100,  // passes whenever the writer waits
};

enum { RIG_BIG, RIG_NOR, RIG_MEDIA };

struct writer_rig {
  uint32_t now_us;
  struct ram_medium media[RIG_MEDIA];
  struct writer writer;
  uint32_t memory[RIG_SLOTS * WRITER_UNIT / 4];
};

static bool writer_rig_supply;

static inline bool writer_rig_supply_good(void) {
  return writer_rig_supply;
}

static const struct media_geometry writer_rig_geometry[RIG_MEDIA] = {
    [RIG_BIG] = {.name = "Big",
                 .base = RIG_BIG_BASE,
                 .size = RIG_BIG_SIZE,
                 .runs = {{RIG_BLOCK, 1, false, 200000}, {RIG_BLOCK, 5, true, 200000}},
                 .run_count = 2,
                 .program_us_per_kb = 4000},
    [RIG_NOR] = {.name = "NOR",
                 .base = RIG_NOR_BASE,
                 .size = RIG_NOR_SIZE,
                 .runs = {{RIG_BLOCK, 8, true, 60000}},
                 .run_count = 1,
                 .erases = {{4096, 20000, 1}, {RIG_BLOCK, 60000, 1}},
                 .erase_count = 2,
                 .whole_erase_us = 400000,
                 .program_us_per_kb = 1000},
};

static inline int writer_rig_open(void **state) {
  struct writer_rig *r = (struct writer_rig *)calloc(1, sizeof *r);
  if (!r) return -1;
  r->now_us = 0xFFFF0000;  // wraps in the first tenth of a second
  writer_rig_supply = true;
  // Garbage before: whoever begins must not rely on zeros.
  memset(&r->writer, 0xA5, sizeof r->writer);
  writer_init(&r->writer, (uint8_t *)r->memory, sizeof r->memory, ram_medium_now,
              &r->now_us, writer_rig_supply_good);
  for (int i = 0; i < RIG_MEDIA; i++) {
    struct ram_medium *m = &r->media[i];
    ram_medium_open(m, &writer_rig_geometry[i], &r->now_us);
    m->erase_us = 20000;
    m->program_us = 3000;
    writer_add(&r->writer, &m->media);
  }
  *state = r;
  return 0;
}

static inline int writer_rig_close(void **state) {
  struct writer_rig *r = (struct writer_rig *)*state;
  for (int i = 0; i < RIG_MEDIA; i++)
    ram_medium_close(&r->media[i]);
  free(r);
  return 0;
}

static inline const struct media *writer_rig_medium(const struct writer_rig *r, int i) {
  return &r->media[i].media;
}

static inline void writer_rig_poll(struct writer_rig *r) {
  if (!writer_poll(&r->writer)) r->now_us += RIG_STEP_US;
}

// Until everything that was taken is done, noted erases as well; how it ended.
static inline struct writer_result writer_rig_finish(struct writer_rig *r) {
  writer_flush(&r->writer);
  for (unsigned n = 0; !writer_settled(&r->writer); n++) {
    assert_true(n < 1000000);
    writer_rig_poll(r);
  }
  return writer_take_result(&r->writer);
}

// Offers until it is taken, or something failed before.
#define WRITER_RIG_UNTIL(r, offer)                                       \
  do {                                                                   \
    for (unsigned n_ = 0; !(offer); n_++) {                              \
      assert_true(n_ < 1000000);                                         \
      if ((r)->writer.result.status != ST_OK) break;                     \
      writer_rig_poll(r);                                                \
    }                                                                    \
  } while (0)

static inline void writer_rig_write(struct writer_rig *r, int medium, uint32_t offset,
                                    const uint8_t *data, uint32_t n) {
  WRITER_RIG_UNTIL(
      r, writer_write(&r->writer, writer_rig_medium(r, medium), offset, data, n));
}

static inline void writer_rig_erase(struct writer_rig *r, int medium, uint32_t offset) {
  WRITER_RIG_UNTIL(r, writer_erase(&r->writer, writer_rig_medium(r, medium), offset));
}

static inline void writer_rig_mass_erase(struct writer_rig *r, int medium) {
  WRITER_RIG_UNTIL(r, writer_mass_erase(&r->writer, writer_rig_medium(r, medium)));
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
