// SPDX-License-Identifier: MIT
// Files over the serial road that arrive: every protocol, size and kind.
#include <stdio.h>

#include "tests/unit/firmware/serial/console_rig.h"

static const enum modem_protocol protocols[] = {MODEM_XMODEM, MODEM_XMODEM_1K,
                                                MODEM_YMODEM, MODEM_YMODEM_G};

static bool has_length(enum modem_protocol p) {
  return p == MODEM_YMODEM || p == MODEM_YMODEM_G;
}

static const char *load_command(enum modem_protocol p) {
  return p == MODEM_YMODEM_G ? "load g" : "load";
}

static void load_plain(struct console_rig *r, enum modem_protocol p, uint32_t at,
                       uint32_t size) {
  char command[40];
  const struct rig_file file = {"file.bin", rig_content, size};
  snprintf(command, sizeof command, "load 0x%08x%s", at,
           p == MODEM_YMODEM_G ? " g" : "");
  rig_fill(size + at + p);
  const char *said = rig_load(r, command, p, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  // The sender was told of success: all is there, and on record.
  assert_false(rig_unfinished(r));
  expect_flash(r, at, rig_content, size);
  char report[64];
  const uint32_t come = has_length(p) ? size : r->console.receive.bytes;
  snprintf(report, sizeof report, "# 1 files, %u bytes in ", come);
  expect_said(said, report);
  assert_int_equal(strstr(said, "; padded to whole blocks\r\n> ") != NULL,
                   !has_length(p));
}

static void every_size_by_every_protocol(void **state) {
  struct console_rig *r = *state;
  static const uint32_t sizes[] = {1,    127,  128,  129,  896,  897,  1023,
                                   1024, 1025, 4095, 4096, 4097, 30000};
  for (uint32_t p = 0; p < 4; p++) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      load_plain(r, protocols[p], BOARD_NOR, sizes[i]);
      load_plain(r, protocols[p], BOARD_APP, sizes[i]);
      load_plain(r, protocols[p], BOARD_APP + 4000, sizes[i]);
    }
  }
}

// --- files with addresses ---

// Parts that begin and end inside units, touch each other inside one, and alternate
// between the flashes.
static const struct dfuse_element_plan parts[] = {
    {0x08010000, 5000, rig_content},         {0x90001001, 4094, rig_content + 5000},
    {0x08011388, 7001, rig_content + 10000}, {0x90000000, 1, rig_content + 20000},
    {0x08020FFF, 2, rig_content + 20001},    {0x90005000, 8192, rig_content + 21000},
};
enum { PARTS = sizeof parts / sizeof *parts };

static void expect_parts(struct console_rig *r) {
  for (size_t i = 0; i < PARTS; i++)
    expect_flash(r, parts[i].address, parts[i].data, parts[i].size);
}

