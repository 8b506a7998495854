// SPDX-License-Identifier: MIT
// `quadboot boot`: starts the installed application.
#include "host/cli/fleet.h"

#define COMMAND "quadboot boot"

static const char help[] =
    "Usage: quadboot boot [OPTION]...\n"
    "\n"
    "Leaves the bootloader and starts the installed application. quadboot refuses if\n"
    "there is none; an update that was broken off counts as finished by this command.\n"
    "\n" CLI_OPTIONS_HELP "\n" CLI_OUTPUT_HELP "\n" CLI_EXIT_CODES;

static const struct option long_options[] = {CLI_LONG_OPTIONS, {0}};

static void boot(struct fleet_member *m) {
  const struct usb_board *b = &m->connection.board;
  struct qb_error problem;
  struct job j;
  uint32_t application = 0;
  // quadboot knows where its application is; others start from the address pointer.
  const bool tell =
      b->kind != BOARD_QUADBOOT && plan_application_address(b, &application);
  job_init(&j, &m->connection.client, &m->events);
  fleet_take_outcome(m, job_start(&j, tell ? &application : NULL, &problem), &problem);
  snprintf(m->summary, sizeof m->summary, "the application is started");
}

int cmd_boot(int argc, char **argv) {
  struct cli_options o = {0};
  struct qb_error error;
  int code;
  if (!cli_parse(argc, argv, CLI_SHORT_OPTIONS, long_options, cli_take_shared, &o, &o,
                 &error) ||
      (!o.help && !cli_check_count(argc, argv, 0, 0, "", &error))) {
    code = cli_usage_for(&o, COMMAND, &error);
  } else if (o.help) {
    code = cli_help(COMMAND, help);
  } else {
    const struct fleet_command command = {.name = COMMAND, .work = boot};
    code = fleet_run(&command, &o);
  }
  cli_options_free(&o);
  return code;
}
