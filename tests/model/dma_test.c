// SPDX-License-Identifier: MIT
// DMA controllers: directions, packing, rounds, flags, rules. Register numbers and
// rules are typed here from RM0410 chapter 8.
#include "sim/models/dma.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BIT(n) (1u << (n))
#define DMA1   0x40026000u
#define DMA2   0x40026400u

enum { LISR = 0, HISR = 4, LIFCR = 8, HIFCR = 12 };
#define SCR(n)    (0x10u + 0x18u * (n))
#define SNDTR(n)  (0x14u + 0x18u * (n))
#define SPAR(n)   (0x18u + 0x18u * (n))
#define SM0AR(n)  (0x1Cu + 0x18u * (n))
#define SM1AR(n)  (0x20u + 0x18u * (n))
#define SFCR(n)   (0x24u + 0x18u * (n))
#define EN        BIT(0)
#define DMEIE     BIT(1)
#define TEIE      BIT(2)
#define HTIE      BIT(3)
#define TCIE      BIT(4)
#define PFCTRL    BIT(5)
#define P2M       0u
#define M2P       (1u << 6)
#define M2M       (2u << 6)
#define CIRC      BIT(8)
#define PINC      BIT(9)
#define MINC      BIT(10)
#define PSIZE(n)  ((uint32_t)(n) << 11)  // 0: byte, 1: half-word, 2: word
#define MSIZE(n)  ((uint32_t)(n) << 13)
#define PINCOS    BIT(15)
#define PL(n)     ((uint32_t)(n) << 16)
#define DBM       BIT(18)
#define CT        BIT(19)
#define PBURST(n) ((uint32_t)(n) << 21)
#define MBURST(n) ((uint32_t)(n) << 23)
#define CHSEL(n)  ((uint32_t)(n) << 25)
#define DMDIS     BIT(2)
#define FEIE      BIT(7)
#define FS(w)     ((w) >> 3 & 7)
enum { FE = 1, DME = 4, TE = 8, HT = 16, TC = 32 };

// A memory at 0x20000000; two data registers that count up when read and keep what is
// written; nothing anywhere else.
#define MEM     0x20000000u
#define REG_TX  0x40011028u
#define REG_RX  0x40011024u
#define NOWHERE 0x60000000u

struct bench {
  struct chip chip;
  struct dma dma;
  uint8_t memory[0x10000];
  struct dma_line tx, rx;
  uint8_t sent[256];
  unsigned sent_count, received, reads, writes;
  unsigned left;  // requests until the line falls by itself
  unsigned order[64], order_count;
};

static bool at_memory(uint32_t addr) {
  return addr >= MEM && addr < MEM + 0x10000;
}

static bool on_read(void *ctx, enum master_port port, uint32_t addr, void *to,
                    unsigned bytes) {
  struct bench *b = ctx;
  b->reads++;
  memset(to, 0, bytes);
  if (at_memory(addr)) {
    memcpy(to, b->memory + (addr - MEM), bytes);
    return true;
  }
  if (addr != REG_RX || port != MASTER_DMA2_PERIPHERAL) return false;
  for (unsigned i = 0; i < bytes; i++)
    ((uint8_t *)to)[i] = (uint8_t)(b->received++ + 1);
  if (b->left && !--b->left) dma_set(&b->rx, false);
  return true;
}

static bool on_write(void *ctx, enum master_port port, uint32_t addr, const void *from,
                     unsigned bytes) {
  struct bench *b = ctx;
  b->writes++;
  if (b->order_count < 64) b->order[b->order_count++] = addr;
  if (at_memory(addr)) {
    memcpy(b->memory + (addr - MEM), from, bytes);
    return true;
  }
  if (addr != REG_TX || port != MASTER_DMA2_PERIPHERAL) return false;
  memcpy(b->sent + b->sent_count, from, bytes);
  b->sent_count += bytes;
  if (b->left && !--b->left) dma_set(&b->tx, false);
  return true;
}

