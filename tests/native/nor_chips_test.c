// SPDX-License-Identifier: MIT
// Every chip of the simulator under the QUADSPI driver and the NOR logic, from every
// state in which a reset may find it: detected, erased, programmed, read through the
// FIFO and through the window, without one guest error. And what the logic made of each
// is what the document says.
#include <string.h>

#include "firmware/flash/nor.h"
#include "tests/fakes/nor_row.h"
#include "tests/native/quadspi_open.h"

enum { CHIPS = 18, SAMPLE = 64 };

struct bench {
  struct chips *chips;
  struct quadspi quadspi;
  struct nor_bus bus;
  struct nor nor;
};

static enum status start(struct bench *b) {
  b->bus = quadspi_open(&b->quadspi);
  return nor_start(&b->nor, &b->bus, 108000000);
}

static void run(struct bench *b, const struct media *m, enum status status) {
  bool busy = true;
  assert_int_equal(status, ST_OK);
  while (busy) {
    assert_int_equal(m->poll(m->ctx, &busy), ST_OK);
    if (busy) chips_pass(b->chips, VT_US(20));
  }
}

static void expect_reads(struct bench *b, uint32_t at) {
  uint8_t got[SAMPLE];
  const struct media m = nor_medium(&b->nor);
  assert_int_equal(m.read(m.ctx, at, got, sizeof got), ST_OK);
  assert_memory_equal(got, b->chips->nor + at, sizeof got);
}

static void expect_mapped(struct bench *b, uint32_t at) {
  uint8_t got[SAMPLE];
  for (uint32_t i = 0; i < SAMPLE; i += 4) {
    const uint32_t word = chips_window_read(b->chips, at + i);
    memcpy(got + i, &word, 4);
  }
  assert_memory_equal(got, b->chips->nor + at, sizeof got);
}

// The last block, which the erase that was suspended has left unsure.
static void expect_writes(struct bench *b, uint8_t seed) {
  uint8_t data[700];
  const struct media m = nor_medium(&b->nor);
  const struct media_run *r = &m.geometry.runs[m.geometry.run_count - 1];
  const uint32_t end = m.geometry.size, at = end - (uint32_t)sizeof data;
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 3 + seed);
  run(b, &m, m.erase_start(m.ctx, end - r->block_size, r->block_size));
  assert_int_equal(b->chips->nor[end - 1], 0xFF);
  run(b, &m, m.program_start(m.ctx, at, data, sizeof data));
  assert_memory_equal(b->chips->nor + at, data, sizeof data);
  expect_reads(b, end - SAMPLE);
}

// The middle is where the dies of the W25Q01JV meet; the last word is one of them.
static void expect_window(struct bench *b) {
  const uint32_t size = b->nor.sfdp.size;
  const uint32_t above = size > CHIPS_NOR_REACH ? CHIPS_NOR_REACH - SAMPLE / 2 : 0;
  const uint32_t places[] = {0x20000, size / 2 - SAMPLE / 2, size - SAMPLE, 0x345670,
                             above};
  assert_int_equal(quadspi_map(&b->quadspi, &b->nor.read_cmd), ST_OK);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    expect_mapped(b, places[i]);
  assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
}

static void expect_works(struct bench *b) {
  expect_reads(b, 0x20000);
  expect_reads(b, 0x345671);
  expect_writes(b, 7);
  expect_window(b);
  expect_reads(b, b->nor.sfdp.size / 2 - SAMPLE / 2);
  expect_writes(b, 8);
}

// One chip in one state; states that it cannot be in are left out.
static bool try_state(struct bench *b, const char *chip, const char *name) {
  b->chips = chips_open_with(3300, chip);
  const bool possible = chips_nor_set_state(b->chips, name);
  if (possible) {
    const enum status status = start(b);
    if (status != ST_OK) fail_msg("%s, %s: %d", chip, name ? name : "new", status);
    assert_int_equal(b->nor.sfdp.size, chips_nor_size(b->chips));
    expect_works(b);
    chips_expect_quiet(b->chips);
  }
  chips_close(b->chips);
  return possible;
}

