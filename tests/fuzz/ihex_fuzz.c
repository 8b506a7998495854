// SPDX-License-Identifier: MIT
// Fuzz entry for the Intel HEX reader.
#include "common/format/ihex.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ihex_reader reader;
  struct ihex_record record;
  size_t bytes = 0;
  ihex_begin(&reader, data, size);
  while (ihex_next(&reader, &record) == IHEX_DATA) {
    fuzz_require(record.size > 0);
    fuzz_require((uint64_t)record.address + record.size <= (uint64_t)1 << 32);
    bytes += record.size;
    fuzz_require(bytes <= size / 2);  // what image_ihex.c makes room for
  }
  (void)ihex_detect(data, size);
  return 0;
}
