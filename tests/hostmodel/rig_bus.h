// SPDX-License-Identifier: MIT
// The host tool's library on a rig: a struct usb_bus whose one device is the simulated
// board in this process, in virtual time. What the tool does to a board can be cut off
// at any request, and repeated exactly.
#pragma once

#include "host/lib/boards.h"
#include "tests/hostmodel/rig.h"

struct rig_bus {
  struct rig *rig;
  // Control transfers and sleeps so far.
  uint64_t transfers, slept_ms;
  // Called before each transfer; may be NULL. False: the transfer fails as if the
  // board were gone (it is not touched).
  bool (*before)(struct rig_bus *b, const struct usb_request *q, uint8_t *data);
  void *before_ctx;
  bool open;  // by somebody: must be closed again
};

// A scan finds the board if it is attached within two seconds, plugging it in first.
// Opening enumerates and configures it.
struct usb_bus rig_bus(struct rig_bus *b);

// A transfer on the rig, with the library's results.
enum usb_result rig_bus_control(struct rig *r, const struct usb_request *q,
                                uint8_t *data, uint16_t *moved);
