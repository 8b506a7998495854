// SPDX-License-Identifier: MIT
// Window watchdog (RM0410 chapter 31): a 7-bit count down at PCLK1 / 4096 / 2^WDGTB
// that resets the chip at 0x3F, or when it is refreshed above its window.
#pragma once

#include "sim/core/sim.h"

struct wwdg {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  uint32_t cr, cfr, sr;  // cr: T as last written
  uint64_t hz;           // of PCLK1, since `start`
  vtime_t start;
  struct event due;  // early wake-up, then the end
  struct irq_line irq;
  void (*on_expired)(void *ctx);
  void *ctx;
};

void wwdg_init(struct wwdg *w, struct sim *sim, struct clock_source clocks);
void wwdg_free(struct wwdg *w);

// `started`: by hardware (option byte WWDG_SW clear).
void wwdg_reset(struct wwdg *w, bool started);

uint32_t wwdg_read(void *wwdg, uint32_t offset, unsigned bytes);
void wwdg_write(void *wwdg, uint32_t offset, unsigned bytes, uint32_t value);

void wwdg_clock_changed(struct wwdg *w);
