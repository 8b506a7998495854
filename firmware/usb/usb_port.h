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
  // Of the endpoints beside 0; `endpoint` is the address.
  USB_EVENT_RECEIVED,  // `length` more bytes are where `receive` wants them
  USB_EVENT_SENT,      // the packet given to `send` was acknowledged by the host
};

struct usb_event {
  enum usb_event_kind kind;
  bool high_speed;
  uint8_t setup[8];
  uint16_t length;
  uint8_t endpoint;
  bool ended;  // of RECEIVED: nothing more comes until `receive` is called again
};

// An endpoint beside 0, as its descriptor has it (USB 2.0 9.6.6).
enum { USB_FULL_SPEED, USB_HIGH_SPEED, USB_SPEEDS };
struct usb_endpoint {
  uint8_t address;  // the number, and 0x80 for IN
  uint8_t type;     // bmAttributes
  uint8_t interface;
  uint8_t interval[USB_SPEEDS];
  uint16_t packet[USB_SPEEDS];  // wMaxPacketSize
};

// A bus reset closes all of them. What a call means for a closed one is undefined.
struct usb_endpoint_ops {
  // Opens one that is closed: toggle at DATA0, no halt, nothing under way.
  void (*open)(void *ctx, uint8_t address, uint8_t type, uint16_t packet);
  void (*close_all)(void *ctx);
  // Accepts packets into `dst` until there are `length` bytes, a multiple of the
  // packet's size, or one was not full. What has come is told from time to time, and
  // the end; until the end there must be no second call. Otherwise the host gets NAK.
  void (*receive)(void *ctx, uint8_t address, uint8_t *dst, uint16_t length);
  // Sends one packet, which may be empty; `src` may change afterwards. The last one
  // was sent, or cancelled.
  void (*send)(void *ctx, uint8_t address, const uint8_t *src, uint16_t length);
  // Takes a packet back that the host has not fetched; SENT does not follow.
  void (*cancel)(void *ctx, uint8_t address);
  // STALL until it is lifted, which also sets the toggle to DATA0 (USB 2.0 9.4.5). What
  // was under way goes on then.
  void (*halt)(void *ctx, uint8_t address, bool on);
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
  const struct usb_endpoint_ops *endpoints;  // NULL: endpoint 0 alone
};
