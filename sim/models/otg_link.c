// SPDX-License-Identifier: MIT
// The link: PHY and its clock, VBUS and session, device or host mode, the pull-up,
// bus reset and speed, suspend, resume, remote wake-up.
#include "sim/models/otg_internal.h"

#define FORCE_MODE_TIME VT_MS(25)  // RM0410 41.15, FDMOD
#define WAKEUP_MIN      VT_MS(1)   // RWUSIG, RM0410 41.15
#define WAKEUP_MAX      VT_MS(15)
#define HZ_FULL_SPEED   48000000u
#define HZ_ULPI         60000000u
#define MIN_HCLK_FS     14200000u  // RM0410 41.4
#define MIN_HCLK_HS     30000000u

// DCFG.DSPD as it is written and DSTS.ENUMSPD as it is read use the same codes.
enum { DSPD_HIGH = 0, DSPD_FULL_ON_ULPI = 1, DSPD_FULL_INTERNAL = 3 };

// --- PHY -------------------------------------------------------------------------

enum otg_phy otg_phy(const struct otg *o) {
  const bool internal = otg_has(o, SIM_OTG_GUSBCFG, SIM_OTG_GUSBCFG_PHYSEL);
  return internal ? OTG_PHY_INTERNAL : OTG_PHY_ULPI;
}

// OTG_FS has the internal PHY only: there PHYSEL reads 1 and cannot be cleared.
uint64_t otg_phy_hz(const struct otg *o) {
  if (otg_phy(o) == OTG_PHY_INTERNAL) return clock_hz(o->clocks, CLOCK_48M);
  return o->board.ulpi_hz ? o->board.ulpi_hz(o->board.ctx) : 0;
}

bool otg_clock_is_right(const struct otg *o) {
  const bool internal = otg_phy(o) == OTG_PHY_INTERNAL;
  return otg_phy_hz(o) == (internal ? HZ_FULL_SPEED : HZ_ULPI);
}

// The internal transceiver has a power switch, GCCFG.PWRDWN: 1 is on (RM0410
// 41.15). A ULPI PHY that feeds a clock is on.
static bool phy_on(const struct otg *o) {
  const bool powered =
      otg_phy(o) == OTG_PHY_ULPI || otg_has(o, SIM_OTG_GCCFG, SIM_OTG_GCCFG_PWRDWN);
  return powered && otg_phy_hz(o) != 0;
}

bool otg_high_speed(const struct otg *o) {
  const uint32_t speed = SIM_GET(otg_get(o, SIM_OTG_DSTS), SIM_OTG_DSTS_ENUMSPD);
  return o->enumerated && speed == DSPD_HIGH;
}

// --- session and pull-up ---------------------------------------------------------

// B-session valid: overridden, sensed by the ULPI PHY, or sensed at the VBUS pin
// with VBDEN (RM0410 41.15).
static bool session_valid(const struct otg *o) {
  const uint32_t gotgctl = otg_get(o, SIM_OTG_GOTGCTL);
  if (gotgctl & SIM_OTG_GOTGCTL_BVALOEN) return gotgctl & SIM_OTG_GOTGCTL_BVALOVAL;
  const enum otg_phy phy = otg_phy(o);
  if (!o->vbus || !phy_on(o)) return false;
  if (phy == OTG_PHY_ULPI) return true;
  const bool wired = !o->board.vbus_wired || o->board.vbus_wired(o->board.ctx, phy);
  return wired && otg_has(o, SIM_OTG_GCCFG, SIM_OTG_GCCFG_VBDEN);
}

// New session: SRQINT. End of session: GOTGINT.SEDET, seen as OTGINT (RM0410 41.15,
// GINTSTS). ST's stack takes the two for connect and disconnect.
static void update_session(struct otg *o) {
  const bool session = session_valid(o);
  if (session == o->session) return;
  o->session = session;
  if (session) {
    otg_latch(o, SIM_OTG_GINTSTS_SRQINT);
  } else {
    *otg_reg(o, SIM_OTG_GOTGINT) |= SIM_OTG_GOTGINT_SEDET;
  }
}

