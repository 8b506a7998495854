// SPDX-License-Identifier: MIT
// The low-power timer: counts at exact times, once or for ever, flags and interrupt
// (RM0410 30.4, 30.6).
#include "sim/models/lptim.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40002400u
#define BIT(n) (1u << (n))
enum {
  ISR = 0x00,
  ICR = 0x04,
  IER = 0x08,
  CFGR = 0x0C,
  CR = 0x10,
  CMP = 0x14,
  ARR = 0x18,
  CNT = 0x1C
};
#define CMPM    BIT(0)
#define ARRM    BIT(1)
#define CMPOK   BIT(3)
#define ARROK   BIT(4)
#define ENABLE  BIT(0)
#define SNGSTRT BIT(1)
#define CNTSTRT BIT(2)

struct bench {
  struct chip chip;
  struct lptim lptim;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_LPTIM1] = 32000;
  lptim_init(&b.lptim, &b.chip.sim, chip_clocks(&b.chip));
  b.lptim.irq = chip_irq(&b.chip, 93);
  chip_add(&b.chip, "LPTIM1", BASE, 0x400, &b.lptim, lptim_read, lptim_write);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  lptim_free(&b->lptim);
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
    {"ISR", 0x00, 0, 0, 0x0000007F, 0, 0},
    {"ICR", 0x04, 0, 0, 0, 0x0000007F, 0},
    {"IER", 0x08, 0, 0x0000007F, 0, 0, 0},
    {"CFGR", 0x0C, 0, 0x01FEEEDF, 0, 0, 0},
    {"CR", 0x10, 0, 0x00000001, 0, 0x00000006, 0},
    {"CMP", 0x14, 0, 0x0000FFFF, 0, 0, 0},
    {"ARR", 0x18, 1, 0x0000FFFF, 0, 0, 0},
    {"CNT", 0x1C, 0, 0, 0x0000FFFF, 0, 0},
};

static void restart(void *ctx) {
  lptim_reset(&((struct bench *)ctx)->lptim);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x20, &b->chip.sim, restart, b});
}

// 32 kHz / 32: a count is a millisecond.
static void start(struct bench *b, uint32_t mode) {
  wr(b, CFGR, 5u << 9);
  wr(b, CR, ENABLE);
  wr(b, ARR, 99);
  wr(b, CMP, 30);
  assert_int_equal(rd(b, ISR), ARROK | CMPOK);
  wr(b, ICR, ARROK | CMPOK);
  wr(b, CR, ENABLE | mode);
}

static void it_counts_again_and_again(void **state) {
  struct bench *b = *state;
  wr(b, IER, ARRM);
  start(b, CNTSTRT);
  for (unsigned i = 0; i < 3; i++) {
    chip_pass(&b->chip, VT_MS(i ? 31 : 30));
    assert_int_equal(rd(b, CNT), 30);
    assert_int_equal(rd(b, ISR), CMPM);
    assert_false(b->chip.irq);
    chip_pass(&b->chip, VT_MS(69) - 1);
    assert_false(b->chip.irq);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, CNT), 99);
    assert_int_equal(rd(b, ISR), CMPM | ARRM);
    assert_true(b->chip.irq);
    wr(b, ICR, CMPM | ARRM);
    assert_false(b->chip.irq);
  }
  expect_none(&b->chip);
}

static void once_is_once(void **state) {
  struct bench *b = *state;
  start(b, SNGSTRT);
  chip_pass(&b->chip, VT_MS(500));
  assert_int_equal(rd(b, ISR), CMPM | ARRM);
  assert_int_equal(rd(b, CNT), 0);
  wr(b, ICR, CMPM | ARRM);
  chip_pass(&b->chip, VT_MS(500));
  assert_int_equal(rd(b, ISR), 0);
}

static void pins_bring_no_edges(void **state) {
  struct bench *b = *state;
  wr(b, CFGR, 1);  // CKSEL
  wr(b, CR, ENABLE);
  wr(b, ARR, 99);
  wr(b, CR, ENABLE | CNTSTRT);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, CNT), 0);
}

static void another_clock_and_the_end(void **state) {
  struct bench *b = *state;
  start(b, CNTSTRT);
  chip_pass(&b->chip, VT_MS(10));
  b->chip.hz[CLOCK_LPTIM1] = 64000;
  lptim_clock_changed(&b->lptim);
  chip_pass(&b->chip, VT_MS(10));
  assert_int_equal(rd(b, CNT), 30);
  wr(b, CR, 0);
  assert_int_equal(rd(b, CNT), 0);
  assert_true(event_next(&b->chip.sim.events) == VT_NEVER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(it_counts_again_and_again),
      TEST(once_is_once),
      TEST(pins_bring_no_edges),
      TEST(another_clock_and_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
