// SPDX-License-Identifier: MIT
// The DFU class over two media of RAM, as the control machine would call it: one
// buffer for all data from the host, completion after each request that was taken.
#pragma once

#include "firmware/usb/dfu.h"
#include "tests/fakes/board_media.h"

// Numbers of DFU 1.1 and DfuSe, typed again.
enum {
  RQ_DETACH = 0,
  RQ_DNLOAD = 1,
  RQ_UPLOAD = 2,
  RQ_GETSTATUS = 3,
  RQ_CLRSTATUS = 4,
  RQ_GETSTATE = 5,
  RQ_ABORT = 6,

  IDLE = 2,
  SYNC = 3,
  BUSY = 4,
  DNLOAD_IDLE = 5,
  MANIFEST_SYNC = 6,
  MANIFEST = 7,
  UPLOAD_IDLE = 9,
  ERROR = 10,

  OK = 0,
  ERR_TARGET = 1,
  ERR_ERASE = 4,
  ERR_CHECK_ERASED = 5,
  ERR_PROG = 6,
  ERR_VERIFY = 7,
  ERR_FIRMWARE = 10,
  ERR_VENDOR = 11,
  ERR_UNKNOWN = 14,
  ERR_STALLED = 15,

  TRANSFER = 4096,
};

struct dfu_rig {
  struct board_media board;
  struct dfu dfu;
  struct usb_class cls;
  uint8_t buffer[TRANSFER];  // the control machine's
  uint8_t got[TRANSFER];     // by the last request to the host
  uint16_t got_length;
  bool held;         // the last reply to the host was
  uint32_t held_us;  // for so long
};

struct dfu_told {
  uint8_t status, state, string;
  uint32_t poll_ms;
};

// --- requests; true if they were not stalled ---

static inline bool dfu_rig_out(struct dfu_rig *r, uint8_t request, uint16_t value,
                               const uint8_t *data, uint16_t length) {
  const struct usb_setup s = {0x21, request, value, 0, length};
  struct usb_reply reply = {.data = NULL};
  if (r->cls.setup(r->cls.ctx, &s, &reply) != USB_ACCEPT || length > TRANSFER) {
    return false;
  }
  if (length) {
    memcpy(r->buffer, data, length);
    if (r->cls.data(r->cls.ctx, &s, r->buffer) != USB_ACCEPT) return false;
  }
  r->cls.completed(r->cls.ctx, &s);
  return true;
}

static inline void dfu_rig_pass(struct dfu_rig *r) {
  if (!dfu_poll(&r->dfu)) r->board.now_us += BOARD_WAIT_US;
}

// Without the status stage, as when the host goes away after the data. A reply that is
// held comes within a second; after a host's last word within four.
static inline bool dfu_rig_in_unfinished(struct dfu_rig *r, uint8_t request,
                                         uint16_t value, uint16_t length) {
  const struct usb_setup s = {0xA1, request, value, 0, length};
  struct usb_reply reply = {.data = NULL};
  const uint32_t start = r->board.now_us;
  enum usb_answer answer;
  r->got_length = 0;
  r->held = false;
  while ((answer = r->cls.setup(r->cls.ctx, &s, &reply)) == USB_LATER) {
    dfu_rig_pass(r);
    r->held = true;
  }
  r->held_us = r->board.now_us - start;
  assert_true(r->held_us <= (r->dfu.finishing ? 4001000 : 1000000));
  if (answer != USB_ACCEPT) return false;
  r->got_length = reply.length < length ? reply.length : length;
  if (r->got_length) memcpy(r->got, usb_reply_bytes(&reply), r->got_length);
  return true;
}

static inline bool dfu_rig_in(struct dfu_rig *r, uint8_t request, uint16_t value,
                              uint16_t length) {
  const struct usb_setup s = {0xA1, request, value, 0, length};
  if (!dfu_rig_in_unfinished(r, request, value, length)) return false;
  r->cls.completed(r->cls.ctx, &s);
  return true;
}

static inline struct dfu_told dfu_rig_told(const struct dfu_rig *r) {
  assert_int_equal(r->got_length, 6);
  const uint32_t ms = r->got[1] | (uint32_t)r->got[2] << 8 | (uint32_t)r->got[3] << 16;
  return (struct dfu_told){
      .status = r->got[0], .poll_ms = ms, .state = r->got[4], .string = r->got[5]};
}

// GETSTATUS, with what holds for every answer: an honest poll time, and a string
// exactly when something is wrong.
static inline struct dfu_told dfu_rig_status(struct dfu_rig *r) {
  assert_true(dfu_rig_in(r, RQ_GETSTATUS, 0, 6));
  const struct dfu_told t = dfu_rig_told(r);
  assert_true(t.poll_ms <= 1000 && t.poll_ms != 100);
  assert_int_equal(t.string != 0, t.status != OK);
  assert_int_equal(t.status != OK, t.state == ERROR);
  return t;
}

