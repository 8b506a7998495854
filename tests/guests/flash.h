// SPDX-License-Identifier: MIT
// The internal flash as the programs here drive it, from RAM (RM0410 chapter 3).
#pragma once

#include "tests/guests/guest.h"

#define FLASH_OPTKEYR 0x40023C08u
#define FLASH_OPTCR   0x40023C14u
#define FLASH_OPTCR1  0x40023C18u
#define FLASH_SR_BSY  BIT(16)

#define CR_PG    BIT(0)
#define CR_SER   BIT(1)
#define CR_MER   BIT(2)
#define CR_MER2  BIT(15)
#define CR_STRT  BIT(16)
#define CR_EOPIE BIT(24)
#define CR_ERRIE BIT(25)
#define CR_X32   (2u << 8)

#define OPTCR_LOCK   BIT(0)
#define OPTCR_STRT   BIT(1)
#define OPTCR_NDBANK BIT(29)

#define IRQ_FLASH 4u

#define IN_LINE __attribute__((always_inline)) static inline

IN_LINE void flash_unlock(void) {
  wr(FLASH_KEYR, 0x45670123);
  wr(FLASH_KEYR, 0xCDEF89AB);
}

IN_LINE void flash_wait(void) {
  barrier();
  while (rd(FLASH_SR) & FLASH_SR_BSY) {
  }
}

// The same asleep: CR.EOPIE must be set. For what takes seconds.
IN_LINE void flash_sleep(void) {
  barrier();
  irq_off();
  wr(NVIC_ISER(0), BIT(IRQ_FLASH));
  while (rd(FLASH_SR) & FLASH_SR_BSY)
    wfi();
  irq_on();
}

IN_LINE void flash_start_erase(uint32_t snb) {
  wr(FLASH_CR, CR_SER | snb << 3 | CR_X32);
  wr(FLASH_CR, CR_SER | snb << 3 | CR_X32 | CR_STRT);
}

IN_LINE void flash_erase(uint32_t snb) {
  flash_start_erase(snb);
  flash_wait();
  wr(FLASH_CR, 0);
}

IN_LINE void flash_program(uint32_t addr, uint32_t value) {
  wr(FLASH_CR, CR_PG | CR_X32);
  wr(addr, value);
  flash_wait();
  wr(FLASH_CR, 0);
}

IN_LINE void options_unlock(void) {
  wr(FLASH_OPTKEYR, 0x08192A3B);
  wr(FLASH_OPTKEYR, 0x4C5D6E7F);
}

// CR.EOPIE must be set.
IN_LINE void options_program(uint32_t optcr, uint32_t optcr1) {
  wr(FLASH_OPTCR1, optcr1);
  wr(FLASH_OPTCR, optcr & ~(OPTCR_LOCK | OPTCR_STRT));
  wr(FLASH_OPTCR, (optcr & ~OPTCR_LOCK) | OPTCR_STRT);
  flash_sleep();
  wr(FLASH_OPTCR, rd(FLASH_OPTCR) | OPTCR_LOCK);
}

__attribute__((noreturn)) static inline void system_reset(void) {
  while (!(rd(USART1_ISR) & BIT(6))) {
  }
  barrier();
  wr(AIRCR, 0x05FA0004);
  for (;;) {
  }
}