static void every_chip_in_every_state(void **state) {
  (void)state;
  static struct bench b;
  static struct nor_row rows[CHIPS];
  unsigned tried = 0;
  for (size_t i = 0; i < CHIPS; i++) {
    const char *chip = chips_nor_name(i);
    tried += try_state(&b, chip, NULL);
    nor_row_add(&rows[i], "| %s | works |", chip);
    for (size_t k = 0; chips_nor_state_name(k); k++) {
      const bool possible = try_state(&b, chip, chips_nor_state_name(k));
      nor_row_add(&rows[i], possible ? " works |" : " - |");
      tried += possible;
    }
    nor_row_add(&rows[i], "\n");
  }
  assert_null(chips_nor_name(CHIPS));
  print_message("%u chips in a state\n", tried);
  assert_int_equal(tried, 18 * 8 - 16);
  nor_row_expect("## Start states", rows, CHIPS);
}

// --- every erase that the geometry tells ---

// The bytes just outside stay.
static void expect_erase(struct bench *b, const struct media *m, uint32_t at,
                         uint32_t size) {
  uint8_t *cells = b->chips->nor;
  const uint32_t end = at + size;
  if (at) cells[at - 1] = 0x11;
  cells[at] = cells[at + size / 2] = cells[end - 1] = 0x22;
  if (end < m->geometry.size) cells[end] = 0x33;
  run(b, m, m->erase_start(m->ctx, at, size));
  if (at) assert_int_equal(cells[at - 1], 0x11);
  assert_int_equal(cells[at], 0xFF);
  assert_int_equal(cells[at + size / 2], 0xFF);
  assert_int_equal(cells[end - 1], 0xFF);
  if (end < m->geometry.size) assert_int_equal(cells[end], 0x33);
}

static unsigned try_erases(struct bench *b, const struct media *m) {
  const struct media_geometry *g = &m->geometry;
  unsigned tried = 0;
  uint32_t at = 0;
  for (unsigned run_index = 0; run_index < g->run_count; run_index++) {
    const struct media_run *r = &g->runs[run_index];
    const uint32_t length = r->block_size * r->count;
    for (unsigned i = 0; i < g->erase_count; i++) {
      if (!(g->erases[i].runs & (1u << run_index))) continue;
      expect_erase(b, m, at, g->erases[i].size);
      expect_erase(b, m, at + length - g->erases[i].size, g->erases[i].size);
      tried++;
    }
    at += length;
  }
  if (g->whole_erase_us) expect_erase(b, m, 0, g->size);
  return tried + (g->whole_erase_us != 0);
}

static void expect_program(struct bench *b, const struct media *m, uint32_t at) {
  uint8_t data[700];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 3 + at);
  memset(b->chips->nor + at - 1, 0xFF, sizeof data + 2);
  run(b, m, m->program_start(m->ctx, at, data, sizeof data));
  assert_memory_equal(b->chips->nor + at, data, sizeof data);
  assert_int_equal(b->chips->nor[at - 1], 0xFF);
  assert_int_equal(b->chips->nor[at + sizeof data], 0xFF);
}

static void every_erase_of_every_chip(void **state) {
  (void)state;
  static struct bench b;
  for (size_t i = 0; i < CHIPS; i++) {
    b.chips = chips_open_with(3300, chips_nor_name(i));
    assert_int_equal(start(&b), ST_OK);
    const struct media m = nor_medium(&b.nor);
    const unsigned tried = try_erases(&b, &m);
    assert_true(tried >= 2);
    expect_program(&b, &m, 0x1234);
    expect_program(&b, &m, m.geometry.size - 0x4321);
    expect_program(&b, &m, m.geometry.size / 2 - 300);  // W25Q01JV: over both dies
    chips_expect_quiet(b.chips);
    chips_close(b.chips);
  }
}

static void the_document_has_them(void **state) {
  (void)state;
  static struct bench b;
  static struct nor_row rows[CHIPS];
  for (size_t i = 0; i < CHIPS; i++) {
    b.chips = chips_open_with(3300, chips_nor_name(i));
    assert_int_equal(start(&b), ST_OK);
    nor_row_make(&rows[i], chips_nor_name(i), &b.nor);
    chips_close(b.chips);
  }
  nor_row_expect("## Simulated chips", rows, CHIPS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_chip_in_every_state),
      cmocka_unit_test(every_erase_of_every_chip),
      cmocka_unit_test(the_document_has_them),
  };
  return cmocka_run_group_tests_name("nor_chips", tests, NULL, NULL);
}
