// SPDX-License-Identifier: MIT
// Serving streams: arbitration, items through the FIFO, the end of a round.
#include <string.h>

#include "sim/models/dma_internal.h"

// Clocks of one access, from AN4031's parts of a transfer: port arbitration, address,
// matrix arbitration, data; a register behind an APB bridge takes two APB clocks and
// a synchronisation more. Contention with other masters is not counted.
enum { AHB_CLOCKS = 4, APB_CLOCKS = 2, APB_SYNC = 1 };

#define APB1_BASE 0x40000000u
#define APB2_BASE 0x40010000u
#define AHB1_BASE 0x40020000u

static bool is_apb(uint32_t addr) {
  return addr >= APB1_BASE && addr < AHB1_BASE;
}

static vtime_t access_time(const struct dma *d, uint32_t addr) {
  const uint64_t hclk = clock_hz(&d->clocks, CLOCK_HCLK);
  if (!is_apb(addr)) return vt_cycles(AHB_CLOCKS, hclk);
  const enum clock_id bus = addr < APB2_BASE ? CLOCK_PCLK1 : CLOCK_PCLK2;
  return vt_cycles(AHB_CLOCKS + APB_SYNC, hclk) +
         vt_cycles(APB_CLOCKS, clock_hz(&d->clocks, bus));
}

// --- what a stream wants ---------------------------------------------------------

static uint32_t round_bytes(const struct dma_stream *s) {
  return s->items * dma_psize(s);
}

// Direct mode keeps one item ready (RM0410 8.3.13).
static uint32_t capacity(const struct dma_stream *s) {
  return dma_is_direct(s) ? dma_psize(s) : DMA_FIFO;
}

// The FIFO is filled when the stream is enabled and again when its content has
// fallen to the threshold (RM0410 8.3.13).
static bool wants_fill(const struct dma_stream *s) {
  if (dma_direction(s) != DMA_M2P || !s->unread) return false;
  if (dma_is_direct(s)) return s->level == 0;
  return s->level <= dma_threshold(s) && s->level + dma_msize(s) <= DMA_FIFO;
}

// Items of one service: a burst at the peripheral port, or a FIFO full.
static uint32_t service_items(const struct dma_stream *s) {
  uint32_t items = dma_beats(SIM_GET(s->cr, SIM_DMA_SCR_PBURST));
  if (dma_direction(s) == DMA_M2M) items = DMA_FIFO / dma_psize(s);
  return items < s->ndtr ? items : s->ndtr;
}

static bool wants_service(const struct dma *d, const struct dma_stream *s) {
  if (!dma_cr(s, SIM_DMA_SCR_EN) || s->stopping) return false;
  if (wants_fill(s)) return true;
  if (!s->ndtr) return false;
  return dma_direction(s) == DMA_M2M || dma_requested(d, s);
}

static vtime_t service_time(const struct dma *d, const struct dma_stream *s) {
  const uint32_t items = service_items(s);
  const vtime_t memory = access_time(d, s->memory);
  if (wants_fill(s)) {
    return memory * ((capacity(s) - s->level + dma_msize(s) - 1) / dma_msize(s));
  }
  const vtime_t periph = items * access_time(d, s->periph);
  if (dma_direction(s) == DMA_M2P) return periph;
  return periph + memory * ((items * dma_psize(s) + dma_msize(s) - 1) / dma_msize(s));
}

// --- accesses --------------------------------------------------------------------

static void bus_error(struct dma *d, struct dma_stream *s) {
  dma_flag(d, s, FLAG_TE);
  dma_disabled(d, s);
}

static bool to_memory(struct dma *d, struct dma_stream *s, uint32_t bytes) {
  if (!master_write(&d->memory, s->memory, s->fifo, bytes)) {
    bus_error(d, s);
    return false;
  }
  if (dma_cr(s, SIM_DMA_SCR_MINC)) s->memory += bytes;
  s->level -= bytes;
  s->written += bytes;
  memmove(s->fifo, s->fifo + bytes, s->level);
  return true;
}

// Empties the FIFO into memory; what is less than an item goes by bytes.
static bool drain(struct dma *d, struct dma_stream *s) {
  const uint32_t size = dma_msize(s);
  while (s->level) {
    if (!to_memory(d, s, s->level >= size ? size : 1)) return false;
  }
  return true;
}

static bool fill(struct dma *d, struct dma_stream *s) {
  const uint32_t size = dma_msize(s);
  while (s->unread && s->level + size <= capacity(s)) {
    if (!master_read(&d->memory, s->memory, s->fifo + s->level, size)) {
      bus_error(d, s);
      return false;
    }
    if (dma_cr(s, SIM_DMA_SCR_MINC)) s->memory += size;
    s->level += size;
    s->unread -= size < s->unread ? size : s->unread;
  }
  return true;
}

// PINCOS: steps of 4 whatever the size (RM0410 8.5.5).
static void step_peripheral(struct dma_stream *s) {
  if (!dma_cr(s, SIM_DMA_SCR_PINC)) return;
  s->periph += dma_cr(s, SIM_DMA_SCR_PINCOS) ? 4 : dma_psize(s);
}

