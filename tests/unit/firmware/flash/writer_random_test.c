// SPDX-License-Identifier: MIT
// Long random histories of erases, writes and reads, some of them failing, against an
// array that says what must be there.
#include "firmware/flash/writer.h"

#include "tests/fakes/random.h"
#include "tests/unit/firmware/flash/writer_rig.h"

enum { OPERATIONS = 120000 };

struct history {
  struct writer_rig *rig;
  struct random random;
  uint8_t expected[RIG_SIZE];
  uint8_t data[WRITER_BLOCK];
  uint32_t failures, refusals;
};

static bool one_in(struct history *h, uint32_t count) {
  return random_one_in(&h->random, count);
}

// The block that holds `offset`, by the picture in writer_rig.h.
static void block_of(uint32_t offset, uint32_t *start, uint32_t *size) {
  *size = offset < RIG_BIG ? 4096 : 16384;
  *start =
      offset < RIG_BIG ? offset & ~4095u : RIG_BIG + ((offset - RIG_BIG) & ~16383u);
}

// After a failure anything may be in [start, start + size), nothing else may change.
static void accept_damage(struct history *h, uint32_t start, uint32_t size) {
  memcpy(h->expected + start, h->rig->medium.bytes + start, size);
  h->failures++;
}

static void fail_something(struct history *h) {
  static const struct {
    enum ram_step step;
    enum status status;
  } faults[] = {
      {RAM_READ, ST_BUS_TIMEOUT},           {RAM_ERASE_START, ST_FLASH_LOCKED},
      {RAM_ERASE_END, ST_ERASE_FAILED},     {RAM_PROGRAM_START, ST_FLASH_LOCKED},
      {RAM_PROGRAM_END, ST_PROGRAM_FAILED}, {RAM_PROGRAM_END, ST_FLASH_TIMEOUT},
  };
  const uint32_t i = random_below(&h->random, sizeof faults / sizeof *faults);
  const uint32_t countdown = 1 + random_below(&h->random, 4);
  ram_medium_fail(&h->rig->medium, faults[i].step, countdown, faults[i].status);
}

static bool failed(struct writer_result r, uint32_t start, uint32_t size) {
  if (r.status == ST_OK) return false;
  assert_in_range(r.address, RIG_BASE + start, RIG_BASE + start + size - 1);
  return true;
}

static void erase(struct history *h) {
  const uint32_t offset = RIG_KEPT + random_below(&h->random, RIG_SIZE - RIG_KEPT);
  uint32_t start, size;
  block_of(offset, &start, &size);
  if (failed(writer_rig_erase(h->rig, offset), start, size)) {
    accept_damage(h, start, size);
  } else {
    memset(h->expected + start, 0xFF, size);
  }
}

static void mass_erase(struct history *h) {
  const uint32_t size = RIG_SIZE - RIG_KEPT;
  if (failed(writer_rig_mass_erase(h->rig), RIG_KEPT, size)) {
    accept_damage(h, RIG_KEPT, size);
  } else {
    memset(h->expected + RIG_KEPT, 0xFF, size);
  }
}

// Bytes that can often be written: all but some are what is there with bits cleared.
static uint32_t make_data(struct history *h, uint32_t offset) {
  const uint32_t most = one_in(h, 20) ? WRITER_BLOCK : 80;
  const uint32_t room = RIG_SIZE - offset;
  const uint32_t length = 1 + random_below(&h->random, most < room ? most : room);
  const bool any = one_in(h, 4);
  for (uint32_t i = 0; i < length; i++) {
    const uint8_t byte = (uint8_t)random_next(&h->random);
    h->data[i] = any ? byte : byte & h->expected[offset + i];
  }
  return length;
}

static uint32_t first_impossible(const struct history *h, uint32_t offset, uint32_t n) {
  uint32_t i = 0;
  while (i < n && !(h->data[i] & ~h->expected[offset + i]))
    i++;
  return i;
}

static void write(struct history *h) {
  const uint32_t offset = RIG_KEPT + random_below(&h->random, RIG_SIZE - RIG_KEPT);
  const uint32_t n = make_data(h, offset);
  const uint32_t bad = first_impossible(h, offset, n);
  const struct writer_result r = writer_rig_write(h->rig, offset, h->data, n);
  if (r.status == ST_NOT_ERASED) {
    assert_true(bad < n);
    assert_int_equal(r.address, RIG_BASE + offset + bad);
    h->refusals++;
  } else if (failed(r, offset, n)) {
    accept_damage(h, offset, n);
  } else {
    assert_int_equal(bad, n);
    memcpy(h->expected + offset, h->data, n);
  }
}

static void read(struct history *h) {
  const uint32_t offset = random_below(&h->random, RIG_SIZE);
  const uint32_t room = RIG_SIZE - offset;
  const uint32_t n = 1 + random_below(&h->random, room < 256 ? room : 256);
  uint8_t got[256];
  const struct media *m = &h->rig->medium.media;
  if (writer_read(&h->rig->writer, m, offset, got, n) != ST_OK) return;
  assert_memory_equal(got, h->expected + offset, n);
}

static void step(struct history *h) {
  if (one_in(h, 50)) fail_something(h);
  const uint32_t dice = random_below(&h->random, 1000);
  if (dice < 2) {
    mass_erase(h);
  } else if (dice < 100) {
    erase(h);
  } else if (dice < 700) {
    write(h);
  } else {
    read(h);
  }
}

static void what_is_there_is_always_what_was_told(void **state) {
  static struct history h;
  h = (struct history){.rig = *state, .random = {2463534242}};
  h.rig->medium.erase_us = h.rig->medium.program_us = 2 * RIG_STEP_US;
  memset(h.rig->medium.bytes, 0xA5, RIG_KEPT);
  memcpy(h.expected, h.rig->medium.bytes, RIG_SIZE);
  for (int i = 0; i < OPERATIONS; i++) {
    step(&h);
    if (i % 64 == 0) assert_memory_equal(h.rig->medium.bytes, h.expected, RIG_SIZE);
  }
  assert_memory_equal(h.rig->medium.bytes, h.expected, RIG_SIZE);
  // The history was worth the name.
  assert_true(h.failures > 500 && h.refusals > 1000);
  assert_true(h.rig->medium.calls[RAM_ERASE_END] > 5000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(what_is_there_is_always_what_was_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
