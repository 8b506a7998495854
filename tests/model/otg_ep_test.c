// SPDX-License-Identifier: MIT
// OTG model: endpoints token by token, without driver and host: enabling, disabling,
// NAK, STALL, toggles, PING, the rules of endpoint 0.
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

// --- enabling and disabling
// ------------------------------------------------------------

static void odd_programming_is_reported(void **state) {
  (void)state;
  static const struct {
    bool in;
    uint32_t ctl, tsiz;
  } cases[] = {
      {true, EP_BULK | EP_TXFNUM(1) | 64, TSIZ(1, 64)},              // inactive
      {true, EP_USBAEP | EP_BULK | EP_TXFNUM(1), TSIZ(1, 0)},        // MPSIZ 0
      {true, EP_USBAEP | EP_BULK | EP_TXFNUM(1) | 64, TSIZ(0, 64)},  // no packet
      {true, EP_USBAEP | EP_BULK | EP_TXFNUM(1) | 64, TSIZ(1, 65)},  // too few
      {true, EP_USBAEP | EP_BULK | EP_TXFNUM(1) | 64, TSIZ(2, 63)},  // too many
      {true, EP_USBAEP | EP_BULK | EP_TXFNUM(1) | 64, TSIZ(3, 64)},  // too many
      {false, EP_BULK | 64, TSIZ(1, 64)},                            // inactive
      {false, EP_USBAEP | EP_BULK, TSIZ(1, 64)},                     // MPSIZ 0
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bench_raw(&b, &fs);
    wr(&b, cases[i].in ? R_DIEPTSIZ(1) : R_DOEPTSIZ(1), cases[i].tsiz);
    assert_clean(&b);
    wr(&b, cases[i].in ? R_DIEPCTL(1) : R_DOEPCTL(1),
       cases[i].ctl | EP_EPENA | EP_CNAK);
    assert_only(&b, GUEST_USB_PROTOCOL);
    bench_close(&b);
  }
  bench_raw(&b, &fs);
}

static void more_control_mistakes_are_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  set(&b, R_DIEPCTL(1), EP_SNAK | EP_CNAK);
  assert_only(&b, GUEST_USB_PROTOCOL);
  set(&b, R_DOEPCTL(1), EP_EPDIS);  // not enabled
  assert_only(&b, GUEST_USB_PROTOCOL);
  arm_in(&b, 1, 1, 64);
  wr(&b, R_DIEPTSIZ(1), TSIZ(1, 63));
  assert_only(&b, GUEST_USB_PROTOCOL);
  arm_out(&b, 1, 1, 64);
  wr(&b, R_DOEPTSIZ(1), TSIZ(2, 128));
  assert_only(&b, GUEST_USB_PROTOCOL);
  arm_out(&b, 0, 1, 64);
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 64));  // STUPCNT alone may change
  assert_clean(&b);
}

// With the FIFO nothing depends on XFRSIZ; DMA would write beyond a buffer.
static void packet_beyond_xfrsiz_is_reported_with_dma(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 10);
  assert_clean(&b);
  assert_int_equal(out_token(&b, 1, false, 10), USB_REPLY_ACK);
  assert_clean(&b);
  pop_packet(&b);
  pop_packet(&b);
  arm_out(&b, 1, 1, 10);
  assert_int_equal(out_token(&b, 1, true, 11), USB_REPLY_ACK);
  assert_clean(&b);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), 0);
  bench_close(&b);
  bench_raw(&b, &hs);
  set(&b, R_GAHBCFG, GAHBCFG_DMAEN);
  open_bulk(&b, 512);
  wr(&b, R_DOEPDMA(1), DMA_MEMORY);
  arm_out(&b, 1, 1, 10);
  assert_int_equal(out_token(&b, 1, false, 11), USB_REPLY_NYET);
  assert_only(&b, GUEST_USB_PROTOCOL);
}

static void dma_needs_a_packet_count(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  set(&b, R_GAHBCFG, GAHBCFG_DMAEN);
  open_bulk(&b, 512);
  wr(&b, R_DOEPDMA(1), DMA_MEMORY);
  arm_out(&b, 1, 0, 512);
  assert_only(&b, GUEST_USB_PROTOCOL);
  assert_int_equal(out_token(&b, 1, false, 10), USB_REPLY_NAK);
}

