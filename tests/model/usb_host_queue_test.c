// SPDX-License-Identifier: MIT
// USB host engine: queues of URBs, cancelling, deadlines, strikes.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/usb_fake.h"

static uint8_t buffer[8192];

// --- cancel ------------------------------------------------------------------------

static void cancelled_urbs_complete_with_enoent(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.rest.reply = USB_REPLY_NAK;
  struct usb_urb a = fake_bulk(&f, 0x01, buffer, 64),
                 b = fake_bulk(&f, 0x01, buffer, 64);
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_MS(3));
  usb_host_cancel(&f.host, &b);  // waiting
  assert_int_equal(b.status, -ENOENT);
  assert_int_equal(f.done_count, 1);
  usb_host_cancel(&f.host, &a);  // parked
  assert_int_equal(a.status, -ENOENT);
  usb_host_cancel(&f.host, &a);
  assert_int_equal(f.done_count, 2);
  const size_t seen = f.seen;
  fake_pass(&f, VT_MS(3));
  assert_int_equal(f.seen, seen);
}

// Cancelled on the wire: its buffer is not touched any more and the data packet is
// not acknowledged, so that the device keeps it for the next URB.
static void cancel_on_the_wire_touches_nothing(void **state) {
  static struct fake f;
  (void)state;
  for (int phase = 0; phase < 2; phase++) {
    fake_open_enabled(&f, false);
    fake_data(&f, false, 64, 7);
    fake_data(&f, false, 64, 7);
    uint8_t mine[64] = {0};
    struct usb_urb urb = fake_bulk(&f, 0x81, mine, 64);
    fake_submit(&f, &urb);
    while (f.host.wire.phase == USB_WIRE_IDLE)
      fake_until(&f, event_next(&f.q));
    if (phase) fake_until(&f, event_next(&f.q));
    usb_host_cancel(&f.host, &urb);
    assert_int_equal(urb.status, -ENOENT);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(mine[0], 0);
    assert_int_equal(f.acks, 0);
    assert_int_equal(f.seen, phase);  // before the token was out, nobody heard it
    urb = fake_bulk(&f, 0x81, mine, 64);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(urb.status, 0);
    assert_int_equal(mine[0], 7);
  }
}

static struct usb_urb again;

static void submit_again(void *ctx, struct usb_urb *urb) {
  struct fake *f = ctx;
  (void)urb;
  fake_done(ctx, usb_host_submit(&f->host, &again));
}

static void completion_may_submit(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  again = fake_bulk(&f, 0x01, buffer, 1);
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 1);
  urb.complete = submit_again;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(again.status, 0);
  assert_int_equal(f.done_count, 2);
  // While everything is being thrown out it cannot.
  f.rest.reply = USB_REPLY_NAK;
  urb = fake_bulk(&f, 0x01, buffer, 1);
  urb.complete = submit_again;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  usb_host_unplug(&f.host);
  assert_int_equal(f.done_status, -ESHUTDOWN);
  assert_false(again.queued);
}

static void senseless_requests_are_refused(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 1);
  assert_int_equal(usb_host_submit(&f.host, &urb), -ESHUTDOWN);
  fake_open_enabled(&f, false);
  urb = fake_bulk(&f, 0x80, buffer, 1);  // endpoint 0 is not bulk
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);
  urb = fake_bulk(&f, 0x01, NULL, 1);
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);
  urb = fake_bulk(&f, 0x01, buffer, 1);
  urb.max_packet = 0;
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);
  urb.max_packet = 1025;
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);
  urb = fake_control(&f, 0x40, buffer, 8);
  urb.length = 7;  // wLength says 8
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);
  urb = fake_bulk(&f, 0x01, buffer, 1);
  fake_submit(&f, &urb);
  assert_int_equal(usb_host_submit(&f.host, &urb), -EINVAL);  // queued already
  assert_int_equal(f.done_count, 0);
}

static void cancelled_tail_leaves_a_sound_queue(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  struct usb_urb urbs[4];
  for (int i = 0; i < 4; i++)
    urbs[i] = fake_bulk(&f, 0x01, buffer + i, 1);
  for (int i = 0; i < 4; i++)
    buffer[i] = (uint8_t)(0x30 + i);
  fake_submit(&f, &urbs[0]);
  fake_submit(&f, &urbs[1]);
  fake_submit(&f, &urbs[2]);
  usb_host_cancel(&f.host, &urbs[2]);  // the tail
  memset(&urbs[2], 0xEE, sizeof urbs[2]);
  fake_submit(&f, &urbs[3]);
  usb_host_cancel(&f.host, &urbs[1]);  // the middle
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urbs[0].status, 0);
  assert_int_equal(urbs[3].status, 0);
  assert_int_equal(f.seen, 2);
  assert_int_equal(f.log[1].first, 0x33);
}