static void open_bench(struct bench *b, unsigned number) {
  memset(b, 0, sizeof *b);
  chip_start(&b->chip);
  b->chip.hz[CLOCK_HCLK] = 216000000;
  b->chip.hz[CLOCK_PCLK1] = 54000000;
  b->chip.hz[CLOCK_PCLK2] = 108000000;
  const bool first = number == 1;
  const struct bus_master memory = {b, first ? MASTER_DMA1_MEMORY : MASTER_DMA2_MEMORY,
                                    on_read, on_write};
  const struct bus_master peripheral = {
      b, first ? MASTER_DMA1_PERIPHERAL : MASTER_DMA2_PERIPHERAL, on_read, on_write};
  dma_init(&b->dma, &b->chip.sim, number, chip_clocks(&b->chip), memory, peripheral);
  for (unsigned i = 0; i < DMA_STREAMS; i++)
    b->dma.streams[i].irq = chip_irq(&b->chip, 100 + i);
  if (number == 2) {
    b->tx = dma_request_line(&b->dma, "USART1_TX");
    b->rx = dma_request_line(&b->dma, "USART1_RX");
  }
  chip_add(&b->chip, "DMA", first ? DMA1 : DMA2, 0x400, &b->dma, dma_read, dma_write);
}

static int setup(void **state) {
  static struct bench b;
  open_bench(&b, 2);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  dma_free(&b->dma);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, b->dma.regs.base + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, b->dma.regs.base + offset, value);
}

// The flags of a stream.
static uint32_t flags(struct bench *b, unsigned stream) {
  static const unsigned shift[4] = {0, 6, 16, 22};
  return rd(b, stream < 4 ? LISR : HISR) >> shift[stream % 4] & 0x3D;
}

static void clear_flags(struct bench *b) {
  wr(b, LIFCR, 0x0F7D0F7D);
  wr(b, HIFCR, 0x0F7D0F7D);
}

static void pass(struct bench *b, vtime_t time) {
  chip_pass(&b->chip, time);
}

static void program(struct bench *b, unsigned n, uint32_t par, uint32_t m0ar,
                    uint32_t count) {
  wr(b, SPAR(n), par);
  wr(b, SM0AR(n), m0ar);
  wr(b, SNDTR(n), count);
}

static void pattern(struct bench *b, uint32_t from, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++)
    b->memory[from + i] = (uint8_t)(i * 7 + 3);
}

// `n` requests of the receiver or the transmitter, served one after another.
static void request(struct bench *b, const struct dma_line *line, unsigned n) {
  if (!n) return;
  b->left = n;
  dma_set(line, true);
  pass(b, VT_US(10));
  dma_set(line, false);
  pass(b, VT_US(1));
}

// --- registers -------------------------------------------------------------------

#define STREAM(n)                                   \
  {"CR", SCR(n), 0, 0x1FEFFFFE, 0, 0x00000001, 0},  \
      {"NDTR", SNDTR(n), 0, 0xFFFF, 0, 0, 0},       \
      {"PAR", SPAR(n), 0, 0xFFFFFFFF, 0, 0, 0},     \
      {"M0AR", SM0AR(n), 0, 0xFFFFFFFF, 0, 0, 0},   \
      {"M1AR", SM1AR(n), 0, 0xFFFFFFFF, 0, 0, 0}, { \
    "FCR", SFCR(n), 0x21, 0x87, 0x38, 0, 0          \
  }

static const struct register_bits registers[] = {
    {"LISR", LISR, 0, 0, 0x0F7D0F7D, 0, 0},
    {"HISR", HISR, 0, 0, 0x0F7D0F7D, 0, 0},
    {"LIFCR", LIFCR, 0, 0, 0x00820082, 0x0F7D0F7D, 0},
    {"HIFCR", HIFCR, 0, 0, 0x00820082, 0x0F7D0F7D, 0},
    STREAM(0),
    STREAM(1),
    STREAM(2),
    STREAM(3),
    STREAM(4),
    STREAM(5),
    STREAM(6),
    STREAM(7),
};

static void restart(void *ctx) {
  dma_reset(&((struct bench *)ctx)->dma);
}

