// SPDX-License-Identifier: MIT
// Transactions: what the core answers to each token (USB 2.0 8.5, 8.6; RM0410 41.16)
// and what that does to endpoints and FIFOs.
#include <string.h>

#include "sim/models/otg_internal.h"

enum { EPTYP_CONTROL, EPTYP_ISOCHRONOUS, EPTYP_BULK, EPTYP_INTERRUPT };

// PKTCNT is one bit wide in DOEPTSIZ0, so the general field would read STUPCNT's
// neighbours with it.
static uint32_t packets_left(const struct otg *o, unsigned n, bool in) {
  return SIM_GET(otg_get(o, otg_tsiz(n, in)),
                 n || in ? SIM_OTG_DIEPTSIZ_PKTCNT : SIM_OTG_DOEPTSIZ0_PKTCNT);
}

static uint32_t type_of(const struct otg *o, unsigned n, bool in) {
  return SIM_GET(otg_get(o, otg_ctl(n, in)), SIM_OTG_DIEPCTL_EPTYP);
}

// --- IN --------------------------------------------------------------------------

// Length of the packet at the head of the FIFO. The FIFO holds words and no lengths:
// all packets of a transfer are full but the last.
static uint32_t head_packet(const struct otg *o, unsigned n) {
  const uint32_t most = otg_max_packet(o, n);
  return o->in[n].unsent < most ? o->in[n].unsent : most;
}

enum usb_reply otg_in_answer(const struct otg *o, unsigned n) {
  const uint32_t ctl = otg_get(o, otg_ctl(n, true));
  if (ctl & SIM_OTG_DIEPCTL_STALL) return USB_REPLY_STALL;
  const bool willing = (ctl & SIM_OTG_DIEPCTL_EPENA) &&
                       !(ctl & SIM_OTG_DIEPCTL_NAKSTS) &&
                       !otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GINSTS);
  if (!willing || packets_left(o, n, true) == 0) return USB_REPLY_NAK;
  // A packet leaves only when all of it is in the FIFO.
  const uint32_t words = (head_packet(o, n) + 3) / 4;
  return o->tx[otg_tx_fifo_of(o, n)].count >= words ? USB_REPLY_DATA : USB_REPLY_NAK;
}

// ITTXFE tells of a token that found the FIFO empty, unless NAK was set anyway
// (RM0410 41.16, generic non-periodic IN).
static void in_nak(struct otg *o, unsigned n) {
  const bool asked = !otg_has(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_NAKSTS);
  const bool empty = o->tx[otg_tx_fifo_of(o, n)].count == 0;
  otg_flag(o, n, true, SIM_OTG_DIEPINT_NAK);
  if (asked && empty) otg_flag(o, n, true, SIM_OTG_DIEPINT_ITTXFE);
  o->nak_in |= (uint16_t)(1u << n);
}

// TRDT by AHB frequency at full speed (RM0410 table "TRDT values (FS)"). The last
// row is 6 there; its reset value 5 is in use by TinyUSB on real boards.
static const struct {
  uint64_t min_hz;
  uint8_t trdt;
} turnaround[] = {
    {14200000, 15}, {15000000, 14}, {16000000, 13}, {17200000, 12}, {18500000, 11},
    {20000000, 10}, {21800000, 9},  {24000000, 8},  {27700000, 7},  {32000000, 5},
};

enum { TRDT_ULPI = 9 };  // RM0410 41.15: 0x9 at high speed

// The first IN data packet after a bus reset shows whether TRDT was set in time.
static void check_turnaround(struct otg *o) {
  if (o->turnaround_checked) return;
  o->turnaround_checked = true;
  const uint32_t set = SIM_GET(otg_get(o, SIM_OTG_GUSBCFG), SIM_OTG_GUSBCFG_TRDT);
  const uint64_t hclk = clock_hz(o->clocks, CLOCK_HCLK);
  uint32_t least = 0;
  for (size_t i = 0; i < sizeof turnaround / sizeof *turnaround; i++) {
    if (hclk >= turnaround[i].min_hz) least = turnaround[i].trdt;
  }
  if (otg_high_speed(o)) least = TRDT_ULPI;
  if (set >= least) return;
  OTG_GUEST(o, GUEST_USB_CONFIG, SIM_OTG_GUSBCFG,
            "TRDT is %u, needs %u at HCLK %llu Hz", (unsigned)set, (unsigned)least,
            (unsigned long long)hclk);
}

