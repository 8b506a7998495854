// SPDX-License-Identifier: MIT
// What a host must not ask for, and what it is told when it does: the right status,
// a sentence with the right address, nothing changed in the flash, and a board that
// takes a good download right after. The bootloader's sectors never change.
#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "tests/hostmodel/dfu_client.h"

#define NO_FLASH   "this address belongs to no flash; check the file's addresses"
#define OURS       "quadboot lives here; applications start at 0x08010000"
#define TOO_LONG   "the data runs past the end of the flash; use a smaller file"
#define BAD        "this DfuSe command is unknown here"
#define UNPROTECT  "read-unprotect would erase the bootloader; use a debug probe"
#define NOT_NOW    "this request is not allowed now"
#define NO_PROGRAM "no valid application is installed; flash one first"

// --- the board after an error --------------------------------------------------

// A short download to each medium, each time to a blank place of its own.
static void expect_good(struct rig *r, unsigned turn) {
  static const uint32_t bases[] = {0x08100000, EXTERNAL + 0x100000};
  uint8_t data[256], back[256];
  for (size_t m = 0; m < 2; m++) {
    const uint32_t place = bases[m] + 4096 * turn;
    dfu_pattern(data, sizeof data, place);
    assert_int_equal(dfu_write(r, place, data, sizeof data).state, DNLOAD_IDLE);
    assert_int_equal(dfu_finish(r).state, IDLE);
    dfu_read(r, place, back, sizeof back);
    assert_memory_equal(back, data, sizeof data);
  }
  assert_memory_equal(r->m->flash_bytes, r->kept, RIG_KEPT);
}

static uint64_t operations(const struct rig *r) {
  return r->m->flash_span.operations + r->m->nor_span.operations;
}

// --- addresses -----------------------------------------------------------------

enum { SET, ERASE, WRITE };

static const struct address_row {
  int what;
  uint32_t address;
  uint16_t length;  // of a write
  const char *sentence;
} address_rows[] = {
    {SET, 0x00200000, 0, NO_FLASH},  // the same flash by its other name
    {SET, 0x07FFFFFF, 0, NO_FLASH},
    {SET, 0x08200001, 0, NO_FLASH},
    {SET, 0x1FFF0000, 0, NO_FLASH},  // option bytes
    {SET, 0x20000000, 0, NO_FLASH},
    {SET, 0x8FFFFFFF, 0, NO_FLASH},
    {SET, 0x94000001, 0, NO_FLASH},
    {SET, 0xFFFFFFFF, 0, NO_FLASH},

    {ERASE, 0x00200000, 0, NO_FLASH},
    {ERASE, 0x07FFFFFF, 0, NO_FLASH},
    {ERASE, 0x08200000, 0, NO_FLASH},
    {ERASE, 0x8FFFFFFF, 0, NO_FLASH},
    {ERASE, 0x94000000, 0, NO_FLASH},
    {ERASE, 0xFFFFFFFF, 0, NO_FLASH},
    {ERASE, 0x08000000, 0, OURS},
    {ERASE, 0x08007FFF, 0, OURS},
    {ERASE, 0x08008000, 0, OURS},
    {ERASE, 0x0800FFFF, 0, OURS},

    {WRITE, 0x08000000, 4096, OURS},
    {WRITE, 0x08000000, 1, OURS},
    {WRITE, 0x08007FFF, 1, OURS},
    {WRITE, 0x08007FFF, 2, OURS},  // from sector 0 into sector 1
    {WRITE, 0x08008000, 4096, OURS},
    {WRITE, 0x0800F000, 4096, OURS},  // up to the application's first byte
    {WRITE, 0x0800FFFF, 1, OURS},
    {WRITE, 0x0800FFFF, 2, OURS},  // out of the bootloader, into the application
    {WRITE, 0x0800F001, 4096, OURS},
    {WRITE, 0x081FFFFF, 2, TOO_LONG},
    {WRITE, 0x081FF001, 4096, TOO_LONG},
    {WRITE, 0x08200000, 1, NO_FLASH},
    {WRITE, 0x93FFFFFF, 2, TOO_LONG},
    {WRITE, 0x93FFF001, 4096, TOO_LONG},
    {WRITE, 0x94000000, 1, NO_FLASH},
};

