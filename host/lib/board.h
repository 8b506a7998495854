// SPDX-License-Identifier: MIT
// What a USB device says about itself: who it is, what runs on it, and which flash
// it offers over DFU. Reads descriptors only; changes nothing on the device.
#pragma once

#include "host/lib/dfu_descriptors.h"
#include "host/lib/layout.h"
#include "host/lib/usb_io.h"

enum { BOARD_TEXT_ROOM = 128 };

enum board_kind {
  BOARD_QUADBOOT,     // quadboot itself
  BOARD_ROM,          // ST's ROM bootloader
  BOARD_DFUSE,        // another bootloader that speaks DfuSe
  BOARD_PLAIN_DFU,    // DFU without addresses: not for this tool
  BOARD_APPLICATION,  // an application with a run-time DFU interface
};

struct board_alternate {
  uint8_t number;
  char text[LAYOUT_TEXT_ROOM];  // the alternate setting's name as the device has it
  enum layout_status status;    // of `layout`, which counts only when LAYOUT_OK
  struct layout layout;
};

struct board {
  struct usb_found where;
  enum board_kind kind;
  char manufacturer[BOARD_TEXT_ROOM], product[BOARD_TEXT_ROOM], serial[BOARD_TEXT_ROOM];
  struct dfu_interface dfu;
  uint16_t transfer_size;
  struct board_alternate alternates[DFU_ALTERNATES];
  size_t count;
};

// Reads descriptors and strings. `is_board`: it has a DFU interface, and `out` is
// written. False: it does not answer; the error says so.
bool board_describe(struct usb_io *io, const struct usb_found *where, struct board *out,
                    bool *is_board, struct qb_error *error);

// A string of the device in its first language; "" if it has none.
void board_string(struct usb_io *io, uint8_t index, char *out, size_t room);

// "quadboot", "ROM bootloader", ...
const char *board_kind_name(enum board_kind kind);

// How to call the board in a sentence: its serial number, else where it is.
const char *board_name(const struct board *b);

// Whether the tool can write to what runs on the board now.
static inline bool board_is_ready(const struct board *b) {
  return b->kind <= BOARD_DFUSE;
}

// The alternate setting whose layout holds the address. `wanted` (-1: any) is asked
// first; no answer is NULL.
const struct board_alternate *board_alternate_at(const struct board *b,
                                                 uint32_t address, int wanted);
