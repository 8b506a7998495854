// SPDX-License-Identifier: MIT
// The QUADSPI driver against the simulator's controller with an MX25L51245G: every
// operation of struct nor_bus but the window's, its time on the bus, a controller that
// hangs, a chip that never answers. And the NOR logic on top of it, from every state in
// which a reset may find the chip.
#include "firmware/drivers/quadspi.h"

#include <string.h>

#include "common/base/bytes.h"
#include "firmware/flash/nor.h"
#include "tests/native/quadspi_bench.h"

#define DMA_CR (CHIPS_DMA2 + 0xB8u)

// The driver's own limit for a transfer, and the ABORT after it.
enum { TRANSFER_MS = 20, STOP_MS = 3 };

// --- clock and size ------------------------------------------------------------

static void clocks(void **state) {
  struct bench *b = *state;
  static const struct {
    uint32_t wanted, actual, prescaler;
  } rows[] = {
      {216000000, 108000000, 1}, {108000001, 108000000, 1}, {108000000, 108000000, 1},
      {107999999, 72000000, 2},  {54000000, 54000000, 3},   {53999999, 43200000, 4},
      {40000000, 36000000, 5},   {1000000, 1000000, 215},   {843750, 843750, 255},
      {1, 843750, 255},          {400000000, 108000000, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(b->bus.set_clock(b->bus.ctx, rows[i].wanted), rows[i].actual);
    assert_int_equal(bus_read(&b->chips->sim.bus, CR, 4) >> 24, rows[i].prescaler);
  }
}

static void sizes(void **state) {
  struct bench *b = *state;
  for (uint32_t log2_size = 16; log2_size <= 28; log2_size++) {
    b->bus.set_size(b->bus.ctx, 1u << log2_size);
    const uint32_t dcr = bus_read(&b->chips->sim.bus, CHIPS_QUADSPI + 4, 4);
    assert_int_equal(dcr >> 16 & 0x1F, log2_size);  // a bit more than the chip
  }
}

// --- transfers -----------------------------------------------------------------

static void registers_and_ids(void **state) {
  struct bench *b = *state;
  uint8_t id[3], status[2], sfdp[8];
  const struct nor_cmd read_sfdp = {.opcode = 0x5A,
                                    .opcode_lines = 1,
                                    .address_lines = 1,
                                    .address_bytes = 3,
                                    .dummy_clocks = 8,
                                    .data_lines = 1};
  assert_int_equal(rd(b, read_id, id, sizeof id), ST_OK);
  assert_int_equal(id[0], 0xC2);
  assert_int_equal(id[1], 0x20);
  assert_int_equal(id[2], 0x1A);
  assert_int_equal(rd(b, read_sfdp, sfdp, sizeof sfdp), ST_OK);
  assert_memory_equal(sfdp, "SFDP", 4);
  assert_int_equal(rd(b, read_status, status, sizeof status), ST_OK);
  assert_int_equal(status[0], 0);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  assert_int_equal(rd(b, read_status, status, 1), ST_OK);
  assert_int_equal(status[0], 2);  // WEL
}

// Every length around words and the FIFO, at every alignment of address and buffer.
static void every_length_reads(void **state) {
  struct bench *b = *state;
  uint8_t data[140];
  prepare(b);
  for (size_t n = 1; n <= 130; n += n < 70 ? 1 : 15) {
    for (uint32_t shift = 0; shift < 4; shift++) {
      const struct nor_cmd c = n % 2 ? fast_read : quad_read;
      const uint32_t address = (uint32_t)n * 17 + shift;
      memset(data, 0xEE, sizeof data);
      assert_int_equal(rd(b, at(c, address), data + shift, n), ST_OK);
      assert_memory_equal(data + shift, b->chips->nor + address, n);
      assert_int_equal(data[shift + n], 0xEE);
    }
  }
}

static void every_length_programs(void **state) {
  struct bench *b = *state;
  uint8_t data[256];
  prepare(b);
  for (uint32_t n = 1; n <= sizeof data; n += n < 70 ? 1 : 31) {
    for (int staged = 0; staged < 2; staged++) {
      const uint32_t address = 0x100000 + n * 512 + (staged ? 256 : 0);
      const struct nor_cmd c = at(n % 2 ? program : quad_program, address);
      for (uint32_t i = 0; i < n; i++)
        data[i] = (uint8_t)(n + i * 3);
      if (staged) stage(b, c, data, n);
      assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
      if (staged) {
        b->bus.send(b->bus.ctx);
      } else {
        assert_int_equal(wr(b, c, data, n), ST_OK);
      }
      watch(b);
      assert_int_equal(wait(b), ST_OK);
      assert_memory_equal(b->chips->nor + address, data, n);
      assert_int_equal(b->chips->nor[address + n], 0xFF);
    }
  }
}

// The next page is taken while this one is on the wires, or later: both arrive.
static void pages_in_a_row(void **state) {
  struct bench *b = *state;
  static uint8_t data[8][256];
  const uint32_t place = 0x300000;
  prepare(b);
  for (uint32_t i = 0; i < sizeof data; i++)
    data[i / 256][i % 256] = (uint8_t)(i * 13 + i / 256);
  stage(b, at(quad_program, place), data[0], 256);
  for (uint32_t page = 0; page < 8; page++) {
    const struct nor_cmd next = at(quad_program, place + (page + 1) * 256);
    assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
    b->bus.send(b->bus.ctx);
    watch(b);
    if (page % 2) chips_pass(b->chips, VT_US(100));
    if (page < 7) stage(b, next, data[page + 1], 256);
    assert_int_equal(wait(b), ST_OK);
  }
  assert_memory_equal(b->chips->nor + place, data, sizeof data);
}

// The core may sleep: it is woken when the data are over, and when the page is.
static void a_page_wakes_the_core_twice(void **state) {
  struct bench *b = *state;
  static uint8_t data[256];
  bool done;
  uint8_t byte;
  prepare(b);
  stage(b, at(quad_program, 0x300000), data, sizeof data);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  const vtime_t begun = now(b);
  b->bus.send(b->bus.ctx);
  watch(b);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(b->bus.wait_done(b->bus.ctx, &done, &byte), ST_OK);
    assert_false(done);
    assert_false(b->chips->quadspi_irq);
    while (!b->chips->quadspi_irq && now(b) - begun < VT_MS(1))
      chips_pass(b->chips, VT_NS(100));
    // 8 clocks for the opcode, 8 for the address, 2 for each byte at 54 MHz: 9.8 us.
    assert_in_range(now(b) - begun, i ? VT_US(265) : VT_US(9),
                    i ? VT_US(268) : VT_US(11));
  }
  assert_int_equal(b->bus.wait_done(b->bus.ctx, &done, &byte), ST_OK);
  assert_true(done);
  assert_false(b->chips->quadspi_irq);
  assert_memory_equal(b->chips->nor + 0x300000, data, sizeof data);
}

