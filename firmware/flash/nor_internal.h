// SPDX-License-Identifier: MIT
// What nor.c and nor_start.c share. Nobody else includes it.
#pragma once

#include "firmware/flash/nor.h"

enum {
  NOR_READ_STATUS = 0x05,
  NOR_WRITE_ENABLE = 0x06,
  NOR_STATUS_WIP = 1 << 0,

  // After a reset that hit an erase: MX25L51245G tREADY2 25 ms, others up to 100 ms
  // (facts on NOR chips, section 4).
  NOR_RECOVER_US = 100000,
  NOR_SAMPLE = 64,  // bytes compared between the modes
};

enum status nor_command(struct nor *n, uint8_t opcode);
enum status nor_read_register(struct nor *n, uint8_t opcode, uint8_t *dst, size_t len);
uint32_t nor_since(const struct nor *n, uint32_t start);

// Until WIP is clear. FLASH_TIMEOUT.
enum status nor_wait_ready(struct nor *n, uint32_t deadline_us);

// 66h and 99h on so many lines, and the pause behind them.
enum status nor_send_reset(struct nor *n, uint8_t lines);

// Whatever a reset undoes: quad enable and protection, dummy clocks, 4-byte mode,
// locks. A register that is as it should be is not written.
enum status nor_prepare(struct nor *n);

// The chip must still be itself: the same id and SFDP, and `sample`'s bytes at address
// 0 by the read command and at the clock that are set now.
enum status nor_prove(struct nor *n, const uint8_t sample[NOR_SAMPLE], bool *same);

// Waits until what is being fetched is there.
void nor_end_fetch(struct nor *n);

// Makes the status registers of the die at `offset` those that are read.
enum status nor_select_die(struct nor *n, uint32_t offset);

// Whether erase type `type` works in the chip's region `region`.
bool nor_erase_works(const struct nor *n, unsigned region, unsigned type);
