// SPDX-License-Identifier: MIT
#include "firmware/usb/dfu.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "firmware/usb/dfu_table.h"

enum {
  // The longest poll time a host is asked to sleep, and one it is never asked for:
  // dfu-util takes 100 ms for a mass erase that needs 35 s.
  POLL_MAX_MS = 1000,
  POLL_NEVER_MS = 100,
  // After dfuMANIFEST the device leaves the bus; hosts sleep this long, then close.
  LEAVE_POLL_MS = 1,
  // How long a reply may be held. dfu-util asks once after its last ABORT and believes
  // the answer (it waits 5 s for it); fwupd gives other requests up after 1.5 s.
  HOLD_LAST_WORD_US = 4000000,
  HOLD_US = 900000,
};

// --- errors ---

static uint8_t status_of(enum status reason) {
  switch (reason) {
    case ST_BAD_ADDRESS:
    case ST_BOOTLOADER_AREA:
    case ST_CROSSES_END: return DFU_STATUS_errTARGET;
    case ST_NOT_ERASED: return DFU_STATUS_errCHECK_ERASED;
    case ST_ERASE_FAILED: return DFU_STATUS_errERASE;
    case ST_PROGRAM_FAILED: return DFU_STATUS_errPROG;
    case ST_VERIFY_FAILED: return DFU_STATUS_errVERIFY;
    case ST_NO_APPLICATION: return DFU_STATUS_errFIRMWARE;
    case ST_READ_UNPROTECT: return DFU_STATUS_errVENDOR;
    case ST_BAD_COMMAND: return DFU_STATUS_errSTALLEDPKT;
    case ST_OTHER_ROAD: return DFU_STATUS_errWRITE;  // "unable to write memory"
    default: return DFU_STATUS_errUNKNOWN;
  }
}

// A wait that ran out, a lock or a low supply is an erase or a write that failed, by
// what was being done.
static uint8_t status_of_work(struct writer_result r) {
  const uint8_t status = status_of(r.status);
  if (status != DFU_STATUS_errUNKNOWN) return status;
  return r.erasing ? DFU_STATUS_errERASE : DFU_STATUS_errPROG;
}

static bool is_command(enum dfu_work_kind kind) {
  return kind != DFU_WORK_NONE && kind != DFU_WORK_WRITE;
}

// A command that has not begun is dropped; data that were accepted stay.
static void drop_command(struct dfu *d) {
  if (is_command(d->work.kind)) d->work.kind = DFU_WORK_NONE;
}

static void to_error(struct dfu *d, struct dfu_failure f) {
  d->state = DFU_ERROR;
  d->told = f;
  drop_command(d);
}

static enum usb_answer stalled(struct dfu *d) {
  if (d->state != DFU_ERROR) {
    to_error(d, (struct dfu_failure){.status = DFU_STATUS_errSTALLEDPKT});
  }
  return USB_STALL;
}

// --- work ---

static void work_failed(struct dfu *d, uint8_t status, enum status reason,
                        uint32_t address, bool has_address) {
  if (d->failure.status != DFU_STATUS_OK) return;  // the first one counts
  d->failure = (struct dfu_failure){.status = status,
                                    .reason = reason,
                                    .address = address,
                                    .has_address = has_address};
}

static enum status check(const struct dfu *d, const struct dfu_work *w) {
  switch (w->kind) {
    case DFU_WORK_SET_ADDRESS: return session_check_pointer(d->session, w->address);
    case DFU_WORK_ERASE: return session_check_erase(d->session, w->address);
    case DFU_WORK_WRITE: return session_check_write(d->session, w->address, w->length);
    case DFU_WORK_BAD_COMMAND: return ST_BAD_COMMAND;
    case DFU_WORK_READ_UNPROTECT: return ST_READ_UNPROTECT;
    default: return ST_OK;
  }
}

// Hands what waits to the session. False: it cannot take it yet.
static bool hand_over(struct dfu *d) {
  const struct dfu_work *w = &d->work;
  switch (w->kind) {
    case DFU_WORK_ERASE: return session_erase(d->session, w->address);
    case DFU_WORK_MASS_ERASE: return session_mass_erase(d->session, d->alternate);
    case DFU_WORK_WRITE:
      return session_write(d->session, w->address, w->data, w->length);
    default: d->pointer = w->address; return true;
  }
}

// All that was taken is finished now. If this is a host's last word, the update is
// complete then.
static void finish(struct dfu *d) {
  if (d->completing) {
    session_complete(d->session);
  } else {
    session_flush(d->session);
  }
}

