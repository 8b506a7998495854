// SPDX-License-Identifier: MIT
#include "sim/models/rcc.h"

#include <string.h>

#include "sim_regs.h"

#define HSI_HZ 16000000u
#define LSI_HZ 32000u
#define ALL    0xFFFFFFFFu

enum { RESET_FROM_ENABLE = 0x20, SLEEP_FROM_ENABLE = 0x20 };

// Where each oscillator's ON and RDY bits are and how long it takes to start.
// DS11532 tables: HSI 4 us max (table 41), HSE typ 2 ms (39), LSE 2 s (40),
// LSI 40 us max (42), PLLs 200 us at a 1 MHz input, 300 us max (43 to 45).
static const struct {
  uint32_t reg, on, ready, ready_interrupt;
  vtime_t start;
} oscillators[RCC_OSCILLATORS] = {
    [RCC_HSI] = {SIM_RCC_CR, SIM_RCC_CR_HSION, SIM_RCC_CR_HSIRDY, 1u << 2, VT_US(4)},
    [RCC_HSE] = {SIM_RCC_CR, SIM_RCC_CR_HSEON, SIM_RCC_CR_HSERDY, 1u << 3, VT_MS(2)},
    [RCC_LSI] = {SIM_RCC_CSR, SIM_RCC_CSR_LSION, SIM_RCC_CSR_LSIRDY, 1u << 0,
                 VT_US(40)},
    [RCC_LSE] = {SIM_RCC_BDCR, SIM_RCC_BDCR_LSEON, SIM_RCC_BDCR_LSERDY, 1u << 1,
                 VT_S(2)},
    [RCC_PLL] = {SIM_RCC_CR, SIM_RCC_CR_PLLON, SIM_RCC_CR_PLLRDY, 1u << 4, VT_US(200)},
    [RCC_PLLI2S] = {SIM_RCC_CR, SIM_RCC_CR_PLLI2SON, SIM_RCC_CR_PLLI2SRDY, 1u << 5,
                    VT_US(200)},
    [RCC_PLLSAI] = {SIM_RCC_CR, SIM_RCC_CR_PLLSAION, SIM_RCC_CR_PLLSAIRDY, 1u << 6,
                    VT_US(200)},
};

// Everything named is kept; what is not modelled has no effect that is visible
// from outside the blocks it would clock, and those report themselves.
static const struct reg_model models[] = {
    // A crystal that runs never stops here: CSS has nothing to see.
    {SIM_RCC_CR, ALL & ~SIM_RCC_CR_CSSON, SIM_RCC_CR_CSSON, 0, 0},
    {SIM_RCC_PLLCFGR, ALL, 0, 0, 0},
    {SIM_RCC_CFGR, ALL, 0, 0, 0},
    {SIM_RCC_CIR, ALL, 0, 0, 0},
    {SIM_RCC_AHB1RSTR, ALL, 0, 3, 4},
    {SIM_RCC_APB1RSTR, ALL, 0, 2, 4},
    {SIM_RCC_AHB1ENR, ALL, 0, 3, 4},
    {SIM_RCC_APB1ENR, ALL, 0, 2, 4},
    {SIM_RCC_AHB1LPENR, ALL, 0, 3, 4},
    {SIM_RCC_APB1LPENR, ALL, 0, 2, 4},
    {SIM_RCC_BDCR, ALL, 0, 0, 0},
    {SIM_RCC_CSR, ALL, 0, 0, 0},
    {SIM_RCC_PLLI2SCFGR, 0, ALL, 0, 0},
    {SIM_RCC_PLLSAICFGR, ALL, 0, 0, 0},
    {SIM_RCC_DCKCFGR1, SIM_RCC_DCKCFGR1_TIMPRE, ALL & ~SIM_RCC_DCKCFGR1_TIMPRE, 0, 0},
    {SIM_RCC_DCKCFGR2, ALL, 0, 0, 0},
};

static uint32_t *reg(struct rcc *r, uint32_t offset) {
  return &r->r[offset / 4];
}

static bool is_set(const struct rcc *r, uint32_t offset, uint32_t bits) {
  return (r->r[offset / 4] & bits) == bits;
}

