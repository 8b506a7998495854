// SPDX-License-Identifier: MIT
#include "host/lib/unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vectors/dfuse/golden.h"

enum { ROOM = 4096 };

static void golden_file_becomes_its_elements(void **state) {
  (void)state;
  struct unpack u = {0};
  struct qb_error error;
  const size_t size = sizeof golden_two_targets;
  assert_true(unpack_open(&u, golden_two_targets, size, "a.dfu", &error));
  assert_int_equal(u.count, 3);
  assert_string_equal(u.parts[0].name, "0-internal-flash-0x08010000.bin");
  assert_string_equal(u.parts[1].name, "0-internal-flash-0x08020000.bin");
  assert_string_equal(u.parts[2].name, "1-external-qspi-0x90000000.bin");
  assert_int_equal(u.parts[2].alternate, 1);
  assert_int_equal(u.parts[2].address, 0x90000000);
  assert_int_equal(u.parts[2].size, 5);
  assert_memory_equal(u.parts[2].bytes, "\x00\xFF\x55\xAA\x7E", 5);
  assert_int_equal(u.summary.suffix.bcd_device, 0x0102);
  assert_int_equal(unpack_try_again(&u, golden_two_targets, size, &error), UNPACK_SAME);
  unpack_free(&u);
}

// Builds a file of one target and unpacks it; `file` must outlive `u`.
static size_t unpack(struct unpack *u, uint8_t file[ROOM], uint8_t alternate,
                     const char *name, const struct dfuse_element_plan *elements,
                     uint32_t count) {
  const struct dfuse_target_plan target = {alternate, name, elements, count};
  const struct dfuse_plan plan = {&target, 1, 0x0483, 0xDF11, 0xFFFF};
  uint32_t size = 0;
  struct qb_error error;
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_OK);
  assert_int_equal(dfuse_build(&plan, file, ROOM), DFUSE_OK);
  assert_true(unpack_open(u, file, size, "a.dfu", &error));
  return size;
}

static void expect_name(const char *target, const char *name) {
  const struct dfuse_element_plan element = {0x90000000, 1, (const uint8_t *)"x"};
  uint8_t file[ROOM];
  struct unpack u = {0};
  unpack(&u, file, 1, target, &element, 1);
  assert_string_equal(u.parts[0].name, name);
  unpack_free(&u);
}

static void names_hold_nothing_that_a_folder_or_shell_acts_on(void **state) {
  (void)state;
  expect_name("", "1-0x90000000.bin");
  expect_name("..", "1-0x90000000.bin");
  expect_name("../../etc/passwd", "1-etc-passwd-0x90000000.bin");
  expect_name("/dev/sda", "1-dev-sda-0x90000000.bin");
  expect_name("$(rm -rf ~); `x`\n\x1b[2J", "1-rm-rf-x-2j-0x90000000.bin");
  expect_name("\xC3\xA4 \xFF", "1-0x90000000.bin");
  expect_name("a name that is longer than what a part's name has room for by far",
              "1-a-name-that-is-longer-th-0x90000000.bin");
}

// Every length up to the longest that a target's name has.
static void any_name_fits(void **state) {
  (void)state;
  char name[DFUSE_NAME_SIZE];
  for (size_t n = 0; n < sizeof name; n++) {
    memset(name, 'x', n);
    name[n] = '\0';
    const struct dfuse_element_plan element = {0xFFFFFFFF, 1, (const uint8_t *)"x"};
    uint8_t file[ROOM];
    struct unpack u = {0};
    unpack(&u, file, 255, name, &element, 1);
    assert_non_null(strstr(u.parts[0].name, "-0xFFFFFFFF.bin"));
    unpack_free(&u);
  }
}

// An element without bytes makes no file, and packing leaves it out.
static void empty_elements_are_left_out(void **state) {
  (void)state;
  const struct dfuse_element_plan elements[] = {{0x90000000, 0, (const uint8_t *)"x"},
                                                {0x90000000, 1, (const uint8_t *)"x"}};
  uint8_t file[ROOM];
  struct unpack u = {0};
  struct qb_error error;
  const size_t size = unpack(&u, file, 1, "External QSPI", elements, 2);
  assert_int_equal(u.count, 1);
  assert_int_equal(unpack_try_again(&u, file, size, &error), UNPACK_DIFFERENT);
  unpack_free(&u);
}

