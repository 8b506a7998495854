// SPDX-License-Identifier: MIT
#include "common/format/uf2.h"

#include "common/base/bytes.h"

#define MAGIC_FIRST  0x0A324655u
#define MAGIC_SECOND 0x9E5D5157u
#define MAGIC_END    0x0AB16F30u

const char *uf2_status_text(enum uf2_status status) {
  static const char *const texts[] = {
#define X(name, text) [UF2_##name] = (text),
      UF2_STATUS_LIST(X)
#undef X
  };
  if ((size_t)status >= sizeof texts / sizeof texts[0]) return "has an unknown defect";
  return texts[status];
}

bool uf2_detect(const uint8_t *bytes, size_t size) {
  return size >= sizeof(uint32_t) && load_le32(bytes) == MAGIC_FIRST;
}

static enum uf2_status check(const struct uf2_block *b) {
  const uint32_t room =
      b->flags & UF2_HAS_MD5 ? UF2_DATA_SIZE - UF2_MD5_SIZE : UF2_DATA_SIZE;
  if (b->size == 0 || b->size > room) return UF2_BAD_SIZE;
  if (b->number >= b->count) return UF2_BAD_NUMBER;
  if ((uint64_t)b->address + b->size > (uint64_t)1 << 32) return UF2_WRAP;
  return UF2_OK;
}

enum uf2_status uf2_decode(const uint8_t *bytes, size_t size, struct uf2_block *out) {
  struct rd r = {.p = bytes, .left = size};
  struct uf2_block block;
  const uint32_t first = rd_le32(&r);
  const uint32_t second = rd_le32(&r);
  block.flags = rd_le32(&r);
  block.address = rd_le32(&r);
  block.size = rd_le32(&r);
  block.number = rd_le32(&r);
  block.count = rd_le32(&r);
  block.family = rd_le32(&r);
  block.data = rd_bytes(&r, UF2_DATA_SIZE);
  const uint32_t end = rd_le32(&r);
  if (r.bad) return UF2_TRUNCATED;
  if (first != MAGIC_FIRST || second != MAGIC_SECOND) return UF2_BAD_MAGIC;
  if (end != MAGIC_END) return UF2_BAD_END;
  const enum uf2_status status = check(&block);
  if (status == UF2_OK) *out = block;
  return status;
}
