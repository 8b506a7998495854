// SPDX-License-Identifier: MIT
// OTG model: the FIFOs word by word, without driver and host. Every complaint of
// the model is provoked, and silent when the cause is mended.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

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

// --- receive FIFO ----------------------------------------------------------------

static void setup_entries_come_in_order(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT);
  assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  assert_int_equal(rd(&b, R_DOEPTSIZ(0)) >> 29, 2);
  assert_int_equal(rd(&b, R_GRXSTSR), rd(&b, R_GRXSTSR));  // no pop
  const uint32_t w = rd(&b, R_GRXSTSP);
  assert_int_equal(pktsts(w), PKT_SETUP);
  assert_int_equal(bcnt(w), 8);
  assert_int_equal(w & 15, 0);
  assert_int_equal(rd(&b, R_FIFO(0)), 0x01000680);
  assert_int_equal(rd(&b, R_FIFO(0)), 0x00120000);
  // SETUP done is written when the next stage begins, not before.
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  assert_true(rd(&b, R_GINTSTS) & INT_RXFLVL);
  assert_false(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  assert_int_equal(pktsts(rd(&b, R_GRXSTSP)), PKT_SETUP_DONE);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  assert_clean(&b);
}

static void setup_is_taken_without_epena_and_clears_stall(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  set(&b, R_DIEPCTL(0), EP_STALL);
  set(&b, R_DOEPCTL(0), EP_STALL);
  assert_int_equal(in_token(&b, 0), USB_REPLY_STALL);
  assert_int_equal(out_token(&b, 0, true, 0), USB_REPLY_STALL);
  clear(&b, R_DIEPCTL(0), EP_STALL);  // only a SETUP can
  assert_int_equal(in_token(&b, 0), USB_REPLY_STALL);
  assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  assert_false(rd(&b, R_DIEPCTL(0)) & EP_STALL);
  assert_false(rd(&b, R_DOEPCTL(0)) & EP_STALL);
  assert_true(rd(&b, R_DIEPCTL(0)) & EP_NAKSTS);
  assert_true(rd(&b, R_DOEPCTL(0)) & EP_NAKSTS);
  assert_clean(&b);
}

static void setup_clears_epena(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 64));
  set(&b, R_DOEPCTL(0), EP_EPENA | EP_SNAK);
  setup_token(&b);
  assert_false(rd(&b, R_DOEPCTL(0)) & EP_EPENA);
  in_token(&b, 0);
  pop_packet(&b);
  set(&b, R_DOEPCTL(0), EP_EPENA | EP_CNAK);
  pop_packet(&b);  // SETUP-done
  assert_true(rd(&b, R_DOEPCTL(0)) & EP_EPENA);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  assert_clean(&b);
}

static void fourth_setup_in_a_row_is_b2bstup(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT);
  for (int i = 0; i < 3; i++)
    assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  assert_int_equal(rd(&b, R_DOEPTSIZ(0)) >> 29, 0);
  assert_false(rd(&b, R_DOEPINT(0)) & EPINT_B2BSTUP);
  assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_B2BSTUP);
  // The room for SETUP packets is 13 words: a fifth unread one gets no answer.
  assert_int_equal(setup_token(&b), USB_REPLY_NONE);
  pop_packet(&b);
  assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  in_token(&b, 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pktsts(pop_packet(&b)), PKT_SETUP);
  assert_int_equal(pktsts(pop_packet(&b)), PKT_SETUP_DONE);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void malformed_setup_gets_no_answer(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  uint8_t bytes[16] = {0};
  assert_int_equal(token(&b, USB_PID_SETUP, 0, false, bytes, 7), USB_REPLY_NONE);
  assert_int_equal(token(&b, USB_PID_SETUP, 1, false, bytes, 8), USB_REPLY_NONE);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void out_data_and_done_entries(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  open_bulk(&b, 512);
  arm_out(&b, 1, 2, 1024);
  assert_int_equal(out_token(&b, 1, false, 512), USB_REPLY_ACK);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(1, 512));
  assert_int_equal(out_token(&b, 1, true, 7), USB_REPLY_NYET);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(0, 505));
  assert_true(rd(&b, R_DOEPCTL(1)) & EP_NAKSTS);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_EPENA);
  uint32_t w = rd(&b, R_GRXSTSP);
  assert_int_equal(pktsts(w), PKT_OUT);
  assert_int_equal(bcnt(w), 512);
  assert_int_equal(w >> 15 & 3, 0);
  assert_int_equal(w & 15, 1);
  for (uint32_t i = 0; i < 128; i++) {
    const uint32_t word = rd(&b, R_FIFO(i % 9));  // any window reads the one FIFO
    assert_int_equal(word & 0xFF, pattern(4 * i));
    assert_int_equal(word >> 24, pattern(4 * i + 3));
  }
  w = rd(&b, R_GRXSTSP);
  assert_int_equal(bcnt(w), 7);
  assert_int_equal(w >> 15 & 3, 2);
  rd(&b, R_FIFO(0));
  assert_int_equal(rd(&b, R_FIFO(0)) >> 24, 0);  // the last word is filled with 0
  assert_false(rd(&b, R_DOEPINT(1)) & EPINT_XFRC);
  assert_int_equal(pktsts(rd(&b, R_GRXSTSP)), PKT_OUT_DONE);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_XFRC);
  assert_clean(&b);
}

