// SPDX-License-Identifier: MIT
#include "firmware/usb/cdc.h"

#include <string.h>

#include "common/protocol/ch9.h"

enum {
  // bRequest (PSTN 1.2 table 13), and the notification (table 30).
  SET_LINE_CODING = 0x20,
  GET_LINE_CODING = 0x21,
  SET_CONTROL_LINE_STATE = 0x22,
  SEND_BREAK = 0x23,
  SERIAL_STATE = 0x20,

  DTR = 1,  // of SET_CONTROL_LINE_STATE.wValue
  DCD = 1,  // of SERIAL_STATE
  DSR = 2,

  LAST_WORDS = 128,  // longer than any command

  // Of an interrupt endpoint: 16 ms, in ms and as 2^(n-1) microframes (USB 2.0 9.6.6).
  INTERVAL_FS = 16,
  INTERVAL_HS = 8,
};

const struct usb_endpoint cdc_endpoints[CDC_ENDPOINTS] = {
    {CDC_NOTIFY_IN,
     CH9_INTERRUPT,
     CDC_COMMUNICATION,
     {INTERVAL_FS, INTERVAL_HS},
     {16, 16}},
    {CDC_DATA_OUT, CH9_BULK, CDC_DATA, {0, 0}, {64, 512}},
    {CDC_DATA_IN, CH9_BULK, CDC_DATA, {0, 0}, {64, 512}},
};

// --- receiving ---

static uint32_t room_at_head(const struct cdc_rx *rx) {
  return rx->wrapped ? (uint32_t)rx->tail - rx->head : (uint32_t)CDC_RX_ROOM - rx->head;
}

// As many packets as fit. None: the host waits, until bytes are taken.
static void ask(struct cdc *c) {
  struct cdc_rx *rx = &c->rx;
  if (!c->packet || rx->asked) return;
  if (!rx->wrapped && rx->head == rx->tail) rx->head = rx->tail = 0;
  if (!rx->wrapped && room_at_head(rx) < c->packet) {
    rx->end = rx->head;
    rx->head = 0;
    rx->wrapped = true;
  }
  const uint32_t packets = room_at_head(rx) / c->packet;
  if (packets == 0) return;
  rx->asked = true;
  c->port->endpoints->receive(c->port->ctx, CDC_DATA_OUT, rx->bytes + rx->head,
                              (uint16_t)(packets * c->packet));
}

// Packets that were asked for still come to `head`.
static void drop_received(struct cdc_rx *rx) {
  rx->tail = rx->head;
  rx->wrapped = false;
}

static void received(struct cdc *c, uint16_t length, bool ended) {
  c->rx.head = (uint16_t)(c->rx.head + length);
  if (ended) c->rx.asked = false;
  if (!c->dtr) {
    drop_received(&c->rx);
    c->leaving = 0;
  }
  ask(c);
}

static size_t available(const struct cdc_rx *rx) {
  return (size_t)(rx->wrapped ? rx->end : rx->head) - rx->tail;
}

// --- sending ---

// A transfer ends with a packet that is not full (USB 2.0 5.8.3): behind a full one
// that is the last goes an empty one, or the host would keep it back.
static void go_on(struct cdc *c) {
  struct cdc_tx *tx = &c->tx;
  const uint16_t at = tx->tail % CDC_TX_ROOM;
  const uint16_t left = (uint16_t)(tx->head - tx->tail);
  uint16_t n = (uint16_t)(CDC_TX_ROOM - at);
  if (tx->busy || (!left && !tx->full)) return;
  if (n > left) n = left;
  if (n > c->packet) n = c->packet;
  c->port->endpoints->send(c->port->ctx, CDC_DATA_IN, tx->bytes + at, n);
  tx->tail = (uint16_t)(tx->tail + n);
  tx->busy = true;
  tx->full = n == c->packet;
}

static void drop_sending(struct cdc *c) {
  if (c->tx.busy) c->port->endpoints->cancel(c->port->ctx, CDC_DATA_IN);
  c->tx.head = c->tx.tail = 0;
  c->tx.busy = c->tx.full = false;
}

// The line is ready, said once at the start of a session: a terminal that is told of
// the end as well would find that in its next session, and hang up.
static void notify(struct cdc *c) {
  static const uint8_t state[] = {0xA1, SERIAL_STATE, 0, 0, CDC_COMMUNICATION, 0, 2,
                                  0,    DCD | DSR,    0};
  if (c->notifying) return;  // the same, not fetched yet
  c->notifying = true;
  c->port->endpoints->send(c->port->ctx, CDC_NOTIFY_IN, state, sizeof state);
}

// --- the class ---

// A shell opens and closes the port for each program: a command that one has left there
// is still taken, by and by. The rest of a file is not.
static void set_dtr(struct cdc *c, bool dtr) {
  if (dtr == c->dtr) return;
  c->dtr = dtr;
  if (c->rx.wrapped || available(&c->rx) > LAST_WORDS) drop_received(&c->rx);
  c->leaving = (uint16_t)available(&c->rx);
  c->again = dtr && c->leaving;
  drop_sending(c);
  ask(c);
  if (dtr) notify(c);
}

