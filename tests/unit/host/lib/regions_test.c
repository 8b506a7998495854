// SPDX-License-Identifier: MIT
#include "host/lib/regions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool check(uint32_t address, size_t size, struct qb_error *error) {
  const struct segment s = {.address = address, .size = size, .source = "x.bin"};
  return region_check(&s, error);
}

static bool accepts(uint32_t address, size_t size) {
  struct qb_error error;
  return check(address, size, &error);
}

// True if refused with a sentence that holds all three.
static bool refuses(uint32_t address, size_t size, const char *where) {
  struct qb_error error;
  return !check(address, size, &error) && strstr(error.text, "x.bin") &&
         strstr(error.text, where) && !strchr(error.text, '\n');
}

static void the_table_covers_every_address_once(void **state) {
  (void)state;
  uint64_t next = 0;
  for (size_t i = 0; i < REGION_COUNT; i++) {
    assert_int_equal(region_table[i].first, next);
    assert_true(region_table[i].last >= region_table[i].first);
    next = (uint64_t)region_table[i].last + 1;
  }
  assert_int_equal(next, (uint64_t)1 << 32);
}

static void every_refused_region_gives_advice_and_every_target_a_name(void **state) {
  (void)state;
  for (size_t i = 0; i < REGION_COUNT; i++) {
    const struct region *r = &region_table[i];
    assert_non_null(r->name);
    assert_int_equal(r->advice == NULL, r->alternate_setting >= 0);
  }
}

static void every_boundary_is_found(void **state) {
  (void)state;
  for (size_t i = 0; i < REGION_COUNT; i++) {
    assert_ptr_equal(region_of(region_table[i].first), &region_table[i]);
    assert_ptr_equal(region_of(region_table[i].last), &region_table[i]);
  }
}

static void the_targets_are_the_boards_two_media(void **state) {
  (void)state;
  assert_int_equal(region_of(0x08010000)->alternate_setting, 0);
  assert_int_equal(region_of(0x081FFFFF)->alternate_setting, 0);
  assert_string_equal(region_of(0x08010000)->name, "Internal Flash");
  assert_int_equal(region_of(0x90000000)->alternate_setting, 1);
  assert_int_equal(region_of(0x9FFFFFFF)->alternate_setting, 1);
  assert_string_equal(region_of(0x90000000)->name, "External QSPI");
  assert_int_equal(region_of(0x0800FFFF)->alternate_setting, -1);
  assert_int_equal(region_of(0x08200000)->alternate_setting, -1);
  assert_int_equal(region_of(0x8FFFFFFF)->alternate_setting, -1);
  assert_int_equal(region_of(0xA0000000)->alternate_setting, -1);
}

static void whole_media_are_accepted_to_the_last_byte(void **state) {
  (void)state;
  assert_true(accepts(0x08010000, 0x1F0000));
  assert_true(accepts(0x90000000, 0x10000000));
  assert_true(accepts(0x081FFFFF, 1));
  assert_true(accepts(0x9FFFFFFF, 1));
}

static void a_segment_past_the_end_of_its_medium_is_refused(void **state) {
  (void)state;
  assert_true(refuses(0x08010000, 0x1F0001, "past the end of Internal Flash"));
  assert_true(refuses(0x081FFFFF, 2, "0x081FFFFF..0x08200000"));
  assert_true(refuses(0x9FFFFFFF, 2, "past the end of External QSPI at 0x9FFFFFFF"));
}

static void the_bootloader_is_protected_by_name(void **state) {
  (void)state;
  assert_true(refuses(0x08000000, 1, "bootloader itself"));
  assert_true(refuses(0x0800FFFF, 1, "bootloader itself"));
  assert_true(refuses(0x0800FFFF, 2, "application starts at 0x08010000"));
}

static void other_addresses_are_told_by_what_is_there(void **state) {
  (void)state;
  static const struct {
    uint32_t address;
    const char *where;
  } cases[] = {
      {0x00000000, "ITCM RAM"},
      {0x00100000, "ROM bootloader"},
      {0x00200000, "ITCM alias"},
      {0x1FF00000, "ROM, OTP"},
      {0x20000000, "RAM"},
      {0x2007FFFF, "lost at reset"},
      {0x40023C00, "peripheral"},
      {0x60000000, "external memory controller"},
      {0xA0001000, "controller"},
      {0xC0000000, "SDRAM"},
      {0xE000ED08, "processor's own"},
      {0x08200000, "unused addresses"},
      {0xFFFFFFFF, "processor's own"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_true(refuses(cases[i].address, 1, cases[i].where));
  }
}

static void a_line_is_named_if_there_is_one(void **state) {
  (void)state;
  struct qb_error error;
  const struct segment s = {.address = 0, .size = 1, .source = "x.hex", .line = 12};
  assert_false(region_check(&s, &error));
  assert_non_null(strstr(error.text, "x.hex line 12: "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_covers_every_address_once),
      cmocka_unit_test(every_refused_region_gives_advice_and_every_target_a_name),
      cmocka_unit_test(every_boundary_is_found),
      cmocka_unit_test(the_targets_are_the_boards_two_media),
      cmocka_unit_test(whole_media_are_accepted_to_the_last_byte),
      cmocka_unit_test(a_segment_past_the_end_of_its_medium_is_refused),
      cmocka_unit_test(the_bootloader_is_protected_by_name),
      cmocka_unit_test(other_addresses_are_told_by_what_is_there),
      cmocka_unit_test(a_line_is_named_if_there_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
