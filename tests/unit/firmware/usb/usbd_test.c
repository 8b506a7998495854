// SPDX-License-Identifier: MIT
// Every standard request of USB 2.0 chapter 9, right and with each field wrong, in
// each device state and at both speeds.
#include "firmware/usb/usbd.h"

#include "tests/unit/firmware/usb/usbd_rig.h"

// What a request is answered with: a value of its wLength bytes, or one of these.
enum { REFUSED = -1, TAKEN = -2 };

struct row {
  uint8_t type, request;
  uint16_t value, index, length;
  int answer[3];  // in Default, Address and Configured state
};

#define ALWAYS(x) \
  { (x), (x), (x) }
#define NEVER ALWAYS(REFUSED)

// Tables 9-3 and 9-4; GET_DESCRIPTOR has tests of its own.
static const struct row rows[] = {
    // GET_STATUS (9.4.5): self-powered, no remote wake-up; nothing ever halts.
    {0x80, 0, 0, 0, 2, ALWAYS(1)},
    {0x80, 0, 1, 0, 2, NEVER},
    {0x80, 0, 0, 1, 2, NEVER},
    {0x80, 0, 0, 0xF000, 2, NEVER},
    {0x80, 0, 0, 0, 0, NEVER},
    {0x80, 0, 0, 0, 1, NEVER},
    {0x80, 0, 0, 0, 3, NEVER},
    {0x00, 0, 0, 0, 0, NEVER},
    {0x81, 0, 0, 0, 2, {REFUSED, REFUSED, 0}},
    {0x81, 0, 0, 1, 2, NEVER},
    {0x81, 0, 0, 0x0100, 2, NEVER},
    {0x82, 0, 0, 0, 2, ALWAYS(0)},
    {0x82, 0, 0, 0x80, 2, ALWAYS(0)},
    {0x82, 0, 0, 1, 2, NEVER},
    {0x82, 0, 0, 0x81, 2, NEVER},
    {0x82, 0, 0, 0x0100, 2, NEVER},
    {0x83, 0, 0, 0, 2, NEVER},
    {0x9F, 0, 0, 0, 2, NEVER},
    // CLEAR_FEATURE (9.4.1): ENDPOINT_HALT of endpoint 0 is there and clear.
    {0x02, 1, 0, 0, 0, ALWAYS(TAKEN)},
    {0x02, 1, 0, 0x80, 0, ALWAYS(TAKEN)},
    {0x02, 1, 0, 1, 0, NEVER},
    {0x02, 1, 1, 0, 0, NEVER},
    {0x02, 1, 0, 0, 1, NEVER},
    {0x82, 1, 0, 0, 0, NEVER},
    {0x01, 1, 0, 0, 0, NEVER},
    {0x00, 1, 1, 0, 0, NEVER},  // DEVICE_REMOTE_WAKEUP
    {0x00, 1, 2, 0, 0, NEVER},  // TEST_MODE cannot be cleared
    {0x00, 1, 0, 0, 0, NEVER},
    // SET_FEATURE other than TEST_MODE (9.4.9).
    {0x00, 3, 1, 0, 0, NEVER},
    {0x00, 3, 0, 0, 0, NEVER},
    {0x01, 3, 0, 0, 0, NEVER},
    {0x02, 3, 0, 0, 0, NEVER},
    {0x80, 3, 2, 0x0100, 0, NEVER},
    // SET_ADDRESS (9.4.6); undefined when configured, refused here.
    {0x00, 5, 0, 0, 0, {TAKEN, TAKEN, REFUSED}},
    {0x00, 5, 1, 0, 0, {TAKEN, TAKEN, REFUSED}},
    {0x00, 5, 127, 0, 0, {TAKEN, TAKEN, REFUSED}},
    {0x00, 5, 128, 0, 0, NEVER},
    {0x00, 5, 0x0101, 0, 0, NEVER},
    {0x00, 5, 1, 1, 0, NEVER},
    {0x00, 5, 1, 0, 1, NEVER},
    {0x01, 5, 1, 0, 0, NEVER},
    {0x80, 5, 1, 0, 0, NEVER},
    // SET_DESCRIPTOR is optional, and absent (9.4.8).
    {0x00, 7, 0x0100, 0, 18, NEVER},
    {0x00, 7, 0x0100, 0, 0, NEVER},
    // GET_CONFIGURATION (9.4.2).
    {0x80, 8, 0, 0, 1, {0, 0, 1}},
    {0x80, 8, 1, 0, 1, NEVER},
    {0x80, 8, 0, 1, 1, NEVER},
    {0x80, 8, 0, 0, 0, NEVER},
    {0x80, 8, 0, 0, 2, NEVER},
    {0x81, 8, 0, 0, 1, NEVER},
    {0x00, 8, 0, 0, 0, NEVER},
    // SET_CONFIGURATION (9.4.7).
    {0x00, 9, 0, 0, 0, {REFUSED, TAKEN, TAKEN}},
    {0x00, 9, 1, 0, 0, {REFUSED, TAKEN, TAKEN}},
    {0x00, 9, 2, 0, 0, NEVER},
    {0x00, 9, 0x0100, 0, 0, NEVER},
    {0x00, 9, 0x0101, 0, 0, NEVER},
    {0x00, 9, 1, 1, 0, NEVER},
    {0x00, 9, 1, 0, 1, NEVER},
    {0x01, 9, 1, 0, 0, NEVER},
    {0x80, 9, 1, 0, 0, NEVER},
    // GET_INTERFACE (9.4.4).
    {0x81, 10, 0, 0, 1, {REFUSED, REFUSED, 0}},
    {0x81, 10, 1, 0, 1, NEVER},
    {0x81, 10, 0, 1, 1, NEVER},
    {0x81, 10, 0, 0, 0, NEVER},
    {0x81, 10, 0, 0, 2, NEVER},
    {0x80, 10, 0, 0, 1, NEVER},
    {0x01, 10, 0, 0, 0, NEVER},
    // SET_INTERFACE (9.4.10).
    {0x01, 11, 0, 0, 0, {REFUSED, REFUSED, TAKEN}},
    {0x01, 11, 1, 0, 0, {REFUSED, REFUSED, TAKEN}},
    {0x01, 11, 2, 0, 0, NEVER},
    {0x01, 11, 0x0100, 0, 0, NEVER},
    {0x01, 11, 0, 1, 0, NEVER},
    {0x01, 11, 0, 0, 1, NEVER},
    {0x00, 11, 0, 0, 0, NEVER},
    {0x81, 11, 0, 0, 0, NEVER},
    // SYNCH_FRAME (9.4.11): no isochronous endpoint. Then numbers that are none.
    {0x82, 12, 0, 0, 2, NEVER},
    {0x80, 2, 0, 0, 2, NEVER},
    {0x00, 4, 0, 0, 0, NEVER},
    {0x80, 13, 0, 0, 2, NEVER},
    {0x00, 13, 0, 0, 0, NEVER},
    {0x00, 255, 0, 0, 0, NEVER},
    {0x80, 255, 0, 0, 1, NEVER},
    // The reserved type, and types of other recipients.
    {0x60, 0, 0, 0, 0, NEVER},
    {0xE0, 0, 0, 0, 2, NEVER},
    {0x20, 0, 0, 0, 0, NEVER},
    {0xA0, 3, 0, 0, 6, NEVER},
    {0x22, 0, 0, 0, 0, NEVER},
    {0x42, 0x22, 0, 7, 0, NEVER},
};

