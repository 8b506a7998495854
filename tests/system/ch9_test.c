// SPDX-License-Identifier: MIT
// USB 2.0 chapter 9 on the real bootloader, request by request: each standard
// request as it should be, and with each of its fields wrong in turn, in the
// Default, Address and Configured states. What is refused is refused by a STALL at
// once; nothing is ever NAKed for ever, and nothing refused leaves a trace.
#include <errno.h>
#include <string.h>

#include "tests/hostmodel/rig.h"

// From the SETUP to its STALL or its end. A request with two bytes of data has nine
// packets at most, none of which is longer than 10 us at full speed.
#define AT_ONCE VT_US(200)

enum { DEFAULT = 1, ADDRESS = 2, CONFIGURED = 4, ALWAYS = 7, NEVER = 0 };

// bmRequestType: direction, type and recipient.
enum {
  OUT_DEVICE = 0x00,
  OUT_INTERFACE = 0x01,
  OUT_ENDPOINT = 0x02,
  IN_DEVICE = 0x80,
  IN_INTERFACE = 0x81,
  IN_ENDPOINT = 0x82,
  IN_OTHER = 0x83,
};

enum {
  GET_STATUS = 0,
  CLEAR_FEATURE = 1,
  SET_FEATURE = 3,
  SET_ADDRESS = 5,
  GET_DESCRIPTOR = 6,
  SET_DESCRIPTOR = 7,
  GET_CONFIGURATION = 8,
  SET_CONFIGURATION = 9,
  GET_INTERFACE = 10,
  SET_INTERFACE = 11,
  SYNCH_FRAME = 12,
};

struct row {
  const char *what;
  struct request q;
  uint8_t where;     // states in which it is accepted
  int bytes;         // of the reply
  uint8_t reply[2];  // its beginning
};

