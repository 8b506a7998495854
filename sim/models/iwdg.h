// SPDX-License-Identifier: MIT
// Independent watchdog (RM0410 chapter 30), clocked by the LSI. Once started only
// a reset stops it.
#pragma once

#include "sim/core/sim.h"

struct iwdg {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  uint32_t pr, rlr, winr;
  bool running, unlocked;
  vtime_t reloaded;     // when the counter last took RLR
  vtime_t updating[3];  // end of the PVU, RVU and WVU times; VT_NEVER without LSI
  struct event expired;
  void (*on_expired)(void *ctx);
  bool (*lsi_on)(void *ctx);  // RCC runs the LSI; the watchdog itself does, too
  void *ctx;
};

void iwdg_init(struct iwdg *w, struct sim *sim, struct clock_source clocks);
void iwdg_free(struct iwdg *w);

// `hardware_start`: option bit IWDG_SW is clear, the watchdog runs from reset.
void iwdg_reset(struct iwdg *w, bool hardware_start);

// The LSI may have started.
void iwdg_lsi_changed(struct iwdg *w);

uint32_t iwdg_read(void *iwdg, uint32_t offset, unsigned bytes);
void iwdg_write(void *iwdg, uint32_t offset, unsigned bytes, uint32_t value);
