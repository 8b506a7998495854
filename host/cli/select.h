// SPDX-License-Identifier: MIT
// The boards that a command line means.
#pragma once

#include "host/cli/options.h"
#include "host/lib/boards.h"

struct cli_boards {
  struct usb_bus *buses;
  size_t bus_count;
  struct boards found;  // after cli_select: only those that are meant
};

// Opens the ways to boards and looks for all of them. False: the error says why not.
// cli_boards_free() in any case.
bool cli_find(struct cli_boards *b, const struct cli_options *o,
              struct qb_error *error);

// The same, then leaves those that the options mean: at least one, and only one
// unless several were asked for. Returns CLI_OK, CLI_FAILED or CLI_NO_BOARD.
int cli_select(struct cli_boards *b, const struct cli_options *o,
               struct qb_error *error);
void cli_boards_free(struct cli_boards *b);

// The choice among those that were found.
int cli_choose(struct boards *list, const struct cli_options *o,
               struct qb_error *error);
