// SPDX-License-Identifier: MIT
#include "sim/models/iwdg.h"

#include <string.h>

#include "sim_regs.h"

#define KEY_UNLOCK 0x5555u
#define KEY_RELOAD 0xAAAAu
#define KEY_START  0xCCCCu

enum { PVU, RVU, WVU, UPDATE_LSI_CYCLES = 5 };

static const struct reg_model models[] = {
    {SIM_IWDG_KR, 0xFFFFu, 0, 0, 0},
    {SIM_IWDG_PR, 7, 0, 0, 0},
    {SIM_IWDG_RLR, 0xFFFu, 0, 0, 0},
    {SIM_IWDG_WINR, 0xFFFu, 0, 0, 0},
};

// PR 0 is /4, each step doubles, 6 and 7 are /256 (RM0410 30.4.2).
static uint64_t prescaler(const struct iwdg *w) {
  return 4ull << (w->pr > 6 ? 6 : w->pr);
}

static vtime_t counts(const struct iwdg *w, uint64_t n) {
  return vt_cycles(n * prescaler(w), clock_hz(&w->clocks, CLOCK_LSI));
}

static void reload(struct iwdg *w) {
  w->reloaded = w->sim->events.now;
  event_in(&w->sim->events, &w->expired, counts(w, w->rlr + 1ull));
}

static void on_expired(void *ctx) {
  struct iwdg *w = ctx;
  report_guest(&w->sim->report, GUEST_WATCHDOG, w->regs.base,
               "the IWDG was not fed in time");
  w->on_expired(w->ctx);
}

static bool window_closed(const struct iwdg *w) {
  if (w->winr >= w->rlr) return false;
  return w->sim->events.now < w->reloaded + counts(w, w->rlr - w->winr);
}

static bool lsi_runs(const struct iwdg *w) {
  return w->running || (w->lsi_on && w->lsi_on(w->ctx));
}

// A new value takes up to 5 LSI clocks (RM0410 30.4.4), and for ever without an LSI
// (AN2606: PVU stays 1 when nothing has started the watchdog).
static vtime_t arrival(const struct iwdg *w) {
  if (!lsi_runs(w)) return VT_NEVER;
  return w->sim->events.now +
         vt_cycles(UPDATE_LSI_CYCLES, clock_hz(&w->clocks, CLOCK_LSI));
}

void iwdg_lsi_changed(struct iwdg *w) {
  for (unsigned i = 0; i < 3; i++) {
    if (w->updating[i] == VT_NEVER) w->updating[i] = arrival(w);
  }
}

static void write_key(struct iwdg *w, uint32_t key) {
  w->unlocked = key == KEY_UNLOCK;
  // Any other key only locks (RM0410 30.3.4); ST's drivers write 0 for that.
  if (key == KEY_START && !w->running) {
    w->running = true;
    iwdg_lsi_changed(w);
    reload(w);
  } else if (key == KEY_RELOAD && w->running) {
    if (window_closed(w)) {
      on_expired(w);
    } else {
      reload(w);
    }
  }
}

static void write_setting(struct iwdg *w, unsigned which, uint32_t *reg,
                          uint32_t value) {
  const uint32_t addr = w->regs.base;
  if (!w->unlocked) {
    report_guest(&w->sim->report, GUEST_WATCHDOG_BUSY, addr,
                 "IWDG register written without the key 0x5555");
    return;
  }
  if (w->updating[which] > w->sim->events.now) {
    report_guest(&w->sim->report, GUEST_WATCHDOG_BUSY, addr,
                 "IWDG register written while its last value is still on its way");
    return;
  }
  *reg = value;
  w->updating[which] = arrival(w);
  // A new window value also reloads the counter (RM0410 30.3.2).
  if (which == WVU && w->running) reload(w);
}

static uint32_t status(const struct iwdg *w) {
  uint32_t sr = 0;
  for (unsigned i = 0; i < 3; i++) {
    if (w->updating[i] > w->sim->events.now) sr |= 1u << i;
  }
  return sr;
}

uint32_t iwdg_read(void *iwdg, uint32_t offset, unsigned bytes) {
  const struct iwdg *w = iwdg;
  if (!reg_check_read(&w->regs, offset)) return 0;
  uint32_t value = 0;
  switch (offset & ~3u) {
    case SIM_IWDG_PR: value = w->pr; break;
    case SIM_IWDG_RLR: value = w->rlr; break;
    case SIM_IWDG_SR: value = status(w); break;
    case SIM_IWDG_WINR: value = w->winr; break;
    default: break;
  }
  return reg_extract(value, offset, bytes);
}

void iwdg_write(void *iwdg, uint32_t offset, unsigned bytes, uint32_t value) {
  struct iwdg *w = iwdg;
  if (!reg_check_write(&w->regs, offset, bytes, value)) return;
  switch (offset & ~3u) {
    case SIM_IWDG_KR: write_key(w, value & 0xFFFFu); break;
    case SIM_IWDG_PR: write_setting(w, PVU, &w->pr, value & 7u); break;
    case SIM_IWDG_RLR: write_setting(w, RVU, &w->rlr, value & 0xFFFu); break;
    case SIM_IWDG_WINR: write_setting(w, WVU, &w->winr, value & 0xFFFu); break;
    default: break;
  }
}

void iwdg_reset(struct iwdg *w, bool hardware_start) {
  event_cancel(&w->sim->events, &w->expired);
  w->pr = 0;
  w->rlr = w->winr = 0xFFFu;
  w->running = hardware_start;
  w->unlocked = false;
  memset(w->updating, 0, sizeof w->updating);
  if (w->running) reload(w);
}

void iwdg_init(struct iwdg *w, struct sim *sim, struct clock_source clocks) {
  memset(w, 0, sizeof *w);
  w->sim = sim;
  w->clocks = clocks;
  reg_file_init(&w->regs, &sim_regs_iwdg, 0x40003000u, models,
                sizeof models / sizeof *models, &sim->report);
  event_init(&w->expired, on_expired, w);
}

void iwdg_free(struct iwdg *w) {
  reg_file_free(&w->regs);
}
