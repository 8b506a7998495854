// SPDX-License-Identifier: MIT
// JSON for programs, one object a line.
#pragma once

#include <jansson.h>

// Text of whatever origin: file names may hold bytes that are no UTF-8, which JSON
// cannot; then '?' stands for each byte that is not ASCII.
json_t *cli_json_text(const char *text);

// Prints it as a line on standard output, and lets go of it.
void cli_put_json(json_t *object);
