// SPDX-License-Identifier: MIT
#include "host/lib/image_plain.h"

#include "common/base/crc32.h"
#include "common/format/dfuse.h"

static bool read_suffix(const uint8_t *file, size_t size, struct dfuse_suffix *out) {
  if (size < DFUSE_SUFFIX_SIZE) return false;
  struct rd tail = {.p = file + size - DFUSE_SUFFIX_SIZE, .left = DFUSE_SUFFIX_SIZE};
  if (dfuse_decode_suffix(&tail, out) != DFUSE_PLAIN_SUFFIX) return false;
  return crc32_update(CRC32_INIT, file, size - sizeof(uint32_t)) == out->crc;
}

bool image_plain_detect(const uint8_t *file, size_t size) {
  struct dfuse_suffix suffix;
  return read_suffix(file, size, &suffix);
}

// The prefixes that dfu-prefix puts before the bytes. TI's: 01h 00h, address / 1024,
// length of the rest. NXP's: 1Ah 3Fh, length / 512, then eight bytes of 0 and four of
// FFh.
static const char *foreign_prefix(const uint8_t *bytes, size_t size) {
  enum { TI_PREFIX = 8, NXP_PREFIX = 16 };
  if (size >= TI_PREFIX && load_le16(bytes) == 0x0001 &&
      load_le32(bytes + 4) == size - TI_PREFIX) {
    return "TI's Stellaris";
  }
  if (size >= NXP_PREFIX && load_le16(bytes) == 0x3F1A && load_le32(bytes + 4) == 0 &&
      load_le32(bytes + 8) == 0 && load_le32(bytes + 12) == UINT32_MAX) {
    return "NXP's LPC";
  }
  return NULL;
}

bool image_plain_load(struct segments *list, uint32_t address, const uint8_t *file,
                      size_t size, const char *source, struct qb_error *error) {
  struct dfuse_suffix suffix;
  if (!read_suffix(file, size, &suffix)) {
    return qb_error_set(error, "%s has no DFU suffix", source);
  }
  const size_t content = size - DFUSE_SUFFIX_SIZE;
  const char *maker = foreign_prefix(file, content);
  if (maker) {
    return qb_error_set(error,
                        "%s begins with a prefix for %s chips; take it off with "
                        "'dfu-prefix -D' if the rest is for this board",
                        source, maker);
  }
  const struct segments_device device = {
      .vendor = suffix.vendor, .product = suffix.product, .source = source};
  return segments_for_device(list, &device, error) &&
         segments_add(list, address, file, content, source, 0, error);
}
