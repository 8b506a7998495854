// SPDX-License-Identifier: MIT
// What the flash allows, from the tables that the simulator runs it by: typical erases,
// typical programs with their transfers, one read-back. In seconds.
#pragma once

#include "tests/hostmodel/rig.h"

// The commands that the bootloader used on the NOR chip's wires, and so the clocks and
// lines that transfers are counted with.
struct wires {
  struct nor_tap tap;
  const struct nor *nor;
  uint64_t half_clocks;  // since CS# fell
  vtime_t page;          // the shortest program of a whole page; 0: none came
  double read_Bps;       // of the fastest read of the array
};

void wires_listen(struct wires *w, struct nor *nor);
void wires_end(struct wires *w, struct nor *nor);

// Erases of these many bytes by the type that is cheapest per byte. `smallest`: by the
// chip's smallest erase instead.
double limit_nor_erase(const struct nor_chip *chip, uint32_t size, bool smallest);
double limit_nor_program(const struct wires *w, uint32_t size);
double limit_nor_read(const struct wires *w, uint32_t size);

// Of internal flash, all three: the sectors that [offset, offset + size) touches.
double limit_internal(const struct flash_f7 *f, uint32_t offset, uint32_t size,
                      uint64_t cpu_hz);
