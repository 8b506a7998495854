// SPDX-License-Identifier: MIT
// Reading from the NOR model: every read command in every mode with golden framing,
// ids, SFDP, registers, 0-4-4, and reads of the raw pins.
#include <stdio.h>

#include "tests/model/nor_rig.h"

static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  rig_start(r);
  rig_fill(r);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  rig_stop(*state);
  free(*state);
  return 0;
}

// What PM2006 says of each read: opcode, lines, dedicated 4-byte address, and the
// dummy clocks for DC = 00, 01, 10, 11.
struct read_golden {
  unsigned opcode;
  unsigned address_lines, data_lines;
  unsigned always4;
  unsigned dummy[4];
};

static const struct read_golden reads[] = {
    {0x03, 1, 1, 0, {0, 0, 0, 0}},  {0x13, 1, 1, 1, {0, 0, 0, 0}},
    {0x0B, 1, 1, 0, {8, 6, 8, 10}}, {0x0C, 1, 1, 1, {8, 6, 8, 10}},
    {0x3B, 1, 2, 0, {8, 6, 8, 10}}, {0x3C, 1, 2, 1, {8, 6, 8, 10}},
    {0xBB, 2, 2, 0, {4, 6, 8, 10}}, {0xBC, 2, 2, 1, {4, 6, 8, 10}},
    {0x6B, 1, 4, 0, {8, 6, 8, 10}}, {0x6C, 1, 4, 1, {8, 6, 8, 10}},
    {0xEB, 4, 4, 0, {6, 4, 8, 10}}, {0xEC, 4, 4, 1, {6, 4, 8, 10}},
};

enum { READS = sizeof reads / sizeof reads[0] };

static struct cmd framing(const struct read_golden *g, unsigned dc, bool mode4,
                          uint32_t address, uint8_t *in, size_t count) {
  return (struct cmd){.opcode = (uint8_t)g->opcode,
                      .op_lines = 1,
                      .address_lines = g->address_lines,
                      .data_lines = g->data_lines,
                      .address_bytes = g->always4 || mode4 ? 4 : 3,
                      .address = address,
                      .dummy = g->dummy[dc],
                      .in = in,
                      .count = count};
}

static void every_read_in_spi(void **state) {
  struct rig *r = *state;
  uint8_t in[100];
  for (unsigned dc = 0; dc < 4; dc++) {
    rig_dummies(r, (uint8_t)(dc << 6 | 7));
    for (unsigned mode4 = 0; mode4 < 2; mode4++) {
      rig_op(r, mode4 ? 0xB7 : 0xE9);
      for (unsigned i = 0; i < READS; i++) {
        const uint32_t address = reads[i].always4 || mode4 ? 0x03456789 : 0x456789;
        const struct cmd c = framing(&reads[i], dc, mode4, address, in, sizeof in);
        rig_run(r, &c);
        assert_memory_equal(in, r->cells + address, sizeof in);
      }
    }
  }
  expect_quiet(r);
}

// One dummy clock more or fewer is reported for each of them, and the exact number
// is not.
static void dummy_clocks_matter(void **state) {
  struct rig *r = *state;
  uint8_t in[4];
  rig_quad(r);
  for (unsigned i = 0; i < READS; i++) {
    struct cmd c = framing(&reads[i], 0, false, 0x1000, in, sizeof in);
    c.dummy++;
    rig_run(r, &c);
    expect_only(r, GUEST_NOR_DUMMY);
    assert_memory_not_equal(in, r->cells + 0x1000, sizeof in);
    if (c.dummy < 2) continue;
    c.dummy -= 2;
    rig_run(r, &c);
    expect_only(r, GUEST_NOR_DUMMY);
    assert_memory_not_equal(in, r->cells + 0x1000, sizeof in);
  }
}

