// SPDX-License-Identifier: MIT
// Whole files: read in one piece, and replaced in one piece or not at all.
// Knows nothing of what is in them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/error.h"

// Longest file that is read, in bytes: four times the 256 MB window of the QUADSPI
// (RM0410 2.2.2), because Intel HEX takes almost three characters per byte.
#define FILE_SIZE_MAX ((size_t)1 << 30)

// Heap memory; free() the data.
struct file_bytes {
  uint8_t *data;  // never NULL after a successful read, even of an empty file
  size_t size;
};

// Reads a regular file. Directories, devices and pipes are refused: they may
// have no end. Error: names the file and the reason.
__attribute__((warn_unused_result)) bool file_read(const char *path,
                                                   struct file_bytes *out,
                                                   struct qb_error *error);

// Puts `size` bytes into the file `path`, whatever it held before. The bytes are
// written to a new file beside it, which then takes its name: other programs see
// the old content or the new, never a part, also when this fails midway. Follows
// symbolic links; refuses to replace anything but a regular file.
__attribute__((warn_unused_result)) bool file_replace(const char *path,
                                                      const uint8_t *data, size_t size,
                                                      struct qb_error *error);

// Whether file_replace() could do so now: asked before long work for its content.
__attribute__((warn_unused_result)) bool file_check_place(const char *path,
                                                          struct qb_error *error);

// True if both names lead to one existing file.
bool file_is_same(const char *a, const char *b);
