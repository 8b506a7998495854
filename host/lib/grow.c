// SPDX-License-Identifier: MIT
#include "host/lib/grow.h"

#include <stdlib.h>

enum { FIRST = 8 };

void *grow_array(void *items, size_t count, size_t *capacity, size_t item_size) {
  if (count < *capacity) return items;
  const size_t wanted = *capacity ? *capacity * 2 : FIRST;
  void *p = reallocarray(items, wanted, item_size);
  if (p) *capacity = wanted;
  return p;
}
