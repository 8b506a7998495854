// SPDX-License-Identifier: MIT
// quadboot's own requests to the DFU interface: what it tells of itself
// (docs/spec/info.md), and digests of flash (docs/spec/digest.md). They are answered
// in every DFU state and change none; a digest is made in short steps by
// dfu_vendor_poll, never before a reply.
#pragma once

#include "common/protocol/digest.h"
#include "common/protocol/info.h"
#include "firmware/install/session.h"
#include "firmware/usb/usbd.h"

// What the session and its writer can do, as hosts are told; see digest_ability.
enum { DFU_VENDOR_ABILITIES = DIGEST_SECTOR_EXACT | DIGEST_MIXED_MEDIA };

// Bytes of one step: USB waits for no longer than they take.
enum { DFU_VENDOR_STEP = 2048 };

struct dfu_failure;

struct dfu_vendor {
  struct session *session;
  struct info info;  // what INFO_REQUEST tells
  // A request of many packets is under way: each would wait for a step. Cleared when
  // it is over, or with the next request.
  bool hold;
  bool waits;  // for the session's work
  // Like crc32_update, which it is unless the chip has something faster.
  uint32_t (*crc32)(uint32_t crc, const void *data, size_t n);
  struct digest_start asked;
  struct digest_header told;
  uint32_t at, left, crc;  // of the unit in progress
  uint32_t kb, start_us;   // done, and since when: for the estimate
  uint8_t info_bytes[INFO_SIZE];
  uint8_t reply[DIGEST_REPLY_SIZE];
  struct flash_loan loan;  // of a step's bytes
  uint8_t data[DFU_VENDOR_STEP];
};

void dfu_vendor_init(struct dfu_vendor *v, struct session *s, const struct info *info);

// A vendor request, and the data of one to the device; as struct usb_class has them.
enum usb_answer dfu_vendor_setup(struct dfu_vendor *v, const struct usb_setup *s,
                                 struct usb_reply *reply);
enum usb_answer dfu_vendor_data(struct dfu_vendor *v, const uint8_t *data);

// Bus reset: what was asked for is forgotten.
void dfu_vendor_reset(struct dfu_vendor *v);

// One step, when no block or command waits outside the session. `untold`: a failure
// that no GETSTATUS has told yet. False if there is nothing to do, or not now.
bool dfu_vendor_poll(struct dfu_vendor *v, const struct dfu_failure *untold);
