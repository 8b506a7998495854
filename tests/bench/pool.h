// SPDX-License-Identifier: MIT
// Work spread over processes: each piece runs in a fork of its own, so many at a time,
// and hands a small result back.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pool_work {
  void *ctx;
  // In the child: writes the result of piece `index`, zero at first.
  void (*run)(void *ctx, size_t index, void *result);
  // In the parent, when it has ended after `cpu_s` of CPU time. `good`: with a result.
  void (*ended)(void *ctx, size_t index, bool good, double cpu_s);
};

// Pieces begin in the order of `order`, `count` of them, at most `jobs` at a time.
// `results` has one place of `size` bytes (what a pipe takes without a reader: at most
// 4096) for each; those of pieces that crashed are zero.
void pool_run(const struct pool_work *work, const size_t *order, size_t count,
              unsigned jobs, void *results, size_t size);
