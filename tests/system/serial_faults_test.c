// SPDX-License-Identifier: MIT
// A short update over the serial port of the real bootloader, with one fault on the
// way: a byte damaged, lost, repeated or late; a person who stops it; a port that is
// closed, a cable that is pulled, a bus that is reset; power that goes. Then the
// content is right and the sender was told so, or it was told that it failed and
// nothing half-done starts; and the same board takes the same update again.
//
// A file of one block has it at every byte, a .dfu file at some. With the argument
// `every` (make sweep) the .dfu file has it at every byte, on all cores; with the name
// of a fault behind it, that one alone.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/machine/snapshot.h"
#include "tests/bench/pool.h"
#include "tests/hostmodel/serial_point.h"

#define A_REPORT VT_S(100)

// ---- Which faults, and where -----------------------------------------------

enum content { SHORT, DFU, CONTENTS };

// Every how many-th byte of either direction; 0: none. To the board also the first byte
// of each packet; BEGINS: nothing else.
enum { BEGINS = 1 << 20 };

// A delay is longer than one of the times that the ends wait (modem.h), and by 0.1 s
// more: the board looks at its clock so often. They are: silence behind an EOT (0.1 s),
// inside of a block (1 s), until a first block (3 s), until a block (10 s), for an ACK
// (15 s), for a start (1 minute), and all of that as often as either end repeats itself
// (4 minutes). Inside of a block 1 s breaks it off, and 15 s lets it be asked for a
// second time; the others pass no other deadline there, so in the ordinary run they are
// where packets begin.
static const struct kind {
  const char *name;
  struct serial_fault fault;
  enum serial_leave leave;
  unsigned stride[CONTENTS][SERIAL_DIRECTIONS];
} kinds[] = {
    {"damage", {.mask = 0x10}, SERIAL_STAY, {{1, 1}, {61, 3}}},
    {"loss", {.drop = true}, SERIAL_STAY, {{1, 1}, {67, 3}}},
    {"repeat", {.twice = true}, SERIAL_STAY, {{1, 1}, {71, 3}}},
    {"0.1 s", {.delay = VT_MS(250)}, SERIAL_STAY, {{BEGINS, 1}, {211, 9}}},
    {"1 s", {.delay = VT_MS(1150)}, SERIAL_STAY, {{1, 1}, {223, 9}}},
    {"3 s", {.delay = VT_MS(3150)}, SERIAL_STAY, {{BEGINS, 1}, {227, 9}}},
    {"10 s", {.delay = VT_MS(10150)}, SERIAL_STAY, {{BEGINS, 1}, {229, 9}}},
    {"15 s", {.delay = VT_MS(15150)}, SERIAL_STAY, {{5, 1}, {233, 9}}},
    {"1 min", {.delay = VT_MS(60150)}, SERIAL_STAY, {{BEGINS, 5}, {0, 0}}},
    {"4 min", {.delay = VT_S(240)}, SERIAL_STAY, {{BEGINS, 5}, {0, 0}}},
    {"two CAN", {.cans = 2}, SERIAL_STAY, {{1, 0}, {89, 0}}},
    {"stop", {.cancel = true}, SERIAL_STAY, {{1, 1}, {97, 7}}},
    {"close", {.cut = true}, SERIAL_CLOSE, {{1, 1}, {101, 7}}},
    {"unplug", {.cut = true}, SERIAL_UNPLUG, {{1, 1}, {151, 11}}},
    {"reset", {.cut = true}, SERIAL_RESET, {{2, 1}, {157, 11}}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const protocols[] = {[MODEM_XMODEM] = "xmodem",
                                        [MODEM_YMODEM] = "ymodem",
                                        [MODEM_YMODEM_G] = "ymodem-g"};

// ---- How long a transfer is ------------------------------------------------

struct lengths {
  size_t bytes[SERIAL_DIRECTIONS];
  uint8_t begins[2048 / 8];  // a bit for each byte to the board: it begins a packet
};

struct measure {
  const struct serial_point *point;
  struct lengths *lengths;
};

static struct serial_fault note_begin(void *ctx, enum serial_direction d, size_t index,
                                      uint8_t byte) {
  const struct measure *m = ctx;
  (void)byte;
  if (d == SERIAL_TO_BOARD && m->point->port->host.first && index < 2048)
    m->lengths->begins[index / 8] |= (uint8_t)(1u << index % 8);
  return (struct serial_fault){.mask = 0};
}

static void measure(struct machine *machine, void *ctx, void *out) {
  const struct serial_point *p = ctx;
  struct lengths *l = out;
  struct measure m = {.point = p, .lengths = l};
  struct serial_host *h = &p->port->host;
  (void)machine;
  h->said_length = 0;
  h->fault = note_begin;
  h->stop = NULL;
  h->ctx = &m;
  if (!serial_rig_load(p->port, p->protocol, &p->after->file)) return;
  if (!serial_rig_prompt(p->port, A_REPORT)) return;
  l->bytes[SERIAL_TO_BOARD] = h->bytes[SERIAL_TO_BOARD];
  l->bytes[SERIAL_TO_HOST] = (size_t)(strstr(h->said, "# 1 files") - h->said);
}

// ---- All points ------------------------------------------------------------

struct place {
  uint8_t kind, direction;
  uint16_t index;
};

struct totals {
  unsigned points, right, told_bad;
  double cpu_s;
};

struct sweep {
  struct serial_point common;
  enum content content;
  bool every;        // byte, by each kind
  const char *only;  // by this one; NULL: by all
  unsigned again;    // every how many-th update is repeated
  struct lengths lengths;
  struct place *places;
  struct serial_judgement *judged;
  size_t count, ended;
  struct totals totals[KINDS];
  unsigned wrong;
};

static bool is_point(const struct sweep *s, const struct kind *k,
                     enum serial_direction d, size_t i) {
  const unsigned stride = k->stride[s->content][d];
  const bool begins = d == SERIAL_TO_BOARD && s->lengths.begins[i / 8] >> i % 8 & 1;
  if (k->fault.cans && d == SERIAL_TO_HOST) return false;  // they are the sender's
  return s->every || (stride && (begins || i % stride == 0));
}

static void add_places(struct sweep *s, size_t kind, enum serial_direction d) {
  for (size_t i = 0; i < s->lengths.bytes[d]; i++) {
    if (is_point(s, &kinds[kind], d, i))
      s->places[s->count++] = (struct place){(uint8_t)kind, (uint8_t)d, (uint16_t)i};
  }
}

static struct serial_point point_at(const struct sweep *s, size_t i) {
  const struct place at = s->places[i];
  struct serial_point p = s->common;
  p.fault = kinds[at.kind].fault;
  p.leave = kinds[at.kind].leave;
  p.direction = at.direction;
  p.index = at.index;
  p.again = i % s->again == 0;
  return p;
}

static void run_point(void *ctx, size_t i, void *result) {
  const struct serial_point p = point_at(ctx, i);
  // A check that fails ends this copy, not cmocka's test in it.
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  serial_point_try(&p, result);
}

static void end_point(void *ctx, size_t i, bool good, double cpu_s) {
  struct sweep *s = ctx;
  const struct place at = s->places[i];
  const struct serial_judgement *j = &s->judged[i];
  const char *what = good ? serial_point_wrong(j) : "a check failed";
  struct totals *t = &s->totals[at.kind];
  t->cpu_s += cpu_s;
  t->points++;
  t->right += j->told_good;
  t->told_bad += !j->told_good;
  if (what) {
    s->wrong++;
    print_error("%s, %s at byte %u of direction %u: %s\n",
                protocols[s->common.protocol], kinds[at.kind].name, at.index,
                at.direction, what);
  }
  if (++s->ended % 1000 == 0 && s->every)
    print_message("%s, %s: %zu of %zu points, %u wrong\n",
                  protocols[s->common.protocol], s->common.after->file.name, s->ended,
                  s->count, s->wrong);
}

static void run_all(struct sweep *s) {
  const struct pool_work work = {.ctx = s, .run = run_point, .ended = end_point};
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  size_t *order = calloc(s->count, sizeof *order);
  s->judged = calloc(s->count, sizeof *s->judged);
  assert_true(order && s->judged);
  for (size_t i = 0; i < s->count; i++)
    order[i] = i;
  pool_run(&work, order, s->count, s->every ? (unsigned)cores : 1, s->judged,
           sizeof *s->judged);
  free(s->judged);
  free(order);
}

static void print_total(const char *name, const struct totals *t) {
  print_message("  %-8s %6u points, %6u right, %6u told that it failed, %6.1f s\n",
                name, t->points, t->right, t->told_bad, t->cpu_s);
}

static void print_totals(const struct sweep *s) {
  struct totals all = {0};
  for (size_t k = 0; k < KINDS; k++) {
    const struct totals *t = &s->totals[k];
    if (t->points) print_total(kinds[k].name, t);
    all.points += t->points;
    all.right += t->right;
    all.told_bad += t->told_bad;
    all.cpu_s += t->cpu_s;
  }
  print_total("all", &all);
}

static void sweep(struct sweep *s) {
  assert_true(machine_fork_run(s->common.port->rig->m, measure, &s->common, &s->lengths,
                               sizeof s->lengths));
  const size_t bytes = s->lengths.bytes[0] + s->lengths.bytes[1];
  assert_in_range(bytes, s->common.after->file.size, 2048);
  s->places = calloc(bytes * KINDS, sizeof *s->places);
  assert_non_null(s->places);
  for (size_t k = 0; k < KINDS; k++) {
    if (s->only && strcmp(s->only, kinds[k].name)) continue;
    add_places(s, k, SERIAL_TO_BOARD);
    add_places(s, k, SERIAL_TO_HOST);
  }
  run_all(s);
  free(s->places);
  print_totals(s);
  assert_int_equal(s->wrong, 0);
}

// ---- Power that goes -------------------------------------------------------

enum { CUTS = 50 };

struct cut {
  struct serial_point point;
  uint64_t at;
  vtime_t delay;
};

static void count_operations(struct machine *m, void *ctx, void *out) {
  const struct serial_point *p = ctx;
  struct rig *r = m->ctx;
  rig_arm_cut(r, 0, 0);
  if (serial_rig_load(p->port, p->protocol, &p->after->file))
    *(uint64_t *)out = r->operations;
}

static void try_cut(struct machine *m, void *ctx, void *out) {
  const struct cut *c = ctx;
  const struct serial_point *p = &c->point;
  struct serial_judgement *j = out;
  struct serial_rig *s = p->port;
  struct rig *r = m->ctx;
  rig_arm_cut(r, c->at, c->delay);
  j->told_good = serial_rig_load(s, p->protocol, &p->after->file);
  rig_run(r, VT_MS(400));
  j->happened = r->cut;
  serial_point_judge_start(p, j);
  serial_host_close(&s->host);
  rig_arm_cut(r, 0, 0);
  machine_power_cut(m);
  rig_run(r, VT_MS(20));
  rig_power_on(r);
  rig_configure(r);
  serial_rig_open(s, r);
  j->repeated = serial_rig_load(s, p->protocol, &p->after->file);
}

static void cut_everywhere(struct rig *r, struct serial_point p) {
  static const vtime_t delays[] = {VT_NS(100), VT_US(12), VT_US(100), VT_MS(20),
                                   VT_MS(150)};
  uint64_t total = 0;
  unsigned cut = 0, started = 0;
  assert_true(machine_fork_run(r->m, count_operations, &p, &total, sizeof total));
  assert_true(total > CUTS);
  for (unsigned i = 0; i < CUTS; i++) {
    // The first and the last ones (records, erases), and some between.
    const struct cut c = {.point = p,
                          .at = i < 12          ? i + 1
                                : i < CUTS - 12 ? i * total / CUTS
                                                : total - (CUTS - 1 - i),
                          .delay = delays[i % (sizeof delays / sizeof *delays)]};
    struct serial_judgement j;
    assert_true(machine_fork_run(r->m, try_cut, (void *)(uintptr_t)&c, &j, sizeof j));
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

// ---- All of it -------------------------------------------------------------

static bool every;
static const char *only;
static struct serial_content before, after;
static struct serial_rig port;

static int setup(void **state) {
  rig_setup_off(state);
  machine_button(((struct rig *)*state)->m, true);
  rig_power_on(*state);
  rig_configure(*state);
  return 0;
}

// The content before comes by the same road: the code of it is translated once then,
// not in each copy.
static struct serial_point prepare(struct rig *r, enum modem_protocol protocol,
                                   enum content content) {
  void (*const make)(struct serial_content * c, uint8_t seed) =
      content == SHORT ? serial_content_make_short : serial_content_make;
  make(&before, 3);
  make(&after, 9);
  port = (struct serial_rig){.rig = r};
  serial_rig_open(&port, r);
  assert_true(serial_rig_load(&port, protocol, &before.file));
  assert_true(serial_rig_prompt(&port, A_REPORT));
  return (struct serial_point){
      .port = &port, .before = &before, .after = &after, .protocol = protocol};
}

static void faults(struct rig *r, enum modem_protocol protocol, enum content content) {
  struct sweep s = {.common = prepare(r, protocol, content),
                    .content = content,
                    .every = every,
                    .only = only,
                    .again = content == DFU ? 3 : 15};
  sweep(&s);
}

static void xmodem_short(void **state) {
  faults(*state, MODEM_XMODEM, SHORT);
}

static void ymodem_short(void **state) {
  faults(*state, MODEM_YMODEM, SHORT);
}

static void ymodem_g_short(void **state) {
  faults(*state, MODEM_YMODEM_G, SHORT);
}

static void xmodem_dfu(void **state) {
  faults(*state, MODEM_XMODEM, DFU);
}

static void ymodem_dfu(void **state) {
  faults(*state, MODEM_YMODEM, DFU);
}

static void ymodem_g_dfu(void **state) {
  faults(*state, MODEM_YMODEM_G, DFU);
}

static void power(void **state) {
  cut_everywhere(*state, prepare(*state, MODEM_YMODEM, DFU));
}

static int usage(void) {
  fprintf(stderr,
          "usage: test.system.serial_faults [every [FAULT]]; a FAULT is one of:\n");
  for (size_t k = 0; k < KINDS; k++)
    fprintf(stderr, "  '%s'\n", kinds[k].name);
  return 2;
}

static bool is_fault(const char *name) {
  size_t k = 0;
  while (k < KINDS && strcmp(kinds[k].name, name))
    k++;
  return k < KINDS;
}

int main(int argc, char **argv) {
  static const struct CMUnitTest some[] = {
      RIG_TEST(HS_SERIAL, xmodem_short, setup),
      RIG_TEST(FS_SERIAL, ymodem_short, setup),
      RIG_TEST(HS_SERIAL, ymodem_g_short, setup),
      RIG_TEST(HS_SERIAL, xmodem_dfu, setup),
      RIG_TEST(FS_SERIAL, ymodem_dfu, setup),
      RIG_TEST(HS_SERIAL, ymodem_g_dfu, setup),
      RIG_TEST(HS_SERIAL, power, setup),
  };
  static const struct CMUnitTest all[] = {
      RIG_TEST(HS_SERIAL, xmodem_dfu, setup),
      RIG_TEST(FS_SERIAL, ymodem_dfu, setup),
      RIG_TEST(HS_SERIAL, ymodem_g_dfu, setup),
  };
  every = argc > 1;
  only = argc > 2 ? argv[2] : NULL;
  if (argc > 3 || (every && strcmp(argv[1], "every"))) return usage();
  if (only && !is_fault(only)) return usage();
  return every ? cmocka_run_group_tests_name("serial faults", all, NULL, NULL)
               : cmocka_run_group_tests_name("serial faults", some, NULL, NULL);
}
