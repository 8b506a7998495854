// SPDX-License-Identifier: MIT
// Registers of the RTC. How it counts is in rtc_time.c.
#include "sim/models/rtc.h"

#include <string.h>

#include "sim/models/rtc_internal.h"
#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

#define FLAGS                                                                         \
  (SIM_RTC_ISR_ALRAF | SIM_RTC_ISR_ALRBF | SIM_RTC_ISR_WUTF | SIM_RTC_ISR_TSF |       \
   SIM_RTC_ISR_TSOVF | SIM_RTC_ISR_TAMP1F | SIM_RTC_ISR_TAMP2F | SIM_RTC_ISR_TAMP3F | \
   SIM_RTC_ISR_ITSF)

// Outputs on pins show nowhere; the daylight-saving memory BKP has no effect.
static const struct reg_model models[] = {
    {SIM_RTC_TR, ALL, 0, 2, 4},
    {SIM_RTC_CR,
     SIM_RTC_CR_WUCKSEL | SIM_RTC_CR_BYPSHAD | SIM_RTC_CR_FMT | SIM_RTC_CR_ALRAE |
         SIM_RTC_CR_ALRBE | SIM_RTC_CR_WUTE | SIM_RTC_CR_ALRAIE | SIM_RTC_CR_ALRBIE |
         SIM_RTC_CR_WUTIE | SIM_RTC_CR_ADD1H | SIM_RTC_CR_SUB1H | SIM_RTC_CR_TSEDGE |
         SIM_RTC_CR_TSE | SIM_RTC_CR_TSIE,
     SIM_RTC_CR_BKP | SIM_RTC_CR_COSEL | SIM_RTC_CR_POL | SIM_RTC_CR_OSEL |
         SIM_RTC_CR_COE,
     0, 0},
    {SIM_RTC_ISR, ALL, 0, 0, 0},
    {SIM_RTC_PRER, ALL, 0, 0, 0},
    {SIM_RTC_WUTR, ALL, 0, 0, 0},
    {SIM_RTC_ALRMAR, ALL, 0, 2, 4},
    {SIM_RTC_ALRMASSR, ALL, 0, 2, 4},
    {SIM_RTC_WPR, 0xFFu, 0, 0, 0},
    {SIM_RTC_SHIFTR, ALL, 0, 0, 0},
    {SIM_RTC_CALR, 0, ALL, 0, 0},
    // How a filter samples, and with which pull-up.
    {SIM_RTC_TAMPCR, ALL,
     SIM_RTC_TAMPCR_TAMPFREQ | SIM_RTC_TAMPCR_TAMPPRCH | SIM_RTC_TAMPCR_TAMPPUDIS, 0,
     0},
    {SIM_RTC_OR, SIM_RTC_OR_TSINSEL, SIM_RTC_OR_ALARMTYPE, 0, 0},
    {SIM_RTC_BKP0R, ALL, 0, 32, 4},
};

static uint32_t *reg(struct rtc *t, uint32_t offset) {
  return &t->r[offset / 4];
}

static bool refuse(struct rtc *t, uint32_t offset, enum guest_error error,
                   const char *why) {
  report_guest(&t->sim->report, error, t->regs.base + offset, "RTC.%s written %s",
               reg_at(&t->regs, offset)->name, why);
  return false;
}

// --- what the calendar's own clock domain answers ---

static bool is_set_up(struct rtc *t) {
  return (*reg(t, SIM_RTC_ISR) & SIM_RTC_ISR_INIT) && rtc_answered(t, t->init_since);
}

static bool alarm_is_free(struct rtc *t, unsigned alarm) {
  if (is_set_up(t)) return true;
  if (*reg(t, SIM_RTC_CR) & (SIM_RTC_CR_ALRAE << alarm)) return false;
  return !t->alarm_off_since[alarm] || rtc_answered(t, t->alarm_off_since[alarm]);
}

static bool wakeup_is_free(struct rtc *t) {
  if (*reg(t, SIM_RTC_CR) & SIM_RTC_CR_WUTE) return false;
  return !t->wakeup_off_since || rtc_answered(t, t->wakeup_off_since);
}

static bool is_synced(struct rtc *t) {
  const bool bypassed = *reg(t, SIM_RTC_CR) & SIM_RTC_CR_BYPSHAD;
  return t->hz && !bypassed && rtc_answered(t, t->synced_since);
}

static uint32_t read_isr(struct rtc *t) {
  uint32_t v = *reg(t, SIM_RTC_ISR) & (FLAGS | SIM_RTC_ISR_INIT);
  if (alarm_is_free(t, 0)) v |= SIM_RTC_ISR_ALRAWF;
  if (alarm_is_free(t, 1)) v |= SIM_RTC_ISR_ALRBWF;
  if (wakeup_is_free(t)) v |= SIM_RTC_ISR_WUTWF;
  if (t->now.year) v |= SIM_RTC_ISR_INITS;
  if (is_synced(t)) v |= SIM_RTC_ISR_RSF;
  if (is_set_up(t)) v |= SIM_RTC_ISR_INITF;
  return v;
}

