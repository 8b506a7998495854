// SPDX-License-Identifier: MIT
// SysTick: every count, flag and exception at its exact time, with both clocks and
// across changes of the clock (ARMv7-M ARM B3.3).
#include "sim/models/systick.h"

#include "tests/model/chip_rig.h"

enum { CTRL = 0, LOAD = 4, VAL = 8, CALIB = 12 };
enum { ENABLE = 1, TICKINT = 2, CORE_CLOCK = 4 };
#define COUNTFLAG (1u << 16)

struct bench {
  struct chip chip;
  struct systick tick;
  unsigned pends;
  vtime_t last_pend;
};

static void on_pend(void *ctx) {
  struct bench *b = ctx;
  b->pends++;
  b->last_pend = b->chip.sim.events.now;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_HCLK] = 1000000;  // a microsecond per tick
  systick_init(&b.tick, &b.chip.sim, chip_clocks(&b.chip));
  b.tick.pend = on_pend;
  b.tick.pend_ctx = &b;
  systick_reset(&b.tick);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  chip_stop(&((struct bench *)*state)->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return systick_read(&b->tick, offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  systick_write(&b->tick, offset, value);
}

static void start(struct bench *b, uint32_t reload, uint32_t ctrl) {
  wr(b, LOAD, reload);
  wr(b, VAL, 0);
  wr(b, CTRL, ctrl | ENABLE);
}

// --- counting
// -------------------------------------------------------------------------

// From 0 the first tick reloads; then it counts down to 0, which raises the flag, and
// the next tick reloads again: a period of reload + 1.
static void the_count_at_every_tick(void **state) {
  struct bench *b = *state;
  start(b, 3, CORE_CLOCK);
  static const uint32_t counts[] = {0, 3, 2, 1, 0, 3, 2, 1, 0, 3};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    assert_int_equal(rd(b, VAL), counts[i]);
    chip_pass(&b->chip, VT_US(1) - 1);
    assert_int_equal(rd(b, VAL), counts[i]);
    chip_pass(&b->chip, 1);
  }
}

static void the_exception_comes_with_zero(void **state) {
  struct bench *b = *state;
  start(b, 3, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(4) - 1);
  assert_int_equal(b->pends, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->pends, 1);
  for (unsigned i = 0; i < 5; i++) {
    chip_pass(&b->chip, VT_US(4));
    assert_int_equal(b->pends, i + 2);
    assert_true(b->last_pend == VT_US(8 + 4 * i));
  }
}

static void without_tickint_only_the_flag(void **state) {
  struct bench *b = *state;
  start(b, 3, CORE_CLOCK);
  chip_pass(&b->chip, VT_US(100));
  assert_int_equal(b->pends, 0);
  assert_int_equal(rd(b, CTRL), COUNTFLAG | CORE_CLOCK | ENABLE);
}

static void the_flag_is_cleared_by_reading_and_by_writing_val(void **state) {
  struct bench *b = *state;
  start(b, 3, CORE_CLOCK);
  assert_int_equal(rd(b, CTRL) & COUNTFLAG, 0);
  chip_pass(&b->chip, VT_US(4));
  rd(b, VAL);
  rd(b, LOAD);
  assert_true(rd(b, CTRL) & COUNTFLAG);
  assert_int_equal(rd(b, CTRL) & COUNTFLAG, 0);
  chip_pass(&b->chip, VT_US(4));
  wr(b, VAL, 77);  // any value: clears both
  assert_int_equal(rd(b, VAL), 0);
  assert_int_equal(rd(b, CTRL) & COUNTFLAG, 0);
}

static void writing_val_restarts_the_period(void **state) {
  struct bench *b = *state;
  start(b, 9, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(7));
  wr(b, VAL, 0);
  chip_pass(&b->chip, VT_US(10) - 1);
  assert_int_equal(b->pends, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->pends, 1);
}

static void a_new_reload_value_counts_from_the_next_reload(void **state) {
  struct bench *b = *state;
  start(b, 9, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(4));
  assert_int_equal(rd(b, VAL), 6);
  wr(b, LOAD, 2);
  assert_int_equal(rd(b, VAL), 6);
  chip_pass(&b->chip, VT_US(6));
  assert_int_equal(b->pends, 1);
  chip_pass(&b->chip, VT_US(3));
  assert_int_equal(b->pends, 2);
}

// More often than it ticks: the count must go on all the same.
static void writing_settings_does_not_hold_it_up(void **state) {
  struct bench *b = *state;
  start(b, 99, CORE_CLOCK | TICKINT);
  for (unsigned i = 0; i < 1000; i++) {
    chip_pass(&b->chip, VT_NS(100));
    wr(b, i % 2 ? LOAD : CTRL, i % 2 ? 99 : CORE_CLOCK | TICKINT | ENABLE);
  }
  assert_int_equal(b->pends, 1);
  assert_true(b->last_pend == VT_US(100));
}

