// SPDX-License-Identifier: MIT
// OTG model, driver and host together: control transfers in every style of driving,
// at both speeds, with aborted and repeated requests and with faults on the wire.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static struct bench b;
static uint8_t data[8192];

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

enum { KINDS = 4 };

// High speed, full speed on the same PHY, OTG_HS with the internal PHY, OTG_FS.
static struct bench_setup setup_of(unsigned kind, unsigned style) {
  return (struct bench_setup){
      .config = kind == 3 ? &otg_fs_config : &otg_hs_config,
      .host_high_speed = true,
      .internal_phy = kind == 2,
      .dspd = kind == 1,
      .style = &driver_styles[style],
  };
}

static void fill(uint32_t length) {
  for (uint32_t i = 0; i < length; i++)
    data[i] = (uint8_t)(i * 13 + 5);
}

static const uint16_t lengths[] = {0, 1, 63, 64, 65, 127, 128, 129, 1000, 4096};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void writes_of_every_length(unsigned kind, unsigned style) {
  for (unsigned i = 0; i < LENGTHS; i++) {
    const uint16_t n = lengths[i];
    fill(n);
    memset(b.driver.buffer, 0, sizeof b.driver.buffer);
    assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, n, data), n);
    assert_memory_equal(b.driver.buffer, data, n);
  }
  (void)kind;
  (void)style;
}

static void reads_of_every_length(unsigned kind, unsigned style) {
  for (unsigned i = 1; i < LENGTHS; i++) {
    const uint16_t n = lengths[i];
    memset(data, 0, n);
    assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, n, data), n);
    for (uint32_t k = 0; k < n; k++)
      assert_int_equal(data[k], pattern(k));
  }
  (void)kind;
  (void)style;
}

// The device has less than the host asks for: a short or an empty packet ends it.
static void short_reads(unsigned kind, unsigned style) {
  for (unsigned i = 1; i < LENGTHS; i++) {
    const uint16_t n = lengths[i];
    assert_int_equal(control(&b, 0xC0, REQ_FETCH, n, 0, 8000, data), n);
    for (uint32_t k = 0; k < n; k++)
      assert_int_equal(data[k], pattern(k));
  }
  (void)kind;
  (void)style;
}

static void stalls_and_recovery(unsigned kind, unsigned style) {
  assert_int_equal(control(&b, 0x40, REQ_REFUSE, 0, 0, 0, NULL), -EPIPE);
  assert_int_equal(control(&b, 0xC0, REQ_REFUSE, 0, 0, 64, data), -EPIPE);
  assert_int_equal(control(&b, 0x40, REQ_REFUSE, 0, 0, 64, data), -EPIPE);
  assert_int_equal(control(&b, 0x40, REQ_REFUSE_LATE, 0, 0, 100, data), -EPIPE);
  assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 100, data), 100);
  assert_int_equal(control(&b, 0x40, 0x7F, 0, 0, 0, NULL), -EPIPE);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  (void)kind;
  (void)style;
}

static void for_every_setup(void (*body)(unsigned kind, unsigned style)) {
  for (unsigned kind = 0; kind < KINDS; kind++) {
    for (unsigned style = 0; style < driver_style_count; style++) {
      const struct bench_setup setup = setup_of(kind, style);
      bench_up(&b, &setup);
      body(kind, style);
      assert_clean(&b);
      bench_close(&b);
    }
  }
  const struct bench_setup setup = setup_of(0, 0);
  bench_open(&b, &setup);
}

static void control_writes(void **state) {
  (void)state;
  for_every_setup(writes_of_every_length);
}

static void control_reads(void **state) {
  (void)state;
  for_every_setup(reads_of_every_length);
}

static void control_short_reads(void **state) {
  (void)state;
  for_every_setup(short_reads);
}

static void control_stalls(void **state) {
  (void)state;
  for_every_setup(stalls_and_recovery);
}

// --- requests that are given up ----------------------------------------------------

static void give_up_and_go_on(unsigned kind, unsigned style) {
  (void)kind;
  (void)style;
  const uint8_t fetch[8] = {0xC0, REQ_FETCH, 0, 0, 0, 0, 0x00, 0x02};
  // The host stops after any number of transactions, and then asks for something else.
  for (uint64_t n = 0; n < 24; n++) {
    struct usb_urb urb = {.type = USB_URB_CONTROL, .data = data, .length = 512};
    memcpy(urb.setup, fetch, 8);
    const uint64_t stop = b.host.transactions + n;
    assert_int_equal(usb_host_submit(&b.host, &urb), 0);
    while (urb.queued && b.host.transactions < stop)
      bench_run(&b, VT_NS(500));
    usb_host_cancel(&b.host, &urb);
    fill(70);
    assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 70, data), 70);
    assert_memory_equal(b.driver.buffer, data, 70);
    assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 70, data), 70);
    assert_int_equal(data[69], pattern(69));
  }
}

