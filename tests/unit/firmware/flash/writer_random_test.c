// SPDX-License-Identifier: MIT
// Long random histories of erases, writes and reads on two media at once, some of them
// failing, some behind a closed gate, some after an interruption, against arrays in
// which each command has run at once. The media themselves refuse what flash punishes:
// bits that would rise, places programmed twice where that is forbidden, reads while
// busy.
#include "firmware/flash/writer.h"

#include "tests/fakes/random.h"
#include "tests/unit/firmware/flash/writer_rig.h"

enum { OPERATIONS = 1000000 };

struct history {
  struct writer_rig *rig;
  struct random random;
  bool faults;
  uint8_t *expected[RIG_MEDIA];
  uint8_t data[WRITER_BLOCK];
  // Polls since a change waits for the gate, and how it is put on record.
  uint32_t waited, records;
  bool recording;
  uint32_t failures, writes, downloads, busy_reads, settles, gates, weak;
};

enum { RECORD = 256 };  // a page: it may be one that is programmed only once

static uint32_t below(struct history *h, uint32_t count) {
  return random_below(&h->random, count);
}

static bool one_in(struct history *h, uint32_t count) {
  return random_one_in(&h->random, count);
}

static uint32_t first_of(int medium) {
  return medium == RIG_BIG ? RIG_KEPT : 0;
}

static uint32_t size_of(int medium) {
  return writer_rig_geometry[medium].size;
}

// After a failure all that was taken is dropped: what is there is what counts.
static bool recover(struct history *h) {
  struct writer *w = &h->rig->writer;
  if (w->result.status == ST_OK) return false;
  const struct writer_result r = writer_take_result(w);
  const uint32_t offset =
      r.address - (r.address >= RIG_NOR_BASE ? RIG_NOR_BASE : RIG_BIG_BASE);
  assert_true(offset < size_of(r.address >= RIG_NOR_BASE ? RIG_NOR : RIG_BIG));
  for (unsigned n = 0; !writer_settled(w); n++) {
    assert_true(n < 100000);
    writer_rig_poll(h->rig);
  }
  (void)writer_take_result(w);  // of an operation that was the other medium's last
  for (int i = 0; i < RIG_MEDIA; i++)
    memcpy(h->expected[i], h->rig->media[i].bytes, size_of(i));
  h->failures++;
  return true;
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
  const uint32_t i = below(h, sizeof faults / sizeof *faults);
  ram_medium_fail(&h->rig->media[below(h, 2)], faults[i].step, 1 + below(h, 4),
                  faults[i].status);
}

// --- the gate, as the session opens it ---

// With nothing under way, and room for the record: the session closes it when all is
// settled, but what has come since may wait.
static void close_gate(struct history *h) {
  struct writer_rig *r = h->rig;
  for (int i = 0; i < RIG_MEDIA; i++) {
    if (!writer_idle(&r->writer, writer_rig_medium(r, i))) return;
  }
  if (r->writer.used == RIG_SLOTS || !r->writer.gate) return;
  r->writer.gate = r->writer.wants_change = false;
  h->waited = 0;
  writer_rig_forget_log(r);
}

static bool log_is_done(struct history *h) {
  struct writer_rig *r = h->rig;
  for (unsigned n = 0; !writer_idle(&r->writer, writer_rig_medium(r, RIG_BIG)); n++) {
    assert_true(n < 1000);
    writer_rig_poll(r);
  }
  return r->writer.result.status == ST_OK;
}

static bool erase_log(struct history *h) {
  struct writer_rig *r = h->rig;
  const struct media *m = writer_rig_medium(r, RIG_BIG);
  WRITER_RIG_UNTIL(r, writer_erase_now(&r->writer, m, 0));
  if (!log_is_done(h)) return false;
  memset(h->expected[RIG_BIG], 0xFF, RIG_KEPT);
  return true;
}

