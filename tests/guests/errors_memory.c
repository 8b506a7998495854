// SPDX-License-Identifier: MIT
// Guest errors of caches and of the internal flash.
#include "tests/guests/errors.h"

#define SRAM_CODE 0x20060000u  // SRAM1, cached, far from this program

static uint32_t code_returning(uint32_t value) {
  return 0x47702000u | value;  // movs r0, #value; bx lr
}

NOINLINE static uint32_t call(uint32_t addr) {
  return ((uint32_t(*)(void))(addr | 1u))();
}

static void put_code(uint32_t value, bool clean, bool invalidate) {
  wr(SRAM_CODE, code_returning(value));
  barrier();
  if (clean) wr(DCCMVAC, SRAM_CODE);
  barrier();
  if (invalidate) wr(ICIMVAU, SRAM_CODE);
  barrier();
}

static void code_not_clean(bool bad) {
  caches_on();
  put_code(1, !bad, true);
  call(SRAM_CODE);
}

static void code_stale(bool bad) {
  caches_on();
  put_code(1, true, true);
  call(SRAM_CODE);
  put_code(2, true, !bad);
  call(SRAM_CODE);
}

static void dirty_lost(bool bad) {
  caches_on();
  wr(SRAM_CODE, 1);
  barrier();
  wr(bad ? DCIMVAC : DCCIMVAC, SRAM_CODE);
  barrier();
}

const struct error_case memory_cases[] = {
    {"code-not-clean", code_not_clean},
    {"code-stale", code_stale},
    {"dirty-lost", dirty_lost},
    {NULL, NULL},
};

// --- internal flash
// -------------------------------------------------------------------------

// In the first bank, or in the second of two.
#define SECTOR2 (second_bank() ? 0x08110000u : 0x08010000u)
#define PG      BIT(0)
#define SER     BIT(1)
#define STRT    BIT(16)
enum { X8 = 0 << 8, X16 = 1 << 8, X32 = 2 << 8 };

static bool second_bank(void) {
  return rd(MAILBOX(MAIL_SECOND_BANK)) == 1;
}

static uint32_t snb(uint32_t sector) {
  return second_bank() ? 16 + sector : sector;
}

static void unlock(void) {
  wr(FLASH_KEYR, 0x45670123);
  wr(FLASH_KEYR, 0xCDEF89AB);
}

static void wait_ready(void) {
  barrier();
  while (rd(FLASH_SR) & BIT(16)) {
  }
}

static void erase_sector(uint32_t sector, uint32_t width) {
  unlock();
  wr(FLASH_CR, SER | snb(sector) << 3 | width);
  wr(FLASH_CR, SER | snb(sector) << 3 | width | STRT);
  wait_ready();
}

static void flash_locked(bool bad) {
  if (!bad) unlock();
  wr(FLASH_CR, PG | X32);
}

// A wrong key is answered with a bus error, too.
static void go_on(void) {}

static void flash_key(bool bad) {
  set_vector(EXC_HARDFAULT, go_on);
  wr(FLASH_KEYR, 0x45670123);
  wr(FLASH_KEYR, bad ? 0x45670123 : 0xCDEF89AB);
}

static void flash_busy(bool bad) {
  unlock();
  wr(FLASH_CR, PG | X32);
  wr(SECTOR2, 0);
  if (!bad) wait_ready();
  wr(FLASH_CR, 0);
  wait_ready();
}

// The other bank of two may be read at once.
static void flash_stall(bool bad) {
  unlock();
  wr(FLASH_CR, PG | X32);
  wr(SECTOR2, 0);
  barrier();
  if (!bad && !second_bank()) wait_ready();
  (void)rd(second_bank() && bad ? 0x08100000 : 0x08000000);
  wait_ready();
}

static void flash_width(bool bad) {
  unlock();
  wr(FLASH_CR, PG | X32);
  if (bad) {
    wr16(SECTOR2, 0);
  } else {
    wr(SECTOR2, 0);
  }
  wait_ready();
}

