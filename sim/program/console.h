// SPDX-License-Identifier: MIT
// Where the board's serial output goes: a file or standard output.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/machine/output_file.h"

struct console {
  const char *name;  // NULL: nobody wants the output
  FILE *out;
  int error;  // errno of the first byte that was lost
};

// "-" is standard output. False: it cannot be opened.
bool console_open(struct console *c, const char *name, struct load_error *error);
void console_put(struct console *c, uint8_t byte);

// False: something that the board printed did not get there.
bool console_close(struct console *c, struct load_error *error);
