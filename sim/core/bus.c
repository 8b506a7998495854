// SPDX-License-Identifier: MIT
#include "sim/core/bus.h"

#include <stdlib.h>
#include <string.h>

void bus_init(struct bus *b, struct report *report) {
  *b = (struct bus){.report = report};
}

void bus_add_device(struct bus *b, const struct bus_device *device) {
  if (b->device_count == BUS_MAX_DEVICES) abort();
  size_t i = b->device_count++;
  for (; i > 0 && b->devices[i - 1].base > device->base; i--) {
    b->devices[i] = b->devices[i - 1];
  }
  b->devices[i] = *device;
  b->last = NULL;
}

void bus_add_memory(struct bus *b, const struct bus_memory *memory) {
  if (b->memory_count == BUS_MAX_MEMORIES) abort();
  b->memories[b->memory_count++] = *memory;
}

static bool covers(const struct bus_device *d, uint32_t addr) {
  return addr - d->base < d->size;
}

const struct bus_device *bus_device_at(struct bus *b, uint32_t addr) {
  if (b->last && covers(b->last, addr)) return b->last;
  size_t low = 0, high = b->device_count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (b->devices[middle].base <= addr) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0 || !covers(&b->devices[low - 1], addr)) return NULL;
  b->last = &b->devices[low - 1];
  return b->last;
}

uint8_t *bus_memory_at(const struct bus *b, uint32_t addr, size_t n) {
  for (size_t i = 0; i < b->memory_count; i++) {
    const struct bus_memory *m = &b->memories[i];
    const uint32_t offset = addr - m->base;
    if (offset < m->size && n <= m->size - offset) return m->bytes + offset;
  }
  return NULL;
}

// The block that may be accessed at `addr`, or NULL after a report.
static const struct bus_device *open_device(struct bus *b, uint32_t addr,
                                            const char *what) {
  const struct bus_device *d = bus_device_at(b, addr);
  if (!d) {
    report_guest(b->report, GUEST_BUS_ERROR, addr, "%s of 0x%08x: nothing is there",
                 what, (unsigned)addr);
    return NULL;
  }
  if (d->gate == GATE_NONE || !b->gate) return d;
  const enum gate_state state = b->gate(b->gate_ctx, d->gate);
  if (state == GATE_OPEN) return d;
  const bool off = state == GATE_CLOCK_OFF;
  report_guest(b->report, off ? GUEST_CLOCK_OFF : GUEST_IN_RESET, addr,
               "%s of %s+0x%03x %s", what, d->name, (unsigned)(addr - d->base),
               off ? "with its clock off" : "while it is held in reset");
  return NULL;
}

uint32_t bus_mmio_read(struct bus *b, uint32_t addr, unsigned bytes) {
  b->failed = false;
  const struct bus_device *d = open_device(b, addr, "read");
  return d ? d->read(d->ctx, addr - d->base, bytes) : 0;
}

void bus_mmio_write(struct bus *b, uint32_t addr, unsigned bytes, uint32_t value) {
  b->failed = false;
  const struct bus_device *d = open_device(b, addr, "write");
  if (d) d->write(d->ctx, addr - d->base, bytes, value);
}

uint32_t bus_read(struct bus *b, uint32_t addr, unsigned bytes) {
  const uint8_t *p = bus_memory_at(b, addr, bytes);
  if (!p) return bus_mmio_read(b, addr, bytes);
  uint32_t value = 0;
  memcpy(&value, p, bytes);
  return value;
}

void bus_write(struct bus *b, uint32_t addr, unsigned bytes, uint32_t value) {
  uint8_t *p = bus_memory_at(b, addr, bytes);
  if (p) {
    memcpy(p, &value, bytes);
  } else {
    bus_mmio_write(b, addr, bytes, value);
  }
}
