// SPDX-License-Identifier: MIT
// The USB controller driver against the simulator's OTG cores, with the control
// machine on top and a small class of its own: set-up and its failures, bus events,
// data stages of every size both ways, errors on the wire, requests given up, and a
// core that does not do what it is told.
#include "firmware/drivers/dwc2.h"

#include <errno.h>
#include <string.h>

#include "firmware/usb/usbd.h"
#include "tests/native/cable.h"
#include "tests/native/mmio_bus.h"

// Registers typed from RM0410 41.15.
enum {
  GUSBCFG = 0x00C,
  GRSTCTL = 0x010,
  GINTSTS = 0x014,
  GRXFSIZ = 0x024,
  DIEPTXF0 = 0x028,
  GCCFG = 0x038,
  DIEPTXF1 = 0x104,
  DIEPTXF2 = 0x108,
  DCFG = 0x800,
  DCTL = 0x804,
  DIEPINT0 = 0x908,
};

static const struct cable_setup setups[] = {
    {"ULPI, high-speed host", true, true},
    {"ULPI, full-speed host", true, false},
    {"internal PHY", false, true},
};

enum { HIGH_SPEED, FULL_BY_HOST, FULL, SETUPS };

// --- the device: a class that stores and fetches -------------------------------

enum {
  STORE = 1,        // OUT: keeps the data
  FETCH = 2,        // IN: wValue bytes of a pattern
  REFUSE_LATE = 3,  // OUT: takes the data, then STALLs
  REFUSE = 4,
  FETCH_AT = 5,  // IN: the pattern from wValue on
};

struct bench {
  struct cable *cable;
  struct dwc2 dwc2;
  struct usb_port port;
  struct usb_class cls;
  struct usb_descriptors descriptors;
  struct usbd usbd;
  uint8_t stored[USBD_BUFFER], pattern[USBD_BUFFER];
  uint16_t stored_length;
  unsigned resets, completed;
};

static enum usb_answer on_setup(void *ctx, const struct usb_setup *s,
                                struct usb_reply *reply) {
  struct bench *b = ctx;
  if (s->bRequest == REFUSE) return USB_STALL;
  if (s->bRequest == FETCH)
    *reply = (struct usb_reply){.data = b->pattern, .length = s->wValue};
  if (s->bRequest == FETCH_AT)
    *reply = (struct usb_reply){.data = b->pattern + s->wValue, .length = s->wLength};
  return USB_ACCEPT;
}

static enum usb_answer on_data(void *ctx, const struct usb_setup *s,
                               const uint8_t *data) {
  struct bench *b = ctx;
  if (s->bRequest != STORE) return USB_STALL;
  memcpy(b->stored, data, s->wLength);
  b->stored_length = s->wLength;
  return USB_ACCEPT;
}

static void on_completed(void *ctx, const struct usb_setup *s) {
  struct bench *b = ctx;
  (void)s;
  b->completed++;
}

static bool on_set_alternate(void *ctx, uint8_t alternate) {
  (void)ctx;
  return alternate == 0;
}

static void on_reset(void *ctx) {
  struct bench *b = ctx;
  b->resets++;
}

static const uint8_t *get_descriptor(void *ctx, uint8_t type, uint8_t index,
                                     uint16_t language, bool high_speed,
                                     uint16_t *length) {
  static const uint8_t device[18] = {18, 1, 0, 2, 0, 0, 0, 64};
  (void)ctx, (void)index, (void)language, (void)high_speed;
  *length = sizeof device;
  return type == 1 ? device : NULL;
}

static const uint8_t *no_vendor(void *ctx, const struct usb_setup *s,
                                uint16_t *length) {
  (void)ctx, (void)s, (void)length;
  return NULL;
}

static void poll(void *ctx) {
  struct bench *b = ctx;
  usbd_poll(&b->usbd);
}

// --- bench ---------------------------------------------------------------------