// Full speed tolerates 0.25 % (USB 2.0 7.1.11), but a divider that misses 48 MHz
// misses it by more: only the exact frequency passes.
static void check_clocks(struct otg *o) {
  const enum otg_phy phy = otg_phy(o);
  const uint64_t hclk = clock_hz(o->clocks, CLOCK_HCLK);
  const uint64_t least = phy == OTG_PHY_ULPI ? MIN_HCLK_HS : MIN_HCLK_FS;
  if (!otg_clock_is_right(o)) {
    OTG_GUEST(o, GUEST_USB_CLOCK, SIM_OTG_DCTL,
              "%s connects with a PHY clock of %llu Hz", o->config->name,
              (unsigned long long)otg_phy_hz(o));
  }
  if (hclk < least) {
    OTG_GUEST(o, GUEST_USB_CLOCK, SIM_OTG_DCTL, "%s needs an HCLK of %llu Hz, has %llu",
              o->config->name, (unsigned long long)least, (unsigned long long)hclk);
  }
}

// DSPD 0 and 1 need the ULPI PHY, 3 the internal one; 2 is reserved. With the internal
// one CherryUSB writes 1 on OTG_HS, which is full speed, too.
static void check_speed(struct otg *o) {
  const uint32_t dspd = SIM_GET(otg_get(o, SIM_OTG_DCFG), SIM_OTG_DCFG_DSPD);
  const bool ulpi = otg_phy(o) == OTG_PHY_ULPI;
  const bool fits =
      dspd == DSPD_FULL_ON_ULPI || dspd == (ulpi ? DSPD_HIGH : DSPD_FULL_INTERNAL);
  if (fits) return;
  OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_DCFG, "DSPD %u does not fit the %s PHY",
            (unsigned)dspd, otg_phy(o) == OTG_PHY_ULPI ? "ULPI" : "internal");
}

// What the core knew of the bus is void.
static void link_down(struct otg *o) {
  o->enumerated = false;
  o->bus_reset = false;
  o->suspended = false;
  o->nak_in = o->nak_out = 0;
}

static void connect(struct otg *o, bool on) {
  o->connected = on;
  if (!on) link_down(o);
  if (o->host) o->host->pull_up(o->host->ctx, on);
}

// Asked once per connect. A ULPI PHY whose pins go wrong later stops its clock; the
// internal one is not looked at again.
static bool pins_ok(const struct otg *o) {
  return !o->board.pins_ok || o->board.pins_ok(o->board.ctx, otg_phy(o));
}

void otg_check_running_clock(struct otg *o) {
  if (!o->connected || otg_clock_is_right(o)) return;
  OTG_GUEST(o, GUEST_USB_CLOCK, SIM_OTG_DCTL,
            "PHY clock of %s changed to %llu Hz while connected", o->config->name,
            (unsigned long long)otg_phy_hz(o));
}

// Called after each register write and whenever something around the core changes: it
// compares what should be with what is, so that no order of writes matters.
void otg_update_link(struct otg *o) {
  update_session(o);
  const bool want = !o->host_mode && !o->settling.core_reset && phy_on(o) &&
                    o->session && !otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_SDIS);
  if (want && !o->connected) {
    if (pins_ok(o)) {
      check_clocks(o);
      check_speed(o);
      connect(o, true);
    }
  }
  if (!want && o->connected) connect(o, false);
  otg_start_settling(o);
}

// --- registers -------------------------------------------------------------------

uint32_t otg_read_gotgctl(const struct otg *o) {
  uint32_t w = otg_get(o, SIM_OTG_GOTGCTL);
  w &= ~(SIM_OTG_GOTGCTL_CIDSTS | SIM_OTG_GOTGCTL_BSVLD | SIM_OTG_GOTGCTL_CURMOD);
  if (!o->board.id_high || o->board.id_high(o->board.ctx)) w |= SIM_OTG_GOTGCTL_CIDSTS;
  if (o->session) w |= SIM_OTG_GOTGCTL_BSVLD;
  return o->host_mode ? w | SIM_OTG_GOTGCTL_CURMOD : w;
}

