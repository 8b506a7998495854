// SPDX-License-Identifier: MIT
// What changes the NOR model's state: write enable, program, erase, registers,
// protection, suspend, power-down, reset; each with its exact time.
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

static uint8_t rdsr(struct rig *r) {
  return rig_register(r, 0x05);
}

static uint8_t rdscur(struct rig *r) {
  return rig_register(r, 0x2B);
}

// The chip is busy until one picosecond before `time` has passed, and then not.
static void expect_busy_for(struct rig *r, vtime_t time) {
  const vtime_t start = r->sim.events.now;
  assert_int_equal(nor_next_change(&r->nor), start + time);
  rig_wait(r, time - 1);
  assert_int_equal(rdsr(r) & 0x03, 0x03);
  rig_wait(r, 1);
  assert_int_equal(rdsr(r) & 0x03, 0x00);
}

static bool all_bytes(const uint8_t *p, uint8_t value, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (p[i] != value) return false;
  }
  return true;
}

static void write_enable_latch(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x06);
  assert_int_equal(rdsr(r), 0x02);
  rig_op(r, 0x04);
  assert_int_equal(rdsr(r), 0x00);
  expect_quiet(r);
}

// --- Program ---

struct program_form {
  uint8_t opcode;
  unsigned address_lines, data_lines, address_bytes;
};

static void every_page_program(void **state) {
  struct rig *r = *state;
  static const struct program_form forms[] = {
      {0x02, 1, 1, 3}, {0x12, 1, 1, 4}, {0x38, 4, 4, 3}, {0x3E, 4, 4, 4}};
  rig_quad(r);
  uint8_t page[256];
  for (unsigned i = 0; i < 256; i++)
    page[i] = (uint8_t)(i * 7);
  for (unsigned f = 0; f < 4; f++) {
    const uint32_t address = 0x10000 * (f + 1);
    rig_op(r, 0x06);
    rig_run(r, &(struct cmd){.opcode = forms[f].opcode,
                             .op_lines = 1,
                             .address_lines = forms[f].address_lines,
                             .data_lines = forms[f].data_lines,
                             .address_bytes = forms[f].address_bytes,
                             .address = address,
                             .out = page,
                             .count = 256});
    expect_busy_for(r, VT_US(256));
    assert_memory_equal(r->cells + address, page, 256);
    assert_true(all_bytes(r->cells + address + 256, 0xFF, 256));
  }
  assert_int_equal(r->nor.counters.programs, 4);
  assert_int_equal(r->nor.counters.bytes_programmed, 1024);
  expect_quiet(r);
}

static void programs_in_qpi_with_4_byte_mode(void **state) {
  struct rig *r = *state;
  const uint8_t data[2] = {0x12, 0x34};
  rig_op(r, 0x35);
  rig_op4(r, 0xB7);
  rig_op4(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = 0x02,
                           .op_lines = 4,
                           .address_lines = 4,
                           .data_lines = 4,
                           .address_bytes = 4,
                           .address = 0x03000010,
                           .out = data,
                           .count = 2});
  rig_wait(r, VT_US(256));
  assert_memory_equal(r->cells + 0x03000010, data, 2);
  expect_quiet(r);
}

// SFDP: 32 us for the first byte, 1 us for each more, at most 256 us; four times
// that at worst.
static void program_time_by_bytes(void **state) {
  struct rig *r = *state;
  const uint8_t zeros[256] = {0};
  static const struct {
    size_t count;
    unsigned us;
  } times[] = {{1, 32}, {2, 33}, {100, 131}, {225, 256}, {226, 256}, {256, 256}};
  for (unsigned i = 0; i < 6; i++) {
    rig_program3(r, 0x1000 * i, zeros, times[i].count);
    expect_busy_for(r, VT_US(times[i].us));
    r->nor.slowest = true;
    rig_program3(r, 0x1000 * i + 0x800, zeros, times[i].count);
    expect_busy_for(r, 4 * VT_US(times[i].us));
    r->nor.slowest = false;
  }
  expect_quiet(r);
}

