// SPDX-License-Identifier: MIT
// Whole updates, with every fault at every transfer: each ends, in one of a few ways,
// and what is then said of the board is true.
#include "host/lib/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/update_rig.h"

static uint64_t transfers_of_a_run(struct update_rig *r) {
  update_rig_again(r, FAULT_NONE, 0);
  assert_int_equal(r->result.outcome, JOB_DONE);
  return r->result.transfers;
}

// Nothing that was half-written would be started, and no claim is false.
static void expect_truth(const struct update_rig *r, uint64_t at) {
  const bool whole = update_rig_is_done(r);
  const struct update_result *result = &r->result;
  if (update_rig_is_bootable(r) && !whole) {
    fail_msg("transfer %llu: half-written and bootable", (unsigned long long)at);
  }
  if (strstr(result->state.text, "all 5 sectors are written")) assert_true(whole);
  if (strstr(result->state.text, "nothing was changed")) {
    assert_true(fake_board_count(&r->board, FAKE_ERASED) <= 1);
    assert_int_equal(fake_board_count(&r->board, FAKE_WROTE), 0);
  }
}

static void try_all_points(struct update_rig *r, enum fake_fault fault,
                           unsigned outcomes[]) {
  const uint64_t total = transfers_of_a_run(r);
  for (uint64_t at = 1; at <= total; at++) {
    update_rig_again(r, fault, at);
    outcomes[r->result.outcome]++;
    expect_truth(r, at);
  }
}

static void try_all_modes(struct update_rig *r, enum fake_fault fault,
                          unsigned outcomes[]) {
  for (int mode = 0; mode < 4; mode++) {
    r->options.job = (struct job_options){.verify = mode & 1, .start = mode & 2};
    try_all_points(r, fault, outcomes);
  }
}

static void lost_at_every_transfer_and_back(void **state) {
  struct update_rig *r = *state;
  static const enum fake_fault faults[] = {FAULT_GONE, FAULT_TIMEOUT, FAULT_BROKEN};
  for (size_t i = 0; i < 3; i++) {
    unsigned outcomes[JOB_STOPPED + 1] = {0};
    try_all_modes(r, faults[i], outcomes);
    for (size_t o = JOB_DONE + 1; o <= JOB_STOPPED; o++) {
      assert_int_equal(outcomes[o], 0);
    }
  }
}

static void lost_for_ever_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  try_all_modes(r, FAULT_GONE_FOR_EVER, outcomes);
  assert_int_equal(outcomes[JOB_DONE], 0);
  assert_true(outcomes[JOB_LOST] > 500);
}

static void stalled_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  try_all_modes(r, FAULT_STALL, outcomes);
  assert_int_equal(outcomes[JOB_LOST] + outcomes[JOB_STUCK], 0);
  assert_true(outcomes[JOB_REFUSED] > 500);
}

static void an_error_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  try_all_modes(r, FAULT_ERROR, outcomes);
  assert_int_equal(outcomes[JOB_LOST] + outcomes[JOB_STUCK], 0);
}

static void another_state_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  try_all_modes(r, FAULT_STATE, outcomes);
  assert_int_equal(outcomes[JOB_LOST] + outcomes[JOB_STUCK], 0);
}

static void short_answers_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  try_all_modes(r, FAULT_SHORT, outcomes);
  assert_int_equal(outcomes[JOB_LOST] + outcomes[JOB_STUCK], 0);
}

static void busy_for_ever_from_every_transfer(void **state) {
  struct update_rig *r = *state;
  unsigned outcomes[JOB_STOPPED + 1] = {0};
  r->options.job.verify = true;
  const uint64_t total = transfers_of_a_run(r);
  for (uint64_t at = 1; at <= total; at += 7) {
    update_rig_again(r, FAULT_BUSY, at);
    outcomes[r->result.outcome]++;
    expect_truth(r, at);
  }
  assert_true(outcomes[JOB_STUCK] > 20);
}

// Ctrl-C at every transfer: the board is in dfuIDLE (the rig checks), and the same
// command again completes.
static unsigned stop_at_every_transfer(struct update_rig *r) {
  const uint64_t total = transfers_of_a_run(r);
  unsigned stopped = 0;
  for (uint64_t at = 1; at <= total; at++) {
    update_rig_again(r, FAULT_STOP, at);
    expect_truth(r, at);
    if (r->result.outcome == JOB_DONE) continue;
    assert_int_equal(r->result.outcome, JOB_STOPPED);
    stopped++;
    r->board.stopped = false;
    r->board.fault = FAULT_NONE;
    connection_close(&r->connection);
    plan_free(&r->plan);
    update_rig_plan(r);
    update_rig_run(r);
    if (r->result.outcome != JOB_DONE) fail_msg("%s", r->result.problem.text);
  }
  return stopped;
}

