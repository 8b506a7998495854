// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // memfd_create  NOLINT(bugprone-reserved-identifier)
#include "sim/machine/blank_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// One small file of FFh, mapped again and again: the kernel copies a page of it when
// it is written, and a fork has only those pages to share.
enum { CHUNK = 2 * 1024 * 1024 };

static int blank_file(size_t size) {
  const int file = memfd_create("blank", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, (off_t)size)) abort();
  uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) abort();
  memset(bytes, 0xFF, size);
  munmap(bytes, size);
  return file;
}

uint8_t *blank_memory(size_t size) {
  const size_t chunk = size < CHUNK ? size : CHUNK;
  const int file = blank_file(chunk);
  // The whole range first, so that nothing else comes to lie in it.
  uint8_t *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  for (size_t at = 0; at < size; at += chunk) {
    const size_t part = size - at < chunk ? size - at : chunk;
    const void *p = mmap(memory + at, part, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_FIXED, file, 0);
    if (p == MAP_FAILED) abort();
  }
  close(file);
  return memory;
}
