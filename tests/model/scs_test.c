// SPDX-License-Identifier: MIT
// The system control space: every register of the core, as code reads and writes it
// (ARMv7-M ARM B3.2; Cortex-M7 TRM 3.3, r1p0 as in the STM32F769).
#include "sim/models/scs.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE   0xE000E000u
#define SCB    0xE000ED00u
#define NVIC   0xE000E100u
#define BIT(n) (1u << (n))
#define ALL    0xFFFFFFFFu

enum {
  ICSR = 0x04,
  VTOR = 0x08,
  AIRCR = 0x0C,
  SCR = 0x10,
  CCR = 0x14,
  SHPR1 = 0x18,
  SHPR3 = 0x20,
  SHCSR = 0x24,
  CFSR = 0x28,
  HFSR = 0x2C,
  MMFAR = 0x34,
  BFAR = 0x38,
  CCSIDR = 0x80,
  CSSELR = 0x84,
};
enum {
  ISER = 0x000,
  ICER = 0x080,
  ISPR = 0x100,
  ICPR = 0x180,
  IABR = 0x200,
  IPR = 0x300
};

struct bench {
  struct chip chip;
  struct scs scs;
  uint32_t ipsr, cache_value;
  enum cache_op cache_op;
  unsigned cache_calls, reset_requests;
};

static void on_cache(void *ctx, enum cache_op op, uint32_t value) {
  struct bench *b = ctx;
  b->cache_calls++;
  b->cache_op = op;
  b->cache_value = value;
}

static uint32_t on_ipsr(void *ctx) {
  return ((struct bench *)ctx)->ipsr;
}

static void on_reset_request(void *ctx) {
  ((struct bench *)ctx)->reset_requests++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  b.chip.hz[CLOCK_HCLK] = 1000000;
  scs_init(&b.scs, &b.chip.sim, chip_clocks(&b.chip));
  b.scs.cache = on_cache;
  b.scs.ipsr = on_ipsr;
  b.scs.on_reset_request = on_reset_request;
  b.scs.ctx = &b;
  chip_add(&b.chip, "SCS", BASE, 0x1000, &b.scs, scs_read, scs_write);
  scs_reset(&b.scs, 0);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  scs_free(&b->scs);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t scb(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, SCB + offset);
}

static void wscb(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, SCB + offset, value);
}

static uint32_t nvic(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, NVIC + offset);
}

static void wnvic(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, NVIC + offset, value);
}

// --- registers ----------------------------------------------------------------------

