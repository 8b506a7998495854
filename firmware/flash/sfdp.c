// SPDX-License-Identifier: MIT
// Dwords are numbered from 1, as in JESD216.
#include "firmware/flash/sfdp.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/base/bytes.h"

#define SIGNATURE    0x50444653u  // "SFDP"
#define ID_BASIC     0xFF00u
#define ID_SECTORS   0xFF81u
#define ID_FOUR_BYTE 0xFF84u

enum {
  HEADER_SIZE = 8,
  PARAMETER_HEADER_SIZE = 8,
  MAX_DWORDS = 23,
  MIN_DWORDS = 9,
};

// An hour: 2^32 us is little more, and no chip takes longer.
#define LONGEST_US 3600000000u

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

static uint32_t limited(uint64_t us) {
  return us < LONGEST_US ? (uint32_t)us : LONGEST_US;
}

// The maximum of a chip erase is told by the multiplier of DW10.
static void program_times(uint32_t dw10, uint32_t dw11, struct sfdp *out) {
  static const uint32_t chip_unit_us[4] = {16000, 256000, 4000000, 64000000};
  const uint32_t factor = 2u * ((dw11 & 0xFu) + 1u);
  const uint32_t unit_us = dw11 & (1u << 13) ? 64 : 8;
  out->page = 1u << field_get(dw11, FIELD(4, 4));
  out->page_typical_us = (field_get(dw11, FIELD(8, 5)) + 1u) * unit_us;
  out->page_maximum_us = out->page_typical_us * factor;
  const uint32_t chip_us = (field_get(dw11, FIELD(24, 5)) + 1u) *
                           chip_unit_us[field_get(dw11, FIELD(29, 2))];
  out->chip_erase_typical_us = chip_us;
  out->chip_erase_maximum_us = limited(2ull * ((dw10 & 0xFu) + 1u) * chip_us);
}

// DW3: each half is wait clocks, mode clocks, opcode.
static struct sfdp_read fast_read(uint32_t half) {
  return (struct sfdp_read){.wait_clocks = half & 0x1Fu,
                            .mode_clocks = (uint8_t)field_get(half, FIELD(5, 3)),
                            .opcode = (uint8_t)(half >> 8)};
}

// DW10 and up, which revision 1.0 does not have; as many as there are.
static void newer_fields(const uint8_t *t, unsigned dwords, struct sfdp *out) {
  out->page = 256;
  out->quad_enable = SFDP_QE_RESERVED;
  out->is_old = dwords < 15;
  if (dwords >= 10) erase_times(dword(t, 10), out);
  if (dwords >= 11) program_times(dword(t, 10), dword(t, 11), out);
  if (dwords >= 13 && !(dword(t, 12) & 0x80000000u)) {
    out->resume = (uint8_t)(dword(t, 13) >> 16);
  }
  if (dwords >= 14) out->flag_status = field_get(dword(t, 14), FIELD(2, 2)) == 2;
  if (dwords >= 15) {
    const uint32_t dw15 = dword(t, 15);
    out->qpi_by_35 = field_get(dw15, FIELD(6, 1));
    out->quad_enable = (enum sfdp_quad_enable)field_get(dw15, FIELD(20, 3));
  }
  if (dwords >= 16) out->enter_4byte = field_get(dword(t, 16), FIELD(24, 2)) != 0;
}

static bool basic_table(const uint8_t *t, unsigned dwords, struct sfdp *out) {
  if (!density(dword(t, 2), &out->size)) return false;
  const uint32_t dw1 = dword(t, 1), dw3 = dword(t, 3);
  out->ddr = field_get(dw1, FIELD_BIT(19)) != 0;
  out->addressing = (enum sfdp_addressing)field_get(dw1, FIELD(17, 2));
  if (dw1 & (1u << 21)) out->read_144 = fast_read(dw3);
  if (dw1 & (1u << 22)) out->read_114 = fast_read(dw3 >> 16);
  erase_types(t, out);
  newer_fields(t, dwords, out);
  return true;
}

// --- sector map (JESD216F 6.5) ---
//
// Descriptors of two kinds, up to one marked as the last: questions, each of which
// adds one bit to the number of the map in use, and maps.

struct words {
  const struct sfdp_source *source;
  uint32_t at;
  unsigned left;
};

