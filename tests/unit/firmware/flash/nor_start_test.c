// SPDX-License-Identifier: MIT
// From a chip in any state to a known one: each command in its order, and what happens
// with chips that are absent, busy, unknown, stubborn or lying.
#include "firmware/flash/nor.h"

#include "common/base/bytes.h"
#include "tests/fakes/nor_chip.h"
#include "tests/fakes/nor_row.h"

enum { MAX_HZ = 54000000 };

static struct nor_chip chip;
static struct nor nor;
static struct nor_bus bus;

static enum status start_at(uint32_t max_hz) {
  bus = nor_chip_bus(&chip);
  memset(&nor, 0xA5, sizeof nor);  // nothing may rely on zeros
  return nor_start(&nor, &bus, max_hz);
}

static enum status start(void) {
  return start_at(MAX_HZ);
}

#define RECOVERY                   \
  "clock 30857142\n"               \
  "w FF 4-0-0 m4:FFx3\n"           \
  "w FF 4-0-0 m4:FFx4\n"           \
  "w FF 4-4-0 @FFFFFF/3 m4:FFx4\n" \
  "w AB 4-0-0\n"                   \
  "pause\n"                        \
  "w 66 4-0-0\n"                   \
  "w 99 4-0-0\n"                   \
  "pause\n"                        \
  "w AB 1-0-0\n"                   \
  "pause\n"                        \
  "w 66 1-0-0\n"                   \
  "w 99 1-0-0\n"                   \
  "pause\n"                        \
  "r 05 1-0-1 n1\n"

#define DESCRIPTION               \
  "r 9F 1-0-1 n3\n"               \
  "r 5A 1-1-1 @000000/3 d8 n8\n"  \
  "r 5A 1-1-1 @000008/3 d8 n8\n"  \
  "r 5A 1-1-1 @000010/3 d8 n8\n"  \
  "r 5A 1-1-1 @000018/3 d8 n8\n"  \
  "r 5A 1-1-1 @000030/3 d8 n64\n" \
  "r 5A 1-1-1 @0000C0/3 d8 n8\n"

#define IDENTIFICATION \
  DESCRIPTION          \
  "size 134217728\n"   \
  "w 30 1-0-0\n"       \
  "r 05 1-0-1 n1\n"

// Which clock each mode would get, then the proof of the fastest.
#define QUAD_TRIAL                  \
  "r 0C 1-1-1 @00000000/4 d8 n64\n" \
  "clock 54000000\n"                \
  "clock 30857142\n"                \
  "clock 54000000\n"                \
  "clock 30857142\n"                \
  "clock 54000000\n"                \
  "clock 30857142\n"                \
  "clock 54000000\n" DESCRIPTION "r EC 1-4-4 @00000000/4 m4:FFx1 d4 n64\n"

static void expect_log(const char *expected) {
  assert_string_equal(chip.log, expected);
}

// --- the sequence ---

static void a_new_chip_is_brought_up_command_by_command(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  assert_int_equal(start(), ST_OK);
  expect_log(RECOVERY IDENTIFICATION
             "r 05 1-0-1 n1\n"
             "w 06 1-0-0\n"
             "w 01 1-0-1 n1 =40\n"
             "r 05 1-0-1 n1\n"
             "r 05 1-0-1 n1\n" QUAD_TRIAL);
  assert_int_equal(chip.status, 0x40);
  assert_int_equal(chip.clock_hz, MAX_HZ);
}

// The register is non-volatile: the second start writes nothing.
static void a_chip_that_is_ready_for_quad_is_only_read(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.status = 0x40;
  assert_int_equal(start(), ST_OK);
  expect_log(RECOVERY IDENTIFICATION
             "r 05 1-0-1 n1\n"
             "r 05 1-0-1 n1\n" QUAD_TRIAL);
}

static void the_status_register_is_written_only_if_it_differs(void **state) {
  (void)state;
  static const struct {
    uint8_t before;
    int written;  // -1: nothing
  } cases[] = {
      {0x00, 0x40}, {0x40, -1},   {0x3C, 0x40}, {0x7C, 0x40}, {0x44, 0x40},
      {0xC0, -1},   {0xFC, 0xC0}, {0x60, 0x40}, {0xC4, 0xC0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int enabled = 0; enabled < 2; enabled++) {
      nor_chip_open(&chip, "mx66l1g45g");
      chip.status = cases[i].before;
      chip.write_enabled = enabled;  // WEL in what is read is no difference
      assert_int_equal(start(), ST_OK);
      const bool written = strstr(chip.log, "w 01") != NULL;
      assert_int_equal(written, cases[i].written >= 0);
      assert_int_equal(chip.status, written ? cases[i].written : (int)cases[i].before);
      assert_int_equal(nor.read_cmd.data_lines, 4);
    }
  }
}

