// SPDX-License-Identifier: MIT
// OTG model: the ways in which other people's drivers use the core, access by access,
// in the order of their sources and where they differ from the manual. What works for
// them on real chips has to work here, and without complaint. docs/usb-stacks.md has
// the table.
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

// --- OUT endpoint 0 ------------------------------------------------------------------

// When a driver opens OUT endpoint 0 for what follows a SETUP packet.
enum opening {
  AT_SETUP_DATA,     // synopsys-usb-otg on this core: before SETUP-done is popped
  BEFORE_DONE_POP,   // libusb_stm32: SETUP-done is looked at, not popped
  AFTER_DONE_POP,    // libopencm3, NuttX, Klipper
  AT_STUP_NO_EPENA,  // embassy: CNAK alone, EPENA never
};

static void open_ep0(enum opening when, enum opening now) {
  if (when != now) return;
  const bool enable = when != AT_STUP_NO_EPENA;
  set(&b, R_DOEPCTL(0), EP_CNAK | (enable ? EP_EPENA : 0));
}

// Takes what a SETUP packet has left in the FIFO.
static void take_setup(enum opening when) {
  assert_int_equal(pktsts(pop_packet(&b)), PKT_SETUP);
  open_ep0(when, AT_SETUP_DATA);
  in_token(&b, 0);  // the next stage begins: SETUP-done is written
  assert_int_equal(pktsts(rd(&b, R_GRXSTSR)), PKT_SETUP_DONE);
  open_ep0(when, BEFORE_DONE_POP);
  rd(&b, R_GRXSTSP);
  open_ep0(when, AFTER_DONE_POP);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  wr(&b, R_DOEPINT(0), EPINT_STUP);
  open_ep0(when, AT_STUP_NO_EPENA);
}

// A packet to endpoint 0 is taken, and the next one after the driver has opened it.
static void take_out(enum opening when, bool data1, uint16_t length) {
  const enum usb_reply reply = out_token(&b, 0, data1, length);
  assert_true(reply == USB_REPLY_ACK || reply == USB_REPLY_NYET);
  assert_int_equal(out_token(&b, 0, !data1, length), USB_REPLY_NAK);
  assert_int_equal(bcnt(pop_packet(&b)), length);
  open_ep0(when, AT_SETUP_DATA);
  assert_int_equal(pktsts(rd(&b, R_GRXSTSR)), PKT_OUT_DONE);
  open_ep0(when, BEFORE_DONE_POP);
  rd(&b, R_GRXSTSP);
  open_ep0(when, AFTER_DONE_POP);
  open_ep0(when, AT_STUP_NO_EPENA);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_XFRC);
  wr(&b, R_DOEPINT(0), EPINT_XFRC);
}

// DOEPTSIZ0 is written once at most, and then counts down to nothing; with the FIFO
// nobody needs it.
static void ep0_out_opened_at_any_time(void **state) {
  (void)state;
  for (enum opening when = AT_SETUP_DATA; when <= AT_STUP_NO_EPENA; when++) {
    for (int high = 0; high < 2; high++) {
      bench_raw(&b, high ? &hs : &fs);
      if (when != AT_STUP_NO_EPENA) {
        wr(&b, R_DOEPTSIZ(0), 1u << 29 | TSIZ(1, 64));
        set(&b, R_DOEPCTL(0), EP_EPENA | EP_CNAK);
      }
      for (int i = 0; i < 3; i++) {
        assert_int_equal(setup_token(&b), USB_REPLY_ACK);
        take_setup(when);
        take_out(when, true, 64);
        take_out(when, false, 7);
        take_out(when, true, 0);
      }
      assert_clean(&b);
      bench_close(&b);
    }
  }
  bench_raw(&b, &fs);
}

// ChibiOS asks for a status stage with no packets and no bytes.
static void ep0_status_of_no_packets(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  for (int i = 0; i < 2; i++) {
    setup_token(&b);
    in_token(&b, 0);
    pop_packet(&b);
    pop_packet(&b);
    wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT);
    set(&b, R_DOEPCTL(0), EP_EPENA | EP_CNAK);
    assert_int_equal(out_token(&b, 0, true, 0), USB_REPLY_ACK);
    assert_int_equal(pktsts(pop_packet(&b)), PKT_OUT);
    assert_int_equal(pktsts(pop_packet(&b)), PKT_OUT_DONE);
    assert_true(rd(&b, R_DOEPINT(0)) & EPINT_XFRC);
  }
  assert_clean(&b);
}

// --- other OUT endpoints -------------------------------------------------------------

