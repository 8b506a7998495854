// SPDX-License-Identifier: MIT
// Faults of the NOR model: stuck bits, operations that fail, a chip that stays busy,
// and power removed before, inside and after every kind of operation.
#include "tests/model/nor_rig.h"

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  rig_start(r);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  rig_stop(*state);
  free(*state);
  return 0;
}

static uint8_t read_byte(struct rig *r, uint32_t address) {
  uint8_t byte = 0;
  rig_read3(r, address, &byte, 1);
  return byte;
}

static void power_cycle(struct rig *r, uint64_t seed) {
  nor_power_off(&r->nor, seed);
  nor_power_on(&r->nor);
  rig_wait(r, VT_US(1500));
}

static void stuck_at_one_and_at_zero(void **state) {
  struct rig *r = *state;
  assert_true(nor_stick(&r->nor, 0x10, 0x81, 0x01));  // bit 7 at 0, bit 0 at 1
  assert_int_equal(read_byte(r, 0x10), 0x7F);
  rig_program3(r, 0x10, (const uint8_t *)"\x00", 1);
  rig_wait(r, VT_MS(1));
  assert_int_equal(read_byte(r, 0x10), 0x01);
  assert_int_equal(rig_register(r, 0x2B), 0x00);  // silently
  rig_erase3(r, 0x20, 0);
  rig_wait(r, VT_MS(30));
  assert_int_equal(read_byte(r, 0x10), 0x7F);
  assert_int_equal(read_byte(r, 0x11), 0xFF);
  expect_quiet(r);
}

static void stuck_bits_are_limited(void **state) {
  struct rig *r = *state;
  assert_false(nor_stick(&r->nor, CHIP_BYTES, 1, 1));
  for (unsigned i = 0; i < NOR_MAX_STUCK; i++)
    assert_true(nor_stick(&r->nor, i, 1, 0));
  assert_false(nor_stick(&r->nor, 100, 1, 0));
}

static void a_program_that_fails(void **state) {
  struct rig *r = *state;
  uint8_t zeros[256] = {0}, blank[256];
  memset(blank, 0xFF, sizeof blank);
  r->nor.faults.fail_program = 2;
  rig_program3(r, 0x100, zeros, 256);
  rig_wait(r, VT_US(256));
  assert_int_equal(rig_register(r, 0x2B), 0x00);
  assert_int_equal(r->cells[0x100], 0);
  rig_program3(r, 0x200, zeros, 256);
  rig_wait(r, VT_US(256));
  assert_int_equal(rig_register(r, 0x05), 0x00);
  assert_int_equal(rig_register(r, 0x2B), 0x20);          // P_FAIL
  assert_memory_not_equal(r->cells + 0x200, zeros, 256);  // only some of it
  assert_memory_not_equal(r->cells + 0x200, blank, 256);
  rig_program3(r, 0x300, zeros, 256);
  rig_wait(r, VT_US(256));
  assert_int_equal(rig_register(r, 0x2B), 0x00);
  expect_quiet(r);
}

static void an_erase_that_fails(void **state) {
  struct rig *r = *state;
  uint8_t erased[4096];
  memset(erased, 0xFF, sizeof erased);
  memset(r->cells, 0, 8192);
  r->nor.faults.fail_erase = 1;
  rig_erase3(r, 0x20, 0);
  rig_wait(r, VT_MS(30));
  assert_int_equal(rig_register(r, 0x2B), 0x40);  // E_FAIL
  assert_memory_not_equal(r->cells, erased, sizeof erased);
  rig_erase3(r, 0x20, 0);
  rig_wait(r, VT_MS(30));
  assert_int_equal(rig_register(r, 0x2B), 0x00);
  assert_memory_equal(r->cells, erased, sizeof erased);
  assert_int_equal(r->nor.torn_count, 0);
  expect_quiet(r);
}

