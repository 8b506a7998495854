// SPDX-License-Identifier: MIT
// Layout strings as devices in the field tell them, and every way to tell them wrong.
#include "host/lib/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Parses a copy on the heap that ends where the text does, so that reading on is seen.
static enum layout_status parse(const char *text, struct layout *out) {
  char *copy = strdup(text);
  assert_non_null(copy);
  const enum layout_status status = layout_parse(copy, out);
  free(copy);
  return status;
}

static struct layout good(const char *text) {
  struct layout l;
  const enum layout_status status = parse(text, &l);
  if (status != LAYOUT_OK) fail_msg("%s: %s", text, layout_status_text(status));
  return l;
}

static void expect_run(const struct layout *l, size_t i, uint32_t address,
                       uint32_t count, uint32_t size, uint8_t access) {
  assert_true(i < l->count);
  assert_int_equal(l->runs[i].address, address);
  assert_int_equal(l->runs[i].count, count);
  assert_int_equal(l->runs[i].sector_size, size);
  assert_int_equal(l->runs[i].access, access);
}

// ---- Devices ---------------------------------------------------------------

enum { ALL = LAYOUT_READABLE | LAYOUT_ERASABLE | LAYOUT_WRITABLE };

static void the_rom_of_the_f76x_and_mboot(void **state) {
  (void)state;
  const struct layout l =
      good("@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg");
  assert_string_equal(l.name, "Internal Flash");
  assert_int_equal(l.count, 3);
  expect_run(&l, 0, 0x08000000, 4, 32 << 10, ALL);
  expect_run(&l, 1, 0x08020000, 1, 128 << 10, ALL);
  expect_run(&l, 2, 0x08040000, 7, 256 << 10, ALL);
  assert_int_equal(layout_size(&l, ALL), 2 << 20);
}

