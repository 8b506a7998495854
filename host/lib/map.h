// SPDX-License-Identifier: MIT
// Segments as the rows of a memory map: pieces, the gaps before and between them, and
// one row for the rest of a region where there are too many to draw. Draws nothing.
#pragma once

#include "host/lib/regions.h"

// Most pieces of one region that have rows of their own.
enum { MAP_PIECES = 12 };
enum { MAP_ROWS = REGION_COUNT * (2 * MAP_PIECES + 2) };

enum map_kind {
  MAP_PIECE,
  MAP_GAP,
  MAP_MORE,  // several pieces, with what is between them
};

struct map_row {
  enum map_kind kind;
  const struct region *region;  // where it begins
  uint32_t address;
  uint64_t end;
  const struct segment *piece;  // MAP_PIECE
  size_t pieces;                // MAP_MORE
};

// Takes an arranged list and returns how many rows there are. Rows of one region follow
// one another without a gap; a region that can be written begins with its begin.
size_t map_make(const struct segments *list, struct map_row rows[MAP_ROWS]);
