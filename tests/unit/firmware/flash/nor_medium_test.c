// SPDX-License-Identifier: MIT
// A NOR chip as a medium: its geometry, the commands of each operation, page by page,
// and every way in which one can end.
#include "firmware/flash/nor.h"

#include "tests/fakes/nor_chip.h"
#include "tests/fakes/random.h"

static struct nor_chip chip;
static struct nor nor;
static struct nor_bus bus;
static struct media medium;
static uint8_t pattern[8192];

static void start(const char *dump) {
  nor_chip_open(&chip, dump);
  bus = nor_chip_bus(&chip);
  assert_int_equal(nor_start(&nor, &bus, 54000000), ST_OK);
  medium = nor_medium(&nor);
  nor_chip_forget(&chip);
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(i * 5 + i / 256);
}

static int start_big(void **state) {
  (void)state;
  start("mx66l1g45g");
  return 0;
}

// Polls until the operation is over.
static enum status wait(void) {
  bool busy = true;
  enum status status = ST_OK;
  for (unsigned n = 0; busy; n++) {
    assert_true(n < 1000000);
    status = medium.poll(medium.ctx, &busy);
    if (busy) assert_int_equal(status, ST_OK);
    chip.now_us += 50;
  }
  return status;
}

// --- geometry ---

static void the_geometry_is_the_chips_own(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint32_t size, block, erase_us, program_us_per_kb;
  } cases[] = {
      {"mx66l1g45g", 0x08000000, 0x10000, 288000, 4 * 256},
      {"mx66l2g45g", 0x10000000, 0x10000, 256000, 4 * 152},
      {"mt25qu512a", 0x04000000, 0x10000, 160000, 4 * 120},
      {"w25q64jv", 0x00800000, 0x10000, 160000, 4 * 704},
      {"w25q128_old", 0x01000000, 0x10000, 500000, 4 * 700},  // says no times
      {"zd25q128c", 0x01000000, 0x10000, 500000, 4 * 700},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(cases[i].dump);
    const struct media_geometry *g = &medium.geometry;
    assert_string_equal(g->name, "External QSPI");
    assert_int_equal(g->base, 0x90000000);
    assert_int_equal(g->size, cases[i].size);
    assert_int_equal(g->run_count, 1);
    assert_int_equal(g->runs[0].block_size, cases[i].block);
    assert_int_equal(g->runs[0].count, cases[i].size / cases[i].block);
    assert_true(g->runs[0].writable);
    assert_int_equal(g->runs[0].erase_us, cases[i].erase_us);
    assert_int_equal(g->program_us_per_kb, cases[i].program_us_per_kb);
  }
}

// Erase sizes besides the block's, with their times; of the whole chip, where one
// command does it. MX66L1G45G: 4, 32, 64 KB and 256 s.
static void further_erases_are_told(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    unsigned count;
    struct media_erase erases[3];
    uint32_t whole_us;
  } cases[] = {
      {"mx66l1g45g",
       3,
       {{4096, 30000, 1}, {32768, 160000, 1}, {65536, 288000, 1}},
       256000000},
      {"mt25qu512a", 2, {{4096, 48000, 1}, {65536, 160000, 1}}, 128000000},
      {"w25q512jv", 2, {{4096, 64000, 1}, {65536, 160000, 1}}, 192000000},
      {"w25q01jvq", 2, {{4096, 64000, 1}, {65536, 160000, 1}}, 0},  // two dies
      {"w25q128_old",
       3,
       {{4096, 125000, 1}, {32768, 300000, 1}, {65536, 500000, 1}},
       0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(cases[i].dump);
    const struct media_geometry *g = &medium.geometry;
    assert_int_equal(g->erase_count, cases[i].count);
    assert_int_equal(g->whole_erase_us, cases[i].whole_us);
    for (unsigned k = 0; k < cases[i].count; k++) {
      assert_int_equal(g->erases[k].size, cases[i].erases[k].size);
      assert_int_equal(g->erases[k].erase_us, cases[i].erases[k].erase_us);
      assert_int_equal(g->erases[k].runs, 1);
    }
  }
}

