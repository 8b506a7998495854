// SPDX-License-Identifier: MIT
// Synopsys DWC2 core (OTG_FS and OTG_HS of STM32) as a USB device in FIFO mode, polled,
// with endpoint 0 and, where the build has them, 81 and 82 (IN) and 01 (OUT).
// Implements struct usb_port.
#pragma once

#include "common/base/status.h"
#include "firmware/usb/usb_port.h"

enum dwc2_phy {
  DWC2_PHY_ULPI_HS,      // external PHY, 480 Mb/s
  DWC2_PHY_INTERNAL_FS,  // 12 Mb/s
};

struct dwc2_config {
  uintptr_t base;
  enum dwc2_phy phy;
  bool vbus_sensed;  // a VBUS pin is wired; otherwise VBUS counts as present
  // Microseconds, free running; for deadlines.
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
};

// What endpoint 01 receives.
struct dwc2_stream {
  uint8_t *to;     // where the next packet goes
  uint16_t left;   // how many bytes are wanted there
  uint16_t fresh;  // have come, and were not told
  bool ended;      // likewise
};

struct dwc2 {
  struct dwc2_config config;
  uint8_t *out;         // where the next OUT packet goes
  uint16_t out_left;    // how many bytes are wanted there
  uint16_t out_length;  // of the packets that arrived
  bool out_more;        // the last one was full, and there is room for the next
  bool setup_open;      // `setup` was read, and its stage has not ended (STUP) yet
  uint8_t setup[8];     // the last SETUP packet read from the FIFO
  struct dwc2_stream stream;
};

// Resets the core and sets it up, disconnected. The block's clocks run and its pins
// are set. USB_PHY when the core does not come out of reset: the PHY has no clock.
enum status dwc2_start(struct dwc2 *d, const struct dwc2_config *config);

// The controller as the control machine sees it; `d` must outlive it.
struct usb_port dwc2_port(struct dwc2 *d);
