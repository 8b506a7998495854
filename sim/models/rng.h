// SPDX-License-Identifier: MIT
// Random number generator (RM0410 chapter 23): a word every 40 periods of its 48 MHz
// clock, always the same sequence after power-on, so that runs can be repeated.
#pragma once

#include "sim/core/sim.h"

struct rng {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  uint32_t cr, sr, dr;
  uint32_t seed;
  struct event ready;
  struct irq_line irq;
};

void rng_init(struct rng *r, struct sim *sim, struct clock_source clocks);
void rng_free(struct rng *r);
void rng_reset(struct rng *r);

uint32_t rng_read(void *rng, uint32_t offset, unsigned bytes);
void rng_write(void *rng, uint32_t offset, unsigned bytes, uint32_t value);

// The source fails its tests (seed error) until the generator is switched off.
void rng_fail(struct rng *r);