// A 128 MB Micron is two dies, which want an erase each.
static void a_stacked_micron_is_not_erased_as_a_whole(void **state) {
  (void)state;
  nor_chip_open(&chip, "mt25qu512a");
  memcpy(chip.sfdp.bytes + 0x34, "\xFF\xFF\xFF\x3F", 4);
  bus = nor_chip_bus(&chip);
  if (chip.sfdp.bytes[0x0C] != 0x30) fail_msg("the table is elsewhere");
  assert_int_equal(nor_start(&nor, &bus, 54000000), ST_OK);
  medium = nor_medium(&nor);
  assert_int_equal(medium.geometry.size, 128 * 1024 * 1024);
  assert_int_equal(medium.geometry.whole_erase_us, 0);
}

// The SST26VF064B's sector map: 8 and 32 KB at either end.
static void sectors_of_several_sizes_make_runs(void **state) {
  (void)state;
  static const struct media_run runs[] = {
      {8192, 4, true, 19000},  {32768, 1, true, 19000}, {65536, 126, true, 19000},
      {32768, 1, true, 19000}, {8192, 4, true, 19000},
  };
  start("sst26vf064b");
  const struct media_geometry *g = &medium.geometry;
  assert_int_equal(g->run_count, 5);
  assert_int_equal(g->erase_count, 4);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(g->runs[i].block_size, runs[i].block_size);
    assert_int_equal(g->runs[i].count, runs[i].count);
    assert_true(g->runs[i].writable);
    assert_int_equal(g->runs[i].erase_us, runs[i].erase_us);
  }
  // Of 4 KB everywhere, else of the blocks' own sizes.
  static const uint8_t works[] = {0x1F, 0x11, 0x0A, 0x04};
  for (int i = 0; i < 4; i++)
    assert_int_equal(g->erases[i].runs, works[i]);
  // Each size where it works, and nowhere else.
  static const struct {
    uint32_t offset, size;
    int opcode;  // -1: none
  } cases[] = {
      {0x0000, 8192, 0xD8},    {0x0000, 4096, 0x20},    {0x1000, 4096, 0x20},
      {0x0000, 65536, -1},     {0x0000, 32768, -1},     {0x8000, 32768, 0xD8},
      {0x8000, 8192, -1},      {0x10000, 65536, 0xD8},  {0x10000, 32768, -1},
      {0x11000, 65536, -1},    {0x7E0000, 65536, 0xD8}, {0x7F0000, 65536, -1},
      {0x7F0000, 32768, 0xD8}, {0x7FE000, 8192, 0xD8},  {0x7FF000, 4096, 0x20},
      {0x0000, 8388608, 0xC7}, {0x1000, 8388608, -1},   {0, 16384, -1},
      {0x7FF000, 8192, -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start("sst26vf064b");
    chip.block = 4096;
    chip.any_address = true;
    const enum status status =
        medium.erase_start(medium.ctx, cases[i].offset, cases[i].size);
    assert_int_equal(status, cases[i].opcode < 0 ? ST_BAD_ADDRESS : ST_OK);
    char line[48] = "";
    if (cases[i].opcode == 0xC7)
      snprintf(line, sizeof line, "w 06 1-0-0\nw C7 1-0-0\n");
    if (cases[i].opcode > 0 && cases[i].opcode != 0xC7) {
      snprintf(line, sizeof line, "w 06 1-0-0\nw %02X 1-1-0 @%06X/3\n",
               (unsigned)cases[i].opcode, (unsigned)cases[i].offset);
    }
    assert_memory_equal(chip.log, line, strlen(line));
    if (!line[0]) assert_string_equal(chip.log, "");
  }
}

