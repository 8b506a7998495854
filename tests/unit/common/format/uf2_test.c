// SPDX-License-Identifier: MIT
// Places and magic numbers are typed again from the description of the format.
#include "common/format/uf2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  AT_FLAGS = 8,
  AT_ADDRESS = 12,
  AT_SIZE = 16,
  AT_NUMBER = 20,
  AT_COUNT = 24,
  AT_FAMILY = 28,
  AT_DATA = 32,
  AT_END = 508,
};

static void put32(uint8_t *p, uint32_t v) {
  for (unsigned i = 0; i < 4; i++, v >>= 8) {
    p[i] = (uint8_t)v;
  }
}

static void make_block(uint8_t block[512]) {
  memset(block, 0, 512);
  memcpy(block, "UF2\n\x57\x51\x5D\x9E", 8);
  put32(block + AT_FLAGS, 0x2000);
  put32(block + AT_ADDRESS, 0x08010000);
  put32(block + AT_SIZE, 256);
  put32(block + AT_NUMBER, 6);
  put32(block + AT_COUNT, 7);
  put32(block + AT_FAMILY, 0x53B80F00);
  for (unsigned i = 0; i < 476; i++) {
    block[AT_DATA + i] = (uint8_t)(i * 7);
  }
  memcpy(block + AT_END, "\x30\x6F\xB1\x0A", 4);
}

static void a_block_is_taken_apart(void **state) {
  (void)state;
  uint8_t bytes[512];
  struct uf2_block block;
  make_block(bytes);
  assert_int_equal(uf2_decode(bytes, sizeof bytes, &block), UF2_OK);
  assert_int_equal(block.flags, UF2_HAS_FAMILY);
  assert_int_equal(block.address, 0x08010000);
  assert_int_equal(block.size, 256);
  assert_int_equal(block.number, 6);
  assert_int_equal(block.count, 7);
  assert_int_equal(block.family, UF2_FAMILY_STM32F7);
  assert_ptr_equal(block.data, bytes + AT_DATA);
}

// In memory of just that size, so that ASan sees a read too far; `out` stays.
static void every_truncation_is_refused(void **state) {
  (void)state;
  uint8_t whole[512];
  make_block(whole);
  for (size_t n = 0; n < sizeof whole; n++) {
    uint8_t *bytes = malloc(n + (n == 0));
    assert_non_null(bytes);
    memcpy(bytes, whole, n);
    struct uf2_block block = {.number = 99};
    assert_int_equal(uf2_decode(bytes, n, &block), UF2_TRUNCATED);
    assert_int_equal(block.number, 99);
    free(bytes);
  }
}

static enum uf2_status status_with(unsigned at, uint32_t value) {
  uint8_t bytes[512];
  struct uf2_block block;
  make_block(bytes);
  put32(bytes + at, value);
  return uf2_decode(bytes, sizeof bytes, &block);
}

static void each_defect_has_its_status(void **state) {
  (void)state;
  assert_int_equal(status_with(0, 0x0A324656), UF2_BAD_MAGIC);
  assert_int_equal(status_with(4, 0x9E5D5158), UF2_BAD_MAGIC);
  assert_int_equal(status_with(AT_END, 0x0AB16F31), UF2_BAD_END);
  assert_int_equal(status_with(AT_SIZE, 0), UF2_BAD_SIZE);
  assert_int_equal(status_with(AT_SIZE, 476), UF2_OK);
  assert_int_equal(status_with(AT_SIZE, 477), UF2_BAD_SIZE);
  assert_int_equal(status_with(AT_SIZE, UINT32_MAX), UF2_BAD_SIZE);
  assert_int_equal(status_with(AT_NUMBER, 7), UF2_BAD_NUMBER);
  assert_int_equal(status_with(AT_COUNT, 0), UF2_BAD_NUMBER);
  assert_int_equal(status_with(AT_ADDRESS, 0xFFFFFF00), UF2_OK);
  assert_int_equal(status_with(AT_ADDRESS, 0xFFFFFF01), UF2_WRAP);
}

static void a_checksum_takes_room_from_the_payload(void **state) {
  (void)state;
  uint8_t bytes[512];
  struct uf2_block block;
  make_block(bytes);
  put32(bytes + AT_FLAGS, 0x4000);
  put32(bytes + AT_SIZE, 452);
  assert_int_equal(uf2_decode(bytes, sizeof bytes, &block), UF2_OK);
  put32(bytes + AT_SIZE, 453);
  assert_int_equal(uf2_decode(bytes, sizeof bytes, &block), UF2_BAD_SIZE);
}

static void a_file_is_told_by_its_first_number(void **state) {
  (void)state;
  uint8_t bytes[512];
  make_block(bytes);
  assert_true(uf2_detect(bytes, sizeof bytes));
  assert_true(uf2_detect(bytes, 4));
  assert_false(uf2_detect(bytes, 3));
  assert_false(uf2_detect(bytes + 1, 511));
}

static void every_status_has_a_sentence_of_its_own(void **state) {
  (void)state;
  for (int i = UF2_OK; i <= UF2_WRAP; i++) {
    for (int k = 0; k < i; k++) {
      assert_string_not_equal(uf2_status_text((enum uf2_status)i),
                              uf2_status_text((enum uf2_status)k));
    }
  }
  assert_string_equal(uf2_status_text((enum uf2_status)(UF2_WRAP + 1)),
                      "has an unknown defect");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_block_is_taken_apart),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(each_defect_has_its_status),
      cmocka_unit_test(a_checksum_takes_room_from_the_payload),
      cmocka_unit_test(a_file_is_told_by_its_first_number),
      cmocka_unit_test(every_status_has_a_sentence_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
