// SPDX-License-Identifier: MIT
// 216 MHz from the crystal (RM0410 5.2, 4.1.4; wait states RM0410 table 7).
//
//   crystal / M = 1 MHz --PLL x 432--> VCO 432 MHz --/2--> 216 MHz  SYSCLK
//                                                 \--/9-->  48 MHz  USB
#include "firmware/drivers/flash_f7_regs.h"
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/soc.h"
#include "firmware/soc/stm32f7/stm32f7_regs.h"

enum {
  PLL_N = 432,
  PLL_Q = 9,
  WAIT_STATES = 7,  // one per 30 MHz above 2.7 V

  // Deadlines in us. Crystal: DS11532 table 39 has 2 ms typical and no maximum;
  // 100 ms is what ST's own drivers allow. PLL: 300 us (table 43). Over-drive:
  // 100 us each (table 19).
  CRYSTAL_US = 100000,
  PLL_US = 1000,
  OVERDRIVE_US = 1000,
};

static bool wait_for(struct soc_time *t, uintptr_t addr, uint32_t field, uint32_t value,
                     uint32_t deadline_us) {
  const uint32_t start = soc_time_us(t);
  while (field_get(mmio_read32(addr), field) != value) {
    if (soc_time_us(t) - start > deadline_us) return false;
  }
  return true;
}

static void set_bit(uintptr_t addr, uint32_t field) {
  mmio_update32(addr, 0, field_mask(field));
}

static bool start_crystal(const struct board *b, struct soc_time *t) {
  if (b->crystal_bypass) set_bit(RCC_BASE + RCC_CR, RCC_CR_HSEBYP);
  set_bit(RCC_BASE + RCC_CR, RCC_CR_HSEON);
  return wait_for(t, RCC_BASE + RCC_CR, RCC_CR_HSERDY, 1, CRYSTAL_US);
}

static void start_pll(const struct board *b) {
  uint32_t r = mmio_read32(RCC_BASE + RCC_PLLCFGR);
  r = field_set(r, RCC_PLLCFGR_PLLM, b->crystal_hz / 1000000u);
  r = field_set(r, RCC_PLLCFGR_PLLN, PLL_N);
  r = field_set(r, RCC_PLLCFGR_PLLP, 0);  // divides by 2
  r = field_set(r, RCC_PLLCFGR_PLLQ, PLL_Q);
  r = field_set(r, RCC_PLLCFGR_PLLSRC, 1);
  mmio_write32(RCC_BASE + RCC_PLLCFGR, r);
  set_bit(RCC_BASE + RCC_CR, RCC_CR_PLLON);
}

static bool start_overdrive(struct soc_time *t) {
  soc_clock_enable(RCC_APB1ENR, RCC_APB1ENR_PWREN);
  set_bit(PWR_BASE + PWR_CR1, PWR_CR1_ODEN);
  if (!wait_for(t, PWR_BASE + PWR_CSR1, PWR_CSR1_ODRDY, 1, OVERDRIVE_US)) return false;
  set_bit(PWR_BASE + PWR_CR1, PWR_CR1_ODSWEN);
  return wait_for(t, PWR_BASE + PWR_CSR1, PWR_CSR1_ODSWRDY, 1, OVERDRIVE_US);
}

// Wait states first, then the divisors, then the switch: never too fast on the way.
static bool switch_to_pll(struct soc_time *t) {
  uint32_t acr = field_mask(FLASH_ACR_PRFTEN) | field_mask(FLASH_ACR_ARTEN);
  acr = field_set(acr, FLASH_ACR_LATENCY, WAIT_STATES);
  mmio_write32(FLASH_BASE + FLASH_ACR, acr);
  uint32_t cfgr = mmio_read32(RCC_BASE + RCC_CFGR);
  cfgr = field_set(cfgr, RCC_CFGR_PPRE1, 5);  // /4: 54 MHz
  cfgr = field_set(cfgr, RCC_CFGR_PPRE2, 4);  // /2: 108 MHz
  mmio_write32(RCC_BASE + RCC_CFGR, cfgr);
  mmio_write32(RCC_BASE + RCC_CFGR, field_set(cfgr, RCC_CFGR_SW, 2));
  return wait_for(t, RCC_BASE + RCC_CFGR, RCC_CFGR_SWS, 2, PLL_US);
}

enum status soc_clock_start(const struct board *b, struct soc_time *t) {
  if (!start_crystal(b, t)) return ST_CLOCK_CRYSTAL;
  start_pll(b);  // locks while over-drive settles
  if (!start_overdrive(t)) return ST_CLOCK_PLL;
  if (!wait_for(t, RCC_BASE + RCC_CR, RCC_CR_PLLRDY, 1, PLL_US)) return ST_CLOCK_PLL;
  if (!switch_to_pll(t)) return ST_CLOCK_PLL;
  soc_time_start(t, SOC_HCLK_HZ);
  return ST_OK;
}
