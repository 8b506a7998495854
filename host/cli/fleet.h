// SPDX-License-Identifier: MIT
// The same work on one board or on many at once, each in a thread of its own. A board
// that fails never stops the others.
#pragma once

#include "host/cli/select.h"
#include "host/cli/ui.h"
#include "host/lib/update.h"

// One board's share. `work` fills in `code` and the sentences.
struct fleet_member {
  const struct boards_entry *entry;
  const char *name;  // for people: the serial number, or the place
  size_t index;
  struct ui *ui;
  const void *arguments;  // of the command, read-only
  // While working:
  struct connection connection;
  bool connected;
  struct job_events events;  // leads to the ui, and to Ctrl-C
  // Results:
  int code;                        // exit code
  char summary[512];               // what was done, when CLI_OK
  uint64_t skipped;                // bytes that were not sent, being there already
  struct qb_error problem, state;  // what was wrong, and what that leaves; "" if none
  char *picture;                   // more lines about the board, or NULL; from malloc()
};

// Works on one board. `connection` is open; `connected` is cleared if it is lost.
typedef void fleet_work(struct fleet_member *m);

struct fleet_command {
  const char *name;  // "quadboot flash"
  fleet_work *work;
  const void *arguments;
  bool map;
};

// Selects the boards, works on all of them, tells the results; the exit code.
int fleet_run(const struct fleet_command *command, const struct cli_options *o);

// Turns a job's end into the member's code and problem.
void fleet_take_outcome(struct fleet_member *m, enum job_outcome outcome,
                        const struct qb_error *problem);
