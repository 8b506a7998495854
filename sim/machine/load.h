// SPDX-License-Identifier: MIT
// Putting bytes into a board's memories from files, and back.
#pragma once

#include "sim/machine/machine.h"
#include "sim/machine/output_file.h"

// Loads an ELF file by its physical addresses, an Intel HEX file, or a raw file at
// `addr`, into flash, NOR or RAM. `has_addr` with the first two is an error; so is a
// raw file without. False: nothing useful was loaded, `error` says why.
bool machine_load(struct machine *m, const char *path, bool has_addr, uint32_t addr,
                  struct load_error *error);

// Fills `size` bytes at `bytes` from an image file. A missing file leaves them
// blank (FFh); a shorter one leaves the rest blank; a longer one is an error.
bool image_read(const char *path, uint8_t *bytes, size_t size,
                struct load_error *error);

// Replaces the image whole or not at all: see output_write.
bool image_write(const char *path, const uint8_t *bytes, size_t size,
                 struct load_error *error);
