// SPDX-License-Identifier: MIT
// OTG model, driver and host together: bulk transfers, toggles, NAK and retry, halt,
// faults on the wire, throughput.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static struct bench b;
static uint8_t data[8192], back[8192];

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static struct bench_setup setup_of(bool high_speed, unsigned style) {
  return (struct bench_setup){
      .config = high_speed ? &otg_hs_config : &otg_fs_config,
      .host_high_speed = true,
      .style = &driver_styles[style],
  };
}

static void up(bool high_speed, unsigned style) {
  const struct bench_setup setup = setup_of(high_speed, style);
  bench_up(&b, &setup);
  for (uint32_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 11 + (i >> 8));
}

static void leave_one_open(void) {
  const struct bench_setup setup = setup_of(true, 0);
  bench_open(&b, &setup);
}

static const uint32_t lengths[] = {0, 1, 63, 64, 65, 511, 512, 513, 1024, 4096};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void out_of_every_length(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    for (unsigned style = 0; style < driver_style_count; style++) {
      up(high, style);
      b.driver.keep_armed = true;
      driver_arm_out(&b, 4 * b.driver.bulk_packet);
      for (unsigned i = 0; i < LENGTHS; i++) {
        const uint32_t n = lengths[i];
        b.driver.received_length = 0;
        assert_int_equal(bulk(&b, 0x01, data, n, false), n);
        bench_run(&b, VT_US(50));
        assert_int_equal(b.driver.received_length, n);
        assert_memory_equal(b.driver.received, data, n);
      }
      assert_clean(&b);
      bench_close(&b);
    }
  }
  leave_one_open();
}

static void in_of_every_length(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    for (unsigned style = 0; style < driver_style_count; style++) {
      up(high, style);
      for (unsigned i = 0; i < LENGTHS; i++) {
        const uint32_t n = lengths[i];
        driver_send(&b, data, n);
        memset(back, 0, sizeof back);
        assert_int_equal(bulk(&b, 0x81, back, sizeof back, false), n);
        assert_memory_equal(back, data, n);
      }
      assert_clean(&b);
      bench_close(&b);
    }
  }
  leave_one_open();
}

static void zero_packet_ends_an_exact_multiple(void **state) {
  (void)state;
  up(false, 0);
  driver_arm_out(&b, 1024);
  assert_int_equal(bulk(&b, 0x01, data, 128, true), 128);
  bench_run(&b, VT_US(50));
  assert_int_equal(b.driver.transfers, 1);
  driver_arm_out(&b, 1024);
  assert_int_equal(bulk(&b, 0x01, data, 128, false), 128);
  bench_run(&b, VT_US(50));
  assert_int_equal(b.driver.transfers, 1);  // the device waits for more
  assert_clean(&b);
}

// --- NAK and retry -------------------------------------------------------------------

static void host_waits_for_a_device_that_is_not_ready(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    up(high, 0);
    struct usb_urb urb = {
        .type = USB_URB_BULK,
        .endpoint = 0x01,
        .max_packet = (uint16_t)b.driver.bulk_packet,
        .data = data,
        .length = 64,
    };
    assert_int_equal(usb_host_submit(&b.host, &urb), 0);
    bench_run(&b, VT_US(3333));
    assert_true(urb.queued);
    driver_arm_out(&b, b.driver.bulk_packet);
    const vtime_t armed = b.sim.events.now;
    while (urb.queued)
      bench_run(&b, VT_NS(100));
    // Taken up within a polling period and a transaction, not a millisecond later.
    assert_true(b.sim.events.now - armed < (high ? VT_US(10) : VT_US(150)));
    assert_int_equal(urb.status, 0);
    assert_clean(&b);
    bench_close(&b);
  }
  leave_one_open();
}

static void snak_and_cnak_hold_and_release(void **state) {
  (void)state;
  up(true, 0);
  driver_arm_out(&b, 2048);
  set(&b, R_DOEPCTL(1), EP_SNAK);
  struct usb_urb urb = {.type = USB_URB_BULK,
                        .endpoint = 0x01,
                        .max_packet = 512,
                        .data = data,
                        .length = 100};
  assert_int_equal(usb_host_submit(&b.host, &urb), 0);
  bench_run(&b, VT_MS(2));
  assert_true(urb.queued);
  set(&b, R_DOEPCTL(1), EP_CNAK);
  bench_run(&b, VT_US(50));
  assert_false(urb.queued);
  assert_clean(&b);
}

