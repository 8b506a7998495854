// SPDX-License-Identifier: MIT
// What each packet of GDB asks. An empty reply means "not supported", and GDB then
// finds another way; errors are E and two digits without a meaning of their own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "sim/server/gdb_internal.h"

enum { SIGINT_NUMBER = 2, SIGTRAP_NUMBER = 5, SIGSEGV_NUMBER = 11 };

// --- reading packets ---

static bool take_hex(const char **p, uint32_t *out) {
  if (hex_digit(**p) < 0) return false;
  char *end;
  *out = (uint32_t)strtoul(*p, &end, 16);
  *p = end;
  return true;
}

static bool take_char(const char **p, char c) {
  if (**p != c) return false;
  ++*p;
  return true;
}

// "ADDR,LENGTH"
static bool take_range(const char **p, uint32_t *addr, uint32_t *length) {
  return take_hex(p, addr) && take_char(p, ',') && take_hex(p, length);
}

static bool take_bytes(const char *p, uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const int high = hex_digit(p[2 * i]);
    const int low = high < 0 ? -1 : hex_digit(p[2 * i + 1]);
    if (low < 0) return false;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static void say_result(struct gdb *g, bool good) {
  gdb_say(g, good ? "OK" : "E01");
}

// --- registers and memory ---

static void read_registers(struct gdb *g) {
  uint8_t bytes[8];
  for (unsigned i = 0; i < GDB_REGISTERS; i++) {
    gdb_register_get(g->machine, i, bytes);
    gdb_say_hex(g, bytes, gdb_register_size(i));
  }
}

static void write_registers(struct gdb *g, const char *p) {
  uint8_t bytes[8];
  for (unsigned i = 0; i < GDB_REGISTERS; i++) {
    const size_t size = gdb_register_size(i);
    if (!take_bytes(p, bytes, size)) {
      say_result(g, false);
      return;
    }
    gdb_register_put(g->machine, i, bytes);
    p += 2 * size;
  }
  say_result(g, true);
}

static void read_register(struct gdb *g, const char *p) {
  uint32_t number;
  uint8_t bytes[8];
  if (!take_hex(&p, &number) || number >= GDB_REGISTERS) {
    say_result(g, false);
    return;
  }
  gdb_register_get(g->machine, number, bytes);
  gdb_say_hex(g, bytes, gdb_register_size(number));
}

static void write_register(struct gdb *g, const char *p) {
  uint32_t number;
  uint8_t bytes[8];
  const bool good = take_hex(&p, &number) && number < GDB_REGISTERS &&
                    take_char(&p, '=') &&
                    take_bytes(p, bytes, gdb_register_size(number));
  if (good) gdb_register_put(g->machine, number, bytes);
  say_result(g, good);
}

static void read_memory(struct gdb *g, const char *p) {
  uint32_t addr, size;
  uint8_t bytes[GDB_PACKET / 2];
  const bool good = take_range(&p, &addr, &size) && size <= sizeof bytes &&
                    gdb_memory_read(g->machine, addr, bytes, size);
  if (good) {
    gdb_say_hex(g, bytes, size);
  } else {
    say_result(g, false);
  }
}

// M has hexadecimal digits, X the bytes themselves.
static void write_memory(struct gdb *g, const char *p, const char *end, bool binary) {
  uint32_t addr, size;
  uint8_t bytes[GDB_PACKET];
  bool good =
      take_range(&p, &addr, &size) && take_char(&p, ':') && size <= sizeof bytes;
  if (good && binary) {
    good = (size_t)(end - p) == size;
    if (good) memcpy(bytes, p, size);
  } else if (good) {
    good = take_bytes(p, bytes, size);
  }
  say_result(g, good && gdb_memory_write(g->machine, addr, bytes, size));
}

// --- points ---

static void change_point(struct gdb *g, const char *p, bool set) {
  const char type = *p++;
  uint32_t addr, size;
  if (!take_char(&p, ',') || !take_range(&p, &addr, &size)) {
    say_result(g, false);
    return;
  }
  struct cpu *c = g->machine->cpu;
  switch (type) {
    case '0':  // in memory, on other targets: here it costs no more than the other
    case '1': say_result(g, cpu_debug_break(c, addr, set)); break;
    case '2':
      say_result(g, cpu_debug_watch(c, addr, size, CPU_WATCH_WRITE, set));
      break;
    case '3': say_result(g, cpu_debug_watch(c, addr, size, CPU_WATCH_READ, set)); break;
    case '4':
      say_result(g, cpu_debug_watch(c, addr, size, CPU_WATCH_ACCESS, set));
      break;
    default: break;
  }
}

// --- running ---

static enum gdb_answer resume(struct gdb *g, const char *p, bool step) {
  uint32_t addr;
  if (take_hex(&p, &addr)) cpu_debug_put(g->machine->cpu, 15, addr);
  cpu_debug_resume(g->machine->cpu, step);
  return GDB_LATER;
}

void gdb_say_stop(struct gdb *g) {
  static const char *const names[] = {"", "watch", "rwatch", "awatch"};
  struct cpu *c = g->machine->cpu;
  enum cpu_watch kind;
  switch (cpu_debug_halted(c)) {
    case CPU_HALT_REQUEST: gdb_say(g, "T%02x", SIGINT_NUMBER); break;
    case CPU_HALT_LOCKUP: gdb_say(g, "T%02x", SIGSEGV_NUMBER); break;
    case CPU_HALT_WATCH: {
      const uint32_t addr = cpu_debug_watched(c, &kind);
      gdb_say(g, "T%02x%s:%x;", SIGTRAP_NUMBER, names[kind], (unsigned)addr);
      break;
    }
    default: gdb_say(g, "T%02x", SIGTRAP_NUMBER); break;
  }
}

// --- monitor ---

static void say_to_user(struct gdb *g, const char *text) {
  gdb_say_hex(g, (const uint8_t *)text, strlen(text));
}

static void monitor(struct gdb *g, const char *hex) {
  char text[64] = "";
  const size_t n = strlen(hex) / 2;
  if (n < sizeof text) take_bytes(hex, (uint8_t *)text, n);
  char line[96];
  if (!strncmp(text, "reset", 5)) {
    machine_reset_pin(g->machine);
    cpu_debug_halt(g->machine->cpu, CPU_HALT_REQUEST);
    say_to_user(
        g,
        "The board was reset and stands at its first instruction.\n"
        "(GDB shows its old registers until: maintenance flush register-cache)\n");
  } else if (!strcmp(text, "time")) {
    snprintf(line, sizeof line, "%.6f ms of virtual time\n",
             (double)machine_now(g->machine) / 1e9);
    say_to_user(g, line);
  } else {
    say_to_user(g, "monitor reset: NRST, then halt; monitor time: virtual time\n");
  }
}

// --- queries ---

static void say_xml(struct gdb *g, const char *p) {
  uint32_t offset, size;
  if (strncmp(p, "target.xml:", 11)) {
    say_result(g, false);
    return;
  }
  p += 11;
  const size_t total = strlen(gdb_target_xml);
  if (!take_range(&p, &offset, &size) || offset > total) {
    say_result(g, false);
    return;
  }
  if (size > GDB_PACKET) size = GDB_PACKET;
  const bool last = total - offset <= size;
  gdb_say(g, "%c%.*s", last ? 'l' : 'm', (int)size, gdb_target_xml + offset);
}

static bool starts(const char *text, const char *with) {
  return !strncmp(text, with, strlen(with));
}

static void query(struct gdb *g, const char *p) {
  if (starts(p, "Supported")) {
    gdb_say(g, "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+", GDB_PACKET);
  } else if (starts(p, "Xfer:features:read:")) {
    say_xml(g, p + 19);
  } else if (starts(p, "Attached")) {
    gdb_say(g, "1");
  } else if (starts(p, "Rcmd,")) {
    monitor(g, p + 5);
  } else if (starts(p, "fThreadInfo")) {
    gdb_say(g, "m1");
  } else if (starts(p, "sThreadInfo")) {
    gdb_say(g, "l");
  } else if (!strcmp(p, "C")) {
    gdb_say(g, "QC1");
  }
}

enum gdb_answer gdb_packet(struct gdb *g, char *packet, size_t length) {
  const char *p = packet + 1;
  switch (packet[0]) {
    case '?': gdb_say_stop(g); break;
    case 'g': read_registers(g); break;
    case 'G': write_registers(g, p); break;
    case 'p': read_register(g, p); break;
    case 'P': write_register(g, p); break;
    case 'm': read_memory(g, p); break;
    case 'M': write_memory(g, p, packet + length, false); break;
    case 'X': write_memory(g, p, packet + length, true); break;
    case 'Z': change_point(g, p, true); break;
    case 'z': change_point(g, p, false); break;
    case 'c': return resume(g, p, false);
    case 's': return resume(g, p, true);
    case 'D': gdb_say(g, "OK"); return GDB_LEAVE;
    case 'k': g->killed = true; return GDB_LEAVE;
    case 'q': query(g, p); break;
    case 'Q':
      g->no_ack = !strcmp(p, "StartNoAckMode");
      if (g->no_ack) gdb_say(g, "OK");
      break;
    case 'H':
    case 'T': gdb_say(g, "OK"); break;  // there is one thread
    default: break;
  }
  return GDB_REPLY;
}
