// SPDX-License-Identifier: MIT
// The DFU class behind the control machine, packet by packet: what depends on stages,
// on the one buffer both share, and on a host that stops half-way.
#include "firmware/usb/dfu.h"

#include "tests/fakes/control_port.h"
#include "tests/unit/firmware/usb/dfu_rig.h"

struct rig {
  struct dfu_rig dfu;
  struct control_port port;
  struct usb_port ops;
  struct usb_descriptors descriptors;
  struct usbd usbd;
  uint8_t pattern[TRANSFER + 64];
};

static enum handshake to_device(struct rig *r, uint8_t request, uint16_t value,
                                const uint8_t *data, uint16_t length) {
  return control_write(&r->port, (struct usb_setup){0x21, request, value, 0, length},
                       data);
}

static struct dfu_told status(struct rig *r) {
  uint32_t n;
  const struct usb_setup s = {0xA1, RQ_GETSTATUS, 0, 0, 6};
  assert_int_equal(control_read(&r->port, s, r->dfu.got, &n), ACK);
  r->dfu.got_length = (uint16_t)n;
  return dfu_rig_told(&r->dfu);
}

static struct dfu_told wait(struct rig *r) {
  struct dfu_told t;
  while ((t = status(r)).state == BUSY) {
    if (!dfu_poll(&r->dfu.dfu)) r->dfu.board.now_us += BOARD_WAIT_US;
  }
  return t;
}