static void disabling_an_in_endpoint(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 16);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_NAKSTS);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  assert_int_equal(in_token(&b, 1), USB_REPLY_NAK);
  set(&b, R_DIEPCTL(1), EP_EPDIS);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_EPDIS);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_EPDISD);
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_EPDISD);
  assert_false(rd(&b, R_DIEPCTL(1)) & (EP_EPENA | EP_EPDIS));
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 48);  // the words stay until a flush
  wr(&b, R_DIEPINT(1), EPINT_INEPNE);
  set(&b, R_DIEPCTL(1), EP_SNAK);  // again, with NAK set already
  settle(&b);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  set(&b, R_DIEPCTL(1), EP_CNAK);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  assert_clean(&b);
}

static void disabling_an_out_endpoint(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 64);
  set(&b, R_DCTL, DCTL_SGONAK);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_NAK);
  assert_false(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  assert_true(rd(&b, R_DCTL) & BIT(3));  // GONSTS
  assert_int_equal(pktsts(rd(&b, R_GRXSTSP)), PKT_GLOBAL_NAK);
  assert_true(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  set(&b, R_DOEPCTL(1), EP_EPDIS | EP_SNAK);
  settle(&b);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_EPDISD);
  assert_clean(&b);
  set(&b, R_DCTL, DCTL_SGONAK);
  assert_only(&b, GUEST_USB_PROTOCOL);
  set(&b, R_DCTL, DCTL_CGONAK);
  assert_false(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  assert_false(rd(&b, R_DCTL) & BIT(3));
  arm_out(&b, 1, 1, 64);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_ACK);
  set(&b, R_DOEPCTL(0), EP_EPENA);
  report_clear(&b.sim.report);
  set(&b, R_DOEPCTL(0), EP_EPDIS);  // endpoint 0 cannot
  assert_only(&b, GUEST_USB_PROTOCOL);
  settle(&b);
  assert_true(rd(&b, R_DOEPCTL(0)) & EP_EPENA);
}

static void global_in_nak_takes_effect(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 4);
  push(&b, 1, 1);
  set(&b, R_DCTL, DCTL_SGINAK);
  assert_true(rd(&b, R_DCTL) & BIT(2));  // GINSTS
  assert_false(rd(&b, R_GINTSTS) & INT_GINAKEFF);
  settle(&b);
  assert_true(rd(&b, R_GINTSTS) & INT_GINAKEFF);
  assert_int_equal(in_token(&b, 1), USB_REPLY_NAK);
  set(&b, R_DCTL, DCTL_CGINAK);
  assert_false(rd(&b, R_GINTSTS) & INT_GINAKEFF);
  assert_int_equal(b.readies, 1);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_clean(&b);
}

static void stall_beats_nak_and_clears_by_hand(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  set(&b, R_DIEPCTL(1), EP_STALL | EP_SNAK);
  set(&b, R_DOEPCTL(1), EP_STALL | EP_SNAK);
  assert_int_equal(in_token(&b, 1), USB_REPLY_STALL);
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_STALL);
  clear(&b, R_DIEPCTL(1), EP_STALL);
  clear(&b, R_DOEPCTL(1), EP_STALL);
  assert_int_equal(in_token(&b, 1), USB_REPLY_NAK);
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_NAK);
}

static void toggles_can_be_set_and_read(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  assert_false(rd(&b, R_DIEPCTL(1)) & EP_DPID);
  set(&b, R_DIEPCTL(1), EP_SD1PID);
  set(&b, R_DOEPCTL(1), EP_SD1PID);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_DPID);
  assert_true(rd(&b, R_DOEPCTL(1)) & EP_DPID);
  arm_in(&b, 1, 1, 0);
  in_token(&b, 1);
  assert_true(b.answer.data1);
  ack(&b, 1);
  assert_false(rd(&b, R_DIEPCTL(1)) & EP_DPID);
  arm_out(&b, 1, 1, 64);
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_ACK);  // taken for a repeat
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  set(&b, R_DOEPCTL(1), EP_SD0PID);
  out_token(&b, 1, false, 4);
  assert_true(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void high_speed_answers_ping_and_nyet(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  assert_int_equal(token(&b, USB_PID_PING, 1, false, NULL, 0), USB_REPLY_NAK);
  arm_out(&b, 1, 2, 1024);
  assert_int_equal(b.last_ready, 1);
  assert_int_equal(token(&b, USB_PID_PING, 1, false, NULL, 0), USB_REPLY_ACK);
  assert_int_equal(out_token(&b, 1, false, 512), USB_REPLY_ACK);
  assert_int_equal(out_token(&b, 1, true, 512), USB_REPLY_NYET);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_NYET);
  assert_int_equal(token(&b, USB_PID_PING, 1, false, NULL, 0), USB_REPLY_NAK);
  set(&b, R_DOEPCTL(1), EP_STALL);
  assert_int_equal(token(&b, USB_PID_PING, 1, false, NULL, 0), USB_REPLY_STALL);
  bench_close(&b);
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 64);
  assert_int_equal(token(&b, USB_PID_PING, 1, false, NULL, 0), USB_REPLY_NONE);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_ACK);
}

