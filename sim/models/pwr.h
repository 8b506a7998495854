// SPDX-License-Identifier: MIT
// Power control (RM0410 chapter 4): regulator scale, over-drive with its ready
// times, the programmable voltage detector, the backup-domain lock, and what ends
// Standby. What Stop and Standby do to the chip is the machine's business.
#pragma once

#include "sim/core/sim.h"

enum { PWR_WORDS = 4, PWR_WAKE_PINS = 6 };

struct pwr {
  struct sim *sim;
  struct reg_file regs;
  uint32_t r[PWR_WORDS];
  struct event od_ready, od_switched;
  uint32_t supply_mv;              // VDD as the board feeds it
  bool wake_level[PWR_WAKE_PINS];  // of WKUP1 to WKUP6
  bool rtc_event;                  // a flag of the RTC whose interrupt is enabled
  void (*on_change)(void *ctx);
  void *ctx;
};

void pwr_init(struct pwr *p, struct sim *sim, uint32_t supply_mv);
void pwr_free(struct pwr *p);
void pwr_reset(struct pwr *p, bool power_on);

// Stop mode begins: over-drive is off (RM0410 4.3.5).
void pwr_stop(struct pwr *p);

// What SLEEPDEEP leads to: PDDS.
bool pwr_chooses_standby(const struct pwr *p);

// The backup regulator is on.
bool pwr_keeps_backup_sram(const struct pwr *p);

// Something that ends Standby is there.
bool pwr_wakes(const struct pwr *p);

// Standby is over: as after a reset, but CSR1, CR2 and CSR2 are kept, and SBF is set.
void pwr_standby_reset(struct pwr *p);

// WKUP1 to WKUP6 (`pin` 0 to 5) is at a level.
void pwr_wake_pin(struct pwr *p, unsigned pin, bool high);

uint32_t pwr_read(void *pwr, uint32_t offset, unsigned bytes);
void pwr_write(void *pwr, uint32_t offset, unsigned bytes, uint32_t value);

// Over-drive is on and switched to: above 180 MHz is allowed.
bool pwr_overdrive(const struct pwr *p);

// Regulator scale 1 (fastest) to 3.
unsigned pwr_scale(const struct pwr *p);

// The voltage detector is on and finds VDD below its level (PVDO).
bool pwr_voltage_low(const struct pwr *p);

bool pwr_backup_unlocked(const struct pwr *p);
