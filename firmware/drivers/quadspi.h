// SPDX-License-Identifier: MIT
// The QUADSPI controller of STM32 as a struct nor_bus, with the chip on bank 1.
// Indirect transfers by the CPU, status polling by the controller, and the memory-
// mapped window. The MPU must keep the core out of 0x90000000 while it is closed.
#pragma once

#include "firmware/flash/nor_bus.h"

struct quadspi_config {
  uintptr_t base;
  uint32_t kernel_hz;  // HCLK
  uint32_t (*now_us)(void *ctx);
  void *now_ctx;
};

struct quadspi {
  struct quadspi_config config;
};

// Sets the controller up with the slowest clock. Its clock runs, its pins are set.
void quadspi_start(struct quadspi *q, const struct quadspi_config *config);

// The bus; `q` must outlive it.
struct nor_bus quadspi_bus(struct quadspi *q);

// Opens the window: reads of 0x90000000 send `c` (a read command, its address is
// ignored). BUS_TIMEOUT if the controller is stuck.
enum status quadspi_map(struct quadspi *q, const struct nor_cmd *c);

// Closes it.
enum status quadspi_unmap(struct quadspi *q);
