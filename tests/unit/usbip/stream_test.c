// SPDX-License-Identifier: MIT
// Buffered connections: byte order, limits, and a peer that is slow or gone.
#include "usbip/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
  struct usbip_stream near;
  int far;
};

static struct pair make_pair(void) {
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  usbip_stream_prepare(fds[0]);
  return (struct pair){.near = {.fd = fds[0]}, .far = fds[1]};
}

static void bytes_keep_their_order(void **state) {
  (void)state;
  struct usbip_bytes b = {0};
  uint8_t next_in = 0;
  uint8_t next_out = 0;
  assert_null(usbip_bytes_first(&b));
  for (int round = 0; round < 500; round++) {
    const int in = round % 7 + 1;
    for (int i = 0; i < in; i++) {
      assert_true(usbip_bytes_append(&b, &next_in, 1));
      next_in++;
    }
    for (int i = 0; i < 4 && b.length > 0; i++) {
      assert_int_equal(*usbip_bytes_first(&b), next_out);
      next_out++;
      usbip_bytes_consume(&b, 1);
    }
  }
  while (b.length > 0) {
    assert_int_equal(*usbip_bytes_first(&b), next_out);
    next_out++;
    usbip_bytes_consume(&b, 1);
  }
  assert_int_equal(next_out, next_in);
  struct usbip_stream s = {.fd = -1, .in = b};
  usbip_stream_close(&s);
}

static void a_queue_that_never_empties_stays_small(void **state) {
  (void)state;
  struct usbip_stream s = {.fd = -1};
  static const uint8_t block[100];
  assert_true(usbip_bytes_append(&s.in, block, sizeof block));
  for (int i = 0; i < 100000; i++) {
    assert_true(usbip_bytes_append(&s.in, block, sizeof block));
    usbip_bytes_consume(&s.in, sizeof block);
  }
  assert_int_equal(s.in.length, 100);
  assert_true(s.in.capacity < 1000);
  usbip_bytes_consume(&s.in, 5000);
  assert_int_equal(s.in.length, 0);
  usbip_stream_close(&s);
}

static void receive_stops_at_its_limit(void **state) {
  (void)state;
  struct pair p = make_pair();
  static const uint8_t block[60000];
  assert_true(usbip_stream_receive(&p.near, 1000));  // nothing there: no wait
  assert_int_equal(p.near.in.length, 0);
  assert_int_equal(write(p.far, block, sizeof block), sizeof block);
  assert_true(usbip_stream_receive(&p.near, 1000));
  assert_in_range(p.near.in.length, 1000, 20000);
  const size_t held = p.near.in.length;
  assert_true(usbip_stream_receive(&p.near, 1000));
  assert_int_equal(p.near.in.length, held);
  assert_true(usbip_stream_receive(&p.near, sizeof block));
  assert_int_equal(p.near.in.length, sizeof block);
  close(p.far);
  usbip_stream_close(&p.near);
}

static void last_bytes_of_a_closed_peer_are_kept(void **state) {
  (void)state;
  struct pair p = make_pair();
  assert_int_equal(write(p.far, "end", 3), 3);
  close(p.far);
  assert_false(usbip_stream_receive(&p.near, 1000));
  assert_int_equal(p.near.in.length, 3);
  assert_memory_equal(usbip_bytes_first(&p.near.in), "end", 3);
  usbip_stream_close(&p.near);
  usbip_stream_close(&p.near);
}

static void flush_does_not_wait_for_a_slow_reader(void **state) {
  (void)state;
  struct pair p = make_pair();
  static uint8_t block[4 << 20];
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (uint8_t)(i * 7 + (i >> 9));
  assert_true(usbip_stream_write(&p.near, block, sizeof block));
  assert_true(usbip_stream_flush(&p.near));
  assert_true(p.near.out.length > 0);
  assert_true(p.near.out.length < sizeof block);
  static uint8_t got[sizeof block];
  size_t length = 0;
  while (length < sizeof got) {
    const ssize_t n = read(p.far, got + length, sizeof got - length);
    assert_true(n > 0);
    length += (size_t)n;
    assert_true(usbip_stream_flush(&p.near));
  }
  assert_memory_equal(got, block, sizeof block);
  close(p.far);
  usbip_stream_close(&p.near);
}

// No SIGPIPE: the test would end here.
static void flush_to_a_closed_peer_fails(void **state) {
  (void)state;
  struct pair p = make_pair();
  close(p.far);
  assert_true(usbip_stream_write(&p.near, "x", 1));
  assert_false(usbip_stream_flush(&p.near));
  usbip_stream_close(&p.near);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_keep_their_order),
      cmocka_unit_test(a_queue_that_never_empties_stays_small),
      cmocka_unit_test(receive_stops_at_its_limit),
      cmocka_unit_test(last_bytes_of_a_closed_peer_are_kept),
      cmocka_unit_test(flush_does_not_wait_for_a_slow_reader),
      cmocka_unit_test(flush_to_a_closed_peer_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
