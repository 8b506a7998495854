// SPDX-License-Identifier: MIT
// USB host engine, the port: connect, reset, frames, suspend and resume.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/usb_fake.h"

static uint8_t buffer[8192];

// --- the port --------------------------------------------------------------------

static void connect_is_debounced_100_ms(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  usb_host_plug(&f.host);
  assert_true(f.vbus);
  fake_until(&f, VT_MS(100) - 1);
  assert_int_equal(f.event_count, 0);
  fake_until(&f, VT_MS(100));
  assert_int_equal(f.event_count, 1);
  assert_int_equal(f.events[0], USB_HOST_CONNECTED);
}

static void debounce_restarts_with_each_edge(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  usb_host_plug(&f.host);
  fake_until(&f, VT_MS(60));
  f.host.port.pull_up(&f.host, false);
  f.host.port.pull_up(&f.host, true);
  fake_until(&f, VT_MS(160) - 1);
  assert_int_equal(f.event_count, 0);
  fake_until(&f, VT_MS(160));
  assert_int_equal(f.event_count, 1);
}

static void disconnect_takes_two_and_a_half_us(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.event_count = 0;
  f.host.port.pull_up(&f.host, false);
  fake_pass(&f, VT_NS(2400));
  f.host.port.pull_up(&f.host, true);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(f.event_count, 0);  // too short to be a disconnect
  f.host.port.pull_up(&f.host, false);
  fake_pass(&f, VT_NS(2500));
  assert_int_equal(f.event_count, 1);
  assert_int_equal(f.events[0], USB_HOST_DISCONNECTED);
  assert_int_equal(f.host.state, USB_HOST_POWERED);
  f.host.port.pull_up(&f.host, true);
  fake_pass(&f, VT_MS(100));
  assert_int_equal(f.events[1], USB_HOST_CONNECTED);
}

static void reset_drives_se0_then_recovers(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  assert_int_equal(usb_host_reset(&f.host, fake_done, &f), -ENODEV);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  const vtime_t start = f.q.now;
  assert_int_equal(usb_host_reset(&f.host, fake_done, &f), 0);
  fake_until(&f, start + VT_MS(60) - 1);
  assert_int_equal(f.reset_at, start);
  assert_int_equal(f.reset_end_at, start + VT_MS(50));
  assert_int_equal(f.done_count, 0);
  fake_until(&f, start + VT_MS(60));
  assert_int_equal(f.done_count, 1);
  assert_int_equal(f.done_status, 0);
  assert_int_equal(f.host.speed, USB_SPEED_HIGH);
}

static void speed_is_the_lower_of_both_sides(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    bool device, host;
    enum usb_speed speed;
  } cases[] = {
      {false, false, USB_SPEED_FULL},
      {false, true, USB_SPEED_FULL},
      {true, false, USB_SPEED_FULL},
      {true, true, USB_SPEED_HIGH},
  };
  for (size_t i = 0; i < 4; i++) {
    fake_open(&f, cases[i].device, cases[i].host);
    usb_host_plug(&f.host);
    fake_pass(&f, VT_MS(100));
    usb_host_reset(&f.host, NULL, NULL);
    fake_pass(&f, VT_MS(60));
    assert_int_equal(f.host.speed, cases[i].speed);
  }
}

static void device_that_leaves_during_reset_ends_it(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  usb_host_reset(&f.host, fake_done, &f);
  fake_pass(&f, VT_MS(20));
  f.host.port.pull_up(&f.host, false);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(f.done_count, 1);
  assert_int_equal(f.done_status, -ENODEV);
}

static void second_reset_cancels_the_first(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  usb_host_reset(&f.host, fake_done, &f);
  fake_pass(&f, VT_MS(55));
  usb_host_reset(&f.host, fake_done, &f);
  assert_int_equal(f.done_status, -ECANCELED);
  fake_pass(&f, VT_MS(60));
  assert_int_equal(f.done_count, 2);
  assert_int_equal(f.done_status, 0);
}

static void unplugged_device_with_pull_up_sees_idle(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  usb_host_unplug(&f.host);
  assert_false(f.vbus);
  f.host.port.pull_up(&f.host, true);  // it does not watch VBUS
  const vtime_t at = f.q.now;
  fake_pass(&f, VT_MS(10));
  assert_int_equal(f.suspends, 1);
  assert_int_equal(f.suspend_at, at + VT_MS(3));
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  assert_int_equal(f.host.state, USB_HOST_ATTACHED);
}

// --- frames ----------------------------------------------------------------------

static void frames_count_from_the_end_of_reset(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);  // 10 ms of recovery have passed
  assert_int_equal(f.host.port.microframe(&f.host), 80);
  fake_pass(&f, VT_US(125));
  assert_int_equal(f.host.port.microframe(&f.host), 81);
  fake_pass(&f, VT_US(125) * (uint64_t)(16384 - 81));
  assert_int_equal(f.host.port.microframe(&f.host), 0);
  fake_open_enabled(&f, false);
  fake_pass(&f, VT_US(999));
  assert_int_equal(f.host.port.microframe(&f.host), 80);
  fake_pass(&f, VT_US(1));
  assert_int_equal(f.host.port.microframe(&f.host), 88);
}

