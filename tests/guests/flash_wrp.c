// SPDX-License-Identifier: MIT
// Write protection set by option bytes, and the interrupts of success and failure.
// MAILBOX(0) = 1: there are two banks. Runs from RAM. nWRP bit 8 keeps sector 8, or
// sectors 16 and 17, which are numbered 20 and 21 in CR.
#include "tests/guests/flash.h"

#define EOP    BIT(0)
#define OPERR  BIT(1)
#define WRPERR BIT(4)
#define NWRP8  BIT(16 + 8)

static volatile uint32_t interrupts, flags;

static void on_flash(void) {
  interrupts++;
  flags = rd(FLASH_SR);
  wr(FLASH_SR, flags & 0xFF);
}

static void expect(const char *name, uint32_t wanted) {
  flash_sleep();
  barrier();
  check(name, interrupts << 8 | flags, wanted ? 1u << 8 | wanted : 0);
  interrupts = flags = 0;
}

static void start(uint32_t bits) {
  const uint32_t cr = CR_X32 | CR_EOPIE | CR_ERRIE | bits;
  wr(FLASH_CR, cr);
  if (bits & (CR_SER | CR_MER | CR_MER2)) wr(FLASH_CR, cr | CR_STRT);
}

static void program(uint32_t addr) {
  start(CR_PG);
  wr(addr, 0);
  barrier();
}

static void protected_now(bool dual) {
  const uint32_t sector = dual ? 20 : 8, addr = dual ? 0x08110000 : 0x08100000;
  start(CR_SER | sector << 3);
  expect("wrp.erase", OPERR | WRPERR);
  program(addr);
  expect("wrp.program", OPERR | WRPERR);
  start(dual ? CR_MER2 : CR_MER);
  expect("wrp.mass-erase", OPERR | WRPERR);
  if (!dual) return;
  start(CR_SER | 21u << 3);
  expect("wrp.its-pair", OPERR | WRPERR);
}

static void free_ones(bool dual) {
  start(CR_SER | (dual ? 22u : 9u) << 3);
  expect("free.erase", EOP);
  program(0x08140000);
  expect("free.program", EOP);
}

void guest_main(void) {
  const bool dual = rd(MAILBOX(0)) == 1;
  set_irq(IRQ_FLASH, on_flash, 0x80);
  flash_unlock();
  wr(FLASH_CR, CR_EOPIE);
  options_unlock();
  options_program(rd(FLASH_OPTCR) & ~NWRP8, rd(FLASH_OPTCR1));
  expect("options.set", EOP);
  protected_now(dual);
  free_ones(dual);
  options_unlock();
  options_program(rd(FLASH_OPTCR) | NWRP8, rd(FLASH_OPTCR1));
  expect("options.cleared", EOP);
  start(CR_SER | (dual ? 20u : 8u) << 3);
  expect("free-again.erase", EOP);
}