static void send_packet(struct otg *o, unsigned n, struct usb_answer *answer) {
  const uint32_t bytes = head_packet(o, n);
  otg_tx_copy(o, otg_tx_fifo_of(o, n), answer->data, bytes);
  answer->length = (uint16_t)bytes;
  answer->data1 = o->in[n].data1;
  o->in[n].sent = (uint16_t)bytes;
  o->in[n].awaiting_ack = true;
  check_turnaround(o);
}

// OTEPSPR: the host has gone on to the status stage of a control write whose data
// have been taken (RM0410 41.15); of use with DMA only.
static void note_status_stage(struct otg *o, unsigned n) {
  const bool taken = !otg_has(o, SIM_OTG_DOEPINT(0), SIM_OTG_DOEPINT_XFRC);
  if (n || !o->data_seen || !taken || !otg_dma_on(o)) return;
  o->data_seen = false;
  otg_flag(o, 0, false, SIM_OTG_DOEPINT_OTEPSPR);
}

// The packet stays in the FIFO until its ACK: a lost one needs it again.
static void in_token(struct otg *o, unsigned n, struct usb_answer *answer) {
  if (otg_is_iso(o, n, true)) {
    otg_iso_in(o, n, answer);
    return;
  }
  note_status_stage(o, n);
  answer->reply = otg_in_answer(o, n);
  if (answer->reply == USB_REPLY_NAK) in_nak(o, n);
  if (answer->reply == USB_REPLY_DATA) send_packet(o, n, answer);
}

// The end of a control transfer: an address that it brought counts from now on.
static void close_control(struct otg *o) {
  o->control_open = false;
  o->address = (uint8_t)SIM_GET(otg_get(o, SIM_OTG_DCFG), SIM_OTG_DCFG_DAD);
}

void otg_in_done(struct otg *o, unsigned n) {
  struct otg_in *in = &o->in[n];
  const uint32_t left = packets_left(o, n, true);
  in->awaiting_ack = false;
  if (!otg_is_iso(o, n, true)) in->data1 = !in->data1;
  otg_tx_drop(o, otg_tx_fifo_of(o, n), in->sent);
  in->unsent -= in->unsent < in->sent ? in->unsent : in->sent;
  if (left) otg_put(o, otg_tsiz(n, true), SIM_OTG_DIEPTSIZ_PKTCNT, left - 1);
  if (n == 0 && !o->control_read) close_control(o);
  if (left == 1) {
    otg_set(o, otg_ctl(n, true), SIM_OTG_DIEPCTL_EPENA, false);
    otg_flag(o, n, true, SIM_OTG_DIEPINT_XFRC);
  }
}

// The host has the packet: now it leaves the FIFO.
static void port_acked(void *ctx, uint8_t n) {
  struct otg *o = ctx;
  if (n >= o->config->endpoints || !o->in[n].awaiting_ack) return;
  otg_in_done(o, n);
  otg_changed(o);
}

// No ACK came for the last data packet: its words are still in the FIFO and go out
// again. Only control endpoints report it (RM0410 41.15, TOC).
static void note_timeouts(struct otg *o) {
  for (unsigned n = 0; n < o->config->endpoints; n++) {
    if (!o->in[n].awaiting_ack) continue;
    o->in[n].awaiting_ack = false;
    if (type_of(o, n, true) == EPTYP_CONTROL) otg_flag(o, n, true, SIM_OTG_DIEPINT_TOC);
  }
}

// --- SETUP -----------------------------------------------------------------------

