// SPDX-License-Identifier: MIT
// Digests of flash, asked for as docs/spec/digest.md has it (all numbers typed again):
// every state of a digest, every request that is refused, and what DFU makes of both.
#include "firmware/usb/dfu_vendor.h"

#include "common/base/bytes.h"
#include "common/base/crc32.h"
#include "tests/unit/firmware/usb/dfu_rig.h"

enum { WORKING = 1, DONE = 2, FAILED = 3, CRC = 1, SYNC_ALL = 2, HEADER = 16 };

// ---- Requests --------------------------------------------------------------

static bool start_raw(struct dfu_rig *r, const uint8_t *block, uint16_t length) {
  const struct usb_setup s = {0x41, 0x52, 0, 0, length};
  struct usb_reply reply = {.data = NULL};
  if (r->cls.setup(r->cls.ctx, &s, &reply) != USB_ACCEPT) return false;
  if (length) {
    memcpy(r->buffer, block, length);
    if (r->cls.data(r->cls.ctx, &s, r->buffer) != USB_ACCEPT) return false;
  }
  r->cls.completed(r->cls.ctx, &s);
  return true;
}

static bool start(struct dfu_rig *r, uint8_t kind, uint32_t address, uint32_t unit,
                  uint16_t count) {
  uint8_t block[12] = {1, kind};
  store_le16(block + 2, count);
  store_le32(block + 4, address);
  store_le32(block + 8, unit);
  return start_raw(r, block, sizeof block);
}

// The state; the whole answer is in r->got.
static uint8_t fetch(struct dfu_rig *r) {
  const struct usb_setup s = {0xC1, 0x52, 0, 0, 4096};
  struct usb_reply reply = {.data = NULL};
  assert_int_equal(r->cls.setup(r->cls.ctx, &s, &reply), USB_ACCEPT);
  assert_in_range(reply.length, HEADER, 4096);
  r->got_length = reply.length;
  memcpy(r->got, reply.data, reply.length);
  r->cls.completed(r->cls.ctx, &s);
  assert_int_equal(r->got[0], 1);
  assert_int_equal(r->got[7], 0);
  if (r->got[1] != DONE) assert_int_equal(r->got_length, HEADER);
  return r->got[1];
}

static uint8_t fetch_end(struct dfu_rig *r) {
  dfu_rig_settle(r);
  return fetch(r);
}

static uint32_t crc_of(struct dfu_rig *r, uint32_t address, uint32_t n) {
  return ~crc32_update(CRC32_INIT, board_media_at(&r->board, address), n);
}

static void expect_crcs(struct dfu_rig *r, uint32_t address, uint32_t unit,
                        uint16_t count) {
  assert_int_equal(r->got_length, HEADER + 4 * count);
  assert_int_equal(load_le16(r->got + 4), count);
  assert_int_equal(r->got[6], 0);
  assert_int_equal(load_le32(r->got + 12), 0);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(load_le32(r->got + HEADER + 4 * i),
                     crc_of(r, address + i * unit, unit));
  }
}

static void expect_failed(struct dfu_rig *r, uint8_t reason, uint32_t address) {
  assert_int_equal(fetch_end(r), FAILED);
  assert_int_equal(r->got[6], reason);
  assert_int_equal(load_le32(r->got + 8), address);
}

static void fill(struct dfu_rig *r) {
  for (uint32_t i = 0; i < BOARD_INTERNAL_END - BOARD_INTERNAL; i++)
    r->board.internal.bytes[i] = (uint8_t)(i * 7 + i / 253);
  for (uint32_t i = 0; i < BOARD_NOR_END - BOARD_NOR; i++)
    r->board.nor.bytes[i] = (uint8_t)(i * 3 + i / 251);
}

// ---- Digests ---------------------------------------------------------------

static void idle_at_first(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t expected[16] = {1, 0, 3};
  assert_int_equal(fetch(r), 0);
  assert_memory_equal(r->got, expected, sizeof expected);
}

