// SPDX-License-Identifier: MIT
// Commands on the wires of the QSPI flash, a line each:
//
//   time ms      opcode name      lines    address   dummy  bytes
//   12.345678    EB 4READ         1-4-4    00012340      6  256 in: 7F 45 4C ...
//
// Lines are those of opcode, address and data. Reads of the memory-mapped window that
// the simulator takes from the array itself never cross the wires: of those only the
// first is here. Commands that repeat are counted.
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/machine/watch.h"

enum { SHOWN = 16, LINE = 160 };

struct conversation {
  bool open;
  vtime_t start;
  uint8_t opcode;
  unsigned opcode_lines, address_lines, data_lines;  // 0: no such part
  unsigned address_bits, dummy, mode_clocks;
  uint32_t address;
  size_t sent, received;
  uint8_t first[SHOWN];
};

struct watch_qspi {
  struct machine *machine;
  FILE *out;
  struct nor_tap tap;
  struct conversation now;
  char last[LINE];
  uint64_t repeats;
};

static void end_repeats(struct watch_qspi *q) {
  if (q->repeats) {
    fprintf(q->out, "             the same %" PRIu64 " times more\n", q->repeats);
  }
  q->repeats = 0;
}

static const char *name_of(const struct watch_qspi *q) {
  const struct nor_command *c = q->machine->nor.wire.command;
  return c ? c->name : "(unknown)";
}

static size_t add(char *line, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t add(char *line, size_t at, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(line + at, LINE - at, format, args);
  va_end(args);
  const size_t end = at + (n > 0 ? (size_t)n : 0);
  return end < LINE ? end : LINE - 1;
}

static size_t add_bytes(const struct conversation *c, char *line, size_t at) {
  const size_t count = c->sent + c->received;
  if (count == 0) return at;
  at = add(line, at, "  %zu %s:", count, c->sent ? "out" : "in");
  for (size_t i = 0; i < count && i < SHOWN; i++)
    at = add(line, at, " %02X", c->first[i]);
  return count > SHOWN ? add(line, at, " ...") : at;
}

static void describe(const struct watch_qspi *q, char *line) {
  const struct conversation *c = &q->now;
  char opcode[4] = "--", address[12] = "-", lines[12];
  if (c->opcode_lines) snprintf(opcode, sizeof opcode, "%02X", c->opcode);
  if (c->address_bits)
    snprintf(address, sizeof address, "%0*" PRIX32, (int)c->address_bits / 4,
             c->address);
  snprintf(lines, sizeof lines, "%u-%u-%u", c->opcode_lines % 10, c->address_lines % 10,
           c->data_lines % 10);
  const size_t at = add(line, 0, "%s %-12s %-7s %8s %5u", opcode, name_of(q), lines,
                        address, c->dummy + c->mode_clocks);
  add_bytes(c, line, at);
}

static void finish(struct watch_qspi *q) {
  char line[LINE] = "";
  if (!q->now.open) return;
  q->now.open = false;
  describe(q, line);
  if (!strcmp(line, q->last)) {
    q->repeats++;
    return;
  }
  end_repeats(q);
  memcpy(q->last, line, sizeof line);
  fprintf(q->out, "%-12.6f %s\n", (double)q->now.start / 1e9, line);
}

static void on_select(void *ctx, bool low) {
  struct watch_qspi *q = ctx;
  finish(q);
  if (low) {
    q->now = (struct conversation){.open = true, .start = machine_now(q->machine)};
  }
}

static void note_data(struct conversation *c, size_t *count, const uint8_t *bytes,
                      size_t n) {
  for (size_t i = 0; i < n && *count + i < SHOWN; i++)
    c->first[*count + i] = bytes[i];
  *count += n;
}

static void on_send(void *ctx, enum nor_part part, unsigned lines, const uint8_t *bytes,
                    size_t bits) {
  struct conversation *c = &((struct watch_qspi *)ctx)->now;
  switch (part) {
    case NOR_PART_OPCODE:
      c->opcode = bytes[0];
      c->opcode_lines = lines;
      break;
    case NOR_PART_ADDRESS:
      c->address_lines = lines;
      c->address_bits = (unsigned)bits;
      for (size_t i = 0; i < bits / 8; i++)
        c->address = c->address << 8 | bytes[i];
      break;
    case NOR_PART_MODE: c->mode_clocks = (unsigned)bits / lines; break;
    case NOR_PART_DATA:
      c->data_lines = lines;
      note_data(c, &c->sent, bytes, bits / 8);
      break;
    default: break;
  }
}

static void on_wait(void *ctx, unsigned clocks) {
  ((struct watch_qspi *)ctx)->now.dummy += clocks;
}

static void on_receive(void *ctx, unsigned lines, const uint8_t *bytes, size_t count) {
  struct conversation *c = &((struct watch_qspi *)ctx)->now;
  c->data_lines = lines;
  note_data(c, &c->received, bytes, count);
}

struct watch_qspi *watch_qspi_open(struct machine *m, FILE *out) {
  struct watch_qspi *q = calloc(1, sizeof *q);
  if (!q) abort();
  q->machine = m;
  q->out = out;
  q->tap = (struct nor_tap){.ctx = q,
                            .select = on_select,
                            .send = on_send,
                            .wait = on_wait,
                            .receive = on_receive};
  nor_listen(&m->nor, &q->tap);
  fputs("# ms         opcode, name    lines    address dummy  bytes\n", out);
  return q;
}

void watch_qspi_close(struct watch_qspi *q) {
  if (!q) return;
  finish(q);
  end_repeats(q);
  nor_ignore(&q->machine->nor, &q->tap);
  free(q);
}
