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

// RAM under the frame, and the right to use it. What is wrong goes to CFSR: it is a
// fault of its own, derived from the exception (B1.5.11, B1.5.12).
static bool frame_fits(struct cpu *c, uint32_t frame, uint32_t size, bool store) {
  const enum access_kind kind = store ? ACCESS_STORE : ACCESS_LOAD;
  const bool allowed = cpu_may(c, frame, kind) && cpu_may(c, frame + size - 4, kind);
  const bool there = store ? cpu_is_ram(c, frame, size) : cpu_is_memory(c, frame, size);
  if (allowed && there) return true;
  report_guest(&c->sim->report, GUEST_BUS_ERROR, frame, "exception frame at 0x%08x, %s",
               (unsigned)frame, allowed ? "where no RAM is" : "which the MPU forbids");
  if (allowed) {
    c->scs->cfsr |= store ? SIM_SCB_CFSR_STKERR : SIM_SCB_CFSR_UNSTKERR;
  } else {
    c->scs->cfsr |= store ? SIM_SCB_CFSR_MSTKERR : SIM_SCB_CFSR_MUNSTKERR;
  }
  cpu_raise_fault(c, allowed ? EXC_BUSFAULT : EXC_MEMMANAGE);
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

// The vector of `number`; with no memory under it, that of the HardFault, whose own
// absence locks the core up (B1.5.15).
static uint32_t vector_of(struct cpu *c, unsigned *number) {
  struct scs *scs = c->scs;
  if (cpu_is_memory(c, scs->vtor + 4 * *number, 4)) {
    return cpu_load32(c, scs->vtor + 4 * *number);
  }
  report_guest(&c->sim->report, GUEST_BUS_ERROR, scs->vtor + 4 * *number,
               "vector %u read from 0x%08x, where no memory is", *number,
               (unsigned)(scs->vtor + 4 * *number));
  scs->hfsr |= SIM_SCB_HFSR_VECTTBL;
  const bool fatal =
      *number <= EXC_HARDFAULT || !cpu_is_memory(c, scs->vtor + 4 * EXC_HARDFAULT, 4);
  *number = EXC_HARDFAULT;
  if (!fatal) return cpu_load32(c, scs->vtor + 4 * EXC_HARDFAULT);
  cpu_lock_up(c);
  return 0;
}

// Jumps to the handler of `number` with everything else already in place.
static void start_handler(struct cpu *c, unsigned number, uint32_t lr) {
  const uint32_t vector = vector_of(c, &number);
  if (c->locked_up) return;
  const uint32_t flags = reg_get(c, UC_ARM_REG_XPSR) & XPSR_FLAGS;
  reg_put(c, UC_ARM_REG_XPSR_NZCVQG, flags | XPSR_T | number);
  nvic_enter(&c->scs->nvic, number);
  reg_put(c, UC_ARM_REG_LR, lr);
  reg_put(c, UC_ARM_REG_PC, vector);
  cpu_refresh_flags(c);
  c->event = c->monitor_open = true;  // B1.5.18; A3.4.1
  c->counters.exceptions++;
  c->ticks += EXCEPTION_ENTRY_CYCLES * TICKS_PER_CYCLE;
  c->counters.cycles += EXCEPTION_ENTRY_CYCLES * TICKS_PER_CYCLE;
}

// The state is stacked at once, whatever LSPEN says; that it counts as deferred is
// shown until the handler uses the FPU (B1.5.7).
static void note_lazy_state(struct cpu *c, uint32_t frame, bool thread, bool npriv) {
  struct scs *s = c->scs;
  const struct nvic_masks open = {.basepri = 0};
  s->fpccr &= SIM_FPU_FPCCR_ASPEN | SIM_FPU_FPCCR_LSPEN;
  if (!(s->fpccr & SIM_FPU_FPCCR_LSPEN)) return;
  s->fpcar = frame + FRAME_BASIC;
  s->fpccr |= SIM_FPU_FPCCR_LSPACT | (thread ? SIM_FPU_FPCCR_THREAD : 0) |
              (npriv ? SIM_FPU_FPCCR_USER : 0);
  const struct {
    unsigned exception;
    uint32_t enable, ready;
  } faults[] = {
      {EXC_HARDFAULT, 0, SIM_FPU_FPCCR_HFRDY},
      {EXC_MEMMANAGE, SIM_SCB_SHCSR_MEMFAULTENA, SIM_FPU_FPCCR_MMRDY},
      {EXC_BUSFAULT, SIM_SCB_SHCSR_BUSFAULTENA, SIM_FPU_FPCCR_BFRDY},
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    const bool enabled = !faults[i].enable || (s->shcsr_enables & faults[i].enable);
    if (enabled && nvic_can_preempt(&s->nvic, &open, faults[i].exception)) {
      s->fpccr |= faults[i].ready;
    }
  }
}

// The new context's FPSCR, once the old one is stacked (B1.5.7).
static void save_fp_context(struct cpu *c, uint32_t frame, bool thread, bool npriv) {
  note_lazy_state(c, frame, thread, npriv);
  reg_put(c, UC_ARM_REG_FPSCR, c->scs->fpdscr);
}

// Onto the stack; `number` may become another one when that fails.
static bool stack_context(struct cpu *c, uint32_t xpsr, uint32_t control,
                          unsigned *number) {
  const uint32_t sp = reg_get(c, UC_ARM_REG_SP);
  const bool thread = (xpsr & XPSR_EXCEPTION) == 0;
  const bool extended =
      (control & CONTROL_FPCA) && (c->scs->fpccr & SIM_FPU_FPCCR_ASPEN);
  const uint32_t size = extended ? FRAME_EXTENDED : FRAME_BASIC;
  const uint32_t frame = (sp - size) & ~7u;
  cpu_protect_refresh(c, xpsr);
  if (frame_fits(c, frame, size, true)) {
    push_frame(c, frame, xpsr, extended, (sp - size) & 4u);
    if (extended) save_fp_context(c, frame, thread, control & CONTROL_NPRIV);
  } else {
    const struct nvic_masks masks = cpu_masks(c);
    const unsigned derived = nvic_select(&c->scs->nvic, &masks, NULL);
    if (derived) *number = derived;
  }
  reg_put(c, UC_ARM_REG_SP, frame);  // still on the stack that was in use
  return extended;
}

void cpu_take_exception(struct cpu *c, unsigned number) {
  const uint32_t xpsr = reg_get(c, UC_ARM_REG_XPSR);
  const uint32_t control = reg_get(c, UC_ARM_REG_CONTROL);
  const bool thread = (xpsr & XPSR_EXCEPTION) == 0;
  const bool psp = thread && (control & CONTROL_SPSEL);
  const bool extended = stack_context(c, xpsr, control, &number);
  if (c->locked_up) return;
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
  const uint32_t control = reg_get(c, UC_ARM_REG_CONTROL);
  reg_put(c, UC_ARM_REG_CONTROL, control & ~(uint32_t)CONTROL_FPCA);
  start_handler(c, number, exc_return);
}

// The next handler on the same frame, if one is due.
static bool chain_next(struct cpu *c, uint32_t exc_return) {
  const struct nvic_masks masks = cpu_masks(c);
  const unsigned next = c->locked_up ? 0 : nvic_select(&c->scs->nvic, &masks, NULL);
  if (next) tail_chain(c, next, exc_return);
  return next || c->locked_up;
}

static uint32_t frame_of(const struct cpu *c, uint32_t exc_return) {
  const bool psp = (exc_return & 0xCu) == 0xCu;
  return reg_get(c, psp ? UC_ARM_REG_PSP : UC_ARM_REG_SP);
}

static void pop_frame(struct cpu *c, uint32_t exc_return) {
  const bool thread = exc_return & 8u;
  const bool psp = thread && (exc_return & 4u);
  const bool extended = !(exc_return & 0x10u);
  const uint32_t frame = frame_of(c, exc_return);
  uint32_t word[8];
  for (unsigned i = 0; i < 8; i++)
    word[i] = cpu_load32(c, frame + 4 * i);
  if (extended) {
    for (int i = 0; i < 16; i++) {
      reg_put(c, UC_ARM_REG_S0 + i, cpu_load32(c, frame + 32 + 4 * (uint32_t)i));
    }
    reg_put(c, UC_ARM_REG_FPSCR, cpu_load32(c, frame + 96));
    c->scs->fpccr &= ~SIM_FPU_FPCCR_LSPACT;
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

// Exceptions that run or are preempted.
static unsigned count_active(const struct nvic *n) {
  unsigned active = (unsigned)__builtin_popcount(n->system_active);
  for (unsigned i = 0; i < NVIC_WORDS; i++)
    active += (unsigned)__builtin_popcount(n->active[i]);
  return active;
}

// The checks of B1.5.8 on what was asked for, before anything is unstacked.
static bool is_legal_return(const struct cpu *c, unsigned number, uint32_t exc_return) {
  const struct nvic *n = &c->scs->nvic;
  const uint32_t form = exc_return | 0x10u;
  if (form != 0xFFFFFFF1u && form != 0xFFFFFFF9u && form != 0xFFFFFFFDu) return false;
  if (!nvic_is_active(n, number)) return false;
  const bool only = count_active(n) == 1;
  if (form == 0xFFFFFFF1u) return !only;
  return only || (c->scs->ccr & SIM_SCB_CCR_NONBASETHRDENA);
}

static bool is_legal_frame(struct cpu *c, uint32_t exc_return) {
  const uint32_t xpsr = cpu_load32(c, frame_of(c, exc_return) + 28);
  const bool to_thread = exc_return & 8u;
  return to_thread == ((xpsr & XPSR_EXCEPTION) == 0);
}

// A return that fails ends the handler all the same; the fault's handler is taken on
// the frame that stays.
static void fail_return(struct cpu *c, uint32_t cause, uint32_t exc_return) {
  if (cause) cpu_usage_fault(c, cause);
  chain_next(c, 0xF0000000u | exc_return);
}

void cpu_return_from_exception(struct cpu *c, uint32_t exc_return) {
  struct nvic *nvic = &c->scs->nvic;
  const unsigned number = reg_get(c, UC_ARM_REG_IPSR) & XPSR_EXCEPTION;
  const bool legal = is_legal_return(c, number, exc_return);
  nvic_leave(nvic, number);
  if (number != EXC_NMI) reg_put(c, UC_ARM_REG_FAULTMASK, 0);
  c->event = c->monitor_open = true;
  if (!legal) {
    fail_return(c, SIM_SCB_CFSR_INVPC, exc_return);
    return;
  }
  if (chain_next(c, exc_return)) return;
  const uint32_t size = exc_return & 0x10u ? FRAME_BASIC : FRAME_EXTENDED;
  // Unstacked with the rights of the code that is returned to.
  const bool npriv = reg_get(c, UC_ARM_REG_CONTROL) & CONTROL_NPRIV;
  cpu_protect_refresh(c, (exc_return & 8u) && npriv ? XPSR_T : XPSR_T | EXC_HARDFAULT);
  if (!frame_fits(c, frame_of(c, exc_return), size, false)) {
    fail_return(c, 0, exc_return);
    return;
  }
  if (!is_legal_frame(c, exc_return)) {
    fail_return(c, SIM_SCB_CFSR_INVPC, exc_return);
    return;
  }
  pop_frame(c, exc_return);
  c->ticks += EXCEPTION_RETURN_CYCLES * TICKS_PER_CYCLE;
  c->counters.cycles += EXCEPTION_RETURN_CYCLES * TICKS_PER_CYCLE;
  if ((c->scs->scr & SIM_SCB_SCR_SLEEPONEXIT) && (exc_return & 8u)) {
    c->sleeping = true;
    c->waits_for_event = false;
  }
}
