// SPDX-License-Identifier: MIT
#include "host/lib/segments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static void add_line(struct segments *list, uint32_t address, const uint8_t *data,
                     size_t size, const char *source, size_t line) {
  struct qb_error error;
  assert_true(segments_add(list, address, data, size, source, line, &error));
}

static void add(struct segments *list, uint32_t address, const uint8_t *data,
                size_t size, const char *source) {
  add_line(list, address, data, size, source, 0);
}

static void arrange(struct segments *list) {
  struct qb_error error;
  assert_true(segments_arrange(list, &error));
}

static void expect_overlap(struct segments *list, const char *sentence) {
  struct qb_error error;
  assert_false(segments_arrange(list, &error));
  assert_string_equal(error.text, sentence);
  segments_free(list);
}

static void expect_item(const struct segments *list, size_t i, uint32_t address,
                        const char *data, const char *source) {
  assert_true(i < list->count);
  const struct segment *s = &list->items[i];
  assert_int_equal(s->address, address);
  assert_int_equal(s->size, strlen(data));
  assert_memory_equal(s->bytes, data, s->size);
  assert_string_equal(s->source, source);
}

// ---- Adding ----------------------------------------------------------------

static void no_bytes_are_refused(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_false(segments_add(&list, 0, bytes, 0, "empty.bin", 0, &error));
  assert_string_equal(error.text, "empty.bin holds no bytes; leave it out");
  assert_int_equal(list.count, 0);
  segments_free(&list);
}

static bool accepts(uint64_t address, size_t size) {
  struct segments list = {0};
  struct qb_error error;
  const bool ok = segments_add(&list, address, bytes, size, "a.bin", 0, &error);
  if (!ok) assert_non_null(strstr(error.text, "above 0xFFFFFFFF"));
  segments_free(&list);
  return ok;
}

static void an_end_above_32_bits_is_refused(void **state) {
  (void)state;
  assert_true(accepts(0xFFFFFFFF, 1));
  assert_false(accepts(0xFFFFFFFF, 2));
  assert_false(accepts(0x100000000, 1));
  assert_false(accepts(UINT64_MAX, 1));
  assert_true(accepts(1, 0xFFFFFFFF));
  assert_false(accepts(1, 0x100000000));
  assert_false(accepts(1, SIZE_MAX));
}

static void the_last_byte_of_the_address_space_can_be_arranged(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0xFFFFFFFF, bytes + 2, 1, "a");
  add(&list, 0xFFFFFFFD, bytes, 2, "a");
  add(&list, 0, bytes, 1, "a");
  arrange(&list);
  assert_int_equal(list.count, 2);
  expect_item(&list, 1, 0xFFFFFFFD, "ABC", "a");
  segments_free(&list);
}

// ---- Order and merging -----------------------------------------------------

static void an_empty_list_is_in_order(void **state) {
  (void)state;
  struct segments list = {0};
  arrange(&list);
  assert_int_equal(list.count, 0);
  segments_free(&list);
}

static void segments_are_sorted_by_address(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x90000000, bytes, 3, "q");
  add(&list, 0x08010000, bytes + 3, 2, "i");
  add(&list, 0x08020000, bytes + 5, 1, "j");
  arrange(&list);
  assert_int_equal(list.count, 3);
  expect_item(&list, 0, 0x08010000, "DE", "i");
  expect_item(&list, 1, 0x08020000, "F", "j");
  expect_item(&list, 2, 0x90000000, "ABC", "q");
  segments_free(&list);
}

static void adjacent_segments_become_one(void **state) {
  (void)state;
  struct segments list = {0};
  add_line(&list, 104, bytes + 4, 2, "b", 9);
  add_line(&list, 100, bytes, 4, "a", 3);
  add_line(&list, 106, bytes + 6, 1, "b", 10);
  add_line(&list, 108, bytes + 8, 1, "b", 11);
  arrange(&list);
  assert_int_equal(list.count, 2);
  expect_item(&list, 0, 100, "ABCDEFG", "a, b");
  assert_int_equal(list.items[0].line, 0);
  expect_item(&list, 1, 108, "I", "b");
  assert_int_equal(list.items[1].line, 11);
  segments_free(&list);
}

static void a_gap_of_one_byte_stays_a_gap(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 100, bytes, 4, "a");
  add(&list, 105, bytes, 4, "a");
  arrange(&list);
  assert_int_equal(list.count, 2);
  segments_free(&list);
}

static void sources_that_take_turns_are_all_named(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0, bytes, 1, "a.bin");
  add(&list, 1, bytes, 1, "b.bin");
  add(&list, 2, bytes, 1, "a.bin");
  arrange(&list);
  expect_item(&list, 0, 0, "AAA", "a.bin, b.bin, a.bin");
  segments_free(&list);
}

