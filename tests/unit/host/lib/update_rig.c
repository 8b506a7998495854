// SPDX-License-Identifier: MIT
#include "tests/unit/host/lib/update_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void expect_sentence(const struct qb_error *e) {
  const size_t length = strlen(e->text);
  assert_in_range(length, 5, sizeof e->text - 2);
  assert_int_not_equal(e->text[length - 1], '.');
  for (const char *p = e->text; *p; p++) {
    assert_true((unsigned char)*p >= 0x20);
  }
}

// ---- Events ----------------------------------------------------------------

// What is done never exceeds the whole, and never grows less within a job.
static void on_progress(void *ctx, const struct job_progress *p) {
  struct update_rig *r = ctx;
  assert_true(p->phase < JOB_PHASES);
  assert_true(p->done <= p->total);
  assert_true(p->done >= r->progress.done);
  r->progress = *p;
}

static void on_unit(void *ctx, const struct plan *plan, size_t index) {
  struct update_rig *r = ctx;
  assert_ptr_equal(plan, &r->plan);
  assert_true(index < plan->count);
  if (r->on_unit) r->on_unit(r, index);
}

static bool must_stop(void *ctx) {
  const struct update_rig *r = ctx;
  return r->board.stopped;
}

static void on_lost(void *ctx, const char *sentence) {
  struct update_rig *r = ctx;
  assert_true(strlen(sentence) > 5);
  r->losses++;
  r->progress.done = 0;  // another job
}

static void on_back(void *ctx) {
  struct update_rig *r = ctx;
  r->returns++;
}

// ---- Board and files -------------------------------------------------------

static void fill(uint8_t *bytes, size_t size, uint32_t seed) {
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(seed >> 24);
  }
}

static void set_up(struct update_rig *r) {
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  struct qb_error error;
  fake_board_init(&r->board);
  r->fake_bus = (struct fake_bus){.boards = {&r->board}, .count = 1};
  r->bus = fake_bus(&r->fake_bus);
  r->events = (struct update_events){
      .job = {.ctx = r, .progress = on_progress, .unit = on_unit, .stop = must_stop},
      .lost = on_lost,
      .back = on_back};
  fill(r->application, sizeof r->application, 1);
  fill(r->assets, sizeof r->assets, 2);
  memcpy(r->application, vectors, sizeof vectors);
  assert_true(segments_add(&r->list, FAKE_INTERNAL, r->application,
                           sizeof r->application, "app.bin", 0, &error));
  assert_true(segments_add(&r->list, FAKE_QSPI, r->assets, sizeof r->assets,
                           "assets.bin", 0, &error));
  assert_true(segments_arrange(&r->list, &error));
}

int update_rig_setup(void **state) {
  struct update_rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  set_up(r);
  *state = r;
  return 0;
}

static void end(struct update_rig *r) {
  if (r->connected) connection_close(&r->connection);
  r->connected = false;
  assert_false(r->board.open);
  plan_free(&r->plan);
}

int update_rig_teardown(void **state) {
  struct update_rig *r = *state;
  end(r);
  segments_free(&r->list);
  free(r);
  return 0;
}

// ---- Running ---------------------------------------------------------------

void update_rig_plan(struct update_rig *r) {
  struct usb_found where = {.vendor = 0};
  struct qb_error error;
  strcpy(where.location, r->board.location);
  if (!connection_open(&r->connection, &r->bus, &where, &error)) {
    fail_msg("%s", error.text);
  }
  r->connected = true;
  if (!plan_make(&r->plan, &r->connection.board, &r->list, PLAN_WRITE, &error)) {
    fail_msg("%s", error.text);
  }
  r->board.transfers = 0;
  r->board.logged = 0;
}

void update_rig_run(struct update_rig *r) {
  r->progress = (struct job_progress){.done = 0};
  update_run(&r->connection, &r->connected, &r->bus, &r->plan, &r->options, &r->events,
             &r->result);
  const struct update_result *result = &r->result;
  if (result->outcome == JOB_DONE) {
    assert_true(update_rig_is_done(r));
    assert_int_equal(r->progress.done, r->progress.total);
    assert_int_equal(result->state.text[0], '\0');
    assert_int_equal(result->started, r->options.job.start);
  } else {
    expect_sentence(&result->problem);
    expect_sentence(&result->state);
  }
  if (result->started) assert_true(r->board.started);
  if (result->outcome == JOB_STOPPED) assert_int_equal(r->board.state, DFU_IDLE);
}

void update_rig_again(struct update_rig *r, enum fake_fault fault, uint64_t at) {
  end(r);
  fake_board_init(&r->board);
  r->losses = r->returns = 0;
  update_rig_plan(r);
  r->board.fault = fault;
  r->board.at = at;
  update_rig_run(r);
}

bool update_rig_is_done(const struct update_rig *r) {
  return memcmp(r->board.internal, r->application, RIG_APPLICATION) == 0 &&
         memcmp(r->board.qspi, r->assets, RIG_ASSETS) == 0;
}

bool update_rig_is_bootable(const struct update_rig *r) {
  return memcmp(r->board.internal, r->application, 8) == 0;
}
