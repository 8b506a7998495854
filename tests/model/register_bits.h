// SPDX-License-Identifier: MIT
// Every bit of a block's registers, classed: a table typed from the manual, and the
// check that a model agrees with it. All ones and all zeros are written everywhere.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sim/core/sim.h"

// A bit in none of the four classes is reserved: it keeps its reset value, and a
// write that would change it is reported, bit for bit.
struct register_bits {
  const char *name;
  uint32_t offset, reset;
  uint32_t kept;     // reads back as written
  uint32_t fixed;    // read-only: no write changes it
  uint32_t acts;     // a write has an effect of its own; tested elsewhere
  uint32_t missing;  // named in the manual, not modelled: setting it says so
};

struct register_block {
  const struct register_bits *regs;  // ascending offsets
  size_t count;
  uint32_t base, end;  // words from base to base + end that are in no row are holes
  struct sim *sim;
  void (*restart)(void *ctx);  // every register as after power-on
  void *ctx;
};

void check_register_bits(const struct register_block *b);
