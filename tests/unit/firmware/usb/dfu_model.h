// SPDX-License-Identifier: MIT
// A second implementation of the DFU device, as plain as the rules can be told
// (DFU 1.1 appendix A with DfuSe, and quadboot's own: data are never dropped,
// commands not begun are, failures are told later): what each request must answer, and
// what each byte of flash reads as from the moment a job is taken, as if each job had
// run at once. How long the device stays busy is the device's. Shares no code with it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
  MODEL_INTERNAL_SIZE = 0x40000,
  MODEL_KEPT = 0x10000,
  MODEL_NOR_SIZE = 0x8000,
  MODEL_BLOCK = 4096,
};

enum model_job {
  JOB_NONE,
  JOB_SET_ADDRESS,
  JOB_ERASE,
  JOB_MASS_ERASE,
  JOB_BAD,
  JOB_READ_UNPROTECT,
  JOB_WRITE,
};

struct model_work {
  enum model_job job;
  bool armed;  // a GETSTATUS has been answered: a command may begin
  uint32_t address, length;
  uint8_t data[MODEL_BLOCK];
};

struct model {
  int state, status;  // bState, bStatus
  int failure;        // of work, not yet told
  bool leaving, leave;
  int alternate;
  uint32_t pointer, upload_size;
  bool unsettled;  // jobs were taken that may still be at work
  struct model_work waiting;
  uint8_t internal[MODEL_INTERNAL_SIZE], nor[MODEL_NOR_SIZE];
};

void model_reset(struct model *m);
bool model_set_interface(struct model *m, int alternate);

// Requests: false when they are stalled.
bool model_dnload(struct model *m, uint16_t block, const uint8_t *data,
                  uint32_t length);
bool model_upload(struct model *m, uint16_t block, uint32_t length,
                  const uint8_t **data, uint32_t *given);
bool model_clrstatus(struct model *m);
bool model_abort(struct model *m);
bool model_detach(struct model *m);
// GETSTATUS changes the state, to what the device says (`busy`: dfuDNBUSY) where work
// decides: false if it may not say that. `answered` once its reply is out.
bool model_getstatus(struct model *m, bool busy);
void model_answered(struct model *m);

// The device has taken the job that waits, which runs at once. False: it must not have,
// a command begins only when it is armed.
bool model_take(struct model *m);

// An operation failed, which drops data that wait; `fault` is a bStatus.
void model_fail(struct model *m, int fault);
