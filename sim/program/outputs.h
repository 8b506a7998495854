// SPDX-License-Identifier: MIT
// All files that a run will write, judged before it starts.
#pragma once

#include "sim/machine/output_file.h"
#include "sim/program/options.h"

// False: one of them cannot be written, or two options mean the same file.
bool outputs_check(const struct options *o, struct load_error *error);