static void pages_of_any_size_make_a_program_time(void **state) {
  (void)state;
  static const struct {
    uint8_t exponent;
    uint32_t per_kb;
  } cases[] = {{0, 1024}, {8, 4}, {9, 2}, {10, 1}, {11, 1}, {15, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    uint8_t *dw11 = chip.sfdp.bytes + 0x30 + 40;
    *dw11 = (uint8_t)((*dw11 & 0x0F) | cases[i].exponent << 4);
    bus = nor_chip_bus(&chip);
    assert_int_equal(nor_start(&nor, &bus, 54000000), ST_OK);
    medium = nor_medium(&nor);
    assert_int_equal(nor.sfdp.page, 1u << cases[i].exponent);
    assert_int_equal(medium.geometry.program_us_per_kb, cases[i].per_kb * 256);
  }
}

// On-chip ECC forbids to program bytes again: S25FL-S and whatever is not known.
static void some_chips_are_programmed_once(void **state) {
  (void)state;
  static const struct {
    uint8_t maker;
    uint32_t bytes;
  } cases[] = {{0xC2, 0}, {0x20, 0}, {0xEF, 0},  {0x9D, 0},
               {0xC8, 0}, {0xBF, 0}, {0x01, 16}, {0x5E, 16}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    nor_chip_open(&chip, "mx66l1g45g");
    chip.id[0] = cases[i].maker;
    bus = nor_chip_bus(&chip);
    assert_int_equal(nor_start(&nor, &bus, 54000000), ST_OK);
    assert_int_equal(nor_medium(&nor).geometry.program_once, cases[i].bytes);
  }
}

// --- reading ---

static void a_read_is_one_command(void **state) {
  (void)state;
  uint8_t got[100];
  memcpy(chip.memory + 0x12345, pattern, sizeof got);
  assert_int_equal(medium.read(medium.ctx, 0x12345, got, sizeof got), ST_OK);
  assert_memory_equal(got, pattern, sizeof got);
  assert_string_equal(chip.log, "r EC 1-4-4 @00012345/4 m4:FFx1 d4 n100\n");
  chip.fail_call = chip.calls + 1;
  assert_int_equal(medium.read(medium.ctx, 0, got, 1), ST_BUS_TIMEOUT);
}

// By the same command; and a chip that was given up is reset first, as for a read.
static void bytes_are_lent_by_the_read_command(void **state) {
  (void)state;
  struct flash_loan loan = {.length = 0};
  assert_int_equal(medium.view(medium.ctx, 0x12345, 300, &loan), ST_OK);
  assert_ptr_equal(loan.data, chip.memory + 0x12345);
  assert_int_equal(loan.length, 300);
  assert_string_equal(chip.log, "map EC 1-4-4 @00012345/4 m4:FFx1 d4 n300\n");
  chip.fail_call = chip.calls + 1;
  assert_int_equal(medium.view(medium.ctx, 0, 1, &loan), ST_BUS_TIMEOUT);
  nor_chip_forget(&chip);
  nor.overdue = true;
  assert_int_equal(medium.view(medium.ctx, 0, 1, &loan), ST_OK);
  assert_non_null(strstr(chip.log, "w 99"));
  assert_false(nor.overdue);
  nor.overdue = true;
  chip.fail_call = chip.calls + 1;
  assert_int_equal(medium.view(medium.ctx, 0, 1, &loan), ST_BUS_TIMEOUT);
}

static void no_loan_comes_before_the_end_of_a_fetch(void **state) {
  (void)state;
  static _Alignas(4) uint8_t to[64];
  struct flash_loan loan = {.length = 0};
  size_t there;
  assert_int_equal(medium.fetch(medium.ctx, 0, to, sizeof to), ST_OK);
  assert_int_equal(medium.view(medium.ctx, 0, 1, &loan), ST_OK);
  assert_int_equal(medium.fetched(medium.ctx, &there), ST_OK);
  assert_true(there >= sizeof to);
}

// Up to the last byte of a die, not over it.
static void no_loan_goes_over_a_dies_end(void **state) {
  (void)state;
  struct flash_loan loan = {.length = 0};
  start("w25q01jvq");
  chip.any_address = true;
  assert_int_equal(medium.view(medium.ctx, 0x1FFFFF0, 16, &loan), ST_OK);
  assert_int_equal(medium.view(medium.ctx, 0x1FFFFF0, 17, &loan), ST_NOT_NOW);
  assert_int_equal(medium.view(medium.ctx, 0x2000000, 4096, &loan), ST_OK);
}

// A sequential read wraps where a die ends.
static void a_read_stops_at_a_dies_end(void **state) {
  (void)state;
  uint8_t got[100];
  start("w25q01jvq");
  chip.any_address = true;
  assert_int_equal(medium.read(medium.ctx, 0x3FFFFF0, got, sizeof got), ST_OK);
  assert_string_equal(chip.log,
                      "r EC 1-4-4 @03FFFFF0/4 m4:FFx1 d4 n16\n"
                      "r EC 1-4-4 @04000000/4 m4:FFx1 d4 n84\n");
  chip.fail_call = chip.calls + 1;
  assert_int_equal(medium.read(medium.ctx, 0x3FFFFF0, got, sizeof got), ST_BUS_TIMEOUT);
}

// --- erasing ---

static void each_die_is_asked_for_its_own_erase(void **state) {
  (void)state;
  static const uint32_t offsets[] = {0x7FF0000, 0x0010000, 0x0000000, 0x4000000};
  // The start ended with the second die.
  static const char *const selects[] = {"", "w C2 1-0-1 n1 =00\n", "",
                                        "w C2 1-0-1 n1 =01\n"};
  start("w25q01jvq");
  chip.any_address = true;
  for (int i = 0; i < 4; i++) {
    char line[64];
    nor_chip_forget(&chip);
    assert_int_equal(medium.erase_start(medium.ctx, offsets[i], 0x10000), ST_OK);
    assert_int_equal(wait(), ST_OK);
    snprintf(line, sizeof line, "%sw 06 1-0-0\nw DC", selects[i]);
    assert_memory_equal(chip.log, line, strlen(line));
  }
}

static void a_protected_chip_is_not_tried(void **state) {
  (void)state;
  nor_chip_open(&chip, "w25q128jv");
  chip.status = 0x1C;
  chip.status_locked = true;
  bus = nor_chip_bus(&chip);
  assert_int_equal(nor_start(&nor, &bus, 54000000), ST_OK);
  medium = nor_medium(&nor);
  nor_chip_forget(&chip);
  assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_NOR_PROTECTED);
  assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 4), ST_NOR_PROTECTED);
  assert_string_equal(chip.log, "");
}

