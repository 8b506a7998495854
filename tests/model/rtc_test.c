// SPDX-License-Identifier: MIT
// The RTC's backup registers and their lock (RM0410 32.6). The calendar is not
// modelled: every bit of it says so.
#include "sim/models/rtc.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40002800u
#define BKP(n) (BASE + 0x50u + 4u * (n))

struct bench {
  struct chip chip;
  struct rtc rtc;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  rtc_init(&b.rtc, &b.chip.sim);
  chip_add(&b.chip, "RTC", BASE, 0x400, &b.rtc, rtc_read, rtc_write);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  rtc_free(&b->rtc);
  chip_stop(&b->chip);
  return 0;
}

#define ALL 0xFFFFFFFFu
static const struct register_bits registers[] = {
    {"TR", 0x00, 0, 0, 0, 0, 0x007F7F7F},
    {"DR", 0x04, 0x00002101, 0, 0, 0, 0x00FFFF3F},
    {"CR", 0x08, 0, 0, 0, 0, 0x01FFFF7F},
    {"ISR", 0x0C, 0x00000007, 0, 0x0001005F, 0, 0x0002FFA0},
    {"PRER", 0x10, 0x007F00FF, 0, 0, 0, 0x007F7FFF},
    {"WUTR", 0x14, 0x0000FFFF, 0, 0, 0, 0x0000FFFF},
    {"ALRMAR", 0x1C, 0, 0, 0, 0, ALL},
    {"ALRMBR", 0x20, 0, 0, 0, 0, ALL},
    {"WPR", 0x24, 0, 0, 0, 0x000000FF, 0},
    {"SSR", 0x28, 0, 0, 0x0000FFFF, 0, 0},
    {"SHIFTR", 0x2C, 0, 0, 0, 0, 0x80007FFF},
    {"TSTR", 0x30, 0, 0, 0x007F7F7F, 0, 0},
    {"TSDR", 0x34, 0, 0, 0x0000FF3F, 0, 0},
    {"TSSSR", 0x38, 0, 0, 0x0000FFFF, 0, 0},
    {"CALR", 0x3C, 0, 0, 0, 0, 0x0000E1FF},
    {"TAMPCR", 0x40, 0, 0, 0, 0, 0x01FFFFFF},
    {"ALRMASSR", 0x44, 0, 0, 0, 0, 0x0F007FFF},
    {"ALRMBSSR", 0x48, 0, 0, 0, 0, 0x0F007FFF},
    {"OR", 0x4C, 0, 0, 0, 0, 0x0000000E},
    {"BKP0R", 0x50, 0, ALL, 0, 0, 0},
    {"BKP1R", 0x54, 0, ALL, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  rtc_backup_reset(&b->rtc);
  b->rtc.backup_unlocked = true;
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x50, &b->chip.sim, restart, b});
}

static void thirty_two_registers_keep_their_words(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  for (uint32_t i = 0; i < 32; i++)
    chip_write(&b->chip, BKP(i), 0x9E3779B9u * (i + 1));
  for (uint32_t i = 0; i < 32; i++)
    assert_int_equal(chip_read(&b->chip, BKP(i)), 0x9E3779B9u * (i + 1));
  expect_none(&b->chip);
  chip_read(&b->chip, BKP(32));
  expect_one(&b->chip, GUEST_BAD_REGISTER);
}

static void bytes_and_half_words_too(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(3), 0x11223344);
  bus_mmio_write(&b->chip.sim.bus, BKP(3) + 3, 1, 0xAA);
  bus_mmio_write(&b->chip.sim.bus, BKP(3), 2, 0xBBCC);
  assert_int_equal(chip_read(&b->chip, BKP(3)), 0xAA22BBCC);
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BKP(3) + 2, 1), 0x22);
}

static void locked_they_are_read_only(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(31), 5);
  b->rtc.backup_unlocked = false;
  chip_write(&b->chip, BKP(31), 6);
  expect_one(&b->chip, GUEST_BACKUP_LOCKED);
  assert_int_equal(chip_read(&b->chip, BKP(31)), 5);
  expect_none(&b->chip);
}

static void a_backup_reset_clears_them(void **state) {
  struct bench *b = *state;
  b->rtc.backup_unlocked = true;
  chip_write(&b->chip, BKP(0), 5);
  rtc_backup_reset(&b->rtc);
  assert_int_equal(chip_read(&b->chip, BKP(0)), 0);
  assert_int_equal(chip_read(&b->chip, BASE + 0x10), 0x007F00FF);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),  TEST(thirty_two_registers_keep_their_words),
      TEST(bytes_and_half_words_too),   TEST(locked_they_are_read_only),
      TEST(a_backup_reset_clears_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
