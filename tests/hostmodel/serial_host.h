// SPDX-License-Identifier: MIT
// A serial program at the host's end of CDC-ACM: it types, keeps what is said, and
// sends files with the sender of common/protocol. All of it happens in events of the
// USB host's queue, so that whoever owns the clock may do other things on the bus
// meanwhile.
//
//   files --> modem_sender --> fault() --> bulk OUT     bulk IN --> fault() --> sender
//                                                         (after the turnaround)
#pragma once

#include "common/protocol/modem.h"
#include "sim/usb/host.h"

enum {
  SERIAL_HOST_OUT = 0x01,
  SERIAL_HOST_IN = 0x81,
  SERIAL_HOST_SAID = 4096,
  SERIAL_HOST_OUTBOX = 4096,
};

enum serial_direction { SERIAL_TO_BOARD, SERIAL_TO_HOST, SERIAL_DIRECTIONS };

// What happens to one byte.
struct serial_fault {
  uint8_t mask;   // is changed by it
  bool drop;      // never comes
  bool twice;     // comes twice
  vtime_t delay;  // comes later, and so does everything behind it
  uint8_t cans;   // so many CAN come behind it: a person's hand
  bool cancel;    // a person stops the sender in front of it
  bool cut;       // nothing is sent or heard from here on: see `cut` below
};

struct serial_file {
  const char *name;
  const uint8_t *data;
  uint32_t size;
};

struct serial_host {
  // Filled by the owner; the rest is zero.
  struct usb_host *usb;
  struct event_queue *events;
  vtime_t turnaround;  // from a byte of the board to what is said to it
  struct serial_fault (*fault)(void *ctx, enum serial_direction d, size_t index,
                               uint8_t byte);  // NULL: a perfect line
  void (*stop)(void *ctx);  // the transfer is over, or was cut; may be NULL
  void *ctx;

  // How it goes.
  struct modem_sender sender;
  bool sending;  // until the sender's end, which is in sender.end
  bool cut;      // by a fault: the program has died
  vtime_t ended;
  size_t bytes[SERIAL_DIRECTIONS];  // since the sender started
  size_t blocks;
  bool first;  // the byte that fault() is asked about begins a packet
  char said[SERIAL_HOST_SAID + 1];  // all that came, as text; more is dropped
  size_t said_length;

  // Private.
  const struct serial_file *files;
  size_t count, given;  // given: bytes of the sender's packet that is in the outbox
  bool open, dying;
  struct usb_urb in, out;
  uint8_t packet_in[512];
  uint8_t inbox[SERIAL_HOST_SAID];
  vtime_t due[SERIAL_HOST_SAID], last_due;
  size_t inbox_head, inbox_tail;
  uint8_t outbox[SERIAL_HOST_OUTBOX];
  size_t outbox_head, outbox_tail;
  vtime_t hold;  // the byte at hold_at goes so much later
  size_t hold_at;
  struct event arrival, timer, release;
};

// Reading begins, and ends. DTR is the caller's, before and behind it.
void serial_host_open(struct serial_host *h, uint16_t packet);
void serial_host_close(struct serial_host *h);

void serial_host_type(struct serial_host *h, const char *text);

// A sender program starts; what was typed goes first.
void serial_host_send(struct serial_host *h, enum modem_protocol protocol,
                      const struct serial_file *files, size_t count);
