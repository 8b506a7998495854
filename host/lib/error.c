// SPDX-License-Identifier: MIT
#include "host/lib/error.h"

#include <stdarg.h>

#include "host/lib/sentence.h"

bool qb_error_set(struct qb_error *error, const char *format, ...) {
  *error = (struct qb_error){.text = ""};
  va_list args;
  va_start(args, format);
  sentence_put(error->text, sizeof error->text, format, args);
  va_end(args);
  return false;
}

bool qb_error_no_memory(struct qb_error *error) {
  return qb_error_set(error, "the computer is out of memory");
}
