// SPDX-License-Identifier: MIT
#include "common/protocol/info.h"

#include "common/base/bytes.h"

void info_encode(const struct info *i, uint8_t out[INFO_SIZE]) {
  struct wr w = {.p = out, .left = INFO_SIZE};
  memset(out, 0, INFO_SIZE);
  wr_u8(&w, INFO_VERSION);
  wr_u8(&w, INFO_SIZE);
  wr_le16(&w, i->dev_id);
  wr_le16(&w, i->rev_id);
  wr_le16(&w, i->flash_kb);
  wr_le32(&w, i->optcr);
  wr_le32(&w, i->optcr1);
  wr_u8(&w, i->nor_status);
  wr_copy(&w, i->nor_id, sizeof i->nor_id);
  wr_le32(&w, i->nor_size);
  wr_u8(&w, i->unfinished);
}

bool info_decode(const uint8_t *bytes, size_t size, struct info *out) {
  struct rd r = {.p = bytes, .left = size};
  struct info i;
  if (size < INFO_SIZE || rd_u8(&r) != INFO_VERSION || rd_u8(&r) < INFO_SIZE) {
    return false;
  }
  i.dev_id = rd_le16(&r);
  i.rev_id = rd_le16(&r);
  i.flash_kb = rd_le16(&r);
  i.optcr = rd_le32(&r);
  i.optcr1 = rd_le32(&r);
  i.nor_status = rd_u8(&r);
  memcpy(i.nor_id, rd_bytes(&r, sizeof i.nor_id), sizeof i.nor_id);
  i.nor_size = rd_le32(&r);
  i.unfinished = rd_u8(&r) & 1;
  *out = i;
  return true;
}
