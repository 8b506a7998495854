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

#include "host/lib/job.h"
#include "host/transport/clock.h"
#include "tests/unit/host/lib/fake_board.h"
#include "tests/unit/host/transport/fast_time.h"
#include "tests/unit/host/transport/played_server.h"
#include "usbip/usbip.h"

// ---- Server ----------------------------------------------------------------

enum lie {
  LIE_NONE,
  LIE_SILENT,  // no answer, to this and all others
  LIE_HANG_UP,
  LIE_SEQNUM,    // the answer to another request
  LIE_TOO_LONG,  // more bytes than were asked for
  LIE_BAD_COMMAND,
  LIE_STATUS,  // a status that nobody knows
  LIES,
};

struct rig {
  struct fake_board board;
  struct usb_io io;
  struct played_server server;
  struct usb_bus bus;
  struct connection connection;
  struct qb_error error;
  // Of the server.
  bool knows_sleeps, refuses_import, lists_nothing;
  const char *busid;
  enum lie lie;
  unsigned at, messages;  // message `at` of an import (from 1) is the one
};

static void put_device(const struct rig *r, uint8_t out[USBIP_DEVICE_SIZE]) {
  struct usbip_device d = {.busnum = 1,
                           .devnum = 2,
                           .speed = USBIP_SPEED_HIGH,
                           .idVendor = 0x1209,
                           .idProduct = 1,
                           .bConfigurationValue = 1,
                           .bNumConfigurations = 1,
                           .bNumInterfaces = 1};
  snprintf(d.busid, sizeof d.busid, "%s", r->busid);
  usbip_device_encode(&d, out);
}

static void serve_list(const struct rig *r, int fd) {
  uint8_t reply[12 + USBIP_DEVICE_SIZE + 4];
  usbip_op_encode((struct usbip_op){.code = USBIP_OP_REP_DEVLIST}, reply);
  usbip_count_encode(!r->lists_nothing, reply + 8);
  put_device(r, reply + 12);
  memcpy(reply + 12 + USBIP_DEVICE_SIZE, "\xfe\x01\x02\x00", 4);
  played_send(fd, reply, r->lists_nothing ? 12 : sizeof reply);
}

static enum usb_result transfer(struct rig *r, const struct usbip_header *h,
                                uint8_t *data, uint16_t *moved) {
  const uint8_t *s = h->submit.setup;
  const struct usb_request q = {s[0], s[1], (uint16_t)(s[2] | s[3] << 8),
                                (uint16_t)(s[4] | s[5] << 8),
                                (uint16_t)(s[6] | s[7] << 8)};
  *moved = 0;
  if ((q.bmRequestType & 0x60) == 0 && q.bRequest == 9) return USB_DONE;
  if ((q.bmRequestType & 0x60) == 0 && q.bRequest == 11) {
    return r->io.set_alternate(r->io.ctx, 0, (uint8_t)q.wValue);
  }
  return r->io.control(r->io.ctx, &q, data, moved, 1000);
}

static bool answer(struct rig *r, int fd, const struct usbip_header *h) {
  uint8_t bytes[USBIP_HEADER_SIZE + 65536 + 16] = {0};
  uint8_t *data = bytes + USBIP_HEADER_SIZE;
  uint16_t moved = 0;
  struct usbip_header reply = {.command = USBIP_RET_SUBMIT, .seqnum = h->seqnum};
  if (h->command == QUADBOOT_CMD_SLEEP) {
    if (!r->knows_sleeps) return false;
    reply.command = QUADBOOT_RET_SLEEP;
    r->io.sleep_ms(r->io.ctx, (uint32_t)(h->ns / 1000000));
  } else if (h->command == USBIP_CMD_UNLINK) {
    return true;
  } else {
    if (!h->in && !played_receive(fd, data, h->submit.length)) return false;
    const enum usb_result result = transfer(r, h, data, &moved);
    reply.returned.status = result == USB_STALLED ? USBIP_STALL : USBIP_DONE;
    reply.returned.length = moved;
  }
  if (++r->messages == r->at) {
    if (r->lie == LIE_HANG_UP) return false;
    if (r->lie == LIE_SEQNUM) reply.seqnum += 7;
    if (r->lie == LIE_TOO_LONG && h->command == USBIP_CMD_SUBMIT) {
      reply.returned.length = h->submit.length + 1;
    }
    if (r->lie == LIE_STATUS && h->command == USBIP_CMD_SUBMIT) {
      reply.returned.status = -12345;
    }
  }
  if (r->lie == LIE_SILENT && r->messages >= r->at) return true;
  const uint32_t length = h->in ? reply.returned.length : 0;
  usbip_header_encode(&reply, bytes);
  if (r->lie == LIE_BAD_COMMAND && r->messages == r->at) bytes[3] ^= 0x40;
  return played_send(fd, bytes,
                     USBIP_HEADER_SIZE + (h->command == USBIP_CMD_SUBMIT ? length : 0));
}

