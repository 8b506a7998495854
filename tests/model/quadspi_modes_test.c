// SPDX-License-Identifier: MIT
// QUADSPI beyond the plain transfers: DMA requests, both clock edges, two chips, the
// timeout counter, and the errata that those bring (ES0334, facts on the chip 5).
#include "tests/model/quadspi_rig.h"

// --- DMA requests: a level, FTF with DMAEN ---

static bool request;

static void on_dma(void *ctx, unsigned number, bool level) {
  (void)ctx;
  assert_int_equal(number, 73);
  request = level;
}

static void listen(struct bench *b) {
  request = false;
  b->q.dma = (struct dma_line){on_dma, NULL, 73, NULL};
}

static void a_read_requests_at_its_threshold(void **state) {
  struct bench *b = *state;
  listen(b);
  wr(b, CR, PRESC(1) | EN | DMAEN | FTHRES(3));
  wr(b, DLR, 9);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x40);
  const unsigned header = 8 + 24 + 8;
  pass(b, sclk(header + 4 * 8) - 1);
  assert_false(request);  // three bytes and a bit
  pass(b, 2);
  assert_true(request);
  uint32_t word;
  memcpy(&word, b->rig.cells + 0x40, 4);
  assert_int_equal(rd(b, DR), word);
  assert_false(request);
  pass(b, sclk(32) + 1);
  assert_true(request);
  rd(b, DR);
  assert_false(request);
  pass(b, sclk(16) + 1);  // the last two, below the threshold
  assert_true(request);
  rd_n(b, DR, 1);
  rd_n(b, DR, 1);
  assert_false(request);
  assert_int_equal(rd(b, SR) & (BUSY | TCF), TCF);
  expect_quiet(&b->rig);
}

static void a_write_requests_until_it_has_all(void **state) {
  struct bench *b = *state;
  listen(b);
  op(b, 0x06 | I1);
  wr(b, DLR, 7);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0x100);
  assert_false(request);
  wr(b, CR, PRESC(1) | EN | DMAEN | FTHRES(3));
  assert_true(request);  // nothing moves before DR is written: DMA must begin
  wr(b, DR, 0x00000000);
  assert_true(request);
  wr(b, DR, 0x00000000);
  assert_false(request);
  finish_within(b, VT_MS(1));
}

static void no_request_without_its_enable_or_mode(void **state) {
  struct bench *b = *state;
  listen(b);
  wr(b, CR, PRESC(1) | EN);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  assert_false(request);
  wr(b, CR, PRESC(1) | EN | DMAEN);
  assert_true(request);
  wr(b, CR, PRESC(1) | DMAEN);
  assert_false(request);
  wr(b, CR, PRESC(1) | EN | DMAEN | APMS);
  wr(b, PSMKR, 0);
  wr(b, DLR, 0);
  wr(b, CCR, 0x05 | I1 | D1 | POLL);
  pass(b, VT_US(10));
  assert_int_equal(rd(b, SR) & (FTF | SMF), FTF | SMF);
  assert_false(request);
  quadspi_reset(&b->q);
  assert_false(request);
}

// --- Both clock edges ---

enum { DDR_READ = 0xED | I1 | AD4 | AS24 | AB4 | D4 };

// Quad enable, 54 MHz: with 6 clocks the chip does 66 in DDR.
static void to_ddr(struct bench *b) {
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  wr(b, CR, PRESC(3) | EN);
  wr(b, ABR, 0xFF);
}

static vtime_t at_54_mhz(uint64_t clocks) {
  return (vtime_t)(clocks * 1000000000000u / 54000000u);
}

