// SPDX-License-Identifier: MIT
// Between the USB/IP server and the board's cable: enumerates what is plugged in,
// describes it to clients, turns their requests into URBs of the host engine and
// the ends of those into replies. When time moves is pace.c's.
//
// A USB/IP client never forwards SET_ADDRESS nor a bus reset. The bridge addresses
// the device itself, and takes GET_DESCRIPTOR(DEVICE) with wLength 64 for what it is
// in every kernel: the sign that the port was just reset. The bus is then reset for
// real, and the configuration that was chosen before is chosen again.
#pragma once

#include "sim/machine/machine.h"
#include "sim/server/usbip_server.h"

enum {
  BRIDGE_MAX_CONFIG = 4096,
  BRIDGE_MAX_TRANSFERS = USBIP_SERVER_URBS,
  BRIDGE_INTERFACES = 16,
};

struct bridge;

// A client's transfer under way.
struct bridge_transfer {
  struct bridge *bridge;
  bool used;
  uint32_t seqnum;
  struct usb_urb urb;
  struct event start;  // its arrival at the host controller
  struct bridge_transfer *next_free;
};

enum bridge_state {
  BRIDGE_EMPTY,        // nothing on the cable
  BRIDGE_ENUMERATING,  // reset, address, descriptors
  BRIDGE_READY,        // can be imported
  BRIDGE_BROKEN,       // the device does not enumerate
};

// What is told to whoever paces time. All may be NULL.
struct bridge_watcher {
  void *ctx;
  // Something happened on the cable or with a client, now.
  void (*activity)(void *ctx);
  // A client may import at this instant.
  bool (*may_import)(void *ctx);
  // Delay between a request's arrival and the first token on the wire.
  vtime_t (*turnaround)(void *ctx);
  // The client sleeps; false: it shall do so for real.
  bool (*sleep)(void *ctx, uint32_t seqnum, uint64_t ns);
  void (*client_gone)(void *ctx);
  void (*log)(void *ctx, const char *sentence);
};

struct bridge {
  struct machine *machine;
  struct usbip_server server;
  struct usbip_backend backend;
  struct bridge_watcher watcher;
  enum bridge_state state;
  uint32_t devnum;  // counts enumerations, as a kernel does
  struct usbip_device device;
  struct usbip_interface interfaces[USBIP_SERVER_INTERFACES];
  uint8_t config[BRIDGE_MAX_CONFIG];
  uint16_t config_length;
  uint8_t configuration;  // what the client chose, 0 = none
  uint8_t alternate[BRIDGE_INTERFACES];
  struct usb_urb own;  // for the bridge's own requests
  uint8_t step;
  struct bridge_transfer *resetting;  // waits for the bus reset it asked for
  struct bridge_transfer transfers[BRIDGE_MAX_TRANSFERS];
  uint32_t under_way;  // transfers in use
};

// Starts listening. NULL, or why not as a part of a sentence.
const char *bridge_open(struct bridge *b, struct machine *m,
                        const struct usbip_endpoint *endpoint,
                        const struct bridge_watcher *watcher);
void bridge_close(struct bridge *b);

// The cable's state changed: from machine.on_usb_connect.
void bridge_connected(struct bridge *b, bool connected);

// Serves sockets for at most `timeout_ms`.
void bridge_poll(struct bridge *b, int timeout_ms);
