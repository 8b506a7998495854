// SPDX-License-Identifier: MIT
// SYSCFG: the compensation cell, and what is only kept (RM0410 7.2).
#include "sim/models/syscfg.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE 0x40013800u
enum { CMPCR = 0x20, CMP_PD = 1, READY = 1 << 8 };

struct bench {
  struct chip chip;
  struct syscfg syscfg;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  syscfg_init(&b.syscfg, &b.chip.sim);
  chip_add(&b.chip, "SYSCFG", BASE, 0x400, &b.syscfg, syscfg_read, syscfg_write);
  syscfg_reset(&b.syscfg);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  syscfg_free(&b->syscfg);
  chip_stop(&b->chip);
  return 0;
}

// CBR is not modelled, and its bits say so; fast-mode plus and the Ethernet choice are
// kept. SWP_FMC has two reserved values, so its upper bit is looked at below.
static const struct register_bits registers[] = {
    {"MEMRMP", 0x00, 0, 0x00000100, 0x00000001, 0x00000C00, 0},
    {"PMC", 0x04, 0, 0x008700FF, 0, 0, 0},
    {"EXTICR1", 0x08, 0, 0x0000FFFF, 0, 0, 0},
    {"EXTICR2", 0x0C, 0, 0x0000FFFF, 0, 0, 0},
    {"EXTICR3", 0x10, 0, 0x0000FFFF, 0, 0, 0},
    {"EXTICR4", 0x14, 0, 0x0000FFFF, 0, 0, 0},
    {"CBR", 0x1C, 0, 0, 0, 0, 0x00000005},
    {"CMPCR", 0x20, 0, 0x00000001, 0x00000100, 0, 0},
};

static void restart(void *ctx) {
  syscfg_reset(&((struct bench *)ctx)->syscfg);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x24, &b->chip.sim, restart, b});
}

static void fmc_swap_has_two_values(void **state) {
  struct bench *b = *state;
  for (uint32_t value = 0; value < 4; value++) {
    chip_write(&b->chip, BASE, value << 10);
    assert_int_equal(chip_read(&b->chip, BASE), value << 10);
    if (value < 2) {
      expect_none(&b->chip);
    } else {
      expect_one(&b->chip, GUEST_RESERVED_BITS);
    }
  }
}

static uint32_t cmpcr(struct bench *b) {
  return chip_read(&b->chip, BASE + CMPCR);
}

static void the_cell_takes_time_to_be_ready(void **state) {
  struct bench *b = *state;
  chip_pass(&b->chip, VT_MS(1));
  assert_false(syscfg_compensated(&b->syscfg));
  chip_write(&b->chip, BASE + CMPCR, CMP_PD);
  assert_int_equal(cmpcr(b), CMP_PD);
  chip_pass(&b->chip, VT_US(10) - 1);
  assert_false(syscfg_compensated(&b->syscfg));
  chip_pass(&b->chip, 1);
  assert_true(syscfg_compensated(&b->syscfg));
  assert_int_equal(cmpcr(b), CMP_PD | READY);
}

static void switching_it_off_and_on_takes_the_time_again(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, BASE + CMPCR, CMP_PD);
  chip_pass(&b->chip, VT_US(10));
  chip_write(&b->chip, BASE + CMPCR, CMP_PD);  // it is on already
  assert_int_equal(cmpcr(b), CMP_PD | READY);
  chip_write(&b->chip, BASE + CMPCR, 0);
  assert_int_equal(cmpcr(b), 0);
  chip_write(&b->chip, BASE + CMPCR, CMP_PD);
  assert_int_equal(cmpcr(b), CMP_PD);
  expect_none(&b->chip);
}

static void reset_switches_it_off(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, BASE + CMPCR, CMP_PD);
  chip_pass(&b->chip, VT_MS(1));
  syscfg_reset(&b->syscfg);
  assert_int_equal(cmpcr(b), 0);
  assert_false(syscfg_compensated(&b->syscfg));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(fmc_swap_has_two_values),
      TEST(the_cell_takes_time_to_be_ready),
      TEST(switching_it_off_and_on_takes_the_time_again),
      TEST(reset_switches_it_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
