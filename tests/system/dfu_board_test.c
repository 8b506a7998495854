// SPDX-License-Identifier: MIT
// The DFU state machine over USB on the real bootloader: every cell of the DFU 1.1
// table (with DfuSe's leave and ST's CLRSTATUS) that a device in DFU mode can be
// asked for, and what the table leaves open: when work is begun, dropped and told.
#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "tests/hostmodel/dfu_client.h"

#define PLACE (EXTERNAL + 0x70000)

// --- the table -----------------------------------------------------------------

enum {
  STALLS = -1,   // and dfuERROR with errSTALLEDPKT
  KEEPS = -2,    // STALL; state and status as before
  UNKNOWN = -3,  // accepted; dfuERROR with errUNKNOWN
};

enum column {
  DETACH,
  DNLOAD_SOME,
  DNLOAD_NONE,
  UPLOAD_FULL,
  UPLOAD_SHORT,
  GETSTATUS,
  CLRSTATUS,
  GETSTATE,
  ABORT,
  COLUMNS,
};

static const char *const column_names[COLUMNS] = {
    "DETACH",    "DNLOAD",    "DNLOAD 0", "UPLOAD full", "UPLOAD short",
    "GETSTATUS", "CLRSTATUS", "GETSTATE", "ABORT"};

// States 0 and 1 are a run-time device's. State 8 is one of devices that wait for a
// bus reset after a download, which bmAttributes 0Bh rules out.
// clang-format off
static const struct {
  uint8_t state;
  int8_t next[COLUMNS];
} table[] = {
  //               DETACH  DNLOAD       DNLOAD 0       full         short   GETSTATUS     CLRSTATUS GETSTATE       ABORT
  {IDLE,          {STALLS, DNLOAD_SYNC, MANIFEST_SYNC, UPLOAD_IDLE, IDLE,   IDLE,         UNKNOWN, IDLE,          IDLE}},
  {DNLOAD_SYNC,   {STALLS, STALLS,      STALLS,        STALLS,      STALLS, DNBUSY,       UNKNOWN, DNLOAD_SYNC,   IDLE}},
  {DNBUSY,        {STALLS, STALLS,      STALLS,        STALLS,      STALLS, DNBUSY,       UNKNOWN, DNBUSY,        STALLS}},
  {DNLOAD_IDLE,   {STALLS, DNLOAD_SYNC, MANIFEST_SYNC, STALLS,      STALLS, DNLOAD_IDLE,  UNKNOWN, DNLOAD_IDLE,   IDLE}},
  {MANIFEST_SYNC, {STALLS, STALLS,      STALLS,        STALLS,      STALLS, MANIFEST,     UNKNOWN, MANIFEST_SYNC, IDLE}},
  {MANIFEST,      {STALLS, STALLS,      STALLS,        STALLS,      STALLS, MANIFEST,     UNKNOWN, MANIFEST,      STALLS}},
  {UPLOAD_IDLE,   {STALLS, STALLS,      STALLS,        UPLOAD_IDLE, IDLE,   UPLOAD_IDLE,  UNKNOWN, UPLOAD_IDLE,   IDLE}},
  {ERROR,         {KEEPS,  KEEPS,       KEEPS,         KEEPS,       KEEPS,  ERROR,        IDLE,    ERROR,         KEEPS}},
};
// clang-format on

enum { PIECE = 64, REQUESTS = 7, ALL_STATES = 11 };

// dfuIDLE with the address pointer there.
static void point_at(struct rig *r, uint32_t address) {
  assert_int_equal(dfu_set_address(r, address).state, DNLOAD_IDLE);
  dfu_abort(r);
}

// What is busy for a while: of the internal flash, where at least one sector is used.
static void begin_mass_erase(struct rig *r) {
  const uint8_t opcode = 0x41;
  dfu_spoil(r, 0x08020000, 1);
  assert_int_equal(dfu_select(r, 0), 0);
  assert_int_equal(dfu_dnload(r, 0, &opcode, 1), 1);
  assert_int_equal(dfu_status(r).state, DNBUSY);
}

