// SPDX-License-Identifier: MIT
// QUADSPI transfers: exact durations, the FIFO at its edges, DR in every width,
// the errata, and what is reported on the way.
#include "tests/model/quadspi_rig.h"

static vtime_t now(const struct bench *b) {
  return b->rig.sim.events.now;
}

// Time from here until TCF rises, by the model's own events.
static vtime_t time_to_tcf(struct bench *b) {
  const vtime_t start = now(b);
  while (!(b->q.flags & TCF)) {
    const vtime_t next = event_next(&b->rig.sim.events);
    if (next == VT_NEVER) fail_msg("nothing will ever happen");
    event_run(&b->rig.sim.events, next);
  }
  wr(b, FCR, TCF);
  return now(b) - start;
}

// --- Duration ---

static void header_durations(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t ccr;
    unsigned clocks;
  } cases[] = {
      {0x06 | I1, 8},
      {0x00 | I4, 2},
      {0x03 | I1 | AD1 | AS24, 8 + 24},
      {0x13 | I1 | AD1 | AS32, 8 + 32},
      {0x00 | I1 | AB4 | 3 << 16, 8 + 8},
      {0x0B | I1 | AD1 | AS24 | DUMMY(8), 8 + 24 + 8},
      {0xBB | I1 | AD2 | AS24 | DUMMY(4), 8 + 12 + 4},
      {0xEB | I1 | AD4 | AS24 | AB4 | DUMMY(31), 8 + 6 + 2 + 31},
  };
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    wr(b, CCR, cases[i].ccr);
    wr(b, AR, 0);
    assert_int_equal(time_to_tcf(b), sclk(cases[i].clocks));
    pass(b, VT_US(1));
  }
}

static void read_duration_by_lines(void **state) {
  struct bench *b = *state;
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  static const struct {
    uint32_t ccr;
    unsigned clocks;
  } cases[] = {{0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8), 40 + 16 * 8},
               {0x3B | I1 | AD1 | AS24 | D2 | READ | DUMMY(8), 40 + 16 * 4},
               {0x6B | I1 | AD1 | AS24 | D4 | READ | DUMMY(8), 40 + 16 * 2}};
  wr(b, DLR, 15);
  for (unsigned i = 0; i < 3; i++) {
    wr(b, CCR, cases[i].ccr);
    wr(b, AR, 0x1000);
    assert_int_equal(time_to_tcf(b), sclk(cases[i].clocks));
    uint8_t in[16];
    for (unsigned k = 0; k < 16; k++)
      in[k] = (uint8_t)rd_n(b, DR, 1);
    assert_memory_equal(in, b->rig.cells + 0x1000, 16);
    pass(b, VT_US(1));
  }
  expect_quiet(&b->rig);
}

// The next command waits until CS# has been high for CSHT + 1 clocks.
static void chip_select_high_time(void **state) {
  struct bench *b = *state;
  for (unsigned csht = 0; csht < 8; csht++) {
    wr(b, DCR, FSIZE(25) | CSHT(csht));
    wr(b, CCR, 0x06 | I1);
    time_to_tcf(b);
    wr(b, CCR, 0x04 | I1);
    const vtime_t took = time_to_tcf(b);
    assert_true(took >= sclk(8 + csht + 1) && took <= sclk(8 + csht + 1) + 1);
    pass(b, VT_US(1));
  }
}

static void prescaler_divides(void **state) {
  struct bench *b = *state;
  for (unsigned p = 1; p < 256; p += 50) {
    wr(b, CR, PRESC(p) | EN);
    wr(b, CCR, 0x06 | I1);
    assert_int_equal(time_to_tcf(b), vt_cycles(8, 216000000 / (p + 1)));
    pass(b, VT_MS(1));
  }
}

// --- Read FIFO ---

