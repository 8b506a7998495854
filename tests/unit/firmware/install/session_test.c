// SPDX-License-Identifier: MIT
// The session: what an address means, where work goes, and what may be started.
#include "firmware/install/session.h"

#include "tests/fakes/board_media.h"

static void pass(struct board_media *b) {
  if (!session_poll(&b->session)) b->now_us += BOARD_WAIT_US;
}

// Until all is done; how it ended.
static struct writer_result run(struct board_media *b) {
  session_flush(&b->session);
  for (unsigned n = 0; !session_settled(&b->session); n++) {
    assert_true(n < 100000);
    assert_true(session_remaining_us(&b->session) > 0);
    pass(b);
  }
  assert_int_equal(session_remaining_us(&b->session), 0);
  return session_take_result(&b->session);
}

// --- checks ---

static void a_pointer_lies_in_a_medium_or_at_its_end(void **state) {
  const struct board_media *b = *state;
  static const struct {
    uint32_t address;
    enum status pointer, erase;
  } cases[] = {
      {0x00000000, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0x07FFFFFF, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0x08000000, ST_OK, ST_BOOTLOADER_AREA},
      {0x08007FFF, ST_OK, ST_BOOTLOADER_AREA},
      {0x08008000, ST_OK, ST_BOOTLOADER_AREA},
      {0x0800FFFF, ST_OK, ST_BOOTLOADER_AREA},
      {0x08010000, ST_OK, ST_OK},
      {0x0803FFFF, ST_OK, ST_OK},
      {0x08040000, ST_OK, ST_BAD_ADDRESS},
      {0x08040001, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0x20000000, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0x8FFFFFFF, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0x90000000, ST_OK, ST_OK},
      {0x90007FFF, ST_OK, ST_OK},
      {0x90008000, ST_OK, ST_BAD_ADDRESS},
      {0x90008001, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
      {0xFFFFFFFF, ST_BAD_ADDRESS, ST_BAD_ADDRESS},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t address = cases[i].address;
    assert_int_equal(session_check_pointer(&b->session, address), cases[i].pointer);
    assert_int_equal(session_check_erase(&b->session, address), cases[i].erase);
  }
}

static void a_write_stays_inside_what_is_writable(void **state) {
  const struct board_media *b = *state;
  static const struct {
    uint32_t address, length;
    enum status status;
  } cases[] = {
      {0x07FFFFFF, 2, ST_BAD_ADDRESS},
      {0x08000000, 1, ST_BOOTLOADER_AREA},
      {0x0800FFFF, 1, ST_BOOTLOADER_AREA},
      {0x0800F800, 4096, ST_BOOTLOADER_AREA},
      {0x0800FFFF, 2, ST_BOOTLOADER_AREA},
      {0x08010000, 1, ST_OK},
      {0x08010000, 4096, ST_OK},
      {0x08017FFF, 2, ST_OK},
      {0x0801F800, 4096, ST_OK},
      {0x0803F000, 4096, ST_OK},
      {0x0803FFFF, 1, ST_OK},
      {0x0803FFFF, 2, ST_CROSSES_END},
      {0x0803F001, 4096, ST_CROSSES_END},
      {0x08040000, 1, ST_BAD_ADDRESS},
      {0x90000000, 4096, ST_OK},
      {0x90007000, 4096, ST_OK},
      {0x90007001, 4096, ST_CROSSES_END},
      {0x90008000, 1, ST_BAD_ADDRESS},
      {0xFFFFFFFF, 4096, ST_BAD_ADDRESS},
      {0x0801FFFF, 0x20001, ST_OK},
      {0x08010000, 0x30001, ST_CROSSES_END},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(
        session_check_write(&b->session, cases[i].address, cases[i].length),
        cases[i].status);
  }
}

static void without_media_there_is_no_address(void **state) {
  struct board_media *b = *state;
  session_init(&b->session, &b->writer);
  uint32_t done = 1;
  uint8_t byte;
  assert_int_equal(session_check_pointer(&b->session, BOARD_APP), ST_BAD_ADDRESS);
  assert_int_equal(session_check_erase(&b->session, BOARD_APP), ST_BAD_ADDRESS);
  assert_int_equal(session_check_write(&b->session, BOARD_APP, 1), ST_BAD_ADDRESS);
  assert_int_equal(session_read(&b->session, BOARD_APP, &byte, 1, &done),
                   ST_BAD_ADDRESS);
  assert_int_equal(done, 0);
  assert_int_equal(session_finish(&b->session), ST_NO_APPLICATION);
}

// --- work ---

static void the_address_chooses_the_medium(void **state) {
  struct board_media *b = *state;
  static const uint8_t data[] = {1, 2, 3, 4, 5};
  static const uint32_t addresses[] = {0x08010000, 0x0803FFFB, 0x90000000, 0x90007FFB};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    const uint32_t at = addresses[i];
    assert_true(session_write(&b->session, at, data, sizeof data));
    assert_false(session_settled(&b->session));
    assert_int_equal(run(b).status, ST_OK);
    assert_memory_equal(board_media_at(b, at), data, sizeof data);
    assert_true(session_erase(&b->session, at + 4));
    assert_int_equal(run(b).status, ST_OK);
    assert_int_equal(*board_media_at(b, at), 0xFF);
  }
  assert_int_equal(b->internal.calls[RAM_ERASE_END], 2);
  assert_int_equal(b->nor.calls[RAM_ERASE_END], 2);
}

