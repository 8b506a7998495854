// SPDX-License-Identifier: MIT
// The state log: was the last update of this board finished? It fills a block of
// internal flash of its own, to which records are only appended, so that power can
// never be cut at an instant that makes it say "finished" of an update that was not.
// Bytes and rules: docs/spec/state-log.md. Reads and builds records; whoever owns the
// flash reads, erases and programs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Where it lies: behind the 32 KB that hold quadboot itself.
#define STATE_LOG_ADDRESS 0x08008000u

enum {
  STATE_LOG_RECORD = 32,  // bytes
  // Words at the start of a record.
  STATE_LOG_UPDATING = 0x50555131,  // "1QUP" in flash
  STATE_LOG_COMPLETE = 0x4F435131,  // "1QCO"
};

// What is known of a log after some of its records, oldest first. Zero it to begin: a
// blank log is finished.
struct state_log {
  bool unfinished;    // an update began, and no record says that it ended
  bool torn;          // the newest record is: the next time it may read otherwise
  uint32_t sequence;  // of the newest good record
  uint32_t records;   // slots that are not blank; a new record goes behind them
};

// Nothing was ever written there. All slots behind such a one are blank, too.
bool state_log_is_blank(const uint8_t slot[STATE_LOG_RECORD]);

// Takes the next slot. False: it is blank, and so are all behind it.
bool state_log_take(struct state_log *l, const uint8_t slot[STATE_LOG_RECORD]);

// The record to append: `kind` is one of the two words.
void state_log_build(const struct state_log *l, uint32_t kind,
                     uint8_t out[STATE_LOG_RECORD]);
