// SPDX-License-Identifier: MIT
// FMC: when its SDRAM answers (RM0410 13.7.3, "SDRAM initialization"), and registers.
#include "sim/models/fmc.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0xA0000000u
#define BIT(n) (1u << (n))
#define ALL    0xFFFFFFFFu
enum {
  SDCR1 = 0x140,
  SDCR2 = 0x144,
  SDTR1 = 0x148,
  SDCMR = 0x150,
  SDRTR = 0x154,
  SDSR = 0x158
};
#define CHIP     0x64u  // 8 columns, 12 rows, 32 bits, 4 banks
#define SETTINGS (CHIP | 3u << 7 | 2u << 10 | BIT(12))
#define BANK1    BIT(4)
#define BANK2    BIT(3)

struct bench {
  struct chip chip;
  struct fmc fmc;
  bool ready;
  unsigned changes;
};

static void on_ready(void *ctx, unsigned bank, bool ready) {
  struct bench *b = ctx;
  assert_int_equal(bank, 0);
  b->ready = ready;
  b->changes++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  fmc_init(&b.fmc, &b.chip.sim);
  b.fmc.fitted[0] = CHIP;
  b.fmc.on_ready = on_ready;
  b.fmc.ctx = &b;
  chip_add(&b.chip, "FMC", BASE, 0x400, &b.fmc, fmc_read, fmc_write);
  fmc_reset(&b.fmc);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  fmc_free(&b->fmc);
  chip_stop(&b->chip);
  return 0;
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static const struct register_bits registers[] = {
    {"BCR1", 0x00, 0x000030D0, 0x003FFB7F, 0, 0, 0},
    {"BTR1", 0x04, 0x0FFFFFFF, 0x3FFFFFFF, 0, 0, 0},
    {"BCR2", 0x08, 0x000030D0, 0x000FFB7F, 0, 0, 0},
    {"BTR2", 0x0C, 0x0FFFFFFF, 0x3FFFFFFF, 0, 0, 0},
    {"BCR3", 0x10, 0x000030D0, 0x000FFB7F, 0, 0, 0},
    {"BTR3", 0x14, 0x0FFFFFFF, 0x3FFFFFFF, 0, 0, 0},
    {"BCR4", 0x18, 0x000030D0, 0x000FFB7F, 0, 0, 0},
    {"BTR4", 0x1C, 0x0FFFFFFF, 0x3FFFFFFF, 0, 0, 0},
    {"PCR", 0x80, 0x00000018, 0x000FFE7E, 0, 0, 0},
    {"SR", 0x84, 0x00000040, 0x0000003F, 0x00000040, 0, 0},
    {"PMEM", 0x88, 0xFCFCFCFC, ALL, 0, 0, 0},
    {"PATT", 0x8C, 0xFCFCFCFC, ALL, 0, 0, 0},
    {"ECCR", 0x94, 0, 0, ALL, 0, 0},
    {"BWTR1", 0x104, 0x0FFFFFFF, 0x300FFFFF, 0, 0, 0},
    {"BWTR2", 0x10C, 0x0FFFFFFF, 0x300FFFFF, 0, 0, 0},
    {"BWTR3", 0x114, 0x0FFFFFFF, 0x300FFFFF, 0, 0, 0},
    {"BWTR4", 0x11C, 0x0FFFFFFF, 0x300FFFFF, 0, 0, 0},
    {"SDCR1", 0x140, 0x000002D0, 0x00007FFF, 0, 0, 0},
    {"SDCR2", 0x144, 0x000002D0, 0x00007FFF, 0, 0, 0},
    {"SDTR1", 0x148, 0x0FFFFFFF, 0x0FFFFFFF, 0, 0, 0},
    {"SDTR2", 0x14C, 0x0FFFFFFF, 0x0FFFFFFF, 0, 0, 0},
    {"SDCMR", 0x150, 0, 0x003FFFFF, 0, 0, 0},
    {"SDRTR", 0x154, 0, 0x00003FFE, 0, 0x00000001, 0x00004000},
    {"SDSR", 0x158, 0, 0, 0x0000003F, 0, 0},
};

static void restart(void *ctx) {
  fmc_reset(&((struct bench *)ctx)->fmc);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x15C, &b->chip.sim, restart, b});
}

