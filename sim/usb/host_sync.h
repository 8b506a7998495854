// SPDX-License-Identifier: MIT
// Waiting for the USB host, for tests and tools in the same process: each call runs
// virtual time until its transfer is complete. Nothing here is for the simulator's
// own use, which must never wait.
#pragma once

#include "sim/usb/host.h"

struct usb_host_sync {
  struct usb_host *host;
  // Runs the machine (CPU, driver under test, events) to virtual time `until`. It
  // may return earlier, and should after each event: work that the machine does can
  // bring events forward, and a call ends no sooner than this function returns.
  void (*advance)(void *ctx, vtime_t until);
  void *ctx;
};

// A control transfer. `data` has wLength (setup[6..7]) bytes, to send or to fill.
// The bytes moved, or a negative errno as in struct usb_urb.
int usb_host_sync_control(const struct usb_host_sync *s, const uint8_t setup[8],
                          void *data);

// A bulk or interrupt transfer as `urb` says it; complete and ctx are used here.
// The bytes moved, or a negative errno.
int usb_host_sync_transfer(const struct usb_host_sync *s, struct usb_urb *urb);

// Plugs the cable in if it is not, waits for the connect, and enumerates.
// 0, a negative errno, or -ENODEV when nothing connects within a second.
int usb_host_sync_enumerate(const struct usb_host_sync *s, uint8_t address);

// Resets the bus and waits for the end of the recovery.
int usb_host_sync_reset(const struct usb_host_sync *s);
