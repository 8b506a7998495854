// SPDX-License-Identifier: MIT
// How a timer counts (RM0410 26.3.2). Time is turned into clocks since an anchor, those
// into counts, and counts are taken in strides that end where something happens.
#include "sim/models/tim_internal.h"
#include "sim_regs.h"

#define PS_PER_S 1000000000000u
#define FOREVER  UINT64_MAX

static uint32_t cr1(const struct tim *t) {
  return t->r[SIM_TIM_CR1 / 4];
}

static bool is_centered(const struct tim *t) {
  return cr1(t) & SIM_TIM_CR1_CMS;
}

static uint32_t highest(const struct tim *t) {
  return t->config->wide ? 0xFFFFFFFFu : 0xFFFFu;
}

static uint64_t clocks_at(const struct tim *t, vtime_t time) {
  return (uint64_t)((unsigned __int128)(time - t->anchor) * t->hz / PS_PER_S);
}

// First time at which `clocks` have passed since the anchor.
static vtime_t time_of(const struct tim *t, uint64_t clocks) {
  const unsigned __int128 ps = (unsigned __int128)clocks * PS_PER_S + (t->hz - 1);
  const unsigned __int128 at = t->anchor + ps / t->hz;
  return at > VT_NEVER ? VT_NEVER : (vtime_t)at;
}

static bool stands(const struct tim *t) {
  return !t->hz || !t->arr;  // RM0410 26.4.12: ARR 0 blocks the counter
}

// --- one stride ---

// Counts until the next overflow or underflow. A count that is beyond ARR runs to the
// end of its width first and comes back at 0, which is no update.
static uint64_t to_boundary(const struct tim *t) {
  if (is_centered(t)) {
    if (t->down) return t->cnt ? t->cnt : 1;
    return t->cnt < t->arr ? t->arr - t->cnt : 1;
  }
  if (t->down) return (uint64_t)t->cnt + 1;
  const uint32_t end = t->cnt > t->arr ? highest(t) : t->arr;
  return (uint64_t)end - t->cnt + 1;
}

static uint32_t compare_flag(unsigned channel) {
  return channel < 4 ? SIM_TIM_SR_CC1IF << channel : SIM_TIM_SR_CC5IF << (channel - 4);
}

// In center-aligned mode 1 only the way down sets compare flags, in 2 the way up
// (RM0410 26.4.1).
static bool compares(const struct tim *t) {
  const uint32_t mode = SIM_GET(cr1(t), SIM_TIM_CR1_CMS);
  return mode == 0 || mode == 3 || (mode == 1) == t->down;
}

// Counts until the count equals `ccr` on the present way, FOREVER if it does not.
static uint64_t to_compare(const struct tim *t, uint32_t ccr) {
  if (!compares(t)) return FOREVER;
  if (t->down) return ccr < t->cnt ? t->cnt - ccr : FOREVER;
  const bool beyond = ccr > t->arr && t->cnt <= t->arr;
  return ccr > t->cnt && !beyond ? ccr - t->cnt : FOREVER;
}

static void flag_matches(struct tim *t, uint64_t counts) {
  for (unsigned i = 0; i < t->config->channels; i++)
    if (!tim_is_input(t, i) && to_compare(t, t->ccr[i]) <= counts)
      tim_raise(t, compare_flag(i));
}

// The count as it is matches at once after a jump (reload, restart).
static void flag_present(struct tim *t) {
  for (unsigned i = 0; i < t->config->channels && compares(t); i++)
    if (!tim_is_input(t, i) && t->ccr[i] == t->cnt) tim_raise(t, compare_flag(i));
}

static void advance(struct tim *t, uint64_t counts) {
  flag_matches(t, counts);
  const uint32_t n = (uint32_t)counts;
  t->cnt = t->down ? t->cnt - n : t->cnt + n;
}

void tim_load(struct tim *t) {
  static const uint32_t offsets[TIM_CHANNELS] = {SIM_TIM_CCR1, SIM_TIM_CCR2,
                                                 SIM_TIM_CCR3, SIM_TIM_CCR4,
                                                 SIM_TIM_CCR5, SIM_TIM_CCR6};
  t->arr = t->r[SIM_TIM_ARR / 4];
  t->psc = t->r[SIM_TIM_PSC / 4];
  t->repetitions = t->r[SIM_TIM_RCR / 4];
  for (unsigned i = 0; i < t->config->channels; i++)
    t->ccr[i] = t->r[offsets[i] / 4] & highest(t);
}

static void stop(struct tim *t) {
  t->r[SIM_TIM_CR1 / 4] &= ~SIM_TIM_CR1_CEN;
  t->hz = 0;
  tim_enabled(t, false);
}