static void cancelling_a_waiting_urb_does_not_unpark_the_first(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb a = fake_bulk(&f, 0x01, buffer, 1), b = fake_bulk(&f, 0x01, buffer, 1);
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_US(200));
  usb_host_cancel(&f.host, &b);
  fake_pass(&f, VT_US(200));
  assert_int_equal(f.seen, 1);
  f.host.port.ready(&f.host, 1, false);
  fake_pass(&f, VT_US(100));
  assert_int_equal(a.status, 0);
}

static void urb_after_a_cancelled_one_starts_at_once(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb a = fake_bulk(&f, 0x01, buffer, 1), b = fake_bulk(&f, 0x01, buffer, 1);
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_US(200));
  usb_host_cancel(&f.host, &a);
  fake_pass(&f, VT_US(50));
  assert_int_equal(b.status, 0);
}

static void deadline_lets_the_next_one_go(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb a = fake_bulk(&f, 0x01, buffer, 1), b = fake_bulk(&f, 0x01, buffer, 1);
  a.timeout = VT_US(300);
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_US(400));
  assert_int_equal(a.status, -ETIMEDOUT);
  assert_int_equal(b.status, 0);
}

static void strikes_are_counted_per_urb_and_in_a_row(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 6, USB_REPLY_NONE);
  for (unsigned i = 1; i < 3; i++) {
    struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 1);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(urb.status, -EPROTO);
    assert_int_equal(f.seen, 3 * i);
  }
  // A NAK or a packet in between starts the count anew.
  fake_open_enabled(&f, false);
  fake_replies(&f, 2, USB_REPLY_NONE);
  fake_replies(&f, 1, USB_REPLY_NAK);
  fake_replies(&f, 2, USB_REPLY_NONE);
  fake_data(&f, false, 64, 0);
  fake_replies(&f, 2, USB_REPLY_NONE);
  fake_data(&f, true, 1, 0);
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 128);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  assert_int_equal(urb.status, 0);
  // So does a PING that is answered.
  fake_open_enabled(&f, true);
  fake_replies(&f, 1, USB_REPLY_NONE);  // OUT
  fake_replies(&f, 1, USB_REPLY_NONE);  // PING
  fake_replies(&f, 1, USB_REPLY_ACK);   // PING
  fake_replies(&f, 2, USB_REPLY_NONE);  // OUT, PING
  urb = fake_bulk(&f, 0x01, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  assert_int_equal(urb.status, 0);
}

// A control write that ended with NYET does not make the next one begin with PING.
static void ping_does_not_outlive_its_stage(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  for (int i = 0; i < 2; i++) {
    fake_replies(&f, 1, USB_REPLY_ACK);
    fake_replies(&f, 1, USB_REPLY_NYET);
    fake_data(&f, true, 0, 0);
    struct usb_urb urb = fake_control(&f, 0x40, buffer, 8);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(urb.status, 0);
  }
  fake_expect(&f, 4, USB_PID_OUT, true, 8);
}

static void control_with_too_much_data_is_an_overflow(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_data(&f, true, 9, 0);
  struct usb_urb urb = fake_control(&f, 0xC0, buffer, 8);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, -EOVERFLOW);
}

static void control_requests_share_one_pipe(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  for (int i = 0; i < 2; i++) {
    fake_replies(&f, 1, USB_REPLY_ACK);
    fake_data(&f, true, 0, 0);
  }
  struct usb_urb a = fake_control(&f, 0x40, NULL, 0),
                 b = fake_control(&f, 0x40, NULL, 0);
  b.endpoint = 0x80;  // as some callers have it
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(a.status, 0);
  assert_int_equal(b.status, 0);
  fake_expect(&f, 1, USB_PID_IN, false, 0);
  fake_expect(&f, 2, USB_PID_SETUP, false, 8);
}

static void largest_packet_is_1024(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 1024);
  urb.type = USB_URB_INTERRUPT;
  urb.max_packet = 1024;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  fake_expect(&f, 0, USB_PID_OUT, false, 1024);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cancelled_urbs_complete_with_enoent),
      cmocka_unit_test(cancel_on_the_wire_touches_nothing),
      cmocka_unit_test(completion_may_submit),
      cmocka_unit_test(senseless_requests_are_refused),
      cmocka_unit_test(cancelled_tail_leaves_a_sound_queue),
      cmocka_unit_test(cancelling_a_waiting_urb_does_not_unpark_the_first),
      cmocka_unit_test(urb_after_a_cancelled_one_starts_at_once),
      cmocka_unit_test(deadline_lets_the_next_one_go),
      cmocka_unit_test(strikes_are_counted_per_urb_and_in_a_row),
      cmocka_unit_test(ping_does_not_outlive_its_stage),
      cmocka_unit_test(control_with_too_much_data_is_an_overflow),
      cmocka_unit_test(control_requests_share_one_pipe),
      cmocka_unit_test(largest_packet_is_1024),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
