// SPDX-License-Identifier: MIT
// RCC: oscillators and PLLs with their times, the clock tree, gates and resets, reset
// flags. Numbers are typed here from RM0410 5.3 and DS11532.
#include "sim/models/rcc.h"

#include "tests/model/chip_rig.h"
#include "tests/model/register_bits.h"

#define BASE 0x40023800u

enum {
  CR = 0x00,
  PLLCFGR = 0x04,
  CFGR = 0x08,
  CIR = 0x0C,
  AHB1RSTR = 0x10,
  AHB3RSTR = 0x18,
  APB1RSTR = 0x20,
  APB2RSTR = 0x24,
  AHB1ENR = 0x30,
  AHB3ENR = 0x38,
  APB1ENR = 0x40,
  AHB1LPENR = 0x50,
  APB2LPENR = 0x64,
  BDCR = 0x70,
  CSR = 0x74,
  PLLI2SCFGR = 0x84,
  PLLSAICFGR = 0x88,
  DCKCFGR1 = 0x8C,
  DCKCFGR2 = 0x90,
};

#define BIT(n)   (1u << (n))
#define HSION    BIT(0)
#define HSIRDY   BIT(1)
#define HSEON    BIT(16)
#define HSERDY   BIT(17)
#define HSEBYP   BIT(18)
#define PLLON    BIT(24)
#define PLLRDY   BIT(25)
#define I2SON    BIT(26)
#define SAION    BIT(28)
#define SAIRDY   BIT(29)
#define PLLSRC   BIT(22)
#define LSEON    BIT(0)
#define LSERDY   BIT(1)
#define BDRST    BIT(16)
#define RMVF     BIT(24)
#define CK48MSEL BIT(27)

#define PLL(m, n, p, q) \
  ((uint32_t)(q) << 24 | ((p) / 2u - 1u) << 16 | (uint32_t)(n) << 6 | (m) | BIT(29))

enum { HSE_HZ = 25000000, LSE_HZ = 32768 };

struct bench {
  struct chip chip;  // first
  struct rcc rcc;
  unsigned changes, block_resets, backup_resets;
  uint32_t reset_gate;
};

static void on_change(void *ctx) {
  ((struct bench *)ctx)->changes++;
}

static void on_block_reset(void *ctx, uint32_t gate) {
  struct bench *b = ctx;
  b->block_resets++;
  b->reset_gate = gate;
}

static void on_backup_reset(void *ctx) {
  ((struct bench *)ctx)->backup_resets++;
}

static int setup(void **state) {
  static struct bench b;
  memset(&b, 0, sizeof b);
  chip_start(&b.chip);
  rcc_init(&b.rcc, &b.chip.sim, &(struct rcc_board){HSE_HZ, LSE_HZ});
  b.rcc.irq = chip_irq(&b.chip, 5);
  b.rcc.on_change = on_change;
  b.rcc.on_block_reset = on_block_reset;
  b.rcc.on_backup_reset = on_backup_reset;
  b.rcc.ctx = &b;
  chip_add(&b.chip, "RCC", BASE, 0x400, &b.rcc, rcc_read, rcc_write);
  rcc_reset(&b.rcc, RCC_RESET_POWER);
  *state = &b;
  return 0;
}

static int teardown(void **state) {
  struct bench *b = *state;
  rcc_free(&b->rcc);
  chip_stop(&b->chip);
  return 0;
}

static uint32_t rd(struct bench *b, uint32_t offset) {
  return chip_read(&b->chip, BASE + offset);
}

static void wr(struct bench *b, uint32_t offset, uint32_t value) {
  chip_write(&b->chip, BASE + offset, value);
}

static void set(struct bench *b, uint32_t offset, uint32_t bits) {
  wr(b, offset, rd(b, offset) | bits);
}

static uint64_t hz(struct bench *b, enum clock_id id) {
  return rcc_hz(&b->rcc, id);
}

static void start_hse(struct bench *b) {
  set(b, CR, HSEON);
  chip_pass(&b->chip, VT_MS(2));
  assert_true(rd(b, CR) & HSERDY);
}

// --- registers ----------------------------------------------------------------------

