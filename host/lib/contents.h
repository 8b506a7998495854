// SPDX-License-Identifier: MIT
// What is in one file, for a person: its format, where its bytes go, the application in
// it, and what quadboot would not like about it. Shows nothing by itself.
#pragma once

#include "common/format/dfuse.h"
#include "host/lib/file.h"
#include "host/lib/image.h"
#include "host/lib/vectors.h"

// Set to {0} before first use.
struct contents {
  struct file_bytes file;
  enum image_format format;
  bool placed;             // false: raw bytes without an address; then no pieces
  struct segments pieces;  // arranged
  // Of a DfuSe file; dfuse_open() may be called again for its targets.
  struct dfuse_summary summary;
  // The first two words where quadboot looks for an application, or of a file that has
  // no address, at its begin.
  bool has_vectors;
  uint32_t vectors_address;  // if placed
  struct vectors vectors;
};

// Reads a file. contents_free() in any case. Error: one sentence that names the file.
__attribute__((warn_unused_result)) bool contents_read(struct contents *out,
                                                       const struct image_input *input,
                                                       struct qb_error *error);
void contents_free(struct contents *c);

// Writes up to `room` sentences about what would keep the file from a board, or from
// starting there, and returns how many.
size_t contents_problems(const struct contents *c, struct qb_error *out, size_t room);

// A target's name may hold anything; this leaves printable ASCII, '?' for the rest.
void contents_text(const char *name, char out[DFUSE_NAME_SIZE + 1]);