// All ones would enable the streams with reserved sizes: EN has its own tests.
static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
    const struct register_bits *r = &registers[i];
    const uint32_t ones = ~r->acts | (r->acts & ~EN);
    restart(b);
    report_clear(&b->chip.sim.report);
    assert_int_equal(rd(b, r->offset), r->reset);
    wr(b, r->offset, ones);
    const bool fixed = !r->kept && !r->acts;
    const bool reserved = !fixed && (ones & ~(r->kept | r->fixed | r->acts));
    assert_int_equal(report_count(&b->chip.sim.report, GUEST_READ_ONLY), fixed);
    assert_int_equal(report_count(&b->chip.sim.report, GUEST_RESERVED_BITS), reserved);
    assert_int_equal(b->chip.sim.report.unimplemented, 0);
    if (r->offset < 0x10) continue;
    assert_int_equal(rd(b, r->offset), (ones & r->kept) | (r->reset & r->fixed));
  }
  report_clear(&b->chip.sim.report);
  assert_int_equal(rd(b, 0xD0), 0);
  expect_one(&b->chip, GUEST_BAD_REGISTER);
}

static void narrow_accesses_are_reported(void **state) {
  struct bench *b = *state;
  bus_mmio_write(&b->chip.sim.bus, DMA2 + SNDTR(0), 2, 5);
  expect_one(&b->chip, GUEST_BAD_WIDTH);
  assert_int_equal(rd(b, SNDTR(0)), 5);
}

// --- memory to memory ------------------------------------------------------------

static void memory_to_memory_in_every_width(void **state) {
  struct bench *b = *state;
  for (unsigned p = 0; p < 3; p++) {
    for (unsigned m = 0; m < 3; m++) {
      for (uint32_t bytes = 4; bytes <= 100; bytes += 32) {
        memset(b->memory, 0xEE, sizeof b->memory);
        pattern(b, 0x100, bytes);
        clear_flags(b);
        program(b, 1, MEM + 0x100, MEM + 0x1000, bytes >> p);
        wr(b, SFCR(1), DMDIS | 3);
        wr(b, SCR(1), M2M | PINC | MINC | PSIZE(p) | MSIZE(m));
        wr(b, SCR(1), M2M | PINC | MINC | PSIZE(p) | MSIZE(m) | EN);
        pass(b, VT_US(20));
        assert_int_equal(rd(b, SCR(1)) & EN, 0);
        assert_int_equal(flags(b, 1), TC | HT);
        assert_int_equal(rd(b, SNDTR(1)), 0);
        assert_memory_equal(b->memory + 0x1000, b->memory + 0x100, bytes);
        assert_int_equal(b->memory[0x1000 + bytes], 0xEE);
      }
    }
  }
  expect_none(&b->chip);
}

static void it_takes_bus_time(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 1000);
  wr(b, SFCR(0), DMDIS | 3);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | TCIE | EN);
  const vtime_t start = b->chip.sim.events.now;
  while (!b->chip.irq)
    pass(b, VT_NS(100));
  // Two accesses of some clocks per word at 216 MHz: neither nothing nor forever.
  const vtime_t time = b->chip.sim.events.now - start;
  assert_true(time > vt_cycles(2000, 216000000));
  assert_true(time < vt_cycles(12000, 216000000));
  assert_int_equal(b->chip.irq_number, 100);
}

static void half_and_whole_are_flagged_in_time(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 64);
  wr(b, SFCR(0), DMDIS | 3);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | HTIE | EN);
  while (!b->chip.irq)
    pass(b, VT_NS(10));
  assert_int_equal(flags(b, 0), HT);
  assert_int_equal(rd(b, SNDTR(0)), 32);
  wr(b, LIFCR, HT);
  assert_false(b->chip.irq);
  pass(b, VT_US(10));
  assert_int_equal(flags(b, 0), TC);
  assert_false(b->chip.irq);  // TCIE is clear
}

static void direct_mode_is_not_for_memory_to_memory(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 4);
  wr(b, SFCR(0), 0);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | EN);
  assert_int_equal(rd(b, SFCR(0)) & DMDIS, DMDIS);  // forced
}

static void dma1_cannot_do_it(void **state) {
  (void)state;
  static struct bench b;
  open_bench(&b, 1);
  program(&b, 0, MEM, MEM + 0x1000, 4);
  wr(&b, SCR(0), M2M | PINC | MINC | TEIE | EN);
  expect_one(&b.chip, GUEST_DMA1_MEMORY);
  assert_int_equal(rd(&b, SCR(0)) & EN, 0);
  assert_int_equal(flags(&b, 0), TE);
  assert_true(b.chip.irq);
  dma_free(&b.dma);
  chip_stop(&b.chip);
}

// --- peripheral to memory --------------------------------------------------------