// RM0410 5.3. APB1RSTR has no bit for RTC's clock and window watchdog's is 11.
static const struct register_bits registers[] = {
    // HSION stays set: SYSCLK runs from the HSI.
    {"CR", 0x00, 0x00000083, 0x150D00F8, 0x2A02FF02, HSION, 0},
    {"PLLCFGR", 0x04, 0x24003010, 0x7F437FFF, 0, 0, 0},
    {"CFGR", 0x08, 0, 0xFFFFFCF3, 0x0000000C, 0, 0},
    {"CIR", 0x0C, 0, 0x00007F00, 0x000000FF, 0x00FF0000, 0},
    {"AHB1RSTR", 0x10, 0, 0x22E017FF, 0, 0, 0},
    {"AHB2RSTR", 0x14, 0, 0x000000F3, 0, 0, 0},
    {"AHB3RSTR", 0x18, 0, 0x00000003, 0, 0, 0},
    {"APB1RSTR", 0x20, 0, 0xFFFFEBFF, 0, 0, 0},
    {"APB2RSTR", 0x24, 0, 0x6CF779B3, 0, 0, 0},
    {"AHB1ENR", 0x30, 0x00100000, 0x7EF417FF, 0, 0, 0},
    {"AHB2ENR", 0x34, 0, 0x000000F3, 0, 0, 0},
    {"AHB3ENR", 0x38, 0, 0x00000003, 0, 0, 0},
    {"APB1ENR", 0x40, 0, 0xFFFFEFFF, 0, 0, 0},
    {"APB2ENR", 0x44, 0, 0x6CF77FB3, 0, 0, 0},
    {"AHB1LPENR", 0x50, 0x7EF7B7FF, 0x7EF7B7FF, 0, 0, 0},
    {"AHB2LPENR", 0x54, 0x000000F3, 0x000000F3, 0, 0, 0},
    {"AHB3LPENR", 0x58, 0x00000003, 0x00000003, 0, 0, 0},
    {"APB1LPENR", 0x60, 0xFFFFEFFF, 0xFFFFEFFF, 0, 0, 0},
    {"APB2LPENR", 0x64, 0x6CF77FB3, 0x6CF77FB3, 0, 0, 0},
    {"BDCR", 0x70, 0, 0, LSERDY, 0x0001831D, 0},
    {"CSR", 0x74, 0x0E000000, BIT(0), 0x00000002, 0xFF000000, 0},
    {"SSCGR", 0x80, 0, 0, 0, 0, 0xCFFFFFFF},
    {"PLLI2SCFGR", 0x84, 0x24003000, 0x7F037FC0, 0, 0, 0},
    {"PLLSAICFGR", 0x88, 0x24003000, 0x7F037FC0, 0, 0, 0},
    {"DCKCFGR1", 0x8C, 0, 0x07F31F1F, 0, 0, 0},
    {"DCKCFGR2", 0x90, 0, 0x7FFFFFFF, 0, 0, 0},
};

static void restart(void *ctx) {
  struct bench *b = ctx;
  rcc_reset(&b->rcc, RCC_RESET_POWER);
  b->rcc.backup_unlocked = true;
}

static void every_bit_is_of_its_class(void **state) {
  struct bench *b = *state;
  check_register_bits(&(struct register_block){registers,
                                               sizeof registers / sizeof *registers,
                                               BASE, 0x94, &b->chip.sim, restart, b});
}

static void narrow_accesses_touch_their_bytes(void **state) {
  struct bench *b = *state;
  bus_mmio_write(&b->chip.sim.bus, BASE + AHB1ENR + 1, 1, 0x04);
  assert_int_equal(rd(b, AHB1ENR), 0x00100400);
  bus_mmio_write(&b->chip.sim.bus, BASE + AHB1ENR + 2, 2, 0x6000);
  assert_int_equal(rd(b, AHB1ENR), 0x60000400);
  assert_int_equal(bus_mmio_read(&b->chip.sim.bus, BASE + AHB1ENR + 3, 1), 0x60);
  expect_none(&b->chip);
}

// --- oscillators ---------------------------------------------------------------------

// DS11532: HSI table 41, HSE 39, LSI 42, LSE 40, PLLs 43 to 45. CIR flags RM0410 5.3.4.
static const struct {
  const char *name;
  uint32_t reg, on, ready, flag;
  vtime_t time;
} oscillators[] = {
    {"HSE", CR, HSEON, HSERDY, BIT(3), VT_MS(2)},
    {"LSI", CSR, BIT(0), BIT(1), BIT(0), VT_US(40)},
    {"LSE", BDCR, LSEON, LSERDY, BIT(1), VT_S(2)},
    {"PLL", CR, PLLON, PLLRDY, BIT(4), VT_US(200)},
    {"PLLI2S", CR, I2SON, BIT(27), BIT(5), VT_US(200)},
    {"PLLSAI", CR, SAION, SAIRDY, BIT(6), VT_US(200)},
};
enum { OSCILLATORS = sizeof oscillators / sizeof *oscillators };

static void ready_comes_after_its_time_and_goes_at_once(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  for (size_t i = 0; i < OSCILLATORS; i++) {
    const uint32_t reg = oscillators[i].reg, ready = oscillators[i].ready;
    set(b, reg, oscillators[i].on);
    chip_pass(&b->chip, oscillators[i].time - 1);
    if (rd(b, reg) & ready) fail_msg("%s is ready too soon", oscillators[i].name);
    chip_pass(&b->chip, 1);
    if (!(rd(b, reg) & ready)) fail_msg("%s is not ready", oscillators[i].name);
    wr(b, reg, rd(b, reg) & ~oscillators[i].on);
    if (rd(b, reg) & ready) fail_msg("%s stays ready", oscillators[i].name);
  }
  expect_none(&b->chip);
}

