// SPDX-License-Identifier: MIT
#include "firmware/drivers/quadspi.h"

#include <string.h>

#include "firmware/drivers/quadspi_regs.h"
#include "firmware/mmio.h"

enum {
  FMODE_WRITE = 0,
  FMODE_READ = 1,
  FMODE_POLL = 2,
  FMODE_MAPPED = 3,

  // 4096 bytes on one line at 4 MHz, slower than anything set here, take 8.2 ms.
  TRANSFER_US = 20000,
  ABORT_US = 1000,  // ABORT ends with the byte on the wire

  FSIZE_MAX = 27,      // 2^28: the window's 256 MB
  CSHT_CLOCKS = 6,     // CS# high: 50 ns at 108 MHz is 5.4 clocks (MX25L51245G tSHSL)
  POLL_CLOCKS = 64,    // between two status reads
  MAX_HZ = 108000000,  // DS11532 table 120
};

static uint32_t rd(const struct quadspi *q, uint32_t reg) {
  return mmio_read32(q->config.base + reg);
}

static void wr(const struct quadspi *q, uint32_t reg, uint32_t value) {
  mmio_write32(q->config.base + reg, value);
}

static bool wait_field(const struct quadspi *q, uint32_t reg, uint32_t field,
                       uint32_t value, uint32_t deadline_us) {
  const uint32_t start = q->config.now_us(q->config.now_ctx);
  while (field_get(rd(q, reg), field) != value) {
    if (q->config.now_us(q->config.now_ctx) - start > deadline_us) return false;
  }
  return true;
}

// Ends whatever goes on and empties the FIFO.
static enum status stop(const struct quadspi *q) {
  mmio_update32(q->config.base + QUADSPI_CR, 0, field_mask(QUADSPI_CR_ABORT));
  if (!wait_field(q, QUADSPI_CR, QUADSPI_CR_ABORT, 0, ABORT_US)) return ST_BUS_TIMEOUT;
  if (!wait_field(q, QUADSPI_SR, QUADSPI_SR_BUSY, 0, ABORT_US)) return ST_BUS_TIMEOUT;
  wr(q, QUADSPI_FCR,
     field_mask(QUADSPI_FCR_CTCF) | field_mask(QUADSPI_FCR_CTEF) |
         field_mask(QUADSPI_FCR_CSMF));
  return ST_OK;
}

// Lines 0, 1, 2, 4 as the mode fields have them: 0, 1, 2, 3.
static uint32_t mode_of(uint8_t lines) {
  return lines == 4 ? 3u : lines;
}

static uint32_t ccr_of(const struct nor_cmd *c, uint32_t fmode) {
  uint32_t r = field_set(0, QUADSPI_CCR_FMODE, fmode);
  r = field_set(r, QUADSPI_CCR_INSTRUCTION, c->opcode);
  r = field_set(r, QUADSPI_CCR_IMODE, mode_of(c->opcode_lines));
  r = field_set(r, QUADSPI_CCR_ADMODE, mode_of(c->address_lines));
  if (c->address_lines) r = field_set(r, QUADSPI_CCR_ADSIZE, c->address_bytes - 1u);
  r = field_set(r, QUADSPI_CCR_ABMODE, mode_of(c->mode_lines));
  if (c->mode_lines) r = field_set(r, QUADSPI_CCR_ABSIZE, c->mode_bytes - 1u);
  r = field_set(r, QUADSPI_CCR_DCYC, c->dummy_clocks);
  return field_set(r, QUADSPI_CCR_DMODE, mode_of(c->data_lines));
}

// Starts a command: at the write of CCR if it has no address, else of AR (RM0410
// 14.3.5), and with the first byte in DR if it writes data.
static void start(const struct quadspi *q, const struct nor_cmd *c, uint32_t fmode,
                  size_t n) {
  if (n) wr(q, QUADSPI_DLR, (uint32_t)n - 1u);
  if (c->mode_lines) wr(q, QUADSPI_ABR, 0x01010101u * c->mode);
  wr(q, QUADSPI_CCR, ccr_of(c, fmode));
  if (c->address_lines) wr(q, QUADSPI_AR, c->address);
}

static enum status finish(const struct quadspi *q) {
  if (!wait_field(q, QUADSPI_SR, QUADSPI_SR_TCF, 1, TRANSFER_US)) {
    stop(q);
    return ST_BUS_TIMEOUT;
  }
  wr(q, QUADSPI_FCR, field_mask(QUADSPI_FCR_CTCF));
  // ES0334: extra bytes may be left after the last one, and BUSY with them.
  return field_get(rd(q, QUADSPI_SR), QUADSPI_SR_BUSY) ? stop(q) : ST_OK;
}

static uint32_t fifo_level(const struct quadspi *q) {
  return field_get(rd(q, QUADSPI_SR), QUADSPI_SR_FLEVEL);
}

static enum status bus_read(void *ctx, const struct nor_cmd *c, uint8_t *dst,
                            size_t n) {
  const struct quadspi *q = ctx;
  const uintptr_t dr = q->config.base + QUADSPI_DR;
  const uint32_t begun = q->config.now_us(q->config.now_ctx);
  start(q, c, FMODE_READ, n);
  while (n) {
    uint32_t level = fifo_level(q);
    if (!level && q->config.now_us(q->config.now_ctx) - begun > TRANSFER_US) {
      stop(q);
      return ST_BUS_TIMEOUT;
    }
    for (; level >= 4 && n >= 4; level -= 4, n -= 4, dst += 4) {
      const uint32_t word = mmio_read32(dr);
      memcpy(dst, &word, 4);
    }
    if (n < 4) {
      for (; level && n; level--, n--)
        *dst++ = mmio_read8(dr);
    }
  }
  return finish(q);
}

