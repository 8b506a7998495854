// SPDX-License-Identifier: MIT
// For applications that quadboot starts: copy this one file into your project.
//
// Link the application at QUADBOOT_APP_BASE. It is started as after a reset: HSI,
// caches, MPU and interrupts off, VTOR at its vector table. If the independent
// watchdog was running before, it still is.
//
//   #include "quadboot.h"
//   ...
//   quadboot_enter();  // resets into the bootloader; does not return
#pragma once

#include <stdint.h>

#define QUADBOOT_APP_BASE     0x08010000u
#define QUADBOOT_REQUEST_STAY 0x4C444251u  // "QBDL", kept in RTC_BKP31R

__attribute__((noreturn)) static inline void quadboot_enter(void) {
  volatile uint32_t *const rcc_apb1enr = (volatile uint32_t *)0x40023840u;
  volatile uint32_t *const pwr_cr1 = (volatile uint32_t *)0x40007000u;
  volatile uint32_t *const rtc_bkp31r = (volatile uint32_t *)0x400028CCu;
  volatile uint32_t *const scb_aircr = (volatile uint32_t *)0xE000ED0Cu;
  *rcc_apb1enr |= (1u << 28) | (1u << 10);  // PWREN, RTCAPBEN
  (void)*rcc_apb1enr;
  *pwr_cr1 |= 1u << 8;  // DBP: the backup domain may be written
  *rtc_bkp31r = QUADBOOT_REQUEST_STAY;
  (void)*rtc_bkp31r;
  __asm__ volatile("dsb" ::: "memory");
  *scb_aircr = 0x05FA0004u;  // SYSRESETREQ
  for (;;) {
  }
}
