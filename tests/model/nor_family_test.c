// SPDX-License-Identifier: MIT
// The ways of each vendor: quad enable, volatile writes, flag status, protocols, XIP,
// address modes, locks, dies and the states that a reset of the MCU leaves a chip in.
// Opcodes and values are typed here from the facts on NOR chips.
#include <stdio.h>

#include "tests/model/nor_rig.h"

// A bench with the chip called so; it is the caller's to stop.
static struct rig *bench(const char *name) {
  struct rig *r = calloc(1, sizeof *r);
  assert_non_null(r);
  sim_init(&r->sim);
  const struct nor_chip *chip = nor_chip_find(name);
  assert_non_null(chip);
  r->cells = malloc(chip->size);
  assert_non_null(r->cells);
  memset(r->cells, 0xFF, chip->size);
  for (uint32_t i = 0; i < 1 << 16; i++)
    r->cells[i] = (uint8_t)(i * 7 + (i >> 8));
  nor_init(&r->nor, &r->sim, chip, r->cells);
  return r;
}

static void stop(struct rig *r) {
  rig_stop(r);
  free(r);
}

// A read on four lines: opcode on `op_lines` (0: none), address, mode byte, dummies.
static void read4(struct rig *r, uint8_t opcode, unsigned op_lines, unsigned bytes,
                  uint32_t address, uint8_t mode, unsigned dummy, uint8_t in[4]) {
  rig_run(r, &(struct cmd){.opcode = opcode,
                           .op_lines = op_lines,
                           .address_lines = 4,
                           .data_lines = 4,
                           .address_bytes = bytes,
                           .address = address,
                           .mode_bytes = 1,
                           .mode = mode,
                           .dummy = dummy,
                           .in = in,
                           .count = 4});
}

static void expect_cells(struct rig *r, const uint8_t in[4], uint32_t address) {
  assert_memory_equal(in, r->cells + address, 4);
}

// --- every chip ---

static void ids_and_sfdp_on_the_wire(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    const struct nor_chip *chip = nor_chip_at(i);
    struct rig *r = bench(chip->name);
    uint8_t in[16];
    rig_run(r,
            &(struct cmd){
                .opcode = 0x9F, .op_lines = 1, .data_lines = 1, .in = in, .count = 3});
    assert_memory_equal(in, chip->jedec_id, 3);
    rig_run(r, &(struct cmd){.opcode = 0x5A,
                             .op_lines = 1,
                             .address_lines = 1,
                             .address_bytes = 3,
                             .dummy = 8,
                             .data_lines = 1,
                             .in = in,
                             .count = 16});
    assert_memory_equal(in, "SFDP", 4);
    assert_memory_equal(in, chip->sfdp, 16);
    expect_quiet(r);
    stop(r);
  }
}

// Program and erase a sector on one line, as any first driver would.
static void a_page_and_a_sector(void **state) {
  (void)state;
  for (size_t i = 0; nor_chip_at(i); i++) {
    struct rig *r = bench(nor_chip_at(i)->name);
    const uint8_t data[4] = {0x12, 0x34, 0x56, 0x78};
    if (r->nor.chip->locked_at_power_up) {
      rig_op(r, 0x06);
      rig_op(r, 0x98);
    }
    rig_erase3(r, 0x20, 0x3000);
    assert_int_equal(rig_register(r, 0x05) & 3, 3);
    rig_wait(r, r->nor.chip->erases[0].time.typ);
    assert_int_equal(rig_register(r, 0x05) & 3, 0);
    rig_program3(r, 0x3010, data, 4);
    rig_wait(r, r->nor.chip->page_time.typ);
    uint8_t in[4];
    rig_read3(r, 0x3010, in, 4);
    assert_memory_equal(in, data, 4);
    assert_int_equal(r->cells[0x3000], 0xFF);
    assert_int_equal(r->cells[0x2FFF], (uint8_t)(0x2FFF * 7 + 0x2F));
    expect_quiet(r);
    stop(r);
  }
}

