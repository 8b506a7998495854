// SPDX-License-Identifier: MIT
// How fast boards are written to, in virtual time: one table with what the flash and
// the bus allow beside each figure. Equal runs give equal tables on any machine.
//
//   speed_bench [--quick] [--row NAME] [--chip NAME] [--road NAME] [--speed HS|FS]
//               [--kb N] [--jobs N] [--json FILE] [--profile FILE] [--list]
//
// Rows and FILE come as they are measured: a run that is cut off leaves what it has.
// Ends with 1 if a row could not be measured; a goal that is missed is only marked.
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/pool.h"
#include "tests/bench/rows.h"

struct options {
  const char *row, *chip, *road, *speed, *json, *profile;
  bool quick, list;
  uint32_t nor_kb;
  unsigned jobs;
};

struct bench {
  struct row rows[ROWS_MAX];
  struct row_result results[ROWS_MAX];
  bool over[ROWS_MAX];
  size_t count, ended, shown;
  struct timespec begun;
  const char *json;  // NULL: none is wanted
  bool written;
};

static const char *speed_name(const struct row *row) {
  return row->high_speed ? "HS" : "FS";
}

// Chips' names as their makers write them.
static const char *chip_name(const struct row *row, char text[32]) {
  const char *name = row->nor_size ? row->chip : "stm32f769";
  size_t i = 0;
  for (; name[i] && i < 31; i++)
    text[i] = (char)toupper((unsigned char)name[i]);
  text[i] = 0;
  return text;
}

// --- options -------------------------------------------------------------------

static int usage(void) {
  fprintf(stderr,
          "usage: speed_bench [--quick] [--row NAME] [--chip NAME] [--road NAME]\n"
          "                   [--speed HS|FS] [--kb N] [--jobs N] [--json FILE]\n"
          "                   [--profile FILE] [--list]\n");
  return 2;
}

static bool number(const char *text, uint32_t most, uint32_t *out) {
  char *end = NULL;
  errno = 0;
  const unsigned long n = strtoul(text, &end, 10);
  if (errno || end == text || *end || n == 0 || n > most) return false;
  *out = (uint32_t)n;
  return true;
}

static bool take(struct options *o, int option) {
  uint32_t n = 0;
  switch (option) {
    case 'q': o->quick = true; return true;
    case 'l': o->list = true; return true;
    case 'r': o->row = optarg; return true;
    case 'c': o->chip = optarg; return true;
    case 'w': o->road = optarg; return true;
    case 's': o->speed = optarg; return true;
    case 'o': o->json = optarg; return true;
    case 'p': o->profile = optarg; return true;
    case 'k':
      // Whole sectors, so that each limit is one.
      if (!number(optarg, 65536, &o->nor_kb)) return false;
      return o->nor_kb % 64 == 0;
    case 'j':
      if (!number(optarg, 64, &n)) return false;
      o->jobs = n;
      return true;
    default: return false;
  }
}

static bool parse(int argc, char **argv, struct options *o) {
  static const struct option names[] = {
      {"quick", no_argument, NULL, 'q'},
      {"list", no_argument, NULL, 'l'},
      {"row", required_argument, NULL, 'r'},
      {"chip", required_argument, NULL, 'c'},
      {"road", required_argument, NULL, 'w'},
      {"speed", required_argument, NULL, 's'},
      {"json", required_argument, NULL, 'o'},
      {"kb", required_argument, NULL, 'k'},
      {"jobs", required_argument, NULL, 'j'},
      {"profile", required_argument, NULL, 'p'},
      {0},
  };
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  *o = (struct options){.jobs = cores > 0 ? (unsigned)cores : 1};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (!take(o, option)) return false;
  }
  return optind == argc;
}

static bool is(const char *wanted, const char *name) {
  return !wanted || strcasecmp(wanted, name) == 0;
}

static bool is_chosen(const struct options *o, const struct row *row) {
  char chip[32];
  return is(o->row, scenario_names[row->scenario]) &&
         is(o->chip, chip_name(row, chip)) && is(o->road, road_names[row->road]) &&
         is(o->speed, speed_name(row));
}

static void choose(struct bench *b, const struct options *o) {
  const size_t all = rows_make(b->rows, o->quick);
  for (size_t i = 0; i < all; i++) {
    struct row row = b->rows[i];
    if (!is_chosen(o, &row)) continue;
    const uint32_t wanted = o->nor_kb << 10, size = nor_chip_find(row.chip)->size;
    if (row.nor_size && wanted) row.nor_size = wanted < size ? wanted : size;
    row.profile = o->profile;
    b->rows[b->count++] = row;
  }
}

