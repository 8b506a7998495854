// SPDX-License-Identifier: MIT
#include "common/format/ihex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- Helpers ---------------------------------------------------------------

// What reading a whole text gave: the records, and how it ended.
struct outcome {
  enum ihex_status status;
  size_t line;
  size_t count;
  struct ihex_record records[8];
};

// Reads a copy on the heap of exactly that size, so that ASan sees any read
// beyond it.
static struct outcome read_bytes(const char *text, size_t size) {
  struct outcome o = {0};
  char *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, text, size);
  struct ihex_reader reader;
  struct ihex_record record;
  ihex_begin(&reader, copy, size);
  while ((o.status = ihex_next(&reader, &record)) == IHEX_DATA) {
    assert_true(o.count < sizeof o.records / sizeof o.records[0]);
    o.records[o.count++] = record;
  }
  o.line = reader.line;
  free(copy);
  return o;
}

static struct outcome read_text(const char *text) {
  return read_bytes(text, strlen(text));
}

#define END ":00000001FF\n"

static void expect_defect(const char *text, enum ihex_status status, size_t line) {
  const struct outcome o = read_text(text);
  assert_int_equal(o.status, status);
  assert_int_equal(o.line, line);
}

static void expect_record(const struct ihex_record *record, uint32_t address,
                          const char *data, size_t size) {
  assert_int_equal(record->address, address);
  assert_int_equal(record->size, size);
  assert_memory_equal(record->data, data, size);
}

// ---- Good text -------------------------------------------------------------

// The first record is the example of the format's description.
static void data_records_are_read(void **state) {
  (void)state;
  const struct outcome o = read_text(
      ":10246200464C5549442050524F46494C4500464C33\n"
      ":0300300002337A1E\n" END);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.count, 2);
  expect_record(&o.records[0], 0x2462, "FLUID PROFILE\0FL", 16);
  expect_record(&o.records[1], 0x0030, "\x02\x33\x7A", 3);
}

static void linear_base_is_the_upper_half(void **state) {
  (void)state;
  const struct outcome o = read_text(
      ":020000040801F1\n:01000000AA55\n"
      ":0200000490006A\n:01FFFF00BB46\n" END);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.count, 2);
  expect_record(&o.records[0], 0x08010000, "\xAA", 1);
  expect_record(&o.records[1], 0x9000FFFF, "\xBB", 1);
}

static void segment_base_counts_16_bytes(void **state) {
  (void)state;
  const struct outcome o = read_text(":02000002F0DE2E\n:011234000AAF\n" END);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.count, 1);
  expect_record(&o.records[0], 0xF0DE0 + 0x1234, "\x0A", 1);
}

static void linear_base_ends_segment_wrapping(void **state) {
  (void)state;
  const struct outcome o =
      read_text(":020000021000EC\n:020000040000FA\n:02FFFF000102FD\n" END);
  assert_int_equal(o.status, IHEX_END);
  expect_record(&o.records[0], 0x0000FFFF, "\x01\x02", 2);
}

static void entry_points_and_empty_records_hold_nothing(void **state) {
  (void)state;
  const struct outcome o =
      read_text(":0400000508010131BC\n:0400000300003800C1\n:00123400BA\n" END);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.count, 0);
}

static void line_ends_blanks_and_case_do_not_matter(void **state) {
  (void)state;
  const struct outcome o =
      read_text("\n:01000000aa55\r\n \t\r\n:01000100AA54 \t\n\n:00000001fF\r\n\r\n");
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.count, 2);
  expect_record(&o.records[1], 1, "\xAA", 1);
}

static void the_last_line_needs_no_newline(void **state) {
  (void)state;
  assert_int_equal(read_text(":00000001FF").status, IHEX_END);
}

// A record with the most data that its length field can say.
static void make_longest(char *text, size_t digits) {
  char *p = stpcpy(text, ":FF000000");
  memset(p, '0', digits);
  stpcpy(p + digits, "01\n" END);
}

