// SPDX-License-Identifier: MIT
// Hexadecimal numbers as people type them in arguments. Knows no option's name:
// the caller words the complaint.
#pragma once

#include <stdint.h>

enum number_status {
  NUMBER_OK,
  NUMBER_MALFORMED,  // empty, or a character that is not a hexadecimal digit
  NUMBER_TOO_BIG,    // well-formed, but above `max`
};

// Reads all of `text`: hexadecimal digits of either case, with or without a
// leading "0x". No sign, no blanks. Writes `*out` only when it returns NUMBER_OK.
__attribute__((warn_unused_result)) enum number_status number_parse_hex(
    const char *text, uint32_t max, uint32_t *out);
