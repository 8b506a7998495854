// SPDX-License-Identifier: MIT
// A device of several interfaces with endpoints: who hears what, halts, alternate
// settings of each interface, and what SET_CONFIGURATION and a bus reset do to all of
// them. Interface 0 is usbd_rig's class; 1 and 2 are one class more.
#include "tests/unit/firmware/usb/usbd_rig.h"

enum { HALT, LIFT, OPEN, CLOSE, CALLS = 64 };

struct call {
  int what;
  uint8_t address, type;
  uint16_t packet;
};

static const struct usb_endpoint endpoints[] = {
    {0x82, 3, 1, {16, 8}, {16, 16}},
    {0x01, 2, 2, {0, 0}, {64, 512}},
    {0x81, 2, 2, {0, 0}, {64, 512}},
};
enum { ENDPOINTS = 3 };

// What the second class and the endpoints heard.
static struct {
  struct call calls[CALLS];
  unsigned count;
  unsigned setups, resets, configured, events;
  bool high_speed;
  struct usb_setup last;
  struct usb_event event;
  uint8_t alternates;  // that there are
} heard;

static void note(int what, uint8_t address, uint8_t type, uint16_t packet) {
  assert_true(heard.count < CALLS);
  heard.calls[heard.count++] = (struct call){what, address, type, packet};
}

static void on_open(void *ctx, uint8_t address, uint8_t type, uint16_t packet) {
  (void)ctx;
  note(OPEN, address, type, packet);
}

static void on_close_all(void *ctx) {
  (void)ctx;
  note(CLOSE, 0, 0, 0);
}

static void on_halt(void *ctx, uint8_t address, bool on) {
  (void)ctx;
  note(on ? HALT : LIFT, address, 0, 0);
}

static const struct usb_endpoint_ops endpoint_ops = {
    .open = on_open, .close_all = on_close_all, .halt = on_halt};

static enum usb_answer on_setup(void *ctx, const struct usb_setup *s,
                                struct usb_reply *reply) {
  static const uint8_t bytes[4] = {1, 2, 3, 4};
  (void)ctx;
  heard.setups++;
  heard.last = *s;
  *reply = (struct usb_reply){.data = bytes, .length = sizeof bytes};
  return USB_ACCEPT;
}

static _Alignas(4) uint8_t own[8];

static enum usb_answer on_data(void *ctx, const struct usb_setup *s,
                               const uint8_t *data) {
  (void)ctx, (void)s;
  assert_ptr_equal(data, own);
  return USB_ACCEPT;
}

static bool on_set_alternate(void *ctx, uint8_t alternate) {
  (void)ctx;
  return alternate < heard.alternates;
}

static void on_reset(void *ctx) {
  (void)ctx;
  heard.resets++;
}

static void on_configured(void *ctx, bool high_speed) {
  (void)ctx;
  assert_int_equal(heard.calls[heard.count - 1].what, OPEN);
  heard.configured++;
  heard.high_speed = high_speed;
}

static void on_event(void *ctx, const struct usb_event *e) {
  (void)ctx;
  heard.events++;
  heard.event = *e;
}

static const struct usb_class second = {.setup = on_setup,
                                        .buffer = own,
                                        .data = on_data,
                                        .set_alternate = on_set_alternate,
                                        .reset = on_reset,
                                        .configured = on_configured,
                                        .event = on_event};

static int open_composite(void **state) {
  if (usbd_rig_open(state)) return -1;
  struct usbd_rig *r = *state;
  memset(&heard, 0, sizeof heard);
  heard.alternates = 1;
  r->ops.endpoints = &endpoint_ops;
  usbd_add(r->usbd, &second, 2, endpoints, ENDPOINTS);
  return 0;
}

static void enter(struct usbd_rig *r, int device_state, bool high_speed) {
  usbd_rig_enter(r, device_state, high_speed);
  heard.count = heard.setups = heard.resets = heard.configured = heard.events = 0;
}