// --- the calendar's shadow (RM0410 32.3.8) ---

static uint32_t time_now(struct rtc *t) {
  return rtc_pack_time(&t->now, *reg(t, SIM_RTC_CR) & SIM_RTC_CR_FMT);
}

static void lock_date(struct rtc *t) {
  if (t->dr_locked || (*reg(t, SIM_RTC_CR) & SIM_RTC_CR_BYPSHAD)) return;
  t->dr_locked = true;
  t->dr_shadow = rtc_pack_date(&t->now);
}

static uint32_t read_ssr(struct rtc *t) {
  if (!t->tr_locked && !(*reg(t, SIM_RTC_CR) & SIM_RTC_CR_BYPSHAD)) {
    t->tr_locked = true;
    t->tr_shadow = time_now(t);
  }
  lock_date(t);
  return rtc_ssr(t);
}

static uint32_t read_tr(struct rtc *t) {
  lock_date(t);
  return t->tr_locked ? t->tr_shadow : time_now(t);
}

static uint32_t read_dr(struct rtc *t) {
  const uint32_t value = t->dr_locked ? t->dr_shadow : rtc_pack_date(&t->now);
  t->tr_locked = t->dr_locked = false;
  return value;
}

static uint32_t read_word(struct rtc *t, uint32_t offset) {
  switch (offset) {
    case SIM_RTC_TR: return read_tr(t);
    case SIM_RTC_DR: return read_dr(t);
    case SIM_RTC_SSR: return read_ssr(t);
    case SIM_RTC_ISR: return read_isr(t);
    case SIM_RTC_WPR:
    case SIM_RTC_SHIFTR: return 0;
    default: return *reg(t, offset);
  }
}

uint32_t rtc_read(void *rtc, uint32_t offset, unsigned bytes) {
  struct rtc *t = rtc;
  if (!reg_check_read(&t->regs, offset)) return 0;
  rtc_sync(t);
  return reg_extract(read_word(t, offset & ~3u), offset, bytes);
}

// --- writing ---

// RM0410 32.3.7: everything but WPR, TAMPCR, OR and the backup registers.
static bool is_protected(uint32_t offset) {
  return offset < SIM_RTC_BKP0R && offset != SIM_RTC_WPR && offset != SIM_RTC_TAMPCR &&
         offset != SIM_RTC_OR;
}

static void write_key(struct rtc *t, uint32_t key) {
  t->unlocked = t->half_unlocked && key == 0x53;
  t->half_unlocked = key == 0xCA;
}

static bool may_write(struct rtc *t, uint32_t offset, uint32_t value) {
  const uint32_t changed = value ^ *reg(t, offset);
  switch (offset) {
    case SIM_RTC_TR:
    case SIM_RTC_DR:
    case SIM_RTC_PRER:
      if (is_set_up(t)) return true;
      return refuse(t, offset, GUEST_RTC_LOCKED, "outside of initialisation (INITF)");
    case SIM_RTC_ALRMAR:
    case SIM_RTC_ALRMASSR:
      if (alarm_is_free(t, 0)) return true;
      return refuse(t, offset, GUEST_RTC_LOCKED, "while ALRAWF is 0");
    case SIM_RTC_ALRMBR:
    case SIM_RTC_ALRMBSSR:
      if (alarm_is_free(t, 1)) return true;
      return refuse(t, offset, GUEST_RTC_LOCKED, "while ALRBWF is 0");
    case SIM_RTC_WUTR:
      if (wakeup_is_free(t)) return true;
      return refuse(t, offset, GUEST_RTC_LOCKED, "while WUTWF is 0");
    case SIM_RTC_CR:
      if (!(changed & SIM_RTC_CR_WUCKSEL) || wakeup_is_free(t)) return true;
      return refuse(t, offset, GUEST_RTC_LOCKED, "(WUCKSEL) while WUTWF is 0");
    default: return true;
  }
}

static void shift_hour(struct rtc *t, uint32_t value) {
  if (value & SIM_RTC_CR_ADD1H) rtc_advance(&t->now, 3600);
  if ((value & SIM_RTC_CR_SUB1H) && t->now.hour) t->now.hour--;
}

static void write_cr(struct rtc *t, uint32_t value) {
  const uint32_t old = *reg(t, SIM_RTC_CR), went_off = old & ~value;
  for (unsigned alarm = 0; alarm < RTC_ALARMS; alarm++)
    if (went_off & (SIM_RTC_CR_ALRAE << alarm))
      t->alarm_off_since[alarm] = t->sim->events.now;
  if (went_off & SIM_RTC_CR_WUTE) t->wakeup_off_since = t->sim->events.now;
  shift_hour(t, value);
  *reg(t, SIM_RTC_CR) = value & ~(SIM_RTC_CR_ADD1H | SIM_RTC_CR_SUB1H);
  if ((old ^ value) & SIM_RTC_CR_WUTE) rtc_start_wakeup(t);
}