static void a_chip_that_stays_busy(void **state) {
  struct rig *r = *state;
  r->nor.faults.stay_busy = true;
  rig_program3(r, 0, (const uint8_t *)"\0", 1);
  assert_int_equal(nor_next_change(&r->nor), VT_NEVER);
  rig_wait(r, VT_S(3600));
  assert_int_equal(rig_register(r, 0x05), 0x03);
  rig_op(r, 0xB0);  // nor can it be suspended
  rig_wait(r, VT_S(1));
  assert_int_equal(rig_register(r, 0x05), 0x03);
  r->nor.faults.stay_busy = false;
  rig_op(r, 0x66);
  rig_op(r, 0x99);
  rig_wait(r, VT_US(310));
  assert_int_equal(rig_register(r, 0x05), 0x00);
  expect_quiet(r);
}

// --- Power ---

static void cut_between_operations_loses_nothing(void **state) {
  struct rig *r = *state;
  rig_program3(r, 0, (const uint8_t *)"\x12\x34", 2);
  rig_wait(r, VT_US(33));
  for (uint64_t seed = 0; seed < 20; seed++)
    power_cycle(r, seed);
  assert_memory_equal(r->cells, "\x12\x34\xFF", 3);
  assert_int_equal(r->nor.torn_count, 0);
  expect_quiet(r);
}

// Each bit that a cut program was to clear may or may not be; no other changes.
static void cut_program_leaves_a_subset(void **state) {
  struct rig *r = *state;
  bool seen_none = false, seen_all = false, seen_part = false;
  for (uint64_t seed = 0; seed < 50; seed++) {
    memset(r->cells, 0xFF, 0x300);
    r->cells[0x110] = 0x0F;
    uint8_t data[256];
    memset(data, 0xF0, sizeof data);
    data[0x10] = 0x0A;
    rig_program3(r, 0x100, data, 256);
    rig_wait(r, VT_US(100));
    power_cycle(r, seed);
    unsigned cleared = 0;
    for (unsigned i = 0; i < 256; i++) {
      const uint8_t before = i == 0x10 ? 0x0F : 0xFF, cell = r->cells[0x100 + i];
      assert_int_equal(cell & ~before, 0);
      assert_int_equal(cell & (before & data[i]), before & data[i]);
      cleared += (unsigned)__builtin_popcount((unsigned)(before & ~cell));
    }
    assert_int_equal(r->cells[0xFF], 0xFF);
    assert_int_equal(r->cells[0x200], 0xFF);
    seen_none |= cleared == 0;
    seen_all |= cleared == 255 * 4 + 2;
    seen_part |= cleared > 100 && cleared < 900;
  }
  assert_true(seen_none && seen_all && seen_part);
  expect_quiet(r);
}

static void the_same_seed_leaves_the_same(void **state) {
  struct rig *r = *state;
  uint8_t first[4096];
  for (unsigned run = 0; run < 2; run++) {
    memset(r->cells, 0, 4096);
    rig_erase3(r, 0x20, 0);
    rig_wait(r, VT_MS(10));
    power_cycle(r, 7);
    if (run == 0) memcpy(first, r->cells, sizeof first);
  }
  assert_memory_equal(first, r->cells, sizeof first);
}

// A cut erase leaves cells that no two reads agree on; a whole erase mends them.
static void cut_erase_leaves_unsteady_cells(void **state) {
  struct rig *r = *state;
  uint8_t a[4096], b[4096], erased[4096];
  memset(erased, 0xFF, sizeof erased);
  memset(r->cells, 0x00, 0x3000);
  rig_erase3(r, 0x20, 0x1000);
  rig_wait(r, VT_MS(10));
  power_cycle(r, 2);
  rig_read3(r, 0x1000, a, sizeof a);
  rig_read3(r, 0x1000, b, sizeof b);
  assert_memory_not_equal(a, b, sizeof a);
  assert_memory_not_equal(a, erased, sizeof a);
  for (unsigned i = 0; i < 4096; i++) {
    assert_int_equal(a[i] & ~r->cells[0x1000 + i], 0);  // only a 1 is in doubt
  }
  assert_int_equal(read_byte(r, 0x0FFF), 0);
  assert_int_equal(read_byte(r, 0x2000), 0);
  struct cmd stream = {.opcode = 0x03,
                       .op_lines = 1,
                       .address_lines = 1,
                       .data_lines = 1,
                       .address_bytes = 3,
                       .in = a,
                       .count = 1};
  uint32_t next;
  rig_begin(r, &stream);
  assert_false(nor_streams(&r->nor, 1, &next));
  nor_select(&r->nor, false);
  rig_erase3(r, 0x20, 0x1000);
  rig_wait(r, VT_MS(30));
  rig_read3(r, 0x1000, a, sizeof a);
  assert_memory_equal(a, erased, sizeof a);
  assert_int_equal(r->nor.torn_count, 0);
  expect_quiet(r);
}

