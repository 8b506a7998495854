// SPDX-License-Identifier: MIT
#include "firmware/drivers/quadspi.h"

#include <string.h>

#include "firmware/drivers/dma_regs.h"
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
  POLL_CLOCKS = 8,     // between two status reads
  FIFO_BYTES = 4,      // to be read, or room for them: a word by DMA
  MAX_HZ = 108000000,  // DS11532 table 120
  MAX_DDR_HZ = 80000000,  // DS11532 table 121

  DMA_CHANNEL = 3,  // QUADSPI on stream 7 (RM0410 table 28)
  DMA_TO_MEMORY = 0,
  DMA_FROM_MEMORY = 1,
  DMA_BYTE = 0,
  DMA_WORD = 2,

  WINDOW_LEAST = 256,  // shorter reads are not worth its opening
};

#define WINDOW_BYTES 0x10000000u

static uint32_t rd(const struct quadspi *q, uint32_t reg) {
  return mmio_read32(q->config.base + reg);
}

static void wr(const struct quadspi *q, uint32_t reg, uint32_t value) {
  mmio_write32(q->config.base + reg, value);
}

// The time is not asked for where there is nothing to wait for.
static bool wait_field(const struct quadspi *q, uintptr_t address, uint32_t field,
                       uint32_t value, uint32_t deadline_us) {
  uint32_t start = 0;
  for (bool first = true; field_get(mmio_read32(address), field) != value;) {
    const uint32_t now = q->config.now_us(q->config.now_ctx);
    if (first) start = now;
    if (now - start > deadline_us) return false;
    first = false;
  }
  return true;
}

static bool wait_flag(const struct quadspi *q, uint32_t flag) {
  return wait_field(q, q->config.base + QUADSPI_SR, flag, 1, TRANSFER_US);
}

static bool has_flag(const struct quadspi *q, uint32_t flag) {
  return field_get(rd(q, QUADSPI_SR), flag);
}

// Ends whatever goes on and empties the FIFO.
static enum status stop(struct quadspi *q) {
  const uintptr_t base = q->config.base;
  q->sending = false;
  mmio_update32(base + QUADSPI_CR,
                field_mask(QUADSPI_CR_DMAEN) | field_mask(QUADSPI_CR_TCIE),
                field_mask(QUADSPI_CR_ABORT));
  if (!wait_field(q, base + QUADSPI_CR, QUADSPI_CR_ABORT, 0, ABORT_US) ||
      !wait_field(q, base + QUADSPI_SR, QUADSPI_SR_BUSY, 0, ABORT_US)) {
    return ST_BUS_TIMEOUT;
  }
  wr(q, QUADSPI_FCR,
     field_mask(QUADSPI_FCR_CTCF) | field_mask(QUADSPI_FCR_CTEF) |
         field_mask(QUADSPI_FCR_CSMF));
  return ST_OK;
}

static enum status too_late(struct quadspi *q) {
  stop(q);
  return ST_BUS_TIMEOUT;
}

// Clears the flag that tells of the end.
static enum status settle(struct quadspi *q, uint32_t clear) {
  wr(q, QUADSPI_FCR, clear);
  // ES0334: extra bytes may be left after the last one, and BUSY with them.
  return has_flag(q, QUADSPI_SR_BUSY) ? stop(q) : ST_OK;
}

static enum status finish(struct quadspi *q) {
  if (!wait_flag(q, QUADSPI_SR_TCF)) return too_late(q);
  return settle(q, field_mask(QUADSPI_FCR_CTCF));
}

// --- the window ---

static void end_loan(struct quadspi *q) {
  struct flash_loan *loan = q->loan;
  q->loan = NULL;
  if (!loan) return;
  mmio_copy(loan->shelter, (uintptr_t)loan->data, loan->length);
  loan->data = loan->shelter;
}

