// SPDX-License-Identifier: MIT
// How a download ends: by ABORT, by another alternate setting, by a bus reset, by an
// error, or by leaving. Accepted data are never lost, commands that were not begun
// are, and failures are told later rather than never.
#include "firmware/usb/dfu.h"

#include "tests/unit/firmware/usb/dfu_rig.h"

static const uint8_t data[32] = "thirty-two bytes that must stay";
static const uint8_t vectors[8] = {0x00, 0x00, 0x08, 0x20, 0x09, 0x00, 0x01, 0x08};

enum ending { ABORT, SET_INTERFACE, BUS_RESET, FORBIDDEN, UNKNOWN, ENDINGS };

// Back to dfuIDLE by one road or another, at once.
static void end(struct dfu_rig *r, enum ending how) {
  switch (how) {
    case ABORT: assert_true(dfu_rig_request(r, RQ_ABORT)); break;
    case SET_INTERFACE: assert_true(r->cls.set_alternate(r->cls.ctx, 0)); break;
    case BUS_RESET: r->cls.reset(r->cls.ctx); break;
    case FORBIDDEN:
      assert_false(dfu_rig_request(r, RQ_DETACH));
      assert_int_equal(dfu_rig_state(r), ERROR);
      assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
      break;
    default:
      assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
      assert_int_equal(dfu_rig_state(r), ERROR);
      assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
      break;
  }
  assert_int_equal(dfu_rig_state(r), IDLE);
  assert_int_equal(r->dfu.told.status, OK);
}

static void polls(struct dfu_rig *r, int n) {
  while (n--)
    dfu_rig_pass(r);
}

// --- data are kept ---

static void accepted_data_survive_every_ending(void **state) {
  struct dfu_rig *r = *state;
  r->board.internal.program_us = 500;
  for (int how = 0; how < ENDINGS; how++) {
    for (int after = 0; after < 12; after++) {  // polls between the data and the end
      memset(board_media_at(&r->board, BOARD_APP), 0xFF, sizeof data);
      assert_true(r->cls.set_alternate(r->cls.ctx, 0));
      assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
      polls(r, after);
      end(r, (enum ending)how);
      dfu_rig_settle(r);
      expect_told(dfu_rig_status(r), OK, IDLE);
      assert_memory_equal(board_media_at(&r->board, BOARD_APP), data, sizeof data);
    }
  }
}

// The one buffer holds a block that waits for running work: nothing overwrites it. It
// waits because only the flash knows the rest of its 4 KB.
static void a_block_that_waits_is_not_overwritten(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t other[64] = {0};
  r->board.internal.erase_us = 100000;
  *board_media_at(&r->board, BOARD_APP) = 0;
  expect_told(dfu_rig_erase(r, BOARD_APP), OK, DNLOAD_IDLE);
  end(r, ABORT);
  while (!r->board.internal.busy)
    polls(r, 1);
  end(r, FORBIDDEN);  // the erase runs on
  assert_true(dfu_rig_command(r, 0x21, BOARD_APP + 0x8000 + 64));
  expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
  end(r, ABORT);
  assert_false(dfu_rig_out(r, RQ_DNLOAD, 3, other, sizeof other));
  expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  assert_false(dfu_rig_command(r, 0x21, BOARD_NOR));
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  dfu_rig_settle(r);
  expect_told(dfu_rig_status(r), OK, IDLE);
  assert_memory_equal(board_media_at(&r->board, BOARD_APP + 0x8040), data, sizeof data);
  assert_int_equal(*board_media_at(&r->board, BOARD_APP + 0x8040 + TRANSFER), 0xFF);
}

// The status behind an ABORT is held until all is done: for 0.9 s, and for 4 s behind a
// host's last word. When that is too short, dfuIDLE says how long it will take.
static void an_abort_holds_the_status_until_all_is_done(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    bool last_word;
    uint32_t takes_us, held_us;
  } cases[] = {
      {false, 20000, 20000}, {false, 890000, 890000},  {false, 1500000, 900000},
      {true, 20000, 20000},  {true, 3990000, 3990000}, {true, 5000000, 4000000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(board_media_at(&r->board, BOARD_APP), 0xFF, sizeof data);
    assert_true(r->cls.set_alternate(r->cls.ctx, 0));
    r->board.internal.program_us = cases[i].takes_us;
    assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
    if (cases[i].last_word) expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
    assert_true(dfu_rig_request(r, RQ_ABORT));
    struct dfu_told t = dfu_rig_status(r);
    expect_told(t, OK, IDLE);
    assert_in_range(r->held_us, cases[i].held_us - 1000, cases[i].held_us + 1000);
    assert_int_equal(t.poll_ms > 0, cases[i].takes_us > cases[i].held_us);
    while (t.poll_ms) {
      polls(r, 10);
      t = dfu_rig_status(r);
    }
    assert_memory_equal(board_media_at(&r->board, BOARD_APP), data, sizeof data);
  }
}