static enum handshake command(struct rig *r, uint8_t opcode, uint32_t address) {
  const uint8_t bytes[5] = {opcode, (uint8_t)address, (uint8_t)(address >> 8),
                            (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
  return to_device(r, RQ_DNLOAD, 0, bytes, sizeof bytes);
}

static void configure(struct rig *r) {
  control_reset(&r->port, true);
  const struct usb_setup address = {0, 5, 3, 0, 0}, configuration = {0, 9, 1, 0, 0};
  assert_int_equal(control_write(&r->port, address, NULL), ACK);
  assert_int_equal(control_write(&r->port, configuration, NULL), ACK);
}

static int open_rig(void **state) {
  struct rig *r = calloc(1, sizeof *r);
  if (!r) return -1;
  board_media_open(&r->dfu.board);
  dfu_init(&r->dfu.dfu, &r->dfu.board.session, &(const struct info){0});
  r->dfu.cls = dfu_class(&r->dfu.dfu);
  r->port.device = &r->usbd;
  r->port.address_early = true;
  r->ops = control_ops(&r->port);
  usbd_init(&r->usbd, &r->ops, &r->dfu.cls, &r->descriptors);
  for (size_t i = 0; i < sizeof r->pattern; i++)
    r->pattern[i] = (uint8_t)(i * 17 + i / 256);
  configure(r);
  *state = r;
  return 0;
}

static int close_rig(void **state) {
  struct rig *r = *state;
  board_media_close(&r->dfu.board);
  free(r);
  return 0;
}

// --- whole updates ---

static void an_update_packet_by_packet(void **state) {
  struct rig *r = *state;
  static const uint16_t lengths[] = {1, 63, 64, 65, 4095, 4096};
  static const struct usb_setup alternate_1 = {0x01, 11, 1, 0, 0};
  assert_int_equal(control_write(&r->port, alternate_1, NULL), ACK);
  expect_told(status(r), OK, IDLE);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint32_t at = BOARD_NOR + (uint32_t)i * TRANSFER;
    assert_int_equal(command(r, 0x41, at), ACK);
    expect_told(wait(r), OK, DNLOAD_IDLE);
    assert_int_equal(command(r, 0x21, at), ACK);
    expect_told(wait(r), OK, DNLOAD_IDLE);
    assert_int_equal(to_device(r, RQ_DNLOAD, 2, r->pattern, lengths[i]), ACK);
    expect_told(wait(r), OK, DNLOAD_IDLE);
    dfu_rig_settle(&r->dfu);
    assert_memory_equal(board_media_at(&r->dfu.board, at), r->pattern, lengths[i]);
  }
  assert_int_equal(to_device(r, RQ_ABORT, 0, NULL, 0), ACK);
  expect_told(status(r), OK, IDLE);
}

static void every_request_with_no_data(void **state) {
  struct rig *r = *state;
  static const struct {
    uint8_t type, request;
    enum handshake answer;
    uint8_t state;
  } cases[] = {
      {0x21, RQ_DETACH, STALL, ERROR},   {0x21, RQ_DNLOAD, ACK, MANIFEST_SYNC},
      {0xA1, RQ_UPLOAD, STALL, ERROR},   {0xA1, RQ_GETSTATUS, ACK, IDLE},
      {0x21, RQ_CLRSTATUS, ACK, ERROR},  {0xA1, RQ_GETSTATE, ACK, IDLE},
      {0x21, RQ_ABORT, ACK, IDLE},       {0x21, 7, STALL, IDLE},
      {0x21, RQ_GETSTATUS, STALL, IDLE}, {0xA1, RQ_DNLOAD, STALL, IDLE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    configure(r);
    const struct usb_setup s = {cases[i].type, cases[i].request, 0, 0, 0};
    uint32_t n;
    const enum handshake h = cases[i].type & 0x80
                                 ? control_read(&r->port, s, r->dfu.got, &n)
                                 : control_write(&r->port, s, NULL);
    assert_int_equal(h, cases[i].answer);
    assert_int_equal(r->dfu.dfu.state, cases[i].state);
  }
}

static void a_status_of_every_length(void **state) {
  struct rig *r = *state;
  static const uint8_t expected[6] = {0, 0, 0, 0, IDLE, 0};
  for (uint16_t length = 0; length <= 130; length++) {
    const struct usb_setup s = {0xA1, RQ_GETSTATUS, 0, 0, length};
    uint8_t got[64];
    uint32_t n;
    assert_int_equal(control_read(&r->port, s, got, &n), ACK);
    assert_int_equal(n, length < 6 ? length : 6);
    assert_memory_equal(got, expected, n);
  }
}

static void wlength_is_not_trusted(void **state) {
  struct rig *r = *state;
  static const uint8_t requests[] = {RQ_DETACH, RQ_DNLOAD, RQ_CLRSTATUS, RQ_ABORT};
  static const uint16_t lengths[] = {4097, 4160, 8192, 65535};
  for (int k = 0; k < 4; k++) {
    for (int i = 0; i < 4; i++) {
      configure(r);
      control_setup(&r->port, (struct usb_setup){0x21, requests[k], 2, 0, lengths[i]});
      assert_int_equal(control_out(&r->port, r->pattern, 64), STALL);
      expect_told(status(r), ERR_STALLED, ERROR);
    }
  }
  dfu_rig_settle(&r->dfu);
  assert_int_equal(r->dfu.board.internal.calls[RAM_PROGRAM_START], 0);
}

// --- hosts that stop half-way ---

// A block of which not every byte arrived is no block.
static void an_unfinished_block_is_not_written(void **state) {
  struct rig *r = *state;
  static const struct usb_setup block = {0x21, RQ_DNLOAD, 2, 0, 4096};
  for (int how = 0; how < 3; how++) {
    configure(r);
    control_setup(&r->port, block);
    for (int i = 0; i < 63; i++) {
      assert_int_equal(control_out(&r->port, r->pattern, 64), ACK);
      control_poll(&r->port);
    }
    if (how == 0) control_reset(&r->port, true);
    if (how == 1) assert_int_equal(control_out(&r->port, r->pattern, 10), ACK);
    if (how == 2) expect_told(status(r), OK, IDLE);
    control_poll(&r->port);
    dfu_rig_settle(&r->dfu);
    assert_int_equal(r->dfu.dfu.state, IDLE);
    assert_int_equal(r->dfu.board.internal.calls[RAM_PROGRAM_START], 0);
  }
}

// All bytes arrived, the status stage did not: the host will not know, but the block
// counts, as its bytes would have.
static void a_block_counts_from_its_last_byte_on(void **state) {
  struct rig *r = *state;
  control_setup(&r->port, (struct usb_setup){0x21, RQ_DNLOAD, 2, 0, 64});
  assert_int_equal(control_out(&r->port, r->pattern, 64), ACK);
  control_poll(&r->port);
  expect_told(wait(r), OK, DNLOAD_IDLE);
  dfu_rig_settle(&r->dfu);
  assert_memory_equal(board_media_at(&r->dfu.board, BOARD_APP), r->pattern, 64);
}

// The reply that says dfuDNBUSY starts the command once its status stage is over,
// however little of it the host has taken.
static void a_command_begins_after_the_status_stage(void **state) {
  struct rig *r = *state;
  static const struct usb_setup get_status = {0xA1, RQ_GETSTATUS, 0, 0, 6};
  *board_media_at(&r->dfu.board, BOARD_NOR) = 0;
  assert_int_equal(command(r, 0x41, BOARD_NOR), ACK);
  control_setup(&r->port, get_status);
  dfu_rig_settle(&r->dfu);
  assert_true(session_settled(&r->dfu.board.session));
  assert_int_equal(control_status_out(&r->port), ACK);
  dfu_rig_settle(&r->dfu);
  assert_false(session_settled(&r->dfu.board.session));  // it is noted
  expect_told(wait(r), OK, DNLOAD_IDLE);
}

static void leaving_waits_for_the_status_stage(void **state) {
  struct rig *r = *state;
  static const uint8_t vectors[8] = {0x00, 0x00, 0x08, 0x20, 0x09, 0x00, 0x01, 0x08};
  uint8_t packet[CONTROL_PACKET];
  uint16_t n;
  memcpy(board_media_at(&r->dfu.board, BOARD_APP), vectors, sizeof vectors);
  assert_int_equal(to_device(r, RQ_DNLOAD, 2, NULL, 0), ACK);
  control_setup(&r->port, (struct usb_setup){0xA1, RQ_GETSTATUS, 0, 0, 6});
  assert_int_equal(control_in(&r->port, packet, &n), ACK);
  control_poll(&r->port);
  assert_int_equal(packet[4], MANIFEST);
  assert_false(dfu_wants_to_leave(&r->dfu.dfu));
  assert_int_equal(control_status_out(&r->port), ACK);
  assert_true(dfu_wants_to_leave(&r->dfu.dfu));
}

// --- the buffer ---

// A block that waits for running work lies in the control machine's buffer: refused
// blocks, refused commands and status packets with bytes leave it alone.
static void a_waiting_block_is_safe(void **state) {
  struct rig *r = *state;
  struct board_media *b = &r->dfu.board;
  b->internal.erase_us = 100000;
  *board_media_at(b, BOARD_APP + 0x8000) = 0;
  assert_true(session_erase(&b->session, BOARD_APP + 0x8000));
  session_flush(&b->session);
  while (!b->internal.busy)
    dfu_rig_pass(&r->dfu);
  // Part of a place that only the busy flash knows.
  r->dfu.dfu.pointer = BOARD_APP + 1;
  assert_int_equal(to_device(r, RQ_DNLOAD, 2, r->pattern, TRANSFER), ACK);
  configure(r);
  dfu_poll(&r->dfu.dfu);
  assert_int_equal(to_device(r, RQ_DNLOAD, 3, r->pattern + 5, TRANSFER), STALL);
  configure(r);
  control_setup(&r->port, (struct usb_setup){0xA1, RQ_GETSTATUS, 0, 0, 6});
  assert_int_equal(control_out(&r->port, r->pattern + 9, 64), ACK);
  control_poll(&r->port);
  assert_int_equal(control_status_out(&r->port), STALL);
  dfu_rig_settle(&r->dfu);
  expect_told(status(r), OK, IDLE);
  assert_memory_equal(board_media_at(b, BOARD_APP + 1), r->pattern, TRANSFER);
}

#define rig_test(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void) {
  const struct CMUnitTest tests[] = {
      rig_test(an_update_packet_by_packet),
      rig_test(every_request_with_no_data),
      rig_test(a_status_of_every_length),
      rig_test(wlength_is_not_trusted),
      rig_test(an_unfinished_block_is_not_written),
      rig_test(a_block_counts_from_its_last_byte_on),
      rig_test(a_command_begins_after_the_status_stage),
      rig_test(leaving_waits_for_the_status_stage),
      rig_test(a_waiting_block_is_safe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
