// SPDX-License-Identifier: MIT
// The report as JSON: what happened on the board, for people and programs.
#pragma once

#include <jansson.h>

#include "sim/machine/machine.h"

// A new object; the caller gives it back with json_decref.
json_t *machine_report(struct machine *m);