// Battery charging detection finds what the host's port is, a standard one: data lines
// in contact, no charger behind them (USB BC 1.2; RM0410 41.15).
uint32_t otg_read_gccfg(const struct otg *o) {
  const uint32_t asked = SIM_OTG_GCCFG_BCDEN | SIM_OTG_GCCFG_DCDEN;
  const uint32_t word = otg_get(o, SIM_OTG_GCCFG);
  return o->vbus && (word & asked) == asked ? word | SIM_OTG_GCCFG_DCDET : word;
}

uint32_t otg_read_pcgcctl(const struct otg *o) {
  const uint32_t word = otg_get(o, SIM_OTG_PCGCCTL);
  const bool sleeps = o->suspended && (word & SIM_OTG_PCGCCTL_STPPCLK);
  return sleeps ? word | SIM_OTG_PCGCCTL_PHYSUSP : word;
}

// FNSOF counts frames at full speed, microframes at high speed (RM0410 41.15).
uint32_t otg_read_dsts(const struct otg *o) {
  uint32_t w = otg_get(o, SIM_OTG_DSTS) & ~(SIM_OTG_DSTS_SUSPSTS | SIM_OTG_DSTS_FNSOF);
  if (o->suspended) w |= SIM_OTG_DSTS_SUSPSTS;
  if (!o->host || !o->enumerated) return w;
  const uint32_t microframe = o->host->microframe(o->host->ctx);
  const uint32_t number = otg_high_speed(o) ? microframe : microframe / 8;
  return w | SIM_PUT(SIM_OTG_DSTS_FNSOF, number);
}

// The mode that GUSBCFG or else the ID pin asks for.
static bool wants_host_mode(const struct otg *o) {
  if (otg_has(o, SIM_OTG_GUSBCFG, SIM_OTG_GUSBCFG_FHMOD)) return true;
  if (otg_has(o, SIM_OTG_GUSBCFG, SIM_OTG_GUSBCFG_FDMOD)) return false;
  return !(otg_read_gotgctl(o) & SIM_OTG_GOTGCTL_CIDSTS);
}

void otg_mode_fire(void *ctx) {
  struct otg *o = ctx;
  o->host_mode = wants_host_mode(o);
  if (o->host_mode) {
    report_unimplemented(o->report, o->config->base + SIM_OTG_GUSBCFG, "%s: host mode",
                         o->config->name);
  }
  otg_update_link(o);
  otg_changed(o);
}

// The change takes 25 ms from the write (RM0410 41.15). A core that is in the wanted
// mode already, as with a B-plug, has nothing to change.
void otg_write_gusbcfg(struct otg *o, uint32_t word) {
  const uint32_t both = SIM_OTG_GUSBCFG_FHMOD | SIM_OTG_GUSBCFG_FDMOD;
  otg_store(o, SIM_OTG_GUSBCFG, word);
  if ((word & both) == both) {
    OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_GUSBCFG, "FHMOD and FDMOD set together");
  }
  if (wants_host_mode(o) == o->host_mode) {
    event_cancel(o->events, &o->mode);
  } else if (!o->mode.armed) {
    event_in(o->events, &o->mode, FORCE_MODE_TIME);
  }
}

void otg_write_dcfg(struct otg *o, uint32_t word) {
  otg_store(o, SIM_OTG_DCFG, word);
  if (!o->control_open) o->address = (uint8_t)SIM_GET(word, SIM_OTG_DCFG_DAD);
}

// The application must clear RWUSIG 1 to 15 ms after it set it (RM0410 41.15).
static void signal_wakeup(struct otg *o, bool on) {
  if (on) {
    o->wakeup_since = o->events->now;
    if (!o->suspended) {
      OTG_GUEST(o, GUEST_USB_PROTOCOL, SIM_OTG_DCTL,
                "RWUSIG set while the bus is not suspended");
      return;
    }
  } else {
    const vtime_t held = o->events->now - o->wakeup_since;
    if (held < WAKEUP_MIN || held > WAKEUP_MAX) {
      OTG_GUEST(o, GUEST_USB_PROTOCOL, SIM_OTG_DCTL,
                "RWUSIG held for %llu us, must be 1 to 15 ms",
                (unsigned long long)(held / VT_US(1)));
    }
  }
  if (o->host) o->host->remote_wakeup(o->host->ctx, on);
}