#define RX CHSEL(4)  // USART1_RX: streams 2 and 5, channel 4
#define TX CHSEL(4)  // USART1_TX: stream 7, channel 4

static void one_item_per_request(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 4);
  wr(b, SCR(2), RX | P2M | MINC | TCIE | EN);
  pass(b, VT_US(10));
  assert_int_equal(b->reads, 0);
  request(b, &b->rx, 1);
  assert_int_equal(rd(b, SNDTR(2)), 3);
  assert_memory_equal(b->memory, "\1\0\0", 3);
  request(b, &b->rx, 1);
  assert_int_equal(flags(b, 2), HT);
  request(b, &b->rx, 2);
  assert_int_equal(flags(b, 2), HT | TC);
  assert_true(b->chip.irq);
  assert_memory_equal(b->memory, "\1\2\3\4", 5);
  assert_int_equal(rd(b, SM0AR(2)), MEM);  // as programmed
  assert_int_equal(rd(b, SCR(2)) & EN, 0);
  request(b, &b->rx, 1);  // nobody listens
  assert_int_equal(b->received, 4);
  expect_none(&b->chip);
}

// A pulse is answered once, and waits for a stream that is not on yet.
static void a_pulse_is_one_request(void **state) {
  struct bench *b = *state;
  pattern(b, 0, 16);
  dma_pulse(&b->tx);
  pass(b, VT_US(1));
  program(b, 7, REG_TX, MEM, 4);
  wr(b, SCR(7), 4u << 25 | BIT(10) | BIT(6) | EN);
  pass(b, VT_US(5));
  assert_int_equal(b->sent_count, 1);
  dma_pulse(&b->tx);
  dma_pulse(&b->tx);
  pass(b, VT_US(5));
  assert_int_equal(b->sent_count, 2);
}

static void circular_mode_goes_on(void **state) {
  struct bench *b = *state;
  program(b, 5, REG_RX, MEM, 3);
  wr(b, SCR(5), RX | MINC | CIRC | EN);
  request(b, &b->rx, 3);
  assert_int_equal(flags(b, 5), HT | TC);
  assert_int_equal(rd(b, SNDTR(5)), 3);
  assert_int_equal(rd(b, SCR(5)) & EN, EN);
  request(b, &b->rx, 4);
  assert_memory_equal(b->memory, "\7\5\6", 4);
  assert_int_equal(rd(b, SNDTR(5)), 2);
}

static void double_buffer_swaps(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 2);
  wr(b, SM1AR(2), MEM + 0x100);
  wr(b, SCR(2), RX | MINC | DBM | EN);
  assert_int_equal(rd(b, SCR(2)) & CIRC, CIRC);  // forced
  request(b, &b->rx, 2);
  assert_int_equal(rd(b, SCR(2)) & CT, CT);
  wr(b, SM0AR(2), MEM + 0x200);  // not in use now
  request(b, &b->rx, 2);
  assert_int_equal(rd(b, SCR(2)) & CT, 0);
  request(b, &b->rx, 1);
  assert_memory_equal(b->memory, "\1\2", 3);
  assert_memory_equal(b->memory + 0x100, "\3\4", 3);
  assert_memory_equal(b->memory + 0x200, "\5", 2);
  expect_none(&b->chip);
  wr(b, SM0AR(2), MEM + 0x300);  // in use: TEIF, and the stream ends
  expect_one(&b->chip, GUEST_DMA_CONFIG);
  assert_int_equal(flags(b, 2) & TE, TE);
  assert_int_equal(rd(b, SCR(2)) & EN, 0);
}

static void the_fifo_gathers_words(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 20);
  wr(b, SFCR(2), DMDIS | 1);  // threshold: half
  wr(b, SCR(2), RX | MINC | PSIZE(0) | MSIZE(2) | EN);
  static const unsigned status[8] = {4, 0, 0, 0, 1, 1, 1, 1};
  for (unsigned i = 0; i < 8; i++) {
    assert_int_equal(FS(rd(b, SFCR(2))), status[i]);
    assert_int_equal(b->writes, 0);
    request(b, &b->rx, 1);
  }
  assert_int_equal(b->writes, 2);  // eight bytes in two words
  assert_memory_equal(b->memory, "\1\2\3\4\5\6\7\10", 9);
  request(b, &b->rx, 11);
  assert_int_equal(b->writes, 4);
  request(b, &b->rx, 1);  // the last one: all goes out
  assert_int_equal(b->writes, 5);
  assert_int_equal(flags(b, 2), HT | TC);
  assert_int_equal(FS(rd(b, SFCR(2))), 4);
}