static void switched_off_in_time_it_never_comes(void **state) {
  struct bench *b = *state;
  set(b, CR, HSEON);
  chip_pass(&b->chip, VT_MS(1));
  wr(b, CR, rd(b, CR) & ~HSEON);
  chip_pass(&b->chip, VT_MS(10));
  assert_int_equal(rd(b, CR) & HSERDY, 0);
  set(b, CR, HSEON);  // the start begins anew
  chip_pass(&b->chip, VT_MS(2) - 1);
  set(b, CR, HSEON);  // written again: the start goes on
  assert_int_equal(rd(b, CR) & HSERDY, 0);
  chip_pass(&b->chip, 1);
  assert_true(rd(b, CR) & HSERDY);
}

static void an_external_clock_needs_no_crystal_time(void **state) {
  struct bench *b = *state;
  set(b, CR, HSEBYP);
  set(b, CR, HSEON);
  chip_pass(&b->chip, VT_US(10));
  assert_true(rd(b, CR) & HSERDY);
  assert_int_equal(hz(b, CLOCK_HSE), HSE_HZ);
}

static void what_is_not_fitted_or_dead_never_starts(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  b->rcc.hse_dead = true;
  b->rcc.board.lse_hz = 0;
  set(b, CR, HSEON);
  set(b, BDCR, LSEON);
  chip_pass(&b->chip, VT_S(100));
  assert_int_equal(rd(b, CR) & HSERDY, 0);
  assert_int_equal(rd(b, BDCR) & LSERDY, 0);
  b->rcc.hse_dead = false;
  b->rcc.board.hse_hz = 0;
  wr(b, CR, rd(b, CR) & ~HSEON);
  set(b, CR, HSEON);
  chip_pass(&b->chip, VT_S(1));
  assert_int_equal(rd(b, CR) & HSERDY, 0);
  assert_int_equal(hz(b, CLOCK_HSE) + hz(b, CLOCK_LSE), 0);
  expect_none(&b->chip);
}

static void ready_flags_interrupt_until_cleared(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  for (size_t i = 0; i < OSCILLATORS; i++) {
    set(b, oscillators[i].reg, oscillators[i].on);
    chip_pass(&b->chip, oscillators[i].time);
    assert_int_equal(rd(b, CIR), oscillators[i].flag);
    assert_false(b->chip.irq);
    wr(b, CIR, oscillators[i].flag << 8);  // enable
    assert_true(b->chip.irq);
    assert_int_equal(b->chip.irq_number, 5);
    wr(b, CIR, oscillators[i].flag << 8 | oscillators[i].flag);  // flags: read-only
    assert_true(b->chip.irq);
    wr(b, CIR, oscillators[i].flag << 8 | oscillators[i].flag << 16);
    assert_false(b->chip.irq);
    assert_int_equal(rd(b, CIR), oscillators[i].flag << 8);
    wr(b, CIR, 0);
  }
}

// --- PLL
// ------------------------------------------------------------------------------

// RM0410 5.3.2: input 0.95 to 2.1 MHz, VCO 100 to 432 MHz, N 50 to 432, M and Q >= 2.
static const struct {
  uint32_t cfg;
  bool good;
} pll_cases[] = {
    {PLL(25, 432, 2, 9), true},  {PLL(25, 100, 2, 2), true},
    {PLL(13, 216, 2, 9), true},  {PLL(25, 433, 2, 9), false},  // VCO 433 MHz
    {PLL(25, 99, 2, 2), false},                                // VCO 99 MHz
    {PLL(13, 49, 2, 2), false},                                // N
    {PLL(11, 180, 2, 9), false},                               // input 2.27 MHz
    {PLL(30, 432, 2, 9), false},                               // input 0.83 MHz
    {PLL(25, 432, 2, 1), false},                               // Q
    {PLL(1, 50, 2, 9), false},                                 // M
    {PLL(0, 50, 2, 9), false},
};

static void pll_limits(void **state) {
  struct bench *b = *state;
  start_hse(b);
  for (size_t i = 0; i < sizeof pll_cases / sizeof *pll_cases; i++) {
    wr(b, PLLCFGR, pll_cases[i].cfg | PLLSRC);
    expect_none(&b->chip);
    set(b, CR, PLLON);
    if (pll_cases[i].good) {
      expect_none(&b->chip);
    } else {
      expect_one(&b->chip, GUEST_CLOCK_LIMIT);
    }
    wr(b, CR, rd(b, CR) & ~PLLON);
    report_clear(&b->chip.sim.report);
  }
}

