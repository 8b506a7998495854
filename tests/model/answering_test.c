// SPDX-License-Identifier: MIT
// Blocks without a model: they say so once, keep what is written, and end the loops in
// which ST's drivers wait.
#include "sim/models/answering.h"

#include "sim_regs.h"
#include "tests/model/chip_rig.h"

#define BIT(n) (1u << (n))

struct bench {
  struct chip chip;
  struct answering block;
  bool open;
  uint32_t base;
};

static void open_block(struct bench *b, const char *name) {
  if (b->open) answering_free(&b->block);
  bus_init(&b->chip.sim.bus, &b->chip.sim.report);
  for (size_t i = 0; i < sim_peripheral_count; i++) {
    const struct sim_peripheral *p = &sim_peripherals[i];
    if (strcmp(p->name, name)) continue;
    assert_non_null(sim_plain_blocks[i]);
    answering_init(&b->block, sim_plain_blocks[i], p->name, p->base, &b->chip.sim);
    b->base = p->base;
    b->open = true;
    chip_add(&b->chip, name, p->base, p->size, &b->block, answering_read,
             answering_write);
    return;
  }
  fail_msg("no peripheral %s", name);
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  if (b->open) answering_free(&b->block);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, b->base + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, b->base + offset, value);
}

static void it_says_so_once(void **state) {
  struct bench *b = *state;
  open_block(b, "DAC");
  rd(b, 0);
  assert_int_equal(b->chip.sim.report.unimplemented, 0);  // looking is harmless
  wr(b, 0, 1);
  wr(b, 0, 3);
  wr(b, 8, 5);
  assert_int_equal(b->chip.sim.report.unimplemented, 1);
  assert_int_equal(rd(b, 0), 3);
  assert_int_equal(rd(b, 8), 5);
  answering_reset(&b->block);
  assert_int_equal(rd(b, 0), 0);
  assert_int_equal(b->chip.sim.report.guest_errors, 0);
}

static void reserved_and_missing_are_still_wrong(void **state) {
  struct bench *b = *state;
  open_block(b, "CAN3");
  wr(b, 0, BIT(20));
  assert_int_equal(report_count(&b->chip.sim.report, GUEST_RESERVED_BITS), 1);
  rd(b, 0x30);
  assert_int_equal(report_count(&b->chip.sim.report, GUEST_BAD_REGISTER), 1);
}

// A write, and what the driver then waits for (HAL drivers of the block).
static const struct {
  const char *block;
  uint32_t offset, value, poll, mask, until;
} waits[] = {
    {"CAN1", 0x00, BIT(0), 0x04, BIT(0), BIT(0)},
    {"CAN1", 0x00, 0, 0x04, BIT(0) | BIT(1), 0},
    {"CAN2", 0x00, BIT(1), 0x04, BIT(1), BIT(1)},
    {"Ethernet_DMA", 0x00, BIT(0), 0x00, BIT(0), 0},
    {"Ethernet_MAC", 0x10, BIT(0), 0x10, BIT(0), 0},
    {"DMA2D", 0x00, BIT(0), 0x04, BIT(1), BIT(1)},
    {"DMA2D", 0x00, BIT(0), 0x00, BIT(0), 0},
    {"LTDC", 0x24, BIT(1), 0x24, BIT(1), 0},
    {"LTDC", 0x24, BIT(0), 0x38, BIT(3), BIT(3)},
    {"DSI", 0x430, BIT(24), 0x40C, BIT(12), BIT(12)},
    {"DSI", 0x430, BIT(0), 0x40C, BIT(8), BIT(8)},
    {"SDMMC1", 0x0C, 0x400, 0x34, BIT(7), BIT(7)},
    {"SDMMC2", 0x0C, 0x448, 0x34, BIT(2), BIT(2)},
};

static void what_drivers_wait_for_comes(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    open_block(b, waits[i].block);
    wr(b, waits[i].offset, waits[i].value);
    if ((rd(b, waits[i].poll) & waits[i].mask) != waits[i].until)
      fail_msg("%s: row %zu", waits[i].block, i);
  }
}