// The receive FIFO holds two packets; a driver that reads late makes the host wait
// and loses nothing.
static void full_receive_fifo_makes_the_host_wait(void **state) {
  (void)state;
  up(false, 0);
  wr(&b, R_GRXFSIZ, 18 + 2 * 17);
  b.isr_latency = VT_US(400);
  driver_arm_out(&b, 1024);
  assert_int_equal(bulk(&b, 0x01, data, 1000, false), 1000);
  b.isr_latency = VT_NS(500);
  bench_run(&b, VT_MS(1));
  assert_int_equal(b.driver.received_length, 1000);
  assert_memory_equal(b.driver.received, data, 1000);
  assert_true(b.host.naks > 3);
  assert_clean(&b);
}

static void both_directions_and_control_at_once(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    up(high, 2);
    driver_arm_out(&b, 8192);
    driver_send(&b, data, 4000);
    struct usb_urb out = {.type = USB_URB_BULK,
                          .endpoint = 0x01,
                          .max_packet = (uint16_t)b.driver.bulk_packet,
                          .data = data,
                          .length = 4001};
    struct usb_urb in = {.type = USB_URB_BULK,
                         .endpoint = 0x81,
                         .max_packet = (uint16_t)b.driver.bulk_packet,
                         .data = back,
                         .length = sizeof back};
    assert_int_equal(usb_host_submit(&b.host, &out), 0);
    assert_int_equal(usb_host_submit(&b.host, &in), 0);
    uint8_t small[100];
    assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 100, small), 100);
    assert_true(out.queued && in.queued);  // they did run side by side
    bench_run(&b, VT_MS(20));
    assert_int_equal(out.status, 0);
    assert_int_equal(in.actual, 4000);
    assert_memory_equal(back, data, 4000);
    assert_memory_equal(b.driver.received, data, 4001);
    assert_clean(&b);
    bench_close(&b);
  }
  leave_one_open();
}

// --- halt ----------------------------------------------------------------------------

static void clear_feature_halt_resets_both_toggles(void **state) {
  (void)state;
  up(true, 0);
  b.driver.keep_armed = true;
  driver_arm_out(&b, 512);
  assert_int_equal(bulk(&b, 0x01, data, 10, false), 10);  // leaves DATA1 on both sides
  bench_run(&b, VT_US(50));
  assert_true(b.host.pipes[1][0].data1);
  set(&b, R_DOEPCTL(1), EP_STALL);
  assert_int_equal(bulk(&b, 0x01, data, 10, false), -EPIPE);
  assert_int_equal(bulk(&b, 0x01, data, 10, false), -EPIPE);
  assert_int_equal(control(&b, 0x02, 1, 0, 0x01, 0, NULL), 0);
  assert_false(b.host.pipes[1][0].data1);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_DPID);
  b.driver.received_length = 0;
  assert_int_equal(bulk(&b, 0x01, data, 10, false), 10);
  bench_run(&b, VT_US(50));
  assert_int_equal(b.driver.received_length, 10);
  driver_send(&b, data, 10);
  assert_int_equal(bulk(&b, 0x81, back, 512, false), 10);
  set(&b, R_DIEPCTL(1), EP_STALL);
  assert_int_equal(bulk(&b, 0x81, back, 512, false), -EPIPE);
  assert_int_equal(control(&b, 0x02, 1, 0, 0x81, 0, NULL), 0);
  driver_send(&b, data, 10);
  assert_int_equal(bulk(&b, 0x81, back, 512, false), 10);
  assert_clean(&b);
}

// A driver that forgets SD0PID: the first packet after CLEAR_FEATURE is taken for a
// repetition and is lost. The model must show it.
static void forgotten_sd0pid_loses_a_packet(void **state) {
  (void)state;
  up(true, 0);
  b.driver.keep_armed = true;
  driver_arm_out(&b, 512);
  assert_int_equal(bulk(&b, 0x01, data, 10, false), 10);
  bench_run(&b, VT_US(50));
  usb_host_reset_toggle(&b.host, 0x01);  // the host's half of it alone
  b.driver.received_length = 0;
  assert_int_equal(bulk(&b, 0x01, data, 10, false), 10);
  bench_run(&b, VT_US(50));
  assert_int_equal(b.driver.received_length, 0);
}

// --- faults --------------------------------------------------------------------------

