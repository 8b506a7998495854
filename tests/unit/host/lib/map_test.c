// SPDX-License-Identifier: MIT
#include "host/lib/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t bytes[0x1000];
static struct map_row rows[MAP_ROWS];

static void add(struct segments *list, uint32_t address, size_t size) {
  struct qb_error error;
  assert_true(segments_add(list, address, bytes, size, "x", 0, &error));
}

static size_t make(struct segments *list) {
  struct qb_error error;
  assert_true(segments_arrange(list, &error));
  return map_make(list, rows);
}

static void expect_row(size_t i, enum map_kind kind, uint32_t address, uint64_t end) {
  assert_int_equal(rows[i].kind, kind);
  assert_int_equal(rows[i].address, address);
  assert_int_equal(rows[i].end, end);
}

static void nothing_has_no_rows(void **state) {
  (void)state;
  struct segments list = {0};
  assert_int_equal(make(&list), 0);
}

static void gaps_are_rows(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x08010000, 0x100);
  add(&list, 0x08010200, 0x100);
  add(&list, 0x90000010, 0x10);
  assert_int_equal(make(&list), 5);
  expect_row(0, MAP_PIECE, 0x08010000, 0x08010100);
  expect_row(1, MAP_GAP, 0x08010100, 0x08010200);
  expect_row(2, MAP_PIECE, 0x08010200, 0x08010300);
  expect_row(3, MAP_GAP, 0x90000000, 0x90000010);
  expect_row(4, MAP_PIECE, 0x90000010, 0x90000020);
  assert_ptr_equal(rows[2].piece, &list.items[1]);
  assert_string_equal(rows[2].region->name, "Internal Flash");
  assert_string_equal(rows[3].region->name, "External QSPI");
  segments_free(&list);
}

static void what_cannot_be_written_begins_with_its_bytes(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x20000100, 1);
  assert_int_equal(make(&list), 1);
  expect_row(0, MAP_PIECE, 0x20000100, 0x20000101);
  segments_free(&list);
}

static void the_last_address_has_an_end(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0xFFFFFFF0, 16);
  assert_int_equal(make(&list), 1);
  expect_row(0, MAP_PIECE, 0xFFFFFFF0, 0x100000000);
  segments_free(&list);
}

static void too_many_pieces_end_in_one_row(void **state) {
  (void)state;
  for (unsigned n = MAP_PIECES - 1; n <= MAP_PIECES + 2; n++) {
    struct segments list = {0};
    for (unsigned i = 0; i < n; i++) {
      add(&list, 0x90000000 + 32 * i, 16);
    }
    const size_t count = make(&list);
    const struct map_row *last = &rows[count - 1];
    assert_int_equal(last->end, 0x90000000 + 32 * (n - 1) + 16);
    assert_int_equal(last->kind, n > MAP_PIECES ? MAP_MORE : MAP_PIECE);
    if (n > MAP_PIECES) assert_int_equal(last->pieces, n - MAP_PIECES + 1);
    segments_free(&list);
  }
}

// The most that there can be: every region full.
static void all_regions_fit(void **state) {
  (void)state;
  struct segments list = {0};
  for (unsigned r = 0; r < REGION_COUNT; r++) {
    for (unsigned i = 0; i < MAP_PIECES + 5; i++) {
      add(&list, region_table[r].first + 1 + 2 * i, 1);
    }
  }
  assert_true(make(&list) <= MAP_ROWS);
  segments_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_has_no_rows),
      cmocka_unit_test(gaps_are_rows),
      cmocka_unit_test(what_cannot_be_written_begins_with_its_bytes),
      cmocka_unit_test(the_last_address_has_an_end),
      cmocka_unit_test(too_many_pieces_end_in_one_row),
      cmocka_unit_test(all_regions_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