// N and Q of PLLSAI and PLLI2S have the same limits.
static void the_other_plls_have_limits_too(void **state) {
  struct bench *b = *state;
  static const uint32_t on[] = {SAION, I2SON}, reg[] = {PLLSAICFGR, PLLI2SCFGR};
  for (size_t i = 0; i < 2; i++) {
    wr(b, reg[i], 0x24003000);  // 16 MHz / 16 x 192
    set(b, CR, on[i]);
    expect_none(&b->chip);
    wr(b, CR, rd(b, CR) & ~on[i]);
    wr(b, reg[i], 2u << 28 | 2u << 24 | 450u << 6);
    set(b, CR, on[i]);
    expect_one(&b->chip, GUEST_CLOCK_LIMIT);
    wr(b, CR, rd(b, CR) & ~on[i]);
  }
}

static void a_pll_needs_a_source_that_runs(void **state) {
  struct bench *b = *state;
  wr(b, PLLCFGR, PLL(25, 432, 2, 9) | PLLSRC);
  set(b, CR, HSEON);
  set(b, CR, PLLON);  // the crystal has not started
  expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
  chip_pass(&b->chip, VT_MS(2) + VT_US(200) - 1);
  assert_int_equal(rd(b, CR) & PLLRDY, 0);
  chip_pass(&b->chip, 1);  // it locks when the source has come
  assert_true(rd(b, CR) & PLLRDY);
  expect_none(&b->chip);
}

static void pll_settings_are_frozen_while_one_runs(void **state) {
  struct bench *b = *state;
  static const uint32_t running[] = {PLLON, I2SON, SAION};
  for (size_t i = 0; i < 3; i++) {
    set(b, CR, running[i]);
    wr(b, PLLCFGR, PLL(16, 432, 2, 9));
    expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
    assert_int_equal(rd(b, PLLCFGR), 0x24003010);
    wr(b, CR, rd(b, CR) & ~running[i]);
  }
  wr(b, PLLCFGR, PLL(16, 432, 2, 9));
  expect_none(&b->chip);
}

static void a_pll_dies_with_its_source(void **state) {
  struct bench *b = *state;
  start_hse(b);
  wr(b, PLLCFGR, PLL(25, 432, 2, 9) | PLLSRC);
  set(b, CR, PLLON | SAION);
  chip_pass(&b->chip, VT_US(200));
  assert_true(rd(b, CR) & PLLRDY);
  wr(b, CR, rd(b, CR) & ~HSEON);
  assert_int_equal(rd(b, CR) & (PLLRDY | SAIRDY), 0);
  assert_int_equal(hz(b, CLOCK_48M), 0);
  chip_pass(&b->chip, VT_MS(10));
  assert_int_equal(rd(b, CR) & (PLLRDY | SAIRDY), 0);
  expect_none(&b->chip);  // allowed: SYSCLK does not come from it
}

// --- the tree
// -------------------------------------------------------------------------

enum { HSI_SW = 0, HSE_SW = 1, PLL_SW = 2 };
#define HPRE(n)  ((uint32_t)(n) << 4)
#define PPRE1(n) ((uint32_t)(n) << 10)
#define PPRE2(n) ((uint32_t)(n) << 13)

static const struct {
  uint32_t pllcfgr, cfgr;
  uint64_t sysclk, hclk, pclk1, pclk2;
} trees[] = {
    {0x24003010, HSI_SW, 16000000, 16000000, 16000000, 16000000},
    {0x24003010, HSE_SW, 25000000, 25000000, 25000000, 25000000},
    {0x24003010, PLL_SW, 96000000, 96000000, 96000000, 96000000},
    {PLL(25, 432, 2, 9) | PLLSRC, PLL_SW | PPRE1(5) | PPRE2(4), 216000000, 216000000,
     54000000, 108000000},
    {PLL(25, 432, 4, 9) | PLLSRC, PLL_SW, 108000000, 108000000, 108000000, 108000000},
    {PLL(25, 432, 6, 9) | PLLSRC, PLL_SW, 72000000, 72000000, 72000000, 72000000},
    {PLL(25, 432, 8, 9) | PLLSRC, PLL_SW, 54000000, 54000000, 54000000, 54000000},
    {PLL(16, 400, 2, 9), PLL_SW | HPRE(8) | PPRE1(4), 200000000, 100000000, 50000000,
     100000000},
    {0x24003010, HSI_SW | HPRE(7), 16000000, 16000000, 16000000, 16000000},
    {0x24003010, HSI_SW | HPRE(9), 16000000, 4000000, 4000000, 4000000},
    {0x24003010, HSI_SW | HPRE(10), 16000000, 2000000, 2000000, 2000000},
    {0x24003010, HSI_SW | HPRE(11), 16000000, 1000000, 1000000, 1000000},
    // 32 is left out of the divisors (RM0410 5.3.3).
    {0x24003010, HSI_SW | HPRE(12), 16000000, 250000, 250000, 250000},
    {0x24003010, HSI_SW | HPRE(13), 16000000, 125000, 125000, 125000},
    {0x24003010, HSI_SW | HPRE(14), 16000000, 62500, 62500, 62500},
    {0x24003010, HSI_SW | HPRE(15), 16000000, 31250, 31250, 31250},
    {0x24003010, HSI_SW | PPRE1(6) | PPRE2(7), 16000000, 16000000, 2000000, 1000000},
    {0x24003010, HSI_SW | PPRE1(3) | PPRE2(5), 16000000, 16000000, 16000000, 4000000},
};

