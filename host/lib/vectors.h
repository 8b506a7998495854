// SPDX-License-Identifier: MIT
// The first two words of a vector table (ARMv7-M B1.5.3), and whether they can be those
// of an application on this chip.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { VECTORS_SIZE = 8 };

struct vectors {
  uint32_t sp;     // initial stack pointer
  uint32_t reset;  // reset handler, bit 0 set for Thumb
};

// Takes VECTORS_SIZE bytes.
struct vectors vectors_load(const uint8_t *bytes);

// True if the stack is in RAM and the handler is Thumb code in internal flash.
bool vectors_plausible(const struct vectors *v);

// True if they are, and an application that begins at `address` could have them.
bool vectors_fit(const struct vectors *v, uint32_t address);
