// SPDX-License-Identifier: MIT
#include "host/lib/map.h"

static uint64_t end_of(const struct segment *s) {
  return (uint64_t)s->address + s->size;
}

// Number of segments from `first` on that begin in one region.
static size_t count_in_region(const struct segments *list, size_t first) {
  const struct region *region = region_of(list->items[first].address);
  size_t i = first + 1;
  while (i < list->count && list->items[i].address <= region->last) {
    i++;
  }
  return i - first;
}

// Where the first row of a region begins, if its first piece is `s`.
static uint32_t begin_of(const struct region *region, const struct segment *s) {
  return region->alternate_setting == REGION_REFUSED ? s->address : region->first;
}

// The rows of the `n` segments at `s`, all in one region.
static size_t add_region(const struct segment *s, size_t n, struct map_row *rows) {
  const struct region *region = region_of(s->address);
  uint64_t at = begin_of(region, s);
  size_t made = 0;
  // The last row of its own makes place for the row of all the rest.
  const size_t own = n > MAP_PIECES ? MAP_PIECES - 1 : n;
  for (size_t i = 0; i < n; i++) {
    if (s[i].address > at) {
      rows[made++] = (struct map_row){.kind = MAP_GAP,
                                      .region = region,
                                      .address = (uint32_t)at,
                                      .end = s[i].address};
    }
    if (i == own) {
      rows[made++] = (struct map_row){.kind = MAP_MORE,
                                      .region = region,
                                      .address = s[i].address,
                                      .end = end_of(&s[n - 1]),
                                      .pieces = n - own};
      break;
    }
    at = end_of(&s[i]);
    rows[made++] = (struct map_row){.kind = MAP_PIECE,
                                    .region = region,
                                    .address = s[i].address,
                                    .end = at,
                                    .piece = &s[i]};
  }
  return made;
}

size_t map_make(const struct segments *list, struct map_row rows[MAP_ROWS]) {
  size_t made = 0;
  for (size_t i = 0; i < list->count;) {
    const size_t n = count_in_region(list, i);
    made += add_region(&list->items[i], n, rows + made);
    i += n;
  }
  return made;
}
