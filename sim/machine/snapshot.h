// SPDX-License-Identifier: MIT
// A copy of the whole board, at whatever instant it is made: the process is forked, the
// copy runs a function and hands back a small result. The board itself is untouched,
// so thousands of power cuts can start from the same moment. A few milliseconds each.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sim/machine/machine.h"

enum { SNAPSHOT_RESULT_MAX = 4096 };  // what a pipe takes without a reader

// Runs `run(m, ctx, result)` in a copy; `result` holds `size` bytes (at most
// SNAPSHOT_RESULT_MAX), zero at first, and comes back as `run` leaves it. False: the
// copy did not get that far (it crashed, or a check in it failed); `result` is zero
// then. Nothing else comes back, and files must not be written in `run`: both copies
// share their positions.
bool machine_fork_run(struct machine *m,
                      void (*run)(struct machine *m, void *ctx, void *result),
                      void *ctx, void *result, size_t size);
