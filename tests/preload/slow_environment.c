// SPDX-License-Identifier: MIT
// A schedule that a busy machine may choose, every time: a thread is interrupted while
// it walks through the environment, for as long as it takes the first one to change it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNTIL_THE_THREAD_READS_US = 30000, LONGER_US = 2 * UNTIL_THE_THREAD_READS_US };

static int is_first_thread(void) {
  return gettid() == getpid();
}

char *getenv(const char *name) {
  char *const *entry = environ;
  const size_t length = strlen(name);
  if (!is_first_thread()) usleep(LONGER_US);
  for (; entry && *entry; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
      return *entry + length + 1;
    }
  }
  return NULL;
}

int setenv(const char *name, const char *value, int overwrite) {
  int (*next)(const char *, const char *, int);
  *(void **)&next = dlsym(RTLD_NEXT, "setenv");
  usleep(UNTIL_THE_THREAD_READS_US);
  return next(name, value, overwrite);
}
