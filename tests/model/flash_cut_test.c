// SPDX-License-Identifier: MIT
// Internal flash, power lost inside an operation, or a reset: what each may leave
// behind.
#include "tests/model/flash_rig.h"

// Inside a program each falling bit has fallen or not; nothing else changes. Over many
// cuts every bit is seen both ways.
static void a_cut_program_leaves_a_subset(void **state) {
  struct bench *b = *state;
  const uint32_t old = 0xFFFF00FF, target = 0x0FF000F0;
  uint32_t ever_fallen = 0, ever_stayed = 0;
  for (int i = 0; i < 200; i++) {
    flash_f7_reset(&b->flash);
    unlock(b);
    memset(b->bytes + 0x7F0, 0xFF, 0x20);
    memcpy(b->bytes + 0x800, &old, 4);
    wr(b, CR, PG | PSIZE(2));
    flash_f7_store(&b->flash, 0x800, 4, target);
    chip_pass(&b->chip, VT_US(8));
    flash_f7_power_cut(&b->flash);
    const uint32_t now = word(b, 0x800);
    assert_int_equal(now & ~old, 0);
    assert_int_equal(now & (old & target), old & target);
    assert_int_equal(word(b, 0x7FC) & word(b, 0x804), 0xFFFFFFFF);
    ever_fallen |= old & ~now;
    ever_stayed |= old & ~target & now;
  }
  assert_int_equal(ever_fallen, old & ~target);
  assert_int_equal(ever_stayed, old & ~target);
  expect_none(&b->chip);
}

// Inside an erase each 0 is a 1 or not yet; a 1 stays; other sectors are untouched.
static void a_cut_erase_leaves_a_mixture(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0x5A, SIZE);
  unlock(b);
  wr(b, CR, SER | SNB(4) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_MS(250));
  flash_f7_power_cut(&b->flash);
  unsigned full = 0, untouched = 0;
  for (uint32_t i = 0; i < SIZE; i++) {
    const bool inside = i - 0x20000 < 0x20000;
    if (!inside) assert_int_equal(b->bytes[i], 0x5A);
    assert_int_equal(b->bytes[i] & 0x5A, 0x5A);
    if (inside) full += b->bytes[i] == 0xFF;
    if (inside) untouched += b->bytes[i] == 0x5A;
  }
  assert_true(full > 0 && untouched > 0 && full + untouched < 0x20000);
  assert_int_equal(b->flash.counters.erases, 0);
}

static unsigned changed(const struct bench *b, uint32_t from, uint32_t length) {
  unsigned count = 0;
  for (uint32_t i = 0; i < length; i++)
    count += b->bytes[from + i] != 0;
  return count;
}

static void a_cut_mass_erase_can_touch_everything(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0, SIZE);
  unlock(b);
  wr(b, CR, MER | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_S(4));
  flash_f7_power_cut(&b->flash);
  for (uint32_t at = 0; at < SIZE; at += 0x4000)
    assert_true(changed(b, at, 0x4000) > 0);
}

static void a_cut_bank_erase_touches_its_bank(void **state) {
  struct bench *b = *state;
  for (unsigned bank = 0; bank < 2; bank++) {
    flash_f7_reset(&b->flash);
    b->flash.weak_count = 0;  // the other bank's from the first round
    memset(b->bytes, 0, SIZE);
    unlock(b);
    wr(b, CR, (bank ? MER2 : MER) | PSIZE(2) | STRT);
    chip_pass(&b->chip, VT_S(1));
    flash_f7_power_cut(&b->flash);
    assert_int_equal(changed(b, bank ? 0 : SIZE / 2, SIZE / 2), 0);
    for (uint32_t at = 0; at < SIZE / 2; at += 0x4000)
      assert_true(changed(b, bank * (SIZE / 2) + at, 0x4000) > 0);
  }
}

// --- cells of no certain value

// Bits of the range that differ between two looks at it.
static uint32_t trembling(struct bench *b, uint32_t from, uint32_t length,
                          vtime_t between) {
  uint8_t *before = test_malloc(length);
  memcpy(before, b->bytes + from, length);
  chip_pass(&b->chip, between);
  uint32_t bits = 0;
  for (uint32_t i = 0; i < length; i++)
    bits += (uint32_t)__builtin_popcount(before[i] ^ b->bytes[from + i]);
  test_free(before);
  return bits;
}

static void cut_erase_of_sector_4(struct bench *b) {
  memset(b->bytes, 0x5A, SIZE);
  flash_f7_reset(&b->flash);
  unlock(b);
  wr(b, CR, SER | SNB(4) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_MS(250));
  flash_f7_power_cut(&b->flash);
  flash_f7_reset(&b->flash);
}