static enum status bus_write(void *ctx, const struct nor_cmd *c, const uint8_t *src,
                             size_t n) {
  const struct quadspi *q = ctx;
  const uintptr_t dr = q->config.base + QUADSPI_DR;
  const uint32_t begun = q->config.now_us(q->config.now_ctx);
  start(q, c, FMODE_WRITE, n);
  while (n) {
    uint32_t room = 32u - fifo_level(q);
    if (!room && q->config.now_us(q->config.now_ctx) - begun > TRANSFER_US) {
      stop(q);
      return ST_BUS_TIMEOUT;
    }
    for (; room >= 4 && n >= 4; room -= 4, n -= 4, src += 4) {
      uint32_t word;
      memcpy(&word, src, 4);
      mmio_write32(dr, word);
    }
    if (n < 4) {
      for (; room && n; room--, n--)
        mmio_write8(dr, *src++);
    }
  }
  return finish(q);
}

static enum status bus_wait_start(void *ctx, const struct nor_cmd *c, uint8_t mask,
                                  uint8_t match) {
  const struct quadspi *q = ctx;
  wr(q, QUADSPI_PSMKR, mask);
  wr(q, QUADSPI_PSMAR, match);
  wr(q, QUADSPI_PIR, POLL_CLOCKS);
  start(q, c, FMODE_POLL, 1);
  return ST_OK;
}

static void bus_wait_stop(void *ctx) {
  stop(ctx);
}

static enum status bus_wait_done(void *ctx, bool *done) {
  const struct quadspi *q = ctx;
  *done = field_get(rd(q, QUADSPI_SR), QUADSPI_SR_SMF);
  if (!*done) return ST_OK;
  wr(q, QUADSPI_FCR, field_mask(QUADSPI_FCR_CSMF));
  return field_get(rd(q, QUADSPI_SR), QUADSPI_SR_BUSY) ? stop(q) : ST_OK;
}

static uint32_t bus_set_clock(void *ctx, uint32_t hz) {
  const struct quadspi *q = ctx;
  if (hz > MAX_HZ) hz = MAX_HZ;
  uint32_t divisor = (q->config.kernel_hz + hz - 1u) / hz;
  if (divisor > 256) divisor = 256;
  uint32_t cr = rd(q, QUADSPI_CR);
  cr = field_set(cr, QUADSPI_CR_PRESCALER, divisor - 1u);
  wr(q, QUADSPI_CR, cr);
  return q->config.kernel_hz / divisor;
}

static void bus_set_size(void *ctx, uint32_t bytes) {
  const struct quadspi *q = ctx;
  const uint32_t log2_size = 31u - (uint32_t)__builtin_clz(bytes);
  wr(q, QUADSPI_DCR, field_set(rd(q, QUADSPI_DCR), QUADSPI_DCR_FSIZE, log2_size - 1u));
}

static uint32_t bus_now_us(void *ctx) {
  const struct quadspi *q = ctx;
  return q->config.now_us(q->config.now_ctx);
}

void quadspi_start(struct quadspi *q, const struct quadspi_config *config) {
  q->config = *config;
  wr(q, QUADSPI_CR, 0);
  uint32_t dcr = field_set(0, QUADSPI_DCR_FSIZE, FSIZE_MAX);
  wr(q, QUADSPI_DCR, field_set(dcr, QUADSPI_DCR_CSHT, CSHT_CLOCKS - 1));
  // Sampling half a clock later leaves room for the copper (RM0410 14.3.9). The
  // status match wakes the core and ends the polling by itself.
  uint32_t cr = field_mask(QUADSPI_CR_EN) | field_mask(QUADSPI_CR_SSHIFT) |
                field_mask(QUADSPI_CR_APMS) | field_mask(QUADSPI_CR_SMIE);
  wr(q, QUADSPI_CR, field_set(cr, QUADSPI_CR_PRESCALER, 255));
}

struct nor_bus quadspi_bus(struct quadspi *q) {
  return (struct nor_bus){
      .ctx = q,
      .read = bus_read,
      .write = bus_write,
      .wait_start = bus_wait_start,
      .wait_done = bus_wait_done,
      .wait_stop = bus_wait_stop,
      .set_clock = bus_set_clock,
      .set_size = bus_set_size,
      .now_us = bus_now_us,
  };
}

enum status quadspi_map(struct quadspi *q, const struct nor_cmd *c) {
  // ES0334: the first mapped read is wrong if the last indirect one left AR[1:0]
  // other than 0. One more, from address 0, leaves it right.
  struct nor_cmd first = *c;
  uint8_t bytes[4];
  first.address = 0;
  const enum status status = bus_read(q, &first, bytes, sizeof bytes);
  if (status != ST_OK) return status;
  if (c->mode_lines) wr(q, QUADSPI_ABR, 0x01010101u * c->mode);
  wr(q, QUADSPI_CCR, ccr_of(c, FMODE_MAPPED));
  return ST_OK;
}

enum status quadspi_unmap(struct quadspi *q) {
  return stop(q);
}