// Every state is left again by what a bootloader sends before it knows the chip: ones
// on four lines, resets in both protocols, release from power-down. Nobody complains.
static void recover(struct rig *r) {
  const uint8_t ones[8] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  // 8, 10 and 16 clocks; QUADSPI sends at most four mode bytes, so address bytes too.
  static const struct {
    size_t address_bits, mode_bits;
  } rows[] = {{0, 24}, {0, 32}, {24, 32}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    nor_select(&r->nor, true);
    nor_send(&r->nor, NOR_PART_OPCODE, 4, ones, 8);
    nor_send(&r->nor, NOR_PART_ADDRESS, 4, ones, rows[i].address_bits);
    nor_send(&r->nor, NOR_PART_MODE, 4, ones, rows[i].mode_bits);
    nor_select(&r->nor, false);
  }
  rig_op4(r, 0x66);
  rig_op4(r, 0x99);
  rig_wait(r, VT_MS(200));
  rig_op(r, 0x66);
  rig_op(r, 0x99);
  rig_wait(r, VT_MS(200));
  rig_op(r, 0xAB);
  rig_wait(r, VT_MS(1));
}

static void states_are_recovered_from(void **state) {
  (void)state;
  unsigned tried = 0;
  for (size_t i = 0; nor_chip_at(i); i++) {
    struct rig *r = bench(nor_chip_at(i)->name);
    for (size_t s = 0; nor_state_at(s); s++) {
      event_cancel(&r->sim.events, &r->nor.done);
      nor_init(&r->nor, &r->sim, nor_chip_at(i), r->cells);
      if (nor_set_state(&r->nor, nor_state_at(s))) {
        recover(r);
        uint8_t in[4];
        rig_read3(r, 0x100, in, 4);
        if (memcmp(in, r->cells + 0x100, 4)) {
          fail_msg("%s stays in %s", nor_chip_at(i)->name, nor_state_at(s));
        }
        expect_quiet(r);
        tried++;
      }
    }
    stop(r);
  }
  print_message("%u states of chips\n", tried);
  assert_in_range(tried, 100, 18 * 7);
}

static void which_states_there_are(void **state) {
  (void)state;
  static const struct {
    const char *chip, *state;
    bool possible;
  } table[] = {
      {"mx25l51245g", "qpi", true},       {"w25q128jv", "qpi", false},
      {"mx25r6435f", "qpi", false},       {"w25q128jv", "4byte", false},
      {"w25q512jv", "4byte", true},       {"sst26vf064b", "dpd", false},
      {"sst26vf064b", "protected", true}, {"mt25ql512", "noqe", true},
      {"mt25ql512", "asleep", false},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct rig *r = bench(table[i].chip);
    assert_int_equal(nor_set_state(&r->nor, table[i].state), table[i].possible);
    stop(r);
  }
}

static void protected_and_suspended_states(void **state) {
  (void)state;
  struct rig *r = bench("w25q128jv");
  assert_true(nor_set_state(&r->nor, "protected"));
  assert_int_equal(rig_register(r, 0x05), 0x1C);
  rig_erase3(r, 0x20, 0x0);
  expect_only(r, GUEST_NOR_PROTECTED);
  assert_true(nor_set_state(&r->nor, "suspended"));
  assert_int_equal(rig_register(r, 0x35) & 0x80, 0x80);
  rig_op(r, 0x7A);
  assert_int_equal(rig_register(r, 0x05) & 1, 1);
  rig_wait(r, VT_MS(80));
  assert_int_equal(rig_register(r, 0x05) & 1, 0);
  stop(r);
}

// --- Winbond ---

static void winbond_quad_enable(void **state) {
  (void)state;
  struct rig *r = bench("w25q128jv");
  uint8_t in[4];
  assert_int_equal(rig_register(r, 0x35), 0x02);
  nor_set_state(&r->nor, "noqe");
  assert_int_equal(rig_register(r, 0x35), 0x00);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);
  expect_only(r, GUEST_NOR_QUAD);
  rig_write_register(r, 0x31, &(uint8_t){0x02}, 1);
  rig_wait(r, VT_MS(10));
  assert_int_equal(rig_register(r, 0x35), 0x02);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);
  expect_cells(r, in, 0x100);
  // One byte of 01h leaves the second register alone; two bytes write it.
  rig_write_register(r, 0x01, &(uint8_t){0x00}, 1);
  rig_wait(r, VT_MS(10));
  assert_int_equal(rig_register(r, 0x35), 0x02);
  rig_write_register(r, 0x01, (uint8_t[]){0x00, 0x00}, 2);
  rig_wait(r, VT_MS(10));
  assert_int_equal(rig_register(r, 0x35), 0x00);
  expect_quiet(r);
  stop(r);
}