// synopsys-usb-otg and libusb_stm32: EPENA and CNAK together with the type, DOEPTSIZ
// never written; opened again between data and OUT-done, or before its pop.
static void out_endpoint_without_a_size(void **state) {
  (void)state;
  for (int early = 0; early < 2; early++) {
    bench_raw(&b, &hs);
    wr(&b, R_DOEPCTL(1), EP_SD0PID | EP_CNAK | EP_EPENA | EP_USBAEP | EP_BULK | 512);
    for (uint32_t i = 0; i < 6; i++) {
      const uint16_t length = i % 3 ? 512 : 31;
      out_token(&b, 1, i & 1, length);
      assert_int_equal(out_token(&b, 1, !(i & 1), length), USB_REPLY_NAK);
      assert_int_equal(bcnt(pop_packet(&b)), length);
      if (early) set(&b, R_DOEPCTL(1), EP_CNAK | EP_EPENA);
      assert_int_equal(pktsts(rd(&b, R_GRXSTSR)), PKT_OUT_DONE);
      if (!early) set(&b, R_DOEPCTL(1), EP_CNAK | EP_EPENA);
      rd(&b, R_GRXSTSP);
    }
    assert_clean(&b);
    bench_close(&b);
  }
  bench_raw(&b, &hs);
}

// embassy: one packet by DOEPTSIZ, then CNAK; EPENA never.
static void out_endpoint_without_epena(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_DOEPCTL(1), EP_SD0PID | EP_BULK | 64);
  wr(&b, R_DOEPTSIZ(1), TSIZ(1, 64));
  set(&b, R_DOEPCTL(1), EP_USBAEP);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(out_token(&b, 1, i & 1, 64), USB_REPLY_ACK);
    assert_int_equal(out_token(&b, 1, !(i & 1), 64), USB_REPLY_NAK);
    pop_packet(&b);
    pop_packet(&b);
    wr(&b, R_DOEPTSIZ(1), TSIZ(1, 64));
    set(&b, R_DOEPCTL(1), EP_CNAK);
  }
  assert_clean(&b);
}

// An endpoint that is open but was never armed in any way keeps the host waiting: ST's
// HAL has no buffer for it yet.
static void open_endpoint_says_nak(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  set(&b, R_DOEPCTL(1), EP_SD0PID | EP_USBAEP | EP_BULK | 512);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_NAK);
  wr(&b, R_DOEPTSIZ(1), TSIZ(1, 512));
  set(&b, R_DOEPCTL(1), EP_EPENA | EP_CNAK);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_NYET);
}

// --- disabling -----------------------------------------------------------------------

// NuttX waits without end for EPDISD of an IN endpoint that had nothing to send,
// Klipper sets EPDIS before it uses one.
static void idle_in_endpoint_says_epdisd(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPCTL(1), EP_EPDIS | EP_SNAK | EP_BULK | EP_TXFNUM(1) | 64);
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_EPDISD);
  assert_false(rd(&b, R_DIEPCTL(1)) & (EP_EPDIS | EP_EPENA | EP_USBAEP));
  assert_clean(&b);
}

// TinyUSB's way: NAK, wait; disable, wait; flush. What was in the FIFO is gone.
static void stop_an_in_transfer(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 2, 128);
  push(&b, 1, 16);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  set(&b, R_DIEPCTL(1), EP_EPDIS | EP_STALL);
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_EPDISD);
  wr(&b, R_DIEPINT(1), EPINT_EPDISD);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 1u << 6);
  settle(&b);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  assert_int_equal(in_token(&b, 1), USB_REPLY_STALL);
  clear(&b, R_DIEPCTL(1), EP_STALL);
  set(&b, R_DIEPCTL(1), EP_SD0PID);
  arm_in(&b, 1, 1, 4);
  push(&b, 1, 1);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_clean(&b);
}

// ST's HAL, OTG_HS with DMA: the global OUT NAK reaches GONAKEFF with nobody popping.
static void stop_an_out_transfer_with_dma(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  set(&b, R_GAHBCFG, GAHBCFG_DMAEN);
  open_bulk(&b, 512);
  wr(&b, R_DOEPDMA(1), DMA_MEMORY);
  arm_out(&b, 1, 1, 512);
  set(&b, R_DCTL, DCTL_SGONAK);
  assert_true(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  set(&b, R_DOEPCTL(1), EP_SNAK);
  set(&b, R_DOEPCTL(1), EP_EPDIS);
  settle(&b);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_EPENA);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_EPDISD);
  set(&b, R_DCTL, DCTL_CGONAK);
  assert_false(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  assert_clean(&b);
}

// --- initialisation ------------------------------------------------------------------

enum { W, S, C };  // write, set bits, clear bits

struct access {
  uint8_t how;
  uint16_t reg;
  uint32_t value;
};