// A block of bytes takes its clocks, and little more: 8 for the opcode, 8 for
// the address, 2 and 4 for mode and dummy, 2 for each byte.
static void reads_run_at_bus_speed(void **state) {
  struct bench *b = *state;
  static _Alignas(4) uint8_t data[4096];
  prepare(b);
  for (size_t n = 1024; n <= sizeof data; n *= 4) {
    const vtime_t begun = now(b);
    assert_int_equal(rd(b, at(quad_read, 0), data, n), ST_OK);
    assert_memory_equal(data, b->chips->nor, n);
    const vtime_t clocks_time = vt_cycles(8 + 8 + 2 + 4 + 2 * n, 54000000);
    assert_in_range(now(b) - begun, clocks_time, clocks_time + clocks_time / 20);
  }
}

// --- status polling ------------------------------------------------------------

static void waiting_ends_with_the_erase(void **state) {
  struct bench *b = *state;
  prepare(b);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  assert_int_equal(wr(b, at(erase, 0), NULL, 0), ST_OK);
  const vtime_t begun = now(b);
  bool done = true;
  uint8_t byte = 0xEE, status = 0;
  watch(b);
  assert_int_equal(b->bus.wait_done(b->bus.ctx, &done, &byte), ST_OK);
  assert_false(done);
  // The controller polls by itself, and wakes the core.
  assert_false(b->chips->quadspi_irq);
  while (!b->chips->quadspi_irq)
    chips_pass(b->chips, VT_US(10));
  assert_in_range((now(b) - begun) / VT_US(1), 288000, 288100);
  assert_int_equal(b->bus.wait_done(b->bus.ctx, &done, &byte), ST_OK);
  assert_true(done);
  assert_false(b->chips->quadspi_irq);
  assert_int_equal(rd(b, read_status, &status, 1), ST_OK);
  assert_int_equal(byte, status);
  for (uint32_t i = 0; i < 65536; i++)
    assert_int_equal(b->chips->nor[i], 0xFF);
}

