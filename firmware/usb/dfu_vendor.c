// SPDX-License-Identifier: MIT
#include "firmware/usb/dfu_vendor.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/crc32.h"
#include "common/protocol/ch9.h"
#include "firmware/usb/dfu.h"

void dfu_vendor_init(struct dfu_vendor *v, struct session *s, const struct info *info) {
  memset(v, 0, sizeof *v);
  v->session = s;
  v->info = *info;
  v->crc32 = crc32_update;
  v->loan.shelter = v->data;
  v->told.abilities = DFU_VENDOR_ABILITIES;
}

void dfu_vendor_reset(struct dfu_vendor *v) {
  v->told.state = DIGEST_IDLE;
  v->hold = false;
}

// --- digests ---

static void end(struct dfu_vendor *v, enum status reason, uint32_t address) {
  v->told.state = reason == ST_OK ? DIGEST_DONE : DIGEST_FAILED;
  v->told.reason = (uint8_t)reason;
  v->told.address = address;
}

static void begin_unit(struct dfu_vendor *v) {
  v->left = v->asked.unit;
  v->crc = CRC32_INIT;
}

static void end_unit(struct dfu_vendor *v) {
  uint8_t *crcs = v->reply + DIGEST_HEADER_SIZE;
  store_le32(crcs + 4u * v->told.finished++, ~v->crc);
  begin_unit(v);
  if (v->told.finished == v->asked.count) end(v, ST_OK, 0);
}

enum usb_answer dfu_vendor_data(struct dfu_vendor *v, const uint8_t *data) {
  dfu_vendor_reset(v);
  if (!digest_start_decode(data, &v->asked)) return USB_STALL;
  end(v, ST_OK, 0);
  v->told.state = DIGEST_WORKING;
  v->told.finished = 0;
  v->at = v->asked.address;
  v->kb = 0;
  v->waits = true;  // as far as is known
  begin_unit(v);
  if (v->asked.kind == DIGEST_SYNC) session_flush(v->session);
  return USB_ACCEPT;
}

// What is read is what would be there had each command run at once. A range that is
// no flash, or crosses its end, ends where that shows.
static bool step_crc(struct dfu_vendor *v) {
  const uint32_t n = v->left < DFU_VENDOR_STEP ? v->left : DFU_VENDOR_STEP;
  uint32_t done;
  if (v->kb == 0) v->start_us = session_now_us(v->session);
  const enum status status = session_lend(v->session, v->at, &v->loan, n, &done);
  v->waits = status == ST_NOT_NOW;
  if (v->waits) return false;
  if (status != ST_OK || done < n) {
    end(v, status != ST_OK ? status : ST_CROSSES_END, v->at + done);
    return true;
  }
  v->crc = v->crc32(v->crc, v->loan.data, n);
  v->loan.length = 0;
  v->at += n;
  v->left -= n;
  v->kb = (v->at - v->asked.address) / 1024u;
  if (v->left == 0) end_unit(v);
  return true;
}

static bool step_sync(struct dfu_vendor *v, const struct dfu_failure *untold) {
  if (untold->reason != ST_OK) {
    end(v, untold->reason, untold->address);
  } else if (session_settled(v->session)) {
    end(v, ST_OK, 0);
  } else {
    session_flush(v->session);  // work that came meanwhile as well
    return false;
  }
  return true;
}

bool dfu_vendor_poll(struct dfu_vendor *v, const struct dfu_failure *untold) {
  if (v->told.state != DIGEST_WORKING || v->hold) return false;
  return v->asked.kind == DIGEST_SYNC ? step_sync(v, untold) : step_crc(v);
}

// At the speed so far; work that comes first by the session's own estimate.
static uint32_t remaining_ms(const struct dfu_vendor *v) {
  if (v->told.state != DIGEST_WORKING) return 0;
  const bool waits = v->waits || v->asked.kind == DIGEST_SYNC;
  uint64_t us = waits ? session_remaining_us(v->session) : 0;
  if (v->kb > 0) {
    const uint64_t all = (uint64_t)v->asked.unit * v->asked.count;
    const uint32_t each_us = (session_now_us(v->session) - v->start_us) / v->kb;
    us += (uint64_t)((uint32_t)(all >> 10) - v->kb) * each_us;
  }
  // More than 71 minutes: a flash that was busy at first made each KB look slow.
  return (us >> 32 ? UINT32_MAX : (uint32_t)us) / 1000u;
}

// --- requests ---

static enum usb_answer tell_info(struct dfu_vendor *v, struct usb_reply *reply) {
  v->info.unfinished = session_unfinished(v->session);
  info_encode(&v->info, v->info_bytes);
  *reply = (struct usb_reply){.data = v->info_bytes, .length = INFO_SIZE};
  return USB_ACCEPT;
}

static enum usb_answer tell_digest(struct dfu_vendor *v, struct usb_reply *reply) {
  v->told.remaining_ms = remaining_ms(v);
  digest_header_encode(&v->told, v->reply);
  const bool done = v->told.state == DIGEST_DONE;
  if (!done) v->hold = false;  // one packet
  const uint16_t crcs = done ? (uint16_t)(4u * v->told.finished) : 0;
  *reply = (struct usb_reply){.data = v->reply,
                              .length = (uint16_t)(DIGEST_HEADER_SIZE + crcs)};
  return USB_ACCEPT;
}

enum usb_answer dfu_vendor_setup(struct dfu_vendor *v, const struct usb_setup *s,
                                 struct usb_reply *reply) {
  const bool in = s->bmRequestType & CH9_DIRECTION_IN;
  if (s->wValue != 0) return USB_STALL;
  if (s->bRequest == INFO_REQUEST && in) return tell_info(v, reply);
  if (s->bRequest != DIGEST_REQUEST) return USB_STALL;
  if (in) return tell_digest(v, reply);
  return s->wLength == DIGEST_START_SIZE ? USB_ACCEPT : USB_STALL;
}
