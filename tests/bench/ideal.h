// SPDX-License-Identifier: MIT
// A DFU device that takes no time, on the simulator's own USB host: each packet is
// answered at once, nothing is ever busy. What the same host needs for it is the least
// that any device could need.
//
// It stands in front of a board that nobody else uses: descriptors and vendor requests
// are the board's answers, what is written lies in the board's cells at once, and the
// time that the board takes for it is not the ideal device's.
#pragma once

#include "sim/usb/host_sync.h"
#include "tests/bench/ideal_serial.h"
#include "tests/bench/link.h"
#include "tests/hostmodel/rig.h"

enum { IDEAL_TRANSFER = 4096 };

struct ideal {
  struct rig *board;
  struct event_queue events;
  struct usb_device_port port;
  struct usb_host host;
  vtime_t turnaround;

  // The control transfer on the wire.
  struct request request;
  uint8_t data[IDEAL_TRANSFER];
  uint16_t length, at;  // of `data`, and how much of it has moved
  bool data1, stalled;

  // DFU. `command`: a block 0 came, and was not yet asked about.
  uint8_t state;
  bool command;
  uint32_t pointer;

  struct ideal_serial serial;
};

// `board` is configured and idle; it must outlive the device.
void ideal_open(struct ideal *d, struct rig *board);

struct link ideal_link(struct ideal *d);
