// SPDX-License-Identifier: MIT
// SPI as a master with MISO high: frames in their time, FIFOs, flags (RM0410 35.5,
// 35.9).
#include "sim/models/spi.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0x40013000u
#define BIT(n) (1u << (n))
enum { CR1 = 0x00, CR2 = 0x04, SR = 0x08, DR = 0x0C };
#define MSTR   BIT(2)
#define SPE    BIT(6)
#define SSI    BIT(8)
#define SSM    BIT(9)
#define MASTER (MSTR | SPE | SSI | SSM)
#define FRXTH  BIT(12)
#define RXNEIE BIT(6)
#define ERRIE  BIT(5)
#define RXNE   BIT(0)
#define TXE    BIT(1)
#define MODF   BIT(5)
#define OVR    BIT(6)
#define BSY    BIT(7)

struct bench {
  struct chip chip;
  struct spi spi;
  bool request[2];  // RX, TX
};

static void on_request(void *ctx, unsigned number, bool level) {
  ((struct bench *)ctx)->request[number] = level;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_PCLK2] = 16000000;
  spi_init(&b.spi, &b.chip.sim, BASE, chip_clocks(&b.chip), CLOCK_PCLK2);
  b.spi.irq = chip_irq(&b.chip, 35);
  b.spi.dma_rx = (struct dma_line){on_request, &b, 0, NULL};
  b.spi.dma_tx = (struct dma_line){on_request, &b, 1, NULL};
  chip_add(&b.chip, "SPI1", BASE, 0x400, &b.spi, spi_read, spi_write);
  spi_reset(&b.spi);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  spi_free(&b->spi);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void put8(struct bench *b, uint8_t byte) {
  bus_mmio_write(&b->chip.sim.bus, BASE + DR, 1, byte);
}

static uint32_t get8(struct bench *b) {
  return bus_mmio_read(&b->chip.sim.bus, BASE + DR, 1);
}

// CR1's SPE and MSTR give way to a mode fault when all bits are written.
static const struct register_bits registers[] = {
    {"CR1", 0x00, 0, 0x0000CFBB, 0, 0x00000044, 0x00003000},
    {"CR2", 0x04, 0x0700, 0x000070FF, 0, 0x00000F00, 0},
    {"SR", 0x08, 0x0002, 0, 0x00001FEF, 0x00000010, 0},
    {"DR", 0x0C, 0, 0, 0, 0x0000FFFF, 0},
    {"CRCPR", 0x10, 7, 0x0000FFFF, 0, 0, 0},
    {"RXCRCR", 0x14, 0, 0, 0x0000FFFF, 0, 0},
    {"TXCRCR", 0x18, 0, 0, 0x0000FFFF, 0, 0},
    {"I2SCFGR", 0x1C, 0, 0, 0, 0, 0x00001FBF},
    {"I2SPR", 0x20, 2, 0x000003FF, 0, 0, 0},
};

static void restart(void *ctx) {
  spi_reset(&((struct bench *)ctx)->spi);
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x24, &b->chip.sim, restart, b});
}

// 16 MHz / 4: a byte is 2 us.
static void a_byte_comes_back_as_ones(void **state) {
  struct bench *b = *state;
  wr(b, CR2, FRXTH | 7u << 8 | RXNEIE);
  wr(b, CR1, MASTER | 1u << 3);
  assert_int_equal(rd(b, SR), TXE);
  put8(b, 0x9F);
  assert_int_equal(rd(b, SR), TXE | BSY);
  chip_pass(&b->chip, VT_US(2) - 1);
  assert_int_equal(rd(b, SR) & RXNE, 0);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, SR), TXE | RXNE | 1u << 9);
  assert_true(b->chip.irq);
  assert_int_equal(get8(b), 0xFF);
  assert_int_equal(rd(b, SR), TXE);
  assert_false(b->chip.irq);
  expect_none(&b->chip);
}

