// SPDX-License-Identifier: MIT
#include "tests/guests/errors.h"

enum { NAME_WORD = 8, FINISHED = 0x600D };

void pause_us(uint32_t us) {
  for (uint32_t i = 0; i < us; i++)
    __asm__ volatile("movs r0, #6\n1:\tsubs r0, #1\n\tbne 1b" ::: "r0", "cc");
}

static void wait_for(uint32_t addr, uint32_t bits, uint32_t value) {
  while ((rd(addr) & bits) != value) {
  }
}

void start_crystal(void) {
  set(RCC_CR, BIT(16));
  wait_for(RCC_CR, BIT(17), BIT(17));
}

static void switch_to_pll(uint32_t cfgr) {
  set(RCC_CR, BIT(24));
  wait_for(RCC_CR, BIT(25), BIT(25));
  wr(RCC_CFGR, cfgr);
  wr(RCC_CFGR, cfgr | 2);
  wait_for(RCC_CFGR, 3u << 2, 2u << 2);
}

// 16 MHz / 16 x 192 / 2; APB1 48 MHz.
void clock_96_mhz(uint32_t wait_states) {
  wr(FLASH_ACR, wait_states);
  switch_to_pll(4u << 10);
}

// 25 MHz / 25 x 432 / 2; APB1 54 MHz, APB2 108 MHz, 48 MHz for USB.
void clock_216_mhz(bool overdrive) {
  start_crystal();
  wr(RCC_PLLCFGR, 2u << 28 | 9u << 24 | BIT(22) | 432u << 6 | 25);
  set(RCC_APB1ENR, BIT(28));
  (void)rd(RCC_APB1ENR);
  if (overdrive) {
    set(PWR_CR1, BIT(16));
    wait_for(PWR_CSR1, BIT(16), BIT(16));
    set(PWR_CR1, BIT(17));
    wait_for(PWR_CSR1, BIT(17), BIT(17));
  }
  wr(FLASH_ACR, 7);
  switch_to_pll(5u << 10 | 4u << 13);
}

void pin_alternate(char port, uint32_t pin, uint32_t alternate, uint32_t speed) {
  const uint32_t base = GPIO(port), afr = base + (pin < 8 ? 0x20 : 0x24);
  set(RCC_AHB1ENR, BIT(port - 'A'));
  wr(afr, (rd(afr) & ~(15u << pin % 8 * 4)) | alternate << pin % 8 * 4);
  wr(base + 8, (rd(base + 8) & ~(3u << pin * 2)) | speed << pin * 2);
  wr(base + 12, rd(base + 12) & ~(3u << pin * 2));
  wr(base, (rd(base) & ~(3u << pin * 2)) | 2u << pin * 2);
}

void compensation_on(void) {
  set(RCC_APB2ENR, BIT(14));
  wr(SYSCFG_CMPCR, 1);
  wait_for(SYSCFG_CMPCR, BIT(8), BIT(8));
}

void caches_on(void) {
  barrier();
  wr(ICIALLU, 0);
  for (uint32_t line = 0; line < 512; line++)
    wr(DCISW, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  set(CCR, BIT(16) | BIT(17));
  barrier();
}

// Region 0 takes the window away; without it the default map has Normal memory there.
void window_access(bool allowed) {
  barrier();
  wr(MPU_RNR, 0);
  wr(MPU_RBAR, 0x90000000);
  wr(MPU_RASR, allowed ? 0 : BIT(28) | 27u << 1 | 1);
  wr(MPU_CTRL, 5);
  barrier();
}

// --- which one
// ---------------------------------------------------------------------------

static bool is_asked_for(const char *name) {
  const char *wanted = (const char *)MAILBOX(NAME_WORD);
  while (*name && *name == *wanted) {
    name++;
    wanted++;
  }
  return *name == *wanted;
}

static const struct error_case *find(const struct error_case *cases) {
  for (; cases->name; cases++) {
    if (is_asked_for(cases->name)) return cases;
  }
  return NULL;
}

void guest_main(void) {
  const struct error_case *const tables[] = {chip_cases,     memory_cases, flash_cases,
                                             qspi_cases,     nor_cases,    usb_cases,
                                             handover_cases, dma_cases};
  for (uint32_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    const struct error_case *c = find(tables[i]);
    if (!c) continue;
    c->run(rd(MAILBOX(0)) != 0);
    wr(MAILBOX(1), FINISHED);
    return;
  }
  check_true("there is a program for this class", false);
}
