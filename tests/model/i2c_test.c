// SPDX-License-Identifier: MIT
// I2C on an empty bus: a master's address is not acknowledged (RM0410 33.4, 33.7).
#include "sim/models/i2c.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40005400u
#define BIT(n) (1u << (n))
#define ALL    0xFFFFFFFFu
enum { CR1 = 0x00, CR2 = 0x04, TIMINGR = 0x10, ISR = 0x18, ICR = 0x1C };
#define PE     BIT(0)
#define NACKIE BIT(4)
#define STOPIE BIT(5)
#define START  BIT(13)
#define STOP   BIT(14)
#define TXE    BIT(0)
#define NACKF  BIT(4)
#define STOPF  BIT(5)
#define BUSY   BIT(15)

struct bench {
  struct chip chip;
  struct i2c i2c;
  struct i2c_chip chips[2];
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_I2C1] = 16000000;
  i2c_init(&b.i2c, &b.chip.sim, BASE, chip_clocks(&b.chip), CLOCK_I2C1);
  b.i2c.event_irq = chip_irq(&b.chip, 31);
  chip_add(&b.chip, "I2C1", BASE, 0x400, &b.i2c, i2c_read, i2c_write);
  i2c_reset(&b.i2c);
  i2c_chip_init(&b.chips[0], &i2c_wm8994);
  i2c_chip_init(&b.chips[1], &i2c_ft6206);
  b.i2c.chips[0] = &b.chips[0];
  b.i2c.chips[1] = &b.chips[1];
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  i2c_free(&b->i2c);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static const struct register_bits registers[] = {
    {"CR1", 0x00, 0, 0x000BDFFF, 0, 0, 0x00F40000},
    {"CR2", 0x04, 0, 0x03FF9FFF, 0, 0x00006000, 0x04000000},
    {"OAR1", 0x08, 0, 0x000087FF, 0, 0, 0},
    {"OAR2", 0x0C, 0, 0x000087FE, 0, 0, 0},
    {"TIMINGR", 0x10, 0, 0xF0FFFFFF, 0, 0, 0},
    {"TIMEOUTR", 0x14, 0, 0, 0, 0, 0x8FFF9FFF},
    {"ISR", 0x18, 1, 0, 0x00FFBFFC, 0x00000003, 0},
    {"ICR", 0x1C, 0, 0, 0, 0x00003F38, 0},
    {"PECR", 0x20, 0, 0, 0x000000FF, 0, 0},
    {"RXDR", 0x24, 0, 0, 0x000000FF, 0, 0},
    {"TXDR", 0x28, 0, 0x000000FF, 0, 0, 0},
};

static void restart(void *ctx) {
  i2c_reset(&((struct bench *)ctx)->i2c);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x2C, &b->chip.sim, restart, b});
}

// 100 kHz: 16 MHz / 4 / (20 + 20); ten bits with the start.
static void start(struct bench *b, uint32_t cr1) {
  wr(b, TIMINGR, 3u << 28 | 19u << 8 | 19);
  wr(b, CR1, PE | cr1);
  wr(b, CR2, 0x50u << 1 | 2u << 16 | START);
}

static void nobody_acknowledges(void **state) {
  struct bench *b = *state;
  start(b, NACKIE | STOPIE);
  assert_int_equal(rd(b, ISR), TXE | BUSY);
  chip_pass(&b->chip, VT_US(100) - 1);
  assert_int_equal(rd(b, ISR), TXE | BUSY);
  assert_int_equal(rd(b, CR2) & START, START);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, ISR), TXE | NACKF | STOPF);
  assert_int_equal(rd(b, CR2) & START, 0);
  assert_true(b->chip.irq);
  wr(b, ICR, NACKF);
  assert_true(b->chip.irq);
  wr(b, ICR, STOPF);
  assert_false(b->chip.irq);
  assert_int_equal(rd(b, ISR), TXE);
  expect_none(&b->chip);
}

// --- chips that answer ---

enum { RXDR = 0x24, TXDR = 0x28 };
#define TXIS    BIT(1)
#define RXNE    BIT(2)
#define TC      BIT(6)
#define TCR     BIT(7)
#define RD      BIT(10)
#define STOP    BIT(14)
#define RELOAD  BIT(24)
#define AUTOEND BIT(25)
#define N(n)    ((uint32_t)(n) << 16)
#define WM8994  (0x1Au << 1)
#define FT6206  (0x2Au << 1)