static int answer_to(struct usbd_rig *r, struct usb_setup s) {
  uint8_t data[USBD_RIG_BIG] = {0};
  uint32_t n = 0;
  if (!(s.bmRequestType & 0x80)) {
    return control_write(&r->port, s, r->pattern) == ACK ? TAKEN : REFUSED;
  }
  if (control_read(&r->port, s, data, &n) != ACK) return REFUSED;
  assert_int_equal(n, s.wLength);
  return data[0] | data[1] << 8;
}

static void every_request_in_every_state_at_both_speeds(void **state) {
  struct usbd_rig *r = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *w = &rows[i];
    for (int k = 0; k < 6; k++) {
      usbd_rig_enter(r, k / 2, k % 2);
      const struct usbd before = *r->usbd;
      const int answer = answer_to(
          r, usbd_rig_request(w->type, w->request, w->value, w->index, w->length));
      if (answer != w->answer[k / 2]) {
        fail_msg("%02x %02x %04x %04x %u in state %d: %d", w->type, w->request,
                 w->value, w->index, w->length, k / 2, answer);
      }
      assert_int_equal(r->setups + r->datas + r->completions, 0);  // not the class's
      if (answer == TAKEN) continue;
      assert_int_equal(r->usbd->state, before.state);
      assert_int_equal(r->usbd->configuration, before.configuration);
      assert_memory_equal(r->usbd->alternates, before.alternates,
                          sizeof before.alternates);
      assert_int_equal(r->port.test_modes, 0);
    }
  }
}