static void words_come_apart(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 2);
  wr(b, SFCR(2), DMDIS | 3);
  wr(b, SCR(2), RX | MINC | PSIZE(2) | MSIZE(0) | EN);
  request(b, &b->rx, 2);
  assert_int_equal(b->writes, 8);
  assert_memory_equal(b->memory, "\1\2\3\4\5\6\7\10", 9);
}

static void direct_mode_ignores_msize_and_bursts(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 2);
  wr(b, SCR(2), RX | MINC | PSIZE(1) | MSIZE(2) | MBURST(1) | PBURST(1) | EN);
  assert_int_equal(rd(b, SCR(2)) & (MSIZE(3) | MBURST(3) | PBURST(3)), MSIZE(1));
  request(b, &b->rx, 2);
  assert_memory_equal(b->memory, "\1\2\3\4", 5);
  expect_none(&b->chip);
}

static void a_burst_takes_its_beats_per_request(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 8);
  wr(b, SFCR(2), DMDIS | 3);
  wr(b, SCR(2), RX | MINC | PSIZE(0) | MSIZE(0) | PBURST(1) | MBURST(1) | EN);
  dma_set(&b->rx, true);
  b->left = 4;
  pass(b, VT_US(10));
  assert_int_equal(b->received, 4);  // INCR4
  assert_int_equal(rd(b, SNDTR(2)), 4);
  expect_none(&b->chip);
}

// --- memory to peripheral --------------------------------------------------------

static void the_first_item_waits_ready(void **state) {
  struct bench *b = *state;
  pattern(b, 0, 4);
  program(b, 7, REG_TX, MEM, 4);
  wr(b, SCR(7), TX | M2P | MINC | EN);
  pass(b, VT_US(1));
  assert_int_equal(b->reads, 1);  // fetched before it is asked for
  assert_int_equal(rd(b, SNDTR(7)), 4);
  b->memory[0] = 0xFF;  // too late
  request(b, &b->tx, 4);
  assert_int_equal(b->sent_count, 4);
  assert_memory_equal(b->sent, "\3\12\21\30", 4);
  assert_int_equal(flags(b, 7), HT | TC);
  expect_none(&b->chip);
}

static void the_fifo_is_filled_at_once(void **state) {
  struct bench *b = *state;
  pattern(b, 0, 40);
  program(b, 7, REG_TX, MEM, 40);
  wr(b, SFCR(7), DMDIS | 1);
  wr(b, SCR(7), TX | M2P | MINC | PSIZE(0) | MSIZE(2) | EN);
  pass(b, VT_US(1));
  assert_int_equal(b->reads, 4);
  assert_int_equal(FS(rd(b, SFCR(7))), 5);
  request(b, &b->tx, 40);
  assert_int_equal(b->sent_count, 40);
  assert_memory_equal(b->sent, b->memory, 40);
  assert_int_equal(b->reads, 10);
  assert_int_equal(flags(b, 7), HT | TC);
}

static void circular_output_repeats(void **state) {
  struct bench *b = *state;
  pattern(b, 0, 3);
  program(b, 7, REG_TX, MEM, 3);
  wr(b, SCR(7), TX | M2P | MINC | CIRC | EN);
  request(b, &b->tx, 7);
  assert_int_equal(b->sent_count, 7);
  assert_memory_equal(b->sent, "\3\12\21\3\12\21\3", 7);
}

static void pincos_steps_by_words(void **state) {
  struct bench *b = *state;
  pattern(b, 0x100, 64);
  program(b, 0, MEM + 0x100, MEM, 4);
  wr(b, SFCR(0), DMDIS | 3);
  wr(b, SCR(0), M2M | PINC | PINCOS | MINC | PSIZE(0) | MSIZE(0) | EN);
  pass(b, VT_US(5));
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(b->memory[i], b->memory[0x100 + 4 * i]);
}

// --- channels and priorities -----------------------------------------------------

