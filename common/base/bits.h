// SPDX-License-Identifier: MIT
// Bit fields of 32-bit registers and words, named once as (lsb, width).
//
//   #define QUADSPI_CR_FTHRES FIELD(8, 5)
//   r = field_set(r, QUADSPI_CR_FTHRES, 3);
//
// With constant fields every call folds to one or two instructions, if it is
// inlined: at -Os compilers must be told.
#pragma once

#include <stdint.h>

// A field is its position and width packed into one constant.
#define FIELD(lsb, width) ((uint32_t)(lsb) | ((uint32_t)(width) << 8))
#define FIELD_BIT(lsb)    FIELD(lsb, 1)

#define FIELD_INLINE static inline __attribute__((always_inline))

// Bits of the word that the field covers. A field of width 32 starts at bit 0.
FIELD_INLINE uint32_t field_mask(uint32_t field) {
  const uint32_t lsb = field & 0xFFu;
  const uint32_t width = field >> 8;
  return (width >= 32u ? 0xFFFFFFFFu : ((1u << width) - 1u)) << lsb;
}

// The field's value, right-aligned.
FIELD_INLINE uint32_t field_get(uint32_t word, uint32_t field) {
  return (word & field_mask(field)) >> (field & 0xFFu);
}

// `word` with the field replaced; bits of `value` that do not fit are dropped.
FIELD_INLINE uint32_t field_set(uint32_t word, uint32_t field, uint32_t value) {
  const uint32_t mask = field_mask(field);
  return (word & ~mask) | ((value << (field & 0xFFu)) & mask);
}