static void a_record_of_255_bytes_is_read(void **state) {
  (void)state;
  char text[700];
  make_longest(text, 510);
  const struct outcome o = read_text(text);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.records[0].size, 255);
}

// ---- Bad text --------------------------------------------------------------

static void a_longer_line_than_any_record_is_refused(void **state) {
  (void)state;
  char text[700];
  make_longest(text, 512);
  expect_defect(text, IHEX_LONG, 1);
}

static void each_defect_has_its_own_status_and_line(void **state) {
  (void)state;
  expect_defect("00000001FF\n", IHEX_NO_COLON, 1);
  expect_defect("\n\n ;comment\n", IHEX_NO_COLON, 3);
  expect_defect(":0100G000AA55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000A/55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000:A55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000A@55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000A`55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000 AA55\n" END, IHEX_BAD_DIGIT, 1);
  expect_defect(":01000000AA5\n" END, IHEX_SHORT, 1);
  expect_defect(":01000000AA55\n:02000100AA53\n" END, IHEX_SHORT, 2);
  expect_defect(":01000000AA550\n" END, IHEX_SHORT, 1);
  expect_defect(":01000000AA5500\n" END, IHEX_LONG, 1);
  expect_defect(":01000000AA56\n" END, IHEX_CHECKSUM, 1);
  expect_defect(":01000006AA4F\n" END, IHEX_TYPE, 1);
  expect_defect(":010000FFAA56\n" END, IHEX_TYPE, 1);
}

static void lengths_must_suit_the_type(void **state) {
  (void)state;
  expect_defect(":0100000100FE\n", IHEX_LENGTH, 1);
  expect_defect(":0100000210ED\n" END, IHEX_LENGTH, 1);
  expect_defect(":03000002100000EB\n" END, IHEX_LENGTH, 1);
  expect_defect(":03000003000000FA\n" END, IHEX_LENGTH, 1);
  expect_defect(":00000004FC\n" END, IHEX_LENGTH, 1);
  expect_defect(":050000050000000000F6\n" END, IHEX_LENGTH, 1);
}

// Length says 0..255 over 4 bytes of data: only 4 can be right.
static void every_lie_about_the_length_is_refused(void **state) {
  (void)state;
  for (unsigned length = 0; length < 256; length++) {
    char text[64];
    const unsigned checksum = 256 - (length + 0x11 + 0x22 + 0x33 + 0x44) % 256;
    snprintf(text, sizeof text, ":%02X00000011223344%02X\n" END, length,
             checksum % 256);
    const enum ihex_status expected = length < 4    ? IHEX_LONG
                                      : length == 4 ? IHEX_END
                                                    : IHEX_SHORT;
    assert_int_equal(read_text(text).status, expected);
  }
}

static void records_that_wrap_are_refused(void **state) {
  (void)state;
  // 20-bit form: past the end of its 64 KiB.
  expect_defect(":020000021000EC\n:02FFFF000102FD\n" END, IHEX_WRAP, 2);
  assert_int_equal(read_text(":020000021000EC\n:02FFFE000102FE\n" END).status,
                   IHEX_END);
  // 32-bit form: past the last address; the carry into the upper half is fine.
  expect_defect(":02000004FFFFFC\n:02FFFF000102FD\n" END, IHEX_WRAP, 2);
  assert_int_equal(read_text(":02000004FFFFFC\n:02FFFE000102FE\n" END).status,
                   IHEX_END);
  const struct outcome o = read_text(":020000040801F1\n:02FFFF000102FD\n" END);
  assert_int_equal(o.status, IHEX_END);
  assert_int_equal(o.records[0].address, 0x0801FFFF);
}

static void nothing_may_follow_the_end(void **state) {
  (void)state;
  expect_defect(END ":01000000AA55\n", IHEX_AFTER_END, 2);
  expect_defect(END "\n" END, IHEX_AFTER_END, 3);
  expect_defect(END "x", IHEX_AFTER_END, 2);
}

