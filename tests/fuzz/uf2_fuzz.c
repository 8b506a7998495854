// SPDX-License-Identifier: MIT
// Fuzz entry for the UF2 reader. A file of `size` bytes is made from less: from each 96
// bytes of the input a block of 512, the rest of it one byte repeated, so that the
// fuzzer need not invent what is never looked at.
#include <string.h>

#include "common/format/uf2.h"
#include "host/lib/image_uf2.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 92, TAIL = 4, SHORT_BLOCK = HEAD + TAIL };

static void load(const uint8_t *file, size_t size) {
  struct segments list = {0};
  struct qb_error error;
  if (image_uf2_load(&list, file, size, "a.uf2", &error)) {
    fuzz_require(list.count > 0 && list.count <= size / UF2_BLOCK_SIZE);
    for (size_t i = 0; i < list.count; i++) {
      const struct segment *s = &list.items[i];
      fuzz_require(s->bytes >= file && s->bytes + s->size <= file + size);
      fuzz_require((uint64_t)s->address + s->size <= (uint64_t)1 << 32);
    }
  }
  segments_free(&list);
}

static void load_stretched(const uint8_t *data, size_t size) {
  const size_t blocks = size / SHORT_BLOCK;
  const size_t rest = size % SHORT_BLOCK;
  uint8_t *file = malloc(blocks * UF2_BLOCK_SIZE + rest + 1);
  if (!file) return;
  for (size_t i = 0; i < blocks; i++) {
    const uint8_t *from = data + i * SHORT_BLOCK;
    uint8_t *to = file + i * UF2_BLOCK_SIZE;
    memset(to, from[HEAD - 1], UF2_BLOCK_SIZE);
    memcpy(to, from, HEAD);
    memcpy(to + UF2_BLOCK_SIZE - TAIL, from + HEAD, TAIL);
  }
  memcpy(file + blocks * UF2_BLOCK_SIZE, data + blocks * SHORT_BLOCK, rest);
  load(file, blocks * UF2_BLOCK_SIZE + rest);
  free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)uf2_detect(data, size);
  load(data, size);
  load_stretched(data, size);
  return 0;
}
