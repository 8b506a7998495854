// SPDX-License-Identifier: MIT
// The order of what is sent to a board, and what of it is known to be there.
#include "host/lib/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/update_rig.h"

// ---- Writing ---------------------------------------------------------------

static const struct fake_entry *last_of(const struct fake_board *f,
                                        enum fake_deed deed) {
  const struct fake_entry *found = NULL;
  for (size_t i = 0; i < f->logged; i++) {
    if (f->log[i].deed == deed) found = &f->log[i];
  }
  assert_non_null(found);
  return found;
}

static void vectors_go_first_and_come_last(void **state) {
  struct update_rig *r = *state;
  update_rig_plan(r);
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(r->board.log[0].deed, FAKE_ERASED);
  assert_int_equal(r->board.log[0].address, FAKE_INTERNAL);
  const struct fake_entry *last = last_of(&r->board, FAKE_WROTE);
  assert_int_equal(last->address, FAKE_INTERNAL);
  assert_int_equal(last->size, 1024);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), r->plan.count);
}

// All blocks of it, in numbers that the device counts from one address.
static void blocks_stream_behind_one_address(void **state) {
  struct update_rig *r = *state;
  update_rig_plan(r);
  update_rig_run(r);
  const uint64_t blocks = fake_board_count(&r->board, FAKE_WROTE);
  // DNLOAD and two GETSTATUS each; 8 transfers for every sector, and some to begin
  // and end with.
  assert_true(r->result.transfers < blocks * 3 + r->plan.count * 8 + 20);
}

// A device whose blocks are longer than a host's can be: the device would take the
// number of a block for another address.
static void blocks_that_the_device_counts_otherwise(void **state) {
  struct update_rig *r = *state;
  static const uint16_t sizes[] = {8192, 5000, 4096, 64, 40};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    connection_close(&r->connection);
    plan_free(&r->plan);
    fake_board_init(&r->board);
    r->board.transfer_size = sizes[i];
    update_rig_plan(r);
    r->options.job.verify = true;
    update_rig_run(r);
    if (r->result.outcome != JOB_DONE) fail_msg("%s", r->result.problem.text);
  }
}

static int setup_open(void **state) {
  const int result = update_rig_setup(state);
  update_rig_plan(*state);
  return result;
}

static void one_device_without_erasable_sectors(void **state) {
  struct update_rig *r = *state;
  r->board.layouts[1] = "@RAM/0x90000000/4*16Ke";
  memset(r->board.qspi, 0xFF, sizeof r->board.qspi);
  update_rig_plan(r);
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 3);
}

static void start_leaves_from_the_application(void **state) {
  struct update_rig *r = *state;
  r->options.job.start = true;
  update_rig_plan(r);
  update_rig_run(r);
  assert_true(r->result.started);
  assert_int_equal(last_of(&r->board, FAKE_LEFT)->address, FAKE_INTERNAL);
  // No ABORT after data: quadboot would take it for the end of the update.
  size_t first_write = 0;
  while (r->board.log[first_write].deed != FAKE_WROTE) {
    first_write++;
  }
  for (size_t i = first_write; i < r->board.logged; i++) {
    assert_int_not_equal(r->board.log[i].deed, FAKE_ABORTED);
  }
}

static void verify_reads_all_back(void **state) {
  struct update_rig *r = *state;
  for (int start = 0; start < 2; start++) {
    r->options.job = (struct job_options){.verify = true, .start = start};
    update_rig_again(r, FAULT_NONE, 0);
    assert_int_equal(r->result.outcome, JOB_DONE);
    assert_int_equal(plan_count(&r->plan, UNIT_VERIFIED), r->plan.count);
  }
}

// ---- Only what has changed -------------------------------------------------

static void run_changed(struct update_rig *r) {
  plan_free(&r->plan);
  connection_close(&r->connection);
  r->options.job.changed_only = true;
  update_rig_plan(r);
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
}

static void nothing_has_changed(void **state) {
  struct update_rig *r = *state;
  update_rig_run(r);
  run_changed(r);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 0);
  assert_int_equal(plan_count(&r->plan, UNIT_UNCHANGED), r->plan.count);
}

