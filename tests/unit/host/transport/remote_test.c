// SPDX-License-Identifier: MIT
// The client's end of USB/IP against a server that is played by hand, honest
// and otherwise. Numbers of the protocol are typed here again, from its text.
#include "host/transport/remote.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/lib/clock.h"

enum { WAIT_MS = 5000 };

struct play {
  struct remote remote;
  struct remote_events events;
  int listener, conn;  // the server's sockets; conn -1: none accepted
  uint16_t port;
  unsigned attached, lost;
  struct usbip_device device;
};

static void on_attached(void *ctx, const struct usbip_device *device) {
  struct play *p = ctx;
  p->attached++;
  p->device = *device;
}

static void on_lost(void *ctx) {
  struct play *p = ctx;
  p->lost++;
}

static void open_remote(struct play *p, bool real_sleep) {
  struct usbip_endpoint e = {.host = "127.0.0.1", .port = p->port};
  assert_null(remote_open(&p->remote, &e, real_sleep, &p->events));
}

static int setup(void **state) {
  struct play *p = calloc(1, sizeof *p);
  if (!p) return -1;
  p->events =
      (struct remote_events){.ctx = p, .attached = on_attached, .lost = on_lost};
  p->conn = -1;
  p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(p->listener, (struct sockaddr *)&at, sizeof at) != 0) return -1;
  if (listen(p->listener, 4) != 0) return -1;
  getsockname(p->listener, (struct sockaddr *)&at, &size);
  p->port = ntohs(at.sin_port);
  *state = p;
  return 0;
}

static int teardown(void **state) {
  struct play *p = *state;
  remote_close(&p->remote);
  if (p->conn >= 0) close(p->conn);
  if (p->listener >= 0) close(p->listener);
  free(p);
  return 0;
}

// Lets the remote do what it can within a few milliseconds.
static void turn(struct play *p) {
  struct pollfd fd = {.fd = remote_fd(&p->remote),
                      .events = remote_poll_events(&p->remote)};
  poll(&fd, 1, 2);
  remote_service(&p->remote);
}

