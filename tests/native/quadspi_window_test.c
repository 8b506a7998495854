// SPDX-License-Identifier: MIT
// The window of the QUADSPI driver: what it shows, who is let in when, what becomes of
// bytes on loan, and how fast it is beside DMA.
#include "firmware/flash/nor.h"
#include "tests/native/quadspi_bench.h"

enum { STOP_MS = 3 };  // the driver's limit for an ABORT, and some more

#define PART (32u << 20)

static void the_window_shows_the_chip(void **state) {
  struct bench *b = *state;
  const struct nor_cmd *const commands[] = {&fast_read, &quad_read};
  uint8_t odd[3];
  prepare(b);
  for (size_t i = 0; i < 2; i++) {
    // ES0334: an indirect read that ends at an odd address spoils the next mapped one,
    // unless something is done about it.
    assert_int_equal(rd(b, at(fast_read, 1), odd, sizeof odd), ST_OK);
    assert_int_equal(quadspi_map(&b->quadspi, commands[i]), ST_OK);
    static const uint32_t places[] = {0, 4, 1000, 4096, 16380};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
      uint32_t word;
      memcpy(&word, b->chips->nor + places[k], sizeof word);
      assert_int_equal(chips_window_read(b->chips, places[k]), word);
    }
    assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
    expect_works(b);
  }
}

static void map(struct bench *b, uint32_t address, size_t n, struct flash_loan *loan) {
  const struct nor_cmd c = at(quad_read, address);
  assert_int_equal(b->bus.map(b->bus.ctx, &c, n, loan), ST_OK);
  assert_ptr_equal(loan->data, (const uint8_t *)(uintptr_t)(0x90000000u + address));
  assert_int_equal(loan->length, n);
}

// --- everything else closes it --------------------------------------------------

static void short_read(struct bench *b) {
  uint8_t id[3];
  assert_int_equal(rd(b, read_id, id, sizeof id), ST_OK);
}

static void long_read(struct bench *b) {
  static uint8_t data[4096];
  assert_int_equal(rd(b, at(quad_read, 8192), data, sizeof data), ST_OK);
  assert_memory_equal(data, b->chips->nor + 8192, sizeof data);
  assert_int_equal(chips_let_in_bytes(), CHIPS_NOR_SIZE);  // of the next long one
  assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
}

static void fetch(struct bench *b) {
  static _Alignas(4) uint8_t data[1024];
  const struct nor_cmd c = at(quad_read, 4);
  assert_int_equal(b->bus.fetch(b->bus.ctx, &c, data, sizeof data), ST_OK);
  for (size_t there = 0; there < sizeof data; chips_pass(b->chips, VT_US(10)))
    assert_int_equal(b->bus.fetched(b->bus.ctx, &there), ST_OK);
  assert_memory_equal(data, b->chips->nor + 4, sizeof data);
}

static void erase_all_of_it(struct bench *b) {
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  assert_int_equal(wr(b, at(erase, 0), NULL, 0), ST_OK);
  watch(b);
  assert_int_equal(wait(b), ST_OK);
  assert_int_equal(b->chips->nor[0], 0xFF);
}

static void a_page(struct bench *b) {
  static const uint8_t zeros[256];
  stage(b, at(quad_program, 0), zeros, sizeof zeros);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  b->bus.send(b->bus.ctx);
  watch(b);
  assert_int_equal(wait(b), ST_OK);
  assert_int_equal(b->chips->nor[0], 0);
}

static void polling(struct bench *b) {
  watch(b);
  assert_int_equal(wait(b), ST_OK);
}

static void clock(struct bench *b) {
  assert_int_equal(b->bus.set_clock(b->bus.ctx, 27000000), 27000000);
}

static void ddr_clock(struct bench *b) {
  assert_int_equal(quadspi_set_ddr_clock(&b->quadspi, 27000000), 27000000);
  b->bus.set_clock(b->bus.ctx, 54000000);
}

static void size(struct bench *b) {
  b->bus.set_size(b->bus.ctx, CHIPS_NOR_SIZE);
}

