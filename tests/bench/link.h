// SPDX-License-Identifier: MIT
// What a benchmark's host talks to: a board, or a device that takes no time, behind
// the same cable and the same host. And that host's constants.
#pragma once

#include "host/lib/usb_io.h"
#include "sim/usb/host.h"

// The host: its software's time per control transfer (a kernel's round trip; full speed
// schedules once per frame), on top of the packets' time on the wire, and what a sleep
// takes longer than it was asked to.
enum {
  HOST_HS_TRANSFER_US = 150,
  HOST_FS_TRANSFER_US = 1000,
  HOST_OVERSLEEP_US = 60,
  HOST_PACKET = 64,  // bMaxPacketSize0
  // A serial program, from a byte of the board to what it says to it.
  HOST_SERIAL_US = 1000,
};

static inline vtime_t host_turnaround(bool high_speed) {
  return VT_US(high_speed ? HOST_HS_TRANSFER_US : HOST_FS_TRANSFER_US);
}

struct link {
  struct usb_bus bus;
  vtime_t (*now)(void *ctx);
  void *ctx;
  // For roads that are not requests only. `advance` may return earlier, and does so
  // behind `stop`.
  struct usb_host *usb;
  struct event_queue *events;
  void (*advance)(void *ctx, vtime_t until);
  void (*stop)(void *ctx);
};
