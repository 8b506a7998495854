// SPDX-License-Identifier: MIT
#include "tests/bench/rows.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/ideal.h"
#include "tests/bench/limits.h"
#include "tests/bench/profile.h"
#include "tests/hostmodel/dfu_client.h"
#include "tests/hostmodel/rig_bus.h"

const char *const scenario_names[SCENARIOS] = {
    "cold", "blank", "unchanged", "read", "one_byte", "full", "internal", "both",
};

#define KB(n) ((uint32_t)(n) << 10)
#define MB(n) ((uint32_t)(n) << 20)

// --- which rows there are ------------------------------------------------------

static const char *const chips[] = {"mx25l51245g", "w25q128jv", "mt25ql512", "n25q128a",
                                    "is25lp064a"};

enum { CHIPS = sizeof chips / sizeof *chips };

// Applications have everything behind quadboot and its log: two sectors of 32 KB, one
// of 128 KB, seven of 256 KB; for a quick look one of those.
enum { INTERNAL_ALL = 1984, INTERNAL_QUICK = 448 };

// Takes as long as that, by the times of the MX25L51245G.
enum { BESIDE_ALL = 2816, BESIDE_QUICK = 640 };

static uint32_t nor_size(enum scenario scenario, const char *chip, bool quick) {
  const uint32_t most = nor_chip_find(chip)->size;
  uint32_t size = quick ? MB(1) : MB(16);
  if (scenario == SCENARIO_FULL) size = MB(64);
  if (scenario == SCENARIO_INTERNAL) size = 0;
  if (scenario == SCENARIO_BOTH) size = quick ? KB(BESIDE_QUICK) : KB(BESIDE_ALL);
  return size < most ? size : most;
}

static uint32_t internal_size(enum scenario scenario, bool quick) {
  if (scenario < SCENARIO_INTERNAL) return 0;
  return quick ? KB(INTERNAL_QUICK) : KB(INTERNAL_ALL);
}

static bool exists(enum scenario scenario, size_t chip, enum road road, bool quick) {
  const bool all_new = scenario == SCENARIO_COLD || scenario == SCENARIO_BLANK;
  if (road_is_serial(road)) return all_new && chip == 0;
  if (scenario == SCENARIO_READ && road != ROAD_DFU_UTIL) return false;
  if (scenario == SCENARIO_FULL && quick) return false;
  return scenario < SCENARIO_FULL || chip == 0;
}

size_t rows_make(struct row rows[ROWS_MAX], bool quick) {
  size_t count = 0;
  for (unsigned s = 0; s < SCENARIOS; s++) {
    for (size_t chip = 0; chip < CHIPS; chip++) {
      for (unsigned i = 0; i < 2 * ROADS; i++) {
        if (!exists(s, chip, i % ROADS, quick)) continue;
        rows[count++] = (struct row){
            .scenario = s,
            .chip = chips[chip],
            .road = i % ROADS,
            .high_speed = i < ROADS,
            .nor_size = nor_size(s, chips[chip], quick),
            .internal_size = internal_size(s, quick),
        };
      }
    }
  }
  return count;
}

// --- what is written over what -------------------------------------------------

struct content {
  uint8_t *nor, *internal;  // what is to be there
};

static void fill(uint8_t *bytes, size_t size, uint64_t x) {
  for (size_t i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    bytes[i] = (uint8_t)(x >> 32);
  }
}

enum { SEED_NOR = 1, SEED_INTERNAL = 2, SEED_BEFORE = 3 };

// An application that does nothing, and random bytes around it.
static void make_application(uint8_t *bytes, size_t size, uint64_t seed) {
  static const uint8_t vectors[8] = {0x00, 0x00, 0x02, 0x20, 0x01, 0x02, 0x01, 0x08};
  static const uint8_t loop[2] = {0xFE, 0xE7};
  if (!size) return;
  fill(bytes, size, seed);
  memcpy(bytes, vectors, sizeof vectors);
  memcpy(bytes + 0x200, loop, sizeof loop);
}

static void content_make(struct content *c, const struct row *row) {
  c->nor = malloc(row->nor_size + 1);
  c->internal = malloc(row->internal_size + 1);
  if (!c->nor || !c->internal) abort();
  fill(c->nor, row->nor_size, SEED_NOR);
  make_application(c->internal, row->internal_size, SEED_INTERNAL);
  c->nor[row->nor_size / 2] = 0xA5;  // see before()
}

static void content_free(struct content *c) {
  free(c->nor);
  free(c->internal);
}