// 50h instead of 06h: at once, no WEL, and forgotten by a reset.
static void winbond_volatile_write(void **state) {
  (void)state;
  struct rig *r = bench("w25q512jv");
  nor_set_state(&r->nor, "noqe");
  rig_op(r, 0x50);
  assert_int_equal(rig_register(r, 0x05), 0x00);
  rig_run(r, &(struct cmd){.opcode = 0x31,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = &(uint8_t){0x02},
                           .count = 1});
  assert_int_equal(rig_register(r, 0x05), 0x00);
  assert_int_equal(rig_register(r, 0x35), 0x02);
  rig_run(r, &(struct cmd){.opcode = 0x31,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = &(uint8_t){0x00},
                           .count = 1});
  expect_only(r, GUEST_NOR_WEL);  // 50h holds for one write
  rig_op(r, 0x66);
  rig_op(r, 0x99);
  rig_wait(r, VT_US(30));
  assert_int_equal(rig_register(r, 0x35), 0x00);
  stop(r);
}

static void winbond_continuous_read(void **state) {
  (void)state;
  struct rig *r = bench("w25q64jv");
  uint8_t in[4];
  for (unsigned mode = 0; mode < 256; mode++) {
    read4(r, 0xEB, 1, 3, 0x100, (uint8_t)mode, 4, in);
    assert_int_equal(r->nor.held != NULL, (mode & 0x30) == 0x20);  // M5..4 = 10
    if (!r->nor.held) continue;
    read4(r, 0, 0, 3, 0x200, 0xFF, 4, in);
    expect_cells(r, in, 0x200);
    assert_null(r->nor.held);
  }
  expect_quiet(r);
  stop(r);
}

static bool erases_at(struct rig *r, uint32_t address) {
  report_clear(&r->sim.report);
  rig_erase3(r, 0x20, address);
  rig_wait(r, VT_S(1));
  return report_count(&r->sim.report, GUEST_NOR_PROTECTED) == 0;
}

// SR1: SEC 6, TB 5, BP2..0; SR2: CMP 6. 16 MB.
static void winbond_protection(void **state) {
  (void)state;
  static const struct {
    uint8_t sr1, sr2;
    uint32_t first, end;  // what is protected
  } table[] = {
      {0x04, 0x02, 0xFC0000, 0x1000000},  // 256 KB at the top
      {0x24, 0x02, 0x000000, 0x040000},   // at the bottom
      {0x18, 0x02, 0x800000, 0x1000000},  // half
      {0x1C, 0x02, 0x000000, 0x1000000},  // all
      {0x44, 0x02, 0xFFF000, 0x1000000},  // SEC: 4 KB
      {0x70, 0x02, 0x000000, 0x008000},   // SEC, TB, 4: 32 KB
      {0x04, 0x42, 0x000000, 0xFC0000},   // CMP: all but 256 KB at the top
      {0x24, 0x42, 0x040000, 0x1000000}, {0x00, 0x42, 0x000000, 0x1000000},
  };
  struct rig *r = bench("w25q128jv");
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    nor_set_register(&r->nor, NOR_REG_STATUS, table[i].sr1);
    nor_set_register(&r->nor, NOR_REG_CONFIG, table[i].sr2);
    assert_false(erases_at(r, table[i].first));
    assert_false(erases_at(r, table[i].end - 1));
    if (table[i].first) assert_true(erases_at(r, table[i].first - 1));
    if (table[i].end < 1 << 24) assert_true(erases_at(r, table[i].end));
  }
  stop(r);
}

