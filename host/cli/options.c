// SPDX-License-Identifier: MIT
#include "host/cli/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/json.h"

// getopt leaves a short option's letter in optopt, for inside "-abc" it has not
// yet moved on. 'h' there means "--help=value".
bool cli_refuse_option(const char *last, struct qb_error *error) {
  if (optopt > 0 && optopt <= CHAR_MAX && optopt != 'h') {
    return qb_error_set(error, "there is no option -%c", optopt);
  }
  return qb_error_set(error, "the option %s is not understood", last);
}

static bool add_serial(struct cli_options *o, const char *text,
                       struct qb_error *error) {
  const char **serials = reallocarray(o->serials, o->serial_count + 1, sizeof *serials);
  if (!serials) return qb_error_no_memory(error);
  o->serials = serials;
  o->serials[o->serial_count++] = text;
  return true;
}

static bool add_server(struct cli_options *o, const char *text,
                       struct qb_error *error) {
  struct usbip_endpoint *servers =
      reallocarray(o->servers, o->server_count + 1, sizeof *servers);
  if (!servers) return qb_error_no_memory(error);
  o->servers = servers;
  if (!usbip_endpoint_parse(text, &o->servers[o->server_count])) {
    return qb_error_set(error, "--usbip needs HOST:PORT, not \"%s\"", text);
  }
  o->server_count++;
  return true;
}

bool cli_take_option(struct cli_options *o, int option, char **argv,
                     struct qb_error *error) {
  switch (option) {
    case 's':
      // What a script gives that has found no board; others may have no number either.
      if (!*optarg) return qb_error_set(error, "the serial number is empty");
      return add_serial(o, optarg, error);
    case 'a': o->all = true; return true;
    case CLI_OPTION_USBIP: return add_server(o, optarg, error);
    case CLI_OPTION_JSON: o->json = true; return true;
    case 'q': o->quiet = true; return true;
    case 'h': o->help = true; return true;
    case ':': return qb_error_set(error, "%s needs a value", argv[optind - 1]);
    default: return cli_refuse_option(argv[optind - 1], error);
  }
}

bool cli_take_shared(void *ctx, int option, char **argv, struct qb_error *error) {
  return cli_take_option(ctx, option, argv, error);
}

void cli_options_free(struct cli_options *o) {
  free(o->serials);
  free(o->servers);
}

bool cli_parse(int argc, char **argv, const char *short_options,
               const struct option *options, cli_take *take, void *ctx,
               struct cli_options *o, struct qb_error *error) {
  int option;
  opterr = 0;  // the words are ours
  while ((option = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
    if (!take(ctx, option, argv, error)) {
      for (int i = optind; i < argc; i++) {
        o->json |= strcmp(argv[i], "--json") == 0;
      }
      return false;
    }
    if (o->help) return true;
  }
  return true;
}

bool cli_check_count(int argc, char **argv, int least, int most, const char *missing,
                     struct qb_error *error) {
  const int count = argc - optind;
  if (count < least) return qb_error_set(error, "%s", missing);
  if (count <= most) return true;
  return qb_error_set(error, "\"%s\" is one argument too many", argv[optind + most]);
}

static void put_failure(const struct cli_options *o, int code,
                        const struct qb_error *error) {
  if (!o->json) return;
  json_t *e = json_pack("{s:s, s:b, s:i}", "event", "result", "ok", 0, "code", code);
  json_object_set_new(e, "problem", cli_json_text(error->text));
  cli_put_json(e);
}

int cli_fail_for(const struct cli_options *o, const char *command, int code,
                 const struct qb_error *error) {
  put_failure(o, code, error);
  return cli_fail_as(command, code, error);
}

int cli_usage_for(const struct cli_options *o, const char *command,
                  const struct qb_error *error) {
  put_failure(o, CLI_USAGE, error);
  return cli_usage(command, error);
}

int cli_help(const char *command, const char *help) {
  puts(help);
  return cli_finish_output(command);
}
