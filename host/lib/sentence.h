// SPDX-License-Identifier: MIT
// One line of text for people, whatever went into it.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// As vsnprintf(), into `room` bytes (> 0): a file name or a device may hold anything,
// and a terminal must not act on it, so control characters become '?'. What does not
// fit is cut between two characters of UTF-8.
__attribute__((format(printf, 3, 0))) void sentence_put(char *out, size_t room,
                                                        const char *format,
                                                        va_list args);
