// SPDX-License-Identifier: MIT
// The list of chips.
#include "sim/models/nor_chips.h"

#include <string.h>

static const struct nor_chip *const chips[] = {&nor_mx25l51245g};

const struct nor_chip *nor_chip_at(size_t index) {
  return index < sizeof chips / sizeof chips[0] ? chips[index] : NULL;
}

const struct nor_chip *nor_chip_find(const char *name) {
  for (size_t i = 0; nor_chip_at(i); i++) {
    if (strcmp(chips[i]->name, name) == 0) return chips[i];
  }
  return NULL;
}
