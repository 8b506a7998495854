// SPDX-License-Identifier: MIT
// How the RTC counts (RM0410 32.3.1 to 32.3.6): RTCCLK / (PREDIV_A + 1) makes ticks,
// PREDIV_S + 1 of them a second. Events are armed for alarms and wake-ups alone.
#include "sim/models/rtc_internal.h"
#include "sim_regs.h"

#define PS_PER_S 1000000000000u

static uint32_t cr(const struct rtc *t) {
  return t->r[SIM_RTC_CR / 4];
}

static uint64_t clocks_per_tick(const struct rtc *t) {
  return SIM_GET(t->r[SIM_RTC_PRER / 4], SIM_RTC_PRER_PREDIV_A) + 1ull;
}

static uint32_t last_tick(const struct rtc *t) {
  return SIM_GET(t->r[SIM_RTC_PRER / 4], SIM_RTC_PRER_PREDIV_S);
}

uint32_t rtc_ssr(const struct rtc *t) {
  return last_tick(t) - t->ticks;
}

bool rtc_answered(const struct rtc *t, vtime_t since) {
  const uint64_t hz = clock_hz(&t->clocks, CLOCK_RTC);
  return hz && t->sim->events.now >= since + vt_cycles(2, hz);
}

static vtime_t time_of(const struct rtc *t, vtime_t start, uint64_t clocks) {
  const unsigned __int128 ps = (unsigned __int128)clocks * PS_PER_S + (t->hz - 1);
  const unsigned __int128 at = start + ps / t->hz;
  return at > VT_NEVER ? VT_NEVER : (vtime_t)at;
}

// The calendar stands while it is being set (INIT).
static uint64_t rate(const struct rtc *t) {
  const bool set_up = t->r[SIM_RTC_ISR / 4] & SIM_RTC_ISR_INIT;
  return set_up ? 0 : clock_hz(&t->clocks, CLOCK_RTC);
}

void rtc_sync(struct rtc *t) {
  if (!t->hz || t->sim->events.now < t->anchor) return;
  const vtime_t elapsed = t->sim->events.now - t->anchor;
  const uint64_t clocks = (uint64_t)((unsigned __int128)elapsed * t->hz / PS_PER_S);
  const uint64_t ticks = (clocks - t->clocks_done) / clocks_per_tick(t);
  t->clocks_done += ticks * clocks_per_tick(t);
  const uint64_t total = t->ticks + ticks, second = last_tick(t) + 1ull;
  t->ticks = (uint32_t)(total % second);
  if (total >= second) rtc_advance(&t->now, total / second);
}

void rtc_restart(struct rtc *t) {
  t->hz = rate(t);
  t->anchor = t->sim->events.now;
  t->clocks_done = 0;
}

// A part of a second is taken away: what the present one does not have is waited for.
void rtc_delay(struct rtc *t, uint32_t ticks) {
  const uint32_t now = ticks < t->ticks ? ticks : t->ticks;
  t->ticks -= now;
  const uint64_t clocks = (ticks - now) * clocks_per_tick(t);
  if (!t->hz || !clocks) return;
  t->anchor = time_of(t, t->anchor, t->clocks_done + clocks);
  t->clocks_done = 0;
}

void rtc_clock_changed(struct rtc *t) {
  if (t->hz == rate(t)) return;
  rtc_sync(t);
  rtc_restart(t);
  rtc_arm_alarms(t);
  rtc_start_wakeup(t);
}

static bool alarm_raises(const struct rtc *t) {
  const uint32_t isr = t->r[SIM_RTC_ISR / 4];
  return ((isr & SIM_RTC_ISR_ALRAF) && (cr(t) & SIM_RTC_CR_ALRAIE)) ||
         ((isr & SIM_RTC_ISR_ALRBF) && (cr(t) & SIM_RTC_CR_ALRBIE));
}

static bool wakeup_raises(const struct rtc *t) {
  return (t->r[SIM_RTC_ISR / 4] & SIM_RTC_ISR_WUTF) && (cr(t) & SIM_RTC_CR_WUTIE);
}

bool rtc_raises(const struct rtc *t) {
  return alarm_raises(t) || wakeup_raises(t) || rtc_tamper_raises(t);
}

void rtc_update_irqs(struct rtc *t) {
  irq_set(&t->alarm_irq, alarm_raises(t));
  irq_set(&t->wakeup_irq, wakeup_raises(t));
  irq_set(&t->tamper_irq, rtc_tamper_raises(t));
}

// --- alarms ---

static bool is_on(const struct rtc *t, unsigned alarm) {
  return cr(t) & (SIM_RTC_CR_ALRAE << alarm);
}

