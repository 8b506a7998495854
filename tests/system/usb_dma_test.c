// SPDX-License-Identifier: MIT
// A device that works by DMA (tests/guests/usb_dma.c), on the CPU and against the host
// engine: control in both directions, bulk of every length looped back, buffers in
// tightly coupled and in cached memory, at both speeds. Nothing is reported.
#include <errno.h>
#include <string.h>

#include "tests/system/guest_usb.h"

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};

static uint8_t sent[4096], back[8192];

static void requests(struct guest *g) {
  uint8_t buffer[512];
  assert_int_equal(guest_usb_control(g, 0x80, 6, 0x0200, 255, buffer), 32);
  assert_int_equal(buffer[25 + 2], 0x81);
  assert_int_equal(guest_usb_control(g, 0x00, 9, 1, 0, NULL), 0);
  static const uint16_t lengths[] = {1, 64, 65, 128, 500, 512};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint16_t n = lengths[i];
    assert_int_equal(guest_usb_control(g, 0x40, 0x41, 0, n, sent + i), n);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(guest_usb_control(g, 0xC0, 0x42, 0, 512, buffer), n);
    assert_memory_equal(buffer, sent + i, n);
  }
  assert_int_equal(guest_usb_control(g, 0xC0, 0x77, 0, 1, buffer), -EPIPE);
}

static void loopback(struct guest *g) {
  static const uint32_t lengths[] = {1, 63, 64, 512, 513, 1000, 3584, 4095};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint32_t n = lengths[i];
    assert_int_equal(guest_usb_bulk(g, 0x01, sent, n), n);
    memset(back, 0, sizeof back);
    assert_int_equal(guest_usb_bulk(g, 0x81, back, sizeof back), n);
    assert_memory_equal(back, sent, n);
  }
}

static void run(bool cached, bool high, enum cpu_mode mode, const char *level) {
  struct guest *g = guest_open("stm32f769i-disco", "usb_dma", level, mode);
  for (size_t i = 0; i < sizeof sent; i++)
    sent[i] = (uint8_t)(i * 7 + (i >> 8));
  g->machine->usb.options.high_speed = high;
  guest_start(g);
  guest_mail(g, 0, cached);
  assert_int_equal(guest_usb_enumerate(g), 0);
  requests(g);
  loopback(g);
  assert_int_equal(guest_usb_control(g, 0x40, 0x43, 0, 0, NULL), 0);
  guest_run(g, VT_MS(100));
  guest_expect(g, 1, nothing);
  guest_close(g);
}

static void tightly_coupled_buffers(void **state) {
  (void)state;
  run(false, true, CPU_BLOCK, "Os");
  run(false, false, CPU_BLOCK, "O2");
}

static void cached_buffers(void **state) {
  (void)state;
  run(true, true, CPU_BLOCK, "O2");
  run(true, true, CPU_PRECISE, "Os");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tightly_coupled_buffers),
      cmocka_unit_test(cached_buffers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
