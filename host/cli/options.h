// SPDX-License-Identifier: MIT
// Options that the commands which talk to boards share, and the complaints that all
// commands word alike. Each command has its own getopt_long() loop.
#pragma once

#include <getopt.h>
#include <stddef.h>

#include "host/cli/cli.h"
#include "usbip/endpoint.h"

// Which boards, and how to tell about them.
struct cli_options {
  const char **serials;
  size_t serial_count;
  bool all;
  struct usbip_endpoint *servers;
  size_t server_count;
  bool json, quiet, help;
};

// Values of struct option.val; a command's own begin at CLI_OPTION_OWN.
enum {
  CLI_OPTION_USBIP = 256,
  CLI_OPTION_JSON,
  CLI_OPTION_OWN = 512,
};

#define CLI_SHORT_OPTIONS ":s:aqh"
#define CLI_LONG_OPTIONS                                                               \
  {"serial", required_argument, NULL, 's'}, {"all", no_argument, NULL, 'a'},           \
      {"usbip", required_argument, NULL, CLI_OPTION_USBIP},                            \
      {"json", no_argument, NULL, CLI_OPTION_JSON}, {"quiet", no_argument, NULL, 'q'}, \
  {                                                                                    \
    "help", no_argument, NULL, 'h'                                                     \
  }

// The paragraph of a command's help.
#define CLI_OPTIONS_HELP                                                             \
  "Which board:\n"                                                                   \
  "  -s, --serial S           the board with this serial number, or at this place\n" \
  "                           as 'quadboot list' shows it (repeatable)\n"            \
  "  -a, --all                every board that is found\n"                           \
  "      --usbip HOST:PORT    look behind this USB/IP server instead of on this\n"   \
  "                           computer's USB (repeatable): a simulated board\n"

#define CLI_OUTPUT_HELP                                               \
  "Output:\n"                                                         \
  "      --json               one JSON object a line, for programs\n" \
  "  -q, --quiet              no progress\n"                          \
  "  -h, --help               this text\n"

// A command's own options: like cli_take_option(), which it calls for all others.
typedef bool cli_take(void *ctx, int option, char **argv, struct qb_error *error);

// For a command that has none: `ctx` is the struct cli_options.
bool cli_take_shared(void *ctx, int option, char **argv, struct qb_error *error);

// Goes through all options. Stops after --help; after an error, `o->json` holds also
// what came behind it. `short_options` begins with
// CLI_SHORT_OPTIONS.
bool cli_parse(int argc, char **argv, const char *short_options,
               const struct option *options, cli_take *take, void *ctx,
               struct cli_options *o, struct qb_error *error);

// Shows a command's help.
int cli_help(const char *command, const char *help);

// Tells a failure before any board is worked on: for programs too, if they listen.
int cli_fail_for(const struct cli_options *o, const char *command, int code,
                 const struct qb_error *error);
int cli_usage_for(const struct cli_options *o, const char *command,
                  const struct qb_error *error);

// Takes what getopt_long() returned, if it is one of the shared options or an error
// of the command line. False after an error.
bool cli_take_option(struct cli_options *o, int option, char **argv,
                     struct qb_error *error);
void cli_options_free(struct cli_options *o);

// For a command that takes `least` to `most` arguments besides options.
bool cli_check_count(int argc, char **argv, int least, int most, const char *missing,
                     struct qb_error *error);

// For getopt's '?': which option is not understood. Always false.
bool cli_refuse_option(const char *last, struct qb_error *error);
