// SPDX-License-Identifier: MIT
#include "sim/core/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(name, text, meaning) text,
    GUEST_ERROR_LIST(X)
#undef X
};

static const char *const meanings[] = {
#define X(name, text, meaning) meaning,
    GUEST_ERROR_LIST(X)
#undef X
};

const char *guest_error_name(enum guest_error error) {
  return names[error];
}

const char *guest_error_meaning(enum guest_error error) {
  return meanings[error];
}

void report_init(struct report *r, const struct event_queue *clock) {
  *r = (struct report){.clock = clock};
  r->tail = &r->entries;
}

void report_clear(struct report *r) {
  while (r->entries) {
    struct report_entry *e = r->entries;
    r->entries = e->next;
    free(e);
  }
  r->tail = &r->entries;
  r->guest_errors = r->unimplemented = 0;
}

void report_free(struct report *r) {
  report_clear(r);
}

static struct report_entry *find(const struct report *r, enum report_kind kind,
                                 enum guest_error error, uint32_t pc, uint32_t addr) {
  for (struct report_entry *e = r->entries; e; e = e->next) {
    if (e->kind == kind && e->error == error && e->pc == pc && e->addr == addr)
      return e;
  }
  return NULL;
}

static void add(struct report *r, enum report_kind kind, enum guest_error error,
                uint32_t addr, const char *format, va_list args) {
  const uint32_t pc = r->pc ? r->pc(r->pc_ctx) : 0;
  struct report_entry *e = find(r, kind, error, pc, addr);
  if (!e) {
    e = calloc(1, sizeof *e);
    if (!e) abort();
    e->kind = kind;
    e->error = error;
    e->pc = pc;
    e->addr = addr;
    e->first = r->clock ? r->clock->now : 0;
    vsnprintf(e->detail, sizeof e->detail, format, args);
    *r->tail = e;
    r->tail = &e->next;
  }
  e->count++;
}

void report_guest(struct report *r, enum guest_error error, uint32_t addr,
                  const char *format, ...) {
  va_list args;
  va_start(args, format);
  add(r, REPORT_GUEST_ERROR, error, addr, format, args);
  va_end(args);
  r->guest_errors++;
}

void report_unimplemented(struct report *r, uint32_t addr, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add(r, REPORT_UNIMPLEMENTED, GUEST_ERROR_COUNT, addr, format, args);
  va_end(args);
  r->unimplemented++;
}

uint64_t report_count(const struct report *r, enum guest_error error) {
  uint64_t n = 0;
  for (const struct report_entry *e = r->entries; e; e = e->next) {
    if (e->kind == REPORT_GUEST_ERROR && e->error == error) n += e->count;
  }
  return n;
}