// The update event (RM0410 26.3.1), every RCR + 1 overflows.
static void update(struct tim *t) {
  if (t->repetitions) {
    t->repetitions--;
    return;
  }
  if (cr1(t) & SIM_TIM_CR1_UDIS) return;
  tim_load(t);
  tim_raise(t, SIM_TIM_SR_UIF);
  if (cr1(t) & SIM_TIM_CR1_OPM) stop(t);
}

// Takes the last count of a stride, over the boundary.
static void turn(struct tim *t) {
  if (is_centered(t)) {
    t->cnt = t->down ? 0 : t->arr;
    t->down = !t->down;
    update(t);
  } else if (t->down) {
    update(t);
    t->cnt = t->arr;
  } else {
    const bool overflow = t->cnt <= t->arr;
    t->cnt = 0;
    if (overflow) update(t);
  }
  flag_present(t);
}

// One count by another clock than its own.
void tim_step(struct tim *t) {
  if (to_boundary(t) > 1) {
    advance(t, 1);
  } else {
    turn(t);
  }
}

// --- time ---

// After two turns everything repeats: every flag that a period sets is set, and what
// was preloaded is in use. Whole periods, as many as one update takes, are skipped.
static uint64_t skippable(const struct tim *t, uint64_t counts) {
  if (t->cnt > t->arr) return 0;
  const uint64_t turn_counts = is_centered(t) ? t->arr : t->arr + 1ull;
  const uint64_t period = turn_counts * 2 * (t->r[SIM_TIM_RCR / 4] + 1ull);
  return counts - counts % period;
}

static uint64_t counts_due(const struct tim *t) {
  const uint64_t clocks = clocks_at(t, t->sim->events.now) - t->clocks_done;
  return clocks / (t->psc + 1ull);
}

static void spend(struct tim *t, uint64_t counts) {
  t->clocks_done += counts * (t->psc + 1ull);
}

void tim_sync(struct tim *t) {
  for (unsigned turns = 0; !stands(t); turns++) {
    if (turns == 6 + 4 * (t->r[SIM_TIM_RCR / 4] + 1))
      spend(t, skippable(t, counts_due(t)));
    const uint64_t due = counts_due(t), boundary = to_boundary(t);
    if (due < boundary) {
      if (due) advance(t, due);
      spend(t, due);
      return;
    }
    if (boundary > 1) advance(t, boundary - 1);
    spend(t, boundary);
    turn(t);
  }
}

void tim_restart(struct tim *t) {
  const bool counts = (cr1(t) & SIM_TIM_CR1_CEN) && tim_uses_own_clock(t);
  t->hz = counts ? clock_hz(&t->clocks, t->clock) : 0;
  t->anchor = t->sim->events.now;
  t->clocks_done = 0;
}

void tim_clock_changed(struct tim *t) {
  tim_follow_input(t);
  if (!(cr1(t) & SIM_TIM_CR1_CEN) || !tim_uses_own_clock(t)) return;
  if (t->hz == clock_hz(&t->clocks, t->clock)) return;
  tim_sync(t);
  tim_restart(t);
  tim_arm(t);
}

// --- interrupts ---

// Counts until a flag rises whose interrupt is enabled: at the boundary at the latest,
// where the next stride is looked at anew.
static uint64_t to_interrupt(const struct tim *t) {
  const uint32_t waiting =
      (t->r[SIM_TIM_DIER / 4] & ~t->r[SIM_TIM_SR / 4]) | tim_watched(t);
  const uint32_t compare =
      SIM_TIM_SR_CC1IF | SIM_TIM_SR_CC2IF | SIM_TIM_SR_CC3IF | SIM_TIM_SR_CC4IF;
  if (!(waiting & (compare | SIM_TIM_SR_UIF))) return FOREVER;
  uint64_t first = to_boundary(t);
  for (unsigned i = 0; i < t->config->channels && i < 4; i++) {
    if (!(waiting & compare_flag(i))) continue;
    const uint64_t match = to_compare(t, t->ccr[i]);
    if (match < first) first = match;
  }
  return first;
}

void tim_arm(struct tim *t) {
  event_cancel(&t->sim->events, &t->due);
  if (stands(t)) return;
  const uint64_t counts = to_interrupt(t);
  if (counts == FOREVER) return;
  const uint64_t clocks = t->clocks_done + counts * (t->psc + 1ull);
  event_at(&t->sim->events, &t->due, time_of(t, clocks));
}

void tim_on_due(void *tim) {
  struct tim *t = tim;
  tim_sync(t);
  tim_arm(t);
  tim_update_irqs(t);
}
