// SPDX-License-Identifier: MIT
#include "host/lib/image_uf2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/host/lib/uf2_blocks.h"

#define F7    0x53B80F00u
#define OURS  0x2000u
#define QSPI  0x90000000u
#define AGAIN "; copy or make the file again"

enum { BLOCKS = 8 };

static size_t make_file(uint8_t *file, const struct uf2_plan *plans, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uf2_make(file + 512 * i, &plans[i]);
  }
  return 512 * count;
}

static void expect_refused_bytes(const uint8_t *file, size_t size,
                                 const char *sentence) {
  struct segments list = {0};
  struct qb_error error;
  assert_false(image_uf2_load(&list, file, size, "a.uf2", &error));
  assert_string_equal(error.text, sentence);
  segments_free(&list);
}

static void expect_refused(const struct uf2_plan *plans, size_t count,
                           const char *sentence) {
  uint8_t file[512 * BLOCKS];
  expect_refused_bytes(file, make_file(file, plans, count), sentence);
}

// Arranged, it must be `count` times 256 bytes from QSPI on: 'a', 'b', ...
static void expect_good(const struct uf2_plan *plans, size_t plan_count, size_t count) {
  uint8_t file[512 * BLOCKS];
  struct segments list = {0};
  struct qb_error error;
  const size_t size = make_file(file, plans, plan_count);
  assert_true(image_uf2_load(&list, file, size, "a.uf2", &error));
  assert_true(segments_arrange(&list, &error));
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].address, QSPI);
  assert_int_equal(list.items[0].size, 256 * count);
  for (size_t i = 0; i < 256 * count; i++) {
    assert_int_equal(list.items[0].bytes[i], 'a' + i / 256);
  }
  segments_free(&list);
}

static void blocks_may_come_in_any_order(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI + 512, 2, 3, F7, 'c'},
                                          {OURS, QSPI, 0, 3, F7, 'a'},
                                          {OURS, QSPI + 256, 1, 3, F7, 'b'}};
  expect_good(plans, 3, 3);
}

static void a_block_may_come_again(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI + 256, 1, 2, F7, 'b'},
                                          {OURS, QSPI, 0, 2, F7, 'a'}};
  expect_good(plans, 4, 2);
}

static void a_block_with_other_content_is_not_the_same_again(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI, 0, 2, F7, 'x'},
                                          {OURS, QSPI + 256, 1, 2, F7, 'b'}};
  expect_refused(plans, 3,
                 "a.uf2 holds block number 0 twice with different content" AGAIN);
}

static void blocks_outside_the_main_flash_are_skipped_but_counted(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 3, F7, 'a'},
                                          {1, 0x20000000, 1, 3, 0, 'x'},
                                          {OURS, QSPI + 256, 2, 3, F7, 'b'}};
  expect_good(plans, 3, 2);
  static const struct uf2_plan nothing[] = {{1, QSPI, 0, 1, 0, 'x'}};
  expect_refused(nothing, 1, "a.uf2 holds nothing for a flash; leave it out");
}

static void a_container_of_files_is_refused(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{0x1000, 0, 0, 1, 256, 'x'}};
  expect_refused(plans, 1,
                 "a.uf2 holds files, not the content of a flash; unpack it first");
}

static void another_family_is_refused_by_its_name(void **state) {
  (void)state;
  static const struct uf2_plan pico[] = {{OURS, QSPI, 0, 1, 0xE48BFF56, 'a'}};
  expect_refused(pico, 1,
                 "a.uf2 is for RP2040 (UF2 family 0xE48BFF56), not for STM32F7 "
                 "(0x53B80F00); use the file for this board");
  static const struct uf2_plan unknown[] = {{OURS, QSPI, 0, 1, 1, 'a'}};
  expect_refused(unknown, 1,
                 "a.uf2 is for a family that this tool does not know (UF2 family "
                 "0x00000001), not for STM32F7 (0x53B80F00); use the file for this "
                 "board");
}

static void a_file_without_family_counts_by_its_addresses(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{0, QSPI, 0, 1, 256, 'a'}};
  expect_good(plans, 1, 1);
}

static void missing_blocks_are_told(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 3, F7, 'a'},
                                          {OURS, QSPI + 512, 2, 3, F7, 'c'}};
  expect_refused(plans, 2,
                 "a.uf2 is not complete: block number 1 of 0..2 is missing" AGAIN);
  static const struct uf2_plan many[] = {{OURS, QSPI, 0, UINT32_MAX, F7, 'a'}};
  expect_refused(many, 1,
                 "a.uf2 is not complete: block number 1 of 0..4294967294 is "
                 "missing" AGAIN);
}

static void blocks_must_agree_on_their_number(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI + 256, 1, 3, F7, 'b'}};
  expect_refused(plans, 2,
                 "a.uf2: block 2 says that there are 3 blocks, but the first says "
                 "2" AGAIN);
}

static void overlapping_blocks_are_refused(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI + 255, 1, 2, F7, 'b'}};
  uint8_t file[1024];
  struct segments list = {0};
  struct qb_error error;
  const size_t size = make_file(file, plans, 2);
  assert_true(image_uf2_load(&list, file, size, "a.uf2", &error));
  assert_false(segments_arrange(&list, &error));
  assert_string_equal(
      error.text,
      "a.uf2 holds bytes for 0x900000FF..0x900000FF twice; have it made without "
      "overlaps");
  segments_free(&list);
}

static void a_damaged_block_is_told_by_its_place(void **state) {
  (void)state;
  static const struct uf2_plan plans[] = {{OURS, QSPI, 0, 2, F7, 'a'},
                                          {OURS, QSPI + 256, 1, 2, F7, 'b'}};
  uint8_t file[1024];
  make_file(file, plans, 2);
  file[512 + 508]++;
  expect_refused_bytes(file, 1024,
                       "a.uf2: block 2 does not end with the number that ends a UF2 "
                       "block" AGAIN);
  expect_refused_bytes(file, 1000, "a.uf2: block 2 is cut short" AGAIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_may_come_in_any_order),
      cmocka_unit_test(a_block_may_come_again),
      cmocka_unit_test(a_block_with_other_content_is_not_the_same_again),
      cmocka_unit_test(blocks_outside_the_main_flash_are_skipped_but_counted),
      cmocka_unit_test(a_container_of_files_is_refused),
      cmocka_unit_test(another_family_is_refused_by_its_name),
      cmocka_unit_test(a_file_without_family_counts_by_its_addresses),
      cmocka_unit_test(missing_blocks_are_told),
      cmocka_unit_test(blocks_must_agree_on_their_number),
      cmocka_unit_test(overlapping_blocks_are_refused),
      cmocka_unit_test(a_damaged_block_is_told_by_its_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