static void serve_import(struct rig *r, int fd) {
  uint8_t busid[USBIP_BUSID_SIZE];
  uint8_t reply[8 + USBIP_DEVICE_SIZE];
  const uint32_t status = r->refuses_import ? USBIP_ST_DEV_BUSY : USBIP_ST_OK;
  if (!played_receive(fd, busid, sizeof busid)) return;
  usbip_op_encode((struct usbip_op){.code = USBIP_OP_REP_IMPORT, .status = status},
                  reply);
  put_device(r, reply + 8);
  played_send(fd, reply, r->refuses_import ? 8 : sizeof reply);
  if (r->refuses_import) return;
  r->messages = 0;
  uint8_t bytes[USBIP_HEADER_SIZE];
  struct usbip_header h;
  while (played_receive(fd, bytes, sizeof bytes) &&
         usbip_header_decode(bytes, sizeof bytes, &h) == USBIP_OK &&
         answer(r, fd, &h)) {
  }
}

static void play(struct played_server *s, int fd) {
  uint8_t bytes[USBIP_OP_SIZE];
  struct usbip_op op;
  if (!played_receive(fd, bytes, sizeof bytes)) return;
  if (usbip_op_decode(bytes, sizeof bytes, &op) != USBIP_OK) return;
  if (op.code == USBIP_OP_REQ_DEVLIST) serve_list(s->ctx, fd);
  if (op.code == USBIP_OP_REQ_IMPORT) serve_import(s->ctx, fd);
}

// ---- Rig -------------------------------------------------------------------

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  fake_board_init(&r->board);
  r->io = fake_board_io(&r->board);
  r->board.claimed = true;
  r->busid = "1-2";
  r->knows_sleeps = true;
  r->server = (struct played_server){.play = play, .ctx = r};
  played_server_start(&r->server);
  const struct usbip_endpoint e = played_server_endpoint(&r->server);
  if (!usbip_bus_open(&r->bus, &e, &r->error)) return -1;
  *state = r;
  return 0;
}

static int teardown(void **state) {
  struct rig *r = *state;
  played_server_stop(&r->server);
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
  assert_memory_equal(bytes, r->board.qspi, FAKE_MEMORY);
  free(bytes);
}

static void a_board_is_used(void **state) {
  struct rig *r = *state;
  if (!open_board(r)) fail_msg("%s", r->error.text);
  read_all(r);
  assert_true(r->board.slept_ms > 0);  // in its own time
  connection_close(&r->connection);
}

static void a_server_that_does_not_know_sleeps(void **state) {
  struct rig *r = *state;
  r->knows_sleeps = false;
  if (!open_board(r)) fail_msg("%s", r->error.text);
  const uint64_t start = clock_now_ms();
  r->connection.io.sleep_ms(r->connection.io.ctx, 30);
  assert_true(clock_now_ms() - start >= 30);
  read_all(r);
  assert_int_equal(r->board.slept_ms, 0);
  connection_close(&r->connection);
}

// ---- Servers that have no board --------------------------------------------

static void a_board_that_is_taken(void **state) {
  struct rig *r = *state;
  r->refuses_import = true;
  assert_false(open_board(r));
  assert_string_equal(r->error.text,
                      "the USB/IP server has given its device to another client");
}

static void a_list_that_stays_empty(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  const uint64_t start = clock_now_ms();
  r->lists_nothing = true;
  assert_true(boards_find(&list, &r->bus, 1, &r->error));
  assert_int_equal(list.count, 0);
  assert_in_range(clock_now_ms() - start, 3000, 6000);
  boards_free(&list);
}

static void a_bus_id_that_is_none(void **state) {
  struct rig *r = *state;
  struct boards list = {0};
  r->busid = "1/2\x1B[2J";
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
    assert_memory_equal(bytes, r->board.qspi, sizeof bytes);
    r->error.text[0] = '\0';
  }
  r->connection.io.sleep_ms(r->connection.io.ctx, 1);
  connection_close(&r->connection);
}

static void each_lie_at_each_message(void **state) {
  struct rig *r = *state;
  use(r);
  assert_string_equal(r->error.text, "");
  const unsigned total = r->messages;
  assert_true(total > 25);
  for (int lie = LIE_SILENT; lie < LIES; lie++) {
    unsigned noticed = 0;
    for (r->at = 1; r->at <= total; r->at += 1) {
      r->lie = (enum lie)lie;
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
