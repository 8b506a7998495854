// SPDX-License-Identifier: MIT
#include "host/lib/dfuc.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"

enum {
  // dfu-util's time limit for every request.
  REQUEST_MS = 5000,
  // The ROM of some chips does long work inside GETSTATUS: fwupd waits as long.
  LONG_STATUS_MS = 35000,
  // A sector of 256 KB takes at most 4 s to erase at x8 (STM32F769 data sheet, flash
  // memory characteristics), a NOR block of 64 KB 2 s or so; fwupd gives up a busy
  // device after as long as this.
  BUSY_MS = 120000,
  // A whole 128 MB NOR chip: 600 s at most (MX66L1G45G data sheet, tCE maximum).
  MASS_ERASE_MS = 900000,
  SLICE_MS = 100,     // between two reports while the device works
  STEPS_TO_IDLE = 8,  // each state needs one or two
  TEXT_ROOM = 256,
};

void dfuc_init(struct dfuc *c, struct usb_io *io, const struct usb_board *b) {
  *c = (struct dfuc){
      .io = io,
      .interface = b->dfu.number,
      .transfer_size = b->transfer_size,
      .counts_blocks = b->transfer_size == b->dfu.functional.transfer_size,
      .can_upload = !b->dfu.functional.present ||
                    (b->dfu.functional.attributes & DFU_CAN_UPLOAD) != 0,
      .one_alternate = b->count == 1,
      .is_quadboot = b->kind == BOARD_QUADBOOT,
      .status_timeout_ms = b->kind == BOARD_QUADBOOT ? REQUEST_MS : LONG_STATUS_MS,
  };
}

// ---- Names -----------------------------------------------------------------

const char *dfuc_state_name(uint8_t state) {
  static const char *const names[DFU_STATES] = {
      "appIDLE",          "appDETACH",   "dfuIDLE",
      "dfuDNLOAD-SYNC",   "dfuDNBUSY",   "dfuDNLOAD-IDLE",
      "dfuMANIFEST-SYNC", "dfuMANIFEST", "dfuMANIFEST-WAIT-RESET",
      "dfuUPLOAD-IDLE",   "dfuERROR"};
  return state < DFU_STATES ? names[state] : "a state that DFU does not have";
}

// What the device reports, in words (DFU 1.1 6.1.2); used when it has no sentence of
// its own.
static const struct {
  const char *name, *meaning;
} statuses[] = {
    {"OK", "no error"},
    {"errTARGET", "the file is not for this device, or the address is not its own"},
    {"errFILE", "the file fails a check of the device"},
    {"errWRITE", "the memory cannot be written"},
    {"errERASE", "the memory cannot be erased"},
    {"errCHECK_ERASED", "the memory is not blank"},
    {"errPROG", "programming the memory failed"},
    {"errVERIFY", "the memory does not hold what was written"},
    {"errADDRESS", "the address is outside the device's memory"},
    {"errNOTDONE", "data are missing at the end"},
    {"errFIRMWARE", "the application is damaged"},
    {"errVENDOR", "refused, perhaps by read protection"},
    {"errUSBR", "an unexpected USB reset"},
    {"errPOR", "an unexpected power-on reset"},
    {"errUNKNOWN", "something went wrong"},
    {"errSTALLEDPKT", "a request that it does not know"},
};
enum { STATUSES = sizeof statuses / sizeof *statuses };

const char *dfuc_status_name(uint8_t status) {
  return status < STATUSES ? statuses[status].name : "an unknown error";
}

// ---- Requests --------------------------------------------------------------

static enum usb_result request(struct dfuc *c, enum dfu_request what, uint16_t value,
                               uint8_t *data, uint16_t length, uint16_t *moved) {
  const bool in = what == DFU_UPLOAD || what == DFU_GETSTATUS || what == DFU_GETSTATE;
  const struct usb_request r = {
      .bmRequestType = (uint8_t)((in ? CH9_DIRECTION_IN : 0) | CH9_TYPE_CLASS |
                                 CH9_RECIPIENT_INTERFACE),
      .bRequest = (uint8_t)what,
      .wValue = value,
      .wIndex = c->interface,
      .wLength = length,
  };
  const uint32_t limit = what == DFU_GETSTATUS ? c->status_timeout_ms : REQUEST_MS;
  c->transfers++;
  return c->io->control(c->io->ctx, &r, data, moved, limit);
}

