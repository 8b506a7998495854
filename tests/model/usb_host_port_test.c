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

// --- corners -----------------------------------------------------------------------

static void defaults_are_those_of_a_root_port(void **state) {
  (void)state;
  assert_true(usb_host_defaults.high_speed);
  assert_int_equal(usb_host_defaults.gap, VT_NS(200));
  assert_int_equal(usb_host_defaults.reset_time, VT_MS(50));
  assert_int_equal(usb_host_defaults.control_deadline, VT_S(5));
}

static void only_what_was_attached_is_disconnected(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(50));
  usb_host_unplug(&f.host);
  assert_int_equal(f.event_count, 0);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  usb_host_unplug(&f.host);
  assert_int_equal(f.event_count, 2);
  assert_int_equal(f.events[1], USB_HOST_DISCONNECTED);
  const vtime_t at = f.vbus_at;
  fake_pass(&f, VT_MS(1));
  usb_host_unplug(&f.host);  // there is nothing to unplug
  assert_int_equal(f.vbus_at, at);
  assert_int_equal(f.event_count, 2);
}

static void pull_up_of_an_unplugged_device_means_nothing(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  f.host.port.pull_up(&f.host, true);
  fake_pass(&f, VT_S(1));
  assert_int_equal(f.host.state, USB_HOST_UNPLUGGED);
  assert_int_equal(f.event_count, 0);
}

static void unplug_stops_every_timer(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.host.port.want_sof(&f.host, true);
  usb_host_reset(&f.host, NULL, NULL);
  fake_pass(&f, VT_MS(20));
  const vtime_t reset_end = f.reset_end_at;
  usb_host_unplug(&f.host);
  fake_pass(&f, VT_S(1));
  assert_int_equal(f.reset_end_at, reset_end);
  assert_int_equal(f.sofs, 0);
  fake_open_enabled(&f, false);
  f.host.port.want_sof(&f.host, true);
  usb_host_unplug(&f.host);
  fake_pass(&f, VT_S(1));
  assert_int_equal(f.sofs, 0);
}

static void no_frames_during_a_reset_and_new_ones_after_it(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.host.port.want_sof(&f.host, true);
  fake_pass(&f, VT_US(500));
  usb_host_reset(&f.host, NULL, NULL);
  fake_pass(&f, VT_MS(50));
  assert_int_equal(f.sofs, 0);
  assert_int_equal(f.host.port.microframe(&f.host), 0);
  fake_pass(&f, VT_MS(10));
  assert_int_equal(f.sofs, 10);
  assert_int_equal(f.host.port.microframe(&f.host), 80);
}

static void interrupted_recovery_starts_anew(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  usb_host_reset(&f.host, NULL, NULL);
  fake_pass(&f, VT_MS(55));  // in the recovery
  const vtime_t at = f.q.now;
  usb_host_reset(&f.host, fake_done, &f);
  fake_pass(&f, VT_MS(60));
  assert_int_equal(f.reset_end_at, at + VT_MS(50));
  assert_int_equal(f.done_at, at + VT_MS(60));
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(10));
  usb_host_resume(&f.host);
  fake_pass(&f, VT_MS(25));  // in the recovery again
  const vtime_t again = f.q.now;
  usb_host_reset(&f.host, fake_done, &f);
  fake_pass(&f, VT_MS(60));
  assert_int_equal(f.reset_end_at, again + VT_MS(50));
}

static void reset_needs_the_pull_up(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  f.host.ep0_max_packet = 8;
  usb_host_reset(&f.host, NULL, NULL);
  assert_int_equal(f.host.ep0_max_packet, 64);
  f.host.port.pull_up(&f.host, false);
  assert_int_equal(usb_host_reset(&f.host, NULL, NULL), -ENODEV);
}

static void suspend_needs_an_enabled_device(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  assert_int_equal(usb_host_suspend(&f.host), -EINVAL);
  assert_int_equal(usb_host_resume(&f.host), -EINVAL);
  fake_open_enabled(&f, true);
  usb_host_suspend(&f.host);
  assert_int_equal(usb_host_suspend(&f.host), -EINVAL);
  fake_pass(&f, VT_MS(2));
  usb_host_resume(&f.host);
  fake_pass(&f, VT_MS(10));
  assert_int_equal(f.host.state, USB_HOST_ENABLED);
  assert_int_equal(f.host.port.microframe(&f.host), 160);
}

