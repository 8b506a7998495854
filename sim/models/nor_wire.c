// SPDX-License-Identifier: MIT
// From clocks to commands: opcode, address, dummy and data phases as the chip sees
// them, and the comparison with what the controller meant.
//
//   CS# falls --> OPCODE --> ADDRESS --> DUMMY --> OUT, IN or DONE --> CS# rises:
//         |          |          ^          |                           execute
//         |          |          |          +- mode bits: keep the command (0-4-4)
//         +----------|----------+ a kept command begins with its address
//                    +--> IGNORE: not taken, nothing matters until CS# rises
//
// Phases without clocks are skipped. How many lines and clocks a phase has is the
// chip's affair (nor_chip.h); a controller of another opinion is not noticed by the
// chip. It is noticed here, because nor_send and its like say what they mean.
#include <stdarg.h>
#include <stdio.h>

#include "sim/models/nor_internal.h"

_Static_assert(GUEST_ERROR_COUNT <= 128, "nor_wire.told holds one bit per class");

// What QUADSPI puts on IO3..0 besides the lines in use (RM0410 14.3.4).
static struct nor_io controller_io(unsigned lines, uint8_t bits) {
  if (lines == 4) return (struct nor_io){bits, 0xF};
  const uint8_t idle = 0x8;  // IO3 high (no HOLD#), IO2 low
  if (lines == 2) return (struct nor_io){(uint8_t)(idle | bits), 0xF};
  return (struct nor_io){(uint8_t)(idle | bits), 0xD};
}

void nor_tell(struct nor *n, enum guest_error error, const char *format, ...) {
  struct nor_wire *w = &n->wire;
  const unsigned __int128 bit = (unsigned __int128)1 << error;
  if (w->told & bit) return;
  w->told |= bit;
  char text[96];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const bool known = w->command != NULL;
  report_guest(&n->sim->report, error, n->where, "%02Xh %s: %s",
               known ? w->command->opcode : w->sent_opcode,
               known ? w->command->name : "(unknown)", text);
}

// --- Phases ---

static unsigned phase_lines(const struct nor *n, enum nor_phase phase) {
  const struct nor_command *c = n->wire.command;
  if (n->qpi) return 4;
  if (phase == NOR_PHASE_OPCODE || !c) return 1;
  const bool data = phase != NOR_PHASE_ADDRESS && phase != NOR_PHASE_DUMMY;
  return data ? c->data_lines : c->address_lines;
}

static void enter(struct nor *n, enum nor_phase phase) {
  struct nor_wire *w = &n->wire;
  w->phase = phase;
  w->lines = (uint8_t)phase_lines(n, phase);
  w->ddr = w->command && (w->command->flags & NOR_DDR);
  w->shift = 0;
  // The first byte out is fetched when its first clock comes: a status register
  // shows what is true then.
  w->bits_left = phase == NOR_PHASE_OUT ? 0 : 8;
}

static void enter_data(struct nor *n) {
  struct nor_wire *w = &n->wire;
  enter(n, nor_data_phase(w->command));
  if (w->command->action == NOR_READ_ARRAY) n->counters.reads++;
}

static void enter_dummy(struct nor *n) {
  struct nor_wire *w = &n->wire;
  const bool ddr = (w->command->flags & NOR_DDR) != 0;
  w->clocks_left = nor_dummy_clocks(n, w->command) * (ddr ? 2 : 1);
  w->clocks_given = 0;
  if (w->clocks_left == 0) {
    enter_data(n);
  } else {
    enter(n, NOR_PHASE_DUMMY);
  }
}

static void enter_address(struct nor *n) {
  struct nor_wire *w = &n->wire;
  const unsigned bits = nor_address_bits(n, w->command);
  if (bits == 0) {
    enter_dummy(n);
    return;
  }
  enter(n, NOR_PHASE_ADDRESS);
  w->bits_left = bits;
}

// RST counts only right behind RSTEN: any other opcode between them disarms it.
static void on_opcode(struct nor *n) {
  struct nor_wire *w = &n->wire;
  w->command = nor_decode(n, (uint8_t)w->shift);
  w->unknown = w->command == NULL;
  if (w->unknown && w->sent_lines == 0) w->sent_opcode = (uint8_t)w->shift;
  if (w->unknown || w->command->action != NOR_RESET) n->reset_enabled = false;
  if (w->unknown || w->command->action == NOR_NOP || !nor_admit(n, w->command)) {
    w->phase = NOR_PHASE_IGNORE;
  } else {
    enter_address(n);
  }
}

