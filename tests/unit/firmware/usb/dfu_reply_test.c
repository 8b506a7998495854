// SPDX-License-Identifier: MIT
// Uploads packet by packet, through the control machine: blocks that are read where
// they lie in the flash, while others ask for the flash in between.
#include "tests/fakes/control_port.h"
#include "tests/unit/firmware/usb/dfu_rig.h"

enum { PACKETS = TRANSFER / CONTROL_PACKET };

struct desk {
  struct dfu_rig *rig;
  struct control_port port;
  struct usb_port ops;
  struct usb_descriptors descriptors;
  struct usbd usbd;
  uint8_t want[TRANSFER];  // the flash's first block
};

static const uint8_t *no_descriptor(void *ctx, uint8_t type, uint8_t index,
                                    uint16_t language, bool high_speed,
                                    uint16_t *length) {
  (void)ctx, (void)type, (void)index, (void)language, (void)high_speed, (void)length;
  return NULL;
}

static const uint8_t *no_vendor(void *ctx, const struct usb_setup *s,
                                uint16_t *length) {
  (void)ctx, (void)s, (void)length;
  return NULL;
}

// The device is configured, and its external flash selected.
static void enter(struct desk *d) {
  static const struct usb_setup steps[] = {
      {0x00, 5, 7, 0, 0}, {0x00, 9, 1, 0, 0}, {0x01, 11, 1, 0, 0}};
  control_reset(&d->port, true);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    assert_int_equal(control_write(&d->port, steps[i], NULL), ACK);
}

static int desk_open(void **state) {
  struct desk *d = calloc(1, sizeof *d);
  void *rig = NULL;
  if (!d || dfu_rig_open(&rig)) return -1;
  d->rig = rig;
  d->descriptors = (struct usb_descriptors){d, no_descriptor, no_vendor};
  d->port.device = &d->usbd;
  d->ops = control_ops(&d->port);
  usbd_init(&d->usbd, &d->ops, &d->rig->cls, &d->descriptors);
  struct ram_medium *nor = &d->rig->board.nor;
  for (uint32_t i = 0; i < nor->media.geometry.size; i++)
    nor->bytes[i] = (uint8_t)(i * 29 + i / 256);
  memcpy(d->want, nor->bytes, TRANSFER);
  enter(d);
  *state = d;
  return 0;
}

static int desk_close(void **state) {
  struct desk *d = *state;
  void *rig = d->rig;
  dfu_rig_close(&rig);
  free(d);
  return 0;
}

static const struct usb_setup block = {0xA1, RQ_UPLOAD, 2, 0, TRANSFER};

static void expect_packet(struct desk *d, unsigned i) {
  uint8_t packet[CONTROL_PACKET];
  uint16_t n = 0;
  assert_int_equal(control_in(&d->port, packet, &n), ACK);
  assert_int_equal(n, CONTROL_PACKET);
  assert_memory_equal(packet, d->want + CONTROL_PACKET * i, n);
  control_poll(&d->port);
}

static void expect_rest(struct desk *d, unsigned from) {
  for (unsigned i = from; i < PACKETS; i++)
    expect_packet(d, i);
  assert_int_equal(control_status_out(&d->port), ACK);
}

// --- what others do in between --------------------------------------------------

static void nothing(struct desk *d) {
  (void)d;
}

static void read_elsewhere(struct desk *d) {
  uint8_t other[TRANSFER];
  uint32_t done;
  assert_int_equal(session_read(&d->rig->board.session, BOARD_NOR + TRANSFER, other,
                                sizeof other, &done),
                   ST_OK);
}

static void write_this_block(struct desk *d) {
  static uint8_t other[TRANSFER];
  struct session *s = &d->rig->board.session;
  memset(other, 0x12, sizeof other);
  assert_true(session_claim(s, SESSION_SERIAL));
  assert_true(session_write(s, BOARD_NOR, other, TRANSFER));
  dfu_rig_settle(d->rig);
  assert_memory_equal(d->rig->board.nor.bytes, other, TRANSFER);
}

static void erase_this_block(struct desk *d) {
  struct session *s = &d->rig->board.session;
  assert_true(session_claim(s, SESSION_SERIAL));
  assert_true(session_erase(s, BOARD_NOR));
  session_flush(s);
  dfu_rig_settle(d->rig);
  assert_int_equal(d->rig->board.nor.bytes[0], 0xFF);
}

// Before each packet.
static void the_block_arrives_as_it_was_when_asked_for(void **state) {
  struct desk *d = *state;
  static void (*const others[])(struct desk *) = {nothing, read_elsewhere,
                                                  write_this_block, erase_this_block};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    for (unsigned at = 0; at <= PACKETS; at++) {
      memcpy(d->rig->board.nor.bytes, d->want, TRANSFER);
      control_setup(&d->port, block);
      assert_ptr_equal(d->rig->dfu.loan.data, d->rig->board.nor.window);
      for (unsigned k = 0; k < at; k++)
        expect_packet(d, k);
      others[i](d);
      expect_rest(d, at);
    }
  }
}

// The next reply is its own, whatever becomes of the loan: the list of commands, a
// state, a standard request.
static void the_next_reply_is_its_own(void **state) {
  struct desk *d = *state;
  static const struct {
    struct usb_setup setup;
    uint8_t bytes[3];
  } next[] = {
      {{0xA1, RQ_UPLOAD, 0, 0, 3}, {0x00, 0x21, 0x41}},
      {{0xA1, RQ_GETSTATE, 0, 0, 1}, {UPLOAD_IDLE}},
      {{0x80, 8, 0, 0, 1}, {1}},
      {{0x81, 10, 0, 0, 1}, {1}},
  };
  for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
    for (unsigned at = 0; at <= PACKETS; at += PACKETS / 2) {
      uint8_t got[CONTROL_PACKET];
      uint16_t n = 0;
      control_setup(&d->port, block);
      for (unsigned k = 0; k < at; k++)
        expect_packet(d, k);
      if (at == PACKETS) assert_int_equal(control_status_out(&d->port), ACK);
      control_setup(&d->port, next[i].setup);
      read_elsewhere(d);
      assert_int_equal(control_in(&d->port, got, &n), ACK);
      assert_int_equal(n, next[i].setup.wLength);
      assert_memory_equal(got, next[i].bytes, n);
      control_poll(&d->port);
      assert_int_equal(control_status_out(&d->port), ACK);
    }
  }
}

static void a_bus_reset_ends_it(void **state) {
  struct desk *d = *state;
  for (unsigned at = 0; at < PACKETS; at += 7) {
    control_setup(&d->port, block);
    for (unsigned k = 0; k < at; k++)
      expect_packet(d, k);
    enter(d);
    read_elsewhere(d);
    control_setup(&d->port, block);
    expect_rest(d, 0);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_open, desk_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_block_arrives_as_it_was_when_asked_for),
      TEST(the_next_reply_is_its_own),
      TEST(a_bus_reset_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