static void interrupt_endpoints_know_no_nyet(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  wr(&b, R_DOEPCTL(2), EP_USBAEP | EP_INTERRUPT | EP_SD0PID | 64);
  arm_out(&b, 2, 1, 64);
  assert_int_equal(token(&b, USB_PID_PING, 2, false, NULL, 0), USB_REPLY_NONE);
  assert_int_equal(out_token(&b, 2, false, 64), USB_REPLY_ACK);
  assert_clean(&b);
}

static void flushes_clear_themselves(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  setup_token(&b);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 16);
  wr(&b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  bench_idle(&b, VT_NS(133));  // 8 clocks of 60 MHz
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  bench_idle(&b, VT_NS(1));
  assert_int_equal(rd(&b, R_GRSTCTL), GRSTCTL_AHBIDL);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 240);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 2u << 6);  // another FIFO
  settle(&b);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 240);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 0x10u << 6);
  settle(&b);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 256);
  assert_clean(&b);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 0x11u << 6);
  assert_only(&b, GUEST_USB_CONFIG);
}

static void nonzero_status_out_is_stalled_on_request(void **state) {
  (void)state;
  for (int on = 0; on < 2; on++) {
    bench_raw(&b, &fs);
    if (on) set(&b, R_DCFG, DCFG_NZLSOHSK);
    setup_token(&b);  // a control read
    in_token(&b, 0);
    pop_packet(&b);
    pop_packet(&b);
    arm_out(&b, 0, 1, 64);
    const enum usb_reply expected = on ? USB_REPLY_STALL : USB_REPLY_ACK;
    assert_int_equal(out_token(&b, 0, true, 3), expected);
    assert_int_equal((rd(&b, R_GINTSTS) & INT_RXFLVL) != 0, !on);
    if (on) assert_int_equal(out_token(&b, 0, true, 0), USB_REPLY_ACK);
    bench_close(&b);
  }
  bench_raw(&b, &fs);
}

static void strangers_get_no_answer(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  const struct usb_token other = {.pid = USB_PID_IN, .address = 1};
  b.otg.port.transact(b.otg.port.ctx, &other, &b.answer);
  assert_int_equal(b.answer.reply, USB_REPLY_NONE);
  assert_int_equal(in_token(&b, 1), USB_REPLY_NONE);  // not active
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_NONE);
  assert_int_equal(in_token(&b, 6), USB_REPLY_NONE);  // does not exist
  assert_int_equal(in_token(&b, 15), USB_REPLY_NONE);
  ack(&b, 15);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  set(&b, R_DCTL, 4u << 4);  // test mode: Test_Packet
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
}

static void address_counts_from_the_end_of_the_transfer(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  static const uint8_t set_address[8] = {0, 5, 9, 0, 0, 0, 0, 0};
  token(&b, USB_PID_SETUP, 0, false, set_address, 8);
  in_token(&b, 0);
  pop_packet(&b);
  pop_packet(&b);
  set(&b, R_DCFG, 9u << 4);
  arm_in(&b, 0, 1, 0);
  assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);  // still at address 0
  assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);  // also when the ACK was lost
  ack(&b, 0);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
  const struct usb_token new = {.pid = USB_PID_IN, .address = 9};
  b.otg.port.transact(b.otg.port.ctx, &new, &b.answer);
  assert_int_equal(b.answer.reply, USB_REPLY_NAK);
  clear(&b, R_DCFG, 0x7F0);  // outside a transfer: at once
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
}

