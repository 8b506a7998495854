// SPDX-License-Identifier: MIT
// OTG model: where the FIFOs lie and how large they are. Every mistake is reported,
// and the limits themselves are not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static const struct bench_setup fs = {.config = &otg_fs_config};

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

// --- FIFO sizes ----------------------------------------------------------------------

static void fifo_mistakes_are_reported(void **state) {
  (void)state;
  static const struct {
    uint32_t txf1;
    enum guest_error error;
  } cases[] = {
      {0u << 16 | 160, GUEST_USB_EP_NO_FIFO},  // no depth
      {15u << 16 | 160, GUEST_USB_FIFO},       // less than a packet
      {64u << 16 | 100, GUEST_USB_FIFO},       // inside the receive FIFO
      {64u << 16 | 257, GUEST_USB_FIFO},       // one word beyond the RAM
      {64u << 16 | 159, GUEST_USB_FIFO},       // the last word of FIFO 0
  };
  for (size_t i = 0; i < 5; i++) {
    bench_raw(&b, &fs);  // receive 0..127, FIFO 0 at 128..159, RAM ends at 320
    open_bulk(&b, 64);
    wr(&b, R_DIEPTXF1, cases[i].txf1);
    assert_clean(&b);
    arm_in(&b, 1, 1, 64);
    assert_only(&b, cases[i].error);
    bench_close(&b);
  }
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPTXF1, 64u << 16 | 256);  // exactly to the end
  arm_in(&b, 1, 1, 64);
  assert_clean(&b);
}

static void shared_fifo_number_is_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_DIEPCTL(1), EP_USBAEP | EP_BULK | EP_TXFNUM(0) | 64);
  arm_in(&b, 1, 1, 64);
  assert_only(&b, GUEST_USB_FIFO);
}

static void receive_fifo_larger_than_the_ram_is_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_GRXFSIZ, 321);
  arm_out(&b, 1, 1, 64);
  assert_only(&b, GUEST_USB_FIFO);
}

static void overlapping_fifos_overwrite_each_other(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPTXF1, 64u << 16 | 0);  // right over the receive FIFO
  arm_in(&b, 1, 1, 4);
  report_clear(&b.sim.report);
  setup_token(&b);
  wr(&b, R_FIFO(1), 0xDEADBEEF);
  assert_int_equal(rd(&b, R_GRXSTSR), 0xDEADBEEF);
}

static void resizing_a_fifo_with_content_is_reported(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  wr(&b, R_GRXFSIZ, 120);
  assert_only(&b, GUEST_USB_FIFO);
  assert_int_equal(pktsts(pop_packet(&b)), PKT_SETUP);  // what does not wrap survives
  open_bulk(&b, 64);
  arm_in(&b, 1, 1, 64);
  push(&b, 1, 16);
  wr(&b, R_DIEPTXF1, 64u << 16 | 200);
  assert_only(&b, GUEST_USB_FIFO);
  assert_int_equal(rd(&b, R_DTXFSTS(1)), 64);
  wr(&b, R_DIEPTXF1, 64u << 16 | 160);  // empty: no matter
  assert_clean(&b);
}

static void debug_window_shows_the_ram(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  assert_int_equal(rd(&b, 0x20004), 0x01000680);
  wr(&b, 0x20004, 0x12345678);
  pop_packet(&b);
  assert_clean(&b);
  rd(&b, 0x20000 + 4 * 320);
  assert_only(&b, GUEST_BAD_REGISTER);
  wr(&b, R_FIFO(6), 0);  // OTG_FS has 6 endpoints
  assert_only(&b, GUEST_BAD_REGISTER);
}

// Room is kept for active OUT endpoints; IN endpoints need none.
static void in_endpoints_take_no_receive_room(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, R_GRXFSIZ, 18 + 17);
  open_bulk(&b, 64);
  for (uint32_t n = 2; n < 6; n++) {
    wr(&b, R_DIEPCTL(n), EP_USBAEP | EP_BULK | EP_TXFNUM(n) | 64);
  }
  arm_out(&b, 1, 1, 64);
  assert_clean(&b);
  assert_int_equal(out_token(&b, 1, false, 64), USB_REPLY_ACK);
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_GRXFSIZ, 18 + 17);
  open_bulk(&b, 64);
  wr(&b, R_DOEPCTL(2), EP_USBAEP | EP_BULK | 64);
  arm_out(&b, 1, 1, 64);
  assert_only(&b, GUEST_USB_FIFO);
}

static void debug_window_reaches_both_ends(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  wr(&b, 0x20000, 0x11111111);
  wr(&b, 0x20000 + 4 * 319, 0x22222222);
  assert_int_equal(rd(&b, 0x20000), 0x11111111);
  assert_int_equal(rd(&b, 0x20000 + 4 * 319), 0x22222222);
  setup_token(&b);
  wr(&b, 0x20008, 0x33333333);
  rd(&b, R_GRXSTSP);
  rd(&b, R_FIFO(15));  // the last window reads the FIFO, too
  assert_int_equal(rd(&b, R_FIFO(0)), 0x33333333);
  assert_clean(&b);
}

