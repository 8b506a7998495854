// SPDX-License-Identifier: MIT
// The list of chips.
#include "sim/models/nor_chips.h"

#include <strings.h>

static const struct nor_chip *const chips[] = {
    &nor_mx25l51245g, &nor_mx66l1g45g,  &nor_mx25r6435f, &nor_n25q128a,  &nor_n25q256a,
    &nor_mt25ql128,   &nor_mt25ql512,   &nor_w25q64jv,   &nor_w25q128jv, &nor_w25q256jv,
    &nor_w25q512jv,   &nor_w25q01jv,    &nor_is25lp064a, &nor_is25wp256, &nor_s25fl128l,
    &nor_gd25lb512me, &nor_sst26vf064b, &nor_zd25q128c,
};

const struct nor_chip *nor_chip_at(size_t index) {
  return index < sizeof chips / sizeof chips[0] ? chips[index] : NULL;
}

const struct nor_chip *nor_chip_find(const char *name) {
  for (size_t i = 0; nor_chip_at(i); i++) {
    if (strcasecmp(chips[i]->name, name) == 0) return chips[i];
  }
  return NULL;
}