// What lies there before.
static void before(struct rig *r, const struct row *row, const struct content *c) {
  uint8_t *nor = r->m->nor_bytes;
  uint8_t *internal = r->m->flash_bytes + (APPLICATION - INTERNAL);
  if (row->internal_size) make_application(internal, row->internal_size, SEED_BEFORE);
  switch (row->scenario) {
    case SCENARIO_BLANK: break;
    case SCENARIO_UNCHANGED:
    case SCENARIO_READ: memcpy(nor, c->nor, row->nor_size); break;
    case SCENARIO_ONE_BYTE:
      memcpy(nor, c->nor, row->nor_size);
      nor[row->nor_size / 2] = 0x5A;  // bits that only an erase brings back
      break;
    default: fill(nor, row->nor_size, SEED_BEFORE);
  }
}

static struct road_job job_of(const struct row *row, const struct content *c) {
  struct road_job job = {.reads = row->scenario == SCENARIO_READ};
  if (row->internal_size) {
    job.pieces[job.count++] =
        (struct road_piece){APPLICATION, row->internal_size, c->internal};
  }
  if (row->nor_size) {
    job.pieces[job.count++] = (struct road_piece){EXTERNAL, row->nor_size, c->nor};
  }
  return job;
}

// --- one run -------------------------------------------------------------------

// A board with its button held, so that it does not start what it has.
static struct rig *board_open(const struct row *row, const struct content *c) {
  const unsigned board =
      road_is_serial(row->road) ? RIG_HS_SERIAL + !row->high_speed : !row->high_speed;
  struct rig *r = rig_open_with(&rig_boards[board], row->chip);
  before(r, row, c);
  machine_button(r->m, true);
  rig_power_on(r);
  return r;
}

static vtime_t rig_now(void *ctx) {
  return machine_now(((const struct rig_bus *)ctx)->rig->m);
}

static void rig_advance(void *ctx, vtime_t until) {
  machine_run_until(((const struct rig_bus *)ctx)->rig->m, until);
}

static void rig_stop(void *ctx) {
  machine_stop(((const struct rig_bus *)ctx)->rig->m);
}

static double seconds(const struct road_span *span) {
  return (double)(span->end - span->begin) / 1e12;
}

struct counts {
  uint64_t erases, erased_bytes, programs;
};

static void add_nor(const struct nor *n, struct counts *c) {
  for (size_t i = 0; i < NOR_ERASE_TYPES; i++) {
    c->erases += n->counters.erases[i];
    c->erased_bytes += n->counters.erases[i] * n->chip->erases[i].size;
  }
  c->erases += n->counters.chip_erases;
  c->erased_bytes += n->counters.chip_erases * n->chip->size;
  c->programs += n->counters.programs;
}

static void add_internal(const struct flash_f7 *f, struct counts *c) {
  for (unsigned i = 0; i < FLASH_F7_SECTORS; i++) {
    uint32_t offset, length;
    if (!flash_f7_sector_range(f, i, &offset, &length)) continue;
    c->erases += f->counters.sector_erases[i];
    c->erased_bytes += (uint64_t)f->counters.sector_erases[i] * length;
  }
  c->programs += f->counters.programs;
}

static struct counts count(const struct rig *r, const struct row *row) {
  struct counts c = {0};
  if (row->nor_size) add_nor(&r->m->nor, &c);
  if (row->internal_size) add_internal(&r->m->flash, &c);
  return c;
}

static void take_counts(const struct rig *r, const struct row *row,
                        const struct counts *from, struct row_result *out) {
  const struct counts c = count(r, row);
  out->erases = c.erases - from->erases;
  out->erased_bytes = c.erased_bytes - from->erased_bytes;
  out->programs = c.programs - from->programs;
}

static bool check(const struct rig *r, const struct road_job *job,
                  struct qb_error *error) {
  const struct report *report = &r->m->sim.report;
  for (size_t i = 0; i < job->count; i++) {
    const struct road_piece *p = &job->pieces[i];
    if (memcmp(rig_memory(r, p->address), p->bytes, p->size) != 0) {
      return qb_error_set(error, "the flash at 0x%08x is not what was written",
                          (unsigned)p->address);
    }
  }
  if (report->guest_errors + report->unimplemented == 0) return true;
  return qb_error_set(error, "guest error: %s", report->entries->detail);
}

