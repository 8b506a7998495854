// SPDX-License-Identifier: MIT
// From segments to a DfuSe file in memory: one target per medium, in ascending
// order of addresses, with elements that ascend and are not adjacent.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/lib/error.h"
#include "host/lib/file.h"
#include "host/lib/segments.h"

// What the suffix says the file is for. 0xFFFF means "any".
struct pack_options {
  uint16_t vendor, product, bcd_device;
};

// Checks every segment against the board's regions, arranges the list (see
// segments_arrange()) and builds the file. The bytes depend only on what the
// segments and options say. free() out->data.
// Error: a segment outside flash or for another target than its address has, two
// segments over the same bytes, no segment.
__attribute__((warn_unused_result)) bool pack_segments(
    struct segments *list, const struct pack_options *options, struct file_bytes *out,
    struct qb_error *error);
