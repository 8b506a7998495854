// SPDX-License-Identifier: MIT
// Two banks: this program runs in place from the first while the second erases and
// programs, with interrupts; then code in the second does it to the first. MAILBOX(0):
// where the second bank begins.
#include "tests/guests/flash.h"

enum { BANK2_SNB = 16 };

// --- this code in bank 1, the work in bank 2

static volatile uint32_t ticks;

static void on_tick(void) {
  ticks++;
}

static void start_time(void) {
  start_cycles();
  set_vector(EXC_SYSTICK, on_tick);
  ticks = 0;
  wr(SYST_RVR, 16000 - 1);
  wr(SYST_CVR, 0);
  wr(SYST_CSR, 7);
}

static void stop_time(void) {
  wr(SYST_CSR, 0);
}

// 64 KB at x32 take 550 ms; this loop, its handler and its data are fetched meanwhile.
static void erase_the_other_bank(void) {
  static const uint32_t table[4] = {3, 5, 7, 11};
  uint32_t turns = 0, sum = 0;
  start_time();
  flash_start_erase(BANK2_SNB + 4);
  barrier();
  while (rd(FLASH_SR) & FLASH_SR_BSY) {
    sum += *(const volatile uint32_t *)&table[turns & 3];
    turns++;
  }
  const uint32_t cycles = rd(DWT_CYCCNT);
  stop_time();
  wr(FLASH_CR, 0);
  check_true("rww.erase-took-550-ms", cycles > 8800000 && cycles < 8801000);
  check_true("rww.ticks-were-served", ticks >= 549 && ticks <= 550);
  check_true("rww.the-loop-ran", turns > 100000 && sum > turns);
}

static void program_the_other_bank(uint32_t bank2) {
  bool good = true;
  start_time();
  for (uint32_t i = 0; i < 64; i++)
    flash_program(bank2 + 0x10000 + 4 * i, i * 0x01010101);
  const uint32_t cycles = rd(DWT_CYCCNT);
  stop_time();
  for (uint32_t i = 0; i < 64; i++)
    good = good && rd(bank2 + 0x10000 + 4 * i) == i * 0x01010101;
  check_true("rww.programmed", good);
  check_true("rww.program-took-16-us-each", cycles > 64 * 256 && cycles < 64 * 400);
}

// --- code in bank 2, the work in bank 1

// Nothing but registers and arguments: it can run anywhere.
RAMCODE static uint32_t erase_sector_4(uint32_t unused) {
  uint32_t turns = 0;
  (void)unused;
  flash_start_erase(4);
  barrier();
  while (rd(FLASH_SR) & FLASH_SR_BSY)
    turns++;
  wr(FLASH_CR, 0);
  return turns;
}

RAMCODE static void program_bank_1(uint32_t addr, uint32_t value) {
  flash_program(addr, value);
}

static void move_and_run(uint32_t bank2) {
  const uint32_t from = (uint32_t)(uintptr_t)erase_sector_4 & ~1u;
  flash_erase(BANK2_SNB);
  for (uint32_t i = 0; i < 128; i += 4)
    flash_program(bank2 + i, rd(from + i));
  program_bank_1(0x08010000, 0x12345678);
  check("bank1.programmed", rd(0x08010000), 0x12345678);
  irq_off();
  const uint32_t turns = ((uint32_t(*)(uint32_t))(bank2 | 1u))(0);
  irq_on();
  check_true("bank1.code-in-bank-2-ran", turns > 100000);
  check("bank1.erased", rd(0x08010000), 0xFFFFFFFF);
  check("bank1.erased-wholly", rd(0x0801FFFC), 0xFFFFFFFF);
}

static void on_end(void) {
  wr(FLASH_SR, BIT(0));
}

static void erase_bank_2(uint32_t bank2) {
  set_irq(IRQ_FLASH, on_end, 0);
  wr(FLASH_CR, CR_MER2 | CR_X32 | CR_EOPIE);
  wr(FLASH_CR, CR_MER2 | CR_X32 | CR_EOPIE | CR_STRT);
  flash_sleep();
  wr(FLASH_CR, 0);
  check("mass.bank-2-is-blank", rd(bank2) & rd(bank2 + 0x10000), 0xFFFFFFFF);
  check("mass.bank-1-is-not", rd(0x08000000), 0x2001FF00);
}

void guest_main(void) {
  const uint32_t bank2 = rd(MAILBOX(0));
  check("mode.two-banks", rd(FLASH_OPTCR) & OPTCR_NDBANK, 0);
  flash_unlock();
  erase_the_other_bank();
  program_the_other_bank(bank2);
  move_and_run(bank2);
  erase_bank_2(bank2);
}