static void try_address(struct rig *r, const struct address_row *row) {
  static const uint8_t zeros[CLIENT_BLOCK];
  const uint64_t before = operations(r);
  if (row->what == WRITE) {
    assert_int_equal(dfu_set_address(r, row->address).state, DNLOAD_IDLE);
    assert_int_equal(dfu_dnload(r, 2, zeros, row->length), row->length);
  } else {
    assert_int_equal(dfu_command(r, row->what == SET ? 0x21 : 0x41, row->address), 5);
  }
  assert_int_equal(dfu_status(r).state, DNBUSY);
  dfu_expect_error(r, ERR_TARGET, row->address, row->sentence);
  assert_int_equal(operations(r), before);
}

static void bad_addresses(void **state) {
  struct rig *r = *state;
  for (unsigned i = 0; i < sizeof address_rows / sizeof *address_rows; i++) {
    try_address(r, &address_rows[i]);
    expect_good(r, i);
  }
  dfu_expect_usable(r);
}

static void address_zero(void **state) {
  struct rig *r = *state;
  char text[SENTENCE_MAX];
  for (int i = 0; i < 2; i++) {
    const struct reply s = i ? dfu_erase(r, 0) : dfu_set_address(r, 0);
    assert_int_equal(s.status, ERR_TARGET);
    rig_string(r, s.string, text);
    assert_string_equal(text, "at 0x00000000: " NO_FLASH);
    dfu_clear(r);
  }
}

// A block number takes an address out of its medium, or past the end of all.
static void bad_block_numbers(void **state) {
  struct rig *r = *state;
  static const struct {
    uint32_t pointer, address;
    uint16_t block;
    const char *sentence;
  } rows[] = {
      {0x08000000, 0x08001000, 3, OURS},
      {0x08000000, 0x0800F000, 17, OURS},
      {0x08010000, 0x08200000, 498, NO_FLASH},
      {0x081FF800, 0x08200800, 3, NO_FLASH},
      {0x08010000, 0x1800D000, 65535, NO_FLASH},
      {0x90000000, 0x94000000, 16386, NO_FLASH},
      {0x93FFF800, 0x94000800, 3, NO_FLASH},
      {0x90000000, 0x9FFFD000, 65535, NO_FLASH},
      {0x94000000, 0xA3FFD000, 65535, NO_FLASH},
  };
  uint8_t data[64] = {0};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint64_t before = operations(r);
    assert_int_equal(dfu_set_address(r, rows[i].pointer).state, DNLOAD_IDLE);
    assert_int_equal(dfu_dnload(r, rows[i].block, data, sizeof data), sizeof data);
    dfu_expect_error(r, ERR_TARGET, rows[i].address, rows[i].sentence);
    assert_int_equal(operations(r), before);
    expect_good(r, i);
  }
}

// The first and the last bytes of the media, and the first the application may have.
static void good_edges(void **state) {
  struct rig *r = *state;
  static const struct {
    uint32_t address;
    uint16_t length;
  } rows[] = {{0x08010000, 1}, {0x08010001, 4095}, {0x081FFFFF, 1}, {0x081FF000, 4095},
              {0x90000000, 1}, {0x90000001, 4096}, {0x93FFFFFF, 1}, {0x93FFF000, 4095}};
  uint8_t data[CLIENT_BLOCK], back[CLIENT_BLOCK];
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint16_t length = rows[i].length;
    dfu_pattern(data, length, i);
    assert_int_equal(dfu_write(r, rows[i].address, data, length).state, DNLOAD_IDLE);
    dfu_abort(r);
    dfu_read(r, rows[i].address, back, length);
    assert_memory_equal(back, data, length);
  }
}

// Reading everything is allowed, the bootloader too; never past an end.
static void uploads_outside(void **state) {
  struct rig *r = *state;
  uint8_t data[CLIENT_BLOCK];
  dfu_read(r, 0x08000000, data, sizeof data);
  assert_memory_equal(data, r->kept, sizeof data);
  static const struct {
    uint32_t pointer, address;
    uint16_t block;
  } rows[] = {{0x08010000, 0x08201000, 499},
              {0x90000000, 0x94001000, 16387},
              {0x94000000, 0x94001000, 3},
              {0x90000000, 0x9FFFD000, 65535}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(dfu_set_address(r, rows[i].pointer).state, DNLOAD_IDLE);
    dfu_abort(r);
    assert_int_equal(dfu_upload(r, rows[i].block, data, sizeof data), -EPIPE);
    dfu_expect_error(r, ERR_TARGET, rows[i].address, NO_FLASH);
    expect_good(r, i);
  }
}

// --- commands ------------------------------------------------------------------

