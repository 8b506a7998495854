// SPDX-License-Identifier: MIT
// CRC-32s of flash, computed by the board, and the word that all work is done: one
// vendor request to start, one to fetch. docs/spec/digest.md has the picture.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Start: bmRequestType 41h (OUT, vendor, interface), fetch: C1h; wValue 0, wIndex: the
// DFU interface. To the interface, not to the device: see info.h.
enum {
  DIGEST_REQUEST = 0x52,  // bRequest of both
  DIGEST_VERSION = 1,
  DIGEST_START_SIZE = 12,
  DIGEST_HEADER_SIZE = 16,
  DIGEST_REPLY_SIZE = 4096,  // header and CRCs, at most: wTransferSize of DFU
  DIGEST_MOST_UNITS = (DIGEST_REPLY_SIZE - DIGEST_HEADER_SIZE) / 4,
};

enum digest_kind {
  DIGEST_CRC32 = 1,  // zlib's CRC-32 of each unit
  DIGEST_SYNC = 2,   // finish all that was accepted; no units
};

struct digest_start {
  enum digest_kind kind;
  uint16_t count;    // of units, one behind the other
  uint32_t address;  // of the first
  uint32_t unit;     // bytes of each
};

enum digest_state { DIGEST_IDLE, DIGEST_WORKING, DIGEST_DONE, DIGEST_FAILED };

// What the device can do besides.
enum digest_ability {
  // Data for an area that nobody has erased are written all the same, and what lies
  // beside them in the same sector stays.
  DIGEST_SECTOR_EXACT = 1 << 0,
  // The address alone decides which flash a block goes to: blocks for both may
  // alternate, without SET_INTERFACE in between.
  DIGEST_MIXED_MEDIA = 1 << 1,
};

struct digest_header {
  enum digest_state state;
  uint16_t abilities;
  uint16_t finished;      // units
  uint8_t reason;         // DIGEST_FAILED: number of the status (common/base/status.h)
  uint32_t address;       // DIGEST_FAILED: where
  uint32_t remaining_ms;  // DIGEST_WORKING: the device's own estimate
};

void digest_start_encode(const struct digest_start *s, uint8_t out[DIGEST_START_SIZE]);

// False: another version, an unknown kind, or no units or too many. `out` may be
// written all the same.
bool digest_start_decode(const uint8_t bytes[DIGEST_START_SIZE],
                         struct digest_start *out);

void digest_header_encode(const struct digest_header *h,
                          uint8_t out[DIGEST_HEADER_SIZE]);

// False: shorter, another version, or an unknown state.
bool digest_header_decode(const uint8_t *bytes, size_t size, struct digest_header *out);