static void waiting_can_be_given_up(void **state) {
  struct bench *b = *state;
  uint8_t status = 0;
  prepare(b);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  assert_int_equal(wr(b, at(erase, 0), NULL, 0), ST_OK);
  watch(b);
  chips_pass(b->chips, VT_MS(3));
  b->bus.wait_stop(b->bus.ctx);
  assert_int_equal(rd(b, read_status, &status, 1), ST_OK);
  assert_int_equal(status & 1, 1);
  watch(b);
  assert_int_equal(wait(b), ST_OK);
}

// --- a controller that hangs ---------------------------------------------------

static void expect_timeout(struct bench *b, enum status status, vtime_t begun) {
  assert_int_equal(status, ST_BUS_TIMEOUT);
  assert_in_range((now(b) - begun) / VT_MS(1), TRANSFER_MS, TRANSFER_MS + STOP_MS);
}

static void transfers_that_never_complete(void **state) {
  struct bench *b = *state;
  uint8_t data[300];
  prepare(b);
  memset(data, 0xFF, sizeof data);
  static const struct {
    uint32_t reg, mask, value;
    bool writing;
    size_t bytes;
  } rows[] = {
      {SR, SR_TCF, 0, false, 200},
      {SR, SR_TCF, 0, true, 200},
      {SR, SR_FTF, 0, false, 7},   // no byte ever comes
      {SR, SR_FTF, 0, true, 200},  // no room ever comes
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const vtime_t begun = now(b);
    assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
    mmio_stick(rows[i].reg, rows[i].mask, rows[i].value);
    const enum status status = rows[i].writing
                                   ? wr(b, at(program, 0x200000), data, rows[i].bytes)
                                   : rd(b, at(quad_read, 0), data, rows[i].bytes);
    expect_timeout(b, status, begun);
    mmio_stick(0, 0, 0);
    chips_pass(b->chips, VT_MS(5));  // what was programmed, if anything
    expect_works(b);
  }
}

// A page whose data never end is given up like a chip that never answers.
static void pages_that_never_leave(void **state) {
  struct bench *b = *state;
  static uint8_t data[256];
  bool done = true;
  uint8_t byte;
  prepare(b);
  stage(b, at(quad_program, 0x300000), data, sizeof data);
  assert_int_equal(wr(b, write_enable, NULL, 0), ST_OK);
  b->bus.send(b->bus.ctx);
  watch(b);
  mmio_stick(SR, SR_TCF, 0);
  chips_pass(b->chips, VT_MS(5));
  assert_int_equal(b->bus.wait_done(b->bus.ctx, &done, &byte), ST_OK);
  assert_false(done);
  b->bus.wait_stop(b->bus.ctx);
  assert_false(b->chips->quadspi_irq);
  expect_works(b);
}

// --- a read that goes on by itself ---------------------------------------------

static uint8_t fetched_bytes[4096];

