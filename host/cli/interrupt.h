// SPDX-License-Identifier: MIT
// Ctrl-C, and being told to end: noted first, obeyed at a good place.
#pragma once

#include <stdbool.h>

// From now on the first signal is only noted; the second ends the program at once.
void interrupt_catch(void);

// Whether there was one.
bool interrupt_came(void);
