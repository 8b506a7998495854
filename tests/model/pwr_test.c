// SPDX-License-Identifier: MIT
// PWR: over-drive and its order, regulator scale, voltage detector, backup lock.
// Numbers are typed here from RM0410 4.4 and DS11532 tables 19 and 20.
#include "sim/models/pwr.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40007000u
#define BIT(n) (1u << (n))

enum { CR1 = 0, CSR1 = 4, CR2 = 8, CSR2 = 12 };
#define DBP     BIT(8)
#define PVDE    BIT(4)
#define PVDO    BIT(2)
#define BRE     BIT(9)
#define BRR     BIT(3)
#define VOS(n)  ((uint32_t)(n) << 14)
#define ODEN    BIT(16)
#define ODSWEN  BIT(17)
#define ODRDY   BIT(16)
#define ODSWRDY BIT(17)

struct bench {
  struct chip chip;
  struct pwr pwr;
  unsigned changes;
};

static void on_change(void *ctx) {
  ((struct bench *)ctx)->changes++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  pwr_init(&b.pwr, &b.chip.sim, 3300);
  b.pwr.on_change = on_change;
  b.pwr.ctx = &b;
  chip_add(&b.chip, "PWR", BASE, 0x400, &b.pwr, pwr_read, pwr_write);
  pwr_reset(&b.pwr, true);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  pwr_free(&b->pwr);
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

// The under-drive flags are not modelled. VOSRDY is always set: the regulator is ready
// by the time that code runs.
static const struct register_bits registers[] = {
    {"CR1", 0x0, 0x0000C000, 0x000DEFF3, 0, 0x00020008, 0},
    {"CSR1", 0x4, 0x00004000, 0x00000300, 0x00034007, 0x00000008, 0x000C0000},
    {"CR2", 0x8, 0, 0x00003F00, 0, 0x0000003F, 0},
    {"CSR2", 0xC, 0, 0x00003F00, 0x0000003F, 0, 0},
};

static void restart(void *ctx) {
  pwr_reset(&((struct bench *)ctx)->pwr, true);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x10, &b->chip.sim, restart, b});
}

static void flags_that_clear_others_read_zero(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | BIT(3));  // CSBF
  assert_int_equal(rd(b, CR1), 0xC000);
  wr(b, CR2, 0x3F3F);  // CWUPF1 to 6
  assert_int_equal(rd(b, CR2), 0x3F00);
  expect_none(&b->chip);
}

// --- over-drive ----------------------------------------------------------------------

static void over_drive_takes_two_steps(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN);
  chip_pass(&b->chip, VT_US(45) - 1);
  assert_int_equal(rd(b, CSR1) & ODRDY, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, CSR1) & (ODRDY | ODSWRDY), ODRDY);
  assert_false(pwr_overdrive(&b->pwr));
  wr(b, CR1, 0xC000 | ODEN | ODSWEN);
  chip_pass(&b->chip, VT_US(20) - 1);
  assert_int_equal(rd(b, CSR1) & ODSWRDY, 0);
  const unsigned changes = b->changes;
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, CSR1) & (ODRDY | ODSWRDY), ODRDY | ODSWRDY);
  assert_true(pwr_overdrive(&b->pwr));
  assert_true(b->changes > changes);
  expect_none(&b->chip);
}

static void switching_before_it_is_ready_is_refused(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN | ODSWEN);
  expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
  assert_int_equal(rd(b, CR1), 0xC000 | ODEN);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, CSR1) & (ODRDY | ODSWRDY), ODRDY);
}

static void over_drive_ends_at_once(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN);
  chip_pass(&b->chip, VT_US(45));
  wr(b, CR1, 0xC000 | ODEN | ODSWEN);
  chip_pass(&b->chip, VT_US(20));
  wr(b, CR1, 0xC000 | ODEN);
  assert_int_equal(rd(b, CSR1) & (ODRDY | ODSWRDY), ODRDY);
  wr(b, CR1, 0xC000);
  assert_int_equal(rd(b, CSR1) & (ODRDY | ODSWRDY), 0);
  wr(b, CR1, 0xC000 | ODEN);
  wr(b, CR1, 0xC000);  // before it was ready
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, CSR1) & ODRDY, 0);
  expect_none(&b->chip);
}

