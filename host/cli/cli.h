// SPDX-License-Identifier: MIT
// What the subcommands share: exit codes, and how a failure is told. Standard
// output is for results, standard error for one sentence on one line.
#pragma once

#include "host/lib/error.h"

// Exit codes, part of the tool's interface.
enum {
  CLI_OK = 0,
  CLI_FAILED = 1,       // the command line was right, the work could not be done
  CLI_USAGE = 2,        // the command line was wrong; nothing was done
  CLI_NO_BOARD = 3,     // no board, not the one asked for, or several without a choice
  CLI_DIFFERENT = 4,    // verify: the flash does not hold what the files say
  CLI_SOME_FAILED = 5,  // of several boards some failed
  CLI_INTERRUPTED = 130,  // by Ctrl-C, as shells have it (128 + SIGINT)
};

// For `--help`.
#define CLI_EXIT_CODES                                                            \
  "Exit codes: 0 done, 1 failed (one line on standard error says why), 2 the\n"   \
  "command line was wrong, 3 no such board or several, 4 the flash holds other\n" \
  "content, 5 some of several boards failed, 130 stopped by Ctrl-C."

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
// The sentence, and the exit code that is given.
int cli_fail_as(const char *command, int code, const struct qb_error *error);

// Writes out what was printed. CLI_FAILED if that does not work (a full disk, a
// closed pipe), else CLI_OK.
int cli_finish_output(const char *command);

// The subcommands, one file each.
int cmd_list(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_flash(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_erase(int argc, char **argv);
int cmd_boot(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_unpack(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_serial(int argc, char **argv);
