// SPDX-License-Identifier: MIT
// Two media of RAM as an STM32F769 board has them, small enough to search: internal
// flash with 64 KB of bootloader, and a NOR flash; a writer and a session over them.
//
//   0x08000000  2 x 32 KB  bootloader      0x90000000  8 x 4 KB
//   0x08010000  2 x 32 KB                  0x90008000
//   0x08020000  1 x 128 KB
//   0x08040000
#pragma once

#include "firmware/install/session.h"
#include "tests/fakes/ram_medium.h"

#define BOARD_INTERNAL     0x08000000u
#define BOARD_APP          0x08010000u
#define BOARD_INTERNAL_END 0x08040000u
#define BOARD_NOR          0x90000000u
#define BOARD_NOR_END      0x90008000u

enum {
  BOARD_WAIT_US = 100,  // passes whenever nothing can be done
  BOARD_SLOTS = 48,     // the largest block takes 32
};

struct board_media {
  uint32_t now_us;
  struct ram_medium internal, nor;
  struct writer writer;
  struct session session;
  uint32_t memory[BOARD_SLOTS * WRITER_UNIT / 4];
};

static bool board_media_supply;

static inline bool board_media_supply_good(void) {
  return board_media_supply;
}

// Power on: writer and session begin.
static inline void board_media_start(struct board_media *b) {
  // Garbage before: whoever begins must not rely on zeros.
  memset(&b->writer, 0xA5, sizeof b->writer);
  memset(&b->session, 0xA5, sizeof b->session);
  writer_init(&b->writer, (uint8_t *)b->memory, sizeof b->memory, ram_medium_now,
              &b->now_us, board_media_supply_good);
  session_init(&b->session, &b->writer);
  session_add_medium(&b->session, &b->internal.media);
  session_add_medium(&b->session, &b->nor.media);
}

static inline void board_media_open(struct board_media *b) {
  static const struct media_geometry internal = {
      .name = "Internal Flash",
      .base = BOARD_INTERNAL,
      .size = BOARD_INTERNAL_END - BOARD_INTERNAL,
      .runs = {{32 * 1024, 2, false, 200000},
               {32 * 1024, 2, true, 200000},
               {128 * 1024, 1, true, 500000}},
      .run_count = 3,
      .program_us_per_kb = 4096,
  };
  static const struct media_geometry nor = {
      .name = "External QSPI",
      .base = BOARD_NOR,
      .size = BOARD_NOR_END - BOARD_NOR,
      .runs = {{4096, 8, true, 30000}},
      .run_count = 1,
      .program_us_per_kb = 1000,
  };
  board_media_supply = true;
  b->now_us = 0xFFFFF000;
  ram_medium_open(&b->internal, &internal, &b->now_us);
  ram_medium_open(&b->nor, &nor, &b->now_us);
  ram_medium_lends(&b->nor);
  board_media_start(b);
}

static inline void board_media_close(struct board_media *b) {
  ram_medium_close(&b->internal);
  ram_medium_close(&b->nor);
}

// The same as a test's setup and teardown; the state is the board.
static inline int board_media_setup(void **state) {
  struct board_media *b = (struct board_media *)malloc(sizeof *b);
  if (!b) return -1;
  board_media_open(b);
  *state = b;
  return 0;
}

static inline int board_media_teardown(void **state) {
  board_media_close((struct board_media *)*state);
  free(*state);
  return 0;
}

// The byte at an address of the board.
static inline uint8_t *board_media_at(struct board_media *b, uint32_t address) {
  if (address - BOARD_NOR < BOARD_NOR_END - BOARD_NOR) {
    return b->nor.bytes + (address - BOARD_NOR);
  }
  assert_in_range(address, BOARD_INTERNAL, BOARD_INTERNAL_END - 1);
  return b->internal.bytes + (address - BOARD_INTERNAL);
}
