// SPDX-License-Identifier: MIT
// System control space at 0xE000E000: the registers of NVIC, SysTick, SCB, MPU,
// FPU, CoreDebug and the cache maintenance operations (ARMv7-M ARM B3.2, Cortex-M7
// TRM 3.3).
#pragma once

#include "sim/core/sim.h"
#include "sim/models/mpu.h"
#include "sim/models/nvic.h"
#include "sim/models/systick.h"

// What a cache maintenance register asks for. `value` is the address for the
// by-address forms and the set/way word for the others.
enum cache_op {
  CACHE_ICIALLU,
  CACHE_ICIMVAU,
  CACHE_DCIMVAC,
  CACHE_DCISW,
  CACHE_DCCMVAU,
  CACHE_DCCMVAC,
  CACHE_DCCSW,
  CACHE_DCCIMVAC,
  CACHE_DCCISW,
  CACHE_ENABLES,  // CCR.IC or CCR.DC changed; value = the new CCR
};

struct scs {
  struct sim *sim;
  struct nvic nvic;
  struct systick systick;
  struct mpu mpu;
  struct reg_file control, scb, stk, nvic_regs, mpu_regs, fpu, coredebug;

  uint32_t actlr, vtor, scr, ccr, cpacr, csselr;
  uint32_t shcsr_enables;  // MEMFAULTENA, BUSFAULTENA, USGFAULTENA
  uint32_t cfsr, hfsr, dfsr, mmfar, bfar, afsr;
  uint32_t fpccr, fpcar, fpdscr;
  uint32_t demcr;
  uint32_t itcmcr, dtcmcr, ahbpcr, cacr, ahbscr;
  bool reset_requested;

  void (*cache)(void *ctx, enum cache_op op, uint32_t value);
  uint32_t (*ipsr)(void *ctx);  // for ICSR.VECTACTIVE
  void (*on_reset_request)(void *ctx);
  // What instructions do has changed: traps, the FPU, which handlers are active.
  void (*on_core_change)(void *core);
  void *core;
  void (*on_trace)(void *ctx, bool on);  // DEMCR.TRCENA was written; may be NULL
  void *ctx;
};

void scs_init(struct scs *s, struct sim *sim, struct clock_source clocks);
void scs_free(struct scs *s);

// After a reset of any kind; VTOR takes the boot address.
void scs_reset(struct scs *s, uint32_t vectors);

uint32_t scs_read(void *scs, uint32_t offset, unsigned bytes);
void scs_write(void *scs, uint32_t offset, unsigned bytes, uint32_t value);

static inline bool scs_dcache_on(const struct scs *s) {
  return s->ccr & (1u << 16);  // CCR.DC (Cortex-M7 TRM 3.3.2)
}

static inline bool scs_icache_on(const struct scs *s) {
  return s->ccr & (1u << 17);  // CCR.IC
}
