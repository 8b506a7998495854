// SPDX-License-Identifier: MIT
// The DfuSe memory string of a medium (UM0424): what hosts learn of its geometry.
//
//   @Internal Flash  /0x08010000/02*032Kg,01*128Kg,07*256Kg/0x08000000/02*032Ka
#pragma once

#include <stddef.h>

#include "firmware/flash/media.h"

enum { LAYOUT_MAX = 126 };  // characters in a USB string descriptor

// Writes the string, terminated, into `out` of LAYOUT_MAX + 1 bytes. The writable
// zone comes first; fwupd refuses zones that follow a read-only one that ends where
// they begin. No segment has more than 999 blocks, fwupd's limit. Returns its length.
size_t layout_string(const struct media_geometry *g, char out[LAYOUT_MAX + 1]);
