// SPDX-License-Identifier: MIT
// Every guest error of the NOR model: reported for a bad use by its class and with
// the numbers in its sentence, silent for the same use mended.
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

// The one report there is: its class, and that its sentence holds `text`.
static void expect_says(struct rig *r, enum guest_error error, const char *text) {
  const struct report_entry *e = r->sim.report.entries;
  const char *const detail = e ? e->detail : "(nothing)";
  if (!strstr(detail, text)) fail_msg("\"%s\" lacks \"%s\"", detail, text);
  expect_only(r, error);
}

static struct cmd erase_4k(unsigned address_bytes) {
  return (struct cmd){.opcode = 0x20,
                      .op_lines = 1,
                      .address_lines = 1,
                      .address_bytes = address_bytes,
                      .address = 0x1000};
}

static void wel(void **state) {
  struct rig *r = *state;
  const struct cmd erase = erase_4k(3);
  rig_run(r, &erase);
  expect_says(r, GUEST_NOR_WEL, "20h SE: no WREN");
  assert_int_equal(r->nor.counters.erases[0], 0);
  rig_op(r, 0x06);
  rig_run(r, &erase);
  assert_int_equal(r->nor.counters.erases[0], 1);
  expect_quiet(r);
}

static void wel_for_every_writing_command(void **state) {
  struct rig *r = *state;
  static const uint8_t opcodes[] = {0x01, 0x02, 0x12, 0x20, 0x21, 0x52, 0x5C,
                                    0xD8, 0xDC, 0x60, 0xC7, 0xC5, 0x38, 0x3E};
  nor_set_register(&r->nor, NOR_REG_STATUS, 0x40);
  for (unsigned i = 0; i < sizeof opcodes; i++) {
    rig_op(r, opcodes[i]);
    expect_only(r, GUEST_NOR_WEL);
  }
}

static void busy(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  rig_erase3(r, 0x20, 0x3000);
  rig_read3(r, 0, in, 2);
  assert_memory_equal(in, "\xFF\xFF", 2);
  expect_says(r, GUEST_NOR_BUSY, "03h READ: the chip is busy (erase at 0x0003000)");
  rig_op(r, 0x06);
  expect_says(r, GUEST_NOR_BUSY, "06h WREN");
  rig_wait(r, VT_MS(30));
  rig_read3(r, 0, in, 2);
  rig_op(r, 0x06);
  expect_quiet(r);
}

static void only_some_commands_while_busy(void **state) {
  struct rig *r = *state;
  static const uint8_t allowed[] = {0x05, 0x15, 0x2B, 0xB0, 0x66};
  r->nor.faults.stay_busy = true;
  rig_op(r, 0x06);
  rig_op(r, 0xC7);
  for (unsigned opcode = 0; opcode < 256; opcode++) {
    const struct nor_command *c = NULL;
    for (size_t i = 0; i < r->nor.chip->command_count; i++) {
      const struct nor_command *one = &r->nor.chip->commands[i];
      if (one->opcode == opcode && (one->in & NOR_SPI)) c = one;
    }
    if (!c || c->action == NOR_NOT_MODELLED) continue;
    const bool harmless = memchr(allowed, (int)opcode, sizeof allowed) ||
                          opcode == 0x00 || opcode == 0xFF || opcode == 0xAB ||
                          opcode == 0x30 || opcode == 0x99;
    if (opcode == 0x99) continue;  // would end the operation
    rig_op(r, (uint8_t)opcode);
    if (harmless) {
      expect_quiet(r);
    } else {
      expect_only(r, GUEST_NOR_BUSY);
    }
  }
}

