// SPDX-License-Identifier: MIT
// The DfuSe file format 1.1a (".dfu"): the tree's one definition of its bytes.
// Reads and builds in memory; owns no I/O, no allocation and no policy: which
// addresses may be written, and what to tell the user, is the caller's matter.
//
// All numbers are little-endian. (ST UM0391, "DfuSe file format"; the suffix is
// that of USB DFU 1.1, appendix B.)
//
//        0 +--------------------------+
//          | file prefix     11 bytes |  "DfuSe", 1, DFUImageSize, bTargets
//       11 +--------------------------+
//          | target prefix  274 bytes |  "Target", alternate setting, name,
//          |                          |  dwTargetSize, dwNbElements
//          |   element prefix 8 bytes |  dwElementAddress, dwElementSize
//          |   data                   |
//          |   ... more elements      |
//          +--------------------------+
//          | ... more targets         |
// size-16  +--------------------------+
//          | suffix          16 bytes |  bcdDevice, idProduct, idVendor,
//          |                          |  bcdDFU, "UFD", bLength, dwCRC
//     size +--------------------------+
//
// Three layers: decoding one fixed part from a cursor (all that a receiver
// needs which sees the file as a stream), walking a whole file in memory, and
// building a file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"

#define DFUSE_PREFIX_SIZE         11u
#define DFUSE_TARGET_PREFIX_SIZE  274u
#define DFUSE_ELEMENT_PREFIX_SIZE 8u
#define DFUSE_SUFFIX_SIZE         16u
#define DFUSE_NAME_SIZE           255u  // szTargetName, with its NUL when built here

#define DFUSE_FILE_VERSION 1u
#define DFUSE_BCD_DFU      0x011Au  // marks the suffix of a DfuSe file
#define DFUSE_ANY_ID       0xFFFFu  // "any" for idVendor, idProduct and bcdDevice

// X(enumerator, stable number, sentence). The sentence follows a file's name.
#define DFUSE_STATUS_LIST(X)                                                      \
  X(OK, 0, "is a well-formed DfuSe file")                                         \
  X(END, 1, "has no further target or element")                                   \
  X(TRUNCATED, 2, "is cut short")                                                 \
  X(BAD_SIGNATURE, 3, "is not a DfuSe file: it does not begin with \"DfuSe\"")    \
  X(BAD_VERSION, 4, "has a DfuSe version other than 1")                           \
  X(NO_SUFFIX, 5,                                                                 \
    "has no DFU suffix at its end: it is cut short or is not a .dfu file")        \
  X(BAD_SUFFIX_LENGTH, 6, "has a DFU suffix of a length other than 16")           \
  X(PLAIN_SUFFIX, 7, "has the suffix of a plain DFU file, not of a DfuSe file")   \
  X(BAD_CRC, 8, "is damaged: its checksum does not match its content")            \
  X(BAD_IMAGE_SIZE, 9, "states an image size that is not its own")                \
  X(BAD_TARGET_COUNT, 10, "does not hold the number of targets that it states")   \
  X(BAD_TARGET_SIGNATURE, 11, "has a target that does not begin with \"Target\"") \
  X(BAD_TARGET_SIZE, 12, "has a target whose size does not match its elements")   \
  X(BAD_ELEMENT_SIZE, 13, "has an element that is longer than its target")        \
  X(ELEMENT_WRAP, 14, "has an element that runs past the last 32-bit address")    \
  X(ELEMENT_ORDER, 15, "would have elements that overlap or do not ascend")       \
  X(NAME_TOO_LONG, 16, "would have a target name of more than 254 bytes")         \
  X(TOO_BIG, 17, "would be too big: the format ends at 4 GiB")                    \
  X(NO_ROOM, 18, "does not fit the memory provided for it")                       \
  X(TRAILING, 19, "has more bytes behind its end than a block's padding")

enum dfuse_status {
#define X(name, number, text) DFUSE_##name = number,
  DFUSE_STATUS_LIST(X)
#undef X
};

// True if a file that begins with these bytes may be a DfuSe file.
bool dfuse_begins(const uint8_t *bytes, size_t n);

// The sentence for a status; never NULL, also for a number that is none.
const char *dfuse_status_text(enum dfuse_status status);

// ---- One part at a time ----------------------------------------------------

struct dfuse_prefix {
  uint32_t image_size;  // as written; see enum dfuse_size_style
  uint8_t targets;
};

