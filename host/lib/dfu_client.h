// SPDX-License-Identifier: MIT
// DFU 1.1 and DfuSe as a host speaks them: one request or command at a time, with
// its waits and deadlines, and what the device says of its errors. Does what the
// device tells it (poll times, sizes); knows nothing of files or plans.
#pragma once

#include "common/protocol/dfu.h"
#include "host/lib/board.h"

// How a step ended. Whatever is not DFU_OK comes with a sentence.
enum dfu_outcome {
  DFU_OK,
  DFU_REFUSED,  // the device answered with an error; it was cleared
  DFU_LOST,     // no device any more, or one that does not answer: find it again
  DFU_STUCK,    // the device says that it is busy, for longer than anything takes
};

// Told while the device works: it has worked for `waited_ms`, and says that it needs
// `more_ms`.
struct dfu_wait {
  void *ctx;
  void (*busy)(void *ctx, uint32_t waited_ms, uint32_t more_ms);
};

struct dfu_client {
  struct usb_io *io;
  uint8_t interface;
  uint16_t transfer_size;
  uint32_t status_timeout_ms;  // for a GETSTATUS
  struct dfu_wait wait;        // `busy` may be NULL
  uint64_t transfers;          // control transfers so far
};

struct dfu_reply {
  uint8_t status, state, string;
  uint32_t poll_ms;  // bwPollTimeout
};

void dfu_client_init(struct dfu_client *c, struct usb_io *io, const struct board *b);

// The requests (DFU 1.1 chapter 6 and appendix A).
enum dfu_outcome dfu_get_status(struct dfu_client *c, struct dfu_reply *out,
                                struct qb_error *error);

// SET_INTERFACE, then whatever leads to dfuIDLE from there.
enum dfu_outcome dfu_select(struct dfu_client *c, uint8_t alternate,
                            struct qb_error *error);

// From any state to dfuIDLE: clears an error, aborts what is under way, waits for
// what is busy.
enum dfu_outcome dfu_to_idle(struct dfu_client *c, struct qb_error *error);

// ABORT after data, as the last word: the device finishes and verifies all that it
// has accepted, or reports what went wrong.
enum dfu_outcome dfu_finish(struct dfu_client *c, struct qb_error *error);

// DfuSe commands (AN2662), executed when they return.
enum dfu_outcome dfu_set_address(struct dfu_client *c, uint32_t address,
                                 struct qb_error *error);
enum dfu_outcome dfu_erase(struct dfu_client *c, uint32_t address,
                           struct qb_error *error);
enum dfu_outcome dfu_mass_erase(struct dfu_client *c, struct qb_error *error);

// Blocks: `number` counts from 0 behind the address pointer, in units of
// transfer_size. Only the last may be shorter. dfu_read: the device may answer with
// fewer bytes at the end of its memory.
enum { DFU_BLOCKS = 65536 - DFUSE_FIRST_DATA_BLOCK };  // wValue has 16 bits
enum dfu_outcome dfu_write(struct dfu_client *c, uint32_t number, const uint8_t *data,
                           uint16_t length, struct qb_error *error);
enum dfu_outcome dfu_read(struct dfu_client *c, uint32_t number, uint8_t *data,
                          uint16_t length, uint16_t *got, struct qb_error *error);

// Leave DFU mode: the device finishes its work, answers dfuMANIFEST and starts the
// application (DFU 1.1 A.2.7, DfuSe).
enum dfu_outcome dfu_leave(struct dfu_client *c, struct qb_error *error);

// "dfuIDLE", "errPROG" (DFU 1.1 6.1.2).
const char *dfu_state_name(uint8_t state);
const char *dfu_status_name(uint8_t status);