static void suspended(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  rig_erase3(r, 0xD8, 0x10000);
  rig_wait(r, VT_MS(1));
  rig_op(r, 0xB0);
  rig_wait(r, VT_MS(1));
  rig_op(r, 0x06);
  const struct cmd erase = erase_4k(3);
  rig_run(r, &erase);
  expect_says(r, GUEST_NOR_BUSY, "while the erase at 0x0010000 is suspended");
  rig_read3(r, 0x1FFFF, in, 1);
  expect_says(r, GUEST_NOR_BUSY, "read of 0x001FFFF");
  rig_read3(r, 0x0FFFF, in, 1);
  expect_quiet(r);
  rig_program3(r, 0x10000, &(uint8_t){0}, 1);
  expect_says(r, GUEST_NOR_BUSY, "part of a suspended erase");
  assert_int_equal(rig_register(r, 0x2B), 0x28);  // P_FAIL, ESB
  rig_program3(r, 0x20000, &(uint8_t){0}, 1);
  rig_wait(r, VT_US(32));
  assert_int_equal(r->cells[0x20000], 0);
  expect_quiet(r);
}

static void a_suspended_program_allows_no_other(void **state) {
  struct rig *r = *state;
  const uint8_t zeros[256] = {0};
  rig_program3(r, 0, zeros, 256);
  rig_op(r, 0xB0);
  rig_wait(r, VT_US(25));
  rig_program3(r, 0x1000, zeros, 1);
  expect_says(r, GUEST_NOR_BUSY, "while the program at 0x0000000 is suspended");
}

static void what_cannot_be_suspended(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x06);
  rig_op(r, 0xC7);
  rig_op(r, 0xB0);
  expect_says(r, GUEST_NOR_BUSY, "a chip erase cannot be suspended");
}

static void resume_beside_a_running_program(void **state) {
  struct rig *r = *state;
  rig_erase3(r, 0xD8, 0x10000);
  rig_op(r, 0xB0);
  rig_wait(r, VT_US(25));
  rig_program3(r, 0, &(uint8_t){0}, 1);
  rig_op(r, 0x30);
  expect_only(r, GUEST_NOR_BUSY);
  rig_wait(r, VT_MS(1));
  rig_op(r, 0x30);
  expect_quiet(r);
}

static void commands_during_wake_up(void **state) {
  struct rig *r = *state;
  rig_op(r, 0xB9);
  rig_wait(r, VT_US(10));
  rig_op(r, 0xAB);
  rig_op(r, 0x06);
  expect_says(r, GUEST_NOR_BUSY, "06h WREN: the chip is waking up or resetting");
  rig_wait(r, VT_US(30));
  rig_op(r, 0x06);
  expect_quiet(r);
}

static void quad(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  static const uint8_t opcodes[] = {0x6B, 0x6C, 0xEB, 0xEC, 0x38, 0x3E};
  rig_op(r, 0x06);
  for (unsigned i = 0; i < sizeof opcodes; i++) {
    rig_op(r, opcodes[i]);
    expect_only(r, GUEST_NOR_QUAD);
  }
  struct cmd read = {.opcode = 0x6B,
                     .op_lines = 1,
                     .address_lines = 1,
                     .data_lines = 4,
                     .address_bytes = 3,
                     .dummy = 8,
                     .in = in,
                     .count = 2};
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_QUAD, "6Bh QREAD: the chip's QE bit is clear");
  rig_quad(r);
  rig_run(r, &read);
  expect_quiet(r);
}

static void unknown_opcode(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x77);
  expect_says(r, GUEST_NOR_OPCODE, "77h (unknown): no such command in SPI mode");
  nor_select(&r->nor, true);  // the same on the bare pins
  for (int bit = 7; bit >= 0; bit--) {
    nor_clock(&r->nor, (struct nor_io){(0x76 >> bit) & 1, 0x1});
  }
  nor_select(&r->nor, false);
  expect_says(r, GUEST_NOR_OPCODE, "76h (unknown): no such command in SPI mode");
  rig_op(r, 0xAF);  // QPI only
  expect_only(r, GUEST_NOR_OPCODE);
  rig_op(r, 0x35);
  rig_op4(r, 0x9F);  // SPI only
  expect_says(r, GUEST_NOR_OPCODE, "in QPI mode");
}

