// SPDX-License-Identifier: MIT
// Carries a plan out on an open board, or reads and compares: the sequences of DFU
// commands, and how far they have come. Neither prints nor waits for a board that is
// lost; whoever runs it again with the same plan goes on where it stopped.
//
//            .--> compare (what was written before a loss; with changed_only, all)
//            |         |
//   job_write|         v     per sector          start: [verify] leave
//            '--> WAITING --> ERASED --> WRITTEN --<
//                    ^____________________/ lost   stay: finish [verify]
//
// The vector table of an application is erased first and written last, so that no
// bootloader starts what is half-written. All comparing comes before the first write:
// it needs an ABORT, and the ABORT that follows data tells quadboot that the update is
// complete.
#pragma once

#include "host/lib/dfuc.h"
#include "host/lib/plan.h"

enum job_phase {
  JOB_COMPARING,
  JOB_ERASING,
  JOB_WRITING,
  JOB_FINISHING,
  JOB_VERIFYING,
  JOB_READING,
  JOB_SENDING,  // over a serial line
  JOB_PHASES,
};

// Where a job is. Work is counted in bytes to erase, write, compare and read.
struct job_progress {
  enum job_phase phase;
  uint32_t address;
  uint64_t done, total;
};

struct job_events {
  void *ctx;
  // Often. May be NULL.
  void (*progress)(void *ctx, const struct job_progress *progress);
  // A sector's state has changed. May be NULL.
  void (*unit)(void *ctx, const struct plan *plan, size_t index);
  // Asked between commands: true ends the job as JOB_STOPPED. May be NULL.
  bool (*stop)(void *ctx);
};

enum job_outcome {
  JOB_DONE,
  JOB_REFUSED,    // the board says no
  JOB_LOST,       // no board any more
  JOB_STUCK,      // the board is busy without end
  JOB_DIFFERENT,  // what was read is not what should be there
  JOB_STOPPED,    // `stop` said so; the board is in dfuIDLE
};

struct job_options {
  bool digest;        // use the board's checksums if it computes any
  bool changed_only;  // read first, and leave alone what is right already
  bool verify;        // read back at the end
  bool start;         // leave DFU mode at the end: start the application
};

struct job {
  struct dfuc *client;
  const struct job_events *events;
  struct job_progress at;
  int alternate;  // selected; -1: none yet
  // Where the next block would go if no command came between; see stream().
  bool streaming;
  uint32_t next_address, next_block;
  bool reading;       // the board may be in dfuUPLOAD-IDLE, which takes no command
  bool started;       // the application was started
  bool wants_digest;  // use the board's checksums: set by job_write, or the owner
  // What the board says of itself, once it was asked.
  bool digest;      // it computes checksums
  bool mixed;       // blocks for both flashes may alternate
  bool unfinished;  // an update was begun and not finished
};

// `events` must outlive the job.
void job_init(struct job *j, struct dfuc *client, const struct job_events *e);

// Makes the board hold the plan's bytes.
enum job_outcome job_write(struct job *j, struct plan *p,
                           const struct job_options *options, struct qb_error *error);

// Erases the plan's sectors.
enum job_outcome job_erase(struct job *j, struct plan *p, struct qb_error *error);

// Erases all of an alternate setting that can be erased, with one command.
enum job_outcome job_mass_erase(struct job *j, uint8_t alternate,
                                struct qb_error *error);

// Compares. JOB_DIFFERENT: the error names the first byte; `bytes` counts those that
// differ.
enum job_outcome job_verify(struct job *j, struct plan *p, uint64_t *bytes,
                            struct qb_error *error);

// Reads `size` bytes at `address` of an alternate setting.
enum job_outcome job_read(struct job *j, uint8_t alternate, uint32_t address,
                          uint8_t *out, uint64_t size, struct qb_error *error);

// Starts what is installed. `application`: where, for bootloaders that must be told.
enum job_outcome job_start(struct job *j, const uint32_t *application,
                           struct qb_error *error);
