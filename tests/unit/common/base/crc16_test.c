// SPDX-License-Identifier: MIT
// Against published values, and against the long division bit by bit.
#include "common/base/crc16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/random.h"

static uint16_t divide(const uint8_t *p, size_t n) {
  uint32_t crc = 0;
  for (size_t i = 0; i < n; i++) {
    for (int bit = 7; bit >= 0; bit--) {
      const uint32_t in = ((uint32_t)p[i] >> bit) & 1u;
      const uint32_t out = (crc >> 15) & 1u;
      crc = (crc << 1) & 0xFFFFu;
      if (in ^ out) crc ^= 0x1021u;
    }
  }
  return (uint16_t)crc;
}

static void test_published_values(void **state) {
  (void)state;
  assert_int_equal(crc16_update(0, (const uint8_t *)"123456789", 9), 0x31C3);
  assert_int_equal(crc16_update(0, (const uint8_t *)"A", 1), 0x58E5);
  assert_int_equal(crc16_update(0, (const uint8_t *)"", 0), 0);
}

static void test_division(void **state) {
  (void)state;
  struct random r = {.state = 1};
  uint8_t bytes[300];
  for (int run = 0; run < 1000; run++) {
    const size_t n = random_below(&r, sizeof bytes);
    const size_t cut = random_below(&r, (uint32_t)n + 1);
    for (size_t i = 0; i < n; i++) {
      bytes[i] = (uint8_t)random_next(&r);
    }
    const uint16_t first = crc16_update(0, bytes, cut);
    assert_int_equal(crc16_update(first, bytes + cut, n - cut), divide(bytes, n));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_published_values),
      cmocka_unit_test(test_division),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