static void cells_change_only_when_the_time_is_over(void **state) {
  struct rig *r = *state;
  rig_program3(r, 0, &(uint8_t){0x00}, 1);
  assert_int_equal(r->cells[0], 0xFF);
  rig_wait(r, VT_US(32));
  assert_int_equal(r->cells[0], 0x00);
}

static void programs_only_clear_bits(void **state) {
  struct rig *r = *state;
  rig_program3(r, 0, &(uint8_t){0xF0}, 1);
  rig_wait(r, VT_MS(1));
  rig_program3(r, 0, &(uint8_t){0x30}, 1);  // only more zeros: allowed
  rig_wait(r, VT_MS(1));
  assert_int_equal(r->cells[0], 0x30);
  expect_quiet(r);
}

static void programs_touch_only_what_was_sent(void **state) {
  struct rig *r = *state;
  uint8_t expected[256];
  for (unsigned at = 0; at < 256; at += 51) {
    memset(r->cells, 0xFF, 256);
    memset(expected, 0xFF, 256);
    rig_program3(r, at, (const uint8_t *)"\x5A", 1);
    rig_wait(r, VT_US(32));
    expected[at] = 0x5A;
    assert_memory_equal(r->cells, expected, 256);
  }
  expect_quiet(r);
}

// --- Erase ---

struct erase_form {
  uint8_t opcode;
  unsigned address_bytes;
  uint32_t size;
  unsigned typ_ms, max_ms;
};

static const struct erase_form erases[] = {
    {0x20, 3, 4 << 10, 30, 420},    {0x21, 4, 4 << 10, 30, 420},
    {0x52, 3, 32 << 10, 160, 2240}, {0x5C, 4, 32 << 10, 160, 2240},
    {0xD8, 3, 64 << 10, 288, 4032}, {0xDC, 4, 64 << 10, 288, 4032},
};

static void every_erase(void **state) {
  struct rig *r = *state;
  for (unsigned i = 0; i < 6; i++) {
    for (unsigned slow = 0; slow < 2; slow++) {
      const struct erase_form *e = &erases[i];
      r->nor.slowest = slow;
      memset(r->cells, 0, 0x200000);
      const uint32_t base = 0x100000 / e->size * e->size;
      rig_op(r, 0x06);
      rig_run(r, &(struct cmd){.opcode = e->opcode,
                               .op_lines = 1,
                               .address_lines = 1,
                               .address_bytes = e->address_bytes,
                               .address = base + e->size / 2 + 3});
      expect_busy_for(r, slow ? VT_MS(e->max_ms) : VT_MS(e->typ_ms));
      assert_true(all_bytes(r->cells + base, 0xFF, e->size));
      assert_int_equal(r->cells[base - 1], 0);
      assert_int_equal(r->cells[base + e->size], 0);
    }
  }
  for (unsigned type = 0; type < 3; type++) {
    assert_int_equal(r->nor.counters.erases[type], 4);
  }
  expect_quiet(r);
}

static void chip_erase(void **state) {
  struct rig *r = *state;
  memset(r->cells, 0, CHIP_BYTES);
  rig_op(r, 0x06);
  rig_op(r, 0xC7);
  expect_busy_for(r, VT_S(256));
  assert_true(all_bytes(r->cells, 0xFF, CHIP_BYTES));
  rig_op(r, 0x06);
  rig_op(r, 0x60);
  rig_wait(r, VT_S(256));
  assert_int_equal(r->nor.counters.chip_erases, 2);
  expect_quiet(r);
}

struct seen {
  enum nor_operation op;
  uint32_t address, size;
  unsigned calls;
};

static void note(void *ctx, enum nor_operation op, uint32_t address, uint32_t size) {
  struct seen *s = ctx;
  *s = (struct seen){op, address, size, s->calls + 1};
}

