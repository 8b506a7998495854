// SPDX-License-Identifier: MIT
// `quadboot flash`: files onto boards.
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/cli/files.h"
#include "host/cli/fleet.h"
#include "host/lib/installed.h"

#define COMMAND "quadboot flash"

static const char help[] =
    "Usage: quadboot flash [OPTION]... FILE[@ADDR]...\n"
    "\n"
    "Writes files to a board's internal flash and external QSPI flash over USB, then\n"
    "starts the application. Works with quadboot, with ST's ROM bootloader and with\n"
    "any other DfuSe bootloader, as far as their flash goes. All is checked before\n"
    "the first byte is sent. If the board is lost on the way (a bad cable), it is\n"
    "found again and the rest is written.\n"
    "\n" CLI_FILES_HELP
    "\n"
    "quadboot tells by checksums what it holds already: only what differs is sent, and\n"
    "all that was sent is checked in the same way at the end. If an earlier update was\n"
    "broken off, everything is sent.\n"
    "\n"
    "Whole sectors are erased: bytes of a sector that no file names may be blank\n"
    "afterwards. 'quadboot info' shows the sectors.\n"
    "\n"
    "What to do:\n"
    "      --changed            read first, and write only sectors that differ, where\n"
    "                           the board computes no checksums\n"
    "      --verify             read all back at the end and compare, where the board\n"
    "                           computes no checksums\n"
    "      --no-digest          ask for no checksums: send everything, and verify by\n"
    "                           reading if --verify asks for it\n"
    "      --no-start           stay in the bootloader at the end\n"
    "      --force              write even an application that could not start from\n"
    "                           where it lies, or a file for another USB device\n"
    "      --wait SECONDS       how long to look for a board that is lost (30)\n"
    "      --map                draw the flash: what was erased, written, verified\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP
    "\n"
    "Ctrl-C stops after the sector in progress, and says in which state the board is.\n"
    "\n"
    "Examples:\n"
    "  quadboot flash update.dfu\n"
    "  quadboot flash app.elf pictures.bin@0x90000000\n"
    "  quadboot flash --all --verify update.dfu\n"
    "\n" CLI_EXIT_CODES;

struct arguments {
  struct cli_options common;
  struct update_options update;
  enum plan_use use;
  bool map;
  struct segments segments;
};

// ---- Command line ----------------------------------------------------------

enum {
  OPTION_CHANGED = CLI_OPTION_OWN,
  OPTION_VERIFY,
  OPTION_NO_DIGEST,
  OPTION_NO_START,
  OPTION_FORCE,
  OPTION_WAIT,
  OPTION_MAP,
};

static const struct option long_options[] = {
    CLI_LONG_OPTIONS,
    {"changed", no_argument, NULL, OPTION_CHANGED},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"no-digest", no_argument, NULL, OPTION_NO_DIGEST},
    {"no-start", no_argument, NULL, OPTION_NO_START},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"map", no_argument, NULL, OPTION_MAP},
    {0},
};

static bool parse_wait(const char *text, uint32_t *out_ms, struct qb_error *error) {
  enum { MOST_S = 3600 };
  char *end = NULL;
  const unsigned long seconds = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || seconds > MOST_S) {
    return qb_error_set(error, "--wait needs seconds, up to %d, not \"%s\"", MOST_S,
                        text);
  }
  *out_ms = (uint32_t)seconds * 1000;
  return true;
}

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  struct arguments *a = ctx;
  switch (option) {
    case OPTION_CHANGED: a->update.job.changed_only = true; return true;
    case OPTION_VERIFY: a->update.job.verify = true; return true;
    case OPTION_NO_DIGEST: a->update.job.digest = false; return true;
    case OPTION_NO_START: a->update.job.start = false; return true;
    case OPTION_FORCE: a->use = PLAN_FORCE; return true;
    case OPTION_WAIT: return parse_wait(optarg, &a->update.wait_ms, error);
    case OPTION_MAP: a->map = true; return true;
    default: return cli_take_option(&a->common, option, argv, error);
  }
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, take, a, &a->common,
                 error))
    return false;
  return a->common.help ||
         cli_check_count(argc, argv, 1, INT_MAX, "no file to flash was given", error);
}

// ---- Work ------------------------------------------------------------------

static void on_lost(void *ctx, const char *sentence) {
  const struct fleet_member *m = ctx;
  ui_event(m->ui, m->index, "lost", sentence);
}

