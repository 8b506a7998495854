// SPDX-License-Identifier: MIT
// UPLOAD: the list of commands, blocks of any size, and the ends of a medium.
#include "firmware/usb/dfu.h"

#include "tests/unit/firmware/usb/dfu_rig.h"

static void fill_media(struct dfu_rig *r) {
  for (uint32_t i = 0; i < r->board.internal.media.geometry.size; i++)
    r->board.internal.bytes[i] = (uint8_t)(i * 13 + i / 256 + i / 65536);
  for (uint32_t i = 0; i < r->board.nor.media.geometry.size; i++)
    r->board.nor.bytes[i] = (uint8_t)(i * 29 + i / 256);
}

// As hosts do: set the address, leave the download by an ABORT.
static void point(struct dfu_rig *r, uint32_t address) {
  assert_true(dfu_rig_command(r, 0x21, address));
  expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_request(r, RQ_ABORT));
  expect_told(dfu_rig_status(r), OK, IDLE);
}

// --- the list of commands ---

static void the_commands_are_listed(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t list[] = {0x00, 0x21, 0x41};  // 0x92 is refused, so not listed
  for (uint16_t length = 1; length <= 64; length++) {
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 0, length));
    const uint16_t given = length < 3 ? length : 3;
    assert_int_equal(r->got_length, given);
    assert_memory_equal(r->got, list, given);
    // ST's class: dfuIDLE when more was asked for than there is.
    assert_int_equal(dfu_rig_state(r), length > 3 ? IDLE : UPLOAD_IDLE);
    assert_true(dfu_rig_request(r, RQ_ABORT));
  }
}

// --- blocks ---

// Reads from `address` in blocks of `size` until a short one; how many bytes.
static uint32_t read_all(struct dfu_rig *r, uint32_t address, uint16_t size) {
  uint32_t n = 0;
  bool full = true;
  point(r, address);
  for (uint16_t block = 2; full; block++) {
    assert_true(dfu_rig_in(r, RQ_UPLOAD, block, size));
    full = r->got_length == size;
    if (r->got_length) {
      const uint8_t *expected = board_media_at(&r->board, address + n);
      assert_memory_equal(r->got, expected, r->got_length);
    }
    n += r->got_length;
    assert_int_equal(dfu_rig_state(r), full ? UPLOAD_IDLE : IDLE);
  }
  return n;
}

// To the end and past it, where there is a short block or an empty one, no STALL.
static void a_medium_is_read_to_its_end_in_blocks_of_any_size(void **state) {
  struct dfu_rig *r = *state;
  static const uint16_t sizes[] = {1, 63, 64, 1000, 1024, 2048, 4095, 4096};
  fill_media(r);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const uint32_t start = sizes[i] == 1 ? BOARD_NOR_END - 3000 : BOARD_NOR;
    assert_int_equal(read_all(r, start, sizes[i]), BOARD_NOR_END - start);
  }
  assert_int_equal(read_all(r, BOARD_INTERNAL, 4096),
                   BOARD_INTERNAL_END - BOARD_INTERNAL);
  assert_int_equal(read_all(r, BOARD_INTERNAL + 1, 1024),
                   BOARD_INTERNAL_END - BOARD_INTERNAL - 1);
  assert_int_equal(read_all(r, BOARD_NOR_END, 4096), 0);
}

// The last block may ask for less; block numbers keep counting in the first size.
static void the_first_block_sets_the_size(void **state) {
  struct dfu_rig *r = *state;
  fill_media(r);
  point(r, BOARD_NOR);
  static const struct {
    uint16_t block, length;
    uint32_t address;
  } steps[] = {
      {2, 1024, 0x90000000}, {3, 1024, 0x90000400}, {4, 10, 0x90000800},
      {9, 1000, 0x90001C00}, {2, 7, 0x90000000},
  };
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    assert_true(dfu_rig_in(r, RQ_UPLOAD, steps[i].block, steps[i].length));
    assert_int_equal(r->got_length, steps[i].length);
    assert_memory_equal(r->got, board_media_at(&r->board, steps[i].address),
                        steps[i].length);
  }
  assert_true(dfu_rig_request(r, RQ_ABORT));  // a new upload, a new size
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 3, 16));
  assert_memory_equal(r->got, board_media_at(&r->board, 0x90000010), 16);
}

