// SPDX-License-Identifier: MIT
#include "host/lib/image.h"

#include "tests/unit/host/lib/scratch.h"
#include "tests/unit/host/lib/uf2_blocks.h"
#include "tests/vectors/dfuse/golden.h"

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
  expect_refused(
      "a.bin",
      "a.bin is not a 32-bit program, so it is not for this board; build it for "
      "Cortex-M7");
}

static void raw_bytes_need_an_address(void **state) {
  (void)state;
  scratch_write("a.bin", "raw", 3);
  expect_refused(
      "a.bin",
      "a.bin is neither ELF, Intel HEX, .dfu nor UF2, so it needs an address, such as "
      "a.bin@0x90000000");
}

static void an_empty_file_is_refused(void **state) {
  (void)state;
  scratch_write("a.bin", "", 0);
  expect_refused("a.bin@0x90000000", "a.bin holds no bytes; leave it out");
}

static void a_missing_file_is_told(void **state) {
  (void)state;
  expect_refused("a.bin", "cannot open a.bin: No such file or directory");
}

static void a_file_that_would_end_above_32_bits_is_refused(void **state) {
  (void)state;
  scratch_write("a.bin", "raw", 3);
  expect_refused(
      "a.bin@0xFFFFFFFE",
      "a.bin: its 3 bytes at 0xFFFFFFFE would end above 0xFFFFFFFF, the last "
      "32-bit address; make it smaller or move it");
}

static void uf2_is_told_by_its_content(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  uint8_t block[512];
  uf2_make(block, &(struct uf2_plan){0x2000, 0x90000000, 0, 1, 0x53B80F00, 'a'});
  scratch_write("a.bin", block, sizeof block);
  assert_true(load(&list, "a.bin", &error));
  assert_int_equal(list.items[0].address, 0x90000000);
  assert_int_equal(list.items[0].size, 256);
  segments_free(&list);
  expect_refused("a.bin@0x90000000",
                 "a.bin is a UF2 file and states its own addresses; give it without "
                 "@ADDR");
}

// As dfu-suffix 0.11 writes it.
static void a_plain_dfu_file_needs_an_address(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  static const uint8_t file[] = {'r',  'a',  'w',  0xFF, 0xFF, 0x44, 0x24,
                                 0x09, 0x12, 0x00, 0x01, 'U',  'F',  'D',
                                 0x10, 0xE7, 0x3E, 0xC5, 0xE7};
  scratch_write("a.dfu", file, sizeof file);
  assert_true(load(&list, "a.dfu@0x90000000", &error));
  assert_int_equal(list.items[0].size, 3);
  segments_free(&list);
  expect_refused(
      "a.dfu",
      "a.dfu is a plain DFU file, which does not say where its bytes belong; "
      "give it an address, such as a.dfu@0x90000000");
}

static void every_format_has_a_name(void **state) {
  (void)state;
  for (int i = IMAGE_ELF; i <= IMAGE_RAW + 1; i++) {
    for (int k = 0; k < i; k++) {
      assert_string_not_equal(image_format_name((enum image_format)i),
                              image_format_name((enum image_format)k));
    }
  }
}

// ---- Damaged files ---------------------------------------------------------

// In memory of just that size, so that ASan sees any read beyond it.
static bool load_beginning(const uint8_t *file, size_t size, struct qb_error *error) {
  const struct image_input input = {.has_address = false};
  struct segments list = {0};
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, file, size);
  const bool ok = image_load_bytes(&list, &input, copy, size, "a", error) &&
                  segments_arrange(&list, error);
  segments_free(&list);
  free(copy);
  return ok;
}

// Cut anywhere before `needed`, the file is refused by name.
static void expect_every_truncation_refused(const uint8_t *file, size_t size,
                                            size_t needed) {
  struct qb_error error;
  for (size_t n = 0; n < needed; n++) {
    error.text[0] = '\0';
    assert_false(load_beginning(file, n, &error));
    assert_memory_equal(error.text, "a", 1);
  }
  for (size_t n = needed; n <= size; n++) {
    assert_true(load_beginning(file, n, &error));
  }
}

static void every_truncated_dfuse_file_is_refused(void **state) {
  (void)state;
  const size_t size = sizeof golden_two_targets;
  expect_every_truncation_refused(golden_two_targets, size, size);
}

// The line end of the last record may be missing.
static void every_truncated_hex_file_is_refused(void **state) {
  (void)state;
  const char text[] =
      ":020000049000"
      "6A\r\n:0100000055AA\r\n:020004001234B4\r\n:00000001FF\r\n";
  expect_every_truncation_refused((const uint8_t *)text, strlen(text),
                                  strlen(text) - 2);
}

static void every_truncated_uf2_file_is_refused(void **state) {
  (void)state;
  uint8_t file[1024];
  uf2_make(file, &(struct uf2_plan){0x2000, 0x90000100, 1, 2, 0x53B80F00, 'b'});
  uf2_make(file + 512, &(struct uf2_plan){0x2000, 0x90000000, 0, 2, 0x53B80F00, 'a'});
  expect_every_truncation_refused(file, sizeof file, sizeof file);
}

// Header, one program header, eight bytes: places as in the System V gABI.
static void every_truncated_elf_file_is_refused(void **state) {
  (void)state;
  uint8_t file[92] =
      "\x7F"
      "ELF\x01\x01\x01";
  file[16] = 2;   // executable
  file[18] = 40;  // Arm
  file[20] = 1;
  file[28] = 52;  // program headers
  file[40] = 52;
  file[42] = 32;
  file[44] = 1;
  file[52] = 1;   // to be loaded
  file[56] = 84;  // from here in the file
  uf2_put32(file + 64, 0x08010000);
  file[68] = file[72] = 8;
  expect_every_truncation_refused(file, sizeof file, sizeof file);
}

static void every_dfuse_defect_says_what_to_do(void **state) {
  (void)state;
  static const struct {
    size_t at;
    uint8_t value;
    const char *sentence;
  } defects[] = {
      {5, 2,
       "a has a DfuSe version other than 1; have it made as version 1, such as by "
       "'quadboot pack'"},
      {300, 0x5A,
       "a is damaged: its checksum does not match its content; copy or download it "
       "again"},
      {sizeof golden_two_targets - 5, 17,
       "a has a DFU suffix of a length other than 16; have it made again, such as by "
       "'quadboot pack'"},
      {sizeof golden_two_targets - 10, 0,
       "a has the suffix of a plain DFU file, not of a DfuSe file; have it made again, "
       "such as by 'quadboot pack'"},
  };
  for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
    uint8_t file[sizeof golden_two_targets];
    struct qb_error error;
    memcpy(file, golden_two_targets, sizeof file);
    file[defects[i].at] = defects[i].value;
    assert_false(load_beginning(file, sizeof file, &error));
    assert_string_equal(error.text, defects[i].sentence);
  }
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
      scratch_test(uf2_is_told_by_its_content),
      scratch_test(a_plain_dfu_file_needs_an_address),
      cmocka_unit_test(every_format_has_a_name),
      cmocka_unit_test(every_truncated_dfuse_file_is_refused),
      cmocka_unit_test(every_truncated_hex_file_is_refused),
      cmocka_unit_test(every_truncated_uf2_file_is_refused),
      cmocka_unit_test(every_truncated_elf_file_is_refused),
      cmocka_unit_test(every_dfuse_defect_says_what_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