static void flags_are_cleared(void **state) {
  struct bench *b = *state;
  open_block(b, "SDMMC1");
  wr(b, 0x0C, 0x448);
  wr(b, 0x38, BIT(2));
  assert_int_equal(rd(b, 0x34) & BIT(2), 0);
  open_block(b, "DMA2D");
  wr(b, 0x00, BIT(0));
  wr(b, 0x08, BIT(1));
  assert_int_equal(rd(b, 0x04) & BIT(1), 0);
}

static void on_irq(void *ctx, unsigned number, bool level) {
  unsigned *raised = ctx;
  if (level) *raised = number;
  if (!level && *raised == number) *raised = 0;
}

static void interrupts_follow_their_enables(void **state) {
  struct bench *b = *state;
  unsigned raised = 0;
  open_block(b, "DMA2D");
  b->block.irq = (struct irq_line){on_irq, &raised, 0};
  wr(b, 0x00, BIT(0));
  assert_int_equal(raised, 0);
  wr(b, 0x00, BIT(0) | BIT(9));  // TCIE
  assert_int_equal(raised, 90);
  wr(b, 0x08, BIT(1));
  assert_int_equal(raised, 0);
}

static void a_display_has_frames(void **state) {
  struct bench *b = *state;
  unsigned raised = 0;
  open_block(b, "LTDC");
  b->block.irq = (struct irq_line){on_irq, &raised, 0};
  wr(b, 0x34, 1);  // IER: LIE
  chip_pass(&b->chip, VT_MS(50));
  assert_int_equal(raised, 0);
  wr(b, 0x18, rd(b, 0x18) | 1);  // GCR: LTDCEN
  for (unsigned i = 0; i < 3; i++) {
    chip_pass(&b->chip, VT_MS(17));
    assert_int_equal(raised, 88);
    wr(b, 0x3C, 1);
    assert_int_equal(raised, 0);
  }
  open_block(b, "DSI");
  wr(b, 0x404, BIT(2));  // WCR: LTDCEN
  assert_int_equal(rd(b, 0x40C) & BIT(1), BIT(1));
  assert_int_equal(rd(b, 0x404) & BIT(2), 0);
  wr(b, 0x410, BIT(1));
  assert_int_equal(rd(b, 0x40C) & BIT(1), 0);
  wr(b, 0x6C, 0xDA << 8 | 6);
  assert_int_equal(rd(b, 0x74) & BIT(4), 0);
  assert_int_equal(rd(b, 0x70), 0x40);
}

static uint32_t phy(struct bench *b, uint32_t address, uint32_t reg) {
  wr(b, 0x10, address << 11 | reg << 6 | 1);
  assert_int_equal(rd(b, 0x10) & 1, 0);
  return rd(b, 0x14);
}

static void a_transceiver_without_a_cable(void **state) {
  struct bench *b = *state;
  struct eth_phy chip;
  eth_phy_reset(&chip);
  open_block(b, "Ethernet_MAC");
  assert_int_equal(phy(b, 0, 1), 0xFFFF);
  b->block.phy = &chip;
  assert_int_equal(phy(b, 1, 2), 0xFFFF);
  assert_int_equal(phy(b, 0, 2), 0x0007);
  assert_int_equal(phy(b, 0, 3), 0xC131);
  assert_int_equal(phy(b, 0, 1) & (BIT(2) | BIT(5)), 0);  // no link, not negotiated
  wr(b, 0x14, 0x2100);
  wr(b, 0x10, 3);
  assert_int_equal(phy(b, 0, 0), 0x2100);
  wr(b, 0x14, 0x8000);
  wr(b, 0x10, 3);
  assert_int_equal(phy(b, 0, 0), 0x3000);
}

static void every_one_has_its_clock_gate(void **state) {
  (void)state;
  unsigned found = 0;
  for (size_t i = 0; i < sim_peripheral_count; i++) {
    if (!sim_plain_blocks[i]) continue;
    found++;
    if (answering_gate(sim_peripherals[i].name) == GATE_NONE)
      fail_msg("%s has none", sim_peripherals[i].name);
  }
  assert_int_equal(found, 23);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(it_says_so_once),
      TEST(reserved_and_missing_are_still_wrong),
      TEST(what_drivers_wait_for_comes),
      TEST(flags_are_cleared),
      TEST(interrupts_follow_their_enables),
      TEST(a_display_has_frames),
      TEST(a_transceiver_without_a_cable),
      TEST(every_one_has_its_clock_gate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