// Before an upload that is to be short, half a piece is left of the medium.
static void enter(struct rig *r, uint8_t state, enum column column) {
  uint8_t piece[PIECE];
  const uint32_t left = column == UPLOAD_SHORT ? PIECE / 2 : PIECE;
  const uint32_t before = state == UPLOAD_IDLE ? PIECE : 0;
  point_at(r, EXTERNAL_END - before - left);
  switch (state) {
    case DNLOAD_SYNC: assert_int_equal(dfu_command(r, 0x21, PLACE), 5); break;
    case DNBUSY: begin_mass_erase(r); break;
    case DNLOAD_IDLE: dfu_set_address(r, PLACE); break;
    case MANIFEST_SYNC: dfu_dnload(r, 0, NULL, 0); break;
    case MANIFEST:
      dfu_dnload(r, 0, NULL, 0);
      assert_int_equal(dfu_status(r).state, MANIFEST);
      break;
    case UPLOAD_IDLE: assert_int_equal(dfu_upload(r, 2, piece, PIECE), PIECE); break;
    case ERROR: assert_int_equal(dfu_set_address(r, 0x1000).status, ERR_TARGET); break;
    default: break;
  }
  assert_int_equal(dfu_state(r), state);
}

static int ask(struct rig *r, uint8_t state, enum column column) {
  static const uint8_t command[5] = {0x21, 0, 0, 0, 0x90};
  uint8_t data[PIECE];
  const uint16_t block = state == UPLOAD_IDLE ? 3 : 2;
  switch (column) {
    case DETACH: return dfu_out(r, REQ_DETACH, 1000, 0, NULL);
    case DNLOAD_SOME: return dfu_dnload(r, 0, command, sizeof command);
    case DNLOAD_NONE: return dfu_dnload(r, 2, NULL, 0);
    case UPLOAD_FULL:
    case UPLOAD_SHORT: return dfu_upload(r, block, data, sizeof data);
    case GETSTATUS: return dfu_in(r, REQ_GETSTATUS, 0, 6, data);
    case CLRSTATUS: return dfu_out(r, REQ_CLRSTATUS, 0, 0, NULL);
    case GETSTATE: return dfu_in(r, REQ_GETSTATE, 0, 1, data);
    default: return dfu_out(r, REQ_ABORT, 0, 0, NULL);
  }
}

static int bytes_of(enum column column) {
  static const int bytes[COLUMNS] = {0, 5, 0, PIECE, PIECE / 2, 6, 0, 1, 0};
  return bytes[column];
}

static void check_cell(struct rig *r, uint8_t state, enum column column, int expected) {
  enter(r, state, column);
  const int n = ask(r, state, column);
  const bool stalls = expected == STALLS || expected == KEEPS;
  const int wanted = stalls ? -EPIPE : bytes_of(column);
  const uint8_t after = dfu_state(r);
  const uint8_t next = expected < 0 ? ERROR : (uint8_t)expected;
  if (n != wanted || after != next) {
    fail_msg("%s in state %u: %d, then state %u", column_names[column], state, n,
             after);
  }
  static const uint8_t codes[] = {
      [-STALLS] = ERR_STALLEDPKT, [-KEEPS] = ERR_TARGET, [-UNKNOWN] = ERR_UNKNOWN};
  if (expected < 0) assert_int_equal(dfu_status(r).status, codes[-expected]);
}

// After dfuMANIFEST the device goes away, and the application runs.
static void come_back(struct rig *r) {
  rig_run(r, VT_MS(200));
  assert_int_not_equal(r->m->marks.app_start, VT_NEVER);
  machine_button(r->m, true);
  rig_power_cycle(r);
  rig_configure(r);
}

static void every_cell(void **state) {
  struct rig *r = *state;
  unsigned states = 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++, states++) {
    for (int column = 0; column < COLUMNS; column++) {
      dfu_plant_application(r);
      const int expected = table[i].next[column];
      check_cell(r, table[i].state, (enum column)column, expected);
      if (table[i].state == MANIFEST || expected == MANIFEST) {
        come_back(r);
      } else {
        dfu_recover(r);
        rig_run(r, VT_MS(800));  // a mass erase that was left behind
      }
    }
  }
  print_message("%u of %u cells reached\n", states * REQUESTS, ALL_STATES * REQUESTS);
  dfu_expect_usable(r);
}