static void aborted_reads_leave_nothing_behind(void **state) {
  (void)state;
  for_every_setup(give_up_and_go_on);
}

static void unanswered_request_times_out_and_the_next_works(void **state) {
  (void)state;
  const struct bench_setup setup = setup_of(0, 0);
  bench_up(&b, &setup);
  const vtime_t start = b.sim.events.now;
  assert_int_equal(control(&b, 0xC0, REQ_IGNORE, 0, 0, 8, data), -ETIMEDOUT);
  assert_int_equal(b.sim.events.now - start, VT_S(5));
  assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 8, data), 8);
  assert_clean(&b);
}

static void slow_status_stage_is_waited_for(void **state) {
  (void)state;
  const struct bench_setup setup = setup_of(0, 0);
  bench_up(&b, &setup);
  const vtime_t start = b.sim.events.now;
  assert_int_equal(control(&b, 0x40, REQ_SLOW, 900, 0, 0, NULL), 0);
  assert_in_range(b.sim.events.now - start, VT_MS(900), VT_MS(900) + VT_US(50));
  // NAKed all the time, and asked once per millisecond.
  assert_in_range(b.host.naks, 890, 930);
  assert_clean(&b);
}

// The host's first SETUP is not answered in time by its ACK: it comes again.
static void repeated_setup_is_one_request(void **state) {
  (void)state;
  for (unsigned style = 0; style < driver_style_count; style++) {
    const struct bench_setup setup = setup_of(0, style);
    bench_up(&b, &setup);
    const unsigned before = b.driver.setups;
    b.fault = USB_FAULT_LOSE_HANDSHAKE;
    b.fault_at = b.host.transactions + 1;
    assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 130, data), 130);
    assert_int_equal(b.driver.setups, before + 1);
    assert_int_equal(b.host.errors, 1);
    assert_clean(&b);
    bench_close(&b);
  }
  const struct bench_setup setup = setup_of(0, 0);
  bench_open(&b, &setup);
}

// --- faults at every transaction -----------------------------------------------------

// Each transaction of a write and a read is hit once by each fault; three strikes
// are not reached, so both must succeed with the right bytes. With one exception: at
// high speed a host that misses the handshake of the very last OUT of a stage asks
// with PING, which an endpoint that is done answers by NAK, and nothing ends that
// but the host's patience.
struct run {
  enum usb_fault fault;
  uint64_t number;
  bool past_end;
  unsigned patience;  // transfers that timed out
};

static void write_and_read(struct run *run) {
  fill(130);
  int moved = control(&b, 0x40, REQ_STORE, 0, 0, 130, data);
  run->patience += moved == -ETIMEDOUT;
  if (moved != -ETIMEDOUT) assert_int_equal(moved, 130);
  assert_memory_equal(b.driver.buffer, data, 130);
  moved = control(&b, 0xC0, REQ_FETCH, 0, 0, 130, data);
  run->patience += moved == -ETIMEDOUT;
  if (moved != -ETIMEDOUT) assert_int_equal(moved, 130);
  for (uint32_t k = 0; k < 130; k++)
    assert_int_equal(data[k], pattern(k));
}

static void one_fault(const struct bench_setup *setup, struct run *run) {
  bench_up(&b, setup);
  b.host.options.control_deadline = VT_MS(20);
  const uint64_t first = b.host.transactions;
  b.fault = run->fault;
  b.fault_at = first + run->number;
  write_and_read(run);
  run->past_end = b.fault_at > b.host.transactions;
  // The transfer after it must not notice.
  assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 65, data), 65);
  assert_int_equal(data[64], pattern(64));
  assert_clean(&b);
  bench_close(&b);
}

// Faults at the 1st, 2nd, ... transaction until there is none. The time-outs.
static unsigned sweep(const struct bench_setup *setup, enum usb_fault fault,
                      unsigned *runs) {
  struct run run = {.fault = fault};
  while (!run.past_end) {
    run.number++;
    one_fault(setup, &run);
    ++*runs;
  }
  return run.patience;
}