static bool changes_flash(enum dfu_work_kind kind) {
  return kind == DFU_WORK_ERASE || kind == DFU_WORK_MASS_ERASE ||
         kind == DFU_WORK_WRITE;
}

static bool start(struct dfu *d) {
  const struct dfu_work *w = &d->work;
  enum status reason = check(d, w);
  if (reason == ST_OK && changes_flash(w->kind) &&
      !session_claim(d->session, SESSION_DFU)) {
    reason = ST_OTHER_ROAD;
  }
  if (reason != ST_OK) {
    const uint8_t status = status_of(reason);
    work_failed(d, status, reason, w->address, status == DFU_STATUS_errTARGET);
  } else if (!hand_over(d)) {
    return false;
  }
  d->work.kind = DFU_WORK_NONE;
  if (d->finishing) finish(d);  // it had waited since before the ABORT
  return true;
}

// A failure drops all that was taken before; what waits would be without it. Another
// road's is not ours to tell.
static bool collect(struct dfu *d) {
  if (d->session->owner == SESSION_SERIAL) return false;
  const struct writer_result r = session_take_result(d->session);
  if (r.status == ST_OK) return false;
  work_failed(d, status_of_work(r), r.status, r.address, true);
  if (d->work.kind == DFU_WORK_WRITE) d->work.kind = DFU_WORK_NONE;
  return true;
}

bool dfu_poll(struct dfu *d) {
  bool worked = session_poll(d->session);
  if (collect(d)) worked = true;
  const bool ready =
      d->work.kind == DFU_WORK_WRITE || (is_command(d->work.kind) && d->work.armed);
  if (ready) return start(d) || worked;
  return dfu_vendor_poll(&d->vendor, &d->failure) || worked;
}

// The host has to wait: something was not taken yet, or enough is under way.
static bool pending(const struct dfu *d) {
  return d->work.kind != DFU_WORK_NONE ||
         (d->paced && session_behind_us(d->session, d->paced_at));
}

static uint32_t poll_ms(uint32_t us) {
  const uint32_t ms = us / 1000u + 1u;
  if (ms == POLL_NEVER_MS) return ms + 1u;
  return ms < POLL_MAX_MS ? ms : POLL_MAX_MS;
}

// How long a host should wait before it asks again.
static uint32_t wait_ms(const struct dfu *d) {
  const struct session *s = d->session;
  if (d->state == DFU_IDLE) {
    return d->finishing && !session_settled(s) ? poll_ms(session_remaining_us(s)) : 0;
  }
  if (d->state != DFU_DNBUSY) return 0;
  if (d->leaving) return poll_ms(session_remaining_us(s));
  switch (d->work.kind) {
    case DFU_WORK_SET_ADDRESS: return 0;  // done before the host can ask again
    case DFU_WORK_MASS_ERASE: return POLL_MAX_MS;
    case DFU_WORK_ERASE:
      if (!d->work.armed) return 0;  // noted before the host can ask again
      return poll_ms(session_behind_us(s, d->work.address));
    default: return d->paced ? poll_ms(session_behind_us(s, d->paced_at)) : 1;
  }
}

// --- DNLOAD ---

static enum dfu_work_kind command_kind(const uint8_t *data, uint32_t length) {
  switch (data[0]) {
    case DFUSE_SET_ADDRESS:
      return length == 5 ? DFU_WORK_SET_ADDRESS : DFU_WORK_BAD_COMMAND;
    case DFUSE_ERASE:
      if (length == 1) return DFU_WORK_MASS_ERASE;
      return length == 5 ? DFU_WORK_ERASE : DFU_WORK_BAD_COMMAND;
    case DFUSE_READ_UNPROTECT: return DFU_WORK_READ_UNPROTECT;
    default: return DFU_WORK_BAD_COMMAND;
  }
}

static enum usb_answer download(struct dfu *d, const struct usb_setup *s,
                                const struct dfu_cell *cell) {
  if (s->wLength == 0) {
    d->leaving = true;
    d->state = (enum dfu_state)cell->other;
    return USB_ACCEPT;
  }
  if (s->wLength > DFU_TRANSFER_SIZE || s->wValue == 1) return stalled(d);
  // A block still waits in the buffer that this one would overwrite: nothing that
  // was accepted is thrown away.
  if (d->work.kind == DFU_WORK_WRITE) return stalled(d);
  return USB_ACCEPT;
}

