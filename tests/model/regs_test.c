// SPDX-License-Identifier: MIT
// The checks that every model's registers share (sim/core/regs.c), on a small block
// of its own. The generated descriptions have their own test.
#include "sim/core/regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka.h needs the headers above.
#include <cmocka.h>

// CTRL: EN 0, MODE 5:4, READY 8 (read-only), KEY 31:16; bits 7:6 reset to 11 without a
// name. STATUS is read-only. CLEAR is write-only. Offset 0xC holds nothing. D0 to D2
// repeat. BARE has no field at all.
static const struct reg_field ctrl_fields[] = {
    {"EN", 0, 1, REG_RW},
    {"MODE", 4, 2, REG_RW},
    {"READY", 8, 1, REG_RO},
    {"KEY", 16, 16, REG_RW},
};
static const struct reg_field status_fields[] = {{"BUSY", 0, 1, REG_RO}};
static const struct reg_field clear_fields[] = {{"CBUSY", 0, 1, REG_WO}};
static const struct reg_field data_fields[] = {{"VALUE", 0, 32, REG_RW}};
static const struct reg_desc demo_regs[] = {
    {"CTRL", 0x00, 0x000000C1, 0xFFFF0131, 0x00000100, ctrl_fields, 4},
    {"STATUS", 0x04, 0, 1, 1, status_fields, 1},
    {"CLEAR", 0x08, 0, 1, 0, clear_fields, 1},
    {"D0", 0x10, 0, 0xFFFFFFFF, 0, data_fields, 1},
    {"D1", 0x14, 0, 0xFFFFFFFF, 0, data_fields, 1},
    {"D2", 0x18, 0, 0xFFFFFFFF, 0, data_fields, 1},
    {"BARE", 0x1C, 0, 0, 0, NULL, 0},
};
static const struct reg_block demo = {"DEMO", demo_regs, 7};
static const struct reg_model demo_model[] = {
    {0x00, 0x00000001, 0x00000030, 0, 0},  // EN modelled, MODE inert, KEY neither
    {0x08, 0x00000001, 0, 0, 0},
    {0x10, 0x0000FFFF, 0, 2, 4},  // D0 and D1, not D2
    {0x40, 0xFFFFFFFF, 0, 0, 0},  // beyond the block: ignored
};

enum { BASE = 0x40001000 };

struct fixture {
  struct report report;
  struct reg_file file;
};

static int setup(void **state) {
  static struct fixture f;
  report_init(&f.report, NULL);
  reg_file_init(&f.file, &demo, BASE, demo_model, 4, &f.report);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  reg_file_free(&f->file);
  report_free(&f->report);
  return 0;
}

// What a write leads to: accepted or not, and at most one report.
struct write_case {
  uint32_t offset;
  unsigned bytes;
  uint32_t value;
  bool accepted;
  int error;           // enum guest_error, -1 = none, -2 = unimplemented
  const char *detail;  // what the report must say
};

enum { NOTHING = -1, UNIMPLEMENTED = -2 };