// --- every real chip ---

// Typed by hand from the dumps' decoding and the makers' families. At 108 MHz, of which
// each chip takes what it can: 108, 72, 54, 43.2 MHz.
static const struct {
  enum status status;
  uint8_t bytes, lines, read, program, program_lines, erase, mhz;
} real[SFDP_DUMPS] = {
    {ST_OK, 3, 4, 0xEB, 0x02, 1, 0xD8, 43},   // at25ql128a: a maker without a family
    {ST_OK, 3, 1, 0x0B, 0x02, 1, 0xD8, 43},   // bh25q128as: quad enable unknown
    {ST_OK, 4, 4, 0xEC, 0x3E, 4, 0xDC, 72},   // gd25lb512me: quad enable corrected
    {ST_OK, 4, 1, 0x6B, 0x32, 1, 0xD8, 108},  // is25wp256: by B7h
    {ST_OK, 4, 4, 0xEB, 0x32, 1, 0xD8, 108},  // mt25ql512_bfpt: by B7h
    {ST_OK, 4, 4, 0xEC, 0x3E, 4, 0xDC, 108},  // mt25qu256a
    {ST_OK, 4, 4, 0xEC, 0x3E, 4, 0xDC, 108},  // mt25qu512a
    {ST_OK, 3, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx25l12835f
    {ST_OK, 4, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx25l25635e: by B7h
    {ST_OK, 4, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx25l25635f: the same
    {ST_OK, 3, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx25l3233f
    {ST_OK, 3, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx25l3255e_class
    {ST_OK, 3, 4, 0xEB, 0x38, 4, 0xD8, 30},   // mx25r6435f: low power
    {ST_OK, 4, 1, 0x6C, 0x3E, 4, 0xDC, 108},  // mx25u51245g
    {ST_OK, 4, 1, 0x0C, 0x12, 1, 0xDC, 108},  // mx25um_octal_c2813a: no quad read
    {ST_OK, 4, 1, 0x6C, 0x3E, 4, 0xDC, 108},  // mx66l1g45g
    {ST_OK, 4, 1, 0x6C, 0x3E, 4, 0xDC, 108},  // mx66l2g45g
    {ST_OK, 4, 4, 0xEB, 0x38, 4, 0xD8, 54},   // mx66l51235f: by B7h
    {ST_OK, 4, 1, 0x6C, 0x3E, 4, 0xDC, 108},  // mx66u2g45g
    {ST_OK, 4, 1, 0x6B, 0x38, 4, 0xD8, 108},  // mx_512mbit_jesd216b: by B7h
    {ST_OK, 4, 4, 0xEB, 0x32, 1, 0xD8, 108},  // n25q256a: by B7h
    {ST_OK, 3, 4, 0xEB, 0x32, 4, 0xD8, 72},   // sst26vf064b
    {ST_OK, 4, 4, 0xEC, 0x34, 1, 0xDC, 108},  // w25q01jvq
    {ST_OK, 3, 4, 0xEB, 0x32, 1, 0xD8, 72},   // w25q128_old
    {ST_OK, 3, 4, 0xEB, 0x32, 1, 0xD8, 108},  // w25q128jv
    {ST_OK, 4, 4, 0xEB, 0x32, 1, 0xD8, 72},   // w25q256: by B7h
    {ST_OK, 4, 4, 0xEC, 0x34, 1, 0xDC, 108},  // w25q512jv
    {ST_OK, 4, 4, 0xEC, 0x34, 1, 0xDC, 108},  // w25q512nwm
    {ST_OK, 3, 4, 0xEB, 0x32, 1, 0xD8, 108},  // w25q64jv
    {ST_OK, 3, 4, 0xEB, 0x32, 1, 0xD8, 108},  // w25q64jwm
    {ST_OK, 3, 4, 0xEB, 0x32, 1, 0xD8, 72},   // zd25q128c
};

static void every_real_chip_is_used_by_its_own_commands(void **state) {
  (void)state;
  for (size_t i = 0; i < SFDP_DUMPS; i++) {
    nor_chip_open(&chip, sfdp_dump_names[i]);
    assert_int_equal(start_at(108000000), real[i].status);
    const struct nor_cmd *r = &nor.read_cmd, *p = &nor.program_cmd, *e = &nor.erase_cmd;
    assert_int_equal(r->opcode, real[i].read);
    assert_int_equal(r->address_lines, real[i].lines);
    const bool single = r->opcode == 0x0B || r->opcode == 0x0C;
    assert_int_equal(r->data_lines, single ? 1 : 4);
    assert_int_equal(p->opcode, real[i].program);
    assert_int_equal(p->address_lines, real[i].program_lines);
    assert_int_equal(p->data_lines, p->opcode == 0x02 || p->opcode == 0x12 ? 1 : 4);
    assert_int_equal(p->dummy_clocks, 0);
    assert_int_equal(r->address_bytes, real[i].bytes);
    assert_int_equal(p->address_bytes, real[i].bytes);
    assert_int_equal(e->address_bytes, real[i].bytes);
    const bool entered = strstr(chip.log, "w B7 1-0-0\n") != NULL;
    assert_int_equal(entered, real[i].bytes == 4 && real[i].erase == 0xD8);
    assert_int_equal(chip.clock_hz / 1000000, real[i].mhz);
    assert_int_equal(nor.hz, chip.clock_hz);
    const struct sfdp_erase *type = &nor.sfdp.erase[nor.block_type[0]];
    assert_int_equal(nor.dedicated ? type->opcode_4byte : type->opcode, real[i].erase);
  }
}

static void the_document_has_them(void **state) {
  (void)state;
  static struct nor_row rows[SFDP_DUMPS];
  for (size_t i = 0; i < SFDP_DUMPS; i++) {
    nor_chip_open(&chip, sfdp_dump_names[i]);
    assert_int_equal(start_at(108000000), ST_OK);
    nor_row_make(&rows[i], sfdp_dump_names[i], &nor);
  }
  nor_row_expect("## Other SFDP areas", rows, SFDP_DUMPS);
}

// Mode clocks that make a byte are the mode byte, FFh so that nobody enters 0-4-4;
// others are dummy clocks (facts on chips: Micron has 1 + 9).
static void dummy_clocks_are_those_of_the_chip(void **state) {
  (void)state;
  nor_chip_open(&chip, "mt25qu512a");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.dummy_clocks, 10);
  assert_int_equal(nor.read_cmd.mode_lines, 0);
  assert_null(strstr(chip.log, "w 01"));  // needs no quad enable
  nor_chip_open(&chip, "mx25r6435f");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.dummy_clocks, 4);
  assert_int_equal(nor.read_cmd.mode_lines, 4);
  assert_int_equal(nor.read_cmd.mode_bytes, 1);
}

// Clocks that the controller cannot give, or too few for the lines to turn round.
static void a_quad_read_that_cannot_be_is_not_used(void **state) {
  (void)state;
  static const struct {
    uint8_t clocks;  // mode << 5 | wait, of both quad reads
    uint8_t lines;
  } cases[] = {{0x44, 4}, {0x00, 1}, {0x40, 1}, {0x20, 4}, {0x1F, 4}, {0x3F, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    chip.sfdp.bytes[0x38] = chip.sfdp.bytes[0x3A] = cases[i].clocks;
    chip.sfdp.bytes[0x32] &= 0xBF;  // no 1-1-4
    assert_int_equal(start(), ST_OK);
    assert_int_equal(nor.read_cmd.data_lines, cases[i].lines);
  }
}

// --- one line, when four do not work ---

static void expect_single_line(void) {
  assert_int_equal(nor.read_cmd.opcode, 0x0C);
  assert_int_equal(nor.read_cmd.data_lines, 1);
  assert_int_equal(nor.read_cmd.dummy_clocks, 8);
  assert_int_equal(nor.program_cmd.opcode, 0x12);
  assert_int_equal(nor.program_cmd.address_lines, 1);
  assert_int_equal(nor.program_cmd.data_lines, 1);
  assert_int_equal(chip.clock_hz, MAX_HZ);
  assert_false(nor.quad);
}

static void a_chip_that_refuses_quad_mode_works_on_one_line(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.status_locked = true;
  assert_int_equal(start(), ST_OK);
  expect_single_line();
  assert_null(strstr(chip.log, "r EC"));
}

static void four_lines_that_read_wrong_are_not_used(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  memcpy(chip.memory, "what one line reads", 19);
  chip.quad_lies = true;
  assert_int_equal(start(), ST_OK);
  expect_single_line();
}

// The instructions are known with 3 address bytes only.
static void a_4_byte_chip_without_a_4_byte_quad_read_works_on_one_line(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.sfdp.bytes[0xC0] &= 0xCF;
  assert_int_equal(start(), ST_OK);
  expect_single_line();
}

// --- the clock ---

// Id and SFDP are read again at the target clock: a step back at a time.
static void a_clock_that_the_chip_does_not_follow_is_lowered(void **state) {
  (void)state;
  static const struct {
    uint32_t good_hz, settled_hz;
  } cases[] = {{0, 108000000},       {107000000, 72000000}, {60000000, 54000000},
               {45000000, 43200000}, {40000000, 36000000},  {33000000, 30857142},
               {20000000, 30857142}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int sfdp = 0; sfdp < 2; sfdp++) {
      nor_chip_open(&chip, "mt25qu512a");
      *(sfdp ? &chip.sfdp_hz : &chip.id_hz) = cases[i].good_hz;
      if (cases[i].good_hz == 20000000 && !sfdp) continue;  // not even known
      if (cases[i].good_hz == 20000000) {
        assert_int_equal(start_at(108000000), ST_NOR_UNKNOWN);
        continue;
      }
      assert_int_equal(start_at(108000000), ST_OK);
      assert_int_equal(chip.clock_hz, cases[i].settled_hz);
      assert_int_equal(nor.hz, cases[i].settled_hz);
      assert_int_equal(nor.read_cmd.data_lines, 4);
    }
  }
}

static void the_boards_limit_holds_from_the_beginning(void **state) {
  (void)state;
  nor_chip_open(&chip, "mt25qu512a");
  assert_int_equal(start_at(20000000), ST_OK);
  assert_int_equal(nor.hz, 19636363);
  assert_non_null(strstr(chip.log, "clock 19636363\n"));
  assert_null(strstr(chip.log, "clock 30857142\n"));
  assert_int_equal(nor.read_cmd.data_lines, 4);
}

static void low_power_mode_limits_the_clock(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx25r6435f");
  chip.registers[0x15] = 0x02;  // L/H
  assert_int_equal(start_at(108000000), ST_OK);
  assert_int_equal(nor.hz, 72000000);
  assert_null(strstr(chip.log, "w 01 1-0-1 n3"));  // not for the bootloader to change
}

// --- quad enable and protection, each family's way ---

// DW15[22:20] of a dump whose basic table is its first.
static void put_quad_enable(uint8_t code) {
  const uint8_t *p = chip.sfdp.bytes + 0x0C;
  uint8_t *dw15 = chip.sfdp.bytes + (p[0] | p[1] << 8) + 4 * 14;
  dw15[2] = (uint8_t)((dw15[2] & 0x8F) | code << 4);
}

static void each_quad_enable_requirement_has_its_command(void **state) {
  (void)state;
  static const struct {
    uint8_t code;
    const char *read, *write;
    uint8_t at, value;  // the register afterwards
  } cases[] = {
      {0, "", "", 0x35, 0x00},
      {1, "r 35 1-0-1 n1\n", "w 01 1-0-1 n2\n", 0x35, 0x02},
      {3, "r 3F 1-0-1 n1\n", "w 3E 1-0-1 n1 =80\n", 0x3F, 0x80},
      {4, "r 35 1-0-1 n1\n", "w 01 1-0-1 n2\n", 0x35, 0x02},
      {5, "r 35 1-0-1 n1\n", "w 01 1-0-1 n2\n", 0x35, 0x02},
      {6, "r 35 1-0-1 n1\n", "w 31 1-0-1 n1 =02\n", 0x35, 0x02},
      {7, "r 35 1-0-1 n1\n", "w 01 1-0-1 n2\n", 0x35, 0x02},  // the maker's
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int set = 0; set < 2; set++) {
      nor_chip_open(&chip, "w25q128jv");
      put_quad_enable(cases[i].code);
      if (set) chip.registers[cases[i].at] = cases[i].value;
      assert_int_equal(start(), ST_OK);
      assert_int_equal(nor.read_cmd.data_lines, 4);
      assert_int_equal(chip.registers[cases[i].at], cases[i].value);
      assert_non_null(strstr(chip.log, cases[i].read));
      const bool enabled = strstr(chip.log, "w 06") != NULL;
      assert_int_equal(enabled, cases[i].value && !set);
      if (enabled) assert_non_null(strstr(chip.log, cases[i].write));
    }
  }
}

// 35h enters QPI there; and nobody says how to enable quad.
static void an_opcode_of_two_meanings_is_not_sent(void **state) {
  (void)state;
  static const uint8_t codes[] = {1, 4, 5, 6};
  for (size_t i = 0; i < sizeof codes; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    put_quad_enable(codes[i]);
    assert_int_equal(start(), ST_OK);
    expect_single_line();
    assert_null(strstr(chip.log, " 35 "));
    assert_null(strstr(chip.log, "w 01"));
  }
  nor_chip_open(&chip, "bh25q128as");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.data_lines, 1);
  assert_null(strstr(chip.log, " 35 "));
}

static void protection_is_lifted(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint8_t before, after, before35, after35;
  } cases[] = {
      {"w25q128jv", 0x1C, 0x00, 0x02, 0x02}, {"w25q128jv", 0x00, 0x00, 0x42, 0x02},
      {"w25q128jv", 0xBC, 0x80, 0x7A, 0x3A}, {"mt25qu512a", 0x7C, 0x20, 0x00, 0x00},
      {"mt25qu512a", 0x20, 0x20, 0, 0},      {"mx66l1g45g", 0x3C, 0x40, 0, 0},
      {"is25wp256", 0x7C, 0x40, 0, 0},       {"at25ql128a", 0x04, 0x00, 0x40, 0x02},
      {"sst26vf064b", 0x3C, 0x3C, 2, 2},  // no such bits
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, cases[i].dump);
    chip.status = cases[i].before;
    chip.registers[0x35] = cases[i].before35;
    assert_int_equal(start(), ST_OK);
    assert_int_equal(chip.status, cases[i].after);
    assert_int_equal(chip.registers[0x35], cases[i].after35);
    const bool same =
        cases[i].before == cases[i].after && cases[i].before35 == cases[i].after35;
    assert_int_equal(strstr(chip.log, "w 01") == NULL, same);
    assert_false(nor.locked);
    // The same again finds nothing to do.
    nor_chip_forget(&chip);
    assert_int_equal(start(), ST_OK);
    assert_null(strstr(chip.log, "w 01"));
  }
}

