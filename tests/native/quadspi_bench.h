// SPDX-License-Identifier: MIT
// What the tests of the QUADSPI driver share: an MX25L51245G at the simulator's
// controller, and its commands, typed from its data sheet.
#pragma once

#include <string.h>

#include "tests/native/quadspi_open.h"

#define CR (CHIPS_QUADSPI + 0x00u)
#define SR (CHIPS_QUADSPI + 0x08u)

#define CR_ABORT (1u << 1)
#define SR_TCF   (1u << 1)
#define SR_FTF   (1u << 2)
#define SR_BUSY  (1u << 5)

struct bench {
  struct chips *chips;
  struct quadspi quadspi;
  struct nor_bus bus;
};

static inline int bench_open(void **state) {
  static struct bench bench;
  bench.chips = chips_open(3300);
  bench.bus = quadspi_open(&bench.quadspi);
  *state = &bench;
  return 0;
}

static inline int bench_close(void **state) {
  struct bench *b = *state;
  struct chips *c = b->chips;
  const uint64_t seen = c->sim.report.guest_errors + c->sim.report.unimplemented;
  if (seen) {
    for (const struct report_entry *e = c->sim.report.entries; e; e = e->next)
      print_error("%s\n", e->detail);
  }
  chips_close(c);
  assert_int_equal(seen, 0);
  return 0;
}

static inline vtime_t now(const struct bench *b) {
  return b->chips->sim.events.now;
}

// --- commands, typed from the chip's data sheet --------------------------------

static const struct nor_cmd write_enable = {.opcode = 0x06, .opcode_lines = 1};
static const struct nor_cmd read_status = {
    .opcode = 0x05, .opcode_lines = 1, .data_lines = 1};
static const struct nor_cmd read_id = {
    .opcode = 0x9F, .opcode_lines = 1, .data_lines = 1};

static inline struct nor_cmd at(struct nor_cmd c, uint32_t address) {
  c.address = address;
  return c;
}

static const struct nor_cmd fast_read = {.opcode = 0x0C,
                                         .opcode_lines = 1,
                                         .address_lines = 1,
                                         .address_bytes = 4,
                                         .dummy_clocks = 8,
                                         .data_lines = 1};
static const struct nor_cmd quad_read = {.opcode = 0xEC,
                                         .opcode_lines = 1,
                                         .address_lines = 4,
                                         .address_bytes = 4,
                                         .mode_lines = 4,
                                         .mode_bytes = 1,
                                         .dummy_clocks = 4,
                                         .data_lines = 4};
static const struct nor_cmd program = {.opcode = 0x12,
                                       .opcode_lines = 1,
                                       .address_lines = 1,
                                       .address_bytes = 4,
                                       .data_lines = 1};
static const struct nor_cmd quad_program = {.opcode = 0x3E,
                                            .opcode_lines = 1,
                                            .address_lines = 4,
                                            .address_bytes = 4,
                                            .data_lines = 4};
static const struct nor_cmd erase = {
    .opcode = 0xDC, .opcode_lines = 1, .address_lines = 1, .address_bytes = 4};

static inline enum status rd(struct bench *b, struct nor_cmd c, uint8_t *dst,
                             size_t n) {
  return b->bus.read(b->bus.ctx, &c, dst, n);
}

static inline enum status wr(struct bench *b, struct nor_cmd c, const uint8_t *src,
                             size_t n) {
  return b->bus.write(b->bus.ctx, &c, src, n);
}

// A chip that quad commands work on, at 54 MHz.
static inline void prepare(struct bench *b) {
  chips_nor_put(b->chips, CHIPS_NOR_QUAD_ENABLED);
  b->bus.set_clock(b->bus.ctx, 54000000);
  b->bus.set_size(b->bus.ctx, CHIPS_NOR_SIZE);
  for (uint32_t i = 0; i < 16384; i++)
    b->chips->nor[i] = (uint8_t)(i * 7 + (i >> 8));
}

static inline void watch(struct bench *b) {
  b->bus.wait_start(b->bus.ctx, &read_status, 1, 0);
}

static inline enum status wait(struct bench *b) {
  enum status status = ST_OK;
  uint8_t byte;
  for (bool done = false; status == ST_OK && !done;) {
    status = b->bus.wait_done(b->bus.ctx, &done, &byte);
    if (!done) chips_pass(b->chips, VT_US(1));
  }
  return status;
}

static inline void stage(struct bench *b, struct nor_cmd c, const uint8_t *src,
                         size_t n) {
  b->bus.stage(b->bus.ctx, &c, src, n);
}

// After a timeout, and once it is mended, the next command works.
static inline void expect_works(struct bench *b) {
  uint8_t data[300];
  mmio_stick(0, 0, 0);
  assert_int_equal(rd(b, at(quad_read, 64), data, sizeof data), ST_OK);
  assert_memory_equal(data, b->chips->nor + 64, sizeof data);
}
