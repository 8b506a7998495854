// SPDX-License-Identifier: MIT
// The board's 32-bit address space as the host tool sees it: which part is a
// DfuSe target, and what to tell about every other part. The device has the last
// word (its real sizes are read from the chips); this is for early, plain words.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/lib/error.h"
#include "host/lib/segments.h"

#define REGION_REFUSED (-1)

struct region {
  uint32_t first, last;   // both inclusive
  int alternate_setting;  // DfuSe target, or REGION_REFUSED
  const char *name;       // as in "lies in ..."; a target's name in the file
  const char *advice;     // what to do instead; NULL for a target
};

// All regions: ascending, without gap or overlap, from 0 to 0xFFFFFFFF.
#define REGION_COUNT 17
extern const struct region region_table[REGION_COUNT];

// The region that holds the address.
const struct region *region_of(uint32_t address);

// The segment must lie in one target's region, whole. Error: names the source and
// where the bytes lie.
__attribute__((warn_unused_result)) bool region_check(const struct segment *segment,
                                                      struct qb_error *error);
