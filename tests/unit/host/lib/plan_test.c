// SPDX-License-Identifier: MIT
// Where files meet flash: what goes into which sector, and what is refused before a
// byte is sent.
#include "host/lib/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[0x50000];

struct rig {
  struct usb_board board;
  struct segments list;
  struct plan plan;
  struct qb_error error;
};

static void set_layout(struct rig *r, size_t i, const char *text) {
  struct usb_board_alternate *a = &r->board.alternates[i];
  a->number = (uint8_t)i;
  a->status = layout_parse(text, &a->layout);
  if (r->board.count <= i) r->board.count = i + 1;
}

// quadboot on the Discovery board.
static int setup(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  r->board.kind = BOARD_QUADBOOT;
  r->board.where = (struct usb_found){.vendor = 0x1209, .product = 1};
  set_layout(r, 0,
             "@Internal Flash  /0x08010000/02*032Kg,01*128Kg/0x08000000/02*032Ka");
  set_layout(r, 1, "@QSPI/0x90000000/512*64Kg,512*64Kg");
  const uint8_t vectors[8] = {0, 0, 2, 0x20, 1, 2, 1, 8};
  memcpy(bytes, vectors, sizeof vectors);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  struct rig *r = *state;
  plan_free(&r->plan);
  segments_free(&r->list);
  free(r);
  return 0;
}

static void add_for(struct rig *r, uint32_t address, size_t size, int alternate) {
  assert_true(segments_add_target(&r->list, address, bytes, size, "a.bin", alternate,
                                  &r->error));
}

static void add(struct rig *r, uint32_t address, size_t size) {
  add_for(r, address, size, SEGMENT_ANY_TARGET);
}

static bool make(struct rig *r, enum plan_use use) {
  plan_free(&r->plan);
  assert_true(segments_arrange(&r->list, &r->error));
  return plan_make(&r->plan, &r->board, &r->list, use, &r->error);
}

static void expect_made(struct rig *r, enum plan_use use) {
  if (!make(r, use)) fail_msg("%s", r->error.text);
}

static void expect_refused(struct rig *r, enum plan_use use, const char *sentence) {
  assert_false(make(r, use));
  assert_string_equal(r->error.text, sentence);
}

// ---- Sectors ---------------------------------------------------------------

static void a_file_over_three_sectors(void **state) {
  struct rig *r = *state;
  add(r, 0x08010000, 0x18001);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.count, 3);
  assert_int_equal(r->plan.piece_count, 3);
  assert_int_equal(r->plan.units[1].sector.address, 0x08018000);
  assert_int_equal(r->plan.units[2].sector.address, 0x08020000);
  assert_int_equal(r->plan.units[2].bytes, 0x8001);
  assert_int_equal(r->plan.bytes, 0x18001);
  assert_int_equal(r->plan.erase_bytes, 0x30000);
  assert_ptr_equal(r->plan.pieces[2].bytes, bytes + 0x10000);
  assert_true(r->plan.has_application);
  assert_int_equal(r->plan.application, 0x08010000);
  assert_int_equal(plan_count(&r->plan, UNIT_WAITING), 3);
}

static void two_pieces_in_one_sector(void **state) {
  struct rig *r = *state;
  add(r, 0x90000010, 5);
  add(r, 0x90000100, 7);
  add(r, 0x9000FFFF, 2);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.count, 2);
  assert_int_equal(r->plan.units[0].pieces, 3);
  assert_int_equal(r->plan.units[0].bytes, 13);
  assert_int_equal(r->plan.units[1].bytes, 1);
  assert_false(r->plan.has_application);
}

// Two alternate settings with memories of the same addresses: what the file wants in
// one never goes to the other.
static void same_addresses_in_two_memories(void **state) {
  struct rig *r = *state;
  set_layout(r, 0, "@One/0x0/4*1Kg");
  set_layout(r, 1, "@Two/0x0/4*1Kg");
  add_for(r, 0x000, 0x10, 0);
  add_for(r, 0x100, 0x10, 1);
  add_for(r, 0x200, 0x10, 1);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.count, 2);
  assert_int_equal(r->plan.units[0].alternate, 0);
  assert_int_equal(r->plan.units[0].bytes, 0x10);
  assert_int_equal(r->plan.units[1].alternate, 1);
  assert_int_equal(r->plan.units[1].bytes, 0x20);
}

