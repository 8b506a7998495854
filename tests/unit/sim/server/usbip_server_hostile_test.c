// SPDX-License-Identifier: MIT
// The USB/IP server against clients that lie, stall, flood and vanish. After
// each of them it must still serve an honest one, and the log must say why.
#include "sim/server/usbip_server.h"

#include "tests/unit/sim/server/usbip_server_fixture.h"

static void assert_still_serves(struct script *f) {
  serve(f);
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 0, 0, 0));
  f->complete_at_once = true;
  expect_header(f, fd, 3, 1, 0, 0);
  close(fd);
  serve(f);
  assert_false(usbip_server_imported(&f->server));
}

static void assert_logged(const struct script *f, const char *part) {
  assert_int_equal(f->log_lines, 1);
  if (!strstr(f->log, part)) fail_msg("\"%s\" does not say \"%s\"", f->log, part);
  assert_int_equal(f->log[strlen(f->log) - 1], '.');
  assert_null(strchr(f->log, '\n'));
}

struct bad_operation {
  const char *bytes;
  size_t length;
  const char *says;
};

static const struct bad_operation bad_operations[] = {
    {"\x01\x06\x80\x03\0\0\0\0", 8, "version 1.1.1"},
    {"\x11\x01\x80\x05\0\0\0\0", 8, "version 1.1.1"},
    {"GET / HTTP/1.1\r\n\r\n", 18, "version 1.1.1"},
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9, "version 1.1.1"},  // TLS
    {"\x01\x11\x80\x04\0\0\0\0", 8, "does not have"},
    {"\x01\x11\x00\x03\0\0\0\0", 8, "does not have"},  // a reply
    {"\x01\x11\0\0\0\0\0\0", 8, "does not have"},
};

static void bad_operations_are_dropped(void **state) {
  struct script *f = *state;
  for (size_t i = 0; i < sizeof bad_operations / sizeof bad_operations[0]; i++) {
    const int fd = client_connect(f);
    client_send(fd, bad_operations[i].bytes, bad_operations[i].length);
    assert_ended(f, fd);
    assert_logged(f, bad_operations[i].says);
    f->log_lines = 0;
    close(fd);
    assert_still_serves(f);
  }
}

struct bad_message {
  struct header header;
  size_t offset;  // a word of it is replaced
  uint32_t word;
  const char *says;
};

// The client is dropped, and a transfer it had under way with it.
static void drop_by(struct script *f, struct header h, const char *says) {
  f->complete_at_once = false;
  f->gone = 0;
  f->log_lines = 0;
  const int fd = client_import(f);
  send_header(fd, make_submit(77, 1, 2, 64));
  serve(f);
  send_header(fd, h);
  assert_ended(f, fd);
  assert_logged(f, says);
  assert_int_equal(f->gone, 1);
  close(fd);
}

static void bad_messages_are_dropped(void **state) {
  struct script *f = *state;
  const struct header submit = make_submit(1, 1, 1, 64);
  const struct bad_message bads[] = {
      {submit, 0, 0, "does not have"},
      {submit, 0, 0x51420003, "does not have"},
      {submit, 0, 3, "only requests belong"},
      {submit, 0, 4, "only requests belong"},
      {submit, 0, 0x51420002, "only requests belong"},
      {submit, 4, 77, "sequence number twice"},
      {submit, 8, 0x00010003, "did not import"},
      {submit, 12, 2, "direction"},
      {submit, 16, 16, "endpoint number above 15"},
      {submit, 24, 0x00100001, "longer than 1 MiB"},
      {submit, 24, 0x80000000, "longer than 1 MiB"},
      {submit, 32, 1, "isochronous"},
      {make_header(2, 1, 0, 0, 77, 0), 8, 0, "did not import"},
      {make_header(0x51420001, 1, 0, 0, 0, 1), 4, 77, "sequence number twice"},
  };
  for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
    struct header h = bads[i].header;
    put32(h.bytes + bads[i].offset, bads[i].word);
    drop_by(f, h, bads[i].says);
  }
  assert_still_serves(f);
}

