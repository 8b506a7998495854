// SPDX-License-Identifier: MIT
#include "host/attach/command.h"

#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void fill_set(sigset_t *set) {
  static const int taken[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  sigemptyset(set);
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    sigaddset(set, taken[i]);
}

bool command_prepare(struct command *c) {
  *c = (struct command){.signals = -1};
  sigset_t set;
  fill_set(&set);
  sigprocmask(SIG_BLOCK, &set, &c->mask_before);
  c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return c->signals >= 0;
}

int command_start(struct command *c, char *const argv[]) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &c->mask_before);
  const int error = posix_spawnp(&c->pid, argv[0], NULL, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  if (error) c->pid = 0;
  return error;
}

int command_fd(const struct command *c) {
  return c->signals;
}

// SIGCHLD also tells of stops, and one may stand for several.
static void reap(struct command *c) {
  int status;
  if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid) return;
  c->pid = 0;
  c->ended = true;
  c->exit_status =
      WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_SIGNALLED + WTERMSIG(status);
}

void command_service(struct command *c) {
  struct signalfd_siginfo s;
  while (read(c->signals, &s, sizeof s) == (ssize_t)sizeof s) {
    // What a terminal sends reaches the program without us.
    const bool for_us_alone = s.ssi_code == SI_USER || s.ssi_code == SI_QUEUE;
    if (s.ssi_signo != SIGCHLD && for_us_alone && c->pid != 0) {
      kill(c->pid, (int)s.ssi_signo);
    }
    if (s.ssi_signo != SIGCHLD && c->pid == 0 && !c->ended) {
      c->ended = true;
      c->exit_status = COMMAND_SIGNALLED + (int)s.ssi_signo;
    }
  }
  reap(c);
}
