// SPDX-License-Identifier: MIT
// Where the bootloader's core spends virtual time: its program counter every few
// microseconds, as a file that tools/bench gives names to.
#pragma once

#include "sim/machine/machine.h"

enum { PROFILE_SIZE = 64 * 1024, PROFILE_SLOTS = PROFILE_SIZE / 2 };

struct profile {
  struct machine *m;
  struct event tick;
  uint32_t counts[PROFILE_SLOTS];  // by half-words from SRAM1_BASE on
  uint64_t asleep, elsewhere;
};

void profile_begin(struct profile *p, struct machine *m);

// Lines of "address count", and what is at no address: "asleep", "elsewhere".
bool profile_end(struct profile *p, const char *path);
