// SPDX-License-Identifier: MIT
#include "sim/program/option_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// RM0410 3.7.6 and 3.7.7: register (OPTCR, OPTCR1), lowest bit, bits.
static const struct option_field {
  const char *name;
  uint8_t reg, lsb, width;
} fields[] = {
    {"RDP", 0, 8, 8},         {"BOR_LEV", 0, 2, 2},    {"WWDG_SW", 0, 4, 1},
    {"IWDG_SW", 0, 5, 1},     {"nRST_STOP", 0, 6, 1},  {"nRST_STDBY", 0, 7, 1},
    {"nWRP", 0, 16, 12},      {"nDBOOT", 0, 28, 1},    {"nDBANK", 0, 29, 1},
    {"IWDG_STDBY", 0, 30, 1}, {"IWDG_STOP", 0, 31, 1}, {"BOOT_ADD0", 1, 0, 16},
    {"BOOT_ADD1", 1, 16, 16},
};
enum { FIELDS = sizeof fields / sizeof *fields, RDP = 0 };

static const uint32_t rdp_bytes[] = {0xAA, 0x55, 0xCC};

static const struct option_field *field_named(const char *text, size_t length) {
  for (size_t i = 0; i < FIELDS; i++) {
    if (strlen(fields[i].name) == length && !strncasecmp(fields[i].name, text, length))
      return &fields[i];
  }
  return NULL;
}

static bool unknown(const char *text, size_t length, char *error, size_t error_size) {
  int n = snprintf(error, error_size,
                   "there is no option '%.*s'; there are:", (int)length, text);
  for (size_t i = 0; i < FIELDS && n > 0 && (size_t)n < error_size; i++)
    n += snprintf(error + n, error_size - (size_t)n, "%s %s", i ? "," : "",
                  fields[i].name);
  return false;
}

static bool parse_one(struct option_bytes *o, const char *text, size_t length,
                      char *error, size_t error_size) {
  const char *equals = memchr(text, '=', length);
  if (!equals) {
    snprintf(error, error_size, "--option takes NAME=VALUE, not '%.*s'", (int)length,
             text);
    return false;
  }
  const size_t name_length = (size_t)(equals - text);
  const struct option_field *f = field_named(text, name_length);
  if (!f) return unknown(text, name_length, error, error_size);
  const bool rdp = f == &fields[RDP];
  const uint32_t most = rdp ? 2u : (1u << f->width) - 1u;
  const char *digits = equals + 1;
  char *end;
  errno = 0;
  const unsigned long value = strtoul(digits, &end, 0);
  if (*digits < '0' || *digits > '9' || end != text + length || errno || value > most) {
    snprintf(error, error_size, "--option %s is 0 to %s%x, not '%.*s'", f->name,
             most > 9 ? "0x" : "", (unsigned)most, (int)(text + length - digits),
             digits);
    return false;
  }
  const uint32_t bits = rdp ? rdp_bytes[value] : (uint32_t)value;
  const uint32_t mask = ((1u << f->width) - 1u) << f->lsb;
  o->mask[f->reg] |= mask;
  o->value[f->reg] = (o->value[f->reg] & ~mask) | bits << f->lsb;
  return true;
}

bool option_bytes_parse(struct option_bytes *o, const char *text, char *error,
                        size_t error_size) {
  for (;;) {
    const size_t length = strcspn(text, ",");
    if (!parse_one(o, text, length, error, error_size)) return false;
    if (!text[length]) return true;
    text += length + 1;
  }
}