static void operations_are_announced(void **state) {
  struct rig *r = *state;
  struct seen s = {0};
  r->nor.on_operation = note;
  r->nor.on_operation_ctx = &s;
  rig_program3(r, 0x1234, &(uint8_t){0}, 1);
  assert_int_equal(s.op, NOR_OP_PROGRAM);
  assert_int_equal(s.address, 0x1200);
  rig_wait(r, VT_MS(1));
  rig_erase3(r, 0x52, 0x12345);
  assert_int_equal(s.op, NOR_OP_ERASE);
  assert_int_equal(s.address, 0x10000);
  assert_int_equal(s.size, 0x8000);
  rig_wait(r, VT_S(1));
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  assert_int_equal(s.op, NOR_OP_WRITE_REGISTER);
  assert_int_equal(s.calls, 3);
  rig_wait(r, VT_S(1));
  rig_op(r, 0x06);
  rig_op(r, 0x60);
  assert_int_equal(s.op, NOR_OP_ERASE_CHIP);
  assert_int_equal(s.size, CHIP_BYTES);
  expect_quiet(r);
}

// --- Registers ---

static void status_register_writes(void **state) {
  struct rig *r = *state;
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  assert_int_equal(rdsr(r), 0x03);  // QE not yet
  expect_busy_for(r, VT_MS(40));
  assert_int_equal(rdsr(r), 0x40);
  assert_int_equal(rig_register(r, 0x15), 0x07);  // one byte leaves CR alone
  rig_write_register(r, 0x01, (uint8_t[]){0xBF, 0xFF}, 2);
  rig_wait(r, VT_MS(40));
  assert_int_equal(rdsr(r), 0xBC);                // WEL and WIP cannot be written
  assert_int_equal(rig_register(r, 0x15), 0xDF);  // nor can the 4-byte bit
  assert_int_equal(r->nor.counters.register_writes, 2);
  expect_quiet(r);
}

static void nonvolatile_volatile_and_one_time(void **state) {
  struct rig *r = *state;
  rig_write_register(r, 0x01, (uint8_t[]){0x40, 0xCF}, 2);  // QE, DC = 11, TB, ODS
  rig_wait(r, VT_MS(40));
  assert_int_equal(rig_register(r, 0x15), 0xCF);
  nor_power_off(&r->nor, 0);
  nor_power_on(&r->nor);
  rig_wait(r, VT_MS(2));
  assert_int_equal(rdsr(r), 0x40);
  assert_int_equal(rig_register(r, 0x15), 0x0F);  // TB stays, the rest is gone
  rig_write_register(r, 0x01, (uint8_t[]){0x40, 0x07}, 2);
  rig_wait(r, VT_MS(40));
  assert_int_equal(rig_register(r, 0x15), 0x0F);  // TB is one-time
  expect_quiet(r);
}

// --- Protection (PM2006, "Protected Area Sizes") ---

static void block_protection_levels(void **state) {
  struct rig *r = *state;
  for (unsigned bp = 0; bp < 16; bp++) {
    for (unsigned bottom = 0; bottom < 2; bottom++) {
      nor_set_register(&r->nor, NOR_REG_STATUS, (uint8_t)(bp << 2));
      nor_set_register(&r->nor, NOR_REG_CONFIG, (uint8_t)(bottom << 3));
      const uint32_t blocks = bp == 0 ? 0 : bp > 10 ? 1024 : 1u << (bp - 1);
      const uint32_t edge = bottom ? blocks : 1024 - blocks;  // first of the upper part
      for (uint32_t block = edge ? edge - 1 : 0; block <= edge && block < 1024;
           block++) {
        const bool is_protected = bottom ? block < blocks : block >= 1024 - blocks;
        rig_op(r, 0x06);
        rig_run(r, &(struct cmd){.opcode = 0x21,
                                 .op_lines = 1,
                                 .address_lines = 1,
                                 .address_bytes = 4,
                                 .address = block << 16});
        assert_int_equal(rdsr(r) & 3, is_protected ? 0 : 3);
        rig_wait(r, VT_MS(30));
        assert_int_equal(rdscur(r), is_protected ? 0x40 : 0x00);
        if (is_protected) expect_only(r, GUEST_NOR_PROTECTED);
        expect_quiet(r);
      }
    }
  }
}