// Runs the job on the real bootloader.
static bool run(struct rig *r, const struct row *row, const struct road_job *job,
                struct road_span *span, uint64_t *transfers, struct qb_error *error) {
  struct rig_bus rig = {.rig = r};
  const struct link link = {.bus = rig_bus(&rig),
                            .now = rig_now,
                            .ctx = &rig,
                            .usb = &r->m->usb,
                            .events = &r->m->sim.events,
                            .advance = rig_advance,
                            .stop = rig_stop};
  r->turnaround = host_turnaround(row->high_speed);
  r->oversleep = VT_US(HOST_OVERSLEEP_US);
  const bool good =
      road_run(row->road, &link, job, span, error) && check(r, job, error);
  *transfers = rig.transfers;
  return good;
}

// And on a device that takes no time.
static bool run_ideal(const struct row *row, const struct content *c,
                      struct row_result *out, struct qb_error *error) {
  const struct road_job job = job_of(row, c);
  struct rig *r = board_open(row, c);
  struct ideal *d = malloc(sizeof *d);
  struct road_span span;
  if (!d) abort();
  rig_configure(r);
  ideal_open(d, r);
  const struct link link = ideal_link(d);
  const bool good = road_run(row->road, &link, &job, &span, error);
  out->usb_s = good ? seconds(&span) : 0;
  free(d);
  rig_close(r);
  return good;
}

// --- the chip's own time -------------------------------------------------------

static double nor_limit(const struct row *row, const struct wires *w, double *whole) {
  const struct nor_chip *chip = nor_chip_find(row->chip);
  const double read = limit_nor_read(w, row->nor_size);
  const double program = limit_nor_program(w, row->nor_size);
  *whole = 0;
  switch (row->scenario) {
    case SCENARIO_UNCHANGED:
    case SCENARIO_READ: return read;
    case SCENARIO_BLANK: return program + read;
    case SCENARIO_ONE_BYTE:
      return limit_nor_erase(chip, 1, true) + limit_nor_program(w, KB(4)) + read;
    default:
      if (row->nor_size == chip->size && chip->chip_erase.time.typ) {
        *whole = (double)chip->chip_erase.time.typ / 1e12 + program + read;
      }
      return limit_nor_erase(chip, row->nor_size, false) + program + read;
  }
}

static double slower(double a, double b) {
  return a > b ? a : b;
}

// --- a row ---------------------------------------------------------------------

// The run itself, and where its time went if somebody wants to know.
static bool run_looked_at(struct rig *r, const struct row *row,
                          const struct road_job *job, struct road_span *span,
                          uint64_t *transfers, struct qb_error *error) {
  if (!row->profile) return run(r, row, job, span, transfers, error);
  struct profile *p = malloc(sizeof *p);
  if (!p) abort();
  profile_begin(p, r->m);
  bool good = run(r, row, job, span, transfers, error);
  if (!profile_end(p, row->profile) && good) {
    good = qb_error_set(error, "cannot write %s", row->profile);
  }
  free(p);
  return good;
}

// The real run, with the limits that it shows.
static bool run_real(const struct row *row, const struct content *c,
                     struct row_result *out, struct qb_error *error) {
  const struct road_job job = job_of(row, c);
  struct rig *r = board_open(row, c);
  struct wires wires;
  struct road_span span;
  double internal = 0, nor = 0;
  rig_attached(r);
  const struct counts from = count(r, row);
  const uint64_t transactions = r->m->usb.transactions;
  const uint64_t cpu_hz = clock_hz(&r->m->clocks, CLOCK_HCLK);
  if (row->internal_size) {
    internal = limit_internal(&r->m->flash, APPLICATION - INTERNAL, row->internal_size,
                              cpu_hz);
  }
  wires_listen(&wires, &r->m->nor);
  const bool good = run_looked_at(r, row, &job, &span, &out->transfers, error);
  wires_end(&wires, &r->m->nor);
  if (row->nor_size) nor = nor_limit(row, &wires, &out->chip_erase_s);
  if (row->road == ROAD_QUADBOOT)
    out->digests_s = 2 * limit_nor_read(&wires, row->nor_size);
  out->bytes = (uint64_t)row->nor_size + row->internal_size;
  out->virtual_s = good ? seconds(&span) : 0;
  out->chip_s = slower(internal, nor);
  out->transactions = r->m->usb.transactions - transactions;
  take_counts(r, row, &from, out);
  rig_close(r);
  return good;
}

// Each medium by itself.
static bool run_alone(const struct row *row, const struct content *c,
                      struct row_result *out, struct qb_error *error) {
  bool good = true;
  for (unsigned i = 0; i < 2 && good; i++) {
    struct row one = *row;
    struct road_span span;
    uint64_t transfers;
    if (i == 0) one.nor_size = 0;
    if (i == 1) one.internal_size = 0;
    const struct road_job job = job_of(&one, c);
    struct rig *r = board_open(&one, c);
    good = run(r, &one, &job, &span, &transfers, error);
    if (good) out->alone_s = slower(out->alone_s, seconds(&span));
    rig_close(r);
  }
  return good;
}