static const struct row rows[] = {
    {"status of the device", {IN_DEVICE, GET_STATUS, 0, 0, 2}, ALWAYS, 2, {1, 0}},
    {"status, wValue 1", {IN_DEVICE, GET_STATUS, 1, 0, 2}, NEVER, 0, {0}},
    {"status of device 1", {IN_DEVICE, GET_STATUS, 0, 1, 2}, NEVER, 0, {0}},
    {"status in 0 bytes", {IN_DEVICE, GET_STATUS, 0, 0, 0}, NEVER, 0, {0}},
    {"status in 1 byte", {IN_DEVICE, GET_STATUS, 0, 0, 1}, NEVER, 0, {0}},
    {"status in 3 bytes", {IN_DEVICE, GET_STATUS, 0, 0, 3}, NEVER, 0, {0}},
    {"status in 64 KB", {IN_DEVICE, GET_STATUS, 0, 0, 65535}, NEVER, 0, {0}},
    {"status, outwards", {OUT_DEVICE, GET_STATUS, 0, 0, 0}, NEVER, 0, {0}},
    {"status, 2 bytes out", {OUT_DEVICE, GET_STATUS, 0, 0, 2}, NEVER, 0, {0}},
    {"status of another", {IN_OTHER, GET_STATUS, 0, 0, 2}, NEVER, 0, {0}},
    {"status of interface 0",
     {IN_INTERFACE, GET_STATUS, 0, 0, 2},
     CONFIGURED,
     2,
     {0, 0}},
    {"status of interface 1", {IN_INTERFACE, GET_STATUS, 0, 1, 2}, NEVER, 0, {0}},
    {"status of endpoint 0", {IN_ENDPOINT, GET_STATUS, 0, 0, 2}, ALWAYS, 2, {0, 0}},
    {"status of its IN side", {IN_ENDPOINT, GET_STATUS, 0, 0x80, 2}, ALWAYS, 2, {0, 0}},
    {"status of endpoint 1", {IN_ENDPOINT, GET_STATUS, 0, 1, 2}, NEVER, 0, {0}},
    {"status of endpoint 81h", {IN_ENDPOINT, GET_STATUS, 0, 0x81, 2}, NEVER, 0, {0}},
    {"status of endpoint 100h", {IN_ENDPOINT, GET_STATUS, 0, 0x100, 2}, NEVER, 0, {0}},

    {"clear halt of endpoint 0",
     {OUT_ENDPOINT, CLEAR_FEATURE, 0, 0, 0},
     ALWAYS,
     0,
     {0}},
    {"of its IN side", {OUT_ENDPOINT, CLEAR_FEATURE, 0, 0x80, 0}, ALWAYS, 0, {0}},
    {"of endpoint 1", {OUT_ENDPOINT, CLEAR_FEATURE, 0, 1, 0}, NEVER, 0, {0}},
    {"clear, with a byte", {OUT_ENDPOINT, CLEAR_FEATURE, 0, 0, 1}, NEVER, 0, {0}},
    {"clear, inwards", {IN_ENDPOINT, CLEAR_FEATURE, 0, 0, 0}, NEVER, 0, {0}},
    {"clear wake-up of endpoint",
     {OUT_ENDPOINT, CLEAR_FEATURE, 1, 0, 0},
     NEVER,
     0,
     {0}},
    {"clear halt of the device", {OUT_DEVICE, CLEAR_FEATURE, 0, 0, 0}, NEVER, 0, {0}},
    {"clear remote wake-up", {OUT_DEVICE, CLEAR_FEATURE, 1, 0, 0}, NEVER, 0, {0}},
    {"clear test mode", {OUT_DEVICE, CLEAR_FEATURE, 2, 0x400, 0}, NEVER, 0, {0}},
    {"clear of interface 0", {OUT_INTERFACE, CLEAR_FEATURE, 0, 0, 0}, NEVER, 0, {0}},

    {"set remote wake-up", {OUT_DEVICE, SET_FEATURE, 1, 0, 0}, NEVER, 0, {0}},
    {"set halt of endpoint 0", {OUT_ENDPOINT, SET_FEATURE, 0, 0, 0}, NEVER, 0, {0}},
    {"set halt of endpoint 81h",
     {OUT_ENDPOINT, SET_FEATURE, 0, 0x81, 0},
     NEVER,
     0,
     {0}},
    {"set of interface 0", {OUT_INTERFACE, SET_FEATURE, 0, 0, 0}, NEVER, 0, {0}},
    {"set feature 3", {OUT_DEVICE, SET_FEATURE, 3, 0, 0}, NEVER, 0, {0}},
    {"test mode 0", {OUT_DEVICE, SET_FEATURE, 2, 0, 0}, NEVER, 0, {0}},
    {"test mode 6", {OUT_DEVICE, SET_FEATURE, 2, 0x600, 0}, NEVER, 0, {0}},
    {"test mode, index 1", {OUT_DEVICE, SET_FEATURE, 2, 0x401, 0}, NEVER, 0, {0}},
    {"test mode, with a byte", {OUT_DEVICE, SET_FEATURE, 2, 0x400, 1}, NEVER, 0, {0}},
    {"test mode of interface",
     {OUT_INTERFACE, SET_FEATURE, 2, 0x400, 0},
     NEVER,
     0,
     {0}},

    {"address 9", {OUT_DEVICE, SET_ADDRESS, 9, 0, 0}, DEFAULT | ADDRESS, 0, {0}},
    {"address 127", {OUT_DEVICE, SET_ADDRESS, 127, 0, 0}, DEFAULT | ADDRESS, 0, {0}},
    {"address 0", {OUT_DEVICE, SET_ADDRESS, 0, 0, 0}, DEFAULT | ADDRESS, 0, {0}},
    {"address 128", {OUT_DEVICE, SET_ADDRESS, 128, 0, 0}, NEVER, 0, {0}},
    {"address 109h", {OUT_DEVICE, SET_ADDRESS, 0x109, 0, 0}, NEVER, 0, {0}},
    {"address, wIndex 1", {OUT_DEVICE, SET_ADDRESS, 9, 1, 0}, NEVER, 0, {0}},
    {"address, with a byte", {OUT_DEVICE, SET_ADDRESS, 9, 0, 1}, NEVER, 0, {0}},
    {"address, inwards", {IN_DEVICE, SET_ADDRESS, 9, 0, 0}, NEVER, 0, {0}},
    {"address of interface", {OUT_INTERFACE, SET_ADDRESS, 9, 0, 0}, NEVER, 0, {0}},

    {"descriptor", {IN_DEVICE, GET_DESCRIPTOR, 0x100, 0, 18}, ALWAYS, 18, {18, 1}},
    {"of interface", {IN_INTERFACE, GET_DESCRIPTOR, 0x100, 0, 18}, NEVER, 0, {0}},
    {"of endpoint", {IN_ENDPOINT, GET_DESCRIPTOR, 0x100, 0, 18}, NEVER, 0, {0}},
    {"descriptor, outwards", {OUT_DEVICE, GET_DESCRIPTOR, 0x100, 0, 0}, NEVER, 0, {0}},
    {"device 1", {IN_DEVICE, GET_DESCRIPTOR, 0x101, 0, 18}, NEVER, 0, {0}},
    {"configuration", {IN_DEVICE, GET_DESCRIPTOR, 0x200, 0, 9}, ALWAYS, 9, {9, 2}},
    {"configuration 1", {IN_DEVICE, GET_DESCRIPTOR, 0x201, 0, 9}, NEVER, 0, {0}},
    {"languages", {IN_DEVICE, GET_DESCRIPTOR, 0x300, 0, 4}, ALWAYS, 4, {4, 3}},
    {"string 1", {IN_DEVICE, GET_DESCRIPTOR, 0x301, 0x409, 1}, ALWAYS, 1, {18}},
    {"string 200", {IN_DEVICE, GET_DESCRIPTOR, 0x3C8, 0x409, 4}, NEVER, 0, {0}},
    {"interface", {IN_DEVICE, GET_DESCRIPTOR, 0x400, 0, 9}, NEVER, 0, {0}},
    {"endpoint", {IN_DEVICE, GET_DESCRIPTOR, 0x500, 0, 7}, NEVER, 0, {0}},
    {"object store", {IN_DEVICE, GET_DESCRIPTOR, 0xF00, 0, 5}, ALWAYS, 5, {5, 15}},
    {"object store 1", {IN_DEVICE, GET_DESCRIPTOR, 0xF01, 0, 5}, NEVER, 0, {0}},
    {"descriptor type 0", {IN_DEVICE, GET_DESCRIPTOR, 0, 0, 8}, NEVER, 0, {0}},
    {"set device", {OUT_DEVICE, SET_DESCRIPTOR, 0x100, 0, 18}, NEVER, 0, {0}},
    {"set string, empty", {OUT_DEVICE, SET_DESCRIPTOR, 0x301, 0x409, 0}, NEVER, 0, {0}},

    {"configuration, wValue 1", {IN_DEVICE, GET_CONFIGURATION, 1, 0, 1}, NEVER, 0, {0}},
    {"configuration, wIndex 1", {IN_DEVICE, GET_CONFIGURATION, 0, 1, 1}, NEVER, 0, {0}},
    {"configuration, 0 bytes", {IN_DEVICE, GET_CONFIGURATION, 0, 0, 0}, NEVER, 0, {0}},
    {"configuration, 2 bytes", {IN_DEVICE, GET_CONFIGURATION, 0, 0, 2}, NEVER, 0, {0}},
    {"of an interface", {IN_INTERFACE, GET_CONFIGURATION, 0, 0, 1}, NEVER, 0, {0}},

    {"configure 1",
     {OUT_DEVICE, SET_CONFIGURATION, 1, 0, 0},
     ADDRESS | CONFIGURED,
     0,
     {0}},
    {"unconfigure",
     {OUT_DEVICE, SET_CONFIGURATION, 0, 0, 0},
     ADDRESS | CONFIGURED,
     0,
     {0}},
    {"configure 2", {OUT_DEVICE, SET_CONFIGURATION, 2, 0, 0}, NEVER, 0, {0}},
    {"configure 101h", {OUT_DEVICE, SET_CONFIGURATION, 0x101, 0, 0}, NEVER, 0, {0}},
    {"configure, wIndex 1", {OUT_DEVICE, SET_CONFIGURATION, 1, 1, 0}, NEVER, 0, {0}},
    {"configure, a byte", {OUT_DEVICE, SET_CONFIGURATION, 1, 0, 1}, NEVER, 0, {0}},
    {"configure interface", {OUT_INTERFACE, SET_CONFIGURATION, 1, 0, 0}, NEVER, 0, {0}},

    {"interface", {IN_INTERFACE, GET_INTERFACE, 0, 0, 1}, CONFIGURED, 1, {0}},
    {"interface 1", {IN_INTERFACE, GET_INTERFACE, 0, 1, 1}, NEVER, 0, {0}},
    {"interface, wValue 1", {IN_INTERFACE, GET_INTERFACE, 1, 0, 1}, NEVER, 0, {0}},
    {"interface, 0 bytes", {IN_INTERFACE, GET_INTERFACE, 0, 0, 0}, NEVER, 0, {0}},
    {"interface, 2 bytes", {IN_INTERFACE, GET_INTERFACE, 0, 0, 2}, NEVER, 0, {0}},
    {"interface of device", {IN_DEVICE, GET_INTERFACE, 0, 0, 1}, NEVER, 0, {0}},

    {"alternate 0", {OUT_INTERFACE, SET_INTERFACE, 0, 0, 0}, CONFIGURED, 0, {0}},
    {"alternate 1", {OUT_INTERFACE, SET_INTERFACE, 1, 0, 0}, CONFIGURED, 0, {0}},
    {"alternate 2", {OUT_INTERFACE, SET_INTERFACE, 2, 0, 0}, NEVER, 0, {0}},
    {"alternate 100h", {OUT_INTERFACE, SET_INTERFACE, 0x100, 0, 0}, NEVER, 0, {0}},
    {"alternate, wIndex 1", {OUT_INTERFACE, SET_INTERFACE, 0, 1, 0}, NEVER, 0, {0}},
    {"alternate, a byte", {OUT_INTERFACE, SET_INTERFACE, 0, 0, 1}, NEVER, 0, {0}},
    {"alternate of device", {OUT_DEVICE, SET_INTERFACE, 0, 0, 0}, NEVER, 0, {0}},

    {"frame of endpoint 0", {IN_ENDPOINT, SYNCH_FRAME, 0, 0, 2}, NEVER, 0, {0}},
    {"reserved request 2", {OUT_DEVICE, 2, 0, 0, 0}, NEVER, 0, {0}},
    {"reserved request 4", {IN_DEVICE, 4, 0, 0, 2}, NEVER, 0, {0}},
    {"SET_SEL", {OUT_DEVICE, 48, 0, 0, 6}, NEVER, 0, {0}},
    {"reserved type", {0x60, GET_STATUS, 0, 0, 0}, NEVER, 0, {0}},
    {"reserved type, inwards", {0xE0, GET_STATUS, 0, 0, 2}, NEVER, 0, {0}},

    {"class request, device", {0xA0, 3, 0, 0, 6}, NEVER, 0, {0}},
    {"class request, endpoint", {0xA2, 3, 0, 0, 6}, NEVER, 0, {0}},
    {"class request, interface", {0xA1, 3, 0, 0, 6}, CONFIGURED, 6, {0, 0}},
    {"class request, interface 1", {0xA1, 3, 0, 1, 6}, NEVER, 0, {0}},
    {"class, interface 100h", {0xA1, 3, 0, 0x100, 6}, NEVER, 0, {0}},
    {"class request 7", {0x21, 7, 0, 0, 0}, NEVER, 0, {0}},
    {"class request 255", {0xA1, 255, 0, 0, 1}, NEVER, 0, {0}},
    {"MS OS 2.0 set", {0xC0, 0x22, 0, 7, 65535}, ALWAYS, 162, {10, 0}},
    {"MS OS 2.0, wValue 1", {0xC0, 0x22, 1, 7, 162}, NEVER, 0, {0}},
    {"MS OS 2.0, wIndex 8", {0xC0, 0x22, 0, 8, 162}, NEVER, 0, {0}},
    {"MS OS 2.0, outwards", {0x40, 0x22, 0, 7, 0}, NEVER, 0, {0}},
    {"MS OS 2.0, interface", {0xC1, 0x22, 0, 7, 162}, NEVER, 0, {0}},
    {"WebUSB landing page", {0xC0, 0x21, 1, 2, 255}, NEVER, 0, {0}},
    {"vendor request 0", {0xC0, 0, 0, 0, 8}, NEVER, 0, {0}},
};