static void an_erase_is_enabled_started_and_watched(void **state) {
  (void)state;
  bool busy = false;
  memset(chip.memory, 0, sizeof chip.memory);
  chip.takes_us = 300000;
  assert_int_equal(medium.erase_start(medium.ctx, 0x20000, 0x10000), ST_OK);
  assert_string_equal(chip.log,
                      "w 06 1-0-0\nw DC 1-1-0 @00020000/4\nwait 05 1-0-1 01=00\n");
  nor_chip_forget(&chip);
  assert_int_equal(medium.poll(medium.ctx, &busy), ST_OK);
  assert_true(busy);
  assert_string_equal(chip.log, "");
  assert_int_equal(wait(), ST_OK);
  assert_non_null(strstr(chip.log, "r 2B 1-0-1 n1\n"));
  assert_int_equal(chip.memory[0x1FFFF], 0);
  assert_int_equal(chip.memory[0x20000], 0xFF);
  assert_int_equal(chip.memory[0x2FFFF], 0xFF);
  assert_int_equal(chip.memory[0x30000], 0);
}

// --- programming ---

static void a_program_is_split_at_pages(void **state) {
  (void)state;
  static const struct {
    uint32_t offset, length;
    const char *pages;
  } cases[] = {
      {0x000, 1, "00000000/4 n1"},
      {0x000, 256, "00000000/4 n256"},
      {0x001, 255, "00000001/4 n255"},
      {0x0FF, 1, "000000FF/4 n1"},
      {0x0FF, 2, "000000FF/4 n1 00000100/4 n1"},
      {0x001, 256, "00000001/4 n255 00000100/4 n1"},
      {0x100, 257, "00000100/4 n256 00000200/4 n1"},
      {0x080, 512, "00000080/4 n128 00000100/4 n256 00000200/4 n128"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start("mx66l1g45g");
    assert_int_equal(
        medium.program_start(medium.ctx, cases[i].offset, pattern, cases[i].length),
        ST_OK);
    assert_int_equal(wait(), ST_OK);
    assert_memory_equal(chip.memory + cases[i].offset, pattern, cases[i].length);
    assert_int_equal(chip.memory[cases[i].offset + cases[i].length], 0xFF);
    char pages[256] = "";
    for (const char *p = chip.log; (p = strstr(p, "w 3E 1-4-4 @")) != NULL; p++) {
      const char *from = p + 12;
      size_t n = strcspn(from, "\n");
      const char *shown = strstr(from, " =");  // of a single byte
      if (shown && shown < from + n) n = (size_t)(shown - from);
      if (pages[0]) strcat(pages, " ");
      strncat(pages, from, n);
    }
    assert_string_equal(pages, cases[i].pages);
  }
}

static void each_page_is_enabled_watched_and_asked_for(void **state) {
  (void)state;
  assert_int_equal(medium.program_start(medium.ctx, 0x1F0, pattern, 32), ST_OK);
  assert_int_equal(wait(), ST_OK);
  assert_string_equal(chip.log,
                      "w 06 1-0-0\n"
                      "w 3E 1-4-4 @000001F0/4 n16\n"
                      "wait 05 1-0-1 01=00\n"
                      "r 2B 1-0-1 n1\n"
                      "w 06 1-0-0\n"
                      "w 3E 1-4-4 @00000200/4 n16\n"
                      "wait 05 1-0-1 01=00\n"
                      "r 2B 1-0-1 n1\n");
}

// Each family's page program, watched and asked for in its own way.
static void each_family_has_its_own_words(void **state) {
  (void)state;
  static const struct {
    const char *dump, *log;
  } cases[] = {
      {"mx25r6435f", "w 38 1-4-4 @000100/3 n4\nwait 05 1-0-1 01=00\nr 2B 1-0-1 n1\n"},
      {"w25q64jv", "w 32 1-1-4 @000100/3 n4\nwait 05 1-0-1 01=00\n"},
      {"w25q512jv", "w 34 1-1-4 @00000100/4 n4\nwait 05 1-0-1 01=00\n"},
      {"mt25qu512a", "w 3E 1-4-4 @00000100/4 n4\nwait 70 1-0-1 80=80\n"},
      {"n25q256a", "w 32 1-1-4 @00000100/4 n4\nwait 70 1-0-1 80=80\n"},
      {"is25wp256", "w 32 1-1-4 @00000100/4 n4\nwait 05 1-0-1 01=00\n"},
      {"sst26vf064b", "w 32 1-4-4 @000100/3 n4\nwait 05 1-0-1 01=00\n"},
      {"bh25q128as", "w 02 1-1-1 @000100/3 n4\nwait 05 1-0-1 01=00\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(cases[i].dump);
    assert_int_equal(medium.program_start(medium.ctx, 0x100, pattern, 4), ST_OK);
    assert_int_equal(wait(), ST_OK);
    const size_t enable = strlen("w 06 1-0-0\n");
    assert_memory_equal(chip.log, "w 06 1-0-0\n", enable);
    assert_string_equal(chip.log + enable, cases[i].log);
  }
}

// --- what the chip says in the end ---

static void the_error_bits_count_for_their_own_operation(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint8_t maker, at, bits;
    enum status erase, program;
    const char *clear;
  } cases[] = {
      {"mx66l1g45g", 0xC2, 0x2B, 0x00, ST_OK, ST_OK, NULL},
      {"mx66l1g45g", 0xC2, 0x2B, 0x20, ST_OK, ST_PROGRAM_FAILED, NULL},
      {"mx66l1g45g", 0xC2, 0x2B, 0x40, ST_ERASE_FAILED, ST_OK, NULL},
      {"mx66l1g45g", 0xC2, 0x2B, 0x60, ST_ERASE_FAILED, ST_PROGRAM_FAILED, NULL},
      {"mx66l1g45g", 0xC2, 0x2B, 0x9F, ST_OK, ST_OK, NULL},
      {"mx66l1g45g", 0x5E, 0x2B, 0x60, ST_OK, ST_OK, NULL},  // not that maker's
      {"mt25qu512a", 0x20, 0x70, 0x90, ST_OK, ST_PROGRAM_FAILED, "w 50 1-0-0\n"},
      {"mt25qu512a", 0x20, 0x70, 0xA0, ST_ERASE_FAILED, ST_OK, "w 50 1-0-0\n"},
      {"mt25qu512a", 0x20, 0x70, 0x82, ST_NOR_PROTECTED, ST_NOR_PROTECTED,
       "w 50 1-0-0\n"},
      {"mt25qu512a", 0x20, 0x70, 0x81, ST_OK, ST_OK, NULL},
      {"w25q128jv", 0x01, 0x07, 0x20, ST_OK, ST_PROGRAM_FAILED, "w 30 1-0-0\n"},
      {"w25q128jv", 0x01, 0x07, 0x40, ST_ERASE_FAILED, ST_OK, "w 30 1-0-0\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int erase = 0; erase < 2; erase++) {
      start(cases[i].dump);
      const uint8_t id[3] = {cases[i].maker, 0, 0};
      nor.family = nor_family_of(id);
      chip.registers[cases[i].at] = cases[i].bits;
      const enum status expected = erase ? cases[i].erase : cases[i].program;
      if (erase) {
        assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_OK);
      } else {
        assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 700), ST_OK);
      }
      assert_int_equal(wait(), expected);
      const bool asked = strstr(chip.log, "r 2B") || strstr(chip.log, "r 07");
      // Micron's are in what was polled.
      assert_int_equal(asked, cases[i].maker != 0x5E && cases[i].maker != 0x20);
      assert_null(strstr(chip.log, "r 70"));
      if (cases[i].clear) {
        assert_int_equal(strstr(chip.log, cases[i].clear) != NULL, expected != ST_OK);
      }
      // A page that failed is the last.
      if (!erase) {
        assert_int_equal(chip.memory[256], expected == ST_OK ? pattern[256] : 0xFF);
      }
    }
  }
}

