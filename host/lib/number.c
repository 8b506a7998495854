// SPDX-License-Identifier: MIT
#include "host/lib/number.h"

#include <stdbool.h>

#include "common/base/hex.h"

enum number_status number_parse_hex(const char *text, uint32_t max, uint32_t *out) {
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
  if (!*text) return NUMBER_MALFORMED;
  uint64_t value = 0;
  bool too_big = false;
  for (; *text; text++) {
    const int digit = hex_digit(*text);
    if (digit < 0) return NUMBER_MALFORMED;
    value = value << 4 | (uint64_t)digit;
    // Stays set when later digits are shifted out of the 64 bits.
    too_big = too_big || value > max;
  }
  if (too_big) return NUMBER_TOO_BIG;
  *out = (uint32_t)value;
  return NUMBER_OK;
}
