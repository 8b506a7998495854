// SPDX-License-Identifier: MIT
// Fuzz entry for the configuration descriptor of any USB device.
#include "host/lib/dfu_descriptors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct dfu_interface found;
  if (!dfu_descriptors_find(data, size, &found)) return 0;
  fuzz_require(found.count > 0 && found.count <= DFU_ALTERNATES);
  const uint16_t block = dfu_transfer_size(&found.functional);
  fuzz_require(block > 0 && block <= DFU_TRANSFER_SIZE_MOST);
  return 0;
}