// Flags are cleared by a 0, whether or not the registers are unlocked; INIT is kept.
static void write_isr(struct rtc *t, uint32_t value) {
  uint32_t *isr = reg(t, SIM_RTC_ISR);
  *isr &= value | ~FLAGS;
  if (!t->unlocked) return;
  if (!(value & SIM_RTC_ISR_RSF)) t->synced_since = t->sim->events.now;
  if (!((*isr ^ value) & SIM_RTC_ISR_INIT)) return;
  *isr = (*isr & ~SIM_RTC_ISR_INIT) | (value & SIM_RTC_ISR_INIT);
  if (value & SIM_RTC_ISR_INIT) t->ticks = 0;
  t->init_since = t->synced_since = t->sim->events.now;
  rtc_restart(t);
}

// RM0410 32.3.11: a second more, a part of one less. It takes no time here: SHPF is
// never seen.
static void shift(struct rtc *t, uint32_t value) {
  if (value & SIM_RTC_SHIFTR_ADD1S) rtc_advance(&t->now, 1);
  rtc_delay(t, SIM_GET(value, SIM_RTC_SHIFTR_SUBFS));
  t->synced_since = t->sim->events.now;
}

static void write_tampers(struct rtc *t, uint32_t value) {
  const uint32_t before = *reg(t, SIM_RTC_TAMPCR);
  *reg(t, SIM_RTC_TAMPCR) = value;
  rtc_tampers_changed(t, before);
}

static void write_word(struct rtc *t, uint32_t offset, uint32_t value) {
  switch (offset) {
    case SIM_RTC_TR:
      rtc_unpack_time(&t->now, value, *reg(t, SIM_RTC_CR) & SIM_RTC_CR_FMT);
      break;
    case SIM_RTC_DR: rtc_unpack_date(&t->now, value); break;
    case SIM_RTC_CR: write_cr(t, value); break;
    case SIM_RTC_ISR: write_isr(t, value); break;
    case SIM_RTC_WPR: write_key(t, value & 0xFFu); break;
    case SIM_RTC_SHIFTR: shift(t, value); break;
    case SIM_RTC_TAMPCR: write_tampers(t, value); break;
    default: *reg(t, offset) = value;
  }
}

void rtc_write(void *rtc, uint32_t offset, unsigned bytes, uint32_t value) {
  struct rtc *t = rtc;
  if (!reg_check_write(&t->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  if (!t->backup_unlocked && word != SIM_RTC_WPR) {
    refuse(t, word, GUEST_BACKUP_LOCKED, "while PWR_CR1.DBP is clear");
    return;
  }
  rtc_sync(t);
  // What a narrow write leaves alone must not clear a flag, nor RSF.
  uint32_t old = *reg(t, word);
  if (word == SIM_RTC_ISR) old |= FLAGS | SIM_RTC_ISR_RSF;
  if (word == SIM_RTC_TR) old = time_now(t);
  if (word == SIM_RTC_DR) old = rtc_pack_date(&t->now);
  const uint32_t v = reg_update(&t->regs, old, offset, bytes, value);
  const bool locked = is_protected(word) && !t->unlocked;
  if (locked && word != SIM_RTC_ISR) {
    refuse(t, word, GUEST_RTC_LOCKED, "without the keys in WPR");
  } else if (may_write(t, word, v)) {
    write_word(t, word, v);
    rtc_arm_alarms(t);
    rtc_update_irqs(t);
  }
}

// --- power and resets ---

void rtc_backup_reset(struct rtc *t) {
  memset(t->r, 0, sizeof t->r);
  for (size_t i = 0; i < t->regs.block->count; i++) {
    const struct reg_desc *d = &t->regs.block->regs[i];
    if (d->offset / 4 < RTC_WORDS) t->r[d->offset / 4] = d->reset;
  }
  *reg(t, SIM_RTC_ISR) = 0;
  t->now = (struct rtc_calendar){.day = 1, .month = 1, .weekday = 1};  // DR 0x2101
  t->ticks = 0;
  t->alarm_off_since[0] = t->alarm_off_since[1] = t->wakeup_off_since = 0;
  rtc_system_reset(t);
  rtc_restart(t);
  rtc_start_wakeup(t);
  rtc_arm_alarms(t);
  rtc_update_irqs(t);
}

void rtc_system_reset(struct rtc *t) {
  t->unlocked = t->half_unlocked = t->tr_locked = t->dr_locked = false;
  t->synced_since = t->sim->events.now;
}

void rtc_power_cut(struct rtc *t) {
  t->hz = 0;
  event_cancel(&t->sim->events, &t->alarm_due);
  event_cancel(&t->sim->events, &t->wakeup_due);
}

void rtc_init(struct rtc *t, struct sim *sim, struct clock_source clocks) {
  memset(t, 0, sizeof *t);
  t->sim = sim;
  t->clocks = clocks;
  reg_file_init(&t->regs, &sim_regs_rtc, 0x40002800u, models,
                sizeof models / sizeof *models, &sim->report);
  reg_file_allow(&t->regs, SIM_RTC_ISR, ALL);
  rtc_time_init(t);
  rtc_backup_reset(t);
}

void rtc_free(struct rtc *t) {
  reg_file_free(&t->regs);
}