static void ddr_read_takes_half_the_clocks(void **state) {
  struct bench *b = *state;
  to_ddr(b);
  wr(b, DLR, 15);
  wr(b, CCR, DDR_READ | READ | DUMMY(5) | DDRM | DHHC);  // a mode clock, 5 more
  wr(b, AR, 0x1000);
  pass(b, at_54_mhz(8 + 3 + 1 + 5 + 16) - 1);
  assert_int_equal(rd(b, SR) & TCF, 0);
  assert_int_equal(FLEVEL(rd(b, SR)), 15);
  pass(b, 2);
  assert_int_equal(rd(b, SR) & TCF, TCF);
  for (unsigned i = 0; i < 4; i++) {
    uint32_t word;
    memcpy(&word, b->rig.cells + 0x1000 + 4 * i, 4);
    assert_int_equal(rd(b, DR), word);
  }
  expect_quiet(&b->rig);
  // What may lie behind them must go before the next command.
  op(b, 0x06 | I1);
  expect_only(&b->rig, GUEST_QSPI_EXTRA_DATA);
  wr(b, CCR, DDR_READ | READ | DUMMY(5) | DDRM);
  wr(b, AR, 0x1000);
  for (unsigned i = 0; i < 4; i++)
    rd(b, DR);
  wr(b, CR, PRESC(3) | EN | ABORT);
  op(b, 0x06 | I1);
  expect_quiet(&b->rig);
}

static void ddr_on_one_side_only_is_told(void **state) {
  struct bench *b = *state;
  to_ddr(b);
  wr(b, DLR, 3);
  wr(b, CCR, DDR_READ | READ | DUMMY(5));  // the chip wants both edges
  wr(b, AR, 0x1000);
  rd(b, DR);
  assert_true(report_count(&b->rig.sim.report, GUEST_NOR_OPCODE) > 0);
  report_clear(&b->rig.sim.report);
  wr(b, CR, PRESC(3) | EN | ABORT);
  wr(b, CCR, 0xEBu | I1 | AD4 | AS24 | AB4 | D4 | READ | DUMMY(4) | DDRM);
  wr(b, AR, 0x1000);
  uint32_t word;
  memcpy(&word, b->rig.cells + 0x1000, 4);
  assert_int_not_equal(rd(b, DR), word);
  assert_true(report_count(&b->rig.sim.report, GUEST_NOR_OPCODE) > 0);
}

static void ddr_limits(void **state) {
  struct bench *b = *state;
  static const uint32_t cr[] = {PRESC(3) | EN | SSHIFT, PRESC(0) | EN, PRESC(1) | EN};
  for (unsigned i = 0; i < 3; i++) {
    to_ddr(b);
    wr(b, CR, cr[i]);
    wr(b, DLR, 0);
    wr(b, CCR, DDR_READ | READ | DUMMY(5) | DDRM);
    wr(b, AR, 0);
    assert_true(report_count(&b->rig.sim.report, GUEST_QSPI_CONFIG) > 0);
    wr(b, CR, cr[i] | ABORT);
    report_clear(&b->rig.sim.report);
  }
}

static void ddr_window(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  to_ddr(b);
  wr(b, CCR, DDR_READ | MAPPED | DUMMY(5) | DDRM);
  assert_ptr_equal(quadspi_window_direct(&b->q, &size), b->rig.cells);
  assert_int_equal(size, 16 << 20);
  wr(b, CR, PRESC(3) | EN | ABORT);
  pass(b, VT_US(1));
  assert_int_equal(quadspi_window_cost(&b->q, 0, 4), at_54_mhz(8 + 3 + 1 + 5 + 4));
  assert_int_equal(quadspi_window_read(&b->q, 0x21, 1), b->rig.cells[0x21]);
  expect_quiet(&b->rig);
}

// --- Two chips ---

struct pair {
  struct nor second;
  uint8_t *cells;
};

static struct pair pair;

static void add_second(struct bench *b) {
  pair.cells = malloc(CHIP_BYTES);
  assert_non_null(pair.cells);
  for (uint32_t i = 0; i < CHIP_BYTES; i++)
    pair.cells[i] = (uint8_t)~b->rig.cells[i];
  nor_init(&pair.second, &b->rig.sim, b->rig.nor.chip, pair.cells);
  b->q.flash[1] = &pair.second;
}

static int dual_teardown(void **state) {
  free(pair.cells);
  pair.cells = NULL;
  return bench_teardown(state);
}

