// SPDX-License-Identifier: MIT
// The independent watchdog: times at every prescaler, keys, window, update flags
// (RM0410 30.4; LSI 32 kHz).
#include "sim/models/iwdg.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE 0x40003000u
enum { KR = 0, PR = 4, RLR = 8, SR = 12, WINR = 16 };
enum { UNLOCK = 0x5555, RELOAD = 0xAAAA, START = 0xCCCC };
enum { PVU = 1, RVU = 2, WVU = 4 };

// Five LSI periods (RM0410 30.4.4).
#define UPDATE_TIME VT_NS(156250)

struct bench {
  struct chip chip;
  struct iwdg iwdg;
  unsigned expired;
  bool lsi;  // RCC runs it
};

static void on_expired(void *ctx) {
  ((struct bench *)ctx)->expired++;
}

static bool lsi_on(void *ctx) {
  return ((struct bench *)ctx)->lsi;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_LSI] = 32000;
  iwdg_init(&b.iwdg, &b.chip.sim, chip_clocks(&b.chip));
  b.iwdg.on_expired = on_expired;
  b.iwdg.lsi_on = lsi_on;
  b.iwdg.ctx = &b;
  chip_add(&b.chip, "IWDG", BASE, 0x400, &b.iwdg, iwdg_read, iwdg_write);
  iwdg_reset(&b.iwdg, false);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  iwdg_free(&b->iwdg);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

// --- registers ----------------------------------------------------------------------

static const struct register_bits registers[] = {
    {"KR", 0x00, 0, 0, 0, 0xFFFF, 0},      {"PR", 0x04, 0, 0x7, 0, 0, 0},
    {"RLR", 0x08, 0xFFF, 0xFFF, 0, 0, 0},  {"SR", 0x0C, 0, 0, 0x7, 0, 0},
    {"WINR", 0x10, 0xFFF, 0xFFF, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  iwdg_reset(&b->iwdg, false);
  wr(b, KR, UNLOCK);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x14, &b->chip.sim, restart, b});
}

static void settings_need_the_key(void **state) {
  struct bench *b = *state;
  static const uint32_t settings[] = {PR, RLR, WINR}, keys[] = {RELOAD, START, 0};
  for (size_t i = 0; i < 3; i++) {
    wr(b, settings[i], 1);
    expect_one(&b->chip, GUEST_WATCHDOG_BUSY);
    wr(b, KR, UNLOCK);
    wr(b, KR, keys[i]);  // any other key locks again
    wr(b, settings[i], 1);
    expect_one(&b->chip, GUEST_WATCHDOG_BUSY);
  }
  assert_int_equal(rd(b, PR), 0);
  assert_int_equal(rd(b, RLR), 0xFFF);
  assert_int_equal(rd(b, WINR), 0xFFF);
}

static const struct {
  uint32_t reg, flag;
} settings[] = {{PR, PVU}, {RLR, RVU}, {WINR, WVU}};

static void each_setting_is_on_its_way_for_five_lsi_clocks(void **state) {
  struct bench *b = *state;
  b->lsi = true;
  wr(b, KR, UNLOCK);
  for (size_t i = 0; i < 3; i++) {
    wr(b, settings[i].reg, 5);
    assert_int_equal(rd(b, SR), settings[i].flag);
    chip_pass(&b->chip, UPDATE_TIME - 1);
    wr(b, settings[i].reg, 6);
    expect_one(&b->chip, GUEST_WATCHDOG_BUSY);
    assert_int_equal(rd(b, settings[i].reg), 5);
    chip_pass(&b->chip, 1);
    assert_int_equal(rd(b, SR), 0);
    wr(b, settings[i].reg, 6);
    assert_int_equal(rd(b, settings[i].reg), 6);
    chip_pass(&b->chip, UPDATE_TIME);
  }
  expect_none(&b->chip);
}

// AN2606: after a bootloader that has touched the settings PVU stays 1, and who waits
// for it waits for ever. The watchdog's start starts the LSI, too.
static void without_an_lsi_a_setting_never_arrives(void **state) {
  struct bench *b = *state;
  wr(b, KR, UNLOCK);
  wr(b, PR, 3);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, SR), PVU);
  wr(b, KR, START);
  assert_int_equal(rd(b, SR), PVU);
  chip_pass(&b->chip, UPDATE_TIME);
  assert_int_equal(rd(b, SR), 0);
  expect_none(&b->chip);
}

static void the_lsi_carries_a_setting_over(void **state) {
  struct bench *b = *state;
  wr(b, KR, UNLOCK);
  wr(b, PR, 3);
  chip_pass(&b->chip, VT_MS(1));
  b->lsi = true;
  iwdg_lsi_changed(&b->iwdg);
  chip_pass(&b->chip, UPDATE_TIME - 1);
  assert_int_equal(rd(b, SR), PVU);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), 0);
}

// --- times --------------------------------------------------------------------------

// RM0410 table 191: /4 to /256; PR 6 and 7 are both /256.
static const uint32_t dividers[8] = {4, 8, 16, 32, 64, 128, 256, 256};
static const uint32_t reloads[] = {0, 1, 99, 0xFFF};

