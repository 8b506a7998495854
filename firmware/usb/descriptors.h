// SPDX-License-Identifier: MIT
// Every descriptor of the bootloader, as DFU alone or with a serial port beside it,
// built from the board's identity and the media's layouts: device, qualifier,
// configuration (both speeds), strings, BOS with WebUSB and MS OS 2.0, and the MS
// OS 2.0 set that gives Windows WinUSB by itself.
#pragma once

#include "firmware/flash/layout.h"
#include "firmware/usb/usbd.h"

enum {
  DESCRIPTORS_ALTERNATES = 2,
  DESCRIPTORS_ROOM = 254,  // longest descriptor: a string of 126 characters

  // Vendor codes, our choice (BOS platform capabilities name them).
  VENDOR_CODE_WEBUSB = 0x21,
  VENDOR_CODE_MS_OS = 0x22,
};

struct descriptors_config {
  uint16_t vid, pid, release;  // release: bcdDevice, quadboot's own version
  const char *board;
  uint8_t unique_id[12];
  bool can_high_speed;
  bool serial;  // DFU is interface 0, and interfaces 1 and 2 are cdc.h's
  uint16_t transfer_size;
  uint8_t alternates;
  char layouts[DESCRIPTORS_ALTERNATES][LAYOUT_MAX + 1];
  // The sentence behind GETSTATUS.iString, and that index.
  uint8_t reason_index;
  size_t (*reason)(void *ctx, char *out);
  void *reason_ctx;
};

struct descriptors {
  struct descriptors_config config;
  uint8_t bytes[DESCRIPTORS_ROOM];
};

// The interface that the control machine uses; `d` must outlive it.
struct usb_descriptors descriptors_ops(struct descriptors *d);