static void on_back(void *ctx) {
  const struct fleet_member *m = ctx;
  ui_event(m->ui, m->index, "back", "the board is back, and the update goes on");
}

enum { SIZE_ROOM = 32 };

static void size_text(uint64_t bytes, char out[SIZE_ROOM]) {
  static const struct {
    uint64_t size;
    const char *name;
  } units[] = {{1024 * 1024, "MB"}, {1024, "KB"}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (bytes < units[i].size) continue;
    const uint64_t tenths = bytes * 10 / units[i].size;
    snprintf(out, SIZE_ROOM, "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10),
             units[i].name);
    return;
  }
  snprintf(out, SIZE_ROOM, "%" PRIu64 " bytes", bytes);
}

static void summarise(struct fleet_member *m, const struct plan *p,
                      const struct update_result *r) {
  const size_t unchanged = plan_count(p, UNIT_UNCHANGED);
  int at = snprintf(
      m->summary, sizeof m->summary, "%" PRIu64 " bytes in %zu sectors %s", p->bytes,
      p->count, plan_count(p, UNIT_VERIFIED) > 0 ? "written and verified" : "written");
  const size_t room = sizeof m->summary;
  if (unchanged > 0) {
    at += snprintf(m->summary + at, room - (size_t)at, " (%zu were right already)",
                   unchanged);
  }
  if (p->skipped > 0) {
    char size[SIZE_ROOM];
    size_text(p->skipped, size);
    at += snprintf(m->summary + at, room - (size_t)at,
                   ", skipped %s that is there already", size);
  }
  if (r->losses > 0) {
    at += snprintf(m->summary + at, room - (size_t)at, ", after %u lost connections",
                   r->losses);
  }
  at += snprintf(m->summary + at, room - (size_t)at, ", %" PRIu64 " USB transfers",
                 r->transfers);
  snprintf(m->summary + at, room - (size_t)at,
           r->started ? "; the application is started"
                      : "; the board stays in the bootloader");
}

// NULL: no memory, and no map then.
static char *draw(const struct plan *p) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  ui_print_map(out, p);
  char skipped[SIZE_ROOM];
  size_text(p->skipped, skipped);
  if (p->skipped > 0) fprintf(out, "  skipped: %s that is there already\n", skipped);
  fclose(out);
  return text;
}

// Only quadboot knows by itself where its application is, if the plan has none.
static bool can_start(struct fleet_member *m, const struct plan *p) {
  struct connection *c = &m->connection;
  struct installed before;
  if (p->has_application) return true;
  if (c->board.kind != BOARD_QUADBOOT) return false;
  installed_read(&c->client, &c->board, &before);
  return before.present;
}

static void flash(struct fleet_member *m) {
  const struct arguments *a = m->arguments;
  const struct update_events events = {
      .job = m->events, .lost = on_lost, .back = on_back};
  struct plan p;
  struct update_result r;
  if (plan_make(&p, &m->connection.board, &a->segments, a->use, &m->problem)) {
    struct update_options options = a->update;
    if (options.job.start) options.job.start = can_start(m, &p);
    update_run(&m->connection, &m->connected, m->entry->bus, &p, &options, &events, &r);
    fleet_take_outcome(m, r.outcome, &r.problem);
    m->state = r.state;
    summarise(m, &p, &r);
    m->skipped = p.skipped;
    if (a->map) m->picture = draw(&p);
  }
  plan_free(&p);
}

static int run(const struct arguments *a) {
  const struct fleet_command command = {
      .name = COMMAND, .work = flash, .arguments = a, .map = a->map};
  return fleet_run(&command, &a->common);
}

int cmd_flash(int argc, char **argv) {
  enum { WAIT_MS = 30000 };
  struct arguments a = {
      .update = {.job = {.digest = true, .start = true}, .wait_ms = WAIT_MS}};
  struct qb_error error;
  int code = CLI_OK;
  if (!parse(argc, argv, &a, &error)) {
    code = cli_usage_for(&a.common, COMMAND, &error);
  } else if (a.common.help) {
    code = cli_help(COMMAND, help);
  } else if (!cli_load_files(&a.segments, (size_t)(argc - optind), argv + optind,
                             &error)) {
    code = cli_fail_for(&a.common, COMMAND, CLI_FAILED, &error);
  } else {
    code = run(&a);
  }
  segments_free(&a.segments);
  cli_options_free(&a.common);
  return code;
}
