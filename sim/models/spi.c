// SPDX-License-Identifier: MIT
#include "sim/models/spi.h"

#include <string.h>

#include "sim_regs.h"

#define ALL 0xFFFFFFFFu

static const struct reg_model models[] = {
    {SIM_SPI_CR1,
     SIM_SPI_CR1_MSTR | SIM_SPI_CR1_BR | SIM_SPI_CR1_SPE | SIM_SPI_CR1_SSI |
         SIM_SPI_CR1_SSM | SIM_SPI_CR1_RXONLY | SIM_SPI_CR1_BIDIMODE |
         SIM_SPI_CR1_BIDIOE,
     SIM_SPI_CR1_CPHA | SIM_SPI_CR1_CPOL | SIM_SPI_CR1_LSBFIRST | SIM_SPI_CR1_CRCL, 0,
     0},
    {SIM_SPI_CR2,
     SIM_SPI_CR2_ERRIE | SIM_SPI_CR2_RXNEIE | SIM_SPI_CR2_TXEIE | SIM_SPI_CR2_DS |
         SIM_SPI_CR2_FRXTH | SIM_SPI_CR2_RXDMAEN | SIM_SPI_CR2_TXDMAEN,
     // An odd last byte (LDMA) is not told apart: the other half of a packed pair is
     // sent, to nobody.
     SIM_SPI_CR2_SSOE | SIM_SPI_CR2_NSSP | SIM_SPI_CR2_FRF | SIM_SPI_CR2_LDMA_RX |
         SIM_SPI_CR2_LDMA_TX,
     0, 0},
    {SIM_SPI_SR, ALL, 0, 0, 0},
    {SIM_SPI_DR, ALL, 0, 0, 0},
    {SIM_SPI_CRCPR, 0, ALL, 0, 0},
    {SIM_SPI_I2SPR, 0, ALL, 0, 0},
};

static uint32_t *reg(struct spi *s, uint32_t offset) {
  return &s->r[offset / 4];
}

static unsigned frame_bits(struct spi *s) {
  return SIM_GET(*reg(s, SIM_SPI_CR2), SIM_SPI_CR2_DS) + 1;
}

static unsigned frame_bytes(struct spi *s) {
  return frame_bits(s) > 8 ? 2 : 1;
}

static uint32_t status(struct spi *s) {
  const unsigned threshold = *reg(s, SIM_SPI_CR2) & SIM_SPI_CR2_FRXTH ? 1 : 2;
  uint32_t sr = *reg(s, SIM_SPI_SR);
  if (s->rx >= threshold) sr |= SIM_SPI_SR_RXNE;
  if (s->tx <= SPI_FIFO / 2) sr |= SIM_SPI_SR_TXE;
  if (s->tx || s->shifted.armed) sr |= SIM_SPI_SR_BSY;
  // Levels in quarters, 3 being full (RM0410 35.5.9).
  sr |= SIM_PUT(SIM_SPI_SR_FRLVL, s->rx > 3 ? 3 : s->rx);
  sr |= SIM_PUT(SIM_SPI_SR_FTLVL, s->tx > 3 ? 3 : s->tx);
  return sr;
}

// Requests follow TXE and RXNE (RM0410 35.5.9).
static void update_dma(struct spi *s, uint32_t sr) {
  const uint32_t cr2 = *reg(s, SIM_SPI_CR2);
  const bool on = *reg(s, SIM_SPI_CR1) & SIM_SPI_CR1_SPE;
  dma_set(&s->dma_rx, (cr2 & SIM_SPI_CR2_RXDMAEN) && (sr & SIM_SPI_SR_RXNE));
  dma_set(&s->dma_tx, on && (cr2 & SIM_SPI_CR2_TXDMAEN) && (sr & SIM_SPI_SR_TXE));
}

static void update_irq(struct spi *s) {
  const uint32_t cr2 = *reg(s, SIM_SPI_CR2), sr = status(s);
  const uint32_t errors = SIM_SPI_SR_OVR | SIM_SPI_SR_MODF;
  irq_set(&s->irq, ((cr2 & SIM_SPI_CR2_RXNEIE) && (sr & SIM_SPI_SR_RXNE)) ||
                       ((cr2 & SIM_SPI_CR2_TXEIE) && (sr & SIM_SPI_SR_TXE)) ||
                       ((cr2 & SIM_SPI_CR2_ERRIE) && (sr & errors)));
  update_dma(s, sr);
}

static bool runs(struct spi *s) {
  const uint32_t bits = SIM_SPI_CR1_SPE | SIM_SPI_CR1_MSTR;
  return (*reg(s, SIM_SPI_CR1) & bits) == bits;
}

// A master that only listens clocks as long as it is on (RM0410 35.5.8).
static bool listens_only(struct spi *s) {
  const uint32_t cr1 = *reg(s, SIM_SPI_CR1);
  if (!(cr1 & SIM_SPI_CR1_BIDIMODE)) return cr1 & SIM_SPI_CR1_RXONLY;
  return !(cr1 & SIM_SPI_CR1_BIDIOE);
}

static bool talks_only(struct spi *s) {
  const uint32_t bits = SIM_SPI_CR1_BIDIMODE | SIM_SPI_CR1_BIDIOE;
  return (*reg(s, SIM_SPI_CR1) & bits) == bits;
}

