// SPDX-License-Identifier: MIT
// What a block of code has in it that the core must look at before it runs: how many
// instructions, which of them can trap, which change what the core may do. Encodings:
// ARMv7-M ARM (DDI0403E) A5.2 and A5.3.
#include <string.h>

#include "sim/cpu/cpu_internal.h"

// Registers as bits; above them, that the instruction is inside an IT block.
enum { ALL_REGISTERS = 0xFFFF, CONDITIONAL = 0x10000, SP = 13, PC = 15 };

// Thumb-2: a first half-word of 0b11101, 0b11110 or 0b11111 has a second one
// (A5.1).
static bool is_wide(uint16_t half) {
  return (half >> 11) >= 0x1D;
}

// CPS (A7.7.29) or MSR (B5.2.3): what can clear PRIMASK, FAULTMASK or BASEPRI.
static bool changes_masks(uint16_t half) {
  return (half & 0xFFE8u) == 0xB660u || (half & 0xFFF0u) == 0xF380u;
}

static bool is_it(uint16_t half) {
  return (half & 0xFF00u) == 0xBF00u && (half & 0xFu);
}

// VFP instructions are those of coprocessors 10 and 11 (A6.2).
static bool is_fpu(uint16_t first, uint16_t second) {
  return (first & 0xEC00u) == 0xEC00u && (second & 0x0E00u) == 0x0A00u;
}

static bool is_divide(uint16_t first) {
  return (first & 0xFFD0u) == 0xFB90u;  // SDIV, UDIV
}

// STREX, STREXB, STREXH (A7.7.167 to 169).
static bool is_store_exclusive(uint16_t first, uint16_t second) {
  const bool narrow = (second & 0xE0u) == 0x40u;
  return (first & 0xFFF0u) == 0xE840u || ((first & 0xFFF0u) == 0xE8C0u && narrow);
}

static bool is_load_exclusive(uint16_t first, uint16_t second) {
  const bool narrow = (second & 0xE0u) == 0x40u;
  return (first & 0xFFF0u) == 0xE850u || ((first & 0xFFF0u) == 0xE8D0u && narrow);
}

// The low address bits that must be 0 whatever CCR says (A3.2.1), for instructions
// whose offsets are multiples of them; the base register is the low four bits of the
// first half-word.
static unsigned aligned_wide(uint16_t first, uint16_t second) {
  const bool p = first & 0x100u, u = first & 0x80u, w = first & 0x20u;
  if ((first & 0xFE00u) == 0xEC00u && is_fpu(first, second)) {
    return p || u || w ? 3 : 0;  // VLDR, VSTR, VLDM, VSTM; not VMOV
  }
  if ((first & 0xFE40u) == 0xE800u) return 3;              // LDM, STM
  if ((first & 0xFE40u) == 0xE840u && (p || w)) return 3;  // LDRD, STRD
  if ((first & 0xFFE0u) == 0xE840u) return 3;              // LDREX, STREX
  const bool half = (second & 0xF0u) == 0x50u;
  return (first & 0xFFE0u) == 0xE8C0u && half ? 1 : 0;  // LDREXH, STREXH
}

// Registers that an instruction may write: never too few.
static uint32_t written_narrow(uint16_t half) {
  const uint32_t low = 1u << (half & 7u), middle = 1u << ((half >> 8) & 7u);
  switch (half >> 12) {
    case 0x0:
    case 0x1: return low;
    case 0x2:
    case 0x3:
    case 0x9:
    case 0xA: return middle;
    case 0x4:
      if (half & 0x0800u) return middle;
      return half & 0x0400u ? low | 1u << ((half & 7u) | ((half >> 4) & 8u)) : low;
    case 0xB: return is_it(half) ? ALL_REGISTERS : (half & 0xFFu) | low;
    case 0xC: return (half & 0xFFu) | middle;
    default: return low;
  }
}

static uint32_t written_wide(uint16_t first, uint16_t second) {
  if ((first & 0xFE40u) == 0xE800u) return second | 1u << (first & 0xFu);
  return 1u << (first & 0xFu) | 1u << (second >> 12) | 1u << ((second >> 8) & 0xFu);
}

static void note_trap(struct decoded *d, struct trap trap, uint32_t written) {
  if (trap.reg == SP || trap.reg == PC) return;
  if (written & CONDITIONAL) return;  // whether it runs is not known before
  trap.late = (written >> trap.reg) & 1u;
  if (trap.late && trap.kind != FEATURE_DIVIDE) return;
  if (d->trap_count < DECODED_TRAPS) d->traps[d->trap_count++] = trap;
  d->features |= trap.kind;
}

