// SPDX-License-Identifier: MIT
// UF2, block by block (Microsoft, "USB Flashing Format"): the tree's one definition of
// its bytes. Decodes one block in memory; keeps nothing, allocates nothing, and does
// not care in which order blocks come or whether any is missing.
//
// A file is a row of blocks of 512 bytes, all numbers little-endian:
//
//    0 +------------------------------------+
//      | 0x0A324655, 0x9E5D5157             |  "UF2\n" and a second magic number
//    8 | flags, target address              |
//   16 | bytes of payload (at most 476)     |
//   20 | block number, number of blocks     |
//   28 | file size, or family of chips      |  which of both: a flag
//   32 +------------------------------------+
//      | payload, then what flags announce  |  476 bytes; MD5: the last 24 of them
//  508 +------------------------------------+
//      | 0x0AB16F30                         |
//  512 +------------------------------------+
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UF2_BLOCK_SIZE 512u
#define UF2_DATA_SIZE  476u
#define UF2_MD5_SIZE   24u  // address, length and checksum of a region

// Of uf2_block.flags.
#define UF2_NOT_MAIN_FLASH 0x00000001u  // a comment, or for another memory: skip it
#define UF2_FILE_CONTAINER 0x00001000u  // part of a file, not of a memory
#define UF2_HAS_FAMILY     0x00002000u
#define UF2_HAS_MD5        0x00004000u

#define UF2_FAMILY_STM32F7 0x53B80F00u

// X(enumerator, sentence). The sentence follows "block N".
#define UF2_STATUS_LIST(X)                                                  \
  X(OK, "is a well-formed UF2 block")                                       \
  X(TRUNCATED, "is cut short")                                              \
  X(BAD_MAGIC, "does not begin with the two numbers that mark a UF2 block") \
  X(BAD_END, "does not end with the number that ends a UF2 block")          \
  X(BAD_SIZE, "has a payload of 0 bytes or of more than a block holds")     \
  X(BAD_NUMBER, "has a number that is not below its number of blocks")      \
  X(WRAP, "runs past the last 32-bit address")

enum uf2_status {
#define X(name, text) UF2_##name,
  UF2_STATUS_LIST(X)
#undef X
};

// The sentence for a status; never NULL, also for a number that is none.
const char *uf2_status_text(enum uf2_status status);

struct uf2_block {
  uint32_t flags;
  uint32_t address;        // address + size is at most 2^32
  uint32_t size;           // > 0; of data
  uint32_t number, count;  // number < count
  uint32_t family;         // of chips, if UF2_HAS_FAMILY is set
  const uint8_t *data;     // inside the bytes that were decoded
};

// Takes a block apart: the first UF2_BLOCK_SIZE of `size` bytes. Writes `out` only
// when it returns UF2_OK.
__attribute__((warn_unused_result)) enum uf2_status uf2_decode(const uint8_t *bytes,
                                                               size_t size,
                                                               struct uf2_block *out);

// True if the bytes begin like a block.
bool uf2_detect(const uint8_t *bytes, size_t size);