static enum usb_answer on_data(void *ctx, const struct usb_setup *s,
                               const uint8_t *data) {
  struct dfu *d = ctx;
  if ((s->bmRequestType & CH9_TYPE_MASK) == CH9_TYPE_VENDOR) {
    return dfu_vendor_data(&d->vendor, data);
  }
  d->wrote = s->wValue != 0;
  d->finishing = false;
  if (s->wValue == 0) {
    const enum dfu_work_kind kind = command_kind(data, s->wLength);
    d->work = (struct dfu_work){.kind = kind};
    if (s->wLength == 5) d->work.address = load_le32(data + 1);
    d->paced = kind == DFU_WORK_MASS_ERASE;
    d->paced_at = d->session->media[d->alternate]->geometry.base;
  } else {
    const uint32_t block = s->wValue - DFUSE_FIRST_DATA_BLOCK;
    d->work = (struct dfu_work){.kind = DFU_WORK_WRITE,
                                .address = d->pointer + block * DFU_TRANSFER_SIZE,
                                .length = s->wLength,
                                .data = data};
    d->paced = true;
    d->paced_at = d->work.address;
  }
  d->state = DFU_DNLOAD_SYNC;
  return USB_ACCEPT;
}

// --- UPLOAD ---

// A reply is to wait a little longer: true until that has taken `limit_us`.
static bool hold(struct dfu *d, uint32_t limit_us) {
  const uint32_t now = session_now_us(d->session);
  if (!d->holding) d->held_us = now;
  d->holding = now - d->held_us < limit_us;
  return d->holding;
}

static const uint8_t commands[] = {DFUSE_GET_COMMANDS, DFUSE_SET_ADDRESS, DFUSE_ERASE};

static enum usb_answer upload(struct dfu *d, const struct usb_setup *s,
                              const struct dfu_cell *cell, struct usb_reply *reply) {
  if (s->wLength == 0 || s->wLength > DFU_TRANSFER_SIZE || s->wValue == 1) {
    return stalled(d);
  }
  if (d->state == DFU_IDLE) d->upload_size = 0;
  uint32_t n = sizeof commands;
  if (s->wValue == 0) {
    reply->data = commands;
  } else {
    if (!d->upload_size) d->upload_size = s->wLength;
    const uint32_t block = s->wValue - DFUSE_FIRST_DATA_BLOCK;
    const uint32_t address = d->pointer + block * d->upload_size;
    const enum status reason =
        d->work.kind == DFU_WORK_WRITE
            ? ST_NOT_NOW  // what was accepted is not there yet
            : session_lend(d->session, address, &d->loan, s->wLength, &n);
    if (reason == ST_NOT_NOW) return hold(d, HOLD_US) ? USB_LATER : stalled(d);
    if (reason != ST_OK) {
      to_error(d, (struct dfu_failure){.status = status_of(reason),
                                       .reason = reason,
                                       .address = address,
                                       .has_address = true});
      return USB_STALL;
    }
    reply->moves = &d->loan.data;
  }
  const bool full = n >= s->wLength;
  reply->length = (uint16_t)(full ? s->wLength : n);
  d->state = (enum dfu_state)(full ? cell->next : cell->other);
  return USB_ACCEPT;
}

// --- GETSTATUS ---

static bool tell_failure(struct dfu *d) {
  if (d->failure.status == DFU_STATUS_OK) return false;
  to_error(d, d->failure);
  d->failure = (struct dfu_failure){.status = DFU_STATUS_OK};
  return true;
}

static void refuse(struct dfu *d, enum status reason) {
  to_error(d, (struct dfu_failure){.status = status_of(reason), .reason = reason});
}

// All work is done. An application that can be started makes the update complete; once
// that is on record, the board leaves.
static void leave_or_fail(struct dfu *d) {
  const enum status reason = session_finish(d->session);
  if (reason != ST_OK) {
    refuse(d, reason);
  } else if (session_unfinished(d->session)) {
    session_complete(d->session);
    d->state = DFU_DNBUSY;
  } else {
    d->state = DFU_MANIFEST;
  }
}

static void manifest(struct dfu *d) {
  if (!session_claim(d->session, SESSION_DFU)) {
    refuse(d, ST_OTHER_ROAD);
    return;
  }
  if (!session_settled(d->session)) session_flush(d->session);
  if (pending(d) || d->failure.status != DFU_STATUS_OK ||
      !session_settled(d->session)) {
    d->state = DFU_DNBUSY;
  } else {
    leave_or_fail(d);
  }
}

static void busy(struct dfu *d) {
  if (tell_failure(d)) return;
  if (d->leaving) {
    manifest(d);
  } else if (!pending(d)) {
    d->state = DFU_DNLOAD_IDLE;
  }
}