static const struct {
  uint8_t state;
  const char *name;
} states[] = {{DEFAULT, "Default"}, {ADDRESS, "Address"}, {CONFIGURED, "Configured"}};

static const struct request set_address = {OUT_DEVICE, SET_ADDRESS, RIG_ADDRESS, 0, 0};
static const struct request set_configuration = {OUT_DEVICE, SET_CONFIGURATION, 1, 0,
                                                 0};
static const struct request get_configuration = {IN_DEVICE, GET_CONFIGURATION, 0, 0, 1};

static void enter(struct rig *r, uint8_t state) {
  rig_bus_reset(r);
  if (state == DEFAULT) return;
  assert_int_equal(rig_control(r, set_address, NULL), 0);
  rig_run(r, VT_MS(2));
  if (state == CONFIGURED) assert_int_equal(rig_control(r, set_configuration, NULL), 0);
}

static uint8_t configuration(struct rig *r) {
  uint8_t value;
  assert_int_equal(rig_control(r, get_configuration, &value), 1);
  return value;
}

static bool changes_state(const struct request *q) {
  return q->request == SET_ADDRESS || q->request == SET_CONFIGURATION;
}

static void try_row(struct rig *r, const struct row *row, uint8_t state,
                    const char *name) {
  static uint8_t bytes[65535];
  const bool accepted = row->where & state;
  memset(bytes, 0xEE, sizeof bytes);
  const int n = rig_control(r, row->q, bytes);
  const bool right = accepted ? n == row->bytes : n == -EPIPE;
  if (!right) fail_msg("%s, %s state: %d", row->what, name, n);
  if (r->last > AT_ONCE + VT_US(10) * (vtime_t)row->bytes) {
    fail_msg("%s, %s state: takes %llu us", row->what, name,
             (unsigned long long)(r->last / VT_US(1)));
  }
  if (accepted && row->bytes) {
    assert_memory_equal(bytes, row->reply, row->bytes < 2 ? 1 : 2);
  }
  if (accepted && changes_state(&row->q)) {
    enter(r, state);
  } else if (configuration(r) != (state == CONFIGURED)) {
    fail_msg("%s, %s state: left another state", row->what, name);
  }
}