static void protection_that_stays_is_known(void **state) {
  (void)state;
  static const uint8_t status[] = {0x04, 0x00}, second[] = {0x02, 0x42};
  for (int i = 0; i < 2; i++) {
    nor_chip_open(&chip, "w25q128jv");
    chip.status = status[i];
    chip.registers[0x35] = second[i];
    chip.status_locked = true;
    assert_int_equal(start(), ST_OK);
    assert_true(nor.locked);
    assert_true(nor.quad);
  }
}

// On one line IO2, which is WP#, is low: with SRWD nothing can be written, so nothing
// is tried. With quad enabled IO2 is no WP#.
static void a_locked_status_register_is_left_alone(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint8_t before, before35, after;
    bool quad, locked;
  } cases[] = {
      {"mx66l1g45g", 0x80, 0, 0x80, false, false},
      {"mx66l1g45g", 0x84, 0, 0x84, false, true},
      {"mx66l1g45g", 0xC4, 0, 0xC0, true, false},
      {"w25q128jv", 0x84, 0x00, 0x84, false, true},
      {"w25q128jv", 0x84, 0x02, 0x80, true, false},
      {"mt25qu512a", 0x84, 0, 0x84, true, true},
      {"mt25qu512a", 0x80, 0, 0x80, true, false},
      {"sst26vf064b", 0x80, 0x00, 0x80, true, false},  // another bit there
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, cases[i].dump);
    chip.status = cases[i].before;
    chip.registers[0x35] = cases[i].before35;
    assert_int_equal(start(), ST_OK);
    assert_int_equal(chip.status, cases[i].after);
    assert_int_equal(nor.quad, cases[i].quad);
    assert_int_equal(nor.locked, cases[i].locked);
  }
}

