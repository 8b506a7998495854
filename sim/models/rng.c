// SPDX-License-Identifier: MIT
#include "sim/models/rng.h"

#include <string.h>

#include "sim_regs.h"

enum { PERIODS_PER_WORD = 40 };  // RM0410 23.3

static const struct reg_model models[] = {
    {SIM_RNG_CR, SIM_RNG_CR_RNGEN | SIM_RNG_CR_IE, 0, 0, 0},
    {SIM_RNG_SR, SIM_RNG_SR_CEIS | SIM_RNG_SR_SEIS, 0, 0, 0},
};

static void update_irq(const struct rng *r) {
  const uint32_t flags = SIM_RNG_SR_DRDY | SIM_RNG_SR_CEIS | SIM_RNG_SR_SEIS;
  irq_set(&r->irq, (r->cr & SIM_RNG_CR_IE) && (r->sr & flags));
}

// RM0410 23.3.2: the clock must be faster than HCLK / 16.
static bool clock_is_good(const struct rng *r) {
  return clock_hz(&r->clocks, CLOCK_48M) * 16 > clock_hz(&r->clocks, CLOCK_HCLK);
}

static void begin_word(struct rng *r) {
  event_cancel(&r->sim->events, &r->ready);
  if (!(r->cr & SIM_RNG_CR_RNGEN) || (r->sr & SIM_RNG_SR_SECS)) return;
  if (!clock_is_good(r)) {
    r->sr |= SIM_RNG_SR_CECS | SIM_RNG_SR_CEIS;
    report_guest(&r->sim->report, GUEST_CLOCK_LIMIT, r->regs.base,
                 "RNG needs its 48 MHz clock, which is %u kHz",
                 (unsigned)(clock_hz(&r->clocks, CLOCK_48M) / 1000));
    return;
  }
  r->sr &= ~SIM_RNG_SR_CECS;
  event_in(&r->sim->events, &r->ready,
           vt_cycles(PERIODS_PER_WORD, clock_hz(&r->clocks, CLOCK_48M)));
}

static void on_ready(void *ctx) {
  struct rng *r = ctx;
  // xorshift32 (Marsaglia): not random, but never the same word twice in a row.
  r->seed ^= r->seed << 13;
  r->seed ^= r->seed >> 17;
  r->seed ^= r->seed << 5;
  r->dr = r->seed;
  r->sr |= SIM_RNG_SR_DRDY;
  update_irq(r);
}

static uint32_t take_word(struct rng *r) {
  if (!(r->sr & SIM_RNG_SR_DRDY)) return 0;
  r->sr &= ~SIM_RNG_SR_DRDY;
  begin_word(r);
  update_irq(r);
  return r->dr;
}

uint32_t rng_read(void *rng, uint32_t offset, unsigned bytes) {
  struct rng *r = rng;
  if (!reg_check_read(&r->regs, offset)) return 0;
  switch (offset & ~3u) {
    case SIM_RNG_CR: return reg_extract(r->cr, offset, bytes);
    case SIM_RNG_SR: return reg_extract(r->sr, offset, bytes);
    default: return reg_extract(take_word(r), offset, bytes);
  }
}

static void write_cr(struct rng *r, uint32_t value) {
  const bool was_on = r->cr & SIM_RNG_CR_RNGEN;
  r->cr = value;
  if (!(value & SIM_RNG_CR_RNGEN)) {
    r->sr &= ~(SIM_RNG_SR_SECS | SIM_RNG_SR_CECS);
    event_cancel(&r->sim->events, &r->ready);
  } else if (!was_on) {
    begin_word(r);
  }
}

void rng_write(void *rng, uint32_t offset, unsigned bytes, uint32_t value) {
  struct rng *r = rng;
  if (!reg_check_write(&r->regs, offset, bytes, value)) return;
  if ((offset & ~3u) == SIM_RNG_CR) {
    write_cr(r, reg_update(&r->regs, r->cr, offset, bytes, value));
  } else {
    // CEIS and SEIS: a 0 clears; the rest is read-only.
    const uint32_t kept = reg_update(&r->regs, 0xFFFFFFFFu, offset, bytes, value);
    r->sr &= kept | ~(SIM_RNG_SR_CEIS | SIM_RNG_SR_SEIS);
  }
  update_irq(r);
}

void rng_fail(struct rng *r) {
  r->sr |= SIM_RNG_SR_SECS | SIM_RNG_SR_SEIS;
  r->sr &= ~SIM_RNG_SR_DRDY;
  event_cancel(&r->sim->events, &r->ready);
  update_irq(r);
}

void rng_reset(struct rng *r) {
  event_cancel(&r->sim->events, &r->ready);
  r->cr = r->sr = r->dr = 0;
  update_irq(r);
}

void rng_init(struct rng *r, struct sim *sim, struct clock_source clocks) {
  memset(r, 0, sizeof *r);
  r->sim = sim;
  r->clocks = clocks;
  r->seed = 0x2545F491u;
  reg_file_init(&r->regs, &sim_regs_rng, 0x50060800u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&r->ready, on_ready, r);
}

void rng_free(struct rng *r) {
  reg_file_free(&r->regs);
}