static void end_of_remote_wakeup_alone_resumes_nothing(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, true);
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(10));
  f.host.port.remote_wakeup(&f.host, false);
  assert_int_equal(f.host.state, USB_HOST_SUSPEND);
}

static void packets_to_the_host_fit_into_the_frame_too(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  for (int i = 0; i < 40; i++)
    fake_data(&f, i & 1, 64, 0);
  struct usb_urb urb = fake_bulk(&f, 0x82, buffer, 40 * 64);
  const vtime_t start = f.q.now;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(5));
  assert_int_equal(urb.status, 0);
  for (size_t i = 0; i < f.seen; i++) {
    const vtime_t begin = f.log[i].at - (vtime_t)35 * 83540 - start;
    assert_int_equal(begin / VT_MS(1), (begin + FS_TIME(FS_64)) / VT_MS(1));
  }
  assert_true(f.log[15].at - start < VT_MS(1));
  assert_true(f.log[16].at - start > VT_MS(1));
}

static void suspend_holds_back_what_was_about_to_start(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  struct usb_urb urb = fake_bulk(&f, 0x02, buffer, 64);
  fake_submit(&f, &urb);
  usb_host_suspend(&f.host);
  fake_pass(&f, VT_MS(10));
  assert_int_equal(f.seen, 0);
  assert_true(urb.queued);
  usb_host_resume(&f.host);
  fake_pass(&f, VT_MS(40));
  assert_int_equal(urb.status, 0);
}

// A reset in the middle of a transaction, at each of its events.
static void reset_in_a_transaction_leaves_nothing(void **state) {
  static struct fake f;
  (void)state;
  for (unsigned events = 0; events < 6; events++) {
    fake_open_enabled(&f, true);
    struct usb_urb urb = fake_bulk(&f, 0x02, buffer, 2048);
    fake_submit(&f, &urb);
    for (unsigned i = 0; i < events; i++)
      fake_until(&f, event_next(&f.q));
    const size_t seen = f.seen;
    usb_host_reset(&f.host, NULL, NULL);
    assert_int_equal(urb.status, -ESHUTDOWN);
    fake_pass(&f, VT_MS(60));
    assert_int_equal(f.seen, seen);
    urb = fake_bulk(&f, 0x02, buffer, 64);
    fake_submit(&f, &urb);
    fake_pass(&f, VT_MS(1));
    assert_int_equal(urb.status, 0);
    assert_int_equal(f.log[f.seen - 1].data1, false);
  }
}

static void no_hook_is_no_fault(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault = USB_FAULT_DROP_TOKEN;
  f.fault_at = f.host.transactions + 1;
  struct usb_urb urb = fake_bulk(&f, 0x02, buffer, 64);
  fake_submit(&f, &urb);
  while (f.host.transactions < f.fault_at)
    fake_until(&f, event_next(&f.q));
  f.host.on_transaction = NULL;
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.host.errors, 1);
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
      cmocka_unit_test(defaults_are_those_of_a_root_port),
      cmocka_unit_test(only_what_was_attached_is_disconnected),
      cmocka_unit_test(pull_up_of_an_unplugged_device_means_nothing),
      cmocka_unit_test(unplug_stops_every_timer),
      cmocka_unit_test(no_frames_during_a_reset_and_new_ones_after_it),
      cmocka_unit_test(interrupted_recovery_starts_anew),
      cmocka_unit_test(reset_needs_the_pull_up),
      cmocka_unit_test(suspend_needs_an_enabled_device),
      cmocka_unit_test(end_of_remote_wakeup_alone_resumes_nothing),
      cmocka_unit_test(packets_to_the_host_fit_into_the_frame_too),
      cmocka_unit_test(suspend_holds_back_what_was_about_to_start),
      cmocka_unit_test(reset_in_a_transaction_leaves_nothing),
      cmocka_unit_test(no_hook_is_no_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
