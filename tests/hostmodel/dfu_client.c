// SPDX-License-Identifier: MIT
#include "tests/hostmodel/dfu_client.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"

// No host is asked to sleep longer at a time.
#define POLL_MAX_MS 1000

// --- requests ---

int dfu_out(struct rig *r, uint8_t request, uint16_t value, uint16_t length,
            const void *data) {
  static uint8_t bytes[CLIENT_MAX_BLOCK];
  if (length) memcpy(bytes, data, length);
  return rig_control(r, (struct request){0x21, request, value, 0, length}, bytes);
}

int dfu_in(struct rig *r, uint8_t request, uint16_t value, uint16_t length,
           void *data) {
  return rig_control(r, (struct request){0xA1, request, value, 0, length}, data);
}

int dfu_dnload(struct rig *r, uint16_t block, const void *data, uint16_t length) {
  const uint8_t opcode = length ? *(const uint8_t *)data : 0;
  r->at_once = block == 0 && (opcode == 0x21 || (opcode == 0x41 && length == 5));
  return dfu_out(r, REQ_DNLOAD, block, length, data);
}

int dfu_upload(struct rig *r, uint16_t block, void *data, uint16_t length) {
  return dfu_in(r, REQ_UPLOAD, block, length, data);
}

int dfu_command(struct rig *r, uint8_t opcode, uint32_t address) {
  uint8_t bytes[5] = {opcode};
  store_le32(bytes + 1, address);
  return dfu_dnload(r, 0, bytes, sizeof bytes);
}

int dfu_select(struct rig *r, uint8_t alternate) {
  return rig_control(r, (struct request){0x01, 11, alternate, 0, 0}, NULL);
}

struct reply dfu_status(struct rig *r) {
  uint8_t b[6];
  assert_int_equal(dfu_in(r, REQ_GETSTATUS, 0, sizeof b, b), sizeof b);
  const struct reply s = {
      .status = b[0], .poll_ms = load_le24(b + 1), .state = b[4], .string = b[5]};
  assert_in_range(s.poll_ms, 0, POLL_MAX_MS);
  if (s.state == DNBUSY && !r->at_once) assert_int_not_equal(s.poll_ms, 0);
  assert_int_equal(s.status == OK, s.state != ERROR);
  assert_int_equal(s.status == OK, s.string == 0);
  return s;
}

uint8_t dfu_state(struct rig *r) {
  uint8_t state;
  assert_int_equal(dfu_in(r, REQ_GETSTATE, 0, 1, &state), 1);
  return state;
}

void dfu_abort(struct rig *r) {
  assert_int_equal(dfu_out(r, REQ_ABORT, 0, 0, NULL), 0);
}

void dfu_clear(struct rig *r) {
  assert_int_equal(dfu_out(r, REQ_CLRSTATUS, 0, 0, NULL), 0);
}

// --- sequences ---

struct reply dfu_wait(struct rig *r) {
  for (unsigned polls = 0; polls < 5000; polls++) {
    const struct reply s = dfu_status(r);
    const bool waits = s.state == DNBUSY || (s.state == IDLE && s.poll_ms);
    if (!waits) return s;
    rig_sleep(r, s.poll_ms);
  }
  fail_msg("dfuDNBUSY for ever");
  return (struct reply){0};
}

struct reply dfu_finish(struct rig *r) {
  dfu_abort(r);
  return dfu_wait(r);
}

static struct reply command(struct rig *r, uint8_t opcode, uint32_t address) {
  assert_int_equal(dfu_command(r, opcode, address), 5);
  return dfu_wait(r);
}

struct reply dfu_set_address(struct rig *r, uint32_t address) {
  return command(r, 0x21, address);
}

struct reply dfu_erase(struct rig *r, uint32_t address) {
  return command(r, 0x41, address);
}

struct reply dfu_mass_erase(struct rig *r) {
  const uint8_t opcode = 0x41;
  assert_int_equal(dfu_dnload(r, 0, &opcode, 1), 1);
  return dfu_wait(r);
}

