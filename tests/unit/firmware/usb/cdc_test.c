// SPDX-License-Identifier: MIT
// The serial port as a class: every request, right and with each field wrong; the
// receive ring against a queue, packet by packet of any length; what is sent, and how a
// transfer ends; sessions, resets and bus resets at any point.
#include "firmware/usb/cdc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fakes/random.h"

enum { QUEUE = 8 * CDC_RX_ROOM };

// The class on the heap, between endpoints that do as they are told and remember it.
struct rig {
  struct cdc *cdc;
  struct usb_port port;
  struct usb_class cls;
  struct serial_line line;
  uint16_t packet;
  // The OUT endpoint.
  bool asked;
  uint8_t *dst;
  uint16_t wanted, got;
  uint16_t untold;  // of what came: several packets may be told at once
  // The IN endpoints, and all that the host has fetched of the data one.
  bool sending, notifying;
  uint8_t sent[512], notification[16];
  uint16_t sent_length, notification_length;
  uint8_t fetched[QUEUE];
  uint32_t fetched_length;
  unsigned packets, short_packets, cancels, notifications;
  // What the host has sent and nobody has taken yet.
  uint8_t queue[QUEUE];
  uint32_t head, tail;
  uint8_t next;
};

static void on_receive(void *ctx, uint8_t address, uint8_t *dst, uint16_t length) {
  struct rig *r = ctx;
  assert_int_equal(address, 0x01);
  assert_false(r->asked);
  assert_true(length > 0 && length % r->packet == 0);
  assert_true(dst >= r->cdc->rx.bytes &&
              dst + length <= r->cdc->rx.bytes + CDC_RX_ROOM);
  r->asked = true;
  r->dst = dst;
  r->wanted = length;
  r->got = 0;
}

static void on_send(void *ctx, uint8_t address, const uint8_t *src, uint16_t length) {
  struct rig *r = ctx;
  if (address == 0x82) {
    assert_false(r->notifying);
    assert_true(length <= sizeof r->notification);
    memcpy(r->notification, src, length);
    r->notification_length = length;
    r->notifying = true;
    r->notifications++;
    return;
  }
  assert_int_equal(address, 0x81);
  assert_false(r->sending);
  assert_true(length <= r->packet);
  memcpy(r->sent, src, length);
  r->sent_length = length;
  r->sending = true;
}

static void on_cancel(void *ctx, uint8_t address) {
  struct rig *r = ctx;
  assert_int_equal(address, 0x81);
  assert_true(r->sending);
  r->sending = false;
  r->cancels++;
}

static const struct usb_endpoint_ops ops = {
    .receive = on_receive, .send = on_send, .cancel = on_cancel};

// --- the host ---

static void event(struct rig *r, struct usb_event e) {
  r->cls.event(r->cls.ctx, &e);
}

// A packet to the OUT endpoint. False: NAK.
static bool host_sends(struct rig *r, uint16_t length, bool tell) {
  if (!r->asked) return false;
  assert_true(r->wanted - r->got >= r->packet);
  for (uint16_t i = 0; i < length; i++) {
    r->queue[r->head++ % QUEUE] = r->next;
    r->dst[r->got++] = r->next++;
  }
  const bool ended = length < r->packet || r->got == r->wanted;
  if (ended) r->asked = false;
  r->untold = (uint16_t)(r->untold + length);
  if (!tell && !ended) return true;
  const struct usb_event e = {.kind = USB_EVENT_RECEIVED,
                              .endpoint = 0x01,
                              .length = r->untold,
                              .ended = ended};
  r->untold = 0;
  event(r, e);
  return true;
}

static bool host_fetches(struct rig *r) {
  if (!r->sending) return false;
  assert_true(r->fetched_length + r->sent_length <= QUEUE);
  memcpy(r->fetched + r->fetched_length, r->sent, r->sent_length);
  r->fetched_length += r->sent_length;
  r->packets++;
  r->short_packets += r->sent_length < r->packet;
  r->sending = false;
  event(r, (struct usb_event){.kind = USB_EVENT_SENT, .endpoint = 0x81});
  return true;
}

static enum usb_answer request(struct rig *r, uint8_t type, uint8_t number,
                               uint16_t value, uint16_t index, uint16_t length,
                               struct usb_reply *reply) {
  const struct usb_setup s = {type, number, value, index, length};
  return r->cls.setup(r->cls.ctx, &s, reply);
}

