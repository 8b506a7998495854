// SPDX-License-Identifier: MIT
// Files to be flashed, of whatever format, into one list of segments.
//
//   format      told by                     address comes from
//   ELF         its magic number            the file
//   Intel HEX   a record as its first line  the file
//   DfuSe       "DfuSe" at its start        the file
//   raw         none of these               the argument: FILE@0x90000000
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/lib/error.h"
#include "host/lib/segments.h"

// One FILE or FILE@ADDR. free() the path.
struct image_input {
  char *path;
  bool has_address;
  uint32_t address;
};

// Takes an argument apart. What follows the last '@' is an address if it begins
// with "0x"; otherwise the '@' belongs to the name ("logo@2x.png"). Reads no file.
// Error: no file name, not a hexadecimal number, or above 0xFFFFFFFF.
__attribute__((warn_unused_result)) bool image_parse_input(const char *argument,
                                                           struct image_input *out,
                                                           struct qb_error *error);

// Reads the file and adds its segments; the list then owns all that they need.
// Error: one sentence that names the file. After an error the list may hold a
// part of the file and is only good for segments_free().
__attribute__((warn_unused_result)) bool image_load(struct segments *list,
                                                    const struct image_input *input,
                                                    struct qb_error *error);