// Each die of a stack has flags of its own, which takes turns to be read.
static void a_stack_of_dies_is_asked_again(void **state) {
  (void)state;
  static const struct {
    uint32_t size;
    bool is_old, asked;
  } cases[] = {
      {64u << 20, false, false},  // MT25QL512
      {128u << 20, false, true},  // MT25QL01G
      {32u << 20, true, false},   // N25Q256A
      {64u << 20, true, true},    // N25Q512A, which has the MT25QL512's id
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start("mt25qu512a");
    nor.sfdp.size = cases[i].size;
    nor.sfdp.is_old = cases[i].is_old;
    assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 4), ST_OK);
    assert_int_equal(wait(), ST_OK);
    assert_int_equal(strstr(chip.log, "r 70") != NULL, cases[i].asked);
    const struct media m = nor_medium(&nor);
    assert_int_equal(m.geometry.whole_erase_us == 0, cases[i].asked);
  }
}

static void polling_an_idle_chip_is_harmless(void **state) {
  (void)state;
  bool busy = true;
  assert_int_equal(medium.poll(medium.ctx, &busy), ST_OK);
  assert_false(busy);
  assert_string_equal(chip.log, "");
}

// --- deadlines: the maxima of the SFDP, or the slowest family's ---

static uint32_t time_until_given_up(bool erase) {
  bool busy = true;
  enum status status = ST_OK;
  chip.takes_us = 0xFFFFFFFF;
  const uint32_t before = chip.now_us;
  if (erase) {
    assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_OK);
  } else {
    assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 256), ST_OK);
  }
  while (busy) {
    status = medium.poll(medium.ctx, &busy);
    chip.now_us += 100;
  }
  assert_int_equal(status, ST_FLASH_TIMEOUT);
  assert_false(chip.waiting);
  assert_non_null(strstr(chip.log, "stop\n"));
  return chip.now_us - before;
}

