// SPDX-License-Identifier: MIT
// A device that works through the FIFOs in four manners (tests/guests/usb_fifo.c), on
// the CPU and against the host engine: control in both directions, bulk packets looped
// back, transfers stopped, suspend with the PHY's clock off, wake-up by the host over
// EXTI and by the device. Nothing is reported.
#include <errno.h>
#include <string.h>

#include "tests/system/guest_usb.h"

static const enum guest_error nothing[] = {GUEST_ERROR_COUNT};

enum { STYLES = 4 };
enum { STOP_IN = 0x44, STOP_OUT = 0x45, SLEEP = 0x46 };

static uint8_t sent[512], back[1024];

static int plain(struct guest *g, uint8_t request, uint16_t value) {
  return guest_usb_control(g, 0x40, request, value, 0, NULL);
}

static void requests(struct guest *g) {
  uint8_t buffer[512];
  assert_int_equal(guest_usb_control(g, 0x80, 6, 0x0200, 255, buffer), 32);
  assert_int_equal(buffer[25 + 2], 0x81);
  assert_int_equal(guest_usb_control(g, 0x00, 9, 1, 0, NULL), 0);
  static const uint16_t lengths[] = {1, 7, 64, 65, 128, 500, 512};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint16_t n = lengths[i];
    assert_int_equal(guest_usb_control(g, 0x40, 0x41, 0, n, sent), n);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(guest_usb_control(g, 0xC0, 0x42, 0, 512, buffer), n);
    assert_memory_equal(buffer, sent, n);
  }
  assert_int_equal(guest_usb_control(g, 0xC0, 0x77, 0, 1, buffer), -EPIPE);
}

static void loop(struct guest *g, uint32_t n) {
  assert_int_equal(guest_usb_bulk(g, 0x01, sent, n), n);
  memset(back, 0, sizeof back);
  assert_int_equal(guest_usb_bulk(g, 0x81, back, sizeof back), n);
  assert_memory_equal(back, sent, n);
}

static void loopback(struct guest *g) {
  for (uint32_t n = 1; n < 64; n += 9)
    loop(g, n);
  assert_int_equal(plain(g, STOP_IN, 0), 0);
  loop(g, 5);
  assert_int_equal(plain(g, STOP_OUT, 0), 0);
  loop(g, 63);
}

static void suspend(struct guest *g) {
  usb_host_suspend(&g->machine->usb);
  guest_run(g, VT_MS(5));
  assert_int_equal(g->machine->usb.state, USB_HOST_SUSPEND);
}

static void sleeps(struct guest *g) {
  for (int i = 0; i < 2; i++) {
    suspend(g);
    assert_int_equal(usb_host_resume(&g->machine->usb), 0);
    guest_run(g, VT_MS(40));
    requests(g);
  }
  assert_int_equal(plain(g, SLEEP, 1), 0);
  suspend(g);
  guest_run(g, VT_MS(60));
  assert_int_equal(g->machine->usb.state, USB_HOST_ENABLED);
  loopback(g);
}

static void run(uint32_t style, bool high, enum cpu_mode mode, const char *level) {
  struct guest *g = guest_open("stm32f769i-disco", "usb_fifo", level, mode);
  for (size_t i = 0; i < sizeof sent; i++)
    sent[i] = (uint8_t)(i * 7 + (i >> 8) + style);
  g->machine->usb.options.high_speed = high;
  guest_start(g);
  guest_mail(g, 0, style);
  assert_int_equal(guest_usb_enumerate(g), 0);
  requests(g);
  loopback(g);
  sleeps(g);
  assert_int_equal(plain(g, 0x43, 0), 0);
  guest_run(g, VT_MS(100));
  guest_expect(g, 4, nothing);
  guest_close(g);
}

static void every_style(void **state) {
  (void)state;
  for (uint32_t style = 0; style < STYLES; style++) {
    run(style, style % 2, CPU_BLOCK, "O2");
    run(style, !(style % 2), CPU_BLOCK, "Os");
  }
}

static void exact_time(void **state) {
  (void)state;
  run(0, true, CPU_PRECISE, "Os");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_style),
      cmocka_unit_test(exact_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