// SLEEPDEEP is not modelled.
// BFAR and MMFAR are kept as fault handlers write them.
static const struct register_bits scb_registers[] = {
    {"CPUID", 0x00, 0x411FC270, 0, ALL, 0, 0},
    {"ICSR", 0x04, 0x00000800, 0, 0, 0x9EDFF9FF, 0},  // most of it is live
    {"VTOR", 0x08, 0, 0xFFFFFF80, 0, 0, 0},
    {"AIRCR", 0x0C, 0xFA050000, 0, 0x00008000, 0xFFFF0704, 0x00000003},
    {"SCR", 0x10, 0, 0x00000016, 0, 0, 0},
    {"CCR", 0x14, 0x00040200, 0x0003001B, 0x00040200, 0, 0x00000100},
    {"SHPR1", 0x18, 0, 0x00F0F0F0, 0, 0xFF0F0F0F, 0},
    {"SHPR2", 0x1C, 0, 0xF0000000, 0, 0x0FFFFFFF, 0},
    {"SHPR3", 0x20, 0, 0xF0F000F0, 0, 0x0F0FFF0F, 0},
    {"SHCSR", 0x24, 0, 0x0007FD8B, 0, 0, 0},
    {"CFSR", 0x28, 0, 0, 0, 0x030FBFBB, 0},
    {"HFSR", 0x2C, 0, 0, 0, 0xC0000002, 0},
    {"DFSR", 0x30, 0, 0, 0, 0x0000001F, 0},
    {"MMFAR", 0x34, 0, ALL, 0, 0, 0},
    {"BFAR", 0x38, 0, ALL, 0, 0, 0},
    {"AFSR", 0x3C, 0, ALL, 0, 0, 0},
    {"ID_PFR0", 0x40, 0x00000030, 0, ALL, 0, 0},
    {"ID_PFR1", 0x44, 0x00000200, 0, ALL, 0, 0},
    {"ID_DFR0", 0x48, 0x00100000, 0, ALL, 0, 0},
    {"ID_AFR0", 0x4C, 0, 0, ALL, 0, 0},
    {"ID_MMFR0", 0x50, 0x00100030, 0, ALL, 0, 0},
    {"ID_MMFR1", 0x54, 0, 0, ALL, 0, 0},
    {"ID_MMFR2", 0x58, 0x01000000, 0, ALL, 0, 0},
    {"ID_MMFR3", 0x5C, 0, 0, ALL, 0, 0},
    {"ID_ISAR0", 0x60, 0x01101110, 0, ALL, 0, 0},
    {"ID_ISAR1", 0x64, 0x02112000, 0, ALL, 0, 0},
    {"ID_ISAR2", 0x68, 0x20232231, 0, ALL, 0, 0},
    {"ID_ISAR3", 0x6C, 0x01111131, 0, ALL, 0, 0},
    {"ID_ISAR4", 0x70, 0x01310132, 0, ALL, 0, 0},
    {"CLIDR", 0x78, 0x09000003, 0, ALL, 0, 0},
    {"CTR", 0x7C, 0x8303C003, 0, ALL, 0, 0},
    {"CCSIDR", 0x80, 0xF00FE019, 0, ALL, 0, 0},
    {"CSSELR", 0x84, 0, 0x0000000F, 0, 0, 0},
    {"CPACR", 0x88, 0, 0x00F0FFFF, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  scs_reset(&b->scs, 0);
}

static void every_bit_of_the_scb_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){
      scb_registers, sizeof scb_registers / sizeof *scb_registers, SCB, 0x8C,
      &b->chip.sim, restart, b});
}

static const struct register_bits other_registers[] = {
    {"ICTR", 0x004, 3, 0, ALL, 0, 0},  // four words of interrupts
    {"ACTLR", 0x008, 0, 0x1FFFFC04, 0, 0, 0},
    {"SYST_CSR", 0x010, 0, 0x00000007, 0x00010000, 0, 0},
    {"SYST_RVR", 0x014, 0, 0x00FFFFFF, 0, 0, 0},
    {"SYST_CVR", 0x018, 0, 0, 0, 0x00FFFFFF, 0},
};

static const struct register_bits fpu_registers[] = {
    {"FPCCR", 0x0, 0xC0000000, 0xC000017B, 0, 0, 0},
    {"FPCAR", 0x4, 0, 0xFFFFFFF8, 0, 0, 0},
    {"FPDSCR", 0x8, 0, 0x07C00000, 0, 0, 0},
    {"MVFR0", 0xC, 0x10110221, 0, ALL, 0, 0},  // double precision
    {"MVFR1", 0x10, 0x12000011, 0, ALL, 0, 0},
    {"MVFR2", 0x14, 0x00000040, 0, ALL, 0, 0},
};

static void every_bit_of_the_rest_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){other_registers, 5, BASE, 0x1C,
                                               &b->chip.sim, restart, b});
  check_register_bits(&(struct register_block){fpu_registers, 6, BASE + 0xF34, 0x18,
                                               &b->chip.sim, restart, b});
}

static const uint32_t holes[] = {0x000, 0x00C, 0x020, 0x0F0, 0xDBC, 0xF04, 0xF30};

static void between_them_is_nothing(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
    assert_int_equal(chip_read(&b->chip, BASE + holes[i]), 0);
    expect_one(&b->chip, GUEST_BAD_REGISTER);
    chip_write(&b->chip, BASE + holes[i], 0);
    expect_one(&b->chip, GUEST_BAD_REGISTER);
  }
}