// The next connection of the remote. The one before must be over.
static void server_accept(struct play *p) {
  if (p->conn >= 0) close(p->conn);
  const uint64_t deadline = clock_now_ms() + WAIT_MS;
  do {
    turn(p);
    p->conn = accept(p->listener, NULL, NULL);
    if (clock_now_ms() > deadline) fail_msg("no connection came");
  } while (p->conn < 0);
  const int one = 1;
  setsockopt(p->conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void server_expect(struct play *p, const void *bytes, size_t length) {
  uint8_t got[512];
  size_t have = 0;
  const uint64_t deadline = clock_now_ms() + WAIT_MS;
  while (have < length) {
    turn(p);
    const ssize_t n = recv(p->conn, got + have, length - have, MSG_DONTWAIT);
    if (n == 0 || clock_now_ms() > deadline) fail_msg("only %zu bytes came", have);
    if (n > 0) have += (size_t)n;
  }
  assert_memory_equal(got, bytes, length);
}

static void server_send(struct play *p, const void *bytes, size_t length) {
  assert_int_equal(send(p->conn, bytes, length, MSG_NOSIGNAL), length);
  for (int i = 0; i < 3; i++)
    turn(p);
}

static void server_hang_up(struct play *p) {
  close(p->conn);
  p->conn = -1;
  for (int i = 0; i < 3; i++)
    turn(p);
}

static const uint8_t list_request[8] = {0x01, 0x11, 0x80, 0x05};
static const uint8_t import_request[40] = {0x01, 0x11, 0x80, 0x03, [8] = '7', '-', '2'};
static const uint8_t probe[48] = {0x51, 0x42, 0, 1, 0, 0, 0, 1, 0, 7, 0, 9};
static const uint8_t probe_answer[48] = {0x51, 0x42, 0, 2, 0, 0, 0, 1};

// The record of device 7-2: bus 7, device 9, high speed, 0483:DF11.
static void put_record(uint8_t out[312]) {
  memset(out, 0, 312);
  memcpy(out, "/sys/x", 6);
  memcpy(out + 256, "7-2", 3);
  out[291] = 7;
  out[295] = 9;
  out[299] = 3;
  memcpy(out + 300, "\x04\x83\xdf\x11", 4);
}

static void serve_list(struct play *p) {
  uint8_t reply[12 + 312 + 4] = {0x01, 0x11, 0, 5, [11] = 1};
  put_record(reply + 12);
  server_accept(p);
  server_expect(p, list_request, sizeof list_request);
  server_send(p, reply, sizeof reply);
}

static void serve_import(struct play *p) {
  uint8_t reply[8 + 312] = {0x01, 0x11, 0, 3};
  put_record(reply + 8);
  serve_list(p);
  server_accept(p);
  server_expect(p, import_request, sizeof import_request);
  server_send(p, reply, sizeof reply);
}

static void serve_all(struct play *p) {
  serve_import(p);
  server_expect(p, probe, sizeof probe);
  server_send(p, probe_answer, sizeof probe_answer);
  assert_int_equal(p->remote.state, REMOTE_ATTACHED);
}

static void attach_remote(struct play *p) {
  open_remote(p, false);
  serve_all(p);
}

// A transfer that remembers how it ended.
struct watched {
  struct transfer transfer;
  unsigned ended;
  uint8_t data[64];
};

static void on_done(struct transfer *t) {
  struct watched *w = t->owner;
  w->ended++;
}

static struct watched *submit(struct play *p, uint8_t endpoint, bool in,
                              uint32_t length) {
  struct watched *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->transfer = (struct transfer){.endpoint = endpoint,
                                  .in = in,
                                  .data = w->data,
                                  .length = length,
                                  .done = on_done,
                                  .owner = w};
  assert_true(remote_submit(&p->remote, &w->transfer));
  return w;
}

struct message {
  uint8_t bytes[48];
};

static struct message make_message(uint8_t command, uint8_t seqnum, int32_t status,
                                   uint32_t length) {
  struct message m = {{0, 0, 0, command, 0, 0, 0, seqnum}};
  for (int i = 0; i < 4; i++) {
    m.bytes[20 + i] = (uint8_t)((uint32_t)status >> (24 - 8 * i));
    m.bytes[24 + i] = (uint8_t)(length >> (24 - 8 * i));
  }
  return m;
}

static void server_return(struct play *p, uint8_t seqnum, int32_t status,
                          uint32_t length, const char *data) {
  uint8_t bytes[48 + 64];
  memcpy(bytes, make_message(3, seqnum, status, length).bytes, 48);
  const size_t data_length = data ? length : 0;
  if (data) memcpy(bytes + 48, data, data_length);
  server_send(p, bytes, 48 + data_length);
}

static void the_first_device_is_imported(void **state) {
  struct play *p = *state;
  attach_remote(p);
  assert_int_equal(p->attached, 1);
  assert_string_equal(p->device.busid, "7-2");
  assert_int_equal(p->device.idProduct, 0xDF11);
  assert_int_equal(p->device.speed, 3);
  assert_int_equal(p->lost, 0);
}

static void without_sleeps_there_is_no_probe(void **state) {
  struct play *p = *state;
  open_remote(p, true);
  serve_import(p);
  assert_int_equal(p->attached, 1);
  struct remote_sleep sleep = {.ns = 1};
  assert_false(remote_start_sleep(&p->remote, &sleep));
}

static void assert_retries(struct play *p, const char *problem) {
  for (int i = 0; i < 3; i++)
    turn(p);
  assert_string_equal(p->remote.problem, problem);
  assert_int_equal(p->attached, 0);
  serve_all(p);
  assert_int_equal(p->attached, 1);
}

static void an_empty_list_is_asked_for_again(void **state) {
  struct play *p = *state;
  static const uint8_t empty[12] = {0x01, 0x11, 0, 5};
  open_remote(p, false);
  server_accept(p);
  server_expect(p, list_request, 8);
  server_send(p, empty, sizeof empty);
  assert_retries(p, "has no device attached");
}

// A server may end the connection together with the list.
static void the_end_of_the_list_is_no_failure(void **state) {
  struct play *p = *state;
  uint8_t reply[12 + 312 + 4] = {0x01, 0x11, 0, 5, [11] = 1};
  put_record(reply + 12);
  open_remote(p, false);
  server_accept(p);
  server_expect(p, list_request, sizeof list_request);
  assert_int_equal(send(p->conn, reply, sizeof reply, MSG_NOSIGNAL), sizeof reply);
  server_hang_up(p);
  server_accept(p);
  server_expect(p, import_request, sizeof import_request);
}

static void a_refused_import_is_asked_for_again(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  static const struct {
    uint8_t status;
    const char *problem;
  } refusals[] = {{2, "has given its device to another client"},
                  {4, "has no device attached"},
                  {1, "refuses to hand over its device"}};
  for (size_t i = 0; i < 3; i++) {
    const uint8_t reply[8] = {0x01, 0x11, 0, 3, 0, 0, 0, refusals[i].status};
    serve_list(p);
    server_accept(p);
    server_expect(p, import_request, 40);
    server_send(p, reply, 8);
    assert_string_equal(p->remote.problem, refusals[i].problem);
  }
  assert_retries(p, refusals[2].problem);
}

static void another_language_is_not_spoken(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  static const char *const replies[] = {"\x01\x06\0\x05\0\0\0\0", "HTTP/1.1",
                                        "\x01\x11\0\x03\0\0\0\0"};
  for (size_t i = 0; i < 3; i++) {
    server_accept(p);
    server_send(p, replies[i], 8);
    assert_string_equal(p->remote.problem, "does not speak USB/IP version 1.1.1");
  }
  assert_retries(p, "does not speak USB/IP version 1.1.1");
}

static void hanging_up_at_any_byte_is_tried_again(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  uint8_t list[12 + 312] = {0x01, 0x11, 0, 5, [11] = 1};
  put_record(list + 12);
  static const size_t cuts[] = {0, 1, 7, 8, 11, 12, 100, 323};
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    server_accept(p);
    server_send(p, list, cuts[i]);
    server_hang_up(p);
    assert_string_equal(p->remote.problem, "hung up");
    serve_list(p);
    server_accept(p);
    list[3] = 3;
    server_send(p, list, cuts[i] < 8 ? cuts[i] : 8);
    list[3] = 5;
    server_hang_up(p);
    assert_string_equal(p->remote.problem, "hung up");
  }
  assert_retries(p, "hung up");
}

static void a_server_that_says_nothing_is_given_up(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  server_accept(p);
  server_expect(p, list_request, 8);
  const uint64_t since = clock_now_ms();
  while (p->remote.state == REMOTE_LISTING)
    turn(p);
  assert_in_range(clock_now_ms() - since, 1000, 3000);
  assert_retries(p, "does not answer");
}

static void no_server_at_all(void **state) {
  struct play *p = *state;
  close(p->listener);
  p->listener = -1;
  open_remote(p, false);
  for (int i = 0; i < 20; i++)
    turn(p);
  assert_string_equal(p->remote.problem, "does not answer");
  assert_true(remote_deadline(&p->remote) < clock_now_ms() + 100);
}

static void a_server_without_sleeps_is_imported_again(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  serve_import(p);
  server_expect(p, probe, sizeof probe);
  assert_int_equal(p->attached, 0);
  server_hang_up(p);
  serve_import(p);
  assert_int_equal(p->attached, 1);
  struct remote_sleep sleep = {.ns = 1};
  assert_false(remote_start_sleep(&p->remote, &sleep));
}

static void a_server_that_refuses_sleeps_keeps_its_client(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  serve_import(p);
  server_expect(p, probe, sizeof probe);
  uint8_t refusal[48];
  memcpy(refusal, probe_answer, 48);
  memset(refusal + 20, 0xFF, 8);
  server_send(p, refusal, 48);
  assert_int_equal(p->attached, 1);
  struct remote_sleep sleep = {.ns = 1};
  assert_false(remote_start_sleep(&p->remote, &sleep));
}

static void a_transfer_in_brings_data(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *w = submit(p, 1, true, 8);
  static const uint8_t expected[48] = {0, 0, 0, 1, 0, 0, 0, 2, 0,   7,   0,   9,
                                       0, 0, 0, 1, 0, 0, 0, 1, 0,   0,   0,   0,
                                       0, 0, 0, 8, 0, 0, 0, 0, 255, 255, 255, 255};
  server_expect(p, expected, 48);
  assert_true(remote_busy(&p->remote));
  server_return(p, 2, 0, 3, "abc");
  assert_int_equal(w->ended, 1);
  assert_int_equal(w->transfer.status, 0);
  assert_int_equal(w->transfer.actual, 3);
  assert_memory_equal(w->data, "abc", 4);
  assert_false(remote_busy(&p->remote));
  free(w);
}

static void a_transfer_out_takes_data_along(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched w = {.data = "data"};
  static const uint8_t setup_packet[8] = {0x21, 1, 2, 0, 0, 0, 4, 0};
  transfer_set_control(&w.transfer, setup_packet, w.data);
  w.transfer.flags = USBIP_URB_ZERO_PACKET;
  w.transfer.done = on_done;
  w.transfer.owner = &w;
  assert_true(remote_submit(&p->remote, &w.transfer));
  static const uint8_t expected[52] = {
      0, 0, 0, 1, 0,    0,  0, 2, 0, 7, 0, 9, 0,   0,   0,   0,   0,   0,
      0, 0, 0, 0, 0,    64, 0, 0, 0, 4, 0, 0, 0,   0,   255, 255, 255, 255,
      0, 0, 0, 0, 0x21, 1,  2, 0, 0, 0, 4, 0, 'd', 'a', 't', 'a'};
  server_expect(p, expected, sizeof expected);
  server_return(p, 2, -32, 0, NULL);
  assert_int_equal(w.ended, 1);
  assert_int_equal(w.transfer.status, -32);
}

static void control_direction_follows_the_data_stage(void **state) {
  (void)state;
  struct transfer t = {0};
  transfer_set_control(&t, (const uint8_t[8]){0xA1, 3, 0, 0, 0, 0, 6, 0}, NULL);
  assert_true(t.in);
  assert_int_equal(t.length, 6);
  transfer_set_control(&t, (const uint8_t[8]){0xA1, 2, 0, 0, 0, 0, 0, 0}, NULL);
  assert_false(t.in);
  transfer_set_control(&t, (const uint8_t[8]){0x21, 1, 0, 0, 0, 0, 0, 0x10}, NULL);
  assert_false(t.in);
  assert_int_equal(t.length, 4096);
}

static void answers_may_come_in_any_order_and_in_pieces(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *first = submit(p, 1, true, 8);
  struct watched *second = submit(p, 2, true, 8);
  server_return(p, 3, 0, 2, "22");
  assert_int_equal(first->ended, 0);
  assert_int_equal(second->ended, 1);
  uint8_t bytes[50];
  memcpy(bytes, make_message(3, 2, 0, 2).bytes, 48);
  memcpy(bytes + 48, "11", 2);
  for (size_t i = 0; i < sizeof bytes; i++) {
    assert_int_equal(first->ended, 0);
    server_send(p, bytes + i, 1);
  }
  assert_int_equal(first->ended, 1);
  assert_memory_equal(first->data, "11", 2);
  free(first);
  free(second);
}

static void a_cancelled_transfer_is_unlinked(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *w = submit(p, 1, true, 8);
  remote_cancel(&p->remote, &w->transfer);
  remote_cancel(&p->remote, &w->transfer);  // once is enough
  free(w);
  static const uint8_t expected[48] = {0, 0, 0, 2, 0, 0, 0, 3, 0, 7, 0, 9,
                                       0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  uint8_t skipped[48];
  for (int i = 0; i < 5; i++)
    turn(p);
  assert_int_equal(recv(p->conn, skipped, 48, 0), 48);
  server_expect(p, expected, 48);
  assert_false(remote_busy(&p->remote));
  server_send(p, make_message(4, 3, -104, 0).bytes, 48);
  struct watched *next = submit(p, 1, true, 8);
  server_return(p, 4, 0, 1, "n");
  assert_int_equal(next->ended, 1);
  assert_int_equal(p->lost, 0);
  free(next);
}

// Its data were on their way and must not be taken for a message.
static void a_cancelled_transfer_may_be_answered_all_the_same(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *w = submit(p, 1, true, 8);
  remote_cancel(&p->remote, &w->transfer);
  free(w);
  server_return(p, 2, 0, 8, "whatever");
  server_send(p, make_message(4, 3, 0, 0).bytes, 48);
  struct watched *next = submit(p, 1, true, 8);
  server_return(p, 4, 0, 1, "n");
  assert_int_equal(next->ended, 1);
  assert_int_equal(p->lost, 0);
  free(next);
}

struct watched_sleep {
  struct remote_sleep sleep;
  unsigned slept, refused;
};

static void on_sleep_done(struct remote_sleep *sleep, bool slept) {
  struct watched_sleep *w = sleep->owner;
  if (slept) {
    w->slept++;
  } else {
    w->refused++;
  }
}

static struct watched_sleep *start_sleep(struct play *p, uint64_t ns) {
  struct watched_sleep *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->sleep = (struct remote_sleep){.ns = ns, .done = on_sleep_done, .owner = w};
  assert_true(remote_start_sleep(&p->remote, &w->sleep));
  return w;
}

static void sleeps_are_sent_and_answered(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched_sleep *w = start_sleep(p, 0x1122334455667788);
  static const uint8_t expected[48] = {
      0x51, 0x42, 0, 1, 0, 0, 0,    2,    0,    7,    0,    9,    0,    0,
      0,    0,    0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  server_expect(p, expected, 48);
  assert_int_equal(w->slept, 0);
  uint8_t reply[48] = {0x51, 0x42, 0, 2, 0, 0, 0, 2, [27] = 5};
  server_send(p, reply, 48);
  assert_int_equal(w->slept, 1);
  free(w);
  w = start_sleep(p, 1);
  reply[7] = 3;
  memset(reply + 20, 0xFF, 8);
  server_send(p, reply, 48);
  assert_int_equal(w->refused, 1);
  free(w);
}

static void a_lost_device_ends_everything_once(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *w = submit(p, 1, true, 8);
  struct watched_sleep *s = start_sleep(p, 5);
  server_hang_up(p);
  assert_int_equal(w->ended, 1);
  assert_int_equal(w->transfer.status, -108);
  assert_int_equal(w->transfer.actual, 0);
  assert_int_equal(s->refused, 1);
  assert_int_equal(p->lost, 1);
  assert_false(remote_submit(&p->remote, &w->transfer));
  assert_false(remote_start_sleep(&p->remote, &s->sleep));
  remote_cancel(&p->remote, &w->transfer);
  free(w);
  free(s);
  serve_all(p);  // and it comes back
  assert_int_equal(p->attached, 2);
}

static void closing_ends_everything_too(void **state) {
  struct play *p = *state;
  attach_remote(p);
  struct watched *w = submit(p, 1, true, 8);
  remote_close(&p->remote);
  assert_int_equal(w->ended, 1);
  assert_int_equal(w->transfer.status, -108);
  assert_int_equal(p->lost, 0);
  free(w);
}

static void a_useless_device_can_be_dropped(void **state) {
  struct play *p = *state;
  open_remote(p, false);
  remote_drop(&p->remote, "nothing to drop");
  serve_all(p);
  remote_drop(&p->remote, "has a bad device");
  assert_string_equal(p->remote.problem, "has a bad device");
  assert_int_equal(p->lost, 1);
}

static void answers_that_make_no_sense_end_the_connection(void **state) {
  struct play *p = *state;
  const struct message bads[] = {
      make_message(3, 9, 0, 0),          // nobody asked
      make_message(3, 2, 0, 9),          // more than asked for
      make_message(3, 2, 0, 1 << 21),    // more than anybody may ask for
      make_message(3, 3, 0, 0),          // a return of a sleep
      make_message(3, 4, 0, 0),          // a return of an unlink
      make_message(4, 2, 0, 0),          // an unlink that is a transfer
      make_message(4, 3, 0, 0),          // an unlink that is a sleep
      make_message(1, 2, 0, 0),          // a request
      make_message(0, 2, 0, 0),          // no message
      {{0x51, 0x42, 0, 2, 0, 0, 0, 2}},  // a sleep that is a transfer
      {{0x51, 0x42, 0, 2, 0, 0, 0, 4}},  // a sleep that is an unlink
  };
  open_remote(p, false);
  for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
    serve_all(p);
    struct watched *w = submit(p, 1, true, 8);
    struct watched_sleep *s = start_sleep(p, 5);
    struct watched *cancelled = submit(p, 1, true, 8);
    remote_cancel(&p->remote, &cancelled->transfer);  // unlink request 5
    struct message bad = bads[i];
    if (bad.bytes[7] == 4) bad.bytes[7] = 5;
    server_send(p, bad.bytes, 48);
    if (p->lost != i + 1) fail_msg("message %zu was taken", i);
    assert_int_equal(w->transfer.status, -108);
    assert_int_equal(s->refused, 1);
    assert_int_equal(cancelled->ended, 0);
    free(w);
    free(s);
    free(cancelled);
  }
}

static void random_servers_do_no_harm(void **state) {
  struct play *p = *state;
  uint32_t seed = 99;
  open_remote(p, false);
  for (int round = 0; round < 150; round++) {
    const unsigned stage = (unsigned)round % 3;
    p->remote.real_sleep = false;  // or it would remember bad probes
    if (stage == 0) server_accept(p);
    if (stage == 1) serve_import(p);
    if (stage == 2) serve_all(p);
    struct watched *w = stage == 2 ? submit(p, 1, true, 64) : NULL;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) {
      seed = seed * 1664525 + 1013904223;
      bytes[i] = (seed >> 30) ? 0 : (uint8_t)(seed >> 20);
    }
    bytes[3] = (uint8_t)(seed >> 28);
    send(p->conn, bytes, sizeof bytes, MSG_NOSIGNAL);
    turn(p);
    turn(p);
    server_hang_up(p);
    if (w) assert_int_equal(w->ended, 1);
    free(w);
  }
  p->remote.real_sleep = false;
  serve_all(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_first_device_is_imported),
      TEST(without_sleeps_there_is_no_probe),
      TEST(an_empty_list_is_asked_for_again),
      TEST(the_end_of_the_list_is_no_failure),
      TEST(a_refused_import_is_asked_for_again),
      TEST(another_language_is_not_spoken),
      TEST(hanging_up_at_any_byte_is_tried_again),
      TEST(a_server_that_says_nothing_is_given_up),
      TEST(no_server_at_all),
      TEST(a_server_without_sleeps_is_imported_again),
      TEST(a_server_that_refuses_sleeps_keeps_its_client),
      TEST(a_transfer_in_brings_data),
      TEST(a_transfer_out_takes_data_along),
      cmocka_unit_test(control_direction_follows_the_data_stage),
      TEST(answers_may_come_in_any_order_and_in_pieces),
      TEST(a_cancelled_transfer_is_unlinked),
      TEST(a_cancelled_transfer_may_be_answered_all_the_same),
      TEST(sleeps_are_sent_and_answered),
      TEST(a_lost_device_ends_everything_once),
      TEST(closing_ends_everything_too),
      TEST(a_useless_device_can_be_dropped),
      TEST(answers_that_make_no_sense_end_the_connection),
      TEST(random_servers_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