// Exist where both speeds do (USB 2.0 9.6.2, 9.6.4).
static void try_other_speed(struct rig *r, uint8_t state, const char *name) {
  const uint8_t where = r->m->board->usb == USB_CONNECTOR_HS_ULPI ? ALWAYS : NEVER;
  const struct row both[] = {
      {"qualifier", {IN_DEVICE, GET_DESCRIPTOR, 0x600, 0, 10}, where, 10, {10, 6}},
      {"other speed", {IN_DEVICE, GET_DESCRIPTOR, 0x700, 0, 9}, where, 9, {9, 7}},
  };
  for (size_t i = 0; i < sizeof both / sizeof *both; i++)
    try_row(r, &both[i], state, name);
}

static void every_request_in_every_state(void **state) {
  struct rig *r = *state;
  for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
    enter(r, states[s].state);
    try_other_speed(r, states[s].state, states[s].name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      try_row(r, &rows[i], states[s].state, states[s].name);
  }
}

// Whatever the type and number of a request, with fields that no request can have.
static void nonsense_is_stalled_at_once(void **state) {
  struct rig *r = *state;
  uint8_t bytes[8] = {0};
  for (unsigned type = 0; type < 256; type++) {
    for (unsigned number = 0; number < 256; number += number < 14 ? 1 : 11) {
      const uint16_t length = (type + number) % 2 ? sizeof bytes : 0;
      const struct request q = {(uint8_t)type, (uint8_t)number, 0xFFFF, 0xFFFF, length};
      const int n = rig_control(r, q, bytes);
      if (n != -EPIPE || r->last > AT_ONCE) fail_msg("%02x %02x: %d", type, number, n);
    }
  }
  assert_int_equal(configuration(r), 1);
}