static enum status next_word(struct words *w, uint32_t *out) {
  uint8_t bytes[4];
  if (!w->left) return ST_NOR_UNKNOWN;
  const enum status status = w->source->read(w->source->ctx, w->at, bytes, 4);
  w->at += 4;
  w->left--;
  *out = load_le32(bytes);
  return status;
}

// Length 3 of the address means "as the chip is set"; at this time, three bytes. Of a
// variable latency (15) the same is true: eight clocks.
static enum status ask(struct words *w, uint32_t head, uint32_t *number) {
  struct sfdp_question q = {.opcode = (uint8_t)(head >> 8)};
  uint8_t answer = 0;
  const uint32_t length = field_get(head, FIELD(22, 2));
  const uint32_t dummy = field_get(head, FIELD(16, 4));
  q.address_bytes = (uint8_t)(length == 0 ? 0 : length == 2 ? 4 : 3);
  q.dummy_clocks = (uint8_t)(dummy == 15 ? 8 : dummy);
  enum status status = next_word(w, &q.address);
  if (status == ST_OK) status = w->source->ask(w->source->ctx, &q, &answer);
  *number = *number << 1 | ((answer & (head >> 24)) != 0);
  return status;
}

// The regions must make up the whole chip.
static enum status regions(struct words *w, unsigned count, struct sfdp *out) {
  uint64_t sum = 0;
  if (count > SFDP_MAX_REGIONS) return ST_NOR_UNKNOWN;
  for (unsigned i = 0; i < count; i++) {
    uint32_t word;
    const enum status status = next_word(w, &word);
    if (status != ST_OK) return status;
    out->regions[i].size = ((word >> 8) + 1u) << 8;
    out->regions[i].types = word & 0xFu;
    sum += out->regions[i].size;
  }
  out->region_count = (uint8_t)count;
  return sum == out->size ? ST_OK : ST_NOR_UNKNOWN;
}

static enum status sector_map(struct words *w, struct sfdp *out) {
  uint32_t head, number = 0;
  do {
    enum status status = next_word(w, &head);
    if (status != ST_OK) return status;
    if (!(head & 2u)) {
      status = ask(w, head, &number);
      if (status != ST_OK) return status;
      continue;
    }
    const unsigned count = field_get(head, FIELD(16, 8)) + 1u;
    if (field_get(head, FIELD(8, 8)) == number) return regions(w, count, out);
    if (count > w->left) return ST_NOR_UNKNOWN;
    w->at += 4 * count;
    w->left -= count;
  } while (!(head & 1u));
  return ST_NOR_UNKNOWN;
}

static void uniform(struct sfdp *out) {
  out->region_count = 1;
  out->regions[0] = (struct sfdp_region){.size = out->size, .types = 0xF};
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

struct tables {
  struct parameter basic, four_byte, sectors;
};

// The newest parameter header of each kind that is of use.
static enum status find_headers(const struct sfdp_source *source, struct tables *t) {
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
    if (found.id == ID_BASIC && (!t->basic.dwords || newer(&found, &t->basic)))
      t->basic = found;
    if (found.id == ID_FOUR_BYTE) t->four_byte = found;
    if (found.id == ID_SECTORS) t->sectors = found;
  }
  return t->basic.dwords >= MIN_DWORDS ? ST_OK : ST_NOR_UNKNOWN;
}

enum status sfdp_parse(const struct sfdp_source *source, struct sfdp *out) {
  struct tables t = {0};
  uint8_t table[4 * MAX_DWORDS];
  memset(out, 0, sizeof *out);
  enum status status = find_headers(source, &t);
  if (status != ST_OK) return status;
  const unsigned dwords = t.basic.dwords < MAX_DWORDS ? t.basic.dwords : MAX_DWORDS;
  status = source->read(source->ctx, t.basic.pointer, table, 4 * dwords);
  if (status != ST_OK) return status;
  if (!basic_table(table, dwords, out)) return ST_NOR_UNKNOWN;
  if (t.four_byte.dwords >= 2) {
    status = source->read(source->ctx, t.four_byte.pointer, table, 8);
    if (status != ST_OK) return status;
    four_byte_table(table, out);
  }
  uniform(out);
  if (!t.sectors.dwords) return ST_OK;
  struct words w = {source, t.sectors.pointer, t.sectors.dwords};
  return sector_map(&w, out);
}