// --- commands are dropped ---

static void a_command_that_was_not_begun_is_dropped(void **state) {
  struct dfu_rig *r = *state;
  for (int how = 0; how < ENDINGS; how++) {
    for (int command = 0; command < 4; command++) {
      assert_true(r->cls.set_alternate(r->cls.ctx, 0));
      *board_media_at(&r->board, BOARD_APP) = 0x42;
      const uint32_t pointer = r->dfu.pointer;
      if (command == 0) assert_true(dfu_rig_command(r, 0x21, BOARD_NOR + 77));
      if (command == 1) assert_true(dfu_rig_command(r, 0x41, BOARD_APP));
      if (command == 2) assert_true(dfu_rig_mass_erase(r));
      if (command == 3) assert_true(dfu_rig_command(r, 0x92, 0));
      polls(r, 2);
      end(r, (enum ending)how);
      dfu_rig_settle(r);
      expect_told(dfu_rig_status(r), OK, IDLE);
      assert_int_equal(r->dfu.pointer, pointer);
      assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0x42);
    }
  }
}

// In dfuDNBUSY, asked for but not begun: an ABORT is forbidden there, the others end
// it.
static void a_command_that_was_only_asked_for_is_dropped(void **state) {
  struct dfu_rig *r = *state;
  for (int how = SET_INTERFACE; how < ENDINGS; how++) {
    assert_true(r->cls.set_alternate(r->cls.ctx, 0));
    *board_media_at(&r->board, BOARD_APP) = 0x42;
    assert_true(dfu_rig_command(r, 0x41, BOARD_APP));
    expect_told(dfu_rig_status(r), OK, BUSY);
    end(r, (enum ending)how);
    dfu_rig_settle(r);
    expect_told(dfu_rig_status(r), OK, IDLE);
    assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0x42);
  }
}

// A new command after an ABORT does not revive the old one.
static void the_next_command_is_the_only_one(void **state) {
  struct dfu_rig *r = *state;
  *board_media_at(&r->board, BOARD_APP) = 0x42;
  assert_true(dfu_rig_command(r, 0x41, BOARD_APP));
  end(r, ABORT);
  assert_true(dfu_rig_command(r, 0x21, BOARD_NOR));
  expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
  assert_int_equal(r->board.internal.calls[RAM_ERASE_START], 0);
}

// --- failures are told later ---

