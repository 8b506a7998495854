// SPDX-License-Identifier: MIT
// I2C (RM0410 chapter 33) with nobody on the bus: as a master it finds no slave, which
// ends in NACK and STOP after the time of an address; as a slave it is never called.
#pragma once

#include "sim/core/sim.h"

enum { I2C_WORDS = 0x2C / 4 };

struct i2c {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  enum clock_id clock;
  uint32_t r[I2C_WORDS];
  struct event addressed;
  struct irq_line event_irq, error_irq;
};

void i2c_init(struct i2c *i, struct sim *sim, uint32_t base, struct clock_source clocks,
              enum clock_id clock);
void i2c_free(struct i2c *i);
void i2c_reset(struct i2c *i);

uint32_t i2c_read(void *i2c, uint32_t offset, unsigned bytes);
void i2c_write(void *i2c, uint32_t offset, unsigned bytes, uint32_t value);
