// SPDX-License-Identifier: MIT
// --option as people write it: NAME=VALUE[,NAME=VALUE...], with the option bytes' names
// of RM0410 3.4, in any case. RDP is the level, 0 to 2; all others are their bits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bits of OPTCR and OPTCR1 to set, and the values they get.
struct option_bytes {
  uint32_t mask[2], value[2];
};

// Adds to `o`. False: one sentence of what is wrong stands in `error`.
bool option_bytes_parse(struct option_bytes *o, const char *text, char *error,
                        size_t error_size);
