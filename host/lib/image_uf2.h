// SPDX-License-Identifier: MIT
// UF2 files as segments: the payload of every block for the main flash.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/segments.h"

// Adds every block of `file`, in whatever order they come; a block that comes again
// with the same content counts once. The bytes stay in `file`, which must live as long
// as the list, like `source`. Error: names the file and the block that is wrong, or
// missing, or for another family of chips.
__attribute__((warn_unused_result)) bool image_uf2_load(struct segments *list,
                                                        const uint8_t *file,
                                                        size_t size, const char *source,
                                                        struct qb_error *error);
