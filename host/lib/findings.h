// SPDX-License-Identifier: MIT
// What a check-up finds: a list of sentences for people. What is wrong comes with
// what to do about it. Nothing here prints.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum finding_kind {
  FINDING_OK,
  FINDING_NOTE,     // worth knowing; nothing fails because of it
  FINDING_PROBLEM,  // something fails, now or with another program
};

// Sentences are one line each, without control characters.
struct finding {
  enum finding_kind kind;
  const char *check;  // a word for programs: "permission", "layout"; a literal
  char text[400];     // what is so
  char advice[700];   // what to do; "" if nothing
};

// Set to {0} before first use.
struct findings {
  struct finding *items;
  size_t count, capacity;
  bool no_memory;  // something was found and could not be kept
};

// Adds one, without advice.
__attribute__((format(printf, 4, 5))) void findings_add(struct findings *f,
                                                        enum finding_kind kind,
                                                        const char *check,
                                                        const char *format, ...);
// Says what to do about the one added last.
__attribute__((format(printf, 2, 3))) void findings_advise(struct findings *f,
                                                           const char *format, ...);

// How many are of the kind.
size_t findings_count(const struct findings *f, enum finding_kind kind);
// Whether none that was added behind the first `since` is a problem.
bool findings_clean_since(const struct findings *f, size_t since);
void findings_free(struct findings *f);