void row_run(const struct row *row, struct row_result *out) {
  struct content c;
  struct qb_error error = {""};
  *out = (struct row_result){0};
  content_make(&c, row);
  bool good = run_real(row, &c, out, &error) && run_ideal(row, &c, out, &error);
  const bool beside = row->scenario == SCENARIO_BOTH && row->road == ROAD_QUADBOOT;
  if (good && beside) good = run_alone(row, &c, out, &error);
  out->done = good;
  snprintf(out->problem, sizeof out->problem, "%.199s", error.text);
  content_free(&c);
}

// --- goals ---------------------------------------------------------------------

double row_limit_s(const struct row_result *r) {
  return slower(r->chip_s, r->usb_s);
}

bool row_flash_limits(const struct row_result *r) {
  return r->chip_s >= r->usb_s;
}

bool row_goal_reached(const struct row_goal *g) {
  switch (g->sense) {
    case ROW_AT_LEAST: return g->value >= g->limit;
    case ROW_AT_MOST: return g->value <= g->limit;
    default: return g->value <= g->limit && g->value >= g->limit;
  }
}

// quadboot's road reads all of it twice more, to send what differs and to be sure.
static struct row_goal of_limit(const struct row_result *r, double percent) {
  const double least_s = row_limit_s(r) + r->digests_s;
  return (struct row_goal){r->digests_s > 0 ? "% of limit with digests" : "% of limit",
                           100 * least_s / r->virtual_s, percent, ROW_AT_LEAST};
}

// One block per 1.1 ms: what a program that answers within a millisecond can send.
static double serial_limit_s(const struct row_result *r) {
  return slower(r->chip_s, (double)r->bytes / 1024 * 1.1e-3);
}

static size_t serial_goals(const struct row *row, const struct row_result *r,
                           struct row_goal goals[ROW_GOALS]) {
  if (!row->high_speed) return 0;
  if (row->scenario == SCENARIO_COLD) {
    goals[0] = of_limit(r, 95);
  } else {
    goals[0] =
        (struct row_goal){"% of chip or a block per 1.1 ms",
                          100 * serial_limit_s(r) / r->virtual_s, 90, ROW_AT_LEAST};
  }
  return 1;
}

static struct row_goal of_transfer(const struct row_result *r, double times) {
  return (struct row_goal){"x transfer alone", r->virtual_s / r->usb_s, times,
                           ROW_AT_MOST};
}

static size_t unchanged_goals(const struct row *row, const struct row_result *r,
                              struct row_goal goals[ROW_GOALS]) {
  const double operations = (double)(r->erases + r->programs);
  goals[0] = (struct row_goal){"erases and programs", operations, 0, ROW_EXACTLY};
  if (row->road == ROAD_DFU_UTIL) {
    goals[1] = of_transfer(r, 1.1);
  } else {
    goals[1] = (struct row_goal){"s", r->virtual_s, 1.0, ROW_AT_MOST};
  }
  return 2;
}

size_t row_goals(const struct row *row, const struct row_result *r,
                 struct row_goal goals[ROW_GOALS]) {
  if (road_is_serial(row->road)) return serial_goals(row, r, goals);
  switch (row->scenario) {
    case SCENARIO_COLD:
    case SCENARIO_FULL: goals[0] = of_limit(r, row->high_speed ? 97 : 95); return 1;
    case SCENARIO_BLANK: goals[0] = of_limit(r, 93); return 1;
    case SCENARIO_INTERNAL: goals[0] = of_limit(r, 95); return 1;
    case SCENARIO_UNCHANGED: return unchanged_goals(row, r, goals);
    case SCENARIO_READ: goals[0] = of_transfer(r, 1.2); return 1;
    case SCENARIO_ONE_BYTE:
      goals[0] = (struct row_goal){"bytes erased", (double)r->erased_bytes, KB(4),
                                   ROW_EXACTLY};
      goals[1] =
          (struct row_goal){"page programs", (double)r->programs, 16, ROW_EXACTLY};
      return 2;
    default:
      if (row->road != ROAD_QUADBOOT) return 0;  // one medium after the other
      goals[0] = (struct row_goal){"% of the slower alone",
                                   100 * r->alone_s / r->virtual_s, 95, ROW_AT_LEAST};
      return 1;
  }
}
