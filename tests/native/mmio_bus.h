// SPDX-License-Identifier: MIT
// Binds the drivers' registers to a simulated bus, and gives them time.
#pragma once

#include "sim/core/sim.h"

// All accesses go to `sim` from now on; each takes `cost` of virtual time. Forgets
// what was stuck.
void mmio_bind(struct sim *sim, vtime_t cost);

// Hardware that is broken: from now on the bits of `mask` in the word at `addr` read
// as `value`, whatever they are. A mask of 0 mends it. One word at a time.
void mmio_stick(uint32_t addr, uint32_t mask, uint32_t value);

// Time for drivers, in microseconds; a driver's now_us.
uint32_t mmio_now_us(void *ctx);

// The memory that a driver gave to DMA last, at an address near that of its start.
void *mmio_dma_memory(uint32_t address);