static void set_dtr(struct rig *r, bool on) {
  struct usb_reply reply;
  assert_int_equal(request(r, 0x21, 0x22, on, 1, 0, &reply), USB_ACCEPT);
}

static void bus_reset(struct rig *r) {
  r->asked = r->sending = r->notifying = false;
  r->cls.reset(r->cls.ctx);
  r->head = r->tail = r->untold = 0;
}

static void configure(struct rig *r, bool high_speed) {
  bus_reset(r);
  r->packet = high_speed ? 512 : 64;
  r->cls.configured(r->cls.ctx, high_speed);
}

// --- the console ---

// Up to `most` bytes, which must be those that the host has sent.
static size_t take(struct rig *r, size_t most) {
  const uint8_t *bytes;
  size_t n = r->line.peek(r->line.ctx, &bytes);
  assert_true(n <= r->head - r->tail);
  if (n > most) n = most;
  for (size_t i = 0; i < n; i++)
    assert_int_equal(bytes[i], r->queue[r->tail++ % QUEUE]);
  if (n) r->line.take(r->line.ctx, n);
  return n;
}

static void put(struct rig *r, size_t n) {
  uint8_t bytes[CDC_TX_ROOM];
  assert_true(n <= r->line.room(r->line.ctx));
  for (size_t i = 0; i < n; i++)
    bytes[i] = r->next++;
  r->line.put(r->line.ctx, bytes, n);
}

static int open_rig(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  r->cdc = malloc(sizeof *r->cdc);
  if (!r->cdc) return -1;
  memset(r->cdc, 0xA5, sizeof *r->cdc);
  r->port = (struct usb_port){.ctx = r, .endpoints = &ops};
  cdc_init(r->cdc, &r->port);
  r->cls = cdc_class(r->cdc);
  r->line = cdc_line(r->cdc);
  *state = r;
  return 0;
}

static int close_rig(void **state) {
  struct rig *r = *state;
  free(r->cdc);
  free(r);
  return 0;
}

// --- requests ---

static const struct {
  uint8_t type, request;
  uint16_t value, index, length;
  bool taken;
} requests[] = {
    {0x21, 0x20, 0, 1, 7, true},  // SET_LINE_CODING
    {0x21, 0x20, 0, 1, 6, false},
    {0x21, 0x20, 0, 1, 8, false},
    {0x21, 0x20, 0, 1, 0, false},
    {0x21, 0x20, 0, 2, 7, false},
    {0x21, 0x20, 0, 0, 7, false},
    {0x21, 0x20, 0, 0x101, 7, false},
    {0x41, 0x20, 0, 1, 7, false},
    {0xA1, 0x20, 0, 1, 7, false},
    {0xA1, 0x21, 0, 1, 7, true},  // GET_LINE_CODING
    {0xA1, 0x21, 0, 1, 3, true},
    {0xA1, 0x21, 0, 2, 7, false},
    {0xC1, 0x21, 0, 1, 7, false},
    {0x21, 0x21, 0, 1, 0, false},
    {0x21, 0x22, 0, 1, 0, true},  // SET_CONTROL_LINE_STATE
    {0x21, 0x22, 3, 1, 0, true},
    {0x21, 0x22, 0xFFFF, 1, 0, true},
    {0x21, 0x22, 3, 1, 1, false},
    {0x21, 0x22, 3, 2, 0, false},
    {0x41, 0x22, 3, 1, 0, false},
    {0xA1, 0x22, 0, 1, 2, false},
    {0x21, 0x23, 0, 1, 0, true},  // SEND_BREAK
    {0x21, 0x23, 0xFFFF, 1, 0, true},
    {0x21, 0x23, 9, 1, 2, false},
    {0x21, 0x23, 9, 2, 0, false},
    {0x21, 0x00, 0, 1, 4, false},  // SEND_ENCAPSULATED_COMMAND and others
    {0xA1, 0x01, 0, 1, 4, false},
    {0x21, 0x02, 1, 1, 2, false},
    {0x21, 0x24, 0, 1, 0, false},
    {0x21, 0x1F, 0, 1, 0, false},
    {0x21, 0x06, 0, 1, 0, false},
    {0xA1, 0x03, 0, 1, 6, false},
};