static void fsel_selects(void **state) {
  struct bench *b = *state;
  add_second(b);
  nor_set_register(&pair.second, NOR_REG_STATUS, 0x40);
  assert_int_equal(read_status(b, 0x05), 0x00);
  wr(b, CR, PRESC(1) | EN | FSEL);
  assert_int_equal(read_status(b, 0x05), 0x40);
  b->q.flash[1] = NULL;
  assert_int_equal(read_status(b, 0x05), 0xFF);
  expect_quiet(&b->rig);
}

static void dual_reads_interleave(void **state) {
  struct bench *b = *state;
  add_second(b);
  wr(b, CR, PRESC(3) | EN | DFM);
  wr(b, DLR, 6);
  assert_int_equal(rd(b, DLR), 7);  // bit 0 is stuck at 1
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x2001);
  assert_int_equal(rd(b, AR), 0x2000);
  pass(b, at_54_mhz(8 + 24 + 8 + 4 * 8) + 1);  // half the clocks for the data
  assert_int_equal(rd(b, SR) & TCF, TCF);
  for (unsigned i = 0; i < 8; i++) {
    const uint8_t *cells = i % 2 ? pair.cells : b->rig.cells;
    assert_int_equal(rd_n(b, DR, 1), cells[0x1000 + i / 2]);
  }
  expect_quiet(&b->rig);
}

static void dual_programs_both(void **state) {
  struct bench *b = *state;
  add_second(b);
  memset(b->rig.cells, 0xFF, 256);
  memset(pair.cells, 0xFF, 256);
  wr(b, CR, PRESC(3) | EN | DFM);
  op(b, 0x06 | I1);
  wr(b, DLR, 3);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0x20);
  wr(b, DR, 0x44332211);
  finish_within(b, VT_MS(1));
  // Status of both in one poll: 16 bits, each must be ready.
  wr(b, CR, PRESC(3) | EN | DFM | APMS);
  wr(b, FCR, 0x1B);
  wr(b, PSMKR, 0x0101);
  wr(b, PSMAR, 0);
  wr(b, DLR, 1);
  wr(b, CCR, 0x05 | I1 | D1 | POLL);
  pass(b, VT_US(30));
  assert_int_equal(rd(b, SR) & SMF, 0);
  pass(b, VT_MS(1));
  assert_int_equal(rd(b, SR) & SMF, SMF);
  assert_int_equal(b->rig.cells[0x10], 0x11);
  assert_int_equal(pair.cells[0x10], 0x22);
  assert_int_equal(b->rig.cells[0x11], 0x33);
  assert_int_equal(pair.cells[0x11], 0x44);
  expect_quiet(&b->rig);
}

static void one_busy_chip_holds_the_poll(void **state) {
  struct bench *b = *state;
  add_second(b);
  wr(b, CR, PRESC(3) | EN | FSEL);
  op(b, 0x06 | I1);
  wr(b, CCR, 0x20 | I1 | AD1 | AS24);
  wr(b, AR, 0);
  finish_within(b, VT_MS(1));
  wr(b, FCR, 0x1B);
  wr(b, CR, PRESC(3) | EN | DFM | APMS);
  wr(b, PSMKR, 0x0101);
  wr(b, DLR, 1);
  wr(b, CCR, 0x05 | I1 | D1 | POLL);
  pass(b, VT_MS(29));
  assert_int_equal(rd(b, SR) & SMF, 0);
  pass(b, VT_MS(2));
  assert_int_equal(rd(b, SR) & SMF, SMF);
}

static void dual_window(void **state) {
  struct bench *b = *state;
  uint32_t size = 1;
  add_second(b);
  wr(b, CR, PRESC(3) | EN | DFM);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(size, 0);
  for (uint32_t at = 0x100; at < 0x110; at++) {
    const uint8_t *cells = at % 2 ? pair.cells : b->rig.cells;
    assert_int_equal(quadspi_window_read(&b->q, at, 1), cells[at / 2]);
  }
  const uint32_t odd = quadspi_window_read(&b->q, 0x101, 4);
  assert_int_equal(odd, (uint32_t)pair.cells[0x80] | (uint32_t)b->rig.cells[0x81] << 8 |
                            (uint32_t)pair.cells[0x81] << 16 |
                            (uint32_t)b->rig.cells[0x82] << 24);
  expect_quiet(&b->rig);
}

