// SPDX-License-Identifier: MIT
#include "common/protocol/digest.h"

#include "common/base/bytes.h"

void digest_start_encode(const struct digest_start *s, uint8_t out[DIGEST_START_SIZE]) {
  out[0] = DIGEST_VERSION;
  out[1] = (uint8_t)s->kind;
  store_le16(out + 2, s->count);
  store_le32(out + 4, s->address);
  store_le32(out + 8, s->unit);
}

bool digest_start_decode(const uint8_t bytes[DIGEST_START_SIZE],
                         struct digest_start *out) {
  out->kind = (enum digest_kind)bytes[1];
  out->count = load_le16(bytes + 2);
  out->address = load_le32(bytes + 4);
  out->unit = load_le32(bytes + 8);
  if (bytes[0] != DIGEST_VERSION) return false;
  if (out->kind == DIGEST_SYNC) return out->count == 0;
  return out->kind == DIGEST_CRC32 && out->unit > 0 && out->count > 0 &&
         out->count <= DIGEST_MOST_UNITS;
}

void digest_header_encode(const struct digest_header *h,
                          uint8_t out[DIGEST_HEADER_SIZE]) {
  out[0] = DIGEST_VERSION;
  out[1] = (uint8_t)h->state;
  store_le16(out + 2, h->abilities);
  store_le16(out + 4, h->finished);
  out[6] = h->reason;
  out[7] = 0;
  store_le32(out + 8, h->address);
  store_le32(out + 12, h->remaining_ms);
}

bool digest_header_decode(const uint8_t *bytes, size_t size,
                          struct digest_header *out) {
  if (size < DIGEST_HEADER_SIZE || bytes[0] != DIGEST_VERSION) return false;
  if (bytes[1] > DIGEST_FAILED) return false;
  *out = (struct digest_header){
      .state = (enum digest_state)bytes[1],
      .abilities = load_le16(bytes + 2),
      .finished = load_le16(bytes + 4),
      .reason = bytes[6],
      .address = load_le32(bytes + 8),
      .remaining_ms = load_le32(bytes + 12),
  };
  return true;
}