static void a_part_is_erased_to_the_end_of_its_block(void **state) {
  struct board_media *b = *state;
  static const struct {
    uint32_t address, length, clipped;
  } cases[] = {
      {0x08010000, 0x1000, 0x1000},     {0x08011000, 0x30000, 0x7000},
      {0x08010001, UINT32_MAX, 0x7FFF}, {0x90001000, 0x5000, 0x1000},
      {0x0803F000, UINT32_MAX, 0x1000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t at = cases[i].address, end = at + cases[i].clipped;
    uint32_t n = cases[i].length;
    memset(b->internal.bytes, 0, b->internal.media.geometry.size);
    memset(b->nor.bytes, 0, b->nor.media.geometry.size);
    assert_true(session_erase_part(&b->session, at, &n));
    assert_int_equal(n, cases[i].clipped);
    assert_int_equal(run(b).status, ST_OK);
    assert_int_equal(*board_media_at(b, end - 1), 0xFF);
    assert_int_equal(*board_media_at(b, at), at % 4096 ? 0 : 0xFF);
    if (end < BOARD_INTERNAL_END) assert_int_equal(*board_media_at(b, end), 0);
  }
}

static void mass_erase_takes_the_medium_by_number(void **state) {
  struct board_media *b = *state;
  memset(b->internal.bytes, 0, b->internal.media.geometry.size);
  memset(b->nor.bytes, 0, b->nor.media.geometry.size);
  assert_true(session_mass_erase(&b->session, 1));
  assert_int_equal(run(b).status, ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_NOR_END - 1), 0xFF);
  assert_int_equal(*board_media_at(b, BOARD_APP), 0);
  assert_true(session_mass_erase(&b->session, 0));
  assert_int_equal(run(b).status, ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_APP), 0xFF);
  assert_int_equal(*board_media_at(b, BOARD_APP - 1), 0);
}

static void failures_carry_the_address(void **state) {
  struct board_media *b = *state;
  *board_media_at(b, 0x90003FFF) = 0;
  ram_medium_fail(&b->nor, RAM_ERASE_END, 1, ST_ERASE_FAILED);
  assert_true(session_erase(&b->session, 0x90003210));
  const struct writer_result r = run(b);
  assert_int_equal(r.status, ST_ERASE_FAILED);
  assert_int_equal(r.address, 0x90003000);
}

// --- reading ---

