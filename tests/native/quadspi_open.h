// SPDX-License-Identifier: MIT
// The QUADSPI driver at the simulator's controller.
#pragma once

#include "firmware/drivers/quadspi.h"
#include "tests/native/chips.h"
#include "tests/native/mmio_bus.h"

static inline struct nor_bus quadspi_open(struct quadspi *q) {
  const struct quadspi_config config = {.base = CHIPS_QUADSPI,
                                        .dma = CHIPS_DMA2,
                                        .let_in = chips_let_in,
                                        .kernel_hz = CHIPS_HCLK,
                                        .now_us = mmio_now_us};
  quadspi_start(q, &config);
  return quadspi_bus(q);
}
