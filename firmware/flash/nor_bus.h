// SPDX-License-Identifier: MIT
// What a controller must offer to the NOR logic: commands on one, two or four lines.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "firmware/flash/loan.h"

// One command. A phase with 0 lines is left out. Phases follow in this order:
// opcode, address, alternate ("mode") bytes, dummy clocks, data.
struct nor_cmd {
  uint8_t opcode, opcode_lines;
  uint8_t address_lines, address_bytes;  // 3 or 4
  uint8_t mode_lines, mode_bytes;        // 1 to 4 bytes, all FFh: no continuous read
  uint8_t dummy_clocks;  // reads only: writes with dummy clocks lose their first
                         // nibble (ES0334)
  uint8_t data_lines : 7;
  bool ddr : 1;  // address, mode bytes and data of a read on both clock edges
  uint32_t address;
};

enum {
  NOR_BUS_STAGE = 512,  // bytes; the largest page of any chip known
  // A sequential read wraps at the end of a die: none goes on over a multiple of the
  // smallest that is stacked (N25Q512A).
  NOR_BUS_PART = 32 * 1024 * 1024,
};

struct nor_bus {
  void *ctx;
  // Both wait for the bus, which takes as long as the bytes need, 4 KB at most.
  // BUS_TIMEOUT if the controller hangs. `n` may be 0 for write.
  enum status (*read)(void *ctx, const struct nor_cmd *c, uint8_t *dst, size_t n);
  enum status (*write)(void *ctx, const struct nor_cmd *c, const uint8_t *src,
                       size_t n);
  // Lends the `n` bytes from c->address on, not over a multiple of NOR_BUS_PART, to the
  // core's loads, by the read command `c`. NOT_NOW: not these.
  enum status (*map)(void *ctx, const struct nor_cmd *c, size_t n,
                     struct flash_loan *loan);
  // A read that goes on by itself, of whole words and to where DMA reaches and nothing
  // is cached. Until fetched tells that all of them are there, nothing else may be
  // called.
  enum status (*fetch)(void *ctx, const struct nor_cmd *c, void *dst, size_t n);
  enum status (*fetched)(void *ctx, size_t *n);
  // A write in two steps, for pages back to back. stage takes the command and its data,
  // 1 to NOR_BUS_STAGE bytes; between wait_start and wait_done the data must stay until
  // it is over. send starts it, and does not wait for its end: wait_start must be next.
  // Reads of more than a register must not come between the two.
  void (*stage)(void *ctx, const struct nor_cmd *c, const uint8_t *src, size_t n);
  void (*send)(void *ctx);
  // The controller reads one status byte again and again by itself, until
  // (byte & mask) == match; the core is woken then. wait_done tells; it must be called
  // until `*done`, with the byte that matched then, or wait_stop to give up. Behind
  // send the core is woken once more: when the data are over, and wait_done lets the
  // reading begin.
  void (*wait_start)(void *ctx, const struct nor_cmd *c, uint8_t mask, uint8_t match);
  enum status (*wait_done)(void *ctx, bool *done, uint8_t *byte);
  void (*wait_stop)(void *ctx);
  // The fastest clock that is not above `hz`; returns it.
  uint32_t (*set_clock)(void *ctx, uint32_t hz);
  // Size of the chip, for the controller's own limits.
  void (*set_size)(void *ctx, uint32_t bytes);
  uint32_t (*now_us)(void *ctx);  // free-running, wraps
};