// In QPI the chip knows 4READ and 4READ4B, all on four lines.
static void reads_in_qpi(void **state) {
  struct rig *r = *state;
  uint8_t in[40];
  rig_dummies(r, 0xC7);
  rig_op(r, 0x35);
  struct cmd c = {.opcode = 0xEC,
                  .op_lines = 4,
                  .address_lines = 4,
                  .data_lines = 4,
                  .address_bytes = 4,
                  .address = 0x02ABCDEF,
                  .dummy = 10,
                  .in = in,
                  .count = sizeof in};
  rig_run(r, &c);
  assert_memory_equal(in, r->cells + 0x02ABCDEF, sizeof in);
  c.opcode = 0xEB;
  c.address_bytes = 3;
  c.address = 0xABCDEF;
  rig_run(r, &c);
  assert_memory_equal(in, r->cells + 0xABCDEF, sizeof in);
  expect_quiet(r);
  for (unsigned i = 0; i < READS; i++) {
    if (reads[i].opcode >= 0xEB) continue;
    c.opcode = (uint8_t)reads[i].opcode;
    rig_run(r, &c);
    expect_only(r, GUEST_NOR_OPCODE);
  }
}

static void reads_roll_over(void **state) {
  struct rig *r = *state;
  uint8_t in[8];
  rig_run(r, &(struct cmd){.opcode = 0x13,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 4,
                           .address = 0x03FFFFFC,
                           .in = in,
                           .count = 8});
  assert_memory_equal(in, r->cells + 0x03FFFFFC, 4);
  assert_memory_equal(in + 4, r->cells, 4);
  expect_quiet(r);
}

// RDEAR/WREAR: the upper address bits of 3-byte commands.
static void extended_address(void **state) {
  struct rig *r = *state;
  uint8_t in[4];
  rig_write_register(r, 0xC5, &(uint8_t){0x02}, 1);
  assert_int_equal(rig_register(r, 0xC8), 0x02);
  rig_read3(r, 0x123456, in, 4);
  assert_memory_equal(in, r->cells + 0x02123456, 4);
  rig_op(r, 0xB7);  // means nothing to 4-byte addresses
  rig_run(r, &(struct cmd){.opcode = 0x03,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 4,
                           .address = 0x00123456,
                           .in = in,
                           .count = 4});
  assert_memory_equal(in, r->cells + 0x00123456, 4);
  expect_quiet(r);
}

static void ids(void **state) {
  struct rig *r = *state;
  uint8_t in[6];
  const uint8_t jedec[] = {0xC2, 0x20, 0x1A};
  rig_run(r, &(struct cmd){
                 .opcode = 0x9F, .op_lines = 1, .data_lines = 1, .in = in, .count = 3});
  assert_memory_equal(in, jedec, 3);
  rig_run(r, &(struct cmd){.opcode = 0x90,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 3,
                           .in = in,
                           .count = 4});
  assert_memory_equal(in, ((uint8_t[]){0xC2, 0x19, 0xC2, 0x19}), 4);
  rig_run(r, &(struct cmd){.opcode = 0x90,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 3,
                           .address = 1,
                           .in = in,
                           .count = 2});
  assert_memory_equal(in, ((uint8_t[]){0x19, 0xC2}), 2);
  rig_run(r, &(struct cmd){.opcode = 0xAB,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 3,
                           .in = in,
                           .count = 2});
  assert_memory_equal(in, ((uint8_t[]){0x19, 0x19}), 2);
  rig_op(r, 0x35);
  rig_run(r, &(struct cmd){
                 .opcode = 0xAF, .op_lines = 4, .data_lines = 4, .in = in, .count = 3});
  assert_memory_equal(in, jedec, 3);
  expect_quiet(r);
}

// A dump in tests/vectors/sfdp: comments, then hex bytes. QB_ROOT is the tree's root;
// without it the tests run from there.
static size_t load_dump(const char *name, uint8_t *out, size_t size) {
  const char *root = getenv("QB_ROOT");
  char path[512];
  snprintf(path, sizeof path, "%s/tests/vectors/sfdp/%s", root ? root : ".", name);
  FILE *f = fopen(path, "r");
  if (!f) fail_msg("%s is missing", path);
  char line[200];
  size_t n = 0;
  while (fgets(line, sizeof line, f)) {
    if (line[0] == '#') continue;
    char *p = line;
    for (char *end; n < size; p = end, n++) {
      const unsigned long byte = strtoul(p, &end, 16);
      if (end == p) break;
      out[n] = (uint8_t)byte;
    }
  }
  fclose(f);
  return n;
}