static enum status start(struct bench *b, bool ulpi, bool vbus_sensed) {
  const struct dwc2_config config = {
      .base = ulpi ? CABLE_OTG_HS : CABLE_OTG_FS,
      .phy = ulpi ? DWC2_PHY_ULPI_HS : DWC2_PHY_INTERNAL_FS,
      .vbus_sensed = vbus_sensed,
      .now_us = mmio_now_us,
  };
  return dwc2_start(&b->dwc2, &config);
}

static void open_off(struct bench *b, const struct cable_setup *setup) {
  memset(b, 0, sizeof *b);
  b->cable = cable_open(setup);
  for (uint32_t i = 0; i < sizeof b->pattern; i++)
    b->pattern[i] = (uint8_t)(i * 5 + (i >> 6));
}

static void use(struct bench *b) {
  b->port = dwc2_port(&b->dwc2);
  b->cls = (struct usb_class){.ctx = b,
                              .setup = on_setup,
                              .data = on_data,
                              .completed = on_completed,
                              .set_alternate = on_set_alternate,
                              .reset = on_reset};
  b->descriptors = (struct usb_descriptors){.get = get_descriptor, .vendor = no_vendor};
  usbd_init(&b->usbd, &b->port, &b->cls, &b->descriptors);
  b->cable->poll = poll;
  b->cable->ctx = b;
  b->port.connect(b->port.ctx, true);
}

static int control(struct bench *b, uint8_t type, uint8_t request, uint16_t value,
                   uint16_t length, void *data) {
  return cable_control(b->cable, type, request, value, 0, length, data);
}

static void configure(struct bench *b) {
  assert_int_equal(cable_reset(b->cable), 0);
  assert_int_equal(control(b, 0x00, 5, 9, 0, NULL), 0);
  cable_pass(b->cable, VT_MS(2));
  assert_int_equal(control(b, 0x00, 9, 1, 0, NULL), 0);
}

static void open_configured(struct bench *b, const struct cable_setup *setup) {
  open_off(b, setup);
  assert_int_equal(start(b, setup->ulpi, true), ST_OK);
  use(b);
  assert_true(cable_attached(b->cable));
  configure(b);
}

static void close_bench(struct bench *b) {
  cable_expect_quiet(b->cable);
  cable_close(b->cable);
}

static vtime_t now(const struct bench *b) {
  return b->cable->sim.events.now;
}

static int store(struct bench *b, uint16_t length) {
  return control(b, 0x21, STORE, 0, length, b->pattern);
}

// `size` bytes are there, `length` are asked for.
static void expect_fetch(struct bench *b, uint16_t size, uint16_t length) {
  static uint8_t data[65535];
  memset(data, 0xEE, sizeof data);
  const int wanted = size < length ? size : length;
  assert_int_equal(control(b, 0xA1, FETCH, size, length, data), wanted);
  assert_memory_equal(data, b->pattern, (size_t)wanted);
  assert_int_equal(data[wanted], 0xEE);
}

static void expect_works(struct bench *b) {
  b->stored_length = 0;
  assert_int_equal(store(b, 200), 200);
  assert_int_equal(b->stored_length, 200);
  assert_memory_equal(b->stored, b->pattern, 200);
  expect_fetch(b, 200, 255);
}

static struct bench bench;

// --- set-up --------------------------------------------------------------------

static void registers_after_the_start(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_off(b, &setups[i]);
    const bool ulpi = setups[i].ulpi;
    assert_int_equal(start(b, ulpi, true), ST_OK);
    assert_true(now(b) < VT_MS(50));
    const struct cable *c = b->cable;
    const uint32_t usbcfg = cable_register(c, GUSBCFG);
    assert_int_equal(usbcfg >> 10 & 15, ulpi ? 9 : 6);  // TRDT
    assert_int_equal(usbcfg >> 30 & 1, 1);              // FDMOD
    assert_int_equal(cable_register(c, DCFG) & 3, ulpi ? 0 : 3);
    // 1024 words of FIFO RAM, or 320, to the last one.
    const uint32_t rx = ulpi ? 816 : 224, tx1 = ulpi ? 128 : 16;
    assert_int_equal(cable_register(c, GRXFSIZ), rx);
    assert_int_equal(cable_register(c, DIEPTXF0), 64u << 16 | rx);
    assert_int_equal(cable_register(c, DIEPTXF1), tx1 << 16 | (rx + 64));
    assert_int_equal(cable_register(c, DIEPTXF2), 16u << 16 | (rx + 64 + tx1));
    assert_int_equal(rx + 64 + tx1 + 16, ulpi ? 1024 : 320);
    assert_int_equal(cable_register(c, DCTL) >> 1 & 1, 1);  // not connected yet
    assert_int_equal(cable_register(c, GCCFG) >> 16 & 1, ulpi ? 0 : 1);
    close_bench(b);
  }
}