// Where the state goes when status is asked for. Failed work shows as dfuDNBUSY
// first: dfu-util takes any other answer to a command's first GETSTATUS for a defect
// of the device.
static void after_status(struct dfu *d) {
  const bool unfinished = pending(d) || d->failure.status != DFU_STATUS_OK;
  switch (d->state) {
    case DFU_DNLOAD_SYNC: d->state = unfinished ? DFU_DNBUSY : DFU_DNLOAD_IDLE; break;
    case DFU_DNBUSY: busy(d); break;
    case DFU_MANIFEST_SYNC: manifest(d); break;
    case DFU_IDLE:
    case DFU_DNLOAD_IDLE:
    case DFU_UPLOAD_IDLE: tell_failure(d); break;
    default: break;
  }
}

// Leaving waits for nothing but "complete": a matter of a millisecond, and some hosts
// ask only once.
static bool puts_complete(const struct dfu *d) {
  return d->leaving && d->state == DFU_DNBUSY && d->session->completing &&
         d->failure.status == DFU_STATUS_OK && !pending(d);
}

// After an ABORT all work is finished and verified before the reply, within limits.
static bool must_hold(struct dfu *d) {
  if (d->state != DFU_IDLE || !d->may_hold || d->failure.status != DFU_STATUS_OK) {
    return false;
  }
  const bool done = d->work.kind == DFU_WORK_NONE && session_settled(d->session);
  return !done && hold(d, d->completing ? HOLD_LAST_WORD_US : HOLD_US);
}

// The first answer of dfuDNLOAD-IDLE for a data block.
static bool data_are_taken(enum dfu_state before, const struct dfu *d) {
  return d->wrote && before != DFU_DNLOAD_IDLE && d->state == DFU_DNLOAD_IDLE;
}

static enum usb_answer get_status(struct dfu *d, struct usb_reply *reply) {
  const enum dfu_state before = d->state;
  if (must_hold(d)) return USB_LATER;
  d->completing = d->may_hold = false;
  after_status(d);
  if (puts_complete(d) && hold(d, HOLD_US)) return USB_LATER;
  d->last_word = data_are_taken(before, d);
  uint32_t ms = d->state == DFU_ERROR ? 0 : wait_ms(d);
  if (d->state == DFU_MANIFEST) ms = LEAVE_POLL_MS;
  d->reply[0] = d->told.status;
  d->reply[1] = (uint8_t)ms;
  d->reply[2] = (uint8_t)(ms >> 8);
  d->reply[3] = (uint8_t)(ms >> 16);
  d->reply[4] = (uint8_t)d->state;
  d->reply[5] = d->told.status == DFU_STATUS_OK ? 0 : DFU_STRING_REASON;
  *reply = (struct usb_reply){.data = d->reply, .length = DFU_STATUS_SIZE};
  return USB_ACCEPT;
}

// --- the class ---

static void to_idle(struct dfu *d) {
  d->state = DFU_IDLE;
  d->told = (struct dfu_failure){.status = DFU_STATUS_OK};
  d->leaving = d->paced = false;
  drop_command(d);
}

// With a failure that nobody was told yet, an update is not complete; nor if another
// has begun while the host was silent.
static bool may_complete(struct dfu *d) {
  if (d->failure.status != DFU_STATUS_OK) return false;
  if (session_claim(d->session, SESSION_DFU)) return true;
  work_failed(d, status_of(ST_OTHER_ROAD), ST_OTHER_ROAD, 0, false);
  return false;
}

static void aborted(struct dfu *d, bool last_word) {
  to_idle(d);
  d->finishing = d->may_hold = true;
  d->completing = last_word && may_complete(d);
  finish(d);
}

// No vendor request touches the states. One with data must not overwrite a block
// that still waits in the buffer.
static enum usb_answer vendor(struct dfu *d, const struct usb_setup *s,
                              struct usb_reply *reply) {
  const bool in = s->bmRequestType & CH9_DIRECTION_IN;
  if (!in && d->work.kind == DFU_WORK_WRITE) return USB_STALL;
  return dfu_vendor_setup(&d->vendor, s, reply);
}