// Every recipient and type with every request number, without data: nothing but the
// rows above may be taken, and nothing may upset the machine.
static void every_request_number_is_answered(void **state) {
  struct usbd_rig *r = *state;
  r->refuse_setup = true;
  for (unsigned type = 0; type < 0x80; type++) {
    for (unsigned request = 0; request < 256; request++) {
      usbd_rig_enter(r, 2, true);
      const struct usb_setup s = {(uint8_t)type, (uint8_t)request, 0x0003, 0x0101, 0};
      assert_int_equal(control_write(&r->port, s, NULL), STALL);
    }
  }
}

// --- device states (figure 9-1) ---

static uint32_t get_configuration(struct usbd_rig *r) {
  uint8_t value = 0xEE;
  uint32_t n;
  const struct usb_setup s = {0x80, 8, 0, 0, 1};
  assert_int_equal(control_read(&r->port, s, &value, &n), ACK);
  return value;
}

static enum handshake request(struct usbd_rig *r, uint8_t type, uint8_t number,
                              uint16_t value) {
  return control_write(&r->port, usbd_rig_request(type, number, value, 0, 0), NULL);
}

static void the_device_walks_through_its_states(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 0, true);
  assert_int_equal(r->usbd->state, USBD_DEFAULT);
  assert_int_equal(request(r, 0, 5, 9), ACK);
  assert_int_equal(r->usbd->state, USBD_ADDRESSED);
  assert_int_equal(r->port.address, 9);
  assert_int_equal(request(r, 0, 5, 0), ACK);  // back (9.4.6)
  assert_int_equal(r->usbd->state, USBD_DEFAULT);
  assert_int_equal(r->port.address, 0);
  assert_int_equal(request(r, 0, 5, 10), ACK);
  assert_int_equal(request(r, 0, 5, 11), ACK);
  assert_int_equal(r->port.address, 11);
  assert_int_equal(request(r, 0, 9, 1), ACK);
  assert_int_equal(r->usbd->state, USBD_CONFIGURED);
  assert_int_equal(get_configuration(r), 1);
  assert_int_equal(request(r, 0, 9, 0), ACK);
  assert_int_equal(r->usbd->state, USBD_ADDRESSED);
  assert_int_equal(get_configuration(r), 0);
}

// SET_CONFIGURATION begins anew: alternate setting 0 and a class reset (9.4.7).
static void configuring_resets_the_interface(void **state) {
  struct usbd_rig *r = *state;
  uint8_t alternate = 0xEE;
  uint32_t n;
  const struct usb_setup get_interface = {0x81, 10, 0, 0, 1};
  usbd_rig_enter(r, 2, true);
  assert_int_equal(request(r, 1, 11, 1), ACK);
  assert_int_equal(control_read(&r->port, get_interface, &alternate, &n), ACK);
  assert_int_equal(alternate, 1);
  assert_int_equal(request(r, 1, 11, 2), STALL);  // the class has none such
  assert_int_equal(control_read(&r->port, get_interface, &alternate, &n), ACK);
  assert_int_equal(alternate, 1);
  assert_int_equal(r->resets, 0);
  assert_int_equal(request(r, 0, 9, 1), ACK);
  assert_int_equal(r->resets, 1);
  assert_int_equal(control_read(&r->port, get_interface, &alternate, &n), ACK);
  assert_int_equal(alternate, 0);
}

// --- SET_ADDRESS and TEST_MODE wait for their status stage ---

static const struct usb_setup address_7 = {0x00, 5, 7, 0, 0};

