// SPDX-License-Identifier: MIT
// System configuration controller (RM0410 chapter 7): boot mode flags, the I/O
// compensation cell, fast-mode plus. Who acts on the rest is told of it: the EXTI of
// its routing.
#pragma once

#include "sim/core/sim.h"

enum { SYSCFG_WORDS = 0x24 / 4 };

struct syscfg {
  struct sim *sim;
  struct reg_file regs;
  uint32_t r[SYSCFG_WORDS];
  // A register has been written, or reset to 0.
  void (*on_write)(void *ctx, uint32_t offset, uint32_t value);
  void *ctx;
  vtime_t cell_on;  // when the compensation cell was switched on
};

void syscfg_init(struct syscfg *s, struct sim *sim);
void syscfg_free(struct syscfg *s);
void syscfg_reset(struct syscfg *s);

uint32_t syscfg_read(void *syscfg, uint32_t offset, unsigned bytes);
void syscfg_write(void *syscfg, uint32_t offset, unsigned bytes, uint32_t value);

// The compensation cell is on and ready.
bool syscfg_compensated(const struct syscfg *s);