static enum usb_answer answer(struct dfu *d, const struct usb_setup *s,
                              struct usb_reply *reply) {
  d->vendor.hold = s->wLength > USB_EP0_PACKET;
  d->loan.length = 0;
  const bool in = s->bmRequestType & CH9_DIRECTION_IN;
  const uint8_t type = s->bmRequestType & CH9_TYPE_MASK;
  const bool is_class = type == CH9_TYPE_CLASS;
  if (type == CH9_TYPE_VENDOR) return vendor(d, s, reply);
  const bool last_word = d->last_word;
  d->last_word = false;
  const bool wants_in = s->bRequest == DFU_UPLOAD || s->bRequest == DFU_GETSTATUS ||
                        s->bRequest == DFU_GETSTATE;
  if (!is_class || s->bRequest >= DFU_REQUESTS || in != wants_in) return USB_STALL;
  // Of the requests to the device, DNLOAD alone has data.
  if (!in && s->bRequest != DFU_DNLOAD && s->wLength) return stalled(d);
  const struct dfu_cell *cell = &dfu_table[d->state][s->bRequest];
  switch (cell->action) {
    case DFU_ACT_DNLOAD: return download(d, s, cell);
    case DFU_ACT_UPLOAD: return upload(d, s, cell, reply);
    case DFU_ACT_STATUS: return get_status(d, reply);
    case DFU_ACT_STATE:
      d->reply[0] = (uint8_t)d->state;
      *reply = (struct usb_reply){.data = d->reply, .length = 1};
      return USB_ACCEPT;
    case DFU_ACT_ABORT: aborted(d, last_word); return USB_ACCEPT;
    case DFU_ACT_CLEAR: to_idle(d); return USB_ACCEPT;
    case DFU_ACT_UNKNOWN:
      to_error(d, (struct dfu_failure){.status = DFU_STATUS_errUNKNOWN});
      return USB_ACCEPT;
    case DFU_ACT_KEEP: return USB_STALL;
    default: return stalled(d);
  }
}

static enum usb_answer on_setup(void *ctx, const struct usb_setup *s,
                                struct usb_reply *reply) {
  struct dfu *d = ctx;
  const enum usb_answer a = answer(d, s, reply);
  if (a != USB_LATER) d->holding = false;
  return a;
}

static void on_completed(void *ctx, const struct usb_setup *s) {
  struct dfu *d = ctx;
  d->vendor.hold = false;
  d->loan.length = 0;
  if (s->bRequest != DFU_GETSTATUS) return;
  if (d->state == DFU_DNBUSY && is_command(d->work.kind)) d->work.armed = true;
  if (d->state == DFU_MANIFEST) d->leave = true;
}

static uint32_t default_pointer(const struct dfu *d) {
  const struct media_geometry *g = &d->session->media[d->alternate]->geometry;
  uint32_t offset = 0;
  for (uint8_t i = 0; i < g->run_count && !g->runs[i].writable; i++) {
    offset += g->runs[i].block_size * g->runs[i].count;
  }
  return g->base + offset;
}

static bool on_set_alternate(void *ctx, uint8_t alternate) {
  struct dfu *d = ctx;
  if (alternate >= d->alternates) return false;
  d->alternate = alternate;
  d->pointer = default_pointer(d);
  d->finishing = d->may_hold = d->holding = d->last_word = false;
  to_idle(d);
  return true;
}

static void on_reset(void *ctx) {
  struct dfu *d = ctx;
  dfu_vendor_reset(&d->vendor);
  on_set_alternate(d, 0);
}

void dfu_init(struct dfu *d, struct session *s, const struct info *info) {
  memset(d, 0, sizeof *d);
  dfu_vendor_init(&d->vendor, s, info);
  d->session = s;
  d->alternates = s->media_count;
  d->loan.shelter = d->upload;
  on_reset(d);
}

struct usb_class dfu_class(struct dfu *d) {
  return (struct usb_class){.ctx = d,
                            .setup = on_setup,
                            .data = on_data,
                            .completed = on_completed,
                            .set_alternate = on_set_alternate,
                            .reset = on_reset};
}

size_t dfu_reason(const struct dfu *d, char out[DFU_REASON_MAX + 1]) {
  const bool good = d->told.status == DFU_STATUS_OK;
  const char *sentence = d->told.reason != ST_OK ? status_sentence(d->told.reason)
                         : good                  ? "ok"
                                                 : "this request is not allowed now";
  size_t n = 0;
  if (d->told.has_address) {
    memcpy(out, "at 0x", 5);
    n = 5;
    for (int shift = 28; shift >= 0; shift -= 4) {
      out[n++] = "0123456789abcdef"[(d->told.address >> shift) & 0xFu];
    }
    out[n++] = ':';
    out[n++] = ' ';
  }
  while (*sentence && n < DFU_REASON_MAX)
    out[n++] = *sentence++;
  out[n] = 0;
  return n;
}
