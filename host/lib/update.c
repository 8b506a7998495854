// SPDX-License-Identifier: MIT
#include "host/lib/update.h"

#include <inttypes.h>
#include <string.h>

// A board that is lost so often without a sector written in between has a cause
// that trying again does not mend.
enum { LOSSES_IN_VAIN = 3 };

// ---- The state it leaves ---------------------------------------------------

static size_t written(const struct plan *p) {
  return plan_count(p, UNIT_WRITTEN) + plan_count(p, UNIT_VERIFIED) +
         plan_count(p, UNIT_UNCHANGED);
}

// By this run of the plan. A unit that was changed may be waiting again.
static bool touched(const struct plan *p) {
  return p->sent + plan_count(p, UNIT_WRITTEN) + plan_count(p, UNIT_VERIFIED) +
             plan_count(p, UNIT_ERASED) >
         0;
}

// What an interrupted update means.
static void tell_unfinished(enum usb_board_kind kind, const struct plan *p,
                            bool changed, struct qb_error *out) {
  if (!changed) {
    qb_error_set(out,
                 "nothing was changed on the board, but for the sector that it "
                 "was perhaps working on; run the same command again");
  } else if (kind == BOARD_QUADBOOT) {
    qb_error_set(out,
                 "%zu of %zu sectors are written; the board stays in quadboot and "
                 "starts no half-written application; run the same command again",
                 written(p), p->count);
  } else {
    qb_error_set(out,
                 "%zu of %zu sectors are written, so what is installed is not whole; "
                 "run the same command again before the application is started",
                 written(p), p->count);
  }
}

static void tell_state(enum usb_board_kind kind, const struct plan *p, bool changed,
                       const struct update_options *options, struct update_result *r) {
  const bool all = written(p) == p->count;
  if (r->outcome == JOB_DIFFERENT) {
    qb_error_set(&r->state,
                 "the flash does not hold what was written; run the same "
                 "command again, and replace the board if that does not help");
  } else if (!all) {
    tell_unfinished(kind, p, changed, &r->state);
  } else if (r->outcome == JOB_REFUSED && options->job.start) {
    qb_error_set(&r->state,
                 "all %zu sectors are written, but no application was started: the "
                 "board stays in its bootloader, which --no-start asks for",
                 p->count);
  } else if (r->outcome != JOB_DONE && options->job.start) {
    qb_error_set(&r->state,
                 "all %zu sectors are written; the application was not "
                 "started: reset the board, or run 'quadboot boot'",
                 p->count);
  } else if (r->outcome != JOB_DONE) {
    qb_error_set(&r->state,
                 "all %zu sectors are written, but the board did not confirm "
                 "it; run 'quadboot verify'",
                 p->count);
  }
}

// ---- Losses ----------------------------------------------------------------

// A board that comes back as another (new bootloader, other flash) is not gone on
// with: the plan was made for its old layout.
static bool same_layout(const struct usb_board *a, const struct usb_board *b) {
  if (a->kind != b->kind || a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    if (a->alternates[i].number != b->alternates[i].number ||
        strcmp(a->alternates[i].text, b->alternates[i].text) != 0) {
      return false;
    }
  }
  return true;
}

// Unless somebody has stopped the search.
static void tell_not_found(const struct update_options *options,
                           const struct update_events *events,
                           struct qb_error *problem) {
  if (events->job.stop && events->job.stop(events->job.ctx)) return;
  const struct qb_error lost = *problem;
  qb_error_set(problem,
               "%.300s; it was not found again in %u seconds: check cable and power",
               lost.text, (unsigned)(options->wait_ms / 1000));
}

static bool find_again(struct connection *c, bool *connected, const struct usb_bus *bus,
                       const struct update_options *options,
                       const struct update_events *events, struct update_result *r) {
  const struct usb_board lost = c->board;  // `c` will hold what comes back
  if (events->lost) events->lost(events->job.ctx, r->problem.text);
  *connected = connection_find_again(c, bus, &lost, options->wait_ms, events->job.stop,
                                     events->job.ctx);
  if (!*connected) {
    tell_not_found(options, events, &r->problem);
    return false;
  }
  if (!same_layout(&lost, &c->board)) {
    qb_error_set(&r->problem, "the board came back with another flash layout");
    r->outcome = JOB_REFUSED;
    return false;
  }
  r->losses++;
  if (events->back) events->back(events->job.ctx);
  return true;
}

void update_run(struct connection *c, bool *connected, const struct usb_bus *bus,
                struct plan *p, const struct update_options *options,
                const struct update_events *events, struct update_result *out) {
  *out = (struct update_result){.outcome = JOB_LOST};
  *connected = true;
  const enum usb_board_kind kind = c->board.kind;
  size_t most = written(p);
  unsigned in_vain = 0;
  bool changed = false;
  while (in_vain < LOSSES_IN_VAIN) {
    struct job j;
    job_init(&j, &c->client, &events->job);
    out->outcome = job_write(&j, p, &options->job, &out->problem);
    out->started = j.started;
    out->transfers += c->client.transfers;
    changed |= touched(p);
    if (out->outcome != JOB_LOST) break;
    in_vain = written(p) > most ? 0 : in_vain + 1;
    if (written(p) > most) most = written(p);
    connection_close(c);
    *connected = false;
    if (!find_again(c, connected, bus, options, events, out)) break;
  }
  tell_state(kind, p, changed, options, out);
}
