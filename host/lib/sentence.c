// SPDX-License-Identifier: MIT
#include "host/lib/sentence.h"

#include <stdbool.h>
#include <stdio.h>

// C1 controls are two bytes of UTF-8, C2 80 to C2 9F.
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

void sentence_put(char *out, size_t room, const char *format, va_list args) {
  const int length = vsnprintf(out, room, format, args);
  if (length >= (int)room) drop_half_character(out, room - 1);
  replace_control_characters(out);
}
