// SPDX-License-Identifier: MIT
// USB host engine: enumeration, standard requests it follows, waiting calls, faults
// on the wire, determinism.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/usb/host_sync.h"
#include "tests/model/usb_fake.h"

static uint8_t buffer[8192];

// --- faults ------------------------------------------------------------------------

static void dropped_token_is_retried(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 1;
  f.fault = USB_FAULT_DROP_TOKEN;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.seen, 1);
  assert_int_equal(f.host.errors, 1);
}

static void lost_handshake_repeats_an_out(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 1;
  f.fault = USB_FAULT_LOSE_HANDSHAKE;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(f.seen, 2);
  assert_int_equal(f.log[0].data1, f.log[1].data1);
}

static void lost_ack_of_an_in_is_unknown_to_the_host(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 1;
  f.fault = USB_FAULT_LOSE_HANDSHAKE;
  fake_data(&f, false, 64, 5);
  struct usb_urb urb = fake_bulk(&f, 0x81, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 64);
  assert_int_equal(f.acks, 0);
}

static void corrupted_data_are_not_delivered(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 1;
  f.fault = USB_FAULT_CORRUPT_DATA;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(f.seen, 1);  // only the repetition arrived
  f.fault_at = f.host.transactions + 1;
  f.lines = f.next;
  fake_data(&f, false, 64, 5);
  fake_data(&f, false, 64, 6);
  urb = fake_bulk(&f, 0x81, buffer, 64);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_int_equal(buffer[0], 6);
  assert_int_equal(f.acks, 1);
}

static void unplug_as_a_fault(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 2;
  f.fault = USB_FAULT_UNPLUG;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 256);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, -ESHUTDOWN);
  assert_int_equal(urb.actual, 64);
  assert_int_equal(f.host.state, USB_HOST_UNPLUGGED);
}

static void bus_reset_as_a_fault(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.fault_at = f.host.transactions + 2;
  f.fault = USB_FAULT_BUS_RESET;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 256);
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(61));
  assert_int_equal(urb.status, -ESHUTDOWN);
  assert_int_equal(f.resets, 2);
  assert_int_equal(f.host.state, USB_HOST_ENABLED);
}

// The cable is pulled after every single event of a control transfer.
static void unplug_at_every_event(void **state) {
  static struct fake f;
  (void)state;
  unsigned completed = 0;
  for (unsigned n = 1; completed == 0; n++) {
    fake_open_enabled(&f, true);
    f.obedient = true;
    memset(buffer, 0, 18);
    struct usb_urb urb = fake_control(&f, 0x80, buffer, 18);
    urb.setup[1] = 6;
    urb.setup[3] = 1;
    fake_submit(&f, &urb);
    for (unsigned i = 0; i < n && urb.queued; i++)
      fake_until(&f, event_next(&f.q));
    if (!urb.queued) completed++;
    usb_host_unplug(&f.host);
    assert_int_equal(urb.status, completed ? 0 : -ESHUTDOWN);
    assert_int_equal(f.done_count, 1);
    fake_pass(&f, VT_S(1));
    assert_int_equal(f.done_count, 1);
    assert_true(n < 100);
  }
}

// --- what control requests mean to the host -----------------------------------------

static void request(struct fake *f, uint8_t type, uint8_t code, uint16_t value,
                    uint16_t index) {
  struct usb_urb urb = fake_control(f, type, NULL, 0);
  const uint8_t setup[8] = {
      type, code, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, 0, 0, 0};
  memcpy(urb.setup, setup, 8);
  fake_submit(f, &urb);
  fake_pass(f, VT_MS(1));
  assert_int_equal(urb.status, 0);
}

