// SPDX-License-Identifier: MIT
// Finds the DFU interface in a configuration descriptor (USB DFU 1.1 4.1 and 4.2,
// USB 2.0 9.6). The bytes come from the device and may be anything.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  DFU_ALTERNATES = 32,
  // Linux carries no more in one control transfer of a program (usbfs, 4096).
  DFU_TRANSFER_SIZE_MOST = 4096,
};

struct dfu_functional {
  bool present;
  uint8_t attributes;  // bmAttributes
  uint16_t detach_timeout_ms;
  uint16_t transfer_size;  // as the device says it; see dfu_transfer_size()
  uint16_t version;        // bcdDFUVersion; 0x011A is DfuSe
};

struct dfu_alternate {
  uint8_t number;
  uint8_t name_index;  // iInterface
};

struct dfu_interface {
  uint8_t number;
  uint8_t protocol;  // 1: run-time, the application is running; 2: DFU mode
  uint8_t configuration;
  struct dfu_functional functional;
  struct dfu_alternate alternates[DFU_ALTERNATES];
  size_t count;
};

// The first interface of class FEh, subclass 01h. False if there is none, or the
// descriptors are not well-formed up to there; `out` is then untouched.
bool dfu_descriptors_find(const uint8_t *config, size_t length,
                          struct dfu_interface *out);

// Bytes per block to use with the device: what it says, up to the limit above. 0 and
// FFFFh, which mean nothing, become 64 and 1024 as in fwupd.
uint16_t dfu_transfer_size(const struct dfu_functional *f);
