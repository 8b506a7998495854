// SPDX-License-Identifier: MIT
#include "host/lib/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- Text ------------------------------------------------------------------

static struct range good(const char *text) {
  struct range range;
  struct qb_error error;
  if (!range_parse(text, &range, &error)) fail_msg("%s", error.text);
  return range;
}

static void expect_range(const char *text, uint32_t address, uint64_t size) {
  const struct range r = good(text);
  assert_false(r.whole);
  assert_int_equal(r.address, address);
  assert_int_equal(r.size, size);
}

static void all_ways_to_write_one(void **state) {
  (void)state;
  expect_range("0x90000000:64K", 0x90000000, 65536);
  expect_range("0X90000000:64k", 0x90000000, 65536);
  expect_range("0x08010000:1M", 0x08010000, 1 << 20);
  expect_range("0x08010000:2m", 0x08010000, 2 << 20);
  expect_range("0x08010000:1", 0x08010000, 1);
  expect_range("0x08010000:0x100", 0x08010000, 256);
  expect_range("0x08010000", 0x08010000, 0);
  expect_range("0x0:4294967295", 0, UINT32_MAX);
  expect_range("0xFFFFFFFF:0xFFFFFFFF", UINT32_MAX, UINT32_MAX);
  assert_true(good("internal").whole);
  assert_int_equal(good("qspi").address, 0x90000000);
}

static void what_is_no_range(void **state) {
  (void)state;
  static const char *const texts[] = {
      "", "x", "0x", "08010000", "INTERNAL", "qspi ", "0x90000000:", "0x90000000:0",
      "0x90000000:0x0", "0x90000000:0x", "0x90000000:-1", "0x90000000:+1",
      "0x90000000: 1", "0x90000000:1 ", "0x90000000:1G", "0x90000000:1KK",
      "0x90000000:K", "0x90000000:4096M", "0x90000000:4194304K",
      "0x90000000:4294967296", "0x90000000:0x100000000", ":64K", "0x100000000",
      "0x1000000000000000000000000:1", "0x9000:1:1", "-0x90000000",
      // 2^64 and what is a little more, in K and M
      "0x90000000:18446744073709551616", "0x90000000:18014398509481985K",
      "0x90000000:17592186044417M", "0x90000000:99999999999999999999999K"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct range range = {.size = 77};
    struct qb_error error;
    if (range_parse(texts[i], &range, &error)) fail_msg("\"%s\" is taken", texts[i]);
    assert_non_null(strstr(error.text, "is no part of flash; write ADDR:SIZE"));
    assert_int_equal(range.size, 77);
  }
}

// ---- Boards ----------------------------------------------------------------

struct resolved {
  const struct usb_board_alternate *alternate;
  uint32_t address;
  uint64_t size;
  struct qb_error error;
};

static struct usb_board *board(const char *first, const char *second) {
  struct usb_board *b = calloc(1, sizeof *b);
  assert_non_null(b);
  const char *const texts[] = {first, second};
  b->count = 2;
  for (uint8_t i = 0; i < 2; i++) {
    b->alternates[i].number = i;
    b->alternates[i].status = layout_parse(texts[i], &b->alternates[i].layout);
  }
  return b;
}

static bool resolve(const struct usb_board *b, const char *text, struct resolved *out) {
  const struct range range = good(text);
  return range_resolve(&range, b, &out->alternate, &out->address, &out->size,
                       &out->error);
}

static void expect_resolved(const struct usb_board *b, const char *text,
                            uint8_t alternate, uint32_t address, uint64_t size) {
  struct resolved r;
  if (!resolve(b, text, &r)) fail_msg("%s", r.error.text);
  assert_int_equal(r.alternate->number, alternate);
  assert_int_equal(r.address, address);
  assert_int_equal(r.size, size);
}

static void on_a_board(void **state) {
  (void)state;
  struct usb_board *b = board("@Internal/0x08010000/8*8Kg/0x08000000/2*32Ka",
                              "@QSPI/0x90000000/512*64Kg,512*64Kg");
  expect_resolved(b, "internal", 0, 0x08000000, 0x20000);
  expect_resolved(b, "qspi", 1, 0x90000000, 64 << 20);
  expect_resolved(b, "0x08010000", 0, 0x08010000, 0x10000);
  expect_resolved(b, "0x0801FFFF", 0, 0x0801FFFF, 1);
  expect_resolved(b, "0x90000004:8", 1, 0x90000004, 8);
  expect_resolved(b, "0x93FFFFFF:1", 1, 0x93FFFFFF, 1);
  free(b);
}

static void what_a_board_does_not_have(void **state) {
  (void)state;
  struct usb_board *b = board("@Internal/0x08010000/8*8Kg", "a name");
  struct resolved r;
  assert_false(resolve(b, "qspi", &r));
  assert_string_equal(r.error.text,
                      "the quadboot on this board offers no flash at 0x90000000; "
                      "'quadboot info' shows what it offers");
  assert_false(resolve(b, "0x08000000:1", &r));
  assert_false(resolve(b, "0x08010000:64K", &r) && r.size != 65536);
  assert_false(resolve(b, "0x08010000:65537", &r));
  assert_string_equal(r.error.text,
                      "the range runs past the end of the flash at 0x0801FFFF");
  assert_false(resolve(b, "0x0801FFFF:0xFFFFFFFF", &r));
  free(b);
}

// 2^32 bytes: more than 32 bits count.
static void all_addresses(void **state) {
  (void)state;
  struct usb_board *b = board("@All/0x0/4*1024Mg", "a name");
  struct resolved r;
  expect_resolved(b, "0x0", 0, 0, (uint64_t)1 << 32);
  expect_resolved(b, "0xFFFFFFFF", 0, UINT32_MAX, 1);
  assert_false(resolve(b, "0xFFFFFFFF:2", &r));
  free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_ways_to_write_one),
      cmocka_unit_test(what_is_no_range),
      cmocka_unit_test(on_a_board),
      cmocka_unit_test(what_a_board_does_not_have),
      cmocka_unit_test(all_addresses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
