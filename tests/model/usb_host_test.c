// SPDX-License-Identifier: MIT
// USB host engine, transfers: packets, toggles, NAK and retry slots, exact times.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/usb/host_time.h"
#include "tests/model/usb_fake.h"

static uint8_t buffer[8192];

// --- time ------------------------------------------------------------------------

static vtime_t whole(enum usb_speed s, enum usb_pid pid, uint32_t n,
                     enum usb_reply reply) {
  return usb_time_to_device(s, pid, n) + usb_time_to_host(s, pid, n, reply);
}

static void bus_times_are_those_of_the_standard(void **state) {
  (void)state;
  const enum usb_speed fs = USB_SPEED_FULL, hs = USB_SPEED_HIGH;
  assert_int_equal(whole(fs, USB_PID_OUT, 64, USB_REPLY_ACK), FS_TIME(FS_64));
  assert_int_equal(whole(fs, USB_PID_OUT, 64, USB_REPLY_ACK), 59231000);
  assert_int_equal(whole(fs, USB_PID_OUT, 64, USB_REPLY_NAK), FS_TIME(FS_64));
  assert_int_equal(whole(fs, USB_PID_SETUP, 8, USB_REPLY_ACK), FS_TIME(FS_8));
  assert_int_equal(whole(fs, USB_PID_IN, 64, USB_REPLY_DATA), FS_TIME(FS_64));
  assert_int_equal(whole(fs, USB_PID_IN, 0, USB_REPLY_DATA), FS_TIME(FS_0));
  assert_int_equal(whole(fs, USB_PID_IN, 0, USB_REPLY_NAK), FS_NAK);
  assert_int_equal(whole(hs, USB_PID_OUT, 512, USB_REPLY_ACK), HS_TIME(HS_512));
  assert_int_equal(whole(hs, USB_PID_OUT, 512, USB_REPLY_ACK), 10875343);
  assert_int_equal(whole(hs, USB_PID_IN, 64, USB_REPLY_DATA), HS_TIME(HS_64));
  assert_int_equal(whole(hs, USB_PID_PING, 0, USB_REPLY_NAK), HS_NAK);
  assert_int_equal(whole(hs, USB_PID_PING, 0, USB_REPLY_ACK), HS_NAK);
}

static void no_answer_costs_the_timeout(void **state) {
  (void)state;
  // USB 2.0 7.1.19.2: 18 bit times at full speed, 816 at high speed.
  assert_int_equal(usb_time_to_host(USB_SPEED_FULL, USB_PID_IN, 0, USB_REPLY_NONE),
                   (vtime_t)18 * 83540);
  assert_int_equal(usb_time_to_host(USB_SPEED_HIGH, USB_PID_OUT, 512, USB_REPLY_NONE),
                   (vtime_t)816 * 2083);
  assert_true(usb_time_worst(USB_SPEED_FULL, 64) >
              whole(USB_SPEED_FULL, USB_PID_IN, 64, USB_REPLY_DATA));
}

// --- control transfers -----------------------------------------------------------

static void control_without_data(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_data(&f, true, 0, 0);
  struct usb_urb urb = fake_control(&f, 0x40, NULL, 0);
  const vtime_t start = f.q.now;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.seen, 2);
  fake_expect(&f, 0, USB_PID_SETUP, false, 8);
  fake_expect(&f, 1, USB_PID_IN, false, 0);
  assert_int_equal(f.acks, 1);
  // The SOF of this frame, SETUP, gap, IN with an empty packet.
  assert_int_equal(f.done_at - start,
                   (vtime_t)35 * 83540 + FS_TIME(FS_8) + GAP + FS_TIME(FS_0));
}

static void control_read_of_several_packets(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_data(&f, true, 64, 0xA1);
  fake_data(&f, false, 64, 0xA2);
  fake_data(&f, true, 2, 0xA3);
  fake_replies(&f, 1, USB_REPLY_ACK);
  struct usb_urb urb = fake_control(&f, 0xC0, buffer, 130);
  const vtime_t start = f.q.now;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 130);
  assert_int_equal(f.seen, 5);
  fake_expect(&f, 4, USB_PID_OUT, true, 0);
  assert_int_equal(buffer[0], 0xA1);
  assert_int_equal(buffer[64], 0xA2);
  assert_int_equal(buffer[129], 0xA3);
  const vtime_t two_bytes = HS_TIME(3 + 18);  // floor(3.167 + 18.667) = 21
  assert_int_equal(f.done_at - start, (vtime_t)64 * 2083 + HS_TIME(HS_8) +
                                          2 * HS_TIME(HS_64) + two_bytes + HS_TIME(3) +
                                          4 * GAP);
}

