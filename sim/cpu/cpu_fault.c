// SPDX-License-Identifier: MIT
// Faults: their status bits, their escalation, and where there is no way on (ARMv7-M
// ARM B1.5.10, B1.5.14, B1.5.15).
#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

// Which enable bit in SHCSR lets this fault have its own handler (B3.2.13).
static uint32_t fault_enable(unsigned exception) {
  switch (exception) {
    case EXC_MEMMANAGE: return SIM_SCB_SHCSR_MEMFAULTENA;
    case EXC_BUSFAULT: return SIM_SCB_SHCSR_BUSFAULTENA;
    case EXC_USAGEFAULT: return SIM_SCB_SHCSR_USGFAULTENA;
    default: return 0;
  }
}

void cpu_lock_up(struct cpu *c) {
  const struct scs *scs = c->scs;
  report_guest(&c->sim->report, GUEST_LOCKUP, reg_get(c, UC_ARM_REG_PC),
               "lockup: CFSR 0x%08x, MMFAR 0x%08x, BFAR 0x%08x", (unsigned)scs->cfsr,
               (unsigned)scs->mmfar, (unsigned)scs->bfar);
  c->locked_up = true;
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
    cpu_lock_up(c);
    return;
  }
  nvic_pend(&scs->nvic, exception);
}

void cpu_usage_fault(struct cpu *c, uint32_t cause) {
  c->scs->cfsr |= cause;
  cpu_raise_fault(c, EXC_USAGEFAULT);
}

static bool is_xn(struct cpu *c, uint32_t addr) {
  return c->rights ? !cpu_may(c, addr, ACCESS_FETCH) : !mpu_default(addr).executable;
}

static void set_cause(struct cpu *c, bool denied, enum access_kind kind) {
  struct scs *scs = c->scs;
  if (kind == ACCESS_FETCH) {
    scs->cfsr |= denied ? SIM_SCB_CFSR_IACCVIOL : SIM_SCB_CFSR_IBUSERR;
  } else if (denied) {
    scs->cfsr |= SIM_SCB_CFSR_DACCVIOL | SIM_SCB_CFSR_MMARVALID;
    scs->mmfar = c->fault_addr;
  } else {
    scs->cfsr |= SIM_SCB_CFSR_PRECISERR | SIM_SCB_CFSR_BFARVALID;
    scs->bfar = c->fault_addr;
  }
}

static bool window_says_why(struct cpu *c, enum access_kind kind) {
  const struct region_state *r = cpu_region_at(c, c->fault_addr);
  return kind == ACCESS_LOAD && r && r->def.kind == CPU_WINDOW &&
         c->ports.window_refused(c->ports.ctx, c->fault_addr);
}

void cpu_memory_fault(struct cpu *c, enum access_kind kind) {
  const bool denied =
      kind == ACCESS_FETCH ? is_xn(c, c->fault_addr) : !cpu_may(c, c->fault_addr, kind);
  set_cause(c, denied, kind);
  if (denied || !window_says_why(c, kind)) {
    report_guest(&c->sim->report, GUEST_BUS_ERROR, c->fault_addr, "%s of 0x%08x: %s",
                 kind == ACCESS_FETCH ? "fetch" : "access", (unsigned)c->fault_addr,
                 denied ? "the MPU forbids it" : "nothing answers there");
  }
  cpu_raise_fault(c, denied ? EXC_MEMMANAGE : EXC_BUSFAULT);
}

// Stores are buffered: their error comes later, without an address (Cortex-M7 TRM,
// imprecise bus faults). Taken before the next block, so behind a load as well.
void cpu_bus_answered(struct cpu *c, uint32_t addr, enum access_kind kind) {
  if (!c->sim->bus.failed) return;
  c->sim->bus.failed = false;
  if (kind == ACCESS_STORE) {
    c->scs->cfsr |= SIM_SCB_CFSR_IMPRECISERR;
  } else {
    c->scs->cfsr |= SIM_SCB_CFSR_PRECISERR | SIM_SCB_CFSR_BFARVALID;
    c->scs->bfar = addr;
  }
  cpu_raise_fault(c, EXC_BUSFAULT);
  cpu_attention(c);
}

// BKPT without a debugger: the monitor if it is enabled and may run, else HardFault
// (C1.6.1, table C1-9).
void cpu_breakpoint(struct cpu *c) {
  struct scs *scs = c->scs;
  const struct nvic_masks masks = cpu_masks(c);
  scs->dfsr |= SIM_SCB_DFSR_BKPT;
  if ((scs->demcr & SIM_COREDEBUG_DEMCR_MON_EN) &&
      nvic_can_preempt(&scs->nvic, &masks, EXC_DEBUGMON)) {
    nvic_pend(&scs->nvic, EXC_DEBUGMON);
    return;
  }
  scs->hfsr |= SIM_SCB_HFSR_DEBUGEVT;
  cpu_raise_fault(c, EXC_HARDFAULT);
}

void cpu_supervisor_call(struct cpu *c) {
  const struct nvic_masks masks = cpu_masks(c);
  if (nvic_can_preempt(&c->scs->nvic, &masks, EXC_SVCALL)) {
    nvic_pend(&c->scs->nvic, EXC_SVCALL);
  } else {
    cpu_raise_fault(c, EXC_SVCALL);
  }
}

// MCR, MRC, LDC, STC, CDP of a coprocessor that does not exist (A6.2, B3.2.20).
static bool is_coprocessor(uint32_t word) {
  const uint32_t first = word & 0xFFFFu, number = (word >> 24) & 0xFu;
  return (first & 0xEC00u) == 0xEC00u && number != 10 && number != 11;
}

void cpu_undefined(struct cpu *c, uint32_t pc) {
  const uint16_t half[2] = {cpu_code16(c, pc), cpu_code16(c, pc + 2)};
  const bool none = is_coprocessor(half[0] | (uint32_t)half[1] << 16);
  cpu_usage_fault(c, none ? SIM_SCB_CFSR_NOCP : SIM_SCB_CFSR_UNDEFINSTR);
}