static inline uint8_t dfu_rig_state(struct dfu_rig *r) {
  assert_true(dfu_rig_in(r, RQ_GETSTATE, 0, 1));
  assert_int_equal(r->got_length, 1);
  return r->got[0];
}

static inline bool dfu_rig_request(struct dfu_rig *r, uint8_t request) {
  return dfu_rig_out(r, request, 0, NULL, 0);
}

static inline bool dfu_rig_command(struct dfu_rig *r, uint8_t opcode,
                                   uint32_t address) {
  const uint8_t bytes[5] = {opcode, (uint8_t)address, (uint8_t)(address >> 8),
                            (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
  return dfu_rig_out(r, RQ_DNLOAD, 0, bytes, 5);
}

static inline bool dfu_rig_mass_erase(struct dfu_rig *r) {
  return dfu_rig_out(r, RQ_DNLOAD, 0, (const uint8_t[]){0x41}, 1);
}

// --- time ---

// Until nothing is left to do but erases that are only noted.
static inline void dfu_rig_settle(struct dfu_rig *r) {
  for (unsigned n = 0; dfu_poll(&r->dfu) || writer_remaining_us(&r->board.writer);
       n++) {
    assert_true(n < 1000000);
    r->board.now_us += BOARD_WAIT_US;
  }
}

// The GETSTATUS loop of dfu-util after a DNLOAD: the last answer. While busy, work
// goes on for as long as the device asks to wait.
static inline struct dfu_told dfu_rig_wait(struct dfu_rig *r) {
  for (unsigned n = 0;; n++) {
    assert_true(n < 10000);
    const struct dfu_told t = dfu_rig_status(r);
    if (t.state != BUSY) return t;
    const uint32_t start = r->board.now_us;
    do {
      dfu_rig_pass(r);
    } while (r->board.now_us - start < 1000 * t.poll_ms);
  }
}

// dfu-util's way: the address before every block, which is always number 2.
static inline struct dfu_told dfu_rig_write(struct dfu_rig *r, uint32_t address,
                                            const uint8_t *data, uint16_t length) {
  assert_true(dfu_rig_command(r, 0x21, address));
  assert_int_equal(dfu_rig_status(r).state, BUSY);
  const struct dfu_told t = dfu_rig_wait(r);
  if (t.state != DNLOAD_IDLE) return t;
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, length));
  return dfu_rig_wait(r);
}

static inline struct dfu_told dfu_rig_erase(struct dfu_rig *r, uint32_t address) {
  assert_true(dfu_rig_command(r, 0x41, address));
  assert_int_equal(dfu_rig_status(r).state, BUSY);
  return dfu_rig_wait(r);
}

// As hosts end a download: an ABORT, and the status behind it. All is done then.
static inline struct dfu_told dfu_rig_finish(struct dfu_rig *r) {
  assert_true(dfu_rig_request(r, RQ_ABORT));
  const struct dfu_told t = dfu_rig_status(r);
  if (t.state == IDLE) assert_int_equal(t.poll_ms, 0);
  return t;
}

// --- the sentence ---

static inline void expect_reason(const struct dfu_rig *r, const char *sentence) {
  char text[DFU_REASON_MAX + 1];
  const size_t length = dfu_reason(&r->dfu, text);
  assert_int_equal(length, strlen(text));
  assert_string_equal(text, sentence);
}

#define expect_told(told, expected_status, expected_state) \
  do {                                                     \
    const struct dfu_told told_ = (told);                  \
    assert_int_equal(told_.status, expected_status);       \
    assert_int_equal(told_.state, expected_state);         \
  } while (0)

static inline int dfu_rig_open(void **state) {
  struct dfu_rig *r = (struct dfu_rig *)calloc(1, sizeof *r);
  if (!r) return -1;
  board_media_open(&r->board);
  // Garbage before: whoever begins must not rely on zeros.
  memset(&r->dfu, 0xA5, sizeof r->dfu);
  dfu_init(&r->dfu, &r->board.session, &(const struct info){0});
  r->cls = dfu_class(&r->dfu);
  *state = r;
  return 0;
}

static inline int dfu_rig_close(void **state) {
  struct dfu_rig *r = (struct dfu_rig *)*state;
  board_media_close(&r->board);
  free(r);
  return 0;
}

#define dfu_rig_test(test) \
  cmocka_unit_test_setup_teardown(test, dfu_rig_open, dfu_rig_close)
