// SPDX-License-Identifier: MIT
#include "firmware/mmio.h"
#include "firmware/soc/stm32f7/cortex_m7_regs.h"
#include "firmware/soc/stm32f7/soc.h"

#define SYSTICK_SPAN 0x1000000u  // 24 bits

void soc_time_start(struct soc_time *t, uint32_t hz) {
  const uint32_t us = t->us;  // time goes on across a change of the clock
  mmio_write32(STK_BASE + STK_CTRL, 0);
  mmio_write32(STK_BASE + STK_LOAD, SYSTICK_SPAN - 1);
  mmio_write32(STK_BASE + STK_VAL, 0);
  mmio_write32(STK_BASE + STK_CTRL, field_mask(STK_CTRL_ENABLE) |
                                        field_mask(STK_CTRL_TICKINT) |
                                        field_mask(STK_CTRL_CLKSOURCE));
  *t =
      (struct soc_time){.clocks_per_us = hz / 1000000u, .last = SYSTICK_SPAN, .us = us};
}

// A core that sleeps from one wrap to the next reads nearly the same value each time:
// only COUNTFLAG tells that it was another round. It is set with the count of 0, the
// last of its round.
static uint32_t clocks_since(uint32_t last, uint32_t *now) {
  *now = mmio_read32(STK_BASE + STK_VAL);
  if (!field_get(mmio_read32(STK_BASE + STK_CTRL), STK_CTRL_COUNTFLAG)) {
    return last - *now;
  }
  *now = mmio_read32(STK_BASE + STK_VAL);  // that of the new round, for certain
  if (*now == 0) *now = SYSTICK_SPAN;
  return last + SYSTICK_SPAN - *now;
}

uint32_t soc_time_us(struct soc_time *t) {
  uint32_t now;
  const uint32_t clocks = clocks_since(t->last, &now) + t->remainder;
  t->last = now;
  t->us += clocks / t->clocks_per_us;
  t->remainder = clocks % t->clocks_per_us;
  return t->us;
}
