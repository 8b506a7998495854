// SPDX-License-Identifier: MIT
// `quadboot erase`: sectors, or a whole flash.
#include <inttypes.h>

#include "host/cli/fleet.h"
#include "host/lib/range.h"

#define COMMAND "quadboot erase"

static const char help[] =
    "Usage: quadboot erase [OPTION]... RANGE\n"
    "\n"
    "Erases a part of a board's flash.\n"
    "\n"
    "RANGE is one of\n"
    "  0x90000000:64K   so many bytes from there: whole sectors, see 'quadboot info'\n"
    "  internal, qspi   all of it, but for the bootloader; Ctrl-C does not stop that\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

struct arguments {
  struct cli_options common;
  struct range range;
};

static const struct option long_options[] = {CLI_LONG_OPTIONS, {0}};

// What an erase that was broken off leaves. Stopped, it has finished its sector.
static void tell_state(struct fleet_member *m, enum job_outcome outcome,
                       const struct plan *p) {
  const size_t erased = plan_count(p, UNIT_ERASED);
  qb_error_set(&m->state, "%zu of %zu sectors are erased%s; run the same command again",
               erased, p->count,
               outcome == JOB_STOPPED || erased == p->count
                   ? ""
                   : ", and the next one perhaps in part");
}

// An erase is a change without an end: to quadboot an update has begun.
static const char *consequence(const struct fleet_member *m) {
  return m->connection.board.kind == BOARD_QUADBOOT
             ? "; no application is started before the next flash or 'quadboot boot'"
             : "";
}

static void erase_sectors(struct fleet_member *m, uint32_t address, uint64_t size) {
  struct plan p;
  if (plan_erase(&p, &m->connection.board, address, size, &m->problem)) {
    struct job j;
    struct qb_error problem;
    job_init(&j, &m->connection.client, &m->events);
    const enum job_outcome outcome = job_erase(&j, &p, &problem);
    fleet_take_outcome(m, outcome, &problem);
    if (outcome != JOB_DONE) tell_state(m, outcome, &p);
    snprintf(m->summary, sizeof m->summary,
             "%zu sectors from 0x%08" PRIX32 " on are erased%s", p.count, address,
             consequence(m));
  }
  plan_free(&p);
}

static void erase_medium(struct fleet_member *m, const struct usb_board_alternate *a) {
  struct job j;
  struct qb_error problem;
  job_init(&j, &m->connection.client, &m->events);
  const enum job_outcome outcome = job_mass_erase(&j, a->number, &problem);
  fleet_take_outcome(m, outcome, &problem);
  if (outcome != JOB_DONE) {
    qb_error_set(&m->state, "%s is perhaps erased in part; run the same command again",
                 a->layout.name);
  }
  snprintf(m->summary, sizeof m->summary, "%s is erased%s", a->layout.name,
           consequence(m));
}

static void erase(struct fleet_member *m) {
  const struct arguments *a = m->arguments;
  const struct usb_board_alternate *alternate = NULL;
  uint32_t address = 0;
  uint64_t size = 0;
  if (!range_resolve(&a->range, &m->connection.board, &alternate, &address, &size,
                     &m->problem)) {
    return;
  }
  if (a->range.whole) {
    erase_medium(m, alternate);
  } else {
    erase_sectors(m, address, size);
  }
}

static bool check(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_check_count(argc, argv, 1, 1, "no range to erase was given", error)) {
    return false;
  }
  if (!range_parse(argv[optind], &a->range, error)) return false;
  if (a->range.whole || a->range.size > 0) return true;
  return qb_error_set(error, "how much is to be erased? write %s:SIZE", argv[optind]);
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  return cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, cli_take_shared,
                   &a->common, &a->common, error) &&
         (a->common.help || check(argc, argv, a, error));
}

int cmd_erase(int argc, char **argv) {
  struct arguments a = {0};
  struct qb_error error;
  int code;
  if (!parse(argc, argv, &a, &error)) {
    code = cli_usage_for(&a.common, COMMAND, &error);
  } else if (a.common.help) {
    code = cli_help(COMMAND, help);
  } else {
    const struct fleet_command command = {
        .name = COMMAND, .work = erase, .arguments = &a};
    code = fleet_run(&command, &a.common);
  }
  cli_options_free(&a.common);
  return code;
}
