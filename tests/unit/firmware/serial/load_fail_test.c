// SPDX-License-Identifier: MIT
// Files over the serial road that do not arrive: the sender hears of it, the console
// says why in a sentence, nothing half-written can start, and the next load works.
#include "tests/unit/firmware/serial/console_rig.h"

static const char not_finished[] =
    "! nothing starts before the update is loaded again (or: boot anyway)\r\n> ";

static const struct dfuse_element_plan both[] = {
    {BOARD_APP, 5000, rig_content}, {BOARD_NOR + 100, 3000, rig_content + 5000}};

static bool is_changed(struct console_rig *r) {
  for (uint32_t at = BOARD_APP; at < BOARD_INTERNAL_END; at++) {
    if (*board_media_at(&r->board, at) != 0xFF) return true;
  }
  for (uint32_t at = BOARD_NOR; at < BOARD_NOR_END; at++) {
    if (*board_media_at(&r->board, at) != 0xFF) return true;
  }
  return false;
}

// The next transfer is a good one, and completes the update.
static void load_again(struct console_rig *r) {
  r->close_at = r->cancel_at = r->damage_at = r->vanish_at = 0;
  if (!r->open) rig_open_line(r);
  rig_wait(r, 400);
  const struct rig_file file = rig_dfu(both, 2);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  assert_false(rig_unfinished(r));
  expect_flash(r, both[0].address, both[0].data, both[0].size);
  expect_flash(r, both[1].address, both[1].data, both[1].size);
}

static const char *fail_to_load(struct console_rig *r, const char *command,
                                struct rig_file file) {
  const char *said = rig_load(r, command, MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_CANCELLED);
  return said;
}

// --- files that are wrong ---

