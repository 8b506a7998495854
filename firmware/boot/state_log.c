// SPDX-License-Identifier: MIT
#include "firmware/boot/state_log.h"

#include "common/base/bytes.h"
#include "common/base/crc32.h"

//  0 kind  4 sequence  8 reserved (0)  24 CRC-32 of what is before  28 commit
enum {
  AT_SEQUENCE = 4,
  AT_CRC = 24,
  AT_COMMIT = 28,
};
#define COMMIT 0x4B4F5131u  // "1QOK"; programmed last

bool state_log_is_blank(const uint8_t slot[STATE_LOG_RECORD]) {
  for (unsigned i = 0; i < STATE_LOG_RECORD; i++) {
    if (slot[i] != 0xFF) return false;
  }
  return true;
}

static bool is_good(const uint8_t slot[STATE_LOG_RECORD]) {
  return load_le32(slot + AT_COMMIT) == COMMIT &&
         load_le32(slot + AT_CRC) == crc32_update(CRC32_INIT, slot, AT_CRC);
}

// A record that is torn, or of a kind from the future: an update had begun.
bool state_log_take(struct state_log *l, const uint8_t slot[STATE_LOG_RECORD]) {
  if (state_log_is_blank(slot)) return false;
  const bool good = is_good(slot);
  l->records++;
  l->torn = !good;
  l->unfinished = !good || load_le32(slot) != STATE_LOG_COMPLETE;
  if (good) l->sequence = load_le32(slot + AT_SEQUENCE);
  return true;
}

void state_log_build(const struct state_log *l, uint32_t kind,
                     uint8_t out[STATE_LOG_RECORD]) {
  struct wr w = {.p = out, .left = STATE_LOG_RECORD};
  memset(out, 0, STATE_LOG_RECORD);
  wr_le32(&w, kind);
  wr_le32(&w, l->sequence + 1);
  store_le32(out + AT_CRC, crc32_update(CRC32_INIT, out, AT_CRC));
  store_le32(out + AT_COMMIT, COMMIT);
}