// Taken whatever EPENA and NAK say; clears STALL and sets NAK in both directions
// (RM0410 41.16, SETUP transactions).
static void setup_token(struct otg *o, const struct usb_token *t,
                        struct usb_answer *answer) {
  // Without room it is dropped unanswered: a SETUP cannot be refused by NAK.
  if (t->endpoint != 0 || t->length != 8 || !otg_rx_has_setup_room(o)) return;
  otg_rx_push(o, OTG_RX_SETUP, OTG_SETUP_DATA, t);
  const uint32_t count =
      SIM_GET(otg_get(o, SIM_OTG_DOEPTSIZ0), SIM_OTG_DOEPTSIZ0_STUPCNT);
  if (count) otg_put(o, SIM_OTG_DOEPTSIZ0, SIM_OTG_DOEPTSIZ0_STUPCNT, count - 1);
  o->setups_in_row = o->setup_open ? (uint8_t)(o->setups_in_row + 1) : 1;
  if (o->setups_in_row > 3) otg_flag(o, 0, false, SIM_OTG_DOEPINT_B2BSTUP);
  o->setup_open = o->control_open = true;
  o->data_seen = false;
  o->control_read = t->data[0] & 0x80;
  for (int in = 0; in < 2; in++) {
    otg_set(o, otg_ctl(0, in), SIM_OTG_DIEPCTL_STALL, false);
    otg_set(o, otg_ctl(0, in), SIM_OTG_DIEPCTL_NAKSTS, true);
  }
  // With DMA it stays set until the packet is in memory.
  if (!otg_dma_on(o)) otg_set(o, SIM_OTG_DOEPCTL0, SIM_OTG_DOEPCTL_EPENA, false);
  otg_flag(o, 0, true, SIM_OTG_DIEPINT_INEPNE);
  o->in[0].data1 = o->out[0].data1 = true;
  answer->reply = USB_REPLY_ACK;
}

// The first token of the next stage ends the SETUP stage.
static void close_setup(struct otg *o) {
  if (!o->setup_open) return;
  const struct usb_token t = {.endpoint = 0};
  o->setup_open = false;
  otg_rx_push(o, OTG_RX_SETUP, OTG_SETUP_DONE, &t);
}

// --- OUT -------------------------------------------------------------------------

// Whether the application has asked for a packet. By the manual that takes EPENA and
// PKTCNT. With the FIFO real cores look at NAK instead: embassy never sets EPENA of
// OUT endpoint 0 and sets it once for others; synopsys-usb-otg and libusb_stm32 never
// set PKTCNT, ChibiOS not for a status stage. All of them run on these chips.
static bool is_armed(const struct otg *o, unsigned n) {
  const bool enabled = otg_has(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_EPENA);
  const bool counted = packets_left(o, n, false) != 0;
  if (otg_dma_on(o)) return enabled && counted;
  return enabled || n == 0 || (counted && !otg_is_iso(o, n, false));
}

enum usb_reply otg_out_answer(const struct otg *o, unsigned n) {
  const uint32_t ctl = otg_get(o, otg_ctl(n, false));
  if (ctl & SIM_OTG_DOEPCTL_STALL) return USB_REPLY_STALL;
  const bool willing = is_armed(o, n) && !(ctl & SIM_OTG_DOEPCTL_NAKSTS) &&
                       !otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_GONSTS);
  const bool room = otg_rx_has_room(o, otg_out_max_packet(o, n));
  return willing && room ? USB_REPLY_ACK : USB_REPLY_NAK;
}

// OTEPDIS: an OUT for a control endpoint that nobody armed (RM0410 41.15). A driver
// learns from it that the host has gone on to the status stage.
static void out_nak(struct otg *o, unsigned n) {
  const bool enabled = otg_has(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_EPENA);
  const bool control = type_of(o, n, false) == EPTYP_CONTROL;
  otg_flag(o, n, false, SIM_OTG_DOEPINT_NAK);
  if (control && !enabled) otg_flag(o, n, false, SIM_OTG_DOEPINT_OTEPDIS);
  o->nak_out |= (uint16_t)(1u << n);
}