static void stopped_at_every_transfer(void **state) {
  struct update_rig *r = *state;
  for (int mode = 0; mode < 8; mode++) {
    r->options.job = (struct job_options){
        .verify = mode & 1, .start = mode & 2, .changed_only = mode & 4};
    assert_true(stop_at_every_transfer(r) > 20);
  }
}

// ---- Resuming --------------------------------------------------------------

// What was written before the loss is read again; what has gone bad is written again.
static void damage_while_it_was_away(void **state) {
  struct update_rig *r = *state;
  for (int verify = 0; verify < 2; verify++) {
    r->options.job.verify = verify;
    const uint64_t total = transfers_of_a_run(r);
    for (uint64_t at = 10; at + 30 < total; at += 13) {
      update_rig_again(r, FAULT_GONE, at);
      assert_int_equal(r->result.outcome, JOB_DONE);
    }
  }
}

static void wipe_a_written_sector(struct update_rig *r, size_t index) {
  const struct unit *u = &r->plan.units[index];
  if (u->state != UNIT_WRITTEN || u->sector.address != FAKE_QSPI) return;
  r->board.at = r->board.transfers + 2;  // lost two transfers later
  r->board.qspi[77] ^= 1;
  r->on_unit = NULL;
}

static void written_sectors_are_checked_again(void **state) {
  struct update_rig *r = *state;
  for (int mode = 0; mode < 4; mode++) {
    r->options.job = (struct job_options){.verify = mode & 1, .start = mode & 2};
    r->on_unit = wipe_a_written_sector;
    update_rig_again(r, FAULT_GONE, 0);
    if (r->result.outcome != JOB_DONE) fail_msg("%s", r->result.problem.text);
    assert_int_equal(r->losses, 1);
    assert_int_equal(r->returns, 1);
    assert_int_equal(r->result.losses, 1);
  }
}

// Where nothing can be read, what was written before the loss is written again.
static void a_board_that_cannot_be_read_goes_on(void **state) {
  struct update_rig *r = *state;
  for (uint64_t at = 10; at < 140; at += 7) {
    if (r->connected) connection_close(&r->connection);
    plan_free(&r->plan);
    fake_board_init(&r->board);
    r->board.attributes = 0x09;
    r->losses = 0;
    update_rig_plan(r);
    r->board.fault = FAULT_GONE;
    r->board.at = at;
    update_rig_run(r);
    if (r->result.outcome != JOB_DONE) fail_msg("%s", r->result.problem.text);
    assert_int_equal(r->losses, 1);
  }
}

// Power goes away after every so many transfers, and takes a sector along: what is
// written again and again does not count as progress.
static void a_board_that_forgets_each_time_ends(void **state) {
  struct update_rig *r = *state;
  for (uint64_t every = 1; every < 150; every += 3) {
    if (r->connected) connection_close(&r->connection);
    plan_free(&r->plan);
    fake_board_init(&r->board);
    r->losses = 0;
    update_rig_plan(r);
    r->board.forgets_every = every;
    update_rig_run(r);
    assert_true(r->losses <= 3 * (r->plan.count + 1));
    if (r->result.outcome != JOB_DONE) assert_int_equal(r->result.outcome, JOB_LOST);
  }
}

// The vector table is erased; nobody may say later that nothing was changed, although
// all sectors wait again.
static void lose_after_erasing(struct update_rig *r, size_t index) {
  (void)index;
  r->board.at = r->board.transfers + 2;
  r->on_unit = NULL;
}

static void lose_before_erasing(void *ctx) {
  struct update_rig *r = ctx;
  r->board.fault = FAULT_GONE_FOR_EVER;
  r->board.at = r->board.transfers + 3;
}

static void an_erased_sector_is_not_forgotten(void **state) {
  struct update_rig *r = *state;
  r->on_unit = lose_after_erasing;
  r->events.back = lose_before_erasing;
  update_rig_again(r, FAULT_GONE, 0);
  assert_int_equal(r->result.outcome, JOB_LOST);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 1);
  assert_int_equal(plan_count(&r->plan, UNIT_WAITING), r->plan.count);
  assert_null(strstr(r->result.state.text, "nothing was changed"));
}

