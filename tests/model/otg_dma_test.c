// SPDX-License-Identifier: MIT
// OTG_HS with its DMA, token by token: where data go, when they are fetched, addresses
// that advance, SETUP packets in a row, what is out of reach. (Transfers with a driver
// are in otg_control and otg_bulk, whose styles include DMA.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

#define AT(offset) (DMA_MEMORY + (uint32_t)(offset))

static void start(void) {
  const struct bench_setup setup = {.config = &otg_hs_config, .host_high_speed = true};
  bench_raw(&b, &setup);
  set(&b, R_GAHBCFG, GAHBCFG_DMAEN);
}

static void await_setup(uint32_t address) {
  wr(&b, R_DOEPTSIZ(0), TSIZ_STUPCNT | TSIZ(1, 24));
  wr(&b, R_DOEPDMA(0), address);
  set(&b, R_DOEPCTL(0), EP_EPENA);
}

// --- SETUP -----------------------------------------------------------------------

static enum usb_reply setup_with(uint8_t request) {
  const uint8_t bytes[8] = {0x80, request, 0, 1, 0, 0, 18, 0};
  return token(&b, USB_PID_SETUP, 0, false, bytes, 8);
}

static void setup_lands_in_memory(void **state) {
  (void)state;
  start();
  await_setup(AT(0x100));
  assert_int_equal(setup_with(6), USB_REPLY_ACK);
  assert_memory_equal(b.memory + 0x100, "\x80\6\0\1\0\0\22\0", 8);
  assert_int_equal(rd(&b, R_DOEPDMA(0)), AT(0x108));
  assert_int_equal(rd(&b, R_DOEPTSIZ(0)) >> 29, 2);
  assert_int_equal(rd(&b, R_DOEPINT(0)) & (EPINT_STPKTRX | EPINT_STUP | EPINT_XFRC),
                   EPINT_STPKTRX);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  in_token(&b, 0);  // the data stage begins
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  assert_false(rd(&b, R_DOEPCTL(0)) & EP_EPENA);
  assert_clean(&b);
}

static void setups_in_a_row_follow_each_other(void **state) {
  (void)state;
  start();
  await_setup(AT(0));
  for (uint8_t i = 0; i < 3; i++)
    assert_int_equal(setup_with((uint8_t)(10 + i)), USB_REPLY_ACK);
  for (uint32_t i = 0; i < 3; i++)
    assert_int_equal(b.memory[8 * i + 1], 10 + i);
  assert_int_equal(rd(&b, R_DOEPDMA(0)), AT(24));
  assert_int_equal(rd(&b, R_DOEPTSIZ(0)) >> 29, 0);
  assert_clean(&b);
}

static void setup_waits_for_an_enabled_endpoint(void **state) {
  (void)state;
  start();
  wr(&b, R_DOEPDMA(0), AT(0x200));
  assert_int_equal(setup_with(6), USB_REPLY_ACK);
  assert_int_equal(b.memory[0x200], 0);
  await_setup(AT(0x300));
  assert_int_equal(b.memory[0x300], 0x80);
  in_token(&b, 0);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_STUP);
  assert_clean(&b);
}

// ST's stack enables endpoint 0 for SETUPs, and arms a stage by size and CNAK alone.
static void a_stage_is_armed_over_an_enabled_endpoint(void **state) {
  (void)state;
  start();
  await_setup(AT(0));
  setup_with(6);
  in_token(&b, 0);
  await_setup(AT(0));
  wr(&b, R_DOEPTSIZ(0), TSIZ(1, 64));
  set(&b, R_DOEPCTL(0), EP_CNAK | EP_EPENA);
  assert_int_equal(out_token(&b, 0, true, 0), USB_REPLY_ACK);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_XFRC);
  assert_false(rd(&b, R_DOEPCTL(0)) & EP_EPENA);
  assert_clean(&b);
}

static void status_stage_of_a_write_is_told(void **state) {
  (void)state;
  static const uint8_t store[8] = {0x40, REQ_STORE, 0, 0, 0, 0, 10, 0};
  start();
  await_setup(AT(0));
  token(&b, USB_PID_SETUP, 0, false, store, 8);
  token(&b, USB_PID_PING, 0, false, NULL, 0);
  wr(&b, R_DOEPDMA(0), AT(0x40));
  arm_out(&b, 0, 1, 64);
  assert_int_equal(out_token(&b, 0, true, 10), USB_REPLY_NYET);
  for (uint32_t i = 0; i < 10; i++)
    assert_int_equal(b.memory[0x40 + i], pattern(i));
  assert_int_equal(b.memory[0x4A], 0);
  in_token(&b, 0);
  assert_false(rd(&b, R_DOEPINT(0)) & EPINT_OTEPSPR);  // XFRC comes first
  wr(&b, R_DOEPINT(0), EPINT_XFRC);
  in_token(&b, 0);
  assert_true(rd(&b, R_DOEPINT(0)) & EPINT_OTEPSPR);
  assert_clean(&b);
}

// --- bulk ------------------------------------------------------------------------

