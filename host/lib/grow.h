// SPDX-License-Identifier: MIT
// Arrays that grow by one item at a time.
#pragma once

#include <stddef.h>

// The array with room for one more item behind `count`, or NULL when there is no memory
// (the old one is then as it was). Doubling keeps the cost of a HEX file with a million
// records linear.
void *grow_array(void *items, size_t count, size_t *capacity, size_t item_size);