static bool is_ready(const struct rcc *r, enum rcc_oscillator which) {
  return is_set(r, oscillators[which].reg, oscillators[which].ready);
}

static void update_irq(struct rcc *r) {
  const uint32_t cir = *reg(r, SIM_RCC_CIR);
  irq_set(&r->irq, cir & (cir >> 8) & 0x7Fu);
}

// --- the clock tree (RM0410 figure 12) ---

static uint64_t pll_source(const struct rcc *r) {
  const bool from_hse = is_set(r, SIM_RCC_PLLCFGR, SIM_RCC_PLLCFGR_PLLSRC);
  return from_hse ? r->board.hse_hz : HSI_HZ;
}

static uint64_t pll_input(const struct rcc *r) {
  const uint32_t m = SIM_GET(r->r[SIM_RCC_PLLCFGR / 4], SIM_RCC_PLLCFGR_PLLM);
  return m ? pll_source(r) / m : 0;
}

// `cfg`: the register that holds this PLL's N; M is common to the three. Multiplied
// before it is divided: 25 MHz / 12 x 432 is exact, 2.083 MHz is not.
static uint64_t pll_vco(const struct rcc *r, uint32_t cfg) {
  const uint32_t m = SIM_GET(r->r[SIM_RCC_PLLCFGR / 4], SIM_RCC_PLLCFGR_PLLM);
  return m ? pll_source(r) * SIM_GET(cfg, SIM_RCC_PLLCFGR_PLLN) / m : 0;
}

static uint64_t pll_p(const struct rcc *r) {
  if (!is_ready(r, RCC_PLL)) return 0;
  const uint32_t cfg = r->r[SIM_RCC_PLLCFGR / 4];
  return pll_vco(r, cfg) / (2 * (SIM_GET(cfg, SIM_RCC_PLLCFGR_PLLP) + 1));
}

static uint64_t clock_48m(const struct rcc *r) {
  if (is_set(r, SIM_RCC_DCKCFGR2, SIM_RCC_DCKCFGR2_CK48MSEL)) {
    if (!is_ready(r, RCC_PLLSAI)) return 0;
    const uint32_t cfg = r->r[SIM_RCC_PLLSAICFGR / 4];
    const uint32_t p = SIM_GET(cfg, SIM_RCC_PLLSAICFGR_PLLSAIP);
    return pll_vco(r, cfg) / (2 * (p + 1));
  }
  const uint32_t cfg = r->r[SIM_RCC_PLLCFGR / 4];
  const uint32_t q = SIM_GET(cfg, SIM_RCC_PLLCFGR_PLLQ);
  return is_ready(r, RCC_PLL) && q ? pll_vco(r, cfg) / q : 0;
}

static uint64_t sysclk(const struct rcc *r) {
  switch (SIM_GET(r->r[SIM_RCC_CFGR / 4], SIM_RCC_CFGR_SWS)) {
    case 0: return HSI_HZ;
    case 1: return r->board.hse_hz;
    default: return pll_p(r);
  }
}

static uint64_t hclk(const struct rcc *r) {
  static const uint16_t divisors[8] = {2, 4, 8, 16, 64, 128, 256, 512};
  const uint32_t hpre = SIM_GET(r->r[SIM_RCC_CFGR / 4], SIM_RCC_CFGR_HPRE);
  return hpre < 8 ? sysclk(r) : sysclk(r) / divisors[hpre - 8];
}

static uint64_t apb(const struct rcc *r, uint32_t field) {
  const uint32_t ppre = SIM_GET(r->r[SIM_RCC_CFGR / 4], field);
  return ppre < 4 ? hclk(r) : hclk(r) >> (ppre - 3);
}

// A kernel clock chosen by two bits of DCKCFGR2 (RM0410 5.3.25): the bus, SYSCLK, HSI
// and, for USARTs alone, LSE.
static uint64_t kernel_hz(const struct rcc *r, uint32_t field, uint32_t bus) {
  switch (SIM_GET(r->r[SIM_RCC_DCKCFGR2 / 4], field)) {
    case 0: return apb(r, bus);
    case 1: return sysclk(r);
    case 2: return is_ready(r, RCC_HSI) ? HSI_HZ : 0;
    default:
      if (field >= SIM_RCC_DCKCFGR2_I2C1SEL) return 0;
      return is_ready(r, RCC_LSE) ? r->board.lse_hz : 0;
  }
}