static void read_sfdp(struct rig *r, unsigned lines, uint32_t address, uint8_t *in,
                      size_t count) {
  rig_run(r, &(struct cmd){.opcode = 0x5A,
                           .op_lines = lines,
                           .address_lines = lines,
                           .data_lines = lines,
                           .address_bytes = 3,
                           .address = address,
                           .dummy = 8,
                           .in = in,
                           .count = count});
}

static void sfdp_is_the_dump(void **state) {
  struct rig *r = *state;
  uint8_t dump[112], whole[512], in[512];
  assert_int_equal(load_dump("mx_512mbit_jesd216b.hex", dump, 112), 112);
  assert_int_equal(load_dump("mx66l1g45g.hex", whole, 512), 512);
  read_sfdp(r, 1, 0, in, sizeof in);
  assert_memory_equal(in, dump, 112);
  assert_memory_equal(in + 0xC0, whole + 0xC0, 8);     // 4BAIT
  assert_memory_equal(in + 0x110, whole + 0x110, 16);  // Macronix
  for (unsigned i = 112; i < 0xC0; i++)
    assert_int_equal(in[i], 0xFF);
  read_sfdp(r, 1, 0x32, in, 6);
  assert_memory_equal(in, dump + 0x32, 6);
  read_sfdp(r, 1, 0xFFFFFE, in, 4);  // beyond the tables
  assert_memory_equal(in, ((uint8_t[]){0xFF, 0xFF, 0x53, 0x46}), 4);
  // 3-byte address in 4-byte mode too, and on four lines in QPI.
  rig_op(r, 0xB7);
  read_sfdp(r, 1, 0, in, 4);
  assert_memory_equal(in, "SFDP", 4);
  rig_op(r, 0x35);
  read_sfdp(r, 4, 0x30, in, 4);
  assert_memory_equal(in, dump + 0x30, 4);
  expect_quiet(r);
}

static void registers_as_delivered(void **state) {
  struct rig *r = *state;
  assert_int_equal(rig_register(r, 0x05), 0x00);  // QE = 0
  assert_int_equal(rig_register(r, 0x15), 0x07);
  assert_int_equal(rig_register(r, 0x2B), 0x00);
  assert_int_equal(rig_register(r, 0xC8), 0x00);
  // RDSR repeats for as long as it is clocked.
  uint8_t in[5];
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){
                 .opcode = 0x05, .op_lines = 1, .data_lines = 1, .in = in, .count = 5});
  assert_memory_equal(in, "\x02\x02\x02\x02\x02", 5);
  rig_op(r, 0xB7);
  assert_int_equal(rig_register(r, 0x15), 0x27);
  rig_op(r, 0xE9);
  assert_int_equal(rig_register(r, 0x15), 0x07);
  expect_quiet(r);
}

static void qpi_in_and_out(void **state) {
  struct rig *r = *state;
  rig_op(r, 0x35);
  assert_true(r->nor.qpi);
  assert_int_equal(rig_register4(r, 0x05), 0x00);
  assert_int_equal(rig_register4(r, 0x15), 0x07);
  rig_op4(r, 0xF5);
  assert_false(r->nor.qpi);
  assert_int_equal(rig_register(r, 0x15), 0x07);
  expect_quiet(r);
}

// --- 0-4-4 ---

static struct cmd quad_io(uint32_t address, uint8_t mode, uint8_t *in) {
  return (struct cmd){.opcode = 0xEB,
                      .op_lines = 1,
                      .address_lines = 4,
                      .data_lines = 4,
                      .address_bytes = 3,
                      .address = address,
                      .mode_bytes = 1,
                      .mode = mode,
                      .dummy = 4,
                      .in = in,
                      .count = 4};
}

