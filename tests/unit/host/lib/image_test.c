// SPDX-License-Identifier: MIT
#include "host/lib/image.h"

#include "tests/unit/host/lib/scratch.h"

// ---- Arguments -------------------------------------------------------------

static void expect_input(const char *argument, const char *path, bool has_address,
                         uint32_t address) {
  struct image_input input;
  struct qb_error error;
  assert_true(image_parse_input(argument, &input, &error));
  assert_string_equal(input.path, path);
  assert_int_equal(input.has_address, has_address);
  assert_int_equal(input.address, address);
  free(input.path);
}

static void expect_bad_input(const char *argument, const char *sentence) {
  struct image_input input;
  struct qb_error error;
  assert_false(image_parse_input(argument, &input, &error));
  assert_string_equal(error.text, sentence);
}

static void an_argument_is_a_file_with_or_without_address(void **state) {
  (void)state;
  expect_input("a.elf", "a.elf", false, 0);
  expect_input("a.bin@0x90000000", "a.bin", true, 0x90000000);
  expect_input("a.bin@0XffffFFFF", "a.bin", true, 0xFFFFFFFF);
  expect_input("dir@1/a.bin@0x0", "dir@1/a.bin", true, 0);
}

static void an_at_sign_may_belong_to_the_name(void **state) {
  (void)state;
  expect_input("logo@2x.png", "logo@2x.png", false, 0);
  expect_input("logo@2x.png@0x90000000", "logo@2x.png", true, 0x90000000);
  expect_input("a@0x1@b", "a@0x1@b", false, 0);
  expect_input("a@", "a@", false, 0);
  expect_input("a@0", "a@0", false, 0);
  expect_input("@home", "@home", false, 0);
}

static void a_bad_address_is_told(void **state) {
  (void)state;
  expect_bad_input("a.bin@0x9000000g",
                   "a.bin@0x9000000g: \"0x9000000g\" is not a hexadecimal address");
  expect_bad_input("a.bin@0x", "a.bin@0x: \"0x\" is not a hexadecimal address");
  expect_bad_input("a.bin@0x100000000",
                   "a.bin@0x100000000: the address is above 0xFFFFFFFF");
}

static void a_missing_name_is_told(void **state) {
  (void)state;
  expect_bad_input("", "\"\" names no file");
  expect_bad_input("@0x90000000", "\"@0x90000000\" names no file");
}

// ---- Files -----------------------------------------------------------------

static bool load(struct segments *list, const char *argument, struct qb_error *error) {
  struct image_input input;
  assert_true(image_parse_input(argument, &input, error));
  const bool ok = image_load(list, &input, error);
  free(input.path);  // the list must not need it
  return ok;
}

static void expect_refused(const char *argument, const char *sentence) {
  struct segments list = {0};
  struct qb_error error;
  assert_false(load(&list, argument, &error));
  assert_string_equal(error.text, sentence);
  segments_free(&list);
}

static void raw_bytes_go_to_the_given_address(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  scratch_write("a.bin", "raw", 3);
  assert_true(load(&list, "a.bin@0x90001000", &error));
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].address, 0x90001000);
  assert_int_equal(list.items[0].size, 3);
  assert_memory_equal(list.items[0].bytes, "raw", 3);
  assert_string_equal(list.items[0].source, "a.bin");
  assert_int_equal(list.items[0].line, 0);
  segments_free(&list);
}

// The content decides, not the name.
static void hex_is_told_by_its_content(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  const char text[] =
      ":020000049000"
      "6A\n:0100000055AA\n:00000001FF\n";
  scratch_write("a.bin", text, strlen(text));
  assert_true(load(&list, "a.bin", &error));
  assert_int_equal(list.items[0].address, 0x90000000);
  assert_int_equal(list.items[0].line, 2);
  segments_free(&list);
  expect_refused("a.bin@0x90000000",
                 "a.bin is an Intel HEX file and states its own addresses; give it "
                 "without @ADDR");
}

static void a_raw_file_may_begin_with_a_colon(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  scratch_write("a.bin", ":)", 2);
  assert_true(load(&list, "a.bin@0x90000000", &error));
  assert_int_equal(list.items[0].size, 2);
  segments_free(&list);
}

static void elf_is_told_by_its_content(void **state) {
  (void)state;
  scratch_write("a.bin",
                "\x7F"
                "ELF\x02\x01\x01.........",
                16);
  expect_refused("a.bin@0x90000000",
                 "a.bin is an ELF file and states its own addresses; give it without "
                 "@ADDR");
  expect_refused("a.bin", "a.bin is not a 32-bit program, so it is not for this board");
}

static void raw_bytes_need_an_address(void **state) {
  (void)state;
  scratch_write("a.bin", "raw", 3);
  expect_refused(
      "a.bin",
      "a.bin is neither ELF, Intel HEX nor .dfu, so it needs an address, such as "
      "a.bin@0x90000000");
}

static void an_empty_file_is_refused(void **state) {
  (void)state;
  scratch_write("a.bin", "", 0);
  expect_refused("a.bin@0x90000000", "a.bin holds no bytes");
}

static void a_missing_file_is_told(void **state) {
  (void)state;
  expect_refused("a.bin", "cannot open a.bin: No such file or directory");
}

static void a_file_that_would_end_above_32_bits_is_refused(void **state) {
  (void)state;
  scratch_write("a.bin", "raw", 3);
  expect_refused("a.bin@0xFFFFFFFE",
                 "a.bin: its 3 bytes at 0xFFFFFFFE would end above 0xFFFFFFFF, the "
                 "last 32-bit address");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_argument_is_a_file_with_or_without_address),
      cmocka_unit_test(an_at_sign_may_belong_to_the_name),
      cmocka_unit_test(a_bad_address_is_told),
      cmocka_unit_test(a_missing_name_is_told),
      scratch_test(raw_bytes_go_to_the_given_address),
      scratch_test(hex_is_told_by_its_content),
      scratch_test(a_raw_file_may_begin_with_a_colon),
      scratch_test(elf_is_told_by_its_content),
      scratch_test(raw_bytes_need_an_address),
      scratch_test(an_empty_file_is_refused),
      scratch_test(a_missing_file_is_told),
      scratch_test(a_file_that_would_end_above_32_bits_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
