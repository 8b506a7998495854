// SPDX-License-Identifier: MIT
// DMA1 and DMA2 (RM0410 chapter 8): eight streams each, one service at a time.
//
//   peripheral port <--> FIFO of 16 bytes <--> memory port
//
// Modelled: all directions, packing, increments, circular and double-buffer mode,
// FIFO and direct mode, thresholds, bursts as sizes of a service, both flow
// controllers, priorities, all flags. A service is atomic: its accesses happen at
// its end, so a FIFO never overruns and DMEIF is never set; FEIF tells of a
// threshold that does not fit the burst.
#pragma once

#include "sim/core/master.h"
#include "sim/core/sim.h"

enum { DMA_STREAMS = 8, DMA_FIFO = 16, DMA_ROUTES = 96, DMA_SOURCES = 3 };

struct dma_stream {
  uint32_t cr, ndtr, par, m0ar, m1ar, fcr;  // registers
  uint32_t programmed;                      // NDTR as it was last written
  uint32_t items;                           // of this round
  uint32_t periph, memory;                  // next addresses
  uint32_t unread;                          // bytes of the round not yet read (M2P)
  uint32_t written;                         // bytes of the round that memory has (P2M)
  uint8_t fifo[DMA_FIFO];
  unsigned level;  // bytes in it
  unsigned flags;  // FEIF 0, DMEIF 2, TEIF 3, HTIF 4, TCIF 5
  bool half;       // HTIF of this round was set
  bool stopping;   // EN was cleared in the middle of a service
  uint8_t sources[DMA_SOURCES], source_count;  // requests of the channel
  struct irq_line irq;
};

struct dma {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  unsigned number;  // 1 or 2
  struct bus_master memory, peripheral;
  struct dma_stream streams[DMA_STREAMS];
  // Requests by the index of the first route that names them.
  bool request[DMA_ROUTES], wired[DMA_ROUTES];
  bool once[DMA_ROUTES];  // the request ends with its service
  struct event service;
  struct dma_stream *serving;  // NULL: idle
  bool in_service;             // accesses are being made
};

// `memory` and `peripheral` are the two master ports.
void dma_init(struct dma *d, struct sim *sim, unsigned number,
              struct clock_source clocks, struct bus_master memory,
              struct bus_master peripheral);
void dma_free(struct dma *d);
void dma_reset(struct dma *d);

uint32_t dma_read(void *dma, uint32_t offset, unsigned bytes);
void dma_write(void *dma, uint32_t offset, unsigned bytes, uint32_t value);

// Serves what waits, if the bus has a clock; for when it gets one.
void dma_kick(struct dma *d);

// The wire for the request that RM0410 tables 27 and 28 call so ("USART1_TX"); it
// reaches every stream and channel that lists it. Ends the program if there is none.
struct dma_line dma_request_line(struct dma *d, const char *name);

bool dma_has_request(const struct dma *d, const char *name);

// A peripheral that is the flow controller (PFCTRL) has signalled its last item.
void dma_last_request(struct dma *d, const char *name);
