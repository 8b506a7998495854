// SPDX-License-Identifier: MIT
// The stages of control transfers (USB 2.0 8.5.3): data of every length both ways,
// hosts that end early or send what nobody announced, and a SETUP, a bus reset or a
// suspend in the middle of each stage.
#include "firmware/usb/usbd.h"

#include "tests/unit/firmware/usb/usbd_rig.h"

static const uint16_t lengths[] = {0,   1,   2,   63,  64,   65,   127,
                                   128, 129, 191, 192, 4032, 4095, 4096};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static struct usb_setup out_of(uint16_t length) {
  return (struct usb_setup){0x21, 1, 2, 0, length};
}

static struct usb_setup in_of(uint16_t length) {
  return (struct usb_setup){0xA1, 2, 2, 0, length};
}

// After whatever happened, a plain request works.
static void expect_alive(struct usbd_rig *r) {
  uint8_t configuration = 0xEE;
  uint32_t n;
  const struct usb_setup s = {0x80, 8, 0, 0, 1};
  assert_int_equal(control_read(&r->port, s, &configuration, &n), ACK);
  assert_int_equal(configuration, r->usbd->configuration);
}

// --- data of every length ---

static void data_to_the_device_arrive_whole(void **state) {
  struct usbd_rig *r = *state;
  for (int i = 0; i < LENGTHS; i++) {
    usbd_rig_enter(r, 2, i % 2);
    memset(r->data, 0, sizeof r->data);
    assert_int_equal(control_write(&r->port, out_of(lengths[i]), r->pattern), ACK);
    assert_int_equal(r->setups, 1);
    assert_int_equal(r->datas, lengths[i] > 0);
    assert_int_equal(r->completions, 1);
    assert_memory_equal(r->data, r->pattern, lengths[i]);
  }
}

// Each length of a reply against each length asked for: control_read accepts no byte
// too many and wants a short packet, empty if need be, after fewer.
static void data_from_the_device_arrive_whole(void **state) {
  struct usbd_rig *r = *state;
  static const uint16_t more[] = {4097, 8192, 65535};
  for (int i = 0; i < LENGTHS; i++) {
    for (int k = 0; k < LENGTHS + 3; k++) {
      const uint16_t asked = k < LENGTHS ? lengths[k] : more[k - LENGTHS];
      const uint16_t given = lengths[i] < asked ? lengths[i] : asked;
      uint8_t got[USBD_RIG_BIG];
      uint32_t n;
      usbd_rig_enter(r, 2, k % 2);
      r->reply_length = lengths[i];
      assert_int_equal(control_read(&r->port, in_of(asked), got, &n), ACK);
      assert_int_equal(n, given);
      assert_memory_equal(got, r->pattern, n);
      assert_int_equal(r->setups, 1);
      assert_int_equal(r->completions, 1);
    }
  }
}

static unsigned packets_of_reply(struct usbd_rig *r, uint16_t given, uint16_t asked) {
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  unsigned packets = 0;
  usbd_rig_enter(r, 2, true);
  r->reply_length = given;
  control_setup(&r->port, in_of(asked));
  while (control_in(&r->port, packet, &n) == ACK) {
    control_poll(&r->port);
    packets++;
  }
  assert_int_equal(control_status_out(&r->port), ACK);
  return packets;
}

static void an_empty_packet_ends_only_a_short_reply_of_full_packets(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    uint16_t given, asked;
    unsigned packets;
  } cases[] = {
      {0, 64, 1},   {1, 64, 1},    {63, 64, 1},      {64, 64, 1},      {64, 65, 2},
      {65, 65, 2},  {64, 128, 2},  {127, 128, 2},    {128, 128, 2},    {128, 129, 3},
      {128, 65, 2}, {4096, 64, 1}, {4096, 4096, 64}, {4096, 4097, 65}, {4095, 4096, 64},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(packets_of_reply(r, cases[i].given, cases[i].asked),
                     cases[i].packets);
  }
}