static void host_follows_the_standard_requests(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.obedient = true;
  request(&f, 0x00, 5, 42, 0);  // SET_ADDRESS
  assert_int_equal(f.host.address, 42);
  f.host.pipes[1][0].data1 = f.host.pipes[1][1].data1 = f.host.pipes[2][1].data1 = true;
  request(&f, 0x02, 1, 0, 0x81);  // CLEAR_FEATURE(ENDPOINT_HALT)
  assert_int_equal(f.log[f.seen - 1].address, 42);
  assert_false(f.host.pipes[1][1].data1);
  assert_true(f.host.pipes[1][0].data1);
  request(&f, 0x02, 3, 0, 0x01);  // SET_FEATURE does not touch the toggle
  assert_true(f.host.pipes[1][0].data1);
  request(&f, 0x00, 9, 1, 0);  // SET_CONFIGURATION
  assert_false(f.host.pipes[1][0].data1);
  assert_false(f.host.pipes[2][1].data1);
  usb_host_reset(&f.host, NULL, NULL);
  assert_int_equal(f.host.address, 0);
}

// --- enumeration ---------------------------------------------------------------------

static int enumerate(struct fake *f, struct usb_enumerate_how how) {
  f->done_count = 0;
  const int status = usb_host_enumerate(&f->host, how, fake_done, f);
  if (status) return status;
  for (int i = 0; i < 100 && f->done_count == 0; i++)
    fake_pass(f, VT_MS(100));
  assert_int_equal(f->done_count, 1);
  return f->done_status;
}

static void enumeration_takes_the_usual_steps(void **state) {
  static struct fake f;
  (void)state;
  for (int second = 0; second < 2; second++) {
    fake_open(&f, true, true);
    f.obedient = true;
    usb_host_plug(&f.host);
    fake_pass(&f, VT_MS(100));
    const struct usb_enumerate_how how = {9, second ? 64 : 8, second};
    assert_int_equal(enumerate(&f, how), 0);
    assert_int_equal(f.resets, 1 + second);
    assert_memory_equal(f.host.enumeration.descriptor, f.descriptor, 18);
    assert_int_equal(f.host.address, 9);
    // GET_DESCRIPTOR: 3 transactions, SET_ADDRESS: 2, GET_DESCRIPTOR: 3.
    assert_int_equal(f.seen, 8);
    assert_int_equal(f.log[3].address, 0);
    assert_int_equal(f.log[4].address, 0);
    assert_int_equal(f.log[5].address, 9);
    assert_true(f.log[5].at - f.log[4].at >= VT_MS(2));
  }
}

static void enumeration_learns_the_packet_size(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  f.obedient = true;
  f.descriptor[7] = 8;
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){1, 8, false}), 0);
  assert_int_equal(f.host.ep0_max_packet, 8);
  assert_memory_equal(f.host.enumeration.descriptor, f.descriptor, 18);
}

static void enumeration_tries_three_times(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  f.obedient = true;
  f.refuse_descriptors = 2;
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){1, 64, false}), 0);
  assert_int_equal(f.resets, 3);
  f.refuse_descriptors = 3;
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){1, 64, false}), -EPIPE);
}

static void enumeration_of_nonsense_fails(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  const struct usb_enumerate_how how = {1, 64, false};
  assert_int_equal(enumerate(&f, how), -ENODEV);
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){0, 64, false}), -EINVAL);
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){1, 7, false}), -EINVAL);
  assert_int_equal(enumerate(&f, (struct usb_enumerate_how){128, 8, false}), -EINVAL);
  f.obedient = true;
  f.descriptor[1] = 2;  // no device descriptor
  assert_int_equal(enumerate(&f, how), -EPROTO);
  f.obedient = false;
  f.rest.reply = USB_REPLY_NONE;
  assert_int_equal(enumerate(&f, how), -EPROTO);
}

static void enumeration_ends_when_the_cable_goes(void **state) {
  static struct fake f;
  (void)state;
  for (unsigned ms = 1; ms < 75; ms += 7) {
    fake_open(&f, false, true);
    f.obedient = true;
    usb_host_plug(&f.host);
    fake_pass(&f, VT_MS(100));
    usb_host_enumerate(&f.host, (struct usb_enumerate_how){1, 64, false}, fake_done,
                       &f);
    fake_pass(&f, VT_MS(ms));
    const bool over = f.done_count;
    usb_host_unplug(&f.host);
    fake_pass(&f, VT_S(1));
    assert_int_equal(f.done_count, 1);
    assert_int_equal(f.done_status, over ? 0 : -ENODEV);
  }
}