static void what_packing_merges_is_not_the_same(void **state) {
  (void)state;
  const struct dfuse_element_plan elements[] = {{0x90000000, 1, (const uint8_t *)"x"},
                                                {0x90000001, 1, (const uint8_t *)"y"}};
  uint8_t file[ROOM];
  struct unpack u = {0};
  struct qb_error error;
  const size_t size = unpack(&u, file, 1, "External QSPI", elements, 2);
  assert_int_equal(unpack_try_again(&u, file, size, &error), UNPACK_DIFFERENT);
  unpack_free(&u);
}

static void what_packing_refuses_is_told(void **state) {
  (void)state;
  const struct dfuse_element_plan option = {0x1FFFC000, 1, (const uint8_t *)"x"};
  const struct dfuse_element_plan script = {0x90000000, 5, (const uint8_t *)"DfuSe"};
  uint8_t file[ROOM];
  struct unpack u = {0};
  struct qb_error error;
  size_t size = unpack(&u, file, 1, "Options", &option, 1);
  assert_int_equal(unpack_try_again(&u, file, size, &error), UNPACK_REFUSED);
  assert_non_null(strstr(error.text, "lie in the ROM, OTP and option byte area"));
  unpack_free(&u);
  size = unpack(&u, file, 1, "External QSPI", &script, 1);
  assert_int_equal(unpack_try_again(&u, file, size, &error), UNPACK_REFUSED);
  assert_string_equal(error.text,
                      "1-external-qspi-0x90000000.bin alone would be taken for a DfuSe "
                      "file");
  unpack_free(&u);
}

// dfuse_build() makes no such file; two targets with one place do.
static void parts_of_one_place_are_numbered(void **state) {
  (void)state;
  const struct dfuse_element_plan element = {0x90000000, 1, (const uint8_t *)"x"};
  const struct dfuse_target_plan targets[] = {
      {1, "Q", &element, 1}, {1, "Q", &element, 1}, {1, "Q", &element, 1}};
  const struct dfuse_plan plan = {targets, 3, 0x0483, 0xDF11, 0xFFFF};
  uint8_t file[ROOM];
  uint32_t size = 0;
  struct unpack u = {0};
  struct qb_error error;
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_OK);
  assert_int_equal(dfuse_build(&plan, file, ROOM), DFUSE_OK);
  assert_true(unpack_open(&u, file, size, "a.dfu", &error));
  assert_string_equal(u.parts[0].name, "1-q-0x90000000.bin");
  assert_string_equal(u.parts[1].name, "1-q-0x90000000-2.bin");
  assert_string_equal(u.parts[2].name, "1-q-0x90000000-3.bin");
  assert_int_equal(unpack_try_again(&u, file, size, &error), UNPACK_REFUSED);
  unpack_free(&u);
}

static void other_files_are_refused(void **state) {
  (void)state;
  struct unpack u = {0};
  struct qb_error error;
  assert_false(unpack_open(&u, (const uint8_t *)"raw", 3, "a.bin", &error));
  assert_string_equal(
      error.text,
      "a.bin is a raw file, and only DfuSe files (.dfu) can be unpacked; "
      "'quadboot show' tells what is in it");
  assert_false(
      unpack_open(&u, golden_no_targets, sizeof golden_no_targets, "a.dfu", &error));
  assert_string_equal(error.text, "a.dfu holds no data; leave it out");
  assert_false(unpack_open(&u, golden_two_targets, 600, "a.dfu", &error));
  unpack_free(&u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_file_becomes_its_elements),
      cmocka_unit_test(names_hold_nothing_that_a_folder_or_shell_acts_on),
      cmocka_unit_test(any_name_fits),
      cmocka_unit_test(empty_elements_are_left_out),
      cmocka_unit_test(what_packing_merges_is_not_the_same),
      cmocka_unit_test(what_packing_refuses_is_told),
      cmocka_unit_test(parts_of_one_place_are_numbered),
      cmocka_unit_test(other_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