static bool from_peripheral(struct dma *d, struct dma_stream *s) {
  const uint32_t size = dma_psize(s);
  if (!master_read(&d->peripheral, s->periph, s->fifo + s->level, size)) {
    bus_error(d, s);
    return false;
  }
  s->level += size;
  step_peripheral(s);
  return true;
}

static bool to_peripheral(struct dma *d, struct dma_stream *s) {
  const uint32_t size = dma_psize(s);
  if (!master_write(&d->peripheral, s->periph, s->fifo, size)) {
    bus_error(d, s);
    return false;
  }
  s->level -= size < s->level ? size : s->level;
  memmove(s->fifo, s->fifo + size, s->level);
  step_peripheral(s);
  return true;
}

// --- rounds ----------------------------------------------------------------------

void dma_begin_round(struct dma_stream *s) {
  s->items = s->ndtr;
  s->periph = s->par;
  s->memory = dma_cr(s, SIM_DMA_SCR_CT) ? s->m1ar : s->m0ar;
  s->unread = dma_direction(s) == DMA_M2P ? round_bytes(s) : 0;
  s->written = 0;
  s->level = 0;
  s->half = false;
}

static void end_round(struct dma *d, struct dma_stream *s) {
  if (dma_cr(s, SIM_DMA_SCR_CIRC)) {
    if (dma_cr(s, SIM_DMA_SCR_DBM)) s->cr ^= SIM_DMA_SCR_CT;
    s->ndtr = s->programmed;
    dma_begin_round(s);
  } else {
    dma_disabled(d, s);
  }
  dma_flag(d, s, FLAG_TC);
}

// Bytes of the round that have reached their destination.
static uint32_t delivered(const struct dma_stream *s) {
  if (dma_direction(s) != DMA_M2P) return s->written;
  return (s->items - s->ndtr) * dma_psize(s);
}

static void note_progress(struct dma *d, struct dma_stream *s) {
  if (!s->half && 2 * delivered(s) >= round_bytes(s)) {
    s->half = true;
    dma_flag(d, s, FLAG_HT);
  }
  if (!s->ndtr && delivered(s) >= round_bytes(s)) end_round(d, s);
}

static void serve_inward(struct dma *d, struct dma_stream *s) {
  for (uint32_t n = service_items(s); n; n--) {
    if (!from_peripheral(d, s)) return;
    s->ndtr--;
    const bool due = dma_is_direct(s) || !s->ndtr || s->level >= dma_threshold(s) ||
                     s->level + dma_psize(s) > DMA_FIFO;
    if (due && !drain(d, s)) return;
  }
}

static void serve_outward(struct dma *d, struct dma_stream *s) {
  for (uint32_t n = service_items(s); n; n--) {
    if (s->level < dma_psize(s) && !fill(d, s)) return;
    if (!to_peripheral(d, s)) return;
    s->ndtr--;
  }
}

static void serve(struct dma *d, struct dma_stream *s) {
  if (wants_fill(s)) {
    fill(d, s);
    return;
  }
  if (dma_direction(s) == DMA_M2P) {
    serve_outward(d, s);
  } else {
    serve_inward(d, s);
  }
  if (dma_cr(s, SIM_DMA_SCR_EN)) note_progress(d, s);
}

// What is in the FIFO still goes to memory, and TCIF tells of the end (RM0410
// 8.3.15, 8.3.13 "FIFO flush"). NDTR keeps what was not transferred.
static void stop_now(struct dma *d, struct dma_stream *s) {
  if (dma_direction(s) != DMA_M2P && !drain(d, s)) return;
  dma_disabled(d, s);
  dma_flag(d, s, FLAG_TC);
}

void dma_stop(struct dma *d, struct dma_stream *s) {
  if (d->serving == s) {
    s->stopping = true;  // the item under way is completed first
  } else {
    stop_now(d, s);
  }
}

// --- arbitration -----------------------------------------------------------------

// The highest PL, and among equals the lowest number (RM0410 8.3.5).
static struct dma_stream *choose(struct dma *d) {
  struct dma_stream *best = NULL;
  for (unsigned i = 0; i < DMA_STREAMS; i++) {
    struct dma_stream *s = &d->streams[i];
    if (!wants_service(d, s)) continue;
    const bool higher =
        !best || SIM_GET(s->cr, SIM_DMA_SCR_PL) > SIM_GET(best->cr, SIM_DMA_SCR_PL);
    if (higher) best = s;
  }
  return best;
}

void dma_kick(struct dma *d) {
  if (d->serving || d->in_service || !clock_hz(&d->clocks, CLOCK_HCLK)) return;
  d->serving = choose(d);
  if (d->serving) {
    event_in(&d->sim->events, &d->service, service_time(d, d->serving));
  }
}

// A request that was withdrawn meanwhile is not served.
void dma_service_fire(void *ctx) {
  struct dma *d = ctx;
  struct dma_stream *s = d->serving;
  const bool wanted =
      dma_direction(s) == DMA_M2M || wants_fill(s) || dma_requested(d, s);
  d->in_service = true;
  if (wanted && !wants_fill(s)) dma_acknowledge(d, s);
  if (wanted) serve(d, s);
  d->serving = NULL;
  if (s->stopping && dma_cr(s, SIM_DMA_SCR_EN)) stop_now(d, s);
  s->stopping = false;
  d->in_service = false;
  dma_kick(d);
}
