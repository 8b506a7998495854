// SPDX-License-Identifier: MIT
// What files say besides addresses: which DfuSe target, and which USB device.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/lib/segments.h"

static const uint8_t bytes[] = "ABCDEFGH";

static void add(struct segments *list, uint32_t address, const char *source,
                int target) {
  struct qb_error error;
  assert_true(segments_add_target(list, address, bytes, 4, source, target, &error));
}

static void neighbours_for_two_targets_stay_apart(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  add(&list, 0, "a.dfu", 0);
  add(&list, 4, "a.dfu", 0);
  add(&list, 8, "a.dfu", 1);
  add(&list, 12, "b.bin", SEGMENT_ANY_TARGET);
  assert_true(segments_arrange(&list, &error));
  assert_int_equal(list.count, 3);
  assert_int_equal(list.items[0].size, 8);
  assert_int_equal(list.items[0].alternate, 0);
  assert_int_equal(list.items[1].alternate, 1);
  assert_int_equal(list.items[2].alternate, SEGMENT_ANY_TARGET);
  segments_free(&list);
}

static void a_refused_piece_gets_no_target(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  add(&list, 0, "a.dfu", 3);
  assert_false(segments_add_target(&list, UINT32_MAX, bytes, 4, "b.dfu", 5, &error));
  assert_false(segments_add_target(&list, 0, bytes, 0, "b.dfu", 5, &error));
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].alternate, 3);
  segments_free(&list);
}

static bool for_device(struct segments *list, uint16_t vendor, uint16_t product,
                       const char *source, struct qb_error *error) {
  const struct segments_device d = {vendor, product, source};
  return segments_for_device(list, &d, error);
}

static void two_files_for_two_devices(void **state) {
  (void)state;
  struct segments list = {0};
  struct qb_error error;
  assert_true(for_device(&list, SEGMENTS_ANY_ID, SEGMENTS_ANY_ID, "any.dfu", &error));
  assert_null(list.device.source);
  assert_true(for_device(&list, 0x0483, 0xDF11, "a.dfu", &error));
  assert_true(for_device(&list, 0x0483, 0xDF11, "same.dfu", &error));
  assert_true(for_device(&list, SEGMENTS_ANY_ID, SEGMENTS_ANY_ID, "any.dfu", &error));
  assert_int_equal(list.device.vendor, 0x0483);
  assert_false(for_device(&list, 0x1209, 0xDF11, "b.dfu", &error));
  assert_string_equal(error.text,
                      "same.dfu is for the USB device 0483:df11, but b.dfu for "
                      "1209:df11; flash them one after the other");
  segments_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(neighbours_for_two_targets_stay_apart),
      cmocka_unit_test(a_refused_piece_gets_no_target),
      cmocka_unit_test(two_files_for_two_devices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