static void control_survives_a_fault_anywhere(void **state) {
  (void)state;
  unsigned runs = 0;
  for (unsigned kind = 0; kind < KINDS; kind += 3) {
    for (unsigned style = 0; style < driver_style_count; style++) {
      const struct bench_setup setup = setup_of(kind, style);
      const unsigned exceptions = kind == 0 ? 2 : 0;
      assert_int_equal(sweep(&setup, USB_FAULT_DROP_TOKEN, &runs), 0);
      assert_int_equal(sweep(&setup, USB_FAULT_LOSE_HANDSHAKE, &runs), exceptions);
      assert_int_equal(sweep(&setup, USB_FAULT_CORRUPT_DATA, &runs), 0);
    }
  }
  print_message("%u runs with one fault each\n", runs);
  assert_true(runs > 500);
  const struct bench_setup setup = setup_of(0, 0);
  bench_open(&b, &setup);
}

static void unplug_or_reset_at_every_transaction(void **state) {
  (void)state;
  for (unsigned style = 0; style < driver_style_count; style++) {
    const struct bench_setup setup = setup_of(0, style);
    for (uint64_t n = 1; n < 16; n++) {
      bench_up(&b, &setup);
      b.fault = n & 1 ? USB_FAULT_UNPLUG : USB_FAULT_BUS_RESET;
      b.fault_at = b.host.transactions + n;
      assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 1000, data), -ESHUTDOWN);
      bench_run(&b, VT_MS(200));
      assert_int_equal(usb_host_sync_enumerate(&b.sync, 9), 0);
      assert_int_equal(control(&b, 0xC0, REQ_FETCH, 0, 0, 1000, data), 1000);
      assert_int_equal(data[999], pattern(999));
      assert_clean(&b);
      bench_close(&b);
    }
  }
  const struct bench_setup setup = setup_of(0, 0);
  bench_open(&b, &setup);
}

// --- time ----------------------------------------------------------------------------

// A control write of 64 bytes at full speed by the quickest driver, to the
// picosecond. The driver reacts 500 ns after each interrupt; 5.11.3 gives the rest.
static void time_of_a_control_write_is_exact(void **state) {
  (void)state;
  const struct bench_setup setup = setup_of(3, 1);
  bench_up(&b, &setup);
  // To the start of a frame plus its SOF, where a transaction may begin.
  const vtime_t frame = VT_MS(1), sof = (vtime_t)35 * 83540;
  const vtime_t since = (b.sim.events.now - b.host.frame_zero) % frame;
  bench_run(&b, frame - since);
  const vtime_t start = b.sim.events.now;
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 64, data), 64);
  const vtime_t bit = 83540, gap = VT_NS(200);
  const vtime_t setup_time = VT_NS(9107) + 77 * bit, out = VT_NS(9107) + 600 * bit;
  const vtime_t in = VT_NS(9107) + 3 * bit;
  // SETUP; OUT, refused because the SETUP is not handled yet; OUT again at once,
  // since the driver was ready while the refusal was on the wire; status.
  const vtime_t expected = sof + setup_time + gap + out + gap + out + gap + in;
  assert_int_equal(b.sim.events.now - start, expected);
  assert_clean(&b);
}

static void two_runs_are_equal(void **state) {
  (void)state;
  for (unsigned style = 0; style < driver_style_count; style++) {
    uint64_t hashes[2], times[2];
    for (int run = 0; run < 2; run++) {
      const struct bench_setup setup = setup_of(style % KINDS, style);
      bench_up(&b, &setup);
      b.fault = USB_FAULT_LOSE_HANDSHAKE;
      b.fault_at = b.host.transactions + 7;
      control(&b, 0x40, REQ_STORE, 0, 0, 4096, data);
      control(&b, 0xC0, REQ_FETCH, 0, 0, 4096, data);
      hashes[run] = b.wire_hash;
      times[run] = b.sim.events.now;
      bench_close(&b);
    }
    assert_int_equal(hashes[0], hashes[1]);
    assert_int_equal(times[0], times[1]);
  }
  const struct bench_setup setup = setup_of(0, 0);
  bench_open(&b, &setup);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(control_writes),
      T(control_reads),
      T(control_short_reads),
      T(control_stalls),
      T(aborted_reads_leave_nothing_behind),
      T(unanswered_request_times_out_and_the_next_works),
      T(slow_status_stage_is_waited_for),
      T(repeated_setup_is_one_request),
      T(control_survives_a_fault_anywhere),
      T(unplug_or_reset_at_every_transaction),
      T(time_of_a_control_write_is_exact),
      T(two_runs_are_equal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
