// SPDX-License-Identifier: MIT
// Window watchdog: its time, its window, its early wake-up (RM0410 31.3, 31.4).
#include "sim/models/wwdg.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40002C00u
#define BIT(n) (1u << (n))
enum { CR = 0, CFR = 4, SR = 8 };
#define WDGA BIT(7)
#define EWI  BIT(9)

struct bench {
  struct chip chip;
  struct wwdg wwdg;
  unsigned resets;
};

static void on_expired(void *ctx) {
  ((struct bench *)ctx)->resets++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_PCLK1] = 54000000;
  wwdg_init(&b.wwdg, &b.chip.sim, chip_clocks(&b.chip));
  b.wwdg.irq = chip_irq(&b.chip, 0);
  b.wwdg.on_expired = on_expired;
  b.wwdg.ctx = &b;
  chip_add(&b.chip, "WWDG", BASE, 0x400, &b.wwdg, wwdg_read, wwdg_write);
  wwdg_reset(&b.wwdg, false);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  wwdg_free(&b->wwdg);
  chip_stop(&b->chip);
  return 0;
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

// CR acts: a written 0 resets the chip. SR is cleared by a 0.
static const struct register_bits registers[] = {
    {"CR", 0x00, 0x7F, 0, 0, 0xFF, 0},
    {"CFR", 0x04, 0x7F, 0x3FF, 0, 0, 0},
    {"SR", 0x08, 0, 0, 0, 1, 0},
};

static void restart(void *ctx) {
  wwdg_reset(&((struct bench *)ctx)->wwdg, false);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x0C, &b->chip.sim, restart, b});
}

// RM0410 31.3.4: t = tPCLK1 x 4096 x 2^WDGTB x (T[5:0] + 1).
static void it_resets_at_its_time(void **state) {
  struct bench *b = *state;
  for (uint32_t prescaler = 0; prescaler < 4; prescaler++) {
    for (uint32_t t = 0x40; t <= 0x7F; t += 0x15) {
      wwdg_reset(&b->wwdg, false);
      b->resets = 0;
      wr(b, CFR, prescaler << 7 | 0x7F);
      wr(b, CR, WDGA | t);
      const uint64_t clocks = 4096ull << prescaler;
      const vtime_t time = vt_cycles(clocks * ((t & 0x3F) + 1), 54000000);
      chip_pass(&b->chip, time - VT_NS(1));
      assert_int_equal(b->resets, 0);
      chip_pass(&b->chip, VT_NS(2));
      expect_one(&b->chip, GUEST_WATCHDOG);
      assert_int_equal(b->resets, 1);
    }
  }
}

static void a_refresh_in_the_window_keeps_it_quiet(void **state) {
  struct bench *b = *state;
  wr(b, CFR, 0x50);
  wr(b, CR, WDGA | 0x7F);
  for (unsigned i = 0; i < 50; i++) {
    chip_pass(&b->chip, vt_cycles(4096 * 0x30, 54000000));  // 0x7F to 0x4F
    wr(b, CR, 0x7F);
  }
  assert_int_equal(b->resets, 0);
  assert_int_equal(rd(b, CR), WDGA | 0x7F);
  expect_none(&b->chip);
}

static void a_refresh_above_the_window_resets(void **state) {
  struct bench *b = *state;
  wr(b, CFR, 0x50);
  wr(b, CR, WDGA | 0x7F);
  chip_pass(&b->chip, vt_cycles(4096 * 0x2E, 54000000) + 1);  // 0x51
  assert_int_equal(rd(b, CR) & 0x7F, 0x51);
  wr(b, CR, 0x7F);
  assert_int_equal(b->resets, 1);
  expect_one(&b->chip, GUEST_WATCHDOG);
}

static void writing_t6_as_0_resets_at_once(void **state) {
  struct bench *b = *state;
  wr(b, CR, WDGA | 0x3F);
  assert_int_equal(b->resets, 1);
  expect_one(&b->chip, GUEST_WATCHDOG);
}

// Option byte WWDG_SW clear: from reset on, with all of its time.
static void hardware_starts_it(void **state) {
  struct bench *b = *state;
  wwdg_reset(&b->wwdg, true);
  assert_int_equal(rd(b, CR), WDGA | 0x7F);
  chip_pass(&b->chip, vt_cycles(4096 * 64, 54000000) - VT_NS(1));
  assert_int_equal(b->resets, 0);
  chip_pass(&b->chip, VT_NS(2));
  expect_one(&b->chip, GUEST_WATCHDOG);
  assert_int_equal(b->resets, 1);
}

static void it_is_off_until_it_is_started(void **state) {
  struct bench *b = *state;
  wr(b, CR, 0x40);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->resets, 0);
  wr(b, CR, WDGA | 0x7F);
  wr(b, CR, 0x7F);  // WDGA cannot be cleared
  assert_int_equal(rd(b, CR) & WDGA, WDGA);
}

static void the_early_wake_up_comes_one_count_before(void **state) {
  struct bench *b = *state;
  wr(b, CFR, EWI | 0x7F);
  wr(b, CR, WDGA | 0x60);
  chip_pass(&b->chip, vt_cycles(4096 * 0x20, 54000000) - VT_NS(1));
  assert_false(b->chip.irq);
  chip_pass(&b->chip, VT_NS(2));
  assert_true(b->chip.irq);
  assert_int_equal(rd(b, SR), 1);
  wr(b, SR, 0);
  assert_false(b->chip.irq);
  chip_pass(&b->chip, vt_cycles(4096, 54000000));
  assert_int_equal(b->resets, 1);
}

static void a_slower_clock_makes_it_slower(void **state) {
  struct bench *b = *state;
  wr(b, CR, WDGA | 0x7F);
  chip_pass(&b->chip, vt_cycles(4096 * 0x20, 54000000) + 1);
  b->chip.hz[CLOCK_PCLK1] = 27000000;
  wwdg_clock_changed(&b->wwdg);
  chip_pass(&b->chip, vt_cycles(4096 * 0x1F, 27000000));
  assert_int_equal(b->resets, 0);
  chip_pass(&b->chip, vt_cycles(4096 * 2, 27000000));
  assert_int_equal(b->resets, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(it_resets_at_its_time),
      TEST(a_refresh_in_the_window_keeps_it_quiet),
      TEST(a_refresh_above_the_window_resets),
      TEST(writing_t6_as_0_resets_at_once),
      TEST(hardware_starts_it),
      TEST(it_is_off_until_it_is_started),
      TEST(the_early_wake_up_comes_one_count_before),
      TEST(a_slower_clock_makes_it_slower),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
