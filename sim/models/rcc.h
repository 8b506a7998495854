// SPDX-License-Identifier: MIT
// Reset and clock control (RM0410 chapter 5): oscillators and PLLs with their
// start-up times, the clock tree, clock gates and block resets, reset flags.
// Whether a clock is too fast for flash, supply or over-drive is not its business
// (sim/machine/rules.c); whether a PLL is configured within its own limits is.
#pragma once

#include "sim/core/sim.h"

enum rcc_oscillator {
  RCC_HSI,
  RCC_HSE,
  RCC_LSI,
  RCC_LSE,
  RCC_PLL,
  RCC_PLLI2S,
  RCC_PLLSAI,
  RCC_OSCILLATORS
};

// Why the chip was reset: the flags of RCC_CSR (RM0410 5.3.21).
enum rcc_reset {
  RCC_RESET_POWER,      // POR, BOR and PIN
  RCC_RESET_BROWN_OUT,  // BOR and PIN
  RCC_RESET_PIN,        // PIN alone
  RCC_RESET_SOFTWARE,   // SFT and PIN
  RCC_RESET_IWDG,       // IWDG and PIN
  RCC_RESET_WWDG,       // WWDG and PIN
  RCC_RESET_STANDBY,    // end of Standby: none of them
};

struct rcc_board {
  uint32_t hse_hz, lse_hz;  // 0 = not fitted
};

struct rcc;

// One event per oscillator needs to know which it is.
struct rcc_start {
  struct rcc *rcc;
  enum rcc_oscillator which;
  struct event ready;
};

enum { RCC_WORDS = 0x94 / 4 };

struct rcc {
  struct sim *sim;
  struct reg_file regs;
  struct rcc_board board;
  uint32_t r[RCC_WORDS];
  struct rcc_start starts[RCC_OSCILLATORS];
  struct irq_line irq;
  bool hse_dead;                 // fault: the crystal never starts
  bool stopped;                  // Stop mode: LSE and LSI alone run
  bool backup_unlocked;          // PWR_CR1.DBP, kept here by the machine
  void (*on_change)(void *ctx);  // a clock changed rate
  // A block's reset bit was set; `gate` names it as its clock gate does.
  void (*on_block_reset)(void *ctx, uint32_t gate);
  void (*on_backup_reset)(void *ctx);
  void *ctx;
};

void rcc_init(struct rcc *r, struct sim *sim, const struct rcc_board *board);
void rcc_free(struct rcc *r);
void rcc_reset(struct rcc *r, enum rcc_reset why);

uint32_t rcc_read(void *rcc, uint32_t offset, unsigned bytes);
void rcc_write(void *rcc, uint32_t offset, unsigned bytes, uint32_t value);

// Stop mode begins and ends: HSE and PLLs are switched off, and HSI is what runs
// afterwards (RM0410 4.3.5, 5.3.1).
void rcc_stop(struct rcc *r);
void rcc_resume(struct rcc *r);

uint64_t rcc_hz(void *rcc, enum clock_id id);
enum gate_state rcc_gate(void *rcc, uint32_t gate);

// Whether a block keeps its clock while the CPU sleeps (the LPENR registers).
bool rcc_gate_in_sleep(const struct rcc *r, uint32_t gate);
