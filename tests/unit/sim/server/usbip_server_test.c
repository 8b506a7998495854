// SPDX-License-Identifier: MIT
// The USB/IP server as an honest client meets it.
#include "sim/server/usbip_server.h"

#include "tests/unit/sim/server/usbip_server_fixture.h"

static void devlist_tells_what_is_plugged_in(void **state) {
  struct script *f = *state;
  assert_int_equal(devlist_count(f), 1);
  f->present = false;
  assert_int_equal(devlist_count(f), 0);
  assert_int_equal(f->log_lines, 0);
}

static void devlist_works_while_the_device_is_imported(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  assert_int_equal(devlist_count(f), 1);
  assert_true(usbip_server_imported(&f->server));
  close(fd);
}

static void requests_may_arrive_byte_by_byte(void **state) {
  struct script *f = *state;
  const int fd = client_connect(f);
  uint8_t request[40] = {0x01, 0x11, 0x80, 0x03, [8] = '1', '-', '1'};
  for (size_t i = 0; i < sizeof request; i++) {
    client_send(fd, request + i, 1);
    serve(f);
  }
  assert_int_equal(import_status(f, fd), 0);
  uint8_t device[312];
  client_read(f, fd, device, sizeof device);
  const struct header h = make_submit(1, 0, 2, 3);
  uint8_t message[51] = {0};
  memcpy(message, h.bytes, 48);
  memcpy(message + 48, "abc", 3);
  for (size_t i = 0; i < sizeof message; i++) {
    assert_int_equal(f->urb_count, 0);
    client_send(fd, message + i, 1);
    serve(f);
  }
  assert_int_equal(f->urb_count, 1);
  assert_memory_equal(f->urbs[0]->data, "abc", 3);
  close(fd);
}

static void import_of_what_is_not_there_is_refused(void **state) {
  struct script *f = *state;
  int fd = client_connect(f);
  send_import(fd, "2-1");
  assert_int_equal(import_status(f, fd), 4);  // ST_NODEV
  assert_ended(f, fd);
  close(fd);
  f->present = false;
  fd = client_connect(f);
  send_import(fd, "1-1");
  assert_int_equal(import_status(f, fd), 4);
  assert_ended(f, fd);
  close(fd);
  assert_int_equal(f->imports_asked, 0);
}

static void import_waits_until_the_backend_agrees(void **state) {
  struct script *f = *state;
  f->admit = false;
  const int fd = client_connect(f);
  send_import(fd, "1-1");
  send_header(fd, make_submit(1, 1, 0, 18));  // in a hurry
  assert_silent(f, fd);
  assert_true(f->imports_asked >= 2);
  assert_int_equal(f->urb_count, 0);
  const uint64_t since = clock_ms();
  while (clock_ms() - since < 2 * PATIENCE_MS)
    usbip_server_poll(&f->server, 5);
  assert_silent(f, fd);  // patience is for the client's part only
  f->admit = true;
  assert_int_equal(import_status(f, fd), 0);
  serve(f);
  assert_int_equal(f->urb_count, 1);
  close(fd);
}

static void a_waiting_client_may_give_up(void **state) {
  struct script *f = *state;
  f->admit = false;
  close(client_connect(f));
  const int first = client_connect(f);
  send_import(first, "1-1");
  serve(f);
  const int second = client_connect(f);
  send_import(second, "1-1");
  assert_int_equal(import_status(f, second), 2);
  close(second);
  close(first);
  serve(f);
  f->admit = true;
  close(client_import(f));
  serve(f);
  assert_int_equal(f->gone, 1);
}

static void a_device_that_leaves_ends_the_wait(void **state) {
  struct script *f = *state;
  f->admit = false;
  const int fd = client_connect(f);
  send_import(fd, "1-1");
  assert_silent(f, fd);
  f->present = false;
  assert_int_equal(import_status(f, fd), 4);
  assert_ended(f, fd);
  close(fd);
}

static void a_second_import_is_told_busy(void **state) {
  struct script *f = *state;
  const int first = client_import(f);
  const int second = client_connect(f);
  send_import(second, "1-1");
  assert_int_equal(import_status(f, second), 2);  // ST_DEV_BUSY
  assert_ended(f, second);
  close(second);
  assert_true(usbip_server_imported(&f->server));
  close(first);
  serve(f);
  assert_int_equal(f->gone, 1);
  close(client_import(f));
}

static void control_in_reaches_the_backend_and_returns(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(0x01020304, 1, 0, 6));
  serve(f);
  assert_int_equal(f->urb_count, 1);
  const struct usbip_urb *urb = f->urbs[0];
  assert_int_equal(urb->seqnum, 0x01020304);
  assert_int_equal(urb->endpoint, 0);
  assert_true(urb->in);
  assert_int_equal(urb->length, 6);
  const uint8_t setup_packet[8] = {0xA1, 3, 0, 0, 0, 0, 6, 0};
  assert_memory_equal(urb->setup, setup_packet, 8);
  const uint8_t status[6] = {0, 5, 0, 0, 4, 0};
  assert_true(usbip_server_complete(&f->server, urb->seqnum, USBIP_DONE, status, 6));
  expect_header(f, fd, 3, 0x01020304, 0, 6);
  uint8_t data[6];
  assert_int_equal(client_read(f, fd, data, 6), 6);
  assert_memory_equal(data, status, 6);
  close(fd);
}

