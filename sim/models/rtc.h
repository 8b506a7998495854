// SPDX-License-Identifier: MIT
// The backup registers of the RTC (RM0410 32.6.20) and their write lock. The
// calendar is not modelled: its registers hold what is written and report it.
#pragma once

#include "sim/core/sim.h"

enum { RTC_WORDS = 0xD0 / 4 };

struct rtc {
  struct sim *sim;
  struct reg_file regs;
  uint32_t r[RTC_WORDS];
  bool backup_unlocked;  // PWR_CR1.DBP, kept here by the machine
};

void rtc_init(struct rtc *t, struct sim *sim);
void rtc_free(struct rtc *t);

// The backup domain is reset by BDRST or by losing all power, never by a reset.
void rtc_backup_reset(struct rtc *t);

uint32_t rtc_read(void *rtc, uint32_t offset, unsigned bytes);
void rtc_write(void *rtc, uint32_t offset, unsigned bytes, uint32_t value);
