// SPDX-License-Identifier: MIT
// The observers that the command line asks for, with their files.
#pragma once

#include "sim/machine/output_file.h"
#include "sim/machine/watch.h"
#include "sim/program/options.h"

struct watches {
  FILE *trace_out, *vcd_out, *qspi_out;
  struct watch_trace *trace;
  struct watch_vcd *vcd;
  struct watch_qspi *qspi;
};

// False: a file cannot be opened.
bool watches_open(struct watches *w, struct machine *m, const struct options *o,
                  struct load_error *error);

// Before the machine goes. False: something did not get into its file.
bool watches_close(struct watches *w, struct load_error *error);
