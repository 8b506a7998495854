// SPDX-License-Identifier: MIT
#include "common/base/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

// The definition, one bit at a time, against the table.
static uint32_t bitwise(uint32_t crc, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ ((crc & 1u) ? 0xEDB88320u : 0u);
    }
  }
  return crc;
}

// CRC-32/ISO-HDLC and CRC-32/JAMCRC (without the inversion) of the catalogue's
// check string.
static void check_string(void **state) {
  (void)state;
  const uint32_t crc = crc32_update(0xFFFFFFFF, "123456789", 9);
  assert_int_equal(crc, 0x340BC6D9);
  assert_int_equal(~crc, 0xCBF43926);
}

static void start_value_is_all_ones(void **state) {
  (void)state;
  assert_int_equal(CRC32_INIT, 0xFFFFFFFF);
}

static void nothing_changes_nothing(void **state) {
  (void)state;
  assert_int_equal(crc32_update(0x12345678, "", 0), 0x12345678);
}

static void every_byte_value_agrees_with_the_definition(void **state) {
  (void)state;
  for (unsigned i = 0; i < 256; i++) {
    const uint8_t byte = (uint8_t)i;
    assert_int_equal(crc32_update(0xFFFFFFFF, &byte, 1), bitwise(0xFFFFFFFF, &byte, 1));
  }
}

static void pieces_give_the_same_as_the_whole(void **state) {
  (void)state;
  uint8_t data[257];
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)(i * 37 + 11);
  }
  const uint32_t whole = bitwise(0xFFFFFFFF, data, sizeof data);
  for (size_t cut = 0; cut <= sizeof data; cut++) {
    const uint32_t first = crc32_update(0xFFFFFFFF, data, cut);
    assert_int_equal(crc32_update(first, data + cut, sizeof data - cut), whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_string),
      cmocka_unit_test(start_value_is_all_ones),
      cmocka_unit_test(nothing_changes_nothing),
      cmocka_unit_test(every_byte_value_agrees_with_the_definition),
      cmocka_unit_test(pieces_give_the_same_as_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
