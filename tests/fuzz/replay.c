// SPDX-License-Identifier: MIT
// Runs a fuzz entry over the files of folders: `dfuse_replay tests/fuzz/corpus/dfuse`.
// Exit 0 if at least one input was run; a finding aborts.
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536u

// Exact-size memory, so that ASan sees any read beyond the input.
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) abort();
  memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

// The file itself, and all of its beginnings: a cheap set of truncated inputs.
static void run_file(const char *path) {
  uint8_t data[INPUT_MAX];
  FILE *f = fopen(path, "rb");
  if (!f) {
    perror(path);
    exit(1);
  }
  const size_t size = fread(data, 1, sizeof data, f);
  fclose(f);
  for (size_t n = 0; n <= size; n++) {
    run(data, n);
  }
}

static size_t run_folder(const char *folder) {
  size_t count = 0;
  DIR *d = opendir(folder);
  if (!d) {
    perror(folder);
    exit(1);
  }
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (e->d_name[0] == '.') continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    run_file(path);
    count++;
  }
  closedir(d);
  return count;
}

int main(int argc, char **argv) {
  size_t count = 0;
  for (int i = 1; i < argc; i++) {
    count += run_folder(argv[i]);
  }
  printf("%zu inputs and all their beginnings: no finding\n", count);
  return count > 0 ? 0 : 1;
}
