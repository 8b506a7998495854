// SPDX-License-Identifier: MIT
// The rows of the speed table: what is written to which chip, by which host, at which
// speed; what came of it; and what was aimed at.
#pragma once

#include "tests/bench/roads.h"
#include "tests/hostmodel/rig.h"

enum scenario {
  SCENARIO_COLD,       // random bytes over other ones
  SCENARIO_BLANK,      // onto a chip that is blank
  SCENARIO_UNCHANGED,  // onto the same bytes
  SCENARIO_READ,       // an upload
  SCENARIO_ONE_BYTE,   // the same but for one byte in the middle, which needs an erase
  SCENARIO_FULL,       // as cold, all 64 MB
  SCENARIO_INTERNAL,   // as cold, all that the internal flash has for applications
  SCENARIO_BOTH,       // internal flash, and as much NOR as takes about as long
  SCENARIOS,
};

extern const char *const scenario_names[SCENARIOS];

struct row {
  enum scenario scenario;
  const char *chip;  // of the simulator's NOR chips, or internal flash
  enum road road;
  bool high_speed;
  uint32_t nor_size, internal_size;  // bytes of each medium
  const char *profile;               // file for where the time goes; NULL: none
};

struct row_result {
  bool done;
  char problem[200];
  uint64_t bytes;
  uint64_t transfers;     // control transfers
  uint64_t transactions;  // packets of the bus, with those that were not taken
  // Of the media that were written; programs are pages of NOR, words of internal flash.
  uint64_t erases, erased_bytes, programs;
  double virtual_s;
  double usb_s;         // the same host, a device that takes no time
  double chip_s;        // erases, programs and one read-back
  double digests_s;     // by quadboot: two more reads, for the digests before and after
  double chip_erase_s;  // the same with a chip erase; 0: not all of the chip
  double alone_s;       // of both by quadboot: the slower medium alone, measured
};

// All rows, or those of small sizes for a quick look; in the order of the table.
enum { ROWS_MAX = 128 };
size_t rows_make(struct row rows[ROWS_MAX], bool quick);

// Simulates a row. Uses minutes of CPU time for the large ones.
void row_run(const struct row *row, struct row_result *out);

// Seconds that nobody could do better than, and whether the flash is what limits.
double row_limit_s(const struct row_result *r);
bool row_flash_limits(const struct row_result *r);

// What was aimed at.
enum row_sense { ROW_AT_LEAST, ROW_AT_MOST, ROW_EXACTLY };

struct row_goal {
  const char *what;
  double value, limit;
  enum row_sense sense;
};

bool row_goal_reached(const struct row_goal *g);

enum { ROW_GOALS = 2 };

// How many goals the row has.
size_t row_goals(const struct row *row, const struct row_result *r,
                 struct row_goal goals[ROW_GOALS]);
