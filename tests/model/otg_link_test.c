// SPDX-License-Identifier: MIT
// OTG model: core reset, PHY and clocks, VBUS, connect, speed, suspend, resume,
// remote wake-up, modes, SOF. With the host engine at the other end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/model/otg_bench.h"

static const struct bench_setup hs = {
    .config = &otg_hs_config, .host_high_speed = true, .style = &driver_styles[0]};
static const struct bench_setup fs_on_hs = {.config = &otg_hs_config,
                                            .host_high_speed = true,
                                            .dspd = 1,
                                            .style = &driver_styles[0]};
static const struct bench_setup internal = {.config = &otg_hs_config,
                                            .host_high_speed = true,
                                            .internal_phy = true,
                                            .style = &driver_styles[0]};
static const struct bench_setup fs = {
    .config = &otg_fs_config, .host_high_speed = true, .style = &driver_styles[0]};
static const struct bench_setup fs_host = {.config = &otg_hs_config,
                                           .style = &driver_styles[0]};

static struct bench b;

static int close_bench(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

// --- core reset ------------------------------------------------------------------

static void core_reset_needs_the_phy_clock(void **state) {
  (void)state;
  bench_open(&b, &hs);
  b.ulpi_hz = 0;
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  assert_only(&b, GUEST_USB_CLOCK);
  bench_idle(&b, VT_S(1));
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_CSRST);
  assert_false(rd(&b, R_GRSTCTL) & GRSTCTL_AHBIDL);
  b.ulpi_hz = 60000000;
  otg_refresh(&b.otg);
  bench_idle(&b, VT_US(1));
  assert_int_equal(rd(&b, R_GRSTCTL), GRSTCTL_AHBIDL);
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_CSRST);
  bench_idle(&b, VT_US(1));
  assert_int_equal(rd(&b, R_GRSTCTL), GRSTCTL_AHBIDL);
  assert_clean(&b);
}

static void internal_phy_needs_the_48_mhz_clock(void **state) {
  (void)state;
  bench_open(&b, &fs);
  b.clock_48m = 0;
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  assert_only(&b, GUEST_USB_CLOCK);
  bench_idle(&b, VT_MS(1));
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_CSRST);
  b.clock_48m = 48000000;
  wr(&b, R_GCCFG, GCCFG_PWRDWN);  // any write lets it go on
  bench_idle(&b, VT_US(1));
  assert_false(rd(&b, R_GRSTCTL) & GRSTCTL_CSRST);
}

static void core_reset_keeps_phy_mode_and_disconnect(void **state) {
  (void)state;
  bench_open(&b, &hs);
  set(&b, R_GUSBCFG, GUSBCFG_PHYSEL | GUSBCFG_FDMOD | 7);
  wr(&b, R_GCCFG, GCCFG_PWRDWN);
  set(&b, R_DCFG, 3 | 9u << 4);
  wr(&b, R_CID, 0xCAFE);
  wr(&b, R_GINTMSK, INT_USBRST);
  wr(&b, R_GRXFSIZ, 100);
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  bench_idle(&b, VT_US(1));
  assert_int_equal(rd(&b, R_GUSBCFG), 0x1400 | GUSBCFG_PHYSEL | GUSBCFG_FDMOD);
  assert_int_equal(rd(&b, R_GCCFG), GCCFG_PWRDWN);
  assert_int_equal(rd(&b, R_DCFG) & 0x7F3, 3);
  assert_int_equal(rd(&b, R_CID), 0xCAFE);
  assert_int_equal(rd(&b, R_DCTL), DCTL_SDIS);
  assert_int_equal(rd(&b, R_GINTMSK), 0);
  assert_int_equal(rd(&b, R_GRXFSIZ), 0x200);
}

// --- mode ------------------------------------------------------------------------

static void forcing_device_mode_takes_25_ms(void **state) {
  (void)state;
  bench_open(&b, &hs);
  b.id_high = false;  // an A-plug: the core starts as a host
  otg_system_reset(&b.otg);
  assert_true(rd(&b, R_GINTSTS) & 1);
  assert_int_equal(rd(&b, R_DSTS), 0);
  assert_only(&b, GUEST_USB_CONFIG);  // a device register in host mode
  assert_true(rd(&b, R_GINTSTS) & INT_MMIS);
  set(&b, R_GUSBCFG, GUSBCFG_FDMOD);
  bench_idle(&b, VT_MS(25) - 1);
  assert_true(rd(&b, R_GINTSTS) & 1);
  bench_idle(&b, 1);
  assert_false(rd(&b, R_GINTSTS) & 1);
  assert_int_equal(rd(&b, R_DSTS), 0x10);
  assert_clean(&b);
}