static void writing_it_again_does_not_start_anew(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN);
  chip_pass(&b->chip, VT_US(30));
  wr(b, CR1, 0xC000 | ODEN | DBP);
  chip_pass(&b->chip, VT_US(15));
  assert_true(rd(b, CSR1) & ODRDY);
}

// --- regulator, backup, detector
// --------------------------------------------------------

static void vos_is_the_scale(void **state) {
  struct bench *b = *state;
  static const unsigned scales[4] = {3, 3, 2, 1};  // 00 is reserved
  for (uint32_t vos = 0; vos < 4; vos++) {
    wr(b, CR1, VOS(vos));
    assert_int_equal(pwr_scale(&b->pwr), scales[vos]);
  }
}

static void dbp_unlocks_the_backup_domain(void **state) {
  struct bench *b = *state;
  assert_false(pwr_backup_unlocked(&b->pwr));
  const unsigned changes = b->changes;
  wr(b, CR1, 0xC000 | DBP);
  assert_true(pwr_backup_unlocked(&b->pwr));
  assert_true(b->changes > changes);
  wr(b, CR1, 0xC000);
  assert_false(pwr_backup_unlocked(&b->pwr));
}

static void the_backup_regulator_is_ready_at_once_and_survives_reset(void **state) {
  struct bench *b = *state;
  wr(b, CSR1, BRE);
  assert_int_equal(rd(b, CSR1), 0x4000 | BRE | BRR);
  pwr_reset(&b->pwr, false);
  assert_int_equal(rd(b, CSR1), 0x4000 | BRE | BRR);
  pwr_reset(&b->pwr, true);
  assert_int_equal(rd(b, CSR1), 0x4000);
}

static const uint16_t falling_mv[8] = {2040, 2190, 2350, 2510, 2660, 2840, 2930, 3030};

static void the_detector_knows_eight_levels(void **state) {
  struct bench *b = *state;
  for (uint32_t level = 0; level < 8; level++) {
    b->pwr.supply_mv = falling_mv[level] - 1u;
    wr(b, CR1, 0xC000 | level << 5);
    assert_int_equal(rd(b, CSR1) & PVDO, 0);  // off
    wr(b, CR1, 0xC000 | level << 5 | PVDE);
    assert_int_equal(rd(b, CSR1) & PVDO, PVDO);
    b->pwr.supply_mv = falling_mv[level];
    assert_int_equal(rd(b, CSR1) & PVDO, 0);
  }
}

// --- what ends Standby --------------------------------------------------------------

#define EWUP(n) (BIT(7) << (n))
#define WUPF(n) BIT((n)-1)

static void a_pin_wakes_by_its_edge(void **state) {
  struct bench *b = *state;
  for (unsigned pin = 1; pin <= 6; pin++) {
    pwr_wake_pin(&b->pwr, pin - 1, true);
    assert_false(pwr_wakes(&b->pwr));
    pwr_wake_pin(&b->pwr, pin - 1, false);
    wr(b, CSR2, EWUP(pin));
    assert_int_equal(rd(b, CSR2), EWUP(pin));
    pwr_wake_pin(&b->pwr, pin - 1, true);
    assert_int_equal(rd(b, CSR2), EWUP(pin) | WUPF(pin));
    assert_true(pwr_wakes(&b->pwr));
    wr(b, CR2, WUPF(pin));
    assert_int_equal(rd(b, CR2), 0);
    assert_int_equal(rd(b, CSR2), EWUP(pin));
    pwr_wake_pin(&b->pwr, pin - 1, false);
    assert_int_equal(rd(b, CSR2), EWUP(pin));
  }
  expect_none(&b->chip);
}

