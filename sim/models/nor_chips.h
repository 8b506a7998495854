// SPDX-License-Identifier: MIT
// The chips there are. Find one by name with nor_chip_find (nor_chip.h).
#pragma once

#include "sim/models/nor_chip.h"

extern const struct nor_chip nor_mx25l51245g, nor_mx66l1g45g, nor_mx25r6435f;
extern const struct nor_chip nor_n25q128a, nor_n25q256a, nor_mt25ql128, nor_mt25ql512;
extern const struct nor_chip nor_w25q64jv, nor_w25q128jv, nor_w25q256jv, nor_w25q512jv;
extern const struct nor_chip nor_w25q01jv, nor_zd25q128c;
extern const struct nor_chip nor_is25lp064a, nor_is25wp256;
extern const struct nor_chip nor_s25fl128l, nor_gd25lb512me, nor_sst26vf064b;