// A divisor that changes again cannot be looked at afterwards.
static void drop_late(struct decoded *d, uint32_t written) {
  for (unsigned i = 0; i < d->trap_count; i++) {
    struct trap *t = &d->traps[i];
    if (t->late && ((written >> t->reg) & 1u)) t->kind = 0;
  }
}

static uint32_t scan_wide(struct decoded *d, uint32_t at, uint16_t first,
                          uint16_t second, uint32_t written) {
  const uint8_t base = first & 0xFu;
  if (is_fpu(first, second)) d->features |= FEATURE_FPU;
  if (is_load_exclusive(first, second)) d->features |= FEATURE_LDREX;
  if (is_store_exclusive(first, second) && !(d->features & FEATURE_LDREX)) {
    d->features |= FEATURE_STREX;
  }
  // MSR of FAULTMASK (19) or CONTROL (20).
  const unsigned special = second & 0xFFu;
  if (changes_masks(first) && (special == 19 || special == 20)) {
    d->features |= FEATURE_RIGHTS;
  }
  if (first == 0xF3AFu && second == 0x8004u) d->features |= FEATURE_SEV;
  const unsigned low = aligned_wide(first, second);
  if (low) {
    note_trap(d, (struct trap){(uint16_t)at, FEATURE_ALIGNED, base, (uint8_t)low, 0},
              written);
  }
  if (is_divide(first)) {
    const uint8_t divisor = second & 0xFu;
    note_trap(d, (struct trap){(uint16_t)at, FEATURE_DIVIDE, divisor, 0, 0}, written);
    drop_late(d, 1u << ((second >> 8) & 0xFu));
    return written | 1u << ((second >> 8) & 0xFu);
  }
  drop_late(d, written_wide(first, second));
  return written | written_wide(first, second);
}

static uint32_t scan_narrow(struct decoded *d, uint32_t at, uint16_t half,
                            uint32_t written) {
  if (half == 0xBF40u) d->features |= FEATURE_SEV;
  if ((half & 0xFFEFu) == 0xB661u) d->features |= FEATURE_RIGHTS;  // CPS f
  if ((half & 0xF000u) == 0xC000u) {                               // LDM, STM
    const uint8_t base = (half >> 8) & 7u;
    note_trap(d, (struct trap){(uint16_t)at, FEATURE_ALIGNED, base, 3, 0}, written);
  }
  drop_late(d, written_narrow(half));
  return written | written_narrow(half);
}

// How many instructions an IT makes conditional (A7.7.38).
static unsigned it_length(uint16_t half) {
  return is_it(half) ? 4u - (unsigned)__builtin_ctz(half & 0xFu) : 0;
}

static void scan(struct decoded *d, const uint8_t *code) {
  uint32_t written = 0;
  unsigned conditional = 0;
  for (uint32_t at = 0; at + 2 <= d->size;) {
    uint16_t half[2] = {0};
    const bool whole = at + 4 <= d->size;
    memcpy(half, code + at, whole ? 4 : 2);
    if (changes_masks(half[0])) d->changes_masks = true;
    d->instructions++;
    written = conditional ? written | CONDITIONAL : written & ~(uint32_t)CONDITIONAL;
    conditional = conditional ? conditional - 1 : it_length(half[0]);
    if (is_wide(half[0]) && whole) {
      written = scan_wide(d, at, half[0], half[1], written);
    } else {
      written = scan_narrow(d, at, half[0], written);
    }
    at += is_wide(half[0]) ? 4 : 2;
  }
}

static void decode(struct cpu *c, struct decoded *d, uint32_t addr, uint32_t size) {
  const struct region_state *r = cpu_region_at(c, addr);
  *d = (struct decoded){.addr = addr, .size = size, .rights = RIGHTS_UNKNOWN};
  if (!r || size > r->def.size - (addr - r->def.base)) {
    d->instructions = (uint16_t)(size / 2);
    d->changes_masks = true;
    return;
  }
  d->code = r->def.bytes + (addr - r->def.base);
  memcpy(&d->first_word, d->code, sizeof d->first_word);
  cpu_note_code(r, addr, size);
  scan(d, d->code);
}

struct decoded *cpu_decode_again(struct cpu *c, uint32_t addr, uint32_t size) {
  struct decoded *d = cpu_decoded_slot(c, addr);
  decode(c, d, addr, size);
  return d;
}