static void fifo_fills_at_bus_speed_and_stops(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 99);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x2000);
  pass(b, sclk(40));
  assert_int_equal(FLEVEL(rd(b, SR)), 0);
  for (unsigned n = 1; n <= 32; n++) {
    pass(b, sclk(40 + 8 * n) - (now(b)) - 1);
    assert_int_equal(FLEVEL(rd(b, SR)), n - 1);
    pass(b, 1);
    assert_int_equal(FLEVEL(rd(b, SR)), n);
  }
  assert_int_equal(event_next(&b->rig.sim.events), VT_NEVER);
  pass(b, VT_MS(1));
  assert_int_equal(FLEVEL(rd(b, SR)), 32);
  assert_int_equal(rd(b, SR) & (BUSY | TCF | FTF), BUSY | FTF);
  // One byte taken: the clock runs again, for exactly one byte.
  assert_int_equal(rd_n(b, DR, 1), b->rig.cells[0x2000]);
  pass(b, sclk(8) - 1);
  assert_int_equal(FLEVEL(rd(b, SR)), 31);
  pass(b, 1);
  assert_int_equal(FLEVEL(rd(b, SR)), 32);
}

static void threshold_flag_of_a_read(void **state) {
  struct bench *b = *state;
  for (unsigned threshold = 1; threshold <= 16; threshold += 5) {
    wr(b, CR, PRESC(1) | EN | FTIE | FTHRES(threshold - 1));
    wr(b, DLR, 63);
    wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
    wr(b, AR, 0x2000);
    const vtime_t start = now(b);
    assert_false(b->irq);
    while (!b->irq)
      event_run(&b->rig.sim.events, event_next(&b->rig.sim.events));
    assert_int_equal(now(b) - start, sclk(40 + 8 * threshold));
    assert_int_equal(rd(b, SR), BUSY | FTF | threshold << 8);
    rd_n(b, DR, 1);
    assert_false(b->irq);
    wr(b, CR, rd(b, CR) | ABORT);
    wr(b, FCR, TCF);
    pass(b, VT_US(1));
  }
  expect_quiet(&b->rig);
}

// Enabled late, the interrupt still comes at its time, and not at the later event
// that the transfer had been waiting for.
static void threshold_interrupt_enabled_late(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 63);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x2000);
  pass(b, sclk(48));
  wr(b, CR, rd(b, CR) | FTIE);
  assert_true(b->irq);
  rd_n(b, DR, 1);
  assert_false(b->irq);
  pass(b, sclk(56) - now(b) - 1);
  assert_false(b->irq);
  pass(b, 1);
  assert_true(b->irq);
}

// Every mixture of widths gives the same bytes.
static void data_register_in_every_width(void **state) {
  struct bench *b = *state;
  for (unsigned mix = 0; mix < 27; mix++) {
    static const unsigned width[] = {1, 2, 4};
    const unsigned pattern[3] = {width[mix % 3], width[mix / 3 % 3], width[mix / 9]};
    uint8_t in[64];
    wr(b, DLR, 49);
    wr(b, CCR, 0x03 | I1 | AD1 | AS24 | D1 | READ);
    wr(b, CR, PRESC(3) | EN | ABORT);  // 54 MHz: READ allows 66
    wr(b, CCR, 0x03 | I1 | AD1 | AS24 | D1 | READ);
    wr(b, AR, 0x3000 + mix);
    unsigned got = 0;
    for (unsigned i = 0; got < 50; i++) {
      const unsigned n = pattern[i % 3];
      const uint32_t value = rd_n(b, DR, n);
      for (unsigned k = 0; k < n; k++)
        in[got++] = (uint8_t)(value >> (8 * k));
    }
    assert_memory_equal(in, b->rig.cells + 0x3000 + mix, 50);
    finish_within(b, VT_MS(1));
    wr(b, FCR, TCF);
  }
}