// Each packet is taken from where the bytes are by then, which is garbage when they
// have moved on; the reply behind it is its own.
static void a_reply_may_move_on_its_way(void **state) {
  struct usbd_rig *r = *state;
  uint8_t places[4][256], packet[CONTROL_PACKET];
  uint16_t n;
  for (size_t i = 0; i < sizeof places; i++)
    places[i / 256][i % 256] = (uint8_t)(i % 256);
  usbd_rig_enter(r, 2, true);
  r->reply_length = 250;
  r->place = places[0];
  control_setup(&r->port, in_of(256));
  for (unsigned i = 0; i < 4; i++) {
    const uint16_t expected = i < 3 ? 64 : 250 - 3 * 64;
    if (i < 3) {
      memset(places[i], 0xEE, sizeof places[i]);
      r->place = places[i + 1];
    }
    assert_int_equal(control_in(&r->port, packet, &n), ACK);
    assert_int_equal(n, expected);
    assert_memory_equal(packet, places[3] + 64 * i, n);
    control_poll(&r->port);
  }
  assert_int_equal(control_status_out(&r->port), ACK);
  expect_alive(r);
}

// wLength is never trusted: the class hears of what does not fit, and whatever it
// answers, no byte is taken.
static void more_than_the_buffer_holds_is_refused(void **state) {
  struct usbd_rig *r = *state;
  static const uint16_t too_long[] = {4097, 4160, 8192, 32768, 65535};
  for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++) {
    usbd_rig_enter(r, 2, true);
    control_setup(&r->port, out_of(too_long[i]));
    assert_int_equal(control_out(&r->port, r->pattern, 64), STALL);
    assert_int_equal(control_status_in(&r->port), STALL);
    assert_int_equal(r->setups, 1);
    assert_int_equal(r->last.wLength, too_long[i]);
    assert_int_equal(r->datas + r->completions, 0);
    expect_alive(r);
  }
}

// --- hosts that break their word ---

// Sends the packets of a transfer of `length` bytes up to number `wrong`, which has
// `n` bytes instead.
static enum handshake send_wrong(struct usbd_rig *r, uint16_t length, unsigned wrong,
                                 uint16_t n) {
  usbd_rig_enter(r, 2, true);
  control_setup(&r->port, out_of(length));
  for (unsigned i = 0; i < wrong; i++) {
    assert_int_equal(control_out(&r->port, r->pattern, CONTROL_PACKET), ACK);
    control_poll(&r->port);
  }
  assert_int_equal(control_out(&r->port, r->pattern, n), ACK);
  control_poll(&r->port);
  return control_status_in(&r->port);
}

static void a_packet_of_another_length_than_announced_is_refused(void **state) {
  struct usbd_rig *r = *state;
  static const struct {
    uint16_t length;
    unsigned packet;
    uint16_t sent;
  } cases[] = {
      {1, 0, 0},      {1, 0, 2},      {1, 0, 64},     {63, 0, 62},    {63, 0, 64},
      {64, 0, 63},    {64, 0, 0},     {65, 0, 63},    {65, 1, 0},     {65, 1, 2},
      {65, 1, 64},    {128, 1, 63},   {128, 1, 0},    {4096, 63, 63}, {4096, 31, 1},
      {4095, 63, 64}, {4033, 63, 64}, {4095, 63, 62},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(send_wrong(r, cases[i].length, cases[i].packet, cases[i].sent),
                     STALL);
    assert_int_equal(r->datas + r->completions, 0);
    expect_alive(r);
  }
}

// More OUT packets than announced find nobody who wants them.
static void data_after_the_last_packet_change_nothing(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  control_setup(&r->port, out_of(64));
  assert_int_equal(control_out(&r->port, r->pattern, 64), ACK);
  control_poll(&r->port);
  uint8_t before[USBD_BUFFER];
  memcpy(before, r->usbd->buffer, sizeof before);
  memset(r->pattern, 0x99, 64);
  control_out(&r->port, r->pattern, 64);
  control_poll(&r->port);
  assert_int_equal(r->datas, 1);
  assert_memory_equal(before, r->usbd->buffer, sizeof before);
  assert_int_equal(control_status_in(&r->port), ACK);
  assert_int_equal(r->completions, 1);
}

