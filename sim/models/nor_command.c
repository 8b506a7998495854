// SPDX-License-Identifier: MIT
// What the chip makes of a command: whether its state lets it be taken, the bytes
// that it answers, and what happens when CS# rises.
#include "sim/models/nor_internal.h"

const struct nor_command *nor_decode(const struct nor *n, uint8_t opcode) {
  const uint8_t protocol = n->qpi ? NOR_QPI : NOR_SPI;
  for (size_t i = 0; i < n->chip->command_count; i++) {
    const struct nor_command *c = &n->chip->commands[i];
    if (c->opcode == opcode && (c->in & protocol)) return c;
  }
  return NULL;
}

static const struct nor_latency *latency(const struct nor *n,
                                         const struct nor_command *c) {
  return &c->latency[nor_field_value(n, n->chip->fields.latency) % NOR_LATENCIES];
}

unsigned nor_dummy_clocks(const struct nor *n, const struct nor_command *c) {
  return c->latency ? latency(n, c)->clocks : c->dummy;
}

unsigned nor_address_bits(const struct nor *n, const struct nor_command *c) {
  switch (c->address_rule) {
    case NOR_ADDRESS_3: return 24;
    case NOR_ADDRESS_4: return 32;
    case NOR_ADDRESS_MODE: return n->four_byte ? 32 : 24;
    default: return 0;
  }
}

static bool uses_array(const struct nor_command *c) {
  return c->action == NOR_READ_ARRAY || c->action == NOR_PROGRAM ||
         c->action == NOR_ERASE;
}

uint32_t nor_full_address(struct nor *n, const struct nor_command *c, uint32_t bits) {
  uint32_t address = bits;
  if (c->address_rule == NOR_ADDRESS_MODE && !n->four_byte) {
    address |= (uint32_t)n->registers[NOR_REG_EXTENDED_ADDRESS] << 24;
  }
  if (!uses_array(c) || address < n->chip->size) return address;
  // All ones, or an opcode taken for an address, is somebody leaving 0-4-4.
  if (n->wire.all_ones || n->wire.misread) return address & (n->chip->size - 1);
  nor_tell(n, GUEST_NOR_ADDRESS, "address 0x%08X is outside the chip's %u MB",
           (unsigned)address, (unsigned)(n->chip->size >> 20));
  return address & (n->chip->size - 1);
}

enum nor_phase nor_data_phase(const struct nor_command *c) {
  switch (c->action) {
    case NOR_READ_ARRAY:
    case NOR_READ_REGISTER:
    case NOR_READ_ID:
    case NOR_READ_SFDP: return NOR_PHASE_OUT;
    case NOR_PROGRAM:
    case NOR_WRITE_REGISTER:
    case NOR_WRITE_VOLATILE: return NOR_PHASE_IN;
    default: return NOR_PHASE_DONE;
  }
}

// --- May it be taken? ---
//
// The order is the chip's: one that does not listen cannot find a command wrong, one
// that is busy does not look at QE, and so on. A chip that refuses ignores everything
// until CS# rises, and drives nothing.

// A refusal, unless the command is one that start-up code must send blindly.
static bool refuse(struct nor *n, const struct nor_command *c, enum guest_error error,
                   const char *why) {
  if (!(c->flags & NOR_SENT_BLIND)) nor_tell(n, error, "%s", why);
  return false;
}

static bool suspended_allows(const struct nor *n, const struct nor_command *c) {
  switch (n->suspended.op) {
    case NOR_OP_NONE: return true;
    case NOR_OP_PROGRAM: return (c->flags & NOR_WHILE_PROGRAM_SUSPENDED) != 0;
    default: return (c->flags & NOR_WHILE_ERASE_SUSPENDED) != 0;
  }
}

// Too fast is reported and carried out all the same: on silicon it may just work.
static void check_clock(struct nor *n, const struct nor_command *c) {
  const unsigned max_mhz = c->latency ? latency(n, c)->max_mhz : c->max_mhz;
  if (n->sclk_hz <= max_mhz * 1000000ull) return;
  nor_tell(n, GUEST_QSPI_CLOCK, "SCLK %u kHz, the limit with %u dummy clocks is %u MHz",
           (unsigned)(n->sclk_hz / 1000), nor_dummy_clocks(n, c), max_mhz);
}

