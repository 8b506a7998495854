// SPDX-License-Identifier: MIT
// What the subcommands share: exit codes, and how a failure is told. Standard
// output is for results, standard error for one sentence on one line.
#pragma once

#include "host/lib/error.h"

// Exit codes, part of the tool's interface.
enum {
  CLI_OK = 0,
  CLI_FAILED = 1,  // the command line was right, the work could not be done
  CLI_USAGE = 2,   // the command line was wrong; nothing was done
};

// A subcommand. `run` gets the arguments from the subcommand's own name on and
// returns an exit code.
struct cli_command {
  const char *name;
  const char *summary;  // one line for `quadboot --help`
  int (*run)(int argc, char **argv);
};

// `command` is "quadboot pack", or "quadboot" before a subcommand is known.
// cli_fail() tells the library's sentence and returns CLI_FAILED. cli_usage()
// adds where help is and returns CLI_USAGE.
int cli_fail(const char *command, const struct qb_error *error);
int cli_usage(const char *command, const struct qb_error *error);

// Writes out what was printed. CLI_FAILED if that does not work (a full disk, a
// closed pipe), else CLI_OK.
int cli_finish_output(const char *command);

// The subcommands, one file each.
int cmd_pack(int argc, char **argv);