static void reading_ends_with_the_medium(void **state) {
  struct board_media *b = *state;
  static const struct {
    uint32_t address, length, done;
    enum status status;
  } cases[] = {
      {0x08000000, 4096, 4096, ST_OK},    {0x0803F000, 4096, 4096, ST_OK},
      {0x0803F001, 4096, 4095, ST_OK},    {0x0803FFFF, 4096, 1, ST_OK},
      {0x08040000, 4096, 0, ST_OK},       {0x08040001, 4096, 0, ST_BAD_ADDRESS},
      {0x90007FFF, 1, 1, ST_OK},          {0x90008000, 1, 0, ST_OK},
      {0x90008001, 1, 0, ST_BAD_ADDRESS}, {0x07FFFFFF, 2, 0, ST_BAD_ADDRESS},
  };
  for (uint32_t i = 0; i < b->internal.media.geometry.size; i++)
    b->internal.bytes[i] = (uint8_t)(i * 5 + i / 256);
  memset(b->nor.bytes, 0x42, b->nor.media.geometry.size);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t got[4097];
    uint32_t done = 99;
    memset(got, 0xEE, sizeof got);
    assert_int_equal(
        session_read(&b->session, cases[i].address, got, cases[i].length, &done),
        cases[i].status);
    assert_int_equal(done, cases[i].done);
    if (done) assert_memory_equal(got, board_media_at(b, cases[i].address), done);
    assert_int_equal(got[done], 0xEE);
  }
}

static void a_read_that_fails_gives_nothing(void **state) {
  struct board_media *b = *state;
  uint8_t got[16];
  uint32_t done = 99;
  ram_medium_fail(&b->nor, RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_int_equal(session_read(&b->session, BOARD_NOR, got, sizeof got, &done),
                   ST_BUS_TIMEOUT);
  assert_int_equal(done, 0);
}

// --- the state log ---

enum { LOG_ADDRESS = 0x08008000, RECORD = 32 };

static const uint8_t some[] = {9, 8, 7};

// Records in the log that are not blank.
static unsigned records(struct board_media *b) {
  unsigned n = 0;
  while (n < 0x8000 / RECORD && *board_media_at(b, LOG_ADDRESS + n * RECORD) != 0xFF)
    n++;
  return n;
}

static void updating_is_on_record_before_anything_changes(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  *board_media_at(b, BOARD_NOR) = 0;
  assert_true(session_erase(&b->session, BOARD_NOR));
  assert_true(session_write(&b->session, BOARD_APP, some, sizeof some));
  session_flush(&b->session);
  while (*board_media_at(b, BOARD_NOR) == 0 && *board_media_at(b, BOARD_APP) == 0xFF) {
    if (b->nor.calls[RAM_ERASE_START]) assert_true(session_unfinished(&b->session));
    pass(b);
  }
  assert_int_equal(records(b), 1);
  assert_true(session_unfinished(&b->session));
  assert_int_equal(run(b).status, ST_OK);
  assert_int_equal(records(b), 1);  // nobody said that this is all
  // Whoever starts now sees it.
  board_media_start(b);
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_unfinished(&b->session));
}

static void complete_is_on_record_behind_the_last_byte(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  b->nor.program_us = 100000;
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_complete(&b->session);
  while (records(b) < 2) {
    assert_false(session_settled(&b->session));
    pass(b);
  }
  assert_memory_equal(board_media_at(b, BOARD_NOR), some, sizeof some);
  assert_int_equal(run(b).status, ST_OK);
  assert_false(session_unfinished(&b->session));
}

// Neither record: nothing was changed.
static void what_is_there_already_is_no_update(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  memcpy(board_media_at(b, BOARD_NOR), some, sizeof some);
  assert_true(session_erase(&b->session, BOARD_NOR));
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_complete(&b->session);
  assert_int_equal(run(b).status, ST_OK);
  assert_int_equal(records(b), 0);
  assert_int_equal(b->nor.calls[RAM_ERASE_START] + b->nor.calls[RAM_PROGRAM_START], 0);
}

static void a_full_log_is_erased_before_updating_only(void **state) {
  struct board_media *b = *state;
  memset(board_media_at(b, LOG_ADDRESS), 0, 0x8000 - RECORD);  // torn, all but one
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_unfinished(&b->session));
  session_complete(&b->session);
  assert_int_equal(run(b).status, ST_OK);
  assert_false(session_unfinished(&b->session));
  assert_int_equal(records(b), 0x8000 / RECORD);
  assert_int_equal(b->internal.calls[RAM_ERASE_START], 0);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run(b).status, ST_OK);
  assert_int_equal(b->internal.calls[RAM_ERASE_START], 1);
  assert_int_equal(records(b), 1);
}