static uint64_t usart_hz(const struct rcc *r, enum clock_id id) {
  const unsigned index = id == CLOCK_USART1 ? 0 : (unsigned)(id - CLOCK_USART2) + 1;
  const bool apb2 = id == CLOCK_USART1 || id == CLOCK_USART6;
  return kernel_hz(r, SIM_RCC_DCKCFGR2_USART1SEL << (2 * index),
                   apb2 ? SIM_RCC_CFGR_PPRE2 : SIM_RCC_CFGR_PPRE1);
}

// RM0410 5.2.11: as fast as the bus, twice, or with TIMPRE four times, but never above
// HCLK.
static uint64_t timer_hz(const struct rcc *r, uint32_t field) {
  const uint32_t ppre = SIM_GET(r->r[SIM_RCC_CFGR / 4], field);
  const bool four = is_set(r, SIM_RCC_DCKCFGR1, SIM_RCC_DCKCFGR1_TIMPRE);
  const unsigned divided = ppre < 4 ? 0 : ppre - 3;  // as a power of two
  const unsigned multiplied = four ? 2 : 1;
  return hclk(r) >> (divided > multiplied ? divided - multiplied : 0);
}

// RM0410 5.3.20, and CFGR.RTCPRE for the HSE.
static uint64_t rtc_clock(const struct rcc *r) {
  const uint32_t bdcr = r->r[SIM_RCC_BDCR / 4];
  if (!(bdcr & SIM_RCC_BDCR_RTCEN)) return 0;
  const uint32_t divider = SIM_GET(r->r[SIM_RCC_CFGR / 4], SIM_RCC_CFGR_RTCPRE);
  switch (SIM_GET(bdcr, SIM_RCC_BDCR_RTCSEL)) {
    case 1: return is_ready(r, RCC_LSE) ? r->board.lse_hz : 0;
    case 2: return is_ready(r, RCC_LSI) ? LSI_HZ : 0;
    case 3: return is_ready(r, RCC_HSE) && divider > 1 ? r->board.hse_hz / divider : 0;
    default: return 0;
  }
}

// RM0410 5.3.26: PCLK1, LSI, HSI or LSE.
static uint32_t lptim_source(const struct rcc *r) {
  return SIM_GET(r->r[SIM_RCC_DCKCFGR2 / 4], SIM_RCC_DCKCFGR2_LPTIM1SEL);
}

static uint64_t lptim_clock(const struct rcc *r) {
  switch (lptim_source(r)) {
    case 0: return apb(r, SIM_RCC_CFGR_PPRE1);
    case 1: return is_ready(r, RCC_LSI) ? LSI_HZ : 0;
    case 2: return is_ready(r, RCC_HSI) ? HSI_HZ : 0;
    default: return is_ready(r, RCC_LSE) ? r->board.lse_hz : 0;
  }
}

static bool runs_in_stop(const struct rcc *r, enum clock_id id) {
  if (id == CLOCK_LPTIM1) return lptim_source(r) % 2;
  return id == CLOCK_LSI || id == CLOCK_LSE || id == CLOCK_RTC;
}