static void polarity_and_a_level_that_is_there(void **state) {
  struct bench *b = *state;
  wr(b, CR2, BIT(8));  // WKUP1: falling
  pwr_wake_pin(&b->pwr, 0, true);
  wr(b, CSR2, EWUP(1));
  assert_false(pwr_wakes(&b->pwr));
  pwr_wake_pin(&b->pwr, 0, false);
  assert_true(pwr_wakes(&b->pwr));
  pwr_wake_pin(&b->pwr, 1, true);
  wr(b, CSR2, EWUP(1) | EWUP(2));  // high already
  assert_int_equal(rd(b, CSR2) & 0x3F, WUPF(1) | WUPF(2));
}

static void the_rtc_wakes(void **state) {
  struct bench *b = *state;
  b->pwr.rtc_event = true;
  assert_true(pwr_wakes(&b->pwr));
  assert_int_equal(rd(b, CSR1) & 1, 1);
  wr(b, CSR1, BRE);  // ES0334 2.2.2
  assert_false(pwr_wakes(&b->pwr));
  wr(b, CSR1, BRE | BIT(8));
  assert_true(pwr_wakes(&b->pwr));
}

static void standby_leaves_its_mark(void **state) {
  struct bench *b = *state;
  assert_false(pwr_chooses_standby(&b->pwr));
  wr(b, CR1, 0xC000 | DBP | BIT(1));
  assert_true(pwr_chooses_standby(&b->pwr));
  wr(b, CR2, BIT(9));
  wr(b, CSR2, EWUP(1));
  pwr_wake_pin(&b->pwr, 0, true);
  pwr_standby_reset(&b->pwr);
  assert_int_equal(rd(b, CR1), 0xC000);
  assert_int_equal(rd(b, CSR1), 0x4000 | BIT(1));
  assert_int_equal(rd(b, CR2), BIT(9));
  assert_int_equal(rd(b, CSR2), EWUP(1) | WUPF(1));
  pwr_reset(&b->pwr, false);
  assert_int_equal(rd(b, CSR1), 0x4000 | BIT(1));
  wr(b, CR1, 0xC000 | BIT(3));
  assert_int_equal(rd(b, CSR1), 0x4000);
}

static void stop_ends_over_drive(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN);
  chip_pass(&b->chip, VT_US(45));
  wr(b, CR1, 0xC000 | ODEN | ODSWEN);
  chip_pass(&b->chip, VT_US(20));
  pwr_stop(&b->pwr);
  assert_int_equal(rd(b, CR1), 0xC000);
  assert_false(pwr_overdrive(&b->pwr));
}

static void a_reset_ends_over_drive(void **state) {
  struct bench *b = *state;
  wr(b, CR1, 0xC000 | ODEN | DBP);
  pwr_reset(&b->pwr, false);
  chip_pass(&b->chip, VT_MS(1));
  assert_int_equal(rd(b, CR1), 0xC000);
  assert_int_equal(rd(b, CSR1), 0x4000);
  assert_false(pwr_overdrive(&b->pwr) || pwr_backup_unlocked(&b->pwr));
}

static void narrow_writes_keep_the_rest(void **state) {
  struct bench *b = *state;
  bus_mmio_write(&b->chip.sim.bus, BASE + CR1 + 1, 1, 0xC1);
  assert_int_equal(rd(b, CR1), 0xC100);
  bus_mmio_write(&b->chip.sim.bus, BASE + CR1, 1, 0x50);
  assert_int_equal(rd(b, CR1), 0xC150);
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BASE + CR1, 2), 0xC150);
  expect_none(&b->chip);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(flags_that_clear_others_read_zero),
      TEST(over_drive_takes_two_steps),
      TEST(switching_before_it_is_ready_is_refused),
      TEST(over_drive_ends_at_once),
      TEST(writing_it_again_does_not_start_anew),
      TEST(vos_is_the_scale),
      TEST(dbp_unlocks_the_backup_domain),
      TEST(the_backup_regulator_is_ready_at_once_and_survives_reset),
      TEST(the_detector_knows_eight_levels),
      TEST(a_pin_wakes_by_its_edge),
      TEST(polarity_and_a_level_that_is_there),
      TEST(the_rtc_wakes),
      TEST(standby_leaves_its_mark),
      TEST(stop_ends_over_drive),
      TEST(a_reset_ends_over_drive),
      TEST(narrow_writes_keep_the_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
