// SPDX-License-Identifier: MIT
// OTG model: core reset, modes, PHY and clocks, VBUS, connect, speed. With the host
// engine at the other end.
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
  } cases[] = {{&fs, 0, false},       {&fs, 1, true},        {&fs, 3, true},
               {&hs, 0, true},        {&hs, 1, true},        {&hs, 2, false},
               {&hs, 3, false},       {&internal, 0, false}, {&internal, 1, true},
               {&internal, 2, false}, {&internal, 3, true}};
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

// --- corners -------------------------------------------------------------------

static void limits_of_hclk_are_allowed(void **state) {
  (void)state;
  static const struct {
    const struct bench_setup *setup;
    uint64_t hclk;
  } cases[] = {{&fs, 14200000}, {&hs, 30000000}};
  for (size_t i = 0; i < 2; i++) {
    bench_open(&b, cases[i].setup);
    b.hclk = cases[i].hclk;
    driver_core_init(&b);
    usb_host_plug(&b.host);
    clear(&b, R_DCTL, DCTL_SDIS);
    assert_clean(&b);
    bench_close(&b);
  }
  bench_open(&b, &fs);
  b.clock_48m = 47000000;
  otg_refresh(&b.otg);  // not connected: it may still be set right
  assert_clean(&b);
}

static void turnaround_is_checked_once_per_reset(void **state) {
  (void)state;
  bench_open(&b, &hs);
  driver_start(&b, &driver_styles[0]);
  clear(&b, R_GUSBCFG, 15u << 10);
  assert_int_equal(usb_host_sync_enumerate(&b.sync, 5), 0);
  assert_int_equal(b.sim.report.guest_errors, 1);
  assert_int_equal(usb_host_sync_enumerate(&b.sync, 5), 0);
  assert_int_equal(b.sim.report.guest_errors, 2);
}

static void id_pin_shows_in_gotgctl(void **state) {
  (void)state;
  bench_open(&b, &hs);
  assert_true(rd(&b, R_GOTGCTL) & BIT(16));
  b.id_high = false;
  assert_false(rd(&b, R_GOTGCTL) & BIT(16));
  assert_false(rd(&b, R_GOTGCTL) & BIT(21));  // CURMOD
  otg_system_reset(&b.otg);
  assert_true(rd(&b, R_GOTGCTL) & BIT(21));
}

static void reconnected_device_needs_a_reset(void **state) {
  (void)state;
  bench_raw(&b, &hs);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  set(&b, R_DCTL, DCTL_SDIS);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
  assert_int_equal(rd(&b, R_DSTS) >> 8, 0);  // no frames without a bus
  clear(&b, R_DCTL, DCTL_SDIS);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
  b.otg.port.reset_begin(b.otg.port.ctx);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NONE);
  b.otg.port.reset_end(b.otg.port.ctx, true);
  assert_int_equal(in_token(&b, 0), USB_REPLY_NAK);
  set(&b, R_DCTL, DCTL_SDIS);
  b.readies = 0;
  clear(&b, R_DCTL, DCTL_SDIS);
  arm_in(&b, 0, 1, 0);
  assert_int_equal(b.readies, 0);  // the NAK of the last session is forgotten
}

static void mode_change_disconnects(void **state) {
  (void)state;
  bench_raw(&b, &fs);
  set(&b, R_GAHBCFG, GAHBCFG_GINT);
  clear(&b, R_GUSBCFG, GUSBCFG_FDMOD);
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  assert_true(b.otg.connected);
  bench_idle(&b, VT_MS(25));
  assert_false(b.otg.connected);
}