static void a_dfu_file_goes_to_its_addresses(void **state) {
  struct console_rig *r = *state;
  for (uint32_t p = 0; p < 4; p++) {
    rig_fill(7 + p);
    const struct rig_file file = rig_dfu(parts, PARTS);
    const char *said = rig_load(r, load_command(protocols[p]), protocols[p], &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    assert_null(strstr(said, "padded"));
    assert_false(rig_unfinished(r));
    expect_parts(r);
  }
}

static bool in_parts(uint32_t address) {
  for (size_t i = 0; i < PARTS; i++) {
    if (address - parts[i].address < parts[i].size) return true;
  }
  return false;
}

static void what_lies_beside_keeps_its_bytes(void **state) {
  struct console_rig *r = *state;
  for (uint32_t at = BOARD_APP; at < BOARD_INTERNAL_END; at++)
    *board_media_at(&r->board, at) = (uint8_t)(at * 7);
  for (uint32_t at = BOARD_NOR; at < BOARD_NOR_END; at++)
    *board_media_at(&r->board, at) = (uint8_t)(at * 7);
  const struct rig_file file = rig_dfu(parts, PARTS);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  expect_parts(r);
  for (uint32_t at = BOARD_APP; at < BOARD_INTERNAL_END; at++) {
    if (!in_parts(at))
      assert_int_equal(*board_media_at(&r->board, at), (uint8_t)(at * 7));
  }
  for (uint32_t at = BOARD_NOR; at < BOARD_NOR_END; at++) {
    if (!in_parts(at))
      assert_int_equal(*board_media_at(&r->board, at), (uint8_t)(at * 7));
  }
}

// The same bytes again, and later ones win.
static void parts_may_overlap(void **state) {
  struct console_rig *r = *state;
  static const struct dfuse_element_plan twice[] = {
      {0x08010000, 12000, rig_content},
      {0x08011000, 11000, rig_content + 20000},
      {0x08010800, 2048, rig_content + 40000},
      {0x08010000, 2048 + 2048, rig_content + 50000},
  };
  rig_fill(3);
  const struct rig_file file = rig_dfu(twice, 4);
  rig_load(r, "load", MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  expect_flash(r, 0x08010000, rig_content + 50000, 4096);
  expect_flash(r, 0x08011000, rig_content + 20000, 11000);
}

static void ymodem_keeps_the_rest_of_a_sector_xmodem_erases_it(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 1024};
  rig_fill(5);
  memset(board_media_at(&r->board, BOARD_APP), 0x42, 0x8001);
  rig_load(r, "load 0x08010800", MODEM_YMODEM, &file, 1);
  expect_flash(r, 0x08010800, rig_content, 1024);
  assert_int_equal(*board_media_at(&r->board, 0x08010C00), 0x42);
  assert_int_equal(*board_media_at(&r->board, 0x08017FFF), 0x42);
  rig_load(r, "load 0x08012000", MODEM_XMODEM, &file, 1);
  expect_flash(r, 0x08012000, rig_content, 1024);
  assert_int_equal(*board_media_at(&r->board, 0x08011FFF), 0x42);
  assert_int_equal(*board_media_at(&r->board, 0x08012400), 0xFF);
  assert_int_equal(*board_media_at(&r->board, 0x08017FFF), 0xFF);
  assert_int_equal(*board_media_at(&r->board, 0x08018000), 0x42);
}

// Each sector is erased once, whatever it held, and keeps what the file does not cover.
static void no_sector_is_erased_twice(void **state) {
  struct console_rig *r = *state;
  r->pace_us = 5000;
  static const uint32_t sizes[] = {0x20000, 0x1F000, 0x1EFFF, 0x10001, 0xF123};
  const uint32_t all = BOARD_INTERNAL_END - BOARD_APP;
  r->board.internal.typical = r->board.nor.typical = true;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const struct rig_file file = {"f", rig_content, sizes[i]};
    const uint32_t before = r->board.internal.calls[RAM_ERASE_END];
    memset(board_media_at(&r->board, BOARD_APP), (int)i, all);
    rig_fill((uint32_t)i);
    rig_load(r, "load 0x08010000", MODEM_YMODEM, &file, 1);
    expect_flash(r, BOARD_APP, rig_content, sizes[i]);
    for (uint32_t at = sizes[i]; at < all; at++)
      assert_int_equal(*board_media_at(&r->board, BOARD_APP + at), i);
    const uint32_t sectors = sizes[i] > 0x10000 ? 3 : 2;
    assert_int_equal(r->board.internal.calls[RAM_ERASE_END] - before, sectors);
  }
}

// --- much, and slowly ---

static uint32_t stored;

static void all_is_stored(struct console_rig *r, uint32_t number) {
  stored = number;
  expect_flash(r, BOARD_APP, rig_content, 0x30000);
  expect_flash(r, BOARD_NOR, rig_content + 0x30000, 0x8000);
  assert_int_equal(r->board.writer.used, 0);
}

// 224 KB through 192 KB of slots, with flash as slow as it is: blocks wait, and the end
// of the file is confirmed when all is verified.
static void more_than_the_writer_holds(void **state) {
  struct console_rig *r = *state;
  static const struct dfuse_element_plan big[] = {
      {BOARD_NOR, 0x8000, rig_content + 0x30000}, {BOARD_APP, 0x30000, rig_content}};
  r->board.internal.typical = r->board.nor.typical = true;
  r->on_file = all_is_stored;
  for (uint32_t p = 0; p < 4; p++) {
    rig_fill(100 + p);
    stored = 0;
    const struct rig_file file = rig_dfu(big, 2);
    rig_load(r, load_command(protocols[p]), protocols[p], &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    assert_int_equal(stored, 1);
    assert_false(rig_unfinished(r));
  }
}

// A second of work is taken and no more, though there is room: who must be told the end
// of a file within a minute cannot hold three.
static void slow_flash_holds_the_sender_back(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 0x30000};
  r->board.internal.media.geometry.program_us_per_kb = 40000;
  r->board.internal.typical = true;
  rig_fill(4);
  rig_type(r, "load 0x08010000\r");
  rig_pass(r);
  modem_sender_start(&r->sender, MODEM_YMODEM, rig_ms(r));
  while (r->sender.event != MODEM_OVER) {
    rig_step_sender(r, &file, 1);
    rig_pass(r);
    assert_true(r->board.writer.used <= 12);
  }
  assert_int_equal(r->sender.end, MODEM_END_OK);
}

