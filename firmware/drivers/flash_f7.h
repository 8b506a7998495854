// SPDX-License-Identifier: MIT
// Internal flash of the STM32F76x/77x as a medium. The core must not run from it,
// nor read it, while an operation is in progress: every access would stall.
#pragma once

#include "firmware/flash/media.h"

struct flash_f7_config {
  uintptr_t regs;            // FLASH_BASE
  uintptr_t bytes;           // where the flash is mapped
  uint32_t size;             // bytes, from the chip
  uint16_t supply_mv;        // lowest supply: decides the program width
  uint32_t bootloader_size;  // first bytes, never written
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
};

struct flash_f7 {
  struct flash_f7_config config;
  uint8_t psize;  // log2 of the program unit in bytes
  bool dual_bank;
  bool busy;
  // Programming. The next unit, at `at`, gets `value` where `mask` has ones; without
  // any there is none.
  const uint8_t *src;
  uint32_t offset, left;
  uint32_t at, value, mask;
  // Deadline of what is in progress; `timed`: it was found unfinished at `started_us`.
  bool timed;
  uint32_t started_us, deadline_us;
};

// Reads bank mode and protection from the chip. Nothing is unlocked yet.
void flash_f7_start(struct flash_f7 *f, const struct flash_f7_config *config);

// The medium; `f` must outlive it.
struct media flash_f7_medium(struct flash_f7 *f);

// Starts the next unit if the last one is programmed, as the medium's poll() does, but
// at once: for the first thing that the core does when it wakes.
void flash_f7_go_on(struct flash_f7 *f);

// FLASH_CR.SNB of the sector that starts at `offset` (RM0410 3.7.5): in dual bank
// mode the second bank's sectors are numbered from 16.
uint32_t flash_f7_sector_number(const struct flash_f7 *f, uint32_t offset);

// The option bytes as loaded: FLASH_OPTCR and FLASH_OPTCR1.
void flash_f7_options(const struct flash_f7 *f, uint32_t *optcr, uint32_t *optcr1);