uint64_t rcc_hz(void *rcc, enum clock_id id) {
  const struct rcc *r = rcc;
  if (r->stopped && !runs_in_stop(r, id)) return 0;
  switch (id) {
    case CLOCK_SYSCLK: return sysclk(r);
    case CLOCK_HCLK: return hclk(r);
    case CLOCK_PCLK1: return apb(r, SIM_RCC_CFGR_PPRE1);
    case CLOCK_PCLK2: return apb(r, SIM_RCC_CFGR_PPRE2);
    case CLOCK_48M: return clock_48m(r);
    case CLOCK_HSI: return is_ready(r, RCC_HSI) ? HSI_HZ : 0;
    case CLOCK_HSE: return is_ready(r, RCC_HSE) ? r->board.hse_hz : 0;
    case CLOCK_LSI: return LSI_HZ;  // the watchdog starts it by itself
    case CLOCK_LSE: return is_ready(r, RCC_LSE) ? r->board.lse_hz : 0;
    case CLOCK_TIM_APB1: return timer_hz(r, SIM_RCC_CFGR_PPRE1);
    case CLOCK_TIM_APB2: return timer_hz(r, SIM_RCC_CFGR_PPRE2);
    case CLOCK_I2C1:
    case CLOCK_I2C2:
    case CLOCK_I2C3:
    case CLOCK_I2C4:
      return kernel_hz(r, SIM_RCC_DCKCFGR2_I2C1SEL << (2 * (id - CLOCK_I2C1)),
                       SIM_RCC_CFGR_PPRE1);
    case CLOCK_RTC: return rtc_clock(r);
    case CLOCK_LPTIM1: return lptim_clock(r);
    case CLOCK_COUNT: return 0;
    default: return usart_hz(r, id);
  }
}

static void clocks_changed(struct rcc *r) {
  if (r->on_change) r->on_change(r->ctx);
}

// --- oscillators ---

static void follow_switch(struct rcc *r) {
  uint32_t *cfgr = reg(r, SIM_RCC_CFGR);
  const uint32_t sw = SIM_GET(*cfgr, SIM_RCC_CFGR_SW);
  static const enum rcc_oscillator sources[] = {RCC_HSI, RCC_HSE, RCC_PLL};
  if (sw > 2) {
    report_guest(&r->sim->report, GUEST_CLOCK_SEQUENCE, r->regs.base + SIM_RCC_CFGR,
                 "CFGR.SW = 3 is not a clock");
    return;
  }
  if (!is_ready(r, sources[sw])) return;  // the hardware waits for it
  *cfgr = (*cfgr & ~SIM_RCC_CFGR_SWS) | SIM_PUT(SIM_RCC_CFGR_SWS, sw);
}

static bool can_start(const struct rcc *r, enum rcc_oscillator which) {
  const bool from_hse = is_set(r, SIM_RCC_PLLCFGR, SIM_RCC_PLLCFGR_PLLSRC);
  switch (which) {
    case RCC_HSE: return r->board.hse_hz && !r->hse_dead;
    case RCC_LSE: return r->board.lse_hz != 0;
    case RCC_PLL:
    case RCC_PLLI2S:
    case RCC_PLLSAI: return is_ready(r, from_hse ? RCC_HSE : RCC_HSI);
    default: return true;
  }
}

// RM0410 5.3.2, 5.3.23, 5.3.24: input 1 to 2 MHz, VCO 100 to 432 MHz, N 50 to 432, Q
// and M >= 2. N and Q have the same places in the registers of all three.
static void check_pll(const struct rcc *r, enum rcc_oscillator which) {
  const uint32_t offset = which == RCC_PLL      ? SIM_RCC_PLLCFGR
                          : which == RCC_PLLSAI ? SIM_RCC_PLLSAICFGR
                                                : SIM_RCC_PLLI2SCFGR;
  const uint32_t cfg = r->r[offset / 4];
  const uint32_t m = SIM_GET(r->r[SIM_RCC_PLLCFGR / 4], SIM_RCC_PLLCFGR_PLLM);
  const uint32_t n = SIM_GET(cfg, SIM_RCC_PLLCFGR_PLLN);
  const uint32_t q = SIM_GET(cfg, SIM_RCC_PLLCFGR_PLLQ);
  const uint64_t input = pll_input(r), vco = pll_vco(r, cfg);
  const bool good = input >= 950000 && input <= 2100000 && vco >= 100000000 &&
                    vco <= 432000000 && n >= 50 && n <= 432 && m >= 2 && q >= 2;
  if (good) return;
  report_guest(&r->sim->report, GUEST_CLOCK_LIMIT, r->regs.base + offset,
               "PLL input %u kHz, VCO %u kHz: out of range", (unsigned)(input / 1000),
               (unsigned)(vco / 1000));
}

