// SPDX-License-Identifier: MIT
// ITM, TPIU and breakpoint unit (ARMv7-M ARM C1.7, C1.10, C1.11).
#include "sim/models/trace.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define ITM  0xE0000000u
#define FPB  0xE0002000u
#define TPIU 0xE0040000u
#define TER  (ITM + 0xE00)
#define TCR  (ITM + 0xE80)
#define LAR  (ITM + 0xFB0)
#define LSR  (ITM + 0xFB4)
#define ALL  0xFFFFFFFFu

struct bench {
  struct chip chip;
  struct trace_blocks trace;
  unsigned writes, port, bytes;
  uint32_t value;
};

static void on_itm(void *ctx, unsigned port, uint32_t value, unsigned bytes) {
  struct bench *b = ctx;
  b->writes++;
  b->port = port;
  b->value = value;
  b->bytes = bytes;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  trace_init(&b.trace, &b.chip.sim);
  b.trace.on_itm = on_itm;
  b.trace.ctx = &b;
  b.trace.enabled = true;
  chip_add(&b.chip, "ITM", ITM, 0x1000, &b.trace, itm_read, itm_write);
  chip_add(&b.chip, "FPB", FPB, 0x1000, &b.trace, fpb_read, fpb_write);
  chip_add(&b.chip, "TPIU", TPIU, 0x1000, &b.trace, tpiu_read, tpiu_write);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  trace_free(&b->trace);
  chip_stop(&b->chip);
  return 0;
}

// --- the console ---

static void open_port(struct bench *b, unsigned port) {
  chip_write(&b->chip, LAR, 0xC5ACCE55);
  chip_write(&b->chip, TCR, 1);
  chip_write(&b->chip, TER, 1u << port);
}

// What ITM_SendChar of CMSIS does.
static void an_open_port_takes_text(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, ITM), 0);
  open_port(b, 0);
  assert_int_equal(chip_read(&b->chip, ITM), 1);  // FIFOREADY
  bus_mmio_write(&b->chip.sim.bus, ITM, 1, 'x');
  assert_int_equal(b->writes, 1);
  assert_int_equal(b->port, 0);
  assert_int_equal(b->value, 'x');
  assert_int_equal(b->bytes, 1);
  chip_write(&b->chip, ITM + 4, 7);  // port 1 is closed
  assert_int_equal(b->writes, 1);
  expect_none(&b->chip);
}

static void a_port_needs_all_its_enables(void **state) {
  struct bench *b = *state;
  open_port(b, 31);
  chip_write(&b->chip, ITM + 4 * 31, 0x12345678);
  assert_int_equal(b->value, 0x12345678);
  assert_int_equal(b->port, 31);
  b->trace.enabled = false;
  chip_write(&b->chip, ITM + 4 * 31, 1);
  b->trace.enabled = true;
  chip_write(&b->chip, TCR, 0);
  chip_write(&b->chip, ITM + 4 * 31, 1);
  assert_int_equal(b->writes, 1);
}

static void the_lock_holds_the_settings(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, LSR), 3);
  chip_write(&b->chip, TER, 1);
  assert_int_equal(chip_read(&b->chip, TER), 0);
  expect_one(&b->chip, GUEST_READ_ONLY);
  chip_write(&b->chip, LAR, 0xC5ACCE55);
  assert_int_equal(chip_read(&b->chip, LSR), 1);
  chip_write(&b->chip, TER, 1);
  assert_int_equal(chip_read(&b->chip, TER), 1);
}

// --- registers ---

static void restart(void *ctx) {
  trace_reset(&((struct bench *)ctx)->trace);
}

static const struct register_bits fpb_registers[] = {
    {"CTRL", 0x0, 0x10000080, 0, 0xF0007FF0, 3, 0},  // takes writes with KEY only
    {"REMAP", 0x4, 0, 0, ALL, 0, 0},
    {"COMP0", 0x8, 0, 0xFFFFFFFE, 0, 0, 1},
};

static const struct register_bits tpiu_registers[] = {
    {"CSPSR", 0x4, 1, ALL, 0, 0, 0},
    {"ACPR", 0x10, 0, 0xFFFF, 0, 0, 0},
};

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(
      &(struct register_block){fpb_registers, 3, FPB, 0xC, &b->chip.sim, restart, b});
  check_register_bits(&(struct register_block){tpiu_registers, 2, TPIU, 0x14,
                                               &b->chip.sim, restart, b});
}

static void the_breakpoint_unit_wants_its_key(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, FPB), 0x10000080);  // 8 comparators, version 2
  chip_write(&b->chip, FPB, 1);
  assert_int_equal(chip_read(&b->chip, FPB), 0x10000080);
  chip_write(&b->chip, FPB, 3);
  assert_int_equal(chip_read(&b->chip, FPB), 0x10000081);
}

static void identification_is_not_known(void **state) {
  struct bench *b = *state;
  assert_int_equal(chip_read(&b->chip, ITM + 0xFE0), 0);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_open_port_takes_text),           TEST(a_port_needs_all_its_enables),
      TEST(the_lock_holds_the_settings),       TEST(every_bit_is_of_its_class),
      TEST(the_breakpoint_unit_wants_its_key), TEST(identification_is_not_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
