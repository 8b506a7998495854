// SPDX-License-Identifier: MIT
// Power control (RM0410 chapter 4): regulator scale, over-drive with its ready
// times, the programmable voltage detector, the backup-domain lock.
#pragma once

#include "sim/core/sim.h"

enum { PWR_WORDS = 4 };

struct pwr {
  struct sim *sim;
  struct reg_file regs;
  uint32_t r[PWR_WORDS];
  struct event od_ready, od_switched;
  uint32_t supply_mv;  // VDD as the board feeds it
  void (*on_change)(void *ctx);
  void *ctx;
};

void pwr_init(struct pwr *p, struct sim *sim, uint32_t supply_mv);
void pwr_free(struct pwr *p);
void pwr_reset(struct pwr *p, bool power_on);

uint32_t pwr_read(void *pwr, uint32_t offset, unsigned bytes);
void pwr_write(void *pwr, uint32_t offset, unsigned bytes, uint32_t value);

// Over-drive is on and switched to: above 180 MHz is allowed.
bool pwr_overdrive(const struct pwr *p);

// Regulator scale 1 (fastest) to 3.
unsigned pwr_scale(const struct pwr *p);

// The voltage detector is on and finds VDD below its level (PVDO).
bool pwr_voltage_low(const struct pwr *p);

bool pwr_backup_unlocked(const struct pwr *p);