// The core is kept out before the controller leaves the mode.
static enum status close_window(struct quadspi *q) {
  if (!q->open) return ST_OK;
  end_loan(q);
  q->open = false;
  q->config.let_in(0);
  return stop(q);
}

// --- commands ---

// Lines 0, 1, 2, 4 as the mode fields have them: 0, 1, 2, 3.
static uint32_t mode_of(uint8_t lines) {
  return lines - lines / 4u;
}

static uint32_t size_of(uint8_t bytes) {
  return (bytes - 1u) & 3u;
}

static uint32_t put(uint32_t field, uint32_t value) {
  return value << (field & 0xFFu);
}

// The sizes of phases that are left out do not matter. On both edges what is driven
// changes a quarter of a clock behind them (DHHC).
static uint32_t ccr_of(const struct nor_cmd *c, uint32_t fmode) {
  return put(QUADSPI_CCR_FMODE, fmode) | put(QUADSPI_CCR_INSTRUCTION, c->opcode) |
         put(QUADSPI_CCR_IMODE, mode_of(c->opcode_lines)) |
         put(QUADSPI_CCR_ADMODE, mode_of(c->address_lines)) |
         put(QUADSPI_CCR_ADSIZE, size_of(c->address_bytes)) |
         put(QUADSPI_CCR_ABMODE, mode_of(c->mode_lines)) |
         put(QUADSPI_CCR_ABSIZE, size_of(c->mode_bytes)) |
         put(QUADSPI_CCR_DCYC, c->dummy_clocks) |
         put(QUADSPI_CCR_DMODE, mode_of(c->data_lines)) |
         put(QUADSPI_CCR_DHHC, c->ddr) | put(QUADSPI_CCR_DDRM, c->ddr);
}

// Starts a command: at the write of CCR if it has no address, else of AR (RM0410
// 14.3.5), and with the first byte in DR if it writes data.
static void issue(const struct quadspi *q, uint32_t ccr, uint32_t address, size_t n) {
  if (n) wr(q, QUADSPI_DLR, (uint32_t)n - 1u);
  wr(q, QUADSPI_CCR, ccr);
  if (field_get(ccr, QUADSPI_CCR_ADMODE)) wr(q, QUADSPI_AR, address);
}

static enum status start(struct quadspi *q, const struct nor_cmd *c, uint32_t fmode,
                         size_t n) {
  const enum status status = close_window(q);
  if (status == ST_OK) issue(q, ccr_of(c, fmode), c->address, n);
  return status;
}

// --- DMA ---

// Prepares DMA2's stream for `n` bytes; it goes by words where it can. A transfer that
// was given up may have left it on.
static void arm(const struct quadspi *q, uint32_t direction, const void *memory,
                size_t n) {
  const uintptr_t dma = q->config.dma;
  const uint32_t size = n % 4 ? DMA_BYTE : DMA_WORD;
  uint32_t cr = field_mask(DMA_S7CR_MINC) | field_mask(DMA_S7CR_EN);
  cr = field_set(cr, DMA_S7CR_CHSEL, DMA_CHANNEL);
  cr = field_set(cr, DMA_S7CR_DIR, direction);
  cr = field_set(cr, DMA_S7CR_PSIZE, size);
  cr = field_set(cr, DMA_S7CR_MSIZE, size);
  mmio_write32(dma + DMA_S7CR, 0);
  wait_field(q, dma + DMA_S7CR, DMA_S7CR_EN, 0, ABORT_US);
  mmio_write32(dma + DMA_HIFCR,
               field_mask(DMA_HIFCR_CFEIF7) | field_mask(DMA_HIFCR_CDMEIF7) |
                   field_mask(DMA_HIFCR_CTEIF7) | field_mask(DMA_HIFCR_CHTIF7) |
                   field_mask(DMA_HIFCR_CTCIF7));
  mmio_write32(dma + DMA_S7NDTR, (uint32_t)(n >> size));
  mmio_write32(dma + DMA_S7PAR, (uint32_t)(q->config.base + QUADSPI_DR));
  mmio_write32(dma + DMA_S7M0AR, mmio_dma_address(memory));
  mmio_dma_barrier();
  mmio_write32(dma + DMA_S7CR, cr);
}