static void opcode_on_the_wrong_lines(void **state) {
  struct rig *r = *state;
  uint8_t in[3];
  struct cmd c = {.opcode = 0x9F, .op_lines = 4, .data_lines = 4, .in = in, .count = 3};
  rig_run(r, &c);
  expect_says(r, GUEST_NOR_OPCODE, "opcode 9Fh sent on 4 lines to a chip in SPI mode");
  rig_op(r, 0x35);
  rig_op(r, 0x06);
  expect_says(r, GUEST_NOR_OPCODE, "opcode 06h sent on 1 lines to a chip in QPI mode");
  c.op_lines = 0;
  c.address_bytes = 3;
  c.address_lines = 4;
  rig_run(r, &c);
  expect_says(r, GUEST_NOR_OPCODE, "no opcode sent to a chip in QPI mode");
  c.opcode = 0xAF;
  c.op_lines = 4;
  c.address_bytes = 0;
  rig_run(r, &c);
  expect_quiet(r);
}

static void clocks_after_the_end(void **state) {
  struct rig *r = *state;
  nor_select(&r->nor, true);
  nor_send(&r->nor, NOR_PART_OPCODE, 1, &(uint8_t){0x06}, 8);
  nor_clock(&r->nor, (struct nor_io){0, 0x1});
  nor_select(&r->nor, false);
  expect_says(r, GUEST_NOR_OPCODE, "06h WREN: 1 clocks too many: not executed");
  assert_int_equal(rig_register(r, 0x05), 0);
}

static void ends_inside_a_byte(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x06);
  nor_select(&r->nor, true);
  nor_send(&r->nor, NOR_PART_OPCODE, 1, &(uint8_t){0x01}, 8);
  nor_send(&r->nor, NOR_PART_DATA, 1, &(uint8_t){0x40}, 7);
  nor_select(&r->nor, false);
  expect_says(r, GUEST_NOR_OPCODE, "CS# rose inside a byte");
  rig_run(r, &(struct cmd){.opcode = 0x01, .op_lines = 1});
  expect_says(r, GUEST_NOR_OPCODE, "before any data");
  rig_write_register(r, 0x01, (uint8_t[]){0x40, 0x07, 0x00}, 3);
  expect_says(r, GUEST_NOR_OPCODE, "3 bytes sent, at most 2 taken");
  rig_write_register(r, 0xC5, (uint8_t[]){1, 1}, 1);
  expect_quiet(r);
}

static void data_where_there_is_none(void **state) {
  struct rig *r = *state;
  uint8_t byte = 0;
  rig_run(
      r, &(struct cmd){
             .opcode = 0x05, .op_lines = 1, .data_lines = 1, .out = &byte, .count = 1});
  expect_says(r, GUEST_NOR_OPCODE, "the controller sends data, this command has none");
  rig_op(r, 0x06);
  rig_run(r,
          &(struct cmd){
              .opcode = 0x01, .op_lines = 1, .data_lines = 1, .in = &byte, .count = 1});
  expect_says(r, GUEST_NOR_OPCODE, "the controller reads data, this command has none");
  rig_run(r,
          &(struct cmd){
              .opcode = 0x05, .op_lines = 1, .data_lines = 4, .in = &byte, .count = 1});
  expect_says(r, GUEST_NOR_OPCODE, "data on 4 lines, the chip uses 1");
}

static void address_length(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  struct cmd read = {.opcode = 0x03,
                     .op_lines = 1,
                     .address_lines = 1,
                     .data_lines = 1,
                     .address_bytes = 4,
                     .address = 0x1000,
                     .in = in,
                     .count = 2};
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_ADDRESS,
              "03h READ: 32 address bits sent, the chip takes 24 (3-byte mode)");
  rig_op(r, 0xB7);
  rig_run(r, &read);
  expect_quiet(r);
  read.address_bytes = 3;
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_ADDRESS,
              "24 address bits sent, the chip takes 32 (4-byte mode)");
  read.opcode = 0x13;
  rig_run(r, &read);
  expect_only(r, GUEST_NOR_ADDRESS);
  read.address_bytes = 0;
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_ADDRESS, "no address sent");
  read.opcode = 0x9F;
  read.address_bytes = 3;
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_ADDRESS, "24 address bits sent, the chip takes 0");
}

