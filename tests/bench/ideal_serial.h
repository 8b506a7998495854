// SPDX-License-Identifier: MIT
// The serial port of the device that takes no time: it receives by the machine of
// common/protocol, and each block is accepted at once.
#pragma once

#include "common/protocol/modem.h"
#include "sim/core/event.h"
#include "sim/core/usb_bus.h"

struct ideal_serial {
  struct event_queue *events;
  const struct usb_host_port *host;
  uint8_t *cells;  // where files go
  struct modem_receiver receiver;
  bool loading;  // the command has come
  bool stream;   // and had a g
  bool data1, has_ended;
  uint8_t out[512];
  uint16_t out_length;
  struct event tick;
};

void ideal_serial_open(struct ideal_serial *s);

// A transaction of its data endpoints.
void ideal_serial_transact(struct ideal_serial *s, const struct usb_token *t,
                           struct usb_answer *answer);
