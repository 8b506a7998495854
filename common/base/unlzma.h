// SPDX-License-Identifier: MIT
// Expands raw LZMA (7-Zip's LZMA specification, "LZMA1" of xz) that ends with its end
// marker, with lc = 1, lp = 1, pb = 1; and undoes xz's filter for Thumb branches.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

// Expands `in` into `out`. *out_size is the room there, and then what was made. DAMAGED
// for anything that is not whole, valid and small enough; what is in `out` then is of
// no use. Bytes behind the end of the stream are not looked at. Needs 9 KB of stack.
enum status unlzma(const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_size);

// BL instructions whose target was made absolute, for a program that begins at 0, are
// as the linker made them again (xz: ARMTHUMB).
void thumb_unfilter(uint8_t *code, size_t size);
