// SPDX-License-Identifier: MIT
// Reads on both clock edges, as a board may ask for: every chip of the simulator with
// and without such a read, what is not right and falls back, and what proves nothing.
#include <string.h>

#include "firmware/flash/nor.h"
#include "tests/native/quadspi_open.h"

enum { SLOW_HZ = 54000000, FAST_HZ = 108000000, SAMPLE = 256 };

struct bench {
  struct chips *chips;
  struct quadspi quadspi;
  struct nor_bus bus;
  struct nor nor;
};

static void open(struct bench *b, const char *chip, uint32_t hz) {
  b->chips = chips_open_with(3300, chip);
  b->bus = quadspi_open(&b->quadspi);
  assert_true(chips_nor_set_state(b->chips, NULL));
  for (uint32_t i = 0; i < SAMPLE; i++)
    b->chips->nor[i] = (uint8_t)(i * 5 + 1);
  assert_int_equal(nor_start(&b->nor, &b->bus, hz), ST_OK);
  assert_false(b->nor.read_cmd.ddr);
}

static void expect_reads(struct bench *b, uint32_t at, uint32_t n) {
  uint8_t got[SAMPLE];
  const struct media m = nor_medium(&b->nor);
  assert_int_equal(m.read(m.ctx, at, got, n), ST_OK);
  assert_memory_equal(got, b->chips->nor + at, n);
}

// Through the window, through the FIFO, and at odd places.
static void expect_all_reads(struct bench *b) {
  const uint32_t size = b->nor.sfdp.size;
  expect_reads(b, 0, SAMPLE);
  expect_reads(b, 0x20003, 7);
  expect_reads(b, size / 2 - 33, 61);
  expect_reads(b, size - SAMPLE, SAMPLE);
}

static void expect_window(struct bench *b) {
  const uint32_t size = b->nor.sfdp.size;
  const uint32_t places[] = {0x20000, 0x345680, size / 2 - 4, size / 2, size - 4};
  assert_int_equal(quadspi_map(&b->quadspi, &b->nor.read_cmd), ST_OK);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    uint32_t word;
    memcpy(&word, b->chips->nor + places[i], sizeof word);
    assert_int_equal(chips_window_read(b->chips, places[i]), word);
  }
  assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
}

static void run(struct bench *b, const struct media *m, enum status status) {
  bool busy = true;
  assert_int_equal(status, ST_OK);
  while (busy) {
    assert_int_equal(m->poll(m->ctx, &busy), ST_OK);
    if (busy) chips_pass(b->chips, VT_US(20));
  }
}

static void expect_writes(struct bench *b) {
  uint8_t data[700];
  const struct media m = nor_medium(&b->nor);
  const uint32_t at = m.geometry.size - (uint32_t)sizeof data;
  const struct media_run *r = &m.geometry.runs[m.geometry.run_count - 1];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 11);
  run(b, &m, m.erase_start(m.ctx, m.geometry.size - r->block_size, r->block_size));
  run(b, &m, m.program_start(m.ctx, at, data, sizeof data));
  assert_memory_equal(b->chips->nor + at, data, sizeof data);
}

// --- which chips ---

// Those whose SFDP speaks of such a read and whose maker is known to have it.
static bool has_ddr(const char *chip) {
  static const char *const chips[] = {"mx25l51245g", "mx66l1g45g", "mt25ql128",
                                      "mt25ql512"};
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
    if (!strcmp(chips[i], chip)) return true;
  }
  return false;
}

static void try_chip(const char *chip, uint32_t hz) {
  static struct bench b;
  open(&b, chip, hz);
  const uint32_t before = b.nor.hz;
  assert_int_equal(nor_start_ddr(&b.nor, quadspi_set_ddr_clock), ST_OK);
  const bool wanted = hz == SLOW_HZ && has_ddr(chip);
  if (b.nor.read_cmd.ddr != wanted) fail_msg("%s at %u", chip, (unsigned)hz);
  if (!wanted) assert_int_equal(b.nor.hz, before);
  expect_all_reads(&b);
  expect_writes(&b);
  expect_window(&b);
  expect_all_reads(&b);
  chips_expect_quiet(b.chips);
  chips_close(b.chips);
}

// Where the copper carries 54 MHz both edges are twice as fast. Where it carries 108,
// they would have to go at more than half of that: no divider of 216 MHz is even, and
// within the controller's 80 MHz.
static void every_chip(void **state) {
  (void)state;
  for (size_t i = 0; chips_nor_name(i); i++) {
    try_chip(chips_nor_name(i), SLOW_HZ);
    try_chip(chips_nor_name(i), FAST_HZ);
  }
}