static void a_host_may_take_less_than_it_asked_for(void **state) {
  struct usbd_rig *r = *state;
  for (unsigned taken = 0; taken <= 4; taken++) {
    usbd_rig_enter(r, 2, true);
    r->reply_length = 256;
    control_setup(&r->port, in_of(256));
    for (unsigned i = 0; i < taken; i++) {
      uint8_t packet[CONTROL_PACKET];
      uint16_t n;
      assert_int_equal(control_in(&r->port, packet, &n), ACK);
      control_poll(&r->port);
    }
    assert_int_equal(control_status_out(&r->port), ACK);
    assert_int_equal(r->completions, 1);
    assert_int_equal(r->usbd->stage, USBD_IDLE);
    expect_alive(r);
  }
}

// A status packet with bytes is refused, and none of them reach the buffer, where a
// block may wait to be written.
static void a_status_packet_with_bytes_is_refused(void **state) {
  struct usbd_rig *r = *state;
  for (int after_data = 0; after_data < 2; after_data++) {
    usbd_rig_enter(r, 2, true);
    assert_int_equal(control_write(&r->port, out_of(4096), r->pattern), ACK);
    uint8_t block[USBD_BUFFER], packet[CONTROL_PACKET];
    uint16_t n;
    memcpy(block, r->usbd->buffer, sizeof block);
    r->reply_length = 6;
    control_setup(&r->port, in_of(6));
    if (after_data) {
      assert_int_equal(control_in(&r->port, packet, &n), ACK);
      control_poll(&r->port);
    }
    assert_int_equal(control_out(&r->port, r->pattern + 7, 64), ACK);
    control_poll(&r->port);
    assert_int_equal(control_status_out(&r->port), STALL);
    assert_int_equal(r->completions, 1);  // of the block only
    assert_memory_equal(r->usbd->buffer, block, sizeof block);
    expect_alive(r);
  }
}

static void data_that_the_class_refuses_stall_the_status_stage(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  r->refuse_data = true;
  assert_int_equal(control_write(&r->port, out_of(65), r->pattern), STALL);
  assert_int_equal(r->datas, 1);
  assert_int_equal(r->completions, 0);
  expect_alive(r);
}

static void a_class_need_not_care_for_completion(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  r->cls.completed = NULL;
  assert_int_equal(control_write(&r->port, out_of(0), NULL), ACK);
  assert_int_equal(r->setups, 1);
}

// Packets that no stage has asked for.
static void stray_packets_are_ignored(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  for (int stage = USBD_IDLE; stage <= USBD_STATUS_OUT; stage++) {
    static const enum usb_event_kind strays[] = {
        USB_EVENT_NONE, USB_EVENT_IN, USB_EVENT_OUT, (enum usb_event_kind)99};
    for (int i = 0; i < 4; i++) {
      const bool wanted =
          (i == 1 && (stage == USBD_DATA_IN || stage == USBD_STATUS_IN)) ||
          (i == 2 && (stage == USBD_DATA_IN || stage == USBD_DATA_OUT ||
                      stage == USBD_STATUS_OUT));
      if (wanted) continue;
      r->usbd->stage = (enum usbd_stage)stage;
      control_event(&r->port, (struct usb_event){.kind = strays[i], .length = 3});
      assert_true(usbd_poll(r->usbd));
      assert_int_equal(r->usbd->stage, stage);
      assert_false(r->port.stalled);
    }
  }
  assert_int_equal(r->completions, 0);
  assert_false(usbd_poll(r->usbd));
}

// --- interruptions ---

// Where a transfer stands when it is interrupted.
enum place {
  BEFORE_ALL,
  IN_FIRST,   // the first packet of a reply waits
  IN_MIDDLE,  // one was taken
  IN_DONE,    // all were: the host's status packet is due
  OUT_FIRST,  // no data packet was sent
  OUT_MIDDLE,
  OUT_DONE,  // ours is due
  REFUSED,
  PLACES,
};

static void go_to(struct usbd_rig *r, enum place place) {
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  r->reply_length = place == IN_DONE ? 6 : 200;
  r->refuse_setup = place == REFUSED;
  if (place == BEFORE_ALL) return;
  const bool in = place <= IN_DONE;
  control_setup(&r->port, in ? in_of(r->reply_length) : out_of(128));
  if (place == IN_MIDDLE || place == IN_DONE) {
    assert_int_equal(control_in(&r->port, packet, &n), ACK);
    control_poll(&r->port);
  }
  const int packets = place == OUT_MIDDLE ? 1 : place == OUT_DONE ? 2 : 0;
  for (int i = 0; i < packets; i++) {
    assert_int_equal(control_out(&r->port, r->pattern + 64 * i, 64), ACK);
    control_poll(&r->port);
  }
  r->refuse_setup = false;
}

