// SPDX-License-Identifier: MIT
// What has to happen to which sector of a board so that it holds the files: the
// meeting of segments (what) with layouts (where). All checks that need no byte sent
// are made here.
#pragma once

#include "host/lib/segments.h"
#include "host/lib/usb_board.h"

// How far a sector has come.
enum unit_state {
  UNIT_WAITING,
  UNIT_UNCHANGED,  // it held the bytes already
  UNIT_ERASED,
  UNIT_WRITTEN,
  UNIT_VERIFIED,  // read back and compared
  UNIT_STATES,
};

// Bytes of one segment in one sector.
struct unit_piece {
  uint32_t address, size;
  const uint8_t *bytes;
};

// Bytes that are compared, and sent or left alone, as a whole (host/lib/cells.h).
struct cell {
  struct unit_piece part;
  size_t unit;  // in plan.units
  bool same;    // the board holds these bytes, when it was asked last
};

// One sector that is touched.
struct unit {
  struct layout_sector sector;
  uint8_t alternate;
  enum unit_state state;
  size_t first_piece, pieces;  // in plan.pieces, ascending, without overlap
  uint32_t bytes;              // of its pieces
  // Once it is cut (cells_cut):
  size_t first_cell, cells;  // in plan.cells, likewise
  bool sector_exact;         // cells are written one by one; the board erases by itself
  uint64_t sent_at;          // plan.sent when its last byte went
};

struct plan {
  struct unit *units;  // ascending by address
  size_t count, capacity;
  struct unit_piece *pieces;
  size_t piece_count, piece_capacity;
  struct cell *cells;
  size_t cell_count, cell_capacity;
  uint64_t bytes;        // of all pieces
  uint64_t erase_bytes;  // of all sectors that can be erased
  uint64_t sent;         // bytes so far
  uint64_t skipped;      // bytes that were not sent, as the board holds them already
  // The plan writes the vector table of an application, and this is where.
  bool has_application;
  uint32_t application;
};

// What the plan is for, and so what is refused.
enum plan_use {
  PLAN_WRITE,
  PLAN_FORCE,  // to write, also what could not start, or is for another USB device
  PLAN_COMPARE,
};

// Lays arranged segments over the board's layouts. The plan points into the
// segments; plan_free() it also after an error.
// Error: an address that no layout holds, data past the end, a sector that is
// read-only (or not readable), a file for another USB device, an application that
// could not start from where it lies.
bool plan_make(struct plan *out, const struct usb_board *b, const struct segments *list,
               enum plan_use use, struct qb_error *error);

// A plan without data: the sectors of [address, address + size), to be erased.
// Error: as above, a sector that cannot be erased, or a range that begins or ends
// inside a sector.
bool plan_erase(struct plan *out, const struct usb_board *b, uint32_t address,
                uint64_t size, struct qb_error *error);

void plan_free(struct plan *p);

// How many units are in a state.
size_t plan_count(const struct plan *p, enum unit_state state);

// An address of the internal flash.
bool plan_is_internal(uint32_t address);

// Where the bootloader on the board looks for an application: the first writable
// address of the internal flash. False if it offers none.
bool plan_application_address(const struct usb_board *b, uint32_t *out);