static void crcs_of_units(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint32_t address, unit;
    uint16_t count;
  } ranges[] = {
      {BOARD_NOR, 4096, 8},
      {BOARD_NOR, 1, 1020},
      {BOARD_NOR + 3, 1021, 31},
      {BOARD_NOR_END - 1, 1, 1},
      {BOARD_INTERNAL, 32768, 4},  // the bootloader as well
      {BOARD_APP + 0x10000, 0x20000, 1},
      {BOARD_APP, 2049, 3},
      {BOARD_APP + 1, 2047, 2},
  };
  fill(r);
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    assert_true(start(r, CRC, ranges[i].address, ranges[i].unit, ranges[i].count));
    assert_int_equal(fetch(r), WORKING);
    assert_int_equal(fetch_end(r), DONE);
    expect_crcs(r, ranges[i].address, ranges[i].unit, ranges[i].count);
    assert_int_equal(fetch(r), DONE);  // as often as anybody likes
    expect_crcs(r, ranges[i].address, ranges[i].unit, ranges[i].count);
  }
}

// As fast as it goes, with nothing computed before a reply or by one.
static void in_short_steps(void **state) {
  struct dfu_rig *r = *state;
  const uint32_t reads = r->board.nor.calls[RAM_READ];
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  uint32_t steps = 0;
  while (fetch(r) == WORKING) {
    assert_int_equal(r->board.nor.calls[RAM_READ] - reads, steps);
    assert_int_equal(load_le16(r->got + 4), steps / 2);
    assert_true(dfu_poll(&r->dfu));
    steps++;
  }
  assert_int_equal(steps, 32768 / DFU_VENDOR_STEP);
  assert_false(dfu_poll(&r->dfu));
}

// A request of many packets goes first, until it is over or the next one comes.
static void makes_way_for_data(void **state) {
  struct dfu_rig *r = *state;
  const struct usb_setup data = {0x21, RQ_DNLOAD, 2, 0, 65};
  struct usb_reply reply;
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  assert_true(dfu_poll(&r->dfu));
  assert_true(dfu_rig_in_unfinished(r, RQ_UPLOAD, 2, 65));
  assert_false(dfu_poll(&r->dfu));
  r->cls.completed(r->cls.ctx, &data);
  assert_true(dfu_poll(&r->dfu));
  assert_true(dfu_rig_request(r, RQ_ABORT));
  assert_int_equal(r->cls.setup(r->cls.ctx, &data, &reply), USB_ACCEPT);
  assert_false(dfu_poll(&r->dfu));
  dfu_rig_status(r);
  assert_true(dfu_poll(&r->dfu));
  assert_int_equal(r->cls.setup(r->cls.ctx, &data, &reply), USB_ACCEPT);
  r->cls.reset(r->cls.ctx);
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  assert_true(dfu_poll(&r->dfu));
}

// A flash that was busy for a second at the first 2 KB of a gigabyte: 6 days, which are
// no 32 bits of microseconds.
static void says_how_long_it_may_be(void **state) {
  struct dfu_rig *r = *state;
  assert_true(start(r, CRC, BOARD_NOR, 0x40000000, 1));
  assert_true(dfu_poll(&r->dfu));
  r->board.now_us += 1000000;
  assert_int_equal(fetch(r), WORKING);
  assert_int_equal(load_le32(r->got + 12), 4294967);
}

// 10 ms a step.
static void says_how_long(void **state) {
  struct dfu_rig *r = *state;
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  assert_int_equal(fetch(r), WORKING);
  assert_int_equal(load_le32(r->got + 12), 0);  // not known yet
  for (uint32_t step = 1; step < 16; step++) {
    assert_true(dfu_poll(&r->dfu));
    r->board.now_us += 10000;
    assert_int_equal(fetch(r), WORKING);
    assert_int_equal(load_le32(r->got + 12), 10 * (16 - step));
  }
}

// A range that nothing could read in this life says so at once, in some number.
static void absurd_ranges_end(void **state) {
  struct dfu_rig *r = *state;
  assert_true(start(r, CRC, BOARD_NOR, UINT32_MAX, 1020));
  while (fetch(r) == WORKING)
    dfu_poll(&r->dfu);
  expect_failed(r, 3, BOARD_NOR_END);
  assert_true(start(r, CRC, UINT32_MAX, UINT32_MAX, 1020));
  expect_failed(r, 1, UINT32_MAX);
}

