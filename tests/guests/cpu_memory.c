// SPDX-License-Identifier: MIT
// Code that changes, caches that must be told, and the flash that stalls its readers.
// MAILBOX(0) = 1: run the one part that stalls the CPU on purpose.
#include "tests/guests/guest.h"

#define SECTOR      3u
#define SECTOR_ADDR 0x08018000u
#define ITCM_ALIAS  0x00218000u
#define SRAM_CODE   0x20030000u  // SRAM1, cached
#define BSY         BIT(16)

// --- code in RAM
// ---------------------------------------------------------------------------

// movs r0, #value; bx lr
static uint32_t code_returning(uint32_t value) {
  return 0x47702000u | value;
}

NOINLINE static uint32_t call(uint32_t addr) {
  return ((uint32_t(*)(void))(addr | 1u))();
}

static uint32_t tcm_code[8] __attribute__((aligned(32)));

static void changing_code_without_caches(void) {
  const uint32_t tcm = (uint32_t)(uintptr_t)tcm_code;
  bool good = true;
  for (uint32_t i = 1; i < 6; i++) {
    wr(tcm, code_returning(i));
    barrier();
    good = good && call(tcm) == i;
    wr(SRAM_CODE, code_returning(i + 100));
    barrier();
    good = good && call(SRAM_CODE) == i + 100;
  }
  check_true("code.changes-without-caches", good);
}

// --- caches
// ----------------------------------------------------------------------------------

static void caches_on(void) {
  wr(ICIALLU, 0);
  for (uint32_t set_number = 0; set_number < 128; set_number++) {
    for (uint32_t way = 0; way < 4; way++)
      wr(DCISW, way << 30 | set_number << 5);
  }
  barrier();
  set(CCR, BIT(16) | BIT(17));
  barrier();
}

static void clean_line(uint32_t addr) {
  barrier();
  wr(DCCMVAC, addr);
  barrier();
}

static void changing_code_with_caches(void) {
  bool good = true;
  for (uint32_t i = 1; i < 6; i++) {
    wr(SRAM_CODE, code_returning(i));
    clean_line(SRAM_CODE);
    wr(ICIMVAU, SRAM_CODE);
    barrier();
    good = good && call(SRAM_CODE) == i;
    wr(SRAM_CODE, code_returning(i + 50));
    clean_line(SRAM_CODE);
    wr(ICIALLU, 0);
    barrier();
    good = good && call(SRAM_CODE) == i + 50;
  }
  check_true("code.changes-with-maintenance", good);
  // Tightly coupled memory has no cache in front of it.
  wr((uint32_t)(uintptr_t)tcm_code, code_returning(77));
  barrier();
  check("code.tcm-needs-none", call((uint32_t)(uintptr_t)tcm_code), 77);
  // A program that cleans by set and way, all of it.
  wr(SRAM_CODE + 0x100, code_returning(33));
  barrier();
  for (uint32_t line = 0; line < 512; line++)
    wr(0xE000EF6C, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  wr(ICIALLU, 0);
  barrier();
  check("code.cleaned-by-set-and-way", call(SRAM_CODE + 0x100), 33);
}

static void caches_off(void) {
  barrier();
  clear(CCR, BIT(16));
  for (uint32_t line = 0; line < 512; line++)
    wr(0xE000EF74, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  clear(CCR, BIT(17));
  wr(ICIALLU, 0);
  barrier();
}

// --- flash
// -------------------------------------------------------------------------------------

RAMCODE static void wait_ready(void) {
  while (rd(FLASH_SR) & BSY) {
  }
}

RAMCODE static void erase(void) {
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8);
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8 | BIT(16));
  barrier();
  wait_ready();
  wr(FLASH_CR, 0);
}

RAMCODE static void program(uint32_t addr, uint32_t value) {
  wr(FLASH_CR, BIT(0) | 2u << 8);
  wr(addr, value);
  barrier();
  wait_ready();
  wr(FLASH_CR, 0);
}

