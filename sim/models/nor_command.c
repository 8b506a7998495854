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
         c->action == NOR_ERASE || c->action == NOR_LOCK_BLOCK ||
         c->action == NOR_READ_LOCK;
}

// Address bits above what 3 bytes reach.
static uint32_t high_address(const struct nor *n) {
  const uint8_t mode = n->chip->fields.four_byte_bank.width ? 0x80 : 0;
  return (uint32_t)(n->registers[NOR_REG_EXTENDED_ADDRESS] & ~mode) << 24;
}

uint32_t nor_full_address(struct nor *n, const struct nor_command *c, uint32_t bits) {
  uint32_t address = bits;
  if (c->address_rule == NOR_ADDRESS_MODE && !n->four_byte) {
    address |= high_address(n);
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
    case NOR_READ_LOCK:
    case NOR_READ_SFDP: return NOR_PHASE_OUT;
    case NOR_PROGRAM:
    case NOR_WRITE_REGISTER:
    case NOR_SELECT_DIE:
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
  const bool quad = n->qpi || n->chip->quad_always ||
                    nor_field_is_set(n, n->chip->fields.quad_enable);
  if ((c->flags & NOR_NEEDS_QUAD) && !quad) {
    return refuse(n, c, GUEST_NOR_QUAD, "the chip's QE bit is clear");
  }
  const bool instead = (c->flags & NOR_OR_VOLATILE) && n->volatile_enabled;
  if ((c->flags & NOR_NEEDS_WEL) && !n->write_enabled && !instead) {
    return refuse(n, c, GUEST_NOR_WEL, "no WREN came before it");
  }
  check_clock(n, c);
  return true;
}

// --- Data out ---

// Three bytes again and again, or a longer id and then nothing.
static uint8_t jedec_byte(const struct nor_chip *chip, uint32_t at) {
  if (chip->more_ids == 0) return chip->jedec_id[at % 3];
  if (at < 3) return chip->jedec_id[at];
  return at - 3 < chip->more_ids ? chip->more_id[at - 3] : 0;
}

static uint8_t register_byte(const struct nor *n) {
  const struct nor_command *c = n->wire.command;
  const unsigned at = c->max_bytes > 1 ? n->wire.count % c->max_bytes : 0;
  return nor_register(n, (enum nor_register_id)(c->argument + at));
}

static uint8_t id_byte(const struct nor *n, unsigned kind) {
  const struct nor_chip *chip = n->chip;
  const struct nor_wire *w = &n->wire;
  switch (kind) {
    case NOR_ID_JEDEC: return jedec_byte(chip, w->count);
    case NOR_ID_UNIQUE: return (uint8_t)(0xD1 + 0x1F * w->count);  // of our choice
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
    case NOR_READ_REGISTER: byte = register_byte(n); break;
    case NOR_READ_LOCK: byte = nor_is_locked(n, w->address); break;
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
    n->protection_failed = true;
    if (nor_uses_locks(n)) {
      nor_tell(n, GUEST_NOR_PROTECTED, "0x%07X is protected (a block lock)",
               (unsigned)address);
    } else {
      nor_tell(n, GUEST_NOR_PROTECTED, "0x%07X is protected (BP = %u)",
               (unsigned)address, nor_field_value(n, n->chip->protection.level));
    }
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
  return count < chip->page && bytes < whole ? bytes : whole;
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

// SST26VF064B: 4 blocks of 8 KB and one of 32 KB at either end (its SFDP sector map);
// types 1, 2 and 3 are 8, 32 and 64 KB.
static uint8_t erase_type(const struct nor_chip *chip, uint8_t type, uint32_t address) {
  if (!chip->small_outer_blocks || chip->erases[type].size != 64u << 10) return type;
  const uint32_t from_end = chip->size - 1 - address;
  const uint32_t inward = address < from_end ? address : from_end;
  if (inward < 32u << 10) return 1;
  return inward < 64u << 10 ? 2 : type;
}

static void do_erase(struct nor *n, const struct nor_command *c) {
  const uint8_t which = erase_type(n->chip, c->argument, n->wire.address);
  const struct nor_erase *type = &n->chip->erases[which];
  const uint32_t base = n->wire.address & ~(type->size - 1);
  if (blocked(n, base, type->size, &n->erase_failed)) return;
  const struct nor_job job = {
      .op = NOR_OP_ERASE, .address = base, .size = type->size, .erase = which};
  nor_begin(n, &job, nor_pick(n, type->time));
}

static void do_erase_chip(struct nor *n) {
  if (blocked(n, 0, n->chip->size, &n->erase_failed)) return;
  const struct nor_job job = {.op = NOR_OP_ERASE_CHIP, .size = n->chip->size};
  nor_begin(n, &job, nor_pick(n, n->chip->chip_erase.time));
}

// After 50h instead of 06h: at once, and gone with the next reset.
static void write_for_now(struct nor *n, const struct nor_command *c) {
  for (uint32_t i = 0; i < n->wire.count; i++) {
    const enum nor_register_id id = (enum nor_register_id)(c->argument + i);
    nor_put_register(n, id, n->wire.in[i], false);
  }
  n->volatile_enabled = false;
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
  if (!n->write_enabled) {
    write_for_now(n, c);
    return;
  }
  struct nor_job job = {
      .op = NOR_OP_WRITE_REGISTER, .address = c->argument, .size = w->count};
  for (uint32_t i = 0; i < w->count; i++)
    job.data[i] = w->in[i];
  if (w->count == 1 && c->max_bytes > 1 && n->chip->one_byte_clears_config) {
    job.size = 2;
    job.data[1] = 0;
  }
  nor_begin(n, &job, nor_pick(n, n->chip->register_write));
}

static void do_write_volatile(struct nor *n, const struct nor_command *c) {
  nor_put_register(n, (enum nor_register_id)c->argument, n->wire.in[0], false);
  n->write_enabled = false;
}

static void do_set_four_byte(struct nor *n, const struct nor_command *c) {
  n->four_byte = c->argument != 0;
  if (c->flags & NOR_NEEDS_WEL) n->write_enabled = false;
}

static void do_lock(struct nor *n, const struct nor_command *c, uint32_t first,
                    uint32_t size) {
  nor_lock(n, first, size, c->argument != 0);
  n->write_enabled = false;
}

static void clear_flags(struct nor *n) {
  n->program_failed = n->erase_failed = n->protection_failed = false;
}

static void do_select_die(struct nor *n) {
  const uint32_t dies = n->chip->size / n->chip->die_size;
  if (n->wire.in[0] < dies) {
    n->die = n->wire.in[0];
  } else {
    nor_tell(n, GUEST_NOR_ADDRESS, "there is no die %u, only %u dies", n->wire.in[0],
             (unsigned)dies);
  }
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
      if (w->all_ones) return false;  // not meant for this command
      nor_tell(n, GUEST_NOR_OPCODE, "%u clocks too many: not executed",
               (unsigned)w->extra);
      return false;
  }
}

// What needs the cells or the time.
static void execute_operation(struct nor *n, const struct nor_command *c) {
  switch (c->action) {
    case NOR_PROGRAM: do_program(n); break;
    case NOR_ERASE: do_erase(n, c); break;
    case NOR_ERASE_CHIP: do_erase_chip(n); break;
    case NOR_WRITE_REGISTER: do_write_register(n, c); break;
    case NOR_WRITE_VOLATILE: do_write_volatile(n, c); break;
    case NOR_LOCK_ALL: do_lock(n, c, 0, n->chip->size); break;
    case NOR_LOCK_BLOCK: do_lock(n, c, n->wire.address, 1); break;
    case NOR_SUSPEND: nor_suspend(n); break;
    case NOR_RESUME: nor_resume(n); break;
    default: break;
  }
}

void nor_execute(struct nor *n, const struct nor_command *c) {
  if (!is_complete(n)) return;
  switch (c->action) {
    case NOR_WRITE_ENABLE:
      n->write_enabled = c->argument != 0;
      n->volatile_enabled = false;
      break;
    case NOR_VOLATILE_ENABLE: n->volatile_enabled = true; break;
    case NOR_CLEAR_FLAGS: clear_flags(n); break;
    case NOR_SET_QPI: n->qpi = c->argument != 0; break;
    case NOR_SET_FOUR_BYTE: do_set_four_byte(n, c); break;
    case NOR_SELECT_DIE: do_select_die(n); break;
    case NOR_SLEEP: do_sleep(n); break;
    case NOR_RESET_ENABLE: n->reset_enabled = true; break;
    case NOR_RESET:
      if (n->reset_enabled) nor_reset(n);
      break;
    case NOR_READ_ID:
      if (c->argument == NOR_ID_ELECTRONIC) do_wake(n);
      break;
    default: execute_operation(n, c); break;
  }
}
