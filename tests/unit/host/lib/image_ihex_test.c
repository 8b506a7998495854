// SPDX-License-Identifier: MIT
#include "host/lib/image_ihex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define END ":00000001FF\n"

static bool load(struct segments *list, const char *text, struct qb_error *error) {
  return image_ihex_load(list, (const uint8_t *)text, strlen(text), "a.hex", error);
}

static void expect_refused(const char *text, const char *sentence) {
  struct segments list = {0};
  struct qb_error error;
  assert_false(load(&list, text, &error));
  assert_string_equal(error.text, sentence);
  segments_free(&list);
}

static void every_data_record_is_a_segment_with_its_line(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_true(load(&list,
                   ":020000040801F1\n"
                   ":020000001122CB\n"
                   "\n"
                   ":0100020033CA\n" END,
                   &error));
  assert_int_equal(list.count, 2);
  assert_int_equal(list.items[0].address, 0x08010000);
  assert_int_equal(list.items[0].size, 2);
  assert_memory_equal(list.items[0].bytes, "\x11\x22", 2);
  assert_int_equal(list.items[0].line, 2);
  assert_string_equal(list.items[0].source, "a.hex");
  assert_int_equal(list.items[1].address, 0x08010002);
  assert_memory_equal(list.items[1].bytes, "\x33", 1);
  assert_int_equal(list.items[1].line, 4);
  segments_free(&list);
}

static void a_defect_is_told_with_its_line(void **state) {
  (void)state;
  expect_refused(
      ":020000040801F1\n:020000001122CC\n" END,
      "a.hex: line 2 is damaged: its checksum does not match its content; copy "
      "or make the file again");
  expect_refused(
      ":020000001122CB\n",
      "a.hex: line 1 is the last, but no end-of-file record came: the file is "
      "cut short; copy or make the file again");
}

static void a_file_without_data_is_refused(void **state) {
  (void)state;
  expect_refused(END, "a.hex is an Intel HEX file without data; leave it out");
  expect_refused(":020000040801F1\n:0400000508010131BC\n" END,
                 "a.hex is an Intel HEX file without data; leave it out");
}

// What other files put into the list does not make this one hold data.
static void data_of_other_files_does_not_count(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_true(load(&list, ":020000001122CB\n" END, &error));
  assert_false(load(&list, END, &error));
  segments_free(&list);
}

static void records_that_overlap_are_told_by_their_lines(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_true(load(&list,
                   ":0400100011223344"
                   "42\n:0100120033BA\n" END,
                   &error));
  assert_false(segments_arrange(&list, &error));
  assert_string_equal(error.text,
                      "a.hex line 1 and a.hex line 2 both hold bytes for "
                      "0x00000012..0x00000012; leave one out or move it");
  segments_free(&list);
}

// The most bytes that a text can hold for its length: all must have room.
static void the_densest_text_fits(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  char text[600 * 4];
  char *p = text;
  for (int record = 0; record < 4; record++) {
    p = stpcpy(p, ":FF000000");
    memset(p, '0', 510);
    p = stpcpy(p + 510, "01\n");
  }
  stpcpy(p, ":00000001FF");
  assert_true(load(&list, text, &error));
  assert_int_equal(list.count, 4);
  segments_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_data_record_is_a_segment_with_its_line),
      cmocka_unit_test(a_defect_is_told_with_its_line),
      cmocka_unit_test(a_file_without_data_is_refused),
      cmocka_unit_test(data_of_other_files_does_not_count),
      cmocka_unit_test(records_that_overlap_are_told_by_their_lines),
      cmocka_unit_test(the_densest_text_fits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