static void winbond_block_locks(void **state) {
  (void)state;
  struct rig *r = bench("w25q128jv");
  nor_set_register(&r->nor, NOR_REG_CONFIG2, 0x64);  // WPS
  assert_false(erases_at(r, 0x30000));
  rig_erase3(r, 0x39, 0x30000);  // the same form: WREN, opcode, address
  assert_true(erases_at(r, 0x30000));
  assert_false(erases_at(r, 0x40000));
  rig_op(r, 0x06);
  rig_op(r, 0x98);
  assert_true(erases_at(r, 0x40000));
  rig_erase3(r, 0x36, 0x40000);
  assert_false(erases_at(r, 0x40000));
  stop(r);
}

static void winbond_dies(void **state) {
  (void)state;
  struct rig *r = bench("w25q01jv");
  rig_op(r, 0xB7);
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = 0xDC,
                           .op_lines = 1,
                           .address_lines = 1,
                           .address_bytes = 4,
                           .address = 0x5000000});
  assert_int_equal(rig_register(r, 0x05) & 1, 0);  // the first die is idle
  rig_run(r, &(struct cmd){.opcode = 0xC2,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = &(uint8_t){1},
                           .count = 1});
  assert_int_equal(rig_register(r, 0x05) & 1, 1);
  rig_wait(r, VT_MS(160));
  assert_int_equal(rig_register(r, 0x05) & 1, 0);
  expect_quiet(r);
  rig_run(r, &(struct cmd){.opcode = 0xC2,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = &(uint8_t){2},
                           .count = 1});
  expect_only(r, GUEST_NOR_ADDRESS);
  stop(r);
}

static void power_up_in_4_byte_mode(void **state) {
  (void)state;
  struct rig *r = bench("w25q256jv");
  rig_write_register(r, 0x11, &(uint8_t){0x62}, 1);  // ADP
  rig_wait(r, VT_MS(10));
  assert_false(r->nor.four_byte);
  nor_power_off(&r->nor, 1);
  nor_power_on(&r->nor);
  assert_true(r->nor.four_byte);
  rig_wait(r, VT_MS(5));
  assert_int_equal(rig_register(r, 0x15) & 3, 3);  // ADP and ADS
  stop(r);
}

// --- Micron ---

static void micron_flag_status(void **state) {
  (void)state;
  struct rig *r = bench("mt25ql512");
  assert_int_equal(rig_register(r, 0x70), 0x80);
  rig_erase3(r, 0x20, 0);
  assert_int_equal(rig_register(r, 0x70), 0x00);
  rig_op(r, 0x75);
  rig_wait(r, VT_US(25));
  assert_int_equal(rig_register(r, 0x70), 0xC0);
  rig_op(r, 0x7A);
  rig_wait(r, VT_MS(48));
  assert_int_equal(rig_register(r, 0x70), 0x80);
  expect_quiet(r);
  // A protected block: bits 5 and 1, until 50h.
  rig_write_register(r, 0x01, &(uint8_t){0x7C}, 1);
  rig_wait(r, VT_MS(8));
  rig_erase3(r, 0x20, 0);
  expect_only(r, GUEST_NOR_PROTECTED);
  assert_int_equal(rig_register(r, 0x70), 0xA2);
  rig_op(r, 0x50);
  assert_int_equal(rig_register(r, 0x70), 0x80);
  rig_op(r, 0x06);
  rig_op(r, 0xB7);
  assert_int_equal(rig_register(r, 0x70), 0x81);
  expect_quiet(r);
  stop(r);
}

static void micron_failures_stick(void **state) {
  (void)state;
  struct rig *r = bench("n25q128a");
  r->nor.faults.fail_erase = 1;
  for (unsigned i = 0; i < 2; i++) {
    rig_erase3(r, 0x20, 0);
    rig_wait(r, VT_MS(250));
    assert_int_equal(rig_register(r, 0x70), 0xA0);  // of the first, still
  }
  rig_op(r, 0x50);
  assert_int_equal(rig_register(r, 0x70), 0x80);
  stop(r);
}

static void micron_4_byte_wants_wren(void **state) {
  (void)state;
  struct rig *r = bench("n25q256a");
  rig_op(r, 0xB7);
  expect_only(r, GUEST_NOR_WEL);
  assert_false(r->nor.four_byte);
  rig_op(r, 0x06);
  rig_op(r, 0xB7);
  assert_true(r->nor.four_byte);
  assert_int_equal(rig_register(r, 0x05) & 2, 0);
  expect_quiet(r);
  stop(r);
}