static enum handshake out(struct usbd_rig *r, uint8_t type, uint8_t request,
                          uint16_t value, uint16_t index) {
  return control_write(&r->port, usbd_rig_request(type, request, value, index, 0),
                       NULL);
}

// The one byte, or the first of two, of an IN request; -1: refused.
static int in(struct usbd_rig *r, uint8_t type, uint8_t request, uint16_t index,
              uint16_t length) {
  uint8_t bytes[8] = {0};
  uint32_t n = 0;
  const struct usb_setup s = usbd_rig_request(type, request, 0, index, length);
  if (control_read(&r->port, s, bytes, &n) != ACK) return -1;
  assert_int_equal(n, length);
  return bytes[0];
}

static void expect_call(unsigned i, int what, uint8_t address, uint8_t type,
                        uint16_t packet) {
  assert_true(i < heard.count);
  assert_int_equal(heard.calls[i].what, what);
  assert_int_equal(heard.calls[i].address, address);
  assert_int_equal(heard.calls[i].type, type);
  assert_int_equal(heard.calls[i].packet, packet);
}

// --- configuration ---

static void configuring_opens_the_endpoints(void **state) {
  struct usbd_rig *r = *state;
  for (int high = 0; high < 2; high++) {
    enter(r, 1, high);
    assert_int_equal(out(r, 0, 9, 1, 0), ACK);
    assert_int_equal(heard.count, 4);
    expect_call(0, CLOSE, 0, 0, 0);
    expect_call(1, OPEN, 0x82, 3, 16);
    expect_call(2, OPEN, 0x01, 2, high ? 512 : 64);
    expect_call(3, OPEN, 0x81, 2, high ? 512 : 64);
    assert_int_equal(heard.resets, 1);  // once, though it has two interfaces
    assert_int_equal(heard.configured, 1);
    assert_int_equal(heard.high_speed, high);
    assert_int_equal(r->resets, 1);
    assert_int_equal(out(r, 0, 9, 0, 0), ACK);
    assert_int_equal(heard.count, 5);
    expect_call(4, CLOSE, 0, 0, 0);
    assert_int_equal(heard.resets, 2);
    assert_int_equal(heard.configured, 1);
  }
}

// The port closes them itself.
static void a_bus_reset_resets_every_class(void **state) {
  struct usbd_rig *r = *state;
  enter(r, 2, true);
  control_reset(&r->port, true);
  assert_int_equal(heard.count, 0);
  assert_int_equal(heard.resets, 1);
  assert_int_equal(r->resets, 1);
}

// --- interfaces ---

