// SPDX-License-Identifier: MIT
// quadboot-attach: shows the device of a USB/IP server to an unmodified program.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/attach/bridge.h"
#include "host/attach/options.h"
#include "host/attach/preload.h"

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
  struct options options;
  char problem[OPTIONS_PROBLEM_SIZE];
  switch (
      options_parse(argc, argv, getenv(OPTIONS_SERVER_VARIABLE), &options, problem)) {
    case OPTIONS_HELP: fputs(options_help, stdout); return EXIT_SUCCESS;
    case OPTIONS_BAD:
      fprintf(stderr, "quadboot-attach: %s; --help tells more.\n", problem);
      return EXIT_USAGE;
    case OPTIONS_RUN: break;
  }
  if (!preload_self(argv)) {
    fprintf(stderr, "quadboot-attach: Cannot start again under umockdev: %s.\n",
            strerror(errno));
    return BRIDGE_FAILED;
  }
  char *sleep_library = options.real_sleep ? NULL : preload_find_sleep_library();
  if (!sleep_library && !options.real_sleep) {
    fputs(
        "quadboot-attach: libquadboot-sleep.so is not beside this program; sleeps "
        "are real.\n",
        stderr);
  }
  const int status = bridge_run(&options, sleep_library);
  free(sleep_library);
  return status;
}