// Even when every bit had reached 1, the cells are not to be trusted.
static void an_almost_finished_erase_is_not_finished(void **state) {
  struct rig *r = *state;
  uint8_t a[4096], erased[4096];
  memset(erased, 0xFF, sizeof erased);
  rig_erase3(r, 0x20, 0);
  rig_wait(r, VT_MS(30) - 1);
  power_cycle(r, 4);
  assert_memory_equal(r->cells, erased, sizeof erased);
  rig_read3(r, 0, a, sizeof a);
  assert_memory_not_equal(a, erased, sizeof a);
}

static void a_partial_erase_mends_its_part(void **state) {
  struct rig *r = *state;
  uint8_t a[4096], b[4096];
  rig_erase3(r, 0xD8, 0);
  power_cycle(r, 3);
  for (uint32_t sector = 0; sector < 16; sector += 2) {
    rig_erase3(r, 0x20, sector << 12);
    rig_wait(r, VT_MS(30));
  }
  for (uint32_t sector = 0; sector < 16; sector++) {
    rig_read3(r, sector << 12, a, sizeof a);
    rig_read3(r, sector << 12, b, sizeof b);
    assert_int_equal(memcmp(a, b, sizeof a) != 0, sector % 2);
  }
  rig_erase3(r, 0xD8, 0);
  rig_wait(r, VT_MS(288));
  assert_int_equal(r->nor.torn_count, 0);
}

// More pieces than the list holds: the rest counts as sound, and nothing breaks.
static void torn_pieces_are_limited(void **state) {
  struct rig *r = *state;
  for (uint32_t block = 0; block < 9; block++) {
    rig_erase3(r, 0xD8, block << 16);
    power_cycle(r, 3);
  }
  assert_int_equal(r->nor.torn_count, 9);
  for (uint32_t sector = 1; sector < 9 * 16; sector += 2) {
    rig_erase3(r, 0x20, sector << 12);
    rig_wait(r, VT_MS(30));
  }
  assert_in_range(r->nor.torn_count, 9, NOR_MAX_TORN);
  rig_op(r, 0x06);
  rig_op(r, 0xC7);
  rig_wait(r, VT_S(256));
  assert_int_equal(r->nor.torn_count, 0);
  expect_quiet(r);
}

static void programmed_bits_of_torn_cells_are_steady(void **state) {
  struct rig *r = *state;
  rig_erase3(r, 0x20, 0);
  power_cycle(r, 4);
  rig_program3(r, 0, (const uint8_t *)"\0", 1);
  rig_wait(r, VT_MS(1));
  for (unsigned i = 0; i < 50; i++)
    assert_int_equal(read_byte(r, 0), 0);
}

static void cut_while_suspended(void **state) {
  struct rig *r = *state;
  memset(r->cells, 0, 0x20000);
  rig_erase3(r, 0xD8, 0x10000);
  rig_op(r, 0xB0);
  rig_wait(r, VT_US(25));
  rig_program3(r, 0x8000, (const uint8_t *)"\0", 1);
  power_cycle(r, 1);
  assert_int_equal(rig_register(r, 0x2B), 0x00);
  assert_int_equal(r->nor.torn_count, 1);
  assert_int_equal(r->nor.torn[0].address, 0x10000);
  expect_quiet(r);
}

