// SPDX-License-Identifier: MIT
// The QUADSPI controller of STM32 as a struct nor_bus, with the chip on bank 1.
// Indirect transfers by DMA2's stream 7 or the CPU, status polling by the controller,
// and the memory-mapped window, which opens for long reads and closes before anything
// else goes over the wires.
#pragma once

#include "firmware/flash/nor_bus.h"

#define QUADSPI_WINDOW 0x90000000u  // where the chip is, memory-mapped

struct quadspi_config {
  uintptr_t base;
  uintptr_t dma;  // DMA2; its clock runs where anything is staged or read by it
  // The MPU lets the core into that many bytes from 0x90000000 on, a power of two, of
  // an open window; or, with 0, keeps it out of one that will be closed.
  void (*let_in)(uint32_t bytes);
  uint32_t kernel_hz;  // HCLK
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
};

// In memory that is not cached, if anything is staged.
struct quadspi {
  struct quadspi_config config;
  // What stage was given, and wait_start behind send.
  uint32_t page[NOR_BUS_STAGE / 4];
  const uint8_t *src;
  uint32_t staged_ccr, address, length;  // 0: nothing is staged
  uint32_t poll_ccr, mask, match;
  bool sending;
  uint32_t fetch_us, fetch_bytes;  // when fetch began, and how much it is
  // The window: its size, 0: not known yet; and whose bytes are read there.
  bool open;
  uint32_t part, size;
  struct flash_loan *loan;
};

// Sets the controller up with the slowest clock. Its clock runs, its pins are set.
void quadspi_start(struct quadspi *q, const struct quadspi_config *config);

// The bus; `q` must outlive it.
struct nor_bus quadspi_bus(struct quadspi *q);

// A nor_set_clock: the fastest clock not above `hz` at which both edges can carry data.
uint32_t quadspi_set_ddr_clock(void *ctx, uint32_t hz);

// Opens the window: reads of 0x90000000 send `c`, a read command, and those of another
// part of the chip than the 32 MB that its address is in need not be right: dies are
// stacked in such parts. BUS_TIMEOUT if the controller is stuck. Whatever sends another
// command closes it.
enum status quadspi_map(struct quadspi *q, const struct nor_cmd *c);

// Closes it.
enum status quadspi_unmap(struct quadspi *q);