static void silence_in_the_middle_of_an_operation_ends(void **state) {
  struct script *f = *state;
  const int mute = client_connect(f);
  const int half = client_connect(f);
  client_send(half, "\x01\x11\x80", 3);
  const uint64_t since = clock_ms();
  assert_ended(f, half);
  assert_ended(f, mute);
  assert_in_range(clock_ms() - since, PATIENCE_MS - 10, PATIENCE_MS + 2000);
  assert_int_equal(f->log_lines, 2);
  assert_non_null(strstr(f->log, "did not finish its message in time"));
  close(half);
  close(mute);
  assert_still_serves(f);
}

static void silence_in_the_middle_of_a_message_ends(void **state) {
  struct script *f = *state;
  const size_t cuts[] = {1, 47, 48, 100};  // of 48 + 64 bytes
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    f->log_lines = 0;
    const int fd = client_import(f);
    uint8_t message[112] = {0};
    memcpy(message, make_submit(1, 0, 1, 64).bytes, 48);
    client_send(fd, message, cuts[i]);
    assert_ended(f, fd);
    assert_logged(f, "did not finish its message in time");
    close(fd);
  }
  assert_int_equal(f->urb_count, 0);
  assert_int_equal(f->gone, 4);
  assert_still_serves(f);
}

// Between messages an importing client may be silent for as long as it likes.
static void silence_between_messages_is_fine(void **state) {
  struct script *f = *state;
  f->complete_at_once = true;
  const int fd = client_import(f);
  for (uint32_t i = 1; i <= 2; i++) {
    const uint64_t since = clock_ms();
    while (clock_ms() - since < PATIENCE_MS + 100)
      usbip_server_poll(&f->server, 20);
    send_header(fd, make_submit(i, 0, 0, 0));
    expect_header(f, fd, 3, i, 0, 0);
  }
  close(fd);
}

// Time in which nobody polled the server is not the client's fault.
static void a_busy_server_does_not_blame_its_clients(void **state) {
  struct script *f = *state;
  f->complete_at_once = true;
  const int fd = client_import(f);
  const struct header h = make_submit(1, 0, 0, 0);
  client_send(fd, h.bytes, 10);
  serve(f);
  client_send(fd, h.bytes + 10, 38);
  usleep((PATIENCE_MS + 50) * 1000);
  expect_header(f, fd, 3, 1, 0, 0);
  assert_int_equal(f->log_lines, 0);
  close(fd);
}

static void closing_in_the_middle_of_a_message_is_told(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 1, 1, 64));
  client_send(fd, "\0\0\0", 3);
  serve(f);
  close(fd);
  serve(f);
  assert_logged(f, "in the middle of a message");
  assert_int_equal(f->gone, 1);
  assert_still_serves(f);
}

static void vanishing_in_the_middle_of_a_transfer(void **state) {
  struct script *f = *state;
  for (int reset = 0; reset <= 1; reset++) {
    f->complete_at_once = false;
    f->gone = 0;
    const int fd = client_import(f);
    send_header(fd, make_submit(1, 1, 1, 64));
    send_header(fd, make_header(0x51420001, 2, 0, 0, 0, 1));
    serve(f);
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    serve(f);
    assert_int_equal(f->gone, 1);
    assert_false(usbip_server_complete(&f->server, 1, USBIP_DONE, NULL, 0));
    assert_false(usbip_server_slept(&f->server, 2, 0));
    assert_still_serves(f);
  }
  assert_int_equal(f->log_lines, 0);
}

// The device answers before the server has heard that the client is gone.
static void completing_for_a_client_that_vanished(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  for (uint32_t i = 1; i <= 20; i++)
    send_header(fd, make_submit(i, 1, 1, 4));
  serve(f);
  close(fd);
  for (uint32_t i = 1; i <= 20; i++) {
    usbip_server_complete(&f->server, i, USBIP_DONE, (const uint8_t *)"data", 4);
  }
  serve(f);
  assert_int_equal(f->gone, 1);
  assert_still_serves(f);
}

