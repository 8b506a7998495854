// SPDX-License-Identifier: MIT
// libquadboot-sleep.so: replaces the sleeps of a program that runs under
// quadboot-attach. Each is taken over by the simulator, which lets virtual time
// pass for exactly as long; without an answer the program sleeps for real.
//
// Loaded into other people's programs: uses nothing but libc, keeps no state,
// takes no lock, allocates nothing and leaves errno alone on success. Sleeps
// until a point in time, and of other clocks than the two below, stay real.
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/attach/sleep_wire.h"

enum answer { SLEPT, INTERRUPTED, SLEEP_FOR_REAL };

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, US_PER_S = 1000000 };

// The inherited socket, or -1. A program may have closed it and opened
// something else under its number.
static int find_socket(void) {
  const char *text = getenv(SLEEP_FD_VARIABLE);
  if (!text) return -1;
  const int fd = atoi(text);
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return -1;
  size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return -1;
  return domain == AF_UNIX && type == SOCK_SEQPACKET ? fd : -1;
}

// Sends the request together with the socket for its answer.
static bool send_request(int fd, struct sleep_request request, int reply_fd) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof reply_fd)];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec io = {.iov_base = &request, .iov_len = sizeof request};
  struct msghdr m = {.msg_iov = &io,
                     .msg_iovlen = 1,
                     .msg_control = control.bytes,
                     .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof reply_fd);
  memcpy(CMSG_DATA(c), &reply_fd, sizeof reply_fd);
  return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)sizeof request;
}

// poll() and not recv(): like a sleep, it is never restarted after a signal.
static enum answer wait_for_answer(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  if (poll(&p, 1, -1) < 0) return errno == EINTR ? INTERRUPTED : SLEEP_FOR_REAL;
  char byte;
  return recv(fd, &byte, sizeof byte, MSG_DONTWAIT) == sizeof byte ? SLEPT
                                                                   : SLEEP_FOR_REAL;
}

static enum answer ask(uint64_t ns) {
  const int fd = find_socket();
  int ends[2];
  if (fd < 0) return SLEEP_FOR_REAL;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return SLEEP_FOR_REAL;
  }
  const bool sent = send_request(fd, (struct sleep_request){.ns = ns}, ends[1]);
  close(ends[1]);
  const enum answer answer = sent ? wait_for_answer(ends[0]) : SLEEP_FOR_REAL;
  close(ends[0]);
  return answer;
}

// What is left of a sleep that a signal cut short, by wall time: how much
// virtual time has passed is not known here.
static void set_remaining(struct timespec *remaining, uint64_t ns,
                          const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t passed =
      (int64_t)(now.tv_sec - start->tv_sec) * NS_PER_S + now.tv_nsec - start->tv_nsec;
  const uint64_t left = (uint64_t)passed < ns ? ns - (uint64_t)passed : 0;
  remaining->tv_sec = (time_t)(left / NS_PER_S);
  remaining->tv_nsec = (long)(left % NS_PER_S);
}

static long sleep_for_real(clockid_t clock, int flags, const struct timespec *time,
                           struct timespec *remaining) {
  return syscall(SYS_clock_nanosleep, clock, flags, time, remaining);
}

static bool is_taken_over(const struct timespec *t) {
  if (!t || t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= NS_PER_S) return false;
  // Above, the sum of nanoseconds does not fit; below, there is nothing to do.
  return t->tv_sec < INT32_MAX && (t->tv_sec > 0 || t->tv_nsec > 0);
}

// A relative sleep, with the result of nanosleep().
static int sleep_relative(clockid_t clock, const struct timespec *time,
                          struct timespec *remaining) {
  const int errno_before = errno;
  if (!is_taken_over(time)) return (int)sleep_for_real(clock, 0, time, remaining);
  const uint64_t ns = (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  switch (ask(ns)) {
    case SLEPT: errno = errno_before; return 0;
    case INTERRUPTED:
      if (remaining) set_remaining(remaining, ns, &start);
      errno = EINTR;
      return -1;
    default:
      errno = errno_before;
      return (int)sleep_for_real(clock, 0, time, remaining);
  }
}

// The parameters below have libc's own names.

int nanosleep(const struct timespec *requested_time, struct timespec *remaining) {
  return sleep_relative(CLOCK_REALTIME, requested_time, remaining);
}

// Unlike the others it returns the error and leaves errno alone.
int clock_nanosleep(clockid_t clock_id, int flags, const struct timespec *req,
                    struct timespec *rem) {
  const int errno_before = errno;
  const bool known = clock_id == CLOCK_REALTIME || clock_id == CLOCK_MONOTONIC;
  const long result = known && flags == 0 ? sleep_relative(clock_id, req, rem)
                                          : sleep_for_real(clock_id, flags, req, rem);
  const int error = result == 0 ? 0 : errno;
  errno = errno_before;
  return error;
}

int usleep(useconds_t useconds) {
  const struct timespec time = {.tv_sec = useconds / US_PER_S,
                                .tv_nsec = (long)(useconds % US_PER_S) * NS_PER_US};
  return sleep_relative(CLOCK_REALTIME, &time, NULL);
}

// Gives back the seconds that are left, rounded.
unsigned sleep(unsigned seconds) {
  const struct timespec time = {.tv_sec = seconds};
  struct timespec remaining = {0};
  if (sleep_relative(CLOCK_REALTIME, &time, &remaining) == 0) return 0;
  return (unsigned)remaining.tv_sec + (remaining.tv_nsec >= NS_PER_S / 2);
}
