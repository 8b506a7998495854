// SPDX-License-Identifier: MIT
// The serial ports of this computer that USB devices offer, as Linux lists them. Reads
// files only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/error.h"

enum { SERIAL_PATH_ROOM = 300, SERIAL_TEXT_ROOM = 128, SERIAL_PORTS_MAX = 64 };

// Where the files are; a test has its own.
struct serial_paths {
  const char *ports;  // "/sys/class/tty"
  const char *nodes;  // "/dev"
};
extern const struct serial_paths serial_linux;

struct serial_port {
  char path[SERIAL_PATH_ROOM];     // "/dev/ttyACM0"
  char product[SERIAL_TEXT_ROOM];  // as the device says
  char serial[SERIAL_TEXT_ROOM];
  uint16_t vendor, product_id;
};

struct serial_ports {
  struct serial_port items[SERIAL_PORTS_MAX];
  size_t count;
};

// All ports of USB devices, in the order of their names. Empty where there are none.
void serial_find(const struct serial_paths *p, struct serial_ports *out);

// The one port of a quadboot board; with `serial`, of the board that has this serial
// number. False: none or several; the error says so.
bool serial_choose(const struct serial_ports *ports, const char *serial,
                   const struct serial_port **out, struct qb_error *error);
