// SPDX-License-Identifier: MIT
// How the host library tells what went wrong: one sentence for a person, which
// says what is wrong and, where it can, what to do. Nothing here prints.
#pragma once

#include <stdbool.h>

// Caller-owned. `text` is one line without control characters, whatever file
// names or arguments went into it, and has no final full stop or newline.
struct qb_error {
  char text[1024];
};

// Writes the sentence (cut at the end if it is too long); no argument may point into
// `error` itself. Always returns false,
// so that a function that fails can say `return qb_error_set(...)`.
__attribute__((format(printf, 2, 3))) bool qb_error_set(struct qb_error *error,
                                                        const char *format, ...);

// The one sentence for a failed allocation. Always returns false.
bool qb_error_no_memory(struct qb_error *error);