// Nobody has told the device, and it is ready for more.
static void a_pulled_cable_makes_no_packet_too_large(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  arm_out(&b, 1, 1, 512);
  assert_int_equal(out_token(&b, 1, false, 512), USB_REPLY_NYET);
  b.otg.port.vbus(b.otg.port.ctx, false);
  arm_out(&b, 1, 1, 512);
  assert_clean(&b);
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_DOEPTSIZ(1), TSIZ(1, 65));
  wr(&b, R_DOEPCTL(1), EP_USBAEP | EP_BULK | EP_EPENA | EP_CNAK | 65);
  assert_only(&b, GUEST_USB_PROTOCOL);
}

// --- corners -----------------------------------------------------------------------

static void one_mistake_is_one_report(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_DIEPTSIZ(1), TSIZ(0, 64));  // inactive, and nothing to send
  wr(&b, R_DIEPCTL(1), EP_EPENA);
  assert_int_equal(b.sim.report.guest_errors, 1);
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_DOEPCTL(1), EP_USBAEP | EP_EPENA);  // MPSIZ 0
  assert_int_equal(b.sim.report.guest_errors, 1);
}

static void nak_of_out_does_not_touch_in(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  settle(&b);
  set(&b, R_DOEPCTL(1), EP_CNAK);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_NAKSTS);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  set(&b, R_DIEPCTL(1), EP_CNAK);  // before it took effect
  settle(&b);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_INEPNE);
}

static void setup_sets_nak_effective(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  assert_false(rd(&b, R_DIEPINT(0)) & EPINT_INEPNE);
  setup_token(&b);
  assert_true(rd(&b, R_DIEPINT(0)) & EPINT_INEPNE);
}

static void other_control_endpoints_keep_their_stall(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_DIEPCTL(2), EP_USBAEP | EP_TXFNUM(2) | EP_STALL | 64);  // EPTYP 0
  clear(&b, R_DIEPCTL(2), EP_STALL);
  assert_true(rd(&b, R_DIEPCTL(2)) & EP_STALL);
  wr(&b, R_DIEPCTL(2), EP_USBAEP | EP_BULK | EP_TXFNUM(2) | 64);
  assert_false(rd(&b, R_DIEPCTL(2)) & EP_STALL);
}

static void endpoint_0_has_no_toggle_bits(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  in_token(&b, 0);
  set(&b, R_DIEPCTL(0), EP_SD0PID | 64);  // as ChibiOS and CherryUSB do
  assert_int_equal(rd(&b, R_DIEPCTL(0)) & 64, 0);
  arm_in(&b, 0, 1, 0);
  in_token(&b, 0);
  assert_true(b.answer.data1);  // as a status stage must
  assert_clean(&b);
}

static void size_rewritten_while_enabled_counts_anew(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 2);
  wr(&b, R_DIEPTSIZ(1), TSIZ(1, 8));
  assert_only(&b, GUEST_USB_PROTOCOL);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 8);
  push(&b, 1, 2);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(1, 0));
}

// A flush loses the OUT-done entry, but EPENA had fallen with the last packet.
static void lost_done_entry_does_not_lock_an_endpoint(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 64);
  out_token(&b, 1, false, 64);
  wr(&b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  settle(&b);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_EPENA);
  arm_out(&b, 1, 1, 64);
  assert_clean(&b);
  assert_int_equal(out_token(&b, 1, true, 64), USB_REPLY_ACK);
  assert_true(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

// A short packet ends the transfer although packets are left. CNAK alone opens it again
// for as many as are left, as embassy's driver has it; without any it does not.
static void short_packet_closes_the_transfer(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 4, 256);
  out_token(&b, 1, false, 3);
  assert_int_equal(out_token(&b, 1, true, 64), USB_REPLY_NAK);
  pop_packet(&b);
  pop_packet(&b);
  assert_int_equal(out_token(&b, 1, true, 64), USB_REPLY_NAK);
  set(&b, R_DOEPCTL(1), EP_CNAK);
  assert_int_equal(out_token(&b, 1, true, 64), USB_REPLY_ACK);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(2, 256 - 67));
  assert_clean(&b);
}

static void full_transfer_stays_closed_after_cnak(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 64);
  out_token(&b, 1, false, 64);
  set(&b, R_DOEPCTL(1), EP_CNAK);
  assert_int_equal(out_token(&b, 1, true, 64), USB_REPLY_NAK);
}