// Leaves the kernel little room, so that replies queue up in the server. Not
// too little: below a loopback segment of 64 KB, TCP crawls.
static void shrink_buffers(const struct script *f, int fd) {
  const int size = 128 << 10;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(f->server.importer->stream.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void send_in_requests(int fd, uint32_t count, uint32_t length) {
  for (uint32_t i = 1; i <= count; i++)
    send_header(fd, make_submit(i, 1, 1, length));
}

// Each request asks for 64 KB and is answered at once: without a limit the
// replies would pile up to 64 MB.
static void a_client_that_never_reads_is_dropped(void **state) {
  struct script *f = *state;
  f->complete_at_once = true;
  const int fd = client_import(f);
  shrink_buffers(f, fd);
  send_in_requests(fd, 1000, 65536);
  size_t most = 0;
  const uint64_t since = clock_ms();
  while (usbip_server_imported(&f->server) && clock_ms() - since < WAIT_MS) {
    usbip_server_poll(&f->server, 10);
    const struct usbip_peer *peer = f->server.importer;
    if (peer && peer->stream.out.capacity > most) most = peer->stream.out.capacity;
  }
  assert_logged(f, "did not take its replies in time");
  assert_int_equal(f->gone, 1);
  assert_in_range(most, 65536, 2 << 20);
  close(fd);
  assert_still_serves(f);
}

static void a_client_that_reads_late_gets_everything(void **state) {
  struct script *f = *state;
  f->complete_at_once = true;
  const int fd = client_import(f);
  shrink_buffers(f, fd);
  send_in_requests(fd, 200, 65536);
  serve(f);
  assert_true(f->server.importer->stream.out.length > USBIP_SERVER_BACKLOG);
  usleep(PATIENCE_MS / 4 * 1000);
  static uint8_t data[65536];
  for (uint32_t i = 1; i <= 200; i++) {
    expect_header(f, fd, 3, i, 0, sizeof data);
    assert_int_equal(client_read(f, fd, data, sizeof data), sizeof data);
  }
  close(fd);
}

// Reading was paused with a request already received; the backlog then drains
// inside completions. No event of the socket tells of that request any more.
static void paused_requests_are_taken_up_again(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  shrink_buffers(f, fd);
  send_in_requests(fd, 200, 0);
  serve(f);
  assert_int_equal(f->urb_count, 200);
  f->complete_at_once = true;
  struct header pair[2] = {make_submit(1000, 1, 1, 1 << 20),
                           make_submit(1001, 1, 1, 1)};
  client_send(fd, pair, sizeof pair);
  usbip_server_poll(&f->server, 100);
  assert_int_equal(f->server.importer->stream.in.length, 48);
  static uint8_t sink[1 << 20];
  for (uint32_t i = 1; i <= 200 && f->server.importer->stream.out.length > 0; i++) {
    usleep(1000);
    while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0) {
    }
    usbip_server_complete(&f->server, i, USBIP_DONE, NULL, 0);
  }
  assert_int_equal(f->server.importer->stream.out.length, 0);
  assert_int_equal(f->server.importer->stream.in.length, 48);
  assert_true(usbip_server_poll(&f->server, 0));
  assert_int_equal(f->server.importer->stream.in.length, 0);
  close(fd);
}

static void too_many_transfers_are_returned_unserved(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  for (uint32_t i = 1; i <= 257; i++)
    send_header(fd, make_submit(i, 1, 1, 1));
  expect_header(f, fd, 3, 257, (uint32_t)-12, 0);
  assert_int_equal(f->urb_count, 256);
  send_header(fd, make_header(0x51420001, 500, 0, 0, 0, 1));
  expect_header(f, fd, 0x51420002, 500, 0xFFFFFFFF, 0xFFFFFFFF);
  assert_int_equal(f->sleeps, 0);
  usbip_server_complete(&f->server, 5, USBIP_STALL, NULL, 0);
  expect_header(f, fd, 3, 5, (uint32_t)-32, 0);
  send_header(fd, make_submit(258, 1, 1, 1));
  serve(f);
  assert_int_equal(f->urb_count, 257);
  close(fd);
}

static void too_much_data_under_way_is_returned_unserved(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  for (uint32_t i = 1; i <= 5; i++)
    send_header(fd, make_submit(i, 1, 1, 1 << 20));
  expect_header(f, fd, 3, 5, (uint32_t)-12, 0);
  assert_int_equal(f->urb_count, 4);
  close(fd);
}

static void too_many_connections_are_turned_away(void **state) {
  struct script *f = *state;
  int fds[8];
  for (size_t i = 0; i < 8; i++) {
    fds[i] = client_connect(f);
    serve(f);
  }
  const int ninth = client_connect(f);
  assert_ended(f, ninth);
  assert_logged(f, "too many");
  close(ninth);
  for (size_t i = 0; i < 8; i++)
    close(fds[i]);
  assert_still_serves(f);
}

static void flooding_before_the_import_is_answered(void **state) {
  struct script *f = *state;
  f->admit = false;
  const int fd = client_connect(f);
  send_import(fd, "1-1");
  static const uint8_t zeros[16384];
  const uint64_t since = clock_ms();
  while (f->log_lines == 0 && clock_ms() - since < WAIT_MS) {
    send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL);
    usbip_server_poll(&f->server, 0);
  }
  assert_logged(f, "before it had the device");
  close(fd);
  f->admit = true;
  assert_int_equal(f->gone, 0);
  assert_still_serves(f);
}

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525 + 1013904223;
  return *seed >> 8;
}

