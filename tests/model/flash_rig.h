// SPDX-License-Identifier: MIT
// What the tests of the internal flash share: a chip with nothing but the flash, its
// register bits typed from RM0410 chapter 3, and what the model has called.
#pragma once

#include "sim/models/flash_f7.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40023C00u
#define BIT(n) (1u << (n))

enum {
  ACR = 0x00,
  KEYR = 0x04,
  OPTKEYR = 0x08,
  SR = 0x0C,
  CR = 0x10,
  OPTCR = 0x14,
  OPTCR1 = 0x18,
};
#define EOP      BIT(0)
#define OPERR    BIT(1)
#define WRPERR   BIT(4)
#define PGAERR   BIT(5)
#define PGPERR   BIT(6)
#define ERSERR   BIT(7)
#define BSY      BIT(16)
#define PG       BIT(0)
#define SER      BIT(1)
#define MER      BIT(2)
#define MER2     BIT(15)
#define SNB(n)   ((uint32_t)(n) << 3)
#define PSIZE(n) ((uint32_t)(n) << 8)
#define STRT     BIT(16)
#define EOPIE    BIT(24)
#define ERRIE    BIT(25)
#define LOCK     BIT(31)
#define OPTLOCK  BIT(0)
#define OPTSTRT  BIT(1)
#define NDBANK   BIT(29)
#define FACTORY  0xFFFFAAFDu
#define FACTORY1 0x00400080u

enum { SIZE = 2 << 20 };

struct bench {
  struct chip chip;
  struct flash_f7 flash;
  uint8_t *bytes, otp[FLASH_F7_OTP_SIZE], window[FLASH_F7_OPTION_WINDOW_BYTES];
  unsigned busy;  // banks
  unsigned operations, latencies, contents, regressions;
  enum flash_f7_kind kind;
  uint32_t offset, content_offset, content_length;
};

static inline void on_busy(void *ctx, unsigned banks) {
  ((struct bench *)ctx)->busy = banks;
}

static inline void on_content(void *ctx, uint32_t offset, uint32_t length) {
  struct bench *b = ctx;
  b->contents++;
  b->content_offset = offset;
  b->content_length = length;
}

static inline void on_operation(void *ctx, enum flash_f7_kind kind, uint32_t offset) {
  struct bench *b = ctx;
  b->operations++;
  b->kind = kind;
  b->offset = offset;
}

static inline void on_regression(void *ctx) {
  ((struct bench *)ctx)->regressions++;
}

static inline void on_latency(void *ctx) {
  ((struct bench *)ctx)->latencies++;
}

static inline struct bench *bench_open(uint32_t size, uint32_t optcr) {
  struct bench *b = test_calloc(1, sizeof *b);
  chip_start(&b->chip);
  b->bytes = test_malloc(size);
  memset(b->bytes, 0xFF, size);
  memset(b->otp, 0xFF, sizeof b->otp);
  flash_f7_init(&b->flash, &b->chip.sim, b->bytes, size, 3300);
  b->flash.irq = chip_irq(&b->chip, 4);
  b->flash.otp = b->otp;
  b->flash.option_window = b->window;
  b->flash.on_busy = on_busy;
  b->flash.on_content = on_content;
  b->flash.on_operation = on_operation;
  b->flash.on_latency = on_latency;
  b->flash.on_regression = on_regression;
  b->flash.ctx = b;
  chip_add(&b->chip, "FLASH", BASE, 0x400, &b->flash, flash_f7_read, flash_f7_write);
  flash_f7_set_options(&b->flash, optcr, FACTORY1);
  flash_f7_reset(&b->flash);
  return b;
}

static inline int setup(void **state) {
  *state = bench_open(SIZE, FACTORY);
  return 0;
}

static inline int setup_dual(void **state) {
  *state = bench_open(SIZE, FACTORY & ~NDBANK);
  return 0;
}

static inline int teardown(void **state) {
  struct bench *b = *state;
  flash_f7_free(&b->flash);
  chip_stop(&b->chip);
  test_free(b->bytes);
  test_free(b);
  return 0;
}

static inline uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static inline void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static inline void unlock(struct bench *b) {
  wr(b, KEYR, 0x45670123);
  wr(b, KEYR, 0xCDEF89AB);
  assert_int_equal(rd(b, CR) & LOCK, 0);
}

static inline void program(struct bench *b, uint32_t offset, uint32_t value) {
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, offset, 4, value);
  chip_pass(&b->chip, VT_US(16));
}

static inline uint32_t word(const struct bench *b, uint32_t offset) {
  uint32_t value;
  memcpy(&value, b->bytes + offset, 4);
  return value;
}

static inline void unlock_options(struct bench *b) {
  wr(b, OPTKEYR, 0x08192A3B);
  wr(b, OPTKEYR, 0x4C5D6E7F);
  assert_int_equal(rd(b, OPTCR) & OPTLOCK, 0);
}

// Everything of `bytes` outside of a range holds `filler`, and inside FFh.
static inline void check_blank(const struct bench *b, uint32_t from, uint32_t length,
                               uint8_t filler) {
  for (uint32_t i = 0; i < b->flash.size; i++) {
    const uint8_t wanted = i - from < length ? 0xFF : filler;
    if (b->bytes[i] != wanted) fail_msg("byte 0x%06x is 0x%02x", i, b->bytes[i]);
  }
}