// Words, but for priorities and fault status (ARMv7-M ARM B3.1.1).
static const struct {
  uint32_t addr;
  bool narrow;
} widths[] = {
    {0xE000E010, false}, {0xE000E014, false}, {0xE000E100, false}, {0xE000E280, false},
    {0xE000E400, true},  {0xE000E46D, true},  {0xE000ED04, false}, {0xE000ED14, false},
    {0xE000ED1F, true},  {0xE000ED22, true},  {0xE000ED28, true},  {0xE000ED2A, true},
    {0xE000ED24, false}, {0xE000ED94, false}, {0xE000EDA0, false}, {0xE000EF50, false},
};

static void words_only_but_for_a_few(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    bus_mmio_write(&b->chip.sim.bus, widths[i].addr, 1, 0);
    if (widths[i].narrow) {
      bus_mmio_read(&b->chip.sim.bus, widths[i].addr, 1);
      expect_none(&b->chip);
    } else {
      expect_one(&b->chip, GUEST_BAD_WIDTH);
      bus_mmio_read(&b->chip.sim.bus, widths[i].addr, 2);
      expect_one(&b->chip, GUEST_BAD_WIDTH);
    }
  }
}

// --- ICSR, AIRCR, VTOR, CCR
// -------------------------------------------------------------

static void icsr_pends_and_clears(void **state) {
  struct bench *b = *state;
  wscb(b, ICSR, BIT(28) | BIT(26));  // PendSV, SysTick
  assert_int_equal(scb(b, ICSR), BIT(28) | BIT(26) | 14u << 12 | BIT(11));
  wscb(b, ICSR, BIT(27));
  assert_int_equal(scb(b, ICSR), BIT(26) | 15u << 12 | BIT(11));
  wscb(b, ICSR, BIT(25));
  assert_int_equal(scb(b, ICSR), BIT(11));
  wscb(b, ICSR, BIT(31));
  assert_int_equal(scb(b, ICSR), BIT(31) | 2u << 12 | BIT(11));
  expect_none(&b->chip);
}

static void icsr_shows_what_runs_and_what_waits(void **state) {
  struct bench *b = *state;
  b->ipsr = 16 + 5;
  wnvic(b, ISER, BIT(7));
  wnvic(b, ISPR, BIT(7) | BIT(9));
  nvic_enter(&b->scs.nvic, 16 + 5);
  assert_int_equal(scb(b, ICSR), BIT(22) | 23u << 12 | BIT(11) | 21);
  nvic_enter(&b->scs.nvic, 15);  // two active: not the last
  assert_int_equal(scb(b, ICSR) & BIT(11), 0);
}

static void aircr_needs_its_key(void **state) {
  struct bench *b = *state;
  wscb(b, AIRCR, 0x00000300 | BIT(2));
  assert_int_equal(scb(b, AIRCR), 0xFA050000);
  assert_int_equal(b->reset_requests, 0);
  expect_one(&b->chip, GUEST_DROPPED_WRITE);
  wscb(b, AIRCR, 0x05FA0300);
  assert_int_equal(scb(b, AIRCR), 0xFA050300);
  assert_int_equal(b->scs.nvic.prigroup, 3);
  assert_false(b->scs.reset_requested);
  wscb(b, AIRCR, 0x05FA0304);
  assert_true(b->scs.reset_requested);
  assert_int_equal(b->reset_requests, 1);
  scs_reset(&b->scs, 0);
  assert_false(b->scs.reset_requested);
  expect_none(&b->chip);
}

static void vtor_must_fit_its_table(void **state) {
  struct bench *b = *state;
  static const uint32_t good[] = {0x00200000, 0x08010000, 0x20020200, 0};
  for (size_t i = 0; i < 4; i++) {
    wscb(b, VTOR, good[i]);
    assert_int_equal(scb(b, VTOR), good[i]);
  }
  expect_none(&b->chip);
  wscb(b, VTOR, 0x20000100);  // 126 vectors need 512 bytes
  expect_one(&b->chip, GUEST_VECTOR_TABLE);
  assert_int_equal(scb(b, VTOR), 0x20000100);
  scs_reset(&b->scs, 0x00200000);
  assert_int_equal(scb(b, VTOR), 0x00200000);  // follows the boot address
}

