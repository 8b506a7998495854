// SPDX-License-Identifier: MIT
#include "host/lib/vectors.h"

#include "common/base/bytes.h"

// RM0410 2.2.2.
#define INTERNAL_FIRST 0x08000000u
#define INTERNAL_LAST  0x081FFFFFu

static bool is_ram(uint32_t sp) {
  return sp % 4 == 0 && ((sp > 0x20000000u && sp <= 0x20080000u) ||
                         (sp > 0xC0000000u && sp <= 0xE0000000u));
}

struct vectors vectors_load(const uint8_t *bytes) {
  return (struct vectors){.sp = load_le32(bytes), .reset = load_le32(bytes + 4)};
}

bool vectors_plausible(const struct vectors *v) {
  return is_ram(v->sp) && (v->reset & 1) && v->reset >= INTERNAL_FIRST &&
         v->reset <= INTERNAL_LAST;
}

bool vectors_fit(const struct vectors *v, uint32_t address) {
  return vectors_plausible(v) && v->reset >= address;
}
