// SPDX-License-Identifier: MIT
// FIFO RAM, in 32-bit words (RM0410 41.11.3), and the endpoints beside 0. The receive
// FIFO takes 13 for SETUP + 1 for the global NAK + 2 per OUT endpoint, and for each
// packet 1 + its words; a transmit FIFO one packet: the next one is written when the
// host has acknowledged the last.
//
//   DFU alone             with a serial port:
//   both cores            OTG_FS, 320         OTG_HS, 1024
//     0 +-------------+     0 +-----------+      0 +-----------+
//       | receive 128 |       | rx 224    |        | rx 816    |  12 packets of 17,
//   128 +-------------+   224 +-----------+    816 +-----------+   6 of 129
//       | EP0 64      |       | EP0 64    |        | EP0 64    |
//   192 +-------------+   288 +-----------+    880 +-----------+
//                             | EP1 16    |        | EP1 128   |
//                         304 +-----------+   1008 +-----------+
//                             | EP2 16    |        | EP2 16    |  the least (41.15.11)
//                         320 +-----------+   1024 +-----------+
#include "firmware/drivers/dwc2_internal.h"

enum {
  TX0_WORDS = 64,
  TX2_WORDS = 16,
  STREAM = 1,   // number of the one OUT endpoint
  LAST_IN = 2,  // number of the last IN endpoint
  ADDRESS_IN = 0x80,
  NUMBER = 0x0F,  // of an address
};

void dwc2_size_fifos(const struct dwc2 *d) {
  const bool large = d->config.phy == DWC2_PHY_ULPI_HS;
  const uint32_t rx = !CONFIG_SERIAL ? 128u : large ? 816u : 224u;
  const uint32_t tx1 = large ? 128u : 16u;
  wr(d, DWC2_GRXFSIZ, rx);
  wr(d, DWC2_DIEPTXF0,
     field_set(field_set(0, DWC2_DIEPTXF0_TX0FSA, rx), DWC2_DIEPTXF0_TX0FD, TX0_WORDS));
  if (!CONFIG_SERIAL) return;
  uint32_t start = rx + TX0_WORDS;
  wr(d, DWC2_DIEPTXF1,
     field_set(field_set(0, DWC2_DIEPTXF1_INEPTXSA, start), DWC2_DIEPTXF1_INEPTXFD,
               tx1));
  start += tx1;
  wr(d, DWC2_DIEPTXF2,
     field_set(field_set(0, DWC2_DIEPTXF2_INEPTXSA, start), DWC2_DIEPTXF2_INEPTXFD,
               TX2_WORDS));
}

// --- operations ---

static void on_open(void *ctx, uint8_t address, uint8_t type, uint16_t packet) {
  const struct dwc2 *d = ctx;
  const uint32_t n = address & NUMBER;
  uint32_t ctl =
      field_mask(DWC2_DIEPCTL_USBAEP) | field_mask(DWC2_DIEPCTL_SD0PID_SEVNFRM);
  ctl = field_set(ctl, DWC2_DIEPCTL_EPTYP, type);
  ctl = field_set(ctl, DWC2_DIEPCTL_MPSIZ, packet);
  if (address & ADDRESS_IN) {
    wr(d, DWC2_DIEPCTL(n), field_set(ctl, DWC2_DIEPCTL_TXFNUM, n));
  } else {
    wr(d, DWC2_DOEPCTL(n), ctl);  // with NAK since it was closed
  }
}

static void close_in(const struct dwc2 *d, uint32_t n) {
  dwc2_cancel(d, n);
  wr(d, DWC2_DIEPCTL(n), 0);
  wr(d, DWC2_DIEPINT(n), field_mask(DWC2_DIEPINT_XFRC));
}

// As ST's own software does it; the manual would have a global OUT NAK besides
// (RM0410 41.16.5, "Disabling an OUT endpoint"), for hosts that go on sending.
static void on_close_all(void *ctx) {
  struct dwc2 *d = ctx;
  for (uint32_t n = 1; n <= LAST_IN; n++)
    close_in(d, n);
  if (field_get(rd(d, DWC2_DOEPCTL(STREAM)), DWC2_DOEPCTL_EPENA)) {
    update(d, DWC2_DOEPCTL(STREAM), 0,
           field_mask(DWC2_DOEPCTL_EPDIS) | field_mask(DWC2_DOEPCTL_SNAK));
    dwc2_wait(d, DWC2_DOEPINT(STREAM), DWC2_DOEPINT_EPDISD, 1, DWC2_CORE_US);
    wr(d, DWC2_DOEPINT(STREAM), field_mask(DWC2_DOEPINT_EPDISD));
  }
  wr(d, DWC2_DOEPCTL(STREAM), field_mask(DWC2_DOEPCTL_SNAK));
  d->stream = (struct dwc2_stream){.to = d->setup};
}