static void play(const struct access *a, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const uint32_t old = rd(&b, a[i].reg);
    const uint32_t value = a[i].how == S   ? old | a[i].value
                           : a[i].how == C ? old & ~a[i].value
                                           : a[i].value;
    wr(&b, a[i].reg, value);
    settle(&b);
  }
}

#define PLAY(steps) play(steps, sizeof(steps) / sizeof *(steps))

// Up to the pull-up. GRSTCTL 0x420 flushes all transmit FIFOs.
static const struct access chibios_hs[] = {
    {W, R_GUSBCFG, BIT(30) | 9u << 10 | BIT(8) | BIT(9)},
    {W, R_DCFG, 0x02200000},
    {W, R_PCGCCTL, 0},
    {W, R_GOTGCTL, 0xC0},
    {W, R_GCCFG, 0},
    {W, R_GRSTCTL, 1},
    {W, R_GAHBCFG, 0},
    {W, R_DIEPINT(0), 0xFFFFFFFF},
    {W, R_DOEPINT(8), 0xFFFFFFFF},
    {W, R_DAINTMSK, 0x10001},
    {W, R_GINTMSK, 0xC0303C00},
    {W, R_GINTSTS, 0xFFFFFFFF},
    {S, R_GAHBCFG, 1},
    {C, R_DCTL, 2},
};

static const struct access chibios_reset[] = {
    {W, R_GRSTCTL, 0x20},
    {W, R_DIEPCTL(0), EP_SNAK},
    {W, R_DOEPCTL(1), EP_SNAK},
    {W, R_GRXFSIZ, 512},
    {W, R_GRSTCTL, 0x10},
    {W, R_DOEPTSIZ(0), TSIZ_STUPCNT},
    {W, R_DOEPCTL(0), EP_SD0PID | EP_USBAEP | 64},
    {W, R_DIEPTSIZ(0), 0},
    {W, R_DIEPCTL(0), EP_SD0PID | EP_USBAEP | 64},
    {W, R_DIEPTXF0, 16u << 16 | 512},
    {W, R_DIEPTXF1 + 4, 4u << 16 | 528},
    {W, R_DIEPCTL(2), EP_SD0PID | EP_USBAEP | EP_INTERRUPT | EP_TXFNUM(2) | 16},
    {W, R_DOEPTSIZ(2), 0},
    {C, R_DOEPCTL(2), EP_USBAEP},
    {W, R_DIEPTSIZ(2), 1u << 29 | TSIZ(1, 16)},
    {S, R_DIEPCTL(2), EP_EPENA | EP_CNAK},
};

static void chibios(void **state) {
  (void)state;
  bench_open(&b, &hs);
  PLAY(chibios_hs);
  usb_host_plug(&b.host);
  bench_idle(&b, VT_MS(200));
  usb_host_reset(&b.host, NULL, NULL);
  bench_idle(&b, VT_MS(60));
  assert_true(rd(&b, R_GINTSTS) & INT_ENUMDNE);
  assert_int_equal(rd(&b, R_DSTS) >> 1 & 3, 0);
  PLAY(chibios_reset);
  assert_clean(&b);
}

static const struct access nuttx_hs[] = {
    {W, R_GAHBCFG, 0x80},
    {C, R_GCCFG, BIT(16)},
    {C, R_GUSBCFG, BIT(22) | BIT(17) | BIT(6)},
    {C, R_GUSBCFG, BIT(20) | BIT(21)},
    {S, R_GRSTCTL, 1},
    {S, R_GOTGCTL, 0xC0},
    {S, R_GUSBCFG, BIT(30)},
    {W, R_PCGCCTL, 0},
    {C, R_DCFG, 3u << 11},
    {W, R_GRXFSIZ, 256},
    {W, R_DIEPTXF0, 64u << 16 | 256},
    {W, R_DIEPTXF1, 128u << 16 | 320},
    {W, R_GRSTCTL, 0x420},
    {W, R_GRSTCTL, 0x10},
    {W, R_DIEPMSK, 0},
    {W, R_DIEPEMPMSK, 0},
    {W, R_DAINT, 0xFFFFFFFF},
    {W, R_DAINTMSK, 0},
    {W, R_DIEPCTL(8), 0},
    {W, R_DIEPTSIZ(8), 0},
    {W, R_DIEPINT(8), 0xFF},
    {W, R_GOTGINT, 0xFFFFFFFF},
    {W, R_GINTMSK, INT_RXFLVL | INT_USBSUSP | INT_ENUMDNE | INT_IEPINT | INT_OEPINT},
    {W, R_GAHBCFG, 0x81},
    {C, R_DCTL, 2},
};

