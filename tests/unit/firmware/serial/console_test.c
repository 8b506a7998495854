// SPDX-License-Identifier: MIT
// The console as a person and a script see it: the line that is typed, every command,
// and what is passed over in silence.
#include <stdio.h>

#include "tests/unit/firmware/serial/console_rig.h"

static const char greeting[] = "\r\n# quadboot 0.1.0; type help\r\n> ";
static const uint8_t head[] = {0, 0, 8, 0x20, 9, 0, 1, 8};

static void reopen(struct console_rig *r) {
  rig_close_line(r);
  rig_said(r);
  rig_open_line(r);
}

// --- the greeting ---

static void it_greets_who_opens_the_line(void **state) {
  struct console_rig *r = *state;
  assert_string_equal(rig_said(r), greeting);
  reopen(r);
  rig_wait(r, 190);
  assert_string_equal(rig_said(r), "");  // the terminal is perhaps not raw yet
  rig_wait(r, 20);
  assert_string_equal(rig_said(r), greeting);
  rig_wait(r, 10000);
  assert_string_equal(rig_said(r), "");
}

static void a_script_needs_no_greeting(void **state) {
  struct console_rig *r = *state;
  reopen(r);
  rig_type(r, "crc qspi 0\r");
  rig_settle(r);
  assert_string_equal(rig_said(r), "> crc qspi 0\r\n# crc-32 0x00000000\r\n> ");
}

// --- the line that is typed ---

static void keys_are_shown(void **state) {
  struct console_rig *r = *state;
  rig_said(r);
  rig_type(r, "i");
  rig_wait(r, 10);
  assert_string_equal(rig_said(r), "");
  rig_wait(r, 10);
  assert_string_equal(rig_said(r), "> i");
  rig_type(r, "x\x7F");
  rig_wait(r, 20);
  assert_string_equal(rig_said(r), "> i");
  rig_type(r, "q\b");
  rig_type(r, "x");
  rig_wait(r, 20);
  assert_string_equal(rig_said(r), "> ix");
}

