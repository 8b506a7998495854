// SPDX-License-Identifier: MIT
#include "sim/models/i2c.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

// SMBus and packet error checking are missing. What only a master that calls would show
// is kept.
static const struct reg_model models[] = {
    {SIM_I2C_CR1,
     SIM_I2C_CR1_PE | SIM_I2C_CR1_NACKIE | SIM_I2C_CR1_STOPIE | SIM_I2C_CR1_TXIE |
         SIM_I2C_CR1_RXIE | SIM_I2C_CR1_TCIE | SIM_I2C_CR1_TXDMAEN |
         SIM_I2C_CR1_RXDMAEN,
     SIM_I2C_CR1_ADDRIE | SIM_I2C_CR1_ERRIE | SIM_I2C_CR1_DNF | SIM_I2C_CR1_ANFOFF |
         SIM_I2C_CR1_SBC | SIM_I2C_CR1_NOSTRETCH | SIM_I2C_CR1_GCEN,
     0, 0},
    {SIM_I2C_CR2, ALL & ~SIM_I2C_CR2_PECBYTE, 0, 0, 0},
    {SIM_I2C_OAR1, 0, ALL, 2, 4},
    {SIM_I2C_TIMINGR, ALL, 0, 0, 0},
    {SIM_I2C_ISR, ALL, 0, 0, 0},
    {SIM_I2C_ICR, ALL, 0, 0, 0},
    {SIM_I2C_TXDR, ALL, 0, 0, 0},
};

static uint32_t *reg(struct i2c *i, uint32_t offset) {
  return &i->r[offset / 4];
}

static bool raises(struct i2c *i, uint32_t enable, uint32_t flags) {
  return (*reg(i, SIM_I2C_CR1) & enable) && (*reg(i, SIM_I2C_ISR) & flags);
}

static void update_irqs(struct i2c *i) {
  irq_set(&i->event_irq,
          raises(i, SIM_I2C_CR1_NACKIE, SIM_I2C_ISR_NACKF) ||
              raises(i, SIM_I2C_CR1_STOPIE, SIM_I2C_ISR_STOPF) ||
              raises(i, SIM_I2C_CR1_TXIE, SIM_I2C_ISR_TXIS) ||
              raises(i, SIM_I2C_CR1_RXIE, SIM_I2C_ISR_RXNE) ||
              raises(i, SIM_I2C_CR1_TCIE, SIM_I2C_ISR_TC | SIM_I2C_ISR_TCR));
  dma_set(&i->dma_tx, raises(i, SIM_I2C_CR1_TXDMAEN, SIM_I2C_ISR_TXIS));
  dma_set(&i->dma_rx, raises(i, SIM_I2C_CR1_RXDMAEN, SIM_I2C_ISR_RXNE));
}

static void flag(struct i2c *i, uint32_t set, uint32_t clear) {
  *reg(i, SIM_I2C_ISR) = (*reg(i, SIM_I2C_ISR) & ~clear) | set;
}

// In SCL periods (RM0410 33.4.9): a start and nine bits, or nine bits.
enum { ADDRESS_BITS = 10, BYTE_BITS = 9 };

static void take_time(struct i2c *i, enum i2c_phase phase, unsigned bits) {
  const uint32_t t = *reg(i, SIM_I2C_TIMINGR);
  const uint64_t period =
      (SIM_GET(t, SIM_I2C_TIMINGR_SCLL) + SIM_GET(t, SIM_I2C_TIMINGR_SCLH) + 2ull) *
      (SIM_GET(t, SIM_I2C_TIMINGR_PRESC) + 1ull);
  const uint64_t hz = clock_hz(&i->clocks, i->clock);
  i->phase = phase;
  if (hz) event_in(&i->sim->events, &i->step, vt_cycles(bits * period, hz));
}