static void a_chip_that_stays_busy_is_given_up_at_its_maximum(void **state) {
  (void)state;
  static const struct {
    const char *dump;
    uint32_t erase_us, program_us;
  } cases[] = {
      {"mx66l1g45g", 4032000, 5000},  // of pages, no less than the slowest family's
      {"mt25qu512a", 1600000, 5000},
      {"w25q128_old", 4000000, 5000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(cases[i].dump);
    const uint32_t erase_us = time_until_given_up(true);
    assert_in_range(erase_us, cases[i].erase_us, cases[i].erase_us + 500);
    start(cases[i].dump);
    const uint32_t program_us = time_until_given_up(false);
    assert_in_range(program_us, cases[i].program_us, cases[i].program_us + 500);
  }
}

// Spansion: WIP stays set with the error bits, until 30h clears both.
static void a_chip_that_stays_busy_over_a_failure_says_so(void **state) {
  (void)state;
  bool busy = true;
  enum status status = ST_OK;
  static const uint8_t id[3] = {0x01, 0x60, 0x18};
  start("w25q128jv");
  nor.family = nor_family_of(id);
  chip.registers[0x07] = 0x40;
  chip.takes_us = 0xFFFFFFFF;
  assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_OK);
  while (busy) {
    status = medium.poll(medium.ctx, &busy);
    chip.now_us += 1000;
  }
  assert_int_equal(status, ST_ERASE_FAILED);
  assert_non_null(strstr(chip.log, "stop\npause\nr 07 1-0-1 n1\nw 30 1-0-0\n"));
}

