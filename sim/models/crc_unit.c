// SPDX-License-Identifier: MIT
#include "sim/models/crc_unit.h"

#include <string.h>

#include "sim_regs.h"

static const struct reg_model models[] = {
    {SIM_CRC_DR, 0xFFFFFFFFu, 0, 0, 0},  {SIM_CRC_IDR, 0xFFu, 0, 0, 0},
    {SIM_CRC_CR, 0xFFu, 0, 0, 0},        {SIM_CRC_INIT, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_CRC_POL, 0xFFFFFFFFu, 0, 0, 0},
};

// CR.POLYSIZE: 32, 16, 8 or 7 bits (RM0410 15.4.3).
static unsigned width(const struct crc_unit *c) {
  static const unsigned widths[4] = {32, 16, 8, 7};
  return widths[SIM_GET(c->cr, SIM_CRC_CR_POLYSIZE)];
}

static uint32_t mask(unsigned bits) {
  return bits >= 32 ? 0xFFFFFFFFu : (1u << bits) - 1u;
}

static uint32_t reverse(uint32_t v, unsigned bits) {
  uint32_t out = 0;
  for (unsigned i = 0; i < bits; i++)
    out |= ((v >> i) & 1u) << (bits - 1 - i);
  return out;
}

// CR.REV_IN: bits reversed within nothing, bytes, half-words or the word; a unit
// wider than what was written reverses what was written.
static uint32_t reversed_input(const struct crc_unit *c, uint32_t v, unsigned bits) {
  static const unsigned units[4] = {0, 8, 16, 32};
  unsigned unit = units[SIM_GET(c->cr, SIM_CRC_CR_REV_IN)];
  if (!unit) return v;
  if (unit > bits) unit = bits;
  uint32_t out = 0;
  for (unsigned at = 0; at < bits; at += unit) {
    out |= reverse((v >> at) & mask(unit), unit) << at;
  }
  return out;
}

static void feed(struct crc_unit *c, uint32_t value, unsigned bits) {
  const unsigned w = width(c);
  value = reversed_input(c, value, bits);
  for (unsigned i = bits; i-- > 0;) {
    const uint32_t in = (value >> i) & 1u;
    const uint32_t top = (c->dr >> (w - 1)) & 1u;
    c->dr = (c->dr << 1) & mask(w);
    if (in ^ top) c->dr ^= c->pol & mask(w);
  }
}

uint32_t crc_unit_read(void *crc, uint32_t offset, unsigned bytes) {
  const struct crc_unit *c = crc;
  if (!reg_check_read(&c->regs, offset)) return 0;
  uint32_t value = 0;
  switch (offset & ~3u) {
    case SIM_CRC_DR:
      value = c->cr & SIM_CRC_CR_REV_OUT ? reverse(c->dr, width(c)) : c->dr;
      break;
    case SIM_CRC_IDR: value = c->idr; break;
    case SIM_CRC_CR: value = c->cr; break;
    case SIM_CRC_INIT: value = c->init; break;
    default: value = c->pol; break;
  }
  return reg_extract(value, offset, bytes);
}

void crc_unit_write(void *crc, uint32_t offset, unsigned bytes, uint32_t value) {
  struct crc_unit *c = crc;
  if (!reg_check_write(&c->regs, offset, bytes, value)) return;
  switch (offset & ~3u) {
    case SIM_CRC_DR: feed(c, value, 8 * bytes); break;
    case SIM_CRC_IDR: c->idr = reg_merge(c->idr, offset, bytes, value) & 0xFFu; break;
    case SIM_CRC_CR:
      c->cr = reg_update(&c->regs, c->cr, offset, bytes, value) & ~SIM_CRC_CR_RESET;
      if (value & SIM_CRC_CR_RESET) c->dr = c->init & mask(width(c));
      break;
    case SIM_CRC_INIT:
      c->init = reg_merge(c->init, offset, bytes, value);
      c->dr = c->init & mask(width(c));
      break;
    default: c->pol = reg_merge(c->pol, offset, bytes, value); break;
  }
}

void crc_unit_reset(struct crc_unit *c) {
  c->dr = c->init = 0xFFFFFFFFu;
  c->pol = 0x04C11DB7u;
  c->idr = c->cr = 0;
}

void crc_unit_init(struct crc_unit *c, struct sim *sim) {
  memset(c, 0, sizeof *c);
  reg_file_init(&c->regs, &sim_regs_crc, 0x40023000u, models,
                sizeof models / sizeof *models, &sim->report);
}

void crc_unit_free(struct crc_unit *c) {
  reg_file_free(&c->regs);
}