static void bulk_out_carries_its_data_and_returns_none(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  static uint8_t block[100000];
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (uint8_t)(i * 13 + (i >> 8));
  send_header(fd, make_submit(5, 0, 3, sizeof block));
  client_send(fd, block, sizeof block);
  send_header(fd, make_submit(6, 0, 3, 0));
  serve(f);
  assert_int_equal(f->urb_count, 2);
  assert_int_equal(f->urbs[0]->length, sizeof block);
  assert_memory_equal(f->urbs[0]->data, block, sizeof block);
  assert_int_equal(f->urbs[1]->length, 0);
  assert_true(usbip_server_complete(&f->server, 6, USBIP_DONE, NULL, 0));
  assert_true(usbip_server_complete(&f->server, 5, USBIP_DONE, NULL, sizeof block));
  expect_header(f, fd, 3, 6, 0, 0);
  expect_header(f, fd, 3, 5, 0, sizeof block);
  assert_silent(f, fd);
  close(fd);
}

static void a_stall_is_error_32(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 1, 0, 18));
  serve(f);
  assert_true(usbip_server_complete(&f->server, 1, USBIP_STALL, NULL, 0));
  expect_header(f, fd, 3, 1, (uint32_t)-32, 0);
  close(fd);
}

static void a_return_never_exceeds_what_was_asked(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 1, 1, 4));
  serve(f);
  assert_true(
      usbip_server_complete(&f->server, 1, USBIP_DONE, (uint8_t *)"abcdefgh", 8));
  expect_header(f, fd, 3, 1, 0, 4);
  uint8_t data[4];
  assert_int_equal(client_read(f, fd, data, 4), 4);
  assert_silent(f, fd);
  close(fd);
}

static void a_transfer_completes_once(void **state) {
  struct script *f = *state;
  assert_false(usbip_server_complete(&f->server, 1, USBIP_DONE, NULL, 0));
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 0, 1, 0));
  serve(f);
  assert_false(usbip_server_complete(&f->server, 2, USBIP_DONE, NULL, 0));
  assert_false(usbip_server_slept(&f->server, 1, 0));
  assert_true(usbip_server_complete(&f->server, 1, USBIP_DONE, NULL, 0));
  assert_false(usbip_server_complete(&f->server, 1, USBIP_DONE, NULL, 0));
  close(fd);
}

static void the_backend_may_complete_inside_submit(void **state) {
  struct script *f = *state;
  f->complete_at_once = true;
  const int fd = client_import(f);
  for (uint32_t i = 1; i <= 50; i++)
    send_header(fd, make_submit(i, 1, 1, 3));
  for (uint32_t i = 1; i <= 50; i++) {
    uint8_t data[3];
    expect_header(f, fd, 3, i, 0, 3);
    assert_int_equal(client_read(f, fd, data, 3), 3);
  }
  close(fd);
}

static void a_setup_packet_that_lies_is_invalid(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  struct header h = make_submit(1, 1, 0, 18);
  h.bytes[46] = 64;  // wLength
  send_header(fd, h);
  expect_header(f, fd, 3, 1, (uint32_t)-22, 0);
  assert_int_equal(f->urb_count, 0);
  close(fd);
}

static void unlink_takes_a_transfer_back(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 1, 2, 64));
  send_header(fd, make_header(2, 2, 0, 0, 1, 0));
  expect_header(f, fd, 4, 2, (uint32_t)-104, 0);
  assert_int_equal(f->unlinks, 1);
  assert_int_equal(f->unlinked, 1);
  assert_false(usbip_server_complete(&f->server, 1, USBIP_DONE, NULL, 0));
  send_header(fd, make_header(2, 3, 0, 0, 1, 0));  // it is gone already
  expect_header(f, fd, 4, 3, 0, 0);
  assert_int_equal(f->unlinks, 1);
  close(fd);
}

static void sleeps_overlap_and_end_by_number(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_header(0x51420001, 7, 0, 0, 1, 2));
  send_header(fd, make_header(0x51420001, 8, 0, 0, 0, 5000000));
  serve(f);
  assert_int_equal(f->sleeps, 2);
  assert_int_equal(f->sleep_seqnum[0], 7);
  assert_int_equal(f->sleep_ns[0], 0x100000002);
  assert_int_equal(f->sleep_ns[1], 5000000);
  assert_false(usbip_server_complete(&f->server, 7, USBIP_DONE, NULL, 0));
  assert_true(usbip_server_slept(&f->server, 8, 0xA00000001));
  assert_true(usbip_server_slept(&f->server, 7, 0xB00000002));
  assert_false(usbip_server_slept(&f->server, 7, 1));
  expect_header(f, fd, 0x51420002, 8, 0xA, 1);
  expect_header(f, fd, 0x51420002, 7, 0xB, 2);
  close(fd);
}

