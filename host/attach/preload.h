// SPDX-License-Identifier: MIT
// The two libraries that are put in front of libc by LD_PRELOAD: umockdev's,
// for this process and the program, and libquadboot-sleep.so, for the program
// alone.
#pragma once

#include <stdbool.h>

// Starts this very program again under umockdev's library, unless it is there
// already. Returns false, with errno set, only when that fails.
bool preload_self(char *const argv[]);

// The path of libquadboot-sleep.so beside this program, for the caller to free;
// NULL when it is not there, or has a name that LD_PRELOAD cannot hold.
char *preload_find_sleep_library(void);

// Prepares this process's environment to be the program's, before testbed_open starts
// umockdev's thread: from there on nothing may be added to it. `sleep_library` NULL
// leaves the program's sleeps alone.
void preload_for_command(const char *sleep_library, int sleep_fd);