// --- what a reset undoes ---

static void a_suspended_erase_is_resumed(void **state) {
  (void)state;
  static const struct {
    const char *dump, *line;
  } cases[] = {
      {"mx66l1g45g", "w 30 1-0-0\n"},  {"w25q128jv", "w 7A 1-0-0\n"},
      {"mx25l25635e", "w 30 1-0-0\n"}, {"n25q256a", "w 7A 1-0-0\n"},
      {"w25q128_old", "w 7A 1-0-0\n"}, {"sst26vf064b", "w 30 1-0-0\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, cases[i].dump);
    assert_int_equal(start(), ST_OK);
    assert_non_null(strstr(chip.log, cases[i].line));
  }
  nor_chip_open(&chip, "bh25q128as");  // nobody says by which command
  assert_int_equal(start(), ST_OK);
  assert_null(strstr(chip.log, "w 30"));
  assert_null(strstr(chip.log, "w 7A"));
}

static void stopping_is_a_reset(void **state) {
  (void)state;
  nor_chip_open(&chip, "n25q256a");
  assert_int_equal(start(), ST_OK);
  nor_chip_forget(&chip);
  nor_stop(&nor);
  expect_log("w 66 1-0-0\nw 99 1-0-0\n");
}

static void block_locks_are_opened(void **state) {
  (void)state;
  nor_chip_open(&chip, "sst26vf064b");
  assert_int_equal(start(), ST_OK);
  assert_non_null(strstr(chip.log, "w 06 1-0-0\nw 98 1-0-0\n"));
  nor_chip_open(&chip, "w25q128jv");
  assert_int_equal(start(), ST_OK);
  assert_null(strstr(chip.log, "w 98"));
  nor_chip_open(&chip, "w25q128jv");
  chip.registers[0x15] = 0x04;  // WPS
  assert_int_equal(start(), ST_OK);
  assert_non_null(strstr(chip.log, "w 06 1-0-0\nw 98 1-0-0\n"));
}

static void dummy_clocks_are_put_back_to_their_default(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint8_t at, before, after;
    const char *write;
  } cases[] = {
      {"mt25qu512a", 0x85, 0xFB, 0xFB, "w 81"},
      {"mt25qu512a", 0x85, 0xFF, 0xFF, "w 81"},
      {"mt25qu512a", 0x85, 0x83, 0xFB, "w 81"},
      {"mt25qu512a", 0x85, 0xF3, 0xFB, "w 81"},
      {"is25wp256", 0x61, 0x80, 0x80, "w C0"},
      {"is25wp256", 0x61, 0xD0, 0x80, "w C0"},
      {"is25wp256", 0x61, 0x87, 0x83, "w C0"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, cases[i].dump);
    chip.registers[cases[i].at] = cases[i].before;
    assert_int_equal(start(), ST_OK);
    assert_int_equal(chip.registers[cases[i].at], cases[i].after);
    const bool written = strstr(chip.log, cases[i].write) != NULL;
    assert_int_equal(written, cases[i].before != cases[i].after);
  }
}