static void ccr_switches_the_caches(void **state) {
  struct bench *b = *state;
  wscb(b, CCR, BIT(16) | BIT(17));
  assert_int_equal(b->cache_calls, 1);
  assert_int_equal(b->cache_op, CACHE_ENABLES);
  assert_int_equal(scb(b, CCR), BIT(18) | BIT(17) | BIT(16) | BIT(9));
  assert_true(scs_dcache_on(&b->scs) && scs_icache_on(&b->scs));
  wscb(b, CCR, BIT(17));
  assert_false(scs_dcache_on(&b->scs));
  assert_int_equal(b->cache_calls, 2);
  wscb(b, CCR, BIT(17) | BIT(1));  // no cache changes
  assert_int_equal(b->cache_calls, 2);
}

static const struct {
  uint32_t offset;
  enum cache_op op;
  uint32_t value;
} operations[] = {
    {0x250, CACHE_ICIALLU, 0},          {0x258, CACHE_ICIMVAU, 0x20020040},
    {0x25C, CACHE_DCIMVAC, 0x20020020}, {0x260, CACHE_DCISW, 0xC0000FE0},
    {0x264, CACHE_DCCMVAU, 0x20020020}, {0x268, CACHE_DCCMVAC, 0x20030000},
    {0x26C, CACHE_DCCSW, 0x40000020},   {0x270, CACHE_DCCIMVAC, 0x20040000},
    {0x274, CACHE_DCCISW, 0x80000040},
};

static void cache_maintenance_is_passed_on(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    wscb(b, operations[i].offset, operations[i].value);
    assert_int_equal(b->cache_calls, i + 1);
    assert_int_equal(b->cache_op, operations[i].op);
    assert_int_equal(b->cache_value, operations[i].value);
  }
  wscb(b, 0x278, 0);  // BPIALL
  assert_int_equal(b->cache_calls, sizeof operations / sizeof *operations);
  expect_none(&b->chip);
}

// 16 KB each: lines of 32 bytes, data 128 sets of 4, instructions 256 sets of 2.
static void ccsidr_tells_of_both_caches(void **state) {
  struct bench *b = *state;
  uint32_t v = scb(b, CCSIDR);
  assert_int_equal(v >> 13 & 0x7FFF, 127);
  assert_int_equal(v >> 3 & 0x3FF, 3);
  assert_int_equal(v & 7, 1);
  wscb(b, CSSELR, 1);
  v = scb(b, CCSIDR);
  assert_int_equal(v >> 13 & 0x7FFF, 255);
  assert_int_equal(v >> 3 & 0x3FF, 1);
}

// --- faults and priorities
// -----------------------------------------------------------------

static void fault_flags_are_cleared_by_ones(void **state) {
  struct bench *b = *state;
  b->scs.cfsr = 0x00018282;
  b->scs.hfsr = 0xC0000000;
  wscb(b, CFSR, 0x00000002);
  assert_int_equal(scb(b, CFSR), 0x00018280);
  bus_mmio_write(&b->chip.sim.bus, SCB + CFSR + 1, 1, 0x02);  // BFSR as a byte
  assert_int_equal(scb(b, CFSR), 0x00018080);
  bus_mmio_write(&b->chip.sim.bus, SCB + CFSR + 2, 2, 0x0001);  // UFSR
  assert_int_equal(scb(b, CFSR), 0x00008080);
  wscb(b, HFSR, BIT(30));
  assert_int_equal(scb(b, HFSR), BIT(31));
  expect_none(&b->chip);
}

// Context switches inside fault handlers write them (B3.2.13).
static void shcsr_bits_can_be_written(void **state) {
  struct bench *b = *state;
  wscb(b, SHCSR, BIT(7) | BIT(13));
  assert_true(nvic_is_active(&b->scs.nvic, 11));
  assert_true(nvic_is_pending(&b->scs.nvic, 4));
  wscb(b, SHCSR, 0);
  assert_false(nvic_is_active(&b->scs.nvic, 11));
  assert_false(nvic_is_pending(&b->scs.nvic, 4));
  expect_none(&b->chip);
}

