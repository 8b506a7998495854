// SPDX-License-Identifier: MIT
// The memory-mapped window of QUADSPI: when it is open, what reads return, whether
// they may be taken from the cells directly, what they cost, and how it closes.
#include "tests/model/quadspi_rig.h"

enum { QPI_MAPPED = QPI_READ | MAPPED | 10 << 18, QPI_HEADER = 2 + 8 + 10 };

static void map_qpi(struct bench *b) {
  to_qpi(b);
  pass(b, VT_US(1));
  wr(b, CCR, QPI_MAPPED);
}

static uint32_t word(const struct bench *b, uint32_t offset) {
  uint32_t value = 0;
  memcpy(&value, b->rig.cells + offset, 4);
  return value;
}

static void limit_follows_fsize(void **state) {
  struct bench *b = *state;
  assert_int_equal(quadspi_window_limit(&b->q), 0);
  map_qpi(b);
  assert_int_equal(quadspi_window_limit(&b->q), 64 << 20);
  wr(b, DCR, FSIZE(22) | CSHT(3));
  assert_int_equal(quadspi_window_limit(&b->q), 8 << 20);
  wr(b, DCR, FSIZE(31) | CSHT(3));
  assert_int_equal(quadspi_window_limit(&b->q), 256 << 20);
  wr(b, CCR, 0x06 | I4);
  assert_int_equal(quadspi_window_limit(&b->q), 0);
  expect_quiet(&b->rig);
}

static void reads_return_the_array(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  assert_int_equal(quadspi_window_read(&b->q, 0x123456, 4), word(b, 0x123456));
  assert_int_equal(quadspi_window_read(&b->q, 0x3FFFFFC, 4), word(b, 0x3FFFFFC));
  assert_int_equal(quadspi_window_read(&b->q, 7, 1), b->rig.cells[7]);
  assert_int_equal(quadspi_window_read(&b->q, 8, 2), word(b, 8) & 0xFFFF);
  const uint64_t commands = b->rig.nor.counters.reads;
  assert_int_equal(commands, 3);  // 7 and 8 are one stream
  for (uint32_t i = 0; i < 1000; i += 4) {
    assert_int_equal(quadspi_window_read(&b->q, 0x8000 + i, 4), word(b, 0x8000 + i));
  }
  assert_int_equal(b->rig.nor.counters.reads, commands + 1);
  expect_quiet(&b->rig);
}

static void reads_that_the_bus_refuses(void **state) {
  struct bench *b = *state;
  wr(b, AR, 0x1234);
  assert_int_equal(quadspi_window_read(&b->q, 0, 4), 0);
  expect_only(&b->rig, GUEST_QSPI_INDIRECT);
  assert_int_equal(rd(b, AR), 0);  // "clears AR"
  map_qpi(b);
  quadspi_window_read(&b->q, 64 << 20, 1);
  expect_only(&b->rig, GUEST_QSPI_WINDOW);
  quadspi_window_read(&b->q, (64 << 20) - 2, 4);
  expect_only(&b->rig, GUEST_QSPI_WINDOW);
  quadspi_window_read(&b->q, (64 << 20) - 2, 2);
  expect_quiet(&b->rig);
}

// --- Direct ---

static void direct_in_qpi(void **state) {
  struct bench *b = *state;
  uint32_t size = 1;
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(size, 0);
  map_qpi(b);
  assert_ptr_equal(quadspi_window_direct(&b->q, &size), b->rig.cells);
  assert_int_equal(size, 64 << 20);
  assert_int_equal(b->window_changes, 1);
  assert_int_equal(b->pin_checks, 3);
  expect_quiet(&b->rig);
}

static void direct_in_spi(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  assert_ptr_equal(quadspi_window_direct(&b->q, &size), b->rig.cells);
  assert_int_equal(size, 16 << 20);  // 3-byte addresses reach no farther
  expect_quiet(&b->rig);
  // What lies beyond comes round again.
  assert_int_equal(quadspi_window_read(&b->q, (16 << 20) + 5, 1), b->rig.cells[5]);
}

static void direct_with_an_extended_address(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  nor_set_register(&b->rig.nor, NOR_REG_EXTENDED_ADDRESS, 2);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | MAPPED | DUMMY(8));
  assert_ptr_equal(quadspi_window_direct(&b->q, &size), b->rig.cells + (32 << 20));
  assert_int_equal(size, 16 << 20);
}