// A block that the first class has not taken yet waits where its data came.
static void data_for_one_class_leave_the_others_alone(void **state) {
  struct usbd_rig *r = *state;
  static const uint8_t block[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  static const uint8_t coding[7] = {0x00, 0xC2, 0x01, 0, 0, 0, 8};
  enter(r, 2, true);
  assert_int_equal(
      control_write(&r->port, usbd_rig_request(0x21, 1, 2, 0, sizeof block), block),
      ACK);
  assert_int_equal(
      control_write(&r->port, usbd_rig_request(0x21, 0x20, 0, 1, sizeof coding),
                    coding),
      ACK);
  assert_memory_equal(own, coding, sizeof coding);
  assert_memory_equal(r->usbd->buffer, block, sizeof block);
}

static void a_request_goes_to_the_class_of_its_interface(void **state) {
  struct usbd_rig *r = *state;
  static const uint8_t types[] = {0x21, 0xA1, 0x41, 0xC1};
  r->reply_length = 4;
  for (uint32_t index = 0; index < 0x10000; index = index < 5 ? index + 1 : index * 2) {
    for (unsigned t = 0; t < sizeof types; t++) {
      for (int device_state = 0; device_state < 3; device_state++) {
        enter(r, device_state, true);
        const bool heard_of = device_state == 2 && index < 3;
        const uint16_t to = (uint16_t)index;
        const bool taken = types[t] & 0x80 ? in(r, types[t], 9, to, 4) >= 0
                                           : out(r, types[t], 9, 0, to) == ACK;
        assert_int_equal(taken, heard_of);
        assert_int_equal(r->setups, heard_of && index == 0);
        assert_int_equal(r->completions, heard_of && index == 0);
        assert_int_equal(heard.setups, heard_of && index > 0);
        if (heard.setups) assert_int_equal(heard.last.wIndex, index);
      }
    }
  }
}

static void each_interface_has_its_alternate_setting(void **state) {
  struct usbd_rig *r = *state;
  enter(r, 2, true);
  heard.alternates = 4;
  assert_int_equal(out(r, 1, 11, 1, 0), ACK);
  assert_int_equal(out(r, 1, 11, 2, 1), ACK);
  assert_int_equal(out(r, 1, 11, 3, 2), ACK);
  assert_int_equal(out(r, 1, 11, 4, 2), STALL);
  assert_int_equal(out(r, 1, 11, 0, 3), STALL);
  for (uint16_t i = 0; i < 3; i++) {
    assert_int_equal(in(r, 0x81, 10, i, 1), i + 1);
    assert_int_equal(in(r, 0x81, 0, i, 2), 0);  // GET_STATUS
  }
  assert_int_equal(in(r, 0x81, 10, 3, 1), -1);
  assert_int_equal(in(r, 0x81, 0, 3, 2), -1);
  assert_int_equal(out(r, 0, 9, 1, 0), ACK);
  for (uint16_t i = 0; i < 3; i++)
    assert_int_equal(in(r, 0x81, 10, i, 1), 0);
}

// --- halts ---

static void an_endpoint_is_halted_and_lifted(void **state) {
  struct usbd_rig *r = *state;
  for (unsigned i = 0; i < ENDPOINTS; i++) {
    const uint8_t address = endpoints[i].address;
    enter(r, 2, true);
    assert_int_equal(in(r, 0x82, 0, address, 2), 0);
    assert_int_equal(out(r, 2, 3, 0, address), ACK);
    assert_int_equal(heard.count, 1);
    expect_call(0, HALT, address, 0, 0);
    for (unsigned k = 0; k < ENDPOINTS; k++)
      assert_int_equal(in(r, 0x82, 0, endpoints[k].address, 2), k == i);
    for (unsigned k = 1; k < 3; k++) {  // also when it is not halted any more
      assert_int_equal(out(r, 2, 1, 0, address), ACK);
      assert_int_equal(heard.count, 1 + k);
      expect_call(k, LIFT, address, 0, 0);
      assert_int_equal(in(r, 0x82, 0, address, 2), 0);
    }
  }
}

static void there_are_no_other_endpoints_or_features(void **state) {
  struct usbd_rig *r = *state;
  for (unsigned index = 0; index < 0x400; index++) {
    const bool there = index == 0x01 || index == 0x81 || index == 0x82;
    const bool zero = index == 0 || index == 0x80;
    for (int device_state = 0; device_state < 3; device_state++) {
      const bool now = there && device_state == 2;
      enter(r, device_state, true);
      assert_int_equal(in(r, 0x82, 0, (uint16_t)index, 2) == 0, zero || now);
      assert_int_equal(out(r, 2, 3, 0, (uint16_t)index) == ACK, now);
      assert_int_equal(out(r, 2, 1, 0, (uint16_t)index) == ACK, zero || now);
      assert_int_equal(heard.count, now ? 2 : 0);
      assert_int_equal(out(r, 2, 3, 1, (uint16_t)index), STALL);
      assert_int_equal(out(r, 2, 1, 1, (uint16_t)index), STALL);
      assert_int_equal(heard.count, now ? 2 : 0);
    }
  }
}

static void a_new_beginning_lifts_halts(void **state) {
  struct usbd_rig *r = *state;
  for (int how = 0; how < 2; how++) {
    enter(r, 2, true);
    assert_int_equal(out(r, 2, 3, 0, 0x81), ACK);
    if (how) {
      control_reset(&r->port, true);
      enter(r, 2, true);
    } else {
      assert_int_equal(out(r, 0, 9, 1, 0), ACK);
    }
    assert_int_equal(in(r, 0x82, 0, 0x81, 2), 0);
  }
}

// SET_INTERFACE begins its endpoints anew, and no others (9.1.1.5).
static void an_interface_lifts_the_halts_of_its_endpoints(void **state) {
  struct usbd_rig *r = *state;
  enter(r, 2, true);
  for (unsigned i = 0; i < ENDPOINTS; i++)
    assert_int_equal(out(r, 2, 3, 0, endpoints[i].address), ACK);
  assert_int_equal(out(r, 1, 11, 0, 0), ACK);
  assert_int_equal(heard.count, 3);
  assert_int_equal(out(r, 1, 11, 1, 2), STALL);
  assert_int_equal(heard.count, 3);
  assert_int_equal(out(r, 1, 11, 0, 2), ACK);
  assert_int_equal(heard.count, 5);
  expect_call(3, LIFT, 0x01, 0, 0);
  expect_call(4, LIFT, 0x81, 0, 0);
  assert_int_equal(in(r, 0x82, 0, 0x82, 2), 1);
  assert_int_equal(in(r, 0x82, 0, 0x01, 2), 0);
  assert_int_equal(in(r, 0x82, 0, 0x81, 2), 0);
  assert_int_equal(out(r, 1, 11, 0, 1), ACK);
  assert_int_equal(in(r, 0x82, 0, 0x82, 2), 0);
}

// --- events ---

static void an_event_goes_to_the_class_of_its_endpoint(void **state) {
  struct usbd_rig *r = *state;
  static const enum usb_event_kind kinds[] = {USB_EVENT_RECEIVED, USB_EVENT_SENT};
  for (unsigned address = 0; address < 256; address++) {
    const bool there = address == 0x01 || address == 0x81 || address == 0x82;
    for (int device_state = 0; device_state < 3; device_state++) {
      enter(r, device_state, true);
      const struct usb_event e = {.kind = kinds[address & 1],
                                  .length = 77,
                                  .endpoint = (uint8_t)address,
                                  .ended = true};
      control_event(&r->port, e);
      control_poll(&r->port);
      assert_int_equal(heard.events, there && device_state == 2);
      if (heard.events) assert_memory_equal(&heard.event, &e, sizeof e);
    }
  }
}

// One interface too many is not put behind the table.
static void there_is_room_for_three_interfaces(void **state) {
  struct usbd_rig *r = *state;
  usbd_add(r->usbd, &second, 200, endpoints, ENDPOINTS);
  enter(r, 2, true);
  assert_int_equal(in(r, 0x81, 10, 2, 1), 0);
  assert_int_equal(in(r, 0x81, 10, 3, 1), -1);
}

#define composite_test(test) \
  cmocka_unit_test_setup_teardown(test, open_composite, usbd_rig_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      composite_test(configuring_opens_the_endpoints),
      composite_test(a_bus_reset_resets_every_class),
      composite_test(a_request_goes_to_the_class_of_its_interface),
      composite_test(data_for_one_class_leave_the_others_alone),
      composite_test(each_interface_has_its_alternate_setting),
      composite_test(an_endpoint_is_halted_and_lifted),
      composite_test(there_are_no_other_endpoints_or_features),
      composite_test(a_new_beginning_lifts_halts),
      composite_test(an_interface_lifts_the_halts_of_its_endpoints),
      composite_test(an_event_goes_to_the_class_of_its_endpoint),
      composite_test(there_is_room_for_three_interfaces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
