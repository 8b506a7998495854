// SPDX-License-Identifier: MIT
#include "sim/cpu/cpu_internal.h"

#define PS_PER_S 1000000000000u

// One multiplication: this runs at every register access.
static vtime_t time_of_ticks(const struct cpu *c, uint64_t ticks) {
  const uint64_t n = ticks - c->base_ticks;
  return c->base_time + (vtime_t)(((unsigned __int128)n * c->tick_ps_q32) >> 32);
}

vtime_t cpu_time(const struct cpu *c) {
  return time_of_ticks(c, c->ticks);
}

// The first tick at or after time `t`.
uint64_t cpu_ticks_at(const struct cpu *c, vtime_t t) {
  if (t == VT_NEVER) return UINT64_MAX;
  if (t <= c->base_time) return c->base_ticks;
  // At most the right one, and hardly less.
  const unsigned __int128 x = (unsigned __int128)(t - c->base_time) * c->ps_tick_q64;
  uint64_t ticks = c->base_ticks + (uint64_t)(x >> 64);
  while (time_of_ticks(c, ticks) < t)
    ticks++;
  return ticks;
}

void cpu_sync_time(struct cpu *c) {
  event_run(&c->sim->events, cpu_time(c));
}

void cpu_spend(struct cpu *c, vtime_t duration) {
  c->ticks = cpu_ticks_at(c, cpu_time(c) + duration);
}

void cpu_wait(struct cpu *c, vtime_t until) {
  if (until > cpu_time(c)) c->ticks = cpu_ticks_at(c, until);
  cpu_sync_time(c);
}

void cpu_set_clock(struct cpu *c, uint64_t hz) {
  if (hz == c->hz) return;
  c->base_time = c->sim->events.now;
  c->base_ticks = c->ticks;
  c->hz = hz;
  c->tick_ps_q32 =
      (uint64_t)(((unsigned __int128)PS_PER_S << 32) / (hz * TICKS_PER_CYCLE));
  c->ps_tick_q64 = (uint64_t)(((unsigned __int128)1 << 96) / c->tick_ps_q32);
  cpu_attention(c);
}

void cpu_attention(struct cpu *c) {
  c->attention = true;
  c->deadline = 0;
}

void cpu_stop(struct cpu *c) {
  c->stop_requested = true;
  c->deadline = 0;
}

void cpu_power_off(struct cpu *c) {
  c->powered = false;
  cpu_stop(c);
}

// An event became the first one: the slice ends there at the latest.
void cpu_on_sooner(void *ctx) {
  struct cpu *c = ctx;
  const uint64_t end = cpu_ticks_at(c, event_next(&c->sim->events));
  if (end < c->slice_end) c->slice_end = end;
  if (end < c->deadline) c->deadline = end;
}

void cpu_on_pending(void *ctx) {
  struct cpu *c = ctx;
  c->pending_changed = true;
  c->deadline = 0;
}

void cpu_begin_slice(struct cpu *c) {
  const vtime_t next = event_next(&c->sim->events);
  c->slice_end = cpu_ticks_at(c, next < c->until ? next : c->until);
  const uint64_t longest = c->ticks + MAX_SLICE_CYCLES * TICKS_PER_CYCLE;
  if (c->slice_end > longest) c->slice_end = longest;
  c->deadline = c->stop_requested || c->debug ? 0 : c->slice_end;
}
