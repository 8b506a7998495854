// SPDX-License-Identifier: MIT
#include "firmware/drivers/crc_f7.h"

#include "common/base/bytes.h"
#include "firmware/drivers/crc_f7_regs.h"
#include "firmware/mmio.h"

enum { REV_IN_BYTES = 1 };  // bit 0 of each byte first, the top byte of a word first

static uint32_t reversed(uint32_t v) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 32; i++, v >>= 1)
    out = out << 1 | (v & 1u);
  return out;
}

uint32_t crc_f7_update(uintptr_t base, uint32_t crc, const void *data, size_t n) {
  const uint8_t *p = data;
  const uint8_t *const end = p + n, *const words_end = p + (n & ~(size_t)3);
  // The start value is taken as the unit holds it, not as it is read.
  mmio_write32(base + CRC_INIT, reversed(crc));
  mmio_write32(base + CRC_CR, field_set(0, CRC_CR_REV_IN, REV_IN_BYTES) |
                                  field_mask(CRC_CR_REV_OUT) |
                                  field_mask(CRC_CR_RESET));
  for (; p != words_end; p += 4)
    mmio_write32(base + CRC_DR, __builtin_bswap32(load_le32(p)));
  for (; p != end; p++)
    mmio_write8(base + CRC_DR, *p);
  return mmio_read32(base + CRC_DR);
}