static void chip_erase_needs_no_protection_at_all(void **state) {
  struct rig *r = *state;
  nor_set_register(&r->nor, NOR_REG_STATUS, 1 << 2);
  rig_op(r, 0x06);
  rig_op(r, 0xC7);
  assert_int_equal(rdsr(r), 0x04);
  expect_only(r, GUEST_NOR_PROTECTED);
}

static void status_register_lock(void **state) {
  struct rig *r = *state;
  nor_set_register(&r->nor, NOR_REG_STATUS, 0x80);  // SRWD; WP# is IO2, held low
  rig_write_register(r, 0x01, &(uint8_t){0x00}, 1);
  assert_int_equal(rdsr(r), 0x80);
  expect_only(r, GUEST_NOR_PROTECTED);
  nor_set_register(&r->nor, NOR_REG_STATUS, 0xC0);  // with QE the pin is IO2 only
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  rig_wait(r, VT_MS(40));
  assert_int_equal(rdsr(r), 0x40);
  expect_quiet(r);
}

// --- Suspend and resume ---

static void erase_suspend_and_resume(void **state) {
  struct rig *r = *state;
  uint8_t in[4];
  memset(r->cells, 0, 0x20000);
  rig_erase3(r, 0xD8, 0x10000);
  rig_wait(r, VT_MS(100));
  rig_op(r, 0xB0);
  assert_int_equal(rdsr(r) & 1, 1);
  rig_wait(r, VT_US(25) - 1);
  assert_int_equal(rdsr(r) & 1, 1);
  rig_wait(r, 1);
  assert_int_equal(rdsr(r), 0x00);
  assert_int_equal(rdscur(r), 0x08);
  rig_read3(r, 0x0FFFC, in, 4);  // beside the block
  assert_memory_equal(in, "\0\0\0\0", 4);
  rig_program3(r, 0x8000, &(uint8_t){0x00}, 1);  // and a program beside it
  rig_wait(r, VT_US(32));
  rig_wait(r, VT_S(5));
  assert_int_equal(rdscur(r), 0x08);
  rig_op(r, 0x30);
  assert_int_equal(rdscur(r), 0x00);
  const vtime_t left = VT_MS(188);
  assert_int_equal(nor_next_change(&r->nor), r->sim.events.now + left);
  rig_wait(r, left);
  assert_int_equal(rdsr(r), 0x00);
  assert_true(all_bytes(r->cells + 0x10000, 0xFF, 0x10000));
  assert_int_equal(r->nor.counters.erases[2], 1);
  expect_quiet(r);
}

static void program_suspend_and_resume(void **state) {
  struct rig *r = *state;
  const uint8_t zeros[256] = {0};
  uint8_t in[4];
  rig_program3(r, 0x100, zeros, 256);
  rig_wait(r, VT_US(10));
  rig_op(r, 0xB0);
  rig_wait(r, VT_US(25));
  assert_int_equal(rdscur(r), 0x04);
  rig_read3(r, 0, in, 4);
  rig_op(r, 0x06);  // writable, but no program may start
  rig_op(r, 0x30);
  expect_busy_for(r, VT_US(246));
  assert_int_equal(r->cells[0x100], 0);
  expect_quiet(r);
}

// Nothing to suspend, nothing to resume, and an end that comes before the latency.
static void suspend_without_effect(void **state) {
  struct rig *r = *state;
  rig_op(r, 0xB0);
  rig_op(r, 0x30);
  assert_int_equal(rdscur(r), 0);
  rig_program3(r, 0, &(uint8_t){0}, 1);
  rig_wait(r, VT_US(10));
  rig_op(r, 0xB0);  // 22 us left, 25 us to suspend
  rig_wait(r, VT_US(25));
  assert_int_equal(rdscur(r), 0);
  assert_int_equal(r->cells[0], 0);
  expect_quiet(r);
}

