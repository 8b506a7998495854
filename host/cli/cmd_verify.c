// SPDX-License-Identifier: MIT
// `quadboot verify`: does the flash hold what the files say?
#include <inttypes.h>
#include <limits.h>

#include "host/cli/files.h"
#include "host/cli/fleet.h"

#define COMMAND "quadboot verify"

static const char help[] =
    "Usage: quadboot verify [OPTION]... FILE[@ADDR]...\n"
    "\n"
    "Compares a board's flash with files; changes nothing. Exit code 4 says that bytes\n"
    "differ. A quadboot computes checksums of its flash, and only what differs by them\n"
    "is read; the flash of others is read.\n"
    "\n" CLI_FILES_HELP
    "\n"
    "How:\n"
    "      --no-digest          ask for no checksums, read everything\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

struct arguments {
  struct cli_options common;
  bool no_digest;
  struct segments segments;
};

enum { OPTION_NO_DIGEST = CLI_OPTION_OWN };

static const struct option long_options[] = {
    CLI_LONG_OPTIONS, {"no-digest", no_argument, NULL, OPTION_NO_DIGEST}, {0}};

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  struct arguments *a = ctx;
  if (option != OPTION_NO_DIGEST) {
    return cli_take_option(&a->common, option, argv, error);
  }
  a->no_digest = true;
  return true;
}

static void verify(struct fleet_member *m) {
  const struct arguments *a = m->arguments;
  struct plan p;
  if (plan_make(&p, &m->connection.board, &a->segments, PLAN_COMPARE, &m->problem)) {
    struct job j;
    uint64_t different = 0;
    struct qb_error problem;
    job_init(&j, &m->connection.client, &m->events);
    j.wants_digest = !a->no_digest;
    const enum job_outcome outcome = job_verify(&j, &p, &different, &problem);
    fleet_take_outcome(m, outcome, &problem);
    if (outcome == JOB_STOPPED) {
      qb_error_set(&m->state, "nothing was changed on the board");
    }
    snprintf(m->summary, sizeof m->summary, "%" PRIu64 " bytes are as in the files",
             p.bytes);
  }
  plan_free(&p);
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, take, a, &a->common,
                 error)) {
    return false;
  }
  return a->common.help || cli_check_count(argc, argv, 1, INT_MAX,
                                           "no file to compare with was given", error);
}

int cmd_verify(int argc, char **argv) {
  struct arguments a = {0};
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
    const struct fleet_command command = {
        .name = COMMAND, .work = verify, .arguments = &a};
    code = fleet_run(&command, &a.common);
  }
  segments_free(&a.segments);
  cli_options_free(&a.common);
  return code;
}