// --- GETSTATUS where work decides ----------------------------------------------

static uint8_t block[CLIENT_BLOCK];

static void begin_block(struct rig *r, uint32_t address) {
  assert_int_equal(dfu_set_address(r, address).state, DNLOAD_IDLE);
  assert_int_equal(dfu_dnload(r, 2, block, sizeof block), sizeof block);
  assert_int_equal(dfu_state(r), DNLOAD_SYNC);
}

static void spoil(struct rig *r, uint32_t address, uint8_t value) {
  *(uint8_t *)(uintptr_t)rig_memory(r, address) = value;
}

#define SAYS_WRITE "the flash reports a failed write; try again or replace the chip"

// The next page fails.
static void fail_program(struct rig *r) {
  r->m->nor.faults.fail_program = 1;
}

// A block that is done when it is asked for needs no dfuDNBUSY.
static void sync_goes_straight_on_when_the_work_is_done(void **state) {
  struct rig *r = *state;
  memset(block, 0x5A, sizeof block);
  begin_block(r, PLACE);
  rig_run(r, VT_MS(50));
  assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
  assert_memory_equal(rig_memory(r, PLACE), block, sizeof block);
}

static void busy_goes_on_when_the_work_is_done(void **state) {
  struct rig *r = *state;
  begin_mass_erase(r);
  assert_int_equal(dfu_status(r).state, DNBUSY);
  rig_run(r, VT_MS(800));
  assert_int_equal(dfu_state(r), DNBUSY);
  assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
}

// Work that fails shows as dfuDNBUSY first, however late the question.
static void busy_ends_in_error_when_the_work_fails(void **state) {
  struct rig *r = *state;
  static const uint32_t delays_ms[] = {0, 50};
  memset(block, 0x00, sizeof block);
  for (size_t i = 0; i < 2; i++) {
    dfu_blank(r, PLACE);
    fail_program(r);
    begin_block(r, PLACE);
    rig_run(r, VT_MS(delays_ms[i]));
    // It may be early enough for the next block.
    if (dfu_status(r).state == DNLOAD_IDLE) dfu_abort(r);
    dfu_expect_error(r, ERR_PROG, PLACE, SAYS_WRITE);
  }
}

// Leaving while an accepted block is being written: dfuDNBUSY until it is.
static void manifest_waits_for_the_work(void **state) {
  struct rig *r = *state;
  dfu_plant_application(r);
  memset(block, 0x5A, sizeof block);
  begin_block(r, PLACE);
  dfu_abort(r);
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  assert_int_equal(dfu_state(r), MANIFEST_SYNC);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, DNBUSY);
  rig_run(r, VT_MS(s.poll_ms));
  const struct reply end = dfu_wait(r);
  assert_int_equal(end.state, MANIFEST);
  assert_memory_equal(rig_memory(r, PLACE), block, sizeof block);
  come_back(r);
}

static void manifest_tells_work_that_failed(void **state) {
  struct rig *r = *state;
  dfu_plant_application(r);
  memset(block, 0x5A, sizeof block);
  fail_program(r);
  begin_block(r, PLACE);
  dfu_abort(r);
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  assert_int_equal(dfu_status(r).state, DNBUSY);
  dfu_expect_error(r, ERR_PROG, PLACE, SAYS_WRITE);
  rig_run(r, VT_MS(200));
  assert_int_equal(r->m->marks.app_start, VT_NEVER);
}

// --- what is kept and what is dropped ------------------------------------------

static void select_again(struct rig *r) {
  assert_int_equal(dfu_select(r, 0), 0);
}

// A command that no GETSTATUS has started is dropped by ABORT and SET_INTERFACE.
static void unexecuted_commands_are_dropped(void **state) {
  struct rig *r = *state;
  void (*const ends[])(struct rig *) = {dfu_abort, select_again};
  spoil(r, PLACE, 0x00);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(dfu_command(r, 0x41, PLACE), 5);
    ends[i](r);
    const struct reply s = dfu_status(r);
    assert_int_equal(s.state, IDLE);
    assert_int_equal(s.poll_ms, 0);
    rig_run(r, VT_MS(500));
    assert_int_equal(*rig_memory(r, PLACE), 0x00);
  }
}