// A read of DR waits for the bus: time passes, to the picosecond.
static void data_register_read_waits(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 7);
  wr(b, CCR, 0x0B | I1 | AD1 | AS24 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x2000);
  const vtime_t start = now(b);
  assert_int_equal(rd(b, DR), (uint32_t)b->rig.cells[0x2000] |
                                  (uint32_t)b->rig.cells[0x2001] << 8 |
                                  (uint32_t)b->rig.cells[0x2002] << 16 |
                                  (uint32_t)b->rig.cells[0x2003] << 24);
  assert_int_equal(now(b) - start, sclk(40 + 32));
  rd(b, DR);
  assert_int_equal(now(b) - start, sclk(40 + 64));
  assert_int_equal(rd(b, SR), TCF);
  expect_quiet(&b->rig);
}

// A 32-bit read with one byte left is what one-byte status reads do.
static void wide_read_of_the_last_byte(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 0);
  wr(b, CCR, 0x15 | I1 | D1 | READ);
  pass(b, VT_US(1));
  assert_int_equal(rd(b, DR), 0x07);
  expect_quiet(&b->rig);
  assert_int_equal(rd(b, DR), 0);
  expect_only(&b->rig, GUEST_QSPI_FIFO);
}

static void data_register_at_the_wrong_byte(void **state) {
  struct bench *b = *state;
  rd_n(b, DR + 1, 1);
  expect_only(&b->rig, GUEST_BAD_WIDTH);
  wr_n(b, DR + 2, 2, 0);
  expect_only(&b->rig, GUEST_BAD_WIDTH);
}

static uint32_t counted_stall_until;
static void no_stall(void *ctx, vtime_t until) {
  (void)ctx;
  (void)until;
  counted_stall_until++;
}

// A machine that lets no time pass gets what is there, and no endless loop.
static void stall_without_time_ends(void **state) {
  struct bench *b = *state;
  b->q.stall = no_stall;
  wr(b, DLR, 3);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  rd(b, DR);
  expect_only(&b->rig, GUEST_QSPI_FIFO);
  assert_int_equal(counted_stall_until, 1);
}

// --- Length ---

static void reads_to_the_end_of_the_flash(void **state) {
  struct bench *b = *state;
  wr(b, DLR, 0xFFFFFFFF);
  wr(b, CCR, 0x0C | I1 | AD1 | AS32 | D1 | READ | DUMMY(8));
  wr(b, AR, 0x04000000 - 40);
  for (uint32_t i = 0; i < 40; i++) {
    assert_int_equal(rd_n(b, DR, 1), b->rig.cells[0x04000000 - 40 + i]);
  }
  assert_int_equal(rd(b, SR), TCF);
  expect_quiet(&b->rig);
}

static void endless_read_of_a_4_gb_flash(void **state) {
  struct bench *b = *state;
  wr(b, DCR, FSIZE(31));
  wr(b, DLR, 0xFFFFFFFF);
  wr(b, CCR, 0x05 | I1 | D1 | READ);
  for (unsigned i = 0; i < 1000; i++)
    assert_int_equal(rd(b, DR), 0);
  assert_int_equal(rd(b, SR) & (BUSY | TCF), BUSY);
  wr(b, CR, PRESC(1) | EN | ABORT);
  assert_int_equal(rd(b, SR), TCF);
  expect_quiet(&b->rig);
}

// --- Write ---

static void write_enable(struct bench *b) {
  op(b, 0x06 | I1);
  pass(b, VT_US(1));
}

static void page_program(void **state) {
  struct bench *b = *state;
  memset(b->rig.cells, 0xFF, 0x1000);
  write_enable(b);
  wr(b, DLR, 255);
  wr(b, CCR, 0x12 | I1 | AD1 | AS32 | D1 | WRITE);
  wr(b, AR, 0x100);
  const vtime_t start = now(b);
  for (uint32_t i = 0; i < 256; i += 4)
    wr(b, DR, 0x03020100 + i * 0x01010101);
  finish_within(b, VT_MS(1));
  assert_int_equal(now(b) - start, sclk(40 + 256 * 8));
  assert_int_equal(rd(b, SR), TCF | FTF);
  pass(b, VT_US(256));
  for (unsigned i = 0; i < 256; i++)
    assert_int_equal(b->rig.cells[0x100 + i], i);
  expect_quiet(&b->rig);
}

