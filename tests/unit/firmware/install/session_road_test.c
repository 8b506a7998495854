// SPDX-License-Identifier: MIT
// Whose turn it is: one road changes the flash at a time, and a road whose host has
// gone away does not keep the board.
#include "firmware/install/session.h"

#include "tests/fakes/board_media.h"

enum { LOG_ADDRESS = 0x08008000, SECOND_US = 1000000 };

static const uint8_t some[] = {1, 2, 3};

static int open_board(void **state) {
  if (board_media_setup(state)) return -1;
  struct board_media *b = *state;
  return session_open_log(&b->session, LOG_ADDRESS) == ST_OK ? 0 : -1;
}

static void pass(struct board_media *b) {
  if (!session_poll(&b->session)) b->now_us += BOARD_WAIT_US;
}

static void pass_us(struct board_media *b, uint32_t us) {
  const uint32_t from = b->now_us;
  while (b->now_us - from < us)
    pass(b);
}

static bool dfu_may(struct board_media *b) {
  return session_claim(&b->session, SESSION_DFU);
}

static bool serial_may(struct board_media *b) {
  return session_claim(&b->session, SESSION_SERIAL);
}

static void one_at_a_time(void **state) {
  struct board_media *b = *state;
  assert_true(dfu_may(b));
  assert_false(serial_may(b));
  assert_true(dfu_may(b));
  pass_us(b, 5 * SECOND_US);
  assert_true(serial_may(b));
  assert_false(dfu_may(b));
  assert_true(serial_may(b));
}

static void each_claim_holds_for_five_seconds(void **state) {
  struct board_media *b = *state;
  assert_true(dfu_may(b));
  for (int i = 0; i < 5; i++) {
    pass_us(b, 4900000);
    assert_false(serial_may(b));
    assert_true(dfu_may(b));
  }
  pass_us(b, 4999000);
  assert_false(serial_may(b));
  pass_us(b, 2000);
  assert_true(serial_may(b));
}

static void complete_lets_go_at_once(void **state) {
  struct board_media *b = *state;
  assert_true(dfu_may(b));
  assert_true(session_write(&b->session, BOARD_APP, some, sizeof some));
  session_complete(&b->session);
  while (!session_settled(&b->session)) {
    assert_false(serial_may(b));
    pass(b);
  }
  assert_true(serial_may(b));
  // The new owner's update is not the one that was complete.
  pass_us(b, SECOND_US);
  assert_false(dfu_may(b));
}

// What was taken goes on; until then nobody else begins.
static void work_of_the_silent_is_finished_first(void **state) {
  struct board_media *b = *state;
  b->nor.program_us = 20 * SECOND_US;
  assert_true(dfu_may(b));
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  pass_us(b, 10 * SECOND_US);
  assert_false(serial_may(b));
  pass_us(b, 12 * SECOND_US);
  assert_true(serial_may(b));
  assert_memory_equal(board_media_at(b, BOARD_NOR), some, sizeof some);
  assert_true(session_unfinished(&b->session));
}

// A host that is killed behind its erase commands: they are only noted, and would wait
// for ever. The other road does not carry them out: nothing has been changed.
static void noted_erases_hold_nobody_up(void **state) {
  struct board_media *b = *state;
  *board_media_at(b, BOARD_APP) = 0;
  assert_true(dfu_may(b));
  assert_true(session_erase(&b->session, BOARD_APP));
  pass_us(b, 4 * SECOND_US);
  assert_false(serial_may(b));
  pass_us(b, 2 * SECOND_US);
  assert_true(serial_may(b));
  session_flush(&b->session);
  pass_us(b, SECOND_US);
  assert_int_equal(*board_media_at(b, BOARD_APP), 0);
  assert_false(session_unfinished(&b->session));
}

// But a DFU host's own, with any pause before the data.
static void a_pause_forgets_nothing(void **state) {
  struct board_media *b = *state;
  *board_media_at(b, BOARD_APP) = 0;
  assert_true(dfu_may(b));
  assert_true(session_erase(&b->session, BOARD_APP));
  pass_us(b, 6 * SECOND_US);
  assert_true(dfu_may(b));
  session_flush(&b->session);
  pass_us(b, SECOND_US);
  assert_int_equal(*board_media_at(b, BOARD_APP), 0xFF);
}

static void write_at(struct board_media *b, uint32_t address) {
  assert_true(session_write(&b->session, address, some, sizeof some));
}