// The rest of what go_to began.
static void go_on(struct usbd_rig *r, enum place place) {
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  while (place <= IN_MIDDLE && control_in(&r->port, packet, &n) == ACK)
    control_poll(&r->port);
  for (int i = place == OUT_MIDDLE; i < 2 && place <= OUT_MIDDLE && place >= OUT_FIRST;
       i++) {
    assert_int_equal(control_out(&r->port, r->pattern + 64 * i, 64), ACK);
    control_poll(&r->port);
  }
  const enum handshake h =
      place <= IN_DONE ? control_status_out(&r->port) : control_status_in(&r->port);
  assert_int_equal(h, place == REFUSED ? STALL : ACK);
}

static void a_setup_ends_what_was_going_on(void **state) {
  struct usbd_rig *r = *state;
  for (int place = 0; place < PLACES; place++) {
    uint8_t got[CONTROL_PACKET];
    uint32_t n;
    usbd_rig_enter(r, 2, true);
    go_to(r, (enum place)place);
    expect_alive(r);
    assert_int_equal(r->completions, 0);
    go_to(r, (enum place)place);
    r->reply_length = 40;
    assert_int_equal(control_read(&r->port, in_of(64), got, &n), ACK);
    assert_int_equal(n, 40);
    assert_int_equal(r->completions, 1);
    go_to(r, (enum place)place);
    memset(r->data, 0, sizeof r->data);
    assert_int_equal(control_write(&r->port, out_of(1000), r->pattern), ACK);
    assert_memory_equal(r->data, r->pattern, 1000);
    assert_int_equal(r->completions, 2);
  }
}

static void a_bus_reset_ends_everything(void **state) {
  struct usbd_rig *r = *state;
  for (int place = 0; place < PLACES; place++) {
    usbd_rig_enter(r, 2, true);
    go_to(r, (enum place)place);
    control_reset(&r->port, place % 2);
    assert_int_equal(r->resets, 1);
    assert_int_equal(r->usbd->state, USBD_DEFAULT);
    assert_int_equal(r->usbd->configuration, 0);
    assert_int_equal(r->usbd->high_speed, place % 2);
    assert_false(r->port.in_armed);
    control_status_in(&r->port);
    control_status_out(&r->port);
    assert_int_equal(r->completions, 0);
    expect_alive(r);
    assert_int_equal(control_write(&r->port, out_of(0), NULL), STALL);
  }
}

static void a_suspend_changes_nothing(void **state) {
  struct usbd_rig *r = *state;
  for (int place = IN_FIRST; place < PLACES; place++) {
    usbd_rig_enter(r, 2, true);
    memset(r->data, 0, sizeof r->data);
    go_to(r, (enum place)place);
    control_event(&r->port, (struct usb_event){.kind = USB_EVENT_SUSPEND});
    control_poll(&r->port);
    assert_true(r->usbd->suspended);
    control_event(&r->port, (struct usb_event){.kind = USB_EVENT_RESUME});
    control_poll(&r->port);
    assert_false(r->usbd->suspended);
    go_on(r, (enum place)place);
    assert_int_equal(r->usbd->state, USBD_CONFIGURED);
    assert_int_equal(r->completions, place != REFUSED);
    if (place >= OUT_FIRST && place <= OUT_DONE) {
      assert_memory_equal(r->data, r->pattern, 128);
    }
  }
}

static void a_bus_reset_ends_a_suspend(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  control_event(&r->port, (struct usb_event){.kind = USB_EVENT_SUSPEND});
  control_reset(&r->port, true);
  assert_false(r->usbd->suspended);
}