// Klipper, MP: the internal PHY of OTG_FS, powered after everything else.
static const struct access klipper_fs[] = {
    {W, R_GUSBCFG, BIT(30) | BIT(6) | BIT(15) | 6u << 10},
    {S, R_DCFG, 3},
    {W, R_GOTGCTL, 0xC0},
    {W, R_GRXFSIZ, 80},
    {W, R_DIEPTXF0, 16u << 16 | 80},
    {W, R_DIEPTXF1, 16u << 16 | 96},
    {W, R_DIEPCTL(0), 2 | EP_SNAK},
    {W, R_DOEPTSIZ(0), 1u << 29 | TSIZ(1, 64)},
    {W, R_DOEPCTL(0), 2 | EP_EPENA | EP_SNAK},
    {W, R_DIEPMSK, 1},
    {W, R_GINTMSK, INT_RXFLVL | INT_IEPINT},
    {W, R_GAHBCFG, 1},
    {S, R_GCCFG, GCCFG_PWRDWN},
    {W, R_DCTL, 0},
};

// CherryUSB on the internal PHY of OTG_HS calls its speed 1, and uses what GRXFSIZ and
// DIEPTXFn say after the reset.
static const struct access cherry_internal[] = {
    {C, R_GAHBCFG, 1},
    {S, R_DCTL, 2},
    {W, R_GCCFG, GCCFG_PWRDWN},
    {S, R_GUSBCFG, BIT(6)},
    {S, R_GRSTCTL, 1},
    {C, R_GUSBCFG, BIT(29) | BIT(30)},
    {S, R_GUSBCFG, BIT(30)},
    {S, R_GOTGCTL, BIT(6)},
    {S, R_GOTGCTL, BIT(7)},
    {S, R_GUSBCFG, 7},
    {W, R_PCGCCTL, 0},
    {C, R_DCFG, 3},
    {S, R_DCFG, 1},
    {W, R_GINTSTS, 0xBFFFFFFF},
    {W, R_GRXFSIZ, 128},
    {W, R_DIEPTXF0, 64u << 16 | 128},
    {W, R_GRSTCTL, 0x420},
    {W, R_GRSTCTL, 0x10},
    {S, R_GAHBCFG, 1},
    {C, R_DCTL, 2},
};

static void up_to_the_pull_up(void **state) {
  (void)state;
  static const struct bench_setup internal = {.config = &otg_hs_config,
                                              .internal_phy = true};
  static const struct {
    const struct bench_setup *setup;
    const struct access *steps;
    size_t count;
    uint32_t enumspd;
  } cases[] = {
      {&hs, nuttx_hs, sizeof nuttx_hs / sizeof *nuttx_hs, 0},
      {&fs, klipper_fs, sizeof klipper_fs / sizeof *klipper_fs, 3},
      {&internal, cherry_internal, sizeof cherry_internal / sizeof *cherry_internal, 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bench_open(&b, cases[i].setup);
    play(cases[i].steps, cases[i].count);
    usb_host_plug(&b.host);
    bench_idle(&b, VT_MS(200));
    usb_host_reset(&b.host, NULL, NULL);
    bench_idle(&b, VT_MS(60));
    assert_true(rd(&b, R_GINTSTS) & INT_ENUMDNE);
    assert_int_equal(rd(&b, R_DSTS) >> 1 & 3, cases[i].enumspd);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

// ST's battery charging detection (HAL_PCDEx_BCD_VBUSDetect): contact, then no charger.
static void charger_detection(void **state) {
  (void)state;
  bench_open(&b, &fs);
  set(&b, R_GCCFG, BIT(17) | BIT(18));  // BCDEN, DCDEN
  assert_false(rd(&b, R_GCCFG) & 1);
  usb_host_plug(&b.host);
  bench_idle(&b, VT_MS(200));
  assert_true(rd(&b, R_GCCFG) & 1);  // DCDET
  clear(&b, R_GCCFG, BIT(18));
  set(&b, R_GCCFG, BIT(19));  // PDEN
  bench_idle(&b, VT_MS(100));
  assert_int_equal(rd(&b, R_GCCFG) & 0xF, 0);  // a standard port
  clear(&b, R_GCCFG, BIT(19));
  set(&b, R_GCCFG, BIT(20));  // SDEN
  assert_int_equal(rd(&b, R_GCCFG) & 0xF, 0);
  assert_clean(&b);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(ep0_out_opened_at_any_time),
      T(ep0_status_of_no_packets),
      T(out_endpoint_without_a_size),
      T(out_endpoint_without_epena),
      T(open_endpoint_says_nak),
      T(idle_in_endpoint_says_epdisd),
      T(stop_an_in_transfer),
      T(stop_an_out_transfer_with_dma),
      T(chibios),
      T(up_to_the_pull_up),
      T(charger_detection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
