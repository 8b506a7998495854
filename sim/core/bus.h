// SPDX-License-Identifier: MIT
// The address map: memories and register blocks, with the clock-gate check that
// every register access passes. Knows no CPU; tests and drivers poke it directly.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/report.h"

// A block's clock gate, as its enable register's offset in RCC and its bit. The
// reset bit is at the same place 0x20 bytes lower (RM0410 5.3.5 to 5.3.14).
#define GATE(enable_offset, bit) (((uint32_t)(enable_offset) << 8) | (uint32_t)(bit))
#define GATE_NONE                UINT32_MAX

enum gate_state { GATE_OPEN, GATE_CLOCK_OFF, GATE_IN_RESET };

struct bus_device {
  const char *name;
  uint32_t base, size;
  uint32_t gate;
  void *ctx;
  // Offsets are from `base`; `bytes` is 1, 2 or 4; the value is right-aligned.
  uint32_t (*read)(void *ctx, uint32_t offset, unsigned bytes);
  void (*write)(void *ctx, uint32_t offset, unsigned bytes, uint32_t value);
};

struct bus_memory {
  const char *name;
  uint32_t base, size;
  uint8_t *bytes;
  bool writable;  // by plain stores; flash is not
};

enum { BUS_MAX_DEVICES = 128, BUS_MAX_MEMORIES = 16 };

struct bus {
  struct bus_device devices[BUS_MAX_DEVICES];  // ascending base
  size_t device_count;
  struct bus_memory memories[BUS_MAX_MEMORIES];
  size_t memory_count;
  struct report *report;
  enum gate_state (*gate)(void *ctx, uint32_t gate);  // NULL: all open
  void *gate_ctx;
  // A block has answered the access under way with an error. Every register access
  // clears it first; whoever asks afterwards clears it, too.
  bool failed;
  const struct bus_device *last;  // most accesses repeat the block of the one before
};

void bus_init(struct bus *b, struct report *report);
void bus_add_device(struct bus *b, const struct bus_device *device);
void bus_add_memory(struct bus *b, const struct bus_memory *memory);

const struct bus_device *bus_device_at(struct bus *b, uint32_t addr);

// Host bytes behind `addr` when `n` of them lie in one memory, else NULL.
uint8_t *bus_memory_at(const struct bus *b, uint32_t addr, size_t n);

// Register accesses. A hole is a guest error and reads 0.
uint32_t bus_mmio_read(struct bus *b, uint32_t addr, unsigned bytes);
void bus_mmio_write(struct bus *b, uint32_t addr, unsigned bytes, uint32_t value);

// Accesses of any kind, for tests, loaders and bus masters.
uint32_t bus_read(struct bus *b, uint32_t addr, unsigned bytes);
void bus_write(struct bus *b, uint32_t addr, unsigned bytes, uint32_t value);