enum dfuc_outcome dfuc_lost(enum usb_result result, struct qb_error *error) {
  switch (result) {
    case USB_TIMEOUT:
      qb_error_set(error, "the board does not answer any more; check the cable");
      break;
    case USB_GONE:
      qb_error_set(error, "the board was unplugged, or has reset itself");
      break;
    default: qb_error_set(error, "a USB transfer broke; check the cable"); break;
  }
  return DFUC_LOST;
}

// A STALL of a request which the device should always take.
static enum dfuc_outcome unexpected(enum usb_result result, const char *what,
                                    struct qb_error *error) {
  if (result != USB_STALLED) return dfuc_lost(result, error);
  qb_error_set(error, "the board refuses %s", what);
  return DFUC_REFUSED;
}

enum dfuc_outcome dfuc_get_status(struct dfuc *c, struct dfuc_reply *out,
                                  struct qb_error *error) {
  uint8_t bytes[DFU_STATUS_SIZE];
  uint16_t moved = 0;
  const enum usb_result result =
      request(c, DFU_GETSTATUS, 0, bytes, sizeof bytes, &moved);
  if (result != USB_DONE) return unexpected(result, "to tell its status", error);
  if (moved != sizeof bytes) {
    qb_error_set(error, "the board tells its status in %u bytes instead of 6", moved);
    return DFUC_REFUSED;
  }
  *out = (struct dfuc_reply){
      .status = bytes[0],
      .poll_ms = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16,
      .state = bytes[4],
      .string = bytes[5],
  };
  return DFUC_OK;
}

static enum dfuc_outcome simple(struct dfuc *c, enum dfu_request what, const char *name,
                                struct qb_error *error) {
  const enum usb_result result = request(c, what, 0, NULL, 0, NULL);
  return result == USB_DONE ? DFUC_OK : unexpected(result, name, error);
}

// ---- Errors of the device --------------------------------------------------

// The device's own sentence, or what its status means.
static void explain(struct dfuc *c, const struct dfuc_reply *reply, const char *what,
                    struct qb_error *error) {
  char own[TEXT_ROOM] = "";
  if (reply->string) usb_board_string(c->io, reply->string, own, sizeof own);
  const char *meaning = reply->status < STATUSES ? statuses[reply->status].meaning
                                                 : "an error that DFU does not have";
  qb_error_set(error, "%s failed, and the board says: %s (%s)", what,
               own[0] ? own : meaning, dfuc_status_name(reply->status));
}

// Clears the error that was just explained; what becomes of that changes nothing.
static enum dfuc_outcome refused(struct dfuc *c, const struct dfuc_reply *reply,
                                 const char *what, struct qb_error *error) {
  explain(c, reply, what, error);
  (void)request(c, DFU_CLRSTATUS, 0, NULL, 0, NULL);
  return DFUC_REFUSED;
}

// A STALL: the device's status tells why.
static enum dfuc_outcome stalled(struct dfuc *c, const char *what,
                                 struct qb_error *error) {
  struct dfuc_reply reply = {.state = DFU_STATES};
  const enum dfuc_outcome outcome = dfuc_get_status(c, &reply, error);
  if (outcome != DFUC_OK) return outcome;
  if (reply.state == DFU_ERROR) return refused(c, &reply, what, error);
  qb_error_set(error, "%s was refused by the board in state %s", what,
               dfuc_state_name(reply.state));
  return DFUC_REFUSED;
}

// ---- Waiting ---------------------------------------------------------------

// What is being waited for has `limit_ms` in all. bwPollTimeout has 24 bits: a device
// may well ask for more.
struct patience {
  uint32_t waited_ms, limit_ms;
};

// At least a millisecond: a device that says 0 is not asked in a tight loop. False,
// without waiting: the time is up.
static bool wait(struct dfuc *c, uint32_t ms, struct patience *p) {
  const uint32_t most = p->limit_ms - p->waited_ms;
  uint32_t left = ms ? ms : 1;
  if (most == 0) return false;
  if (left > most) left = most;
  while (left > 0) {
    const uint32_t slice = left < SLICE_MS ? left : SLICE_MS;
    if (c->wait.busy) c->wait.busy(c->wait.ctx, p->waited_ms, left);
    c->io->sleep_ms(c->io->ctx, slice);
    p->waited_ms += slice;
    left -= slice;
  }
  return true;
}

static enum dfuc_outcome stuck(const char *what, const struct patience *p,
                               struct qb_error *error) {
  qb_error_set(error,
               "%s does not end: the board has been busy for %" PRIu32
               " s; switch it off and on",
               what, p->waited_ms / 1000);
  return DFUC_STUCK;
}