static void begin(struct rcc *r, enum rcc_oscillator which) {
  const bool bypassed = which == RCC_HSE && is_set(r, SIM_RCC_CR, SIM_RCC_CR_HSEBYP);
  if (!can_start(r, which)) return;
  event_in(&r->sim->events, &r->starts[which].ready,
           bypassed ? VT_US(10) : oscillators[which].start);
}

static void stop(struct rcc *r, enum rcc_oscillator which) {
  event_cancel(&r->sim->events, &r->starts[which].ready);
  *reg(r, oscillators[which].reg) &= ~oscillators[which].ready;
}

static void switch_on(struct rcc *r, enum rcc_oscillator which) {
  if (which >= RCC_PLL) check_pll(r, which);
  if (which >= RCC_PLL && !can_start(r, which)) {
    report_guest(&r->sim->report, GUEST_CLOCK_SEQUENCE, r->regs.base + SIM_RCC_CR,
                 "PLL switched on before its source is ready");
  }
  begin(r, which);
}

// PLLs lock to their source while it runs, and lose the lock when it stops.
static void follow_source(struct rcc *r) {
  for (unsigned i = RCC_PLL; i <= RCC_PLLSAI; i++) {
    const enum rcc_oscillator pll = (enum rcc_oscillator)i;
    const bool on = is_set(r, SIM_RCC_CR, oscillators[i].on);
    if (!can_start(r, pll)) {
      stop(r, pll);
    } else if (on && !is_ready(r, pll) && !r->starts[i].ready.armed) {
      begin(r, pll);
    }
  }
}

static void on_ready(void *ctx) {
  const struct rcc_start *start = ctx;
  struct rcc *r = start->rcc;
  const uint32_t offset = oscillators[start->which].reg;
  *reg(r, offset) |= oscillators[start->which].ready;
  *reg(r, SIM_RCC_CIR) |= oscillators[start->which].ready_interrupt;
  update_irq(r);
  follow_source(r);
  follow_switch(r);
  clocks_changed(r);
}

// `old`: the register before a write to it.
static void update_oscillators(struct rcc *r, uint32_t offset, uint32_t old) {
  for (unsigned i = 0; i < RCC_OSCILLATORS; i++) {
    const uint32_t on = oscillators[i].on;
    if (oscillators[i].reg != offset || !((*reg(r, offset) ^ old) & on)) continue;
    if (old & on) {
      stop(r, (enum rcc_oscillator)i);
    } else {
      switch_on(r, (enum rcc_oscillator)i);
    }
  }
}

// --- registers ---

// A clock that SYSCLK uses cannot be switched off (RM0410 5.3.1).
static uint32_t keep_used(const struct rcc *r, uint32_t value) {
  const uint32_t sws = SIM_GET(r->r[SIM_RCC_CFGR / 4], SIM_RCC_CFGR_SWS);
  const uint32_t old = r->r[SIM_RCC_CR / 4];
  const bool hse_feeds_pll = is_set(r, SIM_RCC_PLLCFGR, SIM_RCC_PLLCFGR_PLLSRC);
  uint32_t used = 0;
  if (sws == 0) used = SIM_RCC_CR_HSION;
  if (sws == 1) used = SIM_RCC_CR_HSEON;
  if (sws == 2) {
    used = SIM_RCC_CR_PLLON | (hse_feeds_pll ? SIM_RCC_CR_HSEON : SIM_RCC_CR_HSION);
  }
  if (used & old & ~value) {
    report_guest(&r->sim->report, GUEST_CLOCK_SEQUENCE, r->regs.base + SIM_RCC_CR,
                 "the clock in use cannot be switched off");
  }
  return value | (used & old);
}

static void write_cr(struct rcc *r, uint32_t value) {
  const uint32_t old = *reg(r, SIM_RCC_CR);
  *reg(r, SIM_RCC_CR) = keep_used(r, value);
  update_oscillators(r, SIM_RCC_CR, old);
  follow_source(r);
}