static const struct command_row {
  uint8_t opcode;
  uint16_t length;
  uint8_t status;
  const char *sentence;
} command_rows[] = {
    {0x00, 1, ERR_STALLEDPKT, BAD},     // an UPLOAD's, not a DNLOAD's
    {0x00, 5, ERR_STALLEDPKT, BAD},     //
    {0x20, 5, ERR_STALLEDPKT, BAD},     //
    {0x22, 5, ERR_STALLEDPKT, BAD},     //
    {0x42, 1, ERR_STALLEDPKT, BAD},     //
    {0xFF, 1, ERR_STALLEDPKT, BAD},     //
    {0xFF, 4096, ERR_STALLEDPKT, BAD},  //
    {0x21, 1, ERR_STALLEDPKT, BAD},     // set address of a wrong length
    {0x21, 2, ERR_STALLEDPKT, BAD},     //
    {0x21, 4, ERR_STALLEDPKT, BAD},     //
    {0x21, 6, ERR_STALLEDPKT, BAD},     //
    {0x21, 4096, ERR_STALLEDPKT, BAD},  //
    {0x41, 2, ERR_STALLEDPKT, BAD},     // erase of a wrong length: no mass erase
    {0x41, 3, ERR_STALLEDPKT, BAD},     //
    {0x41, 4, ERR_STALLEDPKT, BAD},     //
    {0x41, 6, ERR_STALLEDPKT, BAD},     //
    {0x41, 4096, ERR_STALLEDPKT, BAD},  //
    {0x92, 1, ERR_VENDOR, UNPROTECT},   //
    {0x92, 5, ERR_VENDOR, UNPROTECT},   //
};

static void bad_commands(void **state) {
  struct rig *r = *state;
  uint8_t data[CLIENT_BLOCK] = {0};
  for (unsigned i = 0; i < sizeof command_rows / sizeof *command_rows; i++) {
    const struct command_row *row = &command_rows[i];
    const uint64_t before = operations(r);
    data[0] = row->opcode;
    store_le32(data + 1, APPLICATION);
    assert_int_equal(dfu_dnload(r, 0, data, row->length), row->length);
    assert_int_equal(dfu_status(r).state, DNBUSY);
    dfu_expect_error(r, row->status, 0, row->sentence);
    assert_int_equal(operations(r), before);
    expect_good(r, i);
  }
}

// --- requests ------------------------------------------------------------------

// Refused as such: a STALL, and nothing taken.
static const struct request_row {
  const char *what;
  uint8_t type, request;
  uint16_t value, length;
} request_rows[] = {
    {"DNLOAD of block 1", 0x21, REQ_DNLOAD, 1, 16},
    {"DNLOAD of block 1, a byte", 0x21, REQ_DNLOAD, 1, 1},
    {"DNLOAD of 4097 bytes", 0x21, REQ_DNLOAD, 2, 4097},
    {"DNLOAD of 8192 bytes", 0x21, REQ_DNLOAD, 2, 8192},
    {"DNLOAD of 65535 bytes", 0x21, REQ_DNLOAD, 2, 65535},
    {"command of 4097 bytes", 0x21, REQ_DNLOAD, 0, 4097},
    {"UPLOAD of block 1", 0xA1, REQ_UPLOAD, 1, 16},
    {"UPLOAD of 0 bytes", 0xA1, REQ_UPLOAD, 2, 0},
    {"UPLOAD of 0 bytes of commands", 0xA1, REQ_UPLOAD, 0, 0},
    {"UPLOAD of 4097 bytes", 0xA1, REQ_UPLOAD, 2, 4097},
    {"UPLOAD of 65535 bytes", 0xA1, REQ_UPLOAD, 2, 65535},
    {"DETACH", 0x21, REQ_DETACH, 1000, 0},
    {"DETACH with data", 0x21, REQ_DETACH, 1000, 5},
    {"CLRSTATUS with data", 0x21, REQ_CLRSTATUS, 0, 1},
    {"ABORT with data", 0x21, REQ_ABORT, 0, 5},
    {"ABORT with a block", 0x21, REQ_ABORT, 2, 4096},
};

static void bad_requests(void **state) {
  struct rig *r = *state;
  static uint8_t data[65535];
  memset(data, 0x41, sizeof data);  // a mass erase, if it is ever taken for one
  for (unsigned i = 0; i < sizeof request_rows / sizeof *request_rows; i++) {
    const struct request_row *row = &request_rows[i];
    const struct request q = {row->type, row->request, row->value, 0, row->length};
    const uint64_t before = operations(r);
    const int n = rig_control(r, q, data);
    if (n != -EPIPE) fail_msg("%s: %d", row->what, n);
    dfu_expect_error(r, ERR_STALLEDPKT, 0, NOT_NOW);
    assert_int_equal(operations(r), before);
    memset(data, 0x41, sizeof data);
    expect_good(r, i);
  }
}

