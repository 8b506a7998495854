// SPDX-License-Identifier: MIT
// The boards that can be reached, over all buses; an open connection to one; and
// finding a board again after it was lost.
#pragma once

#include "host/lib/dfuc.h"
#include "host/lib/usb_board.h"

// A device with a DFU interface. Not every one can be opened: then `problem` says
// why, and only what the bus knows is in `board`. A bus that does not work is an entry
// too, so that one dead server does not hide the boards of the others.
struct boards_entry {
  const struct usb_bus *bus;
  struct usb_board board;
  bool described;
  bool has_twin;  // another board in the list has the same serial number
  struct qb_error problem;
};

// Set to {0} before first use.
struct boards {
  struct boards_entry *items;
  size_t count, capacity;
};

// Looks at every bus. False: no memory.
bool boards_find(struct boards *list, const struct usb_bus *buses, size_t count,
                 struct qb_error *error);
void boards_free(struct boards *list);

// An open board with its DFU interface claimed. Set to {0} before first use.
struct connection {
  // Set by the owner: another board has the same serial number, so this one is found
  // again only where it was.
  bool has_twin;
  struct usb_io io;
  struct dfuc client;
  struct usb_board board;
};

// Opens the board where it is and describes it again; an application that can start
// its bootloader (run-time DFU) is asked to, and the bootloader is waited for. On
// success the caller must close it. Error: gone, not permitted, used by another
// program, or no bootloader.
bool connection_open(struct connection *c, const struct usb_bus *bus,
                     const struct usb_found *where, struct qb_error *error);
void connection_close(struct connection *c);

// Waits until a board with the same identity can be opened, wherever it is plugged
// in: the serial number, or the place of a board that has none. Where it was is looked
// at first. `stop` (may be NULL) ends it early. False when `limit_ms` of wall time
// pass; `c` is then as it was.
bool connection_find_again(struct connection *c, const struct usb_bus *bus,
                           const struct usb_board *lost, uint32_t limit_ms,
                           bool (*stop)(void *ctx), void *ctx);
