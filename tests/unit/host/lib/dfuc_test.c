// SPDX-License-Identifier: MIT
// One DFU request or command at a time, against a device with every fault, in virtual
// time: a device that never gets done would make these tests run for hours of it.
#include "host/lib/dfuc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/fake_board.h"

enum { BUSY_LIMIT_MS = 120000, MASS_ERASE_LIMIT_MS = 900000 };

struct rig {
  struct fake_board board;
  struct usb_io io;
  struct dfuc client;
  struct qb_error error;
};

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  struct usb_board *b = calloc(1, sizeof *b);
  const struct usb_found where = {.location = "usb:1-1"};
  bool is_board = false;
  if (!r || !b) return -1;
  fake_board_init(&r->board);
  r->io = fake_board_io(&r->board);
  if (!usb_board_describe(&r->io, &where, b, &is_board, &r->error)) return -1;
  r->io.claim(r->io.ctx, 0, &r->error);
  dfuc_init(&r->client, &r->io, b);
  free(b);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

static void expect_ok(struct rig *r, enum dfuc_outcome outcome) {
  if (outcome != DFUC_OK) fail_msg("%s", r->error.text);
}

// ---- All goes well ---------------------------------------------------------

static void names_of_states_and_statuses(void **state) {
  (void)state;
  assert_string_equal(dfuc_state_name(2), "dfuIDLE");
  assert_string_equal(dfuc_state_name(10), "dfuERROR");
  assert_string_equal(dfuc_state_name(11), "a state that DFU does not have");
  assert_string_equal(dfuc_state_name(255), "a state that DFU does not have");
  assert_string_equal(dfuc_status_name(0), "OK");
  assert_string_equal(dfuc_status_name(15), "errSTALLEDPKT");
  assert_string_equal(dfuc_status_name(16), "an unknown error");
}

static void commands_and_data(void **state) {
  struct rig *r = *state;
  uint8_t data[16] = "0123456789ABCDE";
  uint8_t back[16];
  uint16_t got = 0;
  expect_ok(r, dfuc_select(&r->client, 0, &r->error));
  expect_ok(r, dfuc_erase(&r->client, FAKE_INTERNAL + 100, &r->error));
  expect_ok(r, dfuc_set_address(&r->client, FAKE_INTERNAL, &r->error));
  expect_ok(r, dfuc_write(&r->client, 1, data, 16, &r->error));
  assert_memory_equal(r->board.internal + 1024, data, 16);
  expect_ok(r, dfuc_finish(&r->client, &r->error));
  expect_ok(r, dfuc_read(&r->client, 1, back, 16, &got, &r->error));
  assert_int_equal(got, 16);
  assert_memory_equal(back, data, 16);
  expect_ok(r, dfuc_mass_erase(&r->client, &r->error));
  assert_int_equal(r->board.internal[FAKE_MEMORY - 1], 0xFF);
  expect_ok(r, dfuc_leave(&r->client, &r->error));
  assert_true(r->board.started);
}

// The device says how long to wait, and is not asked before.
static void poll_times_are_obeyed(void **state) {
  struct rig *r = *state;
  r->board.poll_ms = 1234;
  r->board.busy_polls = 3;
  expect_ok(r, dfuc_erase(&r->client, FAKE_INTERNAL, &r->error));
  assert_int_equal(r->board.slept_ms, 3 * 1234);
}

static unsigned told;
static void on_busy(void *ctx, uint32_t waited_ms, uint32_t more_ms) {
  uint32_t *last = ctx;
  assert_true(waited_ms >= *last);
  assert_true(more_ms > 0);
  *last = waited_ms;
  told++;
}

static void a_long_wait_is_told_in_small_steps(void **state) {
  struct rig *r = *state;
  uint32_t last = 0;
  told = 0;
  r->board.poll_ms = 1050;
  r->client.wait = (struct dfuc_wait){.ctx = &last, .busy = on_busy};
  expect_ok(r, dfuc_erase(&r->client, FAKE_INTERNAL, &r->error));
  assert_int_equal(told, 11);
  assert_int_equal(last, 1000);
}

// ---- Devices that do not get done ------------------------------------------

static void expect_stuck(struct rig *r, enum dfuc_outcome outcome, uint64_t limit_ms) {
  assert_int_equal(outcome, DFUC_STUCK);
  assert_true(strlen(r->error.text) > 20);
  assert_true(r->board.slept_ms <= limit_ms);
}

