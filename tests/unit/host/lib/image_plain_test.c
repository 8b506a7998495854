// SPDX-License-Identifier: MIT
// The suffixes are those that dfu-suffix 0.11 writes.
#include "host/lib/image_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/bytes.h"
#include "common/base/crc32.h"

enum { SUFFIX = 16, ROOM = 64 };

// `content`, then a suffix for 1209:2444 and a checksum.
static size_t make_file(uint8_t file[ROOM], const void *content, size_t size) {
  memcpy(file, content, size);
  memcpy(file + size, "\x02\x01\x44\x24\x09\x12\x00\x01UFD\x10", 12);
  store_le32(file + size + 12, crc32_update(CRC32_INIT, file, size + 12));
  return size + SUFFIX;
}

static void what_is_before_the_suffix_is_loaded(void **state) {
  (void)state;
  uint8_t file[ROOM];
  const size_t size = make_file(file, "content", 7);
  struct segments list = {0};
  struct qb_error error;
  assert_true(image_plain_detect(file, size));
  assert_true(image_plain_load(&list, 0x90000000, file, size, "a.dfu", &error));
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].address, 0x90000000);
  assert_int_equal(list.items[0].size, 7);
  assert_int_equal(list.device.vendor, 0x1209);
  assert_int_equal(list.device.product, 0x2444);
  segments_free(&list);
}

static void a_suffix_must_be_sound(void **state) {
  (void)state;
  uint8_t file[ROOM];
  const size_t size = make_file(file, "content", 7);
  for (size_t i = 0; i < size; i++) {
    file[i] ^= 0x40;
    assert_false(image_plain_detect(file, size));
    file[i] ^= 0x40;
  }
  for (size_t n = 0; n < size; n++) {
    assert_false(image_plain_detect(file, n));
  }
}

static void expect_refused(const void *content, size_t n, const char *sentence) {
  uint8_t file[ROOM];
  struct segments list = {0};
  struct qb_error error;
  const size_t size = make_file(file, content, n);
  assert_false(image_plain_load(&list, 0x90000000, file, size, "a.dfu", &error));
  assert_string_equal(error.text, sentence);
  segments_free(&list);
}

static void prefixes_for_other_chips_are_refused(void **state) {
  (void)state;
  expect_refused(
      "\x01\x00\x08\x00\x03\x00\x00\x00"
      "abc",
      11,
      "a.dfu begins with a prefix for TI's Stellaris chips; take it off with "
      "'dfu-prefix -D' if the rest is for this board");
  expect_refused(
      "\x1A\x3F\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\xFF\xFF\xFF\xFF"
      "abc",
      19,
      "a.dfu begins with a prefix for NXP's LPC chips; take it off with "
      "'dfu-prefix -D' if the rest is for this board");
}

static void a_suffix_alone_is_refused(void **state) {
  (void)state;
  expect_refused("", 0, "a.dfu holds no bytes; leave it out");
}

static void a_file_without_suffix_is_refused(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_false(image_plain_load(&list, 0, (const uint8_t *)"abc", 3, "a.dfu", &error));
  assert_string_equal(error.text, "a.dfu has no DFU suffix");
  segments_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_before_the_suffix_is_loaded),
      cmocka_unit_test(a_suffix_must_be_sound),
      cmocka_unit_test(prefixes_for_other_chips_are_refused),
      cmocka_unit_test(a_suffix_alone_is_refused),
      cmocka_unit_test(a_file_without_suffix_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