static void arranging_twice_changes_nothing(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 1, bytes + 1, 1, "b");
  add(&list, 0, bytes, 1, "a");
  arrange(&list);
  arrange(&list);
  assert_int_equal(list.count, 1);
  expect_item(&list, 0, 0, "AB", "a, b");
  segments_free(&list);
}

// Every count up to beyond the first growth of the list: nothing behind the last
// segment is looked at.
static void runs_of_every_length_end_at_the_last_segment(void **state) {
  (void)state;
  for (uint32_t n = 1; n <= 17; n++) {
    struct segments list = {0};
    for (uint32_t i = 0; i < n; i++) {
      add(&list, 100 + i, bytes + i, 1, "a");
    }
    arrange(&list);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].size, n);
    segments_free(&list);
  }
}

// A thousand single bytes in a scattered order: one run in the end.
static void many_segments_in_any_order(void **state) {
  (void)state;
  struct segments list = {0};
  uint8_t data[1009];
  for (size_t i = 0; i < sizeof data; i++) {
    const size_t at = i * 101 % sizeof data;  // 1009 is prime: every place once
    data[at] = (uint8_t)(at * 7);
    add(&list, 0x1000 + (uint32_t)at, &data[at], 1, "x");
  }
  arrange(&list);
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].size, sizeof data);
  assert_memory_equal(list.items[0].bytes, data, sizeof data);
  segments_free(&list);
}

// ---- Overlap ---------------------------------------------------------------

static void an_overlap_names_both_files_and_the_range(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x90000000, bytes, 8, "a.bin");
  add(&list, 0x90000006, bytes, 8, "b.bin");
  expect_overlap(&list,
                 "a.bin and b.bin both hold bytes for 0x90000006..0x90000007; leave "
                 "one out or move it");
  add(&list, 0x90000006, bytes, 8, "b.bin");
  add(&list, 0x90000000, bytes, 8, "a.bin");
  expect_overlap(&list,
                 "a.bin and b.bin both hold bytes for 0x90000006..0x90000007; leave "
                 "one out or move it");
}

static void a_segment_inside_another_overlaps(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 100, bytes, 20, "big");
  add(&list, 105, bytes, 2, "small");
  add(&list, 110, bytes, 2, "other");
  expect_overlap(&list,
                 "big and small both hold bytes for 0x00000069..0x0000006A; leave one "
                 "out or move it");
}

static void lines_are_named_in_their_order(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++) {
    struct segments list = {0};
    add_line(&list, 16, bytes, order ? 4 : 2, "a.hex", order ? 8 : 5);
    add_line(&list, 16, bytes, order ? 2 : 4, "a.hex", order ? 5 : 8);
    expect_overlap(&list,
                   "a.hex line 5 and a.hex line 8 both hold bytes for "
                   "0x00000010..0x00000011; leave one out or move it");
  }
}

static void one_file_may_overlap_itself(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 16, bytes, 4, "a.elf");
  add(&list, 16, bytes, 2, "a.elf");
  expect_overlap(
      &list,
      "a.elf holds bytes for 0x00000010..0x00000011 twice; have it made without "
      "overlaps");
}

// ---- Memory and names ------------------------------------------------------

static void owned_memory_is_freed_with_the_list(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  for (int i = 0; i < 20; i++) {  // past the first growth; ASan sees any leak
    assert_true(segments_own(&list, malloc(10), &error));
  }
  segments_free(&list);
  assert_null(list.owned);
  assert_int_equal(list.owned_count, 0);
  segments_free(&list);
}

static void a_long_name_with_a_line_is_cut(void **state) {
  (void)state;
  char name[600];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  const struct segment s = {.source = name, .line = 3};
  char text[300];
  assert_ptr_equal(segment_describe(&s, text), text);
  assert_int_equal(strlen(text), 299);
  const struct segment whole = {.source = name};
  assert_ptr_equal(segment_describe(&whole, text), name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_bytes_are_refused),
      cmocka_unit_test(an_end_above_32_bits_is_refused),
      cmocka_unit_test(the_last_byte_of_the_address_space_can_be_arranged),
      cmocka_unit_test(an_empty_list_is_in_order),
      cmocka_unit_test(segments_are_sorted_by_address),
      cmocka_unit_test(adjacent_segments_become_one),
      cmocka_unit_test(a_gap_of_one_byte_stays_a_gap),
      cmocka_unit_test(sources_that_take_turns_are_all_named),
      cmocka_unit_test(arranging_twice_changes_nothing),
      cmocka_unit_test(runs_of_every_length_end_at_the_last_segment),
      cmocka_unit_test(many_segments_in_any_order),
      cmocka_unit_test(an_overlap_names_both_files_and_the_range),
      cmocka_unit_test(a_segment_inside_another_overlaps),
      cmocka_unit_test(lines_are_named_in_their_order),
      cmocka_unit_test(one_file_may_overlap_itself),
      cmocka_unit_test(owned_memory_is_freed_with_the_list),
      cmocka_unit_test(a_long_name_with_a_line_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