static void each_mode_request_waits_its_own_25_ms(void **state) {
  (void)state;
  bench_open(&b, &hs);
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  bench_idle(&b, VT_MS(10));
  clear(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  bench_idle(&b, VT_MS(10));
  set(&b, R_GUSBCFG, GUSBCFG_FHMOD);
  bench_idle(&b, VT_MS(24));
  assert_false(rd(&b, R_GINTSTS) & 1);
  bench_idle(&b, VT_MS(1));
  assert_true(rd(&b, R_GINTSTS) & 1);
}

static void core_reset_of_a_connected_core_disconnects(void **state) {
  (void)state;
  bench_open(&b, &fs);
  driver_core_init(&b);
  clear(&b, R_GCCFG, GCCFG_VBDEN);
  set(&b, R_GOTGCTL, GOTGCTL_BVAL);
  clear(&b, R_DCTL, DCTL_SDIS);
  assert_true(b.otg.connected);
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  assert_false(b.otg.connected);
  bench_idle(&b, VT_US(1));
  assert_false(b.otg.connected);  // the override is gone
  set(&b, R_GOTGCTL, GOTGCTL_BVAL);
  assert_true(b.otg.connected);
  bench_close(&b);
  bench_open(&b, &fs);  // with sensing it comes back by itself
  driver_core_init(&b);
  usb_host_plug(&b.host);
  clear(&b, R_DCTL, DCTL_SDIS);
  wr(&b, R_GRSTCTL, GRSTCTL_CSRST);
  assert_false(b.otg.connected);
  bench_idle(&b, VT_US(1));
  assert_true(b.otg.connected);
}

static void flush_needs_clocks_and_keeps_txfnum(void **state) {
  (void)state;
  bench_open(&b, &hs);
  wr(&b, R_GRSTCTL, 7u << 6);
  assert_int_equal(rd(&b, R_GRSTCTL), GRSTCTL_AHBIDL | 7u << 6);
  b.ulpi_hz = 0;
  wr(&b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  assert_only(&b, GUEST_USB_CLOCK);
  bench_idle(&b, VT_MS(1));
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  b.ulpi_hz = 60000000;
  set(&b, R_PCGCCTL, 1);  // stopped by software
  bench_idle(&b, VT_MS(1));
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  clear(&b, R_PCGCCTL, 1);
  bench_idle(&b, VT_US(1));
  assert_false(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  b.hclk = 1000000;  // the slower clock counts
  wr(&b, R_GRSTCTL, GRSTCTL_RXFFLSH);
  bench_idle(&b, VT_US(8) - 1);
  assert_true(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
  bench_idle(&b, 1);
  assert_false(rd(&b, R_GRSTCTL) & GRSTCTL_RXFFLSH);
}

static void late_partner_sees_the_pull_up(void **state) {
  (void)state;
  bench_open(&b, &fs);
  driver_core_init(&b);
  otg_attach(&b.otg, NULL);
  usb_host_plug(&b.host);
  clear(&b, R_DCTL, DCTL_SDIS);
  assert_true(b.otg.connected);
  assert_false(b.host.pull_up);
  otg_attach(&b.otg, &b.host.port);
  assert_true(b.host.pull_up);
  bench_close(&b);
  bench_open(&b, &fs);
  otg_attach(&b.otg, &b.host.port);
  assert_false(b.host.pull_up);
}

static void device_registers_in_host_mode(void **state) {
  (void)state;
  bench_open(&b, &hs);
  b.id_high = false;
  otg_system_reset(&b.otg);
  rd(&b, R_DCFG);  // the first device register
  assert_only(&b, GUEST_USB_CONFIG);
  rd(&b, R_HCFG);
  rd(&b, R_PCGCCTL);  // belongs to both modes
  assert_clean(&b);
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
      T(limits_of_hclk_are_allowed),
      T(turnaround_is_checked_once_per_reset),
      T(id_pin_shows_in_gotgctl),
      T(reconnected_device_needs_a_reset),
      T(mode_change_disconnects),
      T(each_mode_request_waits_its_own_25_ms),
      T(core_reset_of_a_connected_core_disconnects),
      T(flush_needs_clocks_and_keeps_txfnum),
      T(late_partner_sees_the_pull_up),
      T(device_registers_in_host_mode),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