// Two reads of them can differ: only bits that were being erased, only there, and
// that goes on over resets.
static void a_cut_erase_leaves_bits_that_tremble(void **state) {
  struct bench *b = *state;
  cut_erase_of_sector_4(b);
  assert_true(b->flash.weak_count > 50);
  for (int i = 0; i < 10; i++) {
    assert_true(trembling(b, 0x20000, 0x20000, VT_US(200)) > 0);
    flash_f7_reset(&b->flash);
  }
  for (uint32_t i = 0; i < SIZE; i++) {
    if (i - 0x20000 >= 0x20000) assert_int_equal(b->bytes[i], 0x5A);
    assert_int_equal(b->bytes[i] & 0x5A, 0x5A);
  }
}

static void another_erase_settles_them(void **state) {
  struct bench *b = *state;
  cut_erase_of_sector_4(b);
  unlock(b);
  wr(b, CR, SER | SNB(4) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_MS(500));
  check_blank(b, 0x20000, 0x20000, 0x5A);
  assert_int_equal(trembling(b, 0, SIZE, VT_S(1)), 0);
  assert_false(b->flash.tremble.armed);
}

static void programming_zeros_settles_them(void **state) {
  struct bench *b = *state;
  cut_erase_of_sector_4(b);
  const uint32_t at = b->flash.weak[0].at & ~3u;
  unlock(b);
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, at, 4, 0);
  chip_pass(&b->chip, VT_US(16));
  for (int i = 0; i < 20; i++) {
    chip_pass(&b->chip, VT_US(100));
    assert_int_equal(word(b, at), 0);
  }
  expect_none(&b->chip);
}

// --- what follows

static void after_a_cut_it_is_idle_and_nothing_follows(void **state) {
  struct bench *b = *state;
  unlock(b);
  wr(b, CR, PG | PSIZE(2));
  flash_f7_store(&b->flash, 0x900, 4, 0);
  flash_f7_power_cut(&b->flash);
  const uint32_t left = word(b, 0x900);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(word(b, 0x900), left);
  assert_int_equal(b->flash.counters.programs, 0);
  flash_f7_power_cut(&b->flash);  // with nothing under way
  assert_int_equal(word(b, 0x900), left);
  assert_true(flash_f7_busy_until(&b->flash) == b->chip.sim.events.now);
}

static void a_reset_in_an_operation_is_such_a_cut(void **state) {
  struct bench *b = *state;
  memset(b->bytes, 0, SIZE);
  unlock(b);
  wr(b, CR, SER | SNB(2) | PSIZE(2) | STRT);
  chip_pass(&b->chip, VT_MS(100));
  flash_f7_reset(&b->flash);
  assert_int_equal(rd(b, SR), 0);
  assert_int_equal(b->busy, 0);
  unsigned changed = 0;
  for (uint32_t i = 0; i < 0x8000; i++)
    changed += b->bytes[0x10000 + i] != 0;
  assert_true(changed > 0 && changed < 0x8000);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(b->flash.counters.erases, 0);
}

// --- OTP

static void a_cut_otp_program_leaves_a_subset(void **state) {
  struct bench *b = *state;
  uint8_t ever_fallen = 0, ever_stayed = 0;
  for (int i = 0; i < 100; i++) {
    flash_f7_reset(&b->flash);
    unlock(b);
    b->otp[7] = 0xFF;
    wr(b, CR, PG);
    flash_f7_store_otp(&b->flash, 7, 1, 0x0F);
    chip_pass(&b->chip, VT_US(8));
    flash_f7_power_cut(&b->flash);
    assert_int_equal(b->otp[7] & 0x0F, 0x0F);
    ever_fallen |= (uint8_t)~b->otp[7];
    ever_stayed |= b->otp[7] & 0xF0;
  }
  assert_int_equal(ever_fallen, 0xF0);
  assert_int_equal(ever_stayed, 0xF0);
  assert_int_equal(b->otp[6] & b->otp[8], 0xFF);
  expect_none(&b->chip);
}

#define TEST(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define DUAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup_dual, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_cut_program_leaves_a_subset),
      TEST(a_cut_erase_leaves_a_mixture),
      TEST(a_cut_mass_erase_can_touch_everything),
      DUAL_TEST(a_cut_bank_erase_touches_its_bank),
      TEST(a_cut_erase_leaves_bits_that_tremble),
      TEST(another_erase_settles_them),
      TEST(programming_zeros_settles_them),
      TEST(after_a_cut_it_is_idle_and_nothing_follows),
      TEST(a_reset_in_an_operation_is_such_a_cut),
      TEST(a_cut_otp_program_leaves_a_subset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
