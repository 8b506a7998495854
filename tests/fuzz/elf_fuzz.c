// SPDX-License-Identifier: MIT
// Fuzz entry for the ELF reader, libelf included.
#include <string.h>

#include "host/lib/image_elf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *file = malloc(size + 1);
  if (!file) return 0;
  memcpy(file, data, size);
  struct segments list = {0};
  struct qb_error error;
  if (image_elf_load(&list, file, size, "a.elf", &error)) {
    fuzz_require(image_elf_detect(file, size) && list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
      const struct segment *s = &list.items[i];
      fuzz_require(s->size > 0 && s->bytes >= file);
      fuzz_require(s->bytes + s->size <= file + size);
    }
  }
  fuzz_require(memcmp(file, data, size) == 0);
  segments_free(&list);
  free(file);
  return 0;
}
