// SPDX-License-Identifier: MIT
// A DfuSe file taken apart into files: what each is called and holds, and whether
// packing them makes the same file again. Writes nothing.
#pragma once

#include "common/format/dfuse.h"
#include "host/lib/error.h"

enum { UNPACK_NAME_ROOM = 64 };

// One element that holds bytes.
struct unpack_part {
  // "0-internal-flash-0x08010000.bin", of a-z, 0-9, '-' and '.' only, whatever the
  // target is called; no two of a file are equal.
  char name[UNPACK_NAME_ROOM];
  uint8_t alternate;
  uint32_t address, size;
  const uint8_t *bytes;
};

// Set to {0} before first use.
struct unpack {
  struct unpack_part *parts;  // in the file's order
  size_t count;
  struct dfuse_summary summary;
};

// The parts point into `file`, which must outlive them. unpack_free() in any case.
// Error: names the source; not a DfuSe file, or a defect of it.
__attribute__((warn_unused_result)) bool unpack_open(struct unpack *out,
                                                     const uint8_t *file, size_t size,
                                                     const char *source,
                                                     struct qb_error *error);
void unpack_free(struct unpack *u);

enum unpack_again {
  UNPACK_SAME,       // `pack` makes the same file from the parts, byte by byte
  UNPACK_DIFFERENT,  // a file with the same bytes for the same addresses, no more
  UNPACK_REFUSED,    // none; the error says why
};

// Tries it. `file` is what was opened.
enum unpack_again unpack_try_again(const struct unpack *u, const uint8_t *file,
                                   size_t size, struct qb_error *error);
