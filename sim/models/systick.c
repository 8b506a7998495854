// SPDX-License-Identifier: MIT
#include "sim/models/systick.h"

#include "sim_regs.h"

#define PS_PER_S 1000000000000u
// RM0410 10.1.2: calibration 18750 = 1 ms of HCLK/8 at 150 MHz; NOREF clear.
#define CALIB_VALUE 0x4000493Eu

static uint64_t ticks_since_start(const struct systick *t) {
  const vtime_t elapsed = t->sim->events.now - t->start_time;
  return (uint64_t)((unsigned __int128)elapsed * t->hz / PS_PER_S);
}

static uint32_t count(const struct systick *t) {
  if (!t->hz) return t->start_value;
  const uint64_t n = ticks_since_start(t);
  if (n <= t->start_value) return t->start_value - (uint32_t)n;
  return t->reload - (uint32_t)((n - t->start_value - 1) % (t->reload + 1ull));
}

// First time at or after which `ticks` ticks have passed.
static vtime_t time_of(const struct systick *t, uint64_t ticks) {
  const unsigned __int128 ps = (unsigned __int128)ticks * PS_PER_S + (t->hz - 1);
  return t->start_time + (vtime_t)(ps / t->hz);
}

static void arm(struct systick *t) {
  event_cancel(&t->sim->events, &t->zero);
  if (!t->hz) return;
  // Zero is reached when the count falls from 1 to 0; a count that starts at 0
  // first reloads, without the flag (B3.3.1). Reload 0 ends it at the next 0.
  uint64_t next = t->start_value;
  const uint64_t passed = ticks_since_start(t);
  if (!t->reload && next <= passed) return;
  if (next == 0) next = t->reload + 1ull;
  if (next <= passed) {
    next += (passed - next + t->reload + 1) / (t->reload + 1ull) * (t->reload + 1ull);
    if (next <= passed) next += t->reload + 1ull;
  }
  event_at(&t->sim->events, &t->zero, time_of(t, next));
}

static void on_zero(void *ctx) {
  struct systick *t = ctx;
  t->count_flag = true;
  if (t->csr & SIM_STK_CTRL_TICKINT) t->pend(t->pend_ctx);
  arm(t);
}

static uint64_t rate(const struct systick *t) {
  if (!(t->csr & SIM_STK_CTRL_ENABLE)) return 0;
  const uint64_t hclk = clock_hz(&t->clocks, CLOCK_HCLK);
  return t->csr & SIM_STK_CTRL_CLKSOURCE ? hclk : hclk / 8;
}

static void restart(struct systick *t, uint32_t value) {
  t->start_value = value;
  t->start_time = t->sim->events.now;
  t->hz = rate(t);
  arm(t);
}

// After a change of settings: the count goes on, at the same rate within its tick.
static void carry_on(struct systick *t, uint32_t value) {
  const bool same = t->hz && t->hz == rate(t);
  const vtime_t tick = same ? time_of(t, ticks_since_start(t)) : 0;
  restart(t, value);
  if (!same) return;
  t->start_time = tick;
  arm(t);
}

void systick_init(struct systick *t, struct sim *sim, struct clock_source clocks) {
  *t = (struct systick){.sim = sim, .clocks = clocks};
  event_init(&t->zero, on_zero, t);
}

void systick_reset(struct systick *t) {
  t->csr = t->reload = 0;
  t->count_flag = false;
  restart(t, 0);
}

void systick_clock_changed(struct systick *t) {
  restart(t, count(t));
}

uint32_t systick_read(struct systick *t, uint32_t offset) {
  switch (offset) {
    case SIM_STK_CTRL: {
      const uint32_t value = t->csr | (t->count_flag ? SIM_STK_CTRL_COUNTFLAG : 0);
      t->count_flag = false;
      return value;
    }
    case SIM_STK_LOAD: return t->reload;
    case SIM_STK_VAL: return count(t);
    default: return CALIB_VALUE;
  }
}

void systick_write(struct systick *t, uint32_t offset, uint32_t value) {
  const uint32_t now = count(t);
  switch (offset) {
    case SIM_STK_CTRL:
      t->csr =
          value & (SIM_STK_CTRL_ENABLE | SIM_STK_CTRL_TICKINT | SIM_STK_CTRL_CLKSOURCE);
      carry_on(t, now);
      break;
    case SIM_STK_LOAD:
      t->reload = value & 0xFFFFFFu;
      carry_on(t, now);
      break;
    case SIM_STK_VAL:
      t->count_flag = false;
      restart(t, 0);
      break;
    default: break;
  }
}