static void stop(struct i2c *i) {
  i->phase = I2C_IDLE;
  i->stop_due = false;
  flag(i, SIM_I2C_ISR_STOPF,
       SIM_I2C_ISR_BUSY | SIM_I2C_ISR_TC | SIM_I2C_ISR_TCR | SIM_I2C_ISR_TXIS);
  *reg(i, SIM_I2C_CR2) &= ~(SIM_I2C_CR2_START | SIM_I2C_CR2_STOP);
}

// A master that is not acknowledged sends its STOP by itself (RM0410 33.4.8).
static void refused(struct i2c *i) {
  flag(i, SIM_I2C_ISR_NACKF, 0);
  stop(i);
}

static bool reads(struct i2c *i) {
  return *reg(i, SIM_I2C_CR2) & SIM_I2C_CR2_RD_WRN;
}

static void send(struct i2c *i) {
  if (!i->holding) {
    i->phase = I2C_WAITS_TO_SEND;
    flag(i, SIM_I2C_ISR_TXIS, 0);
    return;
  }
  i->holding = false;
  i->shift = (uint8_t)*reg(i, SIM_I2C_TXDR);
  flag(i, SIM_I2C_ISR_TXE, SIM_I2C_ISR_TXIS);
  take_time(i, I2C_SENDS, BYTE_BITS);
}

// NBYTES are over, or there is one more.
static void go_on(struct i2c *i) {
  const uint32_t cr2 = *reg(i, SIM_I2C_CR2);
  if (i->stop_due) {
    stop(i);
  } else if (i->left && reads(i)) {
    take_time(i, I2C_RECEIVES, BYTE_BITS);
  } else if (i->left) {
    send(i);
  } else if (!(cr2 & SIM_I2C_CR2_RELOAD) && (cr2 & SIM_I2C_CR2_AUTOEND)) {
    stop(i);
  } else {
    i->phase = I2C_WAITS;
    flag(i, cr2 & SIM_I2C_CR2_RELOAD ? SIM_I2C_ISR_TCR : SIM_I2C_ISR_TC, 0);
  }
}

static void deliver(struct i2c *i) {
  if (*reg(i, SIM_I2C_ISR) & SIM_I2C_ISR_RXNE) {
    i->phase = I2C_WAITS_TO_RECEIVE;
    return;
  }
  *reg(i, SIM_I2C_RXDR) = i->shift;
  flag(i, SIM_I2C_ISR_RXNE, 0);
  i->left--;
  go_on(i);
}

static void address(struct i2c *i) {
  const uint32_t cr2 = *reg(i, SIM_I2C_CR2);
  const bool ten_bits = cr2 & SIM_I2C_CR2_ADD10;
  *reg(i, SIM_I2C_CR2) &= ~SIM_I2C_CR2_START;
  i->chip = NULL;
  for (unsigned n = 0; n < I2C_CHIPS && !ten_bits; n++)
    if (i->chips[n] && i->chips[n]->kind->address == (cr2 >> 1 & 0x7Fu))
      i->chip = i->chips[n];
  if (!i->chip) {
    refused(i);
    return;
  }
  i2c_chip_start(i->chip, reads(i));
  go_on(i);
}

static void on_step(void *ctx) {
  struct i2c *i = ctx;
  switch (i->phase) {
    case I2C_ADDRESS: address(i); break;
    case I2C_SENDS:
      i2c_chip_write(i->chip, i->shift);
      i->left--;
      go_on(i);
      break;
    case I2C_RECEIVES:
      i->shift = i2c_chip_read(i->chip);
      deliver(i);
      break;
    default: break;
  }
  update_irqs(i);
}

static void start(struct i2c *i, uint32_t cr2) {
  i->left = SIM_GET(cr2, SIM_I2C_CR2_NBYTES);
  flag(i, SIM_I2C_ISR_BUSY, SIM_I2C_ISR_TC);
  take_time(i, I2C_ADDRESS, ADDRESS_BITS);
}

static void ask_for_stop(struct i2c *i) {
  const bool waits = i->phase == I2C_WAITS || i->phase == I2C_WAITS_TO_SEND;
  if (waits) stop(i);
  if (i->phase != I2C_IDLE) i->stop_due = true;
}