// A list of commands that fills its block leaves dfuUPLOAD-IDLE, and is no data block.
static void the_list_of_commands_sets_no_size(void **state) {
  struct dfu_rig *r = *state;
  fill_media(r);
  for (int earlier = 0; earlier < 2; earlier++) {
    point(r, BOARD_NOR);
    if (earlier) {
      assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 512));
      assert_true(dfu_rig_request(r, RQ_ABORT));
    }
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 0, 3));
    assert_int_equal(dfu_rig_state(r), UPLOAD_IDLE);
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 2048));
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 3, 2048));
    assert_memory_equal(r->got, board_media_at(&r->board, 0x90000800), 2048);
    assert_true(dfu_rig_request(r, RQ_ABORT));
  }
}

// The alternate setting's first writable byte, until a set-address.
static void the_default_pointer_is_that_of_the_medium(void **state) {
  struct dfu_rig *r = *state;
  static const uint32_t first[] = {BOARD_APP, BOARD_NOR};
  fill_media(r);
  point(r, BOARD_NOR + 100);
  for (uint8_t alternate = 0; alternate < 2; alternate++) {
    assert_true(r->cls.set_alternate(r->cls.ctx, alternate));
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
    assert_memory_equal(r->got, board_media_at(&r->board, first[alternate]), 64);
  }
  r->cls.reset(r->cls.ctx);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
  assert_memory_equal(r->got, board_media_at(&r->board, BOARD_APP), 64);
}

// Without a writable byte it is the end, where there is nothing to read or write.
static void a_read_only_medium_has_an_empty_default(void **state) {
  struct dfu_rig *r = *state;
  r->board.nor.media.geometry.runs[0].writable = false;
  assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
  assert_int_equal(r->got_length, 0);
}

// --- what cannot be read ---

static void an_odd_block_is_stalled(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint16_t block, length;
  } cases[] = {{1, 64}, {1, 4096}, {2, 0}, {0, 0}, {2, 4097}, {0, 4097}, {2, 65535}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int later = 0; later < 2; later++) {
      if (later) assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 64));
      assert_false(dfu_rig_in(r, RQ_UPLOAD, cases[i].block, cases[i].length));
      expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
      expect_reason(r, "this request is not allowed now");
      assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
    }
  }
}

static void a_block_of_no_flash_is_an_error_with_its_address(void **state) {
  struct dfu_rig *r = *state;
  point(r, BOARD_NOR_END);
  assert_false(dfu_rig_in(r, RQ_UPLOAD, 3, 4096));
  const struct dfu_told t = dfu_rig_status(r);
  expect_told(t, ERR_TARGET, ERROR);
  assert_int_equal(t.string, DFU_STRING_REASON);
  expect_reason(r,
                "at 0x90009000: this address belongs to no flash; "
                "check the file's addresses");
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  point(r, BOARD_INTERNAL_END);
  assert_false(dfu_rig_in(r, RQ_UPLOAD, 65535, 4096));
  expect_told(dfu_rig_status(r), ERR_TARGET, ERROR);
}

static void a_read_that_fails_is_told(void **state) {
  struct dfu_rig *r = *state;
  point(r, BOARD_NOR);
  ram_medium_fail(&r->board.nor, RAM_READ, 2, ST_BUS_TIMEOUT);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 1024));
  assert_false(dfu_rig_in(r, RQ_UPLOAD, 3, 1024));
  expect_told(dfu_rig_status(r), ERR_UNKNOWN, ERROR);
  expect_reason(r,
                "at 0x90000400: the QSPI controller does not finish; "
                "reset the board");
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 3, 1024));
}

// --- bytes that are read where they lie ---

static uint8_t before[TRANSFER];

// A block is on its way, not all of it was sent yet.
static void begin_block(struct dfu_rig *r) {
  assert_true(dfu_rig_request(r, RQ_ABORT));
  fill_media(r);
  memcpy(before, r->board.nor.bytes, TRANSFER);
  point(r, BOARD_NOR);
  assert_true(dfu_rig_in_unfinished(r, RQ_UPLOAD, 2, TRANSFER));
  assert_ptr_equal(r->dfu.loan.data, r->board.nor.window);
  memset(r->dfu.upload, 0xEE, TRANSFER);
}

static void expect_sheltered(const struct dfu_rig *r) {
  assert_ptr_equal(r->dfu.loan.data, r->dfu.upload);
  assert_memory_equal(r->dfu.upload, before, TRANSFER);
}