static void control_read_ends_with_a_short_packet(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    uint16_t asked, last;
    unsigned packets;
  } cases[] = {{128, 64, 2}, {129, 0, 3}, {255, 63, 1}, {64, 64, 1}, {65, 0, 2}};
  for (size_t i = 0; i < 5; i++) {
    fake_open_enabled(&f, false);
    fake_replies(&f, 1, USB_REPLY_ACK);
    for (unsigned p = 0; p + 1 < cases[i].packets; p++)
      fake_data(&f, !(p & 1), 64, 1);
    fake_data(&f, cases[i].packets & 1, cases[i].last, 2);
    struct usb_urb urb = fake_control(&f, 0xC0, buffer, cases[i].asked);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(2));
    assert_int_equal(urb.status, 0);
    assert_int_equal(urb.actual, (cases[i].packets - 1) * 64u + cases[i].last);
    assert_int_equal(f.seen, 2 + cases[i].packets);
  }
}

static void control_write_alternates_data1_data0(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 4, USB_REPLY_ACK);
  fake_data(&f, true, 0, 0);
  for (int i = 0; i < 130; i++)
    buffer[i] = (uint8_t)i;
  struct usb_urb urb = fake_control(&f, 0x40, buffer, 130);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(2));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 130);
  fake_expect(&f, 1, USB_PID_OUT, true, 64);
  fake_expect(&f, 2, USB_PID_OUT, false, 64);
  fake_expect(&f, 3, USB_PID_OUT, true, 2);
  assert_int_equal(f.log[2].first, 64);
  assert_int_equal(f.log[3].first, 128);
  fake_expect(&f, 4, USB_PID_IN, false, 0);
}

static void stall_ends_each_stage_with_epipe(void **state) {
  static struct fake f;
  (void)state;
  for (unsigned good = 1; good <= 3; good++) {
    fake_open_enabled(&f, false);
    fake_replies(&f, good, USB_REPLY_ACK);
    fake_replies(&f, 1, USB_REPLY_STALL);
    struct usb_urb urb = fake_control(&f, 0x40, buffer, 128);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(2));
    assert_int_equal(urb.status, -EPIPE);
    assert_int_equal(urb.actual, (good - 1) * 64);
    assert_int_equal(f.seen, good + 1);
  }
}

static void setup_may_only_be_acknowledged(void **state) {
  static struct fake f;
  (void)state;
  static const enum usb_reply bad[] = {USB_REPLY_NAK, USB_REPLY_STALL, USB_REPLY_NONE,
                                       USB_REPLY_NYET, USB_REPLY_DATA};
  for (size_t i = 0; i < 5; i++) {
    fake_open_enabled(&f, true);
    fake_replies(&f, 3, bad[i]);
    struct usb_urb urb = fake_control(&f, 0x40, NULL, 0);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(2));
    assert_int_equal(urb.status, -EPROTO);
    assert_int_equal(f.seen, 3);
  }
}

static void status_stage_with_data_is_refused(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_data(&f, true, 3, 0);
  struct usb_urb urb = fake_control(&f, 0x40, NULL, 0);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, -EPROTO);
  assert_int_equal(f.acks, 0);
}

static void control_has_a_deadline(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_ACK);
  f.rest.reply = USB_REPLY_NAK;
  struct usb_urb urb = fake_control(&f, 0x40, NULL, 0);
  const vtime_t start = f.q.now;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_S(6));
  assert_int_equal(urb.status, -ETIMEDOUT);
  assert_int_equal(f.done_at, start + VT_S(5));
  // Parked: it was asked once per millisecond.
  assert_in_range(f.seen, 4500, 5001);
}

static void own_timeout_replaces_the_deadline(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.rest.reply = USB_REPLY_NAK;
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 64);
  urb.timeout = VT_MS(30);
  const vtime_t start = f.q.now;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_S(1));
  assert_int_equal(urb.status, -ETIMEDOUT);
  assert_int_equal(f.done_at, start + VT_MS(30));
}

