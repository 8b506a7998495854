// SPDX-License-Identifier: MIT
// Wall time for deadlines. Virtual time belongs to the simulator.
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER UINT64_MAX

// Milliseconds of a clock that never jumps.
static inline uint64_t clock_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline uint64_t clock_earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}
