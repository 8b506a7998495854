// SPDX-License-Identifier: MIT
// DfuSe files (.dfu) into segments.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/error.h"
#include "host/lib/segments.h"

// True if the file begins like one.
bool image_dfuse_detect(const uint8_t *file, size_t size);

// Adds every element with the target it is for, and notes which USB device the file
// is for. The bytes stay in `file`, which must live as long as the list.
// Error: one sentence that names the source.
__attribute__((warn_unused_result)) bool image_dfuse_load(struct segments *list,
                                                          const uint8_t *file,
                                                          size_t size,
                                                          const char *source,
                                                          struct qb_error *error);
