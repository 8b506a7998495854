// SPDX-License-Identifier: MIT
// SysTick, the 24-bit down counter of the core (ARMv7-M ARM B3.3). Nothing ticks:
// the count is computed from virtual time, and an event stands only for the next
// passage through zero.
#pragma once

#include "sim/core/sim.h"

struct systick {
  struct sim *sim;
  struct clock_source clocks;
  void (*pend)(void *ctx);  // the SysTick exception becomes pending
  void *pend_ctx;
  struct event zero;
  uint32_t csr;          // ENABLE, TICKINT, CLKSOURCE
  uint32_t reload;       // RVR
  uint32_t start_value;  // the count at start_time
  vtime_t start_time;
  uint64_t hz;  // counting rate since start_time; 0 = stands still
  bool count_flag;
};

void systick_init(struct systick *t, struct sim *sim, struct clock_source clocks);
void systick_reset(struct systick *t);

// Offsets 0 to 0xC: CSR, RVR, CVR, CALIB.
uint32_t systick_read(struct systick *t, uint32_t offset);
void systick_write(struct systick *t, uint32_t offset, uint32_t value);

// HCLK has changed; call after the new rate is in effect.
void systick_clock_changed(struct systick *t);
