// SPDX-License-Identifier: MIT
// Expands raw DEFLATE (RFC 1951): no zlib or gzip header, no dictionary, all at once.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

// Expands `in` into `out`. *out_size is the room there, and then what was made. DAMAGED
// for anything that is not whole, valid and small enough; what is in `out` then is of
// no use. Bytes behind the end of the stream are not looked at. Needs 4 KB of stack.
enum status inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_size);
