// SPDX-License-Identifier: MIT
// OTG model: suspend, resume, remote wake-up, stopped clocks, frames. With the host
// engine at the other end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static const struct bench_setup hs = {
    .config = &otg_hs_config, .host_high_speed = true, .style = &driver_styles[0]};
static const struct bench_setup fs = {
    .config = &otg_fs_config, .host_high_speed = true, .style = &driver_styles[0]};

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

// --- suspend ---------------------------------------------------------------------

static void suspend_and_resume(void **state) {
  (void)state;
  bench_up(&b, &hs);
  for (unsigned i = 1; i < 3; i++) {
    usb_host_suspend(&b.host);
    bench_run(&b, VT_MS(10));
    assert_int_equal(b.driver.suspends, i);
    assert_true(rd(&b, R_GINTSTS) & INT_ESUSP);
    wr(&b, R_GINTSTS, INT_ESUSP);
    assert_true(rd(&b, R_DSTS) & 1);
    assert_int_equal(b.wakeups, i - 1);
    usb_host_resume(&b.host);
    assert_false(rd(&b, R_DSTS) & 1);
    bench_run(&b, VT_MS(31));
    assert_int_equal(b.driver.resumes, i);
    assert_int_equal(b.wakeups, i);
    assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  }
  assert_clean(&b);
}

static void remote_wakeup(void **state) {
  (void)state;
  bench_up(&b, &hs);
  usb_host_suspend(&b.host);
  bench_run(&b, VT_MS(10));
  set(&b, R_DCTL, DCTL_RWUSIG);
  bench_run(&b, VT_MS(5));
  clear(&b, R_DCTL, DCTL_RWUSIG);
  bench_run(&b, VT_MS(30));
  assert_int_equal(b.last_event, USB_HOST_RESUMED);
  assert_int_equal(b.driver.resumes, 0);  // WKUPINT is for the host's resume
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  assert_clean(&b);
}

static void wakeup_signal_has_limits(void **state) {
  (void)state;
  bench_up(&b, &hs);
  set(&b, R_DCTL, DCTL_RWUSIG);
  assert_only(&b, GUEST_USB_PROTOCOL);  // not suspended
  bench_run(&b, VT_MS(2));
  clear(&b, R_DCTL, DCTL_RWUSIG);
  assert_clean(&b);
  static const struct {
    vtime_t held;
    bool fine;
  } cases[] = {
      {VT_US(999), false}, {VT_MS(1), true}, {VT_MS(15), true}, {VT_US(15001), false}};
  for (size_t i = 0; i < 4; i++) {
    usb_host_suspend(&b.host);
    bench_run(&b, VT_MS(10));
    set(&b, R_DCTL, DCTL_RWUSIG);
    bench_run(&b, cases[i].held);
    clear(&b, R_DCTL, DCTL_RWUSIG);
    if (cases[i].fine) {
      assert_clean(&b);
    } else {
      assert_only(&b, GUEST_USB_PROTOCOL);
    }
    bench_run(&b, VT_MS(40));
  }
}

static void stopped_phy_clock(void **state) {
  (void)state;
  bench_up(&b, &hs);
  set(&b, R_PCGCCTL, 1);
  assert_only(&b, GUEST_USB_CONFIG);  // the bus is in use
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), -71);
  clear(&b, R_PCGCCTL, 1);
  usb_host_suspend(&b.host);
  bench_run(&b, VT_MS(10));
  set(&b, R_PCGCCTL, 1);
  assert_clean(&b);
  usb_host_resume(&b.host);
  assert_int_equal(b.wakeups, 1);  // EXTI wakes the CPU
  assert_true(rd(&b, R_GINTSTS) & INT_WKUPINT);
  clear(&b, R_PCGCCTL, 1);
  bench_run(&b, VT_MS(31));
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  assert_clean(&b);
}

// A bus reset gets through, and from then on the core hears, until the next suspend.
static void reset_while_the_phy_clock_is_stopped(void **state) {
  (void)state;
  for (uint32_t bit = 1; bit <= 2; bit++) {  // STPPCLK; GATEHCLK
    bench_up(&b, &hs);
    usb_host_suspend(&b.host);
    bench_run(&b, VT_MS(10));
    set(&b, R_PCGCCTL, bit);
    assert_int_equal(rd(&b, R_PCGCCTL), bit == 1 ? 0x11 : 2);  // PHYSUSP
    usb_host_reset(&b.host, NULL, NULL);
    assert_int_equal(b.wakeups, 1);
    assert_true(rd(&b, R_GINTSTS) & INT_RSTDET);
    assert_true(rd(&b, R_GINTSTS) & INT_USBRST);
    bench_run(&b, VT_MS(60));
    assert_int_equal(b.driver.enumerations, 2);
    assert_int_equal(usb_host_sync_enumerate(&b.sync, 5), 0);
    assert_int_equal(rd(&b, R_PCGCCTL), bit);
    assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
    assert_clean(&b);
    usb_host_suspend(&b.host);
    bench_run(&b, VT_MS(10));
    usb_host_resume(&b.host);
    bench_run(&b, VT_MS(31));
    assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), -71);
    assert_only(&b, GUEST_USB_CONFIG);
    bench_close(&b);
  }
  bench_open(&b, &hs);
}

