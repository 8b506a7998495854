// SPDX-License-Identifier: MIT
// DNLOAD: DfuSe commands and data blocks, what their status requests answer, and how
// each failure is told.
#include "firmware/usb/dfu.h"

#include "tests/unit/firmware/usb/dfu_rig.h"

static uint8_t pattern[TRANSFER];

static void fill(uint8_t seed) {
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(seed + i * 11 + i / 256);
}

#define NO_FLASH  "this address belongs to no flash; check the file's addresses"
#define QUADBOOT  "quadboot lives here; applications start at 0x08010000"
#define PAST_END  "the data runs past the end of the flash; use a smaller file"
#define FORBIDDEN "this request is not allowed now"

// Back to dfuIDLE, where a write works: whatever happened has left no trace.
static void expect_usable(struct dfu_rig *r) {
  if (dfu_rig_state(r) == ERROR) assert_true(dfu_rig_request(r, RQ_CLRSTATUS));
  assert_true(dfu_rig_request(r, RQ_ABORT));
  assert_int_equal(dfu_rig_state(r), IDLE);
  expect_reason(r, "ok");
  fill(0x31);
  expect_told(dfu_rig_erase(r, 0x90006000), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_write(r, 0x90006000, pattern, 64), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_finish(r), OK, IDLE);
  assert_memory_equal(board_media_at(&r->board, 0x90006000), pattern, 64);
}

// --- commands ---

static void set_address_is_busy_once_and_costs_no_sleep(void **state) {
  struct dfu_rig *r = *state;
  assert_true(dfu_rig_command(r, 0x21, 0x90001000));
  assert_int_equal(dfu_rig_state(r), SYNC);
  const struct dfu_told t = dfu_rig_status(r);
  expect_told(t, OK, BUSY);
  assert_int_equal(t.poll_ms, 0);
  dfu_rig_settle(r);
  expect_told(dfu_rig_status(r), OK, DNLOAD_IDLE);
  assert_int_equal(r->dfu.pointer, 0x90001000);
}

// It is carried out when it must be, but whoever reads sees it at once.
static void an_erase_is_noted(void **state) {
  struct dfu_rig *r = *state;
  *board_media_at(&r->board, 0x90003000) = 0;
  *board_media_at(&r->board, 0x90003FFF) = 0;
  *board_media_at(&r->board, 0x90004000) = 0;
  r->board.nor.erase_us = 45000;
  assert_true(dfu_rig_command(r, 0x41, 0x90003ABC));
  const struct dfu_told t = dfu_rig_status(r);
  expect_told(t, OK, BUSY);
  assert_int_equal(t.poll_ms, 0);  // like a set-address: it costs no sleep
  expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
  dfu_rig_settle(r);
  assert_int_equal(r->board.nor.calls[RAM_ERASE_START], 0);
  uint8_t byte = 0;
  assert_int_equal(writer_read(&r->board.writer, &r->board.nor.media, 0x3FFF, &byte, 1),
                   ST_OK);
  assert_int_equal(byte, 0xFF);
  expect_told(dfu_rig_finish(r), OK, IDLE);
  assert_in_range(r->held_us, 45000, 60000);
  assert_int_equal(r->board.nor.calls[RAM_ERASE_START], 1);
  assert_int_equal(*board_media_at(&r->board, 0x90003000), 0xFF);
  assert_int_equal(*board_media_at(&r->board, 0x90003FFF), 0xFF);
  assert_int_equal(*board_media_at(&r->board, 0x90004000), 0);
}

