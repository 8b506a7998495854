// SPDX-License-Identifier: MIT
// A person, or a script, at the console of a board.
#pragma once

#include "host/lib/error.h"
#include "host/lib/serial_io.h"

// Carries standard input to the line and the line to standard output, until Ctrl-] is
// typed, the input ends and the line has nothing more to say, or the line is gone. A
// terminal is raw meanwhile, and put back as it was. False: the error says why.
bool console_run(const struct serial_io *io, struct qb_error *error);