// Lets it go, behind the start of the command; `interrupts`: the end wakes the core.
static void run_dma(const struct quadspi *q, uint32_t interrupts) {
  mmio_update32(q->config.base + QUADSPI_CR, 0,
                field_mask(QUADSPI_CR_DMAEN) | interrupts);
}

static void end_dma(const struct quadspi *q) {
  mmio_update32(q->config.base + QUADSPI_CR,
                field_mask(QUADSPI_CR_DMAEN) | field_mask(QUADSPI_CR_TCIE), 0);
}

// --- the bus ---

static enum status end_read(struct quadspi *q) {
  const enum status status = finish(q);
  // ES0334: on both edges bytes may be left without BUSY.
  const bool ddr = field_get(rd(q, QUADSPI_CCR), QUADSPI_CCR_DDRM);
  return status == ST_OK && ddr ? stop(q) : status;
}

static enum status read_fifo(struct quadspi *q, const struct nor_cmd *c, uint8_t *dst,
                             size_t n) {
  const enum status status = start(q, c, FMODE_READ, n);
  if (status != ST_OK) return status;
  while (n--) {
    if (!wait_flag(q, QUADSPI_SR_FTF)) return too_late(q);
    *dst++ = mmio_read8(q->config.base + QUADSPI_DR);
  }
  return end_read(q);
}

enum status quadspi_map(struct quadspi *q, const struct nor_cmd *c) {
  const uint32_t part = c->address / NOR_BUS_PART, ccr = ccr_of(c, FMODE_MAPPED);
  if (q->open && q->part == part && rd(q, QUADSPI_CCR) == ccr) return ST_OK;
  // ES0334: the first mapped read is wrong if the last indirect one left AR[1:0]
  // other than 0. One more, from address 0, leaves it right.
  struct nor_cmd first = *c;
  uint8_t bytes[4];
  first.address = 0;
  const enum status status = read_fifo(q, &first, bytes, sizeof bytes);
  if (status != ST_OK) return status;
  wr(q, QUADSPI_CCR, ccr);
  q->config.let_in(q->size);
  q->open = true;
  q->part = part;
  return ST_OK;
}

enum status quadspi_unmap(struct quadspi *q) {
  return close_window(q);
}

// Of a chip that fills the window, the last word is that which some parts read wrong.
static bool is_inside(const struct quadspi *q, const struct nor_cmd *c, size_t n) {
  const uint32_t end = q->size < WINDOW_BYTES ? q->size : WINDOW_BYTES - 4u;
  return c->address < end && n <= end - c->address;
}

static enum status bus_map(void *ctx, const struct nor_cmd *c, size_t n,
                           struct flash_loan *loan) {
  struct quadspi *q = ctx;
  if (!is_inside(q, c, n)) return ST_NOT_NOW;
  const enum status status = quadspi_map(q, c);
  if (status != ST_OK) return status;
  if (loan != q->loan) end_loan(q);
  loan->data = (const uint8_t *)(uintptr_t)(QUADSPI_WINDOW + c->address);
  loan->length = (uint32_t)n;
  q->loan = loan;
  return ST_OK;
}

// What is long goes through the window, as fast as the wires are and by whole words.
static enum status bus_read(void *ctx, const struct nor_cmd *c, uint8_t *dst,
                            size_t n) {
  struct quadspi *q = ctx;
  if (n < WINDOW_LEAST || !is_inside(q, c, n)) return read_fifo(q, c, dst, n);
  struct flash_loan loan = {.shelter = dst};
  const enum status status = bus_map(q, c, n, &loan);
  if (status == ST_OK) end_loan(q);
  return status;
}