// AN2662: the GETSTATUS that follows starts the work, once its reply is out.
static void a_command_waits_for_its_first_status(void **state) {
  struct dfu_rig *r = *state;
  *board_media_at(&r->board, BOARD_NOR) = 0;
  assert_true(dfu_rig_command(r, 0x41, BOARD_NOR));
  dfu_rig_settle(r);
  assert_int_equal(dfu_rig_state(r), SYNC);
  assert_true(dfu_rig_in_unfinished(r, RQ_GETSTATUS, 0, 6));
  expect_told(dfu_rig_told(r), OK, BUSY);
  assert_true(dfu_rig_in(r, RQ_GETSTATE, 0, 1));  // completes, but is no GETSTATUS
  dfu_rig_settle(r);
  assert_true(session_settled(&r->board.session));
  expect_told(dfu_rig_status(r), OK, BUSY);
  dfu_rig_settle(r);
  assert_false(session_settled(&r->board.session));
  expect_told(dfu_rig_status(r), OK, DNLOAD_IDLE);
}

static void mass_erase_takes_the_selected_medium(void **state) {
  struct dfu_rig *r = *state;
  for (uint8_t alternate = 0; alternate < 2; alternate++) {
    memset(r->board.internal.bytes, 0, r->board.internal.media.geometry.size);
    memset(r->board.nor.bytes, 0, r->board.nor.media.geometry.size);
    assert_true(r->cls.set_alternate(r->cls.ctx, alternate));
    // The pointer may be anywhere: the alternate setting decides.
    assert_true(dfu_rig_command(r, 0x21, alternate ? BOARD_APP : BOARD_NOR));
    dfu_rig_wait(r);
    assert_true(dfu_rig_mass_erase(r));
    const struct dfu_told t = dfu_rig_status(r);
    expect_told(t, OK, BUSY);
    assert_true(t.poll_ms >= 1);
    expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
    const int app = *board_media_at(&r->board, BOARD_APP);
    const int last = *board_media_at(&r->board, BOARD_INTERNAL_END - 1);
    const int nor = *board_media_at(&r->board, BOARD_NOR_END - 1);
    assert_int_equal(app, alternate ? 0 : 0xFF);
    assert_int_equal(last, alternate ? 0 : 0xFF);
    assert_int_equal(nor, alternate ? 0xFF : 0);
    assert_int_equal(*board_media_at(&r->board, BOARD_APP - 1), 0);  // quadboot's
  }
}

static const struct {
  uint8_t bytes[6];
  uint16_t length;
  uint8_t status;
  const char *sentence;
} bad_commands[] = {
    {{0x21, 0, 0, 0, 0x90}, 1, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x21, 0, 0, 0, 0x90}, 4, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x21, 0, 0, 0, 0x90, 0}, 6, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x41, 0, 0, 0, 0x90}, 2, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x41, 0, 0, 0, 0x90}, 4, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x41, 0, 0, 0, 0x90, 0}, 6, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x00}, 1, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x22, 0, 0, 0, 0x90}, 5, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0xFF}, 1, ERR_STALLED, "this DfuSe command is unknown here"},
    {{0x92},
     1,
     ERR_VENDOR,
     "read-unprotect would erase the bootloader; use a debug probe"},
};

static void a_bad_command_is_told_at_the_second_status(void **state) {
  struct dfu_rig *r = *state;
  for (size_t i = 0; i < sizeof bad_commands / sizeof *bad_commands; i++) {
    assert_true(
        dfu_rig_out(r, RQ_DNLOAD, 0, bad_commands[i].bytes, bad_commands[i].length));
    const struct dfu_told t = dfu_rig_status(r);
    expect_told(t, OK, BUSY);
    assert_int_equal(t.string, 0);
    dfu_rig_settle(r);
    expect_told(dfu_rig_status(r), bad_commands[i].status, ERROR);
    expect_reason(r, bad_commands[i].sentence);
    expect_usable(r);
  }
  assert_int_equal(r->board.nor.calls[RAM_ERASE_START], 0);
  assert_int_equal(r->board.internal.calls[RAM_ERASE_START], 0);
}

