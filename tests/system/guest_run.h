// SPDX-License-Identifier: MIT
// Running a test program (tests/guests) on the simulated board: its console, its
// mailbox, interrupts out of the blue, and what was reported meanwhile.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/machine/load.h"
#include "sim/machine/machine.h"

enum { GUEST_TEXT = 64 * 1024 };

struct guest {
  struct machine *machine;
  char text[GUEST_TEXT];
  size_t length;
  bool ended;  // the program said "end"
  // Interrupts at pseudo-random times, `period` apart on average; 0 = none.
  struct event storm;
  vtime_t period;
  uint32_t seed;
  uint64_t storms;
};

// A board with the program NAME-LEVEL.elf in its flash, switched off. Fails the test
// if the program was not built (cmake --preset guests).
struct guest *guest_open(const char *board, const char *name, const char *level,
                         enum cpu_mode mode);
void guest_close(struct guest *g);

// Switches the board on; only then can mail be put into its RAM.
void guest_start(struct guest *g);
void guest_mail(struct guest *g, unsigned word, uint32_t value);
uint32_t guest_mail_read(const struct guest *g, unsigned word);

// Pends interrupt 7 again and again, from when the program has put 1 into word 2 of
// its mailbox until it ends.
void guest_storm(struct guest *g, vtime_t period, uint32_t seed);

// Runs until the program ends, or for `limit`.
void guest_run(struct guest *g, vtime_t limit);

// Fails the test unless the program ended with `checks` checks, all good; with a
// table of guest-error classes that must have been reported (any number of times),
// and no others. The list ends with GUEST_ERROR_COUNT.
void guest_expect(const struct guest *g, unsigned checks,
                  const enum guest_error *reported);

// Lines of the console that begin so.
unsigned guest_count_lines(const struct guest *g, const char *beginning);

// Everything that a run leaves behind, in one number: text, time, cycles, memory.
uint64_t guest_digest(const struct guest *g);