// Program data go where they will be in the page, so that they wrap as on silicon
// and the last ones win; register data are kept in order.
static void on_byte_in(struct nor *n) {
  struct nor_wire *w = &n->wire;
  const uint32_t page_mask = n->chip->page - 1;
  const bool program = w->command->action == NOR_PROGRAM;
  const uint32_t at = (program ? w->address + w->count : w->count) & page_mask;
  w->in[at] = (uint8_t)w->shift;
  w->count++;
  w->shift = 0;
  w->bits_left = 8;
}

static void take_bits(struct nor *n, uint8_t io) {
  struct nor_wire *w = &n->wire;
  w->shift = (w->shift << w->lines) | (io & ((1u << w->lines) - 1u));
  w->bits_left -= w->lines;
  if (w->bits_left > 0) return;
  switch (w->phase) {
    case NOR_PHASE_OPCODE: on_opcode(n); break;
    case NOR_PHASE_ADDRESS:
      w->address = nor_full_address(n, w->command, w->shift);
      enter_dummy(n);
      break;
    default: on_byte_in(n); break;
  }
}

// Which mode bits keep the command. Macronix: toggling ones (A5h, 5Ah, F0h, 0Fh, ...).
static bool mode_bits_hold(const struct nor_chip *chip, uint32_t bits) {
  switch (chip->mode_rule) {
    case NOR_MODE_TOGGLE: return ((bits >> 4) ^ bits ^ 0xFu) % 16u == 0;
    case NOR_MODE_M54: return (bits & 0x30u) == 0x20u;
    case NOR_MODE_AX: return (bits & 0xF0u) == 0xA0u;
    default: return false;
  }
}

// Micron: IO0 in the first dummy clock, and only with XIP enabled in VCR.
static void take_xip_bit(struct nor *n, uint8_t io) {
  struct nor_wire *w = &n->wire;
  const bool allowed = !nor_field_is_set(n, n->chip->fields.xip_off);
  n->held = allowed && !(io & 1u) ? w->command : NULL;
  w->bits_left = 0;
}

// The mode bits are the first eight bits of the dummy phase; nobody driving them
// means all ones, which end 0-4-4.
static void take_dummy(struct nor *n, uint8_t io) {
  struct nor_wire *w = &n->wire;
  if (n->chip->mode_rule == NOR_MODE_XIP) {
    if ((w->command->flags & NOR_MODE_BITS) && w->bits_left > 0) take_xip_bit(n, io);
  } else if ((w->command->flags & NOR_MODE_BITS) && w->bits_left > 0) {
    w->shift = (w->shift << w->lines) | (io & ((1u << w->lines) - 1u));
    w->bits_left -= w->lines;
    if (w->bits_left == 0)
      n->held = mode_bits_hold(n->chip, w->shift) ? w->command : NULL;
  }
  w->clocks_given++;
  if (--w->clocks_left == 0) enter_data(n);
}

// SO is IO1 on one line, IO1..0 on two, IO3..0 on four; the most significant first.
static struct nor_io put_bits(struct nor *n) {
  struct nor_wire *w = &n->wire;
  if (w->bits_left == 0) {
    w->shift = nor_out_byte(n);
    w->bits_left = 8;
  }
  w->bits_left -= w->lines;
  const uint8_t mask = (uint8_t)((1u << w->lines) - 1u);
  const uint8_t bits = (uint8_t)((w->shift >> w->bits_left) & mask);
  if (w->lines == 1) return (struct nor_io){(uint8_t)(bits << 1), 0x2};
  return (struct nor_io){bits, mask};
}

// The lines as they stand: what is driven, and 1 where nothing is.
static uint8_t levels(struct nor_io side) {
  return (uint8_t)((side.value | ~side.driven) & 0xF);
}