static void run_tree(struct bench *b, uint32_t pllcfgr, uint32_t cfgr) {
  rcc_reset(&b->rcc, RCC_RESET_POWER);
  start_hse(b);
  wr(b, PLLCFGR, pllcfgr);
  set(b, CR, PLLON);
  chip_pass(&b->chip, VT_US(200));
  wr(b, CFGR, cfgr);
  assert_int_equal(rd(b, CFGR) >> 2 & 3, cfgr & 3);  // SWS follows at once
}

static void rates_of_every_bus(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
    run_tree(b, trees[i].pllcfgr, trees[i].cfgr);
    if (hz(b, CLOCK_SYSCLK) != trees[i].sysclk || hz(b, CLOCK_HCLK) != trees[i].hclk ||
        hz(b, CLOCK_PCLK1) != trees[i].pclk1 || hz(b, CLOCK_PCLK2) != trees[i].pclk2) {
      fail_msg("row %zu: SYSCLK %llu, HCLK %llu", i,
               (unsigned long long)hz(b, CLOCK_SYSCLK),
               (unsigned long long)hz(b, CLOCK_HCLK));
    }
  }
  expect_none(&b->chip);
}

static void forty_eight_mhz_from_either_pll(void **state) {
  struct bench *b = *state;
  run_tree(b, PLL(25, 432, 2, 9) | PLLSRC, PLL_SW | PPRE1(5) | PPRE2(4));
  assert_int_equal(hz(b, CLOCK_48M), 48000000);
  wr(b, DCKCFGR2, CK48MSEL);
  assert_int_equal(hz(b, CLOCK_48M), 0);                          // PLLSAI does not run
  wr(b, PLLSAICFGR, 2u << 28 | 2u << 24 | 3u << 16 | 384u << 6);  // P = 8
  set(b, CR, SAION);
  chip_pass(&b->chip, VT_US(200));
  assert_int_equal(hz(b, CLOCK_48M), 48000000);
  wr(b, DCKCFGR2, 0);
  run_tree(b, PLL(25, 432, 2, 10) | PLLSRC, PLL_SW | PPRE1(5) | PPRE2(4));
  assert_int_equal(hz(b, CLOCK_48M), 43200000);
}

static const struct {
  uint32_t select;
  uint64_t hz;
} usart1_clocks[] = {{0, 108000000}, {1, 216000000}, {2, 16000000}, {3, LSE_HZ}};

static void usart1_has_four_sources(void **state) {
  struct bench *b = *state;
  run_tree(b, PLL(25, 432, 2, 9) | PLLSRC, PLL_SW | PPRE1(5) | PPRE2(4));
  wr(b, DCKCFGR2, 3);
  assert_int_equal(hz(b, CLOCK_USART1), 0);  // the LSE does not run
  b->rcc.backup_unlocked = true;
  set(b, BDCR, LSEON);
  chip_pass(&b->chip, VT_S(2));
  for (size_t i = 0; i < 4; i++) {
    wr(b, DCKCFGR2, usart1_clocks[i].select);
    assert_int_equal(hz(b, CLOCK_USART1), usart1_clocks[i].hz);
  }
  wr(b, DCKCFGR2, 2);
  wr(b, CR, rd(b, CR) & ~HSION);
  assert_int_equal(hz(b, CLOCK_USART1), 0);
  assert_int_equal(hz(b, CLOCK_HSI), 0);
}

// RM0410 5.2.11: by PPRE (as a power of two), without and with DCKCFGR1.TIMPRE, at an
// HCLK of 16 MHz.
static const struct {
  uint32_t ppre;
  uint64_t twice, four_times;
} timer_clocks[] = {{0, 16000000, 16000000},
                    {4, 16000000, 16000000},
                    {5, 8000000, 16000000},
                    {6, 4000000, 8000000},
                    {7, 2000000, 4000000}};

static void timers_run_faster_than_their_bus(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof timer_clocks / sizeof *timer_clocks; i++) {
    wr(b, CFGR, PPRE1(timer_clocks[i].ppre));
    wr(b, DCKCFGR1, 0);
    assert_int_equal(hz(b, CLOCK_TIM_APB1), timer_clocks[i].twice);
    assert_int_equal(hz(b, CLOCK_TIM_APB2), 16000000);
    wr(b, DCKCFGR1, BIT(24));
    assert_int_equal(hz(b, CLOCK_TIM_APB1), timer_clocks[i].four_times);
    wr(b, CFGR, PPRE2(timer_clocks[i].ppre));
    assert_int_equal(hz(b, CLOCK_TIM_APB2), timer_clocks[i].four_times);
  }
}

