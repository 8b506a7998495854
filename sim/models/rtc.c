// SPDX-License-Identifier: MIT
#include "sim/models/rtc.h"

#include <string.h>

#include "sim_regs.h"

static const struct reg_model models[] = {
    {SIM_RTC_BKP0R, 0xFFFFFFFFu, 0, 32, 4},
    {SIM_RTC_WPR, 0, 0xFFu, 0, 0},
};

uint32_t rtc_read(void *rtc, uint32_t offset, unsigned bytes) {
  const struct rtc *t = rtc;
  if (!reg_check_read(&t->regs, offset)) return 0;
  return reg_extract(t->r[offset / 4], offset, bytes);
}

void rtc_write(void *rtc, uint32_t offset, unsigned bytes, uint32_t value) {
  struct rtc *t = rtc;
  if (!reg_check_write(&t->regs, offset, bytes, value)) return;
  if (!t->backup_unlocked) {
    report_guest(&t->sim->report, GUEST_BACKUP_LOCKED, t->regs.base + offset,
                 "RTC register written while PWR_CR1.DBP is clear");
    return;
  }
  uint32_t *word = &t->r[offset / 4];
  *word = reg_update(&t->regs, *word, offset, bytes, value);
}

void rtc_backup_reset(struct rtc *t) {
  memset(t->r, 0, sizeof t->r);
  for (size_t i = 0; i < t->regs.block->count; i++) {
    const struct reg_desc *d = &t->regs.block->regs[i];
    if (d->offset / 4 < RTC_WORDS) t->r[d->offset / 4] = d->reset;
  }
}

void rtc_init(struct rtc *t, struct sim *sim) {
  memset(t, 0, sizeof *t);
  t->sim = sim;
  reg_file_init(&t->regs, &sim_regs_rtc, 0x40002800u, models,
                sizeof models / sizeof *models, &sim->report);
  rtc_backup_reset(t);
}

void rtc_free(struct rtc *t) {
  reg_file_free(&t->regs);
}