// What has been told to be there is there, and it gets more.
static void a_fetch_comes_bit_by_bit(void **state) {
  struct bench *b = *state;
  const struct nor_cmd c = at(quad_read, 0x1004);
  size_t there = 0, before = 0;
  unsigned parts = 0;
  prepare(b);
  memset(fetched_bytes, 0xEE, sizeof fetched_bytes);
  const vtime_t begun = now(b);
  assert_int_equal(b->bus.fetch(b->bus.ctx, &c, fetched_bytes, 4096), ST_OK);
  assert_true(now(b) - begun < VT_US(2));
  for (; there < 4096; parts += there != before) {
    before = there;
    assert_int_equal(b->bus.fetched(b->bus.ctx, &there), ST_OK);
    assert_true(there >= before && there <= 4096);
    assert_memory_equal(fetched_bytes, b->chips->nor + 0x1004, there);
    chips_pass(b->chips, VT_US(10));
  }
  assert_true(parts > 10);
  expect_works(b);
}

// Also between the two looks that tell of it, 50 ns from each other.
static void a_fetch_may_end_at_any_instant(void **state) {
  struct bench *b = *state;
  const struct nor_cmd c = at(quad_read, 0x1000);
  prepare(b);
  for (unsigned ns = 0; ns < 400; ns += 5) {
    size_t there = 0;
    assert_int_equal(b->bus.fetch(b->bus.ctx, &c, fetched_bytes, 32), ST_OK);
    chips_pass(b->chips, VT_NS(ns));
    while (there < 32)
      assert_int_equal(b->bus.fetched(b->bus.ctx, &there), ST_OK);
    assert_memory_equal(fetched_bytes, b->chips->nor + 0x1000, 32);
  }
}

static void a_fetch_on_a_controller_that_hangs(void **state) {
  struct bench *b = *state;
  const struct nor_cmd c = at(quad_read, 0);
  enum status status = ST_OK;
  size_t there;
  prepare(b);
  const vtime_t begun = now(b);
  mmio_stick(DMA_CR, 1, 1);  // the stream never ends
  assert_int_equal(b->bus.fetch(b->bus.ctx, &c, fetched_bytes, 4096), ST_OK);
  while (status == ST_OK) {
    status = b->bus.fetched(b->bus.ctx, &there);
    chips_pass(b->chips, VT_US(100));
  }
  assert_int_equal(status, ST_BUS_TIMEOUT);
  assert_in_range((now(b) - begun) / VT_MS(1), TRANSFER_MS, TRANSFER_MS + STOP_MS);
  mmio_stick(0, 0, 0);
  expect_works(b);
}

// --- the NOR logic on it -------------------------------------------------------

static const char *const state_names[CHIPS_NOR_STATES] = {
    [CHIPS_NOR_FRESH] = "fresh",
    [CHIPS_NOR_QUAD_ENABLED] = "quad enabled",
    [CHIPS_NOR_PROTECTED] = "protected",
    [CHIPS_NOR_QPI] = "QPI",
    [CHIPS_NOR_FOUR_BYTE] = "4-byte",
    [CHIPS_NOR_QPI_FOUR_BYTE] = "QPI and 4-byte",
    [CHIPS_NOR_CONTINUOUS] = "continuous read",
    [CHIPS_NOR_CONTINUOUS_4] = "continuous read, 4-byte",
    [CHIPS_NOR_ASLEEP] = "deep power-down",
    [CHIPS_NOR_ERASING] = "erasing",
    [CHIPS_NOR_PROGRAMMING] = "programming",
    [CHIPS_NOR_SUSPENDED] = "suspended",
};

static enum status run(struct bench *b, struct media *m, enum status begun) {
  bool busy = true;
  while (begun == ST_OK && busy) {
    begun = m->poll(m->ctx, &busy);
    chips_pass(b->chips, VT_US(1));
  }
  return begun;
}

// Erase, program and read with what the logic has chosen for this chip.
static void expect_medium_works(struct bench *b, struct media *m) {
  uint8_t data[700], back[700];
  const uint32_t offset = 0x110000, inside = offset + 100;
  for (uint32_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 11 + 3);
  memset(b->chips->nor + offset, 0, 0x10000);
  assert_int_equal(run(b, m, m->erase_start(m->ctx, offset, 0x10000)), ST_OK);
  assert_int_equal(b->chips->nor[offset + 0xFFFF], 0xFF);
  assert_int_equal(run(b, m, m->program_start(m->ctx, inside, data, sizeof data)),
                   ST_OK);
  assert_memory_equal(b->chips->nor + inside, data, sizeof data);
  assert_int_equal(m->read(m->ctx, inside, back, sizeof back), ST_OK);
  assert_memory_equal(back, data, sizeof data);
}

