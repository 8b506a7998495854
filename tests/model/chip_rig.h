// SPDX-License-Identifier: MIT
// What the tests of the chip's small models share: a simulator without a CPU, clocks
// that a test sets, an interrupt wire that it watches, and what was reported.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/core/sim.h"

struct chip {
  struct sim sim;
  uint64_t hz[CLOCK_COUNT];
  bool irq;
  unsigned irq_number, irq_rises;
};

static inline void chip_start(struct chip *c) {
  memset(c, 0, sizeof *c);
  sim_init(&c->sim);
}

static inline void chip_stop(struct chip *c) {
  sim_free(&c->sim);
}

static inline uint64_t chip_hz(void *ctx, enum clock_id id) {
  return ((struct chip *)ctx)->hz[id];
}

static inline struct clock_source chip_clocks(struct chip *c) {
  return (struct clock_source){chip_hz, c};
}

static inline void chip_irq_set(void *ctx, unsigned number, bool level) {
  struct chip *c = ctx;
  c->irq_number = number;
  if (level && !c->irq) c->irq_rises++;
  c->irq = level;
}

static inline struct irq_line chip_irq(struct chip *c, unsigned number) {
  return (struct irq_line){chip_irq_set, c, number};
}

static inline void chip_pass(struct chip *c, vtime_t time) {
  event_run(&c->sim.events, c->sim.events.now + time);
}

static inline uint32_t chip_read(struct chip *c, uint32_t addr) {
  return bus_mmio_read(&c->sim.bus, addr, 4);
}

static inline void chip_write(struct chip *c, uint32_t addr, uint32_t value) {
  bus_mmio_write(&c->sim.bus, addr, 4, value);
}

static inline void chip_add(struct chip *c, const char *name, uint32_t base,
                            uint32_t size, void *model,
                            uint32_t (*read)(void *, uint32_t, unsigned),
                            void (*write)(void *, uint32_t, unsigned, uint32_t)) {
  bus_add_device(&c->sim.bus,
                 &(struct bus_device){name, base, size, GATE_NONE, model, read, write});
}

// Exactly this since the last look; then everything is forgotten.
static inline void expect_none(struct chip *c) {
  const struct report_entry *e = c->sim.report.entries;
  if (e) fail_msg("unexpected report: %s", e->detail);
}

static inline void expect_one(struct chip *c, enum guest_error error) {
  const struct report *r = &c->sim.report;
  const bool good =
      r->guest_errors == 1 && !r->unimplemented && report_count(r, error) == 1;
  for (const struct report_entry *e = r->entries; e && !good; e = e->next)
    print_message("  %s\n", e->detail);
  if (!good) fail_msg("expected one %s, nothing else", guest_error_name(error));
  report_clear(&c->sim.report);
}
