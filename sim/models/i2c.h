// SPDX-License-Identifier: MIT
// I2C (RM0410 chapter 33) as a master: addresses, bytes in both directions with CPU or
// DMA, reload, automatic end, repeated start. Where no chip has the address it ends in
// NACK and STOP; as a slave it is never called.
#pragma once

#include "sim/core/sim.h"
#include "sim/models/i2c_chip.h"

enum { I2C_WORDS = 0x2C / 4, I2C_CHIPS = 2 };

// What the bus is doing. Waiting, SCL is held low.
enum i2c_phase {
  I2C_IDLE,
  I2C_ADDRESS,
  I2C_SENDS,
  I2C_RECEIVES,
  I2C_WAITS_TO_SEND,
  I2C_WAITS_TO_RECEIVE,  // the byte before is still in RXDR
  I2C_WAITS,             // TC or TCR: for software to say how it goes on
};

struct i2c {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  enum clock_id clock;
  uint32_t r[I2C_WORDS];
  struct event step;  // the byte on the bus is over
  enum i2c_phase phase;
  unsigned left;  // bytes of NBYTES
  bool holding;   // TXDR is full
  bool stop_due;  // STOP was asked for while a byte was under way
  uint8_t shift;
  struct i2c_chip *chips[I2C_CHIPS], *chip;
  struct dma_line dma_tx, dma_rx;
  struct irq_line event_irq, error_irq;
};

void i2c_init(struct i2c *i, struct sim *sim, uint32_t base, struct clock_source clocks,
              enum clock_id clock);
void i2c_free(struct i2c *i);
void i2c_reset(struct i2c *i);

uint32_t i2c_read(void *i2c, uint32_t offset, unsigned bytes);
void i2c_write(void *i2c, uint32_t offset, unsigned bytes, uint32_t value);