static void stopped_it_keeps_its_count(void **state) {
  struct bench *b = *state;
  start(b, 9, CORE_CLOCK);
  chip_pass(&b->chip, VT_US(4));
  wr(b, CTRL, CORE_CLOCK);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, VAL), 6);
  wr(b, CTRL, CORE_CLOCK | ENABLE | TICKINT);
  chip_pass(&b->chip, VT_US(6));
  assert_int_equal(b->pends, 1);
}

// RVR 0: the counter stops at its next 0 (B3.3.1); that 0 still counts.
static void reload_zero_ends_it_after_this_period(void **state) {
  struct bench *b = *state;
  start(b, 9, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(4));
  wr(b, LOAD, 0);
  chip_pass(&b->chip, VT_US(6));
  assert_int_equal(b->pends, 1);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->pends, 1);
  assert_int_equal(rd(b, VAL), 0);
}

static void started_with_reload_zero_it_never_counts(void **state) {
  struct bench *b = *state;
  start(b, 0, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->pends, 0);
  assert_int_equal(rd(b, CTRL) & COUNTFLAG, 0);
}

static void the_longest_period(void **state) {
  struct bench *b = *state;
  b->chip.hz[CLOCK_HCLK] = 216000000;
  start(b, 0xFFFFFF, CORE_CLOCK | TICKINT);
  const vtime_t period =
      (vtime_t)(((unsigned __int128)0x1000000 * VT_S(1)) / 216000000);
  chip_pass(&b->chip, period);
  assert_int_equal(b->pends, 0);  // the fraction of a picosecond is not over yet
  chip_pass(&b->chip, 1);
  assert_int_equal(b->pends, 1);
}

// A million periods at a rate whose tick is no whole picosecond: no drift.
static void no_drift(void **state) {
  struct bench *b = *state;
  b->chip.hz[CLOCK_HCLK] = 216000000;
  start(b, 215999, CORE_CLOCK | TICKINT);  // 1 ms
  chip_pass(&b->chip, VT_S(100));
  assert_int_equal(b->pends, 100000);
  assert_true(b->last_pend == VT_S(100));
}

// --- clocks -------------------------------------------------------------------------

static void the_other_clock_is_an_eighth(void **state) {
  struct bench *b = *state;
  start(b, 3, TICKINT);
  chip_pass(&b->chip, VT_US(32) - 1);
  assert_int_equal(b->pends, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->pends, 1);
  assert_int_equal(rd(b, CTRL), COUNTFLAG | TICKINT | ENABLE);
}

static void set_hclk(struct bench *b, uint64_t hz) {
  b->chip.hz[CLOCK_HCLK] = hz;
  systick_clock_changed(&b->tick);
}

static void the_count_goes_on_across_a_change_of_clock(void **state) {
  struct bench *b = *state;
  start(b, 99, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(41));
  assert_int_equal(rd(b, VAL), 59);
  set_hclk(b, 10000000);
  assert_int_equal(rd(b, VAL), 59);
  chip_pass(&b->chip, VT_NS(5900) - 1);
  assert_int_equal(b->pends, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(b->pends, 1);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(b->pends, 2);
  set_hclk(b, 0);  // stands still
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->pends, 2);
  set_hclk(b, 1000000);
  chip_pass(&b->chip, VT_US(100));
  assert_int_equal(b->pends, 3);
}

// --- registers ----------------------------------------------------------------------

static void fields_hold_what_they_can(void **state) {
  struct bench *b = *state;
  wr(b, LOAD, 0xFFFFFFFF);
  assert_int_equal(rd(b, LOAD), 0x00FFFFFF);
  wr(b, CTRL, 0xFFFFFFF8);
  assert_int_equal(rd(b, CTRL), 0);
  const uint32_t calib = rd(b, CALIB);
  assert_int_equal(calib & 0xFFFFFF, 18750);  // RM0410 10.1.2
  assert_int_equal(calib >> 31, 0);           // there is a reference clock
  wr(b, CALIB, 0);
  assert_int_equal(rd(b, CALIB), calib);
}

static void reset_stops_it(void **state) {
  struct bench *b = *state;
  start(b, 3, CORE_CLOCK | TICKINT);
  chip_pass(&b->chip, VT_US(5));
  systick_reset(&b->tick);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->pends, 1);
  assert_int_equal(rd(b, CTRL) | rd(b, LOAD) | rd(b, VAL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_count_at_every_tick),
      TEST(the_exception_comes_with_zero),
      TEST(without_tickint_only_the_flag),
      TEST(the_flag_is_cleared_by_reading_and_by_writing_val),
      TEST(writing_val_restarts_the_period),
      TEST(a_new_reload_value_counts_from_the_next_reload),
      TEST(writing_settings_does_not_hold_it_up),
      TEST(stopped_it_keeps_its_count),
      TEST(reload_zero_ends_it_after_this_period),
      TEST(started_with_reload_zero_it_never_counts),
      TEST(the_longest_period),
      TEST(no_drift),
      TEST(the_other_clock_is_an_eighth),
      TEST(the_count_goes_on_across_a_change_of_clock),
      TEST(fields_hold_what_they_can),
      TEST(reset_stops_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