static void each_die_has_its_own_registers(void **state) {
  (void)state;
  nor_chip_open(&chip, "w25q01jvq");
  assert_int_equal(start(), ST_OK);
  const char *first = strstr(chip.log, "r 35 1-0-1 n1\n");
  const char *second =
      strstr(chip.log, "w C2 1-0-1 n1 =01\nr 05 1-0-1 n1\nr 05 1-0-1 n1\nr 35");
  assert_true(first && second && first < second);
}

// --- corrections ---

static void lies_are_corrected(void **state) {
  (void)state;
  nor_chip_open(&chip, "zd25q128c");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.sfdp.size, 16 * 1024 * 1024);
  assert_non_null(strstr(chip.log, "size 16777216\n"));
  chip.id[2] = 0x17;  // another chip with that SFDP
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.sfdp.size, 2 * 1024 * 1024);
  nor_chip_open(&chip, "gd25lb512me");
  chip.id[1] = 0x66;
  assert_int_equal(start(), ST_OK);
  assert_non_null(strstr(chip.log, "r 35"));  // the maker's usual quad enable
}

// One that nobody has heard of: by its SFDP alone, slowly.
static void an_unknown_maker_with_a_sound_sfdp_works(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.id[0] = 0x5E;
  assert_int_equal(start_at(108000000), ST_OK);
  assert_int_equal(nor.hz, 43200000);
  assert_int_equal(nor.read_cmd.opcode, 0xEC);
  assert_int_equal(nor.program_cmd.opcode, 0x3E);
  nor_chip_open(&chip, "w25q128jv");
  chip.id[0] = 0x5E;
  assert_int_equal(start_at(108000000), ST_OK);
  assert_int_equal(nor.read_cmd.opcode, 0xEB);
  assert_int_equal(nor.program_cmd.opcode, 0x02);  // no SFDP tells a better one
}