static void configuration_follows_what_was_set(void **state) {
  struct rig *r = *state;
  static const struct {
    uint16_t value;
    uint8_t expected;
  } steps[] = {{0, 0}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    const struct request q = {OUT_DEVICE, SET_CONFIGURATION, steps[i].value, 0, 0};
    assert_int_equal(rig_control(r, q, NULL), 0);
    assert_int_equal(configuration(r), steps[i].expected);
  }
}

static uint8_t alternate(struct rig *r) {
  uint8_t value;
  const struct request q = {IN_INTERFACE, GET_INTERFACE, 0, 0, 1};
  assert_int_equal(rig_control(r, q, &value), 1);
  return value;
}

static void interface_follows_what_was_set(void **state) {
  struct rig *r = *state;
  for (uint16_t i = 0; i < 2; i++) {
    const struct request set = {OUT_INTERFACE, SET_INTERFACE, (uint16_t)(1 - i), 0, 0};
    const struct request bad = {OUT_INTERFACE, SET_INTERFACE, 2, 0, 0};
    assert_int_equal(rig_control(r, set, NULL), 0);
    assert_int_equal(rig_control(r, bad, NULL), -EPIPE);
    assert_int_equal(alternate(r), 1 - i);
  }
  // SET_CONFIGURATION and a bus reset choose alternate setting 0 (USB 2.0 9.1.1.5).
  const struct request set_1 = {OUT_INTERFACE, SET_INTERFACE, 1, 0, 0};
  assert_int_equal(rig_control(r, set_1, NULL), 0);
  assert_int_equal(rig_control(r, set_configuration, NULL), 0);
  assert_int_equal(alternate(r), 0);
  assert_int_equal(rig_control(r, set_1, NULL), 0);
  enter(r, CONFIGURED);
  assert_int_equal(alternate(r), 0);
}

