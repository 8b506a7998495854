// SPDX-License-Identifier: MIT
// Exception entry and return (ARMv7-M ARM B1.5.6 to B1.5.8) on Unicorn's
// registers, in the one order that keeps its cached translation flags right.
#include <unicorn/unicorn.h>

#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

enum {
  FRAME_BASIC = 0x20,
  FRAME_EXTENDED = 0x68,
  CONTROL_NPRIV = 1,
  CONTROL_SPSEL = 2,
  CONTROL_FPCA = 4,
};

#define XPSR_T         (1u << 24)
#define XPSR_ALIGN     (1u << 9)
#define XPSR_FLAGS     0xF80F0000u  // N Z C V Q and GE
#define XPSR_EXCEPTION 0x1FFu
#define EXC_RETURN     0xFFFFFFE1u

uint32_t reg_get(const struct cpu *c, int reg) {
  uint32_t value = 0;
  uc_reg_read(c->uc, reg, &value);
  return value;
}

void reg_put(struct cpu *c, int reg, uint32_t value) {
  uc_reg_write(c->uc, reg, &value);
}

// The only call that makes Unicorn rebuild its cached flags after the mode
// registers were changed from outside: a write of APSR.NZCV, here of itself.
void cpu_refresh_flags(struct cpu *c) {
  reg_put(c, UC_ARM_REG_APSR_NZCV, reg_get(c, UC_ARM_REG_APSR_NZCV));
}

// An unprivileged thread reads 0 here; it could not have set them either, and
// kernels that mask and then drop privilege do not exist in practice.
struct nvic_masks cpu_masks(const struct cpu *c) {
  return (struct nvic_masks){
      .primask = reg_get(c, UC_ARM_REG_PRIMASK) & 1u,
      .faultmask = reg_get(c, UC_ARM_REG_FAULTMASK) & 1u,
      .basepri = (uint8_t)reg_get(c, UC_ARM_REG_BASEPRI),
  };
}

// A frame that has no RAM under it is lost as a whole, and said once.
static bool frame_fits(struct cpu *c, uint32_t frame, uint32_t size) {
  if (cpu_is_ram(c, frame, size)) return true;
  report_guest(&c->sim->report, GUEST_BUS_ERROR, frame,
               "exception frame at 0x%08x, where no RAM is", (unsigned)frame);
  return false;
}

static void push_frame(struct cpu *c, uint32_t frame, uint32_t xpsr, bool extended,
                       bool realigned) {
  static const int stacked[] = {UC_ARM_REG_R0, UC_ARM_REG_R1,  UC_ARM_REG_R2,
                                UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR,
                                UC_ARM_REG_PC};
  for (unsigned i = 0; i < 7; i++)
    cpu_store32(c, frame + 4 * i, reg_get(c, stacked[i]));
  cpu_store32(c, frame + 28, (xpsr & ~XPSR_ALIGN) | (realigned ? XPSR_ALIGN : 0));
  if (!extended) return;
  for (int i = 0; i < 16; i++) {
    cpu_store32(c, frame + 32 + 4 * (uint32_t)i, reg_get(c, UC_ARM_REG_S0 + i));
  }
  cpu_store32(c, frame + 96, reg_get(c, UC_ARM_REG_FPSCR));
}

// Jumps to the handler of `number` with everything else already in place.
static void start_handler(struct cpu *c, unsigned number, uint32_t lr) {
  nvic_enter(&c->scs->nvic, number);
  reg_put(c, UC_ARM_REG_LR, lr);
  reg_put(c, UC_ARM_REG_PC, cpu_load32(c, c->scs->vtor + 4 * number));
  cpu_refresh_flags(c);
  c->counters.exceptions++;
  c->ticks += EXCEPTION_ENTRY_CYCLES * TICKS_PER_CYCLE;
  c->counters.cycles += EXCEPTION_ENTRY_CYCLES * TICKS_PER_CYCLE;
}

void cpu_take_exception(struct cpu *c, unsigned number) {
  const uint32_t xpsr = reg_get(c, UC_ARM_REG_XPSR);
  const uint32_t control = reg_get(c, UC_ARM_REG_CONTROL);
  const uint32_t sp = reg_get(c, UC_ARM_REG_SP);
  const bool thread = (xpsr & XPSR_EXCEPTION) == 0;
  const bool extended = control & CONTROL_FPCA;
  const bool psp = thread && (control & CONTROL_SPSEL);
  const uint32_t size = extended ? FRAME_EXTENDED : FRAME_BASIC;
  const uint32_t frame = (sp - size) & ~7u;

  if (frame_fits(c, frame, size)) {
    push_frame(c, frame, xpsr, extended, (sp - size) & 4u);
  }
  reg_put(c, UC_ARM_REG_SP, frame);  // still on the stack that was in use
  const uint32_t next = (xpsr & XPSR_FLAGS) | XPSR_T | number;
  if (thread && (control & CONTROL_NPRIV)) {
    // Writes of CONTROL are ignored while unprivileged: pass through handler mode.
    reg_put(c, UC_ARM_REG_XPSR_NZCVQG, next);
    reg_put(c, UC_ARM_REG_CONTROL, control & ~(uint32_t)CONTROL_NPRIV);
    reg_put(c, UC_ARM_REG_XPSR_NZCVQG, next & ~XPSR_EXCEPTION);
  }
  reg_put(c, UC_ARM_REG_CONTROL, control & CONTROL_NPRIV);
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, next);
  const uint32_t lr =
      EXC_RETURN | (extended ? 0 : 0x10u) | (thread ? 8u : 0) | (psp ? 4u : 0);
  start_handler(c, number, lr);
}

