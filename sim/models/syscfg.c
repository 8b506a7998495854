// SPDX-License-Identifier: MIT
#include "sim/models/syscfg.h"

#include <string.h>

#include "sim_regs.h"

// The manual gives no ready time; software is to wait for READY.
#define CELL_READY_TIME VT_US(10)

static const struct reg_model models[] = {
    {SIM_SYSCFG_MEMRMP, SIM_SYSCFG_MEMRMP_SWP_FB | SIM_SYSCFG_MEMRMP_SWP_FMC, 0, 0, 0},
    // Pin drive for I2C, ADC settings and the Ethernet interface show in nothing here.
    {SIM_SYSCFG_PMC, 0, 0xFFFFFFFFu, 0, 0},
    {SIM_SYSCFG_EXTICR1, 0xFFFFu, 0, 4, 4},
    {SIM_SYSCFG_CMPCR, SIM_SYSCFG_CMPCR_CMP_PD, 0, 0, 0},
};

bool syscfg_compensated(const struct syscfg *s) {
  return (s->r[SIM_SYSCFG_CMPCR / 4] & SIM_SYSCFG_CMPCR_CMP_PD) &&
         s->sim->events.now >= s->cell_on + CELL_READY_TIME;
}

uint32_t syscfg_read(void *syscfg, uint32_t offset, unsigned bytes) {
  const struct syscfg *s = syscfg;
  if (!reg_check_read(&s->regs, offset)) return 0;
  uint32_t value = s->r[offset / 4];
  if ((offset & ~3u) == SIM_SYSCFG_CMPCR && syscfg_compensated(s)) {
    value |= SIM_SYSCFG_CMPCR_READY;
  }
  return reg_extract(value, offset, bytes);
}

void syscfg_write(void *syscfg, uint32_t offset, unsigned bytes, uint32_t value) {
  struct syscfg *s = syscfg;
  if (!reg_check_write(&s->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t old = s->r[word / 4];
  uint32_t v = reg_update(&s->regs, old, offset, bytes, value);
  if (word == SIM_SYSCFG_MEMRMP && SIM_GET(v, SIM_SYSCFG_MEMRMP_SWP_FMC) > 1) {
    report_guest(&s->sim->report, GUEST_RESERVED_BITS, s->regs.base,
                 "MEMRMP.SWP_FMC: 10 and 11 are reserved");
  }
  if (word == SIM_SYSCFG_CMPCR) {
    if (v & ~old) s->cell_on = s->sim->events.now;
  }
  s->r[word / 4] = v;
  if (s->on_write) s->on_write(s->ctx, word, v);
}

void syscfg_reset(struct syscfg *s) {
  memset(s->r, 0, sizeof s->r);
  for (uint32_t word = 0; word < SYSCFG_WORDS && s->on_write; word++)
    s->on_write(s->ctx, 4 * word, 0);
}

void syscfg_init(struct syscfg *s, struct sim *sim) {
  memset(s, 0, sizeof *s);
  s->sim = sim;
  reg_file_init(&s->regs, &sim_regs_syscfg, 0x40013800u, models,
                sizeof models / sizeof *models, &sim->report);
}

void syscfg_free(struct syscfg *s) {
  reg_file_free(&s->regs);
}
