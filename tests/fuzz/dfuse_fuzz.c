// SPDX-License-Identifier: MIT
// Fuzz entry for the DfuSe reader: every input as it is, and again with its
// checksum put right, since no mutation would get past the CRC otherwise.
#include <stdlib.h>

#include "common/base/crc32.h"
#include "common/format/dfuse.h"
#include "tests/fuzz/fuzz.h"

// A file that opens must be walked to its end with just what the summary says.
static void walk(const uint8_t *file, size_t size) {
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  if (dfuse_open(&reader, file, size, &summary) != DFUSE_OK) return;
  uint32_t targets = 0;
  uint32_t elements = 0;
  uint32_t bytes = 0;
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *data;
  while (dfuse_next_target(&reader, &target)) {
    targets++;
    while (dfuse_next_element(&reader, &element, &data)) {
      fuzz_require(data >= file && data + element.size <= file + size);
      elements++;
      bytes += element.size;
    }
  }
  fuzz_require(targets == summary.targets && elements == summary.elements);
  fuzz_require(bytes == summary.data_bytes && reader.body.left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  walk(data, size);
  if (size < 4) return 0;
  uint8_t *fixed = malloc(size);
  if (!fixed) return 0;
  memcpy(fixed, data, size);
  store_le32(fixed + size - 4, crc32_update(CRC32_INIT, fixed, size - 4));
  walk(fixed, size);
  free(fixed);
  return 0;
}
