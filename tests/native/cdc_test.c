// SPDX-License-Identifier: MIT
// The serial port over the controller driver and the simulator's OTG cores: streams of
// every length both ways, with control transfers between the packets, errors on the
// wire, a bus reset at each transaction, and a consumer that is slower than the host.
#include "firmware/usb/cdc.h"

#include <errno.h>
#include <string.h>

#include "firmware/drivers/dwc2.h"
#include "tests/native/cable.h"
#include "tests/native/mmio_bus.h"

static const struct cable_setup setups[] = {
    {"ULPI, high-speed host", true, true},
    {"ULPI, full-speed host", true, false},
    {"internal PHY", false, true},
};

enum { HIGH_SPEED, FULL_BY_HOST, FULL, SETUPS };

enum {
  STORE = 1,  // OUT: keeps the data
  FETCH = 2,  // IN: wValue bytes of a pattern
  REFUSE = 3,
  BIG = 64 * 1024,
  WRITE = 0,  // streams
  READ = 1,
};

struct bench {
  struct cable *cable;
  struct dwc2 dwc2;
  struct usb_port port;
  struct usb_class other, serial;
  struct usb_descriptors descriptors;
  struct usbd usbd;
  struct cdc cdc;
  struct serial_line line;
  uint16_t packet;
  uint8_t stored[USBD_BUFFER], pattern[BIG];
  // What was taken from the line, a piece each time the loop goes round.
  uint8_t taken[2 * BIG];
  uint32_t taken_length, pieces, piece;
  vtime_t lazy;  // that the loop is late
};

static enum usb_answer on_setup(void *ctx, const struct usb_setup *s,
                                struct usb_reply *reply) {
  struct bench *b = ctx;
  if (s->bRequest == REFUSE) return USB_STALL;
  if (s->bRequest == FETCH)
    *reply = (struct usb_reply){.data = b->pattern, .length = s->wValue};
  return USB_ACCEPT;
}

static enum usb_answer on_data(void *ctx, const struct usb_setup *s,
                               const uint8_t *data) {
  struct bench *b = ctx;
  memcpy(b->stored, data, s->wLength);
  return USB_ACCEPT;
}

static bool on_set_alternate(void *ctx, uint8_t alternate) {
  (void)ctx;
  return alternate == 0;
}

static void on_reset(void *ctx) {
  (void)ctx;
}

static const uint8_t *get_descriptor(void *ctx, uint8_t type, uint8_t index,
                                     uint16_t language, bool high_speed,
                                     uint16_t *length) {
  static const uint8_t device[18] = {18, 1, 0, 2, 0, 0, 0, 64};
  (void)ctx, (void)index, (void)language, (void)high_speed;
  *length = sizeof device;
  return type == 1 ? device : NULL;
}

// Pieces of 1, 2, ... `piece` bytes; 0: nobody takes anything.
static void consume(struct bench *b) {
  const uint8_t *bytes;
  size_t n = b->line.peek(b->line.ctx, &bytes);
  const size_t most = b->piece ? 1 + b->pieces++ % b->piece : 0;
  if (n > most) n = most;
  if (n == 0) return;
  assert_true(b->taken_length + n <= sizeof b->taken);
  memcpy(b->taken + b->taken_length, bytes, n);
  b->taken_length += (uint32_t)n;
  b->line.take(b->line.ctx, n);
}

static void poll(void *ctx) {
  struct bench *b = ctx;
  struct event_queue *events = &b->cable->sim.events;
  if (b->lazy) event_run(events, events->now + b->lazy);
  usbd_poll(&b->usbd);
  consume(b);
}

// --- bench ---------------------------------------------------------------------

static int control(struct bench *b, uint8_t type, uint8_t request, uint16_t value,
                   uint16_t index, uint16_t length, void *data) {
  return cable_control(b->cable, type, request, value, index, length, data);
}

static void set_dtr(struct bench *b, bool on) {
  assert_int_equal(control(b, 0x21, 0x22, on, 1, 0, NULL), 0);
}

static void configure(struct bench *b) {
  assert_int_equal(cable_reset(b->cable), 0);
  assert_int_equal(control(b, 0x00, 5, 9, 0, 0, NULL), 0);
  cable_pass(b->cable, VT_MS(2));
  assert_int_equal(control(b, 0x00, 9, 1, 0, 0, NULL), 0);
  set_dtr(b, true);
  b->taken_length = 0;
}

