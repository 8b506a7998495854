// SPDX-License-Identifier: MIT
// The one seam to hardware: every register access of the firmware is one of these
// calls, and `volatile` stands nowhere else. Native tests put a header of the
// same name before this one on the include path and reach the simulator's bus.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t mmio_read32(uintptr_t addr) {
  return *(const volatile uint32_t *)addr;
}

static inline void mmio_write32(uintptr_t addr, uint32_t value) {
  *(volatile uint32_t *)addr = value;
}

static inline uint16_t mmio_read16(uintptr_t addr) {
  return *(const volatile uint16_t *)addr;
}

static inline void mmio_write16(uintptr_t addr, uint16_t value) {
  *(volatile uint16_t *)addr = value;
}

static inline uint8_t mmio_read8(uintptr_t addr) {
  return *(const volatile uint8_t *)addr;
}

static inline void mmio_write8(uintptr_t addr, uint8_t value) {
  *(volatile uint8_t *)addr = value;
}

// The next eight words of a FIFO, which the 32 bytes from `addr` on are all windows to,
// by one burst. No interrupt may be dispatched: it would take words twice.
static inline void mmio_read_8_words(uintptr_t addr, uint32_t *dst) {
  __asm__ volatile(
      "ldmia %0, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
      "stmia %1, {r3, r4, r5, r6, r8, r9, r10, r12}"
      :
      : "r"(addr), "r"(dst)
      : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "memory");
}

// And the other way.
static inline void mmio_write_8_words(uintptr_t addr, const uint32_t *src) {
  __asm__ volatile(
      "ldmia %1, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
      "stmia %0, {r3, r4, r5, r6, r8, r9, r10, r12}"
      :
      : "r"(addr), "r"(src)
      : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "memory");
}

// Memory that a controller shows, of any alignment.
static inline void mmio_copy(void *dst, uintptr_t addr, size_t n) {
  memcpy(dst, (const void *)addr, n);
}

// Bits set and cleared in one read-modify-write. Not atomic.
static inline void mmio_update32(uintptr_t addr, uint32_t clear, uint32_t set) {
  mmio_write32(addr, (mmio_read32(addr) & ~clear) | set);
}

// Memory as a DMA controller sees it.
static inline uint32_t mmio_dma_address(const void *memory) {
  return (uint32_t)(uintptr_t)memory;
}

// What was written before is in memory, what is read after comes from there. For
// memory that is not cached.
static inline void mmio_dma_barrier(void) {
  __asm__ volatile("dsb" ::: "memory");
}
