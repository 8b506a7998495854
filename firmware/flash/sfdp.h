// SPDX-License-Identifier: MIT
// What a NOR chip says of itself: the JESD216 parameter tables, decoded. Works on
// bytes that the caller fetches; trusts none of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum { SFDP_ERASE_TYPES = 4, SFDP_MAX_HEADERS = 8 };

struct sfdp_erase {
  uint32_t size;  // bytes; 0 = absent
  uint8_t opcode, opcode_4byte;
  uint32_t typical_us, maximum_us;  // 0 = not stated
};

// A fast read: total dummy = mode clocks + wait clocks.
struct sfdp_read {
  uint8_t opcode, mode_clocks, wait_clocks;
};

// Quad enable requirements (JESD216F 6.4.18, DW15[22:20]).
enum sfdp_quad_enable {
  SFDP_QE_NONE = 0,
  SFDP_QE_SR2_BIT1_CLEARED = 1,
  SFDP_QE_SR1_BIT6 = 2,
  SFDP_QE_SR2_BIT7 = 3,
  SFDP_QE_SR2_BIT1 = 4,
  SFDP_QE_SR2_BIT1_READ35 = 5,
  SFDP_QE_SR2_BIT1_WRITE31 = 6,
  SFDP_QE_RESERVED = 7,
};

struct sfdp {
  uint32_t size;  // bytes
  uint32_t page;  // bytes; 256 when not stated
  struct sfdp_erase erase[SFDP_ERASE_TYPES];
  struct sfdp_read read_144;  // opcode 0 = absent
  bool only_3byte;            // DW1[18:17]
  enum sfdp_quad_enable quad_enable;
  uint32_t page_typical_us, page_maximum_us;
  uint32_t chip_erase_typical_ms;
  uint32_t four_byte;  // 4BAIT DW1, 0 when there is no such table
};

// Bits of `four_byte` (JESD216F 6.6.2).
enum {
  SFDP_4B_FAST_READ = 1u << 1,
  SFDP_4B_READ_144 = 1u << 5,
  SFDP_4B_PROGRAM = 1u << 6,
  SFDP_4B_PROGRAM_144 = 1u << 8,
};

// Reads `n` bytes of the SFDP area from `address`.
struct sfdp_source {
  void *ctx;
  enum status (*read)(void *ctx, uint32_t address, uint8_t *dst, size_t n);
};

// NOR_UNKNOWN when there is no SFDP or it makes no sense.
enum status sfdp_parse(const struct sfdp_source *source, struct sfdp *out);
