// SPDX-License-Identifier: MIT
#include "firmware/flash/media.h"

bool media_block_at(const struct media_geometry *g, uint32_t offset,
                    struct media_block *out) {
  uint32_t start = 0;
  for (uint8_t i = 0; i < g->run_count; i++) {
    const struct media_run *r = &g->runs[i];
    const uint32_t length = r->block_size * r->count;
    if (offset - start < length) {
      const uint32_t index = (offset - start) / r->block_size;
      *out = (struct media_block){.run = i,
                                  .run_start = start,
                                  .run_end = start + length,
                                  .offset = start + index * r->block_size,
                                  .size = r->block_size,
                                  .erase_us = r->erase_us,
                                  .writable = r->writable};
      return true;
    }
    start += length;
  }
  return false;
}
