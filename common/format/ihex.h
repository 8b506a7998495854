// SPDX-License-Identifier: MIT
// Intel HEX, record by record (Intel "Hexadecimal Object File Format
// Specification", revision A, 1988). Turns text into addresses and bytes; keeps
// nothing, allocates nothing, and does not care whether records overlap.
//
// One record per line:
//
//   ':' length(1) offset(2, big-endian) type(1) data(length) checksum(1)
//
// each byte as two hexadecimal digits; all bytes of a record add up to 0 mod 256.
// Types: 00 data, 01 end of file, 02 base of a 20-bit address (paragraphs of 16
// bytes), 04 upper half of a 32-bit address, 03 and 05 entry points (not needed
// here, only checked).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IHEX_DATA_MAX 255u

// X(enumerator, sentence). The sentence follows "line N".
#define IHEX_STATUS_LIST(X)                                                         \
  X(DATA, "is a data record")                                                       \
  X(END, "is the end of the file")                                                  \
  X(NO_COLON, "does not begin with ':'")                                            \
  X(BAD_DIGIT, "holds a character that is not a hexadecimal digit")                 \
  X(SHORT, "is cut short")                                                          \
  X(LONG, "is longer than its length field says")                                   \
  X(CHECKSUM, "is damaged: its checksum does not match its content")                \
  X(TYPE, "has a record type other than 00 to 05")                                  \
  X(LENGTH, "has a length that does not suit its record type")                      \
  X(WRAP, "runs past the end of the addresses that it can reach")                   \
  X(AFTER_END, "follows the end-of-file record; each file may hold only one image") \
  X(NO_END, "is the last, but no end-of-file record came: the file is cut short")

enum ihex_status {
#define X(name, text) IHEX_##name,
  IHEX_STATUS_LIST(X)
#undef X
};

// The sentence for a status; never NULL, also for a number that is none.
const char *ihex_status_text(enum ihex_status status);

struct ihex_record {
  uint32_t address;  // of the first byte; address + size is at most 2^32
  uint8_t size;      // > 0
  uint8_t data[IHEX_DATA_MAX];
};

// A place in a text. The text must outlive it; it needs no terminator.
struct ihex_reader {
  const uint8_t *p;
  size_t left;
  size_t line;     // number of the last line taken, from 1
  uint32_t base;   // added to each record's offset
  bool segmented;  // base came from a record of type 02: offsets wrap at 64 KiB
  bool ended;      // the end-of-file record was seen
};

void ihex_begin(struct ihex_reader *r, const void *text, size_t size);

// Reads up to and including the next data record that holds bytes. IHEX_DATA:
// `out` is written. IHEX_END: every line was read and is sound. Anything else is
// a defect of line `r->line`, after which the reader must not be used.
// Blank lines, blanks at the end of a line, and CR LF are accepted.
__attribute__((warn_unused_result)) enum ihex_status ihex_next(struct ihex_reader *r,
                                                               struct ihex_record *out);

// True if the text begins like a record: ':' and the eight digits before its data.
bool ihex_detect(const void *text, size_t size);