// Asks until the device is no longer busy. `reply` holds its last answer.
static enum dfuc_outcome while_busy(struct dfuc *c, uint32_t limit_ms, const char *what,
                                    struct dfuc_reply *reply, struct qb_error *error) {
  struct patience patience = {.limit_ms = limit_ms};
  do {
    const enum dfuc_outcome outcome = dfuc_get_status(c, reply, error);
    if (outcome != DFUC_OK) return outcome;
    if (reply->state == DFU_ERROR) return refused(c, reply, what, error);
    if (reply->state != DFU_DNBUSY && reply->state != DFU_DNLOAD_SYNC) return DFUC_OK;
  } while (wait(c, reply->poll_ms, &patience));
  return stuck(what, &patience, error);
}

static enum dfuc_outcome expect(uint8_t wanted, const struct dfuc_reply *reply,
                                const char *what, struct qb_error *error) {
  if (reply->state == wanted) return DFUC_OK;
  qb_error_set(error, "after %s the board is in state %s instead of %s", what,
               dfuc_state_name(reply->state), dfuc_state_name(wanted));
  return DFUC_REFUSED;
}

// ---- To dfuIDLE ------------------------------------------------------------

enum dfuc_outcome dfuc_to_idle(struct dfuc *c, struct qb_error *error) {
  struct dfuc_reply reply = {.state = DFU_STATES};
  struct patience patience = {.limit_ms = BUSY_MS};
  for (int step = 0; step < STEPS_TO_IDLE; step++) {
    enum dfuc_outcome outcome = dfuc_get_status(c, &reply, error);
    if (outcome != DFUC_OK) return outcome;
    if (reply.state == DFU_IDLE && reply.status == DFU_STATUS_OK) return DFUC_OK;
    if (reply.state == DFU_ERROR || reply.status != DFU_STATUS_OK) {
      outcome = simple(c, DFU_CLRSTATUS, "to forget an old error", error);
    } else if (reply.state == DFU_DNBUSY || reply.state == DFU_DNLOAD_SYNC) {
      if (wait(c, reply.poll_ms, &patience)) step = 0;
    } else {
      outcome = simple(c, DFU_ABORT, "to stop what it does", error);
    }
    if (outcome != DFUC_OK) return outcome;
  }
  qb_error_set(error, "the board stays in state %s; switch it off and on",
               dfuc_state_name(reply.state));
  return DFUC_STUCK;
}

enum dfuc_outcome dfuc_select(struct dfuc *c, uint8_t alternate,
                              struct qb_error *error) {
  c->transfers++;
  const enum usb_result result =
      c->io->set_alternate(c->io->ctx, c->interface, alternate);
  const bool needless = result == USB_STALLED && c->one_alternate;
  if (result != USB_DONE && !needless) {
    return unexpected(result, "the alternate setting that it offers", error);
  }
  return dfuc_to_idle(c, error);
}

// dfuIDLE with a time means that the device still finishes what it has accepted. One
// that always names the same time is not waited for twice.
enum dfuc_outcome dfuc_finish(struct dfuc *c, struct qb_error *error) {
  static const char what[] = "finishing the update";
  struct dfuc_reply reply = {.state = DFU_IDLE};
  struct patience patience = {.limit_ms = BUSY_MS};
  uint32_t before = UINT32_MAX;
  enum dfuc_outcome outcome = simple(c, DFU_ABORT, "to finish", error);
  while (outcome == DFUC_OK) {
    outcome = dfuc_get_status(c, &reply, error);
    if (outcome != DFUC_OK) break;
    if (reply.state == DFU_ERROR) return refused(c, &reply, what, error);
    if (reply.state != DFU_IDLE || reply.poll_ms <= 1 || reply.poll_ms >= before) break;
    before = reply.poll_ms;
    if (!wait(c, reply.poll_ms, &patience)) return stuck(what, &patience, error);
  }
  return outcome == DFUC_OK ? expect(DFU_IDLE, &reply, what, error) : outcome;
}

// ---- Commands --------------------------------------------------------------

static enum dfuc_outcome download(struct dfuc *c, uint16_t block, const uint8_t *data,
                                  uint16_t length, const char *what,
                                  struct qb_error *error) {
  // The transport does not write to what it sends.
  const enum usb_result result =
      request(c, DFU_DNLOAD, block, (uint8_t *)(uintptr_t)data, length, NULL);
  if (result == USB_STALLED) return stalled(c, what, error);
  return result == USB_DONE ? DFUC_OK : dfuc_lost(result, error);
}