static struct nor_io clock_once(struct nor *n, struct nor_io controller) {
  struct nor_wire *w = &n->wire;
  const uint8_t io = levels(controller);
  w->write_protect_low = !(io & 0x4);
  switch (w->phase) {
    case NOR_PHASE_OPCODE:
    case NOR_PHASE_ADDRESS:
    case NOR_PHASE_IN: take_bits(n, io); break;
    case NOR_PHASE_DUMMY: take_dummy(n, io); break;
    case NOR_PHASE_OUT: return put_bits(n);
    case NOR_PHASE_DONE: w->extra++; break;
    default: break;
  }
  return (struct nor_io){0, 0};
}

struct nor_io nor_clock(struct nor *n, struct nor_io controller) {
  const uint8_t mask = (uint8_t)((1u << n->wire.lines) - 1u);
  if ((levels(controller) & mask) != mask) n->wire.all_ones = false;
  return clock_once(n, controller);
}

// --- What the controller meant, against what the chip takes ---
//
// Called before the clocks of each part, so that the state is still the one that the
// part meets. Once the opcode itself went wrong (`misread`) the parts behind it mean
// nothing any more; judge() then says so, once, when CS# rises.

static bool nothing_to_say(const struct nor_wire *w) {
  return w->misread || w->phase == NOR_PHASE_IGNORE || w->phase == NOR_PHASE_IDLE;
}

// FFh and more ones: somebody leaves 0-4-4; is_complete() has the last word.
static bool ends_held(const struct nor_wire *w) {
  return w->phase == NOR_PHASE_DONE && w->all_ones;
}

static void check_address(struct nor *n, unsigned lines, size_t bits) {
  struct nor_wire *w = &n->wire;
  if (ends_held(w)) return;
  const unsigned expected = w->phase == NOR_PHASE_ADDRESS ? w->bits_left : 0;
  if (bits != expected) {
    nor_tell(n, GUEST_NOR_ADDRESS, "%u address bits sent, the chip takes %u (%s mode)",
             (unsigned)bits, expected, n->four_byte ? "4-byte" : "3-byte");
  } else if (lines != w->lines) {
    nor_tell(n, GUEST_NOR_ADDRESS, "address sent on %u lines, the chip takes it on %u",
             lines, w->lines);
  }
}

// The chip waits for an address that does not come.
static bool lacks_address(struct nor *n) {
  if (n->wire.phase != NOR_PHASE_ADDRESS) return false;
  nor_tell(n, GUEST_NOR_ADDRESS,
           "no address sent, the chip waits for %u bits (%s mode)",
           (unsigned)n->wire.bits_left, n->four_byte ? "4-byte" : "3-byte");
  return true;
}

// One side uses both clock edges, the other one.
static void check_edges(struct nor *n) {
  const struct nor_wire *w = &n->wire;
  if (n->ddr == w->ddr || w->phase == NOR_PHASE_DONE) return;
  nor_tell(n, GUEST_NOR_OPCODE, "the controller uses %s clock edge%s, the chip %s",
           n->ddr ? "both" : "one", n->ddr ? "s" : "", w->ddr ? "both" : "one");
}

static void check_data(struct nor *n, enum nor_phase phase, unsigned lines) {
  const struct nor_wire *w = &n->wire;
  if (lacks_address(n)) return;
  if (w->phase == NOR_PHASE_DUMMY) {
    const unsigned per_clock = w->ddr ? 2 : 1;
    nor_tell(n, GUEST_NOR_DUMMY, "%u dummy clocks given, %u needed",
             (unsigned)w->clocks_given / per_clock,
             (unsigned)(w->clocks_given + w->clocks_left) / per_clock);
  } else if (w->phase != phase) {
    nor_tell(n, GUEST_NOR_OPCODE, "the controller %s data, this command has none",
             phase == NOR_PHASE_IN ? "sends" : "reads");
  } else if (lines != w->lines) {
    nor_tell(n, GUEST_NOR_OPCODE, "data on %u lines, the chip uses %u", lines,
             w->lines);
  }
}

// `edges` = clocks, or twice as many in DDR.
static void check_dummy(struct nor *n, unsigned edges) {
  const struct nor_wire *w = &n->wire;
  if (edges == 0 || nothing_to_say(w) || lacks_address(n)) return;
  if (ends_held(w)) return;
  const unsigned expected = w->phase == NOR_PHASE_DUMMY ? w->clocks_left : 0;
  if (edges <= expected) return;
  const unsigned given = w->clocks_given, per_clock = w->ddr ? 2 : 1;
  nor_tell(n, GUEST_NOR_DUMMY, "%u dummy clocks given, %u needed",
           (given + edges) / per_clock, (given + expected) / per_clock);
}

