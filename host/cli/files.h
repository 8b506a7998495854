// SPDX-License-Identifier: MIT
// The FILE[@ADDR] arguments of a command, loaded.
#pragma once

#include <stddef.h>

#include "host/lib/segments.h"

#define CLI_FILES_HELP                                                               \
  "Each FILE is told by its content:\n"                                              \
  "  .dfu (DfuSe)   each element where it says it belongs\n"                         \
  "  ELF            the loadable parts of an Arm program, where it says they load\n" \
  "  Intel HEX      all its data, where it says they belong\n"                       \
  "  UF2            all its blocks, where they say they belong (STM32F7 only)\n"     \
  "  plain DFU      its bytes without the suffix; they need an address as well\n"    \
  "  anything else  raw bytes, which need an address: FILE@0x90000000\n"

// Loads and arranges `count` files. Error: one sentence. segments_free() in any case.
bool cli_load_files(struct segments *list, size_t count, char **names,
                    struct qb_error *error);
