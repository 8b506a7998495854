// SPDX-License-Identifier: MIT
// Boards behind USB/IP: a real server's words in front of a fake board, then a server
// that goes silent, hangs up or lies at each of its messages.
#include "host/transport/usbip_bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/lib/clock.h"
#include "host/lib/job.h"
#include "tests/unit/host/transport/board_server.h"
#include "tests/unit/host/transport/fast_time.h"

struct rig {
  struct board_server server;
  struct usb_bus bus;
  struct connection connection;
  struct qb_error error;
};

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  board_server_start(&r->server);
  const struct usbip_endpoint e = played_server_endpoint(&r->server.server);
  if (!usbip_bus_open(&r->bus, &e, &r->error)) return -1;
  *state = r;
  return 0;
}

static int teardown(void **state) {
  struct rig *r = *state;
  board_server_stop(&r->server);
  r->bus.close(r->bus.ctx);
  free(r);
  return 0;
}

static struct usb_found place(const struct rig *r) {
  struct usb_found f = {.vendor = 0};
  snprintf(f.location, sizeof f.location, "%.200s/1-2", r->bus.name);
  return f;
}

static bool open_board(struct rig *r) {
  const struct usb_found where = place(r);
  return connection_open(&r->connection, &r->bus, &where, &r->error);
}

// ---- Honest servers --------------------------------------------------------

static void a_board_is_found(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_int_equal(list.count, 1);
  assert_true(list.items[0].described);
  assert_string_equal(list.items[0].board.where.location, place(r).location);
  assert_string_equal(list.items[0].board.serial, "A1");
  assert_int_equal(list.items[0].board.where.speed, USB_IO_HIGH);
  boards_free(&list);
}

static void read_all(struct rig *r) {
  const struct job_events quiet = {.ctx = NULL};
  uint8_t *bytes = malloc(FAKE_MEMORY);
  struct job j;
  assert_non_null(bytes);
  job_init(&j, &r->connection.client, &quiet);
  if (job_read(&j, 1, FAKE_QSPI, bytes, FAKE_MEMORY, &r->error) != JOB_DONE) {
    fail_msg("%s", r->error.text);
  }
  assert_memory_equal(bytes, r->server.board.qspi, FAKE_MEMORY);
  free(bytes);
}

static void a_board_is_used(void **state) {
  struct rig *r = *state;
  if (!open_board(r)) fail_msg("%s", r->error.text);
  read_all(r);
  assert_true(r->server.board.slept_ms > 0);  // in its own time
  connection_close(&r->connection);
}

static void a_server_that_does_not_know_sleeps(void **state) {
  struct rig *r = *state;
  r->server.knows_sleeps = false;
  if (!open_board(r)) fail_msg("%s", r->error.text);
  const uint64_t start = clock_now_ms();
  r->connection.io.sleep_ms(r->connection.io.ctx, 30);
  assert_true(clock_now_ms() - start >= 30);
  read_all(r);
  assert_int_equal(r->server.board.slept_ms, 0);
  connection_close(&r->connection);
}

// ---- Servers that have no board --------------------------------------------

static void a_board_that_is_taken(void **state) {
  struct rig *r = *state;
  r->server.refuses_import = true;
  assert_false(open_board(r));
  assert_string_equal(r->error.text,
                      "the USB/IP server has given its device to another client");
}

static void a_list_that_stays_empty(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  const uint64_t start = clock_now_ms();
  r->server.lists_nothing = true;
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_int_equal(list.count, 0);
  assert_in_range(clock_now_ms() - start, 10000, 13000);
  const uint64_t again = clock_now_ms();
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_true(clock_now_ms() - again < 1000);
  boards_free(&list);
}

static void a_bus_id_that_is_none(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  r->server.busid = "1/2\x1B[2J";
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_int_equal(list.count, 1);
  assert_false(list.items[0].described);
  assert_non_null(strstr(list.items[0].problem.text, "without a bus id"));
  boards_free(&list);
}

// ---- Servers that lie ------------------------------------------------------

// Opens, reads a little and sleeps, whatever comes of it.
static void use(struct rig *r) {
  const struct job_events quiet = {.ctx = NULL};
  uint8_t bytes[2000];
  struct job j;
  r->error.text[0] = '\0';
  if (!open_board(r)) return;
  job_init(&j, &r->connection.client, &quiet);
  if (job_read(&j, 1, FAKE_QSPI, bytes, sizeof bytes, &r->error) == JOB_DONE) {
    assert_memory_equal(bytes, r->server.board.qspi, sizeof bytes);
    r->error.text[0] = '\0';
  }
  r->connection.io.sleep_ms(r->connection.io.ctx, 1);
  connection_close(&r->connection);
}

static void each_lie_at_each_message(void **state) {
  struct rig *r = *state;
  use(r);
  assert_string_equal(r->error.text, "");
  const unsigned total = r->server.messages;
  assert_true(total > 25);
  for (int lie = LIE_SILENT; lie < LIES; lie++) {
    unsigned noticed = 0;
    for (r->server.at = 1; r->server.at <= total; r->server.at += 1) {
      r->server.lie = (enum lie)lie;
      const uint64_t start = clock_now_ms();
      use(r);
      assert_true(clock_now_ms() - start < 120000);
      noticed += r->error.text[0] != '\0';
    }
    // The probe and the last sleep cannot be told from a server that has none.
    assert_in_range(noticed, total / 2, total);
  }
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(a_board_is_found),
      RIGGED(a_board_is_used),
      RIGGED(a_server_that_does_not_know_sleeps),
      RIGGED(a_board_that_is_taken),
      RIGGED(a_list_that_stays_empty),
      RIGGED(a_bus_id_that_is_none),
      RIGGED(each_lie_at_each_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
