// SPDX-License-Identifier: MIT
// Isochronous endpoints (RM0410 41.16): served in frames of one parity, without a
// handshake; what a frame leaves undone is flagged when the next one starts (the
// manual: at the end of the periodic frame, DCFG.PFIVL). One packet per frame.
#include "sim/models/otg_internal.h"

enum { EPTYP_ISOCHRONOUS = 1 };

bool otg_is_iso(const struct otg *o, unsigned n, bool in) {
  return n && SIM_GET(otg_get(o, otg_ctl(n, in)), SIM_OTG_DIEPCTL_EPTYP) ==
                  EPTYP_ISOCHRONOUS;
}

// Frames at full speed, microframes at high speed.
static uint32_t frame_number(const struct otg *o) {
  return SIM_GET(otg_read_dsts(o), SIM_OTG_DSTS_FNSOF);
}

// For isochronous endpoints the toggle's place is EONUM: the parity of the frame that
// the transfer is for.
static bool is_for(const struct otg *o, unsigned n, bool in, uint32_t frame) {
  const bool odd = in ? o->in[n].data1 : o->out[n].data1;
  return odd == (frame & 1);
}

static bool enabled(const struct otg *o, unsigned n, bool in) {
  return otg_has(o, otg_ctl(n, in), SIM_OTG_DIEPCTL_EPENA) && otg_is_iso(o, n, in);
}

// An endpoint with nothing for this frame answers with an empty packet.
void otg_iso_in(struct otg *o, unsigned n, struct usb_answer *answer) {
  answer->reply = USB_REPLY_DATA;
  answer->data1 = false;
  answer->length = 0;
  if (!enabled(o, n, true) || !is_for(o, n, true, frame_number(o))) return;
  if (otg_in_answer(o, n) != USB_REPLY_DATA) {
    otg_flag(o, n, true, SIM_OTG_DIEPINT_ITTXFE);
    return;
  }
  const uint32_t most = otg_max_packet(o, n);
  const uint32_t bytes = o->in[n].unsent < most ? o->in[n].unsent : most;
  otg_tx_copy(o, otg_tx_fifo_of(o, n), answer->data, bytes);
  answer->length = o->in[n].sent = (uint16_t)bytes;
  otg_in_done(o, n);
}

void otg_iso_out(struct otg *o, const struct usb_token *t) {
  const unsigned n = t->endpoint;
  if (!enabled(o, n, false) || !is_for(o, n, false, frame_number(o))) return;
  if (otg_out_answer(o, n) != USB_REPLY_ACK) {
    if (!otg_rx_has_room(o, otg_out_max_packet(o, n))) {
      otg_latch(o, SIM_OTG_GINTSTS_ISOODRP);
    }
    return;
  }
  // RXDPID: 0 DATA0, 2 DATA1.
  otg_put(o, otg_tsiz(n, false), SIM_OTG_DOEPTSIZ_STUPCNT, t->data1 ? 2 : 0);
  otg_receive(o, t);
}

bool otg_iso_waits(const struct otg *o) {
  for (unsigned n = 1; n < o->config->endpoints; n++) {
    if (enabled(o, n, true) || enabled(o, n, false)) return true;
  }
  return false;
}

void otg_iso_frame(struct otg *o) {
  const uint32_t ended = frame_number(o) - 1;
  for (unsigned n = 1; n < o->config->endpoints; n++) {
    if (enabled(o, n, true) && is_for(o, n, true, ended)) {
      otg_latch(o, SIM_OTG_GINTSTS_IISOIXFR);
    }
    if (enabled(o, n, false) && is_for(o, n, false, ended)) {
      otg_latch(o, SIM_OTG_GINTSTS_IPXFR);
    }
  }
}
