// SPDX-License-Identifier: MIT
// Debug blocks that ordinary firmware reads: DBGMCU (RM0410 44.16), the cycle
// counter of the DWT (ARMv7-M ARM C1.8).
#pragma once

#include "sim/core/sim.h"

struct debug_blocks {
  struct sim *sim;
  struct reg_file dbgmcu, dwt;
  uint32_t dbgmcu_r[4];
  uint32_t dwt_ctrl, dwt_comparator[16];  // COMP, MASK, FUNCTION of four
  bool dwt_unlocked;                      // by LAR (CoreSight lock)
  bool traced;                            // DEMCR.TRCENA
  uint64_t cycle_base;
  uint32_t cycles_at_stop;
  uint64_t (*cycles)(void *ctx);  // core cycles, sleep included
  void *ctx;
};

void debug_init(struct debug_blocks *d, struct sim *sim);
void debug_free(struct debug_blocks *d);

// DBGMCU keeps its settings through every reset but power-on (RM0410 44.16.3).
void debug_reset(struct debug_blocks *d, bool power_on);

// DEMCR.TRCENA: the DWT counts only while it is set (C1.6.5).
void debug_trace(struct debug_blocks *d, bool on);

uint32_t dbgmcu_read(void *debug, uint32_t offset, unsigned bytes);
void dbgmcu_write(void *debug, uint32_t offset, unsigned bytes, uint32_t value);
uint32_t dwt_read(void *debug, uint32_t offset, unsigned bytes);
void dwt_write(void *debug, uint32_t offset, unsigned bytes, uint32_t value);
