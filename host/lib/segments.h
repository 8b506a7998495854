// SPDX-License-Identifier: MIT
// What is to be flashed: pieces of bytes with their addresses and origins,
// collected from any number of files, then put in order. Owns the memory the
// pieces lie in. Knows no file format, and not which addresses are flash.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/error.h"

#define SEGMENT_ANY_TARGET (-1)

struct segment {
  uint32_t address;
  size_t size;  // > 0; address + size is at most 2^32
  const uint8_t *bytes;
  const char *source;  // name of the file, or of the files, that it came from
  size_t line;         // line in that file; 0 if the format has no lines
  int alternate;       // DfuSe target that the file names, or SEGMENT_ANY_TARGET
};

#define SEGMENTS_ANY_ID 0xFFFFu

// The USB device that a file says it is for.
struct segments_device {
  uint16_t vendor, product;  // SEGMENTS_ANY_ID: any
  const char *source;        // the file; NULL: none says anything
};

// Set to {0} before first use.
struct segments {
  struct segments_device device;
  struct segment *items;
  size_t count, capacity;
  void **owned;  // memory that items point into
  size_t owned_count, owned_capacity;
};

void segments_free(struct segments *list);

// Takes over memory from malloc(): it is freed with the list, or at once if this
// fails. For bytes and names that are added next.
__attribute__((warn_unused_result)) bool segments_own(struct segments *list,
                                                      void *memory,
                                                      struct qb_error *error);

// Adds a piece; nothing is copied, so `bytes` and `source` must be owned by the
// list or outlive it. `address` is wider than the board's, so that no caller
// has to cut it. Refused: no bytes, or an end above 2^32.
__attribute__((warn_unused_result)) bool segments_add(struct segments *list,
                                                      uint64_t address,
                                                      const uint8_t *bytes, size_t size,
                                                      const char *source, size_t line,
                                                      struct qb_error *error);

// Notes the device of a file. Refused: another file is for another device.
__attribute__((warn_unused_result)) bool segments_for_device(
    struct segments *list, const struct segments_device *device,
    struct qb_error *error);

// "app.hex line 12", or the source alone if it has no line. Returns the source or
// `text`.
#define SEGMENT_NAME_ROOM 300
const char *segment_describe(const struct segment *s, char text[SEGMENT_NAME_ROOM]);

// The same, for bytes that the file wants in one DfuSe target.
__attribute__((warn_unused_result)) bool segments_add_target(
    struct segments *list, uint32_t address, const uint8_t *bytes, size_t size,
    const char *source, int alternate, struct qb_error *error);

// Sorts by address and merges what is adjacent and for one target; merged pieces keep
// the names of all their sources ("a.bin, b.bin") and no line. The order in which
// pieces were added has no influence. Refused: bytes that two pieces claim; the error
// names both and the range.
__attribute__((warn_unused_result)) bool segments_arrange(struct segments *list,
                                                          struct qb_error *error);