// --- bulk ------------------------------------------------------------------------

static void bulk_out_of_every_length(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    uint32_t length;
    unsigned packets;
    uint16_t last;
    bool zero;
  } cases[] = {{0, 1, 0, false},  {0, 1, 0, true},    {1, 1, 1, false},
               {63, 1, 63, true}, {64, 1, 64, false}, {64, 2, 0, true},
               {65, 2, 1, true},  {128, 3, 0, true},  {4096, 64, 64, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fake_open_enabled(&f, false);
    struct usb_urb urb = fake_bulk(&f, 0x03, buffer, cases[i].length);
    urb.zero_packet = cases[i].zero;
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(20));
    assert_int_equal(urb.status, 0);
    assert_int_equal(urb.actual, cases[i].length);
    assert_int_equal(f.seen, cases[i].packets);
    for (size_t p = 0; p < f.seen; p++) {
      fake_expect(&f, p, USB_PID_OUT, p & 1, p + 1 < f.seen ? 64 : cases[i].last);
      assert_int_equal(f.log[p].endpoint, 3);
    }
  }
}

static void toggle_goes_on_over_urbs(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  for (unsigned i = 0; i < 3; i++) {
    struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 10);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    fake_expect(&f, i, USB_PID_OUT, i & 1, 10);
  }
  usb_host_reset_toggle(&f.host, 0x03);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 10);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  fake_expect(&f, 3, USB_PID_OUT, false, 10);
}

static void bulk_in_collects_until_short(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_data(&f, false, 64, 1);
  fake_data(&f, true, 64, 2);
  fake_data(&f, false, 5, 3);
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 1000);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 133);
  assert_int_equal(buffer[132], 3);
  assert_int_equal(f.acks, 3);
}

static void short_is_an_error_only_if_asked(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_data(&f, false, 5, 3);
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 10);
  urb.short_not_ok = true;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, -EREMOTEIO);
  assert_int_equal(urb.actual, 5);
}

static void too_much_data_is_an_overflow(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    uint32_t room;
    uint16_t sent;
  } cases[] = {{10, 11}, {100, 65}, {0, 1}};
  for (size_t i = 0; i < 3; i++) {
    fake_open_enabled(&f, false);
    fake_data(&f, false, cases[i].sent, 3);
    uint8_t guarded[128] = {0};
    struct usb_urb urb = fake_bulk(&f, 0x81, guarded, cases[i].room);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(urb.status, -EOVERFLOW);
    assert_int_equal(urb.actual, 0);
    assert_int_equal(f.acks, 0);
    assert_int_equal(guarded[0], 0);
  }
}

static void repeated_data_are_acknowledged_and_dropped(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_data(&f, false, 64, 1);
  fake_data(&f, false, 64, 1);  // our ACK was lost
  fake_data(&f, true, 3, 2);
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 100);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 67);
  assert_int_equal(f.acks, 3);
}

static void three_errors_in_a_row_are_eproto(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 2, USB_REPLY_NONE);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_replies(&f, 2, USB_REPLY_NONE);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_replies(&f, 3, USB_REPLY_NONE);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 256);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(2));
  assert_int_equal(urb.status, -EPROTO);
  assert_int_equal(urb.actual, 128);
  assert_int_equal(f.seen, 9);
  assert_int_equal(f.host.errors, 7);
  for (size_t i = 0; i < 3; i++)
    fake_expect(&f, i, USB_PID_OUT, false, 64);
  for (size_t i = 3; i < 6; i++)
    fake_expect(&f, i, USB_PID_OUT, true, 64);
}

static void nonsense_answers_are_errors(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    uint8_t endpoint;
    enum usb_reply reply;
  } cases[] = {{0x81, USB_REPLY_ACK},
               {0x81, USB_REPLY_NYET},
               {0x01, USB_REPLY_DATA},
               {0x01, USB_REPLY_NYET}};
  for (size_t i = 0; i < 4; i++) {
    fake_open_enabled(&f, false);
    f.rest.reply = cases[i].reply;
    struct usb_urb urb = fake_bulk(&f, cases[i].endpoint, buffer, 64);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(2));
    assert_int_equal(urb.status, -EPROTO);
    assert_int_equal(f.seen, 3);
  }
}

// --- NAK and retry slots -----------------------------------------------------------

