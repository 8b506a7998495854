// SPDX-License-Identifier: MIT
#include "sim/program/incident_text.h"

#include <stdlib.h>
#include <string.h>

enum {
  NEEDS_MOMENT = 1,  // any
  NEEDS_TRANSACTION = 2,
  NEEDS_OPERATION = 4,
  NEEDS_ADDRESS = 8,
  NEEDS_BIT = 16,
  NEEDS_MILLIVOLTS = 32,
  COMES_BACK = 64,  // takes for=
};

static const struct name {
  const char *text;
  enum incident_kind kind;
  unsigned needs;
} names[] = {
    {"power-cut", INCIDENT_POWER_CUT, NEEDS_MOMENT | COMES_BACK},
    {"supply", INCIDENT_SUPPLY, NEEDS_MOMENT | NEEDS_MILLIVOLTS},
    {"usb-unplug", INCIDENT_USB_UNPLUG, NEEDS_MOMENT | COMES_BACK},
    {"usb-reset", INCIDENT_USB_RESET, NEEDS_MOMENT},
    {"usb-drop-token", INCIDENT_USB_DROP_TOKEN, NEEDS_TRANSACTION},
    {"usb-lose-handshake", INCIDENT_USB_LOSE_HANDSHAKE, NEEDS_TRANSACTION},
    {"usb-corrupt-data", INCIDENT_USB_CORRUPT_DATA, NEEDS_TRANSACTION},
    {"stays-busy", INCIDENT_STAYS_BUSY, NEEDS_OPERATION},
    {"stuck", INCIDENT_STUCK, NEEDS_ADDRESS | NEEDS_BIT},
    {"program-fails", INCIDENT_PROGRAM_FAILS, NEEDS_ADDRESS},
    {"erase-fails", INCIDENT_ERASE_FAILS, NEEDS_ADDRESS},
    {"no-crystal", INCIDENT_NO_CRYSTAL, 0},
};

// How long power and cable are away when nobody says.
#define AWAY VT_MS(500)

// Microseconds are as fine as a person needs; a day is more than anybody waits.
#define PS_PER_US 1000000.0
#define LONGEST   86400000.0

static bool take(const char **p, const char *word) {
  const size_t n = strlen(word);
  if (strncmp(*p, word, n) != 0) return false;
  *p += n;
  return true;
}

static bool take_number(const char **p, uint64_t most, uint64_t *out) {
  if (**p < '0' || **p > '9') return false;
  char *end;
  const bool hex = (*p)[0] == '0' && ((*p)[1] == 'x' || (*p)[1] == 'X');
  *out = strtoull(*p, &end, hex ? 16 : 10);
  *p = end;
  return *out <= most;
}

static bool take_ms(const char **p, vtime_t *out) {
  if (**p < '0' || **p > '9') return false;
  char *end;
  const double ms = strtod(*p, &end);
  if (end == *p || ms > LONGEST) return false;
  *p = end;
  *out = (vtime_t)(ms * 1000 + 0.5) * (vtime_t)PS_PER_US;
  return true;
}

static bool take_when(const char **p, struct incident *out) {
  if (!take(p, "@")) return false;
  static const struct {
    const char *word;
    enum incident_when when;
  } moments[] = {{"op:", INCIDENT_AT_OPERATION},
                 {"in:", INCIDENT_IN_OPERATION},
                 {"after:", INCIDENT_AFTER_OPERATION},
                 {"usb:", INCIDENT_AT_TRANSACTION}};
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    if (!take(p, moments[i].word)) continue;
    out->when = moments[i].when;
    if (!take_number(p, UINT64_MAX, &out->number) || out->number == 0) return false;
    uint64_t percent = 50;
    const bool inside = out->when == INCIDENT_IN_OPERATION;
    if (inside && take(p, ":") && !take_number(p, 100, &percent)) return false;
    out->percent = (unsigned)percent;
    return true;
  }
  out->when = INCIDENT_AT_TIME;
  return take_ms(p, &out->time);
}

static bool take_value(const char **p, unsigned needs, struct incident *out) {
  if (!(needs & (NEEDS_ADDRESS | NEEDS_MILLIVOLTS))) return true;
  uint64_t n = 0;
  if (!take(p, "=")) return false;
  if (needs & NEEDS_MILLIVOLTS) {
    if (!take_number(p, 3600, &n)) return false;
    out->value = (unsigned)n;
    return true;
  }
  if (!take_number(p, UINT32_MAX, &n)) return false;
  out->address = (uint32_t)n;
  if (!(needs & NEEDS_BIT)) return true;
  if (!take(p, ":") || !take_number(p, 7, &n)) return false;
  out->bit = (unsigned)n;
  if (!take(p, ":") || !take_number(p, 1, &n)) return false;
  out->value = (unsigned)n;
  return true;
}

static bool moment_suits(unsigned needs, enum incident_when when) {
  if (needs & NEEDS_MOMENT) return when != INCIDENT_ALWAYS;
  if (needs & NEEDS_TRANSACTION) return when == INCIDENT_AT_TRANSACTION;
  if (needs & NEEDS_OPERATION) return when == INCIDENT_AT_OPERATION;
  return when == INCIDENT_ALWAYS;
}

static bool take_rest(const char **p, const struct name *name, struct incident *out,
                      const char **why) {
  *why = "has a value that does not suit it";
  if (!take_value(p, name->needs, out)) return false;
  *why = "has a moment that is none: MS, op:N, in:N:PERCENT, after:N or usb:N";
  if (**p == '@' && !take_when(p, out)) return false;
  *why = "needs another kind of moment, or none";
  if (!moment_suits(name->needs, out->when)) return false;
  *why = "ends with something that it does not take";
  if (!(name->needs & COMES_BACK)) return **p == 0;
  out->duration = AWAY;
  if (take(p, ",for=ever")) {
    out->duration = VT_NEVER;
  } else if (take(p, ",for=") && !take_ms(p, &out->duration)) {
    return false;
  }
  return **p == 0;
}

bool incident_parse_fault(const char *text, struct incident *out, const char **why) {
  *out = (struct incident){.duration = VT_NEVER};
  const size_t length = strcspn(text, "=@,");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strlen(names[i].text) != length || strncmp(text, names[i].text, length))
      continue;
    out->kind = names[i].kind;
    const char *p = text + length;
    return take_rest(&p, &names[i], out, why);
  }
  *why = "is no fault that the simulator knows; try --help";
  return false;
}

bool incident_parse_press(const char *text, struct incident *out, const char **why) {
  *out = (struct incident){.kind = INCIDENT_BUTTON, .when = INCIDENT_AT_TIME};
  *why = "is not START:END in milliseconds";
  vtime_t end;
  const char *p = text;
  if (!take_ms(&p, &out->time) || !take(&p, ":") || !take_ms(&p, &end) || *p)
    return false;
  out->duration = end - out->time;
  return end > out->time;
}