static void check_time(struct bench *b, uint32_t pr, uint32_t reload) {
  iwdg_reset(&b->iwdg, false);
  wr(b, KR, UNLOCK);
  wr(b, PR, pr);
  wr(b, RLR, reload);
  b->expired = 0;
  wr(b, KR, START);
  const vtime_t time = (vtime_t)(reload + 1) * dividers[pr] * 31250000u;
  chip_pass(&b->chip, time - 1);
  assert_int_equal(b->expired, 0);
  expect_none(&b->chip);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->expired, 1);
  expect_one(&b->chip, GUEST_WATCHDOG);
}

static void every_prescaler_and_reload(void **state) {
  struct bench *b = *state;
  for (uint32_t pr = 0; pr < 8; pr++) {
    for (size_t i = 0; i < sizeof reloads / sizeof *reloads; i++)
      check_time(b, pr, reloads[i]);
  }
}

static void the_longest_is_thirty_three_seconds(void **state) {
  struct bench *b = *state;
  wr(b, KR, UNLOCK);
  wr(b, PR, 6);
  wr(b, KR, START);
  chip_pass(&b->chip, VT_MS(32768) - 1);
  assert_int_equal(b->expired, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->expired, 1);
}

static void feeding_starts_the_time_anew(void **state) {
  struct bench *b = *state;
  wr(b, KR, START);  // 512 ms
  for (int i = 0; i < 10; i++) {
    chip_pass(&b->chip, VT_MS(512) - 1);
    wr(b, KR, RELOAD);
  }
  assert_int_equal(b->expired, 0);
  wr(b, KR, START);  // started already: no reload
  chip_pass(&b->chip, VT_MS(512));
  assert_int_equal(b->expired, 1);
}

static void feeding_does_not_start_it(void **state) {
  struct bench *b = *state;
  wr(b, KR, RELOAD);
  chip_pass(&b->chip, VT_S(100));
  assert_int_equal(b->expired, 0);
  expect_none(&b->chip);
}

static void a_new_reload_value_counts_from_the_next_feeding(void **state) {
  struct bench *b = *state;
  wr(b, KR, START);
  wr(b, KR, UNLOCK);
  wr(b, RLR, 7);
  chip_pass(&b->chip, VT_MS(100));
  assert_int_equal(b->expired, 0);
  wr(b, KR, RELOAD);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(b->expired, 1);
}

static void the_option_byte_starts_it_with_reset(void **state) {
  struct bench *b = *state;
  iwdg_reset(&b->iwdg, true);
  chip_pass(&b->chip, VT_MS(512) - 1);
  assert_int_equal(b->expired, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->expired, 1);
}

static void only_a_reset_stops_it(void **state) {
  struct bench *b = *state;
  wr(b, KR, START);
  wr(b, KR, 0);
  chip_pass(&b->chip, VT_MS(500));
  iwdg_reset(&b->iwdg, false);
  chip_pass(&b->chip, VT_S(10));
  assert_int_equal(b->expired, 0);
  assert_int_equal(rd(b, RLR), 0xFFF);
}

// --- window -------------------------------------------------------------------------

static void start_window(struct bench *b) {
  wr(b, KR, UNLOCK);
  wr(b, RLR, 1999);  // 250 ms at /4
  wr(b, WINR, 799);  // open for the last 100 ms
  wr(b, KR, START);
}

static void too_early_is_as_bad_as_too_late(void **state) {
  struct bench *b = *state;
  start_window(b);
  chip_pass(&b->chip, VT_MS(150) - 1);
  wr(b, KR, RELOAD);
  assert_int_equal(b->expired, 1);
  expect_one(&b->chip, GUEST_WATCHDOG);
}

static void inside_the_window_it_is_fed(void **state) {
  struct bench *b = *state;
  start_window(b);
  for (int i = 0; i < 5; i++) {
    chip_pass(&b->chip, VT_MS(150));
    wr(b, KR, RELOAD);
  }
  assert_int_equal(b->expired, 0);
  chip_pass(&b->chip, VT_MS(250) - 1);
  assert_int_equal(b->expired, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->expired, 1);
}

static void a_window_value_reloads(void **state) {
  struct bench *b = *state;
  wr(b, KR, START);
  chip_pass(&b->chip, VT_MS(500));
  wr(b, KR, UNLOCK);
  wr(b, WINR, 0xFFF);  // RM0410 30.3.2
  chip_pass(&b->chip, VT_MS(512) - 1);
  assert_int_equal(b->expired, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->expired, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(settings_need_the_key),
      TEST(each_setting_is_on_its_way_for_five_lsi_clocks),
      TEST(without_an_lsi_a_setting_never_arrives),
      TEST(the_lsi_carries_a_setting_over),
      TEST(every_prescaler_and_reload),
      TEST(the_longest_is_thirty_three_seconds),
      TEST(feeding_starts_the_time_anew),
      TEST(feeding_does_not_start_it),
      TEST(a_new_reload_value_counts_from_the_next_feeding),
      TEST(the_option_byte_starts_it_with_reset),
      TEST(only_a_reset_stops_it),
      TEST(too_early_is_as_bad_as_too_late),
      TEST(inside_the_window_it_is_fed),
      TEST(a_window_value_reloads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
