// SPDX-License-Identifier: MIT
#include "host/lib/image_ihex.h"

#include <stdlib.h>
#include <string.h>

#include "common/format/ihex.h"

// Adds the record, its bytes at `*room`, which moves on.
static bool add_record(struct segments *list, const struct ihex_record *record,
                       uint8_t **room, const char *source, size_t line,
                       struct qb_error *error) {
  memcpy(*room, record->data, record->size);
  if (!segments_add(list, record->address, *room, record->size, source, line, error)) {
    return false;
  }
  *room += record->size;
  return true;
}

bool image_ihex_load(struct segments *list, const uint8_t *text, size_t size,
                     const char *source, struct qb_error *error) {
  // A byte of data takes two digits of text at least.
  uint8_t *room = malloc(size / 2 + 1);
  if (!room) return qb_error_no_memory(error);
  if (!segments_own(list, room, error)) return false;

  const size_t before = list->count;
  struct ihex_reader reader;
  struct ihex_record record;
  enum ihex_status status;
  ihex_begin(&reader, text, size);
  while ((status = ihex_next(&reader, &record)) == IHEX_DATA) {
    if (!add_record(list, &record, &room, source, reader.line, error)) return false;
  }
  if (status != IHEX_END) {
    return qb_error_set(error, "%s: line %zu %s; copy or make the file again", source,
                        reader.line, ihex_status_text(status));
  }
  if (list->count == before) {
    return qb_error_set(error, "%s is an Intel HEX file without data; leave it out",
                        source);
  }
  return true;
}