// The clock wraps at 2^32 us: the deadline does not.
static void a_deadline_may_lie_behind_the_wrap(void **state) {
  (void)state;
  chip.now_us = chip.last_us = 0xFFFFFFFF - 1000;
  chip.takes_us = 200000;
  assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_OK);
  assert_int_equal(wait(), ST_OK);
  assert_true(chip.now_us < 0x80000000);
}

// Each page has the whole deadline for itself.
static void a_long_program_has_a_deadline_per_page(void **state) {
  (void)state;
  chip.takes_us = 2000;
  assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 4096), ST_OK);
  assert_int_equal(wait(), ST_OK);
  assert_memory_equal(chip.memory, pattern, 4096);
}

// A chip that was given up takes nothing but a reset, which comes before whatever is
// asked next.
static void a_chip_that_was_given_up_is_reset_first(void **state) {
  (void)state;
  uint8_t got[4];
  static const char reset[] = "w 66 1-0-0\nw 99 1-0-0\npause\nr 05 1-0-1 n1\n";
  for (int next = 0; next < 3; next++) {
    start("mx66l1g45g");
    time_until_given_up(false);
    nor_chip_forget(&chip);
    chip.takes_us = 0;
    chip.last_us = chip.now_us;
    if (next == 0) medium.read(medium.ctx, 0, got, 4);
    if (next == 1) medium.erase_start(medium.ctx, 0, 0x10000);
    if (next == 2) medium.program_start(medium.ctx, 0, pattern, 4);
    assert_memory_equal(chip.log, reset, sizeof reset - 1);
    if (next) assert_int_equal(wait(), ST_OK);
    nor_chip_forget(&chip);
    assert_int_equal(medium.read(medium.ctx, 0, got, 4), ST_OK);
    assert_null(strstr(chip.log, "w 66"));  // once
  }
}

static void a_chip_that_no_reset_revives_stays_refused(void **state) {
  (void)state;
  uint8_t got[4];
  time_until_given_up(true);
  chip.busy_reads = 0xFFFFFFFF;
  assert_int_equal(medium.read(medium.ctx, 0, got, 4), ST_FLASH_TIMEOUT);
  assert_int_equal(medium.erase_start(medium.ctx, 0, 0x10000), ST_FLASH_TIMEOUT);
  assert_int_equal(medium.program_start(medium.ctx, 0, pattern, 4), ST_FLASH_TIMEOUT);
  chip.fail_call = chip.calls + 1;
  assert_int_equal(medium.read(medium.ctx, 0, got, 4), ST_BUS_TIMEOUT);
  chip.busy_reads = 0;
  assert_int_equal(medium.read(medium.ctx, 0, got, 4), ST_OK);
}

// --- a bus that hangs ---

static enum status operate(bool erase) {
  const enum status status = erase
                                 ? medium.erase_start(medium.ctx, 0, 0x10000)
                                 : medium.program_start(medium.ctx, 0x80, pattern, 512);
  return status == ST_OK ? wait() : status;
}

