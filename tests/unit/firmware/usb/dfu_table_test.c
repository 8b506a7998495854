// SPDX-License-Identifier: MIT
// All 77 cells, typed a second time from DFU 1.1 appendix A, ST's own class
// (CLRSTATUS) and AN2662 (leave), and then tried through the class one by one.
#include "firmware/usb/dfu_table.h"

#include "tests/unit/firmware/usb/dfu_rig.h"

enum { STATES = 11, REQUESTS = 7 };

// What a cell does, in the letters of the table below.
//   0 to 10  the state that is entered
//   E  STALL, dfuERROR with errSTALLEDPKT
//   K  STALL, dfuERROR keeps its first status
//   U  taken, dfuERROR with errUNKNOWN
// DNLOAD: a block / leave. UPLOAD: a full block / a short one.
enum { E = 100, K, U };

struct expected {
  int detach, block, leave, full, short_block, status, clear, state, abort;
};

static const struct expected expected[STATES] = {
    // DETACH DNLOAD  UPLOAD  GETSTATUS CLRSTATUS GETSTATE ABORT
    [0] = {1, E, E, E, E, 0, E, 0, E},
    [1] = {E, E, E, E, E, 1, E, 1, E},
    [2] = {E, 3, 6, 9, 2, 2, U, 2, 2},
    [3] = {E, E, E, E, E, 3, U, 3, 2},  // GETSTATUS: 5, or 4 while work is pending
    [4] = {E, E, E, E, E, 4, U, 4, E},  // GETSTATUS: 4, then 5 or 10
    [5] = {E, 3, 6, E, E, 5, U, 5, 2},
    [6] = {E, E, E, E, E, 6, U, 6, 2},  // GETSTATUS: 4, then 7 or 10
    [7] = {E, E, E, E, E, 7, U, 7, E},
    [8] = {E, E, E, E, E, E, E, E, E},
    [9] = {E, E, E, 9, 2, 9, U, 9, 2},
    [10] = {K, K, K, K, K, 10, 2, 10, K},
};

// --- the table itself ---

static void expect_cell(int state, int request, int action, int next, int other) {
  const struct dfu_cell *c = &dfu_table[state][request];
  if (c->action != action || c->next != next || c->other != other) {
    fail_msg("state %d, request %d: {%d, %d, %d}, not {%d, %d, %d}", state, request,
             c->action, c->next, c->other, action, next, other);
  }
}

// `action` is what the cell does when it is neither E, K nor U.
static void expect_kind(int state, int request, int action, int next, int other) {
  switch (next) {
    case E: expect_cell(state, request, DFU_ACT_STALL, 10, 10); break;
    case K: expect_cell(state, request, DFU_ACT_KEEP, 10, 10); break;
    case U: expect_cell(state, request, DFU_ACT_UNKNOWN, 10, 10); break;
    default: expect_cell(state, request, action, next, other); break;
  }
}

static void all_77_cells_are_the_expected_ones(void **state) {
  (void)state;
  assert_int_equal(sizeof dfu_table / sizeof dfu_table[0], STATES);
  assert_int_equal(sizeof dfu_table[0] / sizeof dfu_table[0][0], REQUESTS);
  for (int s = 0; s < STATES; s++) {
    const struct expected *x = &expected[s];
    expect_kind(s, RQ_DETACH, DFU_ACT_DETACH, x->detach, x->detach);
    expect_kind(s, RQ_DNLOAD, DFU_ACT_DNLOAD, x->block, x->leave);
    expect_kind(s, RQ_UPLOAD, DFU_ACT_UPLOAD, x->full, x->short_block);
    expect_kind(s, RQ_GETSTATUS, DFU_ACT_STATUS, x->status, x->status);
    expect_kind(s, RQ_CLRSTATUS, DFU_ACT_CLEAR, x->clear, x->clear);
    expect_kind(s, RQ_GETSTATE, DFU_ACT_STATE, x->state, x->state);
    expect_kind(s, RQ_ABORT, DFU_ACT_ABORT, x->abort, x->abort);
  }
}

static void no_cell_is_unset(void **state) {
  (void)state;
  for (int s = 0; s < STATES; s++) {
    for (int q = 0; q < REQUESTS; q++) {
      assert_in_range(dfu_table[s][q].action, DFU_ACT_UNSET + 1, DFU_ACT_DETACH);
      assert_true(dfu_table[s][q].next < STATES && dfu_table[s][q].other < STATES);
    }
  }
}

// --- the same through the class ---

