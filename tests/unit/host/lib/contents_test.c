// SPDX-License-Identifier: MIT
#include "host/lib/contents.h"

#include "tests/unit/host/lib/scratch.h"
#include "tests/vectors/dfuse/golden.h"

static const char application[] = "\x00\x00\x08\x20\x01\x02\x01\x08rest";

static bool read_contents(struct contents *c, const char *argument,
                          struct qb_error *error) {
  struct image_input input;
  assert_true(image_parse_input(argument, &input, error));
  const bool ok = contents_read(c, &input, error);
  free(input.path);
  return ok;
}

// Reads it, and expects just this problem (NULL: none).
static void expect_problem(const char *argument, const char *sentence) {
  struct contents c = {0};
  struct qb_error error;
  struct qb_error problems[4];
  assert_true(read_contents(&c, argument, &error));
  const size_t count = contents_problems(&c, problems, 4);
  assert_int_equal(count, sentence ? 1 : 0);
  if (sentence) assert_string_equal(problems[0].text, sentence);
  contents_free(&c);
}

static void an_application_is_found(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  scratch_write("a.bin", application, 12);
  assert_true(read_contents(&c, "a.bin@0x08010000", &error));
  assert_true(c.placed && c.has_vectors);
  assert_int_equal(c.vectors_address, 0x08010000);
  assert_int_equal(c.vectors.reset, 0x08010201);
  contents_free(&c);
  expect_problem("a.bin@0x08010000", NULL);
  expect_problem("a.bin@0x90000000", NULL);
}

// Behind 16 bytes of the bootloader's area, and not where too little is left.
static void an_application_may_be_inside_a_piece(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  char bytes[16 + 8] = "";
  memcpy(bytes + 16, application, 8);
  scratch_write("a.bin", bytes, sizeof bytes);
  assert_true(read_contents(&c, "a.bin@0x0800FFF0", &error));
  assert_true(c.has_vectors);
  assert_int_equal(c.vectors.sp, 0x20080000);
  contents_free(&c);
  scratch_write("b.bin", bytes, sizeof bytes - 1);
  assert_true(read_contents(&c, "b.bin@0x0800FFF0", &error));
  assert_false(c.has_vectors);
  contents_free(&c);
}

static void raw_bytes_without_address_have_no_place(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  scratch_write("a.bin", application, 12);
  assert_true(read_contents(&c, "a.bin", &error));
  assert_false(c.placed);
  assert_int_equal(c.pieces.count, 0);
  assert_true(c.has_vectors);
  contents_free(&c);
  expect_problem("a.bin", NULL);
}

static void what_would_not_start_is_a_problem(void **state) {
  (void)state;
  scratch_write("a.bin", "12345678", 8);
  expect_problem(
      "a.bin@0x08010000",
      "0x08010000 does not begin with the vector table of an application "
      "linked for there (initial SP 0x34333231, reset handler 0x38373635), so "
      "it would not start");
}

static void what_cannot_be_written_is_a_problem(void **state) {
  (void)state;
  scratch_write("a.bin", "r", 1);
  expect_problem(
      "a.bin@0x20000000",
      "a.bin: the bytes at 0x20000000..0x20000000 lie in RAM; its content is "
      "lost at reset, so link with a load address in flash");
}

static void no_more_problems_than_asked_for(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  scratch_write("a.bin", "r", 1);
  assert_true(read_contents(&c, "a.bin@0x20000000", &error));
  assert_int_equal(contents_problems(&c, NULL, 0), 0);
  contents_free(&c);
}

// An independent writer's files; this one counts its suffix.
static void a_size_that_counts_the_suffix_is_a_problem(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  struct qb_error problems[4];
  scratch_write("a.dfu", golden_size_with_suffix, sizeof golden_size_with_suffix);
  assert_true(read_contents(&c, "a.dfu", &error));
  assert_int_equal(c.format, IMAGE_DFUSE);
  assert_int_equal(c.summary.targets, 2);
  assert_int_equal(contents_problems(&c, problems, 4), 2);  // and no vector table
  assert_string_equal(
      problems[0].text,
      "its image size counts the suffix, so fwupd would refuse it; pack "
      "it again");
  contents_free(&c);
}

static struct dfuse_target_plan target_of(uint8_t alternate, const char *name,
                                          const struct dfuse_element_plan *element) {
  return (struct dfuse_target_plan){alternate, name, element, 1};
}

static void a_target_of_another_device_is_a_problem(void **state) {
  (void)state;
  const struct dfuse_element_plan element = {0x90000000, 1, (const uint8_t *)"x"};
  const struct dfuse_target_plan target = target_of(2, "Q", &element);
  const struct dfuse_plan plan = {&target, 1, 0x0483, 0xDF11, 0xFFFF};
  uint8_t file[512];
  uint32_t size = 0;
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_OK);
  assert_int_equal(dfuse_build(&plan, file, sizeof file), DFUSE_OK);
  scratch_write("a.dfu", file, size);
  expect_problem(
      "a.dfu",
      "0x90000000 is in target 2, but External QSPI is target 1 of quadboot; "
      "unpack it, and pack its parts");
}

static void a_bad_file_is_told(void **state) {
  (void)state;
  struct contents c = {0};
  struct qb_error error;
  scratch_write("a.dfu", golden_two_targets, 100);
  assert_false(read_contents(&c, "a.dfu", &error));
  assert_string_equal(error.text,
                      "a.dfu has no DFU suffix at its end: it is cut short or is not a "
                      ".dfu file; copy or download it again");
  contents_free(&c);
  assert_false(read_contents(&c, "missing", &error));
  contents_free(&c);
}

static void names_are_made_safe(void **state) {
  (void)state;
  char out[DFUSE_NAME_SIZE + 1];
  contents_text("A\x1b[2J\xC3\xA4\x7F~ ", out);
  assert_string_equal(out, "A?[2J???~ ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      scratch_test(an_application_is_found),
      scratch_test(an_application_may_be_inside_a_piece),
      scratch_test(raw_bytes_without_address_have_no_place),
      scratch_test(what_would_not_start_is_a_problem),
      scratch_test(what_cannot_be_written_is_a_problem),
      scratch_test(no_more_problems_than_asked_for),
      scratch_test(a_size_that_counts_the_suffix_is_a_problem),
      scratch_test(a_target_of_another_device_is_a_problem),
      scratch_test(a_bad_file_is_told),
      cmocka_unit_test(names_are_made_safe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