// As projects of ST's CubeMX do it: the clock is not started again after a resume.
static void resume_without_the_phy_clock_is_deaf(void **state) {
  (void)state;
  bench_up(&b, &hs);
  usb_host_suspend(&b.host);
  bench_run(&b, VT_MS(10));
  set(&b, R_PCGCCTL, 1);
  usb_host_resume(&b.host);
  assert_true(rd(&b, R_GINTSTS) & INT_WKUPINT);
  bench_run(&b, VT_MS(31));
  assert_clean(&b);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), -71);
  assert_int_equal(b.sim.report.guest_errors, 1);  // said once
  assert_only(&b, GUEST_USB_CONFIG);
  clear(&b, R_PCGCCTL, 1);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  assert_clean(&b);
}

// --- frames ----------------------------------------------------------------------

static void frame_number_is_live(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    bench_up(&b, high ? &hs : &fs);
    const uint32_t before = rd(&b, R_DSTS) >> 8 & 0x3FFF;
    bench_run(&b, VT_MS(10));
    const uint32_t after = rd(&b, R_DSTS) >> 8 & 0x3FFF;
    assert_int_equal(after - before, high ? 80 : 10);
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

static void sof_can_be_polled(void **state) {
  (void)state;
  bench_up(&b, &fs);
  unsigned frames = 0;
  wr(&b, R_GINTSTS, INT_SOF);
  for (int i = 0; i < 1000; i++) {
    bench_run(&b, VT_US(20));
    if (!(rd(&b, R_GINTSTS) & INT_SOF)) continue;
    frames++;
    wr(&b, R_GINTSTS, INT_SOF);
    assert_false(rd(&b, R_GINTSTS) & INT_SOF);
  }
  assert_int_equal(frames, 20);
}

static void sof_interrupts_each_frame_when_enabled(void **state) {
  (void)state;
  for (int high = 0; high < 2; high++) {
    bench_up(&b, high ? &hs : &fs);
    b.driver.sofs = 0;
    wr(&b, R_GINTSTS, INT_SOF);
    set(&b, R_GINTMSK, INT_SOF);
    bench_run(&b, VT_MS(20));
    assert_int_equal(b.driver.sofs, high ? 160 : 20);
    clear(&b, R_GINTMSK, INT_SOF);
    bench_run(&b, VT_MS(1));
    const unsigned so_far = b.driver.sofs;
    bench_run(&b, VT_MS(20));
    assert_int_equal(b.driver.sofs, so_far);
    usb_host_suspend(&b.host);
    bench_run(&b, VT_MS(5));
    wr(&b, R_GINTSTS, INT_SOF);
    bench_run(&b, VT_MS(5));
    assert_false(rd(&b, R_GINTSTS) & INT_SOF);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

// --- corners -------------------------------------------------------------------

static void disconnected_core_sees_nothing(void **state) {
  (void)state;
  bench_open(&b, &hs);
  const struct usb_device_port *port = &b.otg.port;
  port->reset_begin(port->ctx);
  port->suspend(port->ctx);
  port->resume(port->ctx);
  assert_int_equal(port->reset_end(port->ctx, true), USB_SPEED_FULL);
  assert_int_equal(rd(&b, R_GINTSTS), 0x04000020);
  assert_int_equal(rd(&b, R_DSTS), 0x10);
  assert_int_equal(b.wakeups, 0);
}

static void resume_without_suspend_is_nothing(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  b.otg.port.resume(b.otg.port.ctx);
  assert_false(rd(&b, R_GINTSTS) & INT_WKUPINT);
  b.otg.port.suspend(b.otg.port.ctx);
  wr(&b, R_GINTSTS, INT_USBSUSP | INT_ESUSP);
  b.otg.port.suspend(b.otg.port.ctx);  // it is suspended already
  assert_false(rd(&b, R_GINTSTS) & INT_USBSUSP);
}

static void stopped_clock_through_a_whole_reset(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  const struct usb_device_port *port = &b.otg.port;
  port->suspend(port->ctx);
  set(&b, R_PCGCCTL, 1);
  wr(&b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  settle(&b);
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);  // needs the clock
  port->reset_begin(port->ctx);
  assert_int_equal(port->reset_end(port->ctx, true), USB_SPEED_HIGH);
  assert_true(rd(&b, R_GINTSTS) & INT_ENUMDNE);
  settle(&b);
  assert_false(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
}

// GINTSTS.EOPF: the periodic part of the frame, 80 % of it by default, is over.
static void end_of_periodic_frame(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  bench_idle(&b, VT_US(200));
  wr(&b, R_GINTSTS, INT_SOF | INT_EOPF);
  bench_idle(&b, VT_MS(1));
  assert_true(rd(&b, R_GINTSTS) & INT_EOPF);  // without an event per frame
  wr(&b, R_GINTSTS, INT_SOF | INT_EOPF);
  assert_false(b.sof_wanted);
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  wr(&b, R_GINTMSK, INT_EOPF);
  assert_true(b.sof_wanted);
  static const uint16_t part[] = {800, 850, 900, 950};
  for (uint32_t i = 0; i < 4; i++) {
    wr(&b, R_DCFG, (rd(&b, R_DCFG) & ~(3u << 11)) | i << 11);
    bench_idle(&b, VT_MS(1));
    wr(&b, R_GINTSTS, INT_SOF | INT_EOPF);
    b.otg.port.sof(b.otg.port.ctx);
    assert_false(b.irq);
    bench_idle(&b, VT_US(part[i] - 1));
    assert_false(b.irq);
    bench_idle(&b, VT_US(1));
    assert_true(b.irq);
    assert_false(b.sof_wanted);
    wr(&b, R_GINTSTS, INT_EOPF);
    assert_false(b.irq);
  }
}

// Each event raises the line by itself, not only at the next register access.
static void events_raise_the_line_at_once(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  const struct usb_device_port *port = &b.otg.port;
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  const uint32_t all = INT_USBRST | INT_ENUMDNE | INT_USBSUSP | INT_WKUPINT |
                       INT_OTGINT | INT_SRQINT | INT_GINAKEFF;
  wr(&b, R_GINTMSK, all);
  assert_false(b.irq);
  port->suspend(port->ctx);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, all);
  assert_false(b.irq);
  port->resume(port->ctx);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, all);
  port->reset_begin(port->ctx);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, all);
  port->reset_end(port->ctx, false);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, all);
  port->vbus(port->ctx, false);
  assert_true(b.irq);
  wr(&b, R_GOTGINT, BIT(2));
  assert_false(b.irq);
  port->vbus(port->ctx, true);
  assert_true(b.irq);
  wr(&b, R_GINTSTS, all);
  b.vbus_wired = false;
  otg_refresh(&b.otg);
  assert_true(b.irq);
  wr(&b, R_GOTGINT, BIT(2));
  set(&b, R_DCTL, DCTL_SGINAK);
  assert_false(b.irq);
  settle(&b);
  assert_true(b.irq);
}