static void every_request(void **state) {
  struct rig *r = *state;
  configure(r, true);
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    struct usb_reply reply = {.data = NULL};
    const enum usb_answer a =
        request(r, requests[i].type, requests[i].request, requests[i].value,
                requests[i].index, requests[i].length, &reply);
    if ((a == USB_ACCEPT) != requests[i].taken) {
      fail_msg("request %u is answered by %d", (unsigned)i, a);
    }
  }
}

static void the_line_coding(void **state) {
  struct rig *r = *state;
  static const uint8_t first[7] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};
  static const uint8_t others[7] = {0xFF, 0xFF, 0xFF, 0xFF, 2, 4, 16};
  const struct usb_setup set = {0x21, 0x20, 0, 1, 7};
  struct usb_reply reply;
  assert_int_equal(request(r, 0xA1, 0x21, 0, 1, 7, &reply), USB_ACCEPT);
  assert_int_equal(reply.length, 7);
  assert_memory_equal(reply.data, first, 7);
  assert_int_equal(r->cls.data(r->cls.ctx, &set, others), USB_ACCEPT);
  bus_reset(r);
  assert_int_equal(request(r, 0xA1, 0x21, 0, 1, 7, &reply), USB_ACCEPT);
  assert_memory_equal(reply.data, others, 7);
}

static void only_alternate_setting_0(void **state) {
  struct rig *r = *state;
  for (unsigned i = 0; i < 256; i++)
    assert_int_equal(r->cls.set_alternate(r->cls.ctx, (uint8_t)i), i == 0);
}

// --- receiving ---

static void it_asks_for_as_much_as_there_is_room(void **state) {
  struct rig *r = *state;
  assert_false(r->asked);
  for (int high = 0; high < 2; high++) {
    configure(r, high);
    assert_true(r->asked);
    assert_int_equal(r->wanted, 4096);
  }
}

static void a_full_ring_asks_for_nothing(void **state) {
  struct rig *r = *state;
  for (int high = 0; high < 2; high++) {
    configure(r, high);
    set_dtr(r, true);
    unsigned packets = 0;
    while (host_sends(r, r->packet, true))
      packets++;
    assert_int_equal(packets * r->packet, CDC_RX_ROOM);
    const uint8_t *bytes;
    assert_int_equal(r->line.peek(r->line.ctx, &bytes), CDC_RX_ROOM);
    take(r, r->packet - 1u);
    assert_false(r->asked);
    take(r, 1);
    assert_true(r->asked);
    assert_int_equal(r->wanted, r->packet);
    set_dtr(r, false);
  }
}

// Packets of any length, told one by one or together, and taken in pieces of any
// length: the same bytes in the same order, and the end of the ring is met in each way.
static void the_ring_is_a_queue(void **state) {
  struct rig *r = *state;
  struct random random = {12345};
  unsigned naks = 0;
  for (int high = 0; high < 2; high++) {
    configure(r, high);
    set_dtr(r, true);
    for (unsigned i = 0; i < 200000; i++) {
      const uint32_t dice = random_next(&random);
      const unsigned phase = i / 5000 % 4;
      if (dice % 3 < (phase == 0 ? 2u : 1u)) {
        const uint16_t length =
            (uint16_t)(dice & 0x100 ? r->packet : (dice >> 12) % (r->packet + 1u));
        naks += !host_sends(r, length, dice & 0x200);
      } else {
        take(r, (dice >> 10) % (phase == 3 ? 3000u : 300u));
      }
    }
    host_sends(r, 0, true);
    while (take(r, CDC_RX_ROOM)) {
    }
    assert_int_equal(r->head, r->tail);
    assert_true(r->asked);
    set_dtr(r, false);
  }
  assert_true(naks > 1000);
}

// And when a packet has ended what was asked for, the whole ring is free again.
static void a_closed_line_drops_what_comes(void **state) {
  struct rig *r = *state;
  configure(r, true);
  for (unsigned i = 0; i < 100; i++) {
    const uint8_t *bytes;
    assert_true(host_sends(r, i % 3 ? 512 : 100, true));
    assert_int_equal(r->line.peek(r->line.ctx, &bytes), 0);
    if (i % 3 == 0) assert_int_equal(r->wanted, CDC_RX_ROOM);
  }
}

static void a_full_ring_is_free_when_the_session_ends(void **state) {
  struct rig *r = *state;
  configure(r, true);
  set_dtr(r, true);
  while (host_sends(r, 512, true)) {
  }
  set_dtr(r, false);
  assert_true(r->asked);
  assert_int_equal(r->wanted, CDC_RX_ROOM);
}

