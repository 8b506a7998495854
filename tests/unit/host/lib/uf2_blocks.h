// SPDX-License-Identifier: MIT
// UF2 blocks for tests, typed from the description of the format.
#pragma once

#include <stdint.h>
#include <string.h>

struct uf2_plan {
  uint32_t flags, address, number, count, family;
  char fill;  // 256 bytes of it
};

enum { UF2_PLAN_PAYLOAD = 256 };

static inline void uf2_put32(uint8_t *p, uint32_t v) {
  for (unsigned i = 0; i < 4; i++, v >>= 8) {
    p[i] = (uint8_t)v;
  }
}

static inline void uf2_make(uint8_t out[512], const struct uf2_plan *plan) {
  const uint32_t head[] = {0x0A324655,       0x9E5D5157,   plan->flags, plan->address,
                           UF2_PLAN_PAYLOAD, plan->number, plan->count, plan->family};
  memset(out, 0, 512);
  for (unsigned i = 0; i < 8; i++) {
    uf2_put32(out + 4 * i, head[i]);
  }
  memset(out + 32, plan->fill, UF2_PLAN_PAYLOAD);
  uf2_put32(out + 508, 0x0AB16F30);
}
