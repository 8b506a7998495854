// SPDX-License-Identifier: MIT
// The whole of quadboot-attach at work: imports the device, shows it, runs the
// program, and carries everything between them until the program ends. One
// thread and one poll().
#pragma once

#include "host/attach/options.h"

enum {
  BRIDGE_FAILED = 125,          // no device, or no means to show it
  BRIDGE_DEVICE_MS = 10000,     // how long a device is waited for
  BRIDGE_ENUMERATE_MS = 10000,  // how long it may take to answer all questions
  BRIDGE_GOODBYE_MS = 1000,     // for what the kernel sends after a program's end
};

// Runs the command of the options; `sleep_library` is preloaded into it, NULL
// for none. Returns the exit status, after a sentence on standard error if it
// is not the command's own.
int bridge_run(const struct options *options, const char *sleep_library);
