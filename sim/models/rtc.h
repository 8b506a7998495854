// SPDX-License-Identifier: MIT
// Real-time clock (RM0410 chapter 32) in the backup domain: calendar, sub-seconds,
// alarms, wake-up timer, shifting, time stamps, tamper detection, write protection,
// backup registers. Resets leave it running. A calibration is kept and changes nothing.
#pragma once

#include "sim/core/sim.h"

enum { RTC_WORDS = 0xD0 / 4, RTC_ALARMS = 2, RTC_PINS = 3 };

struct rtc_calendar {
  unsigned second, minute, hour;  // hour 0 to 23
  unsigned day, month, year;      // from 1, from 1, 0 to 99
  unsigned weekday;               // 1 to 7
};

struct rtc {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  uint32_t r[RTC_WORDS];
  bool backup_unlocked;  // PWR_CR1.DBP, kept here by the machine
  bool unlocked;         // by WPR's keys
  bool half_unlocked;
  // The time `clocks_done` clocks of `hz` after the anchor; hz 0: it stands still.
  struct rtc_calendar now;
  uint32_t ticks;  // of ck_apre since the second began
  uint64_t hz;
  vtime_t anchor;
  uint64_t clocks_done;
  vtime_t init_since, synced_since, alarm_off_since[RTC_ALARMS], wakeup_off_since;
  // Shadow registers that a read has locked until DR is read.
  bool tr_locked, dr_locked;
  uint32_t tr_shadow, dr_shadow;
  struct event alarm_due, wakeup_due;
  vtime_t wakeup_start;
  uint64_t wakeups;
  bool pin[RTC_PINS];                                 // levels of PC13, PI8 and PC1
  struct irq_line alarm_irq, wakeup_irq, tamper_irq;  // EXTI lines 17, 22 and 21
};

void rtc_init(struct rtc *t, struct sim *sim, struct clock_source clocks);
void rtc_free(struct rtc *t);

// The backup domain is reset by BDRST or by losing all power, never by a reset.
void rtc_backup_reset(struct rtc *t);

// A system reset locks the registers again and clears RSF.
void rtc_system_reset(struct rtc *t);

// No power: the clock stops.
void rtc_power_cut(struct rtc *t);

// One of the pins PC13, PI8 and PC1 (`pin` 0 to 2) has a level.
void rtc_pin(struct rtc *t, unsigned pin, bool high);

// One of its interrupts is raised.
bool rtc_raises(const struct rtc *t);

// RTCCLK changed, perhaps.
void rtc_clock_changed(struct rtc *t);

uint32_t rtc_read(void *rtc, uint32_t offset, unsigned bytes);
void rtc_write(void *rtc, uint32_t offset, unsigned bytes, uint32_t value);
