// SPDX-License-Identifier: MIT
// The RTC's calendar as numbers and as BCD (RM0410 32.6.1, 32.6.2).
#include "sim/models/rtc_internal.h"
#include "sim_regs.h"

static uint32_t bcd(unsigned value) {
  return value / 10 << 4 | value % 10;
}

static unsigned from_bcd(uint32_t value) {
  return (value >> 4) * 10 + (value & 15u);
}

uint32_t rtc_pack_time(const struct rtc_calendar *c, bool twelve) {
  unsigned hour = c->hour;
  uint32_t pm = 0;
  if (twelve) {
    pm = hour >= 12 ? SIM_RTC_TR_PM : 0;
    hour = hour % 12 ? hour % 12 : 12;
  }
  return pm | bcd(hour) << 16 | bcd(c->minute) << 8 | bcd(c->second);
}

uint32_t rtc_pack_date(const struct rtc_calendar *c) {
  return bcd(c->year) << 16 | c->weekday << 13 | bcd(c->month) << 8 | bcd(c->day);
}

void rtc_unpack_time(struct rtc_calendar *c, uint32_t tr, bool twelve) {
  c->second = from_bcd(tr & 0x7Fu);
  c->minute = from_bcd(tr >> 8 & 0x7Fu);
  c->hour = from_bcd(tr >> 16 & 0x3Fu);
  if (twelve) c->hour = c->hour % 12 + (tr & SIM_RTC_TR_PM ? 12 : 0);
}

void rtc_unpack_date(struct rtc_calendar *c, uint32_t dr) {
  c->day = from_bcd(dr & 0x3Fu);
  c->month = from_bcd(dr >> 8 & 0x1Fu);
  c->weekday = dr >> 13 & 7u;
  c->year = from_bcd(dr >> 16 & 0xFFu);
}

// Years 00 to 99 are those of one century whose every fourth is a leap year.
static unsigned days_of(const struct rtc_calendar *c) {
  static const uint8_t days[13] = {31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const unsigned month = c->month <= 12 ? c->month : 0;
  return month == 2 && c->year % 4 == 0 ? 29u : days[month];
}

static void next_day(struct rtc_calendar *c) {
  c->weekday = c->weekday >= 7 ? 1 : c->weekday + 1;
  if (++c->day <= days_of(c)) return;
  c->day = 1;
  if (++c->month <= 12) return;
  c->month = 1;
  c->year = (c->year + 1) % 100;
}

void rtc_advance(struct rtc_calendar *c, uint64_t seconds) {
  const uint64_t total = seconds + c->second + 60ull * c->minute + 3600ull * c->hour;
  for (uint64_t days = total / 86400; days; days--)
    next_day(c);
  const unsigned rest = (unsigned)(total % 86400);
  c->hour = rest / 3600;
  c->minute = rest / 60 % 60;
  c->second = rest % 60;
}