// --- Deep power-down ---

static void deep_power_down(void **state) {
  struct rig *r = *state;
  uint8_t id[3];
  const struct cmd rdid = {
      .opcode = 0x9F, .op_lines = 1, .data_lines = 1, .in = id, .count = 3};
  rig_op(r, 0xB9);
  rig_wait(r, VT_US(10));
  assert_int_equal(rdsr(r), 0xFF);  // nobody drives
  rig_run(r, &rdid);
  assert_memory_equal(id, "\xFF\xFF\xFF", 3);
  expect_only(r, GUEST_NOR_OPCODE);
  rig_op(r, 0xAB);
  rig_wait(r, VT_US(30) - 1);
  assert_int_equal(rdsr(r), 0xFF);
  rig_wait(r, 1);
  assert_int_equal(rdsr(r), 0x00);
  rig_run(r, &rdid);
  assert_memory_equal(id, "\xC2\x20\x1A", 3);
  expect_quiet(r);
}

// --- Reset ---

static void reset_restores_volatile_state(void **state) {
  struct rig *r = *state;
  rig_dummies(r, 0xC7);
  rig_op(r, 0xB7);
  rig_write_register(r, 0xC5, &(uint8_t){1}, 1);
  rig_op(r, 0x06);
  rig_op(r, 0x35);
  rig_op4(r, 0x66);
  rig_op4(r, 0x99);
  assert_false(r->nor.qpi);
  rig_wait(r, VT_US(40));
  assert_int_equal(rdsr(r), 0x40);
  assert_int_equal(rig_register(r, 0x15), 0x07);
  assert_int_equal(rig_register(r, 0xC8), 0x00);
  expect_quiet(r);
}

static void reset_needs_its_enable_just_before(void **state) {
  struct rig *r = *state;
  rig_op(r, 0xB7);
  rig_op(r, 0x99);
  rig_op(r, 0x66);
  rig_op(r, 0x06);
  rig_op(r, 0x99);
  assert_true(r->nor.four_byte);
  rig_op(r, 0x66);
  rig_op(r, 0x99);
  assert_false(r->nor.four_byte);
  expect_quiet(r);
}

// How long the chip answers nothing after a reset in each condition.
static void reset_recovery_times(void **state) {
  struct rig *r = *state;
  static const struct {
    uint8_t opcode;
    vtime_t recovery;
  } cases[] = {{0x00, VT_US(40)}, {0x02, VT_US(310)}, {0x20, VT_MS(12)},
               {0x52, VT_MS(25)}, {0xD8, VT_MS(25)},  {0xC7, VT_MS(100)},
               {0x01, VT_MS(40)}};
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint8_t opcode = cases[i].opcode;
    if (opcode == 0x02) rig_program3(r, 0, &(uint8_t){0}, 1);
    if (opcode == 0x01) rig_write_register(r, 0x01, &(uint8_t){0}, 1);
    if (opcode == 0x20 || opcode == 0x52 || opcode == 0xD8) rig_erase3(r, opcode, 0);
    if (opcode == 0xC7) {
      rig_op(r, 0x06);
      rig_op(r, 0xC7);
    }
    rig_op(r, 0x66);
    rig_op(r, 0x99);
    assert_int_equal(nor_next_change(&r->nor), r->sim.events.now + cases[i].recovery);
    rig_wait(r, cases[i].recovery - 1);
    assert_int_equal(rdsr(r), 0xFF);
    rig_wait(r, 1);
    assert_int_equal(rdsr(r) & 3, 0);
  }
  expect_quiet(r);
}