static void closing(struct bench *b) {
  assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
}

// And whoever reads there finds the bytes as they were, where `data` says.
static void whatever_is_asked_closes_it(void **state) {
  struct bench *b = *state;
  static void (*const others[])(struct bench *) = {
      short_read, long_read, fetch, erase_all_of_it, a_page, polling,
      clock,      ddr_clock, size,  closing,
  };
  static uint8_t shelter[4096], before[4096];
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct flash_loan loan = {.shelter = shelter};
    prepare(b);
    memset(shelter, 0xEE, sizeof shelter);
    memcpy(before, b->chips->nor + 3, sizeof before);
    map(b, 3, sizeof shelter, &loan);
    assert_int_equal(chips_let_in_bytes(), CHIPS_NOR_SIZE);
    others[i](b);
    assert_int_equal(chips_let_in_bytes(), 0);
    assert_ptr_equal(loan.data, shelter);
    assert_memory_equal(shelter, before, sizeof shelter);
  }
}

// --- loans -----------------------------------------------------------------------

static void what_nobody_reads_is_not_kept(void **state) {
  struct bench *b = *state;
  uint8_t shelter[16], same[16];
  struct flash_loan loan = {.shelter = shelter};
  prepare(b);
  memset(shelter, 0xEE, sizeof shelter);
  memcpy(same, shelter, sizeof same);
  map(b, 0, sizeof shelter, &loan);
  loan.length = 0;
  closing(b);
  assert_memory_equal(shelter, same, sizeof same);
}

// The window stays open for it.
static void another_loan_ends_the_first(void **state) {
  struct bench *b = *state;
  uint8_t shelters[2][300];
  struct flash_loan first = {.shelter = shelters[0]}, second = {.shelter = shelters[1]};
  prepare(b);
  map(b, 100, 300, &first);
  map(b, 4096, 300, &second);
  assert_ptr_equal(first.data, shelters[0]);
  assert_memory_equal(shelters[0], b->chips->nor + 100, 300);
  // The same once more is another piece: the last one is over.
  map(b, 8192, 10, &second);
  closing(b);
  assert_memory_equal(shelters[1], b->chips->nor + 8192, 10);
}

// Reads go on from one to the next without a new command; over the end of a die that
// would be wrong.
static void each_part_is_opened_anew(void **state) {
  struct bench *b = *state;
  uint8_t shelter[4];
  struct flash_loan loan = {.shelter = shelter};
  prepare(b);
  memset(b->chips->nor + PART - 4, 0x11, 4);
  memset(b->chips->nor + PART, 0x22, 4);
  const unsigned before = chips_let_ins();
  for (int i = 0; i < 3; i++) {
    map(b, PART - 4, 4, &loan);
    assert_int_equal(chips_window_read(b->chips, PART - 4), 0x11111111);
  }
  assert_int_equal(chips_let_ins(), before + 1);
  map(b, PART, 4, &loan);
  assert_int_equal(chips_let_ins(), before + 2);
  assert_int_equal(chips_window_read(b->chips, PART), 0x22222222);
  closing(b);
}

// Nor does it stay open for another command.
static void each_command_opens_it_anew(void **state) {
  struct bench *b = *state;
  prepare(b);
  const unsigned before = chips_let_ins();
  assert_int_equal(quadspi_map(&b->quadspi, &quad_read), ST_OK);
  assert_int_equal(quadspi_map(&b->quadspi, &quad_read), ST_OK);
  assert_int_equal(chips_let_ins(), before + 1);
  assert_int_equal(quadspi_map(&b->quadspi, &fast_read), ST_OK);
  assert_int_equal(chips_let_ins(), before + 2);
  closing(b);
}