// XFRSIZ should be a multiple of the packet size (RM0410 41.16), and TinyUSB sets
// less for the last packet. That is fine as long as no packet is longer than it, and
// with the FIFO nothing depends on it.
static void count_received(struct otg *o, unsigned n, uint32_t bytes) {
  const uint32_t at = otg_tsiz(n, false);
  const uint32_t field = n ? SIM_OTG_DOEPTSIZ_XFRSIZ : SIM_OTG_DOEPTSIZ0_XFRSIZ;
  const uint32_t expected = SIM_GET(otg_get(o, at), field);
  const uint32_t packets = packets_left(o, n, false);
  if (bytes > expected && otg_dma_on(o)) {
    OTG_GUEST(o, GUEST_USB_PROTOCOL, at,
              "OUT endpoint %u: packet of %u bytes, XFRSIZ left was %u", n,
              (unsigned)bytes, (unsigned)expected);
  }
  otg_put(o, at, field, bytes < expected ? expected - bytes : 0);
  otg_put(o, at, n ? SIM_OTG_DOEPTSIZ_PKTCNT : SIM_OTG_DOEPTSIZ0_PKTCNT,
          packets ? packets - 1 : 0);
}

// A short packet or the last one ends the transfer: EPENA falls, NAK is set, and an
// OUT-done entry follows the data. That EPENA falls here and not when the entry is
// popped shows in what synopsys-usb-otg does on cores with CID 2x00h and 3x00h only:
// it enables the endpoint again between the two.
void otg_receive(struct otg *o, const struct usb_token *t) {
  const unsigned n = t->endpoint;
  otg_rx_push(o, OTG_RX_DATA, OTG_OUT_DATA, t);
  if (n == 0 && o->control_read) close_control(o);
  if (n == 0 && !o->control_read) o->data_seen = true;
  const bool iso = otg_is_iso(o, n, false);
  if (!iso) o->out[n].data1 = !o->out[n].data1;
  count_received(o, n, t->length);
  const bool is_short = t->length < otg_out_max_packet(o, n);
  if (!is_short && packets_left(o, n, false)) return;
  otg_set(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_EPENA, false);
  if (!iso) otg_set(o, otg_ctl(n, false), SIM_OTG_DOEPCTL_NAKSTS, true);
  otg_rx_push(o, OTG_RX_STATUS, OTG_OUT_DONE, t);
}

// Whether this OUT is a status stage with data in it, and DCFG says to refuse that.
static bool refused_status(const struct otg *o, const struct usb_token *t) {
  return t->endpoint == 0 && o->control_read && t->length > 0 &&
         otg_has(o, SIM_OTG_DCFG, SIM_OTG_DCFG_NZLSOHSK);
}

// High-speed bulk and control endpoints say NYET to the last packet they have room
// for (USB 2.0 8.5.1). An empty packet is a status stage: there is no next.
static void accept(struct otg *o, const struct usb_token *t,
                   struct usb_answer *answer) {
  const unsigned n = t->endpoint;
  otg_receive(o, t);
  const uint32_t type = type_of(o, n, false);
  const bool flow = type == EPTYP_CONTROL || type == EPTYP_BULK;
  if (!flow || !otg_high_speed(o) || t->length == 0) return;
  if (otg_out_answer(o, n) == USB_REPLY_ACK) return;
  answer->reply = USB_REPLY_NYET;
  otg_flag(o, n, false, SIM_OTG_DOEPINT_NYET);
}

static void out_token(struct otg *o, const struct usb_token *t,
                      struct usb_answer *answer) {
  const unsigned n = t->endpoint;
  if (t->length > otg_out_max_packet(o, n)) {
    otg_flag(o, n, false, SIM_OTG_DOEPINT_BERR);  // babble: no answer
    return;
  }
  if (otg_is_iso(o, n, false)) {
    otg_iso_out(o, t);
    return;
  }
  answer->reply = otg_out_answer(o, n);
  // A packet with the wrong toggle is a repetition: our ACK was lost. It is dropped
  // and acknowledged, also by an endpoint that would have to say NAK (USB 2.0 8.4.6.3).
  if (t->data1 != o->out[n].data1 && answer->reply != USB_REPLY_STALL) {
    answer->reply = USB_REPLY_ACK;
    return;
  }
  if (refused_status(o, t) && answer->reply == USB_REPLY_ACK) {
    answer->reply = USB_REPLY_STALL;
  }
  if (answer->reply == USB_REPLY_NAK) out_nak(o, n);
  if (answer->reply == USB_REPLY_ACK) accept(o, t, answer);
}

