// SPDX-License-Identifier: MIT
#include "sim/models/pwr.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

// CWUPF1 to 6 clear flags and read 0.
#define CR2_CLEARS 0x3Fu

// DS11532 table 19: over-drive enable 45 us typ, switch 20 us typ.
#define OD_ENABLE_TIME VT_US(45)
#define OD_SWITCH_TIME VT_US(20)

// Falling thresholds of the detector by PLS, in mV (DS11532 table 20, typ).
static const uint16_t pvd_levels_mv[8] = {2040, 2190, 2350, 2510,
                                          2660, 2840, 2930, 3030};

static const struct reg_model models[] = {
    {SIM_PWR_CR1,
     SIM_PWR_CR1_ODEN | SIM_PWR_CR1_ODSWEN | SIM_PWR_CR1_DBP | SIM_PWR_CR1_PVDE |
         SIM_PWR_CR1_PLS | SIM_PWR_CR1_VOS | SIM_PWR_CR1_PDDS | SIM_PWR_CR1_CSBF,
     // How deep Stop is shows in the current and the wake-up time alone.
     SIM_PWR_CR1_LPDS | SIM_PWR_CR1_FPDS | SIM_PWR_CR1_LPUDS | SIM_PWR_CR1_MRUDS |
         SIM_PWR_CR1_ADCDC1 | SIM_PWR_CR1_UDEN,
     0, 0},
    {SIM_PWR_CSR1, SIM_PWR_CSR1_BRE | SIM_PWR_CSR1_EIWUP, 0, 0, 0},
    {SIM_PWR_CR2, ALL, 0, 0, 0},
    {SIM_PWR_CSR2, ALL, 0, 0, 0},
};

static bool has(const struct pwr *p, uint32_t offset, uint32_t bits) {
  return (p->r[offset / 4] & bits) == bits;
}

static void changed(struct pwr *p) {
  if (p->on_change) p->on_change(p->ctx);
}

bool pwr_overdrive(const struct pwr *p) {
  return has(p, SIM_PWR_CSR1, SIM_PWR_CSR1_ODRDY | SIM_PWR_CSR1_ODSWRDY);
}

unsigned pwr_scale(const struct pwr *p) {
  // VOS: 11 scale 1, 10 scale 2, 01 scale 3, 00 reserved (scale 3).
  const uint32_t vos = SIM_GET(p->r[SIM_PWR_CR1 / 4], SIM_PWR_CR1_VOS);
  return vos == 0 ? 3 : 4 - vos;
}

bool pwr_backup_unlocked(const struct pwr *p) {
  return has(p, SIM_PWR_CR1, SIM_PWR_CR1_DBP);
}

static void on_od_ready(void *ctx) {
  struct pwr *p = ctx;
  p->r[SIM_PWR_CSR1 / 4] |= SIM_PWR_CSR1_ODRDY;
  changed(p);
}

static void on_od_switched(void *ctx) {
  struct pwr *p = ctx;
  p->r[SIM_PWR_CSR1 / 4] |= SIM_PWR_CSR1_ODSWRDY;
  changed(p);
}

// A ready flag follows its enable bit: after a time when set, at once when clear.
static void follow(struct pwr *p, struct event *e, uint32_t enable, uint32_t ready,
                   vtime_t delay) {
  if (!has(p, SIM_PWR_CR1, enable)) {
    event_cancel(&p->sim->events, e);
    p->r[SIM_PWR_CSR1 / 4] &= ~ready;
  } else if (!has(p, SIM_PWR_CSR1, ready) && !e->armed) {
    event_in(&p->sim->events, e, delay);
  }
}

static void write_cr1(struct pwr *p, uint32_t value) {
  const uint32_t old = p->r[SIM_PWR_CR1 / 4];
  if ((value & SIM_PWR_CR1_ODSWEN) && !(old & SIM_PWR_CR1_ODSWEN) &&
      !has(p, SIM_PWR_CSR1, SIM_PWR_CSR1_ODRDY)) {
    report_guest(&p->sim->report, GUEST_CLOCK_SEQUENCE, p->regs.base,
                 "over-drive switched to before ODRDY");
    value &= ~SIM_PWR_CR1_ODSWEN;
  }
  p->r[SIM_PWR_CR1 / 4] = value;
  follow(p, &p->od_ready, SIM_PWR_CR1_ODEN, SIM_PWR_CSR1_ODRDY, OD_ENABLE_TIME);
  follow(p, &p->od_switched, SIM_PWR_CR1_ODSWEN, SIM_PWR_CSR1_ODSWRDY, OD_SWITCH_TIME);
  changed(p);
}

bool pwr_voltage_low(const struct pwr *p) {
  const uint32_t level = pvd_levels_mv[SIM_GET(p->r[SIM_PWR_CR1 / 4], SIM_PWR_CR1_PLS)];
  return has(p, SIM_PWR_CR1, SIM_PWR_CR1_PVDE) && p->supply_mv < level;
}

static uint32_t read_csr1(const struct pwr *p) {
  uint32_t value = p->r[SIM_PWR_CSR1 / 4] | SIM_PWR_CSR1_VOSRDY;
  if (pwr_voltage_low(p)) value |= SIM_PWR_CSR1_PVDO;
  if (value & SIM_PWR_CSR1_BRE) value |= SIM_PWR_CSR1_BRR;
  if (p->rtc_event) value |= SIM_PWR_CSR1_WUIF;
  return value;
}

// --- what ends Standby ---

