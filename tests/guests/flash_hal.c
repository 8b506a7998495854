// SPDX-License-Identifier: MIT
// The flash in the order of ST's HAL, typed from its description: an erase, programs of
// each width, option bytes written byte by byte, launched, and loaded by the reset;
// with the D-cache on, and a window watchdog that the option bytes start. It runs from
// RAM.
#include "tests/guests/flash.h"

#define DATA     0x08010000u  // sector 2
#define FACTORY  0xFFFFAAFDu
#define CHANGED  0xF7FFAAE9u  // nWRP of sector 11, WWDG_SW clear, BOR_LEV 10
#define FACTORY1 0x00400080u
#define CHANGED1 0x00402000u
#define WWDG_CR  0x40002C00u
#define WWDGRSTF BIT(30)
#define ERRORS   0xF2u
#define PSIZE    (3u << 8)
#define SNB      (31u << 3)

// FLASH_WaitForLastOperation: BSY, the errors, and EOP, which only EOPIE lets come up.
static uint32_t wait_for_last(void) {
  while (rd(FLASH_SR) & FLASH_SR_BSY) {
  }
  const uint32_t errors = rd(FLASH_SR) & ERRORS;
  wr(FLASH_SR, errors | BIT(0));
  return errors;
}

static void erase_sector(uint32_t sector) {
  wait_for_last();
  clear(FLASH_CR, PSIZE);
  set(FLASH_CR, CR_X32);
  clear(FLASH_CR, SNB);
  set(FLASH_CR, CR_SER | sector << 3);
  set(FLASH_CR, CR_STRT);
  barrier();
  check("erase.no-error", wait_for_last(), 0);
  clear(FLASH_CR, CR_SER);
  clear(FLASH_CR, SNB);
  wr(DCIMVAC, DATA);
  barrier();
}

// log2 of the width; bytes are in the order that HAL writes them.
static uint32_t program(uint32_t addr, uint32_t width, uint32_t value) {
  wait_for_last();
  clear(FLASH_CR, PSIZE);
  set(FLASH_CR, width << 8 | CR_PG);
  if (width == 0) wr8(addr, (uint8_t)value);
  if (width == 1) wr16(addr, (uint16_t)value);
  if (width == 2) wr(addr, value);
  barrier();
  const uint32_t errors = wait_for_last();
  clear(FLASH_CR, CR_PG);
  return errors;
}

static void data_cache_on(void) {
  for (uint32_t i = 0; i < 512; i++)
    wr(DCISW, i % 4 << 30 | i / 4 << 5);
  barrier();
  set(CCR, BIT(16));
  barrier();
}

static void erase_and_program(void) {
  check("program.word", program(DATA, 2, 0x11223344), 0);
  check("program.reads", rd(DATA), 0x11223344);
  erase_sector(2);
  check("erase.reads", rd(DATA), 0xFFFFFFFF);
  wr(DCIMVAC, DATA);
  uint32_t errors = program(DATA, 0, 0x12) | program(DATA + 1, 0, 0x34);
  errors |= program(DATA + 2, 1, 0x5678) | program(DATA + 4, 2, 0x9ABCDEF0);
  check("program.widths", errors, 0);
  wr(DCIMVAC, DATA);
  barrier();
  check("program.bytes-and-half", rd(DATA), 0x56783412);
  check("program.next-word", rd(DATA + 4), 0x9ABCDEF0);
}

// HAL_FLASHEx_OBProgram for one option after the other, and HAL_FLASH_OB_Launch.
static void program_options(void) {
  if (rd(FLASH_OPTCR) & OPTCR_LOCK) options_unlock();
  check("options.unlocked", rd(FLASH_OPTCR) & OPTCR_LOCK, 0);
  wait_for_last();
  clear(FLASH_OPTCR, BIT(27));                                      // WRP
  wr8(FLASH_OPTCR + 1, 0xAA);                                       // RDP
  wr(FLASH_OPTCR, rd(FLASH_OPTCR) & ~BIT(4));                       // USER
  wr8(FLASH_OPTCR, (uint8_t)((rd8(FLASH_OPTCR) & 0xF3u) | 0x08u));  // BOR
  wr(FLASH_OPTCR1, (rd(FLASH_OPTCR1) & 0xFFFF0000u) | 0x2000);      // BOOT_ADD0
  check("options.only-wished-for", rd(FLASH_OPTCR) & ~3u, CHANGED & ~3u);
  set(FLASH_OPTCR, OPTCR_STRT);
  check("options.no-error", wait_for_last(), 0);
  set(FLASH_OPTCR, OPTCR_LOCK);
  set(FLASH_CR, BIT(31));
  check("options.locked", rd(FLASH_OPTCR), CHANGED);
  system_reset();
}

// Started by hardware with all of its 64 counts of 4096 clocks: 16.4 ms.
static void hardware_watchdog(void) {
  check("wwdg.booted-from", rd(FLASH_OPTCR1), CHANGED1);
  set(RCC_APB1ENR, BIT(11));
  (void)rd(RCC_APB1ENR);
  check("wwdg.runs", rd(WWDG_CR) & BIT(7), BIT(7));
  start_cycles();
  wr(WWDG_CR, 0xFF);
  while (rd(DWT_CYCCNT) < 4096 * 60)
    print("");
  wr(WWDG_CR, 0xFF);
  while (rd(DWT_CYCCNT) < 4096 * 120)
    print("");
  check("wwdg.fed", rd(RCC_CSR) & WWDGRSTF, 0);
  for (;;) {  // no more
  }
}

static void after_the_watchdog(void) {
  check("wwdg.reset", rd(RCC_CSR) & WWDGRSTF, WWDGRSTF);
  set(RCC_APB1ENR, BIT(11));
  (void)rd(RCC_APB1ENR);
  wr(WWDG_CR, 0xFF);
}

void guest_main(void) {
  if (rd(FLASH_OPTCR) == FACTORY) {
    check("first.optcr1", rd(FLASH_OPTCR1), FACTORY1);
    data_cache_on();
    flash_unlock();
    erase_and_program();
    program_options();
  }
  check("options.loaded", rd(FLASH_OPTCR), CHANGED);
  if (rd(RCC_CSR) & WWDGRSTF) {
    after_the_watchdog();
  } else {
    hardware_watchdog();
  }
}
