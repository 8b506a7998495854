// SPDX-License-Identifier: MIT
// The memory layout that a DfuSe device tells in the name of an alternate setting
// (ST UM0424, "DFU interface descriptor"):
//
//   @Internal Flash  /0x08010000/02*032Kg,01*128Kg/0x08000000/02*032Ka
//    name             address    runs of sectors    more addresses
//
// count * size, unit ' ' B K M, then a letter whose low bits say what may be done.
// Parses outside input into a caller's struct; owns no memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LAYOUT_NAME_ROOM = 64,
  LAYOUT_RUNS = 32,        // more do not fit into 126 characters (USB 2.0 9.6.7)
  LAYOUT_TEXT_ROOM = 256,  // of a string descriptor as UTF-8, with its NUL
};

// Low bits of the type letter (UM0424): 'a' is readable, 'g' is all three.
enum { LAYOUT_READABLE = 1, LAYOUT_ERASABLE = 2, LAYOUT_WRITABLE = 4 };

// Equal sectors one after another.
struct layout_run {
  uint32_t address;
  uint32_t count, sector_size;  // both > 0; the run ends at or below 2^32
  uint8_t access;               // LAYOUT_... bits
};

struct layout {
  char name[LAYOUT_NAME_ROOM];  // without the blanks at its end
  struct layout_run runs[LAYOUT_RUNS];
  size_t count;
};

// X(enumerator, what is wrong, after "the memory layout ")
#define LAYOUT_STATUS_LIST(X)                                       \
  X(OK, "is well-formed")                                           \
  X(NO_LAYOUT, "does not begin with '@': the name is only a name")  \
  X(BAD_NAME, "has no name, or one that is too long")               \
  X(BAD_ADDRESS, "has an address that is not 0x and 1 to 8 digits") \
  X(BAD_COUNT, "has a number of sectors that is 0 or too big")      \
  X(BAD_SIZE, "has a sector size that is 0 or too big")             \
  X(BAD_TYPE, "has a sector type other than a to g")                \
  X(TOO_MANY, "has more runs of sectors than a descriptor holds")   \
  X(WRAP, "runs past the last 32-bit address")                      \
  X(OVERLAP, "names the same addresses twice")

enum layout_status {
#define X(name, text) LAYOUT_##name,
  LAYOUT_STATUS_LIST(X)
#undef X
};

const char *layout_status_text(enum layout_status status);

// Takes a terminated text apart. Writes `out` only when it returns LAYOUT_OK.
enum layout_status layout_parse(const char *text, struct layout *out);

// A single sector.
struct layout_sector {
  uint32_t address, size;
  uint8_t access;
};

// The sector that holds the address; false if none does.
bool layout_sector_at(const struct layout *l, uint32_t address,
                      struct layout_sector *out);

// Bytes of all sectors that allow all of `access`.
uint64_t layout_size(const struct layout *l, uint8_t access);
