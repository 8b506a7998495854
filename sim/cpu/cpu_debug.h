// SPDX-License-Identifier: MIT
// What a debugger asks of the core, in PRECISE mode: halt before an instruction,
// breakpoints, watchpoints, single steps, registers, memory as the core sees it.
//
// Nothing of it costs anything until cpu_debug_attach. Limits: inside an IT block
// the core cannot halt and does so behind it; a watchpoint halts behind the
// instruction that made the access; accesses of DMA and of exception entry are not
// watched.
#pragma once

#include "sim/cpu/cpu.h"

enum cpu_halt {
  CPU_HALT_NONE,  // it runs, or would
  CPU_HALT_REQUEST,
  CPU_HALT_STEP,
  CPU_HALT_BREAK,  // breakpoint or BKPT
  CPU_HALT_WATCH,
  CPU_HALT_LOCKUP,
};

enum cpu_watch { CPU_WATCH_WRITE = 1, CPU_WATCH_READ = 2, CPU_WATCH_ACCESS = 3 };

// Registers by number: 0 to 15 are R0 to PC.
enum cpu_debug_register {
  CPU_DEBUG_XPSR = 16,
  CPU_DEBUG_MSP,
  CPU_DEBUG_PSP,
  CPU_DEBUG_PRIMASK,
  CPU_DEBUG_BASEPRI,
  CPU_DEBUG_FAULTMASK,
  CPU_DEBUG_CONTROL,
  CPU_DEBUG_S0,  // 32 of them
  CPU_DEBUG_FPSCR = CPU_DEBUG_S0 + 32,
  CPU_DEBUG_REGISTERS,
};

void cpu_debug_attach(struct cpu *c);  // halts
void cpu_debug_detach(struct cpu *c);  // forgets all points and runs

// Why the core stands still, and, for a watchpoint, where and for which kind.
enum cpu_halt cpu_debug_halted(const struct cpu *c);
uint32_t cpu_debug_watched(const struct cpu *c, enum cpu_watch *kind);

void cpu_debug_halt(struct cpu *c, enum cpu_halt why);
void cpu_debug_resume(struct cpu *c, bool step);

// False: there is no room for another one, or no such point.
bool cpu_debug_break(struct cpu *c, uint32_t addr, bool set);
bool cpu_debug_watch(struct cpu *c, uint32_t addr, uint32_t size, enum cpu_watch kind,
                     bool set);

uint32_t cpu_debug_get(const struct cpu *c, unsigned number);
void cpu_debug_put(struct cpu *c, unsigned number, uint32_t value);

// Memory, not registers: how many of the `size` bytes at `addr` could be moved.
// Writing reaches RAM and flash, as a probe's flash loader would.
size_t cpu_debug_read(struct cpu *c, uint32_t addr, uint8_t *bytes, size_t size);
size_t cpu_debug_write(struct cpu *c, uint32_t addr, const uint8_t *bytes, size_t size);
