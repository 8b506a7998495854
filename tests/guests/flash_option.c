// SPDX-License-Identifier: MIT
// Option bytes changed by a program that runs from RAM: what each reset and each loss
// of power loads, read protection set and given up. The option bytes themselves tell
// how far it has come.
#include "tests/guests/flash.h"

#define FACTORY  0xFFFFAAFDu
#define FACTORY1 0x00400080u
#define CHANGED  0xF7FFAAFDu  // nWRP of sector 11
#define CHANGED1 0x00402000u  // boot from 0x08000000
#define LEVEL1   0xF7FF55FDu
#define WINDOW   0x1FFF0000u
#define BKPSRAM  0x40024000u

static void check_window(const char *name, uint32_t user, uint32_t nwrp,
                         uint32_t add0) {
  const bool good = rd(WINDOW) == user && rd(WINDOW + 8) == nwrp &&
                    rd(WINDOW + 16) == add0 && rd(WINDOW + 24) == 0xFFBF0040;
  check_true(name, good);
}

static void first_boot(void) {
  check("first.optcr1", rd(FLASH_OPTCR1), FACTORY1);
  check_window("first.window", 0x5500AAFF, 0x0000FFFF, 0xFF7F0080);
  options_unlock();
  options_program(CHANGED, CHANGED1);
  check("first.status", rd(FLASH_SR), 0);
  check("first.optcr", rd(FLASH_OPTCR), CHANGED);
  check_window("first.window-changes", 0x5500AAFF, 0x0800F7FF, 0xDFFF2000);
  system_reset();
}

static void after_reset(void) {
  check("reset.optcr1", rd(FLASH_OPTCR1), CHANGED1);
  check("reset.locked", rd(FLASH_OPTCR) & OPTCR_LOCK, OPTCR_LOCK);
  options_unlock();
  options_program(LEVEL1, CHANGED1);
  check("reset.level-1", rd(FLASH_OPTCR), LEVEL1);
  print("cut the power\n");
  for (;;)
    wfi();
}

// Sector 11 is protected, and erased all the same: this program lives in RAM.
static void give_protection_up(void) {
  set(RCC_APB1ENR, BIT(28));
  set(PWR_CR1, BIT(8));
  set(RCC_AHB1ENR, BIT(18));
  (void)rd(RCC_AHB1ENR);
  wr(BKPSRAM, 0x5EC2E7);
  check("level-1.optcr1", rd(FLASH_OPTCR1), CHANGED1);
  check("level-1.flash-reads", rd(0x08000000), 0x2001FF00);
  options_unlock();
  options_program(FACTORY, FACTORY1);
  check("level-0.optcr", rd(FLASH_OPTCR), FACTORY);
  check("level-0.first-word", rd(0x08000000), 0xFFFFFFFF);
  check("level-0.last-word", rd(0x081FFFFC), 0xFFFFFFFF);
  check("level-0.backup-sram", rd(BKPSRAM), 0xFFFFFFFF);
  check_window("level-0.window", 0x5500AAFF, 0x0000FFFF, 0xFF7F0080);
}

static void on_end(void) {
  wr(FLASH_SR, BIT(0));
}

void guest_main(void) {
  set_irq(IRQ_FLASH, on_end, 0);
  flash_unlock();
  wr(FLASH_CR, CR_EOPIE);
  switch (rd(FLASH_OPTCR)) {
    case FACTORY: first_boot(); break;
    case CHANGED: after_reset(); break;
    case LEVEL1: give_protection_up(); break;
    default: check("optcr", rd(FLASH_OPTCR), 0);
  }
}
