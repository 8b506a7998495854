// SPDX-License-Identifier: MIT
// One small bad program for each guest-error class, and the same with its one mistake
// mended. The test names the class in the mailbox; this runs from SRAM1.
#pragma once

#include "tests/guests/guest.h"

struct error_case {
  const char *name;  // of the class, as reports have it, or CLASS/WHAT for one more
  void (*run)(bool bad);
};

extern const struct error_case chip_cases[], memory_cases[], flash_cases[],
    qspi_cases[], nor_cases[], usb_cases[], handover_cases[], dma_cases[];

// --- helpers (errors.c)
// ------------------------------------------------------------------

void pause_us(uint32_t us);  // at 16 MHz, or less of it when faster

// SYSCLK from the PLL, all limits kept: 96 MHz from the HSI, or 216 MHz from a 25 MHz
// crystal with over-drive.
void clock_96_mhz(uint32_t wait_states);
void clock_216_mhz(bool overdrive);
void start_crystal(void);

void pin_alternate(char port, uint32_t pin, uint32_t alternate, uint32_t speed);
void compensation_on(void);

void caches_on(void);
void window_access(bool allowed);  // 0x90000000 by the MPU