// A 4-byte program to a chip in 3-byte mode: the fourth byte is data to it.
static void address_length_of_a_program(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = 0x02,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 4,
                           .address = 0x00123400,
                           .out = (const uint8_t *)"\x11",
                           .count = 1});
  expect_only(r, GUEST_NOR_ADDRESS);
  rig_wait(r, VT_MS(1));
  assert_memory_equal(r->cells + 0x1234, "\x00\x11", 2);
}

static void address_length_of_an_erase(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x06);
  struct cmd erase = erase_4k(4);
  rig_run(r, &erase);
  assert_int_equal(report_count(&r->sim.report, GUEST_NOR_ADDRESS), 1);
  assert_int_equal(r->nor.counters.erases[0], 0);  // not at a byte boundary it knows
  report_clear(&r->sim.report);
  erase.address_bytes = 2;
  rig_run(r, &erase);
  assert_true(report_count(&r->sim.report, GUEST_NOR_ADDRESS) > 0);
  assert_int_equal(r->nor.counters.erases[0], 0);
  report_clear(&r->sim.report);
  erase.address_bytes = 3;
  rig_run(r, &erase);
  assert_int_equal(r->nor.counters.erases[0], 1);
  expect_quiet(r);
}

static void address_outside_the_chip(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  struct cmd read = {.opcode = 0x13,
                     .op_lines = 1,
                     .address_lines = 1,
                     .data_lines = 1,
                     .address_bytes = 4,
                     .address = 0x04000000,
                     .in = in,
                     .count = 2};
  r->cells[0] = 0x42;
  rig_run(r, &read);
  assert_int_equal(in[0], 0x42);  // the upper bits do not exist
  expect_says(r, GUEST_NOR_ADDRESS, "address 0x04000000 is outside the chip's 64 MB");
  read.address = 0x03FFFFFE;
  rig_run(r, &read);
  expect_quiet(r);
}

static void address_on_the_wrong_lines(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  rig_quad(r);
  struct cmd read = {.opcode = 0x6B,
                     .op_lines = 1,
                     .address_lines = 4,
                     .data_lines = 4,
                     .address_bytes = 3,
                     .dummy = 8,
                     .in = in,
                     .count = 2};
  rig_run(r, &read);
  assert_true(report_count(&r->sim.report, GUEST_NOR_ADDRESS) == 1);
  report_clear(&r->sim.report);
  read.opcode = 0xEB;
  read.dummy = 6;
  rig_run(r, &read);
  expect_quiet(r);
}

static void dummy(void **state) {
  struct rig *r = *state;
  uint8_t in[2];
  rig_quad(r);
  struct cmd read = {.opcode = 0xEB,
                     .op_lines = 1,
                     .address_lines = 4,
                     .data_lines = 4,
                     .address_bytes = 3,
                     .dummy = 10,
                     .in = in,
                     .count = 2};
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_DUMMY, "EBh 4READ: 10 dummy clocks given, 6 needed");
  rig_dummies(r, 0xC7);
  rig_run(r, &read);
  expect_quiet(r);
  read.mode_bytes = 1;
  read.mode = 0;
  read.dummy = 4;
  rig_run(r, &read);
  expect_says(r, GUEST_NOR_DUMMY, "6 dummy clocks given, 10 needed");
  read.dummy = 8;
  rig_run(r, &read);
  expect_quiet(r);
  rig_run(r, &(struct cmd){.opcode = 0x06, .op_lines = 1, .dummy = 1});
  assert_true(report_count(&r->sim.report, GUEST_NOR_DUMMY) == 1);
}

