// SPDX-License-Identifier: MIT
// QUADSPI transfers: from the header on the wires to the last byte, with the clock
// stopped while the FIFO is full or empty; and automatic polling.
//
//   origin            origin + ahead clocks
//   |<- ahead clocks ->|<- byte ->|<- byte ->|  moved = 2, the clock stops: FIFO full
//   | instruction,     |                     |          | DR is read: origin = now,
//   | address, ...     |                     |          | ahead = moved = 0
//
// Every instant is computed from origin and a count of clocks, never by adding up
// rounded times, so durations are exact to a picosecond however often one looks.
#include "sim/models/quadspi_internal.h"

// --- Bus time ---

// Clocks that are over `elapsed` after their origin: the largest n whose
// vt_cycles(n) is not later.
static uint64_t clocks_in(vtime_t elapsed, uint64_t hz) {
  const vtime_t second = VT_S(1);
  uint64_t fast;  // 64 bits divide faster, and last for 85 ms at 216 MHz
  if (!__builtin_mul_overflow(elapsed + 1, hz, &fast)) return (fast - 1) / second;
  const unsigned __int128 scaled = ((unsigned __int128)elapsed + 1) * hz;
  return (uint64_t)((scaled + second - 1) / second) - 1;
}

static vtime_t at_clock(const struct quadspi *q, uint64_t clocks) {
  return q->transfer.origin + vt_cycles(clocks, q->transfer.hz);
}

static uint64_t clocks_now(const struct quadspi *q) {
  const vtime_t now = q->sim->events.now, origin = q->transfer.origin;
  return now < origin ? 0 : clocks_in(now - origin, q->transfer.hz);
}

// Both edges and both chips each halve the time of a byte.
unsigned quadspi_edges_per_byte(const struct quadspi *q) {
  const unsigned lines = quadspi_lines(ccr_field(q, SIM_QUADSPI_CCR_DMODE));
  const unsigned edges = lines == 0 ? 16 : 16 / lines;  // without data: no matter
  return edges / (quadspi_is_ddr(q) ? 2 : 1) / (quadspi_is_dual(q) ? 2 : 1);
}

unsigned quadspi_edges_high(const struct quadspi *q) {
  return 2 * (SIM_GET(q->dcr, SIM_QUADSPI_DCR_CSHT) + 1u);
}

// --- The header ---

struct part {
  enum nor_part what;
  unsigned lines, bits;
  bool ddr;
  uint8_t bytes[4];  // most significant first
};

static struct part make_part(enum nor_part what, bool ddr, unsigned mode, unsigned size,
                             uint32_t value) {
  struct part p = {what, quadspi_lines(mode), 0, ddr, {0}};
  if (p.lines == 0) return p;
  p.bits = 8 * size;
  for (unsigned i = 0; i < size; i++)
    p.bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
  return p;
}

enum { HEADER_PARTS = 3 };

static unsigned part_edges(const struct part *p) {
  if (p->lines == 0) return 0;
  return p->bits / p->lines * (p->ddr ? 1 : 2);
}

// The address that each chip gets: with two of them a byte is every other one's.
static uint32_t chip_address(const struct quadspi *q, uint32_t address) {
  return quadspi_is_dual(q) ? address >> 1 : address;
}

// The instruction is always on one edge. SIOO sends the instruction with the first
// command after a CCR write only.
static void make_header(const struct quadspi *q, uint32_t address,
                        struct part parts[HEADER_PARTS]) {
  const bool ddr = quadspi_is_ddr(q);
  const bool skip = (q->ccr & SIM_QUADSPI_CCR_SIOO) && q->instruction_sent;
  parts[0] =
      make_part(NOR_PART_OPCODE, false, skip ? 0 : ccr_field(q, SIM_QUADSPI_CCR_IMODE),
                1, ccr_field(q, SIM_QUADSPI_CCR_INSTRUCTION));
  parts[1] =
      make_part(NOR_PART_ADDRESS, ddr, ccr_field(q, SIM_QUADSPI_CCR_ADMODE),
                ccr_field(q, SIM_QUADSPI_CCR_ADSIZE) + 1, chip_address(q, address));
  parts[2] = make_part(NOR_PART_MODE, ddr, ccr_field(q, SIM_QUADSPI_CCR_ABMODE),
                       ccr_field(q, SIM_QUADSPI_CCR_ABSIZE) + 1, q->abr);
}