static void enters_044_by_toggling_mode_bits(void **state) {
  struct rig *r = *state;
  rig_quad(r);
  uint8_t in[4];
  for (unsigned mode = 0; mode < 256; mode++) {
    struct cmd c = quad_io(0x2000, (uint8_t)mode, in);
    rig_run(r, &c);
    assert_memory_equal(in, r->cells + 0x2000, 4);
    const bool toggles = (mode >> 4) == (~mode & 0xF);
    assert_int_equal(r->nor.held != NULL, toggles);
    if (!toggles) continue;
    c.op_lines = 0;
    c.address = 0x123456;
    rig_run(r, &c);
    assert_memory_equal(in, r->cells + 0x123456, 4);
    assert_non_null(r->nor.held);
    c.mode = 0xFF;
    rig_run(r, &c);
    assert_null(r->nor.held);
  }
  expect_quiet(r);
}

// FFh on four lines: 8 clocks leave 0-4-4 with 3-byte addresses, 10 with 4-byte ones;
// sent to a chip that was not in it, they harm nothing and nobody complains.
static void all_ones_leave_044(void **state) {
  struct rig *r = *state;
  rig_quad(r);
  uint8_t in[4];
  const uint8_t ones[5] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  for (unsigned mode4 = 0; mode4 < 2; mode4++) {
    rig_op(r, mode4 ? 0xB7 : 0xE9);
    struct cmd c = quad_io(0x2000, 0xA5, in);
    c.address_bytes = mode4 ? 4 : 3;
    rig_run(r, &c);
    assert_non_null(r->nor.held);
    for (unsigned again = 0; again < 2; again++) {
      nor_select(&r->nor, true);
      nor_send(&r->nor, NOR_PART_OPCODE, 4, ones, 8);
      nor_send(&r->nor, NOR_PART_MODE, 4, ones, mode4 ? 32 : 24);
      nor_select(&r->nor, false);
      assert_null(r->nor.held);
    }
    assert_int_equal(rig_register(r, 0x05), 0x40);
  }
  expect_quiet(r);
}

static void an_opcode_in_044_is_an_address(void **state) {
  struct rig *r = *state;
  rig_quad(r);
  uint8_t in[4];
  struct cmd c = quad_io(0x2000, 0xA5, in);
  rig_run(r, &c);
  rig_run(r, &c);  // with its opcode again
  assert_memory_not_equal(in, r->cells + 0x2000, 4);
  expect_only(r, GUEST_NOR_OPCODE);
}

// --- Pins ---

static struct nor_io drive(uint8_t value, uint8_t driven) {
  return (struct nor_io){value, driven};
}

// RDID bit by bit: SI is IO0, SO is IO1, and nothing is driven before its time.
static void rdid_on_the_pins(void **state) {
  struct rig *r = *state;
  nor_select(&r->nor, true);
  for (int bit = 7; bit >= 0; bit--) {
    const uint8_t si = (0x9F >> bit) & 1;
    assert_int_equal(nor_clock(&r->nor, drive(si, 0x1)).driven, 0);
  }
  uint32_t id = 0;
  for (int bit = 0; bit < 24; bit++) {
    const struct nor_io io = nor_clock(&r->nor, drive(0, 0x1));
    assert_int_equal(io.driven, 0x2);
    id = id << 1 | ((io.value >> 1) & 1u);
  }
  nor_select(&r->nor, false);
  assert_int_equal(id, 0xC2201A);
  assert_int_equal(nor_clock(&r->nor, drive(0, 0x1)).driven, 0);
  expect_quiet(r);
}

