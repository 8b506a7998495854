// SPDX-License-Identifier: MIT
#include <string.h>

#include "sim/cpu/cpu_internal.h"

// Thumb-2: a first half-word of 0b11101, 0b11110 or 0b11111 has a second one
// (ARMv7-M ARM A5.1).
static bool is_wide(uint16_t half) {
  return (half >> 11) >= 0x1D;
}

// CPS (A7.7.29) or MSR (B5.2.3): what can clear PRIMASK, FAULTMASK or BASEPRI.
static bool changes_masks(uint16_t half) {
  return (half & 0xFFE8u) == 0xB660u || (half & 0xFFF0u) == 0xF380u;
}

static void scan(struct decoded *d, const uint8_t *code) {
  for (uint32_t at = 0; at + 2 <= d->size;) {
    uint16_t half;
    memcpy(&half, code + at, sizeof half);
    if (changes_masks(half)) d->changes_masks = true;
    d->instructions++;
    at += is_wide(half) ? 4 : 2;
  }
}

static void decode(struct cpu *c, struct decoded *d, uint32_t addr, uint32_t size) {
  const struct region_state *r = cpu_region_at(c, addr);
  *d = (struct decoded){.addr = addr, .size = size};
  if (!r || size > r->def.size - (addr - r->def.base)) {
    d->instructions = (uint16_t)(size / 2);
    d->changes_masks = true;
    return;
  }
  d->code = r->def.bytes + (addr - r->def.base);
  memcpy(&d->first_word, d->code, sizeof d->first_word);
  if (r->ran)
    memset(r->ran + (addr - r->def.base) / CACHE_LINE, 1, size / CACHE_LINE + 2);
  scan(d, d->code);
}

struct decoded *cpu_decode(struct cpu *c, uint32_t addr, uint32_t size) {
  struct decoded *d = &c->decoded[(addr >> 1) % DECODE_SLOTS];
  uint32_t first = 0;
  if (d->code) memcpy(&first, d->code, sizeof first);
  if (d->addr != addr || d->size != size || d->first_word != first) {
    decode(c, d, addr, size);
  }
  return d;
}
