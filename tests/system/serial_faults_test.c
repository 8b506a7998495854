// SPDX-License-Identifier: MIT
// A short update over the serial port of the real bootloader, with one fault on the
// way: a byte damaged, lost, repeated or late; a person who stops it; a port that is
// closed, a cable that is pulled, a bus that is reset; power that goes. Then the
// content is right and the sender was told so, or it was told that it failed and
// nothing half-done starts; and the same board takes the same update again.
//
// Not every byte: `stride` says which. unit.common.protocol.modem_sweep has every byte,
// of the protocols alone.
#include <string.h>

#include "sim/machine/snapshot.h"
#include "tests/hostmodel/dfu_client.h"
#include "tests/hostmodel/serial_rig.h"

#define A_REPORT VT_S(100)

// ---- One fault -------------------------------------------------------------

enum leave { STAY, CLOSE, UNPLUG, RESET };

static const struct kind {
  const char *name;
  struct serial_fault fault;
  enum leave leave;
  // Every how many-th byte of either direction; 0: none. `firsts`: of what goes to the
  // board, the first byte of each packet instead.
  unsigned stride[SERIAL_DIRECTIONS];
  bool firsts;
} kinds[] = {
    {"damage", {.mask = 0x10}, STAY, {61, 3}, false},
    {"loss", {.drop = true}, STAY, {67, 3}, false},
    {"repeat", {.twice = true}, STAY, {71, 3}, false},
    {"101 ms", {.delay = VT_MS(101)}, STAY, {211, 9}, false},
    {"1001 ms", {.delay = VT_MS(1001)}, STAY, {223, 9}, false},
    {"3001 ms", {.delay = VT_MS(3001)}, STAY, {227, 9}, false},
    {"10001 ms", {.delay = VT_MS(10001)}, STAY, {229, 9}, false},
    {"15001 ms", {.delay = VT_MS(15001)}, STAY, {233, 9}, false},
    {"two CAN", {.cans = 2}, STAY, {89, 0}, false},
    {"stop", {.cancel = true}, STAY, {1, 7}, true},
    {"close", {.cut = true}, CLOSE, {101, 7}, false},
    {"unplug", {.cut = true}, UNPLUG, {151, 11}, false},
    {"reset", {.cut = true}, RESET, {157, 11}, false},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

struct point {
  struct serial_rig *port;
  const struct serial_content *before, *after;
  enum modem_protocol protocol;
  const struct kind *kind;  // NULL: no fault
  enum serial_direction direction;
  size_t index;
  uint64_t cut_at;  // of a power cut
  vtime_t cut_delay;
};

struct judgement {
  bool ended;      // the transfer did
  bool happened;   // the fault did
  bool told_good;  // the sender was told of success
  bool reported;   // and the console said something as clear, if it was heard
  bool right;      // all of the new content is there
  bool half;       // an application was started, and is neither the old nor the new one
  bool started;    // one was
  bool repeated;   // the same update again, on the same board
  bool is_new;     // and what starts then is it
};

static bool is_there(const struct point *p, enum serial_direction d, size_t index) {
  const struct kind *k = p->kind;
  return k && d == p->direction && index == p->index;
}

static struct judgement *judged;

static struct serial_fault on_byte(void *ctx, enum serial_direction d, size_t index,
                                   uint8_t byte) {
  const struct point *p = *(const struct point *const *)ctx;
  (void)byte;
  if (!is_there(p, d, index)) return (struct serial_fault){.mask = 0};
  judged->happened = true;
  return p->kind->fault;
}

static void on_over(void *ctx) {
  const struct point *p = *(const struct point *const *)ctx;
  machine_stop(p->port->rig->m);
}

static void leave(struct serial_rig *s, enum leave how) {
  if (how == UNPLUG) usb_host_unplug(&s->rig->m->usb);
  if (how == RESET) rig_bus_reset(s->rig);
  rig_run(s->rig, VT_MS(50));
  serial_rig_close(s);
  rig_run(s->rig, VT_MS(300));
  if (how != CLOSE) rig_configure(s->rig);
  serial_rig_open(s, s->rig);
}

// ---- What is there then ----------------------------------------------------

// Switched on with nobody near: an application, or the bootloader on the bus.
static bool starts(struct rig *r) {
  rig_arm_cut(r, 0, 0);
  machine_power_cut(r->m);
  rig_run(r, VT_MS(20));
  machine_button(r->m, false);
  rig_power_on(r);
  for (int i = 0; i < 200 && r->m->marks.app_start == VT_NEVER; i++) {
    rig_run(r, VT_MS(1));
    if (r->m->marks.usb_connect != VT_NEVER) return false;
  }
  return r->m->marks.app_start != VT_NEVER;
}

static void try_start(struct machine *m, void *ctx, void *out) {
  const struct point *p = ctx;
  struct judgement *j = out;
  struct rig *r = m->ctx;
  j->started = starts(r);
  j->is_new = serial_content_is_on(p->after, r);
  j->half = j->started && !j->is_new && !serial_content_is_on(p->before, r);
}

// In a copy: the board itself stays as it is.
static void judge_start(const struct point *p, struct judgement *j) {
  struct judgement start;
  struct machine *m = p->port->rig->m;
  assert_true(
      machine_fork_run(m, try_start, (void *)(uintptr_t)p, &start, sizeof start));
  j->started = start.started;
  j->is_new = start.is_new;
  j->half = j->half || start.half;
}

static bool says(const struct serial_host *h, const char *words) {
  return strstr(h->said, words) != NULL;
}

// ---- One transfer ----------------------------------------------------------

static void try_point(struct machine *m, void *ctx, void *out) {
  const struct point *p = ctx;
  struct judgement *j = judged = out;
  struct serial_rig *s = p->port;
  struct rig *r = m->ctx;
  s->host.fault = on_byte;
  s->host.stop = on_over;
  s->host.ctx = &p;
  j->told_good = serial_rig_load(s, p->protocol, &p->after->file);
  j->ended = !s->host.sending;
  if (s->host.cut) {
    leave(s, p->kind->leave);
    j->reported = true;
  } else {
    // All of it may have come, and the last word that says so be lost.
    j->reported =
        serial_rig_prompt(s, A_REPORT) &&
        (says(&s->host, "# 1 files") || (!j->told_good && says(&s->host, "! ")));
  }
  if (!j->reported) print_error("it said: %s\n", s->host.said);
  j->right = serial_content_is_on(p->after, r);
  judge_start(p, j);
  if (j->told_good && !(j->right && j->started && j->is_new)) j->half = true;
  s->host.fault = NULL;
  // A load that has heard nothing yet goes on waiting.
  if (!serial_rig_prompt(s, VT_MS(500))) serial_host_type(&s->host, "\x18\x18");
  if (!serial_rig_prompt(s, A_REPORT)) j->reported = false;
  s->host.said_length = 0;
  j->repeated = serial_rig_load(s, MODEM_YMODEM, &p->after->file);
  judge_start(p, j);
  if (!j->repeated || !j->started || !j->is_new) {
    print_error("%s\nend %d, started %d, new %d, told_good %d\n", s->host.said,
                s->host.sender.end, j->started, j->is_new, j->told_good);
  }
  j->repeated = j->repeated && j->started && j->is_new;
}

// ---- All of them -----------------------------------------------------------

struct totals {
  unsigned points, good, told_bad;
};

static void expect_good(const struct point *p, const struct judgement *j) {
  const char *what = !j->ended      ? "has no end"
                     : !j->reported ? "nothing was said"
                     : j->half      ? "half an update starts"
                     : !j->repeated ? "the board takes no other"
                                    : NULL;
  if (!what) return;
  fail_msg("protocol %d, %s at byte %zu of direction %d: %s", p->protocol,
           p->kind ? p->kind->name : "nothing", p->index, p->direction, what);
}

static void run_point(struct rig *r, struct point *p, struct totals *t) {
  struct judgement j;
  if (!machine_fork_run(r->m, try_point, p, &j, sizeof j)) {
    fail_msg("protocol %d, %s at byte %zu of direction %d: a check failed", p->protocol,
             p->kind->name, p->index, p->direction);
  }
  assert_true(j.happened);
  expect_good(p, &j);
  t->points++;
  t->good += j.told_good;
  t->told_bad += !j.told_good;
}

struct lengths {
  size_t bytes[SERIAL_DIRECTIONS];
  uint8_t begins[2048 / 8];  // a bit for each byte to the board: it begins a packet
};

static struct lengths *measured;

static struct serial_fault note_begin(void *ctx, enum serial_direction d, size_t index,
                                      uint8_t byte) {
  const struct serial_rig *s = ctx;
  (void)byte;
  if (d == SERIAL_TO_BOARD && s->host.first && index < 2048)
    measured->begins[index / 8] |= (uint8_t)(1u << index % 8);
  return (struct serial_fault){.mask = 0};
}

static bool is_point(const struct lengths *l, const struct point *p) {
  if (!p->kind->firsts || p->direction == SERIAL_TO_HOST) return true;
  return p->index < 2048 && (l->begins[p->index / 8] >> p->index % 8 & 1);
}

static void measure(struct machine *m, void *ctx, void *out) {
  const struct point *p = ctx;
  struct lengths *l = out;
  (void)m;
  struct serial_host *h = &p->port->host;
  h->said_length = 0;
  measured = l;
  h->fault = note_begin;
  if (!serial_rig_load(p->port, p->protocol, &p->after->file)) return;
  if (!serial_rig_prompt(p->port, A_REPORT)) return;
  l->bytes[SERIAL_TO_BOARD] = h->bytes[SERIAL_TO_BOARD];
  l->bytes[SERIAL_TO_HOST] = (size_t)(strstr(h->said, "# 1 files") - h->said);
}

static void sweep(struct rig *r, struct point p) {
  struct lengths l;
  assert_true(machine_fork_run(r->m, measure, &p, &l, sizeof l));
  assert_true(l.bytes[SERIAL_TO_BOARD] > 1000);
  for (size_t k = 0; k < KINDS; k++) {
    struct totals t = {0};
    p.kind = &kinds[k];
    for (p.direction = 0; p.direction < SERIAL_DIRECTIONS; p.direction++) {
      const unsigned stride = p.kind->stride[p.direction];
      for (p.index = 0; stride && p.index < l.bytes[p.direction]; p.index += stride) {
        if (is_point(&l, &p)) run_point(r, &p, &t);
      }
    }
    print_message("protocol %d, %s: %u points, %u right, %u told that it failed\n",
                  p.protocol, p.kind->name, t.points, t.good, t.told_bad);
    assert_true(t.points > 0);
  }
}

// ---- Power that goes -------------------------------------------------------

enum { CUTS = 50 };

static void count_operations(struct machine *m, void *ctx, void *out) {
  const struct point *p = ctx;
  struct rig *r = m->ctx;
  rig_arm_cut(r, 0, 0);
  if (serial_rig_load(p->port, p->protocol, &p->after->file))
    *(uint64_t *)out = r->operations;
}

static void try_cut(struct machine *m, void *ctx, void *out) {
  const struct point *p = ctx;
  struct judgement *j = out;
  struct serial_rig *s = p->port;
  struct rig *r = m->ctx;
  rig_arm_cut(r, p->cut_at, p->cut_delay);
  j->told_good = serial_rig_load(s, p->protocol, &p->after->file);
  rig_run(r, VT_MS(400));
  j->happened = r->cut;
  judge_start(p, j);
  serial_host_close(&s->host);
  rig_arm_cut(r, 0, 0);
  machine_power_cut(m);
  rig_run(r, VT_MS(20));
  rig_power_on(r);
  rig_configure(r);
  serial_rig_open(s, r);
  j->repeated = serial_rig_load(s, p->protocol, &p->after->file);
}

static void cut_everywhere(struct rig *r, struct point p) {
  static const vtime_t delays[] = {VT_NS(100), VT_US(12), VT_US(100), VT_MS(20),
                                   VT_MS(150)};
  uint64_t total = 0;
  unsigned cut = 0, started = 0;
  assert_true(machine_fork_run(r->m, count_operations, &p, &total, sizeof total));
  assert_true(total > CUTS);
  for (unsigned i = 0; i < CUTS; i++) {
    struct judgement j;
    // The first and the last ones (records, erases), and some between.
    p.cut_at = i < 12          ? i + 1
               : i < CUTS - 12 ? i * total / CUTS
                               : total - (CUTS - 1 - i);
    p.cut_delay = delays[i % (sizeof delays / sizeof *delays)];
    assert_true(machine_fork_run(r->m, try_cut, &p, &j, sizeof j));
    cut += j.happened;
    started += j.started;
    assert_false(j.half);
    assert_true(!j.told_good || (j.started && j.is_new));
    assert_true(j.repeated);
  }
  print_message("%u cuts in %u operations: %u times an application started\n", cut,
                (unsigned)total, started);
  assert_true(cut > CUTS / 2 && started > 0 && started < CUTS);
}

static struct serial_content before, after;
static struct serial_rig port;

static struct point prepare(struct rig *r, enum modem_protocol protocol) {
  serial_content_make(&before, 3);
  serial_content_make(&after, 9);
  serial_content_plant(&before, r);
  port = (struct serial_rig){.rig = r};
  serial_rig_open(&port, r);
  return (struct point){
      .port = &port, .before = &before, .after = &after, .protocol = protocol};
}

static int setup(void **state) {
  rig_setup_off(state);
  machine_button(((struct rig *)*state)->m, true);
  rig_power_on(*state);
  rig_configure(*state);
  return 0;
}

static void xmodem(void **state) {
  sweep(*state, prepare(*state, MODEM_XMODEM));
}

static void ymodem(void **state) {
  sweep(*state, prepare(*state, MODEM_YMODEM));
}

static void ymodem_g(void **state) {
  sweep(*state, prepare(*state, MODEM_YMODEM_G));
}

static void power(void **state) {
  cut_everywhere(*state, prepare(*state, MODEM_YMODEM));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG_TEST(HS_SERIAL, xmodem, setup),
      RIG_TEST(FS_SERIAL, ymodem, setup),
      RIG_TEST(HS_SERIAL, ymodem_g, setup),
      RIG_TEST(HS_SERIAL, power, setup),
  };
  return cmocka_run_group_tests_name("serial faults", tests, NULL, NULL);
}
