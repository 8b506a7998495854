// SPDX-License-Identifier: MIT
#include "tests/bench/pool.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

struct child {
  pid_t pid;  // 0: none
  int result;
  size_t index;
};

static void run_child(const struct pool_work *work, size_t index, int to, size_t size) {
  void *result = calloc(1, size);
  if (!result) _exit(1);
  work->run(work->ctx, index, result);
  // Not exit: what the parent has buffered is the parent's.
  _exit(write(to, result, size) != (ssize_t)size);
}

static void start(const struct pool_work *work, struct child *c, size_t index,
                  size_t size) {
  int ends[2];
  fflush(NULL);
  if (pipe(ends)) abort();
  const pid_t pid = fork();
  if (pid < 0) abort();
  if (pid == 0) run_child(work, index, ends[1], size);
  close(ends[1]);
  *c = (struct child){.pid = pid, .result = ends[0], .index = index};
}

// The child has ended, so its result is in the pipe, or will never be.
static bool take(struct child *c, int status, void *result, size_t size) {
  const bool read_all = read(c->result, result, size) == (ssize_t)size;
  const bool good = read_all && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!good) memset(result, 0, size);
  close(c->result);
  c->pid = 0;
  return good;
}

static struct child *find(struct child *children, unsigned jobs, pid_t pid) {
  for (unsigned i = 0; i < jobs; i++) {
    if (children[i].pid == pid) return &children[i];
  }
  return NULL;
}

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void pool_run(const struct pool_work *work, const size_t *order, size_t count,
              unsigned jobs, void *results, size_t size) {
  struct child children[JOBS_MAX] = {{0}};
  size_t begun = 0, ended = 0;
  if (jobs == 0) jobs = 1;
  if (jobs > JOBS_MAX) jobs = JOBS_MAX;
  while (ended < count) {
    struct child *idle = find(children, jobs, 0);
    if (idle && begun < count) {
      start(work, idle, order[begun++], size);
      continue;
    }
    struct rusage used;
    int status;
    const pid_t pid = wait4(-1, &status, 0, &used);
    struct child *c = pid > 0 ? find(children, jobs, pid) : NULL;
    if (!c) continue;  // interrupted
    const size_t index = c->index;
    const bool good = take(c, status, (uint8_t *)results + index * size, size);
    ended++;
    work->ended(work->ctx, index, good,
                seconds(used.ru_utime) + seconds(used.ru_stime));
  }
}
