// SPDX-License-Identifier: MIT
// What the library needs of a USB device, and of the way devices are found. Each
// transport (libusb, USB/IP) implements both; nothing above knows which it is.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/error.h"

// How a transfer ended.
enum usb_result {
  USB_DONE,
  USB_STALLED,  // the device refused the request (USB 2.0 8.5.3.4)
  USB_TIMEOUT,  // no answer in time; the transfer was given up
  USB_GONE,     // unplugged, reset away, or the connection ended
  USB_FAILED,   // anything else: a broken packet, more data than asked for
};

struct usb_request {
  uint8_t bmRequestType, bRequest;
  uint16_t wValue, wIndex, wLength;
};

// One open device. All calls may wait; none is longer than its time limit.
struct usb_io {
  void *ctx;
  // A control transfer. `data`: wLength bytes to send, or room for as many; `moved`
  // (may be NULL) is how many came or went.
  enum usb_result (*control)(void *ctx, const struct usb_request *r, uint8_t *data,
                             uint16_t *moved, uint32_t timeout_ms);
  // Gets the interface for this program alone. False: somebody else has it, or it
  // may not be used; the error says what to do.
  bool (*claim)(void *ctx, uint8_t interface, struct qb_error *error);
  // SET_INTERFACE of a claimed interface.
  enum usb_result (*set_alternate)(void *ctx, uint8_t interface, uint8_t alternate);
  // A bus reset, as far as the transport can do one; the device is then opened anew.
  void (*reset)(void *ctx);
  // Waits, in the device's time.
  void (*sleep_ms)(void *ctx, uint32_t ms);
  void (*close)(void *ctx);
};

enum usb_io_speed { USB_IO_UNKNOWN, USB_IO_LOW, USB_IO_FULL, USB_IO_HIGH };

enum { USB_LOCATION_ROOM = 300, USB_PROBLEM_ROOM = 256 };

// A device that a bus has found, not yet opened.
struct usb_found {
  // Where it is, stable while it stays plugged in: "usb:1-2.3", "usbip:HOST:PORT/1-1".
  char location[USB_LOCATION_ROOM];
  uint16_t vendor, product, release;
  enum usb_io_speed speed;
};

// A list that grows by usb_found_add; free() its items.
struct usb_found_list {
  struct usb_found *items;
  size_t count, capacity;
};

// False: no memory.
bool usb_found_add(struct usb_found_list *list, const struct usb_found *found);

// A way to devices.
struct usb_bus {
  void *ctx;
  const char *name;  // "usb", "usbip:HOST:PORT"; lives as long as the bus
  // Adds all devices. False: the way itself does not work; the error says why.
  bool (*scan)(void *ctx, struct usb_found_list *list, struct qb_error *error);
  // Opens one. On success the caller owns `out` and must close it.
  bool (*open)(void *ctx, const struct usb_found *found, struct usb_io *out,
               struct qb_error *error);
  void (*close)(void *ctx);
};