// --- absent, busy, unknown ---

static void no_chip_is_told_as_no_chip(void **state) {
  (void)state;
  static const uint8_t nothing[] = {0xFF, 0x00};
  for (int i = 0; i < 2; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    chip.absent = true;
    chip.nothing = nothing[i];
    const uint32_t before = chip.now_us;
    assert_int_equal(start(), ST_NOR_ABSENT);
    assert_true(chip.now_us - before < 300000);
    assert_null(strstr(chip.log, "w 06"));
    assert_null(strstr(chip.log, "r 5A"));
  }
  static const uint8_t ids[][3] = {{0xFF, 0xFF, 0x00}, {0x00, 0x00, 0x55}};
  for (int i = 0; i < 2; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    memcpy(chip.id, ids[i], 3);
    assert_int_equal(start(), ST_NOR_ABSENT);
  }
}

static void an_id_with_one_odd_byte_is_an_id(void **state) {
  (void)state;
  static const uint8_t ids[][3] = {
      {0x00, 0x20, 0x1A}, {0xFF, 0x20, 0x1A}, {0xC2, 0x00, 0x1A}, {0xC2, 0xFF, 0x1A}};
  for (int i = 0; i < 4; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    memcpy(chip.id, ids[i], 3);
    assert_int_equal(start(), ST_OK);
    assert_memory_equal(nor.id, ids[i], 3);
  }
}