// Several things may have happened since the last look.
static void events_are_handled_in_their_order(void **state) {
  struct usbd_rig *r = *state;
  usbd_rig_enter(r, 2, true);
  control_event(&r->port, (struct usb_event){.kind = USB_EVENT_SUSPEND});
  control_event(&r->port, (struct usb_event){.kind = USB_EVENT_RESUME});
  control_event(&r->port, (struct usb_event){.kind = USB_EVENT_SETUP,
                                             .setup = {0x21, 4, 0, 0, 0, 0, 0, 0}});
  assert_true(usbd_poll(r->usbd));
  assert_false(usbd_poll(r->usbd));
  assert_false(r->usbd->suspended);
  assert_int_equal(control_status_in(&r->port), ACK);
  assert_int_equal(r->completions, 1);
}

// --- a class that cannot tell yet ---

// The host gets NAK until it can; each poll asks once.
static void a_reply_may_come_later(void **state) {
  struct usbd_rig *r = *state;
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  usbd_rig_enter(r, 2, true);
  r->reply_length = 6;
  r->later = 3;
  control_setup(&r->port, in_of(6));
  assert_true(r->setups >= 1 && r->later > 0);
  while (r->later) {
    assert_int_equal(control_in(&r->port, packet, &n), NAK);
    const unsigned asked = r->setups;
    usbd_poll(r->usbd);
    assert_int_equal(r->setups, asked + 1);
  }
  assert_true(usbd_poll(r->usbd));
  assert_int_equal(control_in(&r->port, packet, &n), ACK);
  assert_int_equal(n, 6);
  assert_memory_equal(packet, r->pattern, 6);
  const unsigned asked = r->setups;
  usbd_poll(r->usbd);
  assert_int_equal(r->setups, asked);
  assert_int_equal(control_status_out(&r->port), ACK);
  assert_int_equal(r->completions, 1);
}

static void what_comes_later_may_be_a_refusal(void **state) {
  struct usbd_rig *r = *state;
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  usbd_rig_enter(r, 2, true);
  r->later = 2;
  r->refuse_setup = true;
  control_setup(&r->port, in_of(6));
  while (r->later)
    usbd_poll(r->usbd);
  usbd_poll(r->usbd);
  assert_int_equal(control_in(&r->port, packet, &n), STALL);
}

// The class is not asked again for a host that has gone on.
static void a_new_request_or_a_reset_ends_the_wait(void **state) {
  struct usbd_rig *r = *state;
  for (int how = 0; how < 2; how++) {
    usbd_rig_enter(r, 2, true);
    r->reply_length = 6;
    r->later = 1000;
    control_setup(&r->port, in_of(6));
    if (how == 0) control_reset(&r->port, true);
    if (how == 1) control_setup(&r->port, (struct usb_setup){0x80, 6, 0x0100, 0, 18});
    const unsigned asked = r->setups;
    for (int i = 0; i < 5; i++)
      usbd_poll(r->usbd);
    assert_int_equal(r->setups, asked);
    r->later = 0;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      usbd_rig_test(data_to_the_device_arrive_whole),
      usbd_rig_test(data_from_the_device_arrive_whole),
      usbd_rig_test(an_empty_packet_ends_only_a_short_reply_of_full_packets),
      usbd_rig_test(a_reply_may_move_on_its_way),
      usbd_rig_test(more_than_the_buffer_holds_is_refused),
      usbd_rig_test(a_packet_of_another_length_than_announced_is_refused),
      usbd_rig_test(data_after_the_last_packet_change_nothing),
      usbd_rig_test(a_host_may_take_less_than_it_asked_for),
      usbd_rig_test(a_status_packet_with_bytes_is_refused),
      usbd_rig_test(data_that_the_class_refuses_stall_the_status_stage),
      usbd_rig_test(a_class_need_not_care_for_completion),
      usbd_rig_test(stray_packets_are_ignored),
      usbd_rig_test(a_setup_ends_what_was_going_on),
      usbd_rig_test(a_bus_reset_ends_everything),
      usbd_rig_test(a_suspend_changes_nothing),
      usbd_rig_test(a_bus_reset_ends_a_suspend),
      usbd_rig_test(events_are_handled_in_their_order),
      usbd_rig_test(a_reply_may_come_later),
      usbd_rig_test(what_comes_later_may_be_a_refusal),
      usbd_rig_test(a_new_request_or_a_reset_ends_the_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