bool nor_admit(struct nor *n, const struct nor_command *c) {
  if (nor_deaf(n)) {
    return refuse(n, c, GUEST_NOR_BUSY, "the chip is waking up or resetting");
  }
  const bool wakes = c->action == NOR_READ_ID && c->argument == NOR_ID_ELECTRONIC;
  if (n->asleep && !wakes) {
    return refuse(n, c, GUEST_NOR_OPCODE, "the chip is in deep power-down");
  }
  if (c->action == NOR_NOT_MODELLED) {
    report_unimplemented(&n->sim->report, n->where, "%s: command %02Xh %s",
                         n->chip->name, c->opcode, c->name);
    return false;
  }
  if (nor_busy(n) && !(c->flags & NOR_WHILE_BUSY)) {
    nor_tell(n, GUEST_NOR_BUSY, "the chip is busy (%s at 0x%07X)",
             nor_operation_name(n->job.op), (unsigned)n->job.address);
    return false;
  }
  if (!suspended_allows(n, c)) {
    nor_tell(n, GUEST_NOR_BUSY, "not while the %s at 0x%07X is suspended",
             nor_operation_name(n->suspended.op), (unsigned)n->suspended.address);
    return false;
  }
  // QPI works without QE (PM2006, "EQIO": QE keeps its value).
  const bool quad = n->qpi || nor_field_is_set(n, n->chip->fields.quad_enable);
  if ((c->flags & NOR_NEEDS_QUAD) && !quad) {
    return refuse(n, c, GUEST_NOR_QUAD, "the chip's QE bit is clear");
  }
  if ((c->flags & NOR_NEEDS_WEL) && !n->write_enabled) {
    return refuse(n, c, GUEST_NOR_WEL, "no WREN came before it");
  }
  check_clock(n, c);
  return true;
}

// --- Data out ---

static uint8_t id_byte(const struct nor *n, unsigned kind) {
  const struct nor_chip *chip = n->chip;
  const struct nor_wire *w = &n->wire;
  switch (kind) {
    case NOR_ID_JEDEC: return chip->jedec_id[w->count % 3];
    case NOR_ID_REMS:
      return (w->address ^ w->count) & 1u ? chip->electronic_id : chip->jedec_id[0];
    default: return chip->electronic_id;
  }
}

// 24 address bits whatever the chip's address mode; they wrap.
static uint8_t sfdp_byte(const struct nor *n) {
  const uint32_t at = (n->wire.address + n->wire.count) & 0xFFFFFFu;
  return at < n->chip->sfdp_size ? n->chip->sfdp[at] : 0xFF;
}

uint8_t nor_out_byte(struct nor *n) {
  struct nor_wire *w = &n->wire;
  uint8_t byte = 0;
  switch (w->command->action) {
    case NOR_READ_ARRAY:
      nor_read_cells(n, w->address, &byte, 1);
      w->address = (w->address + 1) & (n->chip->size - 1);
      n->counters.bytes_read++;
      break;
    case NOR_READ_REGISTER:
      byte = nor_register(n, (enum nor_register_id)w->command->argument);
      break;
    case NOR_READ_ID: byte = id_byte(n, w->command->argument); break;
    default: byte = sfdp_byte(n); break;
  }
  w->count++;
  return byte;
}

// --- CS# rises ---

// A write that the chip does not carry out clears WEL all the same.
static void reject(struct nor *n, bool *failed) {
  *failed = true;
  n->write_enabled = false;
}

static bool blocked(struct nor *n, uint32_t address, uint32_t size, bool *failed) {
  const struct nor_job *s = &n->suspended;
  if (nor_is_protected(n, address, size)) {
    nor_tell(n, GUEST_NOR_PROTECTED, "0x%07X is protected (BP = %u)", (unsigned)address,
             nor_field_value(n, n->chip->protection.level));
  } else if (s->op != NOR_OP_NONE && address - s->address < s->size) {
    nor_tell(n, GUEST_NOR_BUSY, "0x%07X is part of a suspended %s", (unsigned)address,
             nor_operation_name(s->op));
  } else {
    return false;
  }
  reject(n, failed);
  return true;
}

static vtime_t program_time(const struct nor *n, uint32_t count) {
  const struct nor_chip *chip = n->chip;
  const vtime_t whole = nor_pick(n, chip->page_time);
  const vtime_t bytes = nor_pick(n, chip->first_byte) +
                        (vtime_t)(count - 1) * nor_pick(n, chip->next_byte);
  return bytes < whole ? bytes : whole;
}

// Bits go from 1 to 0 only: a 1 over a 0 does nothing, and FFh over anything else is
// data that will not be there.
static void check_erased(struct nor *n, uint32_t base, uint32_t first, uint32_t count) {
  const struct nor_wire *w = &n->wire;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t at = (first + i) & (n->chip->page - 1);
    const uint8_t cell = n->cells[base + at], data = w->in[at];
    if (!(data & ~cell)) continue;
    nor_tell(n, GUEST_NOR_NOT_ERASED, "0x%07X holds %02Xh and cannot become %02Xh",
             (unsigned)(base + at), cell, data);
    return;
  }
}

static void do_program(struct nor *n) {
  const struct nor_wire *w = &n->wire;
  const uint32_t page = n->chip->page;
  const uint32_t first = w->address & (page - 1), base = w->address - first;
  const uint32_t count = w->count < page ? w->count : page;
  if (first + w->count > page) {
    nor_tell(n, GUEST_NOR_WRAP, "%u bytes from 0x%07X do not fit its page of %u",
             (unsigned)w->count, (unsigned)w->address, (unsigned)page);
  }
  if (blocked(n, base, page, &n->program_failed)) return;
  check_erased(n, base, first, count);
  n->counters.bytes_programmed += count;
  struct nor_job job = {.op = NOR_OP_PROGRAM, .address = base, .size = page};
  for (uint32_t i = 0; i < page; i++)
    job.data[i] = w->in[i];
  nor_begin(n, &job, program_time(n, count));
}

