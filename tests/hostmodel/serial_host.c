// SPDX-License-Identifier: MIT
#include "tests/hostmodel/serial_host.h"

#include <stdlib.h>
#include <string.h>

static void pump(struct serial_host *h);

static uint32_t now_ms(const struct serial_host *h) {
  return (uint32_t)(h->events->now / VT_MS(1));
}

static struct serial_fault fault_of(struct serial_host *h, enum serial_direction d,
                                    uint8_t byte) {
  const size_t index = h->bytes[d]++;
  if (h->fault && h->sending) return h->fault(h->ctx, d, index, byte);
  return (struct serial_fault){.mask = 0};
}

static void end_sending(struct serial_host *h, bool cut) {
  h->cut = cut;
  h->sending = false;
  h->ended = h->events->now;
  event_cancel(h->events, &h->timer);
  if (h->stop) h->stop(h->ctx);
}

// ---- To the board ----------------------------------------------------------

static void put(struct serial_host *h, uint8_t byte) {
  if (h->outbox_head == SERIAL_HOST_OUTBOX) abort();
  h->outbox[h->outbox_head++] = byte;
}

// False: the packet ends here.
static bool put_with_faults(struct serial_host *h, uint8_t byte) {
  const struct serial_fault f = fault_of(h, SERIAL_TO_BOARD, byte);
  h->dying = f.cut;
  if (f.cancel) modem_sender_cancel(&h->sender, now_ms(h));
  if (f.cut || f.cancel) return false;
  if (f.delay) {
    h->hold = f.delay;
    h->hold_at = h->outbox_head;
  }
  if (!f.drop) put(h, byte ^ f.mask);
  if (f.twice) put(h, byte ^ f.mask);
  for (unsigned i = 0; i < f.cans; i++)
    put(h, MODEM_CAN);
  return true;
}

// What the sender has to say. False: nothing.
static bool speak(struct serial_host *h) {
  uint8_t packet[1 + MODEM_BLOCK_MAX];
  size_t n;
  const uint8_t *bytes = modem_sender_output(&h->sender, &n);
  memcpy(packet, bytes, n);
  h->given = n;
  for (size_t i = 0; i < h->given; i++) {
    h->first = i == 0;
    if (!put_with_faults(h, packet[i])) h->given = 0;
  }
  return n != 0;
}

// True while a write is under way, or held back.
static bool write_out(struct serial_host *h) {
  size_t n = h->outbox_head - h->outbox_tail;
  if (h->out.queued || h->release.armed) return true;
  if (h->hold && h->hold_at == h->outbox_tail) {
    event_in(h->events, &h->release, h->hold);
    h->hold = 0;
    return true;
  }
  if (h->hold) n = h->hold_at - h->outbox_tail;
  if (!n) {
    h->outbox_head = h->outbox_tail = 0;
    return false;
  }
  h->out.data = h->outbox + h->outbox_tail;
  h->out.length = (uint32_t)n;
  return usb_host_submit(h->usb, &h->out) == 0;
}

// ---- The sender ------------------------------------------------------------

static void feed(struct serial_host *h) {
  struct modem_sender *s = &h->sender;
  if (s->event == MODEM_FILE && s->files < h->count) {
    const struct serial_file *f = &h->files[s->files];
    modem_sender_file(s, f->name, f->size, now_ms(h));
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, now_ms(h));
  }
  if (s->event == MODEM_DATA) {
    h->blocks++;
    modem_sender_data(s, h->files[s->files].data + s->offset, now_ms(h));
  }
}

static void set_timer(struct serial_host *h) {
  const uint32_t ms = now_ms(h), wait = modem_sender_wait(&h->sender, ms);
  event_at(h->events, &h->timer, VT_MS(ms + (wait ? wait : 1)));
}

// The outbox is empty: what was given went. A sender that gave up meanwhile has other
// words now, which did not.
static void tell_sent(struct serial_host *h) {
  size_t n;
  modem_sender_output(&h->sender, &n);
  if (h->given && n == h->given) modem_sender_sent(&h->sender, n, now_ms(h));
  h->given = 0;
}

// As far as it goes without waiting.
static void pump(struct serial_host *h) {
  while (h->open && !write_out(h)) {
    tell_sent(h);
    if (!h->sending) return;
    feed(h);
    if (h->dying || h->sender.event == MODEM_OVER) {
      end_sending(h, h->dying);
      return;
    }
    if (!speak(h)) break;
  }
  if (h->sending) set_timer(h);
}

