// SPDX-License-Identifier: MIT
// OTG model: the registers themselves. Reset values, identification, what each bit
// is, narrow and wrong-mode accesses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static const struct bench_setup hs = {.config = &otg_hs_config,
                                      .host_high_speed = true};
static const struct bench_setup fs = {.config = &otg_fs_config};

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static void identification_is_that_of_the_chip(void **state) {
  (void)state;
  // Read from real STM32F769 chips (TinyUSB's table): CID, GSNPSID, GHWCFG1..4.
  static const uint32_t hs_words[] = {0x2100,     0x4F54320A, 0,
                                      0x229FE190, 0x03EED2E8, 0x23F00030};
  static const uint32_t fs_words[] = {0x2000,     0x4F54320A, 0,
                                      0x229ED520, 0x0200D1E8, 0x17F08030};
  for (uint32_t i = 0; i < 6; i++) {
    bench_open(&b, &hs);
    assert_int_equal(rd(&b, R_CID + 4 * i), hs_words[i]);
    bench_close(&b);
    bench_open(&b, &fs);
    assert_int_equal(rd(&b, R_CID + 4 * i), fs_words[i]);
    if (i < 5) bench_close(&b);
  }
}

static void reset_values(void **state) {
  (void)state;
  static const struct {
    uint32_t reg, hs, fs;
  } words[] = {
      {R_GOTGCTL, 0x00010000, 0x00010000},
      {R_GAHBCFG, 0, 0},
      {R_GUSBCFG, 0x1400, 0x1440},
      {R_GRSTCTL, 0x80000000, 0x80000000},
      {R_GINTSTS, 0x04000020, 0x04000020},
      {R_GINTMSK, 0, 0},
      {R_GRXFSIZ, 0x200, 0x200},
      {R_DIEPTXF0, 0x02000200, 0x02000200},
      {R_DCTL, 2, 2},
      {R_DSTS, 0x10, 0x10},
      {R_DIEPCTL(0), 0x8000, 0x8000},
      {R_DOEPCTL(0), 0x8000, 0x8000},
      {R_DIEPINT(0), 0x80, 0x80},
      {R_DOEPINT(0), 0, 0},
      {R_DTXFSTS(0), 0x200, 0x140},
      {R_PCGCCTL, 0, 0},
  };
  for (int core = 0; core < 2; core++) {
    bench_open(&b, core ? &fs : &hs);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
      assert_int_equal(rd(&b, words[i].reg), core ? words[i].fs : words[i].hs);
    }
    assert_clean(&b);
    if (!core) bench_close(&b);
  }
}

// Every register that can be written whole is driven bit by bit. Each bit must do
// one of four things: be kept, act (listed as modelled), be reported as reserved, or
// be reported as unimplemented. None may be silent and without effect.
static void no_bit_is_silent(void **state) {
  (void)state;
  static const uint32_t acting[][2] = {
      {R_GRSTCTL, 0x7F7},          // commands
      {R_DCTL, 0x780},             // set and clear bits
      {R_DIEPCTL(0), 0xFFFFFFFF},  // endpoint controls have a test of their own
      {R_DIEPCTL(1), 0xFFFFFFFF},
      {R_DOEPCTL(0), 0xFFFFFFFF},
      {R_DOEPCTL(1), 0xFFFFFFFF},
      {R_GINTSTS, 0xFFFFFFFF},
      {R_GOTGINT, 0xFFFFFFFF},
      {R_DIEPINT(0), 0xFFFFFFFF},
      {R_DIEPINT(1), 0xFFFFFFFF},
      {R_DOEPINT(0), 0xFFFFFFFF},
      {R_DOEPINT(1), 0xFFFFFFFF},
  };
  unsigned kept = 0, reserved = 0, unimplemented = 0;
  for (uint32_t reg = 0; reg <= R_PCGCCTL; reg += 4) {
    const bool host = reg >= 0x400 && reg < 0x800;
    const bool other_endpoint =
        reg >= 0x940 && reg < R_PCGCCTL && !(reg >= 0xB00 && reg < 0xB40);
    if (host || other_endpoint) continue;
    uint32_t acts = 0;
    for (size_t i = 0; i < sizeof acting / sizeof *acting; i++) {
      if (acting[i][0] == reg) acts = acting[i][1];
    }
    for (unsigned bit = 0; bit < 32; bit++) {
      if (acts >> bit & 1) continue;
      bench_open(&b, &hs);
      if (!reg_at(&b.otg.file, reg) ||
          reg_at(&b.otg.file, reg)->read_only == reg_at(&b.otg.file, reg)->known) {
        bench_close(&b);
        break;
      }
      const uint32_t before = rd(&b, reg);
      report_clear(&b.sim.report);
      wr(&b, reg, before ^ BIT(bit));
      const bool changed = (rd(&b, reg) ^ before) & BIT(bit);
      const struct report *r = &b.sim.report;
      const bool read_only = reg_at(&b.otg.file, reg)->read_only >> bit & 1;
      const bool complained = r->guest_errors || r->unimplemented;
      if (!changed && !complained && !read_only) {
        print_message("silent: register 0x%03x bit %u\n", (unsigned)reg, bit);
      }
      assert_true(changed || complained || read_only);
      kept += changed && !complained;
      reserved += report_count(r, GUEST_RESERVED_BITS) > 0;
      unimplemented += r->unimplemented > 0;
      bench_close(&b);
    }
  }
  print_message("bits kept %u, reserved %u, unimplemented %u\n", kept, reserved,
                unimplemented);
  assert_true(kept > 250 && reserved > 100 && unimplemented > 5);
  bench_open(&b, &hs);
}