// Global NAK, RM0410 41.16: the IN side takes effect after some clocks; the OUT side
// writes a word into the receive FIFO and takes effect when the application pops it,
// so that no packet from before is still behind it.
static void write_global_nak(struct otg *o, uint32_t word) {
  if (word & SIM_OTG_DCTL_SGINAK) {
    otg_set(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GINSTS, true);
    o->settling.global_in_nak = true;
  }
  if (word & SIM_OTG_DCTL_CGINAK) {
    otg_set(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GINSTS, false);
    o->settling.global_in_nak = o->global_in_nak = false;
  }
  if (word & SIM_OTG_DCTL_SGONAK) {
    const bool pending = otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GONSTS);
    if (o->global_out_nak) {
      OTG_GUEST(o, GUEST_USB_PROTOCOL, SIM_OTG_DCTL,
                "SGONAK set while GONAKEFF is set");
    } else if (!pending) {
      otg_rx_push(o, OTG_RX_STATUS, OTG_GLOBAL_OUT_NAK, NULL);
    }
    otg_set(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GONSTS, true);
  }
  if (word & SIM_OTG_DCTL_CGONAK) {
    otg_set(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GONSTS, false);
    o->global_out_nak = false;
  }
}

// A connect that the core cannot follow because it does not know of VBUS.
static void check_vbus(struct otg *o) {
  const uint32_t gotgctl = otg_get(o, SIM_OTG_GOTGCTL);
  if (gotgctl & SIM_OTG_GOTGCTL_BVALOEN) {
    if (gotgctl & SIM_OTG_GOTGCTL_BVALOVAL) return;
  } else if (otg_phy(o) == OTG_PHY_ULPI ||
             otg_has(o, SIM_OTG_GCCFG, SIM_OTG_GCCFG_VBDEN)) {
    return;
  }
  OTG_GUEST(o, GUEST_USB_VBUS, SIM_OTG_DCTL,
            "SDIS cleared with neither VBDEN nor BVALOEN and BVALOVAL set");
}

void otg_write_dctl(struct otg *o, uint32_t word) {
  const uint32_t old = otg_get(o, SIM_OTG_DCTL);
  const uint32_t kept = SIM_OTG_DCTL_RWUSIG | SIM_OTG_DCTL_SDIS | SIM_OTG_DCTL_TCTL |
                        SIM_OTG_DCTL_POPRGDNE;
  *otg_reg(o, SIM_OTG_DCTL) = (old & ~kept) | (word & kept);
  write_global_nak(o, word);
  const bool connects = (old & ~word) & SIM_OTG_DCTL_SDIS;
  if (connects && !o->host_mode) check_vbus(o);
  const bool wakes = word & SIM_OTG_DCTL_RWUSIG;
  if ((old ^ word) & SIM_OTG_DCTL_RWUSIG) signal_wakeup(o, wakes);
}

// STPPCLK and GATEHCLK are for a suspended or disconnected bus (RM0410 41.15): while
// one is set the core hears no tokens, also after the host's resume. A bus reset it
// follows as if they were clear: projects made by ST's CubeMX set STPPCLK at each
// suspend and never clear it; after a resume they are deaf (libDaisy issue 716 has the
// registers), but plugging in again works on boards with this chip.
bool otg_stopped(const struct otg *o) {
  return !o->reset_woke && otg_has(o, SIM_OTG_PCGCCTL,
                                   SIM_OTG_PCGCCTL_STPPCLK | SIM_OTG_PCGCCTL_GATEHCLK);
}

void otg_note_deaf(struct otg *o) {
  if (!o->enumerated || o->suspended || o->deaf_told) return;
  o->deaf_told = true;
  OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_PCGCCTL,
            "token not heard: PHY clock still stopped after the resume");
}