static void start(struct bench *b, const struct cable_setup *setup) {
  const struct dwc2_config config = {
      .base = setup->ulpi ? CABLE_OTG_HS : CABLE_OTG_FS,
      .phy = setup->ulpi ? DWC2_PHY_ULPI_HS : DWC2_PHY_INTERNAL_FS,
      .vbus_sensed = true,
      .now_us = mmio_now_us,
  };
  assert_int_equal(dwc2_start(&b->dwc2, &config), ST_OK);
  b->port = dwc2_port(&b->dwc2);
  b->other = (struct usb_class){.ctx = b,
                                .setup = on_setup,
                                .data = on_data,
                                .set_alternate = on_set_alternate,
                                .reset = on_reset};
  b->descriptors = (struct usb_descriptors){.get = get_descriptor};
  usbd_init(&b->usbd, &b->port, &b->other, &b->descriptors);
  cdc_init(&b->cdc, &b->port);
  b->serial = cdc_class(&b->cdc);
  b->line = cdc_line(&b->cdc);
  usbd_add(&b->usbd, &b->serial, CDC_INTERFACES, cdc_endpoints, CDC_ENDPOINTS);
}

static void open_bench(struct bench *b, const struct cable_setup *setup) {
  memset(b, 0, sizeof *b);
  b->cable = cable_open(setup);
  b->packet = setup->ulpi && setup->host_high_speed ? 512 : 64;
  b->piece = 700;
  for (uint32_t i = 0; i < BIG; i++)
    b->pattern[i] = (uint8_t)(i * 5 + (i >> 6) + (i >> 14));
  start(b, setup);
  b->cable->poll = poll;
  b->cable->ctx = b;
  b->port.connect(b->port.ctx, true);
  assert_true(cable_attached(b->cable));
  configure(b);
}

static void close_bench(struct bench *b) {
  for (unsigned i = 0; i < CABLE_STREAMS; i++)
    cable_take_back(b->cable, i);
  cable_expect_quiet(b->cable);
  cable_close(b->cable);
}

// The loop goes round although no interrupt is up: for a consumer.
static void pass(struct bench *b, vtime_t duration) {
  const vtime_t end = b->cable->sim.events.now + duration;
  while (b->cable->sim.events.now < end) {
    cable_pass(b->cable, VT_US(2));
    consume(b);
  }
}

static void begin_write(struct bench *b, uint32_t length) {
  b->taken_length = 0;
  cable_begin(b->cable, WRITE, CDC_DATA_OUT, b->packet, b->pattern, length);
}

static void end_write(struct bench *b, uint32_t length) {
  for (unsigned i = 0; b->taken_length < length && i < 20000; i++)
    pass(b, VT_US(10));
  pass(b, VT_US(10));  // the last handshake
  assert_false(cable_running(b->cable, WRITE));
  assert_int_equal(cable_moved(b->cable, WRITE), length);
  assert_int_equal(b->taken_length, length);
  assert_memory_equal(b->taken, b->pattern, length);
}

// Puts what there is room for, and the rest later, until a host that reads more each
// time than there is has all of it: its reads end only with a packet that is not full.
static void expect_put(struct bench *b, uint32_t length) {
  static uint8_t got[BIG];
  uint32_t put = 0, moved = 0;
  cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
  for (unsigned i = 0; moved < length && i < 20000; i++) {
    size_t n = b->line.room(b->line.ctx);
    if (n > length - put) n = length - put;
    b->line.put(b->line.ctx, b->pattern + put, n);
    put += (uint32_t)n;
    pass(b, VT_US(10));
    if (cable_running(b->cable, READ)) continue;
    moved += (uint32_t)cable_moved(b->cable, READ);
    assert_true(moved <= length);
    cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got + moved,
                (uint32_t)sizeof got - moved);
  }
  assert_int_equal(moved, length);
  assert_memory_equal(got, b->pattern, length);
  pass(b, VT_US(200));
  assert_true(cable_running(b->cable, READ));
  assert_int_equal(cable_moved(b->cable, READ), 0);
  cable_take_back(b->cable, READ);
}

static void expect_works(struct bench *b) {
  begin_write(b, 1500);
  end_write(b, 1500);
  expect_put(b, 300);
}

static struct bench bench;

// --- bytes -----------------------------------------------------------------------