static void write_pllcfgr(struct rcc *r, uint32_t value) {
  const uint32_t running = SIM_RCC_CR_PLLON | SIM_RCC_CR_PLLI2SON | SIM_RCC_CR_PLLSAION;
  if (*reg(r, SIM_RCC_CR) & running) {
    report_guest(&r->sim->report, GUEST_CLOCK_SEQUENCE, r->regs.base + SIM_RCC_PLLCFGR,
                 "PLLCFGR written while a PLL is on");
    return;
  }
  *reg(r, SIM_RCC_PLLCFGR) = value;
}

static void write_cfgr(struct rcc *r, uint32_t value) {
  *reg(r, SIM_RCC_CFGR) = value;
  follow_switch(r);
}

// CIR: flags 0..7 read-only, enables 8..14, clears 16..23.
static void write_cir(struct rcc *r, uint32_t value) {
  uint32_t *cir = reg(r, SIM_RCC_CIR);
  const uint32_t flags = *cir & 0xFFu & ~(value >> 16);
  *cir = flags | (value & 0x7F00u);
  update_irq(r);
}

static void write_bdcr(struct rcc *r, uint32_t value) {
  uint32_t *bdcr = reg(r, SIM_RCC_BDCR);
  if (!r->backup_unlocked) {
    report_guest(&r->sim->report, GUEST_BACKUP_LOCKED, r->regs.base + SIM_RCC_BDCR,
                 "BDCR written while PWR_CR1.DBP is clear");
    return;
  }
  const uint32_t old = *bdcr;
  if (value & SIM_RCC_BDCR_BDRST) {
    *bdcr = SIM_RCC_BDCR_BDRST;
    update_oscillators(r, SIM_RCC_BDCR, old);
    if (r->on_backup_reset) r->on_backup_reset(r->ctx);
    return;
  }
  *bdcr = value;
  update_oscillators(r, SIM_RCC_BDCR, old);
}

static void write_csr(struct rcc *r, uint32_t value) {
  uint32_t *csr = reg(r, SIM_RCC_CSR);
  const uint32_t old = *csr;
  if (value & SIM_RCC_CSR_RMVF) *csr &= 0x00FFFFFFu;
  *csr = (*csr & ~SIM_RCC_CSR_LSION) | (value & SIM_RCC_CSR_LSION);
  update_oscillators(r, SIM_RCC_CSR, old);
}

static bool is_reset_register(uint32_t offset) {
  return offset >= SIM_RCC_AHB1RSTR && offset <= SIM_RCC_APB2RSTR;
}

static void write_resets(struct rcc *r, uint32_t offset, uint32_t value) {
  const uint32_t rising = value & ~*reg(r, offset);
  *reg(r, offset) = value;
  for (uint32_t bits = rising; bits; bits &= bits - 1) {
    const uint32_t bit = (uint32_t)__builtin_ctz(bits);
    if (r->on_block_reset)
      r->on_block_reset(r->ctx, GATE(offset + RESET_FROM_ENABLE, bit));
  }
}

static void write_word(struct rcc *r, uint32_t offset, uint32_t value) {
  if (is_reset_register(offset)) {
    write_resets(r, offset, value);
    return;
  }
  switch (offset) {
    case SIM_RCC_CR: write_cr(r, value); break;
    case SIM_RCC_PLLCFGR: write_pllcfgr(r, value); break;
    case SIM_RCC_CFGR: write_cfgr(r, value); break;
    case SIM_RCC_CIR: write_cir(r, value); break;
    case SIM_RCC_BDCR: write_bdcr(r, value); break;
    case SIM_RCC_CSR: write_csr(r, value); break;
    default: *reg(r, offset) = value;
  }
}

uint32_t rcc_read(void *rcc, uint32_t offset, unsigned bytes) {
  struct rcc *r = rcc;
  if (!reg_check_read(&r->regs, offset)) return 0;
  return reg_extract(*reg(r, offset), offset, bytes);
}