// DCKCFGR2: two bits each, USART1 to UART8 from bit 0, I2C1 to 4 from bit 16; USART1
// and USART6 are on APB2.
static void every_serial_port_chooses_for_itself(void **state) {
  struct bench *b = *state;
  wr(b, CFGR, PPRE1(5) | PPRE2(4));
  static const enum clock_id ports[12] = {
      CLOCK_USART1, CLOCK_USART2, CLOCK_USART3, CLOCK_UART4, CLOCK_UART5, CLOCK_USART6,
      CLOCK_UART7,  CLOCK_UART8,  CLOCK_I2C1,   CLOCK_I2C2,  CLOCK_I2C3,  CLOCK_I2C4};
  for (unsigned i = 0; i < 12; i++) {
    const uint64_t bus = i == 0 || i == 5 ? 8000000 : 4000000;
    wr(b, DCKCFGR2, 0);
    assert_int_equal(hz(b, ports[i]), bus);
    wr(b, DCKCFGR2, 1u << 2 * i);
    for (unsigned k = 0; k < 12; k++)
      assert_int_equal(hz(b, ports[k]), k == i             ? 16000000u
                                        : k == 0 || k == 5 ? 8000000u
                                                           : 4000000u);
    wr(b, DCKCFGR2, 2u << 2 * i);
    assert_int_equal(hz(b, ports[i]), 16000000);
  }
}

static void the_rtc_has_three_sources(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  wr(b, BDCR, LSEON | 1u << 8);
  chip_pass(&b->chip, VT_S(2));
  assert_int_equal(hz(b, CLOCK_RTC), 0);  // RTCEN is clear
  set(b, BDCR, BIT(15));
  assert_int_equal(hz(b, CLOCK_RTC), LSE_HZ);
  wr(b, BDCR, BIT(15) | 2u << 8);
  assert_int_equal(hz(b, CLOCK_RTC), 0);
  wr(b, CSR, 1);
  chip_pass(&b->chip, VT_US(40));
  assert_int_equal(hz(b, CLOCK_RTC), 32000);
  wr(b, BDCR, BIT(15) | 3u << 8);
  start_hse(b);
  assert_int_equal(hz(b, CLOCK_RTC), 0);  // RTCPRE 0
  wr(b, CFGR, 25u << 16);
  assert_int_equal(hz(b, CLOCK_RTC), 1000000);
}

static void every_change_of_rate_is_told(void **state) {
  struct bench *b = *state;
  start_hse(b);
  const unsigned before = b->changes;
  wr(b, CFGR, HSE_SW);
  assert_true(b->changes > before);
  const unsigned then = b->changes;
  wr(b, CFGR, HSE_SW | HPRE(8));
  assert_true(b->changes > then);
}

// --- switching
// ------------------------------------------------------------------------

static void the_switch_waits_for_its_clock(void **state) {
  struct bench *b = *state;
  wr(b, CFGR, HSE_SW);
  assert_int_equal(rd(b, CFGR), HSE_SW);  // SWS still 0
  assert_int_equal(hz(b, CLOCK_SYSCLK), 16000000);
  set(b, CR, HSEON);
  chip_pass(&b->chip, VT_MS(2) - 1);
  assert_int_equal(rd(b, CFGR), HSE_SW);
  chip_pass(&b->chip, 1);
  assert_int_equal(rd(b, CFGR), HSE_SW | HSE_SW << 2);
  assert_int_equal(hz(b, CLOCK_SYSCLK), HSE_HZ);
  expect_none(&b->chip);
}

static void switch_position_three_is_no_clock(void **state) {
  struct bench *b = *state;
  wr(b, CFGR, 3);
  expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
  assert_int_equal(hz(b, CLOCK_SYSCLK), 16000000);
}

// The clock in use, and what feeds it, stay on whatever is written (RM0410 5.3.1).
static const struct {
  uint32_t pllcfgr, cfgr, kept, free;
} used[] = {
    {0x24003010, HSI_SW, HSION, HSEON},
    {0x24003010, HSE_SW, HSEON, HSION},
    {0x24003010, PLL_SW, PLLON | HSION, HSEON},
    {PLL(25, 432, 2, 9) | PLLSRC, PLL_SW, PLLON | HSEON, HSION},
};

