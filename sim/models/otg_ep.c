// SPDX-License-Identifier: MIT
// Endpoint registers: DxEPCTLn, DxEPINTn, DxEPTSIZn, DTXFSTSn (RM0410 41.15).
#include "sim/models/otg_internal.h"

enum { EPTYP_CONTROL, EPTYP_ISOCHRONOUS, EPTYP_BULK, EPTYP_INTERRUPT };

// --- what others ask -----------------------------------------------------------

// MPSIZ can say 2047; no packet is longer than 1024 (USB 2.0 5.6.3).
static uint32_t packet_limit(uint32_t ctl) {
  const uint32_t size = SIM_GET(ctl, SIM_OTG_DIEPCTL_MPSIZ);
  return size < USB_MAX_PACKET ? size : USB_MAX_PACKET;
}

// Endpoint 0 codes its size, and has one code for both directions: 0 is 64 bytes, 3
// is 8 (RM0410 41.15).
uint32_t otg_max_packet(const struct otg *o, unsigned n) {
  const uint32_t ctl = otg_get(o, otg_ctl(n, true));
  if (n == 0) return 64u >> SIM_GET(ctl, SIM_OTG_DIEPCTL0_MPSIZ);
  return packet_limit(ctl);
}

uint32_t otg_out_max_packet(const struct otg *o, unsigned n) {
  if (n == 0) return otg_max_packet(o, 0);
  return packet_limit(otg_get(o, otg_ctl(n, false)));
}

unsigned otg_tx_fifo_of(const struct otg *o, unsigned n) {
  return SIM_GET(otg_get(o, otg_ctl(n, true)), SIM_OTG_DIEPCTL_TXFNUM);
}

void otg_flag(struct otg *o, unsigned n, bool in, uint32_t bits) {
  *otg_reg(o, otg_int(n, in)) |= bits;
}

// --- enabling ------------------------------------------------------------------

// XFRSIZ and PKTCNT must describe the same transfer, or it never completes, or
// completes with data left in the FIFO (RM0410 41.16, IN data transfers).
static void check_in_size(struct otg *o, unsigned n) {
  const uint32_t tsiz = otg_get(o, otg_tsiz(n, true));
  const uint32_t bytes = SIM_GET(tsiz, SIM_OTG_DIEPTSIZ_XFRSIZ);
  const uint32_t packets = SIM_GET(tsiz, SIM_OTG_DIEPTSIZ_PKTCNT);
  const uint32_t most = otg_max_packet(o, n);
  const uint32_t least = most ? (bytes + most - 1) / most : 0;
  // One more packet than needed is a zero-length packet at the end of full ones.
  const uint32_t limit = most && bytes % most == 0 ? least + 1 : least;
  if (packets && packets >= least && packets <= limit) return;
  OTG_GUEST(o, GUEST_USB_PROTOCOL, otg_tsiz(n, true),
            "IN endpoint %u enabled with XFRSIZ %u, PKTCNT %u, packets of %u", n,
            (unsigned)bytes, (unsigned)packets, (unsigned)most);
}

// With the FIFO many stacks leave the count at 0, and it works; see is_armed.
static void check_out_size(struct otg *o, unsigned n) {
  if (!otg_dma_on(o)) return;
  if (otg_has(o, otg_tsiz(n, false), SIM_OTG_DOEPTSIZ_PKTCNT)) return;
  OTG_GUEST(o, GUEST_USB_PROTOCOL, otg_tsiz(n, false),
            "OUT endpoint %u enabled with PKTCNT 0", n);
}

// The largest packets that USB allows (USB 2.0 5.5.3, 5.7.3, 5.8.3). When the cable was
// pulled, a device that has not heard of it goes on at the speed that was.
static uint32_t largest_packet(const struct otg *o, uint32_t type) {
  if (o->enumerated && !otg_high_speed(o)) return 64;
  return type == EPTYP_INTERRUPT ? 1024 : 512;
}

static void check_packet_size(struct otg *o, unsigned n, bool in) {
  const uint32_t at = otg_ctl(n, in);
  const uint32_t ctl = otg_get(o, at);
  const uint32_t type = SIM_GET(ctl, SIM_OTG_DIEPCTL_EPTYP);
  const uint32_t size = SIM_GET(ctl, SIM_OTG_DIEPCTL_MPSIZ);
  if (n == 0 || type == EPTYP_ISOCHRONOUS || size <= largest_packet(o, type)) return;
  OTG_GUEST(o, GUEST_USB_PROTOCOL, at, "%s endpoint %u enabled with MPSIZ %u",
            in ? "IN" : "OUT", n, (unsigned)size);
}

