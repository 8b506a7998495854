// SPDX-License-Identifier: MIT
#include "tests/system/guest_usb.h"

static void advance(void *ctx, vtime_t until) {
  struct guest *g = ctx;
  const vtime_t now = machine_now(g->machine), step = now + VT_US(1);
  // An event that is due already still needs some time of the CPU to be looked at.
  machine_run_until(g->machine, until > now && until < step ? until : step);
}

static struct usb_host_sync host_of(struct guest *g) {
  return (struct usb_host_sync){&g->machine->usb, advance, g};
}

int guest_usb_enumerate(struct guest *g) {
  const struct usb_host_sync s = host_of(g);
  return usb_host_sync_enumerate(&s, 5);
}

int guest_usb_control(struct guest *g, uint8_t type, uint8_t request, uint16_t value,
                      uint16_t length, void *data) {
  const uint8_t setup[8] = {type, request, (uint8_t)value,  (uint8_t)(value >> 8),
                            0,    0,       (uint8_t)length, (uint8_t)(length >> 8)};
  const struct usb_host_sync s = host_of(g);
  return usb_host_sync_control(&s, setup, data);
}

int guest_usb_bulk(struct guest *g, uint8_t endpoint, uint8_t *data, uint32_t length) {
  const bool high = g->machine->usb.speed == USB_SPEED_HIGH;
  const struct usb_host_sync s = host_of(g);
  struct usb_urb urb = {.type = USB_URB_BULK,
                        .endpoint = endpoint,
                        .max_packet = high ? 512 : 64,
                        .data = data,
                        .length = length,
                        .zero_packet = true,
                        .timeout = VT_S(1)};
  return usb_host_sync_transfer(&s, &urb);
}
