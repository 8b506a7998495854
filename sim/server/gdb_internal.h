// SPDX-License-Identifier: MIT
// What the files of the GDB stub share.
#pragma once

#include "sim/cpu/cpu_debug.h"
#include "sim/server/gdb.h"

// --- gdb.c: the reply ---
__attribute__((format(printf, 2, 3))) void gdb_say(struct gdb *g, const char *format,
                                                   ...);
void gdb_say_hex(struct gdb *g, const uint8_t *bytes, size_t n);

// --- gdb_packets.c ---
enum gdb_answer {
  GDB_REPLY,  // what was said goes out, be it nothing
  GDB_LATER,  // the board runs: the reply is its stop
  GDB_LEAVE,  // reply, then the connection ends
};
enum gdb_answer gdb_packet(struct gdb *g, char *packet, size_t length);
void gdb_say_stop(struct gdb *g);

// --- gdb_target.c ---
extern const char gdb_target_xml[];
enum { GDB_REGISTERS = 40 };
size_t gdb_register_size(unsigned number);
void gdb_register_get(struct machine *m, unsigned number, uint8_t *bytes);
void gdb_register_put(struct machine *m, unsigned number, const uint8_t *bytes);
// False: nothing answers there. No access of a debugger is held against the firmware.
bool gdb_memory_read(struct machine *m, uint32_t addr, uint8_t *bytes, size_t size);
bool gdb_memory_write(struct machine *m, uint32_t addr, const uint8_t *bytes,
                      size_t size);