static void write_in_every_width(void **state) {
  struct bench *b = *state;
  memset(b->rig.cells, 0xFF, 0x1000);
  write_enable(b);
  wr(b, DLR, 6);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0);
  wr_n(b, DR, 1, 0x11);
  wr_n(b, DR, 4, 0x55443322);
  wr_n(b, DR, 2, 0x7766);
  finish_within(b, VT_MS(1));
  pass(b, VT_MS(1));
  assert_memory_equal(b->rig.cells, "\x11\x22\x33\x44\x55\x66\x77\xFF", 8);
  expect_quiet(&b->rig);
}

// The clock stands still while the FIFO is empty, and TCF waits.
static void starved_write(void **state) {
  struct bench *b = *state;
  memset(b->rig.cells, 0xFF, 0x1000);
  write_enable(b);
  wr(b, DLR, 1);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0);
  wr_n(b, DR, 1, 0xAA);
  pass(b, VT_MS(5));
  assert_int_equal(rd(b, SR), BUSY | FTF);
  wr_n(b, DR, 1, 0x55);
  pass(b, sclk(8) - 1);
  assert_int_equal(rd(b, SR) & TCF, 0);
  pass(b, 1);
  assert_int_equal(rd(b, SR) & (TCF | BUSY), TCF);
  pass(b, VT_MS(1));
  assert_memory_equal(b->rig.cells, "\xAA\x55\xFF", 3);
  expect_quiet(&b->rig);
}

// A write to DR with no room waits until there is.
static void full_fifo_stalls_the_write(void **state) {
  struct bench *b = *state;
  write_enable(b);
  wr(b, DLR, 63);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0);
  const vtime_t start = now(b);
  for (unsigned i = 0; i < 8; i++)
    wr(b, DR, 0xFFFFFFFF);
  assert_int_equal(now(b), start);
  assert_int_equal(rd(b, SR), BUSY | 32 << 8);  // FTF: no byte of room
  wr(b, DR, 0xFFFFFFFF);
  assert_int_equal(now(b) - start, sclk(32 + 4 * 8));
  assert_int_equal(FLEVEL(rd(b, SR)), 32);
}

static void threshold_flag_of_a_write(void **state) {
  struct bench *b = *state;
  write_enable(b);
  wr(b, CR, PRESC(1) | EN | FTHRES(15));
  wr(b, DLR, 63);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  assert_int_equal(rd(b, SR) & FTF, FTF);  // before the first byte: room for 16
  wr(b, AR, 0);
  const vtime_t start = now(b);
  for (unsigned i = 0; i < 8; i++)
    wr(b, DR, 0);
  assert_int_equal(rd(b, SR) & FTF, 0);
  wr(b, CR, PRESC(1) | EN | FTHRES(15) | FTIE);
  assert_false(b->irq);
  while (!b->irq)
    event_run(&b->rig.sim.events, event_next(&b->rig.sim.events));
  assert_int_equal(now(b) - start, sclk(32 + 16 * 8));
  assert_int_equal(FLEVEL(rd(b, SR)), 16);
}

static void too_many_bytes_written(void **state) {
  struct bench *b = *state;
  memset(b->rig.cells, 0xFF, 16);
  write_enable(b);
  wr(b, DLR, 0);
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  wr(b, AR, 0);
  wr(b, DR, 0x12345678);
  expect_only(&b->rig, GUEST_QSPI_FIFO);
  finish_within(b, VT_MS(1));
  pass(b, VT_MS(1));
  assert_memory_equal(b->rig.cells, "\x78\xFF", 2);
  expect_quiet(&b->rig);
}