// A pin that wakes does so by its edge, and by being at the level after it when it is
// enabled (RM0410 4.3.6, 4.4.4). WUPP: 1 is falling.
static void look_at_pin(struct pwr *p, unsigned pin) {
  const bool enabled = has(p, SIM_PWR_CSR2, SIM_PWR_CSR2_EWUP1 << pin);
  const bool low = has(p, SIM_PWR_CR2, SIM_PWR_CR2_WUPP1 << pin);
  if (enabled && p->wake_level[pin] != low)
    p->r[SIM_PWR_CSR2 / 4] |= SIM_PWR_CSR2_WUPF1 << pin;
}

void pwr_wake_pin(struct pwr *p, unsigned pin, bool high) {
  if (p->wake_level[pin] == high) return;
  p->wake_level[pin] = high;
  look_at_pin(p, pin);
}

// ES0334 2.2.2: with the backup regulator on, the RTC wakes only if EIWUP is set.
bool pwr_wakes(const struct pwr *p) {
  const bool deaf = has(p, SIM_PWR_CSR1, SIM_PWR_CSR1_BRE) &&
                    !has(p, SIM_PWR_CSR1, SIM_PWR_CSR1_EIWUP);
  return (p->r[SIM_PWR_CSR2 / 4] & CR2_CLEARS) || (p->rtc_event && !deaf);
}

bool pwr_chooses_standby(const struct pwr *p) {
  return has(p, SIM_PWR_CR1, SIM_PWR_CR1_PDDS);
}

bool pwr_keeps_backup_sram(const struct pwr *p) {
  return has(p, SIM_PWR_CSR1, SIM_PWR_CSR1_BRE);
}

void pwr_stop(struct pwr *p) {
  write_cr1(p, p->r[SIM_PWR_CR1 / 4] & ~(SIM_PWR_CR1_ODEN | SIM_PWR_CR1_ODSWEN));
}

static void write_csr2(struct pwr *p, uint32_t value) {
  const uint32_t more = value & ~p->r[SIM_PWR_CSR2 / 4];
  p->r[SIM_PWR_CSR2 / 4] = value;
  for (unsigned pin = 0; pin < PWR_WAKE_PINS; pin++)
    if (more & (SIM_PWR_CSR2_EWUP1 << pin)) look_at_pin(p, pin);
}

static void write_cr2(struct pwr *p, uint32_t value) {
  p->r[SIM_PWR_CSR2 / 4] &= ~(value & CR2_CLEARS);
  p->r[SIM_PWR_CR2 / 4] = value & ~CR2_CLEARS;
}

uint32_t pwr_read(void *pwr, uint32_t offset, unsigned bytes) {
  const struct pwr *p = pwr;
  if (!reg_check_read(&p->regs, offset)) return 0;
  const uint32_t word = offset & ~3u;
  const uint32_t value = word == SIM_PWR_CSR1 ? read_csr1(p) : p->r[word / 4];
  return reg_extract(value, offset, bytes);
}

void pwr_write(void *pwr, uint32_t offset, unsigned bytes, uint32_t value) {
  struct pwr *p = pwr;
  if (!reg_check_write(&p->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t merged = reg_update(&p->regs, p->r[word / 4], offset, bytes, value);
  switch (word) {
    case SIM_PWR_CR1:
      if (merged & SIM_PWR_CR1_CSBF) p->r[SIM_PWR_CSR1 / 4] &= ~SIM_PWR_CSR1_SBF;
      write_cr1(p, merged & ~SIM_PWR_CR1_CSBF);
      break;
    case SIM_PWR_CSR1: p->r[word / 4] = merged & ~SIM_PWR_CSR1_UDRDY; break;
    case SIM_PWR_CR2: write_cr2(p, merged); break;
    default: write_csr2(p, merged);
  }
}

// SBF is cleared by power-on and CSBF alone (RM0410 4.4.2).
void pwr_reset(struct pwr *p, bool power_on) {
  const uint32_t kept = SIM_PWR_CSR1_BRE | SIM_PWR_CSR1_SBF;
  const uint32_t csr1 = power_on ? 0 : p->r[SIM_PWR_CSR1 / 4] & kept;
  memset(p->r, 0, sizeof p->r);
  p->r[SIM_PWR_CR1 / 4] = 0x0000C000u;  // VOS scale 1 (RM0410 4.4.1)
  p->r[SIM_PWR_CSR1 / 4] = csr1;
  event_cancel(&p->sim->events, &p->od_ready);
  event_cancel(&p->sim->events, &p->od_switched);
  changed(p);
}

void pwr_standby_reset(struct pwr *p) {
  const uint32_t eiwup = p->r[SIM_PWR_CSR1 / 4] & SIM_PWR_CSR1_EIWUP;
  const uint32_t cr2 = p->r[SIM_PWR_CR2 / 4], csr2 = p->r[SIM_PWR_CSR2 / 4];
  pwr_reset(p, false);
  p->r[SIM_PWR_CSR1 / 4] |= eiwup | SIM_PWR_CSR1_SBF;
  p->r[SIM_PWR_CR2 / 4] = cr2;
  p->r[SIM_PWR_CSR2 / 4] = csr2;
}

void pwr_init(struct pwr *p, struct sim *sim, uint32_t supply_mv) {
  memset(p, 0, sizeof *p);
  p->sim = sim;
  p->supply_mv = supply_mv;
  reg_file_init(&p->regs, &sim_regs_pwr, 0x40007000u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&p->od_ready, on_od_ready, p);
  event_init(&p->od_switched, on_od_switched, p);
}

void pwr_free(struct pwr *p) {
  reg_file_free(&p->regs);
}
