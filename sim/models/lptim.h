// SPDX-License-Identifier: MIT
// LPTIM1 (RM0410 chapter 30): counts up once or again and again, from its own clock
// through the prescaler, with its flags and interrupt, in Stop too when LSE or LSI
// feeds it. Nothing comes from pins: an external clock, a trigger or an encoder never
// moves it.
#pragma once

#include "sim/core/sim.h"

enum { LPTIM_WORDS = 8 };

struct lptim {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  uint32_t r[LPTIM_WORDS];
  bool running, once;
  uint64_t hz;          // 0: stands
  vtime_t anchor;       // when the count was `base`
  uint64_t base, seen;  // counts since the start: at the anchor, and looked at
  struct event due;
  struct irq_line irq;
};

void lptim_init(struct lptim *t, struct sim *sim, struct clock_source clocks);
void lptim_free(struct lptim *t);
void lptim_reset(struct lptim *t);
void lptim_clock_changed(struct lptim *t);

uint32_t lptim_read(void *lptim, uint32_t offset, unsigned bytes);
void lptim_write(void *lptim, uint32_t offset, unsigned bytes, uint32_t value);
