// SPDX-License-Identifier: MIT
#include "tests/native/mmio_bus.h"

#include "firmware/mmio.h"

static struct sim *bound;
static vtime_t access_cost;
static struct { uint32_t addr, mask, value; } stuck;
static const uint8_t *dma_start;

void mmio_bind(struct sim *sim, vtime_t cost) {
  bound = sim;
  access_cost = cost;
  mmio_stick(0, 0, 0);
}

void mmio_stick(uint32_t addr, uint32_t mask, uint32_t value) {
  stuck.addr = addr;
  stuck.mask = mask;
  stuck.value = value;
}

static void pass(void) {
  event_run(&bound->events, bound->events.now + access_cost);
}

uint32_t mmio_now_us(void *ctx) {
  (void)ctx;
  pass();
  return (uint32_t)(bound->events.now / VT_US(1));
}

uint32_t mmio_read32(uintptr_t addr) {
  pass();
  const uint32_t word = bus_read(&bound->bus, (uint32_t)addr, 4);
  const uint32_t mask = addr == stuck.addr ? stuck.mask : 0;
  return (word & ~mask) | (stuck.value & mask);
}

void mmio_write32(uintptr_t addr, uint32_t value) {
  pass();
  bus_write(&bound->bus, (uint32_t)addr, 4, value);
}

uint16_t mmio_read16(uintptr_t addr) {
  pass();
  return (uint16_t)bus_read(&bound->bus, (uint32_t)addr, 2);
}

void mmio_write16(uintptr_t addr, uint16_t value) {
  pass();
  bus_write(&bound->bus, (uint32_t)addr, 2, value);
}

uint8_t mmio_read8(uintptr_t addr) {
  pass();
  return (uint8_t)bus_read(&bound->bus, (uint32_t)addr, 1);
}

void mmio_write8(uintptr_t addr, uint8_t value) {
  pass();
  bus_write(&bound->bus, (uint32_t)addr, 1, value);
}

uint32_t mmio_dma_address(const void *memory) {
  dma_start = memory;
  return (uint32_t)(uintptr_t)memory;
}

void *mmio_dma_memory(uint32_t address) {
  return (void *)((uintptr_t)dma_start + (address - (uint32_t)(uintptr_t)dma_start));
}
