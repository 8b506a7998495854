// SPDX-License-Identifier: MIT
#include "host/attach/sleeps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/attach/sleep_wire.h"

// The program's end gets a high number, out of the way of programs and shells
// that count on low ones.
enum { FIRST_CHILD_FD = 100 };

bool sleeps_open(struct sleeps *s, struct remote *remote) {
  *s = (struct sleeps){.remote = remote, .fd = -1, .child_fd = -1};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  s->fd = ends[0];
  fcntl(s->fd, F_SETFL, O_NONBLOCK);
  s->child_fd = fcntl(ends[1], F_DUPFD, FIRST_CHILD_FD);  // stays open on exec
  close(ends[1]);
  return s->child_fd >= 0;
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void sleeps_handed_over(struct sleeps *s) {
  close_fd(&s->child_fd);
}

void sleeps_close(struct sleeps *s) {
  close_fd(&s->fd);
  close_fd(&s->child_fd);
  for (size_t i = 0; i < SLEEPS_MOST; i++) {
    if (s->slots[i].used) close(s->slots[i].reply_fd);
    s->slots[i].used = false;
  }
}

int sleeps_fd(const struct sleeps *s) {
  return s->fd;
}

// One byte says "slept"; the end of the socket alone says "sleep for real".
static void on_sleep_done(struct remote_sleep *sleep, bool slept) {
  struct sleep_slot *slot = sleep->owner;
  if (slept) (void)send(slot->reply_fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  close(slot->reply_fd);
  slot->used = false;
}

static void start(struct sleeps *s, uint64_t ns, int reply_fd) {
  for (size_t i = 0; i < SLEEPS_MOST; i++) {
    struct sleep_slot *slot = &s->slots[i];
    if (slot->used) continue;
    *slot = (struct sleep_slot){
        .used = true,
        .sleep = {.ns = ns, .done = on_sleep_done, .owner = slot},
        .reply_fd = reply_fd,
    };
    if (!remote_start_sleep(s->remote, &slot->sleep))
      on_sleep_done(&slot->sleep, false);
    return;
  }
  close(reply_fd);
}

// The socket that came with a message, -1 when none did.
static int attached_fd(struct msghdr *m) {
  const struct cmsghdr *c = CMSG_FIRSTHDR(m);
  if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return -1;
  if (c->cmsg_len != CMSG_LEN(sizeof(int))) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

// Takes one request. False when there is none.
static bool take_request(struct sleeps *s) {
  struct sleep_request request;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec io = {.iov_base = &request, .iov_len = sizeof request};
  struct msghdr m = {.msg_iov = &io,
                     .msg_iovlen = 1,
                     .msg_control = control.bytes,
                     .msg_controllen = sizeof control.bytes};
  const ssize_t n = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC);
  const bool over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  if (over) close_fd(&s->fd);  // every program is gone
  if (n <= 0) return false;
  const int reply_fd = attached_fd(&m);
  if (reply_fd < 0) return true;
  if (n == (ssize_t)sizeof request) {
    start(s, request.ns, reply_fd);
  } else {
    close(reply_fd);
  }
  return true;
}

void sleeps_service(struct sleeps *s) {
  while (s->fd >= 0 && take_request(s)) {
  }
}
