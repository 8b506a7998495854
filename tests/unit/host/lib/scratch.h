// SPDX-License-Identifier: MIT
// A folder of its own for each test, for tests that need real files.
#pragma once

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Setup and teardown: the test runs in an empty folder, so that plain file names
// are its own, and comes back to where it was. *state is the folder's name.
static inline int scratch_open(void **state) {
  char *folder = strdup("/tmp/quadboot-test-XXXXXX");
  *state = folder;
  return folder && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

// Number of entries in the folder; `remove_them` empties it.
static inline size_t scratch_entries(bool remove_them) {
  size_t n = 0;
  DIR *folder = opendir(".");
  assert_non_null(folder);
  for (struct dirent *e; (e = readdir(folder)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    n++;
    if (remove_them) assert_int_equal(remove(e->d_name), 0);
  }
  closedir(folder);
  return n;
}

static inline int scratch_close(void **state) {
  char *folder = *state;
  scratch_entries(true);
  const int result = chdir("/") == 0 ? rmdir(folder) : -1;
  free(folder);
  return result;
}

// Makes a file in the folder and returns its name.
static inline const char *scratch_write(const char *name, const void *data,
                                        size_t size) {
  FILE *f = fopen(name, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, size, f), size);
  assert_int_equal(fclose(f), 0);
  return name;
}

#define scratch_test(test) \
  cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
