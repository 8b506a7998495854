// SPDX-License-Identifier: MIT
#include "sim/models/nor_internal.h"

void nor_listen(struct nor *n, struct nor_tap *tap) {
  tap->next = n->taps;
  n->taps = tap;
}

void nor_ignore(struct nor *n, struct nor_tap *tap) {
  struct nor_tap **link = &n->taps;
  while (*link && *link != tap)
    link = &(*link)->next;
  if (*link) *link = tap->next;
}

void nor_tap_select(const struct nor *n, bool low) {
  for (const struct nor_tap *t = n->taps; t; t = t->next) {
    if (t->select) t->select(t->ctx, low);
  }
}

void nor_tap_send(const struct nor *n, enum nor_part part, unsigned lines,
                  const uint8_t *bytes, size_t bits) {
  for (const struct nor_tap *t = n->taps; t; t = t->next) {
    if (t->send) t->send(t->ctx, part, lines, bytes, bits);
  }
}

void nor_tap_wait(const struct nor *n, unsigned clocks) {
  for (const struct nor_tap *t = n->taps; t; t = t->next) {
    if (t->wait) t->wait(t->ctx, clocks);
  }
}

void nor_tap_receive(const struct nor *n, unsigned lines, const uint8_t *bytes,
                     size_t count) {
  for (const struct nor_tap *t = n->taps; t; t = t->next) {
    if (t->receive) t->receive(t->ctx, lines, bytes, count);
  }
}
