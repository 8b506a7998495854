// SPDX-License-Identifier: MIT
// What takes some clocks to have effect: core reset, FIFO flushes, NAK and disable
// of an endpoint. All of it needs the PHY's clock; without it, it never ends.
#include "sim/models/otg_internal.h"

// RM0410 41.15: a flush takes 8 clocks of the slower of PHY and AHB clock. The
// other requests have no figure and get the same.
enum { CLOCKS = 8, ALL_TX_FIFOS = 0x10 };

static bool anything(const struct otg_settling *s) {
  return s->core_reset || s->rx_flush || s->global_in_nak || s->tx_flush || s->in_nak ||
         s->in_disable || s->out_disable;
}

// One wait serves all requests: what is asked for while it runs ends with it, after
// 1 to 8 clocks instead of 8. That is within what the manual allows.
void otg_start_settling(struct otg *o) {
  if (o->settle.armed || !anything(&o->settling)) return;
  const uint64_t phy = otg_phy_hz(o), hclk = clock_hz(o->clocks, CLOCK_HCLK);
  if (!phy || !hclk || otg_stopped(o)) return;
  event_in(o->events, &o->settle, vt_cycles(CLOCKS, phy < hclk ? phy : hclk));
}

static void settle_all(struct otg *o, const struct otg_settling *s) {
  if (s->rx_flush) otg_rx_flush(o);
  if (s->global_in_nak) o->global_in_nak = true;
  for (unsigned fifo = 0; fifo < OTG_TX_FIFOS; fifo++) {
    if (s->tx_flush >> fifo & 1) otg_tx_flush(o, fifo);
  }
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    const uint32_t bit = 1u << n;
    if (s->in_nak & bit) otg_flag(o, n, true, SIM_OTG_DIEPINT_INEPNE);
    if (s->in_disable & bit) otg_disabled(o, n, true);
    if (s->out_disable & bit) otg_disabled(o, n, false);
  }
}

void otg_settle_fire(void *ctx) {
  struct otg *o = ctx;
  const struct otg_settling s = o->settling;
  o->settling = (struct otg_settling){0};
  if (s.core_reset) {
    otg_core_reset(o);  // whatever else was under way is gone with it
  } else {
    settle_all(o, &s);
  }
  otg_update_link(o);
  otg_changed(o);
}

uint32_t otg_read_grstctl(const struct otg *o) {
  const struct otg_settling *s = &o->settling;
  uint32_t w = otg_get(o, SIM_OTG_GRSTCTL) & SIM_OTG_GRSTCTL_TXFNUM;
  if (s->core_reset) w |= SIM_OTG_GRSTCTL_CSRST;
  if (s->rx_flush) w |= SIM_OTG_GRSTCTL_RXFFLSH;
  if (s->tx_flush) w |= SIM_OTG_GRSTCTL_TXFFLSH;
  return s->core_reset ? w : w | SIM_OTG_GRSTCTL_AHBIDL;
}

// TXFNUM 0x10 is all FIFOs (RM0410 41.15).
static void request_tx_flush(struct otg *o, uint32_t number) {
  if (number > ALL_TX_FIFOS) {
    OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_GRSTCTL, "TXFNUM 0x%02x names no FIFO",
              (unsigned)number);
  } else {
    o->settling.tx_flush |= number == ALL_TX_FIFOS ? 0xFFFFu : 1u << number;
  }
}

void otg_write_grstctl(struct otg *o, uint32_t word) {
  const uint32_t waits =
      SIM_OTG_GRSTCTL_CSRST | SIM_OTG_GRSTCTL_RXFFLSH | SIM_OTG_GRSTCTL_TXFFLSH;
  otg_store(o, SIM_OTG_GRSTCTL, word & SIM_OTG_GRSTCTL_TXFNUM);
  if (word & SIM_OTG_GRSTCTL_CSRST) o->settling.core_reset = true;
  if (word & SIM_OTG_GRSTCTL_RXFFLSH) o->settling.rx_flush = true;
  if (word & SIM_OTG_GRSTCTL_TXFFLSH) {
    request_tx_flush(o, SIM_GET(word, SIM_OTG_GRSTCTL_TXFNUM));
  }
  if (!(word & waits) || otg_phy_hz(o)) return;
  OTG_GUEST(o, GUEST_USB_CLOCK, SIM_OTG_GRSTCTL,
            "%s: reset or flush without a PHY clock never ends", o->config->name);
}
