// SPDX-License-Identifier: MIT
#include "sim/models/i2c.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

// DMA, SMBus and packet error checking are missing. What only a slave that answers, or
// a master that calls, would show is kept.
static const struct reg_model models[] = {
    {SIM_I2C_CR1, SIM_I2C_CR1_PE | SIM_I2C_CR1_NACKIE | SIM_I2C_CR1_STOPIE,
     SIM_I2C_CR1_TXIE | SIM_I2C_CR1_RXIE | SIM_I2C_CR1_ADDRIE | SIM_I2C_CR1_TCIE |
         SIM_I2C_CR1_ERRIE | SIM_I2C_CR1_DNF | SIM_I2C_CR1_ANFOFF | SIM_I2C_CR1_SBC |
         SIM_I2C_CR1_NOSTRETCH | SIM_I2C_CR1_GCEN,
     0, 0},
    {SIM_I2C_CR2, ALL & ~SIM_I2C_CR2_PECBYTE, 0, 0, 0},
    {SIM_I2C_OAR1, 0, ALL, 2, 4},
    {SIM_I2C_TIMINGR, ALL, 0, 0, 0},
    {SIM_I2C_ISR, ALL, 0, 0, 0},
    {SIM_I2C_ICR, ALL, 0, 0, 0},
    {SIM_I2C_TXDR, 0, ALL, 0, 0},
};

static uint32_t *reg(struct i2c *i, uint32_t offset) {
  return &i->r[offset / 4];
}

static void update_irqs(struct i2c *i) {
  const uint32_t cr1 = *reg(i, SIM_I2C_CR1), isr = *reg(i, SIM_I2C_ISR);
  irq_set(&i->event_irq, ((cr1 & SIM_I2C_CR1_NACKIE) && (isr & SIM_I2C_ISR_NACKF)) ||
                             ((cr1 & SIM_I2C_CR1_STOPIE) && (isr & SIM_I2C_ISR_STOPF)));
}

// Start, eight bits and the missing acknowledge, in SCL periods (RM0410 33.4.9).
static vtime_t address_time(struct i2c *i) {
  const uint32_t t = *reg(i, SIM_I2C_TIMINGR);
  const uint64_t period =
      (SIM_GET(t, SIM_I2C_TIMINGR_SCLL) + SIM_GET(t, SIM_I2C_TIMINGR_SCLH) + 2ull) *
      (SIM_GET(t, SIM_I2C_TIMINGR_PRESC) + 1ull);
  const uint64_t hz = clock_hz(&i->clocks, i->clock);
  return hz ? vt_cycles(10 * period, hz) : VT_NEVER;
}

// A master that is not acknowledged sends its STOP by itself (RM0410 33.4.8).
static void on_addressed(void *ctx) {
  struct i2c *i = ctx;
  *reg(i, SIM_I2C_ISR) |= SIM_I2C_ISR_NACKF | SIM_I2C_ISR_STOPF;
  *reg(i, SIM_I2C_ISR) &= ~SIM_I2C_ISR_BUSY;
  *reg(i, SIM_I2C_CR2) &= ~(SIM_I2C_CR2_START | SIM_I2C_CR2_STOP);
  update_irqs(i);
}

static void write_cr2(struct i2c *i, uint32_t value) {
  *reg(i, SIM_I2C_CR2) = value & ~SIM_I2C_CR2_STOP;
  const bool on = *reg(i, SIM_I2C_CR1) & SIM_I2C_CR1_PE;
  if (!on) *reg(i, SIM_I2C_CR2) &= ~SIM_I2C_CR2_START;
  if (!on || !(value & SIM_I2C_CR2_START) || i->addressed.armed) return;
  *reg(i, SIM_I2C_ISR) |= SIM_I2C_ISR_BUSY;
  event_in(&i->sim->events, &i->addressed, address_time(i));
}

// Without PE everything under way is released (RM0410 33.4.6).
static void write_cr1(struct i2c *i, uint32_t value) {
  *reg(i, SIM_I2C_CR1) = value;
  if (value & SIM_I2C_CR1_PE) return;
  event_cancel(&i->sim->events, &i->addressed);
  *reg(i, SIM_I2C_ISR) = SIM_I2C_ISR_TXE;
  *reg(i, SIM_I2C_CR2) &= ~(SIM_I2C_CR2_START | SIM_I2C_CR2_STOP);
}

uint32_t i2c_read(void *i2c, uint32_t offset, unsigned bytes) {
  const struct i2c *i = i2c;
  if (!reg_check_read(&i->regs, offset)) return 0;
  return reg_extract(i->r[offset / 4], offset, bytes);
}

void i2c_write(void *i2c, uint32_t offset, unsigned bytes, uint32_t value) {
  struct i2c *i = i2c;
  if (!reg_check_write(&i->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&i->regs, *reg(i, word), offset, bytes, value);
  switch (word) {
    case SIM_I2C_CR1: write_cr1(i, v); break;
    case SIM_I2C_CR2: write_cr2(i, v); break;
    case SIM_I2C_ISR: break;  // TXE can be set only; it is
    case SIM_I2C_ICR:
      *reg(i, SIM_I2C_ISR) &= ~(v & SIM_I2C_ICR_NACKCF) & ~(v & SIM_I2C_ICR_STOPCF);
      break;
    default: *reg(i, word) = v;
  }
  update_irqs(i);
}

void i2c_reset(struct i2c *i) {
  memset(i->r, 0, sizeof i->r);
  *reg(i, SIM_I2C_ISR) = SIM_I2C_ISR_TXE;
  event_cancel(&i->sim->events, &i->addressed);
  update_irqs(i);
}

void i2c_init(struct i2c *i, struct sim *sim, uint32_t base, struct clock_source clocks,
              enum clock_id clock) {
  memset(i, 0, sizeof *i);
  i->sim = sim;
  i->clocks = clocks;
  i->clock = clock;
  reg_file_init(&i->regs, &sim_regs_i2c, base, models, sizeof models / sizeof *models,
                &sim->report);
  event_init(&i->addressed, on_addressed, i);
}

void i2c_free(struct i2c *i) {
  reg_file_free(&i->regs);
}