static void a_sleep_is_no_transfer(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_header(0x51420001, 8, 0, 0, 0, 1));
  send_header(fd, make_header(2, 9, 0, 0, 8, 0));
  expect_header(f, fd, 4, 9, 0, 0);
  assert_int_equal(f->unlinks, 0);
  assert_true(usbip_server_slept(&f->server, 8, 0));
  close(fd);
}

static void a_backend_may_refuse_to_sleep(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  f->refuse_sleep = true;
  send_header(fd, make_header(0x51420001, 1, 0, 0, 0, 1));
  expect_header(f, fd, 0x51420002, 1, 0xFFFFFFFF, 0xFFFFFFFF);
  f->backend.sleep = NULL;
  send_header(fd, make_header(0x51420001, 2, 0, 0, 0, 1));
  expect_header(f, fd, 0x51420002, 2, 0xFFFFFFFF, 0xFFFFFFFF);
  close(fd);
}

static void detach_ends_the_connection_after_the_last_reply(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  send_header(fd, make_submit(1, 1, 0, 6));
  send_header(fd, make_submit(2, 1, 2, 6));
  serve(f);
  send_header(fd, make_submit(3, 1, 0, 6));  // unread when the device goes
  assert_true(
      usbip_server_complete(&f->server, 1, USBIP_DONE, (uint8_t *)"\0\1\2\3\4\5", 6));
  usbip_server_detach(&f->server);
  assert_false(usbip_server_imported(&f->server));
  assert_false(usbip_server_complete(&f->server, 2, USBIP_DONE, NULL, 0));
  expect_header(f, fd, 3, 1, 0, 6);
  uint8_t data[6];
  assert_int_equal(client_read(f, fd, data, 6), 6);
  assert_ended(f, fd);
  const int next = client_import(f);  // it came back, and the old one lingers
  close(fd);
  serve(f);
  assert_true(usbip_server_imported(&f->server));
  assert_int_equal(f->gone, 0);
  assert_int_equal(f->log_lines, 0);
  close(next);
}

static void the_backend_may_detach_inside_its_callbacks(void **state) {
  struct script *f = *state;
  int fd = client_import(f);
  f->detach_at_once = true;
  send_header(fd, make_submit(1, 1, 0, 6));
  assert_ended(f, fd);
  close(fd);
  f->detach_at_once = false;
  fd = client_import(f);
  send_header(fd, make_submit(1, 1, 0, 6));
  serve(f);
  f->detach_at_once = true;
  send_header(fd, make_header(2, 2, 0, 0, 1, 0));
  assert_ended(f, fd);
  close(fd);
  serve(f);
  assert_int_equal(f->gone, 0);
}

static void open_says_why_it_cannot(void **state) {
  struct script *f = *state;
  assert_true(f->server.port != 0);
  struct usbip_server other;
  struct usbip_endpoint e = {.host = "127.0.0.1", .port = f->server.port};
  assert_string_equal(usbip_server_open(&other, &e, &f->backend, 0),
                      "Address already in use");
  usbip_server_close(&other);
  e = (struct usbip_endpoint){.host = "no such host"};
  assert_non_null(usbip_server_open(&other, &e, &f->backend, 0));
  usbip_server_close(&other);
}

// A wait for a client ends when its time is over, and not earlier.
static void poll_keeps_its_timeout(void **state) {
  struct script *f = *state;
  const int fd = client_import(f);
  serve(f);
  const uint64_t since = clock_ms();
  assert_false(usbip_server_poll(&f->server, 50));
  assert_in_range(clock_ms() - since, 49, 500);
  close(fd);
  assert_true(usbip_server_poll(&f->server, -1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(devlist_tells_what_is_plugged_in),
      TEST(devlist_works_while_the_device_is_imported),
      TEST(requests_may_arrive_byte_by_byte),
      TEST(import_of_what_is_not_there_is_refused),
      TEST(import_waits_until_the_backend_agrees),
      TEST(a_waiting_client_may_give_up),
      TEST(a_device_that_leaves_ends_the_wait),
      TEST(a_second_import_is_told_busy),
      TEST(control_in_reaches_the_backend_and_returns),
      TEST(bulk_out_carries_its_data_and_returns_none),
      TEST(a_stall_is_error_32),
      TEST(a_return_never_exceeds_what_was_asked),
      TEST(a_transfer_completes_once),
      TEST(the_backend_may_complete_inside_submit),
      TEST(a_setup_packet_that_lies_is_invalid),
      TEST(unlink_takes_a_transfer_back),
      TEST(sleeps_overlap_and_end_by_number),
      TEST(a_sleep_is_no_transfer),
      TEST(a_backend_may_refuse_to_sleep),
      TEST(detach_ends_the_connection_after_the_last_reply),
      TEST(the_backend_may_detach_inside_its_callbacks),
      TEST(open_says_why_it_cannot),
      TEST(poll_keeps_its_timeout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