static void the_rom_of_the_f4(void **state) {
  (void)state;
  const struct layout l =
      good("@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
  assert_int_equal(l.count, 3);
  expect_run(&l, 2, 0x08020000, 7, 128 << 10, ALL);
}

static void small_memories_of_roms(void **state) {
  (void)state;
  const struct layout option = good("@Option Bytes  /0x1FFFC000/01*016 e");
  assert_string_equal(option.name, "Option Bytes");
  expect_run(&option, 0, 0x1FFFC000, 1, 16, LAYOUT_READABLE | LAYOUT_WRITABLE);
  const struct layout otp = good("@OTP Memory /0x1FFF7800/01*512 e,01*016 e");
  expect_run(&otp, 1, 0x1FFF7A00, 1, 16, LAYOUT_READABLE | LAYOUT_WRITABLE);
  const struct layout feature = good("@Device Feature/0xFFFF0000/01*004 e");
  expect_run(&feature, 0, 0xFFFF0000, 1, 4, LAYOUT_READABLE | LAYOUT_WRITABLE);
}

static void the_rom_of_the_l4_has_pages(void **state) {
  (void)state;
  const struct layout l = good("@Internal Flash   /0x08000000/0512*0002Kg");
  expect_run(&l, 0, 0x08000000, 512, 2048, ALL);
  assert_int_equal(layout_size(&l, 0), 1 << 20);
}

static void several_addresses(void **state) {
  (void)state;
  const struct layout l =
      good("@Internal Flash  /0x08010000/02*032Kg,01*128Kg/0x08000000/02*032Ka");
  assert_int_equal(l.count, 3);
  expect_run(&l, 2, 0x08000000, 2, 32 << 10, LAYOUT_READABLE);
  assert_int_equal(layout_size(&l, LAYOUT_WRITABLE), 192 << 10);
  assert_int_equal(layout_size(&l, LAYOUT_READABLE), 256 << 10);
}

static void units(void **state) {
  (void)state;
  struct layout l = good("@X/0x0/1*7Bg,1*9 g,1*11g,1*3Kg,1*2Mg");
  expect_run(&l, 0, 0, 1, 7, ALL);
  expect_run(&l, 1, 7, 1, 9, ALL);
  expect_run(&l, 2, 16, 1, 11, ALL);
  expect_run(&l, 3, 27, 1, 3072, ALL);
  expect_run(&l, 4, 3099, 1, 2 << 20, ALL);
}

static void type_letters_are_bits(void **state) {
  (void)state;
  const struct layout l = good("@X/0x0/1*1Ka,1*1Kb,1*1Kc,1*1Kd,1*1Ke,1*1Kf,1*1Kg");
  assert_int_equal(l.count, 7);
  for (size_t i = 0; i < 7; i++) {
    assert_int_equal(l.runs[i].access, i + 1);
  }
}

static void blanks_at_the_end_and_capital_digits(void **state) {
  (void)state;
  const struct layout l = good("@A b/0XaBcDeF00/1*1Kg  ");
  assert_string_equal(l.name, "A b");
  expect_run(&l, 0, 0xABCDEF00, 1, 1024, ALL);
  (void)good("@A/0x0/1*1Kg /0x1000/1*1Kg");
}

static void all_32_bits_of_addresses(void **state) {
  (void)state;
  const struct layout l = good("@All/0x0/4*1024Mg");
  struct layout_sector s;
  assert_int_equal(layout_size(&l, ALL), (uint64_t)1 << 32);
  assert_true(layout_sector_at(&l, UINT32_MAX, &s));
  assert_int_equal(s.address, 0xC0000000);
  const struct layout last = good("@Last/0xFFFFFFFF/1*1Ba");
  assert_true(layout_sector_at(&last, UINT32_MAX, &s));
  assert_int_equal(s.address, UINT32_MAX);
  assert_false(layout_sector_at(&last, UINT32_MAX - 1, &s));
}

static void sectors_have_edges(void **state) {
  (void)state;
  const struct layout l = good("@X/0x08000000/2*32Kg,1*128Ka");
  struct layout_sector s;
  assert_false(layout_sector_at(&l, 0x07FFFFFF, &s));
  assert_true(layout_sector_at(&l, 0x08007FFF, &s));
  assert_int_equal(s.address, 0x08000000);
  assert_true(layout_sector_at(&l, 0x08008000, &s));
  assert_int_equal(s.address, 0x08008000);
  assert_true(layout_sector_at(&l, 0x0802FFFF, &s));
  assert_int_equal(s.address, 0x08010000);
  assert_int_equal(s.size, 128 << 10);
  assert_int_equal(s.access, LAYOUT_READABLE);
  assert_false(layout_sector_at(&l, 0x08030000, &s));
}

// ---- Defects ---------------------------------------------------------------

static const struct {
  const char *text;
  enum layout_status status;
} defects[] = {
    {"", LAYOUT_NO_LAYOUT},
    {"Internal Flash", LAYOUT_NO_LAYOUT},
    {" @X/0x0/1*1Kg", LAYOUT_NO_LAYOUT},
    {"@", LAYOUT_BAD_ADDRESS},
    {"@X", LAYOUT_BAD_ADDRESS},
    {"@/0x0/1*1Kg", LAYOUT_BAD_NAME},
    {"@   /0x0/1*1Kg", LAYOUT_BAD_NAME},
    {"@0123456789012345678901234567890123456789012345678901234567890123/0x0/1*1Kg",
     LAYOUT_BAD_NAME},
    {"@X/", LAYOUT_BAD_ADDRESS},
    {"@X/0", LAYOUT_BAD_ADDRESS},
    {"@X/0x", LAYOUT_BAD_ADDRESS},
    {"@X/0x/1*1Kg", LAYOUT_BAD_ADDRESS},
    {"@X/08000000/1*1Kg", LAYOUT_BAD_ADDRESS},
    {"@X/0x123456789/1*1Kg", LAYOUT_BAD_ADDRESS},
    {"@X/0xG/1*1Kg", LAYOUT_BAD_ADDRESS},
    {"@X/0x-1/1*1Kg", LAYOUT_BAD_ADDRESS},
    {"@X/0x0", LAYOUT_BAD_ADDRESS},
    {"@X/0x0/", LAYOUT_BAD_COUNT},
    {"@X/0x0/1", LAYOUT_BAD_COUNT},
    {"@X/0x0/0*1Kg", LAYOUT_BAD_COUNT},
    {"@X/0x0/-1*1Kg", LAYOUT_BAD_COUNT},
    {"@X/0x0/12345678*1Kg", LAYOUT_BAD_COUNT},
    {"@X/0x0/*1Kg", LAYOUT_BAD_COUNT},
    {"@X/0x0/1*1Kg,", LAYOUT_BAD_COUNT},
    {"@X/0x0/1*1Kg, 1*1Kg", LAYOUT_BAD_COUNT},
    {"@X/0x0/1*", LAYOUT_BAD_SIZE},
    {"@X/0x0/1*0Kg", LAYOUT_BAD_SIZE},
    {"@X/0x0/1*Kg", LAYOUT_BAD_SIZE},
    {"@X/0x0/1*4096Mg", LAYOUT_BAD_SIZE},
    {"@X/0x0/1*9999999Mg", LAYOUT_BAD_SIZE},
    {"@X/0x0/1*1K", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*1Kh", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*1KG", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*1K g", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*1kg", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*1`", LAYOUT_BAD_TYPE},
    {"@X/0x0/1*12345678Bg", LAYOUT_BAD_TYPE},
    {"@X/0xFFFFFFFF/2*1Bg", LAYOUT_WRAP},
    {"@X/0x80000000/9999999*4095Mg", LAYOUT_WRAP},
    {"@X/0xFFFFFFFF/1*1Bg,1*1Bg", LAYOUT_WRAP},
    {"@X/0x0/2*1Kg/0x400/1*1Kg", LAYOUT_OVERLAP},
    {"@X/0x0/1*1Kg/0x0/1*1Kg", LAYOUT_OVERLAP},
    {"@X/0x1000/1*1Kg/0x0/9*1Kg", LAYOUT_OVERLAP},
    {"@X/0x0/1*1Kgg", LAYOUT_BAD_ADDRESS},
    {"@X/0x0/1*1Kg/", LAYOUT_BAD_ADDRESS},
};

static void every_defect_has_its_status(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
    struct layout l = {.count = 77};
    const enum layout_status status = parse(defects[i].text, &l);
    if (status != defects[i].status) {
      fail_msg("\"%s\" %s", defects[i].text, layout_status_text(status));
    }
    assert_int_equal(l.count, 77);  // not touched
  }
}

// As many runs as there is room for, and one more.
static void too_many_runs(void **state) {
  (void)state;
  char text[LAYOUT_RUNS * 6 + 32] = "@X/0x0/1*1g";
  struct layout l;
  for (size_t i = 1; i < LAYOUT_RUNS; i++) {
    strcat(text, ",1*1g");
  }
  assert_int_equal(parse(text, &l), LAYOUT_OK);
  assert_int_equal(l.count, LAYOUT_RUNS);
  strcat(text, ",1*1g");
  assert_int_equal(parse(text, &l), LAYOUT_TOO_MANY);
}

static void each_status_has_a_sentence_of_its_own(void **state) {
  (void)state;
  for (int a = LAYOUT_OK; a <= LAYOUT_OVERLAP; a++) {
    assert_true(strlen(layout_status_text((enum layout_status)a)) > 10);
    for (int b = LAYOUT_OK; b < a; b++) {
      assert_string_not_equal(layout_status_text((enum layout_status)a),
                              layout_status_text((enum layout_status)b));
    }
  }
  assert_non_null(layout_status_text((enum layout_status)99));
}

// Cut anywhere, and with any byte in any place: a verdict, and nothing read behind
// the end.
static void any_bytes_get_a_verdict(void **state) {
  (void)state;
  static const char whole[] =
      "@Internal Flash  /0x08010000/02*032Kg,01*128Kg/0x08000000/02*032Ka";
  char text[sizeof whole];
  struct layout l;
  for (size_t length = 0; length < sizeof whole; length++) {
    memcpy(text, whole, length);
    text[length] = '\0';
    (void)parse(text, &l);
  }
  for (size_t at = 0; at + 1 < sizeof whole; at++) {
    memcpy(text, whole, sizeof whole);
    for (int c = 1; c < 256; c++) {
      text[at] = (char)c;
      if (parse(text, &l) != LAYOUT_OK) continue;
      assert_true(l.count > 0 && l.count <= LAYOUT_RUNS);
      assert_true(l.name[0] != '\0');
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rom_of_the_f76x_and_mboot),
      cmocka_unit_test(the_rom_of_the_f4),
      cmocka_unit_test(small_memories_of_roms),
      cmocka_unit_test(the_rom_of_the_l4_has_pages),
      cmocka_unit_test(several_addresses),
      cmocka_unit_test(units),
      cmocka_unit_test(type_letters_are_bits),
      cmocka_unit_test(blanks_at_the_end_and_capital_digits),
      cmocka_unit_test(all_32_bits_of_addresses),
      cmocka_unit_test(sectors_have_edges),
      cmocka_unit_test(every_defect_has_its_status),
      cmocka_unit_test(too_many_runs),
      cmocka_unit_test(each_status_has_a_sentence_of_its_own),
      cmocka_unit_test(any_bytes_get_a_verdict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
