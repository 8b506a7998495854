// SPDX-License-Identifier: MIT
#include "sim/models/lptim.h"

#include <string.h>

#include "sim_regs.h"

#define ALL      0xFFFFFFFFu
#define PS_PER_S 1000000000000u

static const struct reg_model models[] = {
    {SIM_LPTIM_ISR, ALL, 0, 3, 4},
    // Filters, polarities and the wave belong to pins; PRELOAD to what changes while it
    // counts, which takes effect at once here.
    {SIM_LPTIM_CFGR,
     SIM_LPTIM_CFGR_CKSEL | SIM_LPTIM_CFGR_PRESC | SIM_LPTIM_CFGR_TRIGEN |
         SIM_LPTIM_CFGR_COUNTMODE | SIM_LPTIM_CFGR_ENC,
     ALL, 0, 0},
    {SIM_LPTIM_CR, ALL, 0, 4, 4},
};

static uint32_t *reg(struct lptim *t, uint32_t offset) {
  return &t->r[offset / 4];
}

static uint64_t period(struct lptim *t) {
  return *reg(t, SIM_LPTIM_ARR) + 1ull;
}

static uint64_t counts_at(struct lptim *t, vtime_t time) {
  if (!t->hz) return t->base;
  const unsigned div = SIM_GET(*reg(t, SIM_LPTIM_CFGR), SIM_LPTIM_CFGR_PRESC);
  const unsigned __int128 clocks =
      (unsigned __int128)(time - t->anchor) * t->hz / PS_PER_S;
  return t->base + (uint64_t)(clocks >> div);
}

static vtime_t time_of(struct lptim *t, uint64_t counts) {
  const unsigned div = SIM_GET(*reg(t, SIM_LPTIM_CFGR), SIM_LPTIM_CFGR_PRESC);
  const unsigned __int128 ps =
      ((unsigned __int128)(counts - t->base) << div) * PS_PER_S + (t->hz - 1);
  return t->anchor + (vtime_t)(ps / t->hz);
}

static void update_irq(struct lptim *t) {
  irq_set(&t->irq, *reg(t, SIM_LPTIM_ISR) & *reg(t, SIM_LPTIM_IER));
}

// The first count after `from` that, modulo the period, is `value`.
static uint64_t next_match(struct lptim *t, uint64_t from, uint64_t value) {
  const uint64_t p = period(t), at = from - from % p + value;
  return at > from ? at : at + p;
}

// ARRM rises when the count has reached ARR, CMPM when it has reached CMP.
static void look(struct lptim *t) {
  if (!t->running) return;
  const uint64_t now = counts_at(t, t->sim->events.now);
  const uint32_t arr = *reg(t, SIM_LPTIM_ARR), cmp = *reg(t, SIM_LPTIM_CMP);
  uint32_t flags = 0;
  if (next_match(t, t->seen, arr) <= now) flags |= SIM_LPTIM_ISR_ARRM;
  if (cmp <= arr && next_match(t, t->seen, cmp) <= now) flags |= SIM_LPTIM_ISR_CMPM;
  t->seen = now;
  *reg(t, SIM_LPTIM_ISR) |= flags;
  if (!t->once || now < period(t)) return;
  t->running = false;
  t->base = t->seen = 0;
  t->hz = 0;
}

// An event only for a flag that is not up.
static void arm(struct lptim *t) {
  event_cancel(&t->sim->events, &t->due);
  if (!t->running || !t->hz) return;
  const uint32_t isr = *reg(t, SIM_LPTIM_ISR), arr = *reg(t, SIM_LPTIM_ARR);
  const uint32_t cmp = *reg(t, SIM_LPTIM_CMP);
  uint64_t next = UINT64_MAX;
  if (!(isr & SIM_LPTIM_ISR_ARRM)) next = next_match(t, t->seen, arr);
  if (!(isr & SIM_LPTIM_ISR_CMPM) && cmp <= arr) {
    const uint64_t match = next_match(t, t->seen, cmp);
    if (match < next) next = match;
  }
  if (t->once && period(t) < next) next = period(t);
  if (next != UINT64_MAX) event_at(&t->sim->events, &t->due, time_of(t, next));
}

