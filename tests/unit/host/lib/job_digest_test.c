// SPDX-License-Identifier: MIT
// Updates of a board that computes checksums: what is sent, in which order, how it is
// verified, and that a board which lies or is lost on the way ends up no worse.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/update_rig.h"

enum { EXACT = 1, MIXED = 2, CELL = 4096 };

static void plan(struct update_rig *r) {
  r->board.digests = true;
  r->options.job.digest = true;
  update_rig_plan(r);
}

static int setup(void **state) {
  const int result = update_rig_setup(state);
  plan(*state);
  return result;
}

// A fresh board, and a plan for it.
static void renew(struct update_rig *r) {
  if (r->connected) connection_close(&r->connection);
  r->connected = false;
  plan_free(&r->plan);
  fake_board_init(&r->board);
  r->losses = r->returns = 0;
  plan(r);
}

static void put_files(struct update_rig *r) {
  memcpy(r->board.internal, r->application, RIG_APPLICATION);
  memcpy(r->board.qspi, r->assets, RIG_ASSETS);
}

static size_t count_in(const struct fake_board *f, enum fake_deed deed,
                       uint32_t address, uint32_t size) {
  size_t n = 0;
  for (size_t i = 0; i < f->logged; i++) {
    n += f->log[i].deed == deed && f->log[i].address - address < size;
  }
  return n;
}

static uint32_t bytes_written(const struct fake_board *f) {
  uint32_t bytes = 0;
  for (size_t i = 0; i < f->logged; i++) {
    if (f->log[i].deed == FAKE_WROTE) bytes += f->log[i].size;
  }
  return bytes;
}

// ---- What is sent ----------------------------------------------------------

static void what_is_there_is_not_sent(void **state) {
  struct update_rig *r = *state;
  put_files(r);
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&r->plan, UNIT_UNCHANGED), r->plan.count);
  assert_int_equal(r->plan.skipped, RIG_APPLICATION + RIG_ASSETS);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 0);
  assert_int_equal(fake_board_count(&r->board, FAKE_WROTE), 0);
  assert_int_equal(fake_board_count(&r->board, FAKE_READ), 0);
  // Sectors of one size in a row are one request: 8 KB twice, the rest, 16 KB, the
  // rest.
  assert_int_equal(r->board.starts, 4);
}

static void all_is_sent_and_verified_without_reading(void **state) {
  struct update_rig *r = *state;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&r->plan, UNIT_VERIFIED), r->plan.count);
  assert_int_equal(r->plan.skipped, 0);
  assert_int_equal(bytes_written(&r->board), RIG_APPLICATION + RIG_ASSETS);
  assert_int_equal(fake_board_count(&r->board, FAKE_READ), 0);
  assert_int_equal(r->board.syncs, 1);
  // The ABORT that says "complete" comes behind all that.
  assert_int_equal(r->board.log[r->board.logged - 1].deed, FAKE_ABORTED);
}

static void a_sector_that_differs_is_sent_whole(void **state) {
  struct update_rig *r = *state;
  put_files(r);
  r->board.qspi[5] ^= 1;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 1);
  assert_int_equal(count_in(&r->board, FAKE_ERASED, FAKE_QSPI, 1), 1);
  assert_int_equal(bytes_written(&r->board), 16384);
  assert_int_equal(r->plan.skipped, RIG_APPLICATION + RIG_ASSETS - 16384);
}

static void a_sector_exact_board_gets_4_kb(void **state) {
  struct update_rig *r = *state;
  r->board.abilities = EXACT;
  put_files(r);
  r->board.qspi[2 * CELL + 7] ^= 1;
  r->board.qspi[RIG_ASSETS + 3] = 0x42;  // beside what is named
  r->board.qspi[RIG_ASSETS - 1] ^= 1;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 0);
  assert_int_equal(bytes_written(&r->board), CELL + RIG_ASSETS - 4 * CELL);
  assert_int_equal(count_in(&r->board, FAKE_WROTE, FAKE_QSPI + 2 * CELL, CELL), 4);
  assert_int_equal(r->board.qspi[RIG_ASSETS + 3], 0x42);
  assert_int_equal(r->plan.skipped, RIG_APPLICATION + 3 * CELL);
  assert_int_equal(plan_count(&r->plan, UNIT_VERIFIED), 2);
}

