// SPDX-License-Identifier: MIT
// What a board tells of its chip, in words.
#include "host/lib/chip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct device {
  uint8_t block[32];
  uint16_t length;
  enum usb_result result;
};

static enum usb_result control(void *ctx, const struct usb_request *r, uint8_t *data,
                               uint16_t *moved, uint32_t timeout_ms) {
  const struct device *d = ctx;
  assert_int_equal(r->bmRequestType, 0xC1);
  assert_int_equal(r->bRequest, 0x51);
  assert_int_equal(r->wValue, 0);
  assert_int_equal(r->wIndex, 3);
  assert_int_equal(r->wLength, 32);
  assert_true(timeout_ms > 0);
  memcpy(data, d->block, d->length);
  *moved = d->length;
  return d->result;
}

static struct device device(uint32_t optcr) {
  struct device d = {.length = 32, .result = USB_DONE};
  const struct info info = {.dev_id = 0x451,
                            .rev_id = 0x1001,
                            .flash_kb = 1024,
                            .optcr = optcr,
                            .nor_status = 13,
                            .nor_id = {0xEF, 0x40, 0x18}};
  info_encode(&info, d.block);
  return d;
}

static bool ask(struct device *d, struct chip *out) {
  struct usb_io io = {.ctx = d, .control = control};
  return chip_ask(&io, 3, out);
}

static void test_open_chip(void **state) {
  struct device d = device(0xFFFFAAFD);
  struct chip c;
  (void)state;
  assert_true(ask(&d, &c));
  assert_string_equal(chip_name(&c), "STM32F76x/77x");
  assert_string_equal(chip_revision(&c), "Z");
  assert_false(c.dual_bank);
  assert_int_equal(c.protection, CHIP_OPEN);
  assert_int_equal(c.protected_sectors, 0);
  assert_string_equal(chip_nor_maker(&c), "Winbond");
  assert_string_equal(chip_nor_problem(&c), "no QSPI flash answers; check its wiring");
  assert_true(chip_nor_answers(&c));
  for (int i = 0; i < 3; i++) {
    memset(c.told.nor_id, 0, 3);
    assert_false(chip_nor_answers(&c));
    c.told.nor_id[i] = 1;
    assert_true(chip_nor_answers(&c));
  }
}

static void test_protected_chips(void **state) {
  struct device one = device(0xDFFF55FD);
  struct device two = device(0xFFFECCFD);
  struct chip c;
  (void)state;
  assert_true(ask(&one, &c));
  assert_int_equal(c.protection, CHIP_READ_PROTECTED);
  assert_true(c.dual_bank);
  assert_true(ask(&two, &c));
  assert_int_equal(c.protection, CHIP_CLOSED);
  assert_int_equal(c.protected_sectors, 1);
}

static void test_devices_that_do_not_know(void **state) {
  struct device d = device(0);
  struct chip c;
  (void)state;
  d.result = USB_STALLED;
  assert_false(ask(&d, &c));
  d.result = USB_DONE;
  d.length = 6;
  assert_false(ask(&d, &c));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_open_chip),
      cmocka_unit_test(test_protected_chips),
      cmocka_unit_test(test_devices_that_do_not_know),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