static void nak_parks_until_ready(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_US(500));
  assert_int_equal(f.seen, 1);
  // The device is ready at any time; the retry is in the next slot of a host that
  // asks without pause: each takes one NAKed OUT and a gap.
  const vtime_t first = f.log[0].at;
  const vtime_t slot = FS_TIME(FS_64) + GAP;
  f.host.port.ready(&f.host, 3, false);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.seen, 2);
  const vtime_t waited = f.log[1].at - first;
  assert_int_equal(waited % slot, 0);
  assert_int_equal(waited / slot, 9);  // (500 us - SOF) / 59.4 us, rounded up
}

static void ready_of_another_endpoint_does_not_wake(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_US(500));
  f.host.port.ready(&f.host, 3, true);
  f.host.port.ready(&f.host, 4, false);
  fake_pass(&f, VT_US(300));
  assert_int_equal(f.seen, 1);
}

static void parked_endpoint_is_asked_each_millisecond(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 3, USB_REPLY_NAK);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(6));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.seen, 4);
  for (size_t i = 1; i < 4; i++) {
    const vtime_t apart = f.log[i].at - f.log[i - 1].at;
    assert_in_range(apart, VT_MS(1), VT_US(1200));
  }
  assert_int_equal(f.host.naks, 3);
}

// ready() in the time between the device's NAK and its arrival at the host.
static void ready_during_the_nak_is_not_lost(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  while (f.seen == 0)
    fake_until(&f, event_next(&f.q));
  f.host.port.ready(&f.host, 3, false);
  fake_pass(&f, VT_US(200));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.log[1].at - f.log[0].at, FS_TIME(FS_64) + GAP);
}

static void high_speed_out_asks_with_ping(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  fake_replies(&f, 1, USB_REPLY_NYET);  // first packet taken
  fake_replies(&f, 1, USB_REPLY_NAK);   // PING
  fake_replies(&f, 1, USB_REPLY_ACK);   // PING
  fake_replies(&f, 1, USB_REPLY_ACK);   // second packet
  fake_replies(&f, 1, USB_REPLY_NAK);   // third packet refused
  fake_replies(&f, 2, USB_REPLY_ACK);   // PING, third packet
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 1536);
  urb.max_packet = 512;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  assert_int_equal(urb.status, 0);
  static const enum usb_pid pids[] = {USB_PID_OUT, USB_PID_PING, USB_PID_PING,
                                      USB_PID_OUT, USB_PID_OUT,  USB_PID_PING,
                                      USB_PID_OUT};
  assert_int_equal(f.seen, 7);
  for (size_t i = 0; i < 7; i++)
    assert_int_equal(f.log[i].pid, pids[i]);
  assert_int_equal(f.log[3].data1, true);
  assert_int_equal(f.log[4].data1, false);
  assert_int_equal(f.log[6].data1, false);
}

static void lost_high_speed_out_is_followed_by_ping(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  fake_replies(&f, 1, USB_REPLY_NONE);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  assert_int_equal(urb.status, 0);
  fake_expect(&f, 1, USB_PID_PING, false, 0);
  fake_expect(&f, 2, USB_PID_OUT, false, 64);
}

static void full_speed_never_pings(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  fake_replies(&f, 1, USB_REPLY_NONE);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  for (size_t i = 0; i < f.seen; i++)
    assert_int_equal(f.log[i].pid, USB_PID_OUT);
}

static void interrupt_endpoints_are_asked_once_per_interval(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 3, USB_REPLY_NAK);
  fake_data(&f, false, 4, 9);
  struct usb_urb urb = fake_bulk(&f, 0x82, buffer, 8);
  urb.type = USB_URB_INTERRUPT;
  urb.max_packet = 8;
  urb.interval = 8 * 4;  // 4 ms
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(30));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 4);
  assert_int_equal(f.seen, 4);
  assert_int_equal(f.log[2].at - f.log[1].at, VT_MS(4));
  assert_int_equal(f.log[3].at - f.log[2].at, VT_MS(4));
}

static void endpoints_take_turns(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  static uint8_t other[256];
  struct usb_urb a = fake_bulk(&f, 0x01, buffer, 256),
                 b = fake_bulk(&f, 0x02, other, 256);
  fake_submit(&f, &a);
  fake_submit(&f, &b);
  fake_pass(&f, VT_MS(2));
  assert_int_equal(f.seen, 8);
  for (size_t i = 1; i < 8; i++) {
    assert_int_not_equal(f.log[i].endpoint, f.log[i - 1].endpoint);
  }
}