// --- the table -----------------------------------------------------------------

static void print_head(void) {
  printf("%-9s %-12s %-9s %-2s %9s %9s %8s %8s %-4s %6s %7s %8s  %s\n", "row", "chip",
         "road", "", "bytes", "seconds", "KB/s", "limit", "by", "%", "erases",
         "programs", "aimed at");
}

static void print_goals(const struct row *row, const struct row_result *r) {
  static const char *const senses[] = {">=", "<=", "="};
  struct row_goal goals[ROW_GOALS];
  const size_t n = row_goals(row, r, goals);
  for (size_t i = 0; i < n; i++) {
    printf("%s%.4g %s (%s %.4g) %s", i ? ", " : "  ", goals[i].value, goals[i].what,
           senses[goals[i].sense], goals[i].limit,
           row_goal_reached(&goals[i]) ? "ok" : "SHORT");
  }
}

static double kBps(const struct row_result *r, double seconds) {
  return seconds > 0 ? (double)r->bytes / seconds / 1000 : 0;
}

static void print_row(const struct row *row, const struct row_result *r) {
  char chip[32], percent[16] = "-";
  printf("%-9s %-12s %-9s %-2s ", scenario_names[row->scenario], chip_name(row, chip),
         road_names[row->road], speed_name(row));
  if (!r->done) {
    printf("FAILED: %s\n", r->problem[0] ? r->problem : "the simulation crashed");
    return;
  }
  const double limit_s = row_limit_s(r);
  if (row_flash_limits(r)) {
    snprintf(percent, sizeof percent, "%.1f", 100 * limit_s / r->virtual_s);
  }
  printf("%9llu %9.3f %8.1f %8.1f %-4s %6s %7llu %8llu", (unsigned long long)r->bytes,
         r->virtual_s, kBps(r, r->virtual_s), kBps(r, limit_s),
         row_flash_limits(r) ? "chip" : "usb", percent, (unsigned long long)r->erases,
         (unsigned long long)r->programs);
  print_goals(row, r);
  putchar('\n');
}

// --- JSON ----------------------------------------------------------------------

static json_t *goals_json(const struct row *row, const struct row_result *r) {
  static const char *const senses[] = {"at least", "at most", "exactly"};
  struct row_goal goals[ROW_GOALS];
  const size_t n = row_goals(row, r, goals);
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++) {
    json_array_append_new(
        list, json_pack("{s:s, s:f, s:s, s:f, s:b}", "what", goals[i].what, "value",
                        goals[i].value, "sense", senses[goals[i].sense], "limit",
                        goals[i].limit, "ok", row_goal_reached(&goals[i])));
  }
  return list;
}

static json_t *row_json(const struct row *row, const struct row_result *r) {
  char chip[32];
  const double limit_s = row_limit_s(r);
  json_t *percent =
      row_flash_limits(r) ? json_real(100 * limit_s / r->virtual_s) : json_null();
  json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:o, s:I, s:I}",
                        "name", scenario_names[row->scenario], "chip",
                        chip_name(row, chip), "road", road_names[row->road], "speed",
                        speed_name(row), "bytes", (json_int_t)r->bytes, "virtual_s",
                        r->virtual_s, "kBps", kBps(r, r->virtual_s), "limit_kBps",
                        kBps(r, limit_s), "percent", percent, "erases",
                        (json_int_t)r->erases, "programs", (json_int_t)r->programs);
  json_object_set_new(o, "limited_by",
                      json_string(row_flash_limits(r) ? "chip" : "usb"));
  json_object_set_new(o, "chip_s", json_real(r->chip_s));
  json_object_set_new(o, "usb_s", json_real(r->usb_s));
  if (r->chip_erase_s > 0) {
    json_object_set_new(o, "chip_erase_s", json_real(r->chip_erase_s));
  }
  if (r->digests_s > 0) json_object_set_new(o, "digests_s", json_real(r->digests_s));
  if (r->alone_s > 0) json_object_set_new(o, "alone_s", json_real(r->alone_s));
  json_object_set_new(o, "bytes_erased", json_integer((json_int_t)r->erased_bytes));
  json_object_set_new(o, "transfers", json_integer((json_int_t)r->transfers));
  json_object_set_new(o, "transactions", json_integer((json_int_t)r->transactions));
  json_object_set_new(o, "goals", goals_json(row, r));
  return o;
}