static void abort_inside_a_dual_write(void **state) {
  struct bench *b = *state;
  add_second(b);
  memset(b->rig.cells, 0xFF, 256);
  for (unsigned clocks = 0; clocks < 60; clocks++) {
    wr(b, CR, PRESC(3) | EN | DFM);
    op(b, 0x06 | I1);
    wr(b, DLR, 7);
    wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
    wr(b, AR, 0);
    wr(b, DR, 0);
    pass(b, at_54_mhz(clocks));
    wr(b, CR, PRESC(3) | EN | DFM | ABORT);
    assert_int_equal(rd(b, SR) & BUSY, 0);
    pass(b, VT_MS(2));
    report_clear(&b->rig.sim.report);
  }
}

// --- The timeout counter ---

static void timeout_raises_chip_select(void **state) {
  struct bench *b = *state;
  wr(b, LPTR, 100);
  wr(b, CR, PRESC(3) | EN | TCEN | TOIE);
  expect_only(&b->rig, GUEST_QSPI_TIMEOUT);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  quadspi_window_read(&b->q, 0x40, 4);
  const vtime_t cost = quadspi_window_cost(&b->q, 0x40, 4);
  pass(b, cost);
  assert_int_equal(rd(b, SR) & (BUSY | TOF), BUSY);
  // The FIFO fills, then 100 clocks.
  pass(b, at_54_mhz(32 * 8 + 100) - VT_NS(1));
  assert_int_equal(rd(b, SR) & (BUSY | TOF), BUSY);
  assert_false(b->irq);
  pass(b, VT_NS(2));
  assert_true(b->irq);
  assert_int_equal(rd(b, SR) & (BUSY | TOF), TOF);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
  wr(b, FCR, TOF);
  assert_false(b->irq);
  // The next read begins a command of its own.
  pass(b, VT_US(1));
  const uint64_t reads = b->rig.nor.counters.reads;
  quadspi_window_read(&b->q, 0x44, 4);
  assert_int_equal(b->rig.nor.counters.reads, reads + 1);
  const vtime_t again = quadspi_window_cost(&b->q, 0x44, 4);
  assert_in_range(again, at_54_mhz(40 + 32) - 2, at_54_mhz(40 + 32));  // rounding
  assert_int_equal(rd(b, SR) & BUSY, BUSY);
  expect_quiet(&b->rig);
}

static void without_tcen_the_window_stays_busy(void **state) {
  struct bench *b = *state;
  wr(b, LPTR, 1);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  quadspi_window_cost(&b->q, 0, 4);
  pass(b, VT_S(1));
  assert_int_equal(rd(b, SR) & (BUSY | TOF), BUSY);
}

static void the_last_word_of_the_region(void **state) {
  struct bench *b = *state;
  wr(b, DCR, FSIZE(19) | CSHT(3));
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  quadspi_window_cost(&b->q, (1 << 20) - 8, 4);
  expect_quiet(&b->rig);
  quadspi_window_cost(&b->q, (1 << 20) - 4, 4);
  expect_only(&b->rig, GUEST_QSPI_LAST_WORD);
}

#define DUAL(f) cmocka_unit_test_setup_teardown(f, bench_setup, dual_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      BENCH(a_read_requests_at_its_threshold),
      BENCH(a_write_requests_until_it_has_all),
      BENCH(no_request_without_its_enable_or_mode),
      BENCH(ddr_read_takes_half_the_clocks),
      BENCH(ddr_on_one_side_only_is_told),
      BENCH(ddr_limits),
      BENCH(ddr_window),
      DUAL(fsel_selects),
      DUAL(dual_reads_interleave),
      DUAL(dual_programs_both),
      DUAL(one_busy_chip_holds_the_poll),
      DUAL(dual_window),
      DUAL(abort_inside_a_dual_write),
      BENCH(timeout_raises_chip_select),
      BENCH(without_tcen_the_window_stays_busy),
      BENCH(the_last_word_of_the_region),
  };
  return cmocka_run_group_tests_name("quadspi_modes", tests, NULL, NULL);
}