// PING exists at high speed only, for bulk and control (USB 2.0 8.5.1).
static void ping_token(struct otg *o, unsigned n, struct usb_answer *answer) {
  const uint32_t type = type_of(o, n, false);
  if (!otg_high_speed(o) || type == EPTYP_ISOCHRONOUS || type == EPTYP_INTERRUPT)
    return;
  answer->reply = otg_out_answer(o, n);
  if (answer->reply == USB_REPLY_NAK) out_nak(o, n);
}

// --- the port --------------------------------------------------------------------

// Whether the core is in a state to hear tokens at all. A test mode ends with the
// power only (USB 2.0 9.4.9), so TCTL does so here.
static bool listening(const struct otg *o) {
  const bool clocked = !o->board.clocked || o->board.clocked(o->board.ctx);
  return clocked && o->connected && o->enumerated && !o->bus_reset && !o->suspended &&
         !otg_stopped(o) && !otg_has(o, SIM_OTG_DCTL, SIM_OTG_DCTL_TCTL) &&
         otg_clock_is_right(o);
}

static bool addressed(const struct otg *o, const struct usb_token *t) {
  return t->address == o->address && t->endpoint < o->config->endpoints &&
         otg_has(o, otg_ctl(t->endpoint, t->pid == USB_PID_IN), SIM_OTG_DIEPCTL_USBAEP);
}

// Tokens to nobody get USB_REPLY_NONE, which the host takes for a time-out.
static void port_transact(void *ctx, const struct usb_token *token,
                          struct usb_answer *answer) {
  struct otg *o = ctx;
  answer->reply = USB_REPLY_NONE;
  if (otg_stopped(o)) otg_note_deaf(o);
  if (!listening(o)) return;
  note_timeouts(o);
  if (addressed(o, token)) {
    if (token->endpoint == 0 && token->pid != USB_PID_SETUP) close_setup(o);
    switch (token->pid) {
      case USB_PID_SETUP: setup_token(o, token, answer); break;
      case USB_PID_OUT: out_token(o, token, answer); break;
      case USB_PID_IN: in_token(o, token->endpoint, answer); break;
      case USB_PID_PING: ping_token(o, token->endpoint, answer); break;
    }
  }
  otg_changed(o);
}

// The model of a NAK is a promise: as soon as anything changes that would let the
// endpoint answer otherwise, the host is told, so that it need not ask in vain.
void otg_tell_ready(struct otg *o) {
  for (unsigned n = 0; o->nak_in >> n; n++) {
    const uint16_t bit = (uint16_t)(1u << n);
    if (!(o->nak_in & bit) || otg_in_answer(o, n) == USB_REPLY_NAK) continue;
    o->nak_in &= (uint16_t)~bit;
    if (o->host) o->host->ready(o->host->ctx, (uint8_t)n, true);
  }
  for (unsigned n = 0; o->nak_out >> n; n++) {
    const uint16_t bit = (uint16_t)(1u << n);
    if (!(o->nak_out & bit) || otg_out_answer(o, n) == USB_REPLY_NAK) continue;
    o->nak_out &= (uint16_t)~bit;
    if (o->host) o->host->ready(o->host->ctx, (uint8_t)n, false);
  }
}

// PFIVL: the part of the frame after which its periodic transfers should be over
// (RM0410 41.15).
static void port_sof(void *ctx) {
  struct otg *o = ctx;
  static const uint8_t percent[] = {80, 85, 90, 95};
  const uint32_t part = SIM_GET(otg_get(o, SIM_OTG_DCFG), SIM_OTG_DCFG_PFIVL);
  const vtime_t frame = otg_high_speed(o) ? VT_US(125) : VT_MS(1);
  event_cancel(o->events, &o->frame_end);
  event_in(o->events, &o->frame_end, frame * percent[part] / 100);
  otg_changed(o);
}

void otg_init_port(struct otg *o) {
  o->port.ctx = o;
  o->port.transact = port_transact;
  o->port.acked = port_acked;
  o->port.sof = port_sof;
  otg_init_link_port(o);
}