static void every_truncation_is_refused(void **state) {
  (void)state;
  static const char text[] =
      ":020000040801F1\r\n:10246200464C5549442050524F46494C4500464C33\r\n"
      ":0400000508010131BC\r\n:00000001FF";
  const size_t size = sizeof text - 1;
  for (size_t n = 0; n < size; n++) {
    const struct outcome o = read_bytes(text, n);
    assert_true(o.status == IHEX_SHORT || o.status == IHEX_NO_END);
  }
  assert_int_equal(read_bytes(text, size).status, IHEX_END);
}

// The eight bits add up, so every change of one digit is seen.
static void every_changed_digit_is_refused(void **state) {
  (void)state;
  char text[] = ":040010001122334442\n" END;
  assert_int_equal(read_text(text).status, IHEX_END);
  for (size_t i = 1; text[i] != '\n'; i++) {
    const char before = text[i];
    for (const char *digit = "0123456789ABCDEF"; *digit; digit++) {
      if (*digit == before) continue;
      text[i] = *digit;
      assert_int_not_equal(read_text(text).status, IHEX_END);
    }
    text[i] = before;
  }
}

static void bytes_that_are_no_text_are_refused(void **state) {
  (void)state;
  for (unsigned c = 0; c < 256; c++) {
    char text[2] = {(char)c, ':'};
    assert_int_not_equal(read_bytes(text, 2).status, IHEX_END);
    char inside[] = ":01000000AA55\n" END;
    inside[5] = (char)c;
    const enum ihex_status status = read_bytes(inside, sizeof inside - 1).status;
    assert_int_equal(status == IHEX_END, c == '0');
  }
}

static void empty_text_has_no_end(void **state) {
  (void)state;
  expect_defect("", IHEX_NO_END, 0);
  expect_defect("\n\n", IHEX_NO_END, 2);
}

// ---- Detection and wording -------------------------------------------------

static void detection_wants_a_whole_record_header(void **state) {
  (void)state;
  assert_true(ihex_detect(":00000001FF", 11));
  assert_true(ihex_detect(":10aBcD00", 9));
  assert_false(ihex_detect(":10aBcD00", 8));
  assert_false(ihex_detect("", 0));
  assert_false(ihex_detect("100000000", 9));
  for (size_t i = 1; i < 9; i++) {
    char text[] = ":00000001FF";
    text[i] = 'x';
    assert_false(ihex_detect(text, sizeof text - 1));
  }
}

static void every_status_has_a_sentence_of_its_own(void **state) {
  (void)state;
  for (int i = 0; i <= IHEX_NO_END; i++) {
    for (int k = 0; k < i; k++) {
      assert_string_not_equal(ihex_status_text((enum ihex_status)i),
                              ihex_status_text((enum ihex_status)k));
    }
  }
  assert_string_equal(ihex_status_text((enum ihex_status)(IHEX_NO_END + 1)),
                      "has an unknown defect");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_records_are_read),
      cmocka_unit_test(linear_base_is_the_upper_half),
      cmocka_unit_test(segment_base_counts_16_bytes),
      cmocka_unit_test(linear_base_ends_segment_wrapping),
      cmocka_unit_test(entry_points_and_empty_records_hold_nothing),
      cmocka_unit_test(line_ends_blanks_and_case_do_not_matter),
      cmocka_unit_test(the_last_line_needs_no_newline),
      cmocka_unit_test(a_record_of_255_bytes_is_read),
      cmocka_unit_test(a_longer_line_than_any_record_is_refused),
      cmocka_unit_test(each_defect_has_its_own_status_and_line),
      cmocka_unit_test(lengths_must_suit_the_type),
      cmocka_unit_test(every_lie_about_the_length_is_refused),
      cmocka_unit_test(records_that_wrap_are_refused),
      cmocka_unit_test(nothing_may_follow_the_end),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(every_changed_digit_is_refused),
      cmocka_unit_test(bytes_that_are_no_text_are_refused),
      cmocka_unit_test(empty_text_has_no_end),
      cmocka_unit_test(detection_wants_a_whole_record_header),
      cmocka_unit_test(every_status_has_a_sentence_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
