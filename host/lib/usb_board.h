// SPDX-License-Identifier: MIT
// What a USB device says about itself: who it is, what runs on it, and which flash
// it offers over DFU. Reads descriptors only; changes nothing on the device.
#pragma once

#include "host/lib/dfu_descriptors.h"
#include "host/lib/layout.h"
#include "host/lib/usb_io.h"

enum {
  BOARD_TEXT_ROOM = 128,
  BOARD_CONFIG_ROOM = 4096,  // of a configuration; more is not read
};

enum usb_board_kind {
  BOARD_QUADBOOT,     // quadboot itself
  BOARD_ROM,          // ST's ROM bootloader
  BOARD_DFUSE,        // another bootloader that speaks DfuSe
  BOARD_PLAIN_DFU,    // DFU without addresses: not for this tool
  BOARD_APPLICATION,  // an application with a run-time DFU interface
};

struct usb_board_alternate {
  uint8_t number;
  char text[LAYOUT_TEXT_ROOM];  // the alternate setting's name as the device has it
  enum layout_status status;    // of `layout`, which counts only when LAYOUT_OK
  struct layout layout;
};

struct usb_board {
  struct usb_found where;
  enum usb_board_kind kind;
  char manufacturer[BOARD_TEXT_ROOM], product[BOARD_TEXT_ROOM], serial[BOARD_TEXT_ROOM];
  struct dfu_interface dfu;
  uint16_t transfer_size;
  struct usb_board_alternate alternates[DFU_ALTERNATES];
  size_t count;
};

// Reads descriptors and strings. `is_board`: it has a DFU interface, and `out` is
// written. False: it does not answer; the error says so.
bool usb_board_describe(struct usb_io *io, const struct usb_found *where,
                        struct usb_board *out, bool *is_board, struct qb_error *error);

// A string of the device in its first language; "" if it has none.
void usb_board_string(struct usb_io *io, uint8_t index, char *out, size_t room);

// GET_DESCRIPTOR. False when the device does not answer; a STALL is an answer of
// no bytes.
bool usb_board_descriptor(struct usb_io *io, uint8_t type, uint8_t index,
                          uint16_t language, uint8_t *data, uint16_t room,
                          uint16_t *length);
// The first configuration, whole or as much as fits.
bool usb_board_config(struct usb_io *io, uint8_t config[BOARD_CONFIG_ROOM],
                      uint16_t *length);

// "quadboot", "ROM bootloader", ...
const char *usb_board_kind_name(enum usb_board_kind kind);

// How to call the board in a sentence: its serial number, else where it is.
const char *usb_board_name(const struct usb_board *b);

// Whether the tool can write to what runs on the board now.
static inline bool usb_board_is_ready(const struct usb_board *b) {
  return b->kind <= BOARD_DFUSE;
}

// The alternate setting whose layout holds the address. `wanted` (-1: any) is asked
// first; no answer is NULL.
const struct usb_board_alternate *usb_board_alternate_at(const struct usb_board *b,
                                                         uint32_t address, int wanted);