static void only_the_selected_channel_counts(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 4);
  wr(b, SCR(2), CHSEL(5) | MINC | EN);  // USART6_RX
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
  report_clear(&b->chip.sim.report);
  request(b, &b->rx, 1);
  assert_int_equal(b->received, 0);
  wr(b, SCR(2), 0);
  clear_flags(b);
  wr(b, SCR(2), CHSEL(15) | MINC | EN);
  expect_one(&b->chip, GUEST_DMA_CONFIG);  // an empty cell of the table
}

static void one_request_reaches_two_cells(void **state) {
  struct bench *b = *state;
  const struct dma_line quadspi = dma_request_line(&b->dma, "QUADSPI");
  static const struct { unsigned stream, channel; } cells[] = {{7, 3}, {2, 11}};
  for (unsigned i = 0; i < 2; i++) {
    clear_flags(b);
    program(b, cells[i].stream, REG_RX, MEM, 1);
    wr(b, SCR(cells[i].stream), CHSEL(cells[i].channel) | EN);
    dma_set(&quadspi, true);
    pass(b, VT_US(1));
    dma_set(&quadspi, false);
    assert_int_equal(flags(b, cells[i].stream), HT | TC);
  }
  expect_none(&b->chip);
}

// Streams 0 to 2 copy a word each to places that tell who was first.
static void race(struct bench *b, uint32_t pl0, uint32_t pl1, uint32_t pl2) {
  const uint32_t levels[3] = {pl0, pl1, pl2};
  clear_flags(b);
  // A stream that is being served keeps the others waiting while they are set up.
  program(b, 6, MEM, MEM + 0x8000, 4);
  wr(b, SFCR(6), DMDIS | 3);
  wr(b, SCR(6), M2M | PL(3) | PSIZE(2) | MSIZE(2) | EN);
  for (unsigned i = 0; i < 3; i++) {
    program(b, i, MEM, MEM + 0x100 * (i + 1), 1);
    wr(b, SFCR(i), DMDIS | 3);
    wr(b, SCR(i), M2M | PL(levels[i]) | PSIZE(2) | MSIZE(2) | EN);
  }
  b->order_count = 0;
  pass(b, VT_US(10));
}

static void priorities_decide_then_numbers(void **state) {
  struct bench *b = *state;
  race(b, 0, 0, 0);
  assert_int_equal(b->order_count, 7);
  assert_int_equal(b->order[4], MEM + 0x100);
  assert_int_equal(b->order[5], MEM + 0x200);
  assert_int_equal(b->order[6], MEM + 0x300);
  race(b, 0, 1, 2);
  assert_int_equal(b->order[4], MEM + 0x300);
  assert_int_equal(b->order[5], MEM + 0x200);
  assert_int_equal(b->order[6], MEM + 0x100);
}

// --- the end ---------------------------------------------------------------------

static void switching_off_flushes_and_sets_tc(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 20);
  wr(b, SFCR(2), DMDIS | 3);
  wr(b, SCR(2), RX | MINC | PSIZE(0) | MSIZE(2) | EN);
  request(b, &b->rx, 6);
  assert_int_equal(b->writes, 0);
  wr(b, SCR(2), RX | MINC | PSIZE(0) | MSIZE(2));
  pass(b, VT_US(1));
  assert_int_equal(rd(b, SCR(2)) & EN, 0);
  assert_memory_equal(b->memory, "\1\2\3\4\5\6\0", 7);
  assert_int_equal(flags(b, 2) & TC, TC);
  assert_int_equal(rd(b, SNDTR(2)), 14);
  expect_none(&b->chip);
}

static void the_item_under_way_is_completed(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 1000);
  wr(b, SFCR(0), DMDIS | 3);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | EN);
  pass(b, VT_NS(1010));
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2));
  assert_int_equal(rd(b, SCR(0)) & EN, EN);  // not yet
  pass(b, VT_US(1));
  assert_int_equal(rd(b, SCR(0)) & EN, 0);
  const uint32_t left = rd(b, SNDTR(0));
  assert_true(left > 900 && left < 1000);
  pass(b, VT_US(10));
  assert_int_equal(rd(b, SNDTR(0)), left);
  expect_none(&b->chip);
}