static enum status bus_fetch(void *ctx, const struct nor_cmd *c, void *dst, size_t n) {
  struct quadspi *q = ctx;
  const enum status status = start(q, c, FMODE_READ, n);
  if (status != ST_OK) return status;
  arm(q, DMA_TO_MEMORY, dst, n);
  run_dma(q, 0);
  q->fetch_us = q->config.now_us(q->config.now_ctx);
  q->fetch_bytes = (uint32_t)n;
  return ST_OK;
}

// What the stream has counted last may not be in memory yet.
static enum status bus_fetched(void *ctx, size_t *n) {
  struct quadspi *q = ctx;
  // In this order: it may end between the two.
  const bool goes_on = field_get(mmio_read32(q->config.dma + DMA_S7CR), DMA_S7CR_EN);
  const uint32_t left = 4u * mmio_read32(q->config.dma + DMA_S7NDTR) + FIFO_BYTES;
  *n = left < q->fetch_bytes ? q->fetch_bytes - left : 0;
  if (goes_on) {
    const uint32_t passed = q->config.now_us(q->config.now_ctx) - q->fetch_us;
    return passed > TRANSFER_US ? too_late(q) : ST_OK;
  }
  *n = q->fetch_bytes;
  end_dma(q);
  mmio_dma_barrier();
  return left == FIFO_BYTES ? end_read(q) : too_late(q);
}

static enum status bus_write(void *ctx, const struct nor_cmd *c, const uint8_t *src,
                             size_t n) {
  struct quadspi *q = ctx;
  const enum status status = start(q, c, FMODE_WRITE, n);
  if (status != ST_OK) return status;
  while (n--) {
    if (!wait_flag(q, QUADSPI_SR_FTF)) return too_late(q);
    mmio_write8(q->config.base + QUADSPI_DR, *src++);
  }
  return finish(q);
}

static void load(struct quadspi *q) {
  memcpy(q->page, q->src, q->length);
  arm(q, DMA_FROM_MEMORY, q->page, q->length);
}

// While the last page is on the wires, its buffer and the stream are taken.
static void bus_stage(void *ctx, const struct nor_cmd *c, const uint8_t *src,
                      size_t n) {
  struct quadspi *q = ctx;
  q->staged_ccr = ccr_of(c, FMODE_WRITE);
  q->address = c->address;
  q->src = src;
  q->length = (uint32_t)n;
  if (!q->sending) load(q);
}

// The write enable before it has closed the window.
static void bus_send(void *ctx) {
  struct quadspi *q = ctx;
  issue(q, q->staged_ccr, q->address, q->length);
  run_dma(q, field_mask(QUADSPI_CR_TCIE));
  q->length = 0;
  q->sending = true;
}

static void poll_status(const struct quadspi *q) {
  wr(q, QUADSPI_PSMKR, q->mask);
  wr(q, QUADSPI_PSMAR, q->match);
  issue(q, q->poll_ccr, 0, 1);
}

static void bus_wait_start(void *ctx, const struct nor_cmd *c, uint8_t mask,
                           uint8_t match) {
  struct quadspi *q = ctx;
  q->poll_ccr = ccr_of(c, FMODE_POLL);
  q->mask = mask;
  q->match = match;
  if (q->sending) return;
  close_window(q);
  poll_status(q);
}

static void bus_wait_stop(void *ctx) {
  stop(ctx);
}

// DR has the last status byte that was read (RM0410 14.5.9).
static enum status bus_wait_done(void *ctx, bool *done, uint8_t *byte) {
  struct quadspi *q = ctx;
  const bool sending = q->sending;
  *done = false;
  if (!has_flag(q, sending ? QUADSPI_SR_TCF : QUADSPI_SR_SMF)) return ST_OK;
  if (!sending) *byte = mmio_read8(q->config.base + QUADSPI_DR);
  const enum status status =
      settle(q, sending ? field_mask(QUADSPI_FCR_CTCF) : field_mask(QUADSPI_FCR_CSMF));
  *done = !sending;
  if (!sending || status != ST_OK) return status;
  q->sending = false;
  end_dma(q);
  poll_status(q);
  if (q->length) load(q);
  return ST_OK;
}