static void shcsr_shows_active_and_pending(void **state) {
  struct bench *b = *state;
  static const struct {
    unsigned exception;
    uint32_t active, pended;
  } bits[] = {
      {4, BIT(0), BIT(13)},  {5, BIT(1), BIT(14)}, {6, BIT(3), BIT(12)},
      {11, BIT(7), BIT(15)}, {14, BIT(10), 0},     {15, BIT(11), 0},
  };
  wscb(b, SHCSR, 0x00070000);
  for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
    nvic_pend(&b->scs.nvic, bits[i].exception);
    assert_int_equal(scb(b, SHCSR), 0x00070000 | bits[i].pended);
    nvic_enter(&b->scs.nvic, bits[i].exception);
    assert_int_equal(scb(b, SHCSR), 0x00070000 | bits[i].active);
    nvic_leave(&b->scs.nvic, bits[i].exception);
  }
  assert_int_equal(b->scs.shcsr_enables, 0x00070000);
}

static void system_priorities_by_byte(void **state) {
  struct bench *b = *state;
  bus_mmio_write(&b->chip.sim.bus, SCB + SHPR3 + 2, 1, 0xFF);  // PendSV
  bus_mmio_write(&b->chip.sim.bus, SCB + SHPR3 + 3, 1, 0xE7);  // SysTick
  bus_mmio_write(&b->chip.sim.bus, SCB + SHPR1, 4, 0x00302010);
  assert_int_equal(scb(b, SHPR3), 0xE0F00000);  // four bits of priority exist
  assert_int_equal(b->scs.nvic.system_priority[14], 0xF0);
  assert_int_equal(b->scs.nvic.system_priority[4], 0x10);
  assert_int_equal(b->scs.nvic.system_priority[6], 0x30);
  expect_none(&b->chip);
}

// --- NVIC
// --------------------------------------------------------------------------------

static void enables_are_set_and_cleared_by_ones(void **state) {
  struct bench *b = *state;
  for (uint32_t word = 0; word < 4; word++) {
    const uint32_t lines = word == 3 ? 0x3FFF : ALL;
    wnvic(b, ISER + 4 * word, 0x0000F00F);
    wnvic(b, ISER + 4 * word, 0x00000FF0);
    assert_int_equal(nvic(b, ISER + 4 * word), 0x0000FFFF & lines);
    assert_int_equal(nvic(b, ICER + 4 * word), 0x0000FFFF & lines);
    wnvic(b, ICER + 4 * word, 0x000000FF);
    assert_int_equal(nvic(b, ISER + 4 * word), 0x0000FF00 & lines);
  }
  expect_none(&b->chip);
}

static void pending_is_set_and_cleared_by_ones(void **state) {
  struct bench *b = *state;
  wnvic(b, ISPR + 8, BIT(3) | BIT(28));
  assert_int_equal(nvic(b, ISPR + 8), BIT(3) | BIT(28));
  wnvic(b, ICPR + 8, BIT(3));
  assert_int_equal(nvic(b, ICPR + 8), BIT(28));
  assert_int_equal(nvic(b, ISPR + 0), 0);
  expect_none(&b->chip);
}

// What start-up code does: everything off, everything forgotten, all at once.
static void lines_that_do_not_exist_stay_clear(void **state) {
  struct bench *b = *state;
  for (uint32_t word = 0; word < 8; word++) {
    wnvic(b, ISER + 4 * word, ALL);
    wnvic(b, ISPR + 4 * word, ALL);
  }
  assert_int_equal(nvic(b, ISER + 12), 0x3FFF);
  assert_int_equal(nvic(b, ISPR + 12), 0x3FFF);
  for (uint32_t word = 4; word < 8; word++)
    assert_int_equal(nvic(b, ISER + 4 * word) | nvic(b, ISPR + 4 * word), 0);
  assert_int_equal(nvic_highest_pending(&b->scs.nvic), 16);
  for (uint32_t word = 0; word < 8; word++) {
    wnvic(b, ICER + 4 * word, ALL);
    wnvic(b, ICPR + 4 * word, ALL);
  }
  for (uint32_t word = 0; word < 8; word++)
    assert_int_equal(nvic(b, ISER + 4 * word) | nvic(b, ISPR + 4 * word), 0);
}