static void sof_comes_only_when_wanted(void **state) {
  static struct fake f;
  (void)state;
  for (int hs = 0; hs < 2; hs++) {
    fake_open_enabled(&f, hs);
    fake_pass(&f, VT_MS(5));
    assert_int_equal(f.sofs, 0);
    f.host.port.want_sof(&f.host, true);
    fake_pass(&f, VT_MS(5));
    assert_int_equal(f.sofs, hs ? 40 : 5);
    f.host.port.want_sof(&f.host, false);
    fake_pass(&f, VT_MS(5));
    assert_int_equal(f.sofs, hs ? 40 : 5);
  }
}

static void no_transaction_crosses_the_end_of_a_frame(void **state) {
  static struct fake f;
  (void)state;
  for (int hs = 0; hs < 2; hs++) {
    fake_open_enabled(&f, hs);
    struct usb_urb urb = fake_bulk(&f, 0x02, buffer, 8192);
    urb.max_packet = hs ? 512 : 64;
    const vtime_t frame = hs ? VT_US(125) : VT_MS(1);
    const vtime_t start = f.q.now;
    fake_submit(&f, &urb);
    fake_pass(&f, VT_S(1));
    assert_int_equal(f.done_status, 0);
    const vtime_t length = hs ? HS_TIME(HS_512) : FS_TIME(FS_64);
    const vtime_t handshake = hs ? 48u * 2083u : 19u * 83540u;
    for (size_t i = 0; i < f.seen; i++) {
      // `at` is when the device had all of it: a handshake before the end.
      const vtime_t end = f.log[i].at + handshake - start;
      assert_int_equal((end - length) / frame, (end - 1) / frame);
    }
    // 16 packets of 64 bytes fit into a millisecond, 11 of 512 into 125 us.
    assert_int_equal(f.log[hs ? 11 : 16].at - start > frame, true);
    assert_int_equal(f.log[hs ? 10 : 15].at - start < frame, true);
  }
}

// --- suspend -----------------------------------------------------------------------

static void suspend_and_resume_keep_the_frame_number(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  f.event_count = 0;
  const vtime_t at = f.q.now;
  assert_int_equal(usb_host_suspend(&f.host), 0);
  fake_pass(&f, VT_MS(3));
  assert_int_equal(f.suspend_at, at + VT_MS(3));
  assert_int_equal(f.events[0], USB_HOST_SUSPENDED);
  fake_pass(&f, VT_S(1));
  assert_int_equal(f.host.port.microframe(&f.host), 80);
  const vtime_t resume = f.q.now;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 1);
  fake_submit(&f, &urb);
  assert_int_equal(usb_host_resume(&f.host), 0);
  assert_int_equal(f.resume_at, resume);
  fake_until(&f, resume + VT_MS(30) - 1);
  assert_int_equal(f.seen, 0);
  assert_int_equal(f.event_count, 1);
  fake_until(&f, resume + VT_MS(31));
  assert_int_equal(f.events[1], USB_HOST_RESUMED);
  assert_int_equal(urb.status, 0);
  // Frames went on 20 ms after the K began.
  assert_int_equal(f.host.port.microframe(&f.host), 80 + 88);
}

static void suspend_can_be_taken_back(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(2));
  assert_int_equal(usb_host_resume(&f.host), 0);
  assert_int_equal(f.host.state, USB_HOST_ENABLED);
  fake_pass(&f, VT_MS(10));
  assert_int_equal(f.suspends, 0);
  assert_int_equal(usb_host_resume(&f.host), -EINVAL);
}

static void remote_wakeup_is_answered(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  f.host.port.remote_wakeup(&f.host, true);
  assert_int_equal(f.host.state, USB_HOST_ENABLED);  // not suspended: no effect
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(10));
  f.host.port.remote_wakeup(&f.host, true);
  assert_int_equal(f.resumes, 1);
  f.host.port.remote_wakeup(&f.host, false);
  fake_pass(&f, VT_MS(30));
  assert_int_equal(f.host.state, USB_HOST_ENABLED);
}

static void reset_ends_a_suspend(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(10));
  assert_int_equal(usb_host_reset(&f.host, fake_done, &f), 0);
  fake_pass(&f, VT_MS(60));
  assert_int_equal(f.host.state, USB_HOST_ENABLED);
  assert_int_equal(f.done_status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connect_is_debounced_100_ms),
      cmocka_unit_test(debounce_restarts_with_each_edge),
      cmocka_unit_test(disconnect_takes_two_and_a_half_us),
      cmocka_unit_test(reset_drives_se0_then_recovers),
      cmocka_unit_test(speed_is_the_lower_of_both_sides),
      cmocka_unit_test(device_that_leaves_during_reset_ends_it),
      cmocka_unit_test(second_reset_cancels_the_first),
      cmocka_unit_test(unplugged_device_with_pull_up_sees_idle),
      cmocka_unit_test(frames_count_from_the_end_of_reset),
      cmocka_unit_test(sof_comes_only_when_wanted),
      cmocka_unit_test(no_transaction_crosses_the_end_of_a_frame),
      cmocka_unit_test(suspend_and_resume_keep_the_frame_number),
      cmocka_unit_test(suspend_can_be_taken_back),
      cmocka_unit_test(remote_wakeup_is_answered),
      cmocka_unit_test(reset_ends_a_suspend),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