static void the_clock_in_use_stays_on(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
    run_tree(b, used[i].pllcfgr, used[i].cfgr);
    const uint64_t before = hz(b, CLOCK_SYSCLK);
    wr(b, CR, rd(b, CR) & ~used[i].free);
    expect_none(&b->chip);
    for (uint32_t bits = used[i].kept; bits; bits &= bits - 1) {
      wr(b, CR, rd(b, CR) & ~(bits & -bits));
      expect_one(&b->chip, GUEST_CLOCK_SEQUENCE);
    }
    assert_int_equal(rd(b, CR) & used[i].kept, used[i].kept);
    assert_int_equal(hz(b, CLOCK_SYSCLK), before);
  }
}

// --- gates and resets
// -----------------------------------------------------------------

// Enable register, its reset register, and the bits that have both.
static const struct {
  uint32_t enable, reset, bits;
} buses[] = {
    {0x30, 0x10, 0x22E017FF & 0x7EF417FF},
    {0x34, 0x14, 0xF3},
    {0x38, 0x18, 0x3},
    {0x40, 0x20, 0xFFFFEBFF},
    {0x44, 0x24, 0x6CF779B3},
};

static void check_gate(struct bench *b, uint32_t enable, uint32_t reset, uint32_t n) {
  const uint32_t gate = GATE(enable, n);
  wr(b, enable, 0);
  assert_int_equal(rcc_gate(&b->rcc, gate), GATE_CLOCK_OFF);
  wr(b, enable, BIT(n));
  assert_int_equal(rcc_gate(&b->rcc, gate), GATE_OPEN);
  b->block_resets = 0;
  wr(b, reset, BIT(n));
  assert_int_equal(b->block_resets, 1);
  assert_int_equal(b->reset_gate, gate);
  wr(b, reset, BIT(n));  // held: no second edge
  assert_int_equal(b->block_resets, 1);
  assert_int_equal(rcc_gate(&b->rcc, gate), GATE_IN_RESET);
  wr(b, reset, 0);
  assert_int_equal(rcc_gate(&b->rcc, gate), GATE_OPEN);
}

static void every_gate_and_every_reset(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof buses / sizeof *buses; i++) {
    for (uint32_t bits = buses[i].bits; bits; bits &= bits - 1) {
      check_gate(b, buses[i].enable, buses[i].reset, (uint32_t)__builtin_ctz(bits));
    }
  }
  expect_none(&b->chip);
}

// --- Stop ---------------------------------------------------------------------------

static void stop_leaves_the_slow_clocks_and_wakes_on_hsi(void **state) {
  struct bench *b = *state;
  start_hse(b);
  wr(b, 0x08, 1);  // CFGR: HSE
  set(b, 0x08, 4u << 10);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_SYSCLK), b->rcc.board.hse_hz);
  rcc_stop(&b->rcc);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_HCLK), 0);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_PCLK1), 0);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_LSI), 32000);
  rcc_resume(&b->rcc);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_HCLK), 16000000);
  assert_int_equal(rcc_hz(&b->rcc, CLOCK_PCLK1), 8000000);
  assert_int_equal(rd(b, 0x08), 4u << 10);
  assert_int_equal(rd(b, 0x00) & 0x030F0003, 3);
}

static void several_resets_in_one_write(void **state) {
  struct bench *b = *state;
  wr(b, AHB1RSTR, 0x7);
  assert_int_equal(b->block_resets, 3);
  wr(b, AHB1RSTR, 0xF);
  assert_int_equal(b->block_resets, 4);
  assert_int_equal(b->reset_gate, GATE(AHB1ENR, 3));
}

static void gates_in_sleep_follow_the_lpenr_bits(void **state) {
  struct bench *b = *state;
  const uint32_t gate = GATE(AHB1ENR, 30);
  assert_true(rcc_gate_in_sleep(&b->rcc, gate));  // all on after reset
  wr(b, AHB1LPENR, 0x7EF7B7FF & ~BIT(30));
  assert_false(rcc_gate_in_sleep(&b->rcc, gate));
  assert_true(rcc_gate_in_sleep(&b->rcc, GATE(AHB1ENR, 29)));
  assert_true(rcc_gate_in_sleep(&b->rcc, GATE(0x44, 4)));
  wr(b, APB2LPENR, 0);
  assert_false(rcc_gate_in_sleep(&b->rcc, GATE(0x44, 4)));
}

// --- reset causes and the backup domain
// -----------------------------------------------

static const struct {
  enum rcc_reset why;
  uint32_t flags;
} causes[] = {
    {RCC_RESET_POWER, BIT(27) | BIT(26) | BIT(25)},
    {RCC_RESET_PIN, BIT(26)},
    {RCC_RESET_SOFTWARE, BIT(28) | BIT(26)},
    {RCC_RESET_IWDG, BIT(29) | BIT(26)},
};

static void flags_tell_the_cause(void **state) {
  struct bench *b = *state;
  for (size_t i = 0; i < 4; i++) {
    wr(b, CSR, RMVF);
    assert_int_equal(rd(b, CSR), 0);
    rcc_reset(&b->rcc, causes[i].why);
    assert_int_equal(rd(b, CSR), causes[i].flags);
  }
  expect_none(&b->chip);
}