static void on_due(void *ctx) {
  struct lptim *t = ctx;
  look(t);
  arm(t);
  update_irq(t);
}

static uint64_t rate(struct lptim *t) {
  const uint32_t from_pins = SIM_LPTIM_CFGR_CKSEL | SIM_LPTIM_CFGR_TRIGEN |
                             SIM_LPTIM_CFGR_COUNTMODE | SIM_LPTIM_CFGR_ENC;
  if (!t->running || (*reg(t, SIM_LPTIM_CFGR) & from_pins)) return 0;
  return clock_hz(&t->clocks, CLOCK_LPTIM1);
}

static void carry_on(struct lptim *t) {
  t->base = counts_at(t, t->sim->events.now);
  t->anchor = t->sim->events.now;
  t->hz = rate(t);
}

void lptim_clock_changed(struct lptim *t) {
  if (t->hz == rate(t)) return;
  look(t);
  carry_on(t);
  arm(t);
}

static void write_cr(struct lptim *t, uint32_t value) {
  const uint32_t starts = SIM_LPTIM_CR_SNGSTRT | SIM_LPTIM_CR_CNTSTRT;
  *reg(t, SIM_LPTIM_CR) = value & SIM_LPTIM_CR_ENABLE;
  if (!(value & SIM_LPTIM_CR_ENABLE)) {
    t->running = false;
    t->hz = 0;
    t->base = t->seen = 0;
    return;
  }
  if (!(value & starts)) return;
  t->once = !(value & SIM_LPTIM_CR_CNTSTRT);
  if (t->running) return;
  t->running = true;
  t->base = t->seen = 0;
  t->hz = 0;
  carry_on(t);
}

uint32_t lptim_read(void *lptim, uint32_t offset, unsigned bytes) {
  struct lptim *t = lptim;
  if (!reg_check_read(&t->regs, offset)) return 0;
  look(t);
  const uint32_t word = offset & ~3u;
  uint32_t value = *reg(t, word);
  if (word == SIM_LPTIM_CNT)
    value = (uint32_t)(counts_at(t, t->sim->events.now) % period(t));
  if (word == SIM_LPTIM_ICR) value = 0;
  return reg_extract(value, offset, bytes);
}

// CMP and ARR reach the counter at once, and say so.
void lptim_write(void *lptim, uint32_t offset, unsigned bytes, uint32_t value) {
  struct lptim *t = lptim;
  if (!reg_check_write(&t->regs, offset, bytes, value)) return;
  look(t);
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&t->regs, *reg(t, word), offset, bytes, value);
  switch (word) {
    case SIM_LPTIM_ICR: *reg(t, SIM_LPTIM_ISR) &= ~v; break;
    case SIM_LPTIM_CR: write_cr(t, v); break;
    case SIM_LPTIM_CMP:
      *reg(t, word) = v;
      *reg(t, SIM_LPTIM_ISR) |= SIM_LPTIM_ISR_CMPOK;
      break;
    case SIM_LPTIM_ARR:
      *reg(t, word) = v;
      *reg(t, SIM_LPTIM_ISR) |= SIM_LPTIM_ISR_ARROK;
      break;
    default: *reg(t, word) = v;
  }
  arm(t);
  update_irq(t);
}

void lptim_reset(struct lptim *t) {
  memset(t->r, 0, sizeof t->r);
  *reg(t, SIM_LPTIM_ARR) = 1;  // RM0410 30.6.7
  t->running = false;
  t->hz = 0;
  t->base = t->seen = 0;
  event_cancel(&t->sim->events, &t->due);
  update_irq(t);
}

void lptim_init(struct lptim *t, struct sim *sim, struct clock_source clocks) {
  memset(t, 0, sizeof *t);
  t->sim = sim;
  t->clocks = clocks;
  reg_file_init(&t->regs, &sim_regs_lptim, 0x40002400u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&t->due, on_due, t);
  lptim_reset(t);
}

void lptim_free(struct lptim *t) {
  reg_file_free(&t->regs);
}
