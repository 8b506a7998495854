// SPDX-License-Identifier: MIT
// A USB device controller made of a queue: the device side is a struct usb_port, the
// host side sends tokens and sees handshakes, packet by packet. Above that, whole
// control transfers, in which every rule of USB 2.0 8.5.3 that a device could break
// is checked.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/usb/usbd.h"

enum { CONTROL_PACKET = 64, CONTROL_EVENTS = 8 };

enum handshake { ACK, NAK, STALL };

struct control_port {
  struct usbd *device;
  bool address_early;
  // Events that the device has not fetched yet.
  struct usb_event events[CONTROL_EVENTS];
  unsigned first, count;
  // Endpoint 0 as the device has armed it.
  bool out_armed, in_armed, stalled;
  uint8_t *out;
  uint16_t out_wanted, out_length;
  uint8_t in[CONTROL_PACKET];
  uint16_t in_length;
  // What the device has done to the port.
  uint8_t address, test_mode;
  unsigned addresses, test_modes;
};

// --- the device's side ---

static inline bool control_next_event(void *ctx, struct usb_event *event) {
  struct control_port *p = (struct control_port *)ctx;
  if (p->count == 0) return false;
  *event = p->events[p->first];
  p->first = (p->first + 1) % CONTROL_EVENTS;
  p->count--;
  return true;
}

static inline void control_set_address(void *ctx, uint8_t address) {
  struct control_port *p = (struct control_port *)ctx;
  p->address = address;
  p->addresses++;
}

static inline void control_receive(void *ctx, uint8_t *dst, uint16_t length) {
  struct control_port *p = (struct control_port *)ctx;
  p->out_armed = true;
  p->out = dst;
  p->out_wanted = length;
  p->out_length = 0;
}

static inline void control_send(void *ctx, const uint8_t *src, uint16_t length) {
  struct control_port *p = (struct control_port *)ctx;
  assert_false(p->in_armed);
  assert_true(length <= CONTROL_PACKET);
  if (length) memcpy(p->in, src, length);
  p->in_length = length;
  p->in_armed = true;
}

static inline void control_stall(void *ctx) {
  struct control_port *p = (struct control_port *)ctx;
  p->stalled = true;
}

static inline void control_test_mode(void *ctx, uint8_t selector) {
  struct control_port *p = (struct control_port *)ctx;
  p->test_mode = selector;
  p->test_modes++;
}

static inline void control_connect(void *ctx, bool on) {
  (void)ctx;
  (void)on;
}

static inline struct usb_port control_ops(struct control_port *p) {
  return (struct usb_port){.ctx = p,
                           .connect = control_connect,
                           .next_event = control_next_event,
                           .set_address = control_set_address,
                           .address_early = p->address_early,
                           .ep0_receive = control_receive,
                           .ep0_send = control_send,
                           .ep0_stall = control_stall,
                           .test_mode = control_test_mode};
}

// --- the host's side: events and tokens ---

static inline void control_event(struct control_port *p, struct usb_event e) {
  assert_true(p->count < CONTROL_EVENTS);
  p->events[(p->first + p->count++) % CONTROL_EVENTS] = e;
}

static inline void control_poll(struct control_port *p) {
  usbd_poll(p->device);
}

static inline void control_reset(struct control_port *p, bool high_speed) {
  p->out_armed = p->in_armed = p->stalled = false;
  p->address = 0;
  control_event(p,
                (struct usb_event){.kind = USB_EVENT_RESET, .high_speed = high_speed});
  control_poll(p);
}

// A SETUP packet is always taken, and ends whatever endpoint 0 was doing.
static inline void control_setup(struct control_port *p, struct usb_setup s) {
  p->out_armed = p->in_armed = p->stalled = false;
  const struct usb_event e = {
      .kind = USB_EVENT_SETUP,
      .setup = {s.bmRequestType, s.bRequest, (uint8_t)s.wValue,
                (uint8_t)(s.wValue >> 8), (uint8_t)s.wIndex, (uint8_t)(s.wIndex >> 8),
                (uint8_t)s.wLength, (uint8_t)(s.wLength >> 8)}};
  control_event(p, e);
  control_poll(p);
}

// The event of a packet that was acknowledged is fetched at the next poll.
static inline enum handshake control_in(struct control_port *p, uint8_t *dst,
                                        uint16_t *length) {
  if (p->stalled) return STALL;
  if (!p->in_armed) return NAK;
  p->in_armed = false;
  memcpy(dst, p->in, p->in_length);
  *length = p->in_length;
  control_event(p, (struct usb_event){.kind = USB_EVENT_IN});
  return ACK;
}

static inline enum handshake control_out(struct control_port *p, const uint8_t *src,
                                         uint16_t length) {
  if (p->stalled) return STALL;
  if (!p->out_armed) return NAK;
  const uint16_t left = (uint16_t)(p->out_wanted - p->out_length);
  const uint16_t wanted = length < left ? length : left;
  if (wanted) memcpy(p->out + p->out_length, src, wanted);
  p->out_length = (uint16_t)(p->out_length + length);
  p->out_armed = length == CONTROL_PACKET && wanted < left;
  if (p->out_armed) return ACK;
  control_event(p, (struct usb_event){.kind = USB_EVENT_OUT, .length = p->out_length});
  return ACK;
}

// --- the host's side: whole transfers ---

// The status stage of a request with data from the host, or with none.
static inline enum handshake control_status_in(struct control_port *p) {
  uint8_t packet[CONTROL_PACKET];
  uint16_t n = 0;
  const enum handshake h = control_in(p, packet, &n);
  if (h == ACK) assert_int_equal(n, 0);
  control_poll(p);
  return h;
}

static inline enum handshake control_status_out(struct control_port *p) {
  const enum handshake h = control_out(p, NULL, 0);
  control_poll(p);
  return h;
}

// An IN request: `*length` bytes arrive in `dst`, at most wLength, ended by a short
// packet if fewer. STALL if the device refuses.
static inline enum handshake control_read(struct control_port *p, struct usb_setup s,
                                          uint8_t *dst, uint32_t *length) {
  *length = 0;
  control_setup(p, s);
  if (s.wLength == 0) return control_status_in(p);
  uint16_t n = CONTROL_PACKET;
  while (n == CONTROL_PACKET && *length < s.wLength) {
    uint8_t packet[CONTROL_PACKET];
    const enum handshake h = control_in(p, packet, &n);
    if (h != ACK) return h;
    assert_true(n <= s.wLength - *length);
    memcpy(dst + *length, packet, n);
    *length += n;
    control_poll(p);
  }
  assert_false(p->in_armed);
  return control_status_out(p);
}

// An OUT request with wLength bytes of `src`.
static inline enum handshake control_write(struct control_port *p, struct usb_setup s,
                                           const uint8_t *src) {
  control_setup(p, s);
  for (uint32_t at = 0; at < s.wLength;) {
    const uint32_t left = s.wLength - at;
    const uint16_t n = (uint16_t)(left < CONTROL_PACKET ? left : CONTROL_PACKET);
    assert_false(p->in_armed);
    const enum handshake h = control_out(p, src + at, n);
    if (h != ACK) return h;
    control_poll(p);
    at += n;
  }
  return control_status_in(p);
}
