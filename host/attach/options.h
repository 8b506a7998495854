// SPDX-License-Identifier: MIT
// The command line of quadboot-attach.
#pragma once

#include <stdbool.h>

#include "host/attach/node.h"
#include "usbip/endpoint.h"

// The environment variable that replaces the default server.
#define OPTIONS_SERVER_VARIABLE "QUADBOOT_USBIP"

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

enum { OPTIONS_PROBLEM_SIZE = 200 };

struct options {
  struct usbip_endpoint server;
  enum node_kind node;
  bool verbose, real_sleep;
  const char *tty;       // the name of the terminal to show; NULL: none
  char *const *command;  // closed with NULL; points into argv
};

// `server` is the value of OPTIONS_SERVER_VARIABLE, or NULL. With OPTIONS_BAD,
// `problem` is a sentence without its end.
enum options_result options_parse(int argc, char *const argv[], const char *server,
                                  struct options *out,
                                  char problem[OPTIONS_PROBLEM_SIZE]);

// What --help prints.
extern const char options_help[];