// A bus reset takes USBAEP away at once, and is heard of later: until then there is
// nothing to be done with the endpoint, so that is what is looked at last.
static void on_receive(void *ctx, uint8_t address, uint8_t *dst, uint16_t length) {
  struct dwc2 *d = ctx;
  uint32_t ctl = rd(d, DWC2_DOEPCTL(address));
  if (!field_get(ctl, DWC2_DOEPCTL_USBAEP)) return;
  const uint32_t packets = length / field_get(ctl, DWC2_DOEPCTL_MPSIZ);
  d->stream = (struct dwc2_stream){.to = dst, .left = length};
  wr(d, DWC2_DOEPTSIZ(address),
     field_set(field_set(0, DWC2_DOEPTSIZ_PKTCNT, packets), DWC2_DOEPTSIZ_XFRSIZ,
               length));
  ctl = rd(d, DWC2_DOEPCTL(address));
  if (!field_get(ctl, DWC2_DOEPCTL_USBAEP)) return;
  wr(d, DWC2_DOEPCTL(address),
     ctl | field_mask(DWC2_DOEPCTL_EPENA) | field_mask(DWC2_DOEPCTL_CNAK));
}

static void on_send(void *ctx, uint8_t address, const uint8_t *src, uint16_t length) {
  const struct dwc2 *d = ctx;
  const uint32_t n = address & NUMBER;
  const uint32_t ctl = rd(d, DWC2_DIEPCTL(n));
  if (!field_get(ctl, DWC2_DIEPCTL_USBAEP)) return;
  wr(d, DWC2_DIEPTSIZ(n),
     field_set(field_set(0, DWC2_DIEPTSIZ_PKTCNT, 1), DWC2_DIEPTSIZ_XFRSIZ, length));
  wr(d, DWC2_DIEPCTL(n),
     ctl | field_mask(DWC2_DIEPCTL_EPENA) | field_mask(DWC2_DIEPCTL_CNAK));
  dwc2_write_fifo(d, n, src, length);
}

static void on_cancel(void *ctx, uint8_t address) {
  const struct dwc2 *d = ctx;
  const uint32_t n = address & NUMBER;
  dwc2_cancel(d, n);
  wr(d, DWC2_DIEPINT(n), field_mask(DWC2_DIEPINT_XFRC));
}

// EPENA can only be set by a write: it is left out, for the core may clear it between
// the two accesses.
static void on_halt(void *ctx, uint8_t address, bool on) {
  const struct dwc2 *d = ctx;
  const uint32_t n = address & NUMBER;
  const uint32_t stall = field_mask(DWC2_DIEPCTL_STALL);
  const uint32_t data0 = field_mask(DWC2_DIEPCTL_SD0PID_SEVNFRM);
  update(d, address & ADDRESS_IN ? DWC2_DIEPCTL(n) : DWC2_DOEPCTL(n),
         stall | field_mask(DWC2_DIEPCTL_EPENA), on ? stall : data0);
}

const struct usb_endpoint_ops dwc2_endpoints = {
    .open = on_open,
    .close_all = on_close_all,
    .receive = on_receive,
    .send = on_send,
    .cancel = on_cancel,
    .halt = on_halt,
};

// --- events ---

// The end of what was closed meanwhile is no end of what is under way.
void dwc2_pop_stream(struct dwc2 *d, uint32_t entry) {
  struct dwc2_stream *s = &d->stream;
  const uint32_t kind = field_get(entry, DWC2_GRXSTSP_PKTSTS);
  if (kind == PKTSTS_OUT_DATA) {
    const uint32_t count = field_get(entry, DWC2_GRXSTSP_BCNT);
    const uint32_t wanted = count < s->left ? count : s->left;
    dwc2_read_fifo(d, s->to, count, wanted);
    s->to += wanted;
    s->left = (uint16_t)(s->left - wanted);
    s->fresh = (uint16_t)(s->fresh + wanted);
  } else if (kind == PKTSTS_OUT_DONE) {
    s->ended = !field_get(rd(d, DWC2_DOEPCTL(STREAM)), DWC2_DOEPCTL_EPENA);
  }
}

bool dwc2_take_received(struct dwc2 *d, struct usb_event *e) {
  struct dwc2_stream *s = &d->stream;
  if (!s->fresh && !s->ended) return false;
  e->kind = USB_EVENT_RECEIVED;
  e->endpoint = STREAM;
  e->length = s->fresh;
  e->ended = s->ended;
  s->fresh = 0;
  s->ended = false;
  return true;
}

bool dwc2_take_sent(const struct dwc2 *d, uint32_t status, struct usb_event *e) {
  if (!field_get(status, DWC2_GINTSTS_IEPINT)) return false;
  for (uint32_t n = 1; n <= LAST_IN; n++) {
    if (!field_get(rd(d, DWC2_DIEPINT(n)), DWC2_DIEPINT_XFRC)) continue;
    wr(d, DWC2_DIEPINT(n), field_mask(DWC2_DIEPINT_XFRC));
    e->kind = USB_EVENT_SENT;
    e->endpoint = (uint8_t)(ADDRESS_IN | n);
    return true;
  }
  return false;
}