// --- waiting -------------------------------------------------------------------------

static void advance(void *ctx, vtime_t t) {
  struct fake *f = ctx;
  event_run(&f->q, t);
}

static void synchronous_calls_wait(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  f.obedient = true;
  const struct usb_host_sync sync = {&f.host, advance, &f};
  assert_int_equal(usb_host_sync_enumerate(&sync, 3), 0);
  assert_int_equal(f.host.address, 3);
  const uint8_t get[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
  uint8_t descriptor[18] = {0};
  assert_int_equal(usb_host_sync_control(&sync, get, descriptor), 18);
  assert_memory_equal(descriptor, f.descriptor, 18);
  assert_int_equal(usb_host_sync_reset(&sync), 0);
  usb_host_unplug(&f.host);
  assert_int_equal(usb_host_sync_control(&sync, get, descriptor), -ESHUTDOWN);
}

static void waiting_ends_with_nobody_there(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, true, true);
  const struct usb_host_sync sync = {&f.host, advance, &f};
  usb_host_plug(&f.host);
  f.host.port.pull_up(&f.host, false);
  assert_int_equal(usb_host_sync_enumerate(&sync, 3), -ENODEV);
}

// --- determinism
// ----------------------------------------------------------------------

static void two_runs_are_equal(void **state) {
  static struct fake runs[2];
  (void)state;
  for (int r = 0; r < 2; r++) {
    struct fake *f = &runs[r];
    fake_open(f, true, true);
    f->obedient = true;
    usb_host_plug(&f->host);
    fake_pass(f, VT_MS(100));
    enumerate(f, (struct usb_enumerate_how){1, 64, true});
    f->obedient = false;
    fake_replies(f, 5, USB_REPLY_NAK);
    fake_replies(f, 1, USB_REPLY_NONE);
    struct usb_urb a = fake_bulk(f, 0x01, buffer, 500),
                   b = fake_bulk(f, 0x02, buffer, 500);
    fake_submit(f, &a);
    fake_submit(f, &b);
    fake_pass(f, VT_MS(20));
  }
  assert_int_equal(runs[0].seen, runs[1].seen);
  assert_true(runs[0].seen > 20);
  for (size_t i = 0; i < runs[0].seen; i++) {
    assert_int_equal(runs[0].log[i].at, runs[1].log[i].at);
    assert_int_equal(runs[0].log[i].pid, runs[1].log[i].pid);
  }
}

// --- corners -----------------------------------------------------------------------

static void refused_set_address_changes_nothing(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  fake_replies(&f, 1, USB_REPLY_ACK);
  fake_replies(&f, 1, USB_REPLY_STALL);
  struct usb_urb urb = fake_control(&f, 0x00, NULL, 0);
  urb.setup[1] = 5;
  urb.setup[2] = 42;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, -EPIPE);
  assert_int_equal(f.host.address, 0);
  // A class request with the same number is none of the host's business.
  fake_line(&f, (struct line){.reply = USB_REPLY_ACK});
  fake_data(&f, true, 0, 0);
  urb = fake_control(&f, 0x21, NULL, 0);
  urb.setup[1] = 9;
  f.host.pipes[1][0].data1 = true;
  fake_submit(&f, &urb);
  fake_pass(&f, VT_MS(1));
  assert_int_equal(urb.status, 0);
  assert_true(f.host.pipes[1][0].data1);
}

static void enumeration_accepts_every_legal_packet_size(void **state) {
  static struct fake f;
  (void)state;
  static const struct {
    uint8_t size;
    int status;
  } cases[] = {{8, 0}, {16, 0}, {32, 0}, {64, 0}, {0, -EPROTO}, {9, -EPROTO}};
  for (size_t i = 0; i < 6; i++) {
    fake_open(&f, false, true);
    f.obedient = true;
    f.descriptor[7] = cases[i].size;
    usb_host_plug(&f.host);
    fake_pass(&f, VT_MS(100));
    const struct usb_enumerate_how how = {127, 8, i & 1};
    assert_int_equal(enumerate(&f, how), cases[i].status);
    if (cases[i].status == 0) assert_int_equal(f.host.ep0_max_packet, cases[i].size);
  }
}