static void resize_keeps_what_does_not_wrap(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  setup_token(&b);
  wr(&b, R_GRXFSIZ, 128);  // as it was: no change
  assert_clean(&b);
  wr(&b, R_GRXFSIZ, 3);  // exactly what is in it
  assert_only(&b, GUEST_USB_FIFO);
  assert_true(rd(&b, R_GINTSTS) & INT_RXFLVL);
  wr(&b, R_GRXFSIZ, 2);  // does not fit any more
  assert_only(&b, GUEST_USB_FIFO);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_GRXFSIZ, 4);
  setup_token(&b);
  pop_packet(&b);
  setup_token(&b);  // words 3, 0, 1: it wraps
  wr(&b, R_GRXFSIZ, 100);
  assert_only(&b, GUEST_USB_FIFO);
  assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);
}

static void read_pointer_follows_a_resize_of_an_empty_fifo(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  for (int i = 0; i < 10; i++) {
    setup_token(&b);
    pop_packet(&b);
  }
  wr(&b, R_GRXFSIZ, 16);  // the pointer stood at 30
  assert_clean(&b);
  setup_token(&b);
  rd(&b, R_GRXSTSP);
  assert_int_equal(rd(&b, R_FIFO(0)), 0x01000680);
}

static void fifo_sizes_at_their_limits_are_fine(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPTXF1, 16u << 16 | 160);  // one packet exactly
  arm_in(&b, 1, 1, 64);
  assert_clean(&b);
  bench_close(&b);
  bench_raw(&b, &fs);
  open_bulk(&b, 8);
  wr(&b, R_DIEPTXF1, 2u << 16 | 160);  // below the manual's minimum
  arm_in(&b, 1, 1, 8);
  push(&b, 1, 2);
  assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
  assert_int_equal(b.answer.length, 8);
  assert_clean(&b);
  bench_close(&b);
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_GRXFSIZ, 320);  // all of the RAM
  arm_out(&b, 1, 1, 64);
  assert_clean(&b);
}

// Only the FIFOs of active IN endpoints count as neighbours.
static void inactive_endpoints_have_no_fifo_to_overlap(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPTXF1 + 4, 64u << 16 | 192);  // FIFO 2 in FIFO 1 (160..223)
  wr(&b, R_DIEPCTL(2), EP_BULK | EP_TXFNUM(2) | 64);
  wr(&b, R_DOEPCTL(2), EP_USBAEP | EP_BULK | 64);
  arm_in(&b, 1, 1, 64);
  assert_clean(&b);
  wr(&b, R_DIEPCTL(2), EP_USBAEP | EP_BULK | EP_TXFNUM(2) | 64);
  arm_in(&b, 2, 1, 64);
  assert_only(&b, GUEST_USB_FIFO);
}

static void reports_name_the_register(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  wr(&b, R_DIEPTXF1, 160);
  arm_in(&b, 1, 1, 64);
  assert_int_equal(b.sim.report.entries->addr, 0x50000000 + R_DIEPCTL(1));
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_DIEPCTL(1), EP_USBAEP | EP_BULK | EP_TXFNUM(0) | 64);
  arm_in(&b, 1, 1, 64);
  assert_int_equal(b.sim.report.entries->addr, 0x50000000 + R_DIEPCTL(1));
  bench_close(&b);
  bench_raw(&b, &fs);
  open_bulk(&b, 64);
  arm_in(&b, 1, 0, 64);
  assert_int_equal(b.sim.report.entries->addr, 0x50000000 + R_DIEPTSIZ(1));
  bench_close(&b);
  bench_raw(&b, &fs);
  wr(&b, R_DOEPCTL(1), EP_BULK | 64);
  arm_out(&b, 1, 1, 64);
  assert_int_equal(b.sim.report.entries->addr, 0x50000000 + R_DOEPCTL(1));
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(fifo_mistakes_are_reported),
      T(shared_fifo_number_is_reported),
      T(receive_fifo_larger_than_the_ram_is_reported),
      T(overlapping_fifos_overwrite_each_other),
      T(resizing_a_fifo_with_content_is_reported),
      T(debug_window_shows_the_ram),
      T(in_endpoints_take_no_receive_room),
      T(debug_window_reaches_both_ends),
      T(resize_keeps_what_does_not_wrap),
      T(read_pointer_follows_a_resize_of_an_empty_fifo),
      T(fifo_sizes_at_their_limits_are_fine),
      T(inactive_endpoints_have_no_fifo_to_overlap),
      T(reports_name_the_register),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