// The old address serves the status stage, the new one whatever follows.
static void address_changes_after_the_status_stage(void **state) {
  struct rig *r = *state;
  static const uint8_t addresses[] = {1, 2, 64, 127, 3};
  enter(r, DEFAULT);
  for (size_t i = 0; i < sizeof addresses; i++) {
    const struct request q = {OUT_DEVICE, SET_ADDRESS, addresses[i], 0, 0};
    assert_int_equal(rig_control(r, q, NULL), 0);
    assert_int_equal(r->m->usb.address, addresses[i]);
    rig_run(r, VT_MS(2));
    assert_int_equal(configuration(r), 0);
    r->m->usb.address = (uint8_t)(addresses[i] ^ 1);
    uint8_t value;
    assert_int_equal(rig_control(r, get_configuration, &value), -EPROTO);
    r->m->usb.address = addresses[i];
  }
}

// --- test modes (USB 2.0 7.1.20, 9.4.9) ----------------------------------------

static unsigned test_mode(const struct rig *r) {
  const struct otg *o = r->board->high_speed ? &r->m->otg_hs : &r->m->otg_fs;
  return o->reg[0x804 / 4] >> 4 & 7u;  // DCTL.TCTL (RM0410 41.15.38)
}

static void expect_no_test_mode(struct rig *r, const struct usb_token *token) {
  (void)token;
  assert_int_equal(test_mode(r), 0);
}

static void test_modes_begin_after_the_status_stage(void **state) {
  struct rig *r = *state;
  for (uint16_t selector = 1; selector <= 5; selector++) {
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
      const struct request q = {OUT_DEVICE, SET_FEATURE, 2, (uint16_t)(selector << 8),
                                0};
      rig_power_cycle(r);  // nothing else ends a test mode
      assert_true(rig_attached(r));
      enter(r, states[s].state);
      r->on_token = expect_no_test_mode;
      assert_int_equal(rig_control(r, q, NULL), 0);
      r->on_token = NULL;
      rig_run(r, VT_MS(3));  // the transition has that long (9.4.9)
      assert_int_equal(test_mode(r), selector);
    }
  }
}

static void test_modes_are_for_high_speed(void **state) {
  struct rig *r = *state;
  for (uint16_t selector = 1; selector <= 5; selector++) {
    const struct request q = {OUT_DEVICE, SET_FEATURE, 2, (uint16_t)(selector << 8), 0};
    assert_int_equal(rig_control(r, q, NULL), -EPIPE);
    rig_run(r, VT_MS(3));
    assert_int_equal(test_mode(r), 0);
    assert_int_equal(configuration(r), 1);
  }
}

// A test mode whose request was followed by another SETUP, or whose status stage the
// host never fetched, does not begin.
static void test_mode_is_forgotten_with_its_request(void **state) {
  struct rig *r = *state;
  struct usb_urb urb = {.type = USB_URB_CONTROL, .setup = {0, 3, 2, 0, 0, 4, 0, 0}};
  rig_arm(r, USB_FAULT_NONE, 0);
  assert_int_equal(usb_host_submit(&r->m->usb, &urb), 0);
  while (r->transactions < 1)
    machine_run(r->m, VT_US(1));
  rig_run(r, VT_US(1));
  usb_host_cancel(&r->m->usb, &urb);
  rig_run(r, VT_MS(1));
  assert_int_equal(configuration(r), 1);
  rig_run(r, VT_MS(3));
  assert_int_equal(test_mode(r), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(every_request_in_every_state),
      RIG_TEST(HS_ON_FS_PORT, every_request_in_every_state, rig_setup_configured),
      RIG_BOTH(nonsense_is_stalled_at_once),
      RIG_BOTH(configuration_follows_what_was_set),
      RIG_BOTH(interface_follows_what_was_set),
      RIG_BOTH(address_changes_after_the_status_stage),
      RIG_TEST(HS, test_modes_begin_after_the_status_stage, rig_setup_configured),
      RIG_TEST(FS, test_modes_are_for_high_speed, rig_setup_configured),
      RIG_TEST(HS_ON_FS_PORT, test_modes_are_for_high_speed, rig_setup_configured),
      RIG_TEST(HS, test_mode_is_forgotten_with_its_request, rig_setup_configured),
  };
  return cmocka_run_group_tests_name("ch9", tests, NULL, NULL);
}