static void a_log_that_fails_forbids_every_change(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  ram_medium_fail(&b->internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  const struct writer_result r = run(b);
  assert_int_equal(r.status, ST_PROGRAM_FAILED);
  assert_int_equal(r.address, LOG_ADDRESS);
  assert_int_equal(b->nor.calls[RAM_PROGRAM_START], 0);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_complete(&b->session);
  assert_int_equal(run(b).status, ST_OK);  // behind the torn record
  assert_int_equal(records(b), 3);
  assert_false(session_unfinished(&b->session));
}

// What the next start reads of the log.
static bool unfinished_in_flash(struct board_media *b) {
  struct state_log log = {.unfinished = false};
  for (unsigned n = 0; n < 0x8000 / RECORD; n++) {
    if (!state_log_take(&log, board_media_at(b, LOG_ADDRESS + n * RECORD))) break;
  }
  return log.unfinished;
}

// Polls, for a second; whenever something is begun outside the log, the log has to say
// so. A failure is taken at once, as DFU does.
static enum status run_recorded(struct board_media *b) {
  const uint32_t from = b->now_us, programs = b->nor.calls[RAM_PROGRAM_START];
  enum status first = ST_OK;
  while (b->now_us - from < 1000000) {
    pass(b);
    const enum status status = session_take_result(&b->session).status;
    if (first == ST_OK) first = status;
    if (b->nor.calls[RAM_PROGRAM_START] > programs) assert_true(unfinished_in_flash(b));
  }
  return first;
}

// A place in the log that stays blank would end it for the next start.
static void a_record_that_was_not_begun_leaves_no_gap(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  while (b->session.logging != SESSION_LOG_WRITING)
    pass(b);
  board_media_supply = false;
  assert_int_equal(run_recorded(b), ST_SUPPLY_LOW);
  assert_int_equal(records(b), 0);
  board_media_supply = true;
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run_recorded(b), ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_NOR), some[0]);
}

// Complete is what was taken before; what comes while that is being put on record is
// the next update.
static void data_beside_complete_are_another_update(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run(b).status, ST_OK);
  b->internal.program_us = 10000;
  b->nor.program_us = 500000;
  session_complete(&b->session);
  while (b->session.logging != SESSION_LOG_WRITING)
    pass(b);
  static const uint8_t block[4096];  // a whole one, for which nothing is waited
  assert_true(session_write(&b->session, BOARD_NOR + 4096, block, sizeof block));
  assert_int_equal(run_recorded(b), ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_NOR + 4096), 0);
  assert_int_equal(records(b), 3);
}

// Two failures: one elsewhere while a record is written, and that of the record.
static void a_record_that_nobody_verified_opens_nothing(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  b->internal.program_us = 10000;
  assert_true(session_write(&b->session, BOARD_APP, some, sizeof some));
  while (!b->internal.calls[RAM_PROGRAM_START])
    pass(b);
  ram_medium_fail(&b->internal, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  memset(board_media_at(b, LOG_ADDRESS), 0xFF, RECORD);
  ram_medium_fail(&b->nor, RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run_recorded(b), ST_BUS_TIMEOUT);
  assert_false(b->writer.gate);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run_recorded(b), ST_OK);
  assert_int_equal(records(b), 2);  // one is torn
}

// As above, while the log is erased: what is left of it would hide the new record.
static void a_log_that_nobody_saw_blank_is_erased_again(void **state) {
  struct board_media *b = *state;
  uint8_t *log = board_media_at(b, LOG_ADDRESS);
  memset(log, 0, 0x8000 - RECORD);
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  session_complete(&b->session);
  assert_int_equal(run(b).status, ST_OK);
  b->internal.erase_us = 10000;
  assert_true(session_write(&b->session, BOARD_APP, some, sizeof some));
  while (b->session.logging != SESSION_LOG_ERASING)
    pass(b);
  ram_medium_fail(&b->internal, RAM_ERASE_END, 1, ST_ERASE_FAILED);
  ram_medium_fail(&b->nor, RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  while (b->session.logging == SESSION_LOG_ERASING) {
    pass(b);
    session_take_result(&b->session);
    // An erase that failed half-way.
    if (b->internal.calls[RAM_ERASE_END]) memset(log, 0xFF, RECORD);
  }
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run_recorded(b), ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_NOR), some[0]);
  assert_int_equal(records(b), 1);
}