struct reply dfu_write(struct rig *r, uint32_t address, const void *data,
                       uint16_t length) {
  const struct reply s = dfu_set_address(r, address);
  if (s.state != DNLOAD_IDLE) return s;
  assert_int_equal(dfu_dnload(r, 2, data, length), length);
  return dfu_wait(r);
}

void dfu_spoil(struct rig *r, uint32_t address, uint32_t length) {
  memset((uint8_t *)(uintptr_t)rig_memory(r, address), 0x42, length);
}

void dfu_blank(struct rig *r, uint32_t address) {
  dfu_spoil(r, address, 1);
  assert_int_equal(dfu_erase(r, address).state, DNLOAD_IDLE);
  assert_int_equal(dfu_finish(r).state, IDLE);
  assert_int_equal(*rig_memory(r, address), 0xFF);
}

void dfu_read(struct rig *r, uint32_t address, void *data, uint32_t length) {
  uint8_t *to = data;
  assert_int_equal(dfu_set_address(r, address).state, DNLOAD_IDLE);
  dfu_abort(r);
  for (uint16_t block = 2; length; block++) {
    const uint16_t n = (uint16_t)(length < CLIENT_BLOCK ? length : CLIENT_BLOCK);
    assert_int_equal(dfu_upload(r, block, to, n), n);
    to += n;
    length -= n;
  }
  dfu_abort(r);
}

void dfu_recover(struct rig *r) {
  if (dfu_state(r) == MANIFEST_SYNC) dfu_abort(r);
  const struct reply s = dfu_wait(r);
  if (s.state == ERROR) {
    dfu_clear(r);
  } else if (s.state != IDLE) {
    dfu_abort(r);
  }
  assert_int_equal(dfu_status(r).state, IDLE);
}

void dfu_expect_error(struct rig *r, uint8_t status, uint32_t address,
                      const char *sentence) {
  char text[SENTENCE_MAX], expected[SENTENCE_MAX + 16];
  const struct reply s = dfu_wait(r);
  assert_int_equal(s.state, ERROR);
  assert_int_equal(s.status, status);
  assert_int_equal(s.poll_ms, 0);
  assert_int_not_equal(s.string, 0);
  rig_string(r, s.string, text);
  snprintf(expected, sizeof expected, address ? "at 0x%08x: %s" : "%.0d%s",
           (unsigned)address, sentence);
  assert_string_equal(text, expected);
  dfu_clear(r);
  const struct reply after = dfu_status(r);
  assert_int_equal(after.state, IDLE);
  assert_int_equal(after.status, OK);
  assert_int_equal(after.string, 0);
}

void dfu_pattern(uint8_t *data, uint32_t length, uint32_t seed) {
  uint32_t x = seed * 2654435761u + 1;
  for (uint32_t i = 0; i < length; i++) {
    x = x * 1664525u + 1013904223u;
    data[i] = (uint8_t)(x >> 24);
  }
}

static void expect_ok(struct reply s) {
  assert_int_equal(s.status, OK);
  assert_int_equal(s.state, DNLOAD_IDLE);
}

void dfu_expect_download(struct rig *r, uint32_t address) {
  uint8_t data[CLIENT_BLOCK], back[CLIENT_BLOCK];
  dfu_pattern(data, sizeof data, address ^ (uint32_t)machine_now(r->m));
  expect_ok(dfu_erase(r, address));
  expect_ok(dfu_write(r, address, data, sizeof data));
  assert_int_equal(dfu_finish(r).state, IDLE);
  dfu_read(r, address, back, sizeof back);
  assert_memory_equal(back, data, sizeof data);
  assert_memory_equal(rig_memory(r, address), data, sizeof data);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, IDLE);
  assert_int_equal(s.status, OK);
}

void dfu_expect_usable(struct rig *r) {
  dfu_expect_download(r, APPLICATION + 0x8000);
  dfu_expect_download(r, EXTERNAL + 0x20000);
}

void dfu_plant_application(struct rig *r) {
  static const uint8_t application[] = {
      0x00, 0x00, 0x02, 0x20,  // stack: end of DTCM
      0x09, 0x00, 0x01, 0x08,  // reset: the next word, Thumb
      0xFE, 0xE7,              // b .
  };
  memcpy(r->m->flash_bytes + (APPLICATION - INTERNAL), application, sizeof application);
}