static void host_mode_is_unimplemented(void **state) {
  (void)state;
  bench_open(&b, &hs);
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  assert_clean(&b);
  bench_idle(&b, VT_MS(25));
  assert_true(rd(&b, R_GINTSTS) & 1);
  assert_int_equal(b.sim.report.unimplemented, 1);
  report_clear(&b.sim.report);
  set(&b, R_GUSBCFG, GUSBCFG_FDMOD);
  assert_only(&b, GUEST_USB_CONFIG);  // both at once
}

static void mode_change_can_be_taken_back(void **state) {
  (void)state;
  bench_open(&b, &hs);
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  bench_idle(&b, VT_MS(10));
  clear(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  bench_idle(&b, VT_MS(50));
  assert_false(rd(&b, R_GINTSTS) & 1);
  assert_clean(&b);
}

// --- connect ---------------------------------------------------------------------

static bool connected(void) {
  return b.otg.connected && b.host.pull_up;
}

static void everything_is_needed_to_connect(void **state) {
  (void)state;
  for (int missing = 0; missing < 6; missing++) {
    bench_open(&b, &fs);
    driver_core_init(&b);
    usb_host_plug(&b.host);
    b.pins_ok = missing != 1;
    b.vbus_wired = missing != 2;
    if (missing == 3) clear(&b, R_GCCFG, GCCFG_PWRDWN);
    if (missing == 4) clear(&b, R_GCCFG, GCCFG_VBDEN);
    if (missing == 5) usb_host_unplug(&b.host);
    assert_false(connected());
    clear(&b, R_DCTL, DCTL_SDIS);
    assert_int_equal(connected(), missing == 0);
    if (missing == 4) assert_only(&b, GUEST_USB_VBUS);
    assert_clean(&b);
    // Mended, it connects.
    b.pins_ok = b.vbus_wired = true;
    wr(&b, R_GCCFG, GCCFG_PWRDWN | GCCFG_VBDEN);
    usb_host_plug(&b.host);
    assert_true(connected());
    set(&b, R_DCTL, DCTL_SDIS);
    assert_false(connected());
    assert_clean(&b);
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

static void override_replaces_vbus_sensing(void **state) {
  (void)state;
  bench_open(&b, &fs);
  driver_core_init(&b);
  clear(&b, R_GCCFG, GCCFG_VBDEN);
  set(&b, R_GOTGCTL, BIT(6));  // BVALOEN without BVALOVAL
  clear(&b, R_DCTL, DCTL_SDIS);
  assert_only(&b, GUEST_USB_VBUS);
  assert_false(connected());
  set(&b, R_DCTL, DCTL_SDIS);
  set(&b, R_GOTGCTL, GOTGCTL_BVAL);
  assert_true(rd(&b, R_GOTGCTL) & BIT(19));  // BSVLD
  clear(&b, R_DCTL, DCTL_SDIS);
  assert_true(connected());
  assert_clean(&b);
  // It connects without VBUS, and an unplug looks like a suspend.
  assert_false(b.otg.vbus);
  usb_host_plug(&b.host);
  bench_idle(&b, VT_MS(100));
  assert_int_equal(b.connects, 1);
  usb_host_unplug(&b.host);
  assert_true(connected());
  bench_idle(&b, VT_MS(3));
  assert_true(rd(&b, R_GINTSTS) & INT_USBSUSP);
  assert_false(rd(&b, R_GINTSTS) & INT_OTGINT);
}

static void session_events_follow_vbus(void **state) {
  (void)state;
  bench_open(&b, &fs);
  driver_core_init(&b);
  assert_false(rd(&b, R_GOTGCTL) & BIT(19));
  usb_host_plug(&b.host);
  assert_true(rd(&b, R_GOTGCTL) & BIT(19));
  assert_true(rd(&b, R_GINTSTS) & INT_SRQINT);
  assert_false(rd(&b, R_GINTSTS) & INT_OTGINT);
  usb_host_unplug(&b.host);
  assert_true(rd(&b, R_GINTSTS) & INT_OTGINT);
  assert_int_equal(rd(&b, R_GOTGINT), BIT(2));  // SEDET
  wr(&b, R_GOTGINT, BIT(2));
  assert_false(rd(&b, R_GINTSTS) & INT_OTGINT);
  assert_clean(&b);
}

static void wrong_clocks_are_reported_and_nothing_is_heard(void **state) {
  (void)state;
  static const struct {
    const struct bench_setup *setup;
    uint64_t clock_48m, ulpi_hz, hclk;
  } cases[] = {
      {&fs, 47999999, 0, 216000000},       {&fs, 48000000, 0, 14000000},
      {&internal, 50000000, 0, 216000000}, {&hs, 0, 59000000, 216000000},
      {&hs, 48000000, 60000000, 29000000},
  };
  for (size_t i = 0; i < 5; i++) {
    bench_open(&b, cases[i].setup);
    driver_core_init(&b);
    usb_host_plug(&b.host);
    b.clock_48m = cases[i].clock_48m;
    b.ulpi_hz = cases[i].ulpi_hz;
    b.hclk = cases[i].hclk;
    clear(&b, R_DCTL, DCTL_SDIS);
    assert_only(&b, GUEST_USB_CLOCK);
    bench_close(&b);
  }
  bench_up(&b, &fs);
  b.clock_48m = 45000000;
  otg_refresh(&b.otg);
  assert_only(&b, GUEST_USB_CLOCK);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), -71);  // -EPROTO
  b.clock_48m = 48000000;
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
}

// The core's own clock gated while the CPU sleeps: OTGHSULPILPEN and its kin.
static void gated_core_hears_nothing(void **state) {
  (void)state;
  bench_up(&b, &hs);
  b.clocked = false;
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), -71);
  b.clocked = true;
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  b.ulpi_hz = 0;  // the PHY stops: the pull-up is gone
  otg_refresh(&b.otg);
  assert_false(connected());
}