static void direct_is_no_larger_than_the_flash(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  wr(b, DCR, FSIZE(26) | CSHT(3));
  map_qpi(b);
  assert_non_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(size, 64 << 20);
  quadspi_window_read(&b->q, (64 << 20) + 64, 4);
  expect_only(&b->rig, GUEST_NOR_ADDRESS);
}

// Each way to get the configuration wrong: no direct reads, and the chip says why.
static void direct_refused(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t ccr;
    uint8_t status;
    enum guest_error error;
  } cases[] = {
      {0x0B | I1 | AD1 | AS24 | D1 | DUMMY(7), 0x00, GUEST_NOR_DUMMY},
      {0x0B | I1 | AD1 | AS24 | D1 | DUMMY(9), 0x00, GUEST_NOR_DUMMY},
      {0x0B | I1 | AD1 | AS32 | D1 | DUMMY(8), 0x00, GUEST_NOR_ADDRESS},
      {0x0C | I1 | AD1 | AS24 | D1 | DUMMY(8), 0x00, GUEST_NOR_ADDRESS},
      {0x6B | I1 | AD1 | AS24 | D4 | DUMMY(8), 0x00, GUEST_NOR_QUAD},
      {0x6B | I1 | AD1 | AS24 | D1 | DUMMY(8), 0x40, GUEST_NOR_OPCODE},
      {0xEB | I4 | AD4 | AS24 | D4 | DUMMY(6), 0x40, GUEST_NOR_OPCODE},
      {0x77 | I1 | AD1 | AS24 | D1, 0x00, GUEST_NOR_OPCODE},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t size = 0;
    nor_set_register(&b->rig.nor, NOR_REG_STATUS, cases[i].status);
    wr(b, CR, PRESC(2) | EN);
    wr(b, CCR, cases[i].ccr | MAPPED);
    assert_null(quadspi_window_direct(&b->q, &size));
    wr(b, CR, rd(b, CR) | ABORT);
    assert_true(report_count(&b->rig.sim.report, cases[i].error) > 0);
    report_clear(&b->rig.sim.report);
    wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | MAPPED);
    assert_non_null(quadspi_window_direct(&b->q, &size));
    wr(b, CR, rd(b, CR) | ABORT);
    expect_quiet(&b->rig);
  }
}

static void direct_refused_while_busy(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
  op(b, 0xC7 | I1);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | MAPPED);
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_true(report_count(&b->rig.sim.report, GUEST_NOR_BUSY) > 0);
}

static void direct_refused_with_torn_cells(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
  wr(b, CCR, 0x20 | I1 | AD1 | AS24);
  wr(b, AR, 0);
  finish_within(b, VT_MS(1));
  nor_power_off(&b->rig.nor, 1);
  nor_power_on(&b->rig.nor);
  pass(b, VT_MS(2));
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | MAPPED);
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(quadspi_window_read(&b->q, 0x2000, 4), word(b, 0x2000));
  expect_quiet(&b->rig);
}

static void nothing_connected(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  b->q.flash[0] = NULL;
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | MAPPED);
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(quadspi_window_read(&b->q, 0, 4), 0xFFFFFFFF);
  expect_quiet(&b->rig);
}

// 0-4-4: with SIOO the instruction goes out once, and that is what the chip expects;
// without it, the second instruction is taken for an address.
static void continuous_read_needs_sioo(void **state) {
  struct bench *b = *state;
  uint32_t size = 0;
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  nor_set_register(&b->rig.nor, NOR_REG_CONFIG, 0xC7);
  const uint32_t ccr = 0xEC | I1 | AD4 | AS32 | AB4 | D4 | DUMMY(8) | MAPPED;
  wr(b, ABR, 0xA5);
  wr(b, CCR, ccr);
  assert_null(quadspi_window_direct(&b->q, &size));
  assert_int_equal(report_count(&b->rig.sim.report, GUEST_NOR_OPCODE), 0);
  wr(b, CR, rd(b, CR) | ABORT);  // CS# rises: now the chip's complaint is known
  assert_int_equal(report_count(&b->rig.sim.report, GUEST_NOR_OPCODE), 1);
  report_clear(&b->rig.sim.report);
  nor_power_off(&b->rig.nor, 0);
  nor_power_on(&b->rig.nor);
  nor_set_register(&b->rig.nor, NOR_REG_CONFIG, 0xC7);
  pass(b, VT_MS(2));
  wr(b, CCR, ccr | SIOO);
  assert_ptr_equal(quadspi_window_direct(&b->q, &size), b->rig.cells);
  assert_int_equal(quadspi_window_read(&b->q, 0x5000, 4), word(b, 0x5000));
  expect_quiet(&b->rig);
}

