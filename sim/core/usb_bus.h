// SPDX-License-Identifier: MIT
// The USB cable: what a device controller model offers to the host at its other
// end, and what the host offers back. One call is one transaction on the wire
// (token, data, handshake), as USB 2.0 chapter 8 has them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum usb_speed { USB_SPEED_FULL, USB_SPEED_HIGH };

enum usb_pid { USB_PID_SETUP, USB_PID_OUT, USB_PID_IN, USB_PID_PING };

enum usb_reply {
  USB_REPLY_NONE,  // nothing came back: no such device, endpoint or a CRC error
  USB_REPLY_ACK,
  USB_REPLY_NAK,
  USB_REPLY_STALL,
  USB_REPLY_NYET,  // accepted, but PING before the next packet (HS bulk OUT)
  USB_REPLY_DATA,  // answer to IN
};

enum { USB_MAX_PACKET = 1024 };

struct usb_token {
  enum usb_pid pid;
  uint8_t address, endpoint;
  bool data1;           // PID of the data packet of SETUP and OUT
  const uint8_t *data;  // of SETUP and OUT
  uint16_t length;
};

struct usb_answer {
  enum usb_reply reply;
  bool data1;  // PID of USB_REPLY_DATA
  uint16_t length;
  uint8_t data[USB_MAX_PACKET];
};

// Implemented by a device controller.
struct usb_device_port {
  void *ctx;
  void (*transact)(void *ctx, const struct usb_token *token, struct usb_answer *answer);
  // The host's ACK for the last USB_REPLY_DATA arrived. Not called when it was
  // lost: the device then repeats the packet with the same PID.
  void (*acked)(void *ctx, uint8_t endpoint);
  // SE0 begins and ends. At the end the speed that chirping settled on is the
  // lower of what the two sides can do; `host_high_speed` is the host's side.
  void (*reset_begin)(void *ctx);
  enum usb_speed (*reset_end)(void *ctx, bool host_high_speed);
  // No SOF for 3 ms; and K-state from the host.
  void (*suspend)(void *ctx);
  void (*resume)(void *ctx);
  // A (micro)frame starts; called only while want_sof asked for it.
  void (*sof)(void *ctx);
  // VBUS appears or goes at the connector.
  void (*vbus)(void *ctx, bool present);
};

// Implemented by the host.
struct usb_host_port {
  void *ctx;
  // The device's pull-up went on or off.
  void (*pull_up)(void *ctx, bool on);
  // An endpoint that answered NAK may now answer otherwise.
  void (*ready)(void *ctx, uint8_t endpoint, bool in);
  void (*want_sof)(void *ctx, bool on);
  // Microframes since the last bus reset ended, modulo 16384; counts in steps of
  // 8 at full speed.
  uint16_t (*microframe)(void *ctx);
  // The device drives K (remote wake-up) or stops driving it.
  void (*remote_wakeup)(void *ctx, bool driving);
};