// A reset that hits an erase: up to 100 ms.
static void a_busy_chip_is_waited_for(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.busy_reads = 5000;
  assert_int_equal(start(), ST_OK);
  assert_int_equal(chip.busy_reads, 0);
  // An erase that no reset ends; then one that has no end.
  nor_chip_open(&chip, "mx66l1g45g");
  chip.busy_reads = 100000;
  assert_int_equal(start(), ST_OK);
  nor_chip_open(&chip, "mx66l1g45g");
  chip.busy_reads = 0xFFFFFFFF;
  const uint32_t before = chip.now_us;
  assert_int_equal(start(), ST_FLASH_TIMEOUT);
  assert_in_range(chip.now_us - before, 5000000, 5100000);
}

static void a_chip_that_says_nothing_of_itself_is_unknown(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  memset(chip.sfdp.bytes, 0xFF, sizeof chip.sfdp.bytes);
  assert_int_equal(start(), ST_NOR_UNKNOWN);
  nor_chip_open(&chip, "mx66l1g45g");
  chip.sfdp.bytes[0x30 + 4] = 0x12;  // no density
  assert_int_equal(start(), ST_NOR_UNKNOWN);
}

// 256 MB are all that has addresses, in blocks as large as these may be.
static void a_chip_of_more_than_all_addresses_is_unknown(void **state) {
  (void)state;
  for (uint8_t exponent = 31; exponent <= 34; exponent++) {
    nor_chip_open(&chip, "mx66l2g45g");
    chip.any_address = true;
    uint8_t *s = chip.sfdp.bytes, *table = s + load_le24(s + 12);
    uint8_t *header = s + 16;
    while (header[0] != 0x84)  // the table of 4-byte opcodes
      header += 8;
    uint8_t *four_byte = s + load_le24(header + 4);
    table[4] = exponent;  // of two, in bits (DW2)
    table[5] = table[6] = 0;
    table[7] = 0x80;
    table[28] = 18;  // 256 KB by D8h, and nothing else (DW8, DW9)
    table[29] = 0xD8;
    memset(table + 30, 0, 6);
    four_byte[1] |= 2;  // with four address bytes by DCh
    four_byte[4] = 0xDC;
    assert_int_equal(start(), exponent == 31 ? ST_OK : ST_NOR_UNKNOWN);
    if (exponent == 31) assert_int_equal(nor.sfdp.size, 256 << 20);
  }
}

// A medium of it could not be told: blocks under 4 KB or over 256 KB, or more blocks
// than fit into a layout string; no way to a fourth address byte.
static void a_chip_that_makes_no_medium_is_unknown(void **state) {
  (void)state;
  static const struct {
    uint32_t at;
    uint8_t value;
    enum status status;  // without B7h; with it every one is of use
  } cases[] = {
      {0xC0, 0x7F, ST_OK},          {0xC0, 0x7D, ST_NOR_UNKNOWN},  // no 0Ch
      {0xC0, 0x3F, ST_NOR_UNKNOWN},                                // no 12h
      {0xC1, 0xE1, ST_NOR_UNKNOWN},                                // no 4-byte erase
      {0xC1, 0xE5, ST_OK},  // 32 KB alone: 4096 blocks
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int b7 = 0; b7 < 2; b7++) {
      nor_chip_open(&chip, "mx66l1g45g");
      chip.sfdp.bytes[cases[i].at] = cases[i].value;
      if (!b7) chip.sfdp.bytes[0x30 + 4 * 15 + 3] = 0x80;
      assert_int_equal(start(), b7 ? ST_OK : cases[i].status);
      assert_int_equal(strstr(chip.log, "w B7") != NULL,
                       b7 && cases[i].status != ST_OK);
    }
  }
  nor_chip_open(&chip, "mx66l1g45g");
  chip.sfdp.bytes[0xC1] = 0xE3;  // 4 KB alone: 32768 blocks
  assert_int_equal(start(), ST_NOR_UNKNOWN);
  static const struct {
    uint8_t exponents[4];
    enum status status;
    uint32_t size;
  } erases[] = {
      {{12, 15, 16, 0}, ST_OK, 65536},    {{12, 15, 0, 0}, ST_OK, 32768},
      {{12, 0, 0, 18}, ST_OK, 4096},      {{0, 0, 0, 18}, ST_OK, 262144},
      {{0, 18, 17, 0}, ST_OK, 131072},    {{0, 17, 18, 0}, ST_OK, 131072},
      {{0, 0, 0, 19}, ST_NOR_UNKNOWN, 0}, {{8, 11, 0, 0}, ST_NOR_UNKNOWN, 0},
      {{0, 0, 0, 0}, ST_NOR_UNKNOWN, 0},  {{16, 12, 16, 15}, ST_OK, 65536},
  };
  for (size_t i = 0; i < sizeof erases / sizeof *erases; i++) {
    nor_chip_open(&chip, "mx25r6435f");
    for (int k = 0; k < 4; k++)
      chip.sfdp.bytes[0x30 + 28 + 2 * k] = erases[i].exponents[k];
    assert_int_equal(start(), erases[i].status);
    if (erases[i].size)
      assert_int_equal(nor.sfdp.erase[nor.block_type[0]].size, erases[i].size);
  }
}