static void complete(struct board_media *b) {
  session_complete(&b->session);
  pass_us(b, 6 * SECOND_US);
}

// What a DFU host has left of an application, assets by the serial line do not
// complete; those of a DFU host do: it brings the parts of one update in several goes.
static void half_an_application_is_not_completed_by_another(void **state) {
  struct board_media *b = *state;
  assert_true(dfu_may(b));
  write_at(b, BOARD_APP + 0x1000);
  pass_us(b, 6 * SECOND_US);
  assert_true(serial_may(b));
  write_at(b, BOARD_NOR);
  complete(b);
  assert_true(session_unfinished(&b->session));
  assert_true(serial_may(b));
  write_at(b, BOARD_APP);
  complete(b);
  assert_false(session_unfinished(&b->session));
  assert_true(serial_may(b));
  write_at(b, BOARD_NOR + 0x1000);
  complete(b);
  assert_false(session_unfinished(&b->session));
  assert_true(dfu_may(b));
  write_at(b, BOARD_APP + 0x1000);
  pass_us(b, 6 * SECOND_US);
  assert_true(dfu_may(b));
  write_at(b, BOARD_NOR + 0x2000);
  complete(b);
  assert_false(session_unfinished(&b->session));
}

static void who_insists_completes(void **state) {
  struct board_media *b = *state;
  assert_true(serial_may(b));
  write_at(b, BOARD_APP + 0x1000);
  session_flush(&b->session);
  pass_us(b, 6 * SECOND_US);
  assert_true(serial_may(b));
  complete(b);
  assert_true(session_unfinished(&b->session));
  session_insist(&b->session);
  complete(b);
  assert_false(session_unfinished(&b->session));
}

static void a_failure_is_told_before_the_owner_changes(void **state) {
  struct board_media *b = *state;
  ram_medium_fail(&b->internal, RAM_PROGRAM_END, 2, ST_PROGRAM_FAILED);
  assert_true(dfu_may(b));
  assert_true(session_write(&b->session, BOARD_APP, some, sizeof some));
  session_complete(&b->session);
  pass_us(b, 10 * SECOND_US);
  assert_false(serial_may(b));
  assert_int_equal(session_take_result(&b->session).status, ST_PROGRAM_FAILED);
  assert_true(serial_may(b));
}

static void who_gives_up_lets_go(void **state) {
  struct board_media *b = *state;
  b->nor.program_us = SECOND_US;
  assert_true(serial_may(b));
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_release(&b->session, SESSION_DFU);  // it is not his
  pass_us(b, SECOND_US / 2);
  session_release(&b->session, SESSION_SERIAL);
  assert_false(dfu_may(b));
  pass_us(b, SECOND_US);
  assert_true(dfu_may(b));
  assert_true(session_unfinished(&b->session));
}

// Microseconds wrap after 71 minutes.
static void silence_is_noticed_before_the_clock_has_wrapped(void **state) {
  struct board_media *b = *state;
  assert_true(dfu_may(b));
  pass_us(b, 6 * SECOND_US);
  b->now_us -= 5 * SECOND_US;  // as if 71 minutes less 5 s had passed
  assert_true(serial_may(b));
}

// "Complete" is not lost when somebody begins right behind it.
static void complete_is_on_record_before_the_next_begins(void **state) {
  struct board_media *b = *state;
  b->internal.program_us = 100000;
  assert_true(dfu_may(b));
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_complete(&b->session);
  b->now_us += 6 * SECOND_US;  // nobody polled
  assert_false(serial_may(b));
  while (!serial_may(b))
    pass(b);
  assert_false(session_unfinished(&b->session));
}

#define road_test(test) \
  cmocka_unit_test_setup_teardown(test, open_board, board_media_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      road_test(one_at_a_time),
      road_test(each_claim_holds_for_five_seconds),
      road_test(complete_lets_go_at_once),
      road_test(work_of_the_silent_is_finished_first),
      road_test(noted_erases_hold_nobody_up),
      road_test(a_pause_forgets_nothing),
      road_test(half_an_application_is_not_completed_by_another),
      road_test(who_insists_completes),
      road_test(a_failure_is_told_before_the_owner_changes),
      road_test(who_gives_up_lets_go),
      road_test(silence_is_noticed_before_the_clock_has_wrapped),
      road_test(complete_is_on_record_before_the_next_begins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
