// SPDX-License-Identifier: MIT
// For one test program: time that passes at once when nothing happens. poll() waits 150
// ms for events and then lets the clock jump over the rest, so that a time limit of
// minutes can be seen. Defines what libc has; include it once.
#pragma once

#include <poll.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong fast_time_ahead_ms;

int clock_gettime(clockid_t clock, struct timespec *out) {
  const unsigned long long ahead = fast_time_ahead_ms;
  if (syscall(SYS_clock_gettime, clock, out) != 0) return -1;
  out->tv_sec += (time_t)(ahead / 1000);
  out->tv_nsec += (long)(ahead % 1000) * 1000000;
  if (out->tv_nsec < 1000000000) return 0;
  out->tv_nsec -= 1000000000;
  out->tv_sec++;
  return 0;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
  enum { REAL_MS = 150 };
  const bool jumps = timeout_ms > REAL_MS;
  const struct timespec wait = {.tv_nsec = (jumps            ? REAL_MS
                                            : timeout_ms < 0 ? 0
                                                             : timeout_ms) *
                                           1000000L};
  const int n = (int)syscall(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &wait, NULL,
                             (size_t)8);
  if (n == 0 && jumps) fast_time_ahead_ms += (unsigned)(timeout_ms - REAL_MS);
  return n;
}
