// SPDX-License-Identifier: MIT
// Memory-mapped reads through QUADSPI: what they return, whether the CPU model may
// take the bytes from the chip's cells directly, and what they cost.
//
// The two are kept apart: what a read returns follows the chip (`chip_next`), what it
// costs follows the prefetch FIFO, which runs at most 32 bytes ahead of the CPU:
//
//   cpu_next            bus_next (since bus_time)
//   |<-- in the FIFO --->|<-- next on the bus
#include <string.h>

#include "sim/models/quadspi_internal.h"

#define WINDOW_BYTES 0x10000000u  // 256 MB (RM0410 14.3.6)

static void changed(struct quadspi *q) {
  if (q->window_on_change) q->window_on_change(q->ctx);
}

// The window opens with the CCR write; CS# falls with the first read.
void quadspi_window_open(struct quadspi *q) {
  if (ccr_field(q, SIM_QUADSPI_CCR_ADMODE) == 0 ||
      ccr_field(q, SIM_QUADSPI_CCR_DMODE) == 0) {
    report_guest(&q->sim->report, GUEST_QSPI_CONFIG, QUADSPI_BASE + SIM_QUADSPI_CCR,
                 "memory-mapped mode without an address or a data phase");
    return;
  }
  if (!quadspi_ready_bus(q)) return;
  quadspi_check_extra_data(q);
  if (q->ar_unaligned) {
    report_guest(&q->sim->report, GUEST_QSPI_AR, QUADSPI_BASE + SIM_QUADSPI_CCR,
                 "ES0334: first memory-mapped read is wrong after AR[1:0] != 0; "
                 "ABORT and write AR = 0 first");
  }
  q->state = QUADSPI_MAPPED;
  q->window = (struct quadspi_window){0};
  changed(q);
}

void quadspi_window_halt(struct quadspi *q) {
  if (q->window.open) quadspi_deselect(q);
  q->window = (struct quadspi_window){0};
}

void quadspi_window_close(struct quadspi *q) {
  q->state = QUADSPI_IDLE;
  changed(q);
}

uint32_t quadspi_window_limit(const struct quadspi *q) {
  if (q->state != QUADSPI_MAPPED) return 0;
  const uint64_t bytes = quadspi_flash_bytes(q);
  return bytes < WINDOW_BYTES ? (uint32_t)bytes : WINDOW_BYTES;
}

static void read_bytes(struct quadspi *q, uint32_t offset, uint8_t *bytes,
                       unsigned count);

// Two chips give two bytes at a time, from an even address on.
static void read_odd_bytes(struct quadspi *q, uint32_t offset, uint8_t *bytes,
                           unsigned count) {
  uint8_t pairs[6];
  const unsigned skip = offset & 1u;
  read_bytes(q, offset - skip, pairs, (skip + count + 1) & ~1u);
  memcpy(bytes, pairs + skip, count);
}

// A read that continues the last one keeps CS# low; any other begins a new command.
static void read_bytes(struct quadspi *q, uint32_t offset, uint8_t *bytes,
                       unsigned count) {
  struct quadspi_window *w = &q->window;
  if (!w->touched) w->release_at = VT_NEVER;  // until the cost of the read is asked for
  w->touched = true;
  if (quadspi_is_dual(q) && ((offset | count) & 1u)) {
    read_odd_bytes(q, offset, bytes, count);
    return;
  }
  if (!w->open || offset != w->chip_next) {
    if (w->open) quadspi_deselect(q);
    quadspi_send_header(q, offset, quadspi_header_edges(q));
    w->open = true;
  }
  quadspi_receive(q, bytes, count);
  w->chip_next = offset + count;
}

