// SPDX-License-Identifier: MIT
// Finding boards and opening them, among others that are broken, busy or no boards.
#include "host/lib/boards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/host/lib/fake_board.h"

struct rig {
  struct fake_board boards[3];
  struct fake_bus fake_bus;
  struct usb_bus bus;
  struct connection connection;
  struct usb_found where;
  struct qb_error error;
};

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  for (size_t i = 0; i < 3; i++) {
    fake_board_init(&r->boards[i]);
    r->boards[i].location[6] = (char)('1' + i);
    r->fake_bus.boards[i] = &r->boards[i];
  }
  r->fake_bus.count = 1;
  r->bus = fake_bus(&r->fake_bus);
  r->where = (struct usb_found){.location = "usb:1-1"};
  *state = r;
  return 0;
}

// Whatever was opened was closed again.
static int teardown(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < 3; i++) {
    assert_false(r->boards[i].open);
  }
  free(r);
  return 0;
}

static bool open_board(struct rig *r) {
  return connection_open(&r->connection, &r->bus, &r->where, &r->error);
}

// ---- Finding ---------------------------------------------------------------

static void a_broken_bus_hides_no_boards(void **state) {
  struct rig *r = *state;
  struct fake_bus broken = {.broken = true};
  struct usb_bus buses[2] = {fake_bus(&broken), r->bus};
  struct boards list = {0};
  assert_true(boards_find(&list, buses, 2, &r->error));
  assert_int_equal(list.count, 2);
  assert_false(list.items[0].described);
  assert_string_equal(list.items[0].problem.text, "the bus is broken");
  assert_string_equal(list.items[0].board.where.location, "fake");
  assert_true(list.items[1].described);
  assert_string_equal(list.items[1].board.serial, "A1");
  boards_free(&list);
}

static void a_dumb_board_is_an_entry_with_its_problem(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  r->fake_bus.count = 2;
  r->boards[0].fault = FAULT_TIMEOUT;
  r->boards[0].at = 3;
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_int_equal(list.count, 2);
  assert_false(list.items[0].described);
  assert_non_null(strstr(list.items[0].problem.text, "does not answer"));
  assert_false(list.items[0].has_twin);
  boards_free(&list);
}

static void twins_are_noted(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  r->fake_bus.count = 3;
  r->boards[1].serial = "B2";
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_true(list.items[0].has_twin);
  assert_false(list.items[1].has_twin);
  assert_true(list.items[2].has_twin);
  boards_free(&list);
  r->boards[0].serial = r->boards[2].serial = NULL;  // no number is no equal number
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_false(list.items[0].has_twin);
  boards_free(&list);
}

static void more_devices_than_a_list_begins_with(void **state) {
  (void)state;
  struct usb_found_list list = {0};
  for (uint16_t i = 0; i < 1000; i++) {
    assert_true(usb_found_add(&list, &(struct usb_found){.vendor = i}));
  }
  assert_int_equal(list.count, 1000);
  assert_int_equal(list.items[999].vendor, 999);
  free(list.items);
}

// ---- Opening ---------------------------------------------------------------

static void a_bootloader_is_opened_and_claimed(void **state) {
  struct rig *r = *state;
  assert_true(open_board(r));
  assert_true(r->boards[0].claimed);
  connection_close(&r->connection);
}

static void what_cannot_be_opened(void **state) {
  struct rig *r = *state;
  r->boards[0].refuses_claim = true;
  assert_false(open_board(r));
  assert_string_equal(r->error.text, "another program uses the board");
  r->boards[0].version = 0x110;
  assert_false(open_board(r));
  assert_string_equal(r->error.text,
                      "A1 is a DFU device without addresses (not DfuSe), which this "
                      "tool cannot write; use dfu-util");
  r->where = (struct usb_found){.location = "usb:9-9"};
  assert_false(open_board(r));
  assert_string_equal(r->error.text, "the board at usb:9-9 was unplugged");
}

