// SPDX-License-Identifier: MIT
// What people see while boards work: a line of progress for each board, redrawn in
// place; or one JSON object a line for programs; or nothing when nobody looks. Safe to
// call from a thread for each board.
#pragma once

#include <stdio.h>

#include "host/cli/options.h"
#include "host/lib/job.h"

struct ui;

enum ui_look {
  UI_SILENT,    // only results
  UI_TERMINAL,  // lines redrawn in place, on standard error
  UI_JSON,      // events on standard output
};

// `names` of the boards must outlive the ui. `map`: a picture of the flash of a single
// board below its line. NULL: no memory.
struct ui *ui_open(enum ui_look look, size_t boards, const char *const *names,
                   bool map);

// The look that the options and the terminal suggest.
enum ui_look ui_look_for(const struct cli_options *o);

// Of board number `board`. The plan must live as long as the board is worked on.
void ui_progress(struct ui *ui, size_t board, const struct job_progress *progress);
void ui_unit(struct ui *ui, size_t board, const struct plan *plan, size_t index);
// Something worth a line: "lost", "back"; `sentence` may be NULL.
void ui_event(struct ui *ui, size_t board, const char *event, const char *sentence);
// The board's work is over; `line` replaces its progress.
void ui_result(struct ui *ui, size_t board, const char *line);

// Ends the redrawing: what is printed next comes below.
void ui_close(struct ui *ui);

// A picture of a plan's sectors by state: a line per 64, with addresses and a legend.
void ui_print_map(FILE *out, const struct plan *plan);
