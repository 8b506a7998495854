// SPDX-License-Identifier: MIT
#include "tests/hostmodel/serial_point.h"

#include <string.h>

#include "sim/machine/snapshot.h"

// From the sender's end to what the console says of it, and as much of the fault.
#define A_REPORT VT_S(5)

// The way to an application takes less than a millisecond (system.handover).
#define A_START VT_MS(5)

// ---- What is there then ----------------------------------------------------

// Switched on with nobody near.
static void start(const struct serial_point *p, struct serial_judgement *j) {
  struct rig *r = p->port->rig;
  rig_arm_cut(r, 0, 0);
  machine_power_cut(r->m);
  rig_run(r, VT_MS(20));
  machine_button(r->m, false);
  rig_power_on(r);
  rig_run(r, A_START);
  j->started = r->m->marks.app_start != VT_NEVER;
  j->is_new = serial_content_is_on(p->after, r);
  if (j->started && !j->is_new && !serial_content_is_on(p->before, r)) j->half = true;
}

static void start_copy(struct machine *m, void *ctx, void *out) {
  (void)m;
  start(ctx, out);
}

void serial_point_judge_start(const struct serial_point *p,
                              struct serial_judgement *j) {
  struct serial_judgement s;
  assert_true(machine_fork_run(p->port->rig->m, start_copy, (void *)(uintptr_t)p, &s,
                               sizeof s));
  j->started = s.started;
  j->is_new = s.is_new;
  j->half = j->half || s.half;
}

// ---- The fault -------------------------------------------------------------

struct run {
  const struct serial_point *point;
  bool happened;
};

static struct serial_fault on_byte(void *ctx, enum serial_direction d, size_t index,
                                   uint8_t byte) {
  struct run *run = ctx;
  const struct serial_point *p = run->point;
  (void)byte;
  if (d != p->direction || index != p->index) return (struct serial_fault){.mask = 0};
  run->happened = true;
  return p->fault;
}

static void leave(struct serial_rig *s, enum serial_leave how) {
  if (how == SERIAL_UNPLUG) usb_host_unplug(&s->rig->m->usb);
  if (how == SERIAL_RESET) rig_bus_reset(s->rig);
  rig_run(s->rig, VT_MS(50));
  serial_rig_close(s);
  rig_run(s->rig, VT_MS(300));
  if (how != SERIAL_CLOSE) rig_configure(s->rig);
  serial_rig_open(s, s->rig);
}

// ---- One transfer ----------------------------------------------------------

static void forget(struct serial_host *h) {
  h->said[h->said_length = 0] = 0;
}

static bool says(const struct serial_host *h, const char *words) {
  return strstr(h->said, words) != NULL;
}

// All of it may have come, and the last word that says so be lost.
static bool is_said(const struct serial_host *h, bool told_good) {
  return says(h, "# 1 files") || (!told_good && says(h, "! "));
}

static bool is_reported(const struct serial_point *p, bool told_good) {
  struct serial_rig *s = p->port;
  const vtime_t end = machine_now(s->rig->m) + p->fault.delay + A_REPORT;
  while (!is_said(&s->host, told_good) && machine_now(s->rig->m) < end)
    rig_run(s->rig, VT_MS(100));
  return is_said(&s->host, told_good) && serial_rig_prompt(s, A_REPORT);
}

static void load(const struct serial_point *p, struct serial_judgement *j) {
  struct serial_rig *s = p->port;
  struct run run = {.point = p};
  s->host.fault = on_byte;
  s->host.stop = NULL;
  s->host.ctx = &run;
  forget(&s->host);
  j->told_good = serial_rig_load(s, p->protocol, &p->after->file);
  j->ended = !s->host.sending;
  j->happened = run.happened;
  s->host.fault = NULL;
  if (s->host.cut) {
    leave(s, p->leave);
    j->reported = true;
  } else {
    j->reported = is_reported(p, j->told_good);
  }
  if (!j->reported) print_error("it said: %s\n", s->host.said);
}

static void load_again(const struct serial_point *p, struct serial_judgement *j) {
  struct serial_rig *s = p->port;
  rig_run(s->rig, p->fault.delay);  // what is late still comes
  // A load that has heard nothing yet goes on waiting.
  if (!serial_rig_prompt(s, VT_MS(500))) serial_host_type(&s->host, "\x18\x18");
  if (!serial_rig_prompt(s, A_REPORT)) j->reported = false;
  serial_host_type(&s->host, "\x15");  // Ctrl-U: whatever stands there
  rig_run(s->rig, VT_MS(50));
  forget(&s->host);
  j->repeated = serial_rig_load(s, MODEM_YMODEM, &p->after->file);
  if (!j->repeated) print_error("the second time it said: %s\n", s->host.said);
}

void serial_point_try(const struct serial_point *p, struct serial_judgement *j) {
  load(p, j);
  j->right = serial_content_is_on(p->after, p->port->rig);
  if (p->again) {
    serial_point_judge_start(p, j);
  } else {
    start(p, j);
  }
  if (j->told_good && !(j->right && j->started && j->is_new)) j->half = true;
  j->repeated = true;
  if (p->again) {
    struct serial_judgement second = {.repeated = false};
    load_again(p, j);
    start(p, &second);
    j->repeated = j->repeated && second.started && second.is_new;
  }
  j->clean = rig_is_clean(p->port->rig);
}

const char *serial_point_wrong(const struct serial_judgement *j) {
  return !j->happened   ? "the fault did not happen"
         : !j->ended    ? "has no end"
         : !j->reported ? "nothing was said"
         : j->half      ? "half an update starts, or success was a lie"
         : !j->repeated ? "the board takes no other"
         : !j->clean    ? "the board did what it must not"
                        : NULL;
}
