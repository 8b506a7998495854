// SPDX-License-Identifier: MIT
// The QUADSPI controller (RM0410 chapter 14): registers, FIFO, indirect and polling
// transfers that take bus time, and the memory-mapped window. It speaks to its flash
// chips clock by clock (nor.h) and knows none of their commands.
//
// A transfer advances when somebody looks: at a register access, or at the event
// that stands for its end, for the moment the FIFO stops it, and for the FIFO
// threshold when that interrupt is enabled. A sleeping CPU wakes at the right instant.
//
// Files: quadspi.c (registers), quadspi_transfer.c (indirect and polling),
// quadspi_window.c (memory-mapped reads).
#pragma once

#include "sim/core/sim.h"
#include "sim/models/nor.h"

enum { QUADSPI_FIFO_BYTES = 32 };

enum quadspi_state {
  QUADSPI_IDLE,
  QUADSPI_HEADER,  // instruction, address, alternate bytes, dummy clocks
  QUADSPI_DATA,
  QUADSPI_POLL,    // automatic polling: reading the status, or between two reads
  QUADSPI_MAPPED,  // the window is open
};

// The indirect or polling transfer in progress. Time is counted in edges of SCLK, two
// per clock, from `origin`: with both edges and both chips a byte takes one of them.
struct quadspi_transfer {
  uint64_t hz;     // of the edges: twice SCLK
  vtime_t origin;  // start of the header, of a poll, or of an unbroken run of data
  uint64_t ahead;  // edges from origin to the first byte of data
  uint64_t moved;  // bytes since then
  uint64_t left;   // bytes yet to cross the bus
  uint64_t unfed;  // of a write: bytes that DR has yet to take
};

struct quadspi_fifo {
  uint8_t bytes[QUADSPI_FIFO_BYTES];
  unsigned head, level;
};

// Memory-mapped reads: what the chip streams, and when.
struct quadspi_window {
  bool touched;        // read, or given out for direct reading: BUSY
  bool open;           // CS# is low
  uint32_t chip_next;  // offset of the byte the chip would send next
  bool streaming;      // for the cost of reads:
  uint32_t cpu_next;   //   offset that continues the last read
  uint32_t bus_next;   //   offset of the next byte on the bus, at most 32 ahead
  vtime_t bus_time;    //   when its first clock may begin
  vtime_t release_at;  // the timeout counter raises CS# then
};

struct quadspi {
  struct sim *sim;
  struct reg_file regs;
  struct clock_source clocks;
  struct irq_line irq;
  struct dma_line dma;   // FTF with DMAEN, in the indirect modes
  struct nor *flash[2];  // bank 1 and 2; NULL = nothing connected, every line reads 1

  // All may be NULL. check_pins: an operation starts at this SCLK; are the pins fit?
  // window_is_normal: may the CPU read 0x90000000 speculatively (MPU: Normal memory)?
  void (*check_pins)(void *ctx, uint64_t sclk_hz);
  bool (*window_is_normal)(void *ctx);
  // An access to DR has to wait for the FIFO until `until`: virtual time must have
  // reached it, and events up to it have fired, when this returns. NULL = event_run.
  void (*stall)(void *ctx, vtime_t until);
  // The window opened, closed, or its content may now be read differently. Called
  // from within register writes.
  void (*window_on_change)(void *ctx);
  void *ctx;

  // Registers; SR's flags apart from those that are computed.
  uint32_t cr, dcr, flags, dlr, ccr, ar, abr, psmkr, psmar, pir, lptr;
  enum quadspi_state state;
  struct quadspi_transfer transfer;
  struct quadspi_fifo fifo;
  struct quadspi_window window;
  struct event event;
  vtime_t cs_free_at;     // CS# has been high long enough (DCR.CSHT)
  uint32_t poll_status;   // bytes of the last poll
  bool poll_fresh;        // not yet read from DR
  bool instruction_sent;  // SIOO: not to be sent again
  // ES0334: an indirect operation left AR[1:0] != 0; an ABORT came since.
  bool ar_unaligned, aborted;
  bool extra_data;  // ES0334: a quad DDR read ended and no ABORT came since
};

void quadspi_init(struct quadspi *q, struct sim *sim, struct clock_source clocks);
void quadspi_free(struct quadspi *q);

// RCC_AHB3RSTR.QSPIRST and system reset. The flash chips keep their state.
void quadspi_reset(struct quadspi *q);

// Register accesses, for a bus_device at 0xA0001000, gate AHB3ENR bit 1.
uint32_t quadspi_read(void *ctx, uint32_t offset, unsigned bytes);
void quadspi_write(void *ctx, uint32_t offset, unsigned bytes, uint32_t value);

// --- The window at 0x90000000; offsets are from there ---

// Bytes that a read may reach: 2^(FSIZE+1) while memory-mapped, else 0. A read
// beyond is the CPU's bus error (RM0410 14.3.14).
uint32_t quadspi_window_limit(const struct quadspi *q);

// In dual-flash mode even addresses are the first chip's and odd ones the second's.
//
// The bytes themselves, if in the present configuration and chip state reads return
// the array in order; `*size` of them. Else NULL. Finds out by two reads through the
// chip's pins, so the chip reports what is wrong. Ask again after window_on_change.
const uint8_t *quadspi_window_direct(struct quadspi *q, uint32_t *size);

// What a read of 1, 2 or 4 bytes returns, whatever the configuration. A read
// while not memory-mapped is reported and clears AR, as silicon does.
uint32_t quadspi_window_read(struct quadspi *q, uint32_t offset, unsigned bytes);

// Bus time of such a read (up to 32 bytes, a cache line) that begins now: nothing
// when the prefetch FIFO holds it, data clocks when it continues the last one, else
// CS# high, header and data. Call it once per read, for direct reads as well.
vtime_t quadspi_window_cost(struct quadspi *q, uint32_t offset, unsigned bytes);