// The last word of a transfer is said when "complete" is in flash.
static void complete_is_on_record_when_the_sender_hears_it(void **state) {
  struct console_rig *r = *state;
  r->board.internal.program_us = 400000;
  for (uint32_t p = 0; p < 4; p++) {
    const struct rig_file file = {"f", rig_content, 700};
    rig_fill(p);
    rig_type(r, p == 3 ? "load qspi g\r" : "load qspi\r");
    rig_pass(r);
    assert_int_equal(rig_send(r, protocols[p], &file, 1), MODEM_END_OK);
    assert_false(rig_unfinished(r));
    rig_settle(r);
  }
}

static void what_is_there_already_is_no_update(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 5000};
  rig_fill(1);
  memcpy(board_media_at(&r->board, BOARD_NOR), rig_content, 5000);
  rig_load(r, "load qspi", MODEM_YMODEM, &file, 1);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  assert_int_equal(r->board.session.log.records, 0);
}

// --- batches ---

static void first_is_stored_and_not_complete(struct console_rig *r, uint32_t number) {
  if (number != 1) return;
  expect_flash(r, BOARD_APP, rig_content, 3000);
  assert_int_equal(r->board.writer.used, 0);
  assert_true(rig_unfinished(r));
}

static void a_batch_is_one_update(void **state) {
  struct console_rig *r = *state;
  static const struct dfuse_element_plan one = {BOARD_APP, 3000, rig_content};
  static const struct dfuse_element_plan two = {BOARD_NOR, 3000, rig_content + 3000};
  static const enum modem_protocol batches[] = {MODEM_YMODEM, MODEM_YMODEM_G};
  r->on_file = first_is_stored_and_not_complete;
  for (uint32_t p = 0; p < 2; p++) {
    rig_fill(p);
    const struct rig_file files[] = {rig_dfu(&one, 1), rig_dfu(&two, 1)};
    const char *said = rig_load(r, load_command(batches[p]), batches[p], files, 2);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    expect_said(said, "# 2 files, ");
    assert_false(rig_unfinished(r));
    expect_flash(r, BOARD_NOR, rig_content + 3000, 3000);
  }
}

static void a_plain_file_beside_files_with_addresses(void **state) {
  struct console_rig *r = *state;
  static const struct dfuse_element_plan one = {BOARD_APP, 3000, rig_content};
  rig_fill(9);
  const struct rig_file files[] = {rig_dfu(&one, 1),
                                   {"assets.bin", rig_content + 3000, 3000}};
  rig_load(r, "load qspi", MODEM_YMODEM, files, 2);
  assert_int_equal(r->sender.end, MODEM_END_OK);
  expect_flash(r, BOARD_APP, rig_content, 3000);
  expect_flash(r, BOARD_NOR, rig_content + 3000, 3000);
}

// --- an application ---

static const uint8_t head[] = {0, 0, 8, 0x20, 9, 0, 1, 8};

static void an_application_goes_to_its_place(void **state) {
  struct console_rig *r = *state;
  static const char *const commands[] = {"load", "load flash", "load ymodem",
                                         "LOAD FLASH YMODEM"};
  for (size_t i = 0; i < 4; i++) {
    rig_fill((uint32_t)i);
    memcpy(rig_content, head, sizeof head);
    const struct rig_file file = {"app.bin", rig_content, 20000};
    rig_load(r, commands[i], MODEM_YMODEM, &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    expect_flash(r, BOARD_APP, rig_content, 20000);
  }
}

// --- the sender's side ---

// CR LF: the LF is the command's, not the sender's.
static void a_line_feed_belongs_to_the_command(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 100};
  const uint32_t from = r->board.now_us;
  rig_type(r, "load qspi\r\n");
  rig_pass(r);
  assert_int_equal(rig_send(r, MODEM_YMODEM, &file, 1), MODEM_END_OK);
  assert_true(r->board.now_us - from < 1000000);
}

