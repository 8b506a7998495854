// SPDX-License-Identifier: MIT
// The chips there are. Find one by name with nor_chip_find (nor_chip.h).
#pragma once

#include "sim/models/nor_chip.h"

extern const struct nor_chip nor_mx25l51245g;
