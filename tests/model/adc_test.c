// SPDX-License-Identifier: MIT
// ADC: conversions in their time, sequences, flags, the common status (RM0410 15.3,
// 15.13).
#include "sim/models/adc.h"
#include "sim/models/tim.h"

#include "tests/model/chip_rig.h"

#define BASE   0x40012000u
#define BIT(n) (1u << (n))
enum {
  SR = 0,
  CR1 = 4,
  CR2 = 8,
  SMPR1 = 0x0C,
  SMPR2 = 0x10,
  HTR = 0x24,
  SQR1 = 0x2C,
  SQR3 = 0x34,
  JSQR = 0x38,
  JDR1 = 0x3C,
  DR = 0x4C,
  CSR = 0x300,
  CCR = 0x304,
  CDR = 0x308
};
#define DMA      BIT(8)
#define DDS      BIT(9)
#define OVRIE    BIT(26)
#define OVR      BIT(5)
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
    wr(b, SR, ~STRT);  // ones beside the flag that a 0 clears: as drivers do
    assert_int_equal(rd(b, SR), 0);
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

static void on_request(void *ctx, unsigned number, bool level) {
  (void)number;
  *(bool *)ctx = level;
}

// A circular transfer: every value is asked for, and taken in time.
static void dma_takes_every_value(void **state) {
  struct bench *b = *state;
  bool request = false;
  b->adc.adc[0].dma = (struct dma_line){on_request, &request, 0, NULL};
  wr(b, CR1, OVRIE);
  wr(b, CR2, ADON | CONT | DMA | DDS | SWSTART);
  for (unsigned i = 0; i < 3; i++) {
    chip_pass(&b->chip, vt_cycles(15, 30000000));
    assert_true(request);
    assert_int_equal(rd(b, DR), 2048);
    assert_false(request);
  }
  chip_pass(&b->chip, vt_cycles(31, 30000000));  // twice without reading
  assert_int_equal(rd(b, SR) & OVR, OVR);
  assert_true(b->chip.irq);
  assert_false(request);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR) & BIT(6), 0);
}

// Without DDS the end of the transfer is no overrun.
static void a_single_transfer_ends_in_peace(void **state) {
  struct bench *b = *state;
  wr(b, CR2, ADON | CONT | DMA | SWSTART);
  chip_pass(&b->chip, vt_cycles(15, 30000000));
  rd(b, DR);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, SR) & OVR, 0);
}

static void timers_start_conversions(void **state) {
  struct bench *b = *state;
  wr(b, CR2, ADON | 1u << 28 | 11u << 24);  // TIM2_TRGO
  adc_trigger(&b->adc, 3, TIM_TRGO);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR), 0);
  adc_trigger(&b->adc, 2, TIM_TRGO);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & EOC, EOC);
  assert_int_equal(adc_wants_compares(&b->adc, 1), 0);
  wr(b, CR2, ADON | 1u << 28 | 2u << 24 | 1u << 20 | 1u << 16);
  assert_int_equal(adc_wants_compares(&b->adc, 1), BIT(3) | BIT(4));
  adc_trigger(&b->adc, 1, TIM_CC1 + 3);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & JEOC, JEOC);
}

static void a_group_waits_for_its_trigger(void **state) {
  struct bench *b = *state;
  wr(b, CR1, SCAN | BIT(11) | 1u << 13);  // two a trigger
  wr(b, SQR1, 2u << 20);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(b->adc.adc[0].rank, 2);
  assert_int_equal(rd(b, SR) & EOC, 0);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(b->adc.adc[0].rank, 0);
  assert_int_equal(rd(b, SR) & EOC, EOC);
}

static void the_watchdog_guards_its_window(void **state) {
  struct bench *b = *state;
  wr(b, CR1, BIT(23) | BIT(6));
  wr(b, HTR, 2048);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & 1, 0);
  wr(b, HTR, 2047);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & 1, 1);
  assert_true(b->chip.irq);
}

static void every_injected_rank_has_its_register(void **state) {
  struct bench *b = *state;
  wr(b, JSQR, 2u << 20 | 17u << 5 | 18u << 10 | 3u << 15);
  wr(b, 0x14, 2);  // JOFR1
  wr(b, CR2, ADON | JSWSTART);
  chip_pass(&b->chip, VT_US(20));
  assert_int_equal(rd(b, JDR1), 1500);
  assert_int_equal(rd(b, JDR1 + 4), 943);
  assert_int_equal(rd(b, JDR1 + 8), 2048);
}

static void two_convert_at_once(void **state) {
  struct bench *b = *state;
  bool request = false;
  b->adc.adc[0].dma = (struct dma_line){on_request, &request, 0, NULL};
  wr(b, CCR, 6 | 2u << 14 | BIT(13));
  wr(b, 0x100 + SQR3, 17);
  wr(b, 0x100 + CR2, ADON);
  wr(b, CR2, ADON | SWSTART);
  chip_pass(&b->chip, VT_US(10));
  assert_true(request);
  assert_int_equal(rd(b, CDR), 1502u << 16 | 2048);
  assert_false(request);
  assert_int_equal(rd(b, 0x100 + SR) & EOC, EOC);
}

static void what_is_missing_says_so(void **state) {
  struct bench *b = *state;
  wr(b, CR1, BIT(12));  // JDISCEN
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
  assert_int_equal(b->chip.sim.report.guest_errors, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_conversion_takes_its_time),
      TEST(a_sequence_of_channels),
      TEST(without_eocs_the_end_alone_flags),
      TEST(continuous_until_it_is_switched_off),
      TEST(injected_and_the_third_converter),
      TEST(dma_takes_every_value),
      TEST(a_single_transfer_ends_in_peace),
      TEST(timers_start_conversions),
      TEST(a_group_waits_for_its_trigger),
      TEST(the_watchdog_guards_its_window),
      TEST(every_injected_rank_has_its_register),
      TEST(two_convert_at_once),
      TEST(what_is_missing_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
