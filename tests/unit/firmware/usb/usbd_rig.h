// SPDX-License-Identifier: MIT
// The control machine between a fake port and a class that does as it is told and
// remembers what it heard. The machine is on the heap, its buffer last: a byte too
// many is seen by the sanitizer.
#pragma once

#include <stdlib.h>

#include "tests/fakes/control_port.h"

enum { USBD_RIG_ADDRESS = 42, USBD_RIG_ALTERNATES = 2, USBD_RIG_BIG = 5000 };

struct usbd_rig {
  struct control_port port;
  struct usb_port ops;
  struct usb_class cls;
  struct usb_descriptors descriptors;
  struct usbd *usbd;
  // What the class is to do.
  bool refuse_setup, refuse_data;
  unsigned later;  // so many times it cannot tell yet
  uint16_t reply_length;
  const uint8_t *place;  // the reply is where this says by then; NULL: in `pattern`
  // What it heard.
  struct usb_setup last;
  unsigned setups, datas, completions, resets;
  uint8_t data[USBD_BUFFER], pattern[USBD_RIG_BIG];
  // The last descriptor asked for.
  uint8_t type, index;
  uint16_t language;
  bool high_speed;
};

static inline enum usb_answer usbd_rig_setup(void *ctx, const struct usb_setup *s,
                                             struct usb_reply *reply) {
  struct usbd_rig *r = (struct usbd_rig *)ctx;
  r->setups++;
  r->last = *s;
  *reply = (struct usb_reply){.data = r->place ? NULL : r->pattern,
                              .length = r->reply_length,
                              .moves = r->place ? &r->place : NULL};
  if (r->later && r->later--) return USB_LATER;
  return r->refuse_setup ? USB_STALL : USB_ACCEPT;
}

static inline enum usb_answer usbd_rig_data(void *ctx, const struct usb_setup *s,
                                            const uint8_t *data) {
  struct usbd_rig *r = (struct usbd_rig *)ctx;
  r->datas++;
  r->last = *s;
  memcpy(r->data, data, s->wLength);
  return r->refuse_data ? USB_STALL : USB_ACCEPT;
}

static inline void usbd_rig_completed(void *ctx, const struct usb_setup *s) {
  struct usbd_rig *r = (struct usbd_rig *)ctx;
  r->completions++;
  r->last = *s;
}

static inline bool usbd_rig_alternate(void *ctx, uint8_t alternate) {
  (void)ctx;
  return alternate < USBD_RIG_ALTERNATES;
}

static inline void usbd_rig_class_reset(void *ctx) {
  ((struct usbd_rig *)ctx)->resets++;
}

// Descriptor types 1 (18 bytes) and 3 (as many as the index says); others are absent.
static inline const uint8_t *usbd_rig_get(void *ctx, uint8_t type, uint8_t index,
                                          uint16_t language, bool high_speed,
                                          uint16_t *length) {
  struct usbd_rig *r = (struct usbd_rig *)ctx;
  r->type = type;
  r->index = index;
  r->language = language;
  r->high_speed = high_speed;
  *length = type == 1 ? 18 : index;
  return type == 1 || type == 3 ? r->pattern : NULL;
}

static inline const uint8_t *usbd_rig_vendor(void *ctx, const struct usb_setup *s,
                                             uint16_t *length) {
  struct usbd_rig *r = (struct usbd_rig *)ctx;
  *length = 162;
  return s->bRequest == 0x22 && s->wIndex == 7 ? r->pattern : NULL;
}

static inline int usbd_rig_open(void **state) {
  struct usbd_rig *r = (struct usbd_rig *)calloc(1, sizeof *r);
  if (!r) return -1;
  r->usbd = (struct usbd *)malloc(sizeof *r->usbd);
  if (!r->usbd) return -1;
  for (size_t i = 0; i < sizeof r->pattern; i++)
    r->pattern[i] = (uint8_t)(i * 3 + i / 256);
  r->cls = (struct usb_class){.ctx = r,
                              .setup = usbd_rig_setup,
                              .data = usbd_rig_data,
                              .completed = usbd_rig_completed,
                              .set_alternate = usbd_rig_alternate,
                              .reset = usbd_rig_class_reset};
  r->descriptors = (struct usb_descriptors){r, usbd_rig_get, usbd_rig_vendor};
  r->port.device = r->usbd;
  r->ops = control_ops(&r->port);
  // Garbage before: whoever begins must not rely on zeros.
  memset(r->usbd, 0xA5, sizeof *r->usbd);
  usbd_init(r->usbd, &r->ops, &r->cls, &r->descriptors);
  *state = r;
  return 0;
}

static inline int usbd_rig_close(void **state) {
  struct usbd_rig *r = (struct usbd_rig *)*state;
  free(r->usbd);
  free(r);
  return 0;
}

static inline struct usb_setup usbd_rig_request(uint8_t type, uint8_t request,
                                                uint16_t value, uint16_t index,
                                                uint16_t length) {
  return (struct usb_setup){type, request, value, index, length};
}

// From a bus reset to Default (0), Address (1) or Configured (2).
static inline void usbd_rig_enter(struct usbd_rig *r, int device_state,
                                  bool high_speed) {
  control_reset(&r->port, high_speed);
  const struct usb_setup address = {0x00, 5, USBD_RIG_ADDRESS, 0, 0};
  const struct usb_setup configure = {0x00, 9, 1, 0, 0};
  if (device_state >= 1) assert_int_equal(control_write(&r->port, address, NULL), ACK);
  if (device_state >= 2)
    assert_int_equal(control_write(&r->port, configure, NULL), ACK);
  r->setups = r->datas = r->completions = r->resets = 0;
  r->port.addresses = r->port.test_modes = 0;
}

#define usbd_rig_test(test) \
  cmocka_unit_test_setup_teardown(test, usbd_rig_open, usbd_rig_close)
