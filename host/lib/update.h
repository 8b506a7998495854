// SPDX-License-Identifier: MIT
// A whole update of one board: carries out a plan, finds the board again when it is
// lost on the way, and says in words in which state it leaves the board.
#pragma once

#include "host/lib/boards.h"
#include "host/lib/job.h"

struct update_events {
  struct job_events job;
  // The board was lost (the sentence says how), and is looked for. May be NULL.
  void (*lost)(void *ctx, const char *sentence);
  // It is back, and the update goes on. May be NULL.
  void (*back)(void *ctx);
};

struct update_options {
  struct job_options job;
  uint32_t wait_ms;  // how long to look for a lost board
};

struct update_result {
  enum job_outcome outcome;
  bool started;        // the application was started
  uint32_t losses;     // how often the board was lost and found again
  uint64_t transfers;  // control transfers of all connections
  // What was wrong (unless JOB_DONE), and what that means for the board.
  struct qb_error problem, state;
};

// Writes the plan. `c` is open, and open again or lost at the end: `connected` tells
// whether it must be closed.
void update_run(struct connection *c, bool *connected, const struct usb_bus *bus,
                struct plan *p, const struct update_options *options,
                const struct update_events *events, struct update_result *out);
