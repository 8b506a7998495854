// SPDX-License-Identifier: MIT
// How long a transaction occupies the bus: the worst-case formulas of
// USB 2.0 5.11.3, in whole nanoseconds. Knows no host and no device.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/core/event.h"
#include "sim/core/usb_bus.h"

// Time of one frame at full speed, of one microframe at high speed (USB 2.0 8.4.3).
vtime_t usb_time_frame(enum usb_speed speed);

// A transaction as the host lives it has two parts. The first ends when the device
// has all the host sends and decides on its answer; the second when the host knows
// the outcome, its own ACK of an IN included.
//
// `sent` is what the host puts on the wire; `bytes` the length of the data packet
// in whichever direction it goes (0 when there is none); `reply` how it ended.
vtime_t usb_time_to_device(enum usb_speed speed, enum usb_pid sent, uint32_t bytes);
vtime_t usb_time_to_host(enum usb_speed speed, enum usb_pid sent, uint32_t bytes,
                         enum usb_reply reply);

// The longest that such a transaction can take, for the decision whether it still
// fits into the frame.
vtime_t usb_time_worst(enum usb_speed speed, uint32_t bytes);