static void configure(struct bench *b, uint32_t sdcr) {
  wr(b, SDCR1, sdcr);
  wr(b, SDTR1, 0x01115351);
}

static void after_its_sequence_it_answers(void **state) {
  struct bench *b = *state;
  configure(b, SETTINGS);
  wr(b, SDCMR, 1 | BANK1);
  chip_pass(&b->chip, VT_US(100));
  wr(b, SDCMR, 2 | BANK1);
  wr(b, SDCMR, 3 | BANK1 | 7u << 5);
  wr(b, SDCMR, 4 | BANK1 | 0x230u << 9);
  assert_false(b->ready);
  wr(b, SDRTR, 1539u << 1);
  assert_true(b->ready);
  assert_int_equal(rd(b, SDSR), 0);  // never BUSY here
  expect_none(&b->chip);
}

static void every_step_is_needed(void **state) {
  struct bench *b = *state;
  for (unsigned missing = 0; missing < 5; missing++) {
    fmc_reset(&b->fmc);
    configure(b, SETTINGS);
    if (missing != 0) wr(b, SDCMR, 1 | BANK1);
    chip_pass(&b->chip, VT_US(100));
    if (missing != 1) wr(b, SDCMR, 2 | BANK1);
    if (missing != 2) wr(b, SDCMR, 3 | BANK1 | 7u << 5);
    if (missing != 3) wr(b, SDCMR, 4 | BANK1 | 0x230u << 9);
    if (missing != 4) wr(b, SDRTR, 1539u << 1);
    assert_false(b->ready);
    const unsigned complaints = (unsigned)b->chip.sim.report.guest_errors;
    assert_int_equal(complaints, missing == 0 ? 3 : missing == 1 ? 2 : 0);
    report_clear(&b->chip.sim.report);
  }
}

static void the_clock_runs_before_the_precharge(void **state) {
  struct bench *b = *state;
  configure(b, SETTINGS);
  wr(b, SDCMR, 1 | BANK1);
  chip_pass(&b->chip, VT_US(100) - 1);
  wr(b, SDCMR, 2 | BANK1);
  expect_one(&b->chip, GUEST_SDRAM);
  configure(b, SETTINGS & ~(3u << 10));
  wr(b, SDCMR, 1 | BANK1);
  expect_one(&b->chip, GUEST_SDRAM);
}

static void the_settings_are_the_chips(void **state) {
  struct bench *b = *state;
  for (unsigned bit = 0; bit < 7; bit++) {
    fmc_reset(&b->fmc);
    configure(b, SETTINGS ^ BIT(bit));
    wr(b, SDCMR, 1 | BANK1);
    expect_one(&b->chip, GUEST_SDRAM);
  }
  wr(b, SDCMR, 1 | BANK2);  // no chip there
  expect_one(&b->chip, GUEST_SDRAM);
}

static void a_reset_makes_it_silent(void **state) {
  struct bench *b = *state;
  after_its_sequence_it_answers(state);
  fmc_reset(&b->fmc);
  assert_false(b->ready);
  assert_int_equal(b->changes, 2);
}

static void its_mode_is_shown(void **state) {
  struct bench *b = *state;
  configure(b, SETTINGS);
  wr(b, SDCMR, 5 | BANK1);
  assert_int_equal(rd(b, SDSR), 1u << 1);
  wr(b, SDCMR, 6 | BANK1);
  assert_int_equal(rd(b, SDSR), 2u << 1);
  wr(b, SDCMR, 0 | BANK1);
  assert_int_equal(rd(b, SDSR), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),  TEST(after_its_sequence_it_answers),
      TEST(every_step_is_needed),       TEST(the_clock_runs_before_the_precharge),
      TEST(the_settings_are_the_chips), TEST(a_reset_makes_it_silent),
      TEST(its_mode_is_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