static void urbs_of_one_endpoint_stay_in_order(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  struct usb_urb urbs[3];
  for (int i = 0; i < 3; i++) {
    urbs[i] = fake_bulk(&f, 0x01, buffer + i, 1);
    buffer[i] = (uint8_t)(0x30 + i);
    fake_submit(&f, &urbs[i]);
  }
  fake_pass(&f, VT_MS(2));
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(f.log[i].first, 0x30 + i);
  assert_int_equal(f.done_count, 3);
}

static void retry_slots_are_exact(void **state) {
  static struct fake f;
  (void)state;
  const vtime_t slot = FS_TIME(FS_64) + GAP;
  static const struct {
    int64_t offset;  // of ready() from the start of a slot
    unsigned slots;
  } cases[] = {{-1, 3}, {0, 3}, {1, 4}};
  for (size_t i = 0; i < 3; i++) {
    fake_open_enabled(&f, false);
    fake_replies(&f, 1, USB_REPLY_NAK);
    struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
    fake_submit(&f, &urb);
    while (f.seen == 0)
      fake_until(&f, event_next(&f.q));
    // `at` is a handshake before the end of the transaction; 3 slots after its start.
    const vtime_t began = f.log[0].at + (vtime_t)19 * 83540 - FS_TIME(FS_64);
    fake_until(&f, began + 3 * slot + (vtime_t)cases[i].offset);
    f.host.port.ready(&f.host, 3, false);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(f.log[1].at - f.log[0].at, cases[i].slots * slot);
  }
}

// ready() in the gap after the NAK: the first slot is next.
static void ready_in_the_gap_waits_for_the_gap(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_NAK);
  struct usb_urb urb = fake_bulk(&f, 0x03, buffer, 64);
  fake_submit(&f, &urb);
  while (f.host.naks == 0)
    fake_until(&f, event_next(&f.q));
  f.host.port.ready(&f.host, 3, false);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(f.log[1].at - f.log[0].at, FS_TIME(FS_64) + GAP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bus_times_are_those_of_the_standard),
      cmocka_unit_test(no_answer_costs_the_timeout),
      cmocka_unit_test(control_without_data),
      cmocka_unit_test(control_read_of_several_packets),
      cmocka_unit_test(control_read_ends_with_a_short_packet),
      cmocka_unit_test(control_write_alternates_data1_data0),
      cmocka_unit_test(stall_ends_each_stage_with_epipe),
      cmocka_unit_test(setup_may_only_be_acknowledged),
      cmocka_unit_test(status_stage_with_data_is_refused),
      cmocka_unit_test(control_has_a_deadline),
      cmocka_unit_test(own_timeout_replaces_the_deadline),
      cmocka_unit_test(bulk_out_of_every_length),
      cmocka_unit_test(toggle_goes_on_over_urbs),
      cmocka_unit_test(bulk_in_collects_until_short),
      cmocka_unit_test(short_is_an_error_only_if_asked),
      cmocka_unit_test(too_much_data_is_an_overflow),
      cmocka_unit_test(repeated_data_are_acknowledged_and_dropped),
      cmocka_unit_test(three_errors_in_a_row_are_eproto),
      cmocka_unit_test(nonsense_answers_are_errors),
      cmocka_unit_test(nak_parks_until_ready),
      cmocka_unit_test(ready_of_another_endpoint_does_not_wake),
      cmocka_unit_test(parked_endpoint_is_asked_each_millisecond),
      cmocka_unit_test(ready_during_the_nak_is_not_lost),
      cmocka_unit_test(high_speed_out_asks_with_ping),
      cmocka_unit_test(lost_high_speed_out_is_followed_by_ping),
      cmocka_unit_test(full_speed_never_pings),
      cmocka_unit_test(interrupt_endpoints_are_asked_once_per_interval),
      cmocka_unit_test(endpoints_take_turns),
      cmocka_unit_test(urbs_of_one_endpoint_stay_in_order),
      cmocka_unit_test(retry_slots_are_exact),
      cmocka_unit_test(ready_in_the_gap_waits_for_the_gap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