// A class in state `s` with nothing going on. dfuERROR was entered by errFIRMWARE,
// which no request of the table gives.
static void enter(struct dfu_rig *r, int s) {
  dfu_init(&r->dfu, &r->board.session, &(const struct info){0});
  r->dfu.state = (enum dfu_state)s;
  if (s == ERROR) r->dfu.told.status = ERR_FIRMWARE;
}

static void expect_after(struct dfu_rig *r, int cell, bool taken, int s) {
  const bool stall = cell == E || cell == K;
  const int next = cell >= E ? ERROR : cell;
  const int status = cell == E       ? ERR_STALLED
                     : cell == U     ? ERR_UNKNOWN
                     : next == ERROR ? ERR_FIRMWARE
                                     : OK;
  if (taken == stall || (int)r->dfu.state != next || r->dfu.told.status != status) {
    fail_msg("state %d: taken %d, state %d, status %d; not %d, %d, %d", s, taken,
             r->dfu.state, r->dfu.told.status, !stall, next, status);
  }
}

static void every_request_to_the_device_does_what_its_cell_says(void **state) {
  struct dfu_rig *r = *state;
  const uint8_t data[16] = {0};
  for (int s = 0; s < STATES; s++) {
    const struct expected *x = &expected[s];
    // No run-time device is made of this class: it never detaches by request.
    enter(r, s);
    expect_after(r, s == 0 ? E : x->detach, dfu_rig_request(r, RQ_DETACH), s);
    enter(r, s);
    expect_after(r, x->block, dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data), s);
    enter(r, s);
    expect_after(r, x->leave, dfu_rig_request(r, RQ_DNLOAD), s);
    enter(r, s);
    expect_after(r, x->clear, dfu_rig_request(r, RQ_CLRSTATUS), s);
    enter(r, s);
    expect_after(r, x->abort, dfu_rig_request(r, RQ_ABORT), s);
  }
}

static void every_request_to_the_host_does_what_its_cell_says(void **state) {
  struct dfu_rig *r = *state;
  for (int s = 0; s < STATES; s++) {
    const struct expected *x = &expected[s];
    enter(r, s);
    expect_after(r, x->full, dfu_rig_in(r, RQ_UPLOAD, 2, 64), s);
    enter(r, s);
    r->dfu.pointer = BOARD_NOR_END - 10;
    expect_after(r, x->short_block, dfu_rig_in(r, RQ_UPLOAD, 2, 64), s);
    enter(r, s);
    expect_after(r, x->state, dfu_rig_in(r, RQ_GETSTATE, 0, 1), s);
    if (x->state != E) assert_int_equal(r->got[0], s);
    if (s == SYNC || s == BUSY || s == MANIFEST_SYNC) continue;  // work decides
    enter(r, s);
    expect_after(r, x->status, dfu_rig_in(r, RQ_GETSTATUS, 0, 6), s);
    if (x->status != E) assert_int_equal(r->got[4], s);
  }
}

// Where work decides what GETSTATUS answers.
static void status_follows_the_work(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    int state;
    bool pending, failed, application;
    int next;
  } cases[] = {
      {SYNC, false, false, true, DNLOAD_IDLE},
      {SYNC, true, false, true, BUSY},
      {SYNC, false, true, true, BUSY},
      {BUSY, true, false, true, BUSY},
      {BUSY, false, false, true, DNLOAD_IDLE},
      {BUSY, false, true, true, ERROR},
      {MANIFEST_SYNC, true, false, true, BUSY},
      {MANIFEST_SYNC, false, true, true, BUSY},
      {MANIFEST_SYNC, false, false, true, MANIFEST},
      {MANIFEST_SYNC, false, false, false, ERROR},
  };
  static const uint8_t vectors[8] = {0, 0, 8, 0x20, 9, 0, 1, 8};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    enter(r, cases[i].state);
    memset(board_media_at(&r->board, BOARD_APP), 0xFF, 8);
    if (cases[i].application) memcpy(board_media_at(&r->board, BOARD_APP), vectors, 8);
    if (cases[i].pending) r->dfu.work.kind = DFU_WORK_WRITE;
    if (cases[i].failed) r->dfu.failure.status = ERR_PROG;
    assert_int_equal(dfu_rig_status(r).state, cases[i].next);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_77_cells_are_the_expected_ones),
      cmocka_unit_test(no_cell_is_unset),
      dfu_rig_test(every_request_to_the_device_does_what_its_cell_says),
      dfu_rig_test(every_request_to_the_host_does_what_its_cell_says),
      dfu_rig_test(status_follows_the_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
