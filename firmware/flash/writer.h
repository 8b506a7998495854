// SPDX-License-Identifier: MIT
// The writer: takes erases and blocks for a medium and carries them out in steps,
// one thing at a time. An erase erases at once; a block is checked against what is
// there, programmed and read back. Nothing waits: writer_poll moves things on.
//
//   IDLE --erase--> ERASING --> CHECKING_BLANK --> IDLE
//        --mass---> (LOOKING --> ERASING)* ------> IDLE
//        --write--> COMPARING --> PROGRAMMING --> VERIFYING --> IDLE
#pragma once

#include "firmware/flash/media.h"

enum { WRITER_BLOCK = 4096, WRITER_STEP = 1024 };

enum writer_state {
  WRITER_IDLE,
  WRITER_LOOKING,  // mass erase: is the next block blank already?
  WRITER_ERASING,
  WRITER_CHECKING,  // every byte of an erased block reads FFh
  WRITER_COMPARING,
  WRITER_PROGRAMMING,
  WRITER_VERIFYING,
};

// How a piece of work ended.
struct writer_result {
  enum status status;
  uint32_t address;  // where, when it failed
};

struct writer {
  const struct media *medium;
  enum writer_state state;
  bool mass;
  struct media_block block;  // being erased
  uint32_t offset, length;   // of the data
  uint32_t at;               // progress of reading, in bytes
  struct writer_result result;
  // When the step in progress began, for honest estimates.
  uint32_t started_us, expected_us;
  uint32_t ahead_us;  // mass erase: of the blocks after this one
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
  bool (*supply_good)(void);
  uint8_t data[WRITER_BLOCK];
  uint8_t read_back[WRITER_STEP];
};

void writer_init(struct writer *w, uint32_t (*now_us)(void *ctx), void *now_ctx,
                 bool (*supply_good)(void));

// An update begins: is there anything that forbids writing? SUPPLY_LOW.
enum status writer_begin(const struct writer *w);

// Start work; only when idle. Offsets are from the medium's start.
void writer_erase(struct writer *w, const struct media *m, uint32_t offset);
void writer_mass_erase(struct writer *w, const struct media *m);  // all writable blocks
void writer_write(struct writer *w, const struct media *m, uint32_t offset,
                  const uint8_t *data, uint32_t length);  // data are copied

// What would be there had each command run at once. Only when idle.
enum status writer_read(struct writer *w, const struct media *m, uint32_t offset,
                        uint8_t *dst, uint32_t length);

// One step. False if there is nothing to do, or the medium is not ready: an
// interrupt will tell.
bool writer_poll(struct writer *w);

static inline bool writer_busy(const struct writer *w) {
  return w->state != WRITER_IDLE;
}

// Result of the last work; resets it to OK.
struct writer_result writer_take_result(struct writer *w);

// Microseconds that an erase of `b` takes with its blank check, typically.
uint32_t writer_erase_us(const struct media_block *b);

// Microseconds that `length` bytes take with their comparisons, typically.
uint32_t writer_write_us(const struct media *m, uint32_t length);

// Microseconds that the work in progress will still take, typically; at least 1
// while busy.
uint32_t writer_remaining_us(const struct writer *w);

// Everything accepted is done and verified; its result. Only when idle.
struct writer_result writer_finish(struct writer *w);
