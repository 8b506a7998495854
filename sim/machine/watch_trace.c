// SPDX-License-Identifier: MIT
// Register accesses as lines:
//
//   time ms      PC        access        old      -> new       fields that differ
//   1.500125     08000236  W4 RCC.CR     00000083 -> 00010083  HSEON=1
//
// The old value is what was last seen on the bus there, or the register's reset value:
// reading it now could have effects. Accesses that repeat are counted.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/machine/watch.h"

struct traced {
  struct watch_trace *trace;
  struct bus_device inner;  // as the bus had it
  uint32_t *seen;           // per word
};

struct access {
  bool write;
  uint32_t pc, addr, value;
  unsigned bytes;
};

struct watch_trace {
  struct machine *machine;
  FILE *out;
  struct traced devices[BUS_MAX_DEVICES];
  size_t count;
  struct access last;
  uint64_t repeats;
};

static void end_repeats(struct watch_trace *t) {
  if (t->repeats) {
    fprintf(t->out, "             the same %" PRIu64 " times more\n", t->repeats);
  }
  t->repeats = 0;
}

static bool repeats(struct watch_trace *t, const struct access *a) {
  const struct access *l = &t->last;
  const bool same = l->pc == a->pc && l->addr == a->addr && l->value == a->value &&
                    l->bytes == a->bytes && l->write == a->write;
  if (same) t->repeats++;
  return same;
}

// "RCC.CR", "GPIOJ.BSRR", "LTDC+0x018"
static void name_register(const struct watch_trace *t, const struct bus_device *d,
                          uint32_t addr, char *text, size_t room) {
  const struct reg_file *f = reg_file_at(&t->machine->sim.report, addr);
  if (!f) {
    snprintf(text, room, "%s+0x%03x", d->name, (unsigned)(addr - d->base));
    return;
  }
  const char *block = f->base == d->base ? d->name : f->block->name;
  const unsigned byte = addr & 3u;
  const int n = snprintf(text, room, "%s.%s", block, reg_at(f, addr - f->base)->name);
  if (byte && n > 0) snprintf(text + n, room - (size_t)n, "+%u", byte);
}

static void print_fields(const struct watch_trace *t, uint32_t addr, uint32_t old,
                         uint32_t now) {
  const struct reg_file *f = reg_file_at(&t->machine->sim.report, addr);
  const struct reg_desc *r = f ? reg_at(f, addr - f->base) : NULL;
  if (!r) return;
  for (unsigned i = 0; i < r->field_count; i++) {
    const struct reg_field *field = &r->fields[i];
    const uint32_t mask = (uint32_t)((1ull << field->width) - 1u) << field->lsb;
    if ((old ^ now) & mask) {
      fprintf(t->out, " %s=%x", field->name, (unsigned)((now & mask) >> field->lsb));
    }
  }
}

static void note(struct traced *d, const struct access *a) {
  struct watch_trace *t = d->trace;
  const uint32_t offset = a->addr - d->inner.base;
  uint32_t *seen = &d->seen[offset / 4];
  const uint32_t old = *seen;
  *seen = reg_merge(old, offset, a->bytes, a->value);
  if (repeats(t, a)) return;
  end_repeats(t);
  t->last = *a;
  char name[64];
  name_register(t, &d->inner, a->addr, name, sizeof name);
  fprintf(t->out, "%-12.6f %08x  %c%u %-22s %08x -> %08x",
          (double)machine_now(t->machine) / 1e9, (unsigned)a->pc, a->write ? 'W' : 'R',
          a->bytes, name, (unsigned)old, (unsigned)*seen);
  print_fields(t, a->addr, old, *seen);
  fputc('\n', t->out);
}

static uint32_t on_read(void *ctx, uint32_t offset, unsigned bytes) {
  struct traced *d = ctx;
  const uint32_t value = d->inner.read(d->inner.ctx, offset, bytes);
  const struct access a = {.pc = cpu_pc(d->trace->machine->cpu),
                           .addr = d->inner.base + offset,
                           .value = value,
                           .bytes = bytes};
  note(d, &a);
  return value;
}

// Before the write: what it brings about is told after it.
static void on_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value) {
  struct traced *d = ctx;
  const struct access a = {.write = true,
                           .pc = cpu_pc(d->trace->machine->cpu),
                           .addr = d->inner.base + offset,
                           .value = value,
                           .bytes = bytes};
  note(d, &a);
  d->inner.write(d->inner.ctx, offset, bytes, value);
}

static void begin_with_reset_values(const struct watch_trace *t, struct traced *d) {
  for (uint32_t word = 0; word < d->inner.size / 4; word++) {
    const uint32_t addr = d->inner.base + 4 * word;
    const struct reg_file *f = reg_file_at(&t->machine->sim.report, addr);
    if (f) d->seen[word] = reg_at(f, addr - f->base)->reset;
  }
}

static void wrap(struct watch_trace *t, struct bus_device *device) {
  struct traced *d = &t->devices[t->count++];
  *d = (struct traced){.trace = t, .inner = *device};
  d->seen = calloc(device->size / 4 + 1, sizeof *d->seen);
  if (!d->seen) abort();
  begin_with_reset_values(t, d);
  device->ctx = d;
  device->read = on_read;
  device->write = on_write;
}

struct watch_trace *watch_trace_open(struct machine *m, FILE *out) {
  struct watch_trace *t = calloc(1, sizeof *t);
  if (!t) abort();
  t->machine = m;
  t->out = out;
  fputs(
      "# ms         PC        access                      old         new      "
      "fields that differ\n",
      out);
  for (size_t i = 0; i < m->sim.bus.device_count; i++)
    wrap(t, &m->sim.bus.devices[i]);
  return t;
}

void watch_trace_close(struct watch_trace *t) {
  if (!t) return;
  end_repeats(t);
  for (size_t i = 0; i < t->count; i++) {
    t->machine->sim.bus.devices[i] = t->devices[i].inner;
    free(t->devices[i].seen);
  }
  free(t);
}
