// SPDX-License-Identifier: MIT
// Fuzz entry for the memory layouts that DfuSe devices tell.
#include <string.h>

#include "host/lib/layout.h"
#include "tests/fuzz/fuzz.h"

static void require_sound(const struct layout *l) {
  fuzz_require(l->count <= LAYOUT_RUNS);
  fuzz_require(memchr(l->name, '\0', sizeof l->name) != NULL && l->name[0]);
  uint64_t size = 0;
  for (size_t i = 0; i < l->count; i++) {
    const struct layout_run *run = &l->runs[i];
    const uint64_t bytes = (uint64_t)run->count * run->sector_size;
    fuzz_require(bytes > 0 && run->address + bytes <= (uint64_t)1 << 32);
    struct layout_sector first;
    struct layout_sector last;
    fuzz_require(layout_sector_at(l, run->address, &first));
    fuzz_require(first.address == run->address && first.size == run->sector_size);
    fuzz_require(layout_sector_at(l, (uint32_t)(run->address + bytes - 1), &last));
    fuzz_require(last.address == run->address + bytes - run->sector_size);
    size += bytes;
  }
  fuzz_require(layout_size(l, 0) == size && size <= (uint64_t)1 << 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  struct layout layout;
  const enum layout_status status = layout_parse(text, &layout);
  fuzz_require(layout_status_text(status) != NULL);
  if (status == LAYOUT_OK) require_sound(&layout);
  free(text);
  return 0;
}
