// SPDX-License-Identifier: MIT
// The CRC driver on the simulator's unit against the CRC in software, of every length
// and alignment, in pieces and whatever was left in the unit.
#include "firmware/drivers/crc_f7.h"

#include <string.h>

#include "common/base/crc32.h"
#include "sim/models/crc_unit.h"
#include "tests/model/chip_rig.h"
#include "tests/native/include/firmware/mmio.h"
#include "tests/native/mmio_bus.h"

#define BASE 0x40023000u

struct bench {
  struct chip chip;
  struct crc_unit unit;
};

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  crc_unit_init(&b.unit, &b.chip.sim);
  chip_add(&b.chip, "CRC", BASE, 0x400, &b.unit, crc_unit_read, crc_unit_write);
  crc_unit_reset(&b.unit);
  mmio_bind(&b.chip.sim, VT_NS(5));
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  expect_none(&b->chip);
  crc_unit_free(&b->unit);
  chip_stop(&b->chip);
  return 0;
}

static void check_value(void **state) {
  (void)state;
  assert_int_equal(~crc_f7_update(BASE, CRC32_INIT, "123456789", 9), 0xCBF43926u);
  assert_int_equal(crc_f7_update(BASE, 0x12345678, "", 0), 0x12345678);
}

static void every_length_and_alignment(void **state) {
  struct bench *b = *state;
  uint8_t bytes[80];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 37 + 11);
  for (size_t at = 0; at < 4; at++) {
    for (size_t n = 0; n + at <= sizeof bytes; n++) {
      // What a former user may have left.
      crc_unit_write(&b->unit, 0x00, 4, 0xDEADBEEF);
      assert_int_equal(crc_f7_update(BASE, CRC32_INIT, bytes + at, n),
                       crc32_update(CRC32_INIT, bytes + at, n));
    }
  }
}

static void in_pieces(void **state) {
  (void)state;
  uint8_t bytes[256];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * i + 3);
  const uint32_t whole = crc32_update(CRC32_INIT, bytes, sizeof bytes);
  for (size_t cut = 0; cut <= sizeof bytes; cut++) {
    uint32_t crc = crc_f7_update(BASE, CRC32_INIT, bytes, cut);
    (void)crc_f7_update(BASE, CRC32_INIT, "others", 6);
    crc = crc_f7_update(BASE, crc, bytes + cut, sizeof bytes - cut);
    assert_int_equal(crc, whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(check_value, setup, teardown),
      cmocka_unit_test_setup_teardown(every_length_and_alignment, setup, teardown),
      cmocka_unit_test_setup_teardown(in_pieces, setup, teardown),
  };
  return cmocka_run_group_tests_name("crc_f7", tests, NULL, NULL);
}
