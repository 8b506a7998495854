// SPDX-License-Identifier: MIT
// The native build's hardware: every register access of a driver goes to the
// simulator's bus. Stands in for firmware/mmio.h.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint32_t mmio_read32(uintptr_t addr);
void mmio_write32(uintptr_t addr, uint32_t value);
uint16_t mmio_read16(uintptr_t addr);
void mmio_write16(uintptr_t addr, uint16_t value);
uint8_t mmio_read8(uintptr_t addr);
void mmio_write8(uintptr_t addr, uint8_t value);

static inline void mmio_read_8_words(uintptr_t addr, uint32_t *dst) {
  for (uint32_t i = 0; i < 8; i++)
    dst[i] = mmio_read32(addr + 4u * i);
}

static inline void mmio_write_8_words(uintptr_t addr, const uint32_t *src) {
  for (uint32_t i = 0; i < 8; i++)
    mmio_write32(addr + 4u * i, src[i]);
}

static inline void mmio_copy(void *dst, uintptr_t addr, size_t n) {
  uint8_t *to = (uint8_t *)dst;
  for (; n && addr % 4; n--)
    *to++ = mmio_read8(addr++);
  for (; n >= 4; n -= 4, addr += 4, to += 4) {
    const uint32_t word = mmio_read32(addr);
    memcpy(to, &word, 4);
  }
  while (n--)
    *to++ = mmio_read8(addr++);
}

static inline void mmio_update32(uintptr_t addr, uint32_t clear, uint32_t set) {
  mmio_write32(addr, (mmio_read32(addr) & ~clear) | set);
}

// Memory of this program by a 32-bit address; mmio_bus.h has the way back.
uint32_t mmio_dma_address(const void *memory);

static inline void mmio_dma_barrier(void) {
  __asm__ volatile("" ::: "memory");
}