static void the_bootloader_is_out_of_reach(void **state) {
  struct console_rig *r = *state;
  static const struct {
    const char *command, *answer;
  } cases[] = {
      {"load 0x08000000",
       "! at 0x08000000: quadboot lives here; applications start at "
       "0x08010000\r\n> "},
      {"load 0x0800ffff",
       "! at 0x0800ffff: quadboot lives here; applications start at "
       "0x08010000\r\n> "},
      {"load 0",
       "! this address belongs to no flash; check the file's addresses\r\n> "},
      {"load 0x90008000",
       "! at 0x90008000: this address belongs to no flash; check the "
       "file's addresses\r\n> "},
      {"load 0xffffffff",
       "! at 0xffffffff: this address belongs to no flash; check the "
       "file's addresses\r\n> "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_answer(r, cases[i].command, cases[i].answer);
}

static void parts_in_wrong_places_are_refused_before_anything_changes(void **state) {
  struct console_rig *r = *state;
  static const struct {
    struct dfuse_element_plan part;
    const char *answer;
  } cases[] = {
      {{0x08000000, 100, rig_content}, "! at 0x08000000: quadboot lives here"},
      {{0x0800F000, 8192, rig_content}, "! at 0x0800f000: quadboot lives here"},
      {{0x0803F000, 8192, rig_content}, "! at 0x0803f000: the data runs past the end"},
      {{0x90007FFF, 2, rig_content}, "! at 0x90007fff: the data runs past the end"},
      {{0x20000000, 9000, rig_content}, "! at 0x20000000: this address belongs to no"},
      {{0xFFFFF000, 4096, rig_content}, "! at 0xfffff000: this address belongs to no"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *said = fail_to_load(r, "load", rig_dfu(&cases[i].part, 1));
    expect_said(said, cases[i].answer);
    assert_null(strstr(said, not_finished));
    assert_false(is_changed(r));
    assert_false(rig_unfinished(r));
  }
  load_again(r);
}

// The second part is wrong when the first has been written.
static void a_later_part_leaves_an_unfinished_update(void **state) {
  struct console_rig *r = *state;
  static const struct dfuse_element_plan parts[][2] = {
      {{BOARD_APP, 9000, rig_content}, {0x0800F000, 4096, rig_content}},
      // It ends where the first one does.
      {{BOARD_APP, 9000, rig_content}, {0x0800F000, 4096 + 9000, rig_content}}};
  for (uint32_t i = 0; i < 2; i++) {
    rig_fill(i);
    const char *said = fail_to_load(r, "load", rig_dfu(parts[i], 2));
    expect_said(said,
                "! at 0x0800f000: quadboot lives here; applications start at "
                "0x08010000\r\n");
    expect_said(said, not_finished);
    assert_true(rig_unfinished(r));
    load_again(r);
  }
}

static void a_plain_file_that_is_too_long(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 0x8001};
  rig_fill(1);
  expect_said(fail_to_load(r, "load qspi", file),
              "! at 0x90000000: the data runs past the end");
  assert_false(is_changed(r));
  // XMODEM does not tell in advance.
  rig_type(r, "load 0x90007c00\r");
  rig_pass(r);
  const struct rig_file more = {"f", rig_content, 0x401};
  assert_int_equal(rig_send(r, MODEM_XMODEM, &more, 1), MODEM_END_CANCELLED);
  rig_settle(r);
  expect_said(rig_said(r), "! at 0x90008000: this address belongs to no flash");
  load_again(r);
}

static void what_is_no_application_does_not_become_one(void **state) {
  struct console_rig *r = *state;
  static const uint8_t head[] = {0, 0, 8, 0x20, 9, 0, 1, 8};
  rig_fill(1);
  const struct rig_file file = {"f", rig_content, 5000};
  const struct rig_file tiny = {"f", head, 7};
  expect_said(fail_to_load(r, "load", file), "! this file is no application");
  expect_said(fail_to_load(r, "load flash", file), "! this file is no application");
  expect_said(fail_to_load(r, "load", tiny), "! this file is no application");
  assert_false(is_changed(r));
  rig_load(r, "load 0x08010000", MODEM_YMODEM, &file, 1);  // one may insist
  assert_int_equal(r->sender.end, MODEM_END_OK);
}

static void an_empty_file_completes_nothing(void **state) {
  struct console_rig *r = *state;
  static const enum modem_protocol protocols[] = {MODEM_XMODEM, MODEM_YMODEM};
  rig_fill(1);
  rig_type(r, "load\r");
  rig_pass(r);
  r->cancel_at = 6;
  const struct rig_file good = rig_dfu(both, 2);
  rig_send(r, MODEM_YMODEM, &good, 1);
  rig_settle(r);
  assert_true(rig_unfinished(r));
  for (size_t i = 0; i < 2; i++) {
    const struct rig_file empty = {"f", rig_content, 0};
    rig_load(r, "load qspi", protocols[i], &empty, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    assert_int_equal(r->console.receive.status, ST_OK);
    assert_true(rig_unfinished(r));
  }
  const struct rig_file nothing = rig_dfu(NULL, 0);
  fail_to_load(r, "load", nothing);
  assert_int_equal(r->console.receive.status, ST_FILE_EMPTY);
  load_again(r);
}

// Assets behind an application that broke off make no whole of it: only the application
// does.
static void assets_do_not_complete_an_application(void **state) {
  struct console_rig *r = *state;
  const struct rig_file assets = {"f", rig_content, 900};
  for (int again = 0; again < 2; again++) {
    rig_fill(1);
    r->cancel_at = 6;
    const struct rig_file file = rig_dfu(both, 2);
    rig_load(r, "load", MODEM_YMODEM, &file, 1);
    r->cancel_at = 0;
    assert_true(rig_unfinished(r));
    rig_load(r, "load qspi", MODEM_YMODEM, &assets, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    assert_true(rig_unfinished(r));
    if (!again) load_again(r);
  }
  rig_load(r, "load qspi", MODEM_YMODEM, &assets, 1);
  assert_true(rig_unfinished(r));
  load_again(r);
  rig_load(r, "load qspi", MODEM_YMODEM, &assets, 1);
  assert_false(rig_unfinished(r));
}

static void a_batch_of_no_files_completes_nothing(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  r->cancel_at = 6;
  const struct rig_file file = rig_dfu(both, 2);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  assert_true(rig_unfinished(r));
  rig_load(r, "load", MODEM_YMODEM, NULL, 0);
  assert_true(rig_unfinished(r));
  load_again(r);
}

static void a_second_plain_file_does_not_overwrite_the_first(void **state) {
  struct console_rig *r = *state;
  const struct rig_file files[] = {{"a", rig_content, 3000},
                                   {"b", rig_content + 100, 3000}};
  rig_fill(1);
  const char *said = rig_load(r, "load qspi", MODEM_YMODEM, files, 2);
  assert_int_equal(r->sender.end, MODEM_END_CANCELLED);
  expect_said(said, "! a second plain file would overwrite the first");
  expect_flash(r, BOARD_NOR, rig_content, 3000);
  assert_true(rig_unfinished(r));
  load_again(r);
}

// Every byte of a .dfu file counts.
static void a_damaged_dfu_file_is_not_taken(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  for (uint32_t at = 0; at < 9000; at += at < 700 ? 13 : 311) {
    struct rig_file file = rig_dfu(both, 2);
    uint8_t *bytes = (uint8_t *)file.data;
    if (at < 5 || at >= file.size) continue;  // it would be a plain one
    bytes[at] ^= 0x20;
    const char *said = rig_load(r, "load 0x90000000", MODEM_YMODEM, &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_CANCELLED);
    expect_said(said, "! ");
  }
  load_again(r);
}

static void a_dfu_file_is_not_taken_before_its_end(void **state) {
  struct console_rig *r = *state;
  for (uint32_t size = 5; size < 9000; size += size < 700 ? 11 : 173) {
    struct rig_file file = rig_dfu(both, 2);
    if (size >= file.size) break;
    file.size = size;
    rig_fill(size);
    const char *said = fail_to_load(r, "load", file);
    expect_said(said, "! the .dfu file is cut short; send it again\r\n");
    if (is_changed(r)) assert_true(rig_unfinished(r));
  }
  load_again(r);
}

static void xmodem_pads_a_dfu_file_that_is_cut(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  struct rig_file file = rig_dfu(both, 2);
  file.size -= 40;
  rig_load(r, "load", MODEM_XMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_CANCELLED);
  assert_true(rig_unfinished(r));
  load_again(r);
}

// --- flash that fails ---

// One operation or read after the other fails, in either flash.
static void fail_each(struct console_rig *r, struct ram_medium *m, enum ram_step step,
                      enum status status) {
  for (uint32_t n = 1;; n++) {
    assert_true(n < 1000);
    memset(board_media_at(&r->board, BOARD_APP), 0, 0x10000);
    memset(board_media_at(&r->board, BOARD_NOR), 0, 0x8000);
    rig_fill(n);
    ram_medium_fail(m, step, n, status);
    const struct rig_file file = rig_dfu(both, 2);
    const char *said = rig_load(r, "load", MODEM_YMODEM, &file, 1);
    const bool failed = m->fail[step].countdown == 0;
    m->fail[step].countdown = 0;
    if (!failed) break;
    if (r->sender.end == MODEM_END_OK) {
      // A record that could not be read back: it was made again.
      assert_int_equal(step, RAM_READ);
      assert_false(rig_unfinished(r));
    } else {
      expect_said(said, status_sentence(status));
      expect_said(said, "! at 0x");
      // A record whose program is said to have failed may be whole all the same.
      const bool touched = *board_media_at(&r->board, BOARD_APP) ||
                           *board_media_at(&r->board, BOARD_NOR + 100);
      if (touched && r->console.receive.failed_at >= BOARD_APP) {
        assert_true(rig_unfinished(r));
      }
    }
    load_again(r);
  }
}

static void each_operation_may_fail(void **state) {
  struct console_rig *r = *state;
  struct ram_medium *media[] = {&r->board.internal, &r->board.nor};
  for (size_t i = 0; i < 2; i++) {
    fail_each(r, media[i], RAM_ERASE_START, ST_FLASH_LOCKED);
    fail_each(r, media[i], RAM_ERASE_END, ST_ERASE_FAILED);
    fail_each(r, media[i], RAM_PROGRAM_START, ST_FLASH_PROTECTED);
    fail_each(r, media[i], RAM_PROGRAM_END, ST_PROGRAM_FAILED);
    fail_each(r, media[i], RAM_READ, ST_BUS_TIMEOUT);
  }
}

// The last thing that can fail. The sender does not hear of a success, nor is it one.
static void complete_may_fail_to_be_recorded(void **state) {
  struct console_rig *r = *state;
  for (size_t p = MODEM_XMODEM; p <= MODEM_YMODEM_G; p++) {
    rig_fill((uint32_t)p);
    const struct rig_file file = {"f", rig_content, 3000};
    // "updating", and then "complete".
    ram_medium_fail(&r->board.internal, RAM_PROGRAM_START, 2, ST_FLASH_LOCKED);
    const char *said = rig_load(r, p == MODEM_YMODEM_G ? "load qspi g" : "load qspi",
                                (enum modem_protocol)p, &file, 1);
    assert_int_not_equal(r->sender.end, MODEM_END_OK);
    expect_said(said, "! at 0x0800");
    expect_said(said, not_finished);
    assert_true(rig_unfinished(r));
    load_again(r);
  }
}

static void a_cell_that_does_not_hold_is_found(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  rig_content[2000] = 0;
  r->board.internal.stuck.offset = BOARD_APP + 2000 - BOARD_INTERNAL;
  r->board.internal.stuck.high = 0x10;
  const char *said = fail_to_load(r, "load", rig_dfu(both, 2));
  expect_said(said, "! at 0x080107d0: the flash does not hold what was written");
  expect_said(said, not_finished);
  assert_true(rig_unfinished(r));
}

static void the_supply_may_be_low(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  board_media_supply = false;
  expect_said(fail_to_load(r, "load", rig_dfu(both, 2)),
              status_sentence(ST_SUPPLY_LOW));
  assert_false(is_changed(r));
  board_media_supply = true;
  load_again(r);
}

// Flash that takes longer than a sender waits: it is told, and nothing is complete.
static void flash_that_never_ends_is_not_waited_for(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  r->step_us = 10000;
  r->board.nor.program_us = 120000000;
  const struct rig_file file = rig_dfu(both, 2);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_CANCELLED);
  assert_int_equal(r->console.receive.modem.end, MODEM_END_TOO_SLOW);
  assert_true(rig_unfinished(r));
  r->board.nor.program_us = 0;
  load_again(r);
}

// --- the line and its other end ---

static void the_line_may_close_at_any_byte(void **state) {
  struct console_rig *r = *state;
  static const enum modem_protocol protocols[] = {MODEM_XMODEM_1K, MODEM_YMODEM,
                                                  MODEM_YMODEM_G};
  for (size_t p = 0; p < 3; p++) {
    for (size_t at = 1;; at += at % 1024 < 10 ? 1 : 97) {
      rig_fill((uint32_t)at);
      r->close_at = at;
      const struct rig_file file = rig_dfu(both, 2);
      rig_load(r, p == 2 ? "load g" : "load", protocols[p], &file, 1);
      const bool whole = r->sent < at;
      r->close_at = 0;
      if (whole) break;
      rig_wait(r, 1000);
      const bool begun = r->console.receive.begun;
      assert_true(session_settled(&r->board.session));
      assert_int_equal(r->console.job, begun ? CONSOLE_GREET : CONSOLE_LOAD);
      rig_open_line(r);
      rig_wait(r, 400);
      if (begun) {
        expect_said(rig_said(r), "\r\n# quadboot 0.1.0; type help\r\n> ");
      } else {
        rig_type(r, "\x18\x18");
        rig_settle(r);
      }
      if (is_changed(r) && at > 1) assert_true(rig_unfinished(r));
      load_again(r);
      memset(board_media_at(&r->board, BOARD_APP), 0xFF, 0x10000);
      memset(board_media_at(&r->board, BOARD_NOR), 0xFF, 0x8000);
    }
  }
}

// The next session follows at once: it finds a console, and no load that goes on. What
// a load is told before a file begins is for the next session; so is a command's
// answer.
static void a_session_may_follow_at_once(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  const struct rig_file file = rig_dfu(both, 2);
  rig_type(r, "load\r");
  rig_pass(r);
  modem_sender_start(&r->sender, MODEM_YMODEM, rig_ms(r));
  while (r->blocks < 3) {
    rig_step_sender(r, &file, 1);
    rig_pass(r);
  }
  r->again = true;
  rig_wait(r, 400);
  expect_said(rig_said(r), "\r\n# quadboot 0.1.0; type help\r\n> ");
  rig_type(r, "loa");
  rig_wait(r, 10);
  r->again = true;
  rig_wait(r, 400);
  expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
  rig_type(r, "crc qspi 32k\r");
  rig_pass(r);
  r->again = true;
  rig_settle(r);
  expect_said(rig_said(r), "# crc-32 0x");
  rig_type(r, "load\r");
  rig_pass(r);
  r->again = true;
  rig_send(r, MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
}

static void the_sender_may_stop_at_any_block(void **state) {
  struct console_rig *r = *state;
  for (size_t p = MODEM_XMODEM; p <= MODEM_YMODEM_G; p++) {
    for (size_t at = 1;; at++) {
      rig_fill((uint32_t)at);
      r->cancel_at = at;
      const struct rig_file file = rig_dfu(both, 2);
      const char *said = rig_load(r, p == MODEM_YMODEM_G ? "load g" : "load",
                                  (enum modem_protocol)p, &file, 1);
      if (r->blocks < at) break;
      expect_said(said, "! the sender has cancelled\r\n");
      load_again(r);
    }
  }
}

static void expect_only(struct console_rig *r, uint32_t from, uint32_t end,
                        const struct dfuse_element_plan *e, uint8_t fill) {
  for (uint32_t at = from; at < end; at++) {
    const bool beside = at - e->address >= e->size;
    if (beside) assert_int_equal(*board_media_at(&r->board, at), fill);
  }
}

// A file that is cut off anywhere, by its sender or with the line, in either flash.
static void what_lies_beside_a_part_of_a_file_keeps_its_bytes(void **state) {
  struct console_rig *r = *state;
  r->board.internal.typical = r->board.nor.typical = true;
  for (size_t at = 2; at < 30; at++) {
    const bool close = at % 2;
    const struct dfuse_element_plan parts[] = {
        {BOARD_APP + 300, 7000 + 100 * (uint32_t)at, rig_content},
        {BOARD_NOR + 300, 7500, rig_content}};
    memset(board_media_at(&r->board, BOARD_APP), 0x42, 0x10000);
    memset(board_media_at(&r->board, BOARD_NOR), 0x42, 0x8000);
    r->cancel_at = close ? 0 : at / 2;
    r->close_at = close ? at * 550 : 0;
    rig_fill((uint32_t)at);
    const struct rig_file file = rig_dfu(parts, 2);
    rig_load(r, "load", MODEM_YMODEM, &file, 1);
    rig_wait(r, 5000);
    assert_true(session_settled(&r->board.session));
    expect_only(r, BOARD_APP, BOARD_APP + 0x10000, &parts[0], 0x42);
    expect_only(r, BOARD_NOR, BOARD_NOR_END, &parts[1], 0x42);
    load_again(r);
  }
}

static void a_damaged_byte_is_sent_again(void **state) {
  struct console_rig *r = *state;
  for (size_t at = 1; at < 6000; at += 701) {
    r->damage_at = at;
    rig_fill((uint32_t)at);
    const struct rig_file file = rig_dfu(both, 2);
    rig_load(r, "load", MODEM_YMODEM, &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    load_again(r);
  }
}

static void in_a_stream_it_is_the_end(void **state) {
  struct console_rig *r = *state;
  r->damage_at = 3000;
  rig_fill(1);
  const struct rig_file file = rig_dfu(both, 2);
  const char *said = rig_load(r, "load g", MODEM_YMODEM_G, &file, 1);
  expect_said(said, "! a block was damaged; load without g\r\n");
  load_again(r);
}

// Until the last answer is said to the line, in which so little room is left then.
static void hold_back_the_last_word(struct console_rig *r, enum modem_protocol p,
                                    uint32_t room) {
  const struct rig_file file = {"f", rig_content, 3000};
  rig_type(r, "load qspi\r");
  rig_wait(r, 10);
  modem_sender_start(&r->sender, p, rig_ms(r));
  for (unsigned n = 0; r->sender.event != MODEM_OVER; n++) {
    assert_true(n < RIG_PATIENCE);
    rig_step_sender(r, &file, 1);
    if (!r->deaf && r->console.receive.modem.event == MODEM_OVER) {
      r->deaf = true;
      r->unsent = SERIAL_LINE_ROOM - room;
      rig_wait(r, 2000);
      r->deaf = false;
      break;
    }
    rig_pass(r);
  }
}

// A host that fetches late, with a line that is full but for a few bytes.
static void the_last_word_waits_for_room(void **state) {
  struct console_rig *r = *state;
  static const enum modem_protocol protocols[] = {MODEM_XMODEM, MODEM_YMODEM};
  for (size_t p = 0; p < 2; p++) {
    for (uint32_t room = 0; room <= 16; room++) {
      rig_fill(room);
      hold_back_the_last_word(r, protocols[p], room);
      rig_wait(r, 10);
      rig_step_sender(r, NULL, 0);
      assert_int_equal(r->sender.event, MODEM_OVER);
      assert_int_equal(r->sender.end, MODEM_END_OK);
      rig_settle(r);
    }
  }
}

// All files that came are right; nobody knows whether there were more.
static void a_batch_cut_between_two_files_starts_nothing(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  const struct rig_file files[] = {rig_dfu(both, 1), rig_dfu(both + 1, 1)};
  r->vanish_at = 1;
  rig_type(r, "load\r");
  rig_pass(r);
  rig_send(r, MODEM_YMODEM, files, 2);
  assert_int_equal(r->sender.files, 1);
  r->step_us = 10000;
  rig_settle(r);
  r->step_us = BOARD_WAIT_US;
  const char *said = rig_said(r);
  expect_said(said, "! the batch broke off; send all of it again\r\n");
  expect_said(said, not_finished);
  assert_true(rig_unfinished(r));
  load_again(r);
  // The same with the line closed.
  rig_fill(2);
  const struct rig_file others[] = {rig_dfu(both, 1), rig_dfu(both + 1, 1)};
  r->vanish_at = 1;
  rig_type(r, "load\r");
  rig_pass(r);
  rig_send(r, MODEM_YMODEM, others, 2);
  rig_close_line(r);
  rig_wait(r, 1000);
  assert_true(rig_unfinished(r));
  load_again(r);
}

static void nobody_may_send(void **state) {
  struct console_rig *r = *state;
  r->step_us = 1000;
  rig_type(r, "load\r");
  rig_pass(r);
  const uint32_t from = r->board.now_us;
  rig_settle(r);
  assert_in_range(r->board.now_us - from, 55000000, 70000000);
  expect_said(rig_said(r), "! nothing was sent; type load again\r\n> ");
}

static void a_person_stops_it(void **state) {
  struct console_rig *r = *state;
  rig_type(r, "load\r");
  rig_wait(r, 100);
  rig_type(r, "\x18");
  rig_wait(r, 300);
  rig_type(r, "\x18");
  rig_settle(r);
  expect_said(rig_said(r), "! the sender has cancelled\r\n> ");
}

static bool confirms_an_eot(struct console_rig *r) {
  const size_t from = r->said_end;
  rig_type(r, "\x04");
  rig_wait(r, 100);
  return memchr(r->said + from, MODEM_ACK, r->said_end - from) != NULL;
}

// A sender whose ACK was lost repeats its EOT, to a console that is at its prompt
// again.
static void the_last_word_is_said_again(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 1000};
  assert_false(confirms_an_eot(r));
  rig_load(r, "load 0x90000000", MODEM_XMODEM, &file, 1);
  assert_true(confirms_an_eot(r));
  assert_true(confirms_an_eot(r));
  // But only of this load.
  expect_answer(r, "crc 0x90000000 0", "# crc-32 0x00000000\r\n> ");
  assert_false(confirms_an_eot(r));
  rig_load(r, "load 0x90000000", MODEM_YMODEM, &file, 1);
  assert_false(confirms_an_eot(r));
  r->cancel_at = 2;
  rig_load(r, "load 0x90000000", MODEM_XMODEM, &file, 1);
  assert_false(confirms_an_eot(r));
  r->cancel_at = 0;
  rig_load(r, "load 0x90000000", MODEM_XMODEM, &file, 1);
  rig_close_line(r);
  rig_wait(r, 10);
  rig_open_line(r);
  rig_wait(r, 400);
  assert_false(confirms_an_eot(r));
}

// --- another road ---

static void dfu_comes_first(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  rig_fill(1);
  assert_true(session_claim(s, SESSION_DFU));
  const char *said = fail_to_load(r, "load", rig_dfu(both, 2));
  expect_said(said,
              "! another program is updating this board; try again when it has "
              "ended\r\n> ");
  assert_false(is_changed(r));
  assert_int_equal(s->owner, SESSION_DFU);
  // It was killed: five seconds later it is our turn.
  assert_true(session_claim(s, SESSION_DFU));
  rig_wait(r, 5001);
  load_again(r);
}

// Its erases are noted only; a load that is refused does not begin them.
static void a_refusal_leaves_dfu_alone(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  *board_media_at(&r->board, BOARD_NOR) = 0;
  assert_true(session_claim(s, SESSION_DFU));
  assert_true(session_erase(s, BOARD_NOR));
  fail_to_load(r, "load", rig_dfu(both, 2));
  assert_int_equal(*board_media_at(&r->board, BOARD_NOR), 0);
  assert_false(session_settled(s));
}

static void dfu_may_begin_right_behind_a_load(void **state) {
  struct console_rig *r = *state;
  rig_fill(1);
  r->cancel_at = 4;
  const struct rig_file file = rig_dfu(both, 2);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  assert_true(session_claim(&r->board.session, SESSION_DFU));
}

static void serial_keeps_the_board_until_it_is_over(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  rig_fill(1);
  const struct rig_file file = rig_dfu(both, 2);
  rig_type(r, "load\r");
  rig_wait(r, 100);
  assert_true(session_claim(s, SESSION_DFU));  // nothing has come yet
  session_release(s, SESSION_DFU);
  modem_sender_start(&r->sender, MODEM_YMODEM, rig_ms(r));
  while (!r->blocks) {
    rig_step_sender(r, &file, 1);
    rig_pass(r);
  }
  rig_wait(r, 9000);  // the sender pauses
  assert_false(session_claim(s, SESSION_DFU));
  rig_close_line(r);
  rig_wait(r, 100);
  assert_true(session_claim(s, SESSION_DFU));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      rig_test(the_bootloader_is_out_of_reach),
      rig_test(parts_in_wrong_places_are_refused_before_anything_changes),
      rig_test(a_later_part_leaves_an_unfinished_update),
      rig_test(a_plain_file_that_is_too_long),
      rig_test(what_is_no_application_does_not_become_one),
      rig_test(an_empty_file_completes_nothing),
      rig_test(assets_do_not_complete_an_application),
      rig_test(a_batch_of_no_files_completes_nothing),
      rig_test(a_second_plain_file_does_not_overwrite_the_first),
      rig_test(a_damaged_dfu_file_is_not_taken),
      rig_test(a_dfu_file_is_not_taken_before_its_end),
      rig_test(xmodem_pads_a_dfu_file_that_is_cut),
      rig_test(each_operation_may_fail),
      rig_test(complete_may_fail_to_be_recorded),
      rig_test(a_cell_that_does_not_hold_is_found),
      rig_test(the_supply_may_be_low),
      rig_test(flash_that_never_ends_is_not_waited_for),
      rig_test(the_line_may_close_at_any_byte),
      rig_test(a_session_may_follow_at_once),
      rig_test(the_sender_may_stop_at_any_block),
      rig_test(what_lies_beside_a_part_of_a_file_keeps_its_bytes),
      rig_test(a_damaged_byte_is_sent_again),
      rig_test(in_a_stream_it_is_the_end),
      rig_test(the_last_word_waits_for_room),
      rig_test(a_batch_cut_between_two_files_starts_nothing),
      rig_test(nobody_may_send),
      rig_test(a_person_stops_it),
      rig_test(the_last_word_is_said_again),
      rig_test(dfu_comes_first),
      rig_test(a_refusal_leaves_dfu_alone),
      rig_test(dfu_may_begin_right_behind_a_load),
      rig_test(serial_keeps_the_board_until_it_is_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