static void full_transfer_ends_without_a_short_packet(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 2, 128);
  out_token(&b, 1, false, 64);
  out_token(&b, 1, true, 64);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_NAK);
  pop_packet(&b);
  pop_packet(&b);
  assert_int_equal(pktsts(pop_packet(&b)), PKT_OUT_DONE);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), 0);
  assert_clean(&b);
}

static void repeated_out_is_acknowledged_and_dropped(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 4, 256);
  assert_int_equal(out_token(&b, 1, false, 10), USB_REPLY_ACK);
  pop_packet(&b);
  pop_packet(&b);
  arm_out(&b, 1, 4, 256);
  assert_int_equal(out_token(&b, 1, false, 10), USB_REPLY_ACK);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(4, 256));
  assert_int_equal(out_token(&b, 1, true, 10), USB_REPLY_ACK);
  assert_true(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void babble_gets_no_answer(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_out(&b, 1, 4, 256);
  assert_int_equal(out_token(&b, 1, false, 65), USB_REPLY_NONE);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_BERR);
}

// The manual's formula: 13 for SETUP, 1 for the global NAK, 2 per active OUT
// endpoint, 1 status word and the largest packet.
static void receive_fifo_holds_what_the_formula_says(void **state) {
  (void)state;
  static const struct {
    uint32_t size;
    unsigned packets;
  } cases[] = {{18 + 17, 1}, {18 + 33, 1}, {18 + 34, 2}, {18 + 50, 2}, {18 + 51, 3}};
  for (size_t i = 0; i < 5; i++) {
    bench_raw(&b, &fs);
    wr(&b, R_GRXFSIZ, cases[i].size);
    open_bulk(&b, 64);
    arm_out(&b, 1, 8, 512);
    for (unsigned n = 0; n < cases[i].packets; n++) {
      assert_int_equal(out_token(&b, 1, n & 1, 64), USB_REPLY_ACK);
    }
    const bool next = cases[i].packets & 1;
    assert_int_equal(out_token(&b, 1, next, 64), USB_REPLY_NAK);
    // SETUP packets still fit.
    assert_int_equal(setup_token(&b), USB_REPLY_ACK);
    assert_int_equal(b.readies, 0);
    pop_packet(&b);
    assert_int_equal(b.readies, 1);
    assert_int_equal(b.last_ready, 1);
    assert_int_equal(out_token(&b, 1, next, 64), USB_REPLY_ACK);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_raw(&b, &fs);
}

static void too_small_a_receive_fifo_naks_for_ever(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_GRXFSIZ, 18 + 16);
  open_bulk(&b, 64);
  arm_out(&b, 1, 1, 64);
  assert_only(&b, GUEST_USB_FIFO);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_NAK);
  assert_int_equal(out_token(&b, 1, false, 1), USB_REPLY_NAK);
}

static void empty_receive_fifo_reads_zero_and_is_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  assert_int_equal(rd(&b, R_GRXSTSP), 0);
  assert_only(&b, GUEST_USB_FIFO_EMPTY);
  assert_int_equal(rd(&b, R_FIFO(0)), 0);
  assert_only(&b, GUEST_USB_FIFO_EMPTY);
  assert_int_equal(rd(&b, R_GRXSTSR), 0);
  assert_clean(&b);
}

static void packet_must_be_read_before_the_next_status(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  in_token(&b, 0);
  rd(&b, R_GRXSTSP);
  assert_clean(&b);
  assert_int_equal(rd(&b, R_GRXSTSP), 0x01000680);  // data taken for a status
  assert_only(&b, GUEST_USB_PROTOCOL);
  rd(&b, R_FIFO(0));
  assert_clean(&b);
  rd(&b, R_FIFO(0));  // the next word is a status entry, and stays
  assert_only(&b, GUEST_USB_FIFO_EMPTY);
  assert_int_equal(pktsts(rd(&b, R_GRXSTSP)), PKT_SETUP_DONE);
}

// --- transmit FIFOs ----------------------------------------------------------------