static void wrap(void **state) {
  struct rig *r = *state;
  uint8_t data[300];
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i + 1);
  rig_program3(r, 0x10F0, data, 17);
  expect_says(r, GUEST_NOR_WRAP, "17 bytes from 0x00010F0 do not fit its page of 256");
  rig_wait(r, VT_MS(1));
  assert_memory_equal(r->cells + 0x10F0, data, 16);
  assert_int_equal(r->cells[0x1000], 17);
  assert_int_equal(r->cells[0x1100], 0xFF);
  rig_program3(r, 0x20F0, data, 16);
  rig_wait(r, VT_MS(1));
  expect_quiet(r);
  rig_program3(r, 0x3000, data, 300);  // the last 256 count
  rig_wait(r, VT_MS(1));
  expect_only(r, GUEST_NOR_WRAP);
  assert_memory_equal(r->cells + 0x3000, data + 256, 44);
  assert_memory_equal(r->cells + 0x3000 + 44, data + 44, 256 - 44);
}

static void not_erased(void **state) {
  struct rig *r = *state;
  r->cells[5] = 0x0F;
  rig_program3(r, 4, (const uint8_t *)"\x00\x1E\x00", 3);
  expect_says(r, GUEST_NOR_NOT_ERASED, "0x0000005 holds 0Fh and cannot become 1Eh");
  rig_wait(r, VT_MS(1));
  assert_int_equal(r->cells[5], 0x0E);
  rig_program3(r, 5, (const uint8_t *)"\xFF", 1);  // FFh over 0Eh neither
  expect_only(r, GUEST_NOR_NOT_ERASED);
  rig_wait(r, VT_MS(1));
  rig_erase3(r, 0x20, 0);
  rig_wait(r, VT_MS(30));
  rig_program3(r, 4, (const uint8_t *)"\x00\x1E\x00", 3);
  expect_quiet(r);
}

static void protected_block(void **state) {
  struct rig *r = *state;
  nor_set_register(&r->nor, NOR_REG_STATUS, 15 << 2);
  rig_program3(r, 0, (const uint8_t *)"\0", 1);
  expect_says(r, GUEST_NOR_PROTECTED, "0x0000000 is protected (BP = 15)");
  assert_int_equal(rig_register(r, 0x2B), 0x20);  // P_FAIL
  rig_write_register(r, 0x01, &(uint8_t){0}, 1);
  rig_wait(r, VT_MS(40));
  rig_program3(r, 0, (const uint8_t *)"\0", 1);
  rig_wait(r, VT_MS(1));
  assert_int_equal(rig_register(r, 0x2B), 0x00);  // cleared by the next success
  expect_quiet(r);
}

// SCLK limits by command and latency: silent at the limit, reported above it.
static void clock_limits(void **state) {
  struct rig *r = *state;
  static const struct {
    uint8_t opcode, config;
    unsigned mhz;
  } cases[] = {
      {0x03, 0x07, 66},  {0x13, 0x07, 66},  {0x0B, 0x07, 133}, {0x0B, 0x47, 133},
      {0x0B, 0xC7, 166}, {0x6B, 0x47, 104}, {0x6B, 0xC7, 166}, {0xBB, 0x07, 84},
      {0xBB, 0x47, 104}, {0xBB, 0x87, 133}, {0xEB, 0x07, 84},  {0xEB, 0x47, 70},
      {0xEB, 0x87, 104}, {0xEB, 0xC7, 133}, {0xEC, 0xC7, 133}, {0x05, 0x07, 166},
  };
  nor_set_register(&r->nor, NOR_REG_STATUS, 0x40);
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    nor_set_register(&r->nor, NOR_REG_CONFIG, cases[i].config);
    nor_set_clock(&r->nor, cases[i].mhz * 1000000ull);
    rig_op(r, cases[i].opcode);
    expect_quiet(r);
    nor_set_clock(&r->nor, cases[i].mhz * 1000000ull + 1);
    rig_op(r, cases[i].opcode);
    expect_only(r, GUEST_QSPI_CLOCK);
  }
  nor_set_register(&r->nor, NOR_REG_CONFIG, 0x07);
  nor_set_clock(&r->nor, 108000000);
  rig_op(r, 0xEB);
  expect_says(r, GUEST_QSPI_CLOCK,
              "EBh 4READ: SCLK 108000 kHz, the limit with 6 dummy clocks is 84 MHz");
}