static void otepdis_is_for_disabled_control_endpoints(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_NAK);
  assert_false(rd(&b, R_DOEPINT(1)) & EPINT_OTEPDIS);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_NAK);
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 64));
  set(&b, R_DOEPCTL(0), EP_EPENA | EP_SNAK);
  assert_int_equal(out_token(&b, 0, false, 4), USB_REPLY_NAK);
  assert_false(rd(&b, R_DOEPINT(0)) & EPINT_OTEPDIS);
}

static void one_ack_is_one_packet(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  wr(&b, R_DIEPCTL(1), EP_USBAEP | EP_BULK | EP_TXFNUM(1) | EP_SD0PID | 64);
  arm_in(&b, 1, 3, 192);
  push(&b, 1, 48);
  in_token(&b, 1);
  ack(&b, 1);
  ack(&b, 1);
  ack(&b, 9);  // no such endpoint
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)) >> 19, 2);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_DPID);
}

static void toc_comes_once_per_lost_ack(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  in_token(&b, 0);
  arm_in(&b, 0, 1, 8);
  push(&b, 0, 2);
  in_token(&b, 0);
  setup_token(&b);  // the host gave up without an ACK
  assert_true(rd(&b, R_DIEPINT(0)) & EPINT_TOC);
  wr(&b, R_DIEPINT(0), EPINT_TOC);
  in_token(&b, 0);
  assert_false(rd(&b, R_DIEPINT(0)) & EPINT_TOC);
  ack(&b, 0);  // of nothing
  assert_int_equal(rd(&b, R_DIEPTSIZ(0)) >> 19, 1);
}

static void bus_reset_forgets_the_packet_on_the_wire(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  in_token(&b, 0);
  arm_in(&b, 0, 1, 0);
  in_token(&b, 0);
  const struct usb_device_port *port = &b.otg.port;
  port->reset_begin(port->ctx);
  port->reset_end(port->ctx, false);
  setup_token(&b);
  assert_false(rd(&b, R_DIEPINT(0)) & EPINT_TOC);
}

static const uint8_t set_address_9[8] = {0, 5, 9, 0, 0, 0, 0, 0};

// Traffic of other endpoints does not end the control transfer.
static void only_the_status_stage_settles_the_address(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 0);
  arm_out(&b, 1, 1, 64);
  token(&b, USB_PID_SETUP, 0, false, set_address_9, 8);
  set(&b, R_DCFG, 9u << 4);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  ack(&b, 1);
  assert_int_equal(out_token(&b, 1, false, 4), USB_REPLY_ACK);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  pop_packet(&b);
  // A control read ends with its OUT, not with its data.
  setup_token(&b);
  in_token(&b, 0);
  while (rd(&b, R_GINTSTS) & INT_RXFLVL)
    pop_packet(&b);
  arm_in(&b, 0, 1, 0);
  in_token(&b, 0);
  ack(&b, 0);
  arm_out(&b, 0, 1, 64);
  assert_int_equal(out_token(&b, 0, true, 0), USB_REPLY_ACK);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(odd_programming_is_reported),
      T(more_control_mistakes_are_reported),
      T(packet_beyond_xfrsiz_is_reported_with_dma),
      T(dma_needs_a_packet_count),
      T(disabling_an_in_endpoint),
      T(disabling_an_out_endpoint),
      T(global_in_nak_takes_effect),
      T(stall_beats_nak_and_clears_by_hand),
      T(toggles_can_be_set_and_read),
      T(high_speed_answers_ping_and_nyet),
      T(a_pulled_cable_makes_no_packet_too_large),
      T(interrupt_endpoints_know_no_nyet),
      T(flushes_clear_themselves),
      T(nonzero_status_out_is_stalled_on_request),
      T(strangers_get_no_answer),
      T(address_counts_from_the_end_of_the_transfer),
      T(one_mistake_is_one_report),
      T(nak_of_out_does_not_touch_in),
      T(setup_sets_nak_effective),
      T(other_control_endpoints_keep_their_stall),
      T(endpoint_0_has_no_toggle_bits),
      T(size_rewritten_while_enabled_counts_anew),
      T(lost_done_entry_does_not_lock_an_endpoint),
      T(short_packet_closes_the_transfer),
      T(full_transfer_stays_closed_after_cnak),
      T(otepdis_is_for_disabled_control_endpoints),
      T(one_ack_is_one_packet),
      T(toc_comes_once_per_lost_ack),
      T(bus_reset_forgets_the_packet_on_the_wire),
      T(only_the_status_stage_settles_the_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
