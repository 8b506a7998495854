// SPDX-License-Identifier: MIT
#include "host/lib/segments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/grow.h"

// Address after the segment's last byte.
static uint64_t end_of(const struct segment *s) {
  return (uint64_t)s->address + s->size;
}

void segments_free(struct segments *list) {
  for (size_t i = 0; i < list->owned_count; i++) {
    free(list->owned[i]);
  }
  free(list->owned);
  free(list->items);
  *list = (struct segments){0};
}

bool segments_own(struct segments *list, void *memory, struct qb_error *error) {
  void **owned =
      grow_array(list->owned, list->owned_count, &list->owned_capacity, sizeof *owned);
  if (!owned) {
    free(memory);
    return qb_error_no_memory(error);
  }
  list->owned = owned;
  list->owned[list->owned_count++] = memory;
  return true;
}

bool segments_add(struct segments *list, uint64_t address, const uint8_t *bytes,
                  size_t size, const char *source, size_t line,
                  struct qb_error *error) {
  if (size == 0) return qb_error_set(error, "%s holds no bytes; leave it out", source);
  const uint64_t space = (uint64_t)1 << 32;
  if (address >= space || size > space - address) {
    return qb_error_set(
        error,
        "%s: its %zu bytes at 0x%08" PRIX64
        " would end above 0xFFFFFFFF, the last 32-bit address; make it smaller "
        "or move it",
        source, size, address);
  }
  struct segment *items =
      grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return qb_error_no_memory(error);
  list->items = items;
  list->items[list->count++] = (struct segment){.address = (uint32_t)address,
                                                .size = size,
                                                .bytes = bytes,
                                                .source = source,
                                                .line = line,
                                                .alternate = SEGMENT_ANY_TARGET};
  return true;
}

bool segments_add_target(struct segments *list, uint32_t address, const uint8_t *bytes,
                         size_t size, const char *source, int alternate,
                         struct qb_error *error) {
  if (!segments_add(list, address, bytes, size, source, 0, error)) return false;
  list->items[list->count - 1].alternate = alternate;
  return true;
}

bool segments_for_device(struct segments *list, const struct segments_device *device,
                         struct qb_error *error) {
  const struct segments_device *before = &list->device;
  if (device->vendor == SEGMENTS_ANY_ID && device->product == SEGMENTS_ANY_ID) {
    return true;
  }
  if (before->source &&
      (before->vendor != device->vendor || before->product != device->product)) {
    return qb_error_set(error,
                        "%s is for the USB device %04x:%04x, but %s for %04x:%04x; "
                        "flash them one after the other",
                        before->source, before->vendor, before->product, device->source,
                        device->vendor, device->product);
  }
  list->device = *device;
  return true;
}

// ---- Order -----------------------------------------------------------------

static int compare(size_t a, size_t b) {
  return (a > b) - (a < b);
}

// By address. Equal addresses overlap and end in an error, which names the lines
// in their order.
static int by_address(const void *pa, const void *pb) {
  const struct segment *a = pa;
  const struct segment *b = pb;
  const int order = compare(a->address, b->address);
  return order != 0 ? order : compare(a->line, b->line);
}

const char *segment_describe(const struct segment *s, char text[SEGMENT_NAME_ROOM]) {
  if (s->line == 0) return s->source;
  snprintf(text, SEGMENT_NAME_ROOM, "%s line %zu", s->source, s->line);
  return text;
}

static bool refuse_overlap(const struct segment *a, const struct segment *b,
                           struct qb_error *error) {
  char name_a[SEGMENT_NAME_ROOM];
  char name_b[SEGMENT_NAME_ROOM];
  const uint64_t end = end_of(a) < end_of(b) ? end_of(a) : end_of(b);
  if (a->line == 0 && b->line == 0 && strcmp(a->source, b->source) == 0) {
    return qb_error_set(error,
                        "%s holds bytes for 0x%08" PRIX32 "..0x%08" PRIX64
                        " twice; have it made without overlaps",
                        a->source, b->address, end - 1);
  }
  return qb_error_set(error,
                      "%s and %s both hold bytes for 0x%08" PRIX32 "..0x%08" PRIX64
                      "; leave one out or move it",
                      segment_describe(a, name_a), segment_describe(b, name_b),
                      b->address, end - 1);
}

// ---- Merging ---------------------------------------------------------------

// Number of segments from `first` on that follow one another without a gap.
static size_t run_length(const struct segments *list, size_t first) {
  size_t i = first + 1;
  while (i < list->count && list->items[i].address == end_of(&list->items[i - 1]) &&
         list->items[i].alternate == list->items[first].alternate) {
    i++;
  }
  return i - first;
}

static bool repeats_source(const struct segment *run, size_t i) {
  return i > 0 && strcmp(run[i].source, run[i - 1].source) == 0;
}

// "a.bin, b.bin": every source once per stretch. NULL: out of memory.
static char *join_sources(const struct segment *run, size_t n) {
  size_t room = 1;
  for (size_t i = 0; i < n; i++) {
    if (!repeats_source(run, i)) room += strlen(run[i].source) + 2;
  }
  char *names = malloc(room);
  if (!names) return NULL;
  char *p = names;
  for (size_t i = 0; i < n; i++) {
    if (repeats_source(run, i)) continue;
    if (i > 0) p = stpcpy(p, ", ");
    p = stpcpy(p, run[i].source);
  }
  return names;
}

static uint8_t *join_bytes(const struct segment *run, size_t n, size_t *size) {
  *size = (size_t)(end_of(&run[n - 1]) - run[0].address);
  uint8_t *bytes = malloc(*size);
  if (!bytes) return NULL;
  uint8_t *p = bytes;
  for (size_t i = 0; i < n; i++) {
    memcpy(p, run[i].bytes, run[i].size);
    p += run[i].size;
  }
  return bytes;
}

// Turns `n` adjacent segments into one.
static bool merge_run(struct segments *list, const struct segment *run, size_t n,
                      struct segment *out, struct qb_error *error) {
  struct segment merged = run[0];
  if (n > 1) {
    char *source = join_sources(run, n);
    if (!source) return qb_error_no_memory(error);
    if (!segments_own(list, source, error)) return false;
    uint8_t *bytes = join_bytes(run, n, &merged.size);
    if (!bytes) return qb_error_no_memory(error);
    if (!segments_own(list, bytes, error)) return false;
    merged.source = source;
    merged.bytes = bytes;
    merged.line = 0;
  }
  *out = merged;
  return true;
}

bool segments_arrange(struct segments *list, struct qb_error *error) {
  if (list->count == 0) return true;
  qsort(list->items, list->count, sizeof *list->items, by_address);
  // If any two overlap, so do two neighbours.
  for (size_t i = 1; i < list->count; i++) {
    const struct segment *s = &list->items[i];
    if (s->address < end_of(s - 1)) return refuse_overlap(s - 1, s, error);
  }
  size_t kept = 0;
  for (size_t i = 0; i < list->count;) {
    const size_t n = run_length(list, i);
    if (!merge_run(list, &list->items[i], n, &list->items[kept], error)) return false;
    kept++;
    i += n;
  }
  list->count = kept;
  return true;
}
