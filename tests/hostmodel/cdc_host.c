// SPDX-License-Identifier: MIT
#include "tests/hostmodel/cdc_host.h"

#include <stdlib.h>
#include <string.h>

enum {
  SET_LINE_CODING = 0x20,
  SET_CONTROL_LINE_STATE = 0x22,
  SERIAL_STATE = 0x20,
  DTR = 1,
  RTS = 2,
};

static void submit(struct cdc_host *h, struct usb_urb *urb) {
  if (h->open) assert_int_equal(usb_host_submit(&h->rig->m->usb, urb), 0);
}

// A board that is gone, or whose bus was reset, is read no more.
static void on_in(void *ctx, struct usb_urb *urb) {
  struct cdc_host *h = ctx;
  if (urb->status) return;
  assert_true(h->inbox_head + urb->actual <= CDC_HOST_INBOX);
  memcpy(h->inbox + h->inbox_head, h->packet_in, urb->actual);
  h->inbox_head += urb->actual;
  submit(h, urb);
  machine_stop(h->rig->m);
}

static void on_notify(void *ctx, struct usb_urb *urb) {
  struct cdc_host *h = ctx;
  const uint8_t *n = h->notification;
  if (urb->status) return;
  assert_int_equal(urb->actual, 10);
  assert_int_equal(n[0] << 8 | n[1], 0xA100 | SERIAL_STATE);
  assert_int_equal(n[4], CDC_HOST_INTERFACE);
  assert_int_equal(n[6], 2);
  h->state = (uint16_t)(n[8] | n[9] << 8);
  h->notifications++;
  submit(h, urb);
}

static void on_out(void *ctx, struct usb_urb *urb) {
  struct cdc_host *h = ctx;
  if (h->flood && urb->status == 0) {
    submit(h, urb);
  } else {
    machine_stop(h->rig->m);
  }
}

static int request(struct rig *r, uint8_t number, uint16_t value, uint16_t length,
                   void *data) {
  const struct request q = {0x21, number, value, CDC_HOST_INTERFACE, length};
  return rig_control(r, q, data);
}

struct cdc_host *cdc_host_open(struct rig *r) {
  uint8_t coding[7] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};
  struct cdc_host *h = calloc(1, sizeof *h);
  assert_non_null(h);
  h->rig = r;
  h->packet = r->m->usb.speed == USB_SPEED_HIGH ? 512 : 64;
  h->in = (struct usb_urb){.type = USB_URB_BULK,
                           .endpoint = CDC_HOST_IN,
                           .max_packet = h->packet,
                           .data = h->packet_in,
                           .length = h->packet,
                           .complete = on_in,
                           .ctx = h};
  h->notify = (struct usb_urb){.type = USB_URB_INTERRUPT,
                               .endpoint = CDC_HOST_NOTIFY,
                               .max_packet = 16,
                               .interval = 128,
                               .data = h->notification,
                               .length = sizeof h->notification,
                               .complete = on_notify,
                               .ctx = h};
  assert_int_equal(request(r, SET_LINE_CODING, 0, 7, coding), 7);
  h->open = true;
  submit(h, &h->in);
  submit(h, &h->notify);
  assert_int_equal(request(r, SET_CONTROL_LINE_STATE, DTR | RTS, 0, NULL), 0);
  return h;
}

void cdc_host_close(struct cdc_host *h) {
  struct usb_host *usb = &h->rig->m->usb;
  const bool there = h->in.queued;
  h->open = false;
  usb_host_cancel(usb, &h->out);
  usb_host_cancel(usb, &h->in);
  usb_host_cancel(usb, &h->notify);
  if (there) {
    assert_int_equal(request(h->rig, SET_CONTROL_LINE_STATE, 0, 0, NULL), 0);
  }
  free(h);
}

void cdc_host_write_begin(struct cdc_host *h, const void *data, uint32_t length) {
  h->out = (struct usb_urb){.type = USB_URB_BULK,
                            .endpoint = CDC_HOST_OUT,
                            .max_packet = h->packet,
                            .data = (uint8_t *)(uintptr_t)data,
                            .length = length,
                            .complete = on_out,
                            .ctx = h};
  submit(h, &h->out);
}

bool cdc_host_writing(const struct cdc_host *h) {
  return h->out.queued;
}

void cdc_host_flood(struct cdc_host *h, const void *data, uint32_t length) {
  h->flood = true;
  cdc_host_write_begin(h, data, length);
}

uint32_t cdc_host_write(struct cdc_host *h, const void *data, uint32_t length,
                        vtime_t limit) {
  struct machine *m = h->rig->m;
  const vtime_t end = machine_now(m) + limit;
  cdc_host_write_begin(h, data, length);
  while (h->out.queued && machine_now(m) < end)
    machine_run_until(m, end);
  usb_host_cancel(&m->usb, &h->out);
  return h->out.actual;
}

uint32_t cdc_host_waiting(const struct cdc_host *h) {
  return h->inbox_head - h->inbox_tail;
}

uint32_t cdc_host_read(struct cdc_host *h, void *data, uint32_t length, vtime_t limit) {
  struct machine *m = h->rig->m;
  const vtime_t end = machine_now(m) + limit;
  while (cdc_host_waiting(h) < length && machine_now(m) < end)
    machine_run_until(m, end);
  if (length > cdc_host_waiting(h)) length = cdc_host_waiting(h);
  memcpy(data, h->inbox + h->inbox_tail, length);
  h->inbox_tail += length;
  if (h->inbox_tail == h->inbox_head) h->inbox_tail = h->inbox_head = 0;
  return length;
}