// With the reply that an ABORT holds back, later after the others.
static void a_failure_after_the_end_is_told_when_it_is_known(void **state) {
  struct dfu_rig *r = *state;
  for (int how = 0; how < ENDINGS; how++) {
    memset(board_media_at(&r->board, BOARD_APP), 0xFF, sizeof data);
    r->board.internal.program_us = 5000;
    assert_true(r->cls.set_alternate(r->cls.ctx, 0));
    assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
    ram_medium_fail(&r->board.internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
    end(r, (enum ending)how);
    if (how != ABORT) expect_told(dfu_rig_status(r), OK, IDLE);
    if (how != ABORT) dfu_rig_settle(r);
    expect_told(dfu_rig_status(r), ERR_PROG, ERROR);
    expect_reason(r,
                  "at 0x08010000: the flash reports a failed write; "
                  "try again or replace the chip");
    assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
    expect_told(dfu_rig_status(r), OK, IDLE);  // once
  }
}

static void the_first_of_two_failures_is_told(void **state) {
  struct dfu_rig *r = *state;
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
  ram_medium_fail(&r->board.internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  end(r, ABORT);
  dfu_rig_settle(r);
  assert_true(dfu_rig_command(r, 0x41, BOARD_INTERNAL));  // another error
  expect_told(dfu_rig_status(r), OK, BUSY);
  dfu_rig_settle(r);
  expect_told(dfu_rig_status(r), ERR_PROG, ERROR);
}

static void a_failure_found_while_uploading_is_told(void **state) {
  struct dfu_rig *r = *state;
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
  ram_medium_fail(&r->board.internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  end(r, ABORT);
  dfu_rig_settle(r);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 16));
  assert_int_equal(dfu_rig_state(r), UPLOAD_IDLE);
  expect_told(dfu_rig_status(r), ERR_PROG, ERROR);
}

// --- CLRSTATUS where nothing is wrong, as STM32CubeProgrammer sends it ---

static void clrstatus_outside_an_error_makes_one_and_clears_it(void **state) {
  struct dfu_rig *r = *state;
  for (int from = 0; from < 4; from++) {
    if (from == 1) assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
    if (from == 2) assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
    if (from == 3) assert_true(dfu_rig_command(r, 0x41, BOARD_NOR));
    if (from == 3) expect_told(dfu_rig_status(r), OK, BUSY);
    assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
    expect_told(dfu_rig_status(r), ERR_UNKNOWN, ERROR);
    expect_reason(r, "this request is not allowed now");
    assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
    expect_told(dfu_rig_status(r), OK, IDLE);
    dfu_rig_settle(r);
  }
}

static void an_error_keeps_its_first_status(void **state) {
  struct dfu_rig *r = *state;
  expect_told(dfu_rig_erase(r, BOARD_INTERNAL), ERR_TARGET, ERROR);
  assert_false(dfu_rig_request(r, RQ_DETACH));
  assert_false(dfu_rig_request(r, RQ_ABORT));
  assert_false(dfu_rig_request(r, RQ_DNLOAD));
  assert_false(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
  assert_false(dfu_rig_out(r, RQ_DNLOAD, 1, data, sizeof data));
  assert_false(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
  expect_told(dfu_rig_status(r), ERR_TARGET, ERROR);
  expect_reason(r,
                "at 0x08000000: quadboot lives here; applications start at 0x08010000");
  end(r, SET_INTERFACE);  // ends every error too
  expect_told(dfu_rig_status(r), OK, IDLE);
  dfu_rig_settle(r);
  assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0xFF);
}

// --- leaving ---

static void install_app(struct dfu_rig *r) {
  memcpy(board_media_at(&r->board, BOARD_APP), vectors, sizeof vectors);
}

// From dfuIDLE or after data, whatever the block number and the pointer.
static void leave_tells_before_it_goes(void **state) {
  struct dfu_rig *r = *state;
  static const uint16_t blocks[] = {0, 1, 2, 3, 65535};
  install_app(r);
  for (int after_data = 0; after_data < 2; after_data++) {
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
      assert_true(r->cls.set_alternate(r->cls.ctx, 0));
      r->dfu.leave = false;
      memset(board_media_at(&r->board, BOARD_NOR), 0xFF, sizeof data);
      if (after_data) dfu_rig_write(r, BOARD_NOR, data, sizeof data);
      dfu_rig_settle(r);
      assert_true(dfu_rig_out(r, RQ_DNLOAD, blocks[i], NULL, 0));
      assert_int_equal(dfu_rig_state(r), MANIFEST_SYNC);
      assert_false(dfu_wants_to_leave(&r->dfu));
      assert_true(dfu_rig_in_unfinished(r, RQ_GETSTATUS, 0, 6));
      const struct dfu_told t = dfu_rig_told(r);
      expect_told(t, OK, MANIFEST);
      assert_int_equal(t.poll_ms, 1);
      dfu_rig_settle(r);
      assert_false(dfu_wants_to_leave(&r->dfu));  // the reply is not out yet
      expect_told(dfu_rig_status(r), OK, MANIFEST);
      assert_true(dfu_wants_to_leave(&r->dfu));
    }
  }
}

// A host that vanishes before it has the answer, and another that comes: it did not
// ask to leave.
static void a_leave_that_was_not_told_is_forgotten(void **state) {
  struct dfu_rig *r = *state;
  install_app(r);
  for (int how = SET_INTERFACE; how < ENDINGS; how++) {
    assert_true(dfu_rig_request(r, RQ_DNLOAD));
    assert_true(dfu_rig_in_unfinished(r, RQ_GETSTATUS, 0, 6));
    expect_told(dfu_rig_told(r), OK, MANIFEST);
    end(r, (enum ending)how);
    expect_told(dfu_rig_status(r), OK, IDLE);
    expect_told(dfu_rig_status(r), OK, IDLE);
    assert_false(dfu_wants_to_leave(&r->dfu));
  }
}

static void a_leave_can_be_called_off(void **state) {
  struct dfu_rig *r = *state;
  install_app(r);
  assert_true(dfu_rig_request(r, RQ_DNLOAD));
  end(r, ABORT);
  expect_told(dfu_rig_write(r, BOARD_NOR, data, sizeof data), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_status(r), OK, DNLOAD_IDLE);
  assert_false(dfu_wants_to_leave(&r->dfu));
}

static void there_must_be_an_application_to_leave_for(void **state) {
  struct dfu_rig *r = *state;
  assert_true(dfu_rig_request(r, RQ_DNLOAD));
  expect_told(dfu_rig_status(r), ERR_FIRMWARE, ERROR);
  expect_reason(r, "no valid application is installed; flash one first");
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  expect_told(dfu_rig_status(r), OK, IDLE);
  ram_medium_fail(&r->board.internal, RAM_READ, 1, ST_FLASH_TIMEOUT);
  assert_true(dfu_rig_request(r, RQ_DNLOAD));
  expect_told(dfu_rig_status(r), ERR_UNKNOWN, ERROR);
  expect_reason(r, status_sentence(ST_FLASH_TIMEOUT));
  assert_false(dfu_wants_to_leave(&r->dfu));
}

// Work that an ABORT left behind is finished before the device goes.
static void leaving_waits_for_the_work(void **state) {
  struct dfu_rig *r = *state;
  r->board.internal.program_us = 5000;
  for (int fails = 0; fails < 2; fails++) {
    memset(board_media_at(&r->board, BOARD_APP), 0xFF, 64);
    assert_true(r->cls.set_alternate(r->cls.ctx, 0));
    assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, vectors, sizeof vectors));
    if (fails)
      ram_medium_fail(&r->board.internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
    end(r, ABORT);
    polls(r, 2);
    assert_true(dfu_rig_request(r, RQ_DNLOAD));
    const struct dfu_told t = dfu_rig_status(r);
    expect_told(t, OK, BUSY);
    assert_true(t.poll_ms >= 1);
    assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0xFF);
    expect_told(dfu_rig_wait(r), fails ? ERR_PROG : OK, fails ? ERROR : MANIFEST);
    assert_int_equal(dfu_wants_to_leave(&r->dfu), !fails);
    r->dfu.leave = false;
  }
}

