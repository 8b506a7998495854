// SPDX-License-Identifier: MIT
#include "host/lib/error.h"

#include <stdarg.h>
#include <stdio.h>

// A file name may hold anything; a terminal must not act on it.
static void replace_control_characters(char *text) {
  for (; *text; text++) {
    const unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7F) *text = '?';
  }
}

bool qb_error_set(struct qb_error *error, const char *format, ...) {
  *error = (struct qb_error){.text = ""};
  va_list args;
  va_start(args, format);
  vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  replace_control_characters(error->text);
  return false;
}

bool qb_error_no_memory(struct qb_error *error) {
  return qb_error_set(error, "the computer is out of memory");
}
