// SPDX-License-Identifier: MIT
// DFU beside another road that changes the flash: it changes nothing then, says why,
// and still reads.
#include "tests/unit/firmware/usb/dfu_rig.h"

enum { ERR_WRITE = 3, LOG_ADDRESS = 0x08008000 };

static const uint8_t some[] = {1, 2, 3, 4};
static const char sentence[] =
    "another program is updating this board; try again when it has ended";

static void serial_begins(struct dfu_rig *r) {
  assert_true(session_claim(&r->board.session, SESSION_SERIAL));
}

static void expect_refused(struct dfu_rig *r, struct dfu_told told) {
  expect_told(told, ERR_WRITE, ERROR);
  expect_reason(r, sentence);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
}

static void no_change_beside_another_road(void **state) {
  struct dfu_rig *r = *state;
  *board_media_at(&r->board, BOARD_APP) = 0x42;
  serial_begins(r);
  expect_refused(r, dfu_rig_erase(r, BOARD_APP));
  expect_refused(r, dfu_rig_write(r, BOARD_APP, some, sizeof some));
  assert_true(dfu_rig_mass_erase(r));
  assert_int_equal(dfu_rig_status(r).state, BUSY);
  expect_refused(r, dfu_rig_wait(r));
  assert_int_equal(dfu_rig_finish(r).state, IDLE);
  assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0x42);
}

static void reading_goes_on(void **state) {
  struct dfu_rig *r = *state;
  memcpy(board_media_at(&r->board, BOARD_APP), some, sizeof some);
  serial_begins(r);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
  assert_memory_equal(r->got, some, sizeof some);
}

// A bad address stays one.
static void the_address_is_judged_first(void **state) {
  struct dfu_rig *r = *state;
  serial_begins(r);
  expect_told(dfu_rig_erase(r, 0x08000000), ERR_TARGET, ERROR);
}

static void the_application_is_not_started_meanwhile(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t head[] = {0, 0, 8, 0x20, 9, 0, 1, 8};
  memcpy(board_media_at(&r->board, BOARD_APP), head, sizeof head);
  serial_begins(r);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 0, NULL, 0));
  expect_refused(r, dfu_rig_wait(r));
  assert_false(dfu_wants_to_leave(&r->dfu));
}

// The host was silent, the serial road's update has begun: DFU's last word must not
// complete that.
static void a_late_last_word_completes_nothing(void **state) {
  struct dfu_rig *r = *state;
  assert_int_equal(session_open_log(&r->board.session, LOG_ADDRESS), ST_OK);
  expect_told(dfu_rig_write(r, BOARD_APP, some, sizeof some), OK, DNLOAD_IDLE);
  dfu_rig_settle(r);
  r->board.now_us += 5000000;
  serial_begins(r);
  assert_true(session_write(&r->board.session, BOARD_NOR, some, sizeof some));
  assert_true(dfu_rig_request(r, RQ_ABORT));
  expect_refused(r, dfu_rig_status(r));
  dfu_rig_settle(r);
  assert_true(session_unfinished(&r->board.session));
}

static void failures_are_told_to_whose_they_are(void **state) {
  struct dfu_rig *r = *state;
  serial_begins(r);
  ram_medium_fail(&r->board.nor, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  assert_true(session_write(&r->board.session, BOARD_NOR, some, sizeof some));
  session_flush(&r->board.session);
  dfu_rig_settle(r);
  expect_told(dfu_rig_status(r), OK, IDLE);
  assert_int_equal(session_take_result(&r->board.session).status, ST_PROGRAM_FAILED);
}

// The other direction: killed in the middle, and complete.
static void dfu_keeps_the_board_while_it_works(void **state) {
  struct dfu_rig *r = *state;
  struct session *s = &r->board.session;
  assert_int_equal(session_open_log(s, LOG_ADDRESS), ST_OK);
  expect_told(dfu_rig_erase(r, BOARD_APP), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_write(r, BOARD_APP, some, sizeof some), OK, DNLOAD_IDLE);
  dfu_rig_settle(r);
  assert_false(session_claim(s, SESSION_SERIAL));
  r->board.now_us += 5000000;
  assert_true(session_claim(s, SESSION_SERIAL));
  assert_true(session_unfinished(s));
}

static void dfu_lets_go_when_it_is_complete(void **state) {
  struct dfu_rig *r = *state;
  struct session *s = &r->board.session;
  assert_int_equal(session_open_log(s, LOG_ADDRESS), ST_OK);
  expect_told(dfu_rig_write(r, BOARD_APP, some, sizeof some), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_finish(r), OK, IDLE);
  assert_false(session_unfinished(s));
  assert_true(session_claim(s, SESSION_SERIAL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(no_change_beside_another_road),
      dfu_rig_test(reading_goes_on),
      dfu_rig_test(the_address_is_judged_first),
      dfu_rig_test(the_application_is_not_started_meanwhile),
      dfu_rig_test(a_late_last_word_completes_nothing),
      dfu_rig_test(failures_are_told_to_whose_they_are),
      dfu_rig_test(dfu_keeps_the_board_while_it_works),
      dfu_rig_test(dfu_lets_go_when_it_is_complete),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