// A command of the longest length is read no further than its bytes.
static void every_length_of_a_command_is_judged(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t opcodes[] = {0x21, 0x41};
  for (int k = 0; k < 2; k++) {
    for (uint16_t length = 1; length <= 64; length++) {
      const bool good = length == 5 || (opcodes[k] == 0x41 && length == 1);
      uint8_t bytes[64] = {opcodes[k], 0, 0, 0, 0x90};
      assert_true(dfu_rig_out(r, RQ_DNLOAD, 0, bytes, length));
      expect_told(dfu_rig_wait(r), good ? OK : ERR_STALLED, good ? DNLOAD_IDLE : ERROR);
      dfu_rig_request(r, good ? RQ_ABORT : RQ_CLRSTATUS);
    }
  }
  uint8_t longest[TRANSFER] = {0x41};
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 0, longest, TRANSFER));
  expect_told(dfu_rig_wait(r), ERR_STALLED, ERROR);
}

// --- data blocks ---

static void a_block_may_go_straight_to_idle(void **state) {
  struct dfu_rig *r = *state;
  fill(1);
  expect_told(dfu_rig_write(r, 0x90000000, pattern, 100), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 3, pattern, 100));
  assert_int_equal(dfu_rig_state(r), SYNC);
  dfu_rig_settle(r);
  const struct dfu_told t = dfu_rig_status(r);
  expect_told(t, OK, DNLOAD_IDLE);
  assert_int_equal(t.poll_ms, 0);
}

// What was taken would take a second: no more is taken until it is less.
static void too_much_work_is_busy(void **state) {
  struct dfu_rig *r = *state;
  fill(2);
  r->board.nor.program_us = 300000;
  r->board.nor.media.geometry.program_us_per_kb = 75000;
  expect_told(dfu_rig_write(r, 0x90000000, pattern, TRANSFER), OK, DNLOAD_IDLE);
  unsigned busy = 0;
  for (uint16_t block = 3; block < 9; block++) {
    const uint32_t start = r->board.now_us;
    assert_true(dfu_rig_out(r, RQ_DNLOAD, block, pattern, TRANSFER));
    dfu_rig_pass(r);
    const struct dfu_told t = dfu_rig_status(r);
    const bool waits = t.state == BUSY;
    busy += waits;
    // The operation, and what went beyond: one block and erases of 30 ms.
    if (waits) assert_in_range(t.poll_ms, 1, 650);
    expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
    const uint32_t limit = waits ? 1000 * t.poll_ms + 20000 : 1000;
    assert_true(r->board.now_us - start <= limit);
  }
  assert_in_range(busy, 2, 4);
  expect_told(dfu_rig_finish(r), OK, IDLE);
  for (uint32_t i = 0; i < 7 * TRANSFER; i++)
    assert_int_equal(*board_media_at(&r->board, 0x90000000 + i), pattern[i % TRANSFER]);
}

// The address before each block (dfu-util), or once and block numbers that rise
// (fwupd): the same bytes in the same places.
static void both_ways_of_addressing_work(void **state) {
  struct dfu_rig *r = *state;
  fill(3);
  expect_told(dfu_rig_write(r, 0x08010000, pattern, TRANSFER), OK, DNLOAD_IDLE);
  for (uint16_t block = 3; block < 18; block++) {
    const uint16_t length = block == 17 ? 1000 : TRANSFER;
    assert_true(dfu_rig_out(r, RQ_DNLOAD, block, pattern, length));
    expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
  }
  for (uint32_t i = 0; i < 7; i++) {
    const uint32_t at = 0x90000000 + i * TRANSFER;
    expect_told(dfu_rig_write(r, at, pattern, TRANSFER), OK, DNLOAD_IDLE);
  }
  dfu_rig_settle(r);
  for (uint32_t i = 0; i < 15 * TRANSFER + 1000; i++) {
    assert_int_equal(*board_media_at(&r->board, 0x08010000 + i), pattern[i % TRANSFER]);
  }
  assert_int_equal(*board_media_at(&r->board, 0x08010000 + 15 * TRANSFER + 1000), 0xFF);
  for (uint32_t i = 0; i < 7 * TRANSFER; i++) {
    assert_int_equal(*board_media_at(&r->board, 0x90000000 + i), pattern[i % TRANSFER]);
  }
}

