// SPDX-License-Identifier: MIT
// A writer over two media of RAM, with a clock and a supply that the test moves. One is
// erased in blocks of 16 KB only, as internal flash is; the other in 4 KB or 16 KB, as
// a NOR flash is.
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
  // Called after each poll, if the test wants.
  void (*polled)(void *ctx);
  void *polled_ctx;
  // What would be there had each command run at once.
  uint8_t want[RIG_MEDIA][RIG_NOR_SIZE];
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

static inline void writer_rig_take_as_is(struct writer_rig *r) {
  for (int i = 0; i < RIG_MEDIA; i++)
    memcpy(r->want[i], r->media[i].bytes, r->media[i].media.geometry.size);
}

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
  writer_rig_take_as_is(r);
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
  if (r->polled) r->polled(r->polled_ctx);
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
#define WRITER_RIG_UNTIL(r, offer)                   \
  do {                                               \
    for (unsigned n_ = 0; !(offer); n_++) {          \
      assert_true(n_ < 1000000);                     \
      if ((r)->writer.result.status != ST_OK) break; \
      writer_rig_poll(r);                            \
    }                                                \
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

// --- commands whose effect is kept in `want` as well ---

// Old bytes have bit 7 clear and new ones have it set, so each new byte needs an erase
// over each old one.
static inline uint8_t writer_rig_old(uint32_t offset) {
  return (uint8_t)((offset * 7 + offset / 251) & 0x7F);
}

static inline uint8_t writer_rig_new(uint32_t offset) {
  return (uint8_t)(0x80 | ((offset * 5 + offset / 253) & 0x3F));
}

static inline void writer_rig_make_old(struct writer_rig *r) {
  for (int i = 0; i < RIG_MEDIA; i++) {
    for (uint32_t k = 0; k < r->media[i].media.geometry.size; k++)
      r->media[i].bytes[k] = writer_rig_old(k);
  }
  writer_rig_take_as_is(r);
}

static inline void rig_wipe(struct writer_rig *r, int medium, uint32_t offset) {
  writer_rig_erase(r, medium, offset);
  memset(r->want[medium] + offset / RIG_BLOCK * RIG_BLOCK, 0xFF, RIG_BLOCK);
}

static inline void rig_send(struct writer_rig *r, int medium, uint32_t offset,
                            const uint8_t *data, uint32_t n) {
  for (uint32_t i = 0; i < n; i += WRITER_BLOCK) {
    const uint32_t piece = n - i < WRITER_BLOCK ? n - i : WRITER_BLOCK;
    writer_rig_write(r, medium, offset + i, data + i, piece);
  }
  memcpy(r->want[medium] + offset, data, n);
}

static inline void rig_send_new(struct writer_rig *r, int medium, uint32_t offset,
                                uint32_t n) {
  static uint8_t data[RIG_NOR_SIZE];
  for (uint32_t i = 0; i < n; i++)
    data[i] = writer_rig_new(offset + i);
  rig_send(r, medium, offset, data, n);
}

// What is there by now, or is to be there, once more.
static inline void rig_send_same(struct writer_rig *r, int medium, uint32_t offset,
                                 uint32_t n) {
  static uint8_t data[RIG_NOR_SIZE];
  memcpy(data, r->want[medium] + offset, n);
  rig_send(r, medium, offset, data, n);
}

static inline void rig_pass(struct writer_rig *r, uint32_t us) {
  const uint32_t from = r->now_us;
  while (r->now_us - from < us)
    writer_rig_poll(r);
}

// --- what was done, by the media's own count ---

static inline void assert_flash(const struct writer_rig *r) {
  for (int i = 0; i < RIG_MEDIA; i++)
    assert_memory_equal(r->media[i].bytes, r->want[i], r->media[i].media.geometry.size);
}

static inline void assert_all_done(struct writer_rig *r) {
  assert_int_equal(writer_rig_finish(r).status, ST_OK);
  assert_flash(r);
}

static inline void assert_read(const struct writer_rig *r, int medium, uint32_t offset,
                               uint32_t n) {
  static uint8_t got[RIG_NOR_SIZE];
  assert_int_equal(
      writer_read(&r->writer, writer_rig_medium(r, medium), offset, got, n), ST_OK);
  assert_memory_equal(got, r->want[medium] + offset, n);
}

static inline void writer_rig_forget_log(struct writer_rig *r) {
  for (int i = 0; i < RIG_MEDIA; i++)
    r->media[i].logged = 0;
}

static inline uint32_t writer_rig_count(const struct writer_rig *r, int medium,
                                        bool erases) {
  const struct ram_medium *m = &r->media[medium];
  uint32_t count = 0;
  assert_true(m->logged < RAM_LOG);
  for (uint32_t i = 0; i < m->logged; i++)
    count += m->log[i].erasing == erases;
  return count;
}

// Pages of 256 bytes that were touched by a program.
static inline uint32_t writer_rig_pages(const struct writer_rig *r, int medium) {
  const struct ram_medium *m = &r->media[medium];
  uint32_t pages = 0;
  assert_true(m->logged < RAM_LOG);
  for (uint32_t i = 0; i < m->logged; i++) {
    const struct ram_operation *o = &m->log[i];
    if (!o->erasing) pages += (o->offset + o->size - 1) / 256 - o->offset / 256 + 1;
  }
  return pages;
}

static inline void writer_rig_expect(const struct writer_rig *r, int medium,
                                     bool erases, const uint32_t (*list)[2], size_t n) {
  const struct ram_medium *m = &r->media[medium];
  size_t at = 0;
  assert_int_equal(writer_rig_count(r, medium, erases), n);
  for (uint32_t i = 0; i < m->logged; i++) {
    if (m->log[i].erasing != erases) continue;
    assert_int_equal(m->log[i].offset, list[at][0]);
    assert_int_equal(m->log[i].size, list[at][1]);
    at++;
  }
}

// assert_erases(r, medium, {offset, size}, ...): these, in this order, and no other.
#define assert_operations(r, medium, erases, ...)                                \
  do {                                                                           \
    static const uint32_t list_[][2] = {__VA_ARGS__};                            \
    writer_rig_expect(r, medium, erases, list_, sizeof list_ / sizeof list_[0]); \
  } while (0)
#define assert_erases(r, medium, ...)   assert_operations(r, medium, true, __VA_ARGS__)
#define assert_programs(r, medium, ...) assert_operations(r, medium, false, __VA_ARGS__)

static inline void assert_untouched(const struct writer_rig *r) {
  for (int i = 0; i < RIG_MEDIA; i++)
    assert_int_equal(r->media[i].logged, 0);
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
