// SPDX-License-Identifier: MIT
// The DFU protocol as one table: what each request does in each state. It is the
// DFU 1.1 appendix A, ST's CLRSTATUS and AN2662's leave; no other file decides
// whether a request is allowed.
#pragma once

#include <stdint.h>

#include "common/protocol/dfu.h"

enum dfu_action {
  DFU_ACT_UNSET,    // never in the table
  DFU_ACT_STALL,    // STALL; dfuERROR with errSTALLEDPKT
  DFU_ACT_KEEP,     // STALL; state and status stay as they are
  DFU_ACT_DNLOAD,   // take the block; an empty one means leave
  DFU_ACT_UPLOAD,   // send the block; a short one goes to `other`
  DFU_ACT_STATUS,   // report, then maybe move on (dfu.c, after_status)
  DFU_ACT_STATE,    // report
  DFU_ACT_CLEAR,    // forget the error
  DFU_ACT_UNKNOWN,  // accepted; dfuERROR with errUNKNOWN
  DFU_ACT_ABORT,    // back to dfuIDLE, keeping what was accepted
  DFU_ACT_DETACH,   // run-time device only
};

struct dfu_cell {
  uint8_t action;  // enum dfu_action
  uint8_t next;    // enum dfu_state after it
  uint8_t other;   // DNLOAD of 0 bytes, UPLOAD of a short block
};

extern const struct dfu_cell dfu_table[DFU_STATES][DFU_REQUESTS];