// Honest traffic with a few bytes changed, cut anywhere; some clients read,
// some do not, and the backend completes some transfers in between.
static void mutated_traffic_does_no_harm(void **state) {
  struct script *f = *state;
  uint32_t seed = 2023;
  for (int round = 0; round < 600; round++) {
    uint8_t message[40 + 3 * 48 + 16] = {0x01, 0x11, 0x80, 0x03, [8] = '1', '-', '1'};
    memcpy(message + 40, make_submit(1, 1, 0, 18).bytes, 48);
    memcpy(message + 88, make_submit(2, 0, 1, 16).bytes, 48);
    memcpy(message + 152, make_header(2, 3, 0, 0, 1, 0).bytes, 48);
    const uint32_t changes = next_random(&seed) % 4;
    for (uint32_t i = 0; i < changes; i++) {
      message[next_random(&seed) % sizeof message] = (uint8_t)next_random(&seed);
    }
    const int fd = client_connect(f);
    client_send(fd, message, next_random(&seed) % sizeof message + 1);
    usbip_server_poll(&f->server, 0);
    usbip_server_poll(&f->server, 0);
    for (uint32_t i = 0; i < 4; i++) {
      usbip_server_complete(&f->server, i, USBIP_DONE, message, 18);
    }
    uint8_t sink[512];
    if (round & 1) recv(fd, sink, sizeof sink, MSG_DONTWAIT);
    close(fd);
    for (int i = 0; i < 4; i++)
      usbip_server_poll(&f->server, 0);
  }
  serve(f);
  assert_still_serves(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(bad_operations_are_dropped),
      TEST(bad_messages_are_dropped),
      TEST(silence_in_the_middle_of_an_operation_ends),
      TEST(silence_in_the_middle_of_a_message_ends),
      TEST(silence_between_messages_is_fine),
      TEST(a_busy_server_does_not_blame_its_clients),
      TEST(closing_in_the_middle_of_a_message_is_told),
      TEST(vanishing_in_the_middle_of_a_transfer),
      TEST(completing_for_a_client_that_vanished),
      TEST(a_client_that_never_reads_is_dropped),
      TEST(a_client_that_reads_late_gets_everything),
      TEST(paused_requests_are_taken_up_again),
      TEST(too_many_transfers_are_returned_unserved),
      TEST(too_much_data_under_way_is_returned_unserved),
      TEST(too_many_connections_are_turned_away),
      TEST(flooding_before_the_import_is_answered),
      TEST(mutated_traffic_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