static const struct write_case write_cases[] = {
    // Every bit is modelled, inert or at its reset value.
    {0x00, 4, 0x000000C1, true, NOTHING, NULL},
    {0x00, 4, 0x000000C0, true, NOTHING, NULL},
    {0x00, 4, 0x000000F1, true, NOTHING, NULL},
    // READY is read-only in a writable register: ignored in silence, as on the chip.
    {0x00, 4, 0x000001C1, true, NOTHING, NULL},
    // Reserved bits away from reset, in both directions.
    {0x00, 4, 0x000002C1, true, GUEST_RESERVED_BITS,
     "DEMO.CTRL reserved bits 0x00000200"},
    {0x00, 4, 0x00000001, true, GUEST_RESERVED_BITS,
     "DEMO.CTRL reserved bits 0x000000c0"},
    // Named, but this model does nothing with it.
    {0x00, 4, 0x123400C1, true, UNIMPLEMENTED, "DEMO.CTRL: KEY"},
    // Narrow writes: only the written lanes count.
    {0x00, 1, 0x000000C1, true, NOTHING, NULL},
    {0x00, 1, 0x00000001, true, GUEST_RESERVED_BITS, "0x000000c0"},
    {0x01, 1, 0x00000000, true, NOTHING, NULL},
    {0x01, 1, 0x00000080, true, GUEST_RESERVED_BITS, "0x00008000"},
    {0x02, 1, 0x00000001, true, UNIMPLEMENTED, "DEMO.CTRL: KEY"},
    {0x00, 2, 0x000000F0, true, NOTHING, NULL},
    {0x02, 2, 0x00000000, true, NOTHING, NULL},
    {0x02, 2, 0x00008000, true, UNIMPLEMENTED, "DEMO.CTRL: KEY"},
    // A narrow value's upper bits are not written.
    {0x01, 1, 0xFFFFFF00, true, NOTHING, NULL},
    // Nothing there can be written.
    {0x04, 4, 0x00000001, false, GUEST_READ_ONLY, "DEMO.STATUS is read-only"},
    {0x04, 4, 0x00000000, false, GUEST_READ_ONLY, "DEMO.STATUS is read-only"},
    {0x06, 1, 0x00000000, false, GUEST_READ_ONLY, "DEMO.STATUS is read-only"},
    {0x0C, 4, 0x00000000, false, GUEST_BAD_REGISTER, "offset 0x00c of DEMO"},
    {0x20, 4, 0x00000000, false, GUEST_BAD_REGISTER, "offset 0x020 of DEMO"},
    {0xFFC, 1, 0x00000000, false, GUEST_BAD_REGISTER, "offset 0xffc of DEMO"},
    // Write-only is writable.
    {0x08, 4, 0x00000001, true, NOTHING, NULL},
    {0x08, 4, 0x00000003, true, GUEST_RESERVED_BITS, "0x00000002"},
    // Repeated registers share a model; the third is not in it.
    {0x10, 4, 0x0000FFFF, true, NOTHING, NULL},
    {0x14, 4, 0x0000FFFF, true, NOTHING, NULL},
    {0x14, 4, 0x00010000, true, UNIMPLEMENTED, "DEMO.D1: VALUE"},
    {0x18, 4, 0x00000001, true, UNIMPLEMENTED, "DEMO.D2: VALUE"},
    // A register without a field is not read-only, it is all reserved.
    {0x1C, 4, 0x00000000, true, NOTHING, NULL},
    {0x1C, 4, 0x00000001, true, GUEST_RESERVED_BITS, "DEMO.BARE"},
};

static void expect_reports(const struct report *r, const struct write_case *c,
                           size_t index) {
  if (c->error == NOTHING) {
    if (r->entries)
      fail_msg("case %zu: unexpected report: %s", index, r->entries->detail);
    return;
  }
  const struct report_entry *e = r->entries;
  if (!e) {
    fail_msg("case %zu: no report", index);
    return;
  }
  if (e->next) fail_msg("case %zu: also reported: %s", index, e->next->detail);
  const bool unimplemented = c->error == UNIMPLEMENTED;
  assert_int_equal(e->kind, unimplemented ? REPORT_UNIMPLEMENTED : REPORT_GUEST_ERROR);
  if (!unimplemented) assert_int_equal(e->error, c->error);
  assert_int_equal(e->addr, BASE + c->offset);
  if (!strstr(e->detail, c->detail)) {
    fail_msg("case %zu says \"%s\", not \"%s\"", index, e->detail, c->detail);
  }
}

static void writes_are_checked(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof write_cases / sizeof *write_cases; i++) {
    const struct write_case *c = &write_cases[i];
    report_clear(&f->report);
    const bool accepted = reg_check_write(&f->file, c->offset, c->bytes, c->value);
    if (accepted != c->accepted) fail_msg("case %zu: accepted = %d", i, accepted);
    expect_reports(&f->report, c, i);
  }
}

static void reserved_and_unimplemented_are_two_reports(void **state) {
  struct fixture *f = *state;
  assert_true(reg_check_write(&f->file, 0x00, 4, 0x800002C1));
  assert_int_equal(report_count(&f->report, GUEST_RESERVED_BITS), 1);
  assert_int_equal(f->report.unimplemented, 1);
}

static void unimplemented_names_every_field(void **state) {
  struct fixture *f = *state;
  struct reg_file bare;
  reg_file_init(&bare, &demo, BASE, NULL, 0, &f->report);
  assert_true(reg_check_write(&bare, 0x00, 4, 0x000100F0));
  assert_string_equal(f->report.entries->detail, "DEMO.CTRL: EN,MODE,KEY");
  reg_file_free(&bare);
}

