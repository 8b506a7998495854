// SPDX-License-Identifier: MIT
// The interrupt tree: DxEPINT -> DAINT -> GINTSTS -> the line (RM0410 41.13).
#include "sim/models/otg_internal.h"

// Bits of GINTSTS that are a state and not an event.
#define LIVE                                                                      \
  (SIM_OTG_GINTSTS_CMOD | SIM_OTG_GINTSTS_OTGINT | SIM_OTG_GINTSTS_RXFLVL |       \
   SIM_OTG_GINTSTS_NPTXFE | SIM_OTG_GINTSTS_GINAKEFF | SIM_OTG_GINTSTS_GONAKEFF | \
   SIM_OTG_GINTSTS_IEPINT | SIM_OTG_GINTSTS_OEPINT | SIM_OTG_GINTSTS_HPRTINT |    \
   SIM_OTG_GINTSTS_HCINT | SIM_OTG_GINTSTS_PTXFE)

// The empty FIFOs of host mode: they read 1 and interrupt nobody.
#define HOST_EMPTY (SIM_OTG_GINTSTS_NPTXFE | SIM_OTG_GINTSTS_PTXFE)

// Events stay until software writes 1 to them.
void otg_latch(struct otg *o, uint32_t gintsts) {
  *otg_reg(o, SIM_OTG_GINTSTS) |= gintsts;
}

// DIEPINT with TXFE, which says whether the FIFO is empty or, with TXFELVL clear,
// half empty (RM0410 41.15).
uint32_t otg_diepint(const struct otg *o, unsigned n) {
  const unsigned fifo = otg_tx_fifo_of(o, n);
  const bool empty_only = otg_has(o, SIM_OTG_GAHBCFG, SIM_OTG_GAHBCFG_TXFELVL);
  const uint32_t limit = empty_only ? 0 : otg_tx_depth(o, fifo) / 2;
  const uint32_t word = otg_get(o, SIM_OTG_DIEPINT(n)) & ~SIM_OTG_DIEPINT_TXFE;
  return o->tx[fifo].count <= limit ? word | SIM_OTG_DIEPINT_TXFE : word;
}

// TXFE has its mask in a register of its own, DIEPEMPMSK (RM0410 41.15).
static uint32_t masked_in(const struct otg *o, unsigned n, uint32_t mask_reg) {
  const uint32_t txfe = otg_get(o, SIM_OTG_DIEPEMPMSK) >> n & 1;
  const uint32_t mask = otg_get(o, mask_reg) | (txfe ? SIM_OTG_DIEPINT_TXFE : 0);
  if (mask & SIM_OTG_DIEPINT_TXFE) return otg_diepint(o, n) & mask;
  return otg_get(o, SIM_OTG_DIEPINT(n)) & mask;
}

// A bit per endpoint with an unmasked flag. DAINTMSK acts further down, on GINTSTS.
uint32_t otg_daint(const struct otg *o) {
  uint32_t daint = 0;
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    if (masked_in(o, n, SIM_OTG_DIEPMSK)) daint |= 1u << n;
    if (otg_get(o, SIM_OTG_DOEPINT(n)) & otg_get(o, SIM_OTG_DOEPMSK)) {
      daint |= 0x10000u << n;
    }
  }
  return daint;
}

// Endpoint 1 of OTG_HS has lines of its own (RM0410 41.15). OTG_FS has
// none of these registers, so nothing is ever unmasked there.
uint32_t otg_deachint(const struct otg *o) {
  uint32_t word = 0;
  if (masked_in(o, 1, SIM_OTG_DIEPEACHMSK1)) word |= SIM_OTG_DEACHINT_IEP1INT;
  if (otg_get(o, SIM_OTG_DOEPINT(1)) & otg_get(o, SIM_OTG_DOEPEACHMSK1)) {
    word |= SIM_OTG_DEACHINT_OEP1INT;
  }
  return word;
}

// --- SOF -------------------------------------------------------------------------

static bool frames_seen(const struct otg *o) {
  return o->host && o->enumerated && !o->bus_reset && !o->suspended;
}

// SOF is set from the frame number and not by an event per frame, so that time can
// pass quickly while nobody looks.
static void poll_sof(struct otg *o) {
  if (!frames_seen(o)) return;
  const uint16_t frame = o->host->microframe(o->host->ctx);
  if (frame == o->sof_frame) return;
  o->sof_frame = frame;
  otg_latch(o, SIM_OTG_GINTSTS_SOF);
}

// The host is asked for an event per frame only while one would interrupt or an
// isochronous endpoint could miss it.
static void wish_sof(struct otg *o) {
  const bool interrupts = otg_has(o, SIM_OTG_GINTMSK, SIM_OTG_GINTMSK_SOFM) &&
                          otg_has(o, SIM_OTG_GAHBCFG, SIM_OTG_GAHBCFG_GINT) &&
                          !otg_has(o, SIM_OTG_GINTSTS, SIM_OTG_GINTSTS_SOF);
  const bool want = frames_seen(o) && (interrupts || otg_iso_waits(o));
  if (want == o->sof_wanted) return;
  o->sof_wanted = want;
  if (o->host) o->host->want_sof(o->host->ctx, want);
}

// --- GINTSTS ---------------------------------------------------------------------

// The states of GINTSTS as they are now.
static uint32_t live(const struct otg *o) {
  const uint32_t daint = otg_daint(o) & otg_get(o, SIM_OTG_DAINTMSK);
  uint32_t w = HOST_EMPTY;
  if (o->host_mode) w |= SIM_OTG_GINTSTS_CMOD;
  if (otg_get(o, SIM_OTG_GOTGINT)) w |= SIM_OTG_GINTSTS_OTGINT;
  if (o->rx.count) w |= SIM_OTG_GINTSTS_RXFLVL;
  if (o->global_in_nak) w |= SIM_OTG_GINTSTS_GINAKEFF;
  if (o->global_out_nak) w |= SIM_OTG_GINTSTS_GONAKEFF;
  if (daint & SIM_OTG_DAINT_IEPINT) w |= SIM_OTG_GINTSTS_IEPINT;
  if (daint & SIM_OTG_DAINT_OEPINT) w |= SIM_OTG_GINTSTS_OEPINT;
  return w;
}

uint32_t otg_read_gintsts(struct otg *o) {
  poll_sof(o);
  return (otg_get(o, SIM_OTG_GINTSTS) & ~LIVE) | live(o);
}

void otg_write_gintsts(struct otg *o, uint32_t word) {
  poll_sof(o);
  *otg_reg(o, SIM_OTG_GINTSTS) &= ~word;
}

// Level-sensitive, like the wire: called after everything that could change it.
void otg_update_irq(struct otg *o) {
  const uint32_t mask = otg_get(o, SIM_OTG_GINTMSK) & ~HOST_EMPTY;
  const bool on = otg_has(o, SIM_OTG_GAHBCFG, SIM_OTG_GAHBCFG_GINT);
  irq_set(&o->irqs.global, on && (otg_read_gintsts(o) & mask));
  wish_sof(o);
  const uint32_t each_mask = otg_get(o, SIM_OTG_DEACHINTMSK);
  const uint32_t each = each_mask ? otg_deachint(o) & each_mask : 0;
  irq_set(&o->irqs.ep1_in, on && (each & SIM_OTG_DEACHINT_IEP1INT));
  irq_set(&o->irqs.ep1_out, on && (each & SIM_OTG_DEACHINT_OEP1INT));
}