static void bad_ranges(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint32_t address, unit;
    uint16_t count;
    uint8_t reason;
    uint32_t at;
  } ranges[] = {
      {0, 4, 1, 1, 0},
      {BOARD_INTERNAL - 1, 4, 1, 1, BOARD_INTERNAL - 1},
      {BOARD_NOR_END, 1, 1, 3, BOARD_NOR_END},
      {BOARD_NOR_END + 1, 1, 1, 1, BOARD_NOR_END + 1},
      {BOARD_NOR_END - 5, 6, 1, 3, BOARD_NOR_END},
      {BOARD_NOR, 4096, 9, 3, BOARD_NOR_END},
      {BOARD_INTERNAL_END - 1, 1, 2, 3, BOARD_INTERNAL_END},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    assert_true(start(r, CRC, ranges[i].address, ranges[i].unit, ranges[i].count));
    expect_failed(r, ranges[i].reason, ranges[i].at);
  }
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));  // the next one is none the worse
  assert_int_equal(fetch_end(r), DONE);
}

static void a_read_that_fails(void **state) {
  struct dfu_rig *r = *state;
  ram_medium_fail(&r->board.nor, RAM_READ, 3, ST_BUS_TIMEOUT);
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  expect_failed(r, 12, BOARD_NOR + 2 * DFU_VENDOR_STEP);
  assert_int_equal(load_le16(r->got + 4), 1);
}

// ---- Refusals --------------------------------------------------------------

static void bad_requests(void **state) {
  struct dfu_rig *r = *state;
  uint8_t good[13] = {1, 1, 1, 0, 0, 0, 0, 0x90, 0, 1, 0, 0, 0};
  struct usb_reply reply;
  for (uint16_t n = 0; n <= 13; n++)
    assert_int_equal(start_raw(r, good, n), n == 12);
  const struct usb_setup others[] = {
      {0x41, 0x52, 1, 0, 12}, {0xC1, 0x52, 1, 0, 16}, {0x41, 0x51, 0, 0, 12},
      {0x41, 0x53, 0, 0, 12}, {0xC1, 0x53, 0, 0, 16}, {0x41, 0, 0, 0, 0},
      {0x41, 1, 2, 0, 64},    {0x41, 3, 0, 0, 0},     {0xC1, 3, 0, 0, 6},
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_int_equal(r->cls.setup(r->cls.ctx, &others[i], &reply), USB_STALL);
  // A block that is refused ends what was asked for before.
  assert_int_equal(fetch_end(r), DONE);
  assert_false(start(r, CRC, BOARD_NOR, 0, 1));
  assert_int_equal(fetch(r), 0);
  assert_false(start(r, CRC, BOARD_NOR, 1, 0));
  assert_false(start(r, CRC, BOARD_NOR, 1, 1021));
  assert_false(start(r, 3, BOARD_NOR, 1, 1));
  assert_false(start(r, SYNC_ALL, 0, 0, 1));
  good[0] = 2;
  assert_false(start_raw(r, good, 12));
  assert_int_equal(dfu_rig_state(r), IDLE);
}

// A block that DFU has accepted and not yet begun lies in the buffer that the data of
// this request would fill.
static void never_overwrites_a_block(void **state) {
  struct dfu_rig *r = *state;
  uint8_t block[TRANSFER];
  memset(block, 0x3C, sizeof block);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, block, sizeof block));
  assert_false(start(r, CRC, BOARD_APP, 4096, 1));
  assert_int_equal(fetch(r), 0);
  assert_int_equal(dfu_rig_wait(r).state, DNLOAD_IDLE);
  assert_memory_equal(board_media_at(&r->board, BOARD_APP), block, sizeof block);
  assert_true(start(r, CRC, BOARD_APP, 4096, 1));
  assert_int_equal(fetch_end(r), DONE);
  expect_crcs(r, BOARD_APP, 4096, 1);
}

