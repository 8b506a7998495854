// SPDX-License-Identifier: MIT
// A GDB remote stub on the loopback interface: one debugger at a time, packets in
// and out. Never blocks but in gdb_poll.
//
//   gdb.c          the connection, packets, run control
//   gdb_packets.c  what each packet asks
//   gdb_target.c   registers and memory of the machine, target.xml
//
// The board stands still from gdb_open until a debugger lets it go; who calls
// gdb_stands must then not let time pass.
#pragma once

#include "sim/machine/machine.h"

enum { GDB_PACKET = 4096 };

struct gdb {
  struct machine *machine;
  int listener, client;  // -1: none
  uint16_t port;
  char in[2 * GDB_PACKET];  // what came and is not acted upon yet
  size_t in_length;
  char out[2 * GDB_PACKET + 8];  // the reply being made
  size_t out_length;
  bool no_ack;
  bool running;  // GDB waits to hear why it stopped
  bool killed;   // GDB wants the board to be gone
};

// Port 0 takes a free one. NULL, or why not as a part of a sentence.
const char *gdb_open(struct gdb *g, struct machine *m, uint16_t port);
void gdb_close(struct gdb *g);

// Serves the debugger, waiting at most `timeout_ms` for it.
void gdb_poll(struct gdb *g, int timeout_ms);

// The board may not run now.
bool gdb_stands(const struct gdb *g);