static void every_start_state(void **state) {
  struct bench *b = *state;
  for (int s = 0; s < CHIPS_NOR_STATES; s++) {
    struct nor nor;
    chips_close(b->chips);
    b->chips = chips_open(3300);
    chips_nor_put(b->chips, (enum chips_nor_state)s);
    const uint64_t written = chips_nor_register_writes(b->chips);
    b->bus = quadspi_open(&b->quadspi);
    const vtime_t begun = now(b);
    const enum status status = nor_start(&nor, &b->bus, 54000000);
    if (status != ST_OK) fail_msg("%s: status %d", state_names[s], status);
    struct media m = nor_medium(&nor);
    assert_int_equal(m.geometry.size, CHIPS_NOR_SIZE);
    assert_int_equal(m.geometry.runs[0].block_size, 65536);
    assert_int_equal(nor.read_cmd.data_lines, 4);
    // Quad enabled, nothing protected; written only where that was not so.
    assert_int_equal(chips_nor_status(b->chips) & 0x7C, 0x40);
    const bool right = s != CHIPS_NOR_FRESH && s != CHIPS_NOR_PROTECTED;
    assert_int_equal(chips_nor_register_writes(b->chips) - written, right ? 0 : 1);
    assert_true(now(b) - begun < VT_MS(100));
    expect_medium_works(b, &m);
    chips_expect_quiet(b->chips);
  }
}

static void no_chip(void **state) {
  struct bench *b = *state;
  struct nor nor;
  chips_nor_remove(b->chips);
  const vtime_t begun = now(b);
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_NOR_ABSENT);
  assert_true(now(b) - begun < VT_MS(150));
}

// A register write that never ends is given up after the slowest chip's maximum, and
// the next start finds the chip again.
static void a_chip_that_stays_busy(void **state) {
  struct bench *b = *state;
  struct nor nor;
  chips_nor_stays_busy(b->chips, true);
  const vtime_t begun = now(b);
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_FLASH_TIMEOUT);
  assert_in_range((now(b) - begun) / VT_MS(1), 1000, 1010);
  chips_nor_stays_busy(b->chips, false);
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  struct media m = nor_medium(&nor);
  expect_medium_works(b, &m);
}

static void medium_that_fails(void **state) {
  struct bench *b = *state;
  struct nor nor;
  static const uint8_t zeros[1024];
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  struct media m = nor_medium(&nor);
  chips_nor_fail_erase(b->chips, 1);
  assert_int_equal(run(b, &m, m.erase_start(m.ctx, 0, 0x10000)), ST_ERASE_FAILED);
  for (uint32_t page = 1; page <= 4; page++) {
    chips_nor_fail_program(b->chips, page);
    assert_int_equal(run(b, &m, m.program_start(m.ctx, 0x20000, zeros, sizeof zeros)),
                     ST_PROGRAM_FAILED);
  }
  expect_medium_works(b, &m);
}

// Deadlines are the SFDP's maxima: 4032 ms for 64 KB; for a page 5 ms, since what the
// SFDP says (1.024 ms) is less than the data sheet.
static void medium_that_never_ends(void **state) {
  struct bench *b = *state;
  struct nor nor;
  static const uint8_t zeros[64];
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  struct media m = nor_medium(&nor);
  chips_nor_stays_busy(b->chips, true);
  vtime_t begun = now(b);
  assert_int_equal(run(b, &m, m.erase_start(m.ctx, 0, 0x10000)), ST_FLASH_TIMEOUT);
  assert_in_range((now(b) - begun) / VT_MS(1), 4032, 4040);
  begun = now(b);
  assert_int_equal(run(b, &m, m.program_start(m.ctx, 0, zeros, sizeof zeros)),
                   ST_FLASH_TIMEOUT);
  // With the reset that the chip needed before it: 25 ms (tREADY2).
  assert_in_range((now(b) - begun) / VT_US(1), 5000, 32000);
  chips_nor_stays_busy(b->chips, false);
  expect_medium_works(b, &m);
}

