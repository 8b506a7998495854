// SPDX-License-Identifier: MIT
// `quadboot read`: flash into a file.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/fleet.h"
#include "host/lib/file.h"
#include "host/lib/range.h"

#define COMMAND "quadboot read"

static const char help[] =
    "Usage: quadboot read -o FILE [OPTION]... RANGE\n"
    "\n"
    "Reads a part of a board's flash into a file.\n"
    "\n"
    "RANGE is one of\n"
    "  0x90000000:64K   so many bytes from there (K, M, or hexadecimal with 0x)\n"
    "  0x08010000       from there to the end of that flash\n"
    "  internal, qspi   all of it\n"
    "\n"
    "  -o, --output FILE        the file to write; on failure it stays as it was\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

struct arguments {
  struct cli_options common;
  const char *output;
  struct range range;
};

static const struct option long_options[] = {
    CLI_LONG_OPTIONS, {"output", required_argument, NULL, 'o'}, {0}};

static bool take(void *ctx, int option, char **argv, struct qb_error *error) {
  struct arguments *a = ctx;
  if (option != 'o') return cli_take_option(&a->common, option, argv, error);
  a->output = optarg;
  return true;
}

static void read_to_file(struct fleet_member *m,
                         const struct usb_board_alternate *alternate, uint32_t address,
                         uint64_t size) {
  const struct arguments *a = m->arguments;
  struct qb_error problem;
  // 4 GB are more than a small computer can address.
  uint8_t *bytes = (size_t)size == size ? malloc((size_t)size) : NULL;
  if (!bytes) {
    qb_error_no_memory(&m->problem);
    return;
  }
  struct job j;
  job_init(&j, &m->connection.client, &m->events);
  const enum job_outcome outcome =
      job_read(&j, alternate->number, address, bytes, size, &problem);
  fleet_take_outcome(m, outcome, &problem);
  if (outcome == JOB_STOPPED) {
    qb_error_set(&m->state, "nothing was changed on the board, nor in %s", a->output);
  }
  if (outcome == JOB_DONE && !file_replace(a->output, bytes, size, &m->problem)) {
    m->code = CLI_FAILED;
  }
  free(bytes);
  snprintf(m->summary, sizeof m->summary,
           "%" PRIu64 " bytes from 0x%08" PRIX32 " in %s", size, address, a->output);
}

static void read_board(struct fleet_member *m) {
  const struct arguments *a = m->arguments;
  const struct usb_board_alternate *alternate = NULL;
  uint32_t address = 0;
  uint64_t size = 0;
  if (range_resolve(&a->range, &m->connection.board, &alternate, &address, &size,
                    &m->problem)) {
    read_to_file(m, alternate, address, size);
  }
}

static bool check(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_check_count(argc, argv, 1, 1, "no range to read was given", error)) {
    return false;
  }
  if (!a->output) return qb_error_set(error, "no output file was given: use -o");
  if (a->common.all || a->common.serial_count > 1) {
    return qb_error_set(error, "one file takes the content of one board");
  }
  return range_parse(argv[optind], &a->range, error);
}

static bool parse(int argc, char **argv, struct arguments *a, struct qb_error *error) {
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS "o:", long_options, take, a, &a->common,
                 error))
    return false;
  return a->common.help || check(argc, argv, a, error);
}

int cmd_read(int argc, char **argv) {
  struct arguments a = {0};
  struct qb_error error;
  int code = CLI_OK;
  if (!parse(argc, argv, &a, &error)) {
    code = cli_usage_for(&a.common, COMMAND, &error);
  } else if (a.common.help) {
    code = cli_help(COMMAND, help);
  } else if (!file_check_place(a.output, &error)) {
    code = cli_fail_for(&a.common, COMMAND, CLI_FAILED, &error);
  } else {
    const struct fleet_command command = {
        .name = COMMAND, .work = read_board, .arguments = &a};
    code = fleet_run(&command, &a.common);
  }
  cli_options_free(&a.common);
  return code;
}
