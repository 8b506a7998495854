// SPDX-License-Identifier: MIT
// From a chip in any state to a known one: each command in its order, and what happens
// with chips that are absent, busy, unknown, stubborn or lying.
#include "firmware/flash/nor.h"

#include "tests/fakes/nor_chip.h"

enum { MAX_HZ = 54000000 };

static struct nor_chip chip;
static struct nor nor;
static struct nor_bus bus;

static enum status start(void) {
  bus = nor_chip_bus(&chip);
  memset(&nor, 0xA5, sizeof nor);  // nothing may rely on zeros
  return nor_start(&nor, &bus, MAX_HZ);
}

#define RECOVERY                   \
  "clock 40000000\n"               \
  "w FF 4-0-0 m4:FFx3\n"           \
  "w FF 4-0-0 m4:FFx4\n"           \
  "w FF 4-4-0 @FFFFFF/3 m4:FFx4\n" \
  "w 66 4-0-0\n"                   \
  "w 99 4-0-0\n"                   \
  "pause\n"                        \
  "w 66 1-0-0\n"                   \
  "w 99 1-0-0\n"                   \
  "pause\n"                        \
  "w AB 1-0-0\n"                   \
  "pause\n"                        \
  "r 05 1-0-1 n1\n"

#define IDENTIFICATION            \
  "r 9F 1-0-1 n3\n"               \
  "r 5A 1-1-1 @000000/3 d8 n8\n"  \
  "r 5A 1-1-1 @000008/3 d8 n8\n"  \
  "r 5A 1-1-1 @000010/3 d8 n8\n"  \
  "r 5A 1-1-1 @000018/3 d8 n8\n"  \
  "r 5A 1-1-1 @000030/3 d8 n64\n" \
  "r 5A 1-1-1 @0000C0/3 d8 n8\n"  \
  "size 134217728\n"

#define QUAD_TRIAL                  \
  "r 0C 1-1-1 @00000000/4 d8 n16\n" \
  "clock 54000000\n"                \
  "r 9F 1-0-1 n3\n"                 \
  "r EC 1-4-4 @00000000/4 m4:FFx1 d4 n16\n"

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
  expect_log(RECOVERY IDENTIFICATION "r 05 1-0-1 n1\n" QUAD_TRIAL);
}