void rcc_write(void *rcc, uint32_t offset, unsigned bytes, uint32_t value) {
  struct rcc *r = rcc;
  if (!reg_check_write(&r->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  write_word(r, word, reg_update(&r->regs, *reg(r, word), offset, bytes, value));
  clocks_changed(r);
}

void rcc_stop(struct rcc *r) {
  for (unsigned i = 0; i < RCC_OSCILLATORS; i++) {
    if (oscillators[i].reg != SIM_RCC_CR || i == RCC_HSI) continue;
    *reg(r, SIM_RCC_CR) &= ~oscillators[i].on;
    stop(r, (enum rcc_oscillator)i);
  }
  *reg(r, SIM_RCC_CR) |= SIM_RCC_CR_HSION | SIM_RCC_CR_HSIRDY;
  *reg(r, SIM_RCC_CFGR) &= ~(SIM_RCC_CFGR_SW | SIM_RCC_CFGR_SWS);
  r->stopped = true;
  clocks_changed(r);
}

void rcc_resume(struct rcc *r) {
  r->stopped = false;
  clocks_changed(r);
}

enum gate_state rcc_gate(void *rcc, uint32_t gate) {
  const struct rcc *r = rcc;
  const uint32_t enable = gate >> 8, bit = 1u << (gate & 31u);
  if (!is_set(r, enable, bit)) return GATE_CLOCK_OFF;
  return is_set(r, enable - RESET_FROM_ENABLE, bit) ? GATE_IN_RESET : GATE_OPEN;
}

bool rcc_gate_in_sleep(const struct rcc *r, uint32_t gate) {
  return is_set(r, (gate >> 8) + SLEEP_FROM_ENABLE, 1u << (gate & 31u));
}

static uint32_t reset_flags(enum rcc_reset why) {
  switch (why) {
    case RCC_RESET_POWER:
      return SIM_RCC_CSR_PORRSTF | SIM_RCC_CSR_PINRSTF | SIM_RCC_CSR_BORRSTF;
    case RCC_RESET_BROWN_OUT: return SIM_RCC_CSR_BORRSTF | SIM_RCC_CSR_PINRSTF;
    case RCC_RESET_PIN: return SIM_RCC_CSR_PINRSTF;
    case RCC_RESET_SOFTWARE: return SIM_RCC_CSR_SFTRSTF | SIM_RCC_CSR_PINRSTF;
    case RCC_RESET_IWDG: return SIM_RCC_CSR_IWDGRSTF | SIM_RCC_CSR_PINRSTF;
    case RCC_RESET_WWDG: return SIM_RCC_CSR_WWDGRSTF | SIM_RCC_CSR_PINRSTF;
    case RCC_RESET_STANDBY: return 0;
  }
  return 0;
}

void rcc_reset(struct rcc *r, enum rcc_reset why) {
  const bool power = why == RCC_RESET_POWER;
  const uint32_t old_flags = power ? 0 : *reg(r, SIM_RCC_CSR) & 0xFE000000u;
  const uint32_t bdcr = power ? 0 : *reg(r, SIM_RCC_BDCR);
  for (size_t i = 0; i < r->regs.block->count; i++) {
    const struct reg_desc *d = &r->regs.block->regs[i];
    if (d->offset / 4 < RCC_WORDS) r->r[d->offset / 4] = d->reset;
  }
  *reg(r, SIM_RCC_BDCR) = bdcr;
  *reg(r, SIM_RCC_CSR) = old_flags | reset_flags(why);
  for (unsigned i = 0; i < RCC_OSCILLATORS; i++) {
    if (i == RCC_LSE && !power) continue;
    event_cancel(&r->sim->events, &r->starts[i].ready);
  }
  r->stopped = false;
  update_irq(r);
  clocks_changed(r);
}

void rcc_init(struct rcc *r, struct sim *sim, const struct rcc_board *board) {
  memset(r, 0, sizeof *r);
  r->sim = sim;
  r->board = *board;
  reg_file_init(&r->regs, &sim_regs_rcc, 0x40023800u, models,
                sizeof models / sizeof *models, &sim->report);
  for (unsigned i = 0; i < RCC_OSCILLATORS; i++) {
    r->starts[i].rcc = r;
    r->starts[i].which = (enum rcc_oscillator)i;
    event_init(&r->starts[i].ready, on_ready, &r->starts[i]);
  }
}

void rcc_free(struct rcc *r) {
  reg_file_free(&r->regs);
}