static void what_no_device_needs_is_unimplemented(void **state) {
  (void)state;
  static const uint32_t words[][2] = {
      {R_GOTGCTL, 0x10000 | BIT(1)},  // SRQ
      {R_GOTGCTL, 0x10000 | BIT(9)},  // HNPRQ
      {R_GINTMSK, BIT(5)},            // NPTXFEM: host mode
      {R_DOEPCTL(1), BIT(20)},        // SNPM
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    bench_open(&b, &hs);
    wr(&b, words[i][0], words[i][1]);
    assert_int_equal(b.sim.report.unimplemented, 1);
    assert_int_equal(b.sim.report.guest_errors, 0);
    bench_close(&b);
  }
  bench_open(&b, &hs);
}

// What foreign stacks write although the manual does not name it.
static void foreign_writes_are_harmless(void **state) {
  (void)state;
  for (int core = 0; core < 2; core++) {
    bench_open(&b, core ? &fs : &hs);
    for (uint32_t n = 0; n < 15; n++)
      wr(&b, R_DIEPTXF1 + 4 * n, 0);
    for (uint32_t n = 0; n < 15; n++) {  // more than there are
      wr(&b, R_DIEPINT(n), 0xFB7F);
      wr(&b, R_DOEPINT(n), 0xFB7F);
    }
    for (uint32_t n = 0; n < b.otg.config->endpoints; n++) {
      wr(&b, R_DIEPTSIZ(n), 0);
      wr(&b, R_DOEPCTL(n), 0);
    }
    wr(&b, R_GINTSTS, 0xBFFFFFFF);
    wr(&b, R_DAINT, 0xFFFFFFFF);
    clear(&b, R_DEACHINTMSK, BIT(1));
    set(&b, R_GUSBCFG, BIT(4) | 7);       // ULPI_UTMI_SEL, TOCAL
    set(&b, R_GUSBCFG, BIT(8) | BIT(9));  // SRPCAP, HNPCAP
    set(&b, 0x054, BIT(0) | BIT(1));      // LPMEN, LPMACK
    set(&b, R_GINTMSK, BIT(27));          // LPMINTM
    wr(&b, R_DOEPCTL(1), 1u << 22);       // where DIEPCTL has TXFNUM
    set(&b, R_DCFG, BIT(14));             // XCVRDLY
    wr(&b, 0x05C, 0x012345);              // GDFIFOCFG
    assert_int_equal(rd(&b, 0x05C), 0x012345);
    assert_clean(&b);
    if (!core) bench_close(&b);
  }
}

static void endpoint_0_keeps_its_fixed_bits(void **state) {
  (void)state;
  bench_open(&b, &hs);
  wr(&b, R_DIEPCTL(0), 0);
  wr(&b, R_DOEPCTL(0), 0);
  assert_true(rd(&b, R_DIEPCTL(0)) & EP_USBAEP);
  assert_true(rd(&b, R_DOEPCTL(0)) & EP_USBAEP);
  assert_clean(&b);
  wr(&b, R_DIEPTSIZ(0), 0x80);  // XFRSIZ has 7 bits there
  assert_only(&b, GUEST_RESERVED_BITS);
  wr(&b, R_DOEPTSIZ(0), 2u << 19);  // PKTCNT has one
  assert_only(&b, GUEST_RESERVED_BITS);
}

static void holes_and_read_only_registers(void **state) {
  (void)state;
  bench_open(&b, &fs);
  assert_int_equal(rd(&b, 0x070), 0);
  assert_only(&b, GUEST_BAD_REGISTER);
  wr(&b, R_DIEPCTL(6), 0);  // OTG_FS has endpoints 0 to 5
  assert_only(&b, GUEST_BAD_REGISTER);
  wr(&b, R_GRXSTSR, 1);
  assert_true(b.sim.report.guest_errors > 0);
  report_clear(&b.sim.report);
  wr(&b, R_DTXFSTS(0), 1);
  assert_only(&b, GUEST_READ_ONLY);
  wr(&b, R_CID + 4, 1);  // GSNPSID
  assert_only(&b, GUEST_READ_ONLY);
  clear(&b, R_GUSBCFG, GUSBCFG_PHYSEL);  // always 1 on OTG_FS
  assert_true(rd(&b, R_GUSBCFG) & GUSBCFG_PHYSEL);
}