static void faults_while_opening_leave_nothing_open(void **state) {
  struct rig *r = *state;
  for (int fault = FAULT_STALL; fault < FAULT_STOP; fault++) {
    for (uint64_t at = 1; at < 14; at++) {
      fake_board_init(&r->boards[0]);
      r->boards[0].fault = (enum fake_fault)fault;
      r->boards[0].at = at;
      if (open_board(r)) connection_close(&r->connection);
      assert_false(r->boards[0].open);
    }
  }
}

static void an_application_is_asked_for_its_bootloader(void **state) {
  struct rig *r = *state;
  r->boards[0].protocol = 1;
  r->boards[0].attributes = 1;
  assert_true(open_board(r));
  assert_int_equal(r->connection.board.kind, BOARD_QUADBOOT);
  connection_close(&r->connection);
}

// Its twin, which is in its bootloader already, is not what comes back.
static void an_application_with_a_twin(void **state) {
  struct rig *r = *state;
  r->fake_bus.boards[0] = &r->boards[2];
  r->fake_bus.boards[1] = &r->boards[0];
  r->fake_bus.count = 2;
  r->boards[0].protocol = 1;
  r->boards[0].attributes = 1;
  assert_true(open_board(r));
  assert_string_equal(r->connection.board.where.location, "usb:1-1");
  connection_close(&r->connection);
}

static void an_application_that_refuses(void **state) {
  struct rig *r = *state;
  assert_true(open_board(r));
  connection_close(&r->connection);
  r->boards[0].protocol = 1;
  r->boards[0].fault = FAULT_STALL;
  r->boards[0].at = 2 * r->boards[0].transfers + 1;  // the DETACH
  assert_false(open_board(r));
  assert_string_equal(r->error.text,
                      "board A1 runs its application; hold the board's button while it "
                      "resets, so that the bootloader stays");
}

// ---- Waiting ---------------------------------------------------------------

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void waiting_ends_in_time(void **state) {
  struct rig *r = *state;
  static const uint32_t limits[] = {0, 30, 400};
  assert_true(open_board(r));
  connection_close(&r->connection);
  const struct usb_board lost = r->connection.board;
  r->boards[0].gone = r->boards[0].forgets = true;
  for (size_t i = 0; i < 3; i++) {
    const uint64_t start = now_ms();
    r->boards[0].scans = 0;
    assert_false(
        connection_find_again(&r->connection, &r->bus, &lost, limits[i], NULL, NULL));
    assert_true(now_ms() - start >= limits[i]);
    assert_in_range(r->boards[0].scans, 1, 4);
  }
}

// With no time to wait, a board that is there is found all the same.
static void no_time_is_time_for_one_look(void **state) {
  struct rig *r = *state;
  assert_true(open_board(r));
  connection_close(&r->connection);
  const struct usb_board lost = r->connection.board;
  assert_true(connection_find_again(&r->connection, &r->bus, &lost, 0, NULL, NULL));
  connection_close(&r->connection);
}

static bool at_once(void *ctx) {
  (void)ctx;
  return true;
}

static void waiting_can_be_stopped(void **state) {
  struct rig *r = *state;
  assert_true(open_board(r));
  connection_close(&r->connection);
  const struct usb_board lost = r->connection.board;
  r->boards[0].scans = 0;
  assert_false(
      connection_find_again(&r->connection, &r->bus, &lost, 3600000, at_once, NULL));
  assert_int_equal(r->boards[0].scans, 0);
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(a_broken_bus_hides_no_boards),
      RIGGED(a_dumb_board_is_an_entry_with_its_problem),
      RIGGED(twins_are_noted),
      RIGGED(more_devices_than_a_list_begins_with),
      RIGGED(a_bootloader_is_opened_and_claimed),
      RIGGED(what_cannot_be_opened),
      RIGGED(faults_while_opening_leave_nothing_open),
      RIGGED(an_application_is_asked_for_its_bootloader),
      RIGGED(an_application_with_a_twin),
      RIGGED(an_application_that_refuses),
      RIGGED(waiting_ends_in_time),
      RIGGED(no_time_is_time_for_one_look),
      RIGGED(waiting_can_be_stopped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
