// SPDX-License-Identifier: MIT
// What the application expects to find in the QSPI flash. The table is generated at
// build time (tools/mkassets) and is part of the application's own image, so that
// code and assets belong together.
#pragma once

#include <stdint.h>

enum asset_kind { ASSET_FONT, ASSET_PICTURE };

struct asset {
  const char *name;
  enum asset_kind kind;
  uint32_t address, length;
  uint32_t crc;  // CRC-32 as zlib computes it
};

extern const struct asset assets[];
extern const uint32_t asset_count;
