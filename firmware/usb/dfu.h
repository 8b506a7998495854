// SPDX-License-Identifier: MIT
// USB DFU 1.1 with ST's DfuSe commands, as a struct usb_class over an update
// session. The table (dfu_table.c) decides what is allowed; this file does it.
//
// Nothing slow happens before a reply: a request only notes work, dfu_poll starts
// it when the writer is free. A command (block 0) is started by the GETSTATUS that
// follows it, as AN2662 has it; data at once.
#pragma once

#include "common/protocol/dfu.h"
#include "firmware/usb/dfu_vendor.h"

enum { DFU_TRANSFER_SIZE = USBD_BUFFER };

enum dfu_work_kind {
  DFU_WORK_NONE,
  DFU_WORK_SET_ADDRESS,
  DFU_WORK_ERASE,
  DFU_WORK_MASS_ERASE,
  DFU_WORK_BAD_COMMAND,
  DFU_WORK_READ_UNPROTECT,
  DFU_WORK_WRITE,
};

// A command or block that waits for the session to take it.
struct dfu_work {
  enum dfu_work_kind kind;
  bool armed;  // the GETSTATUS that starts a command has been answered
  uint32_t address, length;
  const uint8_t *data;  // of a write: the control machine's buffer
};

// How work failed, and what the host will read of it.
struct dfu_failure {
  uint8_t status;      // bStatus; OK: nothing failed
  enum status reason;  // the sentence
  uint32_t address;
  bool has_address;
};

struct dfu {
  struct session *session;
  uint8_t alternates;  // one per medium
  enum dfu_state state;
  struct dfu_failure told;  // what GETSTATUS reports
  uint8_t alternate;
  uint32_t pointer;
  uint32_t upload_size;  // wLength of an upload's first data block
  struct dfu_work work;  // waits
  bool paced;            // the answer depends on how far work at `paced_at` is
  uint32_t paced_at;
  bool holding;  // a reply waits, since `held_us`
  uint32_t held_us;
  bool completing;             // as the host's last word
  bool finishing;              // an ABORT came, and nothing after it
  bool may_hold;               // the first GETSTATUS behind it may be held
  struct dfu_failure failure;  // of work, until a GETSTATUS tells it
  bool leaving;                // DNLOAD of length 0 was taken
  bool wrote;                  // the last DNLOAD was a data block
  bool last_word;              // an ABORT now would say that all data are sent
  bool leave;                  // dfuMANIFEST was reported, the reply is out
  uint8_t reply[DFU_STATUS_SIZE];
  struct dfu_vendor vendor;
  struct flash_loan loan;  // of the bytes of an upload's block
  uint8_t upload[DFU_TRANSFER_SIZE];
};

// String index that GETSTATUS names when something is wrong.
enum { DFU_STRING_REASON = 0x20, DFU_REASON_MAX = 126 };

void dfu_init(struct dfu *d, struct session *s, const struct info *info);
struct usb_class dfu_class(struct dfu *d);

// One step of work. False if there is none, or an interrupt must come first.
bool dfu_poll(struct dfu *d);

// The host wants the application, and has been told: detach and start it.
static inline bool dfu_wants_to_leave(const struct dfu *d) {
  return d->leave;
}

// The sentence for the last error, terminated; its length.
size_t dfu_reason(const struct dfu *d, char out[DFU_REASON_MAX + 1]);