static void on_timer(void *ctx) {
  struct serial_host *h = ctx;
  modem_sender_take(&h->sender, NULL, 0, now_ms(h));
  pump(h);
}

static void on_release(void *ctx) {
  pump(ctx);
}

static void on_out(void *ctx, struct usb_urb *urb) {
  struct serial_host *h = ctx;
  h->outbox_tail += urb->actual;
  if (urb->status == 0) pump(h);
}

// ---- From the board --------------------------------------------------------

static void keep(struct serial_host *h, uint8_t byte) {
  if (h->said_length < SERIAL_HOST_SAID) h->said[h->said_length++] = (char)byte;
  h->said[h->said_length] = 0;
}

static void on_arrival(void *ctx) {
  struct serial_host *h = ctx;
  while (h->inbox_tail < h->inbox_head && h->due[h->inbox_tail] <= h->events->now) {
    const uint8_t byte = h->inbox[h->inbox_tail++];
    keep(h, byte);
    if (h->sending) modem_sender_take(&h->sender, &byte, 1, now_ms(h));
  }
  if (h->inbox_tail < h->inbox_head) {
    event_at(h->events, &h->arrival, h->due[h->inbox_tail]);
  } else {
    h->inbox_head = h->inbox_tail = 0;
  }
  pump(h);
}

static void arrive(struct serial_host *h, uint8_t byte, vtime_t delay) {
  if (h->inbox_head == SERIAL_HOST_SAID) abort();
  vtime_t due = h->events->now + h->turnaround + delay;
  if (due < h->last_due) due = h->last_due;
  h->last_due = h->due[h->inbox_head] = due;
  h->inbox[h->inbox_head++] = byte;
}

static void arrive_with_faults(struct serial_host *h, uint8_t byte) {
  const struct serial_fault f = fault_of(h, SERIAL_TO_HOST, byte);
  if (f.cut) end_sending(h, true);
  if (f.cancel) modem_sender_cancel(&h->sender, now_ms(h));
  if (h->cut || f.drop) return;
  arrive(h, byte ^ f.mask, f.delay);
  if (f.twice) arrive(h, byte ^ f.mask, 0);
}

static void on_in(void *ctx, struct usb_urb *urb) {
  struct serial_host *h = ctx;
  for (uint32_t i = 0; i < urb->actual && urb->status == 0; i++)
    arrive_with_faults(h, h->packet_in[i]);
  if (urb->status) return;
  usb_host_submit(h->usb, &h->in);
  if (h->inbox_tail < h->inbox_head)
    event_at(h->events, &h->arrival, h->due[h->inbox_tail]);
}

// ---- From outside ----------------------------------------------------------

void serial_host_open(struct serial_host *h, uint16_t packet) {
  event_init(&h->arrival, on_arrival, h);
  event_init(&h->timer, on_timer, h);
  event_init(&h->release, on_release, h);
  h->in = (struct usb_urb){.type = USB_URB_BULK,
                           .endpoint = SERIAL_HOST_IN,
                           .max_packet = packet,
                           .data = h->packet_in,
                           .length = packet,
                           .complete = on_in,
                           .ctx = h};
  h->out = (struct usb_urb){.type = USB_URB_BULK,
                            .endpoint = SERIAL_HOST_OUT,
                            .max_packet = packet,
                            .complete = on_out,
                            .ctx = h};
  h->inbox_head = h->inbox_tail = h->outbox_head = h->outbox_tail = h->given = 0;
  h->said_length = 0;
  h->said[0] = 0;
  h->hold = h->last_due = 0;
  h->cut = h->dying = h->sending = false;
  h->open = true;
  usb_host_submit(h->usb, &h->in);
}

void serial_host_close(struct serial_host *h) {
  h->open = h->sending = false;
  event_cancel(h->events, &h->arrival);
  event_cancel(h->events, &h->timer);
  event_cancel(h->events, &h->release);
  usb_host_cancel(h->usb, &h->in);
  usb_host_cancel(h->usb, &h->out);
}

void serial_host_type(struct serial_host *h, const char *text) {
  while (*text)
    put(h, (uint8_t)*text++);
  pump(h);
}

void serial_host_send(struct serial_host *h, enum modem_protocol protocol,
                      const struct serial_file *files, size_t count) {
  h->files = files;
  h->count = count;
  h->blocks = h->bytes[SERIAL_TO_BOARD] = h->bytes[SERIAL_TO_HOST] = 0;
  h->sending = true;
  h->cut = h->dying = false;
  modem_sender_start(&h->sender, protocol, now_ms(h));
  pump(h);
}
