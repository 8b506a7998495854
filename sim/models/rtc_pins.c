// SPDX-License-Identifier: MIT
// What pins do to the RTC: time stamps and tamper detection (RM0410 32.3.13, 32.3.14).
// A filter (TAMPFLT) takes no time here.
#include "sim/models/rtc_internal.h"
#include "sim_regs.h"

// TAMP1 is on PC13, TAMP2 on PI8, TAMP3 on PC1; TSINSEL counts the same pins.
static const struct {
  uint32_t enable, trigger, no_erase, masked, flag;
} tampers[RTC_PINS] = {
    {SIM_RTC_TAMPCR_TAMP1E, SIM_RTC_TAMPCR_TAMP1TRG, SIM_RTC_TAMPCR_TAMP1NOERASE,
     SIM_RTC_TAMPCR_TAMP1MF, SIM_RTC_ISR_TAMP1F},
    {SIM_RTC_TAMPCR_TAMP2E, SIM_RTC_TAMPCR_TAMP2TRG, SIM_RTC_TAMPCR_TAMP2NOERASE,
     SIM_RTC_TAMPCR_TAMP2MF, SIM_RTC_ISR_TAMP2F},
    {SIM_RTC_TAMPCR_TAMP3E, SIM_RTC_TAMPCR_TAMP3TRG, SIM_RTC_TAMPCR_TAMP3NOERASE,
     SIM_RTC_TAMPCR_TAMP3MF, SIM_RTC_ISR_TAMP3F},
};

static uint32_t reg(const struct rtc *t, uint32_t offset) {
  return t->r[offset / 4];
}

static void stamp(struct rtc *t) {
  uint32_t *isr = &t->r[SIM_RTC_ISR / 4];
  if (*isr & SIM_RTC_ISR_TSF) {
    *isr |= SIM_RTC_ISR_TSOVF;
    return;
  }
  *isr |= SIM_RTC_ISR_TSF;
  t->r[SIM_RTC_TSTR / 4] = rtc_pack_time(&t->now, reg(t, SIM_RTC_CR) & SIM_RTC_CR_FMT);
  // The date of a stamp has no year.
  t->r[SIM_RTC_TSDR / 4] = rtc_pack_date(&t->now) & 0xFFFFu;
  t->r[SIM_RTC_TSSSR / 4] = rtc_ssr(t);
}

static void tampered(struct rtc *t, unsigned pin) {
  const uint32_t cr = reg(t, SIM_RTC_TAMPCR);
  if (cr & SIM_RTC_TAMPCR_TAMPTS) stamp(t);
  if (!(cr & tampers[pin].masked)) t->r[SIM_RTC_ISR / 4] |= tampers[pin].flag;
  if (cr & (tampers[pin].masked | tampers[pin].no_erase)) return;
  for (unsigned i = 0; i < 32; i++)
    t->r[SIM_RTC_BKP0R / 4 + i] = 0;
}

// Without a filter TRG chooses the falling edge, with one the high level.
static bool triggers(const struct rtc *t, unsigned pin) {
  const uint32_t cr = reg(t, SIM_RTC_TAMPCR);
  const bool filtered = cr & SIM_RTC_TAMPCR_TAMPFLT;
  const bool trg = cr & tampers[pin].trigger;
  return t->pin[pin] == (filtered ? trg : !trg);
}

void rtc_tampers_changed(struct rtc *t, uint32_t before) {
  const uint32_t cr = reg(t, SIM_RTC_TAMPCR);
  for (unsigned i = 0; i < RTC_PINS; i++) {
    const bool goes_on = cr & ~before & tampers[i].enable;
    // An edge that came before is not one; a level is.
    if (goes_on && (cr & SIM_RTC_TAMPCR_TAMPFLT) && triggers(t, i)) tampered(t, i);
  }
}

static void look_for_stamp(struct rtc *t, unsigned pin) {
  const uint32_t cr = reg(t, SIM_RTC_CR);
  const uint32_t select = SIM_GET(reg(t, SIM_RTC_OR), SIM_RTC_OR_TSINSEL);
  if (!(cr & SIM_RTC_CR_TSE) || (select > 2 ? 2 : select) != pin) return;
  if (t->pin[pin] == !(cr & SIM_RTC_CR_TSEDGE)) stamp(t);
}

void rtc_pin(struct rtc *t, unsigned pin, bool high) {
  if (t->pin[pin] == high) return;
  rtc_sync(t);
  t->pin[pin] = high;
  look_for_stamp(t, pin);
  const bool on = reg(t, SIM_RTC_TAMPCR) & tampers[pin].enable;
  if (on && triggers(t, pin)) tampered(t, pin);
  rtc_update_irqs(t);
}

// TAMPIE is the enable of all three, and each has its own.
bool rtc_tamper_raises(const struct rtc *t) {
  static const uint32_t own[RTC_PINS] = {SIM_RTC_TAMPCR_TAMP1IE, SIM_RTC_TAMPCR_TAMP2IE,
                                         SIM_RTC_TAMPCR_TAMP3IE};
  const uint32_t isr = reg(t, SIM_RTC_ISR), cr = reg(t, SIM_RTC_TAMPCR);
  for (unsigned i = 0; i < RTC_PINS; i++)
    if ((isr & tampers[i].flag) && (cr & (own[i] | SIM_RTC_TAMPCR_TAMPIE))) return true;
  return (isr & SIM_RTC_ISR_TSF) && (reg(t, SIM_RTC_CR) & SIM_RTC_CR_TSIE);
}
