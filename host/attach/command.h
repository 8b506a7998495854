// SPDX-License-Identifier: MIT
// The one program that quadboot-attach runs: start, signals, end.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
  COMMAND_CANNOT_RUN = 127,  // as in a shell (POSIX.1-2017, 2.8.2)
  COMMAND_SIGNALLED = 128,   // plus the signal's number
};

struct command {
  pid_t pid;             // 0: not running
  sigset_t mask_before;  // what the program shall start with
  int signals;           // signalfd for the program's end and for ours
  int exit_status;       // once it ended, as a shell tells it
  bool ended;
};

// Takes signals over; before any thread is started, so that all inherit it.
bool command_prepare(struct command *c);

// Starts the program, found in PATH. 0, or the error number.
int command_start(struct command *c, char *const argv[]);

// For poll(): readable when command_service has work.
int command_fd(const struct command *c);

// Passes signals on to the program and notices its end. A signal that comes
// before there is a program is an end, too.
void command_service(struct command *c);