// A console that looks after a bus reset finds nothing, and may say that it took it.
static void a_bus_reset_leaves_nothing(void **state) {
  struct rig *r = *state;
  const uint8_t *bytes;
  configure(r, true);
  set_dtr(r, true);
  host_sends(r, 100, true);
  put(r, CDC_TX_ROOM);
  put(r, 100);
  bus_reset(r);
  assert_int_equal(r->line.peek(r->line.ctx, &bytes), 0);
  assert_int_equal(r->line.room(r->line.ctx), CDC_TX_ROOM);
  r->line.take(r->line.ctx, 100);
  assert_int_equal(r->line.peek(r->line.ctx, &bytes), 0);
  assert_false(r->asked);
  assert_int_equal(r->cancels, 0);
}

// --- sending ---

static void a_transfer_ends_with_a_packet_that_is_not_full(void **state) {
  struct rig *r = *state;
  for (int high = 0; high < 2; high++) {
    for (size_t n = 1; n <= CDC_TX_ROOM; n++) {
      configure(r, high);
      set_dtr(r, true);
      r->fetched_length = r->packets = r->short_packets = 0;
      r->next = 0;
      put(r, n);
      while (host_fetches(r)) {
      }
      assert_int_equal(r->fetched_length, n);
      for (size_t i = 0; i < n; i++)
        assert_int_equal(r->fetched[i], (uint8_t)i);
      assert_int_equal(r->packets, n / r->packet + 1);
      assert_int_equal(r->short_packets, 1);
      assert_false(host_fetches(r));
      assert_int_equal(r->line.room(r->line.ctx), CDC_TX_ROOM);
    }
  }
}

static void what_is_put_goes_out_in_order(void **state) {
  struct rig *r = *state;
  struct random random = {99};
  for (int high = 0; high < 2; high++) {
    uint8_t next = 7;
    configure(r, high);
    set_dtr(r, true);
    r->next = next;
    r->fetched_length = 0;
    for (unsigned i = 0; i < 20000; i++) {
      const uint32_t dice = random_next(&random);
      const size_t room = r->line.room(r->line.ctx);
      if (dice & 1) put(r, room ? (dice >> 8) % (room + 1) : 0);
      if (dice & 2) host_fetches(r);
      if (!r->sending) assert_true(r->line.room(r->line.ctx) >= SERIAL_LINE_ROOM);
      for (uint32_t k = 0; k < r->fetched_length; k++)
        assert_int_equal(r->fetched[k], next++);
      r->fetched_length = 0;
    }
  }
}

static void put_on_a_closed_line_is_dropped(void **state) {
  struct rig *r = *state;
  for (int configured = 0; configured < 2; configured++) {
    if (configured) configure(r, true);
    for (unsigned i = 0; i < 10; i++)
      put(r, CDC_TX_ROOM);
    assert_false(r->sending);
  }
}

// --- sessions ---

static void dtr_is_the_session(void **state) {
  struct rig *r = *state;
  assert_false(r->line.open(r->line.ctx));
  configure(r, true);
  assert_false(r->line.open(r->line.ctx));
  set_dtr(r, true);
  assert_true(r->line.open(r->line.ctx));
  struct usb_reply reply;
  request(r, 0x21, 0x22, 2, 1, 0, &reply);  // RTS alone
  assert_false(r->line.open(r->line.ctx));
  request(r, 0x21, 0x22, 0xFFFF, 1, 0, &reply);
  assert_true(r->line.open(r->line.ctx));
  r->cls.reset(r->cls.ctx);
  assert_false(r->line.open(r->line.ctx));
}

static void its_beginning_is_told_once(void **state) {
  struct rig *r = *state;
  static const uint8_t bytes[] = {0xA1, 0x20, 0, 0, 1, 0, 2, 0, 3, 0};
  configure(r, true);
  set_dtr(r, true);
  assert_int_equal(r->notifications, 1);
  assert_int_equal(r->notification_length, sizeof bytes);
  assert_memory_equal(r->notification, bytes, sizeof bytes);
  set_dtr(r, true);
  assert_int_equal(r->notifications, 1);
  set_dtr(r, false);
  set_dtr(r, true);  // nobody has fetched the first
  assert_int_equal(r->notifications, 1);
  r->notifying = false;
  event(r, (struct usb_event){.kind = USB_EVENT_SENT, .endpoint = 0x82});
  assert_int_equal(r->notifications, 1);
  set_dtr(r, false);
  assert_int_equal(r->notifications, 1);
  set_dtr(r, true);
  assert_int_equal(r->notifications, 2);
  configure(r, true);
  set_dtr(r, true);
  assert_int_equal(r->notifications, 3);
}

