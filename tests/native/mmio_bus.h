// SPDX-License-Identifier: MIT
// Binds the drivers' registers to a simulated bus, and gives them time.
#pragma once

#include "sim/core/sim.h"

// All accesses go to `sim` from now on; each takes `cost` of virtual time.
void mmio_bind(struct sim *sim, vtime_t cost);

// Time for drivers, in microseconds; a driver's now_us.
uint32_t mmio_now_us(void *ctx);
