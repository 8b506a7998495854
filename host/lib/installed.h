// SPDX-License-Identifier: MIT
// The application that a board has: where its bootloader looks for one, and whether
// what lies there can be started.
#pragma once

#include "host/lib/dfuc.h"
#include "host/lib/vectors.h"

struct installed {
  uint32_t address;  // 0: the board offers no internal flash
  bool known;        // its vector table could be read
  bool present;      // and is one
  struct vectors vectors;
};

// Reads the board; changes nothing.
void installed_read(struct dfuc *client, const struct usb_board *b,
                    struct installed *out);