static void in_packet_leaves_when_all_of_it_is_there(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  arm_in(&b, 1, 2, 70);
  assert_int_equal(in_token(&b, 1), USB_REPLY_NAK);
  push(&b, 1, 15);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 49);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(2, 70));
  assert_int_equal(in_token(&b, 1), USB_REPLY_NAK);
  assert_int_equal(b.readies, 0);
  push(&b, 1, 1);
  assert_int_equal(b.readies, 1);
  assert_int_equal(b.last_ready, 0x81);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(2, 6));
  push(&b, 1, 2);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(2, 0));
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 64);
  assert_false(b.answer.data1);
  assert_int_equal(b.answer.data[5], 5);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(2, 0));
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 46);
  ack(&b, 1);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(1, 0));
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 62);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 6);
  assert_true(b.answer.data1);
  assert_int_equal(b.answer.data[4], 4);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  ack(&b, 1);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  assert_false(rd(&b, R_DIEPCTL(1)) & EP_EPENA);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  assert_clean(&b);
}

static void unacknowledged_packet_goes_out_again(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 8);
  push(&b, 1, 2);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
    assert_int_equal(b.answer.length, 8);
    assert_false(b.answer.data1);
  }
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_TOC);  // control endpoints only
  ack(&b, 1);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  ack(&b, 1);  // a late one counts nothing
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), 0);
}

static void control_in_timeout_sets_toc(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  in_token(&b, 0);
  arm_in(&b, 0, 1, 8);
  push(&b, 0, 2);
  assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);
  assert_false(rd(&b, R_DIEPINT(0)) & EPINT_TOC);
  assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);
  assert_true(rd(&b, R_DIEPINT(0)) & EPINT_TOC);
  assert_true(b.answer.data1);
}

static void zero_length_packets_need_no_fifo_words(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 0);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 0);
  ack(&b, 1);
  arm_in(&b, 1, 2, 64);  // 64 bytes and an empty packet
  push(&b, 1, 16);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  ack(&b, 1);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 0);
  ack(&b, 1);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  assert_clean(&b);
}

static void endpoint_0_packet_sizes_are_coded(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 4; code++) {
    bench_raw(&b, &fs);
    wr(&b, R_DIEPCTL(0), code);
    assert_int_equal(rd(&b, R_DOEPCTL(0)) & 3, code);
    setup_token(&b);
    in_token(&b, 0);
    arm_in(&b, 0, 2, 64u >> code);  // one full packet and an empty one
    push(&b, 0, 16u >> code);
    assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);
    assert_int_equal(b.answer.length, 64u >> code);
    ack(&b, 0);
    assert_int_equal(in_token(&b, 0), USB_REPLY_DATA);
    assert_int_equal(b.answer.length, 0);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_raw(&b, &fs);
}

static void txfe_follows_the_level(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 4, 256);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  clear(&b, R_GAHBCFG, GAHBCFG_TXFELVL);  // half empty: up to 32 of 64 words
  push(&b, 1, 32);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  push(&b, 1, 1);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  set(&b, R_GAHBCFG, GAHBCFG_TXFELVL);  // quite empty
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  push(&b, 1, 15);
  for (int i = 0; i < 3; i++) {
    assert_false(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
    in_token(&b, 1);
    ack(&b, 1);
  }
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  assert_int_equal(rd(&b, R_DAINT) & BIT(1), 0);
  wr(&b, R_DIEPEMPMSK, BIT(1));
  assert_int_equal(rd(&b, R_DAINT) & BIT(1), BIT(1));
  wr(&b, R_DIEPINT(1), EPINT_TXFE);  // read-only
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_TXFE);
  assert_clean(&b);
}

static void ring_wraps_without_loss(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  for (uint32_t round = 0; round < 20; round++) {
    arm_in(&b, 1, 1, 60);
    for (uint32_t i = 0; i < 15; i++)
      wr(&b, R_FIFO(1), round << 8 | i);
    assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
    for (size_t i = 0; i < 15; i++) {
      uint32_t word;
      memcpy(&word, b.answer.data + 4 * i, 4);
      assert_int_equal(word, round << 8 | i);
    }
    ack(&b, 1);
  }
  assert_clean(&b);
}

static void writing_a_full_fifo_is_an_overrun(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 8, 512);
  push(&b, 1, 64);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 0);
  assert_clean(&b);
  push(&b, 1, 1);
  assert_only(&b, GUEST_USB_FIFO_OVERRUN);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(8, 256));  // it was not taken
}

static void writing_more_than_announced_is_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 5);
  push(&b, 1, 2);
  assert_clean(&b);
  push(&b, 1, 1);
  assert_only(&b, GUEST_USB_PROTOCOL);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 62);
}

