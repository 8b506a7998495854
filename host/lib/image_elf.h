// SPDX-License-Identifier: MIT
// ELF executables as segments: the file's part of every PT_LOAD program header,
// at its physical address (where it is stored, not where it runs; "ELF for the
// Arm Architecture" and System V gABI chapter 5). Sections are not looked at.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/segments.h"

// True if the bytes begin with the ELF magic number.
bool image_elf_detect(const uint8_t *file, size_t size);

// Adds what a 32-bit little-endian Arm executable loads. `file` and `source` must
// outlive the list; `file` is not changed, though libelf asks for it as if it
// were. Error: any other kind of ELF file, by what it is; a file cut short; a file
// that loads nothing.
__attribute__((warn_unused_result)) bool image_elf_load(struct segments *list,
                                                        uint8_t *file, size_t size,
                                                        const char *source,
                                                        struct qb_error *error);
