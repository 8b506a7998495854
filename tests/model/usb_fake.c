// SPDX-License-Identifier: MIT
#include "tests/model/usb_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

// cmocka.h wants the headers above before it.
#include <cmocka.h>

static void answer_line(struct usb_answer *a, const struct line *l) {
  a->reply = l->reply;
  a->data1 = l->data1;
  a->length = l->length;
  memset(a->data, l->fill, l->length);
}

static void obey(struct fake *f, const struct usb_token *t, struct usb_answer *a) {
  const bool is_descriptor = f->setup[0] == 0x80 && f->setup[1] == 6;
  a->reply = USB_REPLY_ACK;
  if (t->pid == USB_PID_SETUP) {
    memcpy(f->setup, t->data, 8);
    f->in_at = 0;
    f->in_data1 = true;
    return;
  }
  if (t->pid != USB_PID_IN) return;
  a->reply = USB_REPLY_DATA;
  a->data1 = f->in_data1;
  a->length = 0;
  if (!is_descriptor) return;
  if (f->refuse_descriptors) {
    f->refuse_descriptors--;
    a->reply = USB_REPLY_STALL;
    return;
  }
  const uint32_t asked = f->setup[6];
  const uint32_t end = asked < 18 ? asked : 18;
  const uint32_t left = end - f->in_at;
  a->length = (uint16_t)(left < f->descriptor[7] ? left : f->descriptor[7]);
  memcpy(a->data, f->descriptor + f->in_at, a->length);
}

static void fake_transact(void *ctx, const struct usb_token *t, struct usb_answer *a) {
  struct fake *f = ctx;
  f->seen++;
  if (f->seen <= LOG) {
    f->log[f->seen - 1] =
        (struct seen){t->pid,   t->address, t->endpoint,
                      t->data1, t->length,  t->length ? t->data[0] : 0,
                      f->q.now};
  }
  if (f->obedient) {
    obey(f, t, a);
  } else if (f->next < f->lines) {
    answer_line(a, &f->script[f->next++]);
  } else {
    answer_line(a, &f->rest);
  }
}

static void fake_acked(void *ctx, uint8_t endpoint) {
  struct fake *f = ctx;
  (void)endpoint;
  f->acks++;
  f->in_at = (uint8_t)(f->in_at + f->descriptor[7]);
  f->in_data1 = !f->in_data1;
}

static void fake_reset_begin(void *ctx) {
  struct fake *f = ctx;
  f->resets++;
  f->reset_at = f->q.now;
}

static enum usb_speed fake_reset_end(void *ctx, bool host_high_speed) {
  struct fake *f = ctx;
  f->reset_end_at = f->q.now;
  return f->high_speed && host_high_speed ? USB_SPEED_HIGH : USB_SPEED_FULL;
}

static void fake_suspend(void *ctx) {
  struct fake *f = ctx;
  f->suspends++;
  f->suspend_at = f->q.now;
}

static void fake_resume(void *ctx) {
  struct fake *f = ctx;
  f->resumes++;
  f->resume_at = f->q.now;
}

static void fake_sof(void *ctx) {
  struct fake *f = ctx;
  f->sofs++;
}

static void fake_vbus(void *ctx, bool present) {
  struct fake *f = ctx;
  f->vbus = present;
  f->vbus_at = f->q.now;
  f->host.port.pull_up(f->host.port.ctx, present);
}

static void on_event(void *ctx, enum usb_host_event event) {
  struct fake *f = ctx;
  if (f->event_count < 32) f->events[f->event_count++] = event;
}

static enum usb_fault on_transaction(void *ctx, uint64_t number,
                                     const struct usb_token *token) {
  struct fake *f = ctx;
  (void)token;
  return number == f->fault_at ? f->fault : USB_FAULT_NONE;
}

void fake_done(void *ctx, int status) {
  struct fake *f = ctx;
  f->done_status = status;
  f->done_count++;
  f->done_at = f->q.now;
}

void fake_urb_done(void *ctx, struct usb_urb *urb) {
  fake_done(ctx, urb->status);
}

void fake_until(struct fake *f, vtime_t t) {
  event_run(&f->q, t);
}

void fake_pass(struct fake *f, vtime_t t) {
  fake_until(f, f->q.now + t);
}

void fake_open(struct fake *f, bool high_speed, bool host_high_speed) {
  memset(f, 0, sizeof *f);
  f->high_speed = high_speed;
  f->rest.reply = USB_REPLY_ACK;
  const uint8_t descriptor[18] = {18, 1, 0, 2, 0, 0, 0, 64, 1,
                                  2,  3, 4, 5, 6, 0, 0, 0,  1};
  memcpy(f->descriptor, descriptor, 18);
  f->port = (struct usb_device_port){
      .ctx = f,
      .transact = fake_transact,
      .acked = fake_acked,
      .reset_begin = fake_reset_begin,
      .reset_end = fake_reset_end,
      .suspend = fake_suspend,
      .resume = fake_resume,
      .sof = fake_sof,
      .vbus = fake_vbus,
  };
  struct usb_host_options options = usb_host_defaults;
  options.high_speed = host_high_speed;
  usb_host_init(&f->host, &f->q, &options, &f->port);
  f->host.on_event = on_event;
  f->host.on_transaction = on_transaction;
  f->host.ctx = f;
}

// Plugged, debounced, reset and recovered.
void fake_open_enabled(struct fake *f, bool high_speed) {
  fake_open(f, high_speed, true);
  usb_host_plug(&f->host);
  fake_pass(f, VT_MS(100));
  assert_int_equal(usb_host_reset(&f->host, fake_done, f), 0);
  fake_pass(f, VT_MS(60));
  assert_int_equal(f->host.state, USB_HOST_ENABLED);
  f->done_count = 0;
}

void fake_line(struct fake *f, struct line line) {
  assert_true(f->lines < LINES);
  f->script[f->lines++] = line;
}

void fake_replies(struct fake *f, unsigned n, enum usb_reply reply) {
  while (n--)
    fake_line(f, (struct line){.reply = reply});
}

void fake_data(struct fake *f, bool data1, uint16_t length, uint8_t fill) {
  fake_line(f, (struct line){USB_REPLY_DATA, data1, length, fill});
}

struct usb_urb fake_control(struct fake *f, uint8_t type, uint8_t *buffer,
                            uint16_t length) {
  struct usb_urb urb = {
      .type = USB_URB_CONTROL,
      .setup = {type, 0x55, 0, 0, 0, 0, (uint8_t)length, (uint8_t)(length >> 8)},
      .data = buffer,
      .length = length,
      .complete = fake_urb_done,
      .ctx = f,
  };
  return urb;
}

struct usb_urb fake_bulk(struct fake *f, uint8_t endpoint, uint8_t *buffer,
                         uint32_t length) {
  struct usb_urb urb = {
      .type = USB_URB_BULK,
      .endpoint = endpoint,
      .max_packet = 64,
      .data = buffer,
      .length = length,
      .complete = fake_urb_done,
      .ctx = f,
  };
  return urb;
}

void fake_submit(struct fake *f, struct usb_urb *urb) {
  assert_int_equal(usb_host_submit(&f->host, urb), 0);
}

void fake_expect(const struct fake *f, size_t i, enum usb_pid pid, bool data1,
                 uint16_t length) {
  assert_true(i < f->seen);
  assert_int_equal(f->log[i].pid, pid);
  assert_int_equal(f->log[i].length, length);
  if (pid == USB_PID_OUT) assert_int_equal(f->log[i].data1, data1);
}
