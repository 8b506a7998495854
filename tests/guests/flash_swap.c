// SPDX-License-Identifier: MIT
// Two banks change places (SYSCFG_MEMRMP.SWP_FB): what is read, run, programmed and
// erased then, on both buses. Sectors keep their numbers. It runs from RAM.
#include "tests/guests/flash.h"

#define MEMRMP 0x40013800u
#define SWP_FB BIT(8)
#define FRONT  0x08000000u
#define BACK   0x08100000u
#define ALIAS  (0x00200000u - 0x08000000u)  // to the ITCM bus
#define CODE   0x00020000u                  // sector 5, and 5 of the other bank

enum { BANK2_SNB = 16 };

static uint32_t code_returning(uint32_t value) {
  return 0x47702000u | value;  // movs r0, #value; bx lr
}

NOINLINE static uint32_t call(uint32_t addr) {
  return ((uint32_t(*)(void))(addr | 1u))();
}

static void swap(bool on) {
  wr(MEMRMP, on ? SWP_FB : 0);
  barrier();
  wr(ICIALLU, 0);
  barrier();
}

static void check_order(const char *name, uint32_t front, uint32_t back) {
  const bool words = rd(FRONT + CODE + 4) == front && rd(BACK + CODE + 4) == back;
  const bool alias =
      rd(FRONT + ALIAS + CODE + 4) == front && rd(BACK + ALIAS + CODE + 4) == back;
  const bool code = call(FRONT + CODE) == front && call(BACK + CODE) == back &&
                    call(FRONT + ALIAS + CODE) == front;
  check_true(name, words && alias && code);
}

static void put(uint32_t addr, uint32_t value) {
  flash_program(addr + CODE, code_returning(value));
  flash_program(addr + CODE + 4, value);
}

// Code in place swaps the banks under itself, and goes on in the other one.
static void put_swapping_code(uint32_t addr, uint32_t value) {
  const uint32_t code[] = {
      0xF3BF6001, 0xF3BF8F4F,            // str r1, [r0]; dsb; isb
      (0x2000u | value) << 16 | 0x8F6F,  // movs r0, #value
      0xBF004770,                        // bx lr
  };
  for (uint32_t i = 0; i < 4; i++)
    flash_program(addr + CODE + 0x40 + 4 * i, code[i]);
}

static void swap_in_place(void) {
  put_swapping_code(FRONT, 1);
  put_swapping_code(BACK, 2);
  uint32_t (*code)(uint32_t, uint32_t) =
      (uint32_t(*)(uint32_t, uint32_t))(FRONT + CODE + 0x41);
  check("in-place", code(MEMRMP, SWP_FB) * 16 + code(MEMRMP, 0), 0x21);
}

void guest_main(void) {
  set(RCC_APB2ENR, BIT(14));
  (void)rd(RCC_APB2ENR);
  flash_unlock();
  put(FRONT, 1);
  put(BACK, 2);
  check("reset.memrmp", rd(MEMRMP), 0);
  check_order("plain", 1, 2);
  swap(true);
  check("swapped.memrmp", rd(MEMRMP), SWP_FB);
  check_order("swapped", 2, 1);
  flash_program(FRONT + CODE + 0x20, 0x5A5A);
  check("swapped.programmed", rd(FRONT + CODE + 0x20), 0x5A5A);
  check("swapped.by-the-alias", rd(FRONT + ALIAS + CODE + 0x20), 0x5A5A);
  check("swapped.not-the-other", rd(BACK + CODE + 0x20), 0xFFFFFFFF);
  swap(false);
  check_order("back", 1, 2);
  check("back.it-was-bank-2", rd(BACK + CODE + 0x20), 0x5A5A);
  swap_in_place();
  swap(true);
  flash_erase(5);  // of bank 1, which is behind now
  check("erase.bank-1", rd(BACK + CODE), 0xFFFFFFFF);
  check("erase.not-bank-2", rd(FRONT + CODE + 4), 2);
  flash_erase(BANK2_SNB + 5);
  check("erase.bank-2", rd(FRONT + CODE + 4), 0xFFFFFFFF);
  if (rd(MAILBOX(0)) == 1) return;
  wr(MAILBOX(0), 1);
  system_reset();  // begins anew, and in front is what boots
}