// Behind a full packet that was taken back comes no empty one.
static void a_new_session_owes_nothing(void **state) {
  struct rig *r = *state;
  configure(r, true);
  set_dtr(r, true);
  put(r, 512);
  set_dtr(r, false);
  set_dtr(r, true);
  put(r, 0);
  assert_false(r->sending);
}

static bool is_open(struct rig *r) {
  return r->line.open(r->line.ctx);
}

// The last words of a session are taken first, whatever the next one sends, and between
// the two the line is closed, once.
static void a_session_is_not_the_one_before(void **state) {
  struct rig *r = *state;
  for (uint16_t n = 0; n <= 128; n++) {
    configure(r, true);
    set_dtr(r, true);
    if (n) host_sends(r, n, true);
    set_dtr(r, false);
    assert_int_equal(is_open(r), n != 0);
    set_dtr(r, true);
    host_sends(r, 100, true);
    for (size_t left = n; left; left -= take(r, n % 2 ? 512 : 50))
      assert_true(is_open(r));
    if (n) assert_false(is_open(r));
    assert_true(is_open(r));
    assert_int_equal(take(r, 512), 100);
    assert_true(is_open(r));
    set_dtr(r, false);
    assert_false(is_open(r));
  }
}

// DTR again, without a change, keeps everything.
static void a_session_goes_on_while_dtr_stays(void **state) {
  struct rig *r = *state;
  configure(r, true);
  set_dtr(r, true);
  host_sends(r, 100, true);
  put(r, 100);
  set_dtr(r, true);
  assert_int_equal(take(r, 200), 100);
  assert_true(host_fetches(r));
  assert_int_equal(r->fetched_length, 100);
  assert_int_equal(r->cancels, 0);
}

// At any moment of the traffic: DTR off and on, SET_CONFIGURATION, a bus reset. Nothing
// of what was before is there after it, and all that comes then is.
static void it_begins_anew_at_any_time(void **state) {
  struct rig *r = *state;
  struct random random = {4242};
  configure(r, true);
  set_dtr(r, true);
  for (unsigned i = 0; i < 100000; i++) {
    const uint32_t dice = random_next(&random);
    const uint16_t length = (uint16_t)((dice >> 8) % (r->packet + 1u));
    const size_t room = r->line.room(r->line.ctx);
    switch (dice % 64) {
      case 0:
        host_sends(r, 0, true);
        set_dtr(r, false);
        r->tail = r->head;
        assert_false(r->sending);
        host_sends(r, length, true);
        r->tail = r->head;
        set_dtr(r, true);
        break;
      case 1:
        host_sends(r, 0, true);
        configure(r, dice & 0x80);
        set_dtr(r, true);
        assert_false(r->sending);
        break;
      default:
        if (dice & 0x40) host_sends(r, dice & 0x80 ? r->packet : length, dice & 0x100);
        if (dice & 0x200) take(r, length);
        if (dice & 0x400) put(r, room < length ? room : length);
        if (dice & 0x800) host_fetches(r);
        r->fetched_length = 0;
    }
  }
}

#define cdc_test(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void) {
  const struct CMUnitTest tests[] = {
      cdc_test(every_request),
      cdc_test(the_line_coding),
      cdc_test(only_alternate_setting_0),
      cdc_test(it_asks_for_as_much_as_there_is_room),
      cdc_test(a_full_ring_asks_for_nothing),
      cdc_test(the_ring_is_a_queue),
      cdc_test(a_closed_line_drops_what_comes),
      cdc_test(a_full_ring_is_free_when_the_session_ends),
      cdc_test(a_bus_reset_leaves_nothing),
      cdc_test(a_new_session_owes_nothing),
      cdc_test(a_transfer_ends_with_a_packet_that_is_not_full),
      cdc_test(what_is_put_goes_out_in_order),
      cdc_test(put_on_a_closed_line_is_dropped),
      cdc_test(dtr_is_the_session),
      cdc_test(its_beginning_is_told_once),
      cdc_test(a_session_is_not_the_one_before),
      cdc_test(a_session_goes_on_while_dtr_stays),
      cdc_test(it_begins_anew_at_any_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