// The GETSTATUS after the command starts it (AN2662), those that follow wait for it.
static enum dfuc_outcome command(struct dfuc *c, const uint8_t *bytes, uint16_t length,
                                 uint32_t limit_ms, const char *what,
                                 struct qb_error *error) {
  struct dfuc_reply reply;
  enum dfuc_outcome outcome = download(c, 0, bytes, length, what, error);
  if (outcome == DFUC_OK) outcome = while_busy(c, limit_ms, what, &reply, error);
  return outcome == DFUC_OK ? expect(DFU_DNLOAD_IDLE, &reply, what, error) : outcome;
}

static enum dfuc_outcome address_command(struct dfuc *c, enum dfuse_command code,
                                         uint32_t address, const char *verb,
                                         struct qb_error *error) {
  char what[64];
  snprintf(what, sizeof what, "%s 0x%08" PRIX32, verb, address);
  uint8_t bytes[5] = {(uint8_t)code};
  store_le32(bytes + 1, address);
  return command(c, bytes, sizeof bytes, BUSY_MS, what, error);
}

enum dfuc_outcome dfuc_set_address(struct dfuc *c, uint32_t address,
                                   struct qb_error *error) {
  return address_command(c, DFUSE_SET_ADDRESS, address, "going to", error);
}

enum dfuc_outcome dfuc_erase(struct dfuc *c, uint32_t address, struct qb_error *error) {
  return address_command(c, DFUSE_ERASE, address, "erasing the sector at", error);
}

enum dfuc_outcome dfuc_mass_erase(struct dfuc *c, struct qb_error *error) {
  const uint8_t bytes[1] = {DFUSE_ERASE};
  return command(c, bytes, sizeof bytes, MASS_ERASE_MS, "erasing everything", error);
}

// ---- Data ------------------------------------------------------------------

enum dfuc_outcome dfuc_write(struct dfuc *c, uint32_t number, const uint8_t *data,
                             uint16_t length, struct qb_error *error) {
  static const char what[] = "writing";
  struct dfuc_reply reply;
  const uint16_t block = (uint16_t)(number + DFUSE_FIRST_DATA_BLOCK);
  enum dfuc_outcome outcome = download(c, block, data, length, what, error);
  if (outcome == DFUC_OK) outcome = while_busy(c, BUSY_MS, what, &reply, error);
  return outcome == DFUC_OK ? expect(DFU_DNLOAD_IDLE, &reply, what, error) : outcome;
}

enum dfuc_outcome dfuc_read(struct dfuc *c, uint32_t number, uint8_t *data,
                            uint16_t length, uint16_t *got, struct qb_error *error) {
  const enum usb_result result = request(
      c, DFU_UPLOAD, (uint16_t)(number + DFUSE_FIRST_DATA_BLOCK), data, length, got);
  if (result == USB_STALLED) return stalled(c, "reading", error);
  return result == USB_DONE ? DFUC_OK : dfuc_lost(result, error);
}

enum dfuc_outcome dfuc_leave(struct dfuc *c, struct qb_error *error) {
  static const char what[] = "starting the application";
  struct dfuc_reply reply;
  enum dfuc_outcome outcome = download(c, DFUSE_FIRST_DATA_BLOCK, NULL, 0, what, error);
  if (outcome == DFUC_OK) outcome = while_busy(c, BUSY_MS, what, &reply, error);
  if (outcome != DFUC_OK) return outcome;
  if (reply.state == DFU_MANIFEST_SYNC) return DFUC_OK;  // of a tolerant device
  if (reply.state == DFU_MANIFEST_WAIT_RESET) {
    c->io->reset(c->io->ctx);  // which alone leads on from there (DFU 1.1 A.2.9)
    return DFUC_OK;
  }
  return expect(DFU_MANIFEST, &reply, what, error);
}

enum dfuc_outcome dfuc_detach(struct dfuc *c, const struct dfu_functional *f,
                              struct qb_error *error) {
  const enum usb_result result =
      request(c, DFU_DETACH, f->detach_timeout_ms, NULL, 0, NULL);
  if (result == USB_STALLED)
    return unexpected(result, "to start its bootloader", error);
  // A device that detaches at once may take its answer with it.
  if (!(f->attributes & DFU_WILL_DETACH)) c->io->reset(c->io->ctx);
  return DFUC_OK;
}
