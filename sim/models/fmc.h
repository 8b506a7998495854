// SPDX-License-Identifier: MIT
// Flexible memory controller (RM0410 chapter 13): its registers, and the start-up
// sequence after which the SDRAM of a bank answers. SRAM, NOR and NAND banks only keep
// their settings: no board here has such a chip.
#pragma once

#include "sim/core/sim.h"

enum { FMC_WORDS = 0x15C / 4, FMC_SDRAM_BANKS = 2 };

struct fmc_bank {
  bool clocked, precharged, refreshed, loaded;
  vtime_t clock_on;
  bool ready;
};

struct fmc {
  struct sim *sim;
  struct reg_file regs;
  uint32_t r[FMC_WORDS];
  // What is fitted: SDCR bits 6:0 (columns, rows, width, banks) that describe the chip;
  // 0 = none.
  uint32_t fitted[FMC_SDRAM_BANKS];
  struct fmc_bank bank[FMC_SDRAM_BANKS];
  void (*on_ready)(void *ctx, unsigned bank, bool ready);
  void *ctx;
};

void fmc_init(struct fmc *f, struct sim *sim);
void fmc_free(struct fmc *f);
void fmc_reset(struct fmc *f);

uint32_t fmc_read(void *fmc, uint32_t offset, unsigned bytes);
void fmc_write(void *fmc, uint32_t offset, unsigned bytes, uint32_t value);