// Without any set-address: the first writable byte of the medium.
static void the_default_pointer_is_the_first_writable_address(void **state) {
  struct dfu_rig *r = *state;
  static const uint32_t first[] = {BOARD_APP, BOARD_NOR};
  fill(4);
  for (uint8_t alternate = 0; alternate < 2; alternate++) {
    assert_true(r->cls.set_alternate(r->cls.ctx, alternate));
    assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, pattern, 32));
    expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
    expect_told(dfu_rig_finish(r), OK, IDLE);
    assert_memory_equal(board_media_at(&r->board, first[alternate]), pattern, 32);
  }
  assert_false(r->cls.set_alternate(r->cls.ctx, 2));
  assert_int_equal(r->dfu.alternate, 1);
}

static void a_block_that_cannot_be_is_stalled_before_its_data(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint16_t value, length;
  } cases[] = {{1, 1}, {1, 4096}, {2, 4097}, {2, 65535}, {0, 4097}, {1, 65535}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int after_write = 0; after_write < 2; after_write++) {
      fill(5);
      if (after_write) dfu_rig_write(r, 0x90000000, pattern, 16);
      const struct usb_setup s = {0x21, RQ_DNLOAD, cases[i].value, 0, cases[i].length};
      struct usb_reply reply = {.data = NULL};
      assert_int_equal(r->cls.setup(r->cls.ctx, &s, &reply), USB_STALL);
      expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
      expect_reason(r, FORBIDDEN);
      expect_usable(r);
    }
  }
}

// --- addresses that cannot be ---

static void a_bad_address_is_told_with_the_address(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint8_t opcode;
    uint32_t address;
    const char *sentence;
  } cases[] = {
      {0x21, 0x00000000, "at 0x00000000: " NO_FLASH},
      {0x21, 0x20000000, "at 0x20000000: " NO_FLASH},
      {0x21, 0x08040001, "at 0x08040001: " NO_FLASH},
      {0x21, 0x90008001, "at 0x90008001: " NO_FLASH},
      {0x21, 0xFFFFFFFF, "at 0xffffffff: " NO_FLASH},
      {0x41, 0x07FFFFFF, "at 0x07ffffff: " NO_FLASH},
      {0x41, 0x08000000, "at 0x08000000: " QUADBOOT},
      {0x41, 0x0800FFFF, "at 0x0800ffff: " QUADBOOT},
      {0x41, 0x08040000, "at 0x08040000: " NO_FLASH},
      {0x41, 0x90008000, "at 0x90008000: " NO_FLASH},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t pointer = r->dfu.pointer;
    assert_true(dfu_rig_command(r, cases[i].opcode, cases[i].address));
    expect_told(dfu_rig_status(r), OK, BUSY);
    dfu_rig_settle(r);
    const struct dfu_told t = dfu_rig_status(r);
    expect_told(t, ERR_TARGET, ERROR);
    assert_int_equal(t.string, DFU_STRING_REASON);
    expect_reason(r, cases[i].sentence);
    assert_int_equal(r->dfu.pointer, pointer);
    expect_usable(r);
  }
}