static void packets_of_a_transfer_follow_each_other(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  wr(&b, R_DOEPDMA(1), AT(0x400));
  arm_out(&b, 1, 3, 1536);
  assert_int_equal(out_token(&b, 1, false, 512), USB_REPLY_ACK);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(2, 1024));
  assert_int_equal(rd(&b, R_DOEPDMA(1)), AT(0x600));
  assert_false(rd(&b, R_DOEPINT(1)) & EPINT_XFRC);
  assert_int_equal(out_token(&b, 1, true, 30), USB_REPLY_NYET);  // short: the end
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_XFRC);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_EPENA);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)), TSIZ(1, 1024 - 30));
  for (uint32_t i = 0; i < 30; i++)
    assert_int_equal(b.memory[0x600 + i], pattern(i));
  assert_int_equal(b.memory[0x600 + 30], 0);
  assert_clean(&b);
}

static void data_are_fetched_at_once_as_far_as_they_fit(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);  // FIFO 1 has 256 words: two packets
  for (uint32_t i = 0; i < 1300; i++)
    b.memory[i] = pattern(i);
  wr(&b, R_DIEPDMA(1), AT(0));
  arm_in(&b, 1, 3, 1300);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 0);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), TSIZ(3, 1300 - 1024));
  assert_int_equal(rd(&b, R_DIEPDMA(1)), AT(1024));
  memset(b.memory, 0xEE, 1024);  // too late for these
  for (uint32_t packet = 0; packet < 3; packet++) {
    assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
    assert_int_equal(b.answer.length, packet < 2 ? 512 : 276);
    for (uint32_t i = 0; i < b.answer.length; i++)
      assert_int_equal(b.answer.data[i], pattern(512 * packet + i));
    ack(&b, 1);
  }
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);
  assert_int_equal(rd(&b, R_DIEPTSIZ(1)), 0);
  assert_clean(&b);
}

static void a_lost_packet_is_not_fetched_again(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  b.memory[0] = 0x5A;
  wr(&b, R_DIEPDMA(1), AT(0));
  arm_in(&b, 1, 1, 4);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  b.memory[0] = 0;
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.data[0], 0x5A);
  assert_clean(&b);
}

static void global_out_nak_needs_no_pop(void **state) {
  (void)state;
  start();
  set(&b, R_DCTL, DCTL_SGONAK);
  assert_true(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  set(&b, R_DCTL, DCTL_CGONAK);
  assert_false(rd(&b, R_GINTSTS) & INT_GONAKEFF);
  assert_clean(&b);
}

// --- mistakes --------------------------------------------------------------------

static void addresses_are_whole_words(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  wr(&b, R_DIEPDMA(1), AT(2));
  arm_in(&b, 1, 1, 4);
  assert_only(&b, GUEST_DMA_ALIGN);
  wr(&b, R_DOEPDMA(1), AT(1));
  arm_out(&b, 1, 1, 512);
  assert_only(&b, GUEST_DMA_ALIGN);
}

static void an_empty_packet_needs_no_address(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  wr(&b, R_DIEPDMA(1), 3);
  arm_in(&b, 1, 1, 0);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 0);
  assert_clean(&b);
}

static void memory_out_of_reach_is_an_ahb_error(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  wr(&b, R_DIEPDMA(1), 0x00000000);
  arm_in(&b, 1, 1, 4);
  assert_true(rd(&b, R_DIEPINT(1)) & EPINT_AHBERR);
  wr(&b, R_DOEPDMA(1), 0x00000000);
  arm_out(&b, 1, 1, 512);
  out_token(&b, 1, false, 8);
  assert_true(rd(&b, R_DOEPINT(1)) & EPINT_AHBERR);
}

static void fifos_are_not_the_applications(void **state) {
  (void)state;
  start();
  open_bulk(&b, 512);
  wr(&b, R_DIEPDMA(1), AT(0));
  arm_in(&b, 1, 1, 4);
  push(&b, 1, 1);
  assert_only(&b, GUEST_USB_PROTOCOL);
}

static void otg_fs_has_no_dma(void **state) {
  (void)state;
  const struct bench_setup setup = {.config = &otg_fs_config};
  bench_raw(&b, &setup);
  set(&b, R_GAHBCFG, GAHBCFG_DMAEN);
  assert_only(&b, GUEST_USB_CONFIG);
  assert_int_equal(setup_with(6), USB_REPLY_ACK);
  assert_int_equal(pktsts(pop_packet(&b)), PKT_SETUP);  // through the FIFO
  rd(&b, R_DIEPDMA(0));
  assert_only(&b, GUEST_BAD_REGISTER);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(setup_lands_in_memory),
      T(setups_in_a_row_follow_each_other),
      T(setup_waits_for_an_enabled_endpoint),
      T(a_stage_is_armed_over_an_enabled_endpoint),
      T(status_stage_of_a_write_is_told),
      T(packets_of_a_transfer_follow_each_other),
      T(data_are_fetched_at_once_as_far_as_they_fit),
      T(a_lost_packet_is_not_fetched_again),
      T(global_out_nak_needs_no_pop),
      T(addresses_are_whole_words),
      T(an_empty_packet_needs_no_address),
      T(memory_out_of_reach_is_an_ahb_error),
      T(fifos_are_not_the_applications),
      T(otg_fs_has_no_dma),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
