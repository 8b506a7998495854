// SPDX-License-Identifier: MIT
// A serial line by termios: a virtual COM port (/dev/ttyACM0), an adapter, a
// pseudo-terminal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/lib/error.h"
#include "host/lib/serial_io.h"

// Opens it for this program alone, raw; what had come before is still read: a
// receiver's request may be among it. `baud` 0: as it is. On success the caller owns
// `out` and must close it.
bool serial_open(const char *path, uint32_t baud, struct serial_io *out,
                 struct qb_error *error);