static void unlock(void) {
  wr(FLASH_KEYR, 0x45670123);
  wr(FLASH_KEYR, 0xCDEF89AB);
  check("flash.unlocked", rd(FLASH_CR) >> 31, 0);
}

static void code_in_flash(void) {
  bool blank = true, direct = true, alias = true;
  for (uint32_t i = 1; i < 4; i++) {
    erase();
    blank = blank && rd(SECTOR_ADDR) == 0xFFFFFFFF &&
            rd(SECTOR_ADDR + 0x7FFC) == 0xFFFFFFFF;
    program(SECTOR_ADDR + 4, code_returning(i * 16));
    direct = direct && call(SECTOR_ADDR + 4) == i * 16;
    alias = alias && call(ITCM_ALIAS + 4) == i * 16;
  }
  check_true("flash.erased", blank);
  check_true("flash.code-at-0x08000000", direct);
  check_true("flash.code-at-0x00200000", alias);
  program(SECTOR_ADDR + 8, 0xF0F0F0F0);
  check("flash.reads-back", rd(SECTOR_ADDR + 8), 0xF0F0F0F0);
  check("flash.alias-reads-back", rd(ITCM_ALIAS + 8), 0xF0F0F0F0);
}

// --- time while the flash is busy
// -----------------------------------------------------------------

static volatile uint32_t ticks;

RAMCODE static void on_tick(void) {
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

// 32 KB at x32 take 200 ms: 3,200,000 cycles of 16 MHz.
static void erase_from_ram(void) {
  start_time();
  erase();
  const uint32_t cycles = rd(DWT_CYCCNT);
  wr(SYST_CSR, 0);
  check_true("ram.takes-200-ms", cycles > 3200000 && cycles < 3201000);
  check_true("ram.interrupts-go-on", ticks >= 199 && ticks <= 200);
}

RAMCODE static uint32_t busy_after_start(void) {
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8);
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8 | BIT(16));
  return rd(FLASH_SR);
}

// The first fetch from flash waits until the erase is over; nobody is served meanwhile.
NOINLINE static void erase_from_flash(void) {
  start_time();
  const uint32_t at_once = busy_after_start();
  const uint32_t later = rd(FLASH_SR);
  const uint32_t cycles = rd(DWT_CYCCNT), served = ticks;
  wr(SYST_CSR, 0);
  wr(FLASH_CR, 0);
  check("stall.busy-at-first", at_once, BSY);
  check("stall.over-when-flash-answers", later, 0);
  check_true("stall.took-200-ms", cycles > 3200000 && cycles < 3201000);
  check_true("stall.served-nobody", served <= 1);
}

RAMCODE static uint32_t read_during_erase(uint32_t *cycles) {
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8);
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8 | BIT(16));
  barrier();
  const uint32_t before = rd(DWT_CYCCNT);
  const uint32_t word = rd(0x08000000);
  *cycles = rd(DWT_CYCCNT) - before;
  wait_ready();
  wr(FLASH_CR, 0);
  return word;
}

// A page that was read while the flash was free is no exception.
RAMCODE static void read_between_erases(uint32_t *cycles) {
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8);
  wr(FLASH_CR, BIT(1) | SECTOR << 3 | 2u << 8 | BIT(16));
  barrier();
  while (rd(FLASH_SR) & BSY) {
  }
  (void)rd(0x08000000);
  (void)read_during_erase(cycles);
}

static void read_from_ram_stalls_too(void) {
  uint32_t cycles = 0;
  const uint32_t word = read_during_erase(&cycles);
  check("stall.read-is-right", word, 0x2001FF00);  // the stack in the first vector
  check_true("stall.read-took-200-ms", cycles > 3190000 && cycles < 3201000);
  read_between_erases(&cycles);
  check_true("stall.read-again-took-200-ms", cycles > 3190000 && cycles < 3201000);
}

void guest_main(void) {
  unlock();
  if (rd(MAILBOX(0)) == 1) {
    erase_from_flash();
    read_from_ram_stalls_too();
    return;
  }
  changing_code_without_caches();
  code_in_flash();
  erase_from_ram();
  caches_on();
  changing_code_with_caches();
  caches_off();
}