// Whatever is asked of the medium while it fetches waits until that is there.
static void medium_asked_while_it_fetches(void **state) {
  struct bench *b = *state;
  struct nor nor;
  uint8_t other[100];
  size_t there;
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  struct media m = nor_medium(&nor);
  for (uint32_t i = 0; i < 8192; i++)
    b->chips->nor[i] = (uint8_t)(i * 7 + (i >> 8));
  for (int k = 0; k < 5; k++) {
    uint8_t shelter[4];
    struct flash_loan loan = {.shelter = shelter};
    memset(fetched_bytes, 0xEE, sizeof fetched_bytes);
    assert_int_equal(m.fetch(m.ctx, 4096, fetched_bytes, 4096), ST_OK);
    if (k == 0) {
      assert_int_equal(m.read(m.ctx, 1, other, sizeof other), ST_OK);
      assert_memory_equal(other, b->chips->nor + 1, sizeof other);
    }
    if (k == 1)
      assert_int_equal(run(b, &m, m.erase_start(m.ctx, 0x20000, 4096)), ST_OK);
    if (k == 2) {
      assert_int_equal(run(b, &m, m.program_start(m.ctx, 0x20000, other, 99)), ST_OK);
      assert_memory_equal(b->chips->nor + 0x20000, other, 99);
    }
    if (k == 3) {
      assert_int_equal(m.view(m.ctx, 64, 4, &loan), ST_OK);
      assert_int_equal(chips_window_read(b->chips, 64), load_le32(b->chips->nor + 64));
      assert_int_equal(quadspi_unmap(&b->quadspi), ST_OK);
    }
    if (k == 4) nor_stop(&nor);
    assert_int_equal(m.fetched(m.ctx, &there), ST_OK);
    assert_true(there >= 4096);
    assert_memory_equal(fetched_bytes, b->chips->nor + 4096, 4096);
  }
}

// A controller that hangs in the middle of an operation is told as such.
static void medium_on_a_controller_that_hangs(void **state) {
  struct bench *b = *state;
  struct nor nor;
  static const uint8_t zeros[64];
  uint8_t data[64];
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  struct media m = nor_medium(&nor);
  mmio_stick(SR, SR_TCF, 0);
  assert_int_equal(m.read(m.ctx, 0, data, sizeof data), ST_BUS_TIMEOUT);
  assert_int_equal(m.erase_start(m.ctx, 0, 0x10000), ST_BUS_TIMEOUT);
  assert_int_equal(m.program_start(m.ctx, 0, zeros, sizeof zeros), ST_BUS_TIMEOUT);
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_BUS_TIMEOUT);
  mmio_stick(0, 0, 0);
  assert_int_equal(nor_start(&nor, &b->bus, 54000000), ST_OK);
  m = nor_medium(&nor);
  expect_medium_works(b, &m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_open, bench_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(clocks),
      TEST(sizes),
      TEST(registers_and_ids),
      TEST(every_length_reads),
      TEST(every_length_programs),
      TEST(pages_in_a_row),
      TEST(a_page_wakes_the_core_twice),
      TEST(reads_run_at_bus_speed),
      TEST(waiting_ends_with_the_erase),
      TEST(waiting_can_be_given_up),
      TEST(transfers_that_never_complete),
      TEST(pages_that_never_leave),
      TEST(a_fetch_comes_bit_by_bit),
      TEST(a_fetch_may_end_at_any_instant),
      TEST(a_fetch_on_a_controller_that_hangs),
      TEST(every_start_state),
      TEST(no_chip),
      TEST(a_chip_that_stays_busy),
      TEST(medium_that_fails),
      TEST(medium_that_never_ends),
      TEST(medium_asked_while_it_fetches),
      TEST(medium_on_a_controller_that_hangs),
  };
  return cmocka_run_group_tests_name("quadspi", tests, NULL, NULL);
}