unsigned quadspi_header_edges(const struct quadspi *q) {
  struct part parts[HEADER_PARTS];
  make_header(q, 0, parts);
  unsigned edges = 2 * ccr_field(q, SIM_QUADSPI_CCR_DCYC);
  for (unsigned i = 0; i < HEADER_PARTS; i++)
    edges += part_edges(&parts[i]);
  return edges;
}

// As much of the header as `edges` allow, on the wires of one chip.
static void send_parts(struct quadspi *q, struct nor *flash,
                       const struct part parts[HEADER_PARTS], uint64_t edges) {
  for (unsigned i = 0; i < HEADER_PARTS; i++) {
    const struct part *p = &parts[i];
    if (p->lines == 0) continue;
    const uint64_t fits = p->ddr ? edges * p->lines : edges / 2 * p->lines;
    const unsigned bits = fits < p->bits ? (unsigned)fits : p->bits;
    nor_set_ddr(flash, p->ddr);
    nor_send(flash, bits == p->bits ? p->what : NOR_PART_CUT, p->lines, p->bytes, bits);
    edges -= bits / p->lines * (p->ddr ? 1 : 2);
  }
  nor_set_ddr(flash, quadspi_is_ddr(q));
  const unsigned dummy = ccr_field(q, SIM_QUADSPI_CCR_DCYC);
  nor_wait(flash, edges / 2 < dummy ? (unsigned)(edges / 2) : dummy);
}

void quadspi_send_header(struct quadspi *q, uint32_t address, uint64_t edges) {
  struct nor *chips[QUADSPI_CHIPS];
  const unsigned count = quadspi_chips(q, chips);
  struct part parts[HEADER_PARTS];
  make_header(q, address, parts);
  q->instruction_sent = true;
  for (unsigned i = 0; i < count; i++) {
    if (!chips[i]) continue;
    chips[i]->where = QUADSPI_BASE;
    nor_set_clock(chips[i], quadspi_sclk(q));
    nor_select(chips[i], true);
    send_parts(q, chips[i], parts, edges);
  }
}

static void receive_from(struct quadspi *q, struct nor *flash, uint8_t *bytes,
                         size_t count) {
  if (flash) {
    const unsigned lines = quadspi_lines(ccr_field(q, SIM_QUADSPI_CCR_DMODE));
    nor_receive(flash, lines, bytes, count);
    return;
  }
  for (size_t i = 0; i < count; i++)
    bytes[i] = 0xFF;
}

void quadspi_receive(struct quadspi *q, uint8_t *bytes, size_t count) {
  struct nor *chips[QUADSPI_CHIPS];
  if (quadspi_chips(q, chips) == 1) {
    receive_from(q, chips[0], bytes, count);
    return;
  }
  for (size_t i = 0; i < count; i++)
    receive_from(q, chips[i % 2], &bytes[i], 1);
}

void quadspi_deselect(struct quadspi *q) {
  struct nor *chips[QUADSPI_CHIPS];
  const unsigned count = quadspi_chips(q, chips);
  for (unsigned i = 0; i < count; i++) {
    if (chips[i]) nor_select(chips[i], false);
  }
  q->cs_free_at = q->sim->events.now + vt_cycles(quadspi_edges_high(q), q->transfer.hz);
}

// --- The FIFO ---
//
// A byte leaves it, or comes into it, at the end of its last clock.

static bool is_read(const struct quadspi *q) {
  return ccr_field(q, SIM_QUADSPI_CCR_FMODE) == FMODE_READ;
}

// The clock had stopped, and runs again from now.
static void restart_clock(struct quadspi *q) {
  q->transfer.origin = q->sim->events.now;
  q->transfer.ahead = q->transfer.moved = 0;
}

void quadspi_push(struct quadspi *q, uint8_t byte) {
  struct quadspi_fifo *f = &q->fifo;
  if (f->level == 0 && q->state == QUADSPI_DATA) restart_clock(q);
  f->bytes[(f->head + f->level++) % QUADSPI_FIFO_BYTES] = byte;
  if (q->transfer.unfed != UINT64_MAX) q->transfer.unfed--;
}

unsigned quadspi_pop(struct quadspi *q, uint8_t *byte) {
  struct quadspi_fifo *f = &q->fifo;
  if (f->level == 0) return 0;
  if (f->level == QUADSPI_FIFO_BYTES && q->state == QUADSPI_DATA && is_read(q)) {
    restart_clock(q);
  }
  *byte = f->bytes[f->head];
  f->head = (f->head + 1) % QUADSPI_FIFO_BYTES;
  f->level--;
  return 1;
}

