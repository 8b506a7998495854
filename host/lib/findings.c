// SPDX-License-Identifier: MIT
#include "host/lib/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "host/lib/grow.h"
#include "host/lib/sentence.h"

static struct finding *make_room(struct findings *f) {
  struct finding *items = grow_array(f->items, f->count, &f->capacity, sizeof *items);
  if (!items) {
    f->no_memory = true;
    return NULL;
  }
  f->items = items;
  return &f->items[f->count++];
}

void findings_add(struct findings *f, enum finding_kind kind, const char *check,
                  const char *format, ...) {
  struct finding *item = make_room(f);
  if (!item) return;
  *item = (struct finding){.kind = kind, .check = check};
  va_list args;
  va_start(args, format);
  sentence_put(item->text, sizeof item->text, format, args);
  va_end(args);
}

void findings_advise(struct findings *f, const char *format, ...) {
  if (f->no_memory || f->count == 0) return;
  struct finding *item = &f->items[f->count - 1];
  va_list args;
  va_start(args, format);
  sentence_put(item->advice, sizeof item->advice, format, args);
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
