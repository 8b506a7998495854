// SPDX-License-Identifier: MIT
// SPI as a master with nobody on the wires (RM0410 chapter 35): frames take their time
// and MISO, pulled high, brings ones; by CPU or DMA, on two lines or one, or receiving
// without end (RXONLY). Slave, CRC and I2S use is reported.
#pragma once

#include "sim/core/sim.h"

enum { SPI_WORDS = 0x24 / 4, SPI_FIFO = 4 };

struct spi {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  enum clock_id clock;  // of its bus
  uint32_t r[SPI_WORDS];
  unsigned tx, rx;  // bytes in the FIFOs
  struct event shifted;
  struct irq_line irq;
  struct dma_line dma_tx, dma_rx;
};

void spi_init(struct spi *s, struct sim *sim, uint32_t base, struct clock_source clocks,
              enum clock_id clock);
void spi_free(struct spi *s);
void spi_reset(struct spi *s);

uint32_t spi_read(void *spi, uint32_t offset, unsigned bytes);
void spi_write(void *spi, uint32_t offset, unsigned bytes, uint32_t value);