static void clock_limit_in_044(void **state) {
  struct rig *r = *state;
  uint8_t in;
  nor_set_register(&r->nor, NOR_REG_STATUS, 0x40);
  struct cmd read = {.opcode = 0xEB,
                     .op_lines = 1,
                     .address_lines = 4,
                     .data_lines = 4,
                     .address_bytes = 3,
                     .mode_bytes = 1,
                     .mode = 0xA5,
                     .dummy = 4,
                     .in = &in,
                     .count = 1};
  rig_run(r, &read);
  nor_set_clock(&r->nor, 108000000);
  read.op_lines = 0;
  rig_run(r, &read);
  expect_only(r, GUEST_QSPI_CLOCK);
}

static void missing_commands_are_named(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x68);
  assert_int_equal(r->sim.report.unimplemented, 1);
  assert_non_null(
      strstr(r->sim.report.entries->detail, "mx25l51245g: command 68h WPSEL"));
  assert_int_equal(r->sim.report.guest_errors, 0);
}

// Every opcode, with nothing, with an address and with data behind it, in both
// protocols and at any state: nothing crashes, and the chip answers after a reset.
static void no_opcode_harms_the_model(void **state) {
  struct rig *r = *state;
  uint8_t data[5] = {1, 2, 3, 4, 5};
  for (unsigned opcode = 0; opcode < 256; opcode++) {
    for (unsigned form = 0; form < 12; form++) {
      const unsigned lines = form % 2 ? 4 : 1;
      if (form >= 6) rig_op(r, 0x35);
      if (form >= 6) rig_op4(r, 0x06);
      rig_op(r, 0x06);
      rig_run(r, &(struct cmd){.opcode = (uint8_t)opcode,
                               .op_lines = lines,
                               .address_lines = lines,
                               .data_lines = lines,
                               .address_bytes = form % 6 / 2 ? 3 : 0,
                               .dummy = form % 5,
                               .out = form % 6 < 4 ? NULL : data,
                               .in = form % 6 < 4 ? data : NULL,
                               .count = 5});
      rig_op4(r, 0x66);
      rig_op4(r, 0x99);
      rig_op(r, 0x66);
      rig_op(r, 0x99);
      rig_wait(r, VT_MS(100));
      rig_op(r, 0xAB);
      rig_wait(r, VT_MS(1));
      uint8_t id[3];
      rig_run(
          r, &(struct cmd){
                 .opcode = 0x9F, .op_lines = 1, .data_lines = 1, .in = id, .count = 3});
      assert_memory_equal(id, "\xC2\x20\x1A", 3);
      nor_set_register(&r->nor, NOR_REG_STATUS, 0);
    }
  }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(wel),
      TEST(wel_for_every_writing_command),
      TEST(busy),
      TEST(only_some_commands_while_busy),
      TEST(suspended),
      TEST(a_suspended_program_allows_no_other),
      TEST(what_cannot_be_suspended),
      TEST(resume_beside_a_running_program),
      TEST(commands_during_wake_up),
      TEST(quad),
      TEST(unknown_opcode),
      TEST(opcode_on_the_wrong_lines),
      TEST(clocks_after_the_end),
      TEST(ends_inside_a_byte),
      TEST(data_where_there_is_none),
      TEST(address_length),
      TEST(address_length_of_a_program),
      TEST(address_length_of_an_erase),
      TEST(address_outside_the_chip),
      TEST(address_on_the_wrong_lines),
      TEST(dummy),
      TEST(wrap),
      TEST(not_erased),
      TEST(protected_block),
      TEST(clock_limits),
      TEST(clock_limit_in_044),
      TEST(missing_commands_are_named),
      TEST(no_opcode_harms_the_model),
  };
  return cmocka_run_group_tests_name("nor_error", tests, NULL, NULL);
}
