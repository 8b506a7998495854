// SPDX-License-Identifier: MIT
// All flash looks like this: geometry as data, four operations, and deadlines that
// each medium takes from its own datasheet. Offsets are from the medium's start.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "firmware/flash/loan.h"

enum { MEDIA_MAX_RUNS = 6, MEDIA_MAX_ERASES = 4 };

// A size, besides the block's, in which a medium can erase.
struct media_erase {
  uint32_t size;      // bytes
  uint32_t erase_us;  // typical
  uint8_t runs;       // bit i: it works in the geometry's runs[i]
};

// A stretch of erase blocks of one size.
struct media_run {
  uint32_t block_size;  // bytes
  uint16_t count;
  bool writable;      // by an update; false: the bootloader's own
  uint32_t erase_us;  // of one block, typical
};

struct media_geometry {
  const char *name;  // as hosts show it; no '/'
  uint32_t base;     // address of offset 0
  uint32_t size;     // the sum of the runs
  struct media_run runs[MEDIA_MAX_RUNS];
  uint8_t run_count;
  // Further sizes that erase_start takes, in no order, in the runs named and where the
  // offset is a multiple of the size. A run's own block size may be among them.
  struct media_erase erases[MEDIA_MAX_ERASES];
  uint8_t erase_count;
  uint32_t whole_erase_us;     // erase_start(0, size), typical; 0: not possible
  uint32_t program_us_per_kb;  // typical
  // Bytes that may be programmed once between two erases, all together: an aligned
  // group that has an ECC of its own. 0: bits may be cleared whenever they are set.
  uint32_t program_once;
};

struct media {
  void *ctx;
  struct media_geometry geometry;
  // Copies `n` bytes. Not while an operation is in progress.
  enum status (*read)(void *ctx, uint32_t offset, uint8_t *dst, size_t n);
  // Lends the same bytes, to loads of any size and alignment. NOT_NOW: these it cannot.
  // NULL: it never does.
  enum status (*view)(void *ctx, uint32_t offset, size_t n, struct flash_loan *loan);
  // Like read, begun only, of whole words and to where DMA reaches and nothing is
  // cached; NULL: it has none. `fetched` tells how many bytes are there, or more.
  // Whatever else is asked of the medium meanwhile waits for its end.
  enum status (*fetch)(void *ctx, uint32_t offset, void *dst, size_t n);
  enum status (*fetched)(void *ctx, size_t *n);
  // Begins to erase the block that starts at `offset`, of `size` bytes; or a piece of
  // another size that the geometry lists. BAD_ADDRESS if the medium has none such.
  enum status (*erase_start)(void *ctx, uint32_t offset, uint32_t size);
  // Begins to program. `src` must stay until the operation is over; any alignment,
  // bytes of a program unit that are not given stay as they are.
  enum status (*program_start)(void *ctx, uint32_t offset, const uint8_t *src,
                               size_t n);
  // Carries the operation on. `*busy` is false when it is over; the status is its
  // result then. FLASH_TIMEOUT when the medium's deadline passes.
  enum status (*poll)(void *ctx, bool *busy);
};

// The erase block that holds `offset`. False beyond the end.
// `run`: its number, and where that begins and ends.
struct media_block {
  uint8_t run;
  uint32_t run_start, run_end;
  uint32_t offset, size, erase_us;
  bool writable;
};
bool media_block_at(const struct media_geometry *g, uint32_t offset,
                    struct media_block *out);