static void a_block_outside_what_is_writable_is_told_with_its_address(void **state) {
  struct dfu_rig *r = *state;
  static const struct {
    uint32_t pointer;
    uint16_t block, length;
    const char *sentence;
  } cases[] = {
      {0x08000000, 2, 16, "at 0x08000000: " QUADBOOT},
      {0x0800F000, 2, 4096, "at 0x0800f000: " QUADBOOT},
      {0x0800F800, 2, 4096, "at 0x0800f800: " QUADBOOT},
      {0x08040000, 2, 1, "at 0x08040000: " NO_FLASH},
      {0x0803F000, 3, 1, "at 0x08040000: " NO_FLASH},
      {0x0803F800, 2, 4096, "at 0x0803f800: " PAST_END},
      {0x90007000, 2, 4096, NULL},
      {0x90007001, 2, 4096, "at 0x90007001: " PAST_END},
      {0x90000000, 10, 1, "at 0x90008000: " NO_FLASH},
      {0x90008000, 65535, 1, "at 0xa0005000: " NO_FLASH},
  };
  fill(6);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_true(dfu_rig_command(r, 0x21, cases[i].pointer));
    expect_told(dfu_rig_wait(r), OK, DNLOAD_IDLE);
    const uint32_t programs = r->board.nor.calls[RAM_PROGRAM_START];
    assert_true(dfu_rig_out(r, RQ_DNLOAD, cases[i].block, pattern, cases[i].length));
    const bool good = !cases[i].sentence;
    expect_told(dfu_rig_wait(r), good ? OK : ERR_TARGET, good ? DNLOAD_IDLE : ERROR);
    expect_reason(r, good ? "ok" : cases[i].sentence);
    dfu_rig_settle(r);
    assert_int_equal(r->board.nor.calls[RAM_PROGRAM_START] - programs, good);
    expect_usable(r);
  }
  assert_int_equal(r->board.internal.calls[RAM_PROGRAM_START], 0);
}

// --- failures of the flash ---

enum job { ERASE, MASS_ERASE, WRITE };

static const struct {
  enum job job;
  enum ram_step step;
  enum status status;
  uint8_t told;
} faults[] = {
    {ERASE, RAM_ERASE_START, ST_FLASH_LOCKED, ERR_ERASE},
    {ERASE, RAM_ERASE_START, ST_BUS_TIMEOUT, ERR_ERASE},
    {ERASE, RAM_ERASE_END, ST_ERASE_FAILED, ERR_ERASE},
    {ERASE, RAM_ERASE_END, ST_FLASH_TIMEOUT, ERR_ERASE},
    {ERASE, RAM_ERASE_END, ST_FLASH_PROTECTED, ERR_ERASE},
    {ERASE, RAM_READ, ST_BUS_TIMEOUT, ERR_ERASE},
    {MASS_ERASE, RAM_READ, ST_BUS_TIMEOUT, ERR_ERASE},
    {MASS_ERASE, RAM_ERASE_START, ST_FLASH_LOCKED, ERR_ERASE},
    {MASS_ERASE, RAM_ERASE_END, ST_ERASE_FAILED, ERR_ERASE},
    {MASS_ERASE, RAM_ERASE_END, ST_FLASH_PROTECTED, ERR_ERASE},
    {MASS_ERASE, RAM_ERASE_END, ST_FLASH_TIMEOUT, ERR_ERASE},
    {WRITE, RAM_PROGRAM_START, ST_FLASH_LOCKED, ERR_PROG},
    {WRITE, RAM_PROGRAM_START, ST_BUS_TIMEOUT, ERR_PROG},
    {WRITE, RAM_PROGRAM_END, ST_PROGRAM_FAILED, ERR_PROG},
    {WRITE, RAM_PROGRAM_END, ST_FLASH_PROTECTED, ERR_PROG},
    {WRITE, RAM_PROGRAM_END, ST_FLASH_TIMEOUT, ERR_PROG},
    {WRITE, RAM_READ, ST_BUS_TIMEOUT, ERR_PROG},
};

// To its end, which may come before the ABORT or with it.
static struct dfu_told do_job(struct dfu_rig *r, enum job job) {
  struct dfu_told t;
  if (job == MASS_ERASE) {
    assert_true(dfu_rig_mass_erase(r));
    t = dfu_rig_wait(r);
  } else {
    t = job == WRITE ? dfu_rig_write(r, 0x90001000, pattern, 256)
                     : dfu_rig_erase(r, 0x90001234);
  }
  return t.state == ERROR ? t : dfu_rig_finish(r);
}

