// SPDX-License-Identifier: MIT
#include "firmware/drivers/flash_f7.h"

#include <string.h>

#include "firmware/drivers/flash_f7_regs.h"
#include "firmware/mmio.h"

#define KEY1 0x45670123u
#define KEY2 0xCDEF89ABu

enum {
  BANK2_FIRST_SNB = 16,
  // DS11532 table 53: 16 us typical, 100 us at most, whatever the width. A quarter or
  // so more passes from one unit to the next. Twice the maximum, since time is looked
  // at between two steps of the main loop.
  PROGRAM_QUARTER_US = 4 * 16 + 1,
  PROGRAM_DEADLINE_US = 200,
};

// Erase times in ms of a sector in one of two banks or in a single one, by program
// width x8, x16, x32 (DS11532 tables 53 and 54).
static const struct {
  uint32_t size;
  bool dual_bank;
  uint16_t typical[3], maximum[3];
} erase_times[] = {
    {16 * 1024, true, {400, 300, 250}, {800, 600, 500}},
    {64 * 1024, true, {1200, 700, 550}, {2400, 1400, 1100}},
    {128 * 1024, true, {2000, 1300, 1000}, {4000, 2600, 2000}},
    {32 * 1024, false, {400, 250, 200}, {800, 600, 500}},
    {128 * 1024, false, {1100, 800, 500}, {2400, 1400, 1100}},
    {256 * 1024, false, {2100, 1500, 1000}, {4000, 2600, 2000}},
};

static uint32_t rd(const struct flash_f7 *f, uint32_t reg) {
  return mmio_read32(f->config.regs + reg);
}

static void wr(const struct flash_f7 *f, uint32_t reg, uint32_t value) {
  mmio_write32(f->config.regs + reg, value);
}

static void barrier(void) {
  __asm__ volatile("" ::: "memory");
}

static uint32_t unit_size(const struct flash_f7 *f) {
  return 1u << f->psize;
}

static uint32_t erase_ms(const struct flash_f7 *f, uint32_t size, bool maximum) {
  for (size_t i = 0; i < sizeof erase_times / sizeof *erase_times; i++) {
    if (erase_times[i].size != size || erase_times[i].dual_bank != f->dual_bank) {
      continue;
    }
    return maximum ? erase_times[i].maximum[f->psize]
                   : erase_times[i].typical[f->psize];
  }
  return 4000;  // the longest there is
}

// True if what was begun takes too long: counted from the first time that it is found
// unfinished, since to look at the time costs it.
static bool is_late(struct flash_f7 *f) {
  const uint32_t now = f->config.now_us(f->config.now_ctx);
  if (!f->timed) f->started_us = now;
  f->timed = true;
  return now - f->started_us > f->deadline_us;
}

static uint32_t error_bits(void) {
  return field_mask(FLASH_SR_OPERR) | field_mask(FLASH_SR_WRPERR) |
         field_mask(FLASH_SR_PGAERR) | field_mask(FLASH_SR_PGPERR) |
         field_mask(FLASH_SR_ERSERR);
}

static enum status unlock(const struct flash_f7 *f) {
  if (field_get(rd(f, FLASH_CR), FLASH_CR_LOCK)) {
    wr(f, FLASH_KEYR, KEY1);
    wr(f, FLASH_KEYR, KEY2);
  }
  wr(f, FLASH_SR, error_bits() | field_mask(FLASH_SR_EOP));
  if (field_get(rd(f, FLASH_SR), FLASH_SR_BSY)) return ST_FLASH_TIMEOUT;
  return field_get(rd(f, FLASH_CR), FLASH_CR_LOCK) ? ST_FLASH_LOCKED : ST_OK;
}

static void lock(struct flash_f7 *f) {
  wr(f, FLASH_CR, field_mask(FLASH_CR_LOCK));
  f->mask = 0;
  f->busy = false;
}

// --- erase ---

uint32_t flash_f7_sector_number(const struct flash_f7 *f, uint32_t offset) {
  const uint32_t small = f->dual_bank ? 16u * 1024u : 32u * 1024u;
  const uint32_t bank = f->dual_bank ? f->config.size / 2u : f->config.size;
  const uint32_t first = offset >= bank ? BANK2_FIRST_SNB : 0;
  const uint32_t inside = offset % bank;
  // Four small sectors, one of four times their size, then eight times.
  if (inside < 4u * small) return first + inside / small;
  if (inside < 8u * small) return first + 4u;
  return first + 4u + inside / (8u * small);
}