// The recovery that start-up code must run blindly is silent from every state.
static void blind_recovery_is_silent(void **state) {
  struct rig *r = *state;
  rig_quad(r);
  for (unsigned start = 0; start < 8; start++) {
    if (start == 1) rig_op(r, 0x35);
    if (start == 2) rig_op(r, 0xB7);
    if (start == 3) {
      rig_op(r, 0xB9);
      rig_wait(r, VT_US(10));
    }
    if (start == 4) rig_erase3(r, 0x20, 0);
    if (start == 5) {
      rig_erase3(r, 0x20, 0);
      rig_op(r, 0xB0);
      rig_wait(r, VT_MS(1));
    }
    if (start == 6) {
      uint8_t in;
      rig_run(r, &(struct cmd){.opcode = 0xEB,
                               .op_lines = 1,
                               .address_lines = 4,
                               .data_lines = 4,
                               .address_bytes = 3,
                               .mode_bytes = 1,
                               .mode = 0xA5,
                               .dummy = 4,
                               .in = &in,
                               .count = 1});
    }
    if (start == 7) rig_program3(r, 0, &(uint8_t){0}, 1);
    for (unsigned ones = 3; ones < 6; ones++) {
      rig_run(r, &(struct cmd){.opcode = 0xFF,
                               .op_lines = 4,
                               .address_lines = 4,
                               .mode_bytes = ones > 4 ? 4 : ones,
                               .mode = 0xFF});
    }
    rig_op4(r, 0x66);
    rig_op4(r, 0x99);
    rig_op(r, 0x66);
    rig_op(r, 0x99);
    rig_op(r, 0xAB);
    while (rdsr(r) & 1)
      rig_wait(r, VT_US(10));
    uint8_t id[3];
    rig_run(r,
            &(struct cmd){
                .opcode = 0x9F, .op_lines = 1, .data_lines = 1, .in = id, .count = 3});
    assert_memory_equal(id, "\xC2\x20\x1A", 3);
    assert_int_equal(rig_register(r, 0x15), 0x07);
  }
  expect_quiet(r);
}

static void power_up_takes_its_time(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x35);
  nor_power_off(&r->nor, 0);
  assert_int_equal(rdsr(r), 0xFF);
  nor_power_on(&r->nor);
  rig_wait(r, VT_US(1500) - 1);
  assert_int_equal(rdsr(r), 0xFF);
  rig_wait(r, 1);
  assert_int_equal(rdsr(r), 0x00);
  expect_quiet(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(write_enable_latch, setup, teardown),
      cmocka_unit_test_setup_teardown(every_page_program, setup, teardown),
      cmocka_unit_test_setup_teardown(programs_in_qpi_with_4_byte_mode, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(program_time_by_bytes, setup, teardown),
      cmocka_unit_test_setup_teardown(cells_change_only_when_the_time_is_over, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(programs_only_clear_bits, setup, teardown),
      cmocka_unit_test_setup_teardown(programs_touch_only_what_was_sent, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(every_erase, setup, teardown),
      cmocka_unit_test_setup_teardown(chip_erase, setup, teardown),
      cmocka_unit_test_setup_teardown(operations_are_announced, setup, teardown),
      cmocka_unit_test_setup_teardown(status_register_writes, setup, teardown),
      cmocka_unit_test_setup_teardown(nonvolatile_volatile_and_one_time, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(block_protection_levels, setup, teardown),
      cmocka_unit_test_setup_teardown(chip_erase_needs_no_protection_at_all, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(status_register_lock, setup, teardown),
      cmocka_unit_test_setup_teardown(erase_suspend_and_resume, setup, teardown),
      cmocka_unit_test_setup_teardown(program_suspend_and_resume, setup, teardown),
      cmocka_unit_test_setup_teardown(suspend_without_effect, setup, teardown),
      cmocka_unit_test_setup_teardown(deep_power_down, setup, teardown),
      cmocka_unit_test_setup_teardown(reset_restores_volatile_state, setup, teardown),
      cmocka_unit_test_setup_teardown(reset_needs_its_enable_just_before, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(reset_recovery_times, setup, teardown),
      cmocka_unit_test_setup_teardown(blind_recovery_is_silent, setup, teardown),
      cmocka_unit_test_setup_teardown(power_up_takes_its_time, setup, teardown),
  };
  return cmocka_run_group_tests_name("nor_write", tests, NULL, NULL);
}
