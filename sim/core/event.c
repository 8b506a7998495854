// SPDX-License-Identifier: MIT
#include "sim/core/event.h"

#include <stddef.h>

#define PS_PER_S 1000000000000u

vtime_t vt_cycles(uint64_t n, uint64_t hz) {
  if (n <= UINT64_MAX / PS_PER_S) return n * PS_PER_S / hz;
  // Split so that nothing overflows: whole seconds, then the rest.
  return n / hz * PS_PER_S + (vtime_t)((unsigned __int128)(n % hz) * PS_PER_S / hz);
}

void event_init(struct event *e, void (*fire)(void *ctx), void *ctx) {
  *e = (struct event){.fire = fire, .ctx = ctx};
}

static bool before(const struct event *a, const struct event *b) {
  return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void event_at(struct event_queue *q, struct event *e, vtime_t at) {
  event_cancel(q, e);
  e->at = at > q->now ? at : q->now;
  e->order = q->order++;
  e->armed = true;
  struct event **link = &q->head;
  while (*link && before(*link, e))
    link = &(*link)->next;
  e->next = *link;
  *link = e;
  if (q->head == e && q->on_sooner) q->on_sooner(q->on_sooner_ctx);
}

void event_in(struct event_queue *q, struct event *e, vtime_t delay) {
  const bool endless = delay > VT_NEVER - q->now;
  event_at(q, e, endless ? VT_NEVER : q->now + delay);
}

void event_cancel(struct event_queue *q, struct event *e) {
  if (!e->armed) return;
  e->armed = false;
  for (struct event **link = &q->head; *link; link = &(*link)->next) {
    if (*link == e) {
      *link = e->next;
      return;
    }
  }
}

vtime_t event_next(const struct event_queue *q) {
  return q->head ? q->head->at : VT_NEVER;
}

void event_run(struct event_queue *q, vtime_t until) {
  while (q->head && q->head->at <= until) {
    struct event *e = q->head;
    q->head = e->next;
    e->armed = false;
    if (e->at > q->now) q->now = e->at;
    e->fire(e->ctx);
  }
  if (until > q->now) q->now = until;
}