static bool check_type(struct otg *o, unsigned n, bool in) {
  const uint32_t at = otg_ctl(n, in);
  const char *direction = in ? "IN" : "OUT";
  const uint32_t ctl = otg_get(o, at);
  if (!(ctl & SIM_OTG_DIEPCTL_USBAEP)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, at, "%s endpoint %u enabled while inactive",
              direction, n);
    return false;
  }
  check_packet_size(o, n, in);
  const uint32_t most = in ? otg_max_packet(o, n) : otg_out_max_packet(o, n);
  if (most) return true;
  OTG_GUEST(o, GUEST_USB_PROTOCOL, at, "%s endpoint %u enabled with MPSIZ 0", direction,
            n);
  return false;
}

// EPENA from 0 to 1 starts a transfer; written again it changes nothing, since
// drivers read, modify and write the whole register.
static void enable_in(struct otg *o, unsigned n) {
  const uint32_t bytes =
      SIM_GET(otg_get(o, otg_tsiz(n, true)), SIM_OTG_DIEPTSIZ_XFRSIZ);
  if (check_type(o, n, true)) {
    check_in_size(o, n);
    if (bytes) otg_check_tx_fifo(o, n);
    if (bytes) otg_check_dma(o, n, true);
  }
  o->in[n].unsent = bytes;
  o->in[n].written = 0;
}

static void enable_out(struct otg *o, unsigned n) {
  if (check_type(o, n, false)) {
    check_out_size(o, n);
    otg_check_rx_fifo(o, n);
    otg_check_dma(o, n, false);
  }
}

// --- disabling -----------------------------------------------------------------

void otg_disabled(struct otg *o, unsigned n, bool in) {
  otg_set(o, otg_ctl(n, in), SIM_OTG_DIEPCTL_EPENA | SIM_OTG_DIEPCTL_EPDIS, false);
  otg_flag(o, n, in, SIM_OTG_DIEPINT_EPDISD);
}

// EPDIS is for enabled endpoints, and OUT endpoint 0 cannot be disabled (RM0410
// 41.15). An IN endpoint that was not enabled says EPDISD all the same: NuttX waits for
// it without end, and Klipper sets EPDIS before first use. ST's and other drivers
// disable OUT endpoints without the global OUT NAK that the manual asks for, and it
// works for them: no complaint.
static void request_disable(struct otg *o, unsigned n, bool in, bool enabled) {
  if (!in && (!enabled || n == 0)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, otg_ctl(n, in),
              enabled ? "OUT endpoint %u cannot be disabled"
                      : "EPDIS set for endpoint %u, which is not enabled",
              n);
    return;
  }
  otg_set(o, otg_ctl(n, in), SIM_OTG_DIEPCTL_EPDIS, true);
  uint16_t *pending = in ? &o->settling.in_disable : &o->settling.out_disable;
  *pending |= (uint16_t)(1u << n);
}

// --- DxEPCTL -------------------------------------------------------------------

// NAK holds at once. That the core has seen it, INEPNE, comes some clocks later.
static void write_nak(struct otg *o, unsigned n, bool in, uint32_t word) {
  const uint32_t at = otg_ctl(n, in);
  const bool set = word & SIM_OTG_DIEPCTL_SNAK, clear = word & SIM_OTG_DIEPCTL_CNAK;
  const uint16_t bit = (uint16_t)(1u << n);
  if (set && clear) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, at, "SNAK and CNAK of endpoint %u set together",
              n);
  }
  if (set) {
    otg_set(o, at, SIM_OTG_DIEPCTL_NAKSTS, true);
    // INEPNE follows each SNAK, also when NAK was set before.
    if (in) o->settling.in_nak |= bit;
  }
  if (!clear) return;
  otg_set(o, at, SIM_OTG_DIEPCTL_NAKSTS, false);
  if (!in) return;
  o->settling.in_nak &= (uint16_t)~bit;
  otg_set(o, otg_int(n, true), SIM_OTG_DIEPINT_INEPNE, false);
}

// MPSIZ, USBAEP, EPTYP, STALL, TXFNUM: as written. The application can set STALL of
// a control endpoint but only a SETUP clears it (RM0410 41.15).
static void write_settings(struct otg *o, unsigned n, bool in, uint32_t word) {
  const uint32_t at = otg_ctl(n, in);
  const struct reg_desc *reg = reg_at(&o->file, at);
  uint32_t mask = reg->known & ~reg->read_only;
  mask &= ~(SIM_OTG_DIEPCTL_EPENA | SIM_OTG_DIEPCTL_EPDIS | SIM_OTG_DIEPCTL_CNAK |
            SIM_OTG_DIEPCTL_SNAK | SIM_OTG_DIEPCTL_SD0PID_SEVNFRM |
            SIM_OTG_DIEPCTL_SODDFRM);
  const uint32_t old = otg_get(o, at);
  const uint32_t type = SIM_GET(word, SIM_OTG_DIEPCTL_EPTYP);
  uint32_t now = (old & ~mask) | (word & mask);
  if (n == 0 || type == EPTYP_CONTROL) now |= old & SIM_OTG_DIEPCTL_STALL;
  *otg_reg(o, at) = now;
}