static void a_new_start_replaces_the_old(void **state) {
  struct dfu_rig *r = *state;
  fill(r);
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  for (int i = 0; i < 5; i++)
    dfu_poll(&r->dfu);
  assert_true(start(r, CRC, BOARD_APP, 128, 3));
  assert_int_equal(fetch(r), WORKING);
  assert_int_equal(load_le16(r->got + 4), 0);
  assert_int_equal(fetch_end(r), DONE);
  expect_crcs(r, BOARD_APP, 128, 3);
}

static void a_bus_reset_forgets(void **state) {
  struct dfu_rig *r = *state;
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  dfu_poll(&r->dfu);
  r->cls.reset(r->cls.ctx);
  assert_int_equal(fetch(r), 0);
  assert_false(dfu_poll(&r->dfu));
  // SET_INTERFACE does not.
  assert_true(start(r, CRC, BOARD_NOR, 4096, 8));
  assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  assert_int_equal(fetch_end(r), DONE);
}

// ---- With DFU --------------------------------------------------------------

// The NOR flash at an erase of its first block, which takes 30 ms.
static void begin_erase(struct dfu_rig *r) {
  fill(r);
  r->board.nor.erase_us = 30000;
  expect_told(dfu_rig_erase(r, BOARD_NOR), OK, DNLOAD_IDLE);
  session_flush(&r->board.session);
  while (!r->board.nor.busy)
    dfu_rig_pass(r);
}

// What was accepted counts, whenever it was asked: the erased block's FFh are known at
// once, for the next one the flash must be asked.
static void waits_for_work_in_progress(void **state) {
  struct dfu_rig *r = *state;
  begin_erase(r);
  assert_true(start(r, CRC, BOARD_NOR, 4096, 2));
  for (int i = 0; i < 10; i++)
    dfu_poll(&r->dfu);
  assert_int_equal(fetch(r), WORKING);
  assert_in_range(load_le32(r->got + 12), 20, 40);
  assert_true(r->board.nor.busy);
  assert_int_equal(fetch_end(r), DONE);
  expect_crcs(r, BOARD_NOR, 4096, 2);
  assert_int_equal(board_media_at(&r->board, BOARD_NOR)[5], 0xFF);
}

// Whoever calls it meanwhile: nothing is read from a flash that works, and nothing is
// said to be finished.
static void no_step_while_the_session_works(void **state) {
  struct dfu_rig *r = *state;
  const struct dfu_failure none = {.reason = ST_OK};
  for (uint8_t kind = CRC; kind <= SYNC_ALL; kind++) {
    begin_erase(r);
    assert_true(start(r, kind, BOARD_NOR + 4096, 4096, kind == CRC));
    assert_false(dfu_vendor_poll(&r->dfu.vendor, &none));
    assert_int_equal(fetch(r), WORKING);
    assert_int_equal(fetch_end(r), DONE);
  }
}

static void put_in_state(struct dfu_rig *r, uint8_t wanted) {
  static const uint8_t block[64] = {0};
  r->cls.reset(r->cls.ctx);
  switch (wanted) {
    case SYNC: assert_true(dfu_rig_command(r, 0x21, BOARD_NOR)); break;
    case BUSY:
      assert_true(dfu_rig_command(r, 0x21, BOARD_NOR));
      assert_int_equal(dfu_rig_status(r).state, BUSY);
      break;
    case DNLOAD_IDLE:
      assert_int_equal(dfu_rig_write(r, BOARD_NOR, block, 64).state, DNLOAD_IDLE);
      break;
    case MANIFEST_SYNC: assert_true(dfu_rig_request(r, RQ_DNLOAD)); break;
    case UPLOAD_IDLE: assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64)); break;
    case ERROR: assert_false(dfu_rig_request(r, RQ_DETACH)); break;
    default: break;
  }
  assert_int_equal(dfu_rig_state(r), wanted);
}

