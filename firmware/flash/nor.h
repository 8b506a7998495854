// SPDX-License-Identifier: MIT
// NOR flash logic: brings a chip from any state to a known one, learns what it is,
// enables quad mode, and makes a medium of it. Touches no register; it speaks
// through struct nor_bus.
//
// nor_start.c: recovery, identification, choice of commands and clock.
// nor.c: the medium. nor_family.c: what SFDP does not say. nor_ddr.c: both clock edges.
#pragma once

#include "firmware/flash/media.h"
#include "firmware/flash/nor_bus.h"
#include "firmware/flash/nor_family.h"
#include "firmware/flash/sfdp.h"

struct nor {
  const struct nor_bus *bus;
  uint32_t max_hz;  // what the board's copper carries
  uint32_t hz;      // SCLK
  uint8_t id[3];    // JEDEC id; 0 0 0: nothing answered
  struct sfdp sfdp;
  uint32_t digest;  // of the bytes that the SFDP was made of
  const struct nor_family *family;
  struct nor_correction correction;  // zeros: none
  // How 4 address bytes come about: by opcodes that always take them, or by B7h.
  bool dedicated, enter_4byte;
  uint8_t address_bytes;
  uint8_t block_type[SFDP_MAX_REGIONS];  // of the medium's blocks, in each region
  bool quad;                             // the chip takes commands on four lines
  bool locked;                           // its block protection cannot be lifted
  uint8_t die;                           // whose status register is read
  // Templates; address, and the opcode of an erase, are filled in.
  struct nor_cmd read_cmd, program_cmd, erase_cmd;
  // The operation in progress.
  bool erasing, busy;
  enum status result;        // of one that ended and was not asked for since
  size_t fetching;           // bytes that are being fetched; 0: none are
  enum status fetch_status;  // how a fetch ended that something else had to wait for
  bool overdue;              // the last one never ended: reset the chip before the next
  const uint8_t *src;
  uint32_t offset, left, staged;
  uint32_t started_us, deadline_us;
};

// Identifies the chip and prepares it. NOR_ABSENT, NOR_UNKNOWN, FLASH_TIMEOUT, or a
// failure of the bus; `id` is valid even then, if there is one.
enum status nor_start(struct nor *n, const struct nor_bus *bus, uint32_t max_hz);

// Reads on both clock edges from here on, if the chip can, that is quicker, and what it
// reads then is right; else as before. `set_ddr_clock` is the bus's set_clock for it,
// which lasts until the next set_clock.
typedef uint32_t nor_set_clock(void *ctx, uint32_t hz);
enum status nor_start_ddr(struct nor *n, nor_set_clock *set_ddr_clock);

// Puts a chip that was started back into its state after power-up. Nothing may be in
// progress.
void nor_stop(struct nor *n);

// Between two pages, as soon as the chip is ready: what poll does, but sooner.
void nor_go_on(struct nor *n);

// The medium, based at 0x90000000; `n` must outlive it.
struct media nor_medium(struct nor *n);