static void narrow_accesses_are_reported_and_work(void **state) {
  (void)state;
  bench_open(&b, &hs);
  wr(&b, R_DIEPTXF0, 0x00400123);
  assert_int_equal(otg_read(&b.otg, R_DIEPTXF0 + 2, 2), 0x0040);
  assert_only(&b, GUEST_BAD_WIDTH);
  otg_write(&b.otg, R_DIEPTXF0, 1, 0x77);
  assert_only(&b, GUEST_BAD_WIDTH);
  assert_int_equal(rd(&b, R_DIEPTXF0), 0x00400177);
}

static void host_registers_in_device_mode_set_mmis(void **state) {
  (void)state;
  bench_open(&b, &hs);
  wr(&b, R_HCFG, 1);
  assert_only(&b, GUEST_USB_CONFIG);
  assert_true(rd(&b, R_GINTSTS) & INT_MMIS);
  wr(&b, R_GINTSTS, INT_MMIS);
  assert_int_equal(rd(&b, R_HCFG), 0);
  assert_only(&b, GUEST_USB_CONFIG);
  assert_true(rd(&b, R_GINTSTS) & INT_MMIS);
}

static void bus_device_covers_the_windows(void **state) {
  (void)state;
  bench_open(&b, &hs);
  const struct bus_device device = otg_bus_device(&b.otg);
  bus_add_device(&b.sim.bus, &device);
  assert_int_equal(bus_read(&b.sim.bus, 0x40040040, 4), 0x4F54320A);
  bus_read(&b.sim.bus, 0x40041000, 4);
  assert_only(&b, GUEST_USB_FIFO_EMPTY);
  bus_read(&b.sim.bus, 0x4007FFFC, 4);
  assert_only(&b, GUEST_BAD_REGISTER);
  assert_int_equal(device.gate, GATE(0x30, 29));
  bench_close(&b);
  bench_open(&b, &fs);
  assert_int_equal(otg_bus_device(&b.otg).base, 0x50000000);
  assert_int_equal(otg_bus_device(&b.otg).gate, GATE(0x34, 7));
}

static void system_reset_forgets_everything(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  setup_token(&b);
  wr(&b, R_GINTMSK, 0xFF);
  wr(&b, R_DCTL, 4u << 4);
  otg_system_reset(&b.otg);
  assert_int_equal(rd(&b, R_GINTSTS), 0x04000020);
  assert_int_equal(rd(&b, R_GINTMSK), 0);
  assert_int_equal(rd(&b, R_DCTL), 2);
  assert_int_equal(rd(&b, R_GUSBCFG), 0x1400);
  assert_int_equal(setup_token(&b), USB_REPLY_NONE);
  bench_idle(&b, VT_MS(100));
  assert_int_equal(rd(&b, R_GINTSTS), 0x04000020);
}

// The session ends with the PHY's power, but a reset is not the place to say so.
static void system_reset_is_no_event(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  assert_true(rd(&b, R_GOTGCTL) & BIT(19));
  otg_system_reset(&b.otg);
  assert_false(rd(&b, R_GOTGCTL) & BIT(19));
  assert_int_equal(rd(&b, R_GOTGINT), 0);
  assert_int_equal(rd(&b, R_GINTSTS), 0x04000020);
}

static void endpoint_1_of_otg_hs_has_its_own_lines(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  wr(&b, R_DIEPEACHMSK1, EPINT_XFRC);
  wr(&b, R_DOEPEACHMSK1, EPINT_XFRC);
  wr(&b, R_DEACHINTMSK, BIT(1) | BIT(17));
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  arm_in(&b, 1, 1, 0);
  in_token(&b, 1);
  assert_false(b.ep1_in_irq);
  ack(&b, 1);
  assert_true(b.ep1_in_irq);
  assert_false(b.ep1_out_irq);
  assert_int_equal(rd(&b, R_DEACHINT), BIT(1));
  wr(&b, R_DIEPINT(1), EPINT_XFRC);
  assert_false(b.ep1_in_irq);
  arm_out(&b, 1, 1, 512);
  out_token(&b, 1, false, 4);
  pop_packet(&b);
  pop_packet(&b);
  assert_true(b.ep1_out_irq);
  assert_int_equal(rd(&b, R_DEACHINT), BIT(17));
  assert_false(b.irq);
  assert_clean(&b);
}

