// SPDX-License-Identifier: MIT
// Intel HEX files as segments: one per data record, with its line, so that an
// overlap can be told by its two lines.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/segments.h"

// Adds every data record of `text`. `source` must outlive the list. Error: names
// the file, and the line that is wrong.
__attribute__((warn_unused_result)) bool image_ihex_load(struct segments *list,
                                                         const uint8_t *text,
                                                         size_t size,
                                                         const char *source,
                                                         struct qb_error *error);
