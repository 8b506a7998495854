// SPDX-License-Identifier: MIT
#include "host/attach/preload.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "host/attach/sleep_wire.h"

#define UMOCKDEV_LIBRARY "libumockdev-preload.so.0"
#define SLEEP_LIBRARY    "libquadboot-sleep.so"
#define PRELOAD_VARIABLE "LD_PRELOAD"
// Set in the second start, so that there is no third if the library is missing.
#define STARTED_VARIABLE "QUADBOOT_ATTACH_STARTED"
// A sanitized program refuses to run with any library in front of its runtime.
#define ASAN_VARIABLE "ASAN_OPTIONS"
#define ASAN_OPTION   "verify_asan_link_order=0"
// umockdev_testbed_new sets it when its thread runs already. If that made the
// environment grow, setenv() would free the array that getenv() walks through in the
// thread (umockdev 0.17.16, GLib's first g_signal_connect). A variable that is there
// keeps its place; the empty one says that all paths are as they are.
#define UMOCKDEV_VARIABLE "UMOCKDEV_DIR"

static void add_to_variable(const char *name, const char *text, const char *separator) {
  const char *before = g_getenv(name);
  const bool empty = !before || !*before;
  char *all = empty ? g_strdup(text) : g_strconcat(before, separator, text, NULL);
  g_setenv(name, all, TRUE);
  g_free(all);
}

bool preload_self(char *const argv[]) {
  const char *before = g_getenv(PRELOAD_VARIABLE);
  const bool loaded = before && strstr(before, UMOCKDEV_LIBRARY);
  if (loaded || g_getenv(STARTED_VARIABLE)) return true;
  add_to_variable(PRELOAD_VARIABLE, UMOCKDEV_LIBRARY, ":");
  add_to_variable(ASAN_VARIABLE, ASAN_OPTION, ":");
  g_setenv(STARTED_VARIABLE, "1", TRUE);
  execv("/proc/self/exe", argv);
  return false;
}

char *preload_find_sleep_library(void) {
  char *self = g_file_read_link("/proc/self/exe", NULL);
  if (!self) return NULL;
  char *directory = g_path_get_dirname(self);
  char *path = g_build_filename(directory, SLEEP_LIBRARY, NULL);
  g_free(self);
  g_free(directory);
  // ld.so takes spaces and colons for ends of names (ld.so(8), LD_PRELOAD).
  const bool usable = access(path, R_OK) == 0 && !strpbrk(path, " :");
  if (usable) return path;
  g_free(path);
  return NULL;
}

void preload_for_command(const char *sleep_library, int sleep_fd) {
  g_unsetenv(STARTED_VARIABLE);
  g_setenv(UMOCKDEV_VARIABLE, "", TRUE);
  if (!sleep_library) return;
  char *number = g_strdup_printf("%d", sleep_fd);
  g_setenv(SLEEP_FD_VARIABLE, number, TRUE);
  g_free(number);
  add_to_variable(PRELOAD_VARIABLE, sleep_library, ":");
}