static void each_failure_of_the_flash_is_told_truly(void **state) {
  struct dfu_rig *r = *state;
  assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    fill(7);
    memset(r->board.nor.bytes, 0xFF, r->board.nor.media.geometry.size);
    if (faults[i].job != WRITE) *board_media_at(&r->board, 0x90001000) = 0;
    // 4 blank KB before; or the look at what an erase was noted for, which is not told.
    const uint32_t reads =
        faults[i].job == MASS_ERASE ? 5 : 1 + (faults[i].job == ERASE);
    const uint32_t countdown = faults[i].step == RAM_READ ? reads : 1;
    ram_medium_fail(&r->board.nor, faults[i].step, countdown, faults[i].status);
    expect_told(do_job(r, faults[i].job), faults[i].told, ERROR);
    char expected[256] = "at 0x90001000: ";
    expect_reason(r, strcat(expected, status_sentence(faults[i].status)));
    expect_usable(r);
    assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  }
}

static void a_low_supply_forbids_erases_and_writes(void **state) {
  struct dfu_rig *r = *state;
  static const char sentence[] =
      "at 0x90001000: the supply voltage is too low to write flash; check the power";
  assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  for (int job = ERASE; job <= WRITE; job++) {
    fill(8);
    memset(r->board.nor.bytes, 0xFF, r->board.nor.media.geometry.size);
    if (job != WRITE) *board_media_at(&r->board, 0x90001000) = 0;
    board_media_supply = false;
    expect_told(do_job(r, (enum job)job), job == WRITE ? ERR_PROG : ERR_ERASE, ERROR);
    expect_reason(r, sentence);
    board_media_supply = true;
    expect_usable(r);
    assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  }
}

// fwupd forgets the last sector.
static void what_was_not_erased_is_written_and_its_neighbours_stay(void **state) {
  struct dfu_rig *r = *state;
  fill(9);
  memset(board_media_at(&r->board, 0x08020000), 0x66, 128 * 1024);
  expect_told(dfu_rig_write(r, 0x08021000, pattern, 100), OK, DNLOAD_IDLE);
  expect_told(dfu_rig_finish(r), OK, IDLE);
  for (uint32_t i = 0; i < 128 * 1024; i++) {
    const uint32_t at = i - 0x1000;
    assert_int_equal(*board_media_at(&r->board, 0x08020000 + i),
                     at < 100 ? pattern[at] : 0x66);
  }
  assert_int_equal(r->board.internal.calls[RAM_ERASE_START], 1);
}

static void a_bit_that_did_not_stay_is_told_exactly(void **state) {
  struct dfu_rig *r = *state;
  memset(pattern, 0, sizeof pattern);
  r->board.internal.stuck.offset = 0x10123;
  r->board.internal.stuck.high = 0x40;
  const struct dfu_told t = dfu_rig_write(r, 0x08010000, pattern, TRANSFER);
  expect_told(t.state == ERROR ? t : dfu_rig_finish(r), ERR_VERIFY, ERROR);
  expect_reason(r,
                "at 0x08010123: the flash does not hold what was written; try again");
  expect_usable(r);
}

// In dfuDNBUSY first: dfu-util takes any other answer to a command for a defect, and
// accepts it for data.
static void a_failure_is_never_the_first_answer(void **state) {
  struct dfu_rig *r = *state;
  fill(10);
  assert_true(dfu_rig_out(r, RQ_DNLOAD, 2, pattern, 8));
  ram_medium_fail(&r->board.internal, RAM_PROGRAM_START, 1, ST_FLASH_LOCKED);
  dfu_rig_settle(r);
  assert_int_equal(dfu_rig_state(r), SYNC);
  expect_told(dfu_rig_status(r), OK, BUSY);
  expect_told(dfu_rig_status(r), ERR_PROG, ERROR);
  expect_told(dfu_rig_status(r), ERR_PROG, ERROR);  // stays
}

