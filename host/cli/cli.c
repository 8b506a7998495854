// SPDX-License-Identifier: MIT
#include "host/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_fail_as(const char *command, int code, const struct qb_error *error) {
  fprintf(stderr, "%s: %s\n", command, error->text);
  return code;
}

int cli_fail(const char *command, const struct qb_error *error) {
  return cli_fail_as(command, CLI_FAILED, error);
}

int cli_usage(const char *command, const struct qb_error *error) {
  fprintf(stderr, "%s: %s (see '%s --help')\n", command, error->text, command);
  return CLI_USAGE;
}

int cli_finish_output(const char *command) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return CLI_OK;
  struct qb_error error;
  qb_error_set(&error, "cannot write to standard output: %s", strerror(errno));
  return cli_fail(command, &error);
}