static void flags_add_up_until_removed(void **state) {
  struct bench *b = *state;
  wr(b, CSR, RMVF);
  rcc_reset(&b->rcc, RCC_RESET_SOFTWARE);
  rcc_reset(&b->rcc, RCC_RESET_IWDG);
  assert_int_equal(rd(b, CSR), BIT(29) | BIT(28) | BIT(26));
  rcc_reset(&b->rcc, RCC_RESET_POWER);
  assert_int_equal(rd(b, CSR), 0x0E000000);
}

static void a_reset_brings_everything_back_but_the_backup_domain(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  set(b, BDCR, LSEON | BIT(9) | BIT(15));
  run_tree(b, PLL(25, 432, 2, 9) | PLLSRC, PLL_SW | PPRE1(5) | PPRE2(4));
  set(b, BDCR, LSEON | BIT(9) | BIT(15));
  set(b, AHB1ENR, BIT(29));
  rcc_reset(&b->rcc, RCC_RESET_PIN);
  assert_int_equal(hz(b, CLOCK_SYSCLK), 16000000);
  assert_int_equal(rd(b, AHB1ENR), 0x00100000);
  assert_int_equal(rd(b, CR), 0x83);
  assert_int_equal(rd(b, BDCR), LSEON | BIT(9) | BIT(15));
  chip_pass(&b->chip, VT_S(2));  // the LSE went on starting through the reset
  assert_int_equal(rd(b, BDCR) & LSERDY, LSERDY);
  rcc_reset(&b->rcc, RCC_RESET_POWER);
  assert_int_equal(rd(b, BDCR), 0);
}

static void an_oscillator_on_its_way_is_stopped_by_reset(void **state) {
  struct bench *b = *state;
  set(b, CR, HSEON);
  rcc_reset(&b->rcc, RCC_RESET_SOFTWARE);
  chip_pass(&b->chip, VT_MS(10));
  assert_int_equal(rd(b, CR), 0x83);
}

static void the_backup_domain_is_locked_without_dbp(void **state) {
  struct bench *b = *state;
  wr(b, BDCR, LSEON);
  assert_int_equal(rd(b, BDCR), 0);
  expect_one(&b->chip, GUEST_BACKUP_LOCKED);
  b->rcc.backup_unlocked = true;
  wr(b, BDCR, LSEON | BIT(15));
  assert_int_equal(rd(b, BDCR), LSEON | BIT(15));
  expect_none(&b->chip);
}

static void bdrst_resets_the_backup_domain(void **state) {
  struct bench *b = *state;
  b->rcc.backup_unlocked = true;
  wr(b, BDCR, LSEON | BIT(15));
  chip_pass(&b->chip, VT_S(2));
  wr(b, BDCR, BDRST | LSEON);
  assert_int_equal(rd(b, BDCR), BDRST);
  assert_int_equal(b->backup_resets, 1);
  wr(b, BDCR, 0);
  assert_int_equal(rd(b, BDCR), 0);
  assert_int_equal(hz(b, CLOCK_LSE), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_bit_is_of_its_class),
      TEST(narrow_accesses_touch_their_bytes),
      TEST(ready_comes_after_its_time_and_goes_at_once),
      TEST(switched_off_in_time_it_never_comes),
      TEST(an_external_clock_needs_no_crystal_time),
      TEST(what_is_not_fitted_or_dead_never_starts),
      TEST(ready_flags_interrupt_until_cleared),
      TEST(pll_limits),
      TEST(the_other_plls_have_limits_too),
      TEST(a_pll_needs_a_source_that_runs),
      TEST(pll_settings_are_frozen_while_one_runs),
      TEST(a_pll_dies_with_its_source),
      TEST(rates_of_every_bus),
      TEST(forty_eight_mhz_from_either_pll),
      TEST(usart1_has_four_sources),
      TEST(timers_run_faster_than_their_bus),
      TEST(every_serial_port_chooses_for_itself),
      TEST(the_rtc_has_three_sources),
      TEST(every_change_of_rate_is_told),
      TEST(the_switch_waits_for_its_clock),
      TEST(switch_position_three_is_no_clock),
      TEST(the_clock_in_use_stays_on),
      TEST(every_gate_and_every_reset),
      TEST(stop_leaves_the_slow_clocks_and_wakes_on_hsi),
      TEST(several_resets_in_one_write),
      TEST(gates_in_sleep_follow_the_lpenr_bits),
      TEST(flags_tell_the_cause),
      TEST(flags_add_up_until_removed),
      TEST(a_reset_brings_everything_back_but_the_backup_domain),
      TEST(an_oscillator_on_its_way_is_stopped_by_reset),
      TEST(the_backup_domain_is_locked_without_dbp),
      TEST(bdrst_resets_the_backup_domain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