static void answers_in_every_dfu_state_and_changes_none(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t states[] = {IDLE,          SYNC,        BUSY, DNLOAD_IDLE,
                                   MANIFEST_SYNC, UPLOAD_IDLE, ERROR};
  for (size_t i = 0; i < sizeof states; i++) {
    put_in_state(r, states[i]);
    assert_true(start(r, CRC, BOARD_APP, 4096, 16));
    assert_int_equal(fetch(r), WORKING);
    assert_int_equal(dfu_rig_state(r), states[i]);
    assert_int_equal(fetch_end(r), DONE);
    expect_crcs(r, BOARD_APP, 4096, 16);
    assert_true(start(r, SYNC_ALL, 0, 0, 0));
    assert_int_equal(fetch_end(r), DONE);
    assert_false(start(r, 9, 0, 0, 0));
    assert_int_equal(dfu_rig_state(r), states[i]);
  }
}

// ---- SYNC ------------------------------------------------------------------

static void sync_waits_for_everything(void **state) {
  struct dfu_rig *r = *state;
  fill(r);
  r->board.nor.erase_us = 30000;
  expect_told(dfu_rig_erase(r, BOARD_NOR), OK, DNLOAD_IDLE);  // noted
  assert_true(start(r, SYNC_ALL, 0, 0, 0));
  while (!r->board.nor.busy)
    dfu_rig_pass(r);
  assert_int_equal(fetch(r), WORKING);
  assert_in_range(load_le32(r->got + 12), 20, 40);
  assert_int_equal(fetch_end(r), DONE);
  assert_int_equal(r->got_length, HEADER);
  assert_false(r->board.nor.busy);
}

// And tells it once more than GETSTATUS does.
static void sync_reports_a_failure(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t block[64] = {0};
  ram_medium_fail(&r->board.nor, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  assert_true(dfu_rig_command(r, 0x21, BOARD_NOR + 256));
  assert_int_equal(dfu_rig_wait(r).state, DNLOAD_IDLE);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, block, sizeof block));
  while (r->dfu.work.kind == DFU_WORK_WRITE)
    dfu_poll(&r->dfu);
  assert_true(start(r, SYNC_ALL, 0, 0, 0));
  expect_failed(r, 6, BOARD_NOR + 256);
  expect_told(dfu_rig_wait(r), ERR_PROG, ERROR);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  assert_true(start(r, SYNC_ALL, 0, 0, 0));
  assert_int_equal(fetch_end(r), DONE);
}

// A failure that the session holds back itself, as no one has asked for it yet.
static void sync_reports_what_the_session_holds(void **state) {
  struct dfu_rig *r = *state;
  r->board.writer.result =
      (struct writer_result){.status = ST_VERIFY_FAILED, .address = BOARD_NOR + 77};
  assert_true(start(r, SYNC_ALL, 0, 0, 0));
  expect_failed(r, 7, BOARD_NOR + 77);
  expect_told(dfu_rig_status(r), ERR_VERIFY, ERROR);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  assert_true(start(r, SYNC_ALL, 0, 0, 0));
  assert_int_equal(fetch_end(r), DONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(idle_at_first),
      dfu_rig_test(crcs_of_units),
      dfu_rig_test(in_short_steps),
      dfu_rig_test(makes_way_for_data),
      dfu_rig_test(says_how_long),
      dfu_rig_test(says_how_long_it_may_be),
      dfu_rig_test(absurd_ranges_end),
      dfu_rig_test(bad_ranges),
      dfu_rig_test(a_read_that_fails),
      dfu_rig_test(bad_requests),
      dfu_rig_test(never_overwrites_a_block),
      dfu_rig_test(a_new_start_replaces_the_old),
      dfu_rig_test(a_bus_reset_forgets),
      dfu_rig_test(waits_for_work_in_progress),
      dfu_rig_test(no_step_while_the_session_works),
      dfu_rig_test(answers_in_every_dfu_state_and_changes_none),
      dfu_rig_test(sync_waits_for_everything),
      dfu_rig_test(sync_reports_a_failure),
      dfu_rig_test(sync_reports_what_the_session_holds),
  };
  return cmocka_run_group_tests_name("dfu_vendor", tests, NULL, NULL);
}