// The last sector of the application: the one with the vectors is written with it,
// last. That of the other flash is not, and its own change moves no vectors.
static void a_change_takes_the_vectors_along(void **state) {
  struct update_rig *r = *state;
  update_rig_run(r);
  r->board.internal[RIG_APPLICATION - 1] ^= 1;
  run_changed(r);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 2);
  assert_int_equal(r->board.log[r->board.logged - 2].address, FAKE_INTERNAL);
  assert_int_equal(r->board.log[r->board.logged - 2].deed, FAKE_WROTE);
  r->board.qspi[3] ^= 1;
  run_changed(r);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 1);
}

// ---- Reading and comparing -------------------------------------------------

static void verify_names_the_first_difference(void **state) {
  struct update_rig *r = *state;
  uint64_t different = 0;
  struct qb_error error;
  struct job j;
  update_rig_run(r);
  r->board.internal[5000] ^= 0xFF;
  r->board.qspi[16999] ^= 1;
  job_init(&j, &r->connection.client, &r->events.job);
  r->progress.done = 0;
  assert_int_equal(job_verify(&j, &r->plan, &different, &error), JOB_DIFFERENT);
  assert_int_equal(different, 2);
  char wanted[128];
  snprintf(wanted, sizeof wanted,
           "2 bytes differ; the first at 0x08011388, which holds 0x%02X instead of "
           "0x%02X",
           r->board.internal[5000], r->application[5000]);
  assert_string_equal(error.text, wanted);
  assert_int_equal(r->progress.done, r->progress.total);
  assert_int_equal(r->board.state, DFU_IDLE);
}

static void read_gives_what_is_there(void **state) {
  struct update_rig *r = *state;
  uint8_t *out = malloc(FAKE_MEMORY);
  struct qb_error error;
  struct job j;
  assert_non_null(out);
  for (size_t i = 0; i < FAKE_MEMORY; i++) {
    r->board.qspi[i] = (uint8_t)(i * 7 + i / 256);
  }
  job_init(&j, &r->connection.client, &r->events.job);
  assert_int_equal(job_read(&j, 1, FAKE_QSPI, out, FAKE_MEMORY, &error), JOB_DONE);
  assert_memory_equal(out, r->board.qspi, FAKE_MEMORY);
  r->progress.done = 0;
  assert_int_equal(job_read(&j, 1, FAKE_QSPI + 3, out, 2000, &error), JOB_DONE);
  assert_memory_equal(out, r->board.qspi + 3, 2000);
  assert_int_equal(r->board.state, DFU_IDLE);
  free(out);
}

// A device that can only be written (bmAttributes without bitCanUpload).
static void a_board_that_cannot_be_read(void **state) {
  struct update_rig *r = *state;
  uint8_t byte;
  struct qb_error error;
  struct job j;
  r->board.attributes = 0x09;
  update_rig_plan(r);
  r->options.job.changed_only = true;  // all may have changed, then
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), r->plan.count);
  job_init(&j, &r->connection.client, &r->events.job);
  assert_int_equal(job_read(&j, 0, FAKE_INTERNAL, &byte, 1, &error), JOB_REFUSED);
  assert_string_equal(error.text, "the board does not let its flash be read");
}

static void what_cannot_be_read_cannot_be_verified(void **state) {
  struct update_rig *r = *state;
  r->board.layouts[1] = "@QSPI/0x90000000/4*16Kf";
  update_rig_plan(r);
  r->options.job.verify = true;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_REFUSED);
  assert_string_equal(r->result.problem.text,
                      "the board does not let the flash at 0x90000000 be read, so it "
                      "cannot be compared");
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 0);
  r->options.job.verify = false;
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_DONE);
}

// Whole blocks, then a gap: between the two the board is in dfuUPLOAD-IDLE, where it
// takes no address.
static void gaps_between_whole_blocks(void **state) {
  struct update_rig *r = *state;
  struct segments list = {0};
  struct plan p;
  struct qb_error error;
  struct job j;
  uint64_t different = 0;
  for (uint32_t i = 0; i < 4; i++) {
    assert_true(segments_add(&list, FAKE_QSPI + i * 6144, r->board.qspi, 2048, "a.bin",
                             0, &error));
  }
  assert_true(plan_make(&p, &r->connection.board, &list, PLAN_COMPARE, &error));
  const struct job_events quiet = {.ctx = NULL};
  job_init(&j, &r->connection.client, &quiet);
  if (job_verify(&j, &p, &different, &error) != JOB_DONE) fail_msg("%s", error.text);
  plan_free(&p);
  segments_free(&list);
}