// Up to the last byte, and not one more.
static void a_loan_ends_with_the_chip(void **state) {
  struct bench *b = *state;
  static uint8_t shelter[4096];
  struct flash_loan loan = {.shelter = shelter};
  prepare(b);
  for (uint32_t n = 1; n <= sizeof shelter; n *= 8) {
    const struct nor_cmd cases[] = {
        at(quad_read, CHIPS_NOR_SIZE - n + 1),
        at(quad_read, CHIPS_NOR_SIZE),
        at(quad_read, CHIPS_NOR_SIZE + 1),
        at(quad_read, UINT32_MAX - n + 1),
    };
    map(b, CHIPS_NOR_SIZE - n, n, &loan);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      assert_int_equal(b->bus.map(b->bus.ctx, &cases[i], n, &loan), ST_NOT_NOW);
  }
  closing(b);
}

// Of a chip that fills the window the last word is the region's, too. No chip of the
// simulator is so large; it would complain of the read.
static void the_windows_last_word_is_not_lent(void **state) {
  struct bench *b = *state;
  uint8_t shelter[16];
  struct flash_loan loan = {.shelter = shelter};
  prepare(b);
  b->bus.set_size(b->bus.ctx, 256 << 20);
  map(b, (256 << 20) - 16, 12, &loan);
  loan.length = 0;
  const struct nor_cmd c = at(quad_read, (256 << 20) - 16);
  assert_int_equal(b->bus.map(b->bus.ctx, &c, 13, &loan), ST_NOT_NOW);
  closing(b);
}

// A chip that is no power of two is larger than the region that lets the core in.
static void what_is_behind_it_is_read_all_the_same(void **state) {
  struct bench *b = *state;
  static uint8_t data[4096], shelter[4096];
  struct flash_loan loan = {.shelter = shelter};
  prepare(b);
  b->bus.set_size(b->bus.ctx, 3 * (PART / 2));
  for (uint32_t from = PART - 300; from <= PART; from += 300) {
    const struct nor_cmd c = at(quad_read, from);
    memset(b->chips->nor + from, (int)(from >> 4 & 0xFF), sizeof data);
    assert_int_equal(b->bus.map(b->bus.ctx, &c, sizeof data, &loan), ST_NOT_NOW);
    assert_int_equal(rd(b, c, data, sizeof data), ST_OK);
    assert_memory_equal(data, b->chips->nor + from, sizeof data);
    assert_int_equal(chips_let_in_bytes(), 0);
  }
  map(b, PART - 300, 300, &loan);
  assert_int_equal(chips_let_in_bytes(), PART);
  closing(b);
}

// Any alignment, any length, to any place.
static void long_reads_go_through_it(void **state) {
  struct bench *b = *state;
  uint8_t data[600];
  prepare(b);
  for (uint32_t from = 0; from < 4; from++) {
    for (size_t n = 250; n < 270; n++) {
      for (size_t to = 0; to < 4; to++) {
        memset(data, 0xEE, sizeof data);
        assert_int_equal(rd(b, at(quad_read, 1000 + from), data + to, n), ST_OK);
        assert_memory_equal(data + to, b->chips->nor + 1000 + from, n);
        assert_int_equal(data[to + n], 0xEE);
        if (n != 255) continue;
        assert_int_equal(chips_let_in_bytes(), 0);  // that was not worth it
      }
    }
  }
}

// --- a controller that hangs -------------------------------------------------------

// Not even ABORT ends it: still no wait without an end.
static void aborts_that_never_end(void **state) {
  struct bench *b = *state;
  uint8_t data[8];
  prepare(b);
  static const struct { uint32_t reg, mask; } rows[] = {{CR, CR_ABORT}, {SR, SR_BUSY}};
  for (size_t i = 0; i < 2; i++) {
    const vtime_t begun = now(b);
    assert_int_equal(rd(b, at(fast_read, 0), data, sizeof data), ST_OK);
    assert_int_equal(quadspi_map(&b->quadspi, &fast_read), ST_OK);
    mmio_stick(rows[i].reg, rows[i].mask, rows[i].mask);
    assert_int_equal(quadspi_unmap(&b->quadspi), ST_BUS_TIMEOUT);
    assert_in_range((now(b) - begun) / VT_US(1), 1000, 1000 * STOP_MS);
    expect_works(b);
  }
}