static void quad_output_on_the_pins(void **state) {
  struct rig *r = *state;
  rig_quad(r);
  nor_select(&r->nor, true);
  const uint8_t head[4] = {0x6B, 0x00, 0x12, 0x34};
  for (unsigned i = 0; i < 32; i++) {
    nor_clock(&r->nor, drive((head[i / 8] >> (7 - i % 8)) & 1, 0x1));
  }
  for (unsigned i = 0; i < 8; i++)
    assert_int_equal(nor_clock(&r->nor, drive(0, 0)).driven, 0);
  const struct nor_io high = nor_clock(&r->nor, drive(0, 0));
  const struct nor_io low = nor_clock(&r->nor, drive(0, 0));
  nor_select(&r->nor, false);
  assert_int_equal(high.driven, 0xF);
  assert_int_equal(high.value << 4 | low.value, r->cells[0x1234]);
  expect_quiet(r);
}

// Undriven lines read 1: a chip that nobody talks to takes FFh, which is harmless.
static void floating_lines_are_ones(void **state) {
  struct rig *r = *state;
  nor_select(&r->nor, true);
  for (int i = 0; i < 16; i++)
    nor_clock(&r->nor, drive(0, 0));
  nor_select(&r->nor, false);
  expect_quiet(r);
}

static void streams_says_where_it_is(void **state) {
  struct rig *r = *state;
  uint8_t in[4];
  uint32_t next = 0;
  struct cmd c = framing(&reads[2], 0, false, 0x1000, in, 4);
  rig_begin(r, &c);
  assert_true(nor_streams(&r->nor, 1, &next));
  assert_int_equal(next, 0x1004);
  assert_false(nor_streams(&r->nor, 4, &next));
  nor_clock(&r->nor, drive(0, 0));
  assert_false(nor_streams(&r->nor, 1, &next));  // inside a byte
  nor_select(&r->nor, false);
  assert_false(nor_streams(&r->nor, 1, &next));
}

static void bulk_equals_single_bytes(void **state) {
  struct rig *r = *state;
  uint8_t one[64], bulk[64];
  const struct cmd c = framing(&reads[0], 0, false, 0x3000, bulk, sizeof bulk);
  rig_run(r, &c);
  struct cmd head = framing(&reads[0], 0, false, 0x3000, one, 1);
  rig_begin(r, &head);
  for (unsigned i = 1; i < sizeof one; i++) {
    uint8_t byte = 0;
    for (int bit = 0; bit < 8; bit++) {
      byte = (uint8_t)(byte << 1 | ((nor_clock(&r->nor, drive(0, 0)).value >> 1) & 1));
    }
    one[i] = byte;
  }
  nor_select(&r->nor, false);
  assert_memory_equal(one, bulk, sizeof one);
  assert_int_equal(r->nor.counters.reads, 2);
  assert_int_equal(r->nor.counters.bytes_read, 128);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_read_in_spi, setup, teardown),
      cmocka_unit_test_setup_teardown(dummy_clocks_matter, setup, teardown),
      cmocka_unit_test_setup_teardown(reads_in_qpi, setup, teardown),
      cmocka_unit_test_setup_teardown(reads_roll_over, setup, teardown),
      cmocka_unit_test_setup_teardown(extended_address, setup, teardown),
      cmocka_unit_test_setup_teardown(ids, setup, teardown),
      cmocka_unit_test_setup_teardown(sfdp_is_the_dump, setup, teardown),
      cmocka_unit_test_setup_teardown(registers_as_delivered, setup, teardown),
      cmocka_unit_test_setup_teardown(qpi_in_and_out, setup, teardown),
      cmocka_unit_test_setup_teardown(enters_044_by_toggling_mode_bits, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(all_ones_leave_044, setup, teardown),
      cmocka_unit_test_setup_teardown(an_opcode_in_044_is_an_address, setup, teardown),
      cmocka_unit_test_setup_teardown(rdid_on_the_pins, setup, teardown),
      cmocka_unit_test_setup_teardown(quad_output_on_the_pins, setup, teardown),
      cmocka_unit_test_setup_teardown(floating_lines_are_ones, setup, teardown),
      cmocka_unit_test_setup_teardown(streams_says_where_it_is, setup, teardown),
      cmocka_unit_test_setup_teardown(bulk_equals_single_bytes, setup, teardown),
  };
  return cmocka_run_group_tests_name("nor_read", tests, NULL, NULL);
}
