// SPDX-License-Identifier: MIT
#include "sim/models/fmc.h"

#include <string.h>

#include "sim_regs.h"

#define ALL      0xFFFFFFFFu
#define GEOMETRY 0x7Fu       // SDCR: NC, NR, MWID, NB
#define WARM_UP  VT_US(100)  // RM0410 13.7.3 step 4; MT48LC4M32B2 "Initialization"

// SDCMR.MODE (RM0410 13.7.5).
enum { NORMAL, CLOCK_ON, PRECHARGE, REFRESH, LOAD_MODE, SELF_REFRESH, POWER_DOWN };

static const struct reg_model models[] = {
    {SIM_FMC_BCR1, 0, ALL, 8, 4},
    {SIM_FMC_PCR, 0, ALL, 0, 0},
    {SIM_FMC_SR, 0, ALL, 0, 0},
    {SIM_FMC_PMEM, 0, ALL, 2, 4},
    {SIM_FMC_BWTR1, 0, ALL, 4, 8},
    {SIM_FMC_SDCR1, ALL, 0, 2, 4},
    {SIM_FMC_SDTR1, 0, ALL, 2, 4},
    {SIM_FMC_SDCMR, ALL, 0, 0, 0},
    {SIM_FMC_SDRTR, ALL & ~SIM_FMC_SDRTR_REIE, 0, 0, 0},
};

static void complain(struct fmc *f, uint32_t offset, const char *what) {
  report_guest(&f->sim->report, GUEST_SDRAM, f->regs.base + offset, "SDRAM: %s", what);
}

// Only SDCR1 has the clock and the burst for both banks (RM0410 13.7.5).
static bool geometry_fits(struct fmc *f, unsigned bank) {
  return (f->r[SIM_FMC_SDCR1 / 4 + bank] & GEOMETRY) == f->fitted[bank];
}

static void judge(struct fmc *f, unsigned bank) {
  struct fmc_bank *b = &f->bank[bank];
  const bool refreshing = f->r[SIM_FMC_SDRTR / 4] & SIM_FMC_SDRTR_COUNT;
  const bool ready = f->fitted[bank] && b->clocked && b->precharged && b->refreshed &&
                     b->loaded && refreshing && geometry_fits(f, bank);
  if (ready == b->ready) return;
  b->ready = ready;
  if (f->on_ready) f->on_ready(f->ctx, bank, ready);
}

static void clock_on(struct fmc *f, struct fmc_bank *b) {
  if (!(f->r[SIM_FMC_SDCR1 / 4] & SIM_FMC_SDCR1_SDCLK)) {
    complain(f, SIM_FMC_SDCMR, "clock enabled while SDCR1.SDCLK is 0");
    return;
  }
  b->clocked = true;
  b->clock_on = f->sim->events.now;
}

static void precharge(struct fmc *f, struct fmc_bank *b) {
  if (!b->clocked) {
    complain(f, SIM_FMC_SDCMR, "precharge before the clock is enabled");
  } else if (!b->precharged && f->sim->events.now < b->clock_on + WARM_UP) {
    complain(f, SIM_FMC_SDCMR, "precharge less than 100 us after its clock");
  } else {
    b->precharged = true;
  }
}

static void command(struct fmc *f, unsigned bank, uint32_t mode) {
  struct fmc_bank *b = &f->bank[bank];
  if (!f->fitted[bank]) {
    complain(f, SIM_FMC_SDCMR, "command to a bank without a chip");
    return;
  }
  if (!geometry_fits(f, bank)) complain(f, SIM_FMC_SDCR1, "SDCR is not of its chip");
  switch (mode) {
    case CLOCK_ON: clock_on(f, b); return;
    case PRECHARGE: precharge(f, b); return;
    case REFRESH:
    case LOAD_MODE:
      if (!b->precharged) complain(f, SIM_FMC_SDCMR, "command before the precharge");
      if (mode == REFRESH) b->refreshed = b->precharged;
      if (mode == LOAD_MODE) b->loaded = b->precharged;
      return;
    default: return;  // an access ends self-refresh and power-down by itself
  }
}

static void write_sdcmr(struct fmc *f, uint32_t value) {
  const uint32_t mode = SIM_GET(value, SIM_FMC_SDCMR_MODE);
  if (value & SIM_FMC_SDCMR_CTB1) command(f, 0, mode);
  if (value & SIM_FMC_SDCMR_CTB2) command(f, 1, mode);
  // What SDSR shows: normal, self-refresh, power-down.
  const uint32_t shown = mode < SELF_REFRESH ? 0 : mode - LOAD_MODE;
  uint32_t *sdsr = &f->r[SIM_FMC_SDSR / 4];
  if (value & SIM_FMC_SDCMR_CTB1)
    *sdsr = (*sdsr & ~SIM_FMC_SDSR_MODES1) | SIM_PUT(SIM_FMC_SDSR_MODES1, shown);
  if (value & SIM_FMC_SDCMR_CTB2)
    *sdsr = (*sdsr & ~SIM_FMC_SDSR_MODES2) | SIM_PUT(SIM_FMC_SDSR_MODES2, shown);
}

uint32_t fmc_read(void *fmc, uint32_t offset, unsigned bytes) {
  const struct fmc *f = fmc;
  if (!reg_check_read(&f->regs, offset)) return 0;
  return reg_extract(f->r[offset / 4], offset, bytes);
}

void fmc_write(void *fmc, uint32_t offset, unsigned bytes, uint32_t value) {
  struct fmc *f = fmc;
  if (!reg_check_write(&f->regs, offset, bytes, value)) return;
  uint32_t *word = &f->r[offset / 4];
  *word = reg_update(&f->regs, *word, offset, bytes, value);
  if ((offset & ~3u) == SIM_FMC_SDCMR) write_sdcmr(f, *word);
  if ((offset & ~3u) == SIM_FMC_SDRTR) *word &= ~SIM_FMC_SDRTR_CRE;
  for (unsigned bank = 0; bank < FMC_SDRAM_BANKS; bank++)
    judge(f, bank);
}

void fmc_reset(struct fmc *f) {
  for (size_t i = 0; i < f->regs.block->count; i++) {
    const struct reg_desc *d = &f->regs.block->regs[i];
    f->r[d->offset / 4] = d->reset;
  }
  for (unsigned bank = 0; bank < FMC_SDRAM_BANKS; bank++) {
    const bool ready = f->bank[bank].ready;
    f->bank[bank] = (struct fmc_bank){.ready = ready};
    judge(f, bank);
  }
}

void fmc_init(struct fmc *f, struct sim *sim) {
  memset(f, 0, sizeof *f);
  f->sim = sim;
  reg_file_init(&f->regs, &sim_regs_fmc, 0xA0000000u, models,
                sizeof models / sizeof *models, &sim->report);
}

void fmc_free(struct fmc *f) {
  reg_file_free(&f->regs);
}