// A target that does not hold the address gives way to one that does.
static void a_target_without_that_address(void **state) {
  struct rig *r = *state;
  add_for(r, 0x90000000, 16, 0);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.units[0].alternate, 1);
}

static void up_to_the_last_address(void **state) {
  struct rig *r = *state;
  set_layout(r, 1, "@Top/0xFFFF0000/64*1Kg");
  add(r, 0xFFFFFFF0, 16);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.units[0].sector.address, 0xFFFFFC00);
  plan_free(&r->plan);
  assert_true(plan_erase(&r->plan, &r->board, 0xFFFFFC00, 1024, &r->error));
}

static void many_sectors(void **state) {
  struct rig *r = *state;
  set_layout(r, 1, "@Pages/0x90000000/9999*16Bg");
  add(r, 0x90000000, 9999 * 16);
  expect_made(r, PLAN_WRITE);
  assert_int_equal(r->plan.count, 9999);
  assert_int_equal(r->plan.bytes, 9999 * 16);
}

// ---- Refusals --------------------------------------------------------------

static void nothing_to_write(void **state) {
  expect_refused(*state, PLAN_WRITE, "there is nothing to write");
}

static void past_the_end(void **state) {
  struct rig *r = *state;
  add(r, 0x93FF0000, 0x10001);
  expect_refused(
      r, PLAN_WRITE,
      "a.bin runs past the end of the flash, which ends before 0x94000000 on "
      "this board; make it smaller or move it");
}

static void where_no_flash_is(void **state) {
  struct rig *r = *state;
  add(r, 0x60000000, 4);
  assert_false(make(r, PLAN_FORCE));
  assert_non_null(strstr(r->error.text, "0x60000000"));
}

static void onto_the_bootloader(void **state) {
  struct rig *r = *state;
  add(r, 0x08000000, 4);
  expect_refused(r, PLAN_FORCE,
                 "a.bin: 0x08000000 belongs to the bootloader itself; link the "
                 "application at 0x08010000");
  expect_made(r, PLAN_COMPARE);
}

static void read_only_elsewhere(void **state) {
  struct rig *r = *state;
  set_layout(r, 1, "@QSPI/0x90000000/4*64Ka");
  add(r, 0x90000000, 4);
  expect_refused(r, PLAN_WRITE, "a.bin: the flash at 0x90000000 is read-only");
}

static void not_readable(void **state) {
  struct rig *r = *state;
  set_layout(r, 1, "@QSPI/0x90000000/4*64Kf");
  add(r, 0x90000000, 4);
  expect_made(r, PLAN_WRITE);
  expect_refused(r, PLAN_COMPARE, "a.bin: the flash at 0x90000000 cannot be read");
}

static void for_another_device(void **state) {
  struct rig *r = *state;
  r->list.device = (struct segments_device){0x0483, 0xDF11, "x.dfu"};
  add(r, 0x90000000, 4);
  expect_refused(r, PLAN_WRITE,
                 "x.dfu is for the USB device 0483:df11, and this board is 1209:0001; "
                 "use --force if it is the right file all the same");
  expect_made(r, PLAN_FORCE);
  expect_made(r, PLAN_COMPARE);
  r->list.device.vendor = SEGMENTS_ANY_ID;
  assert_false(make(r, PLAN_WRITE));
  r->list.device.product = 1;
  expect_made(r, PLAN_WRITE);
}

static void a_board_without_layouts(void **state) {
  struct rig *r = *state;
  r->board.kind = BOARD_DFUSE;
  r->board.count = 0;
  add(r, 0x08010000, 16);
  expect_refused(r, PLAN_WRITE,
                 "a.bin: the DfuSe bootloader on this board offers no flash at "
                 "0x08010000; 'quadboot info' shows what it offers");
}

// ---- Applications ----------------------------------------------------------

static void an_application_where_none_is_looked_for(void **state) {
  struct rig *r = *state;
  add(r, 0x08018000, 16);
  expect_refused(r, PLAN_WRITE,
                 "a.bin begins like an application, but would lie at 0x08018000, and "
                 "quadboot starts what begins at 0x08010000; put it there, or use "
                 "--force if that is meant");
  expect_made(r, PLAN_FORCE);
  expect_made(r, PLAN_COMPARE);
  r->board.kind = BOARD_ROM;
  expect_made(r, PLAN_WRITE);
}

static bool with_vectors(struct rig *r, uint32_t sp, uint32_t reset) {
  for (int i = 0; i < 4; i++) {
    bytes[i] = (uint8_t)(sp >> 8 * i);
    bytes[4 + i] = (uint8_t)(reset >> 8 * i);
  }
  return make(r, PLAN_WRITE);
}