static void an_address_counts_after_the_status_stage(void **state) {
  struct usbd_rig *r = *state;
  for (int early = 0; early < 2; early++) {
    r->ops.address_early = early;
    usbd_rig_enter(r, 0, true);
    control_setup(&r->port, address_7);
    assert_int_equal(r->usbd->state, USBD_DEFAULT);
    assert_int_equal(r->port.addresses, early);
    assert_int_equal(r->port.address, early ? 7 : 0);
    assert_int_equal(control_status_in(&r->port), ACK);
    assert_int_equal(r->usbd->state, USBD_ADDRESSED);
    assert_int_equal(r->port.address, 7);
    assert_int_equal(r->port.addresses, 1);
    get_configuration(r);
    assert_int_equal(r->port.addresses, 1);  // once
  }
}

static void an_address_without_status_stage_is_forgotten(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 0, true);
  control_setup(&r->port, address_7);
  get_configuration(r);
  assert_int_equal(r->usbd->state, USBD_DEFAULT);
  assert_int_equal(r->port.addresses, 0);
  assert_int_equal(request(r, 0, 9, 1), STALL);  // not in Default state
  control_setup(&r->port, address_7);
  control_reset(&r->port, true);
  get_configuration(r);
  assert_int_equal(r->port.addresses, 0);
}

static void test_modes_are_of_high_speed_devices(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    uint16_t index, length;
    bool good;
  } cases[] = {
      {0x0000, 0, false}, {0x0100, 0, true},  {0x0200, 0, true},  {0x0300, 0, true},
      {0x0400, 0, true},  {0x0500, 0, true},  {0x0600, 0, false}, {0xC000, 0, false},
      {0x0101, 0, false}, {0x0180, 0, false}, {0x0100, 1, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int k = 0; k < 6; k++) {
      const bool high_speed = k % 2;
      const bool good = cases[i].good && high_speed;
      usbd_rig_enter(r, k / 2, high_speed);
      control_setup(&r->port,
                    usbd_rig_request(0, 3, 2, cases[i].index, cases[i].length));
      assert_int_equal(r->port.test_modes, 0);
      assert_int_equal(control_status_in(&r->port), good ? ACK : STALL);
      assert_int_equal(r->port.test_modes, good);
      if (good) assert_int_equal(r->port.test_mode, cases[i].index >> 8);
    }
  }
}

static void a_test_mode_without_status_stage_is_forgotten(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  const struct usb_setup test_packet = {0x00, 3, 2, 0x0400, 0};
  control_setup(&r->port, test_packet);
  get_configuration(r);
  control_setup(&r->port, test_packet);
  control_reset(&r->port, true);
  get_configuration(r);
  assert_int_equal(r->port.test_modes, 0);
  assert_int_equal(control_write(&r->port, test_packet, NULL), ACK);
  get_configuration(r);
  assert_int_equal(r->port.test_modes, 1);  // once
}

// --- descriptors and vendor requests ---

static void a_descriptor_is_fetched_by_all_its_fields(void **state) {
  struct usbd_rig *r = *state;
  uint8_t got[USBD_RIG_BIG];
  uint32_t n;
  for (int k = 0; k < 6; k++) {
    usbd_rig_enter(r, k / 2, k % 2);
    const struct usb_setup s = {0x80, 6, 0x0305, 0x0409, 255};
    assert_int_equal(control_read(&r->port, s, got, &n), ACK);
    assert_int_equal(n, 5);
    assert_int_equal(r->type, 3);
    assert_int_equal(r->index, 5);
    assert_int_equal(r->language, 0x0409);
    assert_int_equal(r->high_speed, k % 2);
    assert_memory_equal(got, r->pattern, n);
  }
}

static void a_descriptor_request_with_a_wrong_field_is_refused(void **state) {
  struct usbd_rig *r = *state;
  static const struct usb_setup wrong[] = {
      {0x80, 6, 0x0600, 0, 10},  // a type that is not there
      {0x81, 6, 0x0100, 0, 18}, {0x82, 6, 0x0100, 0, 18}, {0x9F, 6, 0x0100, 0, 18},
      {0x00, 6, 0x0100, 0, 0},  {0x00, 6, 0x0100, 0, 18},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    for (int k = 0; k < 6; k++) {
      usbd_rig_enter(r, k / 2, k % 2);
      assert_int_equal(answer_to(r, wrong[i]), REFUSED);
    }
  }
}