static void wakeup_line_is_a_pulse(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  b.otg.port.suspend(b.otg.port.ctx);
  b.otg.port.resume(b.otg.port.ctx);
  assert_int_equal(b.wakeups, 1);
  assert_false(b.wakeup_level);
}

// The host is asked for SOF only while one would interrupt.
static void sof_is_wanted_under_three_conditions(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  bench_idle(&b, VT_US(200));
  wr(&b, R_GINTSTS, INT_SOF);
  assert_false(b.sof_wanted);
  wr(&b, R_GINTMSK, INT_SOF);
  assert_false(b.sof_wanted);
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  assert_true(b.sof_wanted);
  wr(&b, R_GINTMSK, 0);
  assert_false(b.sof_wanted);
  wr(&b, R_GINTMSK, INT_SOF);
  const unsigned calls = b.sof_wishes;
  rd(&b, R_GRSTCTL);
  assert_int_equal(b.sof_wishes, calls);  // said once
  bench_idle(&b, VT_US(125));
  b.otg.port.sof(b.otg.port.ctx);
  assert_true(b.irq);
  assert_false(b.sof_wanted);  // one is pending
  wr(&b, R_GINTSTS, INT_SOF);
  assert_true(b.sof_wanted);
  b.otg.port.suspend(b.otg.port.ctx);
  assert_false(b.sof_wanted);
}

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(suspend_and_resume),
      T(remote_wakeup),
      T(wakeup_signal_has_limits),
      T(stopped_phy_clock),
      T(reset_while_the_phy_clock_is_stopped),
      T(resume_without_the_phy_clock_is_deaf),
      T(frame_number_is_live),
      T(sof_can_be_polled),
      T(sof_interrupts_each_frame_when_enabled),
      T(disconnected_core_sees_nothing),
      T(resume_without_suspend_is_nothing),
      T(stopped_clock_through_a_whole_reset),
      T(end_of_periodic_frame),
      T(events_raise_the_line_at_once),
      T(wakeup_line_is_a_pulse),
      T(sof_is_wanted_under_three_conditions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
