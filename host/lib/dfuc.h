// SPDX-License-Identifier: MIT
// DFU 1.1 and DfuSe as a host speaks them: one request or command at a time, with
// its waits and deadlines, and what the device says of its errors. Does what the
// device tells it (poll times, sizes); knows nothing of files or plans.
#pragma once

#include "common/protocol/dfu.h"
#include "host/lib/usb_board.h"

// How a step ended. Whatever is not DFUC_OK comes with a sentence.
enum dfuc_outcome {
  DFUC_OK,
  DFUC_REFUSED,  // the device answered with an error; it was cleared
  DFUC_LOST,     // no device any more, or one that does not answer: find it again
  DFUC_STUCK,    // the device says that it is busy, for longer than anything takes
};

// Told while the device works: it has worked for `waited_ms`, and says that it needs
// `more_ms`.
struct dfuc_wait {
  void *ctx;
  void (*busy)(void *ctx, uint32_t waited_ms, uint32_t more_ms);
};

struct dfuc {
  struct usb_io *io;
  uint8_t interface;
  uint16_t transfer_size;
  // Blocks are as long as the device thinks, so that it can tell from their numbers
  // where they belong; else each needs an address.
  bool counts_blocks;
  bool can_upload;             // so it says of itself
  bool one_alternate;          // it may refuse SET_INTERFACE (USB 2.0 9.4.10)
  bool is_quadboot;            // it may know quadboot's own requests
  uint32_t status_timeout_ms;  // for a GETSTATUS
  struct dfuc_wait wait;       // `busy` may be NULL
  uint64_t transfers;          // control transfers so far
};

struct dfuc_reply {
  uint8_t status, state, string;
  uint32_t poll_ms;  // bwPollTimeout
};

void dfuc_init(struct dfuc *c, struct usb_io *io, const struct usb_board *b);

// What a transfer that ended like this means: DFUC_LOST, with the sentence.
enum dfuc_outcome dfuc_lost(enum usb_result result, struct qb_error *error);

// The requests (DFU 1.1 chapter 6 and appendix A).
enum dfuc_outcome dfuc_get_status(struct dfuc *c, struct dfuc_reply *out,
                                  struct qb_error *error);

// SET_INTERFACE, then whatever leads to dfuIDLE from there.
enum dfuc_outcome dfuc_select(struct dfuc *c, uint8_t alternate,
                              struct qb_error *error);

// From any state to dfuIDLE: clears an error, aborts what is under way, waits for
// what is busy.
enum dfuc_outcome dfuc_to_idle(struct dfuc *c, struct qb_error *error);

// ABORT after data, as the last word: the device finishes and verifies all that it
// has accepted, or reports what went wrong.
enum dfuc_outcome dfuc_finish(struct dfuc *c, struct qb_error *error);

// DfuSe commands (AN2662), executed when they return.
enum dfuc_outcome dfuc_set_address(struct dfuc *c, uint32_t address,
                                   struct qb_error *error);
enum dfuc_outcome dfuc_erase(struct dfuc *c, uint32_t address, struct qb_error *error);
enum dfuc_outcome dfuc_mass_erase(struct dfuc *c, struct qb_error *error);

// Blocks: `number` counts from 0 behind the address pointer, in units of
// transfer_size. Only the last may be shorter. dfuc_read: the device may answer with
// fewer bytes at the end of its memory.
enum { DFUC_BLOCKS = 65536 - DFUSE_FIRST_DATA_BLOCK };  // wValue has 16 bits
enum dfuc_outcome dfuc_write(struct dfuc *c, uint32_t number, const uint8_t *data,
                             uint16_t length, struct qb_error *error);
enum dfuc_outcome dfuc_read(struct dfuc *c, uint32_t number, uint8_t *data,
                            uint16_t length, uint16_t *got, struct qb_error *error);

// Leave DFU mode: the device finishes its work, answers dfuMANIFEST and starts the
// application (DFU 1.1 A.2.7, DfuSe).
enum dfuc_outcome dfuc_leave(struct dfuc *c, struct qb_error *error);

// Asks a running application (run-time DFU) for its bootloader (DFU 1.1 5.1): DETACH,
// then a bus reset if the device does not detach by itself. The device is gone then.
enum dfuc_outcome dfuc_detach(struct dfuc *c, const struct dfu_functional *f,
                              struct qb_error *error);

// "dfuIDLE", "errPROG" (DFU 1.1 6.1.2).
const char *dfuc_state_name(uint8_t state);
const char *dfuc_status_name(uint8_t status);