// Endpoint 0 takes its toggles from SETUP and has no such bits.
static void write_toggle(struct otg *o, unsigned n, bool in, uint32_t word) {
  bool *data1 = in ? &o->in[n].data1 : &o->out[n].data1;
  if (n == 0) return;
  if (word & SIM_OTG_DIEPCTL_SD0PID_SEVNFRM) *data1 = false;
  if (word & SIM_OTG_DIEPCTL_SODDFRM) *data1 = true;
}

// The order matters: settings first, so that CNAK and EPENA in the same write find
// the new type, size and FIFO.
static void write_ctl(struct otg *o, unsigned n, bool in, uint32_t word) {
  const uint32_t at = otg_ctl(n, in);
  const bool enabled = otg_has(o, at, SIM_OTG_DIEPCTL_EPENA);
  write_settings(o, n, in, word);
  write_toggle(o, n, in, word);
  write_nak(o, n, in, word);
  if (word & SIM_OTG_DIEPCTL_EPDIS) request_disable(o, n, in, enabled);
  if (!(word & SIM_OTG_DIEPCTL_EPENA) || enabled) return;
  otg_set(o, at, SIM_OTG_DIEPCTL_EPENA, true);
  if (in) {
    enable_in(o, n);
  } else {
    enable_out(o, n);
  }
}

static uint32_t read_ctl(const struct otg *o, unsigned n, bool in) {
  uint32_t word = otg_get(o, otg_ctl(n, in));
  // Endpoint 0 has one packet size, that of DIEPCTL0.
  if (n == 0 && !in) {
    const uint32_t in0 = otg_get(o, SIM_OTG_DIEPCTL0);
    return (word & ~SIM_OTG_DOEPCTL0_MPSIZ) | (in0 & SIM_OTG_DIEPCTL0_MPSIZ);
  }
  const bool data1 = in ? o->in[n].data1 : o->out[n].data1;
  if (n && data1) word |= SIM_OTG_DIEPCTL_EONUM_DPID;
  return word;
}

// --- DxEPTSIZ ------------------------------------------------------------------

// Once EPENA is set the size belongs to the core (RM0410 41.15). STUPCNT may be
// renewed at any time. In DMA mode EPENA of OUT endpoint 0 waits for SETUP packets
// under NAK, and ST's stack then arms a data or status stage by size and CNAK alone.
static void write_tsiz(struct otg *o, unsigned n, bool in, uint32_t word) {
  const uint32_t at = otg_tsiz(n, in);
  const uint32_t sizes = SIM_OTG_DIEPTSIZ_XFRSIZ | SIM_OTG_DIEPTSIZ_PKTCNT;
  const bool changed = (word ^ otg_get(o, at)) & sizes;
  const bool enabled = otg_has(o, otg_ctl(n, in), SIM_OTG_DIEPCTL_EPENA);
  const bool waits = otg_dma_on(o) && n == 0 && !in &&
                     otg_has(o, SIM_OTG_DOEPCTL0, SIM_OTG_DOEPCTL0_NAKSTS);
  otg_store(o, at, word);
  if (!changed || !enabled) return;
  if (!waits) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, at,
              "size of %s endpoint %u changed while it is enabled", in ? "IN" : "OUT",
              n);
  }
  if (!in) return;
  o->in[n].unsent = SIM_GET(word, SIM_OTG_DIEPTSIZ_XFRSIZ);
  o->in[n].written = 0;
}

// --- dispatch ------------------------------------------------------------------

// Offsets inside one endpoint's registers.
enum { EP_CTL = 0x00, EP_INT = 0x08, EP_TSIZ = 0x10, EP_TXFSTS = 0x18 };

struct place {
  unsigned n, which;
  bool in;
};

// Endpoints are 0x20 bytes apart: IN from 0x900, OUT from 0xB00.
static struct place locate(uint32_t offset) {
  const bool in = offset < SIM_OTG_DOEPCTL0;
  const uint32_t first = in ? SIM_OTG_DIEPCTL0 : SIM_OTG_DOEPCTL0;
  return (struct place){(offset - first) / 0x20, (offset - first) % 0x20, in};
}

uint32_t otg_read_ep(struct otg *o, uint32_t offset) {
  const struct place p = locate(offset);
  switch (p.which) {
    case EP_CTL: return read_ctl(o, p.n, p.in);
    case EP_INT: return p.in ? otg_diepint(o, p.n) : otg_get(o, offset);
    case EP_TXFSTS: return p.in ? otg_tx_free(o, otg_tx_fifo_of(o, p.n)) : 0;
    default: return otg_get(o, offset);
  }
}

void otg_write_ep(struct otg *o, uint32_t offset, uint32_t word) {
  const struct place p = locate(offset);
  switch (p.which) {
    case EP_CTL: write_ctl(o, p.n, p.in, word); break;
    case EP_INT: *otg_reg(o, offset) &= ~word; break;  // write 1 to clear
    case EP_TSIZ: write_tsiz(o, p.n, p.in, word); break;
    default: otg_store(o, offset, word); break;
  }
}