static void a_phy_without_a_clock(void **state) {
  struct bench *b = &bench;
  (void)state;
  open_off(b, &setups[HIGH_SPEED]);
  cable_stop_phy_clock(b->cable);
  assert_int_equal(start(b, true, true), ST_USB_PHY);
  assert_true(now(b) < VT_MS(5));
  cable_close(b->cable);
}

static void a_core_that_does_not_come_up(void **state) {
  struct bench *b = &bench;
  (void)state;
  static const struct {
    uint32_t reg, mask, value;
    uint32_t at_most_ms;
  } rows[] = {
      {GRSTCTL, 1u << 31, 0, 5},  // AHB never idle
      {GRSTCTL, 1u, 1u, 5},       // core reset never over
      {GINTSTS, 1u, 1u, 210},     // host mode for ever: 25 ms by the manual
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int s = 0; s < SETUPS; s += FULL) {
      const uint32_t base = setups[s].ulpi ? CABLE_OTG_HS : CABLE_OTG_FS;
      open_off(b, &setups[s]);
      mmio_stick(base + rows[i].reg, rows[i].mask, rows[i].value);
      assert_int_equal(start(b, setups[s].ulpi, true), ST_USB_PHY);
      assert_true(now(b) < VT_MS(rows[i].at_most_ms));
      mmio_stick(0, 0, 0);
      assert_int_equal(start(b, setups[s].ulpi, true), ST_OK);
      close_bench(b);
    }
  }
}

// FIFO flushes that never end cost time, not the device.
static void flushes_that_never_end(void **state) {
  struct bench *b = &bench;
  (void)state;
  open_off(b, &setups[FULL]);
  mmio_stick(CABLE_OTG_FS + GRSTCTL, 3u << 4, 3u << 4);
  assert_int_equal(start(b, false, true), ST_OK);
  assert_true(now(b) < VT_MS(60));
  mmio_stick(0, 0, 0);
  use(b);
  assert_true(cable_attached(b->cable));
  configure(b);
  expect_works(b);
  close_bench(b);
}

// A board without a VBUS wire: told that VBUS is there, the core connects.
static void vbus_not_sensed(void **state) {
  struct bench *b = &bench;
  (void)state;
  open_off(b, &setups[FULL]);
  cable_leave_vbus_unwired(b->cable);
  assert_int_equal(start(b, false, false), ST_OK);
  use(b);
  assert_true(cable_attached(b->cable));
  configure(b);
  expect_works(b);
  close_bench(b);
}

static void connect_and_disconnect(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_off(b, &setups[i]);
    assert_int_equal(start(b, setups[i].ulpi, true), ST_OK);
    assert_false(cable_attached(b->cable));
    use(b);
    assert_true(cable_attached(b->cable));
    b->port.connect(b->port.ctx, false);
    cable_pass(b->cable, VT_MS(1));
    assert_false(cable_attached(b->cable));
    b->port.connect(b->port.ctx, true);
    assert_true(cable_attached(b->cable));
    configure(b);
    expect_works(b);
    close_bench(b);
  }
}

// --- bus events ----------------------------------------------------------------

static void a_reset_tells_the_speed(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    assert_int_equal(b->usbd.high_speed, i == HIGH_SPEED);
    const unsigned before = b->resets;
    assert_int_equal(cable_reset(b->cable), 0);
    assert_int_equal(b->resets, before + 1);
    assert_int_equal(b->usbd.state, USBD_DEFAULT);
    assert_int_equal(cable_register(b->cable, DCFG) >> 4 & 0x7F, 0);
    configure(b);
    expect_works(b);
    close_bench(b);
  }
}

