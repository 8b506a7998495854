// SPDX-License-Identifier: MIT
#include "sim/server/pace.h"

#include <string.h>
#include <time.h>

// Longest stretch between two looks at the sockets.
#define CHUNK        VT_MS(10)
#define POLL_MS      50
#define WALL_POLL_MS 1

static uint64_t wall_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool lockstep(const struct pace *p) {
  return p->options.mode == PACE_LOCKSTEP;
}

static bool imported(const struct pace *p) {
  return p->serving && usbip_server_imported(&p->bridge.server);
}

static bool device_ready(const struct pace *p) {
  return p->serving && p->bridge.state == BRIDGE_READY;
}

// Whatever just happened may end a wait for it: look again before going on.
static void on_activity(void *ctx) {
  struct pace *p = ctx;
  p->last_activity = machine_now(p->machine);
  p->resting = false;
  event_in(&p->machine->sim.events, &p->rest, PACE_REST_TIME);
  machine_stop(p->machine);
}

static void on_rest(void *ctx) {
  struct pace *p = ctx;
  p->resting = device_ready(p);
  machine_stop(p->machine);
}

static bool on_may_import(void *ctx) {
  const struct pace *p = ctx;
  return !lockstep(p) || p->resting;
}

static vtime_t on_turnaround(void *ctx) {
  const struct pace *p = ctx;
  return lockstep(p) ? p->options.turnaround : 0;
}

static bool on_sleep(void *ctx, uint32_t seqnum, uint64_t ns) {
  struct pace *p = ctx;
  if (!lockstep(p) || p->sleeping) return false;
  if (ns > VT_S(3600) / 1000) return false;
  p->sleeping = true;
  p->sleep_seqnum = seqnum;
  event_in(&p->machine->sim.events, &p->wake, VT_NS(ns));
  return true;
}

static void on_wake(void *ctx) {
  struct pace *p = ctx;
  p->sleeping = false;
  usbip_server_slept(&p->bridge.server, p->sleep_seqnum,
                     machine_now(p->machine) / 1000);
  machine_stop(p->machine);
}

static void forget_sleep(struct pace *p) {
  p->sleeping = false;
  event_cancel(&p->machine->sim.events, &p->wake);
}

static void on_client_gone(void *ctx) {
  struct pace *p = ctx;
  forget_sleep(p);
  p->client_left = true;
  if (p->options.client_gone) p->options.client_gone(p->options.ctx);
}

static void on_log(void *ctx, const char *sentence) {
  const struct pace *p = ctx;
  if (p->options.log) p->options.log(p->options.ctx, sentence);
}

static void on_usb_connect(void *ctx, bool connected) {
  struct pace *p = ctx;
  if (!connected) forget_sleep(p);
  if (p->serving) bridge_connected(&p->bridge, connected);
}

const char *pace_open(struct pace *p, struct machine *m, const struct pace_options *o) {
  memset(p, 0, sizeof *p);
  p->options = *o;
  p->machine = m;
  p->wall_start_ns = wall_ns();
  event_init(&p->rest, on_rest, p);
  event_init(&p->wake, on_wake, p);
  m->on_usb_connect = on_usb_connect;
  m->on_usb_connect_ctx = p;
  if (!o->endpoint) return NULL;
  const struct bridge_watcher watcher = {.ctx = p,
                                         .activity = on_activity,
                                         .may_import = on_may_import,
                                         .turnaround = on_turnaround,
                                         .sleep = on_sleep,
                                         .client_gone = on_client_gone,
                                         .log = on_log};
  const char *why = bridge_open(&p->bridge, m, o->endpoint, &watcher);
  p->serving = !why;
  return why;
}

void pace_close(struct pace *p) {
  if (p->serving) bridge_close(&p->bridge);
  p->serving = false;
}

uint16_t pace_port(const struct pace *p) {
  return p->serving ? p->bridge.server.port : 0;
}

bool pace_settled(const struct pace *p) {
  return !lockstep(p) || !device_ready(p) || p->resting || imported(p);
}

static void poll_sockets(struct pace *p, int timeout_ms) {
  if (p->serving) {
    bridge_poll(&p->bridge, timeout_ms);
  } else if (timeout_ms) {
    const struct timespec t = {.tv_nsec = timeout_ms * 1000000L};
    nanosleep(&t, NULL);
  }
}

static vtime_t end_time(const struct pace *p) {
  return p->options.run_for;
}

static vtime_t next_act(const struct pace *p) {
  return p->options.next_act ? p->options.next_act(p->options.ctx) : VT_NEVER;
}

// Lock-step: does anything keep time moving? A board at rest waits for a client for
// ever, unless there is something to come.
static bool time_moves(const struct pace *p) {
  if (imported(p)) return p->bridge.under_way > 0 || p->sleeping;
  return !p->resting || end_time(p) != VT_NEVER || next_act(p) != VT_NEVER;
}

static void run_chunk(struct pace *p, vtime_t until) {
  const vtime_t act = next_act(p);
  if (until > end_time(p)) until = end_time(p);
  if (until > act) until = act;
  machine_run_until(p->machine, until);
}

// Runs at most up to what the wall clock shows.
static void run_with_wall(struct pace *p) {
  const vtime_t wall = p->wall_base + VT_NS(wall_ns() - p->wall_start_ns);
  const vtime_t now = machine_now(p->machine);
  if (wall > now) run_chunk(p, wall < now + CHUNK ? wall : now + CHUNK);
  const bool behind = wall > machine_now(p->machine) + CHUNK;
  poll_sockets(p, behind ? 0 : WALL_POLL_MS);
}

void pace_disturbed(struct pace *p) {
  on_activity(p);
}

void pace_stood(struct pace *p) {
  p->wall_base = machine_now(p->machine);
  p->wall_start_ns = wall_ns();
}

// A board without a USB device that somebody just watches need not race.
static bool idles(const struct pace *p) {
  if (end_time(p) != VT_NEVER || p->options.mode == PACE_FREE) return false;
  if (device_ready(p)) return false;
  return machine_now(p->machine) > p->last_activity + PACE_IDLE_TIME;
}

static void step_lockstep(struct pace *p) {
  if (!time_moves(p)) {
    poll_sockets(p, POLL_MS);
    return;
  }
  run_chunk(p, machine_now(p->machine) + CHUNK);
  poll_sockets(p, 0);
}

bool pace_step(struct pace *p) {
  if (machine_now(p->machine) >= end_time(p)) return false;
  if (p->client_left && p->options.end_with_client) return false;
  const bool was_idle = idles(p);
  if (p->options.mode == PACE_WALL || was_idle) {
    if (was_idle && p->options.mode != PACE_WALL && !p->wall_base) {
      p->wall_base = machine_now(p->machine);
      p->wall_start_ns = wall_ns();
    }
    run_with_wall(p);
    return true;
  }
  p->wall_base = 0;
  if (lockstep(p)) {
    step_lockstep(p);
  } else {
    run_chunk(p, machine_now(p->machine) + CHUNK);
    poll_sockets(p, 0);
  }
  return true;
}