static void do_erase(struct nor *n, const struct nor_command *c) {
  const struct nor_erase *type = &n->chip->erases[c->argument];
  const uint32_t base = n->wire.address & ~(type->size - 1);
  if (blocked(n, base, type->size, &n->erase_failed)) return;
  const struct nor_job job = {
      .op = NOR_OP_ERASE, .address = base, .size = type->size, .erase = c->argument};
  nor_begin(n, &job, nor_pick(n, type->time));
}

static void do_erase_chip(struct nor *n) {
  if (blocked(n, 0, n->chip->size, &n->erase_failed)) return;
  const struct nor_job job = {.op = NOR_OP_ERASE_CHIP, .size = n->chip->size};
  nor_begin(n, &job, nor_pick(n, n->chip->chip_erase.time));
}

// WRSR; with one byte only the status register changes. Anything that is not one or
// two whole bytes is not executed.
static void do_write_register(struct nor *n, const struct nor_command *c) {
  const struct nor_wire *w = &n->wire;
  if (w->count > c->max_bytes) {
    nor_tell(n, GUEST_NOR_OPCODE, "%u bytes sent, at most %u taken: not executed",
             (unsigned)w->count, c->max_bytes);
    return;
  }
  const struct nor_fields *f = &n->chip->fields;
  if (nor_field_is_set(n, f->write_disable) && !nor_field_is_set(n, f->quad_enable) &&
      w->write_protect_low) {
    nor_tell(n, GUEST_NOR_PROTECTED, "status register locked: SRWD is set and WP# low");
    n->write_enabled = false;
    return;
  }
  struct nor_job job = {
      .op = NOR_OP_WRITE_REGISTER, .address = c->argument, .size = w->count};
  for (uint32_t i = 0; i < w->count; i++)
    job.data[i] = w->in[i];
  nor_begin(n, &job, nor_pick(n, n->chip->register_write));
}

static void do_write_volatile(struct nor *n, const struct nor_command *c) {
  nor_set_register(n, (enum nor_register_id)c->argument, n->wire.in[0]);
  n->write_enabled = false;
}

// Deep power-down forgets nothing but answers to nothing except RDP/RES.
static void do_sleep(struct nor *n) {
  n->asleep = true;
  n->deaf_until = n->sim->events.now + n->chip->sleep;
}

static void do_wake(struct nor *n) {
  if (!n->asleep) return;
  n->asleep = false;
  n->deaf_until = n->sim->events.now + n->chip->wake;
}

// Whether the controller gave exactly what the command takes.
static bool is_complete(struct nor *n) {
  const struct nor_wire *w = &n->wire;
  switch (w->phase) {
    case NOR_PHASE_OUT: return true;
    case NOR_PHASE_ADDRESS:
    case NOR_PHASE_DUMMY:
      if (w->command->flags & NOR_TAIL_OPTIONAL) return true;
      if (nor_data_phase(w->command) == NOR_PHASE_OUT) return false;
      nor_tell(n, GUEST_NOR_ADDRESS, "CS# rose %u bits before the end of the address",
               (unsigned)w->bits_left);
      return false;
    case NOR_PHASE_IN:
      if (w->count > 0 && w->bits_left == 8) return true;
      nor_tell(n, GUEST_NOR_OPCODE, "CS# rose %s: not executed",
               w->bits_left == 8 ? "before any data" : "inside a byte");
      return false;
    default:
      if (w->extra == 0) return true;
      nor_tell(n, GUEST_NOR_OPCODE, "%u clocks too many: not executed",
               (unsigned)w->extra);
      return false;
  }
}

void nor_execute(struct nor *n, const struct nor_command *c) {
  if (!is_complete(n)) return;
  switch (c->action) {
    case NOR_PROGRAM: do_program(n); break;
    case NOR_ERASE: do_erase(n, c); break;
    case NOR_ERASE_CHIP: do_erase_chip(n); break;
    case NOR_WRITE_REGISTER: do_write_register(n, c); break;
    case NOR_WRITE_VOLATILE: do_write_volatile(n, c); break;
    case NOR_WRITE_ENABLE: n->write_enabled = c->argument != 0; break;
    case NOR_SET_QPI: n->qpi = c->argument != 0; break;
    case NOR_SET_FOUR_BYTE: n->four_byte = c->argument != 0; break;
    case NOR_SUSPEND: nor_suspend(n); break;
    case NOR_RESUME: nor_resume(n); break;
    case NOR_SLEEP: do_sleep(n); break;
    case NOR_RESET_ENABLE: n->reset_enabled = true; break;
    case NOR_RESET:
      if (n->reset_enabled) nor_reset(n);
      break;
    case NOR_READ_ID:
      if (c->argument == NOR_ID_ELECTRONIC) do_wake(n);
      break;
    default: break;
  }
}
