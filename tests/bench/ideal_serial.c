// SPDX-License-Identifier: MIT
#include "tests/bench/ideal_serial.h"

#include <string.h>

enum { DATA_ENDPOINT = 1 };

static uint32_t now_ms(const struct ideal_serial *s) {
  return (uint32_t)(s->events->now / VT_MS(1));
}

static void accept_all(struct ideal_serial *s) {
  struct modem_receiver *r = &s->receiver;
  while (r->event != MODEM_IDLE && r->event != MODEM_OVER) {
    if (r->event == MODEM_DATA) memcpy(s->cells + r->received, r->data, r->size);
    modem_receiver_accept(r, now_ms(s));
  }
  s->has_ended = r->event == MODEM_OVER;
}

static void say(struct ideal_serial *s) {
  if (s->out_length) return;
  s->out_length = (uint16_t)modem_receiver_output(&s->receiver, s->out);
  if (s->out_length) s->host->ready(s->host->ctx, DATA_ENDPOINT, true);
}

static void begin(struct ideal_serial *s) {
  s->loading = true;
  modem_receiver_start(&s->receiver, s->stream ? MODEM_ASK_STREAM : MODEM_ASK_CRC,
                       now_ms(s));
}

static void take(struct ideal_serial *s, const uint8_t *bytes, size_t n) {
  for (; n && !s->loading; bytes++, n--) {
    if (*bytes == '\r') begin(s);
    s->stream = *bytes == 'g';
  }
  while (n && !s->has_ended) {
    const size_t taken = modem_receiver_take(&s->receiver, bytes, n, now_ms(s));
    bytes += taken;
    n -= taken;
    accept_all(s);
  }
  if (s->loading) say(s);
}

// For what the machine does by the clock.
static void on_tick(void *ctx) {
  struct ideal_serial *s = ctx;
  if (s->loading && !s->has_ended) {
    modem_receiver_take(&s->receiver, NULL, 0, now_ms(s));
    accept_all(s);
    say(s);
  }
  event_in(s->events, &s->tick, VT_MS(1));
}

void ideal_serial_open(struct ideal_serial *s) {
  event_init(&s->tick, on_tick, s);
  event_in(s->events, &s->tick, VT_MS(1));
}

void ideal_serial_transact(struct ideal_serial *s, const struct usb_token *t,
                           struct usb_answer *answer) {
  if (t->pid != USB_PID_IN) {
    if (t->pid == USB_PID_OUT) take(s, t->data, t->length);
    return;
  }
  if (!s->out_length) {
    answer->reply = USB_REPLY_NAK;
    return;
  }
  answer->reply = USB_REPLY_DATA;
  answer->data1 = s->data1;
  answer->length = s->out_length;
  memcpy(answer->data, s->out, s->out_length);
  s->out_length = 0;
  s->data1 = !s->data1;
}
