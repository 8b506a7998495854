// SPDX-License-Identifier: MIT
#include "common/base/crc16.h"

// A byte at a time without a table: the polynomial has four terms, so the effect of a
// byte x is x, x << 5 and x << 12, once its high nibble has been folded into its low
// one.
uint16_t crc16_update(uint16_t crc, const uint8_t *p, size_t n) {
  uint32_t c = crc;
  while (n--) {
    uint32_t x = ((c >> 8) ^ *p++) & 0xFFu;
    x ^= x >> 4;
    c = ((c << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xFFFFu;
  }
  return (uint16_t)c;
}