void otg_write_pcgcctl(struct otg *o, uint32_t word) {
  const bool stopped = otg_has(o, SIM_OTG_PCGCCTL, SIM_OTG_PCGCCTL_STPPCLK);
  const bool stops = word & SIM_OTG_PCGCCTL_STPPCLK;
  otg_store(o, SIM_OTG_PCGCCTL, word);
  if (stops == stopped) return;
  o->reset_woke = o->deaf_told = false;
  if (!stops || !o->enumerated || o->suspended) return;
  o->deaf_told = true;
  OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_PCGCCTL,
            "PHY clock stopped while the bus is not suspended");
}

// --- what the host does ----------------------------------------------------------

// The line to EXTI works without the PHY clock (RM0410 11.9: lines 18 and 20).
static void pulse_wakeup(struct otg *o) {
  irq_set(&o->irqs.wakeup, true);
  irq_set(&o->irqs.wakeup, false);
}

// What the core itself does at a bus reset; the rest is the application's work
// (RM0410 41.16).
static void port_reset_begin(void *ctx) {
  struct otg *o = ctx;
  if (!o->connected) return;
  if (o->suspended) {
    pulse_wakeup(o);
    otg_latch(o, SIM_OTG_GINTSTS_RSTDET);
  }
  otg_latch(o, SIM_OTG_GINTSTS_USBRST);
  link_down(o);
  o->bus_reset = o->reset_woke = true;
  otg_start_settling(o);
  o->setup_open = o->control_open = false;
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    o->in[n].awaiting_ack = false;
    if (n == 0) continue;
    otg_set(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_USBAEP, false);
    otg_set(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_USBAEP, false);
  }
  otg_changed(o);
}

// The outcome of chirping: high speed if both sides can (USB 2.0 7.1.7.5).
static uint32_t settle_speed(const struct otg *o, bool host_high_speed) {
  if (otg_phy(o) == OTG_PHY_INTERNAL) return DSPD_FULL_INTERNAL;
  const uint32_t dspd = SIM_GET(otg_get(o, SIM_OTG_DCFG), SIM_OTG_DCFG_DSPD);
  return dspd == DSPD_HIGH && host_high_speed ? DSPD_HIGH : DSPD_FULL_ON_ULPI;
}

static enum usb_speed port_reset_end(void *ctx, bool host_high_speed) {
  struct otg *o = ctx;
  o->bus_reset = false;
  if (!o->connected) return USB_SPEED_FULL;
  const uint32_t speed = settle_speed(o, host_high_speed);
  otg_put(o, SIM_OTG_DSTS, SIM_OTG_DSTS_ENUMSPD, speed);
  o->enumerated = true;
  o->turnaround_checked = false;
  otg_latch(o, SIM_OTG_GINTSTS_ENUMDNE);
  otg_changed(o);
  return speed == DSPD_HIGH ? USB_SPEED_HIGH : USB_SPEED_FULL;
}

// Early suspend and suspend are one moment here: the cable knows of one.
static void port_suspend(void *ctx) {
  struct otg *o = ctx;
  if (!o->connected || o->suspended) return;
  o->suspended = true;
  o->reset_woke = o->deaf_told = false;
  otg_latch(o, SIM_OTG_GINTSTS_ESUSP | SIM_OTG_GINTSTS_USBSUSP);
  otg_changed(o);
}

// WKUPINT tells of a resume by the host only, not of one that RWUSIG began
// (RM0410 41.15).
static void port_resume(void *ctx) {
  struct otg *o = ctx;
  if (!o->suspended) return;
  o->suspended = false;
  pulse_wakeup(o);
  if (!otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_RWUSIG)) {
    otg_latch(o, SIM_OTG_GINTSTS_WKUPINT);
  }
  otg_changed(o);
}

static void port_vbus(void *ctx, bool present) {
  struct otg *o = ctx;
  o->vbus = present;
  otg_update_link(o);
  otg_changed(o);
}

void otg_init_link_port(struct otg *o) {
  o->port.reset_begin = port_reset_begin;
  o->port.reset_end = port_reset_end;
  o->port.suspend = port_suspend;
  o->port.resume = port_resume;
  o->port.vbus = port_vbus;
}
