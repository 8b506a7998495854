// SPDX-License-Identifier: MIT
// What the stub leaves for the core, in the first words of SRAM2. A core that was
// pushed into RAM by other means finds no magic and says so.
#pragma once

#include <stdint.h>

#define HANDOVER_ADDRESS 0x2007C000u
#define HANDOVER_MAGIC   0x31304251u  // "QB01"

struct handover {
  uint32_t magic;
  uint32_t choice;  // enum boot_choice
};
