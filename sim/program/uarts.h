// SPDX-License-Identifier: MIT
// The board's serial ports and the files they go to; one of them may have this
// program's standard input and output at its other end.
#pragma once

#include "sim/machine/machine.h"
#include "sim/program/options.h"
#include "sim/program/uart_out.h"

enum { UARTS = 9 };  // by number, from 1

struct uarts {
  struct machine *machine;
  struct uart_out out[UARTS];
  unsigned typed;       // who hears standard input; 0: nobody, or it has ended
  uint8_t waiting[64];  // typed, and not yet taken by the port
  size_t waiting_count;
};

// False: a file cannot be opened.
bool uarts_open(struct uarts *u, struct machine *m, const struct options *o,
                struct load_error *error);

// True: standard output belongs to a port.
bool uarts_own_stdout(const struct uarts *u);

// Shows what was printed and takes what was typed to the port; true if there was any.
bool uarts_serve(struct uarts *u);

// False: something that the board printed did not get there.
bool uarts_close(struct uarts *u, struct load_error *error);
