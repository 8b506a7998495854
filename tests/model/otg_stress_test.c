// SPDX-License-Identifier: MIT
// OTG model: firmware and host that do anything at all. Random register accesses and
// random tokens must neither crash nor hang, and the FIFOs must keep their sums.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static struct bench b;
static uint64_t seed;
static unsigned replies[USB_REPLY_DATA + 1];

// xorshift64: the same sequence everywhere.
static uint32_t random_word(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 16);
}

static uint32_t below(uint32_t n) {
  return random_word() % n;
}

// Registers worth hitting more often than the rest.
static uint32_t some_register(void) {
  const uint32_t n = below(8) ? below(3) : below(10);
  switch (below(12)) {
    case 0: return R_DIEPCTL(n);
    case 1: return R_DOEPCTL(n);
    case 2: return R_DIEPTSIZ(n);
    case 3: return R_DOEPTSIZ(n);
    case 4: return R_GRXSTSP;
    case 5: return R_FIFO(n);
    case 6: return R_DIEPTXF1 + 4 * n;
    case 7: return R_GRXFSIZ;
    case 8: return below(8) ? R_GINTMSK : R_DCTL;
    case 9: return R_GRSTCTL;
    case 10: return 0x20000 + below(0x1400);
    default: return below(4) ? R_FIFO(n) : below(0x12000);
  }
}

// Values near something sensible as often as not.
static uint32_t some_value(void) {
  switch (below(4)) {
    case 0: return random_word();
    case 1: return EP_USBAEP | EP_EPENA | EP_CNAK | EP_BULK | below(1100);
    case 2: return TSIZ(below(4), below(600));
    default: return below(400) << 16 | below(400);
  }
}

static void some_token(void) {
  uint8_t bytes[USB_MAX_PACKET] = {0};
  const enum usb_pid pid = (enum usb_pid)below(4);
  const uint16_t length =
      pid == USB_PID_SETUP ? 8 : (uint16_t)below(below(8) ? 70 : 1025);
  const uint8_t endpoint = (uint8_t)below(below(8) ? 3 : 16);
  token(&b, pid, endpoint, below(2), bytes, length);
  assert_in_range(b.answer.reply, USB_REPLY_NONE, USB_REPLY_DATA);
  replies[b.answer.reply]++;
  if (b.answer.reply != USB_REPLY_DATA) return;
  assert_int_equal(pid, USB_PID_IN);
  assert_in_range(b.answer.length, 0, USB_MAX_PACKET);
  if (below(2)) ack(&b, endpoint);
}

static void some_bus_event(void) {
  const struct usb_device_port *port = &b.otg.port;
  switch (below(6)) {
    case 0: port->reset_begin(port->ctx); break;
    case 1: port->reset_end(port->ctx, below(2)); break;
    case 2: port->suspend(port->ctx); break;
    case 3: port->resume(port->ctx); break;
    case 4: port->vbus(port->ctx, below(8) != 0); break;
    default: port->sof(port->ctx); break;
  }
}

// Back to a bus that works, whatever was written before.
static void bring_up(void) {
  const struct usb_device_port *port = &b.otg.port;
  port->vbus(port->ctx, true);
  wr(&b, R_PCGCCTL, 0);
  set(&b, R_GOTGCTL, GOTGCTL_BVAL);
  set(&b, R_GCCFG, GCCFG_PWRDWN);
  wr(&b, R_GUSBCFG, (rd(&b, R_GUSBCFG) & ~GUSBCFG_FHMOD) | GUSBCFG_FDMOD);
  bench_idle(&b, VT_MS(26));
  wr(&b, R_DCFG, rd(&b, R_DCFG) & ~0x7F3u);
  wr(&b, R_DCTL, DCTL_CGINAK | DCTL_CGONAK);
  port->reset_begin(port->ctx);
  port->reset_end(port->ctx, true);
}

static void check_sums(void) {
  const struct otg *o = &b.otg;
  assert_int_equal(o->rx.count, o->rx.used[0] + o->rx.used[1] + o->rx.used[2]);
  assert_in_range(o->rx.count, 0, o->config->ram_words);
  for (unsigned n = 0; n < OTG_TX_FIFOS; n++) {
    assert_in_range(o->tx[n].count, 0, o->config->ram_words);
  }
}

static void step(void) {
  if (below(50) == 0) bring_up();
  switch (below(16)) {
    case 0: some_bus_event(); break;
    case 1: bench_idle(&b, below(2000) * VT_NS(1)); break;
    case 2: report_clear(&b.sim.report); break;
    case 3:
    case 4:
    case 5:
    case 6: some_token(); break;
    case 7:
    case 8:
    case 9: rd(&b, some_register()); break;
    default: wr(&b, some_register(), some_value()); break;
  }
  check_sums();
}

static void anything_goes(void **state) {
  (void)state;
  for (unsigned run = 0; run < 20; run++) {
    const struct bench_setup setup = {
        .config = run & 1 ? &otg_fs_config : &otg_hs_config,
        .host_high_speed = true,
    };
    bench_raw(&b, &setup);
    seed = 0x9E3779B97F4A7C15u + run;
    for (unsigned i = 0; i < 50000; i++)
      step();
    otg_system_reset(&b.otg);
    check_sums();
    bench_close(&b);
  }
  // It was no monologue.
  for (int r = USB_REPLY_NONE; r <= USB_REPLY_DATA; r++) {
    print_message("%u ", replies[r]);
    assert_true(replies[r] > 20);
  }
  print_message("answers\n");
}

static void oversized_packets_are_reported_and_cut(void **state) {
  (void)state;
  static const struct {
    uint32_t type, size;
    bool high_speed, fine;
  } cases[] = {
      {EP_BULK, 512, true, true},       {EP_BULK, 513, true, false},
      {EP_INTERRUPT, 1024, true, true}, {EP_INTERRUPT, 1025, true, false},
      {EP_BULK, 64, false, true},       {EP_BULK, 65, false, false},
      {EP_INTERRUPT, 64, false, true},  {EP_INTERRUPT, 65, false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct bench_setup setup = {
        .config = cases[i].high_speed ? &otg_hs_config : &otg_fs_config,
        .host_high_speed = true,
    };
    bench_raw(&b, &setup);
    if (cases[i].high_speed) wr(&b, R_DIEPTXF1, 300u << 16 | 544);
    wr(&b, R_DOEPCTL(1), EP_USBAEP | cases[i].type | cases[i].size);
    arm_out(&b, 1, 1, cases[i].size);
    if (cases[i].fine) {
      assert_clean(&b);
    } else {
      assert_only(&b, GUEST_USB_PROTOCOL);
    }
    bench_close(&b);
  }
  const struct bench_setup setup = {.config = &otg_hs_config, .host_high_speed = true};
  bench_raw(&b, &setup);
  wr(&b, R_DIEPTXF1, 400u << 16 | 544);
  wr(&b, R_DIEPCTL(1), EP_USBAEP | EP_INTERRUPT | EP_TXFNUM(1) | 1500);
  arm_in(&b, 1, 1, 1500);
  push(&b, 1, 375);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 1024);
  bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(anything_goes),
      cmocka_unit_test(oversized_packets_are_reported_and_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