static void a_line_can_be_edited(void **state) {
  struct console_rig *r = *state;
  static const char *const lines[] = {
      "crc qspi 0",
      "cccrc\b\b\b\b\b\b\b\b\bcrc qspi 0",
      "crd\x7F"
      "c qspi 7\x7F"
      "0",
      "nonsense\x15"
      "crc qspi 0",
      "nonsense\x03"
      "crc qspi 0",
      "CRC Qspi 0",
      "crc   qspi  0  ",
      "crc 0x90000000 0x0",
      "crc 0X90000000 00",
      "crc 2415919104 0K",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    expect_answer(r, lines[i], "# crc-32 0x00000000\r\n> ");
}

static void lines_end_in_every_way(void **state) {
  struct console_rig *r = *state;
  static const char *const ends[] = {"\r", "\n", "\r\n"};
  for (size_t i = 0; i < 3; i++) {
    rig_said(r);
    rig_type(r, "crc qspi 0");
    rig_type(r, ends[i]);
    rig_type(r, "crc qspi 0");
    rig_type(r, ends[i]);
    rig_settle(r);
    assert_string_equal(rig_said(r),
                        "> crc qspi 0\r\n# crc-32 0x00000000\r\n> crc qspi 0\r\n"
                        "# crc-32 0x00000000\r\n> ");
  }
}

static void an_empty_line_gives_a_prompt(void **state) {
  struct console_rig *r = *state;
  expect_answer(r, "", "> ");
  expect_answer(r, "", "> ");
}

// Longest line, and one more: that is no command, and passed over.
static void lines_have_an_end(void **state) {
  struct console_rig *r = *state;
  char line[CONSOLE_LINE + 2];
  memset(line, 'x', sizeof line);
  line[CONSOLE_LINE] = 0;
  char answer[120];
  snprintf(answer, sizeof answer, "! there is no command \"%s\"; type help\r\n> ",
           line);
  expect_answer(r, line, answer);
  line[CONSOLE_LINE] = 'x';
  line[CONSOLE_LINE + 1] = 0;
  expect_answer(r, line, "");
  for (int i = 0; i < 5000; i++)
    rig_type(r, "y");
  expect_answer(r, "crc qspi 0", "");
  expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
}

// --- silence ---

static void expect_silence(struct console_rig *r, const void *bytes, size_t n) {
  rig_said(r);
  rig_bytes(r, bytes, n);
  rig_wait(r, 500);
  assert_string_equal(rig_said(r), "");
}

static void modem_managers_hear_nothing(void **state) {
  struct console_rig *r = *state;
  static const char *const probes[] = {
      "AT\r",       "ATE0\r",     "AT\r\n",         "ATI\r\nAT+CGMI\r\n",
      "at+gcap\r",  "AT+CPIN?\r", "ATQ0V1E1S0=0\r", "~\x1A\x2B~",
      "+++",        " load",      "\x7E\x00",       "0x1",
      "\xFF\xFE\r", "# info\r",
  };
  for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
    expect_silence(r, probes[i], strlen(probes[i]));
  uint8_t all[256];
  for (int i = 0; i < 256; i++)
    all[i] = (uint8_t)(i + 200);
  expect_silence(r, all, sizeof all);
  expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
}

// A byte every millisecond, as one may be told to.
static void also_when_they_type_slowly(void **state) {
  struct console_rig *r = *state;
  rig_said(r);
  for (const char *p = "AT+CGMM\rATE1\r"; *p; p++) {
    rig_bytes(r, p, 1);
    rig_wait(r, 1);
  }
  rig_wait(r, 500);
  assert_string_equal(rig_said(r), "");
}

// What is said comes back, as from a terminal that is not raw.
static void send_back(struct console_rig *r, uint32_t ms) {
  for (uint32_t i = 0; i < ms; i++) {
    const size_t end = r->said_end;
    for (; r->said_at < end; r->said_at++) {
      const char *byte = r->said + r->said_at;
      if (*byte == '\r') {
        rig_type(r, "\r\n");
      } else if (*byte == '\x1B') {
        rig_type(r, "^[");
      } else {
        rig_bytes(r, byte, 1);
      }
    }
    rig_wait(r, 1);
  }
}

static void it_does_not_answer_itself(void **state) {
  struct console_rig *r = *state;
  static const char *const lines[] = {"help\r",       "info\r\n", "read qspi 64\r",
                                      "nonsense\r",   "load 0\r", "\r",
                                      "erase qspi\r", "h",        "crc qspi x\r"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    reopen(r);
    send_back(r, 400);
    rig_said(r);
    rig_type(r, lines[i]);
    send_back(r, 2000);
    const size_t end = r->said_end;
    send_back(r, 5000);
    assert_int_equal(r->said_end, end);  // it has come to an end
    rig_type(r, "\x15");
    rig_wait(r, 400);
    expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
  }
}

// --- commands that ask ---

static void help_lists_every_command(void **state) {
  struct console_rig *r = *state;
  static const char *const words[] = {"load", "erase", "crc",   "read",  "info",
                                      "log",  "boot",  "reset", "0x1000"};
  char said[2000];
  snprintf(said, sizeof said, "%s", rig_ask(r, "help"));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    assert_non_null(strstr(said, words[i]));
}

static void every_command_has_its_name(void **state) {
  struct console_rig *r = *state;
  static const struct {
    const char *line, *answer;
  } cases[] = {
      {"foo", "! there is no command \"foo\"; type help\r\n> "},
      {"hel", "! there is no command \"hel\"; type help\r\n> "},
      {"helpx", "! there is no command \"helpx\"; type help\r\n> "},
      {"loader 1 2 3 4 5 6", "! there is no command \"loader\"; type help\r\n> "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_answer(r, cases[i].line, cases[i].answer);
}

static void info_tells_of_the_board(void **state) {
  struct console_rig *r = *state;
  static const char before[] =
      "# quadboot 0.1.0 on a board\r\n# chip 0x00000451, revision 0x00001001, 256 KB\r\n"
      "# qspi id 20ba1a, 32 KB: ok\r\n# application: no valid application is installed; "
      "flash one first\r\n# 0 records; update finished\r\n> ";
  expect_answer(r, "info", before);
  expect_answer(r, "log", before);
  memcpy(board_media_at(&r->board, BOARD_APP), head, sizeof head);
  *board_media_at(&r->board, BOARD_NOR) = 0;
  r->info.nor_status = ST_NOR_QUAD_ENABLE;
  rig_ask(r, "erase 0x90000000 4k");
  expect_answer(
      r, "info",
      "# quadboot 0.1.0 on a board\r\n# chip 0x00000451, revision 0x00001001, 256 KB\r\n"
      "# qspi id 20ba1a, 32 KB: the QSPI flash refuses quad mode; check its status "
      "register\r\n# application: ok\r\n# 1 records; update not finished\r\n> ");
}

static void numbers_are_written_in_many_ways(void **state) {
  struct console_rig *r = *state;
  static const struct {
    const char *number;
    uint32_t value;
  } good[] = {{"1", 1},      {"0x1F", 31},      {"0X1f", 31},
              {"4k", 4096},  {"0x2K", 2048},    {"007", 7},
              {"0", 0},      {"0x8000", 32768}, {"0x00000000010", 16},
              {"32k", 32768}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char line[40], answer[40];
    snprintf(line, sizeof line, "crc qspi %s", good[i].number);
    snprintf(answer, sizeof answer, "# crc-32 0x%08x\r\n> ",
             ~crc32_update(CRC32_INIT, r->board.nor.bytes, good[i].value));
    expect_answer(r, line, answer);
  }
  static const char *const bad[] = {"",
                                    "0x",
                                    "k",
                                    "1kk",
                                    "1g",
                                    "-1",
                                    "0xg",
                                    "1 k",
                                    "1.5",
                                    "a",
                                    "4294967296",
                                    "18446744073709551617",
                                    "0x100000000",
                                    "4m4",
                                    "1k1",
                                    "4194304k",
                                    "4096m",
                                    "qspi"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[60];
    snprintf(line, sizeof line, "crc qspi %s", bad[i]);
    const char *answer = rig_ask(r, line);
    if (!strcmp(bad[i], "1 k")) continue;  // a length, and a word too many
    assert_string_not_equal(answer, "");
    assert_int_equal(answer[0], '!');
  }
  expect_answer(r, "crc qspi 12x",
                "! \"12x\" is no number; write 4096, 0x1000, 4k or 1m\r\n> ");
  expect_answer(r, "crc", "! an address or a length is missing; type help\r\n> ");
  expect_answer(r, "crc 0", "! an address or a length is missing; type help\r\n> ");
}

static void crc_is_that_of_zlib(void **state) {
  struct console_rig *r = *state;
  memcpy(board_media_at(&r->board, BOARD_APP + 1), "123456789", 9);
  expect_answer(r, "crc 0x08010001 9", "# crc-32 0xcbf43926\r\n> ");
  rig_fill(1);
  memcpy(board_media_at(&r->board, BOARD_APP), rig_content, 0x30000);
  char answer[40];
  snprintf(answer, sizeof answer, "# crc-32 0x%08x\r\n> ",
           ~crc32_update(CRC32_INIT, rig_content, 0x30000));
  expect_answer(r, "crc flash 192k", answer);
  // The bootloader can be looked at.
  expect_answer(r, "crc 0x08000000 0", "# crc-32 0x00000000\r\n> ");
}

static void reading_stays_inside_the_flash(void **state) {
  struct console_rig *r = *state;
  static const struct {
    const char *line, *answer;
  } cases[] = {
      {"crc 0x0803ffff 2",
       "! at 0x0803ffff: the data runs past the end of the flash; "
       "use a smaller file\r\n> "},
      {"crc 0x20000000 4",
       "! at 0x20000000: this address belongs to no flash; check the "
       "file's addresses\r\n> "},
      {"read 0x90007ff8 16",
       "! at 0x90007ff8: the data runs past the end of the flash; "
       "use a smaller file\r\n> "},
      {"read 0x90007ff8 8", "90007ff8: ff ff ff ff ff ff ff ff\r\n> "},
      {"read 0xffffffff 0xffffffff",
       "! at 0xffffffff: this address belongs to no flash; "
       "check the file's addresses\r\n> "},
      {"read qspi 0", "> "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_answer(r, cases[i].line, cases[i].answer);
}

static void read_shows_bytes(void **state) {
  struct console_rig *r = *state;
  for (uint32_t i = 0; i < 100; i++)
    *board_media_at(&r->board, BOARD_NOR + i) = (uint8_t)(i * 3);
  expect_answer(r, "read 0x90000001 18",
                "90000001: 03 06 09 0c 0f 12 15 18 1b 1e 21 24 27 2a 2d 30\r\n"
                "90000011: 33 36\r\n> ");
}

// What would be there had each command run at once; flash that is busy is waited for.
static void reading_waits_for_busy_flash(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  r->board.nor.program_us = 3000000;
  r->board.nor.erase_us = 3000000;
  assert_true(session_write(s, BOARD_NOR, head, sizeof head));
  session_flush(s);
  while (!r->board.nor.busy)
    rig_pass(r);
  expect_answer(r, "read qspi 8", "90000000: 00 00 08 20 09 00 01 08\r\n> ");
  assert_true(r->board.nor.busy);
  expect_answer(r, "read 0x90001000 1", "90001000: ff\r\n> ");
}

static void a_host_that_does_not_read_loses_nothing(void **state) {
  struct console_rig *r = *state;
  rig_said(r);
  r->deaf = true;
  rig_type(r, "read qspi 4k\r");
  rig_wait(r, 5000);
  r->deaf = false;
  rig_settle(r);
  const char *said = rig_said(r);
  size_t rows = 0;
  for (const char *p = said; (p = strstr(p, "\r\n9000")); p++)
    rows++;
  assert_int_equal(rows, 256);
  expect_said(said, "90000ff0: ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff\r\n> ");
}

static void ctrl_c_stops_what_reads(void **state) {
  struct console_rig *r = *state;
  static const char *const lines[] = {"read qspi 32k\r", "crc flash 192k\r"};
  for (size_t i = 0; i < 2; i++) {
    rig_said(r);
    r->deaf = i == 0;
    rig_type(r, lines[i]);
    for (int k = 0; k < 20; k++)
      rig_pass(r);
    rig_type(r, "noise\x03");
    for (int k = 0; k < 20; k++)
      rig_pass(r);
    r->deaf = false;
    rig_settle(r);
    assert_true(strlen(rig_said(r)) < 1000);
    expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
  }
}

// --- commands that change ---

static void spoil(struct console_rig *r) {
  memset(board_media_at(&r->board, BOARD_APP), 0, BOARD_INTERNAL_END - BOARD_APP);
  memset(r->board.nor.bytes, 0, BOARD_NOR_END - BOARD_NOR);
}

static bool is_blank(struct console_rig *r, uint32_t at, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (*board_media_at(&r->board, at + i) != 0xFF) return false;
  }
  return true;
}

static void erase_takes_a_whole_flash(void **state) {
  struct console_rig *r = *state;
  memset(r->board.internal.bytes, 0, 0x8000);
  spoil(r);
  expect_answer(r, "erase qspi", "# erased\r\n> ");
  assert_true(is_blank(r, BOARD_NOR, 0x8000));
  assert_int_equal(*board_media_at(&r->board, BOARD_APP), 0);
  assert_true(rig_unfinished(r));
  expect_answer(r, "erase flash", "# erased\r\n> ");
  assert_true(is_blank(r, BOARD_APP, BOARD_INTERNAL_END - BOARD_APP));
  assert_int_equal(r->board.internal.bytes[0x7FFF], 0);
  assert_true(rig_unfinished(r));
}

static void or_a_range_and_nothing_beside_it(void **state) {
  struct console_rig *r = *state;
  spoil(r);
  expect_answer(r, "erase 0x90001000 8k", "# erased\r\n> ");
  assert_true(is_blank(r, 0x90001000, 0x2000));
  assert_int_equal(*board_media_at(&r->board, 0x90000FFF), 0);
  assert_int_equal(*board_media_at(&r->board, 0x90003000), 0);
  expect_answer(r, "erase 0x08017000 0xa000", "# erased\r\n> ");
  assert_true(is_blank(r, 0x08017000, 0xA000));
  assert_int_equal(*board_media_at(&r->board, 0x08016FFF), 0);
  assert_int_equal(*board_media_at(&r->board, 0x08021000), 0);
  expect_answer(r, "erase flash 4k", "# erased\r\n> ");
  assert_true(is_blank(r, BOARD_APP, 0x1000));
}

static void erase_refuses(void **state) {
  struct console_rig *r = *state;
  static const struct {
    const char *line, *answer;
  } cases[] = {
      {"erase 0x08000000 4k",
       "! at 0x08000000: quadboot lives here; applications start "
       "at 0x08010000\r\n> "},
      {"erase 0x0800f000 8k",
       "! at 0x0800f000: quadboot lives here; applications start "
       "at 0x08010000\r\n> "},
      {"erase 0x07fff000 128k",
       "! at 0x07fff000: this address belongs to no flash; "
       "check the file's addresses\r\n> "},
      {"erase qspi 36k",
       "! at 0x90000000: the data runs past the end of the flash; use "
       "a smaller file\r\n> "},
      {"erase qspi 4000",
       "! at 0x90000000: erase needs multiples of 4k, such as: "
       "0x08010000 64k\r\n> "},
      {"erase 0x90000004 4k",
       "! at 0x90000004: erase needs multiples of 4k, such as: "
       "0x08010000 64k\r\n> "},
      {"erase 0x90000000", "! an address or a length is missing; type help\r\n> "},
      {"erase", "! an address or a length is missing; type help\r\n> "},
      {"erase all", "! \"all\" is no number; write 4096, 0x1000, 4k or 1m\r\n> "},
      {"erase 0 0xfffff000",
       "! this address belongs to no flash; check the file's "
       "addresses\r\n> "},
      {"erase 0x90000000 0xfffff000",
       "! at 0x90000000: the data runs past the end of "
       "the flash; use a smaller file\r\n> "},
  };
  memset(r->board.internal.bytes, 0, 0x8000);
  spoil(r);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_answer(r, cases[i].line, cases[i].answer);
  assert_int_equal(r->board.internal.calls[RAM_ERASE_START], 0);
  assert_int_equal(r->board.nor.calls[RAM_ERASE_START], 0);
}

static void a_failed_erase_is_told(void **state) {
  struct console_rig *r = *state;
  spoil(r);
  ram_medium_fail(&r->board.nor, RAM_ERASE_END, 3, ST_ERASE_FAILED);
  expect_answer(
      r, "erase qspi",
      "! at 0x90002000: the flash reports a failed erase; try again or replace "
      "the chip\r\n> ");
  assert_true(rig_unfinished(r));
  expect_answer(r, "erase qspi", "# erased\r\n> ");
}

// The QSPI chip is the reason why there is no such address.
static void a_chip_that_is_not_there_is_named(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  s->media_count = 1;
  r->info.nor_status = ST_NOR_ABSENT;
  static const char *const lines[] = {"load qspi", "erase qspi", "crc qspi 4",
                                      "read qspi 4", "erase qspi 4k"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    expect_answer(r, lines[i],
                  "! at 0x90000000: no QSPI flash answers; check its wiring\r\n> ");
}

// --- leaving ---

static void boot_starts_an_application(void **state) {
  struct console_rig *r = *state;
  expect_answer(r, "boot",
                "! no valid application is installed; flash one first\r\n> ");
  assert_false(console_wants_boot(&r->console));
  memcpy(board_media_at(&r->board, BOARD_APP), head, sizeof head);
  rig_type(r, "boot\r");
  rig_wait(r, 100);
  assert_true(console_wants_boot(&r->console));
  assert_false(console_wants_reset(&r->console));
}

static void boot_does_not_start_half_an_update(void **state) {
  struct console_rig *r = *state;
  memcpy(board_media_at(&r->board, BOARD_APP), head, sizeof head);
  *board_media_at(&r->board, BOARD_NOR) = 0;
  rig_ask(r, "erase qspi");
  expect_answer(r, "boot",
                "! nothing starts before the update is loaded again (or: boot "
                "anyway)\r\n> ");
  assert_false(console_wants_boot(&r->console));
  assert_true(rig_unfinished(r));
  rig_type(r, "boot anyway\r");
  rig_wait(r, 100);
  assert_true(console_wants_boot(&r->console));
  assert_false(rig_unfinished(r));
}

static void boot_anyway_needs_an_application_too(void **state) {
  struct console_rig *r = *state;
  *board_media_at(&r->board, BOARD_NOR) = 0;
  rig_ask(r, "erase qspi");
  expect_answer(r, "boot anyway",
                "! no valid application is installed; flash one first\r\n> ");
  assert_true(rig_unfinished(r));
}

static void reset_waits_for_the_flash(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  r->board.nor.program_us = 1000000;
  assert_true(session_write(s, BOARD_NOR, head, sizeof head));
  rig_type(r, "reset\r");
  rig_wait(r, 500);
  assert_false(console_wants_reset(&r->console));
  rig_wait(r, 1000);
  assert_true(console_wants_reset(&r->console));
  expect_flash(r, BOARD_NOR, head, sizeof head);
}

static void nothing_changes_beside_dfu(void **state) {
  struct console_rig *r = *state;
  static const char *const lines[] = {"erase qspi", "erase qspi 4k", "boot",
                                      "boot anyway", "reset"};
  spoil(r);
  memcpy(board_media_at(&r->board, BOARD_APP), head, sizeof head);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    assert_true(session_claim(&r->board.session, SESSION_DFU));
    expect_answer(r, lines[i],
                  "! another program is updating this board; try again when it has "
                  "ended\r\n> ");
  }
  assert_false(console_wants_boot(&r->console) || console_wants_reset(&r->console));
  assert_int_equal(r->board.nor.calls[RAM_ERASE_START], 0);
  expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
}

static void dfu_may_begin_right_behind_an_erase(void **state) {
  struct console_rig *r = *state;
  spoil(r);
  expect_answer(r, "erase qspi 4k", "# erased\r\n> ");
  assert_true(session_claim(&r->board.session, SESSION_DFU));
}

static void the_failures_of_dfu_are_not_ours(void **state) {
  struct console_rig *r = *state;
  struct session *s = &r->board.session;
  assert_true(session_claim(s, SESSION_DFU));
  ram_medium_fail(&r->board.nor, RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED);
  assert_true(session_write(s, BOARD_NOR, head, sizeof head));
  session_flush(s);
  rig_wait(r, 500);
  assert_int_equal(session_take_result(s).status, ST_PROGRAM_FAILED);
}

// What was not heard is not for the next one.
static void a_line_that_opens_begins_anew(void **state) {
  struct console_rig *r = *state;
  r->deaf = true;
  rig_type(r, "read qspi 4k\r");
  rig_wait(r, 100);
  rig_close_line(r);
  r->deaf = false;
  rig_wait(r, 100);
  rig_said(r);
  rig_open_line(r);
  rig_wait(r, 300);
  assert_string_equal(rig_said(r), greeting);
}

// A line that closes ends nothing that was begun.
static void an_erase_goes_on_without_a_listener(void **state) {
  struct console_rig *r = *state;
  spoil(r);
  r->board.nor.erase_us = 100000;
  rig_type(r, "erase qspi\r");
  rig_wait(r, 150);
  rig_close_line(r);
  rig_wait(r, 2000);
  assert_true(is_blank(r, BOARD_NOR, 0x8000));
  assert_true(session_claim(&r->board.session, SESSION_DFU));
  rig_open_line(r);
  rig_wait(r, 300);
  expect_answer(r, "crc qspi 0", "# crc-32 0x00000000\r\n> ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      rig_test(it_greets_who_opens_the_line),
      rig_test(a_script_needs_no_greeting),
      rig_test(keys_are_shown),
      rig_test(a_line_can_be_edited),
      rig_test(lines_end_in_every_way),
      rig_test(an_empty_line_gives_a_prompt),
      rig_test(lines_have_an_end),
      rig_test(modem_managers_hear_nothing),
      rig_test(also_when_they_type_slowly),
      rig_test(it_does_not_answer_itself),
      rig_test(help_lists_every_command),
      rig_test(every_command_has_its_name),
      rig_test(info_tells_of_the_board),
      rig_test(numbers_are_written_in_many_ways),
      rig_test(crc_is_that_of_zlib),
      rig_test(reading_stays_inside_the_flash),
      rig_test(read_shows_bytes),
      rig_test(reading_waits_for_busy_flash),
      rig_test(a_host_that_does_not_read_loses_nothing),
      rig_test(ctrl_c_stops_what_reads),
      rig_test(erase_takes_a_whole_flash),
      rig_test(or_a_range_and_nothing_beside_it),
      rig_test(erase_refuses),
      rig_test(a_failed_erase_is_told),
      rig_test(a_chip_that_is_not_there_is_named),
      rig_test(boot_starts_an_application),
      rig_test(boot_does_not_start_half_an_update),
      rig_test(boot_anyway_needs_an_application_too),
      rig_test(reset_waits_for_the_flash),
      rig_test(nothing_changes_beside_dfu),
      rig_test(dfu_may_begin_right_behind_an_erase),
      rig_test(the_failures_of_dfu_are_not_ours),
      rig_test(a_line_that_opens_begins_anew),
      rig_test(an_erase_goes_on_without_a_listener),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