static enum status erase_start(void *ctx, uint32_t offset, uint32_t size) {
  struct flash_f7 *f = ctx;
  const enum status status = unlock(f);
  if (status != ST_OK) return status;
  uint32_t cr = field_mask(FLASH_CR_SER) | field_mask(FLASH_CR_EOPIE);
  cr = field_set(cr, FLASH_CR_PSIZE, f->psize);
  cr = field_set(cr, FLASH_CR_SNB, flash_f7_sector_number(f, offset));
  wr(f, FLASH_CR, cr);
  f->left = f->mask = 0;
  f->busy = true;
  f->timed = false;
  f->deadline_us = erase_ms(f, size, true) * 1000u;
  wr(f, FLASH_CR, cr | field_mask(FLASH_CR_STRT));
  return ST_OK;
}

// --- program ---

static uint32_t load_unit(const struct flash_f7 *f, uint32_t offset) {
  const uintptr_t addr = f->config.bytes + offset;
  switch (f->psize) {
    case 0: return mmio_read8(addr);
    case 1: return mmio_read16(addr);
    default: return mmio_read32(addr);
  }
}

static void store_unit(const struct flash_f7 *f, uint32_t offset, uint32_t value) {
  const uintptr_t addr = f->config.bytes + offset;
  switch (f->psize) {
    case 0: mmio_write8(addr, (uint8_t)value); break;
    case 1: mmio_write16(addr, (uint16_t)value); break;
    default: mmio_write32(addr, value); break;
  }
}

// Puts the next unit's bytes together, while the last one is still being programmed.
static void stage_unit(struct flash_f7 *f) {
  const uint32_t size = unit_size(f);
  f->at = f->offset & ~(size - 1u);
  f->value = f->mask = 0;
  for (; f->left && f->offset < f->at + size; f->offset++, f->left--) {
    const uint32_t shift = 8u * (f->offset - f->at);
    f->value |= (uint32_t)*f->src++ << shift;
    f->mask |= 0xFFu << shift;
  }
}

// Starts the next unit that differs from what is there; false if none is left.
static bool next_unit(struct flash_f7 *f) {
  for (; f->mask; stage_unit(f)) {
    const uint32_t old = load_unit(f, f->at);
    const uint32_t value = (old & ~f->mask) | f->value;
    if (value == old) continue;
    store_unit(f, f->at, value);
    barrier();
    f->busy = true;
    f->timed = false;
    f->deadline_us = PROGRAM_DEADLINE_US;
    stage_unit(f);
    return true;
  }
  return false;
}

static enum status program_start(void *ctx, uint32_t offset, const uint8_t *src,
                                 size_t n) {
  struct flash_f7 *f = ctx;
  const enum status status = unlock(f);
  if (status != ST_OK) return status;
  const uint32_t cr = field_mask(FLASH_CR_PG) | field_mask(FLASH_CR_EOPIE);
  wr(f, FLASH_CR, field_set(cr, FLASH_CR_PSIZE, f->psize));
  f->src = src;
  f->offset = offset;
  f->left = (uint32_t)n;
  stage_unit(f);
  if (!next_unit(f)) lock(f);
  return ST_OK;
}

// --- both ---

static enum status result_of(const struct flash_f7 *f) {
  const uint32_t sr = rd(f, FLASH_SR);
  if (field_get(sr, FLASH_SR_WRPERR)) return ST_FLASH_PROTECTED;
  if (!(sr & error_bits())) return ST_OK;
  const bool erasing = field_get(rd(f, FLASH_CR), FLASH_CR_SER);
  return erasing ? ST_ERASE_FAILED : ST_PROGRAM_FAILED;
}