static void busy_for_ever_ends(void **state) {
  struct rig *r = *state;
  static const uint32_t polls[] = {0, 1, 100, 60000, 119999, 120000, 121000, 0xFFFFFF};
  r->board.busy_for_ever = true;
  for (size_t i = 0; i < sizeof polls / sizeof *polls; i++) {
    r->board.poll_ms = polls[i];
    r->board.state = DFU_IDLE;
    r->board.slept_ms = r->board.transfers = 0;
    expect_stuck(r, dfuc_erase(&r->client, FAKE_INTERNAL, &r->error), BUSY_LIMIT_MS);
    assert_string_equal(r->error.text,
                        "erasing the sector at 0x08010000 does not end: the board has "
                        "been busy for 120 s; switch it off and on");
    assert_int_equal(r->board.slept_ms, BUSY_LIMIT_MS);
  }
}

static void each_command_has_its_limit(void **state) {
  struct rig *r = *state;
  uint8_t data[4] = {0};
  r->board.busy_for_ever = true;
  r->board.poll_ms = 0xFFFFFF;
  expect_stuck(r, dfuc_mass_erase(&r->client, &r->error), MASS_ERASE_LIMIT_MS);
  r->board.state = DFU_IDLE;
  r->board.slept_ms = 0;
  expect_stuck(r, dfuc_set_address(&r->client, 0, &r->error), BUSY_LIMIT_MS);
  r->board.state = DFU_IDLE;
  r->board.slept_ms = 0;
  expect_stuck(r, dfuc_write(&r->client, 0, data, 4, &r->error), BUSY_LIMIT_MS);
  r->board.state = DFU_DNBUSY;
  r->board.slept_ms = 0;
  expect_stuck(r, dfuc_to_idle(&r->client, &r->error), BUSY_LIMIT_MS);
}

// One that still finishes in dfuIDLE, and needs a little less each time it is asked.
static void finishing_for_ever_ends(void **state) {
  struct rig *r = *state;
  r->board.idle_poll_ms = 0xFFFFFF;
  r->board.idle_poll_falls = true;
  expect_stuck(r, dfuc_finish(&r->client, &r->error), BUSY_LIMIT_MS);
  r->board.slept_ms = 0;
  r->board.idle_poll_ms = 1000;
  expect_stuck(r, dfuc_finish(&r->client, &r->error), BUSY_LIMIT_MS);
}

static void finishing_is_waited_for(void **state) {
  struct rig *r = *state;
  r->board.idle_poll_ms = 20;
  r->board.idle_poll_falls = true;
  expect_ok(r, dfuc_finish(&r->client, &r->error));
  assert_int_equal(r->board.slept_ms, 20 * 21 / 2 - 1);
}

static void one_that_always_names_the_same_time(void **state) {
  struct rig *r = *state;
  r->board.idle_poll_ms = 50;
  expect_ok(r, dfuc_finish(&r->client, &r->error));
  assert_int_equal(r->board.slept_ms, 50);
}

static void an_error_that_stays_ends(void **state) {
  struct rig *r = *state;
  r->board.keeps_error = true;
  r->board.state = DFU_ERROR;
  r->board.status = 14;
  assert_int_equal(dfuc_to_idle(&r->client, &r->error), DFUC_STUCK);
  assert_string_equal(r->error.text,
                      "the board stays in state dfuERROR; switch it off and on");
}

// ---- Whatever state it is found in -----------------------------------------

static void from_every_state_to_idle(void **state) {
  struct rig *r = *state;
  for (unsigned s = 0; s < 256; s++) {
    r->board.state = (uint8_t)s;
    r->board.status = s % 2 ? 0 : 3;
    r->board.polls_left = 2;
    expect_ok(r, dfuc_to_idle(&r->client, &r->error));
    assert_int_equal(r->board.state, DFU_IDLE);
    assert_int_equal(r->board.status, 0);
  }
}