static void write_one(struct rig *r, uint8_t opcode, uint8_t value) {
  rig_write_register(r, opcode, &value, 1);
}

// VCR: dummy clocks in bits 7..4. EVCR bit 7 clear: QPI.
static void micron_volatile_configuration(void **state) {
  (void)state;
  struct rig *r = bench("n25q128a");
  uint8_t in[4];
  assert_int_equal(rig_register(r, 0x85), 0xFB);
  assert_int_equal(rig_register(r, 0x65), 0xDF);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 8, in);  // 2 + 8
  expect_cells(r, in, 0x100);
  write_one(r, 0x81, 0x6B);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);  // 2 + 4
  expect_cells(r, in, 0x100);
  expect_quiet(r);
  write_one(r, 0x61, 0x5F);
  assert_true(r->nor.qpi);
  assert_int_equal(rig_register4(r, 0x65), 0x5F);
  read4(r, 0xEB, 4, 3, 0x100, 0xFF, 4, in);
  expect_cells(r, in, 0x100);
  expect_quiet(r);
  nor_power_off(&r->nor, 1);
  nor_power_on(&r->nor);
  rig_wait(r, VT_MS(5));
  assert_int_equal(rig_register(r, 0x85), 0xFB);
  stop(r);
}

static void micron_nonvolatile_configuration(void **state) {
  (void)state;
  struct rig *r = bench("mt25ql512");
  uint8_t in[2];
  rig_write_register(r, 0xB1, (uint8_t[]){0xF6, 0x8F}, 2);  // QPI, 4-byte, 8 dummies
  rig_wait(r, VT_MS(8));
  assert_false(r->nor.qpi);
  nor_power_off(&r->nor, 1);
  nor_power_on(&r->nor);
  rig_wait(r, VT_MS(5));
  assert_true(r->nor.qpi);
  assert_true(r->nor.four_byte);
  rig_run(r, &(struct cmd){
                 .opcode = 0xB5, .op_lines = 4, .data_lines = 4, .in = in, .count = 2});
  assert_int_equal(in[0], 0xF6);
  assert_int_equal(in[1], 0x8F);
  assert_int_equal(rig_register4(r, 0x85), 0x8B);
  expect_quiet(r);
  stop(r);
}

static void micron_xip(void **state) {
  (void)state;
  struct rig *r = bench("mt25ql128");
  uint8_t in[4];
  read4(r, 0xEB, 1, 3, 0x100, 0x00, 8, in);
  assert_null(r->nor.held);  // VCR bit 3 forbids it
  write_one(r, 0x81, 0xF3);
  read4(r, 0xEB, 1, 3, 0x100, 0x00, 8, in);
  assert_non_null(r->nor.held);
  read4(r, 0, 0, 3, 0x200, 0x00, 8, in);
  expect_cells(r, in, 0x200);
  read4(r, 0, 0, 3, 0x300, 0xFF, 8, in);
  expect_cells(r, in, 0x300);
  assert_null(r->nor.held);
  expect_quiet(r);
  stop(r);
}

// --- The others ---

static void issi(void **state) {
  (void)state;
  struct rig *r = bench("is25wp256");
  uint8_t in[4];
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);
  expect_only(r, GUEST_NOR_QUAD);
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  rig_wait(r, VT_MS(2));
  read4(r, 0xEB, 1, 3, 0x100, 0xA0, 4, in);
  expect_cells(r, in, 0x100);
  assert_non_null(r->nor.held);  // Axh
  read4(r, 0, 0, 3, 0x200, 0x00, 4, in);
  assert_null(r->nor.held);
  rig_write_register(r, 0xC5, &(uint8_t){0x80}, 1);  // the bank register: EXTADD
  read4(r, 0xEB, 1, 4, 0x300, 0x00, 4, in);
  expect_cells(r, in, 0x300);
  rig_run(r, &(struct cmd){.opcode = 0xC0,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = &(uint8_t){0x40},
                           .count = 1});  // 8 clocks
  read4(r, 0xEB, 1, 4, 0x400, 0x00, 6, in);
  expect_cells(r, in, 0x400);
  expect_quiet(r);
  stop(r);
}