// Its own flash has sectors that are erased as a whole; and the vectors come last.
static void of_internal_flash_whole_sectors(void **state) {
  struct update_rig *r = *state;
  r->board.abilities = EXACT | MIXED;
  put_files(r);
  r->board.internal[RIG_APPLICATION - 1] ^= 1;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 2);
  assert_int_equal(count_in(&r->board, FAKE_ERASED, FAKE_INTERNAL + 8192, 8192), 0);
  assert_int_equal(bytes_written(&r->board), RIG_APPLICATION - 8192);
  assert_int_equal(r->plan.skipped, 8192 + RIG_ASSETS);
  for (size_t i = r->board.logged; i-- > 0;) {
    if (r->board.log[i].deed != FAKE_WROTE) continue;
    assert_int_equal(r->board.log[i].address, FAKE_INTERNAL);
    break;
  }
}

static void after_an_interrupted_update_all_is_sent(void **state) {
  struct update_rig *r = *state;
  for (uint16_t abilities = 0; abilities < 4; abilities++) {
    r->board.abilities = abilities;
    r->board.unfinished = true;
    r->board.logged = 0;
    put_files(r);
    update_rig_run(r);
    assert_int_equal(r->result.outcome, JOB_DONE);
    assert_int_equal(bytes_written(&r->board), RIG_APPLICATION + RIG_ASSETS);
    assert_int_equal(r->plan.skipped, 0);
    for (size_t i = 0; i < r->plan.count; i++)
      r->plan.units[i].state = UNIT_WAITING;
  }
}

static void it_is_asked_only_if_that_is_wanted(void **state) {
  struct update_rig *r = *state;
  r->options.job.digest = false;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(plan_count(&r->plan, UNIT_WRITTEN), r->plan.count);
  assert_int_equal(r->board.starts, 0);
}

static void another_bootloader_is_not_asked(void **state) {
  struct update_rig *r = *state;
  connection_close(&r->connection);
  plan_free(&r->plan);
  r->board.product = "Somebody's DFU";
  plan(r);
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(r->board.starts, 0);
}

// ---- Both flashes at once --------------------------------------------------

// At every moment about the same share of both is written.
static void both_flashes_have_their_turns(void **state) {
  struct update_rig *r = *state;
  uint32_t done[2] = {0, 0}, switches = 0;
  bool external = false;
  static const uint32_t total[2] = {RIG_APPLICATION - 8192, RIG_ASSETS};
  connection_close(&r->connection);
  plan_free(&r->plan);
  r->board.layouts[1] = "@QSPI/0x90000000/1*64Kg";  // all of it in one sector
  plan(r);
  r->board.abilities = EXACT | MIXED;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  for (size_t i = 0; i < r->board.logged; i++) {
    const struct fake_entry *e = &r->board.log[i];
    if (e->deed != FAKE_WROTE || e->address - FAKE_INTERNAL < 8192) continue;
    switches += external != (e->address >= FAKE_QSPI);
    external = e->address >= FAKE_QSPI;
    done[external] += e->size;
    assert_true((uint64_t)done[0] * total[1] <=
                (uint64_t)done[1] * total[0] + 16384ull * total[1]);
    assert_true((uint64_t)done[1] * total[0] <=
                (uint64_t)done[0] * total[1] + 16384ull * total[0]);
  }
  assert_int_equal(switches, 3);  // a sector, 16 KB, a sector, the rest
  assert_int_equal(done[0], total[0]);
  assert_int_equal(done[1], total[1]);
}

// A board that does not say so gets one flash after the other.
static void else_one_after_the_other(void **state) {
  struct update_rig *r = *state;
  uint32_t switches = 0;
  bool external = false;
  update_rig_run(r);
  for (size_t i = 0; i < r->board.logged; i++) {
    const struct fake_entry *e = &r->board.log[i];
    if (e->deed != FAKE_WROTE) continue;
    switches += external != (e->address >= FAKE_QSPI);
    external = e->address >= FAKE_QSPI;
  }
  assert_int_equal(switches, 2);  // and back for the vectors
}