static const uint32_t lengths[] = {1,    2,    3,    63,   64,   65,
                                   128,  511,  512,  513,  1024, 1029,
                                   4095, 4096, 4097, 5000, 8192, 40000};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void what_the_host_writes_arrives_whole(void **state) {
  static const uint32_t pieces[] = {1, 7, 700, 5000};
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (unsigned p = 0; p < sizeof pieces / sizeof *pieces; p++) {
      b->piece = pieces[p];
      for (unsigned k = 0; k < LENGTHS; k++) {
        if (lengths[k] > 3000 * pieces[p]) continue;
        begin_write(b, lengths[k]);
        end_write(b, lengths[k]);
      }
    }
    close_bench(b);
  }
}

// Each length that fits in the room at once ends the host's read: behind a full packet
// comes an empty one.
static void what_is_put_arrives_whole(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (unsigned k = 0; k < LENGTHS; k++) {
      if (lengths[k] <= CDC_TX_ROOM) expect_put(b, lengths[k]);
    }
    for (uint32_t n = 60; n < 70; n++)
      expect_put(b, n);
    close_bench(b);
  }
}

// A consumer that stops: the host has written what the ring and no more holds, and
// nothing of the rest is lost.
static void a_full_ring_makes_the_host_wait(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    b->piece = 0;
    begin_write(b, 40000);
    pass(b, VT_MS(50));
    assert_true(cable_running(b->cable, WRITE));
    assert_int_equal(cable_moved(b->cable, WRITE), CDC_RX_ROOM);
    b->piece = 333;
    end_write(b, 40000);
    close_bench(b);
  }
}

static void both_ways_at_once(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    begin_write(b, 40000);
    for (unsigned k = 0; k < 40; k++)
      expect_put(b, 1 + k * 11);
    end_write(b, 40000);
    close_bench(b);
  }
}

// --- beside control transfers -------------------------------------------------------

// Each stage of endpoint 0 finds packets of the stream before its own in the FIFO, or
// has them come while it looks.
static void control_transfers_go_on_beside_a_stream(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    b->piece = 5000;
    for (uint16_t n = 1; n < 600; n = (uint16_t)(n + 7)) {
      static uint8_t got[1024];
      b->lazy = VT_NS(230) * (n % 64);
      begin_write(b, 30000);
      while (cable_running(b->cable, WRITE)) {
        memset(b->stored, 0, sizeof b->stored);
        assert_int_equal(control(b, 0x21, STORE, 0, 0, n, b->pattern), n);
        assert_memory_equal(b->stored, b->pattern, n);
        assert_int_equal(control(b, 0xA1, FETCH, n, 0, 1000, got), n);
        assert_memory_equal(got, b->pattern, n);
        assert_int_equal(control(b, 0x21, STORE, 0, 0, 0, NULL), 0);
        assert_int_equal(control(b, 0x21, REFUSE, 0, 0, n, b->pattern), -EPIPE);
      }
      end_write(b, 30000);
    }
    close_bench(b);
  }
}

static void errors_on_the_wire_lose_nothing(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (int fault = CABLE_DROP_TOKEN; fault < CABLE_FAULTS; fault++) {
      for (uint64_t at = 1; at < 60; at++) {
        cable_arm(b->cable, (enum cable_fault)fault, at);
        begin_write(b, 2500);
        expect_put(b, 200);
        end_write(b, 2500);
      }
    }
    close_bench(b);
  }
}

// --- hosts that come and go --------------------------------------------------------

static void after_a_bus_reset_it_begins_anew(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    static uint8_t got[1024];
    unsigned resets = 0;
    open_bench(b, &setups[i]);
    for (uint64_t at = 1; at < 80; at++) {
      b->piece = at % 2 ? 0 : 100;
      cable_arm(b->cable, CABLE_BUS_RESET, at);
      begin_write(b, 9000);
      cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
      b->line.put(b->line.ctx, b->pattern, 200);
      pass(b, VT_MS(5));
      const bool came = b->cable->transactions >= at;
      cable_arm(b->cable, CABLE_NO_FAULT, 0);
      pass(b, VT_MS(70));  // a reset takes 50
      assert_int_equal(b->line.open(b->line.ctx), !came);
      resets += came;
      for (uint32_t reg = 0x920; came && reg < 0xD00; reg += 0x20)  // no EPENA
        assert_int_equal(cable_register(b->cable, reg) >> 31, 0);
      b->piece = 700;
      configure(b);
      expect_works(b);
    }
    assert_true(resets > 25);
    close_bench(b);
  }
}

