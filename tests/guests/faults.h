// SPDX-License-Identifier: MIT
// What a fault handler saw, and instructions that are meant to fault. For programs of
// one file.
#pragma once

#include "tests/guests/guest.h"

enum {
  MEMFAULTENA = 1 << 16,
  BUSFAULTENA = 1 << 17,
  USGFAULTENA = 1 << 18,
  ALL_FAULTS = MEMFAULTENA | BUSFAULTENA | USGFAULTENA,

  IACCVIOL = 1 << 0,
  DACCVIOL = 1 << 1,
  MUNSTKERR = 1 << 3,
  MSTKERR = 1 << 4,
  MMARVALID = 1 << 7,
  IBUSERR = 1 << 8,
  PRECISERR = 1 << 9,
  UNSTKERR = 1 << 11,
  STKERR = 1 << 12,
  BFARVALID = 1 << 15,
  UNDEFINSTR = 1 << 16,
  INVSTATE = 1 << 17,
  INVPC = 1 << 18,
  NOCP = 1 << 19,
  UNALIGNED = 1 << 24,
  DIVBYZERO = 1 << 25,
};
#define FORCED   BIT(30)
#define DEBUGEVT BIT(31)
#define VECTTBL  BIT(1)
#define NOWHERE  0xB0000000u  // no memory and no register

// --- what the handler saw
// ----------------------------------------------------------------

static volatile struct {
  uint32_t count, exception, pc, lr, cfsr, hfsr, mmfar, bfar;
} seen;

// Where to go on; 0: return to the caller's LR.
static volatile uint32_t resume;

__attribute__((used)) static void fault_body(uint32_t *frame) {
  seen.count++;
  seen.exception = ipsr();
  seen.pc = frame[6];
  seen.lr = frame[5];
  seen.cfsr = rd(CFSR);
  seen.hfsr = rd(HFSR);
  seen.mmfar = rd(MMFAR);
  seen.bfar = rd(BFAR);
  wr(CFSR, seen.cfsr);
  wr(HFSR, seen.hfsr);
  const uint32_t to = resume ? resume : frame[5];
  frame[6] = to & ~1u;
  frame[7] = (frame[7] | BIT(24)) & ~0x0600FC00u;  // Thumb, no IT
}

__attribute__((naked)) static void on_fault(void) {
  __asm__ volatile(
      "tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tb fault_body");
}

static void check_fault(const char *name, uint32_t exception, uint32_t cfsr,
                        uint32_t hfsr) {
  const bool good = seen.count == 1 && seen.exception == exception &&
                    seen.cfsr == cfsr && seen.hfsr == hfsr;
  if (!good) {
    print_hex(seen.count);
    print(" faults, the last: exception ");
    print_hex(seen.exception);
    print(" CFSR ");
    print_hex(seen.cfsr);
    print(" HFSR ");
    print_hex(seen.hfsr);
    print("\n");
  }
  check(name, good, 1);
  seen.count = 0;
}

static inline bool pc_is_exact(void) {
  return rd(MAILBOX(0)) == 1;
}

// Runs one instruction that faults and carries on behind it; `fault_pc` gets the
// address of the instruction.
#define FAULTING(instruction, operands...)                              \
  __asm__ volatile(                                                     \
      "adr %0, 2f\n\tadr r1, 3f\n\tstr r1, [%1]\n\tb 2f\n\t.balign 4\n" \
      "2:\t" instruction "\n\t.balign 4\n3:"                            \
      : "=&r"(fault_pc)                                                 \
      : "r"(&resume), ##operands                                        \
      : "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc")

static inline void catch_faults(void) {
  for (uint32_t i = EXC_HARDFAULT; i <= EXC_USAGEFAULT; i++)
    set_vector(i, on_fault);
}
