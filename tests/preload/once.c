// SPDX-License-Identifier: MIT
// Last of the libraries that LD_PRELOAD names, behind umockdev's. This process has them
// by now, its children shall not; and it may fork while it has threads.
#include <pthread.h>
#include <stdlib.h>

// umockdev's: taken around each open() and ioctl() of any thread.
extern pthread_mutex_t trap_path_lock __attribute__((weak));
extern pthread_mutex_t ioctl_lock __attribute__((weak));

// The thread that held one is not in the child, where the next open() would wait for it
// for ever. What they guard needs no care: the child opens /dev/null, closes and execs.
static void free_locks(void) {
  if (&trap_path_lock) pthread_mutex_init(&trap_path_lock, NULL);
  if (&ioctl_lock) pthread_mutex_init(&ioctl_lock, NULL);
}

__attribute__((constructor)) static void start(void) {
  unsetenv("LD_PRELOAD");
  pthread_atfork(NULL, NULL, free_locks);
}