uint32_t quadspi_window_read(struct quadspi *q, uint32_t offset, unsigned bytes) {
  if (q->state != QUADSPI_MAPPED) {
    report_guest(&q->sim->report, GUEST_QSPI_INDIRECT, 0x90000000u + offset,
                 "ES0334: read of the window while not memory-mapped; AR is cleared");
    q->ar = 0;
    return 0;
  }
  const uint32_t limit = quadspi_window_limit(q);
  if (offset >= limit || bytes > limit - offset) {
    report_guest(&q->sim->report, GUEST_QSPI_WINDOW, 0x90000000u + offset,
                 "read beyond the %u bytes of FSIZE", (unsigned)limit);
    return 0;
  }
  uint8_t raw[4] = {0};
  read_bytes(q, offset, raw, bytes);
  return (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 |
         (uint32_t)raw[3] << 24;
}

// --- Direct reads ---

// Where in the chip a read at `offset` really lands.
static bool lands_at(struct quadspi *q, const struct nor *flash, uint32_t offset,
                     uint32_t *address) {
  uint8_t raw[4];
  uint32_t next = 0;
  read_bytes(q, offset, raw, sizeof raw);
  const unsigned lines = quadspi_lines(ccr_field(q, SIM_QUADSPI_CCR_DMODE));
  if (!nor_streams(flash, lines, &next)) return false;
  *address = (next - (uint32_t)sizeof raw) & (flash->chip->size - 1);
  return true;
}

// Bytes that the address phase can reach.
static uint64_t reachable(const struct quadspi *q) {
  return 1ull << (8 * (ccr_field(q, SIM_QUADSPI_CCR_ADSIZE) + 1));
}

const uint8_t *quadspi_window_direct(struct quadspi *q, uint32_t *size) {
  struct nor *chips[QUADSPI_CHIPS];
  *size = 0;
  if (quadspi_chips(q, chips) != 1) return NULL;  // two chips take turns
  const struct nor *flash = chips[0];
  if (q->state != QUADSPI_MAPPED || !flash) return NULL;
  uint64_t bytes = quadspi_window_limit(q);
  if (flash->chip->size < bytes) bytes = flash->chip->size;
  if (reachable(q) < bytes) bytes = reachable(q);
  if (bytes < 8) return NULL;
  const uint32_t last = (uint32_t)bytes - 4;
  uint32_t first_at = 0, last_at = 0;
  if (!lands_at(q, flash, 0, &first_at)) return NULL;
  if (!lands_at(q, flash, last, &last_at)) return NULL;
  if (last_at - first_at != last) return NULL;
  *size = (uint32_t)bytes;
  return flash->cells + first_at;
}

// --- Cost ---

// Lets the prefetch run on to `now`, at most a FIFO ahead of the CPU.
static void prefetch(struct quadspi *q, unsigned per_byte) {
  struct quadspi_window *w = &q->window;
  const vtime_t now = q->sim->events.now;
  const uint64_t hz = q->transfer.hz;
  const uint32_t room = QUADSPI_FIFO_BYTES - (w->bus_next - w->cpu_next);
  const vtime_t full_at = w->bus_time + vt_cycles((uint64_t)room * per_byte, hz);
  if (now >= full_at) {
    w->bus_next += room;
    w->bus_time = now;
    return;
  }
  if (now <= w->bus_time) return;
  const vtime_t byte_time = vt_cycles(per_byte, hz);
  const uint32_t count = (uint32_t)((now - w->bus_time) / byte_time);
  w->bus_next += count;
  w->bus_time += vt_cycles((uint64_t)count * per_byte, hz);
}

// CS# up and down again, and the header.
static vtime_t jump_time(struct quadspi *q) {
  const uint64_t sclk = quadspi_sclk(q);
  if (sclk != 0) q->transfer.hz = 2 * sclk;  // PRESCALER or HCLK may have changed
  const unsigned high = quadspi_edges_high(q);
  return vt_cycles(quadspi_header_edges(q) + (q->window.streaming ? high : 0),
                   q->transfer.hz);
}

// --- The timeout counter ---
//
// LPTR clocks after the prefetch has filled the FIFO CS# rises, TOF is set and BUSY
// falls (RM0410 14.3.8); the next read begins a new command.

vtime_t quadspi_window_next(const struct quadspi *q) {
  const bool counts = (q->cr & SIM_QUADSPI_CR_TCEN) && q->window.touched;
  return counts ? q->window.release_at : VT_NEVER;
}

static void start_timeout(struct quadspi *q, unsigned per_byte) {
  struct quadspi_window *w = &q->window;
  if (!(q->cr & SIM_QUADSPI_CR_TCEN)) return;
  const uint64_t room = QUADSPI_FIFO_BYTES - (w->bus_next - w->cpu_next);
  const uint64_t edges = room * per_byte + 2ull * q->lptr;
  w->release_at = w->bus_time + vt_cycles(edges, q->transfer.hz);
  quadspi_schedule(q);
}

void quadspi_window_advance(struct quadspi *q) {
  if (q->sim->events.now < quadspi_window_next(q)) return;
  quadspi_window_halt(q);
  q->flags |= SIM_QUADSPI_SR_TOF;
}

static void check_last_word(struct quadspi *q, uint32_t offset, unsigned bytes) {
  if (quadspi_window_limit(q) - offset - bytes >= 4) return;
  report_guest(&q->sim->report, GUEST_QSPI_LAST_WORD, 0x90000000u + offset,
               "the last word of the region reads wrong on some parts");
}

static vtime_t cost(struct quadspi *q, uint32_t offset, unsigned bytes,
                    unsigned per_byte) {
  struct quadspi_window *w = &q->window;
  const vtime_t now = q->sim->events.now;
  w->touched = true;
  if (w->streaming && offset == w->cpu_next) {
    prefetch(q, per_byte);
  } else {
    w->bus_time = now + jump_time(q);
    if (!w->streaming && q->cs_free_at > now) w->bus_time += q->cs_free_at - now;
    w->bus_next = offset;
    w->streaming = true;
  }
  w->cpu_next = offset + bytes;
  const uint32_t missing = w->cpu_next > w->bus_next ? w->cpu_next - w->bus_next : 0;
  if (missing == 0) return 0;
  w->bus_next = w->cpu_next;
  w->bus_time += vt_cycles((uint64_t)missing * per_byte, q->transfer.hz);
  return w->bus_time - now;
}

vtime_t quadspi_window_cost(struct quadspi *q, uint32_t offset, unsigned bytes) {
  if (q->state != QUADSPI_MAPPED) return 0;
  const unsigned per_byte = quadspi_edges_per_byte(q);
  check_last_word(q, offset, bytes);
  const vtime_t time = cost(q, offset, bytes, per_byte);
  start_timeout(q, per_byte);
  return time;
}
