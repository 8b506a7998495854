// SPDX-License-Identifier: MIT
// What a USB device controller must offer to the control machine (usbd.c).
// Written to be implemented over any controller: nothing here is of one chip.
//
// Everything is polled from the main loop: next_event looks at the hardware, moves
// packets, and says what happened, one thing at a time. No operation waits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { USB_EP0_PACKET = 64 };  // wMaxPacketSize0, the same at both speeds

enum usb_event_kind {
  USB_EVENT_NONE,
  USB_EVENT_RESET,    // bus reset ended; `high_speed` is valid; address 0, EP0 open
  USB_EVENT_SUSPEND,  // no traffic for 3 ms
  USB_EVENT_RESUME,
  USB_EVENT_SETUP,  // `setup` holds 8 bytes; whatever EP0 was doing is over
  USB_EVENT_OUT,    // what ep0_receive asked for is there, or ended: `length` bytes
  USB_EVENT_IN,     // the packet given to ep0_send was acknowledged by the host
};

struct usb_event {
  enum usb_event_kind kind;
  bool high_speed;
  uint8_t setup[8];
  uint16_t length;
};

struct usb_port {
  void *ctx;
  // Shows or hides the device on the cable.
  void (*connect)(void *ctx, bool on);
  // True, with `event` filled in, if something happened.
  bool (*next_event)(void *ctx, struct usb_event *event);
  // Takes effect for the next token; called before the status stage of SET_ADDRESS
  // when `address_early`, else after it.
  void (*set_address)(void *ctx, uint8_t address);
  bool address_early;
  // Accepts packets into `dst`, aligned to words, until there are `length` bytes or one
  // was not full. With 0 that is one packet. What is beyond is dropped, and counted.
  void (*ep0_receive)(void *ctx, uint8_t *dst, uint16_t length);
  // Sends one packet, 0 to USB_EP0_PACKET bytes; `src` may change afterwards.
  void (*ep0_send)(void *ctx, const uint8_t *src, uint16_t length);
  // Answers STALL in both directions until the next SETUP.
  void (*ep0_stall)(void *ctx);
  // Test modes of USB 2.0 7.1.20, selector 1 to 5; only a power cycle ends them.
  void (*test_mode)(void *ctx, uint8_t selector);
};