static void a_failed_leave_leaves_a_usable_device(void **state) {
  struct dfu_rig *r = *state;
  assert_true(dfu_rig_request(r, RQ_DNLOAD));
  expect_told(dfu_rig_status(r), ERR_FIRMWARE, ERROR);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  expect_told(dfu_rig_write(r, BOARD_APP, vectors, sizeof vectors), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_request(r, RQ_DNLOAD));
  expect_told(dfu_rig_wait(r), OK, MANIFEST);
  assert_true(dfu_wants_to_leave(&r->dfu));
}

// A host that was killed behind the status of a block, and another that begins with an
// ABORT: nobody has said that all data were sent.
static void an_abort_of_another_host_completes_nothing(void **state) {
  struct dfu_rig *r = *state;
  assert_int_equal(session_open_log(&r->board.session, 0x08008000), ST_OK);
  for (int how = 0; how < 2; how++) {
    expect_told(dfu_rig_write(r, BOARD_NOR + 4096u * (uint32_t)how,
                              (const uint8_t[]){1, 2, 3}, 3),
                OK, DNLOAD_IDLE);
    if (how == 0) assert_true(r->cls.set_alternate(r->cls.ctx, 0));
    if (how == 1) r->cls.reset(r->cls.ctx);
    expect_told(dfu_rig_finish(r), OK, IDLE);
    assert_true(session_unfinished(&r->board.session));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(an_abort_of_another_host_completes_nothing),
      dfu_rig_test(accepted_data_survive_every_ending),
      dfu_rig_test(a_block_that_waits_is_not_overwritten),
      dfu_rig_test(an_abort_holds_the_status_until_all_is_done),
      dfu_rig_test(a_command_that_was_not_begun_is_dropped),
      dfu_rig_test(a_command_that_was_only_asked_for_is_dropped),
      dfu_rig_test(the_next_command_is_the_only_one),
      dfu_rig_test(a_failure_after_the_end_is_told_when_it_is_known),
      dfu_rig_test(the_first_of_two_failures_is_told),
      dfu_rig_test(a_failure_found_while_uploading_is_told),
      dfu_rig_test(clrstatus_outside_an_error_makes_one_and_clears_it),
      dfu_rig_test(an_error_keeps_its_first_status),
      dfu_rig_test(leave_tells_before_it_goes),
      dfu_rig_test(a_leave_that_was_not_told_is_forgotten),
      dfu_rig_test(a_leave_can_be_called_off),
      dfu_rig_test(there_must_be_an_application_to_leave_for),
      dfu_rig_test(leaving_waits_for_the_work),
      dfu_rig_test(a_failed_leave_leaves_a_usable_device),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
