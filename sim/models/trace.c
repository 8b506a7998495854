// SPDX-License-Identifier: MIT
#include "sim/models/trace.h"

#include <string.h>

#include "sim_regs.h"

#define ALL        0xFFFFFFFFu
#define ITM_BASE   0xE0000000u
#define UNLOCK_KEY 0xC5ACCE55u

// Time stamps, synchronisation and DWT packets would go to a probe; there is none.
static const struct reg_model itm_models[] = {
    {SIM_ITM_STIM0, ALL, 0, ITM_PORTS, 4},
    {SIM_ITM_TER0, ALL, 0, 0, 0},
    {SIM_ITM_TPR, 0, ALL, 0, 0},
    {SIM_ITM_TCR, SIM_ITM_TCR_ITMENA, ALL & ~SIM_ITM_TCR_ITMENA, 0, 0},
    {SIM_ITM_LAR, ALL, 0, 0, 0},
};
// A comparator that is enabled would stop the core: said so.
static const struct reg_model fpb_models[] = {
    {SIM_FPB_CTRL, 0, ALL, 0, 0},
    {SIM_FPB_COMP0, 0, ALL & ~SIM_FPB_COMP0_BE, FPB_COMPARATORS, 4},
};
static const struct reg_model tpiu_models[] = {
    {SIM_TPIU_CSPSR, 0, ALL, 0, 0},
    {SIM_TPIU_ACPR, 0, ALL, 0, 0},
    {SIM_TPIU_SPPR, 0, ALL, 0, 0},
    {SIM_TPIU_FFCR, 0, ALL, 0, 0},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

void trace_init(struct trace_blocks *t, struct sim *sim) {
  memset(t, 0, sizeof *t);
  t->sim = sim;
  struct report *r = &sim->report;
  reg_file_init(&t->itm, &sim_regs_itm, ITM_BASE, itm_models, COUNT(itm_models), r);
  reg_file_init(&t->fpb, &sim_regs_fpb, 0xE0002000u, fpb_models, COUNT(fpb_models), r);
  reg_file_init(&t->tpiu, &sim_regs_tpiu, 0xE0040000u, tpiu_models, COUNT(tpiu_models),
                r);
  trace_reset(t);
}

void trace_free(struct trace_blocks *t) {
  reg_file_free(&t->itm);
  reg_file_free(&t->fpb);
  reg_file_free(&t->tpiu);
}

void trace_reset(struct trace_blocks *t) {
  t->ter = t->tpr = t->tcr = 0;
  t->unlocked = t->enabled = false;
  t->fp_ctrl = reg_at(&t->fpb, SIM_FPB_CTRL)->reset;
  memset(t->fp_comp, 0, sizeof t->fp_comp);
  for (uint32_t at = 0; at < sizeof t->tpiu_r; at += 4) {
    const struct reg_desc *d = reg_at(&t->tpiu, at);
    t->tpiu_r[at / 4] = d ? d->reset : 0;
  }
}

// The identification registers at the end of each block: their values are not known
// here.
static bool is_identification(struct trace_blocks *t, const struct reg_file *f,
                              uint32_t offset) {
  if (offset < 0xFC8u) return false;
  report_unimplemented(&t->sim->report, f->base + offset, "%s+0x%03x: identification",
                       f->block->name, (unsigned)offset);
  return true;
}

static bool port_is_open(const struct trace_blocks *t, unsigned port) {
  return t->enabled && (t->tcr & SIM_ITM_TCR_ITMENA) && ((t->ter >> port) & 1u);
}

uint32_t itm_read(void *trace, uint32_t offset, unsigned bytes) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->itm, offset)) return 0;
  if (!reg_check_read(&t->itm, offset)) return 0;
  const uint32_t word = offset & ~3u;
  uint32_t value = 0;
  // FIFOREADY: an open port always takes the next one.
  if (word < 4 * ITM_PORTS) value = port_is_open(t, word / 4);
  if (word == SIM_ITM_TER0) value = t->ter;
  if (word == SIM_ITM_TPR) value = t->tpr;
  if (word == SIM_ITM_TCR) value = t->tcr;
  if (word == SIM_ITM_LSR)
    value = SIM_ITM_LSR_SLI | (t->unlocked ? 0 : SIM_ITM_LSR_SLK);
  return reg_extract(value, offset, bytes);
}

static uint32_t *itm_setting(struct trace_blocks *t, uint32_t word) {
  if (word == SIM_ITM_TER0) return &t->ter;
  if (word == SIM_ITM_TPR) return &t->tpr;
  return word == SIM_ITM_TCR ? &t->tcr : NULL;
}

void itm_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->itm, offset)) return;
  if (!reg_check_write(&t->itm, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  if (word < 4 * ITM_PORTS) {
    if (port_is_open(t, word / 4) && t->on_itm) {
      t->on_itm(t->ctx, word / 4, value, bytes);
    }
    return;
  }
  if (word == SIM_ITM_LAR) t->unlocked = value == UNLOCK_KEY;
  uint32_t *setting = itm_setting(t, word);
  if (!setting) return;
  if (!t->unlocked) {
    report_guest(&t->sim->report, GUEST_READ_ONLY, ITM_BASE + offset,
                 "ITM+0x%03x written while locked: LAR takes 0xC5ACCE55",
                 (unsigned)offset);
    return;
  }
  *setting = reg_update(&t->itm, *setting, offset, bytes, value);
}

static uint32_t *fpb_register(struct trace_blocks *t, uint32_t word) {
  if (word == SIM_FPB_CTRL) return &t->fp_ctrl;
  const uint32_t n = (word - SIM_FPB_COMP0) / 4;
  return word >= SIM_FPB_COMP0 && n < FPB_COMPARATORS ? &t->fp_comp[n] : NULL;
}

uint32_t fpb_read(void *trace, uint32_t offset, unsigned bytes) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->fpb, offset)) return 0;
  if (!reg_check_read(&t->fpb, offset)) return 0;
  const uint32_t *r = fpb_register(t, offset & ~3u);
  return r ? reg_extract(*r, offset, bytes) : 0;
}

void fpb_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->fpb, offset)) return;
  if (!reg_check_write(&t->fpb, offset, bytes, value)) return;
  uint32_t *r = fpb_register(t, offset & ~3u);
  if (!r) return;
  // CTRL takes a write only with its key, which reads 0 (C1.11.3).
  if (r == &t->fp_ctrl && !(value & SIM_FPB_CTRL_KEY)) return;
  *r = reg_update(&t->fpb, *r, offset, bytes, value);
  if (r == &t->fp_ctrl) *r &= ~SIM_FPB_CTRL_KEY;
}

uint32_t tpiu_read(void *trace, uint32_t offset, unsigned bytes) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->tpiu, offset)) return 0;
  if (!reg_check_read(&t->tpiu, offset)) return 0;
  return reg_extract(t->tpiu_r[offset / 4], offset, bytes);
}

void tpiu_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value) {
  struct trace_blocks *t = trace;
  if (is_identification(t, &t->tpiu, offset)) return;
  if (!reg_check_write(&t->tpiu, offset, bytes, value)) return;
  uint32_t *r = &t->tpiu_r[offset / 4];
  *r = reg_update(&t->tpiu, *r, offset, bytes, value);
}
