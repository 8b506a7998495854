// SPDX-License-Identifier: MIT
#include "host/lib/error.h"

#include <stdarg.h>
#include <stdio.h>

// A file name may hold anything; a terminal must not act on it. C1 controls are two
// bytes of UTF-8, C2 80 to C2 9F.
static void replace_control_characters(char *text) {
  for (; *text; text++) {
    const unsigned char c = (unsigned char)*text;
    const unsigned char next = (unsigned char)text[1];
    const bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0;
    if (c1) text[1] = '?';
    if (c < 0x20 || c == 0x7F || c1) *text = '?';
  }
}

// Takes away what is left of a character of UTF-8 that was cut through.
static void drop_half_character(char *text, size_t length) {
  size_t at = length;
  while (at > 0 && length - at < 3 && ((unsigned char)text[at - 1] & 0xC0) == 0x80) {
    at--;
  }
  const unsigned char lead = at > 0 ? (unsigned char)text[at - 1] : 0;
  const size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  if (wanted > length - at) text[at - 1] = '\0';
}

bool qb_error_set(struct qb_error *error, const char *format, ...) {
  *error = (struct qb_error){.text = ""};
  va_list args;
  va_start(args, format);
  const int length = vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  if (length >= (int)sizeof error->text) {
    drop_half_character(error->text, sizeof error->text - 1);
  }
  replace_control_characters(error->text);
  return false;
}

bool qb_error_no_memory(struct qb_error *error) {
  return qb_error_set(error, "the computer is out of memory");
}