static void check_send(struct nor *n, enum nor_part part, unsigned lines, size_t bits) {
  struct nor_wire *w = &n->wire;
  if (part == NOR_PART_CUT) return;
  if (part == NOR_PART_OPCODE) {
    w->misread = w->phase != NOR_PHASE_OPCODE || lines != w->lines;
    return;
  }
  if (w->phase == NOR_PHASE_OPCODE) w->misread = true;  // taken for an opcode
  if (nothing_to_say(w)) return;
  check_edges(n);
  switch (part) {
    case NOR_PART_ADDRESS: check_address(n, lines, bits); break;
    case NOR_PART_MODE: check_dummy(n, (unsigned)bits / lines); break;
    default: check_data(n, NOR_PHASE_IN, lines); break;
  }
}

// CS# rises: was the conversation one that both sides understood alike? A start-up
// sequence that probes in every protocol is no error: all ones, or an opcode that
// was too short for the chip to be one, or a chip that could take nothing.
static void judge(struct nor *n) {
  struct nor_wire *w = &n->wire;
  if (w->unready || w->all_ones) return;
  if (w->misread) {
    const bool short_opcode =
        w->phase == NOR_PHASE_OPCODE || w->phase == NOR_PHASE_ADDRESS;
    if (w->parts <= 1 && short_opcode) return;
    const char *const mode = w->began_held ? "0-4-4" : w->began_qpi ? "QPI" : "SPI";
    if (w->sent_lines == 0) {
      nor_tell(n, GUEST_NOR_OPCODE, "no opcode sent to a chip in %s mode", mode);
    } else {
      nor_tell(n, GUEST_NOR_OPCODE,
               "opcode %02Xh sent on %u lines to a chip in %s mode", w->sent_opcode,
               w->sent_lines, mode);
    }
  } else if (w->unknown) {
    nor_tell(n, GUEST_NOR_OPCODE, "no such command in %s mode",
             w->began_qpi ? "QPI" : "SPI");
  }
}

// --- Pins ---

static void begin(struct nor *n) {
  struct nor_wire *w = &n->wire;
  *w = (struct nor_wire){.all_ones = true,
                         .began_qpi = n->qpi,
                         .began_held = n->held != NULL,
                         .unready = !n->powered || n->asleep || nor_deaf(n)};
  for (unsigned i = 0; i < NOR_MAX_PAGE; i++)
    w->in[i] = 0xFF;
  if (n->asleep && n->chip->wakes_by_select) {
    n->asleep = false;
    n->deaf_until = n->sim->events.now + n->chip->wake;
  }
  if (!n->powered) {
    w->phase = NOR_PHASE_IGNORE;
  } else if (!n->held) {
    enter(n, NOR_PHASE_OPCODE);
  } else {
    w->command = n->held;
    if (nor_admit(n, n->held)) {
      enter_address(n);
    } else {
      w->phase = NOR_PHASE_IGNORE;
    }
  }
}

void nor_select(struct nor *n, bool low) {
  struct nor_wire *w = &n->wire;
  const bool was_low = w->phase != NOR_PHASE_IDLE;
  if (low == was_low) return;
  nor_tap_select(n, low);
  if (low) {
    begin(n);
    return;
  }
  judge(n);
  if (w->command && w->phase != NOR_PHASE_IGNORE) nor_execute(n, w->command);
  w->phase = NOR_PHASE_IDLE;
}

// A chip that looks at one edge sees every other group of bits of a controller that
// uses both; the other way round it takes each twice.
static void drive(struct nor *n, bool ddr, size_t edge, struct nor_io io) {
  const bool chip = n->wire.ddr;
  if (ddr && !chip && edge % 2 == 1) return;
  clock_once(n, io);
  if (!ddr && chip) clock_once(n, io);
}

