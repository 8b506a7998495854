// SPDX-License-Identifier: MIT
// Files that are written when a run is over: whether that will work is asked before
// the run, and a file is replaced whole or stays what it was.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// One sentence for people: what is wrong and what to do.
struct load_error {
  char text[512];
};

// Could `path` be written now? Nothing that exists is changed by asking. Devices and
// pipes pass; `image` takes nothing but regular files.
bool output_probe(const char *path, bool image, struct load_error *error);

// Puts `size` bytes into `path`. A regular file is written beside its old self and
// takes its name, its mode and, if that is allowed, its owner; symbolic links are
// followed. Devices and pipes are written to as they are.
bool output_write(const char *path, const void *bytes, size_t size,
                  struct load_error *error);

// Both names mean one regular file, there already or still to be made.
bool output_same(const char *a, const char *b);