// Date and time, without what is masked.
static bool matches(const struct rtc *t, unsigned alarm) {
  const uint32_t a = t->r[SIM_RTC_ALRMAR / 4 + alarm];
  const uint32_t tr = rtc_pack_time(&t->now, cr(t) & SIM_RTC_CR_FMT);
  uint32_t compared = 0;
  if (!(a & SIM_RTC_ALRMAR_MSK1)) compared |= 0x0000007Fu;
  if (!(a & SIM_RTC_ALRMAR_MSK2)) compared |= 0x00007F00u;
  if (!(a & SIM_RTC_ALRMAR_MSK3)) compared |= 0x007F0000u;
  if ((a ^ tr) & compared) return false;
  if (a & SIM_RTC_ALRMAR_MSK4) return true;
  if (a & SIM_RTC_ALRMAR_WDSEL) return SIM_GET(a, SIM_RTC_ALRMAR_DU) == t->now.weekday;
  return (a >> 24 & 0x3Fu) == (rtc_pack_date(&t->now) & 0x3Fu);
}

// The first tick of a second, not before `from`, at which the compared bits of the
// sub-seconds fit; beyond the last tick if there is none.
static uint64_t fitting_tick(const struct rtc *t, unsigned alarm, uint64_t from) {
  const uint32_t ss = t->r[SIM_RTC_ALRMASSR / 4 + alarm];
  const unsigned bits = SIM_GET(ss, SIM_RTC_ALRMASSR_MASKSS);
  if (!bits) return from ? last_tick(t) + 1ull : 0;
  const uint64_t mask = (1ull << bits) - 1;
  return from + ((last_tick(t) - (ss & mask) - from) & mask);
}

void rtc_arm_alarms(struct rtc *t) {
  event_cancel(&t->sim->events, &t->alarm_due);
  if (!t->hz || !(is_on(t, 0) || is_on(t, 1))) return;
  uint64_t next = last_tick(t) + 1ull;
  for (unsigned alarm = 0; alarm < RTC_ALARMS; alarm++) {
    if (!is_on(t, alarm) || !matches(t, alarm)) continue;
    const uint64_t tick = fitting_tick(t, alarm, t->ticks + 1ull);
    if (tick < next) next = tick;
  }
  const uint64_t clocks = t->clocks_done + (next - t->ticks) * clocks_per_tick(t);
  event_at(&t->sim->events, &t->alarm_due, time_of(t, t->anchor, clocks));
}

static void on_alarm_due(void *ctx) {
  struct rtc *t = ctx;
  rtc_sync(t);
  for (unsigned alarm = 0; alarm < RTC_ALARMS; alarm++) {
    const bool due = is_on(t, alarm) && matches(t, alarm) &&
                     fitting_tick(t, alarm, t->ticks) == t->ticks;
    if (due) t->r[SIM_RTC_ISR / 4] |= SIM_RTC_ISR_ALRAF << alarm;
  }
  rtc_arm_alarms(t);
  rtc_update_irqs(t);
}

// --- wake-up timer ---

// RTCCLK clocks of one wake-up (RM0410 32.3.6 and WUCKSEL).
static uint64_t wakeup_clocks(const struct rtc *t) {
  const uint32_t select = SIM_GET(cr(t), SIM_RTC_CR_WUCKSEL);
  const uint64_t second = clocks_per_tick(t) * (last_tick(t) + 1ull);
  const uint64_t step = select < 4 ? 16ull >> select : second;
  const uint64_t more = select >= 6 ? 0x10000u : 0;
  return step * (t->r[SIM_RTC_WUTR / 4] + 1ull + more);
}

static void arm_wakeup(struct rtc *t) {
  const uint64_t clocks = (t->wakeups + 1) * wakeup_clocks(t);
  event_at(&t->sim->events, &t->wakeup_due, time_of(t, t->wakeup_start, clocks));
}

void rtc_start_wakeup(struct rtc *t) {
  event_cancel(&t->sim->events, &t->wakeup_due);
  t->wakeup_start = t->sim->events.now;
  t->wakeups = 0;
  if (t->hz && (cr(t) & SIM_RTC_CR_WUTE)) arm_wakeup(t);
}

static void on_wakeup(void *ctx) {
  struct rtc *t = ctx;
  t->wakeups++;
  t->r[SIM_RTC_ISR / 4] |= SIM_RTC_ISR_WUTF;
  arm_wakeup(t);
  rtc_update_irqs(t);
}

void rtc_time_init(struct rtc *t) {
  event_init(&t->alarm_due, on_alarm_due, t);
  event_init(&t->wakeup_due, on_wakeup, t);
}
