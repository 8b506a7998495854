// SPDX-License-Identifier: MIT
// What the files of the QUADSPI model share among themselves.
#pragma once

#include "sim/models/quadspi.h"
#include "sim_regs.h"

// CCR.FMODE
enum { FMODE_WRITE, FMODE_READ, FMODE_POLL, FMODE_MAPPED };

#define QUADSPI_BASE SIM_BASE_QUADSPI

// --- quadspi.c ---

static inline unsigned ccr_field(const struct quadspi *q, uint32_t mask) {
  return SIM_GET(q->ccr, mask);
}

// Lines of a phase by its xMODE value; 0 = no such phase.
unsigned quadspi_lines(unsigned mode);

static inline bool quadspi_is_dual(const struct quadspi *q) {
  return (q->cr & SIM_QUADSPI_CR_DFM) != 0;
}

static inline bool quadspi_is_ddr(const struct quadspi *q) {
  return (q->ccr & SIM_QUADSPI_CCR_DDRM) != 0;
}

// SCLK: HCLK / (PRESCALER + 1).
uint64_t quadspi_sclk(const struct quadspi *q);

// 2^(FSIZE+1).
uint64_t quadspi_flash_bytes(const struct quadspi *q);

// The chips that take part: by FSEL, or both; NULL where none is connected.
enum { QUADSPI_CHIPS = 2 };
unsigned quadspi_chips(const struct quadspi *q, struct nor *chips[QUADSPI_CHIPS]);

// --- quadspi_transfer.c ---

// Edges of instruction (unless SIOO has sent it), address, alternate and dummy.
unsigned quadspi_header_edges(const struct quadspi *q);
unsigned quadspi_edges_per_byte(const struct quadspi *q);
unsigned quadspi_edges_high(const struct quadspi *q);  // of CS#, at least

// CS# falls, and as much of the header as fits into `edges` crosses the wires.
void quadspi_send_header(struct quadspi *q, uint32_t address, uint64_t edges);

// In dual-flash mode `count` is even.
void quadspi_receive(struct quadspi *q, uint8_t *bytes, size_t count);

// CS# rises now, for at least CSHT + 1 clocks.
void quadspi_deselect(struct quadspi *q);

// What precedes every operation: clock, pins. False: it cannot run.
bool quadspi_ready_bus(struct quadspi *q);

// Starts what CCR, AR and DLR describe.
void quadspi_start(struct quadspi *q);

// Brings the transfer up to now.
void quadspi_advance(struct quadspi *q);

// Arms the event for what happens next by itself.
void quadspi_schedule(struct quadspi *q);

// Ends whatever runs, in the middle of it if need be.
void quadspi_stop(struct quadspi *q);

// ES0334: reports what a quad DDR read may have left behind.
void quadspi_check_extra_data(struct quadspi *q);

// Waits, at most to the end of the transfer, until `bytes` more have crossed the bus.
void quadspi_stall_for(struct quadspi *q, unsigned bytes);

unsigned quadspi_pop(struct quadspi *q, uint8_t *byte);
void quadspi_push(struct quadspi *q, uint8_t byte);

// --- quadspi_window.c ---

void quadspi_window_open(struct quadspi *q);     // CCR.FMODE was set to 3
void quadspi_window_halt(struct quadspi *q);     // ABORT: CS# up, still mapped
void quadspi_window_close(struct quadspi *q);    // after a halt, or untouched
void quadspi_window_advance(struct quadspi *q);  // the timeout counter
vtime_t quadspi_window_next(const struct quadspi *q);