static void data_register_in_the_wrong_mode(void **state) {
  struct bench *b = *state;
  wr(b, DR, 0);  // CCR describes nothing
  expect_only(&b->rig, GUEST_QSPI_FIFO);
  wr(b, DLR, 3);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  wr(b, DR, 0);
  expect_only(&b->rig, GUEST_QSPI_FIFO);
  rd(b, DR);
  finish_within(b, VT_MS(1));
  wr(b, CCR, 0x02 | I1 | AD1 | AS24 | D1 | WRITE);
  rd(b, DR);
  expect_only(&b->rig, GUEST_QSPI_FIFO);
}

// --- Errata and rules of a start ---

static void dummy_cycles_in_a_write(void **state) {
  struct bench *b = *state;
  write_enable(b);
  wr(b, DLR, 0);
  wr(b, CCR, 0x01 | I1 | D1 | WRITE | DUMMY(1));
  wr_n(b, DR, 1, 0);
  assert_int_equal(report_count(&b->rig.sim.report, GUEST_QSPI_WRITE_DUMMY), 1);
  wr(b, CR, PRESC(1) | EN | ABORT);
  report_clear(&b->rig.sim.report);
  wr(b, CCR, 0x01 | I1 | D1 | WRITE);
  wr_n(b, DR, 1, 0);
  finish_within(b, VT_MS(1));
  expect_quiet(&b->rig);
}

static void timeout_counter(void **state) {
  struct bench *b = *state;
  wr(b, CR, PRESC(1) | EN | TCEN);
  expect_only(&b->rig, GUEST_QSPI_TIMEOUT);
}

static void window_must_not_be_normal_memory(void **state) {
  struct bench *b = *state;
  b->window_normal = true;
  op(b, 0x06 | I1);
  expect_only(&b->rig, GUEST_QSPI_MPU);
  b->window_normal = false;
  op(b, 0x06 | I1);
  expect_quiet(&b->rig);
}

static void a_wrong_configuration_shows_at_the_chip(void **state) {
  struct bench *b = *state;
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  wr(b, DLR, 3);
  wr(b, CCR, 0xEB | I1 | AD4 | AS24 | D4 | READ | DUMMY(6));  // 108 MHz needs 10
  wr(b, AR, 0x1000);
  const uint32_t good = rd(b, DR);
  assert_int_equal(b->rig.sim.report.entries->addr, 0xA0001000);
  expect_only(&b->rig, GUEST_QSPI_CLOCK);
  wr(b, CR, PRESC(2) | EN);
  wr(b, CCR, 0xEB | I1 | AD4 | AS24 | D4 | READ | DUMMY(5));
  wr(b, AR, 0x1000);
  assert_int_not_equal(rd(b, DR), good);
  expect_only(&b->rig, GUEST_NOR_DUMMY);
  wr(b, CCR, 0xEB | I1 | AD4 | AS24 | D4 | READ | DUMMY(6));
  wr(b, AR, 0x1000);
  assert_int_equal(rd(b, DR), good);
  expect_quiet(&b->rig);
}

static void nothing_connected(void **state) {
  struct bench *b = *state;
  b->q.flash[0] = NULL;
  wr(b, DLR, 3);
  wr(b, CCR, 0x9F | I1 | D1 | READ);
  assert_int_equal(rd(b, DR), 0xFFFFFFFF);
  wr(b, CR, PRESC(1) | EN | FSEL);  // and nothing on bank 2 either
  wr(b, CCR, 0x01 | I1 | D1 | WRITE);
  wr(b, DR, 0);
  finish_within(b, VT_MS(1));
  expect_quiet(&b->rig);
}