static int broken_at;

// The device turns bad between two steps.
static enum usb_fault turn_bad(void *ctx, uint64_t number, const struct usb_token *t) {
  struct fake *f = ctx;
  (void)t;
  if (number == (uint64_t)broken_at) f->descriptor[0] = 17;
  return USB_FAULT_NONE;
}

static void enumeration_checks_the_last_descriptor_too(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  f.obedient = true;
  f.host.on_transaction = turn_bad;
  broken_at = 6;  // after the first descriptor and SET_ADDRESS
  usb_host_plug(&f.host);
  fake_pass(&f, VT_MS(100));
  const struct usb_enumerate_how how = {1, 64, false};
  assert_int_equal(enumerate(&f, how), -EPROTO);
}

static void enumeration_needs_the_pull_up(void **state) {
  static struct fake f;
  (void)state;
  fake_open_enabled(&f, false);
  f.host.port.pull_up(&f.host, false);
  const struct usb_enumerate_how how = {1, 64, false};
  assert_int_equal(usb_host_enumerate(&f.host, how, fake_done, &f), -ENODEV);
  fake_open_enabled(&f, false);
  assert_int_equal(usb_host_enumerate(&f.host, how, fake_done, &f), 0);
  assert_int_equal(usb_host_enumerate(&f.host, how, fake_done, &f), -EINVAL);
}

static void waiting_returns_the_error(void **state) {
  static struct fake f;
  (void)state;
  fake_open(&f, false, true);
  const struct usb_host_sync sync = {&f.host, advance, &f};
  f.rest.reply = USB_REPLY_NONE;
  assert_int_equal(usb_host_sync_enumerate(&sync, 3), -EPROTO);
  fake_open_enabled(&f, false);
  f.rest.reply = USB_REPLY_NAK;
  struct usb_urb urb = fake_bulk(&f, 0x01, buffer, 64);
  const vtime_t start = f.q.now;
  assert_int_equal(usb_host_sync_transfer(&sync, &urb), -ETIMEDOUT);
  assert_int_equal(f.q.now - start, VT_S(5));
  urb = fake_bulk(&f, 0x01, buffer, 64);
  urb.timeout = VT_MS(7);
  const vtime_t again = f.q.now;
  assert_int_equal(usb_host_sync_transfer(&sync, &urb), -ETIMEDOUT);
  assert_int_equal(f.q.now - again, VT_MS(7));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dropped_token_is_retried),
      cmocka_unit_test(lost_handshake_repeats_an_out),
      cmocka_unit_test(lost_ack_of_an_in_is_unknown_to_the_host),
      cmocka_unit_test(corrupted_data_are_not_delivered),
      cmocka_unit_test(unplug_as_a_fault),
      cmocka_unit_test(bus_reset_as_a_fault),
      cmocka_unit_test(unplug_at_every_event),
      cmocka_unit_test(host_follows_the_standard_requests),
      cmocka_unit_test(enumeration_takes_the_usual_steps),
      cmocka_unit_test(enumeration_learns_the_packet_size),
      cmocka_unit_test(enumeration_tries_three_times),
      cmocka_unit_test(enumeration_of_nonsense_fails),
      cmocka_unit_test(enumeration_ends_when_the_cable_goes),
      cmocka_unit_test(synchronous_calls_wait),
      cmocka_unit_test(waiting_ends_with_nobody_there),
      cmocka_unit_test(two_runs_are_equal),
      cmocka_unit_test(refused_set_address_changes_nothing),
      cmocka_unit_test(enumeration_accepts_every_legal_packet_size),
      cmocka_unit_test(enumeration_checks_the_last_descriptor_too),
      cmocka_unit_test(enumeration_needs_the_pull_up),
      cmocka_unit_test(waiting_returns_the_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