// A place where a record failed is not used again.
static bool put_record(struct history *h) {
  struct writer_rig *r = h->rig;
  const uint32_t at = h->records % (RIG_KEPT / RECORD) * RECORD;
  uint8_t record[RECORD];
  for (size_t i = 0; i < sizeof record; i++)
    record[i] = (uint8_t)random_next(&h->random);
  if (at == 0 && !erase_log(h)) return false;
  WRITER_RIG_UNTIL(r, writer_write_now(&r->writer, writer_rig_medium(r, RIG_BIG), at,
                                       record, sizeof record));
  h->records++;
  if (!log_is_done(h)) return false;
  assert_memory_equal(r->media[RIG_BIG].bytes + at, record, sizeof record);
  memcpy(h->expected[RIG_BIG] + at, record, sizeof record);
  return true;
}

static void assert_only_log(const struct writer_rig *r) {
  const struct ram_medium *big = &r->media[RIG_BIG];
  assert_int_equal(r->media[RIG_NOR].logged, 0);
  for (uint32_t i = 0; i < big->logged; i++)
    assert_true(big->log[i].offset < RIG_KEPT);
}

// Some polls after a change began to wait for it, the gate opens.
static void watch_gate(void *ctx) {
  struct history *h = ctx;
  struct writer *w = &h->rig->writer;
  if (w->gate || !w->wants_change || h->recording) return;
  if (h->waited++ < 1 + h->records % 50) return;
  h->recording = true;
  if (w->result.status == ST_OK && put_record(h)) {
    assert_only_log(h->rig);
    w->gate = true;
    w->wants_change = false;
    h->gates++;
  }
  h->recording = false;
}

static void erase(struct history *h, int medium, uint32_t offset) {
  writer_rig_erase(h->rig, medium, offset);
  if (recover(h)) return;
  memset(h->expected[medium] + offset / RIG_BLOCK * RIG_BLOCK, 0xFF, RIG_BLOCK);
}

static void mass_erase(struct history *h, int medium) {
  writer_rig_mass_erase(h->rig, medium);
  if (recover(h)) return;
  const uint32_t first = first_of(medium);
  memset(h->expected[medium] + first, 0xFF, size_of(medium) - first);
}

// What is there, or some bits of it, or blank, or anything.
static void make_data(struct history *h, const uint8_t *there, uint32_t n) {
  const uint32_t kind = below(h, 6);
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t any = (uint8_t)random_next(&h->random);
    h->data[i] = kind == 0   ? there[i]
                 : kind == 1 ? (uint8_t)(there[i] & any)
                 : kind == 2 ? 0xFF
                             : any;
  }
  if (kind == 3 && n) {  // one byte differs
    memcpy(h->data, there, n);
    h->data[below(h, n)] ^= (uint8_t)(1u + below(h, 255));
  }
}

static void write_bytes(struct history *h, int medium, uint32_t offset, uint32_t n) {
  make_data(h, h->expected[medium] + offset, n);
  writer_rig_write(h->rig, medium, offset, h->data, n);
  if (recover(h)) return;
  memcpy(h->expected[medium] + offset, h->data, n);
  h->writes++;
}

static void write(struct history *h, int medium, uint32_t offset) {
  const uint32_t room = size_of(medium) - offset;
  const uint32_t n = one_in(h, 3) ? WRITER_BLOCK : 1 + below(h, 300);
  if (one_in(h, 3)) offset &= ~(uint32_t)(WRITER_UNIT - 1);
  write_bytes(h, medium, offset, n < room ? n : room);
}

static void polls(struct history *h) {
  for (uint32_t n = one_in(h, 2) ? 0 : below(h, 40); n; n--)
    writer_rig_poll(h->rig);
}

// As hosts do it: some blocks are erased, and then their units come in order.
static void download(struct history *h, int medium, uint32_t offset) {
  uint32_t block = offset / RIG_BLOCK * RIG_BLOCK;
  for (uint32_t n = 1 + below(h, 3); n && block < size_of(medium); n--) {
    erase(h, medium, block);
    polls(h);
    const uint32_t end = block + (1 + below(h, 4)) * WRITER_UNIT;
    for (uint32_t at = block; at < end; at += WRITER_UNIT) {
      write_bytes(h, medium, at, WRITER_UNIT);
      polls(h);
    }
    if (one_in(h, 4)) writer_flush(&h->rig->writer);
    block += (1 + below(h, 2)) * RIG_BLOCK;
  }
  h->downloads++;
}

