// SPDX-License-Identifier: MIT
#include "host/lib/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vectors/dfuse/golden.h"

static const struct pack_options golden_options = {0x0483, 0xDF11, 0x0102};

// A piece of what golden_two_targets holds.
struct piece {
  uint32_t address;
  const char *bytes;
  size_t size;
};

static void add(struct segments *list, uint32_t address, const char *bytes,
                size_t size) {
  struct qb_error error;
  assert_true(
      segments_add(list, address, (const uint8_t *)bytes, size, "x", 0, &error));
}

static struct file_bytes pack(struct segments *list) {
  struct qb_error error;
  struct file_bytes file;
  assert_true(pack_segments(list, &golden_options, &file, &error));
  segments_free(list);
  return file;
}

static void expect_golden(struct segments *list) {
  const struct file_bytes file = pack(list);
  assert_int_equal(file.size, sizeof golden_two_targets);
  assert_memory_equal(file.data, golden_two_targets, file.size);
  free(file.data);
}

static void segments_become_the_golden_file(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x08010000, "\x10\x11\x12\x13\x14\x15\x16\x17", 8);
  add(&list, 0x08020000, "\xA1\xA2\xA3", 3);
  add(&list, 0x90000000, "\x00\xFF\x55\xAA\x7E", 5);
  expect_golden(&list);
}

// Every order of five pieces, two of which are adjacent: always the same bytes.
static void order_and_division_of_the_input_do_not_matter(void **state) {
  (void)state;
  static const struct piece pieces[5] = {{0x08010000, "\x10\x11\x12", 3},
                                         {0x08010003, "\x13\x14\x15\x16\x17", 5},
                                         {0x08020000, "\xA1\xA2\xA3", 3},
                                         {0x90000000, "\x00\xFF\x55\xAA", 4},
                                         {0x90000004, "\x7E", 1}};
  for (unsigned order = 0; order < 5 * 5 * 5 * 5 * 5; order++) {
    unsigned used = 0;
    struct segments list = {0};
    for (unsigned i = 0, digits = order; i < 5; i++, digits /= 5) {
      const struct piece *p = &pieces[digits % 5];
      used |= 1u << (digits % 5);
      add(&list, p->address, p->bytes, p->size);
    }
    if (used == 0x1F) {
      expect_golden(&list);
    } else {
      segments_free(&list);  // a piece twice
    }
  }
}

static void a_medium_without_data_gets_no_target(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x90000000, "q", 1);
  const struct file_bytes file = pack(&list);
  assert_int_equal(file.size, 11 + 274 + 8 + 1 + 16);
  assert_int_equal(file.data[10], 1);      // bTargets
  assert_int_equal(file.data[11 + 6], 1);  // bAlternateSetting
  assert_string_equal(file.data + 11 + 11, "External QSPI");
  free(file.data);
}

static void the_options_are_in_the_suffix(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  struct file_bytes file;
  const struct pack_options options = {0x1234, 0x5678, 0x9ABC};
  add(&list, 0x90000000, "q", 1);
  assert_true(pack_segments(&list, &options, &file, &error));
  const uint8_t expected[] = {0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12, 0x1A, 0x01};
  assert_memory_equal(file.data + file.size - 16, expected, sizeof expected);
  free(file.data);
  segments_free(&list);
}

static void expect_refused(struct segments *list, const char *sentence) {
  struct qb_error error;
  struct file_bytes file;
  assert_false(pack_segments(list, &golden_options, &file, &error));
  assert_string_equal(error.text, sentence);
  segments_free(list);
}

static void nothing_is_refused(void **state) {
  (void)state;
  struct segments list = {0};
  expect_refused(&list, "there is nothing to pack");
}

static void a_lone_segment_outside_flash_is_refused(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x20000000, "r", 1);
  expect_refused(
      &list,
      "x: the bytes at 0x20000000..0x20000000 lie in RAM; its content is lost "
      "at reset, so link with a load address in flash");
}

static void bytes_outside_flash_are_refused(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x90000000, "q", 1);
  add(&list, 0x0800FFFF, "b", 1);
  expect_refused(
      &list,
      "x: the bytes at 0x0800FFFF..0x0800FFFF lie in 0x08000000..0x0800FFFF, "
      "which belong to the bootloader itself; the application starts at "
      "0x08010000, so link it there");
}

static void overlapping_bytes_are_refused(void **state) {
  (void)state;
  struct segments list = {0};
  add(&list, 0x90000000, "abc", 3);
  add(&list, 0x90000002, "de", 2);
  expect_refused(
      &list,
      "x holds bytes for 0x90000002..0x90000002 twice; have it made without overlaps");
}

// What a .dfu put into a target, and what says nothing, are neighbours all the same.
static void pieces_with_and_without_target_are_merged(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  add(&list, 0x08010000, "\x10\x11\x12", 3);
  assert_true(segments_add_target(
      &list, 0x08010003, (const uint8_t *)"\x13\x14\x15\x16\x17", 5, "y", 0, &error));
  add(&list, 0x08020000, "\xA1\xA2\xA3", 3);
  assert_true(segments_add_target(
      &list, 0x90000000, (const uint8_t *)"\x00\xFF\x55\xAA\x7E", 5, "y", 1, &error));
  expect_golden(&list);
}

static void a_target_of_another_device_is_refused(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_true(segments_add_target(&list, 0x90000000, (const uint8_t *)"q", 1, "x.dfu",
                                  2, &error));
  expect_refused(
      &list,
      "x.dfu puts 0x90000000 into target 2, but External QSPI is target 1 of "
      "quadboot; unpack it, and pack its parts");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(segments_become_the_golden_file),
      cmocka_unit_test(order_and_division_of_the_input_do_not_matter),
      cmocka_unit_test(a_medium_without_data_gets_no_target),
      cmocka_unit_test(the_options_are_in_the_suffix),
      cmocka_unit_test(nothing_is_refused),
      cmocka_unit_test(a_lone_segment_outside_flash_is_refused),
      cmocka_unit_test(bytes_outside_flash_are_refused),
      cmocka_unit_test(overlapping_bytes_are_refused),
      cmocka_unit_test(pieces_with_and_without_target_are_merged),
      cmocka_unit_test(a_target_of_another_device_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