static void writing_a_disabled_endpoint_leaves_words_behind(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  push(&b, 1, 1);
  assert_only(&b, GUEST_USB_PROTOCOL);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 63);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 1u << 6);
  settle(&b);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  assert_clean(&b);
}

static void itxfe_and_nak_flags(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  in_token(&b, 1);
  assert_false(rd(&b, R_DIEPINT(1)) & EPINT_ITTXFE);  // NAK was set
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_NAK);
  arm_in(&b, 1, 1, 4);
  in_token(&b, 1);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_ITTXFE);
  setup_token(&b);
  in_token(&b, 0);
  pop_packet(&b);
  pop_packet(&b);
  out_token(&b, 0, true, 4);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_OTEPDIS);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_NAK);
  wr(&b, R_DOEPINT(0), 0xFB7F);
  wr(&b, R_DIEPINT(1), 0xFB7F);
  assert_int_equal(rd(&b, R_DOEPINT(0)), 0);
  assert_int_equal(rd(&b, R_DIEPINT(1)), EPINT_TXFE);
  assert_clean(&b);
}

// --- corners -------------------------------------------------------------------

static void done_entries_carry_no_length(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  set(&b, R_DOEPCTL(1), EP_SD1PID);
  arm_out(&b, 1, 1, 64);
  out_token(&b, 1, true, 64);
  pop_packet(&b);
  assert_int_equal(rd(&b, R_GRXSTSP), PKT_OUT_DONE << 17 | 1);
  setup_token(&b);
  in_token(&b, 0);
  pop_packet(&b);
  assert_int_equal(rd(&b, R_GRXSTSP), PKT_SETUP_DONE << 17);
}

static void setup_needs_three_words(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_GRXFSIZ, 2);
  assert_int_equal(setup_token(&b), USB_REPLY_NONE);
  wr(&b, R_GRXFSIZ, 3);
  assert_int_equal(setup_token(&b), USB_REPLY_ACK);
  assert_clean(&b);
  in_token(&b, 0);  // no word left for SETUP done
  assert_only(&b, GUEST_USB_FIFO);
  pop_packet(&b);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void flush_while_a_packet_is_on_the_wire(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 16);
  in_token(&b, 1);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 1u << 6);
  settle(&b);
  ack(&b, 1);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  arm_in(&b, 1, 1, 4);
  push(&b, 1, 1);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.data[3], 3);
  assert_clean(&b);
}

static void overrun_leaves_the_content_alone(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 8, 512);
  push(&b, 1, 64);
  wr(&b, R_FIFO(1), 0xBADBAD);
  assert_only(&b, GUEST_USB_FIFO_OVERRUN);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 0);
  in_token(&b, 1);
  assert_int_equal(b.answer.data[0], 0);
  assert_int_equal(b.answer.data[63], 63);
  ack(&b, 1);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 16);
}

static void half_written_packet_is_forgotten_at_enable(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 3);
  set(&b, R_DIEPCTL(1), EP_SNAK);
  settle(&b);
  set(&b, R_DIEPCTL(1), EP_EPDIS);
  settle(&b);
  wr(&b, R_GRSTCTL, GRSTCTL_TXFFLSH | 1u << 6);
  settle(&b);
  arm_in(&b, 1, 1, 16);
  push(&b, 1, 3);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(1, 16));
  push(&b, 1, 1);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(1, 0));
  assert_clean(&b);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(setup_entries_come_in_order),
      T(setup_is_taken_without_epena_and_clears_stall),
      T(setup_clears_epena),
      T(fourth_setup_in_a_row_is_b2bstup),
      T(malformed_setup_gets_no_answer),
      T(out_data_and_done_entries),
      T(full_transfer_ends_without_a_short_packet),
      T(repeated_out_is_acknowledged_and_dropped),
      T(babble_gets_no_answer),
      T(receive_fifo_holds_what_the_formula_says),
      T(too_small_a_receive_fifo_naks_for_ever),
      T(empty_receive_fifo_reads_zero_and_is_reported),
      T(packet_must_be_read_before_the_next_status),
      T(in_packet_leaves_when_all_of_it_is_there),
      T(unacknowledged_packet_goes_out_again),
      T(control_in_timeout_sets_toc),
      T(zero_length_packets_need_no_fifo_words),
      T(endpoint_0_packet_sizes_are_coded),
      T(txfe_follows_the_level),
      T(ring_wraps_without_loss),
      T(writing_a_full_fifo_is_an_overrun),
      T(writing_more_than_announced_is_reported),
      T(writing_a_disabled_endpoint_leaves_words_behind),
      T(itxfe_and_nak_flags),
      T(done_entries_carry_no_length),
      T(setup_needs_three_words),
      T(flush_while_a_packet_is_on_the_wire),
      T(overrun_leaves_the_content_alone),
      T(half_written_packet_is_forgotten_at_enable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