// Many long names must not overrun the space for them.
static void long_lists_of_fields_are_cut(void **state) {
  struct fixture *f = *state;
  static const struct reg_field fields[] = {
      {"A_FIELD_NAME_OF_FORTY_CHARACTERS_01234567", 0, 1, REG_RW},
      {"A_FIELD_NAME_OF_FORTY_CHARACTERS_89012345", 1, 1, REG_RW},
      {"A_THIRD", 2, 1, REG_RW},
  };
  static const struct reg_desc regs[] = {{"LONG", 0, 0, 7, 0, fields, 3}};
  static const struct reg_block block = {"DEMO", regs, 1};
  struct reg_file file;
  reg_file_init(&file, &block, BASE, NULL, 0, &f->report);
  assert_true(reg_check_write(&file, 0, 4, 7));
  assert_non_null(strstr(f->report.entries->detail, "_01234567,A_FIELD"));
  assert_null(strstr(f->report.entries->detail, "A_THIRD"));
  reg_file_free(&file);
}

static void reads_need_a_register(void **state) {
  struct fixture *f = *state;
  for (uint32_t offset = 0; offset < 0x0C; offset++) {
    assert_true(reg_check_read(&f->file, offset));
  }
  assert_null(f->report.entries);
  assert_false(reg_check_read(&f->file, 0x0E));
  assert_false(reg_check_read(&f->file, 0x20));
  assert_false(reg_check_read(&f->file, UINT32_MAX - 3));
  assert_int_equal(report_count(&f->report, GUEST_BAD_REGISTER), 3);
  assert_int_equal(f->report.entries->addr, BASE + 0x0E);
}

static void any_byte_finds_its_register(void **state) {
  const struct fixture *f = *state;
  for (uint32_t byte = 0; byte < 4; byte++) {
    assert_string_equal(reg_at(&f->file, 0x04 + byte)->name, "STATUS");
    assert_string_equal(reg_at(&f->file, 0x1C + byte)->name, "BARE");
    assert_null(reg_at(&f->file, 0x0C + byte));
    assert_null(reg_at(&f->file, 0x20 + byte));
  }
}

static void lanes_merge_and_extract(void **state) {
  (void)state;
  assert_int_equal(reg_lanes(0x10, 4), 0xFFFFFFFF);
  assert_int_equal(reg_lanes(0x10, 2), 0x0000FFFF);
  assert_int_equal(reg_lanes(0x12, 2), 0xFFFF0000);
  assert_int_equal(reg_lanes(0x11, 1), 0x0000FF00);
  assert_int_equal(reg_lanes(0x13, 1), 0xFF000000);

  assert_int_equal(reg_merge(0x11223344, 0x10, 4, 0xAABBCCDD), 0xAABBCCDD);
  assert_int_equal(reg_merge(0x11223344, 0x10, 1, 0xAABBCCDD), 0x112233DD);
  assert_int_equal(reg_merge(0x11223344, 0x12, 2, 0xAABBCCDD), 0xCCDD3344);
  assert_int_equal(reg_merge(0x11223344, 0x13, 1, 0xAABBCCDD), 0xDD223344);

  assert_int_equal(reg_extract(0x11223344, 0x10, 4), 0x11223344);
  assert_int_equal(reg_extract(0x11223344, 0x12, 2), 0x1122);
  assert_int_equal(reg_extract(0x11223344, 0x11, 1), 0x33);
}

static void fields_by_mask(void **state) {
  (void)state;
  assert_int_equal(SIM_GET(0x12345678, 0x00000FF0u), 0x67);
  assert_int_equal(SIM_GET(0x80000000, 0x80000000u), 1);
  assert_int_equal(SIM_PUT(0x00000FF0u, 0x167), 0x670);
  assert_int_equal(SIM_PUT(0xFFFFFFFFu, 0x89ABCDEF), 0x89ABCDEF);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(writes_are_checked, setup, teardown),
      cmocka_unit_test_setup_teardown(reserved_and_unimplemented_are_two_reports, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(unimplemented_names_every_field, setup, teardown),
      cmocka_unit_test_setup_teardown(long_lists_of_fields_are_cut, setup, teardown),
      cmocka_unit_test_setup_teardown(reads_need_a_register, setup, teardown),
      cmocka_unit_test_setup_teardown(any_byte_finds_its_register, setup, teardown),
      cmocka_unit_test(lanes_merge_and_extract),
      cmocka_unit_test(fields_by_mask),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