// ---- What goes wrong -------------------------------------------------------

static void spoil_when_written(struct update_rig *r, size_t index) {
  if (index + 1 == r->plan.count && r->plan.units[index].state == UNIT_WRITTEN) {
    r->board.qspi[100] ^= 0x10;
    r->board.qspi[200] ^= 0x10;
  }
}

static void a_flipped_bit_is_found_and_named(void **state) {
  struct update_rig *r = *state;
  for (int start = 0; start < 2; start++) {
    renew(r);
    r->options.job.start = start;
    r->on_unit = spoil_when_written;
    update_rig_run(r);
    assert_int_equal(r->result.outcome, JOB_DIFFERENT);
    char expected[100];
    snprintf(expected, sizeof expected,
             "2 bytes differ; the first at 0x90000064, which holds 0x%02X instead of "
             "0x%02X",
             r->assets[100] ^ 0x10, r->assets[100]);
    assert_string_equal(r->result.problem.text, expected);
    assert_int_equal(count_in(&r->board, FAKE_READ, FAKE_QSPI, 16384), 16);
    assert_int_equal(count_in(&r->board, FAKE_READ, FAKE_INTERNAL, FAKE_MEMORY), 0);
    assert_false(r->board.started);
  }
}

static void a_failure_of_the_boards_own_is_told(void **state) {
  struct update_rig *r = *state;
  r->options.job.start = true;
  r->board.sync_reason = 6;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_REFUSED);
  assert_string_equal(r->result.problem.text,
                      "the board says: at 0x90000123: the flash reports a failed "
                      "write; try again or replace the chip");
  assert_false(r->board.started);
}

// Whatever it says, and from whenever on: the files are there and the end is right, or
// it is told that they are not. Only wrong CRCs can make a difference.
static void a_board_that_lies(void **state) {
  struct update_rig *r = *state;
  unsigned runs = 0;
  for (int fib = FIB_NONE + 1; fib < FIBS; fib++) {
    for (unsigned i = 0; i < 12 * 8; i++) {
      renew(r);
      r->options.job.verify = i & 1;
      r->options.job.start = i & 2;
      r->board.abilities = (i & 4) ? EXACT | MIXED : 0;
      r->board.fib = (enum fake_fib)fib;
      r->board.fib_after = i / 8;
      update_rig_run(r);
      runs++;
      assert_true(update_rig_is_done(r));
      const bool believed = fib == FIB_CRC && r->board.fib_after < r->board.starts;
      const enum job_outcome outcome = r->result.outcome;
      assert_true(outcome == JOB_DONE || (believed && outcome == JOB_DIFFERENT) ||
                  (fib == FIB_FAILS && outcome == JOB_REFUSED));
    }
  }
  assert_int_equal(runs, (FIBS - 1) * 96);
}

// ---- Losses ----------------------------------------------------------------

static void again(struct update_rig *r, enum fake_fault fault, uint64_t at,
                  uint16_t abilities, bool whole) {
  renew(r);
  r->board.abilities = abilities;
  if (whole) put_files(r);
  if (whole) r->board.qspi[CELL] ^= 1;
  r->board.fault = fault;
  r->board.at = at;
  update_rig_run(r);
}

static void lost_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  for (unsigned mode = 0; mode < 8; mode++) {
    const uint16_t abilities = mode & 3;
    again(r, FAULT_NONE, FAKE_NEVER, abilities, mode & 4);
    const uint64_t total = r->board.transfers;
    for (uint64_t at = 1; at <= total; at++) {
      again(r, FAULT_GONE, at, abilities, mode & 4);
      if (r->result.outcome != JOB_DONE) {
        fail_msg("%u, %u: %s", mode, (unsigned)at, r->result.problem.text);
      }
      assert_true(r->losses <= 1);
    }
  }
}

static void any_fault_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  r->options.wait_ms = 0;
  for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++) {
    for (uint64_t at = 1; at <= 260; at++) {
      again(r, (enum fake_fault)fault, at, EXACT | MIXED, false);
      if (r->result.outcome == JOB_DONE) assert_true(update_rig_is_done(r));
    }
  }
}

