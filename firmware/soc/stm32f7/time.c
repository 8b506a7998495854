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
  *t = (struct soc_time){.clocks_per_us = hz / 1000000u, .us = us};
}

uint32_t soc_time_us(struct soc_time *t) {
  const uint32_t now = mmio_read32(STK_BASE + STK_VAL);
  const uint32_t clocks = ((t->last - now) % SYSTICK_SPAN) + t->remainder;
  t->last = now;
  t->us += clocks / t->clocks_per_us;
  t->remainder = clocks % t->clocks_per_us;
  return t->us;
}