static void the_status_register_is_written_only_if_it_differs(void **state) {
  (void)state;
  static const struct {
    uint8_t before;
    int written;  // -1: nothing
  } cases[] = {
      {0x00, 0x40}, {0x40, -1}, {0x3C, 0x40}, {0x7C, 0x40}, {0x44, 0x40},
      {0x80, 0xC0}, {0xC0, -1}, {0xBC, 0xC0}, {0x60, 0x40},
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

static void every_real_chip_is_used_by_its_own_commands(void **state) {
  (void)state;
  static const struct {
    enum status status;
    uint8_t bytes, lines, read, program, erase;
  } chips[SFDP_DUMPS] = {
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // at25ql128a
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // bh25q128as
      {ST_OK, 4, 1, 0x0C, 0x12, 0xDC},  // gd25lb512me: quad enable 7
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // is25wp256: 32 MB, no 4-byte table
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // mt25ql512_bfpt
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mt25qu256a
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mt25qu512a
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // mx25l12835f: nothing said of quad enable
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // mx25l25635e
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // mx25l25635f
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // mx25l3233f
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // mx25l3255e_class
      {ST_OK, 3, 4, 0xEB, 0x02, 0xD8},  // mx25r6435f
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mx25u51245g
      {ST_OK, 4, 1, 0x0C, 0x12, 0xDC},  // mx25um_octal_c2813a: no 1-4-4 read
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mx66l1g45g
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mx66l2g45g
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // mx66l51235f
      {ST_OK, 4, 4, 0xEC, 0x3E, 0xDC},  // mx66u2g45g
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // mx_512mbit_jesd216b: its table is blank here
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // n25q256a
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // sst26vf064b
      {ST_OK, 4, 1, 0x0C, 0x12, 0xDC},  // w25q01jvq
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // w25q128_old
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // w25q128jv
      {ST_NOR_UNKNOWN, 0, 0, 0, 0, 0},  // w25q256
      {ST_OK, 4, 1, 0x0C, 0x12, 0xDC},  // w25q512jv
      {ST_OK, 4, 1, 0x0C, 0x12, 0xDC},  // w25q512nwm
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // w25q64jv
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // w25q64jwm
      {ST_OK, 3, 1, 0x0B, 0x02, 0xD8},  // zd25q128c
  };
  for (size_t i = 0; i < SFDP_DUMPS; i++) {
    nor_chip_open(&chip, sfdp_dump_names[i]);
    assert_int_equal(start(), chips[i].status);
    if (chips[i].status != ST_OK) continue;
    const struct nor_cmd *r = &nor.read_cmd, *p = &nor.program_cmd, *e = &nor.erase_cmd;
    assert_int_equal(r->opcode, chips[i].read);
    assert_int_equal(r->address_lines, chips[i].lines);
    assert_int_equal(r->data_lines, chips[i].lines);
    assert_int_equal(p->opcode, chips[i].program);
    assert_int_equal(p->data_lines, chips[i].program == 0x3E ? 4 : 1);
    assert_int_equal(p->address_lines, p->data_lines);
    assert_int_equal(p->dummy_clocks, 0);
    assert_int_equal(e->opcode, chips[i].erase);
    assert_int_equal(r->address_bytes, chips[i].bytes);
    assert_int_equal(p->address_bytes, chips[i].bytes);
    assert_int_equal(e->address_bytes, chips[i].bytes);
    assert_int_equal(chip.clock_hz, chips[i].lines == 4 ? MAX_HZ : 40000000);
  }
}

// Mode clocks of two are the mode byte on four lines, FFh so that nobody enters
// 0-4-4; others are dummy clocks (facts on chips: Micron has 1 + 9).
static void dummy_clocks_are_those_of_the_chip(void **state) {
  (void)state;
  nor_chip_open(&chip, "mt25qu512a");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.dummy_clocks, 10);
  assert_int_equal(nor.read_cmd.mode_lines, 0);
  assert_null(strstr(chip.log, "w 06"));  // needs no quad enable
  nor_chip_open(&chip, "mx25r6435f");
  assert_int_equal(start(), ST_OK);
  assert_int_equal(nor.read_cmd.dummy_clocks, 4);
  assert_int_equal(nor.read_cmd.mode_lines, 4);
  assert_int_equal(nor.read_cmd.mode_bytes, 1);
  assert_int_equal(nor.read_cmd.mode, 0xFF);
}

// --- one line, when four do not work ---

static void expect_single_line(void) {
  assert_int_equal(nor.read_cmd.opcode, 0x0C);
  assert_int_equal(nor.read_cmd.data_lines, 1);
  assert_int_equal(nor.read_cmd.dummy_clocks, 8);
  assert_int_equal(nor.program_cmd.opcode, 0x12);
  assert_int_equal(nor.program_cmd.address_lines, 1);
  assert_int_equal(nor.program_cmd.data_lines, 1);
  assert_int_equal(chip.clock_hz, 40000000);
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
  nor_chip_open(&chip, "mx66l1g45g");
  chip.fast_lies = true;
  assert_int_equal(start(), ST_OK);
  expect_single_line();
}

// The instruction is known with 3 address bytes only.
static void a_4_byte_chip_without_a_4_byte_quad_read_works_on_one_line(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  chip.sfdp.bytes[0xC0] &= 0xDF;
  assert_int_equal(start(), ST_OK);
  expect_single_line();
}

// Quad enable by other registers is not known here, and none of them is touched.
static void no_register_of_another_family_is_written(void **state) {
  (void)state;
  static const uint8_t codes[] = {1, 3, 4, 5, 6, 7};
  for (size_t i = 0; i < sizeof codes; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    uint8_t *dw15 = chip.sfdp.bytes + 0x30 + 4 * 14;
    dw15[2] = (uint8_t)((dw15[2] & 0x8F) | codes[i] << 4);
    assert_int_equal(start(), ST_OK);
    expect_single_line();
    assert_null(strstr(chip.log, "w 06"));
    assert_null(strstr(chip.log, "w 01"));
  }
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
  nor_chip_open(&chip, "mx66l1g45g");
  chip.busy_reads = 0xFFFFFFFF;
  const uint32_t before = chip.now_us;
  assert_int_equal(start(), ST_NOR_ABSENT);
  assert_in_range(chip.now_us - before, 100000, 300000);
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

// A medium of it could not be told: blocks under 4 KB or over 64 KB, or more blocks
// than fit into a layout string; 4-byte reads or programs that are not there.
static void a_chip_that_makes_no_medium_is_unknown(void **state) {
  (void)state;
  static const struct {
    uint32_t at;
    uint8_t value;
    enum status status;
  } cases[] = {
      {0xC0, 0x7F, ST_OK},          {0xC0, 0x7D, ST_NOR_UNKNOWN},  // no 0Ch
      {0xC0, 0x3F, ST_NOR_UNKNOWN},                                // no 12h
      {0xC1, 0xE1, ST_NOR_UNKNOWN},                                // no 4-byte erase
      {0xC1, 0xE3, ST_NOR_UNKNOWN},  // 4 KB alone: 32768 blocks
      {0xC1, 0xE5, ST_OK},           // 32 KB alone: 4096
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    chip.sfdp.bytes[cases[i].at] = cases[i].value;
    assert_int_equal(start(), cases[i].status);
  }
  static const struct {
    uint8_t exponents[4];
    enum status status;
    uint32_t size;
  } erases[] = {
      {{12, 15, 16, 0}, ST_OK, 65536},    {{12, 15, 0, 0}, ST_OK, 32768},
      {{12, 0, 0, 18}, ST_OK, 4096},      {{0, 0, 0, 18}, ST_NOR_UNKNOWN, 0},
      {{8, 11, 0, 0}, ST_NOR_UNKNOWN, 0}, {{0, 0, 0, 0}, ST_NOR_UNKNOWN, 0},
      {{16, 12, 16, 15}, ST_OK, 65536},
  };
  for (size_t i = 0; i < sizeof erases / sizeof *erases; i++) {
    nor_chip_open(&chip, "mx25r6435f");
    for (int k = 0; k < 4; k++)
      chip.sfdp.bytes[0x30 + 28 + 2 * k] = erases[i].exponents[k];
    assert_int_equal(start(), erases[i].status);
    if (erases[i].size) assert_int_equal(nor.erase.size, erases[i].size);
  }
}

// --- a bus that hangs, a register that stays busy ---

static void a_hanging_bus_is_told_whenever_it_hangs(void **state) {
  (void)state;
  nor_chip_open(&chip, "mx66l1g45g");
  assert_int_equal(start(), ST_OK);
  const unsigned calls = chip.calls;
  assert_int_equal(calls, 24);
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
  assert_in_range(chip.now_us - before, 40000, 100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_chip_is_brought_up_command_by_command),
      cmocka_unit_test(a_chip_that_is_ready_for_quad_is_only_read),
      cmocka_unit_test(the_status_register_is_written_only_if_it_differs),
      cmocka_unit_test(every_real_chip_is_used_by_its_own_commands),
      cmocka_unit_test(dummy_clocks_are_those_of_the_chip),
      cmocka_unit_test(a_chip_that_refuses_quad_mode_works_on_one_line),
      cmocka_unit_test(four_lines_that_read_wrong_are_not_used),
      cmocka_unit_test(a_4_byte_chip_without_a_4_byte_quad_read_works_on_one_line),
      cmocka_unit_test(no_register_of_another_family_is_written),
      cmocka_unit_test(no_chip_is_told_as_no_chip),
      cmocka_unit_test(an_id_with_one_odd_byte_is_an_id),
      cmocka_unit_test(a_busy_chip_is_waited_for),
      cmocka_unit_test(a_chip_that_says_nothing_of_itself_is_unknown),
      cmocka_unit_test(a_chip_that_makes_no_medium_is_unknown),
      cmocka_unit_test(a_hanging_bus_is_told_whenever_it_hangs),
      cmocka_unit_test(a_status_write_that_never_ends_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