static void read(struct history *h, int medium) {
  const uint32_t offset = below(h, size_of(medium));
  const uint32_t room = size_of(medium) - offset;
  const uint32_t n = 1 + below(h, room < 6000 ? room : 6000);
  static uint8_t got[6000];
  const struct media *m = writer_rig_medium(h->rig, medium);
  const enum status status = writer_read(&h->rig->writer, m, offset, got, n);
  if (status == ST_NOT_NOW) h->busy_reads++;
  if (status != ST_OK) return;
  assert_memory_equal(got, h->expected[medium] + offset, n);
}

static void settle(struct history *h) {
  const struct writer_result r = writer_rig_finish(h->rig);
  h->rig->writer.result = r;
  if (recover(h)) return;
  for (int i = 0; i < RIG_MEDIA; i++)
    assert_memory_equal(h->rig->media[i].bytes, h->expected[i], size_of(i));
  h->settles++;
  if (one_in(h, 2)) close_gate(h);
}

static void step(struct history *h) {
  const int medium = (int)below(h, 2);
  const uint32_t offset =
      first_of(medium) + below(h, size_of(medium) - first_of(medium));
  const uint32_t dice = below(h, 1000);
  if (h->faults && one_in(h, 500)) fail_something(h);
  if (dice < 2) {
    mass_erase(h, medium);
  } else if (dice == 2) {
    writer_distrust(&h->rig->writer);
    h->weak++;
  } else if (dice < 6) {
    close_gate(h);
  } else if (dice < 10) {
    settle(h);
  } else if (dice < 15) {
    download(h, medium, offset);
  } else if (dice < 60) {
    erase(h, medium, offset);
  } else if (dice < 300) {
    write(h, medium, offset);
  } else if (dice < 500) {
    read(h, medium);
  } else {
    writer_rig_poll(h->rig);
  }
  recover(h);
}

static void run(struct writer_rig *rig, bool faults, uint32_t once, uint32_t seed) {
  struct history h = {.rig = rig, .random = {seed}, .faults = faults};
  rig->polled = watch_gate;
  rig->polled_ctx = &h;
  ram_medium_fetches(&rig->media[RIG_NOR]);
  for (int i = 0; i < RIG_MEDIA; i++) {
    rig->media[i].erase_us = rig->media[i].program_us = 3 * RIG_STEP_US;
    rig->media[i].media.geometry.program_once = once;
    h.expected[i] = malloc(size_of(i));
    assert_non_null(h.expected[i]);
  }
  memset(rig->media[RIG_BIG].bytes, 0xA5, RIG_KEPT);
  for (int i = 0; i < RIG_MEDIA; i++)
    memcpy(h.expected[i], rig->media[i].bytes, size_of(i));
  for (int i = 0; i < OPERATIONS / 3; i++)
    step(&h);
  settle(&h);
  // The history was worth the name.
  assert_true(h.writes > 50000 && h.busy_reads > 1000 && h.settles > 1000);
  assert_true(h.gates > 100 && h.weak > 100 && h.downloads > 1000);
  assert_int_equal(h.failures > 100, faults);
  for (int i = 0; i < RIG_MEDIA; i++)
    free(h.expected[i]);
}

static void what_is_there_is_what_was_told(void **state) {
  run(*state, false, 0, 2463534242);
}

static void nothing_is_programmed_twice(void **state) {
  run(*state, false, 16, 88675123);
}

static void failures_are_told_and_lose_nothing_else(void **state) {
  run(*state, true, 0, 521288629);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(what_is_there_is_what_was_told),
      writer_rig_test(nothing_is_programmed_twice),
      writer_rig_test(failures_are_told_and_lose_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
