// SPDX-License-Identifier: MIT
// DBGMCU and the cycle counter of the DWT (RM0410 44.16, ARMv7-M ARM C1.8).
#include "sim/models/debug.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define DBGMCU 0xE0042000u
#define DWT    0xE0001000u
#define CTRL   (DWT + 0)
#define CYCCNT (DWT + 4)
#define LAR    (DWT + 0xFB0)
enum { CYCCNTENA = 1 };

struct bench {
  struct chip chip;
  struct debug_blocks debug;
  uint64_t cycles;
};

static uint64_t on_cycles(void *ctx) {
  return ((struct bench *)ctx)->cycles;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.cycles = 1000000;
  debug_init(&b.debug, &b.chip.sim);
  b.debug.cycles = on_cycles;
  b.debug.ctx = &b;
  chip_add(&b.chip, "DBGMCU", DBGMCU, 0x400, &b.debug, dbgmcu_read, dbgmcu_write);
  chip_add(&b.chip, "DWT", DWT, 0x1000, &b.debug, dwt_read, dwt_write);
  debug_reset(&b.debug, true);
  debug_trace(&b.debug, true);
  chip_write(&b.chip, LAR, 0xC5ACCE55);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  debug_free(&b->debug);
  chip_stop(&b->chip);
  return 0;
}

// --- registers ----------------------------------------------------------------------

// Revision Z, DEV_ID 0x451; what a debugger would freeze is only kept.
static const struct register_bits dbgmcu_registers[] = {
    {"IDCODE", 0x00, 0x10016451, 0, 0xFFFFFFFF, 0, 0},
    {"CR", 0x04, 0, 0x000000E7, 0, 0, 0},
    {"APB1_FZ", 0x08, 0, 0x07E03FFF, 0, 0, 0},
    {"APB2_FZ", 0x0C, 0, 0x00070003, 0, 0, 0},
};

// Of the DWT only the cycle counter is modelled. Four comparators (CTRL 31:28).
static const struct register_bits dwt_registers[] = {
    {"CTRL", 0x00, 0x40000000, 1, 0xFF000000, 0, 0x007F1FFE},
    {"CYCCNT", 0x04, 0, 0xFFFFFFFF, 0, 0, 0},
    {"CPICNT", 0x08, 0, 0, 0, 0, 0xFF},
    {"EXCCNT", 0x0C, 0, 0, 0, 0, 0xFF},
    {"SLEEPCNT", 0x10, 0, 0, 0, 0, 0xFF},
    {"LSUCNT", 0x14, 0, 0, 0, 0, 0xFF},
    {"FOLDCNT", 0x18, 0, 0, 0, 0, 0xFF},
    {"PCSR", 0x1C, 0, 0, 0xFFFFFFFF, 0, 0},
    {"COMP0", 0x20, 0, 0xFFFFFFFF, 0, 0, 0},
    {"MASK0", 0x24, 0, 0x1F, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  debug_reset(&b->debug, true);
  chip_write(&b->chip, LAR, 0xC5ACCE55);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){
      dbgmcu_registers, sizeof dbgmcu_registers / sizeof *dbgmcu_registers, DBGMCU,
      0x10, &b->chip.sim, restart, b});
  check_register_bits(&(struct register_block){
      dwt_registers, sizeof dwt_registers / sizeof *dwt_registers, DWT, 0x24,
      &b->chip.sim, restart, b});
}

static void only_power_on_resets_dbgmcu(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, DBGMCU + 4, 7);
  chip_write(&b->chip, DBGMCU + 8, 0x1000);
  debug_reset(&b->debug, false);
  assert_int_equal(chip_read(&b->chip, DBGMCU + 4), 7);
  assert_int_equal(chip_read(&b->chip, DBGMCU + 8), 0x1000);
  debug_reset(&b->debug, true);
  assert_int_equal(chip_read(&b->chip, DBGMCU + 4), 0);
}

// --- cycles -------------------------------------------------------------------------

static void it_counts_only_while_enabled(void **state) {
  struct bench *b = *state;
  b->cycles += 100;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 0);
  chip_write(&b->chip, CTRL, CYCCNTENA);
  assert_int_equal(chip_read(&b->chip, CTRL), 0x40000000 | CYCCNTENA);
  b->cycles += 250;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 250);
  chip_write(&b->chip, CTRL, 0);
  b->cycles += 1000;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 250);
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 5;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 255);
}

static void it_can_be_set_and_wraps(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, CYCCNT, 0xFFFFFFF0);
  assert_int_equal(chip_read(&b->chip, CYCCNT), 0xFFFFFFF0);
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 0x20;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 0x10);
  chip_write(&b->chip, CYCCNT, 0);
  b->cycles += (1ull << 32) + 7;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 7);
}

// Writing CTRL with the counter running, for another bit, loses no cycle.
static void writing_ctrl_again_changes_nothing(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 10;
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 10;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 20);
}

// Start-up code of many projects writes the unlock key; without it, and without a
// debugger, the Cortex-M7 ignores the rest.
static void locked_it_ignores_writes(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, DWT + 0xFB4), 1);
  expect_none(&b->chip);
  chip_write(&b->chip, LAR, 0);
  assert_int_equal(chip_read(&b->chip, DWT + 0xFB4), 3);
  chip_write(&b->chip, CTRL, CYCCNTENA);
  assert_int_equal(chip_read(&b->chip, CTRL), 0x40000000);
  expect_one(&b->chip, GUEST_READ_ONLY);
}

static void it_counts_only_while_trace_is_enabled(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 10;
  debug_trace(&b->debug, false);
  b->cycles += 10;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 10);
  debug_trace(&b->debug, true);
  b->cycles += 10;
  assert_int_equal(chip_read(&b->chip, CYCCNT), 20);
}

static void a_reset_stops_and_clears_it(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, CTRL, CYCCNTENA);
  b->cycles += 10;
  debug_reset(&b->debug, false);
  b->cycles += 10;
  assert_int_equal(chip_read(&b->chip, CTRL), 0x40000000);
  assert_int_equal(chip_read(&b->chip, CYCCNT), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(only_power_on_resets_dbgmcu),
      TEST(it_counts_only_while_enabled),
      TEST(it_can_be_set_and_wraps),
      TEST(writing_ctrl_again_changes_nothing),
      TEST(locked_it_ignores_writes),
      TEST(it_counts_only_while_trace_is_enabled),
      TEST(a_reset_stops_and_clears_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
