// SPDX-License-Identifier: MIT
#include "sim/program/outputs.h"

#include <stdio.h>
#include <string.h>

struct named_output {
  const char *option, *path;
  bool image;
};

enum { FILES = 8, OUTPUTS = FILES + OPTIONS_MAX_UARTS };

static bool is_file(const struct named_output *n) {
  return n->path && strcmp(n->path, "-") != 0;
}

static bool clash(const struct named_output *n, const char *option, const char *path,
                  struct load_error *error) {
  if (!output_same(n->path, path)) return false;
  snprintf(error->text, sizeof error->text,
           "%s and %s are both %s; give each a file of its own", option, n->option,
           n->path);
  return true;
}

// What was loaded from must not be overwritten either.
static bool clashes(const struct options *o, const struct named_output *all, int i,
                    struct load_error *error) {
  for (int k = 0; k < i; k++) {
    if (is_file(&all[k]) && clash(&all[i], all[k].option, all[k].path, error))
      return true;
  }
  for (unsigned k = 0; k < o->load_count; k++) {
    if (clash(&all[i], "--load", o->loads[k].path, error)) return true;
  }
  return false;
}

bool outputs_check(const struct options *o, struct load_error *error) {
  struct named_output all[OUTPUTS] = {
      {"--flash", o->flash_file, true},     {"--qspi", o->qspi_file, true},
      {"--options", o->options_file, true}, {"--otp", o->otp_file, true},
      {"--report", o->report_file, false},  {"--trace", o->trace_file, false},
      {"--vcd", o->vcd_file, false},        {"--qspi-log", o->qspi_log_file, false},
  };
  for (unsigned i = 0; i < o->uart_count; i++)
    all[FILES + i] = (struct named_output){"--uart", o->uarts[i].path, false};
  for (int i = 0; i < OUTPUTS; i++) {
    if (!is_file(&all[i])) continue;
    if (!output_probe(all[i].path, all[i].image, error)) return false;
    if (clashes(o, all, i, error)) return false;
  }
  return true;
}
