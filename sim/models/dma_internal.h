// SPDX-License-Identifier: MIT
// What the files of the DMA model share. Nobody else includes this.
//
//   dma.c           registers, enabling and its rules, flags
//   dma_service.c   who is served next, items, rounds
//   dma_routes.c    which request reaches which stream and channel
#pragma once

#include "sim/models/dma.h"
#include "sim_regs.h"

enum dma_direction { DMA_P2M, DMA_M2P, DMA_M2M };

// Bits of dma_stream.flags, as they lie in LISR for stream 0.
enum { FLAG_FE = 1, FLAG_DME = 4, FLAG_TE = 8, FLAG_HT = 16, FLAG_TC = 32 };

struct dma_route {
  uint8_t stream, channel;
  const char *request;
};

struct dma_routes {
  const struct dma_route *route;
  unsigned count;
};

static inline bool dma_cr(const struct dma_stream *s, uint32_t bits) {
  return s->cr & bits;
}

static inline enum dma_direction dma_direction(const struct dma_stream *s) {
  return (enum dma_direction)SIM_GET(s->cr, SIM_DMA_SCR_DIR);
}

// Bytes of an item at either port.
static inline uint32_t dma_psize(const struct dma_stream *s) {
  return 1u << SIM_GET(s->cr, SIM_DMA_SCR_PSIZE);
}

static inline uint32_t dma_msize(const struct dma_stream *s) {
  return 1u << SIM_GET(s->cr, SIM_DMA_SCR_MSIZE);
}

static inline bool dma_is_direct(const struct dma_stream *s) {
  return !(s->fcr & SIM_DMA_SFCR_DMDIS);
}

// FCR.FTH in bytes.
static inline uint32_t dma_threshold(const struct dma_stream *s) {
  return 4 * (SIM_GET(s->fcr, SIM_DMA_SFCR_FTH) + 1);
}

// Items of a burst: single, INCR4, INCR8, INCR16.
static inline uint32_t dma_beats(uint32_t code) {
  return code ? 2u << code : 1;
}

static inline unsigned dma_index(const struct dma *d, const struct dma_stream *s) {
  return (unsigned)(s - d->streams);
}

// --- dma.c
void dma_flag(struct dma *d, struct dma_stream *s, unsigned flags);
void dma_disabled(struct dma *d, struct dma_stream *s);  // EN falls

// --- dma_service.c
void dma_begin_round(struct dma_stream *s);
void dma_stop(struct dma *d, struct dma_stream *s);  // EN was cleared by software
void dma_service_fire(void *ctx);

// --- dma_routes.c
struct dma_routes dma_routes_of(unsigned number);
// Finds what the stream's channel is connected to.
void dma_find_sources(struct dma *d, struct dma_stream *s);
void dma_acknowledge(struct dma *d, const struct dma_stream *s);  // ends pulses
bool dma_requested(const struct dma *d, const struct dma_stream *s);