static void another_layout_is_not_gone_on_with(void **state) {
  struct update_rig *r = *state;
  update_rig_plan(r);
  r->board.new_layout = "@Internal Flash/0x08010000/4*16Kg";
  r->board.fault = FAULT_GONE;
  r->board.at = 60;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_REFUSED);
  assert_string_equal(r->result.problem.text,
                      "the board came back with another flash layout");
  assert_true(r->connected);
}

// ---- Other boards ----------------------------------------------------------

static void make_twin(struct update_rig *r, struct fake_board *twin) {
  fake_board_init(twin);
  strcpy(twin->location, "usb:1-9");
  r->fake_bus.boards[1] = &r->board;
  r->fake_bus.boards[0] = twin;  // found first
  r->fake_bus.count = 2;
}

// Moved to another port in the middle: found by its serial number.
static void found_again_elsewhere(void **state) {
  struct update_rig *r = *state;
  update_rig_plan(r);
  strcpy(r->board.location, "usb:2-1");
  r->board.fault = FAULT_GONE;
  r->board.at = 60;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_string_equal(r->connection.board.where.location, "usb:2-1");
}

// A board with the same serial number is never taken for the one that was lost.
static void a_twin_is_another_board(void **state) {
  struct update_rig *r = *state;
  struct fake_board *twin = malloc(sizeof *twin);
  struct boards found = {0};
  struct qb_error error;
  assert_non_null(twin);
  make_twin(r, twin);
  assert_true(boards_find(&found, &r->bus, 1, &error));
  assert_int_equal(found.count, 2);
  assert_true(found.items[0].has_twin && found.items[1].has_twin);
  boards_free(&found);
  r->connection.has_twin = true;
  update_rig_plan(r);
  r->board.fault = FAULT_GONE_FOR_EVER;
  r->board.at = 60;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_LOST);
  assert_int_equal(fake_board_count(twin, FAKE_ERASED), 0);
  assert_false(twin->open);
  free(twin);
}

// Nor is a board without a serial number that is plugged in elsewhere.
static void a_board_without_a_serial_number(void **state) {
  struct update_rig *r = *state;
  struct fake_board *other = malloc(sizeof *other);
  assert_non_null(other);
  make_twin(r, other);
  other->serial = r->board.serial = NULL;
  update_rig_plan(r);
  r->board.fault = FAULT_GONE;
  r->board.at = 60;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(other, FAKE_ERASED), 0);
  free(other);
}

// While one board is looked for, others are asked who they are, but never claimed.
static void others_are_left_alone(void **state) {
  struct update_rig *r = *state;
  struct fake_board *other = malloc(sizeof *other);
  assert_non_null(other);
  make_twin(r, other);
  other->serial = "B2";
  other->refuses_claim = true;
  update_rig_plan(r);
  r->board.fault = FAULT_GONE_FOR_EVER;
  r->board.at = 60;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_LOST);
  assert_int_equal(other->opens, 1);
  assert_string_equal(r->connection.board.serial, "A1");
  assert_non_null(strstr(r->result.state.text, "the board stays in quadboot"));
  free(other);
}

int main(void) {
#define RIGGED(test) \
  cmocka_unit_test_setup_teardown(test, update_rig_setup, update_rig_teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(lost_at_every_transfer_and_back),
      RIGGED(lost_for_ever_at_every_transfer),
      RIGGED(stalled_at_every_transfer),
      RIGGED(an_error_at_every_transfer),
      RIGGED(another_state_at_every_transfer),
      RIGGED(short_answers_at_every_transfer),
      RIGGED(busy_for_ever_from_every_transfer),
      RIGGED(stopped_at_every_transfer),
      RIGGED(damage_while_it_was_away),
      RIGGED(written_sectors_are_checked_again),
      RIGGED(a_board_that_cannot_be_read_goes_on),
      RIGGED(a_board_that_forgets_each_time_ends),
      RIGGED(an_erased_sector_is_not_forgotten),
      RIGGED(another_layout_is_not_gone_on_with),
      RIGGED(found_again_elsewhere),
      RIGGED(a_twin_is_another_board),
      RIGGED(a_board_without_a_serial_number),
      RIGGED(others_are_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