static void tail_chain(struct cpu *c, unsigned number, uint32_t exc_return) {
  const uint32_t flags = reg_get(c, UC_ARM_REG_XPSR) & XPSR_FLAGS;
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, flags | XPSR_T | number);
  const uint32_t control = reg_get(c, UC_ARM_REG_CONTROL);
  reg_put(c, UC_ARM_REG_CONTROL, control & ~(uint32_t)CONTROL_FPCA);
  start_handler(c, number, exc_return);
}

static void pop_frame(struct cpu *c, uint32_t exc_return) {
  const bool thread = exc_return & 8u;
  const bool psp = thread && (exc_return & 4u);
  const bool extended = !(exc_return & 0x10u);
  const uint32_t frame = reg_get(c, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP);
  uint32_t word[8];
  for (unsigned i = 0; i < 8; i++)
    word[i] = cpu_load32(c, frame + 4 * i);
  if (extended) {
    for (int i = 0; i < 16; i++) {
      reg_put(c, UC_ARM_REG_S0 + i, cpu_load32(c, frame + 32 + 4 * (uint32_t)i));
    }
    reg_put(c, UC_ARM_REG_FPSCR, cpu_load32(c, frame + 96));
  }
  const uint32_t sp = (frame + (extended ? FRAME_EXTENDED : FRAME_BASIC)) |
                      (word[7] & XPSR_ALIGN ? 4u : 0);
  reg_put(c, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP, sp);
  const uint32_t npriv = reg_get(c, UC_ARM_REG_CONTROL) & CONTROL_NPRIV;
  if (npriv) reg_put(c, UC_ARM_REG_CONTROL, 0);  // while still in handler mode
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, word[7] & ~XPSR_ALIGN);
  reg_put(c, UC_ARM_REG_CONTROL,
          (psp ? CONTROL_SPSEL : 0u) | npriv | (extended ? CONTROL_FPCA : 0u));
  static const int popped[] = {UC_ARM_REG_R0, UC_ARM_REG_R1,  UC_ARM_REG_R2,
                               UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR};
  for (unsigned i = 0; i < 6; i++)
    reg_put(c, popped[i], word[i]);
  reg_put(c, UC_ARM_REG_PC, word[6] | ((word[7] >> 24) & 1u));
  cpu_refresh_flags(c);
}

void cpu_return_from_exception(struct cpu *c, uint32_t exc_return) {
  struct nvic *nvic = &c->scs->nvic;
  const unsigned number = reg_get(c, UC_ARM_REG_IPSR) & XPSR_EXCEPTION;
  nvic_leave(nvic, number);
  if (number != EXC_NMI) reg_put(c, UC_ARM_REG_FAULTMASK, 0);
  const struct nvic_masks masks = cpu_masks(c);
  const unsigned next = nvic_select(nvic, &masks, NULL);
  if (next) {
    tail_chain(c, next, exc_return);
    return;
  }
  pop_frame(c, exc_return);
  c->ticks += EXCEPTION_RETURN_CYCLES * TICKS_PER_CYCLE;
  c->counters.cycles += EXCEPTION_RETURN_CYCLES * TICKS_PER_CYCLE;
  if ((c->scs->scr & SIM_SCB_SCR_SLEEPONEXIT) && (exc_return & 8u)) c->sleeping = true;
}

// Which enable bit in SHCSR lets this fault have its own handler (B3.2.13).
static uint32_t fault_enable(unsigned exception) {
  switch (exception) {
    case EXC_MEMMANAGE: return SIM_SCB_SHCSR_MEMFAULTENA;
    case EXC_BUSFAULT: return SIM_SCB_SHCSR_BUSFAULTENA;
    case EXC_USAGEFAULT: return SIM_SCB_SHCSR_USGFAULTENA;
    default: return 0;
  }
}

void cpu_raise_fault(struct cpu *c, unsigned exception) {
  const struct nvic_masks masks = cpu_masks(c);
  struct scs *scs = c->scs;
  const uint32_t enable = fault_enable(exception);
  const bool configurable = enable != 0 || exception == EXC_SVCALL;
  const bool enabled = exception == EXC_SVCALL || (scs->shcsr_enables & enable);
  if (configurable && (!enabled || !nvic_can_preempt(&scs->nvic, &masks, exception))) {
    exception = EXC_HARDFAULT;
    scs->hfsr |= SIM_SCB_HFSR_FORCED;
  }
  if (exception == EXC_HARDFAULT &&
      (masks.faultmask || nvic_active_priority(&scs->nvic) <= -1)) {
    report_guest(&c->sim->report, GUEST_LOCKUP, reg_get(c, UC_ARM_REG_PC),
                 "lockup: CFSR 0x%08x, MMFAR 0x%08x, BFAR 0x%08x", (unsigned)scs->cfsr,
                 (unsigned)scs->mmfar, (unsigned)scs->bfar);
    c->locked_up = true;
    return;
  }
  nvic_pend(&scs->nvic, exception);
}