static void vectors_that_could_not_start(void **state) {
  struct rig *r = *state;
  add(r, 0x08010000, 64);
  assert_true(with_vectors(r, 0x20080000, 0x08010009));
  assert_true(with_vectors(r, 0xC0000004, 0x08017FFF));   // a stack in SDRAM
  assert_false(with_vectors(r, 0x20080000, 0x08020009));  // a sector of no file
  assert_non_null(strstr(r->error.text, "linked for 0x08020000"));
  assert_false(with_vectors(r, 0x20080004, 0x08010009));
  assert_false(with_vectors(r, 0x20000000, 0x08010009));
  assert_false(with_vectors(r, 0x20001002, 0x08010009));
  assert_false(with_vectors(r, 0x20001000, 0x08010008));  // no Thumb
  assert_false(with_vectors(r, 0x20001000, 0x08200001));
  assert_false(with_vectors(r, 0xFFFFFFFF, 0xFFFFFFFF));
  assert_false(with_vectors(r, 0, 0));
  assert_false(with_vectors(r, 0x20001000, 0x08000109));
  assert_string_equal(r->error.text,
                      "this application is linked for 0x08000000 (its reset handler is "
                      "at 0x08000108), but would lie at 0x08010000; link it there, or "
                      "use --force to write it all the same");
  expect_made(r, PLAN_FORCE);
  assert_false(r->plan.has_application);
}

// ---- Erasing ---------------------------------------------------------------

static void expect_erase_refused(struct rig *r, uint32_t address, uint64_t size,
                                 const char *sentence) {
  plan_free(&r->plan);
  assert_false(plan_erase(&r->plan, &r->board, address, size, &r->error));
  assert_string_equal(r->error.text, sentence);
}

static void erase_takes_whole_sectors(void **state) {
  struct rig *r = *state;
  assert_true(plan_erase(&r->plan, &r->board, 0x08018000, 0x28000, &r->error));
  assert_int_equal(r->plan.count, 2);
  assert_int_equal(r->plan.erase_bytes, 0x28000);
  assert_int_equal(r->plan.bytes, 0);
  expect_erase_refused(r, 0x08018000, 0, "there is nothing to erase");
  expect_erase_refused(r, 0x08018001, 0x8000,
                       "0x08018001 lies inside a sector, and only whole sectors can be "
                       "erased; the nearest are 0x08018000 and 0x08020000");
  expect_erase_refused(r, 0x08018000, 0x9000,
                       "0x08021000 lies inside a sector, and only whole sectors can be "
                       "erased; the nearest are 0x08020000 and 0x08040000");
  expect_erase_refused(
      r, 0x08000000, 0x8000,
      "0x08000000 belongs to the bootloader itself; what can be erased begins at "
      "0x08010000");
  expect_erase_refused(r, 0x93FF0000, 0x20000,
                       "the range runs past the end of the flash, which ends before "
                       "0x94000000 on this board; make it smaller or move it");
}

static void erase_past_the_last_address(void **state) {
  struct rig *r = *state;
  set_layout(r, 1, "@Top/0xFFFF0000/64*1Kg");
  assert_true(plan_erase(&r->plan, &r->board, 0xFFFF0000, 0x10000, &r->error));
  plan_free(&r->plan);
  assert_false(plan_erase(&r->plan, &r->board, 0xFFFF0000, UINT32_MAX, &r->error));
  assert_non_null(strstr(r->error.text, "runs past the end"));
}

int main(void) {
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      RIGGED(a_file_over_three_sectors),
      RIGGED(two_pieces_in_one_sector),
      RIGGED(same_addresses_in_two_memories),
      RIGGED(a_target_without_that_address),
      RIGGED(up_to_the_last_address),
      RIGGED(many_sectors),
      RIGGED(nothing_to_write),
      RIGGED(past_the_end),
      RIGGED(where_no_flash_is),
      RIGGED(onto_the_bootloader),
      RIGGED(read_only_elsewhere),
      RIGGED(not_readable),
      RIGGED(for_another_device),
      RIGGED(a_board_without_layouts),
      RIGGED(an_application_where_none_is_looked_for),
      RIGGED(vectors_that_could_not_start),
      RIGGED(erase_takes_whole_sectors),
      RIGGED(erase_past_the_last_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