static void spansion(void **state) {
  (void)state;
  struct rig *r = bench("s25fl128l");
  uint8_t in[4];
  assert_int_equal(rig_register(r, 0x33), 0x78);
  rig_write_register(r, 0x01, (uint8_t[]){0x00, 0x02}, 2);
  rig_wait(r, VT_MS(145));
  assert_int_equal(rig_register(r, 0x35), 0x02);
  read4(r, 0xEB, 1, 3, 0x100, 0x00, 8, in);
  expect_cells(r, in, 0x100);
  // The latency in CR3, for now: 4 wait clocks.
  rig_op(r, 0x50);
  rig_run(r, &(struct cmd){.opcode = 0x01,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = (uint8_t[]){0x00, 0x02, 0x60, 0x74},
                           .count = 4});
  read4(r, 0xEB, 1, 3, 0x200, 0x00, 4, in);
  expect_cells(r, in, 0x200);
  r->nor.faults.fail_program = 1;
  memset(r->cells + 0x5000, 0xFF, 4);
  rig_program3(r, 0x5000, (uint8_t[]){0}, 1);
  rig_wait(r, VT_MS(1));
  assert_int_equal(rig_register(r, 0x07), 0x20);  // P_ERR
  rig_op(r, 0x30);
  assert_int_equal(rig_register(r, 0x07), 0x00);
  expect_quiet(r);
  stop(r);
}

static void sst_locks_and_blocks(void **state) {
  (void)state;
  static const struct {
    uint32_t address, base, size;
  } blocks[] = {
      {0x000100, 0x000000, 8 << 10},  {0x007FFF, 0x006000, 8 << 10},
      {0x008000, 0x008000, 32 << 10}, {0x010000, 0x010000, 64 << 10},
      {0x7EFFFF, 0x7E0000, 64 << 10}, {0x7F0000, 0x7F0000, 32 << 10},
      {0x7F8000, 0x7F8000, 8 << 10},  {0x7FFFFF, 0x7FE000, 8 << 10},
  };
  struct rig *r = bench("sst26vf064b");
  assert_false(erases_at(r, 0x1000));
  rig_op(r, 0x06);
  rig_op(r, 0x98);
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    memset(r->cells, 0, 8 << 20);
    report_clear(&r->sim.report);
    rig_erase3(r, 0xD8, blocks[i].address);
    rig_wait(r, VT_MS(19));
    uint32_t erased = 0;
    for (uint32_t at = 0; at < 8 << 20; at++)
      erased += r->cells[at] == 0xFF;
    assert_int_equal(erased, blocks[i].size);
    assert_int_equal(r->cells[blocks[i].base], 0xFF);
    expect_quiet(r);
  }
  nor_power_off(&r->nor, 1);
  nor_power_on(&r->nor);
  rig_wait(r, VT_MS(5));
  assert_false(erases_at(r, 0x1000));
  stop(r);
}

static void sst_in_qpi(void **state) {
  (void)state;
  struct rig *r = bench("sst26vf064b");
  uint8_t in[4] = {0};
  rig_op(r, 0x38);
  rig_run(r, &(struct cmd){.opcode = 0xAF,
                           .op_lines = 4,
                           .data_lines = 4,
                           .dummy = 2,
                           .in = in,
                           .count = 3});
  assert_memory_equal(in, ((uint8_t[]){0xBF, 0x26, 0x43}), 3);
  read4(r, 0x0B, 4, 3, 0x100, 0xFF, 4, in);
  expect_cells(r, in, 0x100);
  rig_op4(r, 0xFF);
  assert_false(r->nor.qpi);
  expect_quiet(r);
  stop(r);
}

