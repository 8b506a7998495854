// SPDX-License-Identifier: MIT
// Where the board's serial output goes: a file or standard output.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/machine/output_file.h"

struct uart_out {
  const char *name;  // NULL: nobody wants the output
  FILE *out;
  bool waiting;  // something is not flushed
  int error;     // errno of the first byte that was lost
};

// "-" is standard output. False: it cannot be opened.
bool uart_out_open(struct uart_out *c, const char *name, struct load_error *error);
void uart_out_put(struct uart_out *c, uint8_t byte);

// Whoever looks sees all that was put. Call it now and then.
void uart_out_flush(struct uart_out *c);

// False: something that the board printed did not get there.
bool uart_out_close(struct uart_out *c, struct load_error *error);