// But those in the first block are the file's, also where a packet begins with one.
static void line_feeds_in_a_file_are_the_files(void **state) {
  struct console_rig *r = *state;
  for (size_t p = 0; p < 4; p++) {
    const struct rig_file file = {"\n\n\n", rig_content, 3000};
    const uint32_t from = r->board.now_us;
    memset(rig_content, '\n', sizeof rig_content);
    rig_load(r, p == 3 ? "load qspi g" : "load qspi", protocols[p], &file, 1);
    assert_int_equal(r->sender.end, MODEM_END_OK);
    assert_true(r->board.now_us - from < 1000000);
    expect_flash(r, BOARD_NOR, rig_content, 3000);
  }
}

// printf 'load\r' > /dev/ttyACM0; sb file < /dev/ttyACM0 > /dev/ttyACM0
static void a_load_waits_while_the_line_is_closed(void **state) {
  struct console_rig *r = *state;
  const struct rig_file file = {"f", rig_content, 100};
  rig_close_line(r);
  rig_wait(r, 1000);
  rig_open_line(r);
  rig_type(r, "load qspi\r");
  rig_wait(r, 2);
  rig_close_line(r);
  rig_wait(r, 50000);
  rig_said(r);
  rig_open_line(r);
  rig_wait(r, 20);
  assert_string_equal(rig_said(r), "C");
  assert_int_equal(rig_send(r, MODEM_YMODEM, &file, 1), MODEM_END_OK);
  rig_settle(r);
  expect_flash(r, BOARD_NOR, rig_content, 100);
}

// So soon that the command was only read.
static void also_if_it_has_not_begun(void **state) {
  struct console_rig *r = *state;
  static const uint8_t app[1024] = {0, 0, 8, 0x20, 9, 0, 1, 8};
  const struct rig_file files[] = {{"f", rig_content, 100}, {"app", app, sizeof app}};
  for (int before = 0; before < 2; before++) {
    if (before) rig_load(r, "load qspi", MODEM_YMODEM, files, 1);
    rig_type(r, "load\r");
    while (r->console.job != CONSOLE_LOAD)
      rig_pass(r);
    rig_close_line(r);
    rig_wait(r, 1000);
    rig_open_line(r);
    memset(board_media_at(&r->board, BOARD_APP), 0xFF, sizeof app);
    assert_int_equal(rig_send(r, MODEM_YMODEM, files + 1, 1), MODEM_END_OK);
    rig_settle(r);
    expect_flash(r, BOARD_APP, app, sizeof app);
  }
}

static void but_not_for_ever(void **state) {
  struct console_rig *r = *state;
  rig_type(r, "load qspi\r");
  rig_wait(r, 2);
  rig_close_line(r);
  rig_wait(r, 61000);
  rig_said(r);
  rig_open_line(r);
  rig_settle(r);
  assert_string_equal(rig_said(r), "\r\n# quadboot 0.1.0; type help\r\n> ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      rig_test(every_size_by_every_protocol),
      rig_test(a_dfu_file_goes_to_its_addresses),
      rig_test(what_lies_beside_keeps_its_bytes),
      rig_test(parts_may_overlap),
      rig_test(ymodem_keeps_the_rest_of_a_sector_xmodem_erases_it),
      rig_test(no_sector_is_erased_twice),
      rig_test(more_than_the_writer_holds),
      rig_test(slow_flash_holds_the_sender_back),
      rig_test(complete_is_on_record_when_the_sender_hears_it),
      rig_test(what_is_there_already_is_no_update),
      rig_test(a_batch_is_one_update),
      rig_test(a_plain_file_beside_files_with_addresses),
      rig_test(an_application_goes_to_its_place),
      rig_test(a_line_feed_belongs_to_the_command),
      rig_test(line_feeds_in_a_file_are_the_files),
      rig_test(a_load_waits_while_the_line_is_closed),
      rig_test(also_if_it_has_not_begun),
      rig_test(but_not_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