// 20h and D8h once for each size, but no map that tells where.
static void an_erase_of_two_sizes_is_not_used_without_a_map(void **state) {
  (void)state;
  nor_chip_open(&chip, "sst26vf064b");
  chip.sfdp.bytes[6] = 0;  // the basic table alone
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.sfdp.erase[nor.block_type[0]].size, 4096);
}

static void a_chip_that_always_takes_4_bytes_needs_no_mode(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx25r6435f");
  chip.sfdp.bytes[0x32] = (uint8_t)((chip.sfdp.bytes[0x32] & 0xF9) | 4);
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.address_bytes, 4);
  assert_int_equal(nor.read_cmd.opcode, 0xEB);
  assert_null(strstr(chip.log, "w B7"));
}

// --- a bus that hangs, a register that stays busy ---

static void a_hanging_bus_is_told_whenever_it_hangs(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  assert_int_equal(start(), ST_OK);
  const unsigned calls = chip.calls;
  assert_int_equal(calls, 33);
  for (unsigned call = 1; call <= calls; call++) {
    nor_chip_open(&chip, "mx66l1g45g");
    chip.fail_call = call;
    assert_int_equal(start(), ST_BUS_TIMEOUT);
    assert_int_equal(chip.calls, call);  // nothing more was tried
  }
}

static void a_status_write_that_never_ends_is_told(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.status_write_reads = 100;
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.data_lines, 4);
  nor_chip_open(&chip, "mx66l1g45g");
  chip.status_write_reads = 0xFFFFFFFF;
  const uint32_t before = chip.now_us;
  assert_int_equal(start(), ST_FLASH_TIMEOUT);
  assert_in_range(chip.now_us - before, 1000000, 1100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_chip_is_brought_up_command_by_command),
      cmocka_unit_test(a_chip_that_is_ready_for_quad_is_only_read),
      cmocka_unit_test(the_status_register_is_written_only_if_it_differs),
      cmocka_unit_test(every_real_chip_is_used_by_its_own_commands),
      cmocka_unit_test(the_document_has_them),
      cmocka_unit_test(dummy_clocks_are_those_of_the_chip),
      cmocka_unit_test(a_quad_read_that_cannot_be_is_not_used),
      cmocka_unit_test(a_chip_that_refuses_quad_mode_works_on_one_line),
      cmocka_unit_test(four_lines_that_read_wrong_are_not_used),
      cmocka_unit_test(a_4_byte_chip_without_a_4_byte_quad_read_works_on_one_line),
      cmocka_unit_test(a_clock_that_the_chip_does_not_follow_is_lowered),
      cmocka_unit_test(the_boards_limit_holds_from_the_beginning),
      cmocka_unit_test(low_power_mode_limits_the_clock),
      cmocka_unit_test(each_quad_enable_requirement_has_its_command),
      cmocka_unit_test(an_opcode_of_two_meanings_is_not_sent),
      cmocka_unit_test(protection_is_lifted),
      cmocka_unit_test(protection_that_stays_is_known),
      cmocka_unit_test(a_locked_status_register_is_left_alone),
      cmocka_unit_test(a_suspended_erase_is_resumed),
      cmocka_unit_test(stopping_is_a_reset),
      cmocka_unit_test(block_locks_are_opened),
      cmocka_unit_test(dummy_clocks_are_put_back_to_their_default),
      cmocka_unit_test(each_die_has_its_own_registers),
      cmocka_unit_test(lies_are_corrected),
      cmocka_unit_test(an_unknown_maker_with_a_sound_sfdp_works),
      cmocka_unit_test(no_chip_is_told_as_no_chip),
      cmocka_unit_test(an_id_with_one_odd_byte_is_an_id),
      cmocka_unit_test(a_busy_chip_is_waited_for),
      cmocka_unit_test(a_chip_that_says_nothing_of_itself_is_unknown),
      cmocka_unit_test(a_chip_of_more_than_all_addresses_is_unknown),
      cmocka_unit_test(a_chip_that_makes_no_medium_is_unknown),
      cmocka_unit_test(an_erase_of_two_sizes_is_not_used_without_a_map),
      cmocka_unit_test(a_chip_that_always_takes_4_bytes_needs_no_mode),
      cmocka_unit_test(a_hanging_bus_is_told_whenever_it_hangs),
      cmocka_unit_test(a_status_write_that_never_ends_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
