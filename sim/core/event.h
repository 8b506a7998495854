// SPDX-License-Identifier: MIT
// Virtual time and the queue of things that happen at a point of it.
//
// Time is counted in picoseconds from power-on: fine enough for one clock of
// every bus on the board, and 64 bits of it last 213 days. `now` only grows.
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t vtime_t;

#define VT_NS(n) ((vtime_t)(n)*1000u)
#define VT_US(n) ((vtime_t)(n)*1000000u)
#define VT_MS(n) ((vtime_t)(n)*1000000000u)
#define VT_S(n)  ((vtime_t)(n)*1000000000000u)
#define VT_NEVER UINT64_MAX

// Time of `n` periods of a clock of `hz`, exact to a picosecond.
vtime_t vt_cycles(uint64_t n, uint64_t hz);

// An event belongs to whoever declares it; the queue only links it.
struct event {
  void (*fire)(void *ctx);
  void *ctx;
  vtime_t at;
  uint64_t order;  // among equal times, first scheduled fires first
  struct event *next;
  bool armed;
};

struct event_queue {
  vtime_t now;
  struct event *head;
  uint64_t order;
  // Called when an event becomes the new first one, so that a CPU in the
  // middle of a slice learns that it must stop sooner. May be NULL.
  void (*on_sooner)(void *ctx);
  void *on_sooner_ctx;
};

void event_init(struct event *e, void (*fire)(void *ctx), void *ctx);

// Arms `e` for time `at` (moved if it was armed). A time that has passed is
// taken as "now"; the event still fires from event_run, never from here.
void event_at(struct event_queue *q, struct event *e, vtime_t at);

// The same, `delay` after now.
void event_in(struct event_queue *q, struct event *e, vtime_t delay);

void event_cancel(struct event_queue *q, struct event *e);

// Time of the first armed event, VT_NEVER when there is none.
vtime_t event_next(const struct event_queue *q);

// Fires everything due up to and including `until` in order, advancing `now`
// to each event's time and at last to `until`.
void event_run(struct event_queue *q, vtime_t until);