// --- Indirect transfers ---

static void finish(struct quadspi *q) {
  const bool quad = ccr_field(q, SIM_QUADSPI_CCR_DMODE) == 3;
  if (is_read(q) && quad && quadspi_is_ddr(q)) q->extra_data = true;
  quadspi_deselect(q);
  q->state = QUADSPI_IDLE;
  q->flags |= SIM_QUADSPI_SR_TCF;
}

static void move_in(struct quadspi *q, uint64_t count) {
  uint8_t bytes[QUADSPI_FIFO_BYTES];
  quadspi_receive(q, bytes, count);
  struct quadspi_fifo *f = &q->fifo;
  for (uint64_t i = 0; i < count; i++) {
    f->bytes[(f->head + f->level++) % QUADSPI_FIFO_BYTES] = bytes[i];
  }
}

static void move_out(struct quadspi *q, uint64_t count) {
  struct nor *chips[QUADSPI_CHIPS];
  const unsigned dies = quadspi_chips(q, chips);
  const unsigned lines = quadspi_lines(ccr_field(q, SIM_QUADSPI_CCR_DMODE));
  uint8_t byte;
  for (uint64_t i = 0; i < count && quadspi_pop(q, &byte); i++) {
    struct nor *flash = chips[i % dies];
    if (flash) nor_send(flash, NOR_PART_DATA, lines, &byte, 8);
  }
}

// Bytes that can cross the bus before the FIFO stops the clock.
static uint64_t can_move(const struct quadspi *q) {
  const uint64_t fifo =
      is_read(q) ? QUADSPI_FIFO_BYTES - q->fifo.level : (uint64_t)q->fifo.level;
  const uint64_t count = fifo < q->transfer.left ? fifo : q->transfer.left;
  return quadspi_is_dual(q) ? count & ~1ull : count;  // a byte for each chip
}

static void move_data(struct quadspi *q) {
  struct quadspi_transfer *t = &q->transfer;
  const uint64_t clocks = clocks_now(q) - t->ahead;
  const uint64_t passed = clocks / quadspi_edges_per_byte(q);
  const uint64_t over = (quadspi_is_dual(q) ? passed & ~1ull : passed) - t->moved;
  const uint64_t limit = can_move(q), count = over < limit ? over : limit;
  if (count > 0) {
    if (is_read(q)) {
      move_in(q, count);
    } else {
      move_out(q, count);
    }
    t->moved += count;
    if (t->left != UINT64_MAX) t->left -= count;
  }
  if (t->left == 0) finish(q);
}

static void begin_data(struct quadspi *q) {
  const unsigned header = quadspi_header_edges(q);
  if (clocks_now(q) < header) return;
  quadspi_send_header(q, q->ar, header);
  q->state = QUADSPI_DATA;
  q->transfer.ahead = header;
  if (q->transfer.left == 0) finish(q);
}

// --- Automatic polling ---

static unsigned poll_bytes(const struct quadspi *q) {
  const unsigned bytes = q->dlr < 3 ? q->dlr + 1 : 4;
  return quadspi_is_dual(q) ? (bytes + 1) & ~1u : bytes;
}

static unsigned poll_clocks(const struct quadspi *q) {
  return quadspi_header_edges(q) + poll_bytes(q) * quadspi_edges_per_byte(q);
}

// From the end of one status read to the start of the next.
static unsigned poll_gap(const struct quadspi *q) {
  const unsigned high = quadspi_edges_high(q);
  return 2 * q->pir > high ? 2 * q->pir : high;
}

// PMM = 0: every unmasked bit equals the match value; PMM = 1: at least one does.
static bool poll_matches(const struct quadspi *q) {
  const uint32_t differ = (q->poll_status ^ q->psmar) & q->psmkr;
  return q->cr & SIM_QUADSPI_CR_PMM ? differ != q->psmkr : differ == 0;
}

static vtime_t next_change(const struct quadspi *q) {
  struct nor *chips[QUADSPI_CHIPS];
  const unsigned count = quadspi_chips(q, chips);
  vtime_t next = VT_NEVER;
  for (unsigned i = 0; i < count; i++) {
    const vtime_t change = chips[i] ? nor_next_change(chips[i]) : VT_NEVER;
    if (change < next) next = change;
  }
  return next;
}

