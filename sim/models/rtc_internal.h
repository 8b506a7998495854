// SPDX-License-Identifier: MIT
// Private to rtc*.c.
#pragma once

#include "sim/models/rtc.h"

// rtc_calendar.c: BCD as the registers have it; `twelve` hours with PM or 24.
uint32_t rtc_pack_time(const struct rtc_calendar *c, bool twelve);
uint32_t rtc_pack_date(const struct rtc_calendar *c);
void rtc_unpack_time(struct rtc_calendar *c, uint32_t tr, bool twelve);
void rtc_unpack_date(struct rtc_calendar *c, uint32_t dr);
void rtc_advance(struct rtc_calendar *c, uint64_t seconds);

// rtc_time.c
void rtc_sync(struct rtc *t);  // counts up to now
void rtc_delay(struct rtc *t, uint32_t ticks);
void rtc_restart(struct rtc *t);  // from now on, at the rate that the clock has
void rtc_arm_alarms(struct rtc *t);
void rtc_start_wakeup(struct rtc *t);
void rtc_update_irqs(struct rtc *t);
void rtc_time_init(struct rtc *t);
uint32_t rtc_ssr(const struct rtc *t);
// Two clocks of RTCCLK have passed since `since`: what its domain takes to answer.
bool rtc_answered(const struct rtc *t, vtime_t since);

// rtc_pins.c
bool rtc_tamper_raises(const struct rtc *t);
void rtc_tampers_changed(struct rtc *t, uint32_t before);  // TAMPCR, from `before`
