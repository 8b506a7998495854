// SPDX-License-Identifier: MIT
// ADC: conversions in their time, sequences, flags, the common status (RM0410 15.3,
// 15.13).
#include "sim/models/adc.h"

#include "tests/model/chip_rig.h"

#define BASE   0x40012000u
#define BIT(n) (1u << (n))
enum {
  SR = 0,
  CR1 = 4,
  CR2 = 8,
  SMPR1 = 0x0C,
  SMPR2 = 0x10,
  SQR1 = 0x2C,
  SQR3 = 0x34,
  JSQR = 0x38,
  JDR1 = 0x3C,
  DR = 0x4C,
  CSR = 0x300,
  CCR = 0x304
};
#define ADON     BIT(0)
#define CONT     BIT(1)
#define EOCS     BIT(10)
#define JSWSTART BIT(22)
#define SWSTART  BIT(30)
#define EOCIE    BIT(5)
#define SCAN     BIT(8)
#define EOC      BIT(1)
#define JEOC     BIT(2)
#define STRT     BIT(4)

struct bench {
  struct chip chip;
  struct adc_block adc;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_PCLK2] = 60000000;  // 30 MHz after / 2
  adc_init(&b.adc, &b.chip.sim, chip_clocks(&b.chip));
  b.adc.irq = chip_irq(&b.chip, 18);
  chip_add(&b.chip, "ADC", BASE, 0x400, &b.adc, adc_read, adc_write);
  adc_reset(&b.adc);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  adc_free(&b->adc);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

// Sampling and one clock a bit, by SMP and RES.
static void a_conversion_takes_its_time(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t sampling, resolution;
    unsigned clocks;
    uint32_t value;
  } cases[] = {{0, 0, 15, 0x800},
               {7, 0, 492, 0x800},
               {2, 1, 38, 0x200},
               {1, 2, 23, 0x80},
               {0, 3, 9, 0x20}};
  for (size_t i = 0; i < 5; i++) {
    adc_reset(&b->adc);
    wr(b, SMPR2, cases[i].sampling << 9);  // channel 3
    wr(b, CR1, cases[i].resolution << 24 | EOCIE);
    wr(b, SQR3, 3);
    wr(b, CR2, ADON);
    wr(b, CR2, ADON | SWSTART);
    assert_int_equal(rd(b, CR2), ADON);
    chip_pass(&b->chip, vt_cycles(cases[i].clocks, 30000000) - 1);
    assert_int_equal(rd(b, SR), STRT);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, SR), STRT | EOC);
    assert_int_equal(rd(b, CSR), STRT | EOC);
    assert_true(b->chip.irq);
    assert_int_equal(rd(b, DR), cases[i].value);
    assert_int_equal(rd(b, SR) & EOC, 0);
    assert_false(b->chip.irq);
  }
  expect_none(&b->chip);
}

static void a_sequence_of_channels(void **state) {
  struct bench *b = *state;
  wr(b, CR1, SCAN);
  wr(b, SQR1, 2u << 20);
  wr(b, SQR3, 17u | 18u << 5 | 1u << 10);
  wr(b, CR2, ADON | EOCS | SWSTART);
  static const uint32_t values[] = {1502, 943, 2048};
  for (size_t i = 0; i < 3; i++) {
    chip_pass(&b->chip, vt_cycles(15, 30000000));
    assert_int_equal(rd(b, SR) & EOC, EOC);
    assert_int_equal(rd(b, DR), values[i]);
  }
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR) & EOC, 0);
}

static void without_eocs_the_end_alone_flags(void **state) {
  struct bench *b = *state;
  wr(b, CR1, SCAN);
  wr(b, SQR1, 1u << 20);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, vt_cycles(15, 30000000));
  assert_int_equal(rd(b, SR) & EOC, 0);
  chip_pass(&b->chip, vt_cycles(15, 30000000));
  assert_int_equal(rd(b, SR) & EOC, EOC);
}

static void continuous_until_it_is_switched_off(void **state) {
  struct bench *b = *state;
  wr(b, CR2, ADON | CONT | SWSTART);
  for (unsigned i = 0; i < 5; i++) {
    chip_pass(&b->chip, vt_cycles(15, 30000000));
    assert_int_equal(rd(b, SR) & EOC, EOC);
    rd(b, DR);
  }
  wr(b, CR2, 0);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR) & EOC, 0);
}

static void injected_and_the_third_converter(void **state) {
  struct bench *b = *state;
  wr(b, 0x200 + JSQR, 18u << 15);
  wr(b, 0x200 + CR2, ADON | JSWSTART);
  chip_pass(&b->chip, VT_US(20));
  assert_int_equal(rd(b, 0x200 + SR) & JEOC, JEOC);
  assert_int_equal(rd(b, CSR), (BIT(3) | JEOC) << 16);
  assert_int_equal(rd(b, 0x200 + JDR1), 943);
  wr(b, 0x200 + SR, 0);
  assert_int_equal(rd(b, CSR), 0);
}

static void what_is_missing_says_so(void **state) {
  struct bench *b = *state;
  static const uint32_t writes[][2] = {{CR2, BIT(28)}, {CR2, BIT(8)},  {CR2, BIT(20)},
                                       {CR1, BIT(11)}, {CR1, BIT(23)}, {CCR, 6},
                                       {CCR, BIT(14)}};
  for (size_t i = 0; i < 7; i++) {
    wr(b, writes[i][0], writes[i][1]);
    assert_int_equal(b->chip.sim.report.unimplemented, 1);
    assert_int_equal(b->chip.sim.report.guest_errors, 0);
    report_clear(&b->chip.sim.report);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_conversion_takes_its_time),      TEST(a_sequence_of_channels),
      TEST(without_eocs_the_end_alone_flags), TEST(continuous_until_it_is_switched_off),
      TEST(injected_and_the_third_converter), TEST(what_is_missing_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
