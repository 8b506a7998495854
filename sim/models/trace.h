// SPDX-License-Identifier: MIT
// Trace blocks that firmware writes to by itself: the ITM (its stimulus ports are a
// console, ARMv7-M ARM C1.7), the TPIU behind it (C1.10) and the breakpoint unit
// (C1.11). No debugger is attached: nothing breaks.
#pragma once

#include "sim/core/sim.h"

enum { ITM_PORTS = 32, FPB_COMPARATORS = 8 };

struct trace_blocks {
  struct sim *sim;
  struct reg_file itm, fpb, tpiu;
  uint32_t ter, tpr, tcr;
  bool unlocked;
  uint32_t fp_ctrl, fp_comp[FPB_COMPARATORS];
  uint32_t tpiu_r[0x308 / 4];
  bool enabled;  // DEMCR.TRCENA
  // What was written to an enabled stimulus port: 1, 2 or 4 bytes. May be NULL.
  void (*on_itm)(void *ctx, unsigned port, uint32_t value, unsigned bytes);
  void *ctx;
};

void trace_init(struct trace_blocks *t, struct sim *sim);
void trace_free(struct trace_blocks *t);
void trace_reset(struct trace_blocks *t);

uint32_t itm_read(void *trace, uint32_t offset, unsigned bytes);
void itm_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value);
uint32_t fpb_read(void *trace, uint32_t offset, unsigned bytes);
void fpb_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value);
uint32_t tpiu_read(void *trace, uint32_t offset, unsigned bytes);
void tpiu_write(void *trace, uint32_t offset, unsigned bytes, uint32_t value);