static void old_flags_keep_a_stream_from_starting(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 4);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | EN);
  pass(b, VT_US(10));
  assert_int_equal(flags(b, 0), HT | TC);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | EN);
  expect_one(&b->chip, GUEST_DMA_CONFIG);
  assert_int_equal(rd(b, SCR(0)) & EN, 0);
  wr(b, LIFCR, HT | TC);
  memset(b->memory + 0x1000, 0, 16);
  pattern(b, 0, 16);
  wr(b, SCR(0), M2M | PINC | MINC | PSIZE(2) | MSIZE(2) | EN);
  pass(b, VT_US(10));
  assert_memory_equal(b->memory + 0x1000, b->memory, 16);  // NDTR was loaded again
  expect_none(&b->chip);
}

static void a_bus_error_ends_the_stream(void **state) {
  struct bench *b = *state;
  static const uint32_t places[2][2] = {{NOWHERE, MEM}, {MEM, NOWHERE}};
  for (unsigned i = 0; i < 2; i++) {
    clear_flags(b);
    program(b, 0, places[i][0], places[i][1], 4);
    wr(b, SCR(0), M2M | PINC | MINC | TEIE | EN);
    pass(b, VT_US(10));
    assert_int_equal(flags(b, 0), TE);
    assert_int_equal(rd(b, SCR(0)) & EN, 0);
    assert_true(b->chip.irq);
    clear_flags(b);
    assert_false(b->chip.irq);
  }
}

static void the_peripheral_may_say_when_it_ends(void **state) {
  struct bench *b = *state;
  const struct dma_line card = dma_request_line(&b->dma, "SDMMC1");
  program(b, 3, REG_RX, MEM, 0);
  wr(b, SFCR(3), DMDIS | 3);
  wr(b, SCR(3), CHSEL(4) | PFCTRL | CIRC | MINC | PSIZE(2) | MSIZE(2) | EN);
  assert_int_equal(rd(b, SNDTR(3)), 0xFFFF);
  assert_int_equal(rd(b, SCR(3)) & CIRC, 0);
  for (unsigned i = 0; i < 3; i++) {
    dma_set(&card, true);
    while (b->received < 4 * (i + 1))
      pass(b, VT_NS(1));
    dma_set(&card, false);
    pass(b, VT_US(1));
  }
  assert_int_equal(flags(b, 3), 0);
  dma_last_request(&b->dma, "SDMMC1");
  assert_int_equal(flags(b, 3) & TC, TC);
  assert_int_equal(rd(b, SNDTR(3)), 0xFFFF - 3);
  assert_memory_equal(b->memory, "\1\2\3\4\5\6\7\10\11\12\13\14", 13);
  expect_none(&b->chip);
}

// --- rules -----------------------------------------------------------------------

static void settings_are_frozen_while_it_is_on(void **state) {
  struct bench *b = *state;
  program(b, 2, REG_RX, MEM, 4);
  wr(b, SCR(2), RX | MINC | EN);
  wr(b, SCR(2), RX | MINC | EN | TCIE | TEIE | HTIE | DMEIE);  // free
  wr(b, SFCR(2), 0x21 | FEIE);
  expect_none(&b->chip);
  static const struct {
    uint32_t offset, value;
  } writes[] = {
      {SCR(2), RX | EN},      {SNDTR(2), 9},          {SPAR(2), REG_TX},
      {SM0AR(2), MEM + 0x10}, {SM1AR(2), MEM + 0x10}, {SFCR(2), DMDIS},
  };
  for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
    const uint32_t before = rd(b, writes[i].offset);
    wr(b, writes[i].offset, writes[i].value);
    expect_one(&b->chip, GUEST_DMA_CONFIG);
    if (i) continue;
    assert_int_equal(rd(b, SCR(2)) & MINC, before & MINC);
  }
  assert_int_equal(rd(b, SNDTR(2)), 4);
  assert_int_equal(rd(b, SPAR(2)), REG_RX);
}

static const struct {
  uint32_t cr, fcr, par, count;
  enum guest_error error;
} refused[] = {
    {M2M | CIRC, DMDIS, MEM, 4, GUEST_DMA_CONFIG},
    {M2M | DBM, DMDIS, MEM, 4, GUEST_DMA_CONFIG},
    {3u << 6, DMDIS, MEM, 4, GUEST_DMA_CONFIG},
    {M2M | PSIZE(3), DMDIS, MEM, 4, GUEST_DMA_CONFIG},
    {M2M | MSIZE(3), DMDIS, MEM, 4, GUEST_DMA_CONFIG},
    {M2M | PSIZE(2) | MSIZE(2), DMDIS, MEM + 2, 4, GUEST_DMA_ALIGN},
    {M2M | PSIZE(0) | MSIZE(2), DMDIS, MEM, 6, GUEST_DMA_CONFIG},
    {M2M | PSIZE(2) | MSIZE(2), DMDIS, MEM, 0, GUEST_DMA_CONFIG},
    {M2M | PSIZE(2) | MSIZE(2) | PINC | PBURST(1), DMDIS | 3, MEM + 4, 300,
     GUEST_DMA_CONFIG},  // bursts of 16 bytes over a border of 1 KB
};

