// SPDX-License-Identifier: MIT
#include "sim/models/wwdg.h"

#include <string.h>

#include "sim_regs.h"

#define PS_PER_S 1000000000000u
enum { EARLY = 0x40, LAST = 0x3F };

static const struct reg_model models[] = {
    {SIM_WWDG_CR, 0xFFu, 0, 0, 0},
    {SIM_WWDG_CFR, 0x3FFu, 0, 0, 0},
    {SIM_WWDG_SR, 1u, 0, 0, 0},
};

static bool runs(const struct wwdg *w) {
  return w->cr & SIM_WWDG_CR_WDGA;
}

// RM0410 31.3.4: PCLK1 clocks of one count.
static uint64_t step(const struct wwdg *w) {
  return 4096ull << SIM_GET(w->cfr, SIM_WWDG_CFR_WDGTB);
}

static uint32_t count(const struct wwdg *w) {
  const uint32_t loaded = w->cr & SIM_WWDG_CR_T;
  if (!runs(w)) return loaded;
  const vtime_t elapsed = w->sim->events.now - w->start;
  const uint64_t clocks = (uint64_t)((unsigned __int128)elapsed * w->hz / PS_PER_S);
  const uint64_t counts = clocks / step(w);
  return counts < loaded ? loaded - (uint32_t)counts : 0;
}

static vtime_t time_of(const struct wwdg *w, uint32_t value) {
  const uint64_t clocks = ((w->cr & SIM_WWDG_CR_T) - value) * step(w);
  const unsigned __int128 ps = (unsigned __int128)clocks * PS_PER_S + (w->hz - 1);
  return w->start + (vtime_t)(ps / w->hz);
}

static void update_irq(const struct wwdg *w) {
  irq_set(&w->irq, (w->cfr & SIM_WWDG_CFR_EWI) && (w->sr & SIM_WWDG_SR_EWIF));
}

static void expire(struct wwdg *w, const char *why) {
  event_cancel(&w->sim->events, &w->due);
  report_guest(&w->sim->report, GUEST_WATCHDOG, w->regs.base, "WWDG: %s", why);
  if (w->on_expired) w->on_expired(w->ctx);
}

static void arm(struct wwdg *w) {
  event_cancel(&w->sim->events, &w->due);
  if (!runs(w) || !w->hz) return;
  const uint32_t now = count(w);
  event_at(&w->sim->events, &w->due, time_of(w, now > EARLY ? EARLY : LAST));
}

static void on_due(void *ctx) {
  struct wwdg *w = ctx;
  if (count(w) <= LAST) {
    expire(w, "not refreshed in time");
    return;
  }
  w->sr |= SIM_WWDG_SR_EWIF;
  update_irq(w);
  arm(w);
}

static void restart(struct wwdg *w, uint32_t value) {
  w->cr = (w->cr & ~SIM_WWDG_CR_T) | value;
  w->start = w->sim->events.now;
  w->hz = clock_hz(&w->clocks, CLOCK_PCLK1);
  arm(w);
}

// WDGA is set by software and cleared by a reset alone (RM0410 31.4.1).
static void write_cr(struct wwdg *w, uint32_t value) {
  const uint32_t loaded = value & SIM_WWDG_CR_T;
  const bool ran = runs(w);
  const bool early = ran && count(w) > SIM_GET(w->cfr, SIM_WWDG_CFR_W);
  w->cr |= value & SIM_WWDG_CR_WDGA;
  if (early) {
    expire(w, "refreshed before its window");
  } else if (runs(w) && loaded <= LAST) {
    expire(w, "T6 written as 0");
  } else {
    restart(w, loaded);
  }
}

uint32_t wwdg_read(void *wwdg, uint32_t offset, unsigned bytes) {
  struct wwdg *w = wwdg;
  if (!reg_check_read(&w->regs, offset)) return 0;
  uint32_t value = w->sr;
  if ((offset & ~3u) == SIM_WWDG_CR) value = (w->cr & SIM_WWDG_CR_WDGA) | count(w);
  if ((offset & ~3u) == SIM_WWDG_CFR) value = w->cfr;
  return reg_extract(value, offset, bytes);
}

void wwdg_write(void *wwdg, uint32_t offset, unsigned bytes, uint32_t value) {
  struct wwdg *w = wwdg;
  if (!reg_check_write(&w->regs, offset, bytes, value)) return;
  switch (offset & ~3u) {
    case SIM_WWDG_CR:
      write_cr(w, reg_update(&w->regs, w->cr, offset, bytes, value));
      break;
    case SIM_WWDG_CFR: {
      const uint32_t now = count(w);
      w->cfr = reg_update(&w->regs, w->cfr, offset, bytes, value);
      restart(w, now);
      break;
    }
    default: w->sr &= reg_update(&w->regs, w->sr, offset, bytes, value);
  }
  update_irq(w);
}

void wwdg_clock_changed(struct wwdg *w) {
  if (runs(w) && w->hz != clock_hz(&w->clocks, CLOCK_PCLK1)) restart(w, count(w));
}

void wwdg_reset(struct wwdg *w, bool started) {
  event_cancel(&w->sim->events, &w->due);
  w->cr = w->cfr = 0x7F;  // RM0410 31.4.1 and 31.4.2
  w->sr = 0;
  if (started) {
    w->cr |= SIM_WWDG_CR_WDGA;
    restart(w, SIM_WWDG_CR_T);
  }
  update_irq(w);
}

void wwdg_init(struct wwdg *w, struct sim *sim, struct clock_source clocks) {
  memset(w, 0, sizeof *w);
  w->sim = sim;
  w->clocks = clocks;
  reg_file_init(&w->regs, &sim_regs_wwdg, 0x40002C00u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&w->due, on_due, w);
  w->cr = w->cfr = 0x7F;
}

void wwdg_free(struct wwdg *w) {
  reg_file_free(&w->regs);
}
