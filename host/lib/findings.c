// SPDX-License-Identifier: MIT
#include "host/lib/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// Devices and file names may hold anything; a terminal must not act on it.
static void put_text(char *out, size_t room, const char *format, va_list args) {
  vsnprintf(out, room, format, args);
  for (; *out; out++) {
    const unsigned char c = (unsigned char)*out;
    if (c < 0x20 || c == 0x7F) *out = '?';
  }
}

static struct finding *make_room(struct findings *f) {
  if (f->count == f->capacity) {
    const size_t wanted = f->capacity ? f->capacity * 2 : 16;
    struct finding *items = reallocarray(f->items, wanted, sizeof *items);
    if (!items) {
      f->no_memory = true;
      return NULL;
    }
    f->items = items;
    f->capacity = wanted;
  }
  return &f->items[f->count++];
}

void findings_add(struct findings *f, enum finding_kind kind, const char *check,
                  const char *format, ...) {
  struct finding *item = make_room(f);
  if (!item) return;
  *item = (struct finding){.kind = kind, .check = check};
  va_list args;
  va_start(args, format);
  put_text(item->text, sizeof item->text, format, args);
  va_end(args);
}

void findings_advise(struct findings *f, const char *format, ...) {
  if (f->no_memory || f->count == 0) return;
  struct finding *item = &f->items[f->count - 1];
  va_list args;
  va_start(args, format);
  put_text(item->advice, sizeof item->advice, format, args);
  va_end(args);
}

size_t findings_count(const struct findings *f, enum finding_kind kind) {
  size_t count = 0;
  for (size_t i = 0; i < f->count; i++) {
    if (f->items[i].kind == kind) count++;
  }
  return count;
}

bool findings_clean_since(const struct findings *f, size_t since) {
  for (size_t i = since; i < f->count; i++) {
    if (f->items[i].kind == FINDING_PROBLEM) return false;
  }
  return true;
}

void findings_free(struct findings *f) {
  free(f->items);
  *f = (struct findings){0};
}
