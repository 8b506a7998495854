// SPDX-License-Identifier: MIT
// What quadboot tells of its chip and its flash beyond USB's descriptors: one vendor
// request, one block of 32 bytes, little-endian. docs/spec/info.md has the picture.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// bmRequestType C1h (IN, vendor, interface), wValue 0, wIndex: the DFU interface.
// To the interface, not to the device: drivers that own only the function pass it.
enum {
  INFO_REQUEST = 0x51,  // bRequest
  INFO_SIZE = 32,
  INFO_VERSION = 1,
};

struct info {
  uint16_t dev_id, rev_id;  // DBGMCU_IDCODE (RM0410 44.6.1)
  uint16_t flash_kb;        // flash size register (RM0410 45.2)
  uint32_t optcr, optcr1;   // option bytes as loaded (RM0410 3.7.5 and 3.7.6)
  // External flash: 0, or the number of the status that says why there is none
  // (common/base/status.h); its JEDEC id and size in bytes.
  uint8_t nor_status;
  uint8_t nor_id[3];
  uint32_t nor_size;
  // An update has begun that was never finished: the application is not started.
  bool unfinished;
};

void info_encode(const struct info *i, uint8_t out[INFO_SIZE]);

// False: shorter, or another version. A longer block of this version is accepted.
bool info_decode(const uint8_t *bytes, size_t size, struct info *out);