static void a_block_on_its_way_stays_as_it_was(void **state) {
  struct dfu_rig *r = *state;
  uint8_t other[TRANSFER];
  uint32_t done;
  struct session *s = &r->board.session;
  begin_block(r);
  assert_int_equal(session_read(s, BOARD_NOR + TRANSFER, other, TRANSFER, &done),
                   ST_OK);
  expect_sheltered(r);
  begin_block(r);
  assert_true(session_claim(s, SESSION_SERIAL));
  memset(other, 0x12, sizeof other);
  assert_true(session_write(s, BOARD_NOR, other, TRANSFER));
  while (memcmp(r->board.nor.bytes, other, TRANSFER) != 0)
    dfu_rig_pass(r);
  expect_sheltered(r);
}

// Neither by the next request, nor when its own has ended.
static void a_block_that_was_sent_is_kept_no_more(void **state) {
  struct dfu_rig *r = *state;
  static uint8_t other[1024], untouched[TRANSFER];
  uint32_t done;
  memset(untouched, 0xEE, sizeof untouched);
  for (int i = 0; i < 2; i++) {
    begin_block(r);
    if (i == 0) assert_true(dfu_rig_in_unfinished(r, RQ_GETSTATE, 0, 1));
    if (i == 1) {
      const struct usb_setup s = {0xA1, RQ_UPLOAD, 2, 0, TRANSFER};
      r->cls.completed(r->cls.ctx, &s);
    }
    assert_int_equal(r->dfu.loan.length, 0);
    assert_int_equal(session_read(&r->board.session, BOARD_NOR, other, 1024, &done),
                     ST_OK);
    assert_memory_equal(r->dfu.upload, untouched, TRANSFER);
  }
}

// What was accepted is read as if it were there, however far it is.
static void what_was_accepted_is_read(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t data[16] = "accepted before";
  for (int polls = 0; polls < 40; polls++) {
    memset(r->board.nor.bytes, 0x77, 2 * TRANSFER);
    r->board.nor.program_us = r->board.nor.erase_us = 1000;
    point(r, BOARD_NOR);
    assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, data, sizeof data));
    assert_true(dfu_rig_request(r, RQ_ABORT));
    for (int i = 0; i < polls; i++)
      dfu_rig_pass(r);
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, TRANSFER));
    assert_memory_equal(r->got, data, sizeof data);
    for (size_t i = sizeof data; i < TRANSFER; i++)
      assert_int_equal(r->got[i], 0x77);
    assert_true(dfu_rig_in(r, RQ_UPLOAD, 3, TRANSFER));  // waits for the flash
    for (size_t i = 0; i < TRANSFER; i++)
      assert_int_equal(r->got[i], 0x77);
    expect_told(dfu_rig_finish(r), OK, IDLE);
  }
}

// A flash that is busy for longer than a host waits for a reply.
static void a_flash_that_stays_busy_is_not_waited_for(void **state) {
  struct dfu_rig *r = *state;
  *board_media_at(&r->board, BOARD_NOR) = 0;
  r->board.nor.erase_us = 1500000;
  point(r, BOARD_NOR);
  expect_told(dfu_rig_erase(r, BOARD_NOR), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_request(r, RQ_ABORT));
  while (!r->board.nor.busy)
    dfu_rig_pass(r);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 2, 1));
  assert_false(dfu_rig_in(r, RQ_UPLOAD, 3, 4096));
  assert_in_range(r->held_us, 900000, 901000);
  expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
  assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  dfu_rig_settle(r);
  assert_true(dfu_rig_in(r, RQ_UPLOAD, 3, 4096));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(the_commands_are_listed),
      dfu_rig_test(a_medium_is_read_to_its_end_in_blocks_of_any_size),
      dfu_rig_test(the_first_block_sets_the_size),
      dfu_rig_test(the_list_of_commands_sets_no_size),
      dfu_rig_test(the_default_pointer_is_that_of_the_medium),
      dfu_rig_test(a_read_only_medium_has_an_empty_default),
      dfu_rig_test(an_odd_block_is_stalled),
      dfu_rig_test(a_block_of_no_flash_is_an_error_with_its_address),
      dfu_rig_test(a_read_that_fails_is_told),
      dfu_rig_test(a_block_on_its_way_stays_as_it_was),
      dfu_rig_test(a_block_that_was_sent_is_kept_no_more),
      dfu_rig_test(what_was_accepted_is_read),
      dfu_rig_test(a_flash_that_stays_busy_is_not_waited_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