// In one go, so that whoever ends the run leaves a whole file.
static bool put_file(const json_t *all, const char *path) {
  char part[4096];
  snprintf(part, sizeof part, "%s.part", path);
  const bool good =
      json_dump_file(all, part, JSON_INDENT(2)) == 0 && rename(part, path) == 0;
  if (!good) fprintf(stderr, "speed_bench: cannot write %s\n", path);
  return good;
}

// The rows that have been measured so far.
static bool write_json(const struct bench *b, const char *path) {
  json_t *rows = json_array();
  for (size_t i = 0; i < b->count; i++) {
    if (!b->results[i].done) continue;
    json_array_append_new(rows, row_json(&b->rows[i], &b->results[i]));
  }
  json_t *all =
      json_pack("{s:{s:i, s:i, s:i, s:i, s:i, s:i}, s:o}", "host_model",
                "hs_transfer_us", HOST_HS_TRANSFER_US, "fs_transfer_us",
                HOST_FS_TRANSFER_US, "oversleep_us", HOST_OVERSLEEP_US,
                "serial_turnaround_us", HOST_SERIAL_US, "packet_bytes", HOST_PACKET,
                "packet_gap_ns", (int)(usb_host_defaults.gap / VT_NS(1)), "rows", rows);
  const bool good = put_file(all, path);
  json_decref(all);
  return good;
}

// --- running -------------------------------------------------------------------

static void run(void *ctx, size_t index, void *result) {
  const struct bench *b = ctx;
  row_run(&b->rows[index], result);
}

// As far as the table goes without a gap: its order is always the same.
static void show(struct bench *b) {
  for (; b->shown < b->count && b->over[b->shown]; b->shown++)
    print_row(&b->rows[b->shown], &b->results[b->shown]);
  fflush(stdout);
}

// This machine's figures, so not for the table.
static void ended(void *ctx, size_t index, bool good, double cpu_s) {
  struct bench *b = ctx;
  char chip[32];
  const struct row *row = &b->rows[index];
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  fprintf(stderr, "%4ld s  %zu of %zu: %s %s %s %s, %.1f s of CPU%s\n",
          (long)(t.tv_sec - b->begun.tv_sec), ++b->ended, b->count,
          scenario_names[row->scenario], chip_name(row, chip), road_names[row->road],
          speed_name(row), cpu_s, good ? "" : ": CRASHED");
  b->over[index] = true;
  show(b);
  if (b->json) b->written = write_json(b, b->json);
}

// The longest first: a long one at the end would run alone.
static void order_rows(const struct bench *b, size_t order[ROWS_MAX]) {
  for (size_t i = 0; i < b->count; i++) {
    const uint64_t size = b->rows[i].nor_size + 8ull * b->rows[i].internal_size;
    size_t at = i;
    for (; at > 0; at--) {
      const struct row *other = &b->rows[order[at - 1]];
      if (other->nor_size + 8ull * other->internal_size >= size) break;
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
}

static bool all_done(const struct bench *b) {
  bool all = true;
  for (size_t i = 0; i < b->count; i++)
    all = all && b->results[i].done;
  return all;
}

static void list(const struct bench *b) {
  for (size_t i = 0; i < b->count; i++) {
    char chip[32];
    printf("%-9s %-12s %-9s %s\n", scenario_names[b->rows[i].scenario],
           chip_name(&b->rows[i], chip), road_names[b->rows[i].road],
           speed_name(&b->rows[i]));
  }
}

int main(int argc, char **argv) {
  static struct bench b;
  struct options o;
  size_t order[ROWS_MAX];
  if (!parse(argc, argv, &o)) return usage();
  choose(&b, &o);
  if (b.count == 0) {
    fprintf(stderr, "speed_bench: there is no such row; --list shows all\n");
    return 2;
  }
  if (o.profile && b.count > 1) {
    fprintf(stderr, "speed_bench: --profile is for one row; choose one\n");
    return 2;
  }
  if (o.list) {
    list(&b);
    return 0;
  }
  const struct pool_work work = {.ctx = &b, .run = run, .ended = ended};
  clock_gettime(CLOCK_MONOTONIC, &b.begun);
  order_rows(&b, order);
  b.json = o.json;
  b.written = true;
  print_head();
  pool_run(&work, order, b.count, o.jobs, b.results, sizeof *b.results);
  return all_done(&b) && b.written ? 0 : 1;
}