// Places the next read. As long as the chip's answers cannot change by themselves,
// reads that would bring the same again are passed over; what a test changes in the
// chip meanwhile is not seen.
static void next_poll(struct quadspi *q, unsigned clocks) {
  struct quadspi_transfer *t = &q->transfer;
  t->origin = at_clock(q, clocks + poll_gap(q));
  const vtime_t change = next_change(q);
  const unsigned next_clocks = poll_clocks(q);
  if (change <= at_clock(q, next_clocks)) return;
  if (change == VT_NEVER) {
    t->origin = VT_NEVER;
    return;
  }
  const uint64_t period = next_clocks + poll_gap(q);
  const uint64_t until = clocks_in(change - at_clock(q, next_clocks), t->hz);
  t->origin = at_clock(q, (until + period - 1) / period * period);
}

static void poll(struct quadspi *q) {
  const unsigned clocks = poll_clocks(q);
  if (q->transfer.origin == VT_NEVER || clocks_now(q) < clocks) return;
  uint8_t bytes[4] = {0};
  quadspi_send_header(q, q->ar, quadspi_header_edges(q));
  quadspi_receive(q, bytes, poll_bytes(q));
  quadspi_deselect(q);
  q->poll_status = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                   (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
  q->poll_fresh = true;
  if (poll_matches(q)) {
    q->flags |= SIM_QUADSPI_SR_SMF;
    if (q->cr & SIM_QUADSPI_CR_APMS) {
      q->state = QUADSPI_IDLE;
      return;
    }
  }
  next_poll(q, clocks);
}

// --- Start, advance, stop ---

static void report_config(const struct quadspi *q, uint32_t offset, const char *why) {
  report_guest(&q->sim->report, GUEST_QSPI_CONFIG, QUADSPI_BASE + offset, "%s", why);
}

// RM0410 14.5.1 (SSHIFT), 14.5.6 (DHHC, DDRM).
static void check_ddr(const struct quadspi *q) {
  if (!quadspi_is_ddr(q)) {
    if (q->ccr & SIM_QUADSPI_CCR_DHHC)
      report_config(q, SIM_QUADSPI_CCR, "DHHC without DDRM");
    return;
  }
  if (q->cr & SIM_QUADSPI_CR_SSHIFT)
    report_config(q, SIM_QUADSPI_CR, "SSHIFT must be 0 in DDR mode");
  if (SIM_GET(q->cr, SIM_QUADSPI_CR_PRESCALER) == 0)
    report_config(q, SIM_QUADSPI_CR, "DDR mode with PRESCALER = 0");
}

bool quadspi_ready_bus(struct quadspi *q) {
  if (!(q->cr & SIM_QUADSPI_CR_EN)) {
    report_config(q, SIM_QUADSPI_CR, "operation started while EN = 0");
    return false;
  }
  const uint64_t sclk = quadspi_sclk(q);
  q->transfer.hz = 2 * sclk;
  if (sclk == 0) {
    report_config(q, SIM_QUADSPI_CR, "operation started while HCLK stands still");
    return false;
  }
  // DS11532 tables 120 and 121: 108 MHz in SDR mode, 80 MHz in DDR mode [M].
  if (sclk > (quadspi_is_ddr(q) ? 80000000u : 108000000u)) {
    report_config(q, SIM_QUADSPI_CR,
                  quadspi_is_ddr(q) ? "SCLK above the controller's 80 MHz in DDR mode"
                                    : "SCLK above the controller's 108 MHz");
  }
  check_ddr(q);
  if (q->check_pins) q->check_pins(q->ctx, sclk);
  return true;
}

// Bytes of the data phase; UINT64_MAX = without end (RM0410 14.3.5).
static uint64_t data_bytes(const struct quadspi *q) {
  if (ccr_field(q, SIM_QUADSPI_CCR_DMODE) == 0) return 0;
  if (q->dlr != 0xFFFFFFFFu) return (uint64_t)q->dlr + 1;
  const uint64_t size = quadspi_flash_bytes(q);
  if (size > 0xFFFFFFFFu) return UINT64_MAX;
  return q->ar < size ? size - q->ar : 1;
}

// TEF: an address or an end beyond the flash (RM0410 14.3.14).
static bool outside_flash(struct quadspi *q, uint64_t count) {
  const uint64_t size = quadspi_flash_bytes(q);
  if (ccr_field(q, SIM_QUADSPI_CCR_ADMODE) == 0 || count == UINT64_MAX) return false;
  if (q->ar < size && count <= size - q->ar) return false;
  q->flags |= SIM_QUADSPI_SR_TEF;
  report_guest(&q->sim->report, GUEST_QSPI_CONFIG, QUADSPI_BASE + SIM_QUADSPI_AR,
               "0x%08X + %u bytes lies outside the %u bytes of FSIZE: TEF",
               (unsigned)q->ar, (unsigned)count, (unsigned)size);
  return true;
}

void quadspi_check_extra_data(struct quadspi *q) {
  if (!q->extra_data) return;
  report_guest(&q->sim->report, GUEST_QSPI_ERRATUM, QUADSPI_BASE + SIM_QUADSPI_CCR,
               "ES0334: extra data in the FIFO after a quad DDR read; ABORT after it");
  q->extra_data = false;
}

// What ES0334 and the speculating core forbid. Silicon would go wrong here or there;
// the model carries on and says so.
static void check_errata(struct quadspi *q) {
  const unsigned fmode = ccr_field(q, SIM_QUADSPI_CCR_FMODE);
  if (fmode == FMODE_WRITE && ccr_field(q, SIM_QUADSPI_CCR_DMODE) != 0 &&
      ccr_field(q, SIM_QUADSPI_CCR_DCYC) != 0) {
    report_guest(&q->sim->report, GUEST_QSPI_ERRATUM, QUADSPI_BASE + SIM_QUADSPI_CCR,
                 "ES0334: an indirect write with dummy cycles loses its first nibble");
  }
  quadspi_check_extra_data(q);
  if (ccr_field(q, SIM_QUADSPI_CCR_ADMODE) != 0) q->ar_unaligned = (q->ar & 3u) != 0;
  q->aborted = false;
  if (q->window_is_normal && q->window_is_normal(q->ctx)) {
    report_guest(
        &q->sim->report, GUEST_QSPI_MPU, QUADSPI_BASE + SIM_QUADSPI_CCR,
        "command %02Xh started while the CPU may read 0x90000000 speculatively",
        ccr_field(q, SIM_QUADSPI_CCR_INSTRUCTION));
  }
}

// DLR counts the status bytes, one to four (RM0410 14.3.7).
static bool check_poll(const struct quadspi *q) {
  if (ccr_field(q, SIM_QUADSPI_CCR_DMODE) == 0) {
    report_config(q, SIM_QUADSPI_CCR, "automatic polling without a data phase");
    return false;
  }
  if (q->dlr > 3)
    report_config(q, SIM_QUADSPI_DLR, "automatic polling of over 4 bytes");
  return true;
}

void quadspi_start(struct quadspi *q) {
  struct quadspi_transfer *t = &q->transfer;
  const bool polls = ccr_field(q, SIM_QUADSPI_CCR_FMODE) == FMODE_POLL;
  const uint64_t count = polls ? poll_bytes(q) : data_bytes(q);
  if (!quadspi_ready_bus(q) || (polls && !check_poll(q)) || outside_flash(q, count))
    return;
  check_errata(q);
  const vtime_t now = q->sim->events.now;
  t->origin = now > q->cs_free_at ? now : q->cs_free_at;
  t->ahead = t->moved = 0;
  t->left = t->unfed = count;
  q->state = polls ? QUADSPI_POLL : QUADSPI_HEADER;
}

void quadspi_advance(struct quadspi *q) {
  if (q->state == QUADSPI_HEADER) begin_data(q);
  if (q->state == QUADSPI_DATA) move_data(q);
  if (q->state == QUADSPI_POLL) poll(q);
  if (q->state == QUADSPI_MAPPED) quadspi_window_advance(q);
}

// Bytes that must cross before the FIFO threshold flag rises; 0 = it will not.
static uint64_t bytes_to_threshold(const struct quadspi *q) {
  const unsigned level = q->fifo.level;
  const unsigned wanted = SIM_GET(q->cr, SIM_QUADSPI_CR_FTHRES) + 1u;
  if (!(q->cr & (SIM_QUADSPI_CR_FTIE | SIM_QUADSPI_CR_DMAEN))) return 0;
  if (is_read(q)) return level < wanted ? wanted - level : 0;
  const unsigned highest = QUADSPI_FIFO_BYTES - wanted;
  return level > highest ? level - highest : 0;
}

// Bytes to the next thing worth waking for.
static uint64_t bytes_to_event(const struct quadspi *q) {
  uint64_t move = can_move(q), flag = bytes_to_threshold(q);
  if (quadspi_is_dual(q)) flag = (flag + 1) & ~1ull;
  return flag > 0 && flag < move ? flag : move;
}

// When `count` more bytes have crossed the bus.
static vtime_t after_bytes(const struct quadspi *q, uint64_t count) {
  const bool header = q->state == QUADSPI_HEADER;
  const uint64_t ahead = header ? quadspi_header_edges(q) : q->transfer.ahead;
  return at_clock(q, ahead + (q->transfer.moved + count) * quadspi_edges_per_byte(q));
}

void quadspi_schedule(struct quadspi *q) {
  struct event_queue *events = &q->sim->events;
  vtime_t at = VT_NEVER;
  if (q->state == QUADSPI_POLL && q->transfer.origin != VT_NEVER) {
    at = at_clock(q, poll_clocks(q));
  } else if (q->state == QUADSPI_MAPPED) {
    at = quadspi_window_next(q);
  } else if (q->state == QUADSPI_HEADER || q->state == QUADSPI_DATA) {
    const uint64_t count = bytes_to_event(q);
    if (count > 0 || q->state == QUADSPI_HEADER) at = after_bytes(q, count);
  }
  if (at == VT_NEVER) {
    event_cancel(events, &q->event);
  } else if (!q->event.armed || q->event.at != at) {
    event_at(events, &q->event, at);
  }
}

void quadspi_stall_for(struct quadspi *q, unsigned bytes) {
  if (q->state != QUADSPI_HEADER && q->state != QUADSPI_DATA) return;
  // The FIFO can always take or give what a register access is wide.
  const uint64_t move = can_move(q);
  if (quadspi_is_dual(q)) bytes = (bytes + 1) & ~1u;
  const vtime_t until = after_bytes(q, bytes < move ? bytes : move);
  if (q->stall) {
    q->stall(q->ctx, until);
  } else {
    event_run(&q->sim->events, until);
  }
  quadspi_advance(q);
}

// The chip has seen what the time allowed: part of a header, or of a poll.
static void cut_header(struct quadspi *q) {
  const uint64_t clocks = clocks_now(q);
  const bool polls = q->state == QUADSPI_POLL;
  if (q->transfer.origin == VT_NEVER || clocks == 0) return;  // CS# is high
  quadspi_send_header(q, q->ar, clocks);
  const unsigned header = quadspi_header_edges(q);
  if (!polls || clocks <= header) return;
  uint8_t bytes[4];
  const size_t count = (size_t)(clocks - header) / quadspi_edges_per_byte(q);
  quadspi_receive(q, bytes, quadspi_is_dual(q) ? count & ~(size_t)1 : count);
}

// The same of a byte on its way out: a chip does not execute what ends inside one.
static void cut_byte(struct quadspi *q) {
  struct nor *chips[QUADSPI_CHIPS];
  const unsigned count = quadspi_chips(q, chips);
  const unsigned lines = quadspi_lines(ccr_field(q, SIM_QUADSPI_CCR_DMODE));
  const uint64_t edges =
      clocks_now(q) - q->transfer.ahead - q->transfer.moved * quadspi_edges_per_byte(q);
  const size_t bits = (size_t)(quadspi_is_ddr(q) ? edges : edges / 2) * lines;
  for (unsigned i = 0; i < count && !is_read(q); i++) {
    uint8_t byte;
    if (quadspi_pop(q, &byte) && chips[i])
      nor_send(chips[i], NOR_PART_CUT, lines, &byte, bits);
  }
}

// CS# rises wherever the transfer is; the FIFO is flushed.
void quadspi_stop(struct quadspi *q) {
  if (q->state == QUADSPI_MAPPED) {
    quadspi_window_halt(q);
    return;
  }
  quadspi_advance(q);
  if (q->state == QUADSPI_HEADER || q->state == QUADSPI_POLL) cut_header(q);
  if (q->state == QUADSPI_DATA) cut_byte(q);
  if (q->state != QUADSPI_IDLE) quadspi_deselect(q);
  q->state = QUADSPI_IDLE;
  q->fifo = (struct quadspi_fifo){0};
  q->poll_fresh = false;
}
