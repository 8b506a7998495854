// SPDX-License-Identifier: MIT
#include "sim/machine/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool write_all(int file, const void *bytes, size_t size) {
  const uint8_t *p = bytes;
  while (size) {
    const ssize_t n = write(file, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    size -= (size_t)n;
  }
  return true;
}

static bool read_all(int file, void *bytes, size_t size) {
  uint8_t *p = bytes;
  while (size) {
    const ssize_t n = read(file, p, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    size -= (size_t)n;
  }
  return true;
}

static bool ended_well(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool machine_fork_run(struct machine *m,
                      void (*run)(struct machine *m, void *ctx, void *result),
                      void *ctx, void *result, size_t size) {
  int ends[2];
  if (size > SNAPSHOT_RESULT_MAX || pipe(ends)) abort();
  memset(result, 0, size);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    run(m, ctx, result);
    // Not exit: what the parent has buffered or registered is the parent's.
    _exit(!write_all(ends[1], result, size));
  }
  close(ends[1]);
  bool good = child > 0 && read_all(ends[0], result, size);
  close(ends[0]);
  if (child > 0) good = ended_well(child) && good;
  if (!good) memset(result, 0, size);
  return good;
}