static void a_device_that_cannot_abort_is_told(void **state) {
  struct rig *r = *state;
  r->board.state = DFU_MANIFEST;
  r->board.refuses_abort = true;
  assert_int_equal(dfuc_to_idle(&r->client, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text, "the board refuses to stop what it does");
}

// USB 2.0 9.4.10 lets a device refuse the request if it has only the default setting.
static void one_alternate_may_be_refused(void **state) {
  struct rig *r = *state;
  r->board.refuses_alternate = true;
  r->board.state = DFU_UPLOAD_IDLE;
  assert_int_equal(dfuc_select(&r->client, 0, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text,
                      "the board refuses the alternate setting that it offers");
  r->client.one_alternate = true;
  expect_ok(r, dfuc_select(&r->client, 0, &r->error));
  assert_int_equal(r->board.state, DFU_IDLE);
}

// ---- Errors ----------------------------------------------------------------

static void an_error_in_words_of_dfu(void **state) {
  struct rig *r = *state;
  assert_int_equal(dfuc_erase(&r->client, 0x20000000, &r->error), DFUC_REFUSED);
  assert_string_equal(
      r->error.text,
      "erasing the sector at 0x20000000 failed, and the board says: the file is not for "
      "this device, or the address is not its own (errTARGET)");
  assert_int_equal(r->board.state, DFU_IDLE);  // cleared
}

static void an_error_in_words_of_the_device(void **state) {
  struct rig *r = *state;
  r->board.own_words = "sector 3 is worn out\n";
  assert_int_equal(dfuc_erase(&r->client, 0x20000000, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text,
                      "erasing the sector at 0x20000000 failed, and the board says: "
                      "sector 3 is worn out? (errTARGET)");
}

static void a_stall_is_explained(void **state) {
  struct rig *r = *state;
  uint8_t data[4];
  uint16_t got = 0;
  r->board.pointer = 0x20000000;
  assert_int_equal(dfuc_read(&r->client, 0, data, 4, &got, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text,
                      "reading failed, and the board says: a request that it does not "
                      "know (errSTALLEDPKT)");
}

static void statuses_of_other_lengths(void **state) {
  struct rig *r = *state;
  struct dfuc_reply reply;
  for (uint8_t size = 1; size < 6; size++) {
    r->board.status_size = size;
    assert_int_equal(dfuc_get_status(&r->client, &reply, &r->error), DFUC_REFUSED);
    assert_non_null(strstr(r->error.text, "instead of 6"));
  }
}

static void an_unexpected_state_is_named(void **state) {
  struct rig *r = *state;
  r->board.fault = FAULT_STATE;
  r->board.at = r->board.transfers + 2;
  assert_int_equal(dfuc_erase(&r->client, FAKE_INTERNAL, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text,
                      "after erasing the sector at 0x08010000 the board is in state "
                      "dfuMANIFEST-WAIT-RESET instead of dfuDNLOAD-IDLE");
}

static void each_way_to_lose_a_board_has_a_sentence(void **state) {
  struct rig *r = *state;
  static const enum fake_fault faults[] = {FAULT_GONE, FAULT_TIMEOUT, FAULT_BROKEN};
  static const char *const sentences[] = {
      "the board was unplugged, or has reset itself",
      "the board does not answer any more; check the cable",
      "a USB transfer broke; check the cable"};
  for (size_t i = 0; i < 3; i++) {
    r->board.gone = false;
    r->board.fault = faults[i];
    r->board.at = r->board.transfers + 1;
    assert_int_equal(dfuc_erase(&r->client, FAKE_INTERNAL, &r->error), DFUC_LOST);
    assert_string_equal(r->error.text, sentences[i]);
  }
}

// DFU 1.1 A.2.9: a device in that state is waiting for a bus reset.
static void a_device_that_waits_for_a_reset_gets_one(void **state) {
  struct rig *r = *state;
  r->board.fault = FAULT_STATE;
  r->board.at = r->board.transfers + 2;
  expect_ok(r, dfuc_leave(&r->client, &r->error));
  assert_true(r->board.gone);
}

// ---- Detaching -------------------------------------------------------------

static void a_device_that_does_not_detach_is_reset(void **state) {
  struct rig *r = *state;
  struct dfu_functional f = {.attributes = 0, .detach_timeout_ms = 255};
  r->board.protocol = 1;
  expect_ok(r, dfuc_detach(&r->client, &f, &r->error));
  assert_true(r->board.gone);
}

static void a_device_that_detaches_is_not_reset(void **state) {
  struct rig *r = *state;
  struct dfu_functional f = {.attributes = DFU_WILL_DETACH};
  r->board.protocol = 1;
  expect_ok(r, dfuc_detach(&r->client, &f, &r->error));
  assert_false(r->board.gone);
  r->board.protocol = 2;
  assert_int_equal(dfuc_detach(&r->client, &f, &r->error), DFUC_REFUSED);
  assert_string_equal(r->error.text, "the board refuses to start its bootloader");
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_states_and_statuses),
      RIGGED(commands_and_data),
      RIGGED(poll_times_are_obeyed),
      RIGGED(a_long_wait_is_told_in_small_steps),
      RIGGED(busy_for_ever_ends),
      RIGGED(each_command_has_its_limit),
      RIGGED(finishing_for_ever_ends),
      RIGGED(finishing_is_waited_for),
      RIGGED(one_that_always_names_the_same_time),
      RIGGED(an_error_that_stays_ends),
      RIGGED(from_every_state_to_idle),
      RIGGED(a_device_that_cannot_abort_is_told),
      RIGGED(one_alternate_may_be_refused),
      RIGGED(an_error_in_words_of_dfu),
      RIGGED(an_error_in_words_of_the_device),
      RIGGED(a_stall_is_explained),
      RIGGED(statuses_of_other_lengths),
      RIGGED(an_unexpected_state_is_named),
      RIGGED(each_way_to_lose_a_board_has_a_sentence),
      RIGGED(a_device_that_waits_for_a_reset_gets_one),
      RIGGED(a_device_that_does_not_detach_is_reset),
      RIGGED(a_device_that_detaches_is_not_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