static void send_instruction_only_once(void **state) {
  struct bench *b = *state;
  nor_set_register(&b->rig.nor, NOR_REG_STATUS, 0x40);
  nor_set_register(&b->rig.nor, NOR_REG_CONFIG, 0xC7);
  wr(b, DLR, 3);
  wr(b, ABR, 0xA5);
  const uint32_t ccr = 0xEB | I1 | AD4 | AS24 | AB4 | D4 | READ | DUMMY(8);
  wr(b, CCR, ccr | SIOO);
  wr(b, AR, 0);
  assert_int_equal(time_to_tcf(b), sclk(8 + 6 + 2 + 8 + 8));
  rd(b, DR);
  pass(b, VT_US(1));
  wr(b, AR, 0x5000);
  assert_int_equal(time_to_tcf(b), sclk(6 + 2 + 8 + 8));
  uint32_t value = 0;
  memcpy(&value, b->rig.cells + 0x5000, 4);
  assert_int_equal(rd(b, DR), value);
  pass(b, VT_US(1));
  wr(b, ABR, 0xFF);  // leave 0-4-4
  wr(b, AR, 0);
  rd(b, DR);
  wr(b, FCR, TCF);
  pass(b, VT_US(1));
  wr(b, CCR, ccr);  // the instruction comes again
  wr(b, AR, 0);
  assert_int_equal(time_to_tcf(b), sclk(8 + 6 + 2 + 8 + 8));
  expect_quiet(&b->rig);
}

// --- A whole story ---

static void erase_program_read_in_qpi(void **state) {
  struct bench *b = *state;
  to_qpi(b);
  pass(b, VT_US(1));
  op(b, 0x06 | I4);
  pass(b, VT_US(1));
  wr(b, CCR, 0x21 | I4 | AD4 | AS32);
  wr(b, AR, 0x03FF0000);
  finish_within(b, VT_MS(1));
  wr(b, CR, PRESC(1) | EN | APMS);
  wr(b, PSMKR, 1);
  wr(b, PSMAR, 0);
  wr(b, DLR, 0);
  wr(b, CCR, 0x05 | I4 | D4 | POLL);
  finish_within(b, VT_MS(31));
  wr(b, FCR, SMF | TCF);
  op(b, 0x06 | I4);
  pass(b, VT_US(1));
  wr(b, DLR, 255);
  wr(b, CCR, QPI_PROGRAM | WRITE);
  wr(b, AR, 0x03FF0000);
  for (uint32_t i = 0; i < 256; i += 4)
    wr(b, DR, 0x03020100 + i * 0x01010101);
  finish_within(b, VT_MS(1));
  pass(b, VT_US(256));
  wr(b, DLR, 511);
  wr(b, CCR, QPI_READ | READ | DUMMY(10));
  wr(b, AR, 0x03FF0000);
  for (uint32_t i = 0; i < 512; i++) {
    assert_int_equal(rd_n(b, DR, 1), i < 256 ? i : 0xFF);
  }
  expect_quiet(&b->rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      BENCH(header_durations),
      BENCH(read_duration_by_lines),
      BENCH(chip_select_high_time),
      BENCH(prescaler_divides),
      BENCH(fifo_fills_at_bus_speed_and_stops),
      BENCH(threshold_flag_of_a_read),
      BENCH(threshold_interrupt_enabled_late),
      BENCH(data_register_in_every_width),
      BENCH(data_register_read_waits),
      BENCH(wide_read_of_the_last_byte),
      BENCH(data_register_at_the_wrong_byte),
      BENCH(stall_without_time_ends),
      BENCH(reads_to_the_end_of_the_flash),
      BENCH(endless_read_of_a_4_gb_flash),
      BENCH(page_program),
      BENCH(write_in_every_width),
      BENCH(starved_write),
      BENCH(full_fifo_stalls_the_write),
      BENCH(threshold_flag_of_a_write),
      BENCH(too_many_bytes_written),
      BENCH(data_register_in_the_wrong_mode),
      BENCH(dummy_cycles_in_a_write),
      BENCH(timeout_counter),
      BENCH(window_must_not_be_normal_memory),
      BENCH(a_wrong_configuration_shows_at_the_chip),
      BENCH(nothing_connected),
      BENCH(send_instruction_only_once),
      BENCH(erase_program_read_in_qpi),
  };
  return cmocka_run_group_tests_name("quadspi_transfer", tests, NULL, NULL);
}
