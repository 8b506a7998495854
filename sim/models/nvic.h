// SPDX-License-Identifier: MIT
// Exceptions of the Cortex-M7: which are pending and active, and which one the
// core must take next (ARMv7-M ARM DDI0403E B1.5). Registers are in scs.c; what
// an exception does to the core's registers is in sim/cpu.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
  EXC_RESET = 1,
  EXC_NMI = 2,
  EXC_HARDFAULT = 3,
  EXC_MEMMANAGE = 4,
  EXC_BUSFAULT = 5,
  EXC_USAGEFAULT = 6,
  EXC_SVCALL = 11,
  EXC_DEBUGMON = 12,
  EXC_PENDSV = 14,
  EXC_SYSTICK = 15,
  EXC_IRQ0 = 16,

  NVIC_IRQS = 110,  // STM32F76x/77x: positions 0 to 109 (RM0410 table 46)
  NVIC_WORDS = 4,
  NVIC_PRIORITY_BITS = 4,
};

// The core's mask registers.
struct nvic_masks {
  bool primask, faultmask;
  uint8_t basepri;
};

struct nvic {
  uint32_t enabled[NVIC_WORDS], pending[NVIC_WORDS], active[NVIC_WORDS];
  uint32_t level[NVIC_WORDS];  // the wires
  uint8_t priority[NVIC_IRQS];
  uint8_t system_priority[16];             // by exception number, 4..15
  uint32_t system_pending, system_active;  // bit = exception number
  uint8_t prigroup;
  // Something that may change what is taken next has changed.
  void (*on_change)(void *ctx);
  void *on_change_ctx;
};

void nvic_reset(struct nvic *n);

// An interrupt wire changes; usable as irq_line.set.
void nvic_set_level(void *nvic, unsigned irq, bool level);

// Pending state, by exception number (2 and up).
void nvic_pend(struct nvic *n, unsigned exception);
void nvic_unpend(struct nvic *n, unsigned exception);
bool nvic_is_pending(const struct nvic *n, unsigned exception);
bool nvic_is_active(const struct nvic *n, unsigned exception);

// The exception to take now, or 0. `held` (may be NULL) tells that something is
// pending that only the masks hold back.
unsigned nvic_select(const struct nvic *n, const struct nvic_masks *masks, bool *held);

// Whether something is pending that ends WFI: what would be taken if PRIMASK were
// clear. BASEPRI and FAULTMASK do hold WFI (B1.5.19).
bool nvic_wakes(const struct nvic *n, const struct nvic_masks *masks);

// The wires of a word of the pending and enable registers that exist.
uint32_t nvic_lines(unsigned word);

// Whether a synchronous fault of this number can be taken at once; otherwise it
// escalates to HardFault (B1.5.10).
bool nvic_can_preempt(const struct nvic *n, const struct nvic_masks *masks,
                      unsigned exception);

// Highest priority pending and enabled exception whatever runs: ICSR.VECTPENDING.
unsigned nvic_highest_pending(const struct nvic *n);

// Execution priority without the masks: 256 in thread mode with nothing active.
int nvic_active_priority(const struct nvic *n);

// The core starts and ends handling an exception.
void nvic_enter(struct nvic *n, unsigned exception);
void nvic_leave(struct nvic *n, unsigned exception);