// --- Cost ---

static void expect_cost(struct bench *b, uint32_t offset, unsigned bytes,
                        vtime_t cost) {
  const vtime_t got = quadspi_window_cost(&b->q, offset, bytes);
  if (got > cost + 2 || got + 2 < cost) {
    fail_msg("cost %llu ps instead of %llu", (unsigned long long)got,
             (unsigned long long)cost);
  }
  pass(b, got);
}

static void cost_of_jumps_and_streams(void **state) {
  struct bench *b = *state;
  assert_int_equal(quadspi_window_cost(&b->q, 0, 4), 0);  // not mapped: a fault
  map_qpi(b);
  pass(b, VT_US(1));
  expect_cost(b, 0x1000, 4, sclk(QPI_HEADER + 8));
  expect_cost(b, 0x1004, 4, sclk(8));
  expect_cost(b, 0x1008, 1, sclk(2));
  expect_cost(b, 0x1009, 1, sclk(2));
  expect_cost(b, 0x2000, 32, sclk(4 + QPI_HEADER + 64));
  expect_cost(b, 0x1009, 1, sclk(4 + QPI_HEADER + 2));
  expect_quiet(&b->rig);
}

static void prefetch_runs_on(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  pass(b, VT_US(1));
  expect_cost(b, 0, 4, sclk(QPI_HEADER + 8));
  pass(b, sclk(20));  // 10 bytes are there
  expect_cost(b, 4, 4, 0);
  expect_cost(b, 8, 4, 0);
  expect_cost(b, 12, 4, sclk(4));  // 2 of them
  pass(b, VT_MS(1));               // 32 bytes, then the clock stands still
  expect_cost(b, 16, 32, 0);
  expect_cost(b, 48, 4, sclk(8));
  pass(b, sclk(40));
  expect_cost(b, 52, 4, 0);  // 16 ahead
  pass(b, VT_MS(1));         // and no more than 32 after that
  expect_cost(b, 56, 32, 0);
  expect_cost(b, 88, 4, sclk(8));
}

static void streaming_runs_at_bus_speed(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  pass(b, VT_US(1));
  const vtime_t start = b->rig.sim.events.now;
  for (uint32_t i = 0; i < 65536; i += 4)
    pass(b, quadspi_window_cost(&b->q, i, 4));
  const vtime_t took = b->rig.sim.events.now - start, ideal = sclk(131072 + QPI_HEADER);
  assert_true(took >= ideal - VT_NS(100) && took <= ideal + VT_NS(100));  // 54 MB/s
}

// PRESCALER may change between reads (BUSY = 0 after an abort): the next jump is at
// the new rate.
static void cost_follows_the_clock(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  pass(b, VT_US(1));
  expect_cost(b, 0, 4, sclk(QPI_HEADER + 8));
  wr(b, CR, rd(b, CR) | ABORT);
  wr(b, CR, PRESC(3) | EN);
  pass(b, VT_US(1));
  expect_cost(b, 0, 4, 2 * sclk(QPI_HEADER + 8));
  expect_quiet(&b->rig);
}

static void first_read_waits_for_chip_select(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  wr(b, CCR, 0x06 | I4);
  pass(b, sclk(2));
  assert_int_equal(rd(b, SR) & BUSY, 0);
  wr(b, CCR, QPI_MAPPED);
  expect_cost(b, 0, 1, sclk(4 + QPI_HEADER + 2));
}

// --- Open and closed ---

static void busy_from_the_first_read_until_abort(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  assert_int_equal(rd(b, SR) & BUSY, 0);
  quadspi_window_cost(&b->q, 0, 4);
  assert_int_equal(rd(b, SR) & BUSY, BUSY);
  wr(b, CCR, 0x06 | I4);
  expect_only(&b->rig, GUEST_QSPI_BUSY);
  pass(b, VT_S(1));
  assert_int_equal(rd(b, SR) & BUSY, BUSY);
  wr(b, CR, rd(b, CR) | ABORT);
  assert_int_equal(rd(b, SR) & (BUSY | TCF), TCF);
  assert_int_equal(quadspi_window_limit(&b->q), 64 << 20);  // still mapped
  wr(b, CCR, 0x06 | I4);
  assert_int_equal(quadspi_window_limit(&b->q), 0);
  assert_int_equal(b->window_changes, 2);
  expect_quiet(&b->rig);
}