static void next_frame(struct spi *s) {
  const uint64_t hz = clock_hz(&s->clocks, s->clock);
  if (!runs(s) || !hz || s->shifted.armed) return;
  if (!listens_only(s)) {
    if (s->tx < frame_bytes(s)) return;
    s->tx -= frame_bytes(s);
  }
  const uint32_t br = SIM_GET(*reg(s, SIM_SPI_CR1), SIM_SPI_CR1_BR);
  event_in(&s->sim->events, &s->shifted,
           vt_cycles((uint64_t)frame_bits(s) << (br + 1), hz));
}

static void on_shifted(void *ctx) {
  struct spi *s = ctx;
  const bool full = s->rx + frame_bytes(s) > SPI_FIFO;
  if (!talks_only(s) && full) *reg(s, SIM_SPI_SR) |= SIM_SPI_SR_OVR;
  if (!talks_only(s) && !full) s->rx += frame_bytes(s);
  next_frame(s);
  update_irq(s);
}

// An access of a byte moves one, a wider one two (packing, RM0410 35.5.9).
static void push(struct spi *s, unsigned bytes) {
  const unsigned n = bytes > 1 ? 2 : 1;
  if (s->tx + n <= SPI_FIFO) s->tx += n;
  next_frame(s);
}

static uint32_t pop(struct spi *s, unsigned bytes) {
  const unsigned wanted = bytes > 1 ? 2 : 1;
  const unsigned n = wanted < s->rx ? wanted : s->rx;
  s->rx -= n;
  *reg(s, SIM_SPI_SR) &= ~SIM_SPI_SR_OVR;  // with the SR read that precedes it
  const uint32_t ones = (1u << frame_bits(s)) - 1u;
  return frame_bytes(s) == 2 ? ones : ones * (n == 2 ? 0x101u : n);
}

// A master whose NSS is low has lost the bus (RM0410 35.5.10).
static void write_cr1(struct spi *s, uint32_t value) {
  const uint32_t selected = SIM_SPI_CR1_MSTR | SIM_SPI_CR1_SSM | SIM_SPI_CR1_SSI;
  if ((value & selected) == (SIM_SPI_CR1_MSTR | SIM_SPI_CR1_SSM) &&
      (value & SIM_SPI_CR1_SPE)) {
    *reg(s, SIM_SPI_SR) |= SIM_SPI_SR_MODF;
    value &= ~(SIM_SPI_CR1_SPE | SIM_SPI_CR1_MSTR);
  } else {
    *reg(s, SIM_SPI_SR) &= ~SIM_SPI_SR_MODF;
  }
  if ((value & SIM_SPI_CR1_SPE) && !(value & SIM_SPI_CR1_MSTR)) {
    report_unimplemented(&s->sim->report, s->regs.base, "SPI as a slave");
  }
  *reg(s, SIM_SPI_CR1) = value;
  next_frame(s);
}

uint32_t spi_read(void *spi, uint32_t offset, unsigned bytes) {
  struct spi *s = spi;
  if (!reg_check_read(&s->regs, offset)) return 0;
  const uint32_t word = offset & ~3u;
  if (word == SIM_SPI_SR) return reg_extract(status(s), offset, bytes);
  if (word != SIM_SPI_DR) return reg_extract(*reg(s, word), offset, bytes);
  const uint32_t value = pop(s, bytes);
  update_irq(s);
  return value;
}

void spi_write(void *spi, uint32_t offset, unsigned bytes, uint32_t value) {
  struct spi *s = spi;
  if (!reg_check_write(&s->regs, offset, bytes, value)) return;
  const uint32_t word = offset & ~3u;
  const uint32_t v = reg_update(&s->regs, *reg(s, word), offset, bytes, value);
  switch (word) {
    case SIM_SPI_CR1: write_cr1(s, v); break;
    case SIM_SPI_SR: break;  // CRCERR never rises here
    case SIM_SPI_DR: push(s, bytes); break;
    // DS below 4 bits becomes 8 (RM0410 35.9.2).
    case SIM_SPI_CR2:
      *reg(s, word) = SIM_GET(v, SIM_SPI_CR2_DS) < 3 ? v | 7u << 8 : v;
      break;
    default: *reg(s, word) = v;
  }
  update_irq(s);
}

void spi_reset(struct spi *s) {
  for (size_t i = 0; i < s->regs.block->count; i++) {
    const struct reg_desc *d = &s->regs.block->regs[i];
    s->r[d->offset / 4] = d->reset;
  }
  *reg(s, SIM_SPI_SR) = 0;  // TXE is made in status()
  s->tx = s->rx = 0;
  event_cancel(&s->sim->events, &s->shifted);
  update_irq(s);
}

void spi_init(struct spi *s, struct sim *sim, uint32_t base, struct clock_source clocks,
              enum clock_id clock) {
  memset(s, 0, sizeof *s);
  s->sim = sim;
  s->clocks = clocks;
  s->clock = clock;
  reg_file_init(&s->regs, &sim_regs_spi, base, models, sizeof models / sizeof *models,
                &sim->report);
  event_init(&s->shifted, on_shifted, s);
}

void spi_free(struct spi *s) {
  reg_file_free(&s->regs);
}
