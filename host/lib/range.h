// SPDX-License-Identifier: MIT
// A part of a board's flash, as people write it.
#pragma once

#include "host/lib/usb_board.h"

// "0x90000000:64K", "0x90000000" (to the end of that flash), "internal", "qspi".
struct range {
  bool whole;        // all of a medium
  uint32_t address;  // of the part; of a medium, any address in it
  uint64_t size;     // 0: to the end of the medium
};

// SIZE is decimal with an optional K or M (1024), or hexadecimal with 0x.
bool range_parse(const char *text, struct range *out, struct qb_error *error);

// Finds it on a board: the alternate setting that holds it, its address and size.
// Error: the board has no such flash, or it ends before the range does.
bool range_resolve(const struct range *range, const struct usb_board *b,
                   const struct usb_board_alternate **alternate, uint32_t *address,
                   uint64_t *size, struct qb_error *error);
