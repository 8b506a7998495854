// SPDX-License-Identifier: MIT
// Reads on both clock edges, for boards that ask for them. SFDP before its revision F
// tells whether a chip has such a read and by which opcode, but neither clocks nor
// speed.
#include <string.h>

#include "firmware/flash/nor_internal.h"

enum {
  CMD_READ_144_DDR = 0xED,
  CMD_READ_144_DDR_4B = 0xEE,
};

// With the registers as after power-up. Makers that are not here are read as before,
// and so are the chips of the first SFDP revision: older than what these figures are
// of.
struct ddr {
  uint8_t maker;
  uint8_t mode_bytes, dummy_clocks;  // a mode byte takes one clock
  uint8_t mhz;
};

static const struct ddr makers[] = {
    {0xC2, 1, 5, 66},  // MX25L51245G (PM2006): 4DTRD, 6 clocks in all
    {0x20, 0, 8, 90},  // MT25Q
};

static const struct ddr *ddr_of(const struct nor *n) {
  const bool has =
      n->dedicated ? (n->sfdp.four_byte & SFDP_4B_READ_144_DDR) != 0 : n->sfdp.ddr;
  const bool usable = has && n->quad && !n->sfdp.is_old;
  for (size_t i = 0; usable && i < sizeof makers / sizeof *makers; i++) {
    if (makers[i].maker == n->id[0]) return &makers[i];
  }
  return NULL;
}

static struct nor_cmd ddr_read(const struct nor *n, const struct ddr *d) {
  return (struct nor_cmd){
      .opcode = n->dedicated ? CMD_READ_144_DDR_4B : CMD_READ_144_DDR,
      .opcode_lines = 1,
      .address_lines = 4,
      .address_bytes = n->address_bytes,
      .mode_lines = d->mode_bytes ? 4 : 0,
      .mode_bytes = d->mode_bytes,
      .dummy_clocks = d->dummy_clocks,
      .data_lines = 4,
      .ddr = true,
  };
}

// A place that reads the same all over would read so with wrong dummy clocks too.
static bool proves_something(const uint8_t sample[NOR_SAMPLE]) {
  return memcmp(sample, sample + 1, NOR_SAMPLE - 1) != 0;
}

enum status nor_start_ddr(struct nor *n, nor_set_clock *set_ddr_clock) {
  const struct nor_cmd before = n->read_cmd;
  const uint32_t hz = n->hz;
  const struct ddr *d = ddr_of(n);
  uint8_t sample[NOR_SAMPLE];
  bool same = false;
  if (!d) return ST_OK;
  enum status status = n->bus->read(n->bus->ctx, &before, sample, sizeof sample);
  if (status != ST_OK || !proves_something(sample)) return status;
  const uint32_t limit = d->mhz * 1000000u;
  n->hz = set_ddr_clock(n->bus->ctx, limit < n->max_hz ? limit : n->max_hz);
  if (2 * n->hz > hz) {  // else it would gain nothing
    n->read_cmd = ddr_read(n, d);
    status = nor_prove(n, sample, &same);
  }
  if (same) return status;
  n->read_cmd = before;
  n->hz = n->bus->set_clock(n->bus->ctx, hz);
  return status;
}
