// SPDX-License-Identifier: MIT
// The sleeps of the program, on their way from libquadboot-sleep.so to the
// simulator and back (the messages: sleep_wire.h).
#pragma once

#include "host/transport/remote.h"

enum { SLEEPS_MOST = 64 };  // at once; further ones are real

struct sleep_slot {
  bool used;
  struct remote_sleep sleep;
  int reply_fd;
};

struct sleeps {
  struct remote *remote;
  int fd;        // ours; -1 when no program can ask any more
  int child_fd;  // the program's; -1 once it was handed over
  struct sleep_slot slots[SLEEPS_MOST];
};

// Creates the socket. False with errno set when it fails.
bool sleeps_open(struct sleeps *s, struct remote *remote);
void sleeps_close(struct sleeps *s);

// The program runs: its end of the socket is its own now.
void sleeps_handed_over(struct sleeps *s);

// For poll(): readable when sleeps_service has work; -1 when it never will.
int sleeps_fd(const struct sleeps *s);
void sleeps_service(struct sleeps *s);