static void write_cr2(struct i2c *i, uint32_t value) {
  *reg(i, SIM_I2C_CR2) = value & ~SIM_I2C_CR2_STOP;
  const bool on = *reg(i, SIM_I2C_CR1) & SIM_I2C_CR1_PE;
  const bool free = i->phase == I2C_IDLE || i->phase == I2C_WAITS;
  if (!on) *reg(i, SIM_I2C_CR2) &= ~SIM_I2C_CR2_START;
  if (!on) return;
  if (value & SIM_I2C_CR2_STOP) {
    ask_for_stop(i);
  } else if ((value & SIM_I2C_CR2_START) && free) {
    start(i, value);
  } else if (*reg(i, SIM_I2C_ISR) & SIM_I2C_ISR_TCR) {
    // Written with a new NBYTES, it goes on (RM0410 33.4.8).
    i->left = SIM_GET(value, SIM_I2C_CR2_NBYTES);
    if (!i->left) return;
    flag(i, 0, SIM_I2C_ISR_TCR);
    go_on(i);
  }
}

static void abandon(struct i2c *i) {
  event_cancel(&i->sim->events, &i->step);
  i->phase = I2C_IDLE;
  i->holding = i->stop_due = false;
  i->chip = NULL;
  *reg(i, SIM_I2C_ISR) = SIM_I2C_ISR_TXE;
}

// Without PE everything under way is released (RM0410 33.4.6).
static void write_cr1(struct i2c *i, uint32_t value) {
  *reg(i, SIM_I2C_CR1) = value;
  if (value & SIM_I2C_CR1_PE) return;
  abandon(i);
  *reg(i, SIM_I2C_CR2) &= ~(SIM_I2C_CR2_START | SIM_I2C_CR2_STOP);
}

// May be written before the start (RM0410 33.4.8).
static void write_txdr(struct i2c *i, uint32_t value) {
  *reg(i, SIM_I2C_TXDR) = value;
  i->holding = true;
  flag(i, 0, SIM_I2C_ISR_TXE | SIM_I2C_ISR_TXIS);
  if (i->phase == I2C_WAITS_TO_SEND) send(i);
}

// TXE written flushes TXDR.
static void write_isr(struct i2c *i, uint32_t value) {
  if (!(value & SIM_I2C_ISR_TXE)) return;
  i->holding = false;
  flag(i, SIM_I2C_ISR_TXE, 0);
}

uint32_t i2c_read(void *i2c, uint32_t offset, unsigned bytes) {
  struct i2c *i = i2c;
  if (!reg_check_read(&i->regs, offset)) return 0;
  const uint32_t value = reg_extract(i->r[offset / 4], offset, bytes);
  if ((offset & ~3u) != SIM_I2C_RXDR) return value;
  flag(i, 0, SIM_I2C_ISR_RXNE);
  if (i->phase == I2C_WAITS_TO_RECEIVE) deliver(i);
  update_irqs(i);
  return value;
}

void i2c_write(void *i2c, uint32_t offset, unsigned bytes, uint32_t value) {
  struct i2c *i = i2c;
  if (!reg_check_write(&i->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&i->regs, *reg(i, word), offset, bytes, value);
  switch (word) {
    case SIM_I2C_CR1: write_cr1(i, v); break;
    case SIM_I2C_CR2: write_cr2(i, v); break;
    case SIM_I2C_ISR: write_isr(i, v); break;
    case SIM_I2C_TXDR: write_txdr(i, v); break;
    case SIM_I2C_ICR:
      *reg(i, SIM_I2C_ISR) &= ~(v & SIM_I2C_ICR_NACKCF) & ~(v & SIM_I2C_ICR_STOPCF);
      break;
    default: *reg(i, word) = v;
  }
  update_irqs(i);
}

void i2c_reset(struct i2c *i) {
  memset(i->r, 0, sizeof i->r);
  abandon(i);
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
  event_init(&i->step, on_step, i);
}

void i2c_free(struct i2c *i) {
  reg_file_free(&i->regs);
}