static void priorities_in_every_width(void **state) {
  struct bench *b = *state;
  struct bus *bus = &b->chip.sim.bus;
  bus_mmio_write(bus, NVIC + IPR + 77, 1, 0xA5);
  assert_int_equal(b->scs.nvic.priority[77], 0xA0);
  bus_mmio_write(bus, NVIC + IPR + 2, 2, 0x4030);
  bus_mmio_write(bus, NVIC + IPR + 4, 4, 0x80706050);
  assert_int_equal(nvic(b, IPR), 0x40300000);
  assert_int_equal(bus_mmio_read(bus, NVIC + IPR + 6, 2), 0x8070);
  wnvic(b, IPR + 108, ALL);  // 108 and 109 exist
  assert_int_equal(nvic(b, IPR + 108), 0x0000F0F0);
  expect_none(&b->chip);
}

static void active_bits_are_read_only(void **state) {
  struct bench *b = *state;
  nvic_enter(&b->scs.nvic, 16 + 35);
  assert_int_equal(nvic(b, IABR + 4), BIT(3));
  wnvic(b, IABR + 4, 0);
  assert_int_equal(nvic(b, IABR + 4), BIT(3));
}

static void stir_pends(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, 0xE000EF00, 40);
  assert_int_equal(nvic(b, ISPR + 4), BIT(8));
  chip_write(&b->chip, 0xE000EF00, 110);  // there is none
  assert_int_equal(nvic(b, ISPR + 12), 0);
}

static void systick_and_mpu_are_reached_through_here(void **state) {
  struct bench *b = *state;
  chip_write(&b->chip, BASE + 0x14, 99);
  assert_int_equal(b->scs.systick.reload, 99);
  chip_write(&b->chip, BASE + 0x10, 5);
  assert_int_equal(chip_read(&b->chip, BASE + 0x10), 5);
  chip_write(&b->chip, BASE + 0xD94, 5);
  assert_int_equal(b->scs.mpu.ctrl, 5);
  chip_write(&b->chip, BASE + 0xDFC, BIT(24));  // DEMCR.TRCENA
  assert_int_equal(chip_read(&b->chip, BASE + 0xDFC), BIT(24));
  expect_none(&b->chip);
}

static void reset_forgets_everything(void **state) {
  struct bench *b = *state;
  wnvic(b, ISER, 5);
  wscb(b, CCR, BIT(16));
  wscb(b, SHCSR, 0x70000);
  wscb(b, ICSR, BIT(28));
  chip_write(&b->chip, BASE + 0xD94, 5);
  chip_write(&b->chip, BASE + 0x10, 7);
  b->scs.cfsr = 1;
  scs_reset(&b->scs, 0x00200000);
  assert_int_equal(nvic(b, ISER) | scb(b, SHCSR) | scb(b, CFSR), 0);
  assert_int_equal(scb(b, CCR), 0x00040200);
  assert_int_equal(scb(b, ICSR), 0x00000800);
  assert_int_equal(chip_read(&b->chip, BASE + 0xD94) | chip_read(&b->chip, BASE + 0x10),
                   0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_of_the_scb_is_of_its_class),
      TEST(every_bit_of_the_rest_is_of_its_class),
      TEST(between_them_is_nothing),
      TEST(words_only_but_for_a_few),
      TEST(icsr_pends_and_clears),
      TEST(icsr_shows_what_runs_and_what_waits),
      TEST(aircr_needs_its_key),
      TEST(vtor_must_fit_its_table),
      TEST(ccr_switches_the_caches),
      TEST(cache_maintenance_is_passed_on),
      TEST(ccsidr_tells_of_both_caches),
      TEST(fault_flags_are_cleared_by_ones),
      TEST(shcsr_bits_can_be_written),
      TEST(shcsr_shows_active_and_pending),
      TEST(system_priorities_by_byte),
      TEST(enables_are_set_and_cleared_by_ones),
      TEST(pending_is_set_and_cleared_by_ones),
      TEST(lines_that_do_not_exist_stay_clear),
      TEST(priorities_in_every_width),
      TEST(active_bits_are_read_only),
      TEST(stir_pends),
      TEST(systick_and_mpu_are_reached_through_here),
      TEST(reset_forgets_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
