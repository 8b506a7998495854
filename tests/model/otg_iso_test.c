// SPDX-License-Identifier: MIT
// Isochronous endpoints, token by token, at both speeds: frames of one parity, no
// handshake, what a frame leaves undone (RM0410 41.16).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

#define EP_ISO           (1u << 18)
#define EP_EVEN          BIT(28)  // SEVNFRM
#define EP_ODD           BIT(29)  // SODDFRM
#define INT_ISOODRP      BIT(14)
#define INT_IISOIXFR     BIT(20)
#define INT_INCOMPISOOUT BIT(21)

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static void start(bool high) {
  const struct bench_setup setup = {.config = high ? &otg_hs_config : &otg_fs_config,
                                    .host_high_speed = true};
  bench_raw(&b, &setup);
  wr(&b, R_DIEPCTL(1), EP_USBAEP | EP_ISO | EP_TXFNUM(1) | 64);
  wr(&b, R_DOEPCTL(1), EP_USBAEP | EP_ISO | 64);
}

// The beginning of the next frame of this parity; the core hears of it.
static void next_frame(bool high, bool odd) {
  const vtime_t length = high ? VT_US(125) : VT_MS(1);
  do {
    const vtime_t now = b.sim.events.now;
    bench_idle(&b, length - now % length);
    if (b.sof_wanted) b.otg.port.sof(b.otg.port.ctx);
  } while ((b.sim.events.now / length & 1) != odd);
}

static void in_in_the_right_frame(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    for (int odd = 0; odd < 2; odd++) {
      start(high);
      next_frame(high, !odd);
      wr(&b, R_DIEPTSIZ(1), BIT(29) | TSIZ(1, 16));
      set(&b, R_DIEPCTL(1), EP_CNAK | EP_EPENA | (odd ? EP_ODD : EP_EVEN));
      assert_int_equal(rd(&b, R_DIEPCTL(1)) >> 16 & 1, odd);
      push(&b, 1, 4);
      assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);  // not its frame
      assert_int_equal(b.answer.length, 0);
      next_frame(high, odd);
      assert_int_equal(in_token(&b, 1), USB_REPLY_DATA);
      assert_int_equal(b.answer.length, 16);
      assert_int_equal(b.answer.data[5], 5);
      assert_true(rd(&b, R_DIEPINT(1)) & EPINT_XFRC);  // without any ACK
      assert_false(rd(&b, R_DIEPCTL(1)) & EP_EPENA);
      next_frame(high, !odd);
      assert_false(rd(&b, R_GINTSTS) & INT_IISOIXFR);
      assert_clean(&b);
      bench_close(&b);
    }
  }
  start(true);
}

static void in_that_nobody_asked_for(void **state) {
  (void)state;
  start(true);
  next_frame(true, true);
  wr(&b, R_DIEPTSIZ(1), BIT(29) | TSIZ(1, 16));
  set(&b, R_DIEPCTL(1), EP_CNAK | EP_EPENA | EP_EVEN);
  push(&b, 1, 4);
  assert_true(b.sof_wanted);
  next_frame(true, false);
  assert_false(rd(&b, R_GINTSTS) & INT_IISOIXFR);  // its frame has only begun
  next_frame(true, true);
  assert_true(rd(&b, R_GINTSTS) & INT_IISOIXFR);
  wr(&b, R_GINTSTS, INT_IISOIXFR);
  assert_false(rd(&b, R_GINTSTS) & INT_IISOIXFR);
  assert_true(rd(&b, R_DIEPCTL(1)) & EP_EPENA);  // the application disables it
  assert_clean(&b);
}

static void out_in_the_right_frame(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    start(high);
    next_frame(high, true);
    wr(&b, R_DOEPTSIZ(1), TSIZ(1, 64));
    set(&b, R_DOEPCTL(1), EP_CNAK | EP_EPENA | EP_EVEN);
    assert_int_equal(out_token(&b, 1, false, 20), USB_REPLY_NONE);
    assert_false(rd(&b, R_GINTSTS) & INT_RXFLVL);  // dropped
    next_frame(high, false);
    assert_int_equal(out_token(&b, 1, false, 20), USB_REPLY_NONE);
    const uint32_t word = pop_packet(&b);
    assert_int_equal(pktsts(word), PKT_OUT);
    assert_int_equal(bcnt(word), 20);
    assert_int_equal(pktsts(pop_packet(&b)), PKT_OUT_DONE);
    assert_true(rd(&b, R_DOEPINT(1)) & EPINT_XFRC);
    next_frame(high, true);
    assert_false(rd(&b, R_GINTSTS) & INT_INCOMPISOOUT);
    assert_clean(&b);
    bench_close(&b);
  }
  start(true);
}

static void out_that_never_came(void **state) {
  (void)state;
  start(false);
  next_frame(false, false);
  wr(&b, R_DOEPTSIZ(1), TSIZ(1, 64));
  set(&b, R_DOEPCTL(1), EP_CNAK | EP_EPENA | EP_ODD);
  next_frame(false, true);
  assert_false(rd(&b, R_GINTSTS) & INT_INCOMPISOOUT);
  next_frame(false, false);
  assert_true(rd(&b, R_GINTSTS) & INT_INCOMPISOOUT);
  assert_false(rd(&b, R_GINTSTS) & INT_IISOIXFR);
  assert_clean(&b);
}

static void a_full_fifo_drops_packets(void **state) {
  (void)state;
  start(false);
  wr(&b, R_GRXFSIZ, 18 + 20);  // one packet of 64 bytes, hardly more
  next_frame(false, false);
  wr(&b, R_DOEPTSIZ(1), TSIZ(4, 256));
  set(&b, R_DOEPCTL(1), EP_CNAK | EP_EPENA | EP_EVEN);
  out_token(&b, 1, false, 64);
  assert_false(rd(&b, R_GINTSTS) & INT_ISOODRP);
  out_token(&b, 1, false, 64);
  assert_true(rd(&b, R_GINTSTS) & INT_ISOODRP);
  assert_int_equal(rd(&b, R_DOEPTSIZ(1)) & 0x1FFFFFFF, TSIZ(3, 192));
  assert_clean(&b);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(in_in_the_right_frame), T(in_that_nobody_asked_for),  T(out_in_the_right_frame),
      T(out_that_never_came),   T(a_full_fifo_drops_packets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