static enum usb_answer on_setup(void *ctx, const struct usb_setup *s,
                                struct usb_reply *reply) {
  struct cdc *c = ctx;
  const bool in =
      s->bmRequestType == (CH9_DIRECTION_IN | CH9_TYPE_CLASS | CH9_RECIPIENT_INTERFACE);
  const bool out = s->bmRequestType == (CH9_TYPE_CLASS | CH9_RECIPIENT_INTERFACE);
  if (s->wIndex != CDC_COMMUNICATION) return USB_STALL;
  if (in && s->bRequest == GET_LINE_CODING) {
    *reply = (struct usb_reply){.data = c->line_coding, .length = CDC_LINE_CODING_SIZE};
    return USB_ACCEPT;
  }
  if (!out) return USB_STALL;
  if (s->bRequest == SET_LINE_CODING) {
    return s->wLength == CDC_LINE_CODING_SIZE ? USB_ACCEPT : USB_STALL;
  }
  if (s->wLength != 0) return USB_STALL;
  // At once: what the host sends behind it belongs to the session.
  if (s->bRequest == SET_CONTROL_LINE_STATE) {
    set_dtr(c, s->wValue & DTR);
    return USB_ACCEPT;
  }
  return s->bRequest == SEND_BREAK ? USB_ACCEPT : USB_STALL;
}

// Remembered and without effect: there is no line behind it.
static enum usb_answer on_data(void *ctx, const struct usb_setup *s,
                               const uint8_t *data) {
  struct cdc *c = ctx;
  memcpy(c->line_coding, data, s->wLength);
  return USB_ACCEPT;
}

static bool on_set_alternate(void *ctx, uint8_t alternate) {
  (void)ctx;
  return alternate == 0;
}

static void on_reset(void *ctx) {
  struct cdc *c = ctx;
  c->packet = 0;
  c->dtr = c->again = c->notifying = c->rx.asked = c->tx.busy = false;
  c->leaving = 0;
  drop_received(&c->rx);
  drop_sending(c);
}

static void on_configured(void *ctx, bool high_speed) {
  struct cdc *c = ctx;
  c->packet = high_speed ? 512 : 64;
  ask(c);
}

static void on_event(void *ctx, const struct usb_event *e) {
  struct cdc *c = ctx;
  if (e->endpoint == CDC_DATA_OUT) {
    received(c, e->length, e->ended);
  } else if (e->endpoint == CDC_DATA_IN) {
    c->tx.busy = false;
    go_on(c);
  } else {
    c->notifying = false;
  }
}

void cdc_init(struct cdc *c, const struct usb_port *port) {
  static const uint8_t coding[CDC_LINE_CODING_SIZE] = {0x00, 0xC2, 0x01, 0x00,
                                                       0,    0,    8};  // 115200 8N1
  memset(c, 0, sizeof *c);
  c->port = port;
  memcpy(c->line_coding, coding, sizeof coding);
}

struct usb_class cdc_class(struct cdc *c) {
  return (struct usb_class){.ctx = c,
                            .setup = on_setup,
                            .buffer = c->coming,
                            .data = on_data,
                            .set_alternate = on_set_alternate,
                            .reset = on_reset,
                            .configured = on_configured,
                            .event = on_event};
}

// --- the line ---

static size_t line_peek(void *ctx, const uint8_t **bytes) {
  const struct cdc *c = ctx;
  *bytes = c->rx.bytes + c->rx.tail;
  return c->leaving ? c->leaving : available(&c->rx);
}

// What was seen may have been dropped meanwhile, by the end of a session.
static void line_take(void *ctx, size_t n) {
  struct cdc *c = ctx;
  struct cdc_rx *rx = &c->rx;
  const size_t most = available(rx);
  if (n > most) n = most;
  rx->tail = (uint16_t)(rx->tail + n);
  c->leaving = (uint16_t)(c->leaving > n ? c->leaving - n : 0);
  if (rx->wrapped && rx->tail == rx->end) {
    rx->tail = 0;
    rx->wrapped = false;
  }
  ask(c);
}

// A line that nobody has open takes everything.
static size_t line_room(void *ctx) {
  const struct cdc *c = ctx;
  return CDC_TX_ROOM - (uint16_t)(c->tx.head - c->tx.tail);
}

static void line_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct cdc *c = ctx;
  struct cdc_tx *tx = &c->tx;
  if (!c->dtr) return;
  for (size_t i = 0; i < n; i++)
    tx->bytes[tx->head++ % CDC_TX_ROOM] = bytes[i];
  go_on(c);
}

static bool line_open(void *ctx) {
  struct cdc *c = ctx;
  const bool seen = c->leaving || !c->again;
  if (!c->leaving) c->again = false;
  return seen && (c->dtr || c->leaving);
}

struct serial_line cdc_line(struct cdc *c) {
  return (struct serial_line){.ctx = c,
                              .peek = line_peek,
                              .take = line_take,
                              .room = line_room,
                              .put = line_put,
                              .open = line_open};
}