static void suspend_and_resume(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (int turn = 0; turn < 3; turn++) {
      cable_suspend(b->cable);
      cable_pass(b->cable, VT_MS(10));
      assert_true(b->usbd.suspended);
      cable_resume(b->cable);
      cable_pass(b->cable, VT_MS(40));
      assert_false(b->usbd.suspended);
      expect_works(b);
    }
    close_bench(b);
  }
}

static void test_mode_reaches_the_core(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (uint8_t selector = 1; selector <= 5; selector++) {
    open_configured(b, &setups[HIGH_SPEED]);
    b->port.test_mode(b->port.ctx, selector);
    assert_int_equal(cable_register(b->cable, DCTL) >> 4 & 7, selector);
    close_bench(b);
  }
}

static void addresses(void **state) {
  struct bench *b = &bench;
  (void)state;
  open_configured(b, &setups[FULL]);
  for (uint8_t address = 1; address < 128; address += 42) {
    uint8_t data[4];
    assert_int_equal(cable_reset(b->cable), 0);
    assert_int_equal(control(b, 0x00, 5, address, 0, NULL), 0);
    cable_pass(b->cable, VT_MS(2));
    assert_int_equal(control(b, 0x80, 8, 0, 1, data), 1);
    cable_address(b->cable, (uint8_t)(address ^ 64));
    assert_int_equal(control(b, 0x80, 8, 0, 1, data), -EPROTO);
    cable_address(b->cable, address);
  }
  close_bench(b);
}

// --- data stages ---------------------------------------------------------------

static const uint16_t sizes[] = {0,   1,    2,    3,    4,    7,    8,    63,   64,
                                 65,  66,   127,  128,  129,  191,  192,  193,  255,
                                 256, 1000, 1023, 1024, 2047, 4032, 4033, 4095, 4096};

enum { SIZES = sizeof sizes / sizeof *sizes };

static void every_size_out(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (int n = 0; n < SIZES; n++) {
      b->pattern[0] = (uint8_t)n;
      b->stored_length = 0xFFFF;
      const unsigned before = b->completed;
      assert_int_equal(store(b, sizes[n]), sizes[n]);
      if (sizes[n]) {
        assert_int_equal(b->stored_length, sizes[n]);
        assert_memory_equal(b->stored, b->pattern, sizes[n]);
      }
      cable_pass(b->cable, VT_US(50));
      assert_int_equal(b->completed, before + 1);
    }
    close_bench(b);
  }
}

static void every_size_in(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (int n = 0; n < SIZES; n++) {
      const uint16_t size = sizes[n];
      const uint16_t lengths[] = {
          1,    64,   (uint16_t)(size ? size - 1 : 0), size, (uint16_t)(size + 1),
          4096, 65535};
      for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        expect_fetch(b, size, lengths[k]);
    }
    close_bench(b);
  }
}

// The FIFO takes eight words at a time where they are words, and else byte by byte.
static void every_alignment_in(void **state) {
  struct bench *b = &bench;
  (void)state;
  open_configured(b, &setups[HIGH_SPEED]);
  for (uint16_t from = 0; from < 8; from++) {
    for (uint16_t n = 1; n < 140; n++) {
      uint8_t data[140];
      assert_int_equal(control(b, 0xA1, FETCH_AT, from, n, data), n);
      assert_memory_equal(data, b->pattern + from, n);
    }
  }
  close_bench(b);
}

static void refusals(void **state) {
  struct bench *b = &bench;
  (void)state;
  static uint8_t data[65535];
  static const uint16_t lengths[] = {0, 1, 64, 200, 4097, 65535};
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
      assert_int_equal(control(b, 0x21, REFUSE, 0, lengths[k], data), -EPIPE);
      assert_int_equal(control(b, 0xA1, REFUSE, 0, lengths[k], data), -EPIPE);
      expect_works(b);
    }
    assert_int_equal(control(b, 0x21, STORE, 0, 4097, data), -EPIPE);
    assert_int_equal(control(b, 0x21, STORE, 0, 65535, data), -EPIPE);
    assert_int_equal(control(b, 0x21, REFUSE_LATE, 0, 130, data), -EPIPE);
    expect_works(b);
    close_bench(b);
  }
}