static void abort_raises_chip_select(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  quadspi_window_read(&b->q, 0, 4);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_OUT);
  wr(b, CR, rd(b, CR) | ABORT);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
  assert_int_equal(quadspi_window_read(&b->q, 4, 4), word(b, 4));
  expect_quiet(&b->rig);
}

static void closes_when_disabled_or_reset(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  quadspi_window_read(&b->q, 0, 4);
  wr(b, CR, PRESC(1));
  assert_int_equal(quadspi_window_limit(&b->q), 0);
  assert_int_equal(b->window_changes, 2);
  wr(b, CR, PRESC(1) | EN);
  wr(b, CCR, QPI_MAPPED);
  quadspi_window_read(&b->q, 0, 4);
  quadspi_reset(&b->q);
  assert_int_equal(quadspi_window_limit(&b->q), 0);
  assert_int_equal(b->window_changes, 4);
  assert_int_equal(b->rig.nor.wire.phase, NOR_PHASE_IDLE);
  expect_quiet(&b->rig);
}

static void address_register_in_memory_mapped_mode(void **state) {
  struct bench *b = *state;
  map_qpi(b);
  wr(b, AR, 0x100);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  assert_int_equal(rd(b, AR), 0);
}

static void needs_an_address_and_data(void **state) {
  struct bench *b = *state;
  wr(b, CCR, 0x0B | I1 | D1 | MAPPED);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | MAPPED);
  expect_only(&b->rig, GUEST_QSPI_CONFIG);
  assert_int_equal(quadspi_window_limit(&b->q), 0);
}

// ES0334: the first mapped read is wrong after an indirect one with AR[1:0] != 0.
static void unaligned_address_before_mapping(void **state) {
  struct bench *b = *state;
  const uint32_t mapped = 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | MAPPED;
  for (unsigned mend = 0; mend < 4; mend++) {
    for (uint32_t low = 0; low < 4; low++) {
      wr(b, DLR, 0);
      wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | DUMMY(8) | READ);
      wr(b, AR, 0x1000 + low);
      rd_n(b, DR, 1);
      if (mend & 1) wr(b, CR, rd(b, CR) | ABORT);
      wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);  // AR starts nothing here
      if (mend & 2) wr(b, AR, 0);
      wr(b, CCR, mapped);
      if (low != 0 && mend != 3) {
        expect_only(&b->rig, GUEST_QSPI_AR);
      } else {
        expect_quiet(&b->rig);
      }
      wr(b, CR, rd(b, CR) | ABORT);
      pass(b, VT_US(1));
    }
  }
}

static void ask(void *ctx) {
  struct bench *b = ctx;
  uint32_t size = 0;
  b->window_changes += quadspi_window_direct(&b->q, &size) ? 100 : 1;
}

static void window_on_change_may_ask_at_once(void **state) {
  struct bench *b = *state;
  b->q.window_on_change = ask;
  map_qpi(b);
  assert_int_equal(b->window_changes, 100);
  wr(b, CR, rd(b, CR) | ABORT);
  wr(b, CCR, 0x06 | I4);
  assert_int_equal(b->window_changes, 101);
  expect_quiet(&b->rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BENCH(limit_follows_fsize),
      BENCH(reads_return_the_array),
      BENCH(reads_that_the_bus_refuses),
      BENCH(direct_in_qpi),
      BENCH(direct_in_spi),
      BENCH(direct_with_an_extended_address),
      BENCH(direct_is_no_larger_than_the_flash),
      BENCH(direct_refused),
      BENCH(direct_refused_while_busy),
      BENCH(direct_refused_with_torn_cells),
      BENCH(nothing_connected),
      BENCH(continuous_read_needs_sioo),
      BENCH(cost_of_jumps_and_streams),
      BENCH(prefetch_runs_on),
      BENCH(streaming_runs_at_bus_speed),
      BENCH(cost_follows_the_clock),
      BENCH(first_read_waits_for_chip_select),
      BENCH(busy_from_the_first_read_until_abort),
      BENCH(abort_raises_chip_select),
      BENCH(closes_when_disabled_or_reset),
      BENCH(address_register_in_memory_mapped_mode),
      BENCH(needs_an_address_and_data),
      BENCH(unaligned_address_before_mapping),
      BENCH(window_on_change_may_ask_at_once),
  };
  return cmocka_run_group_tests_name("quadspi_window", tests, NULL, NULL);
}