static void wide_frames_and_packed_bytes(void **state) {
  struct bench *b = *state;
  wr(b, CR2, 15u << 8);
  wr(b, CR1, MASTER);
  bus_mmio_write(&b->chip.sim.bus, BASE + DR, 2, 0x1234);
  chip_pass(&b->chip, VT_US(2));
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BASE + DR, 2), 0xFFFF);
  wr(b, CR1, 0);
  wr(b, CR2, 7u << 8);  // two bytes in one access
  wr(b, CR1, MASTER);
  bus_mmio_write(&b->chip.sim.bus, BASE + DR, 2, 0x1234);
  chip_pass(&b->chip, VT_US(1));
  assert_int_equal(rd(b, SR) & (RXNE | BSY), BSY);
  chip_pass(&b->chip, VT_US(1));
  assert_int_equal(rd(b, SR) & (RXNE | BSY), RXNE);
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BASE + DR, 2), 0xFFFF);
}

static void a_full_receiver_overruns(void **state) {
  struct bench *b = *state;
  wr(b, CR2, FRXTH | 7u << 8 | ERRIE);
  wr(b, CR1, MASTER);
  for (unsigned i = 0; i < 5; i++) {
    put8(b, 0);
    chip_pass(&b->chip, VT_US(10));
  }
  assert_int_equal(rd(b, SR) & OVR, OVR);
  assert_true(b->chip.irq);
  get8(b);
  assert_int_equal(rd(b, SR) & OVR, 0);
}

static void the_transmitter_is_four_bytes_deep(void **state) {
  struct bench *b = *state;
  wr(b, CR2, FRXTH | 7u << 8);
  wr(b, CR1, MASTER | 7u << 3);  // slow
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(rd(b, SR) & TXE, TXE);
    put8(b, 0);
  }
  put8(b, 0);  // one is in the shift register
  assert_int_equal(rd(b, SR) & TXE, 0);
  assert_int_equal(rd(b, SR) >> 11 & 3, 3);
}

static void a_master_deselected_loses_the_bus(void **state) {
  struct bench *b = *state;
  wr(b, CR1, MSTR | SPE | SSM);
  assert_int_equal(rd(b, SR) & MODF, MODF);
  assert_int_equal(rd(b, CR1) & (MSTR | SPE), 0);
  wr(b, CR1, MASTER);
  assert_int_equal(rd(b, SR) & MODF, 0);
}

static void a_slave_is_not_modelled(void **state) {
  struct bench *b = *state;
  wr(b, CR1, SPE | SSM);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
}

static void requests_follow_the_fifos(void **state) {
  struct bench *b = *state;
  wr(b, CR2, FRXTH | 7u << 8 | 3);
  assert_false(b->request[1]);
  wr(b, CR1, MASTER);
  assert_true(b->request[1] && !b->request[0]);
  for (unsigned i = 0; i < 4; i++)
    put8(b, 0);
  assert_false(b->request[1]);  // three bytes wait
  chip_pass(&b->chip, VT_US(1));
  assert_true(b->request[1] && b->request[0]);
  get8(b);
  assert_false(b->request[0]);
  wr(b, CR2, FRXTH | 7u << 8);
  assert_false(b->request[1]);
}

static void one_line_sends_or_listens(void **state) {
  struct bench *b = *state;
  wr(b, CR2, FRXTH | 7u << 8);
  wr(b, CR1, MASTER | BIT(15) | BIT(14));
  put8(b, 1);
  chip_pass(&b->chip, VT_US(1));
  assert_int_equal(rd(b, SR), TXE);  // nothing comes back
  wr(b, CR1, MASTER | BIT(15));
  chip_pass(&b->chip, VT_US(3));
  assert_int_equal(rd(b, SR) & RXNE, RXNE);
  assert_int_equal(get8(b), 0xFF);
  wr(b, CR1, 0);
  wr(b, CR1, MASTER | BIT(10));  // RXONLY
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & OVR, OVR);
  wr(b, CR1, 0);
  chip_pass(&b->chip, VT_US(10));
  assert_int_equal(rd(b, SR) & BSY, 0);
  expect_none(&b->chip);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(a_byte_comes_back_as_ones),
      TEST(wide_frames_and_packed_bytes),
      TEST(a_full_receiver_overruns),
      TEST(the_transmitter_is_four_bytes_deep),
      TEST(a_master_deselected_loses_the_bus),
      TEST(requests_follow_the_fifos),
      TEST(one_line_sends_or_listens),
      TEST(a_slave_is_not_modelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