// --- errors --------------------------------------------------------------------

static void line_errors_everywhere(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (int fault = CABLE_DROP_TOKEN; fault < CABLE_FAULTS; fault++) {
      uint64_t at = 1;
      for (;; at++) {
        cable_arm(b->cable, (enum cable_fault)fault, at);
        expect_works(b);
        if (b->cable->transactions < at) break;
      }
      assert_true(at > 12);
    }
    close_bench(b);
  }
}

static void requests_given_up(void **state) {
  struct bench *b = &bench;
  (void)state;
  static const struct {
    uint8_t type, request;
    uint16_t value, length;
  } rows[] = {
      {0x21, STORE, 0, 300}, {0xA1, FETCH, 300, 300}, {0xA1, FETCH, 128, 255},
      {0x21, STORE, 0, 0},   {0xA1, FETCH, 1, 1},     {0x21, REFUSE_LATE, 0, 70},
  };
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
      uint8_t data[300] = {0};
      uint64_t n = 1;
      while (cable_give_up(b->cable, rows[k].type, rows[k].request, rows[k].value,
                           rows[k].length, data, n)) {
        expect_works(b);
        n++;
      }
      expect_works(b);
    }
    close_bench(b);
  }
}

static void resets_at_every_transaction(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_configured(b, &setups[i]);
    uint8_t data[300] = {0};
    for (uint64_t n = 1; cable_give_up(b->cable, 0x21, STORE, 0, 300, data, n); n++) {
      configure(b);
      expect_works(b);
    }
    for (uint64_t n = 1; cable_give_up(b->cable, 0xA1, FETCH, 300, 300, data, n); n++) {
      configure(b);
      expect_works(b);
    }
    close_bench(b);
  }
}

// A packet that the host does not fetch any more, and a core that does not say that
// it has taken it back: the next request is late, but it is served.
static void a_core_that_does_not_disable_its_endpoint(void **state) {
  struct bench *b = &bench;
  (void)state;
  static const uint32_t bits[] = {1u << 6, 1u << 1};  // INEPNE, EPDISD
  for (int i = 0; i < SETUPS; i += FULL) {
    const uint32_t base = setups[i].ulpi ? CABLE_OTG_HS : CABLE_OTG_FS;
    for (size_t k = 0; k < 2; k++) {
      open_configured(b, &setups[i]);
      uint8_t data[255];
      assert_true(cable_give_up(b->cable, 0xA1, FETCH, 128, 255, data, 1));
      cable_pass(b->cable, VT_US(20));  // the first packet waits in the FIFO
      mmio_stick(base + DIEPINT0, bits[k], 0);
      const vtime_t begun = now(b);
      assert_int_equal(store(b, 0), 0);
      assert_true(now(b) - begun < VT_MS(4));
      mmio_stick(0, 0, 0);
      expect_works(b);
      cable_close(b->cable);  // what a broken core reports is not of interest
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(registers_after_the_start),
      cmocka_unit_test(a_phy_without_a_clock),
      cmocka_unit_test(a_core_that_does_not_come_up),
      cmocka_unit_test(flushes_that_never_end),
      cmocka_unit_test(vbus_not_sensed),
      cmocka_unit_test(connect_and_disconnect),
      cmocka_unit_test(a_reset_tells_the_speed),
      cmocka_unit_test(suspend_and_resume),
      cmocka_unit_test(test_mode_reaches_the_core),
      cmocka_unit_test(addresses),
      cmocka_unit_test(every_size_out),
      cmocka_unit_test(every_size_in),
      cmocka_unit_test(every_alignment_in),
      cmocka_unit_test(refusals),
      cmocka_unit_test(line_errors_everywhere),
      cmocka_unit_test(requests_given_up),
      cmocka_unit_test(resets_at_every_transaction),
      cmocka_unit_test(a_core_that_does_not_disable_its_endpoint),
  };
  return cmocka_run_group_tests_name("dwc2", tests, NULL, NULL);
}