// `halves`: of a clock, what is sampled is sampled so much later.
static uint32_t divide(struct quadspi *q, uint32_t divisor, uint32_t halves) {
  close_window(q);
  if (divisor > 256) divisor = 256;
  uint32_t cr = rd(q, QUADSPI_CR);
  cr = field_set(cr, QUADSPI_CR_PRESCALER, divisor - 1u);
  wr(q, QUADSPI_CR, field_set(cr, QUADSPI_CR_SSHIFT, halves));
  return q->config.kernel_hz / divisor;
}

// Sampling half a clock later leaves room for the copper (RM0410 14.3.9).
static uint32_t bus_set_clock(void *ctx, uint32_t hz) {
  struct quadspi *q = ctx;
  if (hz > MAX_HZ) hz = MAX_HZ;
  return divide(q, (q->config.kernel_hz + hz - 1u) / hz, 1);
}

// An even divisor: with others the clock is not high for as long as it is low, and DHHC
// finds no quarter of it. Sampled later is never (RM0410 14.5.1).
uint32_t quadspi_set_ddr_clock(void *ctx, uint32_t hz) {
  struct quadspi *q = ctx;
  if (hz > MAX_DDR_HZ) hz = MAX_DDR_HZ;
  return divide(q, 2u * ((q->config.kernel_hz + 2u * hz - 1u) / (2u * hz)), 0);
}

// Twice the chip: some parts read the last word of the region wrong through the window,
// so none of the chip's may be that; but the window has an end, too (is_inside). What
// is behind the chip is for the MPU to close.
static void bus_set_size(void *ctx, uint32_t bytes) {
  struct quadspi *q = ctx;
  const uint32_t log2_size = 31u - (uint32_t)__builtin_clz(bytes);
  close_window(q);
  q->size = 1u << log2_size;
  wr(q, QUADSPI_DCR, field_set(rd(q, QUADSPI_DCR), QUADSPI_DCR_FSIZE, log2_size));
}

static uint32_t bus_now_us(void *ctx) {
  const struct quadspi *q = ctx;
  return q->config.now_us(q->config.now_ctx);
}

void quadspi_start(struct quadspi *q, const struct quadspi_config *config) {
  q->config = *config;
  q->loan = NULL;
  q->sending = q->open = false;
  q->size = 0;
  wr(q, QUADSPI_CR, 0);
  uint32_t dcr = field_set(0, QUADSPI_DCR_FSIZE, FSIZE_MAX);
  wr(q, QUADSPI_DCR, field_set(dcr, QUADSPI_DCR_CSHT, CSHT_CLOCKS - 1));
  // The status match wakes the core and ends the polling by itself.
  const uint32_t cr = field_mask(QUADSPI_CR_EN) | field_mask(QUADSPI_CR_APMS) |
                      field_mask(QUADSPI_CR_SMIE);
  wr(q, QUADSPI_CR, field_set(cr, QUADSPI_CR_FTHRES, FIFO_BYTES - 1));
  divide(q, 256, 1);
  wr(q, QUADSPI_PIR, POLL_CLOCKS);
  wr(q, QUADSPI_ABR, 0xFFFFFFFFu);  // every mode byte (struct nor_cmd)
}

struct nor_bus quadspi_bus(struct quadspi *q) {
  return (struct nor_bus){
      .ctx = q,
      .read = bus_read,
      .map = bus_map,
      .fetch = bus_fetch,
      .fetched = bus_fetched,
      .write = bus_write,
      .stage = bus_stage,
      .send = bus_send,
      .wait_start = bus_wait_start,
      .wait_done = bus_wait_done,
      .wait_stop = bus_wait_stop,
      .set_clock = bus_set_clock,
      .set_size = bus_set_size,
      .now_us = bus_now_us,
  };
}
