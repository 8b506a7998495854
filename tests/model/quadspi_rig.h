// SPDX-License-Identifier: MIT
// QUADSPI with an MX25L51245G on a test bench: registers poked over the bus, HCLK at
// 216 MHz, no CPU. Register numbers are typed again here (RM0410 14.5).
#pragma once

#include "sim/models/quadspi.h"
#include "tests/model/nor_rig.h"

enum {
  CR = 0x00,
  DCR = 0x04,
  SR = 0x08,
  FCR = 0x0C,
  DLR = 0x10,
  CCR = 0x14,
  AR = 0x18,
  ABR = 0x1C,
  DR = 0x20,
  PSMKR = 0x24,
  PSMAR = 0x28,
  PIR = 0x2C,
  LPTR = 0x30,

  EN = 1 << 0,
  ABORT = 1 << 1,
  DMAEN = 1 << 2,
  TCEN = 1 << 3,
  SSHIFT = 1 << 4,
  DFM = 1 << 6,
  FSEL = 1 << 7,
  TEIE = 1 << 16,
  TCIE = 1 << 17,
  FTIE = 1 << 18,
  SMIE = 1 << 19,
  TOIE = 1 << 20,
  APMS = 1 << 22,
  PMM = 1 << 23,

  TEF = 1 << 0,
  TCF = 1 << 1,
  FTF = 1 << 2,
  SMF = 1 << 3,
  TOF = 1 << 4,
  BUSY = 1 << 5,

  I1 = 1 << 8,
  I4 = 3 << 8,
  AD1 = 1 << 10,
  AD2 = 2 << 10,
  AD4 = 3 << 10,
  AS24 = 2 << 12,
  AS32 = 3 << 12,
  AB4 = 3 << 14,
  D1 = 1 << 24,
  D2 = 2 << 24,
  D4 = 3 << 24,
  WRITE = 0 << 26,
  READ = 1 << 26,
  POLL = 2 << 26,
  MAPPED = 3 << 26,
  SIOO = 1 << 28,
  DHHC = 1 << 30,
};
#define DDRM 0x80000000u

#define DUMMY(n)  ((uint32_t)(n) << 18)
#define PRESC(n)  ((uint32_t)(n) << 24)
#define FTHRES(n) ((uint32_t)(n) << 8)
#define FSIZE(n)  ((uint32_t)(n) << 16)
#define CSHT(n)   ((uint32_t)(n) << 8)
#define FLEVEL(v) (((v) >> 8) & 0x3Fu)

struct bench {
  struct rig rig;  // must stay first: expect_only and expect_quiet take it
  struct quadspi q;
  uint64_t hclk;
  bool irq;
  unsigned pin_checks;
  uint64_t checked_hz;
  bool window_normal;
  unsigned window_changes;
};

static inline uint64_t bench_hz(void *ctx, enum clock_id id) {
  const struct bench *b = ctx;
  return id == CLOCK_HCLK ? b->hclk : 0;
}

static inline void bench_irq(void *ctx, unsigned number, bool level) {
  struct bench *b = ctx;
  assert_int_equal(number, 92);
  b->irq = level;
}

static inline void bench_pins(void *ctx, uint64_t hz) {
  struct bench *b = ctx;
  b->pin_checks++;
  b->checked_hz = hz;
}

static inline bool bench_normal(void *ctx) {
  return ((struct bench *)ctx)->window_normal;
}

static inline void bench_window(void *ctx) {
  ((struct bench *)ctx)->window_changes++;
}

static inline uint32_t rd(struct bench *b, uint32_t offset) {
  return bus_mmio_read(&b->rig.sim.bus, 0xA0001000u + offset, 4);
}

static inline void wr(struct bench *b, uint32_t offset, uint32_t value) {
  bus_mmio_write(&b->rig.sim.bus, 0xA0001000u + offset, 4, value);
}

static inline uint32_t rd_n(struct bench *b, uint32_t offset, unsigned bytes) {
  return bus_mmio_read(&b->rig.sim.bus, 0xA0001000u + offset, bytes);
}

static inline void wr_n(struct bench *b, uint32_t offset, unsigned bytes,
                        uint32_t value) {
  bus_mmio_write(&b->rig.sim.bus, 0xA0001000u + offset, bytes, value);
}

// SCLK periods at the bench's usual 108 MHz, rounded down to a picosecond as time is.
static inline vtime_t sclk(uint64_t clocks) {
  return (vtime_t)((unsigned __int128)clocks * 1000000000000u / 108000000u);
}

static inline void pass(struct bench *b, vtime_t time) {
  rig_wait(&b->rig, time);
}

// 108 MHz, 64 MB, CS# high for 4 clocks.
static inline int bench_setup(void **state) {
  struct bench *b = calloc(1, sizeof *b);
  rig_start(&b->rig);
  b->hclk = 216000000;
  quadspi_init(&b->q, &b->rig.sim, (struct clock_source){bench_hz, b});
  b->q.flash[0] = &b->rig.nor;
  b->q.irq = (struct irq_line){bench_irq, b, 92};
  b->q.check_pins = bench_pins;
  b->q.window_is_normal = bench_normal;
  b->q.window_on_change = bench_window;
  b->q.ctx = b;
  bus_add_device(&b->rig.sim.bus,
                 &(struct bus_device){"QUADSPI", 0xA0001000u, 0x1000, GATE_NONE, &b->q,
                                      quadspi_read, quadspi_write});
  rig_fill(&b->rig);
  wr(b, DCR, FSIZE(25) | CSHT(3));
  wr(b, CR, PRESC(1) | EN);
  *state = b;
  return 0;
}

static inline int bench_teardown(void **state) {
  struct bench *b = *state;
  quadspi_free(&b->q);
  rig_stop(&b->rig);
  free(b);
  return 0;
}

// Waits until BUSY falls, by the model's own events; at most `limit`.
static inline void finish_within(struct bench *b, vtime_t limit) {
  const vtime_t end = b->rig.sim.events.now + limit;
  while ((rd(b, SR) & BUSY) && event_next(&b->rig.sim.events) <= end) {
    event_run(&b->rig.sim.events, event_next(&b->rig.sim.events));
  }
  assert_int_equal(rd(b, SR) & BUSY, 0);
}

// A command without address and data, to its end.
static inline void op(struct bench *b, uint32_t ccr) {
  wr(b, CCR, ccr);
  finish_within(b, VT_MS(1));
  wr(b, FCR, 0x1B);
}

static inline uint32_t read_status(struct bench *b, uint8_t opcode) {
  wr(b, DLR, 0);
  wr(b, CCR, opcode | I1 | D1 | READ);
  const uint32_t value = rd_n(b, DR, 1);
  finish_within(b, VT_MS(1));
  wr(b, FCR, 0x1B);
  return value;
}

// The chip as firmware would set it up for full speed: QE, 10 dummy clocks, QPI with
// 4-byte addresses.
static inline void to_qpi(struct bench *b) {
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  nor_set_register(&b->rig.nor, NOR_REG_CONFIG, 0xC7);
  op(b, 0x35 | I1);
  op(b, 0xB7 | I4);
}

enum {
  QPI_READ = 0xEC | I4 | AD4 | AS32 | D4,
  QPI_PROGRAM = 0x12 | I4 | AD4 | AS32 | D4
};

#define BENCH(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