// What may be a command that nobody has taken keeps the line open until it is.
static void take_last_words(struct bench *b) {
  const uint8_t *bytes;
  const size_t n = b->line.peek(b->line.ctx, &bytes);
  assert_true(n <= 128);
  assert_true(b->line.open(b->line.ctx) == (n != 0));
  assert_memory_equal(bytes, b->pattern, n);
  b->line.take(b->line.ctx, n);
}

// What was written and not taken, and what was put and not read, is gone.
static void a_session_finds_nothing_of_the_last(void **state) {
  struct bench *b = &bench;
  static uint8_t got[512];
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (uint32_t n = 1; n < 5000; n += 71) {
      b->lazy = VT_US(1) * (n % 40);
      b->piece = 0;
      begin_write(b, n);
      b->line.put(b->line.ctx, b->pattern, n < 500 ? n : 500);
      cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, n % 3 ? 512 : 64);
      pass(b, n % 2 ? VT_US(n) : VT_MS(6));
      set_dtr(b, false);
      cable_take_back(b->cable, READ);
      cable_take_back(b->cable, WRITE);
      pass(b, VT_MS(1));
      take_last_words(b);
      assert_false(b->line.open(b->line.ctx));
      b->line.put(b->line.ctx, b->pattern, 100);
      assert_true(b->line.room(b->line.ctx) >= SERIAL_LINE_ROOM);
      set_dtr(b, true);
      b->piece = 700;
      expect_works(b);
    }
    close_bench(b);
  }
}

// What came before the SETUP that opens the line is none of it, even if the two are
// found at once.
static void what_came_before_a_session_is_dropped(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    set_dtr(b, false);
    b->cable->poll = NULL;
    begin_write(b, 60);
    cable_pass(b->cable, VT_US(200));
    assert_int_equal(cable_moved(b->cable, WRITE), 60);
    b->cable->poll = poll;
    b->lazy = VT_US(200);
    set_dtr(b, true);
    b->lazy = 0;
    pass(b, VT_MS(1));
    assert_int_equal(b->taken_length, 0);
    expect_works(b);
    close_bench(b);
  }
}

// Nobody takes what comes while it is closed, and nobody waits; nothing goes out.
static void a_closed_line_takes_everything(void **state) {
  struct bench *b = &bench;
  static uint8_t got[512];
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    set_dtr(b, false);
    begin_write(b, 30000);
    pass(b, VT_MS(60));
    assert_false(cable_running(b->cable, WRITE));
    assert_int_equal(cable_moved(b->cable, WRITE), 30000);
    assert_int_equal(b->taken_length, 0);
    cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, b->packet);
    b->line.put(b->line.ctx, b->pattern, 10);
    pass(b, VT_MS(1));
    assert_true(cable_running(b->cable, READ));
    cable_take_back(b->cable, READ);
    set_dtr(b, true);
    expect_works(b);
    close_bench(b);
  }
}

// Also with packets on their way, which the host is wrong to send.
static void it_can_be_configured_again_in_a_stream(void **state) {
  struct bench *b = &bench;
  static uint8_t got[512];
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (unsigned n = 0; n < 300; n++) {
      b->piece = n % 3 ? 700 : 0;
      b->lazy = VT_NS(1300) * (n % 33);
      begin_write(b, 9000);
      b->line.put(b->line.ctx, b->pattern, 200);
      if (n % 2) cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
      cable_pass(b->cable, VT_NS(700) * n);
      if (n % 5 == 0) cable_take_back(b->cable, WRITE);
      assert_int_equal(control(b, 0x00, 9, n % 2, 0, 0, NULL), 0);
      cable_take_back(b->cable, READ);
      cable_take_back(b->cable, WRITE);
      assert_int_equal(control(b, 0x00, 9, 1, 0, 0, NULL), 0);
      set_dtr(b, true);
      b->piece = 700;
      expect_works(b);
    }
    close_bench(b);
  }
}

// What is asked of the port itself here is what a class may ask.
static void expect_not_told(struct bench *b, enum usb_event_kind kind) {
  struct usb_event e;
  while (b->port.next_event(b->port.ctx, &e)) {
    assert_int_not_equal(e.kind, kind);
    if (e.kind == USB_EVENT_RECEIVED) assert_false(e.ended);
  }
}