// A cut status register write leaves the old value, the new one, or a mixture, and
// it can always be repaired.
static void cut_register_write(void **state) {
  struct rig *r = *state;
  bool seen[256] = {false};
  for (uint64_t seed = 0; seed < 60; seed++) {
    nor_set_register(&r->nor, NOR_REG_STATUS, 0x00);
    rig_write_register(r, 0x01, &(uint8_t){0x64}, 1);
    rig_wait(r, VT_MS(20));
    power_cycle(r, seed);
    const uint8_t value = rig_register(r, 0x05);
    assert_int_equal(value & ~0x64, 0);
    seen[value] = true;
  }
  assert_true(seen[0x00] && seen[0x64] && (seen[0x40] || seen[0x20] || seen[0x04]));
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  rig_wait(r, VT_MS(40));
  assert_int_equal(rig_register(r, 0x05), 0x40);
  expect_quiet(r);
}

static void reset_tears_what_it_hits(void **state) {
  struct rig *r = *state;
  unsigned torn = 0;
  for (unsigned i = 0; i < 10; i++) {
    memset(r->cells, 0, 4096);
    rig_erase3(r, 0x20, 0);
    rig_op(r, 0x66);
    rig_op(r, 0x99);
    rig_wait(r, VT_MS(12));
    torn += r->nor.torn_count;
  }
  assert_int_equal(torn, 10);
}

// The callback may cut the power at the very start of an operation, and the
// controller's end of the conversation still works.
static void cut_now(void *ctx, enum nor_operation op, uint32_t address, uint32_t size) {
  (void)op;
  (void)address;
  (void)size;
  nor_power_off(ctx, 0);
}

static void cut_from_the_callback(void **state) {
  struct rig *r = *state;
  r->nor.on_operation = cut_now;
  r->nor.on_operation_ctx = &r->nor;
  rig_program3(r, 0, (const uint8_t *)"\0", 1);
  assert_false(r->nor.powered);
  assert_int_equal(rig_register(r, 0x05), 0xFF);
  nor_power_on(&r->nor);
  rig_wait(r, VT_US(1500));
  assert_int_equal(rig_register(r, 0x05), 0x00);
  expect_quiet(r);
}

static void cut_inside_a_command(void **state) {
  struct rig *r = *state;
  uint8_t in = 0;
  rig_op(r, 0x06);
  nor_select(&r->nor, true);
  nor_send(&r->nor, NOR_PART_OPCODE, 1, &(uint8_t){0x20}, 8);
  nor_power_off(&r->nor, 0);
  nor_power_on(&r->nor);
  nor_send(&r->nor, NOR_PART_ADDRESS, 1, (const uint8_t *)"\0\0\0", 24);
  nor_receive(&r->nor, 1, &in, 1);
  nor_select(&r->nor, false);
  assert_int_equal(in, 0xFF);
  assert_int_equal(r->nor.counters.erases[0], 0);
  expect_quiet(r);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(stuck_at_one_and_at_zero),
      TEST(stuck_bits_are_limited),
      TEST(a_program_that_fails),
      TEST(an_erase_that_fails),
      TEST(a_chip_that_stays_busy),
      TEST(cut_between_operations_loses_nothing),
      TEST(cut_program_leaves_a_subset),
      TEST(the_same_seed_leaves_the_same),
      TEST(cut_erase_leaves_unsteady_cells),
      TEST(an_almost_finished_erase_is_not_finished),
      TEST(a_partial_erase_mends_its_part),
      TEST(torn_pieces_are_limited),
      TEST(programmed_bits_of_torn_cells_are_steady),
      TEST(cut_while_suspended),
      TEST(cut_register_write),
      TEST(reset_tears_what_it_hits),
      TEST(cut_from_the_callback),
      TEST(cut_inside_a_command),
  };
  return cmocka_run_group_tests_name("nor_fault", tests, NULL, NULL);
}
