// SPDX-License-Identifier: MIT
// Traps that Unicorn does not know: division by zero, addresses that must be aligned,
// a coprocessor that is off, the exclusive monitor that an exception clears. They are
// looked for before the code runs, from what the decoder found in it.
//
// PRECISE: before each instruction, exact. BLOCK: before the block, from registers that
// it has not written yet; a divisor that the block computes is looked at behind it.
#include <string.h>

#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

enum { THUMB_IT_SHIFT_LOW = 25, THUMB_IT_SHIFT_HIGH = 10 };

#define FLAG_N (1u << 31)
#define FLAG_Z (1u << 30)
#define FLAG_C (1u << 29)
#define FLAG_V (1u << 28)

static const int core_registers[] = {
    UC_ARM_REG_R0,  UC_ARM_REG_R1, UC_ARM_REG_R2,  UC_ARM_REG_R3,
    UC_ARM_REG_R4,  UC_ARM_REG_R5, UC_ARM_REG_R6,  UC_ARM_REG_R7,
    UC_ARM_REG_R8,  UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
    UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR,  UC_ARM_REG_PC};

// --- IT blocks, in PRECISE mode ---

void cpu_it_begin(struct cpu *c, uint32_t xpsr) {
  c->it = (uint8_t)(((xpsr >> THUMB_IT_SHIFT_LOW) & 3u) |
                    ((xpsr >> THUMB_IT_SHIFT_HIGH) & 0x3Fu) << 2);
}

// DDI0403E A7.3.1.
static bool condition_holds(const struct cpu *c, unsigned condition) {
  const uint32_t f = reg_get(c, UC_ARM_REG_XPSR);
  const bool n = f & FLAG_N, z = f & FLAG_Z, carry = f & FLAG_C, v = f & FLAG_V;
  bool holds = true;
  switch (condition >> 1) {
    case 0: holds = z; break;
    case 1: holds = carry; break;
    case 2: holds = n; break;
    case 3: holds = v; break;
    case 4: holds = carry && !z; break;
    case 5: holds = n == v; break;
    case 6: holds = n == v && !z; break;
    default: return true;
  }
  return (condition & 1u) ? !holds : holds;
}

// The state for the next instruction (A7.3.2), `half` being the present one's first.
void cpu_it_advance(struct cpu *c, uint16_t half) {
  if ((half & 0xFF00u) == 0xBF00u && (half & 0xFu)) {
    c->it = (uint8_t)half;
  } else if (c->it & 7u) {
    c->it = (uint8_t)((c->it & 0xE0u) | ((uint32_t)c->it << 1 & 0x1Fu));
  } else {
    c->it = 0;
  }
}

// --- what is trapped ---

// From CCR and CPACR as they are; part of what happens at the start of a slice.
void cpu_trap_refresh(struct cpu *c) {
  const struct scs *s = c->scs;
  uint32_t trapped = FEATURE_ALIGNED | FEATURE_SEV | FEATURE_RIGHTS | FEATURE_LDREX;
  const uint32_t cp10 = (s->cpacr >> 20) & 3u;
  const bool fpu = cp10 == 3 || (cp10 == 1 && c->privileged);
  if (!fpu || (s->fpccr & SIM_FPU_FPCCR_LSPACT)) trapped |= FEATURE_FPU;
  if (s->ccr & SIM_SCB_CCR_DIV_0_TRP) trapped |= FEATURE_DIVIDE;
  if (c->monitor_open) trapped |= FEATURE_STREX;
  c->fpu_on = fpu;
  c->trapped = trapped;
}

static uint32_t cause_of(const struct cpu *c, const struct trap *t) {
  if (!(t->kind & c->trapped)) return 0;
  const uint32_t value = reg_get(c, core_registers[t->reg]);
  if (t->kind == FEATURE_DIVIDE) return value ? 0 : SIM_SCB_CFSR_DIVBYZERO;
  return value & t->low ? SIM_SCB_CFSR_UNALIGNED : 0;
}

// A divisor that the block before computed. The PC is the instruction's, the registers
// are those behind the block.
uint32_t cpu_trap_late(struct cpu *c) {
  const struct decoded *d = c->late;
  c->late = NULL;
  if (d->addr != c->late_addr) return 0;
  for (unsigned i = 0; i < d->trap_count; i++) {
    if (!d->traps[i].late || !cause_of(c, &d->traps[i])) continue;
    c->trap_pc = d->addr + d->traps[i].at;
    return SIM_SCB_CFSR_DIVBYZERO;
  }
  return 0;
}

static uint32_t look_ahead(struct cpu *c, const struct decoded *d) {
  bool late = false;
  for (unsigned i = 0; i < d->trap_count; i++) {
    const uint32_t cause = d->traps[i].late ? 0 : cause_of(c, &d->traps[i]);
    if (cause) return cause;
    late = late || (d->traps[i].late && (d->traps[i].kind & c->trapped));
  }
  if (late) {
    c->late = d;
    c->late_addr = d->addr;
  }
  return 0;
}

// STREX after an exception: the monitor is open, nothing is stored, Rd = 1 (A3.4.1).
// Only where it is the next instruction; inside a block nothing can have come between.
static bool fail_store_exclusive(struct cpu *c, const struct decoded *d) {
  uint16_t half[2];
  if (!d->code || d->size < 4) return false;
  memcpy(half, d->code, sizeof half);
  const bool word = (half[0] & 0xFFF0u) == 0xE840u;
  if (!word && (half[0] & 0xFFF0u) != 0xE8C0u) return false;
  const unsigned result = word ? (half[1] >> 8) & 0xFu : half[1] & 0xFu;
  reg_put(c, core_registers[result], 1);
  reg_put(c, UC_ARM_REG_PC, (d->addr + 4) | 1u);
  return true;
}

// False: the code must not run now; `c->trap_cause` is what CFSR gets, or 0 when the
// instruction was done here.
bool cpu_trap_check(struct cpu *c, const struct decoded *d) {
  if (c->mode == CPU_PRECISE && c->it && !condition_holds(c, c->it >> 4)) return true;
  if (d->features & FEATURE_RIGHTS) cpu_attention(c);
  if (d->features & FEATURE_SEV) c->event = true;
  if (d->features & c->trapped & FEATURE_FPU) {
    if (!c->fpu_on) {
      c->trap_cause = SIM_SCB_CFSR_NOCP;
      return false;
    }
    // The state was stacked at once; what is deferred is only this flag.
    c->scs->fpccr &= ~SIM_FPU_FPCCR_LSPACT;
    cpu_trap_refresh(c);
  }
  c->trap_cause = look_ahead(c, d);
  if (c->trap_cause) return false;
  if (d->features & c->trapped & FEATURE_STREX) {
    if (fail_store_exclusive(c, d)) return false;
    c->monitor_open = false;
  }
  if (d->features & FEATURE_LDREX) {
    c->monitor_open = false;
    c->trapped &= ~(uint32_t)FEATURE_STREX;
  }
  return true;
}