// --- what it is worth ---

static vtime_t time_of_read(struct bench *b) {
  static uint8_t got[4096];
  const struct media m = nor_medium(&b->nor);
  const vtime_t begun = b->chips->sim.events.now;
  assert_int_equal(m.read(m.ctx, 0, got, sizeof got), ST_OK);
  return b->chips->sim.events.now - begun;
}

static void it_is_nearly_twice_as_fast(void **state) {
  (void)state;
  static struct bench b;
  open(&b, "mt25ql512", SLOW_HZ);
  const vtime_t one = time_of_read(&b);
  assert_int_equal(nor_start_ddr(&b.nor, quadspi_set_ddr_clock), ST_OK);
  const vtime_t both = time_of_read(&b);
  print_message("4 KB: %u us on one edge, %u on both\n", (unsigned)(one / VT_US(1)),
                (unsigned)(both / VT_US(1)));
  assert_true(both * 18 < one * 10);
  chips_expect_quiet(b.chips);
  chips_close(b.chips);
}

// --- what is not right ---

static void other_dummy_clocks_fall_back(void **state) {
  (void)state;
  static struct bench b;
  static const char *const chips[] = {"mx25l51245g", "mt25ql128"};
  for (size_t i = 0; i < 2; i++) {
    open(&b, chips[i], SLOW_HZ);
    chips_nor_ddr_dummy(b.chips, 10);
    const struct nor_cmd before = b.nor.read_cmd;
    const uint32_t hz = b.nor.hz;
    assert_int_equal(nor_start_ddr(&b.nor, quadspi_set_ddr_clock), ST_OK);
    assert_memory_equal(&b.nor.read_cmd, &before, sizeof before);
    assert_int_equal(b.nor.hz, hz);
    chips_expect_report(b.chips, GUEST_NOR_DUMMY);
    expect_all_reads(&b);
    expect_window(&b);
    chips_expect_quiet(b.chips);
    chips_close(b.chips);
  }
}

// Blank, or all zeros: any number of dummy clocks would read the same.
static void a_blank_place_proves_nothing(void **state) {
  (void)state;
  static struct bench b;
  static const uint8_t values[] = {0xFF, 0x00};
  for (size_t i = 0; i < 2; i++) {
    open(&b, "mx25l51245g", SLOW_HZ);
    memset(b.chips->nor, values[i], SAMPLE);
    assert_int_equal(nor_start_ddr(&b.nor, quadspi_set_ddr_clock), ST_OK);
    assert_false(b.nor.read_cmd.ddr);
    assert_int_equal(b.nor.hz, SLOW_HZ);
    expect_all_reads(&b);
    chips_expect_quiet(b.chips);
    chips_close(b.chips);
  }
}

// What the board's wish ends with: as after power-up, and on one edge again.
static void a_new_start_is_on_one_edge(void **state) {
  (void)state;
  static struct bench b;
  open(&b, "mt25ql128", SLOW_HZ);
  assert_int_equal(nor_start_ddr(&b.nor, quadspi_set_ddr_clock), ST_OK);
  assert_true(b.nor.read_cmd.ddr);
  nor_stop(&b.nor);
  assert_int_equal(nor_start(&b.nor, &b.bus, FAST_HZ), ST_OK);
  assert_false(b.nor.read_cmd.ddr);
  assert_int_equal(b.nor.hz, FAST_HZ);
  expect_all_reads(&b);
  chips_expect_quiet(b.chips);
  chips_close(b.chips);
}

// Even dividers only, and no more than the controller's 80 MHz.
static void the_clock_for_both_edges(void **state) {
  (void)state;
  static struct bench b;
  static const struct {
    uint32_t wanted, is;
  } clocks[] = {{108000000, 54000000}, {72000000, 54000000}, {54000000, 54000000},
                {53999999, 36000000},  {36000000, 36000000}, {1, 843750}};
  open(&b, "mt25ql128", SLOW_HZ);
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
    assert_int_equal(quadspi_set_ddr_clock(&b.quadspi, clocks[i].wanted), clocks[i].is);
  chips_close(b.chips);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_chip),
      cmocka_unit_test(it_is_nearly_twice_as_fast),
      cmocka_unit_test(other_dummy_clocks_fall_back),
      cmocka_unit_test(a_blank_place_proves_nothing),
      cmocka_unit_test(a_new_start_is_on_one_edge),
      cmocka_unit_test(the_clock_for_both_edges),
  };
  return cmocka_run_group_tests_name("nor_ddr", tests, NULL, NULL);
}