struct dfuse_target {
  uint32_t size;      // bytes of all its elements, element prefixes included
  uint32_t elements;  // number of elements
  uint8_t alternate_setting;
  char name[DFUSE_NAME_SIZE + 1];  // always terminated; "" when not named
};

struct dfuse_element {
  uint32_t address;
  uint32_t size;  // data bytes; address + size is at most 2^32
};

struct dfuse_suffix {
  uint16_t bcd_device, product, vendor;
  uint32_t crc;
};

// Each takes its part's bytes (DFUSE_..._SIZE) from the cursor, checks what the
// part says about itself, and writes `out` only when it returns DFUSE_OK.
// DFUSE_TRUNCATED: the cursor held too few bytes. A suffix is also written for
// DFUSE_PLAIN_SUFFIX: it is sound, and that of a file without addresses.
__attribute__((warn_unused_result)) enum dfuse_status dfuse_decode_prefix(
    struct rd *r, struct dfuse_prefix *out);
__attribute__((warn_unused_result)) enum dfuse_status dfuse_decode_target(
    struct rd *r, struct dfuse_target *out);
__attribute__((warn_unused_result)) enum dfuse_status dfuse_decode_element(
    struct rd *r, struct dfuse_element *out);
__attribute__((warn_unused_result)) enum dfuse_status dfuse_decode_suffix(
    struct rd *r, struct dfuse_suffix *out);

// ---- A whole file in memory ------------------------------------------------

// DFUImageSize: fwupd wants it without the suffix, dfuse-pack.py 0.11 counts the
// suffix, dfu-util ignores it. Both are read, the first is written.
enum dfuse_size_style { DFUSE_SIZE_WITHOUT_SUFFIX, DFUSE_SIZE_WITH_SUFFIX };

struct dfuse_summary {
  struct dfuse_suffix suffix;
  enum dfuse_size_style size_style;
  uint32_t targets, elements;
  uint32_t data_bytes;  // of all elements, without any prefix
  // In every target each element begins at or after the end of the one before
  // it; so none overlap. A file that is not ascending makes hosts that erase as
  // they go wipe what they wrote: dfu-util remembers only the last erased sector.
  bool ascending;
};

// A place in a file. The file's bytes must outlive it.
struct dfuse_reader {
  struct rd body;    // the targets not yet visited
  struct rd target;  // the elements of the current target not yet visited
  uint32_t targets_left, elements_left;
};

// Verifies the whole file (every size and count, the suffix, the CRC) and stands
// before its first target. Nothing is written unless it returns DFUSE_OK.
__attribute__((warn_unused_result)) enum dfuse_status dfuse_open(
    struct dfuse_reader *reader, const uint8_t *file, size_t size,
    struct dfuse_summary *summary);

// Steps to the next target, skipping elements not visited. False at the end.
bool dfuse_next_target(struct dfuse_reader *reader, struct dfuse_target *out);

// Steps to the next element of the current target; `*data` is its bytes inside
// the file. False at the end of the target.
bool dfuse_next_element(struct dfuse_reader *reader, struct dfuse_element *out,
                        const uint8_t **data);

// ---- Building --------------------------------------------------------------

struct dfuse_element_plan {
  uint32_t address, size;
  const uint8_t *data;
};

// Elements ascend and do not overlap; adjacent ones are not merged here.
struct dfuse_target_plan {
  uint8_t alternate_setting;
  const char *name;  // at most 254 bytes
  const struct dfuse_element_plan *elements;
  uint32_t count;
};

struct dfuse_plan {
  const struct dfuse_target_plan *targets;
  size_t count;  // at most 255
  uint16_t vendor, product, bcd_device;
};

// Checks the plan and tells the size of its file in bytes. Reads no data.
// Errors: BAD_TARGET_COUNT, NAME_TOO_LONG, ELEMENT_WRAP, ELEMENT_ORDER, TOO_BIG.
__attribute__((warn_unused_result)) enum dfuse_status dfuse_plan_size(
    const struct dfuse_plan *plan, uint32_t *size);

// Writes the file: dfuse_plan_size() bytes at `out`. The same plan always gives
// the same bytes. Errors: those of dfuse_plan_size(), and NO_ROOM.
__attribute__((warn_unused_result)) enum dfuse_status dfuse_build(
    const struct dfuse_plan *plan, uint8_t *out, size_t room);