static void interrupts_pass_three_masks(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  arm_in(&b, 1, 1, 0);
  in_token(&b, 1);
  ack(&b, 1);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  assert_int_equal(rd(&b, R_DAINT), 0);
  wr(&b, R_DIEPMSK, EPINT_XFRC);
  assert_int_equal(rd(&b, R_DAINT), BIT(1));
  assert_false(rd(&b, R_GINTSTS) & INT_IEPINT);
  wr(&b, R_DAINTMSK, BIT(1));
  assert_true(rd(&b, R_GINTSTS) & INT_IEPINT);
  assert_false(b.irq);
  wr(&b, R_GINTMSK, INT_IEPINT);
  assert_false(b.irq);
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, INT_IEPINT);  // follows DAINT, cannot be cleared here
  assert_true(b.irq);
  wr(&b, R_DIEPINT(1), EPINT_XFRC);
  assert_false(b.irq);
  assert_clean(&b);
}

// The core in every state it can be brought into, then reset: it must be as new.
static void make_dirty(void) {
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  arm_in(&b, 1, 3, 1536);
  push(&b, 1, 129);
  in_token(&b, 1);
  arm_out(&b, 1, 1, 512);
  out_token(&b, 1, false, 5);
  out_token(&b, 1, true, 5);
  for (int i = 0; i < 4; i++)
    setup_token(&b);
  set(&b, R_DCFG, 5u << 4);
  set(&b, R_DCTL, DCTL_SGINAK | DCTL_SGONAK);
  settle(&b);
  while (rd(&b, R_GINTSTS) & INT_RXFLVL)
    pop_packet(&b);
  setup_token(&b);
  set(&b, R_DIEPCTL(1), EP_SNAK | EP_EPDIS);
  wr(&b, R_GINTMSK, INT_SOF);
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  clear(&b, R_GUSBCFG, GUSBCFG_FDMOD);
  b.otg.port.suspend(b.otg.port.ctx);
  b.otg.address = 5;
}

static void assert_idle(const struct otg *o, const struct otg *new) {
  assert_memory_equal(o->tx, new->tx, sizeof o->tx);
  assert_int_equal(o->rx.count, 0);
  assert_int_equal(o->rx.used[0] + o->rx.used[1] + o->rx.used[2], 0);
  for (int n = 0; n < OTG_ENDPOINTS; n++) {
    assert_int_equal(o->in[n].unsent + o->in[n].written + o->in[n].sent, 0);
    assert_false(o->in[n].data1 || o->in[n].awaiting_ack);
    assert_false(o->out[n].data1);
  }
  assert_int_equal(o->nak_in | o->nak_out, 0);
  assert_false(o->setup_open || o->control_open || o->control_read);
  assert_int_equal(o->setups_in_row + o->address, 0);
  assert_false(o->global_in_nak || o->global_out_nak);
  assert_false(o->bus_reset || o->enumerated || o->suspended);
}

static void system_reset_equals_power_on(void **state) {
  (void)state;
  static struct bench fresh;
  bench_open(&fresh, &hs);
  make_dirty();
  otg_system_reset(&b.otg);
  assert_idle(&b.otg, &fresh.otg);
  assert_false(b.otg.connected || b.otg.settle.armed || b.otg.mode.armed);
  assert_memory_equal(b.otg.reg, fresh.otg.reg, sizeof fresh.otg.reg);
  bench_close(&fresh);
}

static void core_reset_clears_all_but_what_survives(void **state) {
  (void)state;
  static struct bench fresh;
  bench_open(&fresh, &hs);
  make_dirty();
  clear(&b, R_GUSBCFG, GUSBCFG_FHMOD | GUSBCFG_FDMOD);
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  settle(&b);
  assert_idle(&b.otg, &fresh.otg);
  for (uint32_t reg = 0; reg < 0x1000; reg += 4) {
    if (reg == R_DCTL || reg == R_GINTSTS) continue;  // SDIS survives as cleared
    assert_int_equal(b.otg.reg[reg / 4], fresh.otg.reg[reg / 4]);
  }
  assert_int_equal(rd(&b, R_DCTL), 0);
  bench_close(&fresh);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(identification_is_that_of_the_chip),
      T(reset_values),
      T(no_bit_is_silent),
      T(what_no_device_needs_is_unimplemented),
      T(foreign_writes_are_harmless),
      T(endpoint_0_keeps_its_fixed_bits),
      T(holes_and_read_only_registers),
      T(narrow_accesses_are_reported_and_work),
      T(host_registers_in_device_mode_set_mmis),
      T(bus_device_covers_the_windows),
      T(system_reset_forgets_everything),
      T(system_reset_is_no_event),
      T(endpoint_1_of_otg_hs_has_its_own_lines),
      T(interrupts_pass_three_masks),
      T(system_reset_equals_power_on),
      T(core_reset_clears_all_but_what_survives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