static void a_short_upload_is_an_error(void **state) {
  struct update_rig *r = *state;
  uint8_t out[4000];
  struct qb_error error;
  struct job j;
  unsigned refused = 0;
  for (uint64_t at = 1; at < 16; at++) {
    r->board.fault = FAULT_SHORT;
    r->board.at = r->board.transfers + at;
    job_init(&j, &r->connection.client, &r->events.job);
    r->progress.done = 0;
    if (job_read(&j, 1, FAKE_QSPI, out, sizeof out, &error) == JOB_DONE) continue;
    expect_sentence(&error);
    refused += strncmp(error.text, "the board sends ", 16) == 0;
  }
  assert_int_equal(refused, 4);
}

// ---- Erasing ---------------------------------------------------------------

static void erase_takes_whole_sectors(void **state) {
  struct update_rig *r = *state;
  struct plan p;
  struct qb_error error;
  struct job j;
  assert_true(plan_erase(&p, &r->connection.board, FAKE_QSPI + 16384, 32768, &error));
  const struct job_events quiet = {.ctx = NULL};
  job_init(&j, &r->connection.client, &quiet);
  assert_int_equal(job_erase(&j, &p, &error), JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 2);
  assert_int_equal(r->board.qspi[16383], 0xAA);
  assert_int_equal(r->board.qspi[16384], 0xFF);
  assert_int_equal(r->board.qspi[49152], 0xAA);
  plan_free(&p);
}

static void mass_erase_is_one_command(void **state) {
  struct update_rig *r = *state;
  struct qb_error error;
  struct job j;
  r->board.poll_ms = 350;
  r->board.busy_polls = 5;
  job_init(&j, &r->connection.client, &r->events.job);
  assert_int_equal(job_mass_erase(&j, 1, &error), JOB_DONE);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 1);
  assert_int_equal(r->board.qspi[0], 0xFF);
  assert_int_equal(r->board.internal[0], 0x55);
  assert_int_equal(r->progress.done, r->progress.total);
}

// A device that finds out, again and again, that it needs longer: progress waits for
// it, but does not go back.
static void an_erase_that_takes_longer_than_said(void **state) {
  struct update_rig *r = *state;
  r->board.poll_ms = 970;
  r->board.busy_polls = 40;
  update_rig_run(r);  // which checks
  assert_int_equal(r->result.outcome, JOB_DONE);
}

// ---- Stopping --------------------------------------------------------------

// Stopped from the start: nothing is touched.
static void stopped_before_anything(void **state) {
  struct update_rig *r = *state;
  r->board.stopped = true;
  r->board.state = DFU_ERROR;  // as somebody left it
  update_rig_run(r);
  assert_int_equal(r->result.outcome, JOB_STOPPED);
  assert_int_equal(fake_board_count(&r->board, FAKE_ERASED), 0);
  assert_string_equal(r->result.problem.text, "stopped");
  assert_non_null(strstr(r->result.state.text, "nothing was changed"));
}

int main(void) {
#define FRESH(test) \
  cmocka_unit_test_setup_teardown(test, update_rig_setup, update_rig_teardown)
#define OPEN(test) \
  cmocka_unit_test_setup_teardown(test, setup_open, update_rig_teardown)
  const struct CMUnitTest tests[] = {
      FRESH(vectors_go_first_and_come_last),
      FRESH(blocks_stream_behind_one_address),
      OPEN(blocks_that_the_device_counts_otherwise),
      FRESH(one_device_without_erasable_sectors),
      FRESH(start_leaves_from_the_application),
      FRESH(verify_reads_all_back),
      OPEN(nothing_has_changed),
      OPEN(a_change_takes_the_vectors_along),
      OPEN(verify_names_the_first_difference),
      OPEN(read_gives_what_is_there),
      FRESH(a_board_that_cannot_be_read),
      FRESH(what_cannot_be_read_cannot_be_verified),
      OPEN(gaps_between_whole_blocks),
      OPEN(a_short_upload_is_an_error),
      OPEN(erase_takes_whole_sectors),
      OPEN(mass_erase_is_one_command),
      OPEN(an_erase_that_takes_longer_than_said),
      OPEN(stopped_before_anything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