static void send_bits(struct nor *n, bool ddr, unsigned lines, const uint8_t *bytes,
                      size_t bits) {
  for (size_t i = 0; i < bits; i += lines) {
    const unsigned shift = 8u - lines - (unsigned)(i % 8);
    const uint8_t mask = (uint8_t)((1u << lines) - 1u);
    const uint8_t value = (uint8_t)((bytes[i / 8] >> shift) & mask);
    if (value != mask) n->wire.all_ones = false;
    drive(n, ddr, i / lines, controller_io(lines, value));
  }
}

void nor_send(struct nor *n, enum nor_part part, unsigned lines, const uint8_t *bytes,
              size_t bits) {
  struct nor_wire *w = &n->wire;
  if (bits == 0) return;
  nor_tap_send(n, part, lines, bytes, bits);
  if (part == NOR_PART_OPCODE) {
    w->sent_opcode = bytes[0];
    w->sent_lines = (uint8_t)lines;
  }
  const bool ddr = n->ddr && part != NOR_PART_OPCODE;
  check_send(n, part, lines, bits);
  w->parts++;
  size_t done = 0;
  // Whole bytes that the chip takes as such need no clocking one by one.
  while (w->phase == NOR_PHASE_IN && w->lines == lines && w->bits_left == 8 &&
         ddr == w->ddr && bits - done >= 8) {
    w->shift = bytes[done / 8];
    on_byte_in(n);
    w->all_ones = false;
    done += 8;
  }
  send_bits(n, ddr, lines, bytes + done / 8, bits - done);
}

void nor_wait(struct nor *n, unsigned clocks) {
  nor_tap_wait(n, clocks);
  check_dummy(n, clocks * (n->wire.ddr ? 2 : 1));
  for (unsigned i = 0; i < clocks; i++)
    drive(n, false, 0, (struct nor_io){0, 0});
}

// What the controller samples at its next edge: a chip that changes its lines on one
// edge only shows everything twice to a controller that looks at both.
static uint8_t sample(struct nor *n, size_t edge, uint8_t before) {
  const bool chip = n->wire.ddr;
  if (n->ddr && !chip && edge % 2 == 1) return before;
  const uint8_t io = levels(clock_once(n, (struct nor_io){0, 0}));
  if (!n->ddr && chip) clock_once(n, (struct nor_io){0, 0});
  return io;
}

// One byte as the controller samples it.
static uint8_t receive_byte(struct nor *n, unsigned lines) {
  unsigned byte = 0;
  uint8_t io = 0;
  for (unsigned bits = 0; bits < 8; bits += lines) {
    io = sample(n, bits / lines, io);
    byte = (byte << lines) | (lines == 1 ? (io >> 1) & 1u : io & ((1u << lines) - 1u));
  }
  return (uint8_t)byte;
}

// Where a run of array bytes may be copied instead of clocked.
static bool at_array_byte(const struct nor *n, unsigned lines) {
  const struct nor_wire *w = &n->wire;
  return w->phase == NOR_PHASE_OUT && w->bits_left == 0 && w->lines == lines &&
         w->ddr == n->ddr && w->command->action == NOR_READ_ARRAY;
}

static void receive(struct nor *n, unsigned lines, uint8_t *bytes, size_t count) {
  struct nor_wire *w = &n->wire;
  if (count == 0) return;
  w->parts++;
  if (w->phase == NOR_PHASE_OPCODE) w->misread = true;
  if (!nothing_to_say(w)) {
    check_edges(n);
    check_data(n, NOR_PHASE_OUT, lines);
  }
  if (at_array_byte(n, lines)) {
    nor_read_cells(n, w->address, bytes, count);
    w->address = (w->address + (uint32_t)count) & (n->chip->size - 1);
    n->counters.bytes_read += count;
    return;
  }
  for (size_t i = 0; i < count; i++)
    bytes[i] = receive_byte(n, lines);
}

void nor_receive(struct nor *n, unsigned lines, uint8_t *bytes, size_t count) {
  receive(n, lines, bytes, count);
  nor_tap_receive(n, lines, bytes, count);
}

bool nor_streams(const struct nor *n, unsigned lines, uint32_t *next) {
  const struct nor_wire *w = &n->wire;
  if (!at_array_byte(n, lines) || w->told || !nor_cells_are_steady(n)) return false;
  *next = w->address;
  return true;
}

void nor_set_ddr(struct nor *n, bool ddr) {
  n->ddr = ddr;
}