// The first 8 bytes are asked for to learn the packet size (Linux: 64, answered with
// 18); none at all is a request without a data stage.
static void a_descriptor_is_cut_to_what_was_asked_for(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    uint16_t asked, given;
  } cases[] = {{0, 0},   {1, 1},   {8, 8},   {17, 17},
               {18, 18}, {19, 18}, {64, 18}, {65535, 18}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t got[USBD_RIG_BIG];
    uint32_t n;
    usbd_rig_enter(r, 0, true);
    const struct usb_setup s = {0x80, 6, 0x0100, 0, cases[i].asked};
    assert_int_equal(control_read(&r->port, s, got, &n), ACK);
    assert_int_equal(n, cases[i].given);
    assert_memory_equal(got, r->pattern, n);
    assert_int_equal(r->usbd->stage, USBD_IDLE);
  }
}

static void vendor_requests_reach_the_descriptors(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    struct usb_setup s;
    bool good;
  } cases[] = {
      {{0xC0, 0x22, 0, 7, 162}, true},  {{0xC0, 0x22, 0, 7, 100}, true},
      {{0xC0, 0x22, 0, 7, 0}, true},    {{0xC0, 0x22, 0, 4, 162}, false},
      {{0xC0, 0x23, 0, 7, 162}, false}, {{0x40, 0x22, 0, 7, 0}, false},
      {{0x40, 0x22, 0, 7, 8}, false},   {{0xC2, 0x22, 0, 7, 162}, false},
      {{0xC3, 0x22, 0, 7, 162}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int k = 0; k < 6; k++) {
      usbd_rig_enter(r, k / 2, k % 2);
      assert_int_equal(answer_to(r, cases[i].s) != REFUSED, cases[i].good);
      assert_int_equal(r->setups, 0);
    }
  }
}

// Class requests, and vendor requests to the interface, want a configured device.
static void the_class_hears_what_is_for_its_interface(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    struct usb_setup s;
    bool heard;
  } cases[] = {
      {{0x21, 4, 0x1234, 0, 0}, true}, {{0xA1, 3, 0, 0, 6}, true},
      {{0x41, 9, 0, 0, 0}, true},      {{0xC1, 9, 0, 0, 6}, true},
      {{0x21, 4, 0, 1, 0}, false},     {{0xA1, 3, 0, 0xFF, 6}, false},
      {{0xA0, 3, 0, 0, 6}, false},     {{0xA2, 3, 0, 0, 6}, false},
  };
  r->reply_length = 6;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int k = 0; k < 6; k++) {
      usbd_rig_enter(r, k / 2, k % 2);
      const bool heard = cases[i].heard && k / 2 == 2;
      assert_int_equal(answer_to(r, cases[i].s) != REFUSED, heard);
      assert_int_equal(r->setups, heard);
      assert_int_equal(r->completions, heard);
      if (heard) assert_memory_equal(&r->last, &cases[i].s, sizeof r->last);
    }
  }
}

static void what_the_class_refuses_is_stalled(void **state) {
  struct usbd_rig *r = *state;
  static const struct usb_setup requests[] = {
      {0x21, 1, 2, 0, 64}, {0x21, 6, 0, 0, 0}, {0xA1, 3, 0, 0, 6}, {0xA1, 3, 0, 0, 0}};
  r->refuse_setup = true;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    usbd_rig_enter(r, 2, true);
    assert_int_equal(answer_to(r, requests[i]), REFUSED);
    assert_int_equal(r->setups, 1);
    assert_int_equal(r->datas + r->completions, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      usbd_rig_test(every_request_in_every_state_at_both_speeds),
      usbd_rig_test(every_request_number_is_answered),
      usbd_rig_test(the_device_walks_through_its_states),
      usbd_rig_test(configuring_resets_the_interface),
      usbd_rig_test(an_address_counts_after_the_status_stage),
      usbd_rig_test(an_address_without_status_stage_is_forgotten),
      usbd_rig_test(test_modes_are_of_high_speed_devices),
      usbd_rig_test(a_test_mode_without_status_stage_is_forgotten),
      usbd_rig_test(a_descriptor_is_fetched_by_all_its_fields),
      usbd_rig_test(a_descriptor_request_with_a_wrong_field_is_refused),
      usbd_rig_test(a_descriptor_is_cut_to_what_was_asked_for),
      usbd_rig_test(vendor_requests_reach_the_descriptors),
      usbd_rig_test(the_class_hears_what_is_for_its_interface),
      usbd_rig_test(what_the_class_refuses_is_stalled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