// A string descriptor holds 126 characters.
static void every_sentence_fits_behind_an_address(void **state) {
  struct dfu_rig *r = *state;
  static const enum status all[] = {
#define X(name, number, sentence) ST_##name,
      STATUS_LIST(X)
#undef X
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char text[DFU_REASON_MAX + 1], expected[256] = "at 0x89abcdef: ";
    r->dfu.told = (struct dfu_failure){.status = ERR_UNKNOWN,
                                       .reason = all[i],
                                       .address = 0x89ABCDEF,
                                       .has_address = true};
    strcat(expected, all[i] == ST_OK ? FORBIDDEN : status_sentence(all[i]));
    assert_int_equal(dfu_reason(&r->dfu, text), strlen(expected));
    assert_string_equal(text, expected);
    assert_true(strlen(text) <= 126);
  }
}

// --- poll times ---

// However far a mass erase has come: 1 to 1000 ms, and never 100, which dfu-util
// replaces by 35 s. dfu_rig_status checks the bounds.
static void a_mass_erase_never_asks_for_100_ms(void **state) {
  struct dfu_rig *r = *state;
  assert_true(r->cls.set_alternate(r->cls.ctx, 1));
  memset(r->board.nor.bytes, 0, r->board.nor.media.geometry.size);
  r->board.nor.erase_us = 400000;  // slower than typical, so that every value is met
  r->board.nor.media.geometry.runs[0].erase_us = 30000;
  assert_true(dfu_rig_mass_erase(r));
  bool met[1001] = {false};
  struct dfu_told t;
  while ((t = dfu_rig_status(r)).state == BUSY) {
    assert_true(t.poll_ms >= 1);
    met[t.poll_ms] = true;
    if (!dfu_poll(&r->dfu)) r->board.now_us += 333;
  }
  expect_told(t, OK, DNLOAD_IDLE);
  assert_true(met[99] && met[101] && met[98] && met[102] && !met[100]);
}

static void long_work_asks_for_a_second_at_most(void **state) {
  struct dfu_rig *r = *state;
  r->board.internal.erase_us = 7000000;
  r->board.internal.media.geometry.runs[2].erase_us = 2000000;
  *board_media_at(&r->board, 0x08020000) = 0;
  expect_told(dfu_rig_erase(r, 0x08020000), OK, DNLOAD_IDLE);
  assert_true(dfu_rig_request(r, RQ_ABORT));
  struct dfu_told t = dfu_rig_status(r);
  assert_in_range(r->held_us, 900000, 901000);  // the first is held, no other
  unsigned asked = 0;
  for (; t.poll_ms; t = dfu_rig_status(r), asked++) {  // longer than typical in the end
    expect_told(t, OK, IDLE);
    if (asked) assert_int_equal(r->held_us, 0);
    for (const uint32_t start = r->board.now_us;
         r->board.now_us - start < 1000 * t.poll_ms;)
      dfu_rig_pass(r);
  }
  assert_in_range(asked, 6, 100);
  assert_int_equal(*board_media_at(&r->board, 0x08020000), 0xFF);
}

// --- requests of odd shape ---

static void only_dnload_has_data(void **state) {
  struct dfu_rig *r = *state;
  static const uint8_t requests[] = {RQ_DETACH, RQ_CLRSTATUS, RQ_ABORT};
  static const uint8_t erase[5] = {0x41, 0, 0, 0, 0x90};
  for (int k = 0; k < 3; k++) {
    for (int as_data = 0; as_data < 2; as_data++) {
      *board_media_at(&r->board, BOARD_NOR) = 0x77;
      assert_false(dfu_rig_out(r, requests[k], as_data ? 2 : 0, erase, 5));
      expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
      dfu_rig_settle(r);
      assert_int_equal(*board_media_at(&r->board, BOARD_NOR), 0x77);
      assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0xFF);
      // In dfuERROR it changes nothing.
      assert_false(dfu_rig_out(r, requests[k], 0, erase, 5));
      expect_told(dfu_rig_status(r), ERR_STALLED, ERROR);
      *board_media_at(&r->board, BOARD_NOR) = 0xFF;
      expect_usable(r);
    }
  }
}