// Data that were accepted are written, whatever comes after them; the status behind an
// ABORT is held until they are.
static void accepted_data_are_kept(void **state) {
  struct rig *r = *state;
  void (*const ends[])(struct rig *) = {dfu_abort, select_again, rig_configure};
  for (size_t i = 0; i < 3; i++) {
    const uint32_t place = PLACE + 0x10000 * (uint32_t)i;
    dfu_pattern(block, sizeof block, place);
    begin_block(r, place);
    ends[i](r);
    const struct reply s = dfu_status(r);
    assert_int_equal(s.state, IDLE);
    assert_int_equal(s.poll_ms, 0);
    if (i > 0) rig_run(r, VT_MS(50));
    const struct reply after = dfu_status(r);
    assert_int_equal(after.state, IDLE);
    assert_int_equal(after.poll_ms, 0);
    assert_memory_equal(rig_memory(r, place), block, sizeof block);
  }
}

// And a failure of them is told by the first status that can know.
static void a_late_failure_is_told(void **state) {
  struct rig *r = *state;
  memset(block, 0x5A, sizeof block);
  fail_program(r);
  begin_block(r, PLACE);
  select_again(r);
  rig_run(r, VT_MS(50));
  dfu_expect_error(r, ERR_PROG, PLACE, SAYS_WRITE);
  dfu_expect_usable(r);
}

// --- addresses -----------------------------------------------------------------

// fwupd's way: the address once, then rising block numbers.
static void rising_block_numbers(void **state) {
  struct rig *r = *state;
  uint8_t back[3 * CLIENT_BLOCK];
  assert_int_equal(dfu_erase(r, APPLICATION).state, DNLOAD_IDLE);
  assert_int_equal(dfu_set_address(r, APPLICATION).state, DNLOAD_IDLE);
  for (uint16_t i = 0; i < 3; i++) {
    dfu_pattern(block, sizeof block, i);
    assert_int_equal(dfu_dnload(r, (uint16_t)(2 + i), block, sizeof block),
                     sizeof block);
    assert_int_equal(dfu_wait(r).state, DNLOAD_IDLE);
  }
  dfu_abort(r);
  dfu_read(r, APPLICATION, back, sizeof back);
  for (uint32_t i = 0; i < 3; i++) {
    dfu_pattern(block, sizeof block, i);
    assert_memory_equal(back + i * sizeof block, block, sizeof block);
  }
}

// The blocks of an upload are as large as its first: dfu-util -t 1024. At any address.
static void uploads_of_any_block_size(void **state) {
  struct rig *r = *state;
  static const uint16_t sizes[] = {1, 63, 64, 1000, 1024, 2048, 4095, 4096};
  uint8_t data[CLIENT_BLOCK];
  uint8_t *cells = (uint8_t *)(uintptr_t)rig_memory(r, PLACE);
  dfu_pattern(cells, 5 * CLIENT_BLOCK, 1);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    point_at(r, PLACE + (uint32_t)i);
    for (uint16_t n = 0; n < 4; n++) {
      assert_int_equal(dfu_upload(r, (uint16_t)(2 + n), data, sizes[i]), sizes[i]);
      assert_memory_equal(data, cells + i + n * sizes[i], sizes[i]);
    }
    dfu_abort(r);
  }
}

// The address decides the medium. The alternate setting decides where an upload
// begins that sets none, and what a mass erase erases.
static void alternate_settings(void **state) {
  struct rig *r = *state;
  static const uint32_t starts[] = {APPLICATION, EXTERNAL};
  uint8_t data[16];
  for (uint8_t i = 0; i < 2; i++) {
    dfu_pattern((uint8_t *)(uintptr_t)rig_memory(r, starts[i]), sizeof data, i);
    assert_int_equal(dfu_select(r, i), 0);
    assert_int_equal(dfu_upload(r, 2, data, sizeof data), sizeof data);
    assert_memory_equal(data, rig_memory(r, starts[i]), sizeof data);
    dfu_abort(r);
    dfu_expect_usable(r);
  }
}

