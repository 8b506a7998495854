// SPDX-License-Identifier: MIT
// Fuzz entry for unlzma: the input is the stream.
#include "common/base/unlzma.h"
#include "tests/fuzz/fuzz.h"

enum { ROOM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *out = malloc(ROOM);
  if (!out) abort();
  size_t made = ROOM;
  const enum status status = unlzma(data, size, out, &made);
  fuzz_require(made <= ROOM);
  fuzz_require(status == ST_OK || status == ST_DAMAGED);
  free(out);
  return 0;
}