static void bad_settings_are_reported(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    restart(b);
    program(b, 0, refused[i].par, MEM + 0x1000, refused[i].count);
    wr(b, SFCR(0), refused[i].fcr);
    wr(b, SCR(0), refused[i].cr | EN);
    expect_one(&b->chip, refused[i].error);
  }
}

// RM0410 8.3.13, table "FIFO threshold configurations", by MSIZE, MBURST and quarters.
static const char *const thresholds[3][3] = {
    {"++++", "-+-+", "---+"},  // bytes: INCR4, INCR8, INCR16
    {"-+-+", "---+", "----"},
    {"---+", "----", "----"},
};

static void thresholds_must_hold_whole_bursts(void **state) {
  struct bench *b = *state;
  for (unsigned size = 0; size < 3; size++) {
    for (unsigned burst = 0; burst < 3; burst++) {
      for (unsigned level = 0; level < 4; level++) {
        restart(b);
        program(b, 0, MEM, MEM + 0x1000, 64);
        wr(b, SFCR(0), DMDIS | FEIE | level);
        wr(b, SCR(0), M2M | PSIZE(size) | MSIZE(size) | MBURST(burst + 1) | EN);
        if (thresholds[size][burst][level] == '+') {
          assert_int_equal(flags(b, 0), 0);
          assert_int_equal(rd(b, SCR(0)) & EN, EN);
          expect_none(&b->chip);
        } else {
          assert_int_equal(flags(b, 0), FE);
          assert_int_equal(rd(b, SCR(0)) & EN, 0);
          assert_true(b->chip.irq);
          expect_one(&b->chip, GUEST_DMA_CONFIG);
        }
      }
    }
  }
}

static void reset_forgets_everything(void **state) {
  struct bench *b = *state;
  program(b, 0, MEM, MEM + 0x1000, 1000);
  wr(b, SCR(0), M2M | PINC | MINC | TCIE | EN);
  pass(b, VT_US(1));
  dma_reset(&b->dma);
  const unsigned writes = b->writes;
  pass(b, VT_MS(1));
  assert_int_equal(b->writes, writes);
  assert_int_equal(rd(b, SCR(0)), 0);
  assert_int_equal(rd(b, SFCR(0)), 0x21);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(narrow_accesses_are_reported),
      TEST(memory_to_memory_in_every_width),
      TEST(it_takes_bus_time),
      TEST(half_and_whole_are_flagged_in_time),
      TEST(direct_mode_is_not_for_memory_to_memory),
      cmocka_unit_test(dma1_cannot_do_it),
      TEST(one_item_per_request),
      TEST(a_pulse_is_one_request),
      TEST(circular_mode_goes_on),
      TEST(double_buffer_swaps),
      TEST(the_fifo_gathers_words),
      TEST(words_come_apart),
      TEST(direct_mode_ignores_msize_and_bursts),
      TEST(a_burst_takes_its_beats_per_request),
      TEST(the_first_item_waits_ready),
      TEST(the_fifo_is_filled_at_once),
      TEST(circular_output_repeats),
      TEST(pincos_steps_by_words),
      TEST(only_the_selected_channel_counts),
      TEST(one_request_reaches_two_cells),
      TEST(priorities_decide_then_numbers),
      TEST(switching_off_flushes_and_sets_tc),
      TEST(the_item_under_way_is_completed),
      TEST(old_flags_keep_a_stream_from_starting),
      TEST(a_bus_error_ends_the_stream),
      TEST(the_peripheral_may_say_when_it_ends),
      TEST(settings_are_frozen_while_it_is_on),
      TEST(bad_settings_are_reported),
      TEST(thresholds_must_hold_whole_bursts),
      TEST(reset_forgets_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