static void low_power_macronix(void **state) {
  (void)state;
  struct rig *r = bench("mx25r6435f");
  uint8_t in[4];
  nor_set_clock(&r->nor, 80000000);
  rig_write_register(r, 0x01, (uint8_t[]){0x40, 0x00, 0x02}, 3);
  rig_wait(r, VT_MS(40));
  rig_run(r, &(struct cmd){
                 .opcode = 0x15, .op_lines = 1, .data_lines = 1, .in = in, .count = 2});
  assert_int_equal(in[0], 0);
  assert_int_equal(in[1], 2);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);
  expect_cells(r, in, 0x100);
  expect_quiet(r);
  nor_set_register(&r->nor, NOR_REG_CONFIG2, 0);
  read4(r, 0xEB, 1, 3, 0x100, 0xFF, 4, in);
  expect_only(r, GUEST_QSPI_CLOCK);  // 33 MHz in ultra low power
  // Any fall of CS# ends deep power-down.
  nor_set_clock(&r->nor, 8000000);
  rig_op(r, 0xB9);
  rig_wait(r, VT_US(10));
  nor_select(&r->nor, true);
  nor_select(&r->nor, false);
  rig_wait(r, VT_US(40));
  assert_int_equal(rig_register(r, 0x05), 0x40);
  expect_quiet(r);
  stop(r);
}

static void gigadevice_needs_no_quad_enable(void **state) {
  (void)state;
  struct rig *r = bench("gd25lb512me");
  uint8_t in[4];
  read4(r, 0xEB, 1, 3, 0x100, 0x00, 4, in);
  expect_cells(r, in, 0x100);
  rig_op(r, 0x38);
  read4(r, 0xEC, 4, 4, 0x200, 0x00, 4, in);
  expect_cells(r, in, 0x200);
  rig_op4(r, 0xFF);
  assert_false(r->nor.qpi);
  expect_quiet(r);
  stop(r);
}

// Any opcode on any chip, in and out of QPI: no crash, no sanitizer report.
static void no_opcode_harms_the_model(void **state) {
  (void)state;
  const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t i = 0; nor_chip_at(i); i++) {
    struct rig *r = bench(nor_chip_at(i)->name);
    for (unsigned turn = 0; turn < 512; turn++) {
      const unsigned lines = r->nor.qpi ? 4 : 1;
      uint8_t in[4];
      rig_run(r, &(struct cmd){.opcode = 0x06, .op_lines = lines});
      rig_run(r, &(struct cmd){.opcode = (uint8_t)turn,
                               .op_lines = lines,
                               .address_lines = lines,
                               .address_bytes = 3 + turn / 256,
                               .data_lines = lines,
                               .out = bytes,
                               .count = 1 + turn % 8});
      rig_run(r, &(struct cmd){.opcode = (uint8_t)turn,
                               .op_lines = lines,
                               .data_lines = lines,
                               .in = in,
                               .count = 4});
      if (turn % 16 == 0) rig_wait(r, VT_S(300));
    }
    stop(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ids_and_sfdp_on_the_wire),
      cmocka_unit_test(a_page_and_a_sector),
      cmocka_unit_test(states_are_recovered_from),
      cmocka_unit_test(which_states_there_are),
      cmocka_unit_test(protected_and_suspended_states),
      cmocka_unit_test(winbond_quad_enable),
      cmocka_unit_test(winbond_volatile_write),
      cmocka_unit_test(winbond_continuous_read),
      cmocka_unit_test(winbond_protection),
      cmocka_unit_test(winbond_block_locks),
      cmocka_unit_test(winbond_dies),
      cmocka_unit_test(power_up_in_4_byte_mode),
      cmocka_unit_test(micron_flag_status),
      cmocka_unit_test(micron_failures_stick),
      cmocka_unit_test(micron_4_byte_wants_wren),
      cmocka_unit_test(micron_volatile_configuration),
      cmocka_unit_test(micron_nonvolatile_configuration),
      cmocka_unit_test(micron_xip),
      cmocka_unit_test(issi),
      cmocka_unit_test(spansion),
      cmocka_unit_test(sst_locks_and_blocks),
      cmocka_unit_test(sst_in_qpi),
      cmocka_unit_test(low_power_macronix),
      cmocka_unit_test(gigadevice_needs_no_quad_enable),
      cmocka_unit_test(no_opcode_harms_the_model),
  };
  return cmocka_run_group_tests_name("nor_family", tests, NULL, NULL);
}