static enum status poll(void *ctx, bool *busy) {
  struct flash_f7 *f = ctx;
  *busy = f->busy;
  if (!f->busy) return ST_OK;
  if (field_get(rd(f, FLASH_SR), FLASH_SR_BSY)) {
    if (!is_late(f)) return ST_OK;
    // CR cannot be written while BSY; only a reset ends this.
    f->mask = 0;
    *busy = f->busy = false;
    return ST_FLASH_TIMEOUT;
  }
  const enum status status = result_of(f);
  wr(f, FLASH_SR, field_mask(FLASH_SR_EOP));
  if (status == ST_OK && next_unit(f)) return ST_OK;
  lock(f);
  *busy = false;
  return status;
}

void flash_f7_go_on(struct flash_f7 *f) {
  if (!f->mask) return;
  const uint32_t sr = rd(f, FLASH_SR);
  if (field_get(sr, FLASH_SR_BSY) || (sr & error_bits())) return;
  wr(f, FLASH_SR, field_mask(FLASH_SR_EOP));
  next_unit(f);
}

static enum status read(void *ctx, uint32_t offset, uint8_t *dst, size_t n) {
  const struct flash_f7 *f = ctx;
  if (field_get(rd(f, FLASH_SR), FLASH_SR_BSY)) return ST_FLASH_TIMEOUT;
  for (; n >= 4 && offset % 4 == 0; n -= 4, offset += 4, dst += 4) {
    const uint32_t word = mmio_read32(f->config.bytes + offset);
    memcpy(dst, &word, sizeof word);
  }
  while (n) {
    const uint32_t word = mmio_read32(f->config.bytes + (offset & ~3u));
    const uint32_t skip = offset & 3u;
    const uint32_t take = 4u - skip < n ? 4u - skip : (uint32_t)n;
    memcpy(dst, (const uint8_t *)&word + skip, take);
    dst += take;
    offset += take;
    n -= take;
  }
  return ST_OK;
}

// --- geometry ---

static void add_run(const struct flash_f7 *f, struct media_geometry *g, uint32_t size,
                    uint32_t count) {
  // The bootloader's part is a run of its own.
  const uint32_t kept = g->size < f->config.bootloader_size
                            ? (f->config.bootloader_size - g->size) / size
                            : 0;
  const uint32_t first = kept < count ? kept : count;
  const uint32_t counts[2] = {first, count - first};
  for (unsigned i = 0; i < 2; i++) {
    if (!counts[i]) continue;
    g->runs[g->run_count++] = (struct media_run){
        .block_size = size,
        .count = (uint16_t)counts[i],
        .writable = i == 1,
        .erase_us = erase_ms(f, size, false) * 1000u,
    };
    g->size += size * counts[i];
  }
}

// RM0410 tables 3 to 6: 2 MB or 1 MB, one bank or two.
static void add_banks(const struct flash_f7 *f, struct media_geometry *g) {
  const uint32_t banks = f->dual_bank ? 2 : 1;
  const uint32_t small = f->dual_bank ? 16u * 1024u : 32u * 1024u;
  const uint32_t bank = f->config.size / banks;
  for (uint32_t i = 0; i < banks; i++) {
    add_run(f, g, small, 4);
    add_run(f, g, 4u * small, 1);
    add_run(f, g, 8u * small, bank / (8u * small) - 1u);
  }
}

struct media flash_f7_medium(struct flash_f7 *f) {
  struct media m = {
      .ctx = f,
      .read = read,
      .erase_start = erase_start,
      .program_start = program_start,
      .poll = poll,
  };
  m.geometry.name = "Internal Flash";
  m.geometry.base = 0x08000000u;
  m.geometry.program_us_per_kb = 1024u / unit_size(f) * PROGRAM_QUARTER_US / 4u;
  add_banks(f, &m.geometry);
  return m;
}

void flash_f7_start(struct flash_f7 *f, const struct flash_f7_config *config) {
  memset(f, 0, sizeof *f);
  f->config = *config;
  // RM0410 table 9: x32 from 2.7 V, x16 from 2.1 V.
  f->psize = config->supply_mv >= 2700 ? 2 : config->supply_mv >= 2100 ? 1 : 0;
  f->dual_bank = !field_get(rd(f, FLASH_OPTCR), FLASH_OPTCR_NDBANK);
}

void flash_f7_options(const struct flash_f7 *f, uint32_t *optcr, uint32_t *optcr1) {
  *optcr = rd(f, FLASH_OPTCR);
  *optcr1 = rd(f, FLASH_OPTCR1);
}