static void get_commands(void **state) {
  struct rig *r = *state;
  static const uint8_t commands[] = {0x00, 0x21, 0x41};
  uint8_t data[16];
  assert_int_equal(dfu_upload(r, 0, data, sizeof data), sizeof commands);
  assert_memory_equal(data, commands, sizeof commands);
  assert_int_equal(dfu_state(r), IDLE);
  assert_int_equal(dfu_upload(r, 0, data, 3), sizeof commands);
  assert_int_equal(dfu_state(r), UPLOAD_IDLE);
  dfu_abort(r);
}

// min(wLength, 6) bytes, and the same step of the state machine.
static void status_of_every_length(void **state) {
  struct rig *r = *state;
  static const uint16_t lengths[] = {0, 1, 2, 3, 4, 5, 6, 7, 64, 4096};
  uint8_t data[4096];
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    assert_int_equal(dfu_command(r, 0x21, PLACE), 5);
    const int n = dfu_in(r, REQ_GETSTATUS, 0, lengths[i], data);
    assert_int_equal(n, lengths[i] < 6 ? lengths[i] : 6);
    assert_int_equal(dfu_state(r), DNBUSY);
    assert_int_equal(dfu_status(r).state, DNLOAD_IDLE);
    dfu_abort(r);
  }
}

// docs/spec/info.md, typed again; asked in the middle of things, which it leaves alone.
static void information(void **state) {
  struct rig *r = *state;
  const struct request q = {0xC1, 0x51, 0, 0, 64};
  uint8_t b[64];
  static const uint8_t start[] = {1,    32,   0x51, 0x04, 0x01, 0x10,
                                  0x00, 0x08, 0xFD, 0xAA, 0xFF, 0xFF};
  assert_int_equal(dfu_command(r, 0x21, PLACE), 5);
  assert_int_equal(dfu_state(r), DNLOAD_SYNC);
  assert_int_equal(rig_control(r, q, b), 32);
  assert_memory_equal(b, start, sizeof start);
  assert_int_equal(b[16], 0);
  assert_int_equal(load_le32(b + 20), r->m->nor_size);
  assert_int_equal(b[24], 0);
  assert_int_equal(dfu_state(r), DNLOAD_SYNC);
  assert_int_equal(dfu_wait(r).state, DNLOAD_IDLE);
  dfu_abort(r);
  // A host that wants less; and requests that do not exist.
  assert_int_equal(rig_control(r, (struct request){0xC1, 0x51, 0, 0, 5}, b), 5);
  assert_int_equal(rig_control(r, (struct request){0xC1, 0x51, 1, 0, 32}, b), -EPIPE);
  assert_int_equal(rig_control(r, (struct request){0xC1, 0x50, 0, 0, 32}, b), -EPIPE);
  assert_int_equal(rig_control(r, (struct request){0x41, 0x51, 0, 0, 32}, b), -EPIPE);
  assert_int_equal(rig_control(r, (struct request){0x41, 0x51, 0, 0, 0}, b), -EPIPE);
  assert_int_equal(dfu_state(r), IDLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(every_cell),
      RIG_BOTH(sync_goes_straight_on_when_the_work_is_done),
      RIG_BOTH(busy_goes_on_when_the_work_is_done),
      RIG_BOTH(busy_ends_in_error_when_the_work_fails),
      RIG_BOTH(manifest_waits_for_the_work),
      RIG_BOTH(manifest_tells_work_that_failed),
      RIG_BOTH(unexecuted_commands_are_dropped),
      RIG_BOTH(accepted_data_are_kept),
      RIG_BOTH(a_late_failure_is_told),
      RIG_BOTH(rising_block_numbers),
      RIG_BOTH(uploads_of_any_block_size),
      RIG_BOTH(alternate_settings),
      RIG_BOTH(get_commands),
      RIG_BOTH(status_of_every_length),
      RIG_BOTH(information),
  };
  return cmocka_run_group_tests_name("dfu_board", tests, NULL, NULL);
}