static void open(struct bench *b) {
  wr(b, TIMINGR, 3u << 28 | 19u << 8 | 19);
  wr(b, CR1, PE);
}

static void expect_flags(struct bench *b, uint32_t flags) {
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, ISR) & (TXIS | RXNE | TC | TCR | NACKF | STOPF | BUSY), flags);
}

static void put(struct bench *b, uint32_t byte) {
  expect_flags(b, TXIS | BUSY);
  wr(b, TXDR, byte);
}

// A pointer, a repeated start, then the value.
static void an_identification_is_read(void **state) {
  struct bench *b = *state;
  open(b);
  wr(b, CR2, WM8994 | N(2) | START);
  put(b, 0);
  put(b, 0);
  expect_flags(b, TC | BUSY);
  wr(b, CR2, WM8994 | RD | N(2) | AUTOEND | START);
  expect_flags(b, RXNE | BUSY);  // the second byte waits
  assert_int_equal(rd(b, RXDR), 0x89);
  expect_flags(b, RXNE | STOPF);
  assert_int_equal(rd(b, RXDR), 0x94);
  wr(b, ICR, STOPF);
  expect_flags(b, 0);
  expect_none(&b->chip);
}

static void a_byte_may_wait_before_the_start(void **state) {
  struct bench *b = *state;
  open(b);
  wr(b, TXDR, 0xA8);
  assert_int_equal(rd(b, ISR) & TXE, 0);
  wr(b, CR2, FT6206 | N(1) | START);
  expect_flags(b, TC | BUSY);
  wr(b, CR2, FT6206 | RD | N(1) | AUTOEND | START);
  expect_flags(b, RXNE | STOPF);
  assert_int_equal(rd(b, RXDR), 0x11);
}

static void reload_takes_more(void **state) {
  struct bench *b = *state;
  open(b);
  wr(b, CR2, WM8994 | N(2) | RELOAD | START);
  put(b, 0);
  put(b, 5);
  expect_flags(b, TCR | BUSY);
  wr(b, CR2, WM8994 | N(2) | AUTOEND);
  put(b, 0x12);
  put(b, 0x34);
  expect_flags(b, STOPF);
  assert_int_equal(b->chips[0].values[5], 0x1234);
}

static void software_may_stop(void **state) {
  struct bench *b = *state;
  open(b);
  wr(b, CR2, FT6206 | N(1) | START);
  put(b, 0);
  expect_flags(b, TC | BUSY);
  wr(b, CR2, FT6206 | STOP);
  expect_flags(b, STOPF);
}

static void on_request(void *ctx, unsigned number, bool level) {
  ((bool *)ctx)[number] = level;
}

static void dma_is_asked_for_every_byte(void **state) {
  struct bench *b = *state;
  bool requests[2] = {false, false};
  b->i2c.dma_tx = (struct dma_line){on_request, requests, 0, NULL};
  b->i2c.dma_rx = (struct dma_line){on_request, requests, 1, NULL};
  open(b);
  wr(b, CR1, PE | BIT(14) | BIT(15));
  wr(b, CR2, FT6206 | N(1) | START);
  chip_pass(&b->chip, VT_MS(1));
  assert_true(requests[0]);
  wr(b, TXDR, 0);
  assert_false(requests[0]);
  chip_pass(&b->chip, VT_MS(1));
  wr(b, CR2, FT6206 | RD | N(1) | AUTOEND | START);
  chip_pass(&b->chip, VT_MS(1));
  assert_true(requests[1]);
  rd(b, RXDR);
  assert_false(requests[1]);
}

static void switching_off_lets_go(void **state) {
  struct bench *b = *state;
  start(b, 0);
  wr(b, CR1, 0);
  assert_int_equal(rd(b, ISR), TXE);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, ISR), TXE);
  wr(b, CR2, START);  // without PE
  assert_int_equal(rd(b, CR2) & START, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),   TEST(nobody_acknowledges),
      TEST(an_identification_is_read),   TEST(a_byte_may_wait_before_the_start),
      TEST(reload_takes_more),           TEST(software_may_stop),
      TEST(dma_is_asked_for_every_byte), TEST(switching_off_lets_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
