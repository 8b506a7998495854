// SPDX-License-Identifier: MIT
// What a NOR chip says of itself: the JESD216 parameter tables, decoded. Works on
// bytes that the caller fetches; trusts none of them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum { SFDP_ERASE_TYPES = 4, SFDP_MAX_HEADERS = 8, SFDP_MAX_REGIONS = 6 };

struct sfdp_erase {
  uint32_t size;  // bytes; 0 = absent
  uint8_t opcode, opcode_4byte;
  uint32_t typical_us, maximum_us;  // 0 = not stated
};

// A fast read with data on four lines: total dummy = mode clocks + wait clocks.
struct sfdp_read {
  uint8_t opcode, mode_clocks, wait_clocks;  // opcode 0 = absent
};

// A stretch of the chip in which the same erase types work.
struct sfdp_region {
  uint32_t size;  // bytes
  uint8_t types;  // bit i: erase[i]
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

// DW1[18:17].
enum sfdp_addressing { SFDP_3_BYTES, SFDP_3_OR_4_BYTES, SFDP_4_BYTES };

struct sfdp {
  uint32_t size;  // bytes
  uint32_t page;  // bytes; 256 when not stated
  bool is_old;    // JESD216 1.0: says nothing of quad enable, at best of times
  struct sfdp_erase erase[SFDP_ERASE_TYPES];
  struct sfdp_region regions[SFDP_MAX_REGIONS];  // one, if the chip is uniform
  uint8_t region_count;
  struct sfdp_read read_114, read_144;
  enum sfdp_addressing addressing;
  enum sfdp_quad_enable quad_enable;
  bool ddr;          // DW1[19]: it has reads on both clock edges
  bool qpi_by_35;    // DW15[6]: opcode 35h enters QPI, so it reads no register
  bool flag_status;  // DW14[3] without [2]: ready is bit 7 of what 70h reads
  bool enter_4byte;  // DW16[24] or [25]: opcode B7h, with a write enable or not
  uint8_t resume;    // DW13: opcode that goes on with a suspended erase; 0 = not told
  uint32_t page_typical_us, page_maximum_us;
  uint32_t chip_erase_typical_us, chip_erase_maximum_us;  // 0 = not stated
  uint32_t four_byte;  // 4BAIT DW1, 0 when there is no such table
};

// Bits of `four_byte` (JESD216F 6.6.2).
enum {
  SFDP_4B_FAST_READ = 1u << 1,
  SFDP_4B_READ_114 = 1u << 4,
  SFDP_4B_READ_144 = 1u << 5,
  SFDP_4B_PROGRAM = 1u << 6,
  SFDP_4B_PROGRAM_114 = 1u << 7,
  SFDP_4B_PROGRAM_144 = 1u << 8,
  SFDP_4B_READ_144_DDR = 1u << 15,
};

// A register that tells which sector map is in use (JESD216F 6.5).
struct sfdp_question {
  uint8_t opcode;
  uint8_t address_bytes;  // 0 to 4
  uint8_t dummy_clocks;
  uint32_t address;
};

struct sfdp_source {
  void *ctx;
  // Reads `n` bytes of the SFDP area from `address`.
  enum status (*read)(void *ctx, uint32_t address, uint8_t *dst, size_t n);
  // Reads one byte of the chip by the command that its SFDP has named.
  enum status (*ask)(void *ctx, const struct sfdp_question *q, uint8_t *answer);
};

// NOR_UNKNOWN when there is no SFDP or it makes no sense.
enum status sfdp_parse(const struct sfdp_source *source, struct sfdp *out);