static void a_status_is_cut_to_what_was_asked_for(void **state) {
  struct dfu_rig *r = *state;
  static const uint16_t lengths[] = {0, 1, 2, 3, 4, 5, 6, 7, 64, 4096, 65535};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint16_t given = lengths[i] < 6 ? lengths[i] : 6;
    assert_true(dfu_rig_in(r, RQ_GETSTATUS, 0, lengths[i]));
    assert_int_equal(r->got_length, given);
    if (given > 4) assert_int_equal(r->got[4], IDLE);
    assert_true(dfu_rig_in(r, RQ_GETSTATE, 0, lengths[i]));
    assert_int_equal(r->got_length, lengths[i] < 1 ? 0 : 1);
  }
}

// What is no DFU request is stalled and changes nothing.
static void other_requests_are_stalled(void **state) {
  struct dfu_rig *r = *state;
  static const struct usb_setup cases[] = {
      {0x21, 7, 0, 0, 0}, {0xA1, 7, 0, 0, 6},  {0x21, 255, 0, 0, 0},
      {0xA1, 0, 0, 0, 0}, {0xA1, 1, 2, 0, 64}, {0xA1, 4, 0, 0, 0},
      {0xA1, 6, 0, 0, 0}, {0x21, 2, 2, 0, 64}, {0x21, 3, 0, 0, 6},
      {0x21, 5, 0, 0, 1}, {0x41, 1, 2, 0, 64}, {0xC1, 3, 0, 0, 6},
      {0x41, 6, 0, 0, 0}, {0x61, 6, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct usb_reply reply = {.data = NULL};
    assert_int_equal(r->cls.setup(r->cls.ctx, &cases[i], &reply), USB_STALL);
    expect_told(dfu_rig_status(r), OK, IDLE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      dfu_rig_test(set_address_is_busy_once_and_costs_no_sleep),
      dfu_rig_test(an_erase_is_noted),
      dfu_rig_test(a_command_waits_for_its_first_status),
      dfu_rig_test(mass_erase_takes_the_selected_medium),
      dfu_rig_test(a_bad_command_is_told_at_the_second_status),
      dfu_rig_test(every_length_of_a_command_is_judged),
      dfu_rig_test(a_block_may_go_straight_to_idle),
      dfu_rig_test(too_much_work_is_busy),
      dfu_rig_test(both_ways_of_addressing_work),
      dfu_rig_test(the_default_pointer_is_the_first_writable_address),
      dfu_rig_test(a_block_that_cannot_be_is_stalled_before_its_data),
      dfu_rig_test(a_bad_address_is_told_with_the_address),
      dfu_rig_test(a_block_outside_what_is_writable_is_told_with_its_address),
      dfu_rig_test(each_failure_of_the_flash_is_told_truly),
      dfu_rig_test(a_low_supply_forbids_erases_and_writes),
      dfu_rig_test(what_was_not_erased_is_written_and_its_neighbours_stay),
      dfu_rig_test(a_bit_that_did_not_stay_is_told_exactly),
      dfu_rig_test(a_failure_is_never_the_first_answer),
      dfu_rig_test(every_sentence_fits_behind_an_address),
      dfu_rig_test(a_mass_erase_never_asks_for_100_ms),
      dfu_rig_test(long_work_asks_for_a_second_at_most),
      dfu_rig_test(only_dnload_has_data),
      dfu_rig_test(a_status_is_cut_to_what_was_asked_for),
      dfu_rig_test(other_requests_are_stalled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
