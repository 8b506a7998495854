// SPDX-License-Identifier: MIT
// Files to be flashed, of whatever format, into one list of segments.
//
//   format      told by                     address comes from
//   ELF         its magic number            the file
//   Intel HEX   a record as its first line  the file
//   DfuSe       "DfuSe" at its start        the file
//   UF2         its magic number            the file
//   plain DFU   a DFU suffix at its end     the argument: FILE@0x90000000
//   raw         none of these               the argument: FILE@0x90000000
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

enum image_format {
  IMAGE_ELF,
  IMAGE_IHEX,
  IMAGE_DFUSE,
  IMAGE_UF2,
  IMAGE_PLAIN_DFU,
  IMAGE_RAW,
};

// Tells a file's format by its content; looks at no more than it must.
enum image_format image_format_of(const uint8_t *file, size_t size);

// "an ELF file"; never NULL, also for a number that is none.
const char *image_format_name(enum image_format format);

// Adds the segments of a file in memory. The bytes, and the name `source`, must outlive
// the list; the path of `input` is not used. Errors as for image_load().
__attribute__((warn_unused_result)) bool image_load_bytes(
    struct segments *list, const struct image_input *input, uint8_t *file, size_t size,
    const char *source, struct qb_error *error);

// Reads the file and adds its segments; the list then owns all that they need.
// Error: one sentence that names the file. After an error the list may hold a
// part of the file and is only good for segments_free().
__attribute__((warn_unused_result)) bool image_load(struct segments *list,
                                                    const struct image_input *input,
                                                    struct qb_error *error);