static void a_hanging_bus_ends_every_operation(void **state) {
  (void)state;
  for (int erase = 0; erase < 2; erase++) {
    start("mx66l1g45g");
    const unsigned before = chip.calls;
    assert_int_equal(operate(erase), ST_OK);
    const unsigned calls = chip.calls - before;
    assert_true(calls >= 4);
    for (unsigned call = 1; call <= calls; call++) {
      start("mx66l1g45g");
      chip.fail_call = chip.calls + call;
      assert_int_equal(operate(erase), ST_BUS_TIMEOUT);
      assert_false(chip.waiting);
      bool busy = true;
      assert_int_equal(medium.poll(medium.ctx, &busy), ST_OK);
      assert_false(busy);
      assert_int_equal(operate(true), ST_OK);  // usable again
    }
  }
}

// --- all together ---

static void random_operations_leave_what_they_should(void **state) {
  (void)state;
  static uint8_t expected[NOR_CHIP_MEMORY];
  struct random random = {362436069};
  memset(expected, 0xFF, sizeof expected);
  for (int i = 0; i < 20000; i++) {
    nor_chip_forget(&chip);
    const uint32_t at = random_below(&random, NOR_CHIP_MEMORY - 600);
    const uint32_t n = 1 + random_below(&random, 600);
    uint8_t got[600];
    if (random_one_in(&random, 50)) {
      assert_int_equal(medium.erase_start(medium.ctx, at & ~0xFFFFu, 0x10000), ST_OK);
      memset(expected + (at & ~0xFFFFu), 0xFF, 0x10000);
    } else {
      const uint8_t *src = pattern + random_below(&random, 4000);
      assert_int_equal(medium.program_start(medium.ctx, at, src, n), ST_OK);
      for (uint32_t k = 0; k < n; k++)
        expected[at + k] &= src[k];
    }
    assert_int_equal(wait(), ST_OK);
    assert_int_equal(medium.read(medium.ctx, at, got, n), ST_OK);
    assert_memory_equal(got, expected + at, n);
  }
  assert_memory_equal(chip.memory, expected, sizeof expected);
}

#define big_test(test) cmocka_unit_test_setup(test, start_big)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_geometry_is_the_chips_own),
      cmocka_unit_test(pages_of_any_size_make_a_program_time),
      cmocka_unit_test(further_erases_are_told),
      cmocka_unit_test(a_stacked_micron_is_not_erased_as_a_whole),
      cmocka_unit_test(sectors_of_several_sizes_make_runs),
      cmocka_unit_test(some_chips_are_programmed_once),
      big_test(a_read_is_one_command),
      big_test(bytes_are_lent_by_the_read_command),
      big_test(no_loan_comes_before_the_end_of_a_fetch),
      cmocka_unit_test(no_loan_goes_over_a_dies_end),
      cmocka_unit_test(a_read_stops_at_a_dies_end),
      cmocka_unit_test(each_die_is_asked_for_its_own_erase),
      cmocka_unit_test(a_protected_chip_is_not_tried),
      big_test(an_erase_is_enabled_started_and_watched),
      cmocka_unit_test(a_program_is_split_at_pages),
      big_test(each_page_is_enabled_watched_and_asked_for),
      cmocka_unit_test(each_family_has_its_own_words),
      cmocka_unit_test(the_error_bits_count_for_their_own_operation),
      big_test(a_stack_of_dies_is_asked_again),
      big_test(polling_an_idle_chip_is_harmless),
      cmocka_unit_test(a_chip_that_stays_busy_is_given_up_at_its_maximum),
      cmocka_unit_test(a_chip_that_stays_busy_over_a_failure_says_so),
      big_test(a_deadline_may_lie_behind_the_wrap),
      big_test(a_long_program_has_a_deadline_per_page),
      cmocka_unit_test(a_chip_that_was_given_up_is_reset_first),
      big_test(a_chip_that_no_reset_revives_stays_refused),
      cmocka_unit_test(a_hanging_bus_ends_every_operation),
      big_test(random_operations_leave_what_they_should),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