// Requests that do not concern the interface, or no DFU request: a STALL, and the
// state machine never hears of them.
static void foreign_requests_change_nothing(void **state) {
  struct rig *r = *state;
  static const struct request requests[] = {
      {0x21, 7, 0, 0, 0},          {0xA1, 0x80, 0, 0, 6},
      {0x21, REQ_DNLOAD, 2, 1, 0}, {0xA1, REQ_GETSTATUS, 0, 1, 6},
      {0xA1, REQ_DNLOAD, 2, 0, 8}, {0x21, REQ_UPLOAD, 2, 0, 8},
      {0x20, REQ_ABORT, 0, 0, 0},  {0x41, REQ_ABORT, 0, 0, 0},
      {0x22, REQ_DNLOAD, 2, 0, 8}, {0xA1, REQ_ABORT, 0, 0, 1},
  };
  uint8_t data[8] = {0};
  assert_int_equal(dfu_set_address(r, EXTERNAL).state, DNLOAD_IDLE);
  for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
    if (rig_control(r, requests[i], data) != -EPIPE) fail_msg("request %u", i);
    assert_int_equal(dfu_state(r), DNLOAD_IDLE);
  }
  dfu_abort(r);
  dfu_expect_usable(r);
}

// --- nothing instead of something ----------------------------------------------

static void requests_without_data(void **state) {
  struct rig *r = *state;
  // Leave, with nothing to leave for.
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  dfu_expect_error(r, ERR_FIRMWARE, 0, NO_PROGRAM);
  expect_good(r, 0);
  // An empty command is a leave, too: the block number says nothing about it.
  assert_int_equal(dfu_dnload(r, 0, NULL, 0), 0);
  dfu_expect_error(r, ERR_FIRMWARE, 0, NO_PROGRAM);
  expect_good(r, 1);
  assert_int_equal(dfu_out(r, REQ_CLRSTATUS, 0, 0, NULL), 0);
  dfu_expect_error(r, ERR_UNKNOWN, 0, NOT_NOW);
  expect_good(r, 2);
  dfu_abort(r);
  assert_int_equal(dfu_in(r, REQ_GETSTATUS, 0, 0, NULL), 0);
  assert_int_equal(dfu_in(r, REQ_GETSTATE, 0, 0, NULL), 0);
  expect_good(r, 3);
}

// CubeProgrammer clears twice: into dfuERROR, and out of it.
static void clearing_twice(void **state) {
  struct rig *r = *state;
  assert_int_equal(dfu_set_address(r, EXTERNAL).state, DNLOAD_IDLE);
  dfu_clear(r);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.status, ERR_UNKNOWN);
  assert_int_equal(s.state, ERROR);
  dfu_clear(r);
  assert_int_equal(dfu_status(r).state, IDLE);
  dfu_expect_usable(r);
}

// A block onto what is not blank, and was not erased, takes its place; its neighbours
// stay.
static void not_blank(void **state) {
  struct rig *r = *state;
  static const uint32_t places[] = {0x08020000, EXTERNAL + 0x90000};
  static const uint32_t at[] = {0, 1, 2047, 4095};
  uint8_t data[CLIENT_BLOCK], before[3 * CLIENT_BLOCK];
  memset(data, 0xFF, sizeof data);
  for (size_t p = 0; p < 2; p++) {
    uint8_t *cells = (uint8_t *)(uintptr_t)rig_memory(r, places[p]);
    for (size_t i = 0; i < 4; i++) {
      dfu_pattern(before, sizeof before, at[i]);
      memset(before + CLIENT_BLOCK, 0xFF, CLIENT_BLOCK);
      memcpy(cells, before, sizeof before);
      cells[CLIENT_BLOCK + at[i]] = 0xFE;
      dfu_write(r, places[p] + CLIENT_BLOCK, data, sizeof data);
      assert_int_equal(dfu_finish(r).state, IDLE);
      assert_memory_equal(cells, before, sizeof before);
    }
  }
  expect_good(r, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_BOTH(bad_addresses),
      RIG_BOTH(address_zero),
      RIG_BOTH(bad_block_numbers),
      RIG_BOTH(good_edges),
      RIG_BOTH(uploads_outside),
      RIG_BOTH(bad_commands),
      RIG_BOTH(bad_requests),
      RIG_BOTH(foreign_requests_change_nothing),
      RIG_BOTH(requests_without_data),
      RIG_BOTH(clearing_twice),
      RIG_BOTH(not_blank),
  };
  return cmocka_run_group_tests_name("dfu_bad_input", tests, NULL, NULL);
}
