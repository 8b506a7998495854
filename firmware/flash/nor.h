// SPDX-License-Identifier: MIT
// NOR flash logic: brings a chip from any state to a known one, learns what it is,
// enables quad mode, and makes a medium of it. Touches no register; it speaks
// through struct nor_bus.
#pragma once

#include "firmware/flash/media.h"
#include "firmware/flash/nor_bus.h"
#include "firmware/flash/sfdp.h"

struct nor {
  const struct nor_bus *bus;
  uint32_t max_hz;  // what the board's copper carries
  uint8_t id[3];    // JEDEC id
  struct sfdp sfdp;
  struct sfdp_erase erase;  // the type that the medium's blocks are of
  // Templates; the address is filled in.
  struct nor_cmd read_cmd, program_cmd, erase_cmd;
  // The operation in progress.
  bool erasing, busy;
  bool overdue;  // the last one never ended: reset the chip before the next
  const uint8_t *src;
  uint32_t offset, left;
  uint32_t started_us, deadline_us;
};

// Identifies the chip and prepares it. NOR_ABSENT, NOR_UNKNOWN, NOR_QUAD_ENABLE,
// or a failure of the bus.
enum status nor_start(struct nor *n, const struct nor_bus *bus, uint32_t max_hz);

// The medium, based at 0x90000000; `n` must outlive it.
struct media nor_medium(struct nor *n);