// The board's supply is at 2.4 V for this one.
static void flash_supply(bool bad) {
  erase_sector(3, bad ? X32 : X16);
}

static void flash_align(bool bad) {
  unlock();
  wr(FLASH_CR, PG | X32);
  wr(SECTOR2 + (bad ? 0x1E : 0x1C), 0);
  wait_ready();
}

static void flash_sequence(bool bad) {
  unlock();
  wr(FLASH_CR, X32 | (bad ? 0 : SER | snb(3) << 3));
  wr(FLASH_CR, X32 | STRT | (bad ? 0 : SER | snb(3) << 3));
  wait_ready();
}

static void flash_not_erased(bool bad) {
  unlock();
  wr(FLASH_CR, PG | X32);
  wr(SECTOR2, 0x0000FFFF);
  wait_ready();
  wr(SECTOR2, bad ? 0x00FF0000 : 0x000000FF);
  wait_ready();
}

// Option byte nWRP protects sector 2 in this one, or the pair 2 and 3 of bank 2.
static void flash_protected(bool bad) {
  erase_sector(bad ? 2 : second_bank() ? 1 : 3, X32);
}

// --- internal flash behind the caches

#define FLASH_CODE 0x08010100u
#define TO_ITCM    (0x00200000u - 0x08000000u)

static void put_word(uint32_t addr, uint32_t value) {
  unlock();
  wr(FLASH_CR, PG | X32);
  wr(addr, value);
  wait_ready();
  wr(FLASH_CR, 0);
}

// The line is in the D-cache when it is programmed.
static void data_stale_flash(bool bad) {
  caches_on();
  (void)rd(SECTOR2);
  put_word(SECTOR2, 0);
  if (!bad) wr(DCIMVAC, SECTOR2);
  barrier();
  (void)rd(SECTOR2);
}

static void code_stale_flash(bool bad) {
  caches_on();
  put_word(FLASH_CODE, code_returning(3));
  call(FLASH_CODE);
  put_word(FLASH_CODE, code_returning(1));
  if (!bad) wr(ICIMVAU, FLASH_CODE);
  barrier();
  call(FLASH_CODE);
}

static void art_on(void) {
  set(FLASH_ACR, BIT(9));
}

static void art_reset(void) {
  clear(FLASH_ACR, BIT(9));
  set(FLASH_ACR, BIT(11));
  clear(FLASH_ACR, BIT(11));
  art_on();
  barrier();
}

static void data_stale_art(bool bad) {
  art_on();
  (void)rd(SECTOR2 + TO_ITCM);
  put_word(SECTOR2, 0);
  if (!bad) art_reset();
  (void)rd(SECTOR2 + TO_ITCM);
}

static void code_stale_art(bool bad) {
  art_on();
  put_word(FLASH_CODE, code_returning(3));
  call(FLASH_CODE + TO_ITCM);
  put_word(FLASH_CODE, code_returning(1));
  if (!bad) art_reset();
  call(FLASH_CODE + TO_ITCM);
}

static void dropped_write_art(bool bad) {
  if (bad) art_on();
  set(FLASH_ACR, BIT(11));
}

const struct error_case flash_cases[] = {
    {"data-stale/flash", data_stale_flash},
    {"code-stale/flash", code_stale_flash},
    {"data-stale/art", data_stale_art},
    {"code-stale/art", code_stale_art},
    {"dropped-write/art", dropped_write_art},
    {"flash-locked", flash_locked},
    {"flash-key", flash_key},
    {"flash-busy", flash_busy},
    {"flash-stall", flash_stall},
    {"flash-width", flash_width},
    {"flash-supply", flash_supply},
    {"flash-align", flash_align},
    {"flash-sequence", flash_sequence},
    {"flash-not-erased", flash_not_erased},
    {"flash-protected", flash_protected},
    {NULL, NULL},
};