static void has_begun(struct update_rig *r, size_t index) {
  r->board.unfinished |= r->plan.units[index].state == UNIT_WRITTEN;
}

// What was sent last before a loss is sent once more, with what the board has in RAM.
static void what_was_sent_last_is_sent_again(void **state) {
  struct update_rig *r = *state;
  again(r, FAULT_NONE, FAKE_NEVER, EXACT, false);
  r->on_unit = has_begun;
  again(r, FAULT_GONE, r->board.transfers - 3, EXACT, false);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(r->losses, 1);
  assert_int_equal(r->plan.sent, 2 * (RIG_APPLICATION + RIG_ASSETS));
}

// ---- Verify ----------------------------------------------------------------

static enum job_outcome verify(struct update_rig *r, uint64_t *bytes,
                               struct qb_error *error) {
  struct job j;
  r->progress = (struct job_progress){.done = 0};
  for (size_t i = 0; i < r->plan.count; i++)
    r->plan.units[i].state = UNIT_WAITING;
  job_init(&j, &r->connection.client, &r->events.job);
  j.wants_digest = true;
  return job_verify(&j, &r->plan, bytes, error);
}

static void verify_reads_only_what_differs(void **state) {
  struct update_rig *r = *state;
  struct qb_error error;
  uint64_t bytes = 7;
  put_files(r);
  assert_int_equal(verify(r, &bytes, &error), JOB_DONE);
  assert_int_equal(bytes, 0);
  assert_int_equal(fake_board_count(&r->board, FAKE_READ), 0);
  assert_int_equal(r->progress.done, r->progress.total);
  r->board.internal[9000] ^= 1;
  r->board.internal[9001] ^= 1;
  assert_int_equal(verify(r, &bytes, &error), JOB_DIFFERENT);
  assert_int_equal(bytes, 2);
  assert_int_equal(fake_board_count(&r->board, FAKE_READ), 8);
  assert_int_equal(count_in(&r->board, FAKE_READ, FAKE_INTERNAL + 8192, 8192), 8);
  assert_non_null(strstr(error.text, "2 bytes differ; the first at 0x08012328"));
  assert_int_equal(plan_count(&r->plan, UNIT_VERIFIED), r->plan.count - 1);
}

static void verify_of_a_board_that_lies(void **state) {
  struct update_rig *r = *state;
  for (int fib = FIB_NONE; fib < FIBS; fib++) {
    for (int wrong = 0; wrong < 2; wrong++) {
      struct qb_error error;
      uint64_t bytes;
      put_files(r);
      r->board.qspi[0] ^= (uint8_t)wrong;
      r->board.fib = (enum fake_fib)fib;
      const enum job_outcome outcome = verify(r, &bytes, &error);
      const bool good = !wrong && fib != FIB_CRC;
      assert_int_equal(outcome, good ? JOB_DONE : JOB_DIFFERENT);
      assert_int_equal(bytes, wrong);
      if (!good) expect_sentence(&error);
      if (good) assert_int_equal(r->progress.done, r->progress.total);
    }
  }
}

#define test(function) \
  cmocka_unit_test_setup_teardown(function, setup, update_rig_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      test(what_is_there_is_not_sent),
      test(all_is_sent_and_verified_without_reading),
      test(a_sector_that_differs_is_sent_whole),
      test(a_sector_exact_board_gets_4_kb),
      test(of_internal_flash_whole_sectors),
      test(after_an_interrupted_update_all_is_sent),
      test(it_is_asked_only_if_that_is_wanted),
      test(another_bootloader_is_not_asked),
      test(both_flashes_have_their_turns),
      test(else_one_after_the_other),
      test(a_flipped_bit_is_found_and_named),
      test(a_failure_of_the_boards_own_is_told),
      test(a_board_that_lies),
      test(lost_at_every_transfer),
      test(any_fault_at_every_transfer),
      test(what_was_sent_last_is_sent_again),
      test(verify_reads_only_what_differs),
      test(verify_of_a_board_that_lies),
  };
  return cmocka_run_group_tests_name("job_digest", tests, NULL, NULL);
}