// The host has fetched, or sent, what is then cancelled or closed, and nobody has
// looked.
static void what_is_over_is_not_told(void **state) {
  struct bench *b = &bench;
  static uint8_t got[512];
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    const struct usb_endpoint_ops *ops = b->port.endpoints;
    for (int close = 0; close < 2; close++) {
      b->cable->poll = NULL;
      cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
      b->line.put(b->line.ctx, b->pattern, 10);
      cable_begin(b->cable, WRITE, CDC_DATA_OUT, b->packet, b->pattern, 10);
      cable_pass(b->cable, VT_MS(1));
      assert_int_equal(cable_moved(b->cable, READ), 10);
      assert_int_equal(cable_moved(b->cable, WRITE), 10);
      if (close) {
        ops->close_all(b->port.ctx);
        ops->open(b->port.ctx, CDC_DATA_OUT, 2, b->packet);
        ops->receive(b->port.ctx, CDC_DATA_OUT, b->taken, b->packet);
        expect_not_told(b, USB_EVENT_SENT);
      } else {
        struct usb_event e;
        ops->cancel(b->port.ctx, CDC_DATA_IN);
        assert_true(b->port.next_event(b->port.ctx, &e));
        assert_int_equal(e.kind, USB_EVENT_RECEIVED);
        assert_true(e.ended);
        expect_not_told(b, USB_EVENT_SENT);
      }
      b->cable->poll = poll;
      configure(b);
      expect_works(b);
    }
    close_bench(b);
  }
}

// --- halts -------------------------------------------------------------------------

// A halt in the middle of a stream: the packets before it are there, those after it
// come when it is lifted.
static void a_halt_loses_nothing(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    open_bench(b, &setups[i]);
    for (unsigned n = 0; n < 20; n++) {
      begin_write(b, 20000);
      pass(b, VT_US(20) * n);
      assert_int_equal(control(b, 0x02, 3, 0, CDC_DATA_OUT, 0, NULL), 0);
      pass(b, VT_MS(1));
      assert_int_equal(cable_moved(b->cable, WRITE), -EPIPE);
      const uint32_t before = b->taken_length;
      assert_memory_equal(b->taken, b->pattern, before);
      assert_int_equal(control(b, 0x02, 1, 0, CDC_DATA_OUT, 0, NULL), 0);
      expect_works(b);
    }
    close_bench(b);
  }
}

static void a_halted_read_goes_on(void **state) {
  struct bench *b = &bench;
  (void)state;
  for (int i = 0; i < SETUPS; i++) {
    uint8_t got[512];
    open_bench(b, &setups[i]);
    for (unsigned n = 0; n < 2; n++) {
      if (n) b->line.put(b->line.ctx, b->pattern, 30);
      assert_int_equal(control(b, 0x02, 3, 0, CDC_DATA_IN, 0, NULL), 0);
      if (!n) b->line.put(b->line.ctx, b->pattern, 30);
      cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
      pass(b, VT_MS(1));
      assert_int_equal(cable_moved(b->cable, READ), -EPIPE);
      assert_int_equal(control(b, 0x02, 1, 0, CDC_DATA_IN, 0, NULL), 0);
      cable_begin(b->cable, READ, CDC_DATA_IN, b->packet, got, sizeof got);
      pass(b, VT_MS(1));
      assert_int_equal(cable_moved(b->cable, READ), 30);
      assert_memory_equal(got, b->pattern, 30);
    }
    close_bench(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_host_writes_arrives_whole),
      cmocka_unit_test(what_is_put_arrives_whole),
      cmocka_unit_test(a_full_ring_makes_the_host_wait),
      cmocka_unit_test(both_ways_at_once),
      cmocka_unit_test(control_transfers_go_on_beside_a_stream),
      cmocka_unit_test(errors_on_the_wire_lose_nothing),
      cmocka_unit_test(after_a_bus_reset_it_begins_anew),
      cmocka_unit_test(a_session_finds_nothing_of_the_last),
      cmocka_unit_test(what_came_before_a_session_is_dropped),
      cmocka_unit_test(a_closed_line_takes_everything),
      cmocka_unit_test(it_can_be_configured_again_in_a_stream),
      cmocka_unit_test(what_is_over_is_not_told),
      cmocka_unit_test(a_halt_loses_nothing),
      cmocka_unit_test(a_halted_read_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
