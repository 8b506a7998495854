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
    {SIM_DWT_LAR, 0, 0xFFFFFFFFu, 0, 0},
};

static bool counting(const struct debug_blocks *d) {
  return d->dwt_ctrl & SIM_DWT_CTRL_CYCCNTENA;
}

static uint32_t cycle_count(const struct debug_blocks *d) {
  if (!counting(d) || !d->cycles) return d->cycles_at_stop;
  return d->cycles_at_stop + (uint32_t)(d->cycles(d->ctx) - d->cycle_base);
}

static void set_cycle_count(struct debug_blocks *d, uint32_t value) {
  d->cycles_at_stop = value;
  d->cycle_base = d->cycles ? d->cycles(d->ctx) : 0;
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

uint32_t dwt_read(void *debug, uint32_t offset, unsigned bytes) {
  const struct debug_blocks *d = debug;
  if (!reg_check_read(&d->dwt, offset)) return 0;
  uint32_t value = reg_at(&d->dwt, offset)->reset;
  if ((offset & ~3u) == SIM_DWT_CTRL) value = d->dwt_ctrl;
  if ((offset & ~3u) == SIM_DWT_CYCCNT) value = cycle_count(d);
  return reg_extract(value, offset, bytes);
}

void dwt_write(void *debug, uint32_t offset, unsigned bytes, uint32_t value) {
  struct debug_blocks *d = debug;
  if (!reg_check_write(&d->dwt, offset, bytes, value)) return;
  const uint32_t now = cycle_count(d);
  switch (offset & ~3u) {
    case SIM_DWT_CYCCNT:
      set_cycle_count(d, reg_update(&d->dwt, now, offset, bytes, value));
      break;
    case SIM_DWT_CTRL:
      d->dwt_ctrl = reg_update(&d->dwt, d->dwt_ctrl, offset, bytes, value);
      set_cycle_count(d, now);
      break;
    default: break;
  }
}

void debug_reset(struct debug_blocks *d, bool power_on) {
  if (power_on) memset(d->dbgmcu_r, 0, sizeof d->dbgmcu_r);
  d->dbgmcu_r[0] = reg_at(&d->dbgmcu, SIM_DBGMCU_IDCODE)->reset;
  d->dwt_ctrl = reg_at(&d->dwt, SIM_DWT_CTRL)->reset;
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
