// SPDX-License-Identifier: MIT
// Dwords are numbered from 1, as in JESD216.
#include "firmware/flash/sfdp.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/base/bytes.h"

#define SIGNATURE    0x50444653u  // "SFDP"
#define ID_BASIC     0xFF00u
#define ID_FOUR_BYTE 0xFF84u

enum { HEADER_SIZE = 8, PARAMETER_HEADER_SIZE = 8, MAX_DWORDS = 23, MIN_DWORDS = 9 };

struct parameter {
  uint16_t id;
  uint8_t major, minor, dwords;
  uint32_t pointer;
};

static uint32_t dword(const uint8_t *table, unsigned number) {
  return load_le32(table + 4 * (number - 1));
}

static struct parameter parse_header(const uint8_t *h) {
  return (struct parameter){.id = (uint16_t)(h[0] | h[7] << 8),
                            .minor = h[1],
                            .major = h[2],
                            .dwords = h[3],
                            .pointer = load_le24(h + 4)};
}

// --- basic flash parameter table (JESD216F 6.4) ---

// DW2: bits, or a power of two of them.
static bool density(uint32_t dw2, uint32_t *bytes) {
  if (dw2 & 0x80000000u) {
    const uint32_t exponent = dw2 & 0x7FFFFFFFu;
    if (exponent < 15 || exponent > 34) return false;
    *bytes = 1u << (exponent - 3);
    return true;
  }
  if (dw2 < 0x7FFF) return false;  // under 4 KB: nonsense
  *bytes = dw2 / 8u + 1u;
  return (*bytes & (*bytes - 1)) == 0;
}

static void erase_types(const uint8_t *t, struct sfdp *out) {
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const uint32_t half = dword(t, 8 + i / 2) >> (16 * (i % 2));
    const uint32_t exponent = half & 0xFFu;
    if (exponent < 8 || exponent > 28) continue;
    out->erase[i].size = 1u << exponent;
    out->erase[i].opcode = (uint8_t)(half >> 8);
  }
}

// DW10: type i's count at bits 4, 11, 18, 25, its unit two bits above.
static void erase_times(uint32_t dw10, struct sfdp *out) {
  static const uint32_t unit_us[4] = {1000, 16000, 128000, 1000000};
  const uint32_t factor = 2u * ((dw10 & 0xFu) + 1u);
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    if (!out->erase[i].size) continue;
    const unsigned lsb = 4 + 7 * i;
    const uint32_t count = field_get(dw10, FIELD(lsb, 5)) + 1u;
    out->erase[i].typical_us = count * unit_us[field_get(dw10, FIELD(lsb + 5, 2))];
    out->erase[i].maximum_us = out->erase[i].typical_us * factor;
  }
}

static void program_times(uint32_t dw11, struct sfdp *out) {
  static const uint32_t chip_unit_ms[4] = {16, 256, 4000, 64000};
  const uint32_t factor = 2u * ((dw11 & 0xFu) + 1u);
  const uint32_t unit_us = dw11 & (1u << 13) ? 64 : 8;
  out->page = 1u << field_get(dw11, FIELD(4, 4));
  out->page_typical_us = (field_get(dw11, FIELD(8, 5)) + 1u) * unit_us;
  out->page_maximum_us = out->page_typical_us * factor;
  out->chip_erase_typical_ms = (field_get(dw11, FIELD(24, 5)) + 1u) *
                               chip_unit_ms[field_get(dw11, FIELD(29, 2))];
}

static bool basic_table(const uint8_t *t, unsigned dwords, struct sfdp *out) {
  if (!density(dword(t, 2), &out->size)) return false;
  const uint32_t dw1 = dword(t, 1), dw3 = dword(t, 3);
  out->only_3byte = field_get(dw1, FIELD(17, 2)) == 0;
  if (dw1 & (1u << 21)) {
    out->read_144 =
        (struct sfdp_read){.wait_clocks = dw3 & 0x1Fu,
                           .mode_clocks = (uint8_t)field_get(dw3, FIELD(5, 3)),
                           .opcode = (uint8_t)(dw3 >> 8)};
  }
  erase_types(t, out);
  out->page = 256;
  out->quad_enable = SFDP_QE_RESERVED;
  if (dwords >= 10) erase_times(dword(t, 10), out);
  if (dwords >= 11) program_times(dword(t, 11), out);
  if (dwords >= 15) {
    out->quad_enable = (enum sfdp_quad_enable)field_get(dword(t, 15), FIELD(20, 3));
  }
  return true;
}

// --- 4-byte address instruction table (JESD216F 6.6) ---

static void four_byte_table(const uint8_t *t, struct sfdp *out) {
  if (dword(t, 1) == 0xFFFFFFFFu) return;  // announced, but blank
  out->four_byte = dword(t, 1);
  const uint32_t opcodes = dword(t, 2);
  for (unsigned i = 0; i < SFDP_ERASE_TYPES; i++) {
    const bool supported = out->four_byte & (1u << (9 + i));
    if (supported) out->erase[i].opcode_4byte = (uint8_t)(opcodes >> (8 * i));
  }
}

// --- the walk ---

static bool newer(const struct parameter *a, const struct parameter *b) {
  return a->major > b->major || (a->major == b->major && a->minor >= b->minor);
}

// The newest parameter header of each kind that is of use.
static enum status find_headers(const struct sfdp_source *source,
                                struct parameter *basic, struct parameter *four_byte) {
  uint8_t h[HEADER_SIZE];
  enum status status = source->read(source->ctx, 0, h, sizeof h);
  if (status != ST_OK) return status;
  if (load_le32(h) != SIGNATURE || h[5] != 1) return ST_NOR_UNKNOWN;
  unsigned count = h[6] + 1u;
  if (count > SFDP_MAX_HEADERS) count = SFDP_MAX_HEADERS;
  for (unsigned i = 0; i < count; i++) {
    uint8_t p[PARAMETER_HEADER_SIZE];
    status =
        source->read(source->ctx, HEADER_SIZE + i * PARAMETER_HEADER_SIZE, p, sizeof p);
    if (status != ST_OK) return status;
    const struct parameter found = parse_header(p);
    if (found.id == ID_BASIC && (!basic->dwords || newer(&found, basic)))
      *basic = found;
    if (found.id == ID_FOUR_BYTE) *four_byte = found;
  }
  return basic->dwords >= MIN_DWORDS ? ST_OK : ST_NOR_UNKNOWN;
}

enum status sfdp_parse(const struct sfdp_source *source, struct sfdp *out) {
  struct parameter basic = {0}, four_byte = {0};
  uint8_t table[4 * MAX_DWORDS];
  memset(out, 0, sizeof *out);
  enum status status = find_headers(source, &basic, &four_byte);
  if (status != ST_OK) return status;
  const unsigned dwords = basic.dwords < MAX_DWORDS ? basic.dwords : MAX_DWORDS;
  status = source->read(source->ctx, basic.pointer, table, 4 * dwords);
  if (status != ST_OK) return status;
  if (!basic_table(table, dwords, out)) return ST_NOR_UNKNOWN;
  if (four_byte.dwords >= 2) {
    status = source->read(source->ctx, four_byte.pointer, table, 8);
    if (status != ST_OK) return status;
    four_byte_table(table, out);
  }
  return ST_OK;
}