// A window that does not close is told to whoever asked for something else.
static void a_window_that_cannot_close(void **state) {
  struct bench *b = *state;
  static _Alignas(4) uint8_t data[1024];
  const struct nor_cmd c = at(quad_read, 0);
  for (int i = 0; i < 4; i++) {
    struct flash_loan loan = {.shelter = data};
    prepare(b);
    map(b, 0, sizeof data, &loan);
    mmio_stick(CR, CR_ABORT, CR_ABORT);
    enum status status = ST_OK;
    switch (i) {
      case 0: status = rd(b, read_status, data, 1); break;
      case 1: status = wr(b, write_enable, NULL, 0); break;
      case 2: status = b->bus.fetch(b->bus.ctx, &c, data, sizeof data); break;
      case 3: status = rd(b, at(fast_read, 0), data, sizeof data); break;
    }
    assert_int_equal(status, ST_BUS_TIMEOUT);
    assert_int_equal(chips_let_in_bytes(), 0);
    expect_works(b);
  }
}

static void a_window_that_cannot_open(void **state) {
  struct bench *b = *state;
  static uint8_t data[1024];
  struct flash_loan loan = {.shelter = data};
  const struct nor_cmd c = at(quad_read, 0);
  prepare(b);
  mmio_stick(SR, SR_TCF, 0);
  assert_int_equal(b->bus.map(b->bus.ctx, &c, sizeof data, &loan), ST_BUS_TIMEOUT);
  assert_int_equal(chips_let_in_bytes(), 0);
  assert_int_equal(rd(b, at(quad_read, 0), data, sizeof data), ST_BUS_TIMEOUT);
  expect_works(b);
}

// --- speed -------------------------------------------------------------------------

static vtime_t time_fetched(struct bench *b, const struct media *m, size_t n) {
  static _Alignas(4) uint8_t bytes[4096];
  size_t there = 0;
  const vtime_t begun = now(b);
  assert_int_equal(m->fetch(m->ctx, 0, bytes, n), ST_OK);
  while (there < n)
    assert_int_equal(m->fetched(m->ctx, &there), ST_OK);
  return now(b) - begun;
}

// What docs/design.md says of it: with a core that takes no time for its part, the two
// are within a fiftieth of the wires, and of each other.
static void it_is_as_fast_as_dma(void **state) {
  struct bench *b = *state;
  static const uint32_t sizes[] = {1024, 4096};
  static uint8_t bytes[4096];
  struct nor nor;
  chips_nor_put(b->chips, CHIPS_NOR_QUAD_ENABLED);
  assert_int_equal(nor_start(&nor, &b->bus, 108000000), ST_OK);
  const struct media m = nor_medium(&nor);
  for (size_t i = 0; i < 2; i++) {
    const vtime_t wire = sizes[i] * VT_S(1) / (nor.hz / 2);
    const vtime_t dma = time_fetched(b, &m, sizes[i]), begun = now(b);
    assert_int_equal(m.read(m.ctx, 0, bytes, sizes[i]), ST_OK);
    const vtime_t window = now(b) - begun;
    print_message("%4u bytes: wire %.1f us, DMA %.1f, window %.1f\n",
                  (unsigned)sizes[i], (double)wire / VT_US(1), (double)dma / VT_US(1),
                  (double)window / VT_US(1));
    if (sizes[i] < sizeof bytes) continue;  // there its opening weighs more
    assert_true(dma * 50 < wire * 51 && window * 50 < wire * 52);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_open, bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_window_shows_the_chip),
      TEST(whatever_is_asked_closes_it),
      TEST(what_nobody_reads_is_not_kept),
      TEST(another_loan_ends_the_first),
      TEST(each_part_is_opened_anew),
      TEST(each_command_opens_it_anew),
      TEST(a_loan_ends_with_the_chip),
      TEST(the_windows_last_word_is_not_lent),
      TEST(what_is_behind_it_is_read_all_the_same),
      TEST(long_reads_go_through_it),
      TEST(aborts_that_never_end),
      TEST(a_window_that_cannot_open),
      TEST(a_window_that_cannot_close),
      TEST(it_is_as_fast_as_dma),
  };
  return cmocka_run_group_tests_name("quadspi_window", tests, NULL, NULL);
}
