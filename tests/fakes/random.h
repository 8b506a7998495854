// SPDX-License-Identifier: MIT
// Random numbers that are the same in every run and on every machine.
#pragma once

#include <stdint.h>

struct random {
  uint32_t state;  // never 0
};

// Marsaglia's xorshift32.
static inline uint32_t random_next(struct random *r) {
  r->state ^= r->state << 13;
  r->state ^= r->state >> 17;
  r->state ^= r->state << 5;
  return r->state;
}

// 0 to `count` - 1.
static inline uint32_t random_below(struct random *r, uint32_t count) {
  return random_next(r) % count;
}

// True once in `count` times.
static inline int random_one_in(struct random *r, uint32_t count) {
  return random_below(r, count) == 0;
}