static void speed_that_does_not_fit_the_phy_is_reported(void **state) {
  (void)state;
  static const struct {
    const struct bench_setup *setup;
    uint32_t dspd;
    bool fine;
  } cases[] = {{&fs, 0, false}, {&fs, 1, false},       {&fs, 3, true},
               {&hs, 0, true},  {&hs, 1, true},        {&hs, 2, false},
               {&hs, 3, false}, {&internal, 0, false}, {&internal, 3, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bench_open(&b, cases[i].setup);
    driver_core_init(&b);
    usb_host_plug(&b.host);
    wr(&b, R_DCFG, (rd(&b, R_DCFG) & ~3u) | cases[i].dspd);
    clear(&b, R_DCTL, DCTL_SDIS);
    if (cases[i].fine) {
      assert_clean(&b);
    } else {
      assert_only(&b, GUEST_USB_CONFIG);
    }
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

static void every_way_to_a_speed_enumerates(void **state) {
  (void)state;
  static const struct {
    const struct bench_setup *setup;
    uint32_t enumspd;
    enum usb_speed speed;
  } cases[] = {
      {&hs, 0, USB_SPEED_HIGH},      {&fs_on_hs, 1, USB_SPEED_FULL},
      {&fs_host, 1, USB_SPEED_FULL}, {&internal, 3, USB_SPEED_FULL},
      {&fs, 3, USB_SPEED_FULL},
  };
  for (size_t i = 0; i < 5; i++) {
    bench_up(&b, cases[i].setup);
    assert_int_equal(rd(&b, R_DSTS) >> 1 & 3, cases[i].enumspd);
    assert_int_equal(b.host.speed, cases[i].speed);
    assert_int_equal(b.driver.enumerations, 1);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

static void turnaround_must_suit_phy_and_clock(void **state) {
  (void)state;
  static const struct {
    const struct bench_setup *setup;
    uint64_t hclk;
    uint32_t trdt;
    bool fine;
  } cases[] = {
      {&hs, 216000000, 9, true},  {&hs, 216000000, 8, false}, {&fs, 216000000, 6, true},
      {&fs, 216000000, 5, true},  {&fs, 216000000, 4, false}, {&fs, 16000000, 13, true},
      {&fs, 16000000, 12, false}, {&fs, 25000000, 8, true},   {&fs, 25000000, 7, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bench_open(&b, cases[i].setup);
    b.hclk = cases[i].hclk;
    driver_start(&b, &driver_styles[0]);
    wr(&b, R_GUSBCFG, (rd(&b, R_GUSBCFG) & ~(15u << 10)) | cases[i].trdt << 10);
    report_clear(&b.sim.report);  // a low HCLK has its own complaint at high speed
    assert_int_equal(usb_host_sync_enumerate(&b.sync, 5), 0);
    if (cases[i].fine) {
      assert_clean(&b);
    } else {
      assert_only(&b, GUEST_USB_CONFIG);
    }
    bench_close(&b);
  }
  bench_open(&b, &fs);
}

static void disconnect_and_reconnect(void **state) {
  (void)state;
  bench_up(&b, &hs);
  for (unsigned i = 1; i < 4; i++) {
    set(&b, R_DCTL, DCTL_SDIS);
    bench_run(&b, VT_MS(3));
    assert_int_equal(b.disconnects, i);
    assert_int_equal(b.host.state, USB_HOST_POWERED);
    clear(&b, R_DCTL, DCTL_SDIS);
    bench_run(&b, VT_MS(100));
    assert_int_equal(b.connects, 1 + i);
    assert_int_equal(usb_host_sync_enumerate(&b.sync, 7), 0);
  }
  usb_host_unplug(&b.host);
  bench_run(&b, VT_S(1));
  assert_false(connected());
  assert_int_equal(usb_host_sync_enumerate(&b.sync, 8), 0);
  assert_int_equal(control(&b, 0x40, REQ_STORE, 0, 0, 0, NULL), 0);
  assert_clean(&b);
}

static void bus_reset_does_what_hardware_does(void **state) {
  (void)state;
  bench_up(&b, &hs);
  driver_arm_out(&b, 512);
  b.driver.style = &driver_styles[4];  // polled: nobody runs below
  const uint32_t address = rd(&b, R_DCFG) & 0x7F0;
  usb_host_reset(&b.host, NULL, NULL);
  assert_true(rd(&b, R_GINTSTS) & INT_USBRST);
  assert_false(rd(&b, R_DIEPCTL(1)) & EP_USBAEP);
  assert_false(rd(&b, R_DOEPCTL(1)) & EP_USBAEP);
  assert_true(rd(&b, R_DOEPCTL(0)) & EP_USBAEP);
  assert_true(rd(&b, R_DOEPCTL(1)) & EP_EPENA);  // the application's to clear
  assert_int_equal(rd(&b, R_DCFG) & 0x7F0, address);
  bench_idle(&b, VT_MS(50) - 1);
  assert_false(rd(&b, R_GINTSTS) & INT_ENUMDNE);
  bench_idle(&b, 1);
  assert_true(rd(&b, R_GINTSTS) & INT_ENUMDNE);
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

static void reset_while_the_phy_clock_is_stopped(void **state) {
  (void)state;
  bench_up(&b, &hs);
  usb_host_suspend(&b.host);
  bench_run(&b, VT_MS(10));
  set(&b, R_PCGCCTL, 1);
  usb_host_reset(&b.host, NULL, NULL);
  assert_int_equal(b.wakeups, 1);
  assert_true(rd(&b, R_GINTSTS) & INT_RSTDET);
  assert_false(rd(&b, R_GINTSTS) & INT_USBRST);
  clear(&b, R_PCGCCTL, 1);
  assert_true(rd(&b, R_GINTSTS) & INT_USBRST);
  bench_run(&b, VT_MS(60));
  assert_int_equal(b.driver.enumerations, 2);
  assert_int_equal(usb_host_sync_enumerate(&b.sync, 5), 0);
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

#define T(test) cmocka_unit_test_teardown(test, close_bench)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(core_reset_needs_the_phy_clock),
      T(internal_phy_needs_the_48_mhz_clock),
      T(core_reset_keeps_phy_mode_and_disconnect),
      T(forcing_device_mode_takes_25_ms),
      T(host_mode_is_unimplemented),
      T(mode_change_can_be_taken_back),
      T(everything_is_needed_to_connect),
      T(override_replaces_vbus_sensing),
      T(session_events_follow_vbus),
      T(wrong_clocks_are_reported_and_nothing_is_heard),
      T(gated_core_hears_nothing),
      T(speed_that_does_not_fit_the_phy_is_reported),
      T(every_way_to_a_speed_enumerates),
      T(turnaround_must_suit_phy_and_clock),
      T(disconnect_and_reconnect),
      T(bus_reset_does_what_hardware_does),
      T(suspend_and_resume),
      T(remote_wakeup),
      T(wakeup_signal_has_limits),
      T(stopped_phy_clock),
      T(reset_while_the_phy_clock_is_stopped),
      T(frame_number_is_live),
      T(sof_can_be_polled),
      T(sof_interrupts_each_frame_when_enabled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
