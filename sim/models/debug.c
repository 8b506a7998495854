// SPDX-License-Identifier: MIT
#include "sim/models/debug.h"

#include <string.h>

#include "sim_regs.h"

static const struct reg_model dbgmcu_models[] = {
    // What a debugger would freeze; there is none.
    {SIM_DBGMCU_CR, 0, 0xFFFFFFFFu, 0, 0},
    {SIM_DBGMCU_APB1_FZ, 0, 0xFFFFFFFFu, 2, 4},
};
static const struct reg_model dwt_models[] = {
    {SIM_DWT_CTRL, SIM_DWT_CTRL_CYCCNTENA, 0, 0, 0},
    {SIM_DWT_CYCCNT, 0xFFFFFFFFu, 0, 0, 0},
    {SIM_DWT_LAR, 0xFFFFFFFFu, 0, 0, 0},
    // Comparators are kept; a function that would watch with them is missing.
    {SIM_DWT_COMP(0), 0, 0xFFFFFFFFu, 4, 16},
    {SIM_DWT_MASK(0), 0, 0xFFFFFFFFu, 4, 16},
};
#define UNLOCK_KEY 0xC5ACCE55u

static bool counting(const struct debug_blocks *d) {
  return d->traced && (d->dwt_ctrl & SIM_DWT_CTRL_CYCCNTENA);
}

static uint32_t cycle_count(const struct debug_blocks *d) {
  if (!counting(d) || !d->cycles) return d->cycles_at_stop;
  return d->cycles_at_stop + (uint32_t)(d->cycles(d->ctx) - d->cycle_base);
}

static void set_cycle_count(struct debug_blocks *d, uint32_t value) {
  d->cycles_at_stop = value;
  d->cycle_base = d->cycles ? d->cycles(d->ctx) : 0;
}

void debug_trace(struct debug_blocks *d, bool on) {
  const uint32_t now = cycle_count(d);
  d->traced = on;
  set_cycle_count(d, now);
}

uint32_t dbgmcu_read(void *debug, uint32_t offset, unsigned bytes) {
  const struct debug_blocks *d = debug;
  if (!reg_check_read(&d->dbgmcu, offset)) return 0;
  return reg_extract(d->dbgmcu_r[offset / 4], offset, bytes);
}

void dbgmcu_write(void *debug, uint32_t offset, unsigned bytes, uint32_t value) {
  struct debug_blocks *d = debug;
  if (!reg_check_write(&d->dbgmcu, offset, bytes, value)) return;
  uint32_t *word = &d->dbgmcu_r[offset / 4];
  *word = reg_update(&d->dbgmcu, *word, offset, bytes, value);
}

static bool is_comparator(uint32_t word) {
  return word >= SIM_DWT_COMP(0) && word <= SIM_DWT_FUNCTION(3);
}

uint32_t dwt_read(void *debug, uint32_t offset, unsigned bytes) {
  const struct debug_blocks *d = debug;
  if (!reg_check_read(&d->dwt, offset)) return 0;
  const uint32_t word = offset & ~3u;
  uint32_t value = reg_at(&d->dwt, offset)->reset;
  if (word == SIM_DWT_CTRL) value = d->dwt_ctrl;
  if (word == SIM_DWT_CYCCNT) value = cycle_count(d);
  if (word == SIM_DWT_LSR) {
    value = SIM_DWT_LSR_SLI | (d->dwt_unlocked ? 0 : SIM_DWT_LSR_SLK);
  }
  if (is_comparator(word)) value = d->dwt_comparator[(word - SIM_DWT_COMP(0)) / 4];
  return reg_extract(value, offset, bytes);
}

// Locked after power-on, as long as no debugger has opened it: writes are ignored.
static bool is_locked(struct debug_blocks *d, uint32_t offset) {
  if (d->dwt_unlocked) return false;
  report_guest(&d->sim->report, GUEST_READ_ONLY, 0xE0001000u + offset,
               "DWT+0x%03x written while locked: LAR takes 0xC5ACCE55",
               (unsigned)offset);
  return true;
}

void dwt_write(void *debug, uint32_t offset, unsigned bytes, uint32_t value) {
  struct debug_blocks *d = debug;
  if (!reg_check_write(&d->dwt, offset, bytes, value)) return;
  const uint32_t now = cycle_count(d), word = offset & ~3u;
  if (word == SIM_DWT_LAR) {
    d->dwt_unlocked = value == UNLOCK_KEY;
    return;
  }
  if (is_locked(d, offset)) return;
  if (word == SIM_DWT_CYCCNT) {
    set_cycle_count(d, reg_update(&d->dwt, now, offset, bytes, value));
  } else if (word == SIM_DWT_CTRL) {
    d->dwt_ctrl = reg_update(&d->dwt, d->dwt_ctrl, offset, bytes, value);
    set_cycle_count(d, now);
  } else if (is_comparator(word)) {
    uint32_t *r = &d->dwt_comparator[(word - SIM_DWT_COMP(0)) / 4];
    *r = reg_update(&d->dwt, *r, offset, bytes, value);
  }
}

void debug_reset(struct debug_blocks *d, bool power_on) {
  if (power_on) memset(d->dbgmcu_r, 0, sizeof d->dbgmcu_r);
  d->dbgmcu_r[0] = reg_at(&d->dbgmcu, SIM_DBGMCU_IDCODE)->reset;
  d->dwt_ctrl = reg_at(&d->dwt, SIM_DWT_CTRL)->reset;
  d->dwt_unlocked = d->traced = false;
  memset(d->dwt_comparator, 0, sizeof d->dwt_comparator);
  set_cycle_count(d, 0);
}

void debug_init(struct debug_blocks *d, struct sim *sim) {
  memset(d, 0, sizeof *d);
  d->sim = sim;
  reg_file_init(&d->dbgmcu, &sim_regs_dbgmcu, 0xE0042000u, dbgmcu_models,
                sizeof dbgmcu_models / sizeof *dbgmcu_models, &sim->report);
  reg_file_init(&d->dwt, &sim_regs_dwt, 0xE0001000u, dwt_models,
                sizeof dwt_models / sizeof *dwt_models, &sim->report);
  debug_reset(d, true);
}

void debug_free(struct debug_blocks *d) {
  reg_file_free(&d->dbgmcu);
  reg_file_free(&d->dwt);
}