// Power was cut in the last word of "complete". It reads torn now, and whole the next
// time.
static void a_torn_record_is_not_relied_on(void **state) {
  struct board_media *b = *state;
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  session_complete(&b->session);
  assert_int_equal(run(b).status, ST_OK);
  uint8_t *bit = board_media_at(b, LOG_ADDRESS + 2 * RECORD - 1);
  *bit ^= 0x80;
  board_media_start(b);
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_unfinished(&b->session));
  assert_true(session_write(&b->session, BOARD_NOR + 4096, some, sizeof some));
  assert_int_equal(run(b).status, ST_OK);
  *bit ^= 0x80;
  assert_int_equal(records(b), 3);
  assert_true(unfinished_in_flash(b));
}

// Without room behind it, it has to do: erased, the log would say "complete".
static void a_full_log_is_not_erased_in_an_update(void **state) {
  struct board_media *b = *state;
  memset(board_media_at(b, LOG_ADDRESS), 0, 0x8000 - RECORD);
  assert_int_equal(session_open_log(&b->session, LOG_ADDRESS), ST_OK);
  assert_true(session_write(&b->session, BOARD_NOR, some, sizeof some));
  assert_int_equal(run_recorded(b), ST_OK);
  assert_int_equal(*board_media_at(b, BOARD_NOR), some[0]);
  assert_int_equal(b->internal.calls[RAM_ERASE_START], 0);
}

// --- the end of an update ---

static void only_an_application_may_be_started(void **state) {
  struct board_media *b = *state;
  static const struct {
    uint8_t head[8];
    enum status status;
  } cases[] = {
      {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, ST_NO_APPLICATION},
      {{0x00, 0x00, 0x08, 0x20, 0x09, 0x00, 0x01, 0x08}, ST_OK},
      {{0x00, 0x00, 0x08, 0x20, 0x08, 0x00, 0x01, 0x08}, ST_NO_APPLICATION},
      {{0x00, 0x00, 0x08, 0x20, 0xFF, 0xFF, 0x03, 0x08}, ST_OK},
      // The medium's own end counts: this chip has 256 KB.
      {{0x00, 0x00, 0x08, 0x20, 0x01, 0x00, 0x04, 0x08}, ST_NO_APPLICATION},
      {{0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x01, 0x08}, ST_NO_APPLICATION},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memcpy(board_media_at(b, BOARD_APP), cases[i].head, 8);
    assert_int_equal(session_check_app(&b->session, cases[i].head), cases[i].status);
    assert_int_equal(session_finish(&b->session), cases[i].status);
  }
}

static void a_flash_that_cannot_be_read_holds_no_application(void **state) {
  struct board_media *b = *state;
  ram_medium_fail(&b->internal, RAM_READ, 1, ST_FLASH_TIMEOUT);
  assert_int_equal(session_finish(&b->session), ST_FLASH_TIMEOUT);
}

#define board_test(test) \
  cmocka_unit_test_setup_teardown(test, board_media_setup, board_media_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      board_test(a_pointer_lies_in_a_medium_or_at_its_end),
      board_test(a_write_stays_inside_what_is_writable),
      board_test(without_media_there_is_no_address),
      board_test(the_address_chooses_the_medium),
      board_test(a_part_is_erased_to_the_end_of_its_block),
      board_test(mass_erase_takes_the_medium_by_number),
      board_test(failures_carry_the_address),
      board_test(reading_ends_with_the_medium),
      board_test(a_read_that_fails_gives_nothing),
      board_test(updating_is_on_record_before_anything_changes),
      board_test(complete_is_on_record_behind_the_last_byte),
      board_test(what_is_there_already_is_no_update),
      board_test(a_full_log_is_erased_before_updating_only),
      board_test(a_log_that_fails_forbids_every_change),
      board_test(a_record_that_was_not_begun_leaves_no_gap),
      board_test(data_beside_complete_are_another_update),
      board_test(a_record_that_nobody_verified_opens_nothing),
      board_test(a_log_that_nobody_saw_blank_is_erased_again),
      board_test(a_torn_record_is_not_relied_on),
      board_test(a_full_log_is_not_erased_in_an_update),
      board_test(only_an_application_may_be_started),
      board_test(a_flash_that_cannot_be_read_holds_no_application),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