static uint64_t fault_out(bool high, unsigned style, enum usb_fault fault, uint64_t n) {
  up(high, style);
  b.driver.keep_armed = true;
  driver_arm_out(&b, 2 * b.driver.bulk_packet);
  const uint32_t length = 3 * b.driver.bulk_packet + 7;
  const uint64_t first = b.host.transactions;
  b.fault = fault;
  b.fault_at = first + n;
  assert_int_equal(bulk(&b, 0x01, data, length, false), length);
  bench_run(&b, VT_US(100));
  assert_int_equal(b.driver.received_length, length);
  assert_memory_equal(b.driver.received, data, length);
  // The next transfer shows that the toggles agree.
  b.driver.received_length = 0;
  assert_int_equal(bulk(&b, 0x01, data, 5, false), 5);
  bench_run(&b, VT_US(100));
  assert_int_equal(b.driver.received_length, 5);
  const uint64_t used = b.host.transactions - first;
  assert_clean(&b);
  bench_close(&b);
  return used;
}

static uint64_t fault_in(bool high, unsigned style, enum usb_fault fault, uint64_t n) {
  up(high, style);
  const uint32_t length = 3 * b.driver.bulk_packet + 7;
  driver_send(&b, data, length);
  const uint64_t first = b.host.transactions;
  b.fault = fault;
  b.fault_at = first + n;
  memset(back, 0, sizeof back);
  assert_int_equal(bulk(&b, 0x81, back, sizeof back, false), length);
  assert_memory_equal(back, data, length);
  const uint64_t used = b.host.transactions - first;
  // A lost last ACK is noticed at the next IN: the repetition is dropped, and the
  // driver learns only then that its transfer is done.
  struct usb_urb urb = {.type = USB_URB_BULK,
                        .endpoint = 0x81,
                        .max_packet = (uint16_t)b.driver.bulk_packet,
                        .data = back,
                        .length = 512};
  assert_int_equal(usb_host_submit(&b.host, &urb), 0);
  bench_run(&b, VT_MS(2));
  assert_true(urb.queued);
  assert_int_equal(b.driver.sent, 1);
  driver_send(&b, data, 5);
  bench_run(&b, VT_MS(2));
  assert_int_equal(urb.status, 0);
  assert_int_equal(urb.actual, 5);
  assert_clean(&b);
  bench_close(&b);
  return used;
}

static void bulk_survives_a_fault_anywhere(void **state) {
  (void)state;
  static const enum usb_fault faults[] = {
      USB_FAULT_DROP_TOKEN, USB_FAULT_LOSE_HANDSHAKE, USB_FAULT_CORRUPT_DATA};
  unsigned runs = 0;
  for (int high = 0; high < 2; high++) {
    for (unsigned style = 0; style < driver_style_count; style++) {
      for (unsigned f = 0; f < 3; f++) {
        for (uint64_t n = 1; n <= fault_out(high, style, faults[f], n); n++)
          runs++;
        for (uint64_t n = 1; n <= fault_in(high, style, faults[f], n); n++)
          runs++;
      }
    }
  }
  print_message("%u runs with one fault each\n", runs);
  assert_true(runs > 300);
  leave_one_open();
}

static void three_lost_packets_end_the_transfer(void **state) {
  (void)state;
  up(true, 0);
  clear(&b, R_DOEPCTL(1), EP_USBAEP);  // nobody there
  assert_int_equal(bulk(&b, 0x01, data, 10, false), -EPROTO);
  assert_int_equal(b.host.errors, 3);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
}

// --- speed ---------------------------------------------------------------------------

// As many packets as the formulas allow: 16 of 64 bytes per millisecond, 11 of 512
// per 125 us.
static void bulk_out_runs_at_bus_speed(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    up(high, 2);
    driver_arm_out(&b, 8192);
    const vtime_t frame = high ? VT_US(125) : VT_MS(1);
    bench_run(&b, frame - (b.sim.events.now - b.host.frame_zero) % frame);
    const vtime_t start = b.sim.events.now;
    assert_int_equal(bulk(&b, 0x01, data, 8192, false), 8192);
    const uint64_t frames = (b.sim.events.now - start) / frame + 1;
    assert_int_equal(frames, high ? 2 : 8);  // 16 packets in 2, 128 in 8
    assert_clean(&b);
    bench_close(&b);
  }
  leave_one_open();
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(out_of_every_length),
      T(in_of_every_length),
      T(zero_packet_ends_an_exact_multiple),
      T(host_waits_for_a_device_that_is_not_ready),
      T(snak_and_cnak_hold_and_release),
      T(full_receive_fifo_makes_the_host_wait),
      T(both_directions_and_control_at_once),
      T(clear_feature_halt_resets_both_toggles),
      T(forgotten_sd0pid_loses_a_packet),
      T(bulk_survives_a_fault_anywhere),
      T(three_lost_packets_end_the_transfer),
      T(bulk_out_runs_at_bus_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
