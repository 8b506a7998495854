// SPDX-License-Identifier: MIT
// The life of a NOR chip: delivery, power, reset, its registers.
//
// `registers` holds what was written; the bits that follow the chip's state (WIP,
// WEL, 4-byte, failure, suspension) are put in when a register is read, each where
// the chip's description says it is, so that they cannot disagree with the state.
#include "sim/models/nor.h"

#include <string.h>

#include "sim/models/nor_internal.h"

static uint8_t field_mask(struct nor_field f) {
  return (uint8_t)(((1u << f.width) - 1u) << f.lsb);
}

uint8_t nor_field_value(const struct nor *n, struct nor_field f) {
  return (uint8_t)((n->registers[f.reg] & field_mask(f)) >> f.lsb);
}

bool nor_field_is_set(const struct nor *n, struct nor_field f) {
  return (n->registers[f.reg] & field_mask(f)) != 0;
}

bool nor_busy(const struct nor *n) {
  return n->job.op != NOR_OP_NONE;
}

// Of stacked dies each has its own busy bits; the registers of the selected one show.
static bool die_is_busy(const struct nor *n) {
  if (!nor_busy(n)) return false;
  if (n->chip->die_size == 0 || n->job.op == NOR_OP_ERASE_CHIP) return true;
  return n->job.op == NOR_OP_WRITE_REGISTER ||
         n->job.address / n->chip->die_size == n->die;
}

uint8_t nor_register(const struct nor *n, enum nor_register_id id) {
  const struct nor_fields *f = &n->chip->fields;
  const bool busy = die_is_busy(n);
  const struct {
    struct nor_field field;
    bool set;
  } live[] = {
      {f->write_in_progress, busy},
      {f->busy_again, busy},
      {f->ready, !busy},
      {f->write_enabled, n->write_enabled},
      {f->four_byte, n->four_byte},
      {f->program_failed, n->program_failed},
      {f->erase_failed, n->erase_failed},
      {f->protection_failed, n->protection_failed},
      {f->program_suspended, n->suspended.op == NOR_OP_PROGRAM},
      {f->erase_suspended, n->suspended.op == NOR_OP_ERASE},
  };
  uint8_t value = n->registers[id];
  for (size_t i = 0; i < sizeof live / sizeof live[0]; i++) {
    if (live[i].field.reg == id && live[i].set) value |= field_mask(live[i].field);
  }
  return value;
}

static uint8_t merge(uint8_t old, uint8_t value, uint8_t mask) {
  return (uint8_t)((old & ~mask) | (value & mask));
}

// Some bits are not only kept: they are the mode.
static void follow_register(struct nor *n, enum nor_register_id id) {
  const struct nor_fields *f = &n->chip->fields;
  if (f->spi_protocol.width && f->spi_protocol.reg == id) {
    n->qpi = !nor_field_is_set(n, f->spi_protocol);
  }
  if (f->four_byte_bank.width && f->four_byte_bank.reg == id) {
    n->four_byte = nor_field_is_set(n, f->four_byte_bank);
  }
}

void nor_put_register(struct nor *n, enum nor_register_id id, uint8_t value,
                      bool store) {
  const struct nor_register *r = &n->chip->registers[id];
  n->registers[id] = merge(n->registers[id], value, r->nonvolatile | r->volatile_bits);
  if (store) n->stored[id] = merge(n->stored[id], value, r->nonvolatile);
  follow_register(n, id);
}

void nor_set_register(struct nor *n, enum nor_register_id id, uint8_t value) {
  nor_put_register(n, id, value, true);
}

// Sets every bit of a field, or clears it, as nor_set_register does.
static void set_field(struct nor *n, struct nor_field f, bool set) {
  const uint8_t mask = field_mask(f);
  const uint8_t old = n->registers[f.reg];
  nor_set_register(n, f.reg, (uint8_t)(set ? old | mask : old & ~mask));
}

vtime_t nor_pick(const struct nor *n, struct nor_time t) {
  return n->slowest ? t.max : t.typ;
}

bool nor_deaf(const struct nor *n) {
  return n->sim->events.now < n->deaf_until;
}

// Busy and deaf both end by themselves; everything else needs a command.
vtime_t nor_next_change(const struct nor *n) {
  vtime_t next = n->done.armed ? n->done.at : VT_NEVER;
  if (nor_deaf(n) && n->deaf_until < next) next = n->deaf_until;
  return next;
}

static void copy_field(struct nor *n, const struct nor_copy *c) {
  if (c->from.width == 0) return;
  const uint8_t value = (uint8_t)(nor_field_value(n, c->from) << c->to.lsb);
  n->registers[c->to.reg] = merge(n->registers[c->to.reg], value, field_mask(c->to));
}

// The modes that non-volatile bits ask for.
static void modes_at_reset(struct nor *n) {
  const struct nor_fields *f = &n->chip->fields;
  n->qpi = f->spi_protocol.width && !nor_field_is_set(n, f->spi_protocol);
  n->four_byte =
      nor_field_is_set(n, f->four_byte_at_reset) ||
      (f->three_byte_at_reset.width && !nor_field_is_set(n, f->three_byte_at_reset));
  const struct nor_field xip = f->no_xip_at_reset;
  if (xip.width && (n->registers[xip.reg] & field_mask(xip)) != field_mask(xip)) {
    report_unimplemented(&n->sim->report, n->where, "%s: XIP from power-up on",
                         n->chip->name);
  }
}

// Non-volatile bits stay; the rest is as after power-up.
void nor_volatile_reset(struct nor *n) {
  for (unsigned i = 0; i < NOR_REG_COUNT; i++) {
    const struct nor_register *r = &n->chip->registers[i];
    n->registers[i] = merge(r->factory, n->stored[i], r->nonvolatile);
  }
  for (unsigned i = 0; i < NOR_COPIES; i++)
    copy_field(n, &n->chip->copies[i]);
  n->asleep = n->reset_enabled = false;
  n->write_enabled = n->volatile_enabled = false;
  n->program_failed = n->erase_failed = n->protection_failed = false;
  n->suspending = false;
  n->die = 0;
  memset(n->unlocked, 0, sizeof n->unlocked);
  n->held = NULL;
  n->job.op = n->suspended.op = NOR_OP_NONE;
  modes_at_reset(n);
  event_cancel(&n->sim->events, &n->done);
}

void nor_init(struct nor *n, struct sim *sim, const struct nor_chip *chip,
              uint8_t *cells) {
  *n = (struct nor){.chip = chip, .sim = sim, .cells = cells, .powered = true};
  event_init(&n->done, nor_job_done, n);
  for (unsigned i = 0; i < NOR_REG_COUNT; i++) {
    n->stored[i] = chip->registers[i].factory;
  }
  nor_volatile_reset(n);
}

// --- States that somebody else left behind ---

static const struct nor_command *find_action(const struct nor_chip *chip,
                                             unsigned action, unsigned flags) {
  for (size_t i = 0; i < chip->command_count; i++) {
    const struct nor_command *c = &chip->commands[i];
    if (c->action == action && (c->flags & flags) == flags) return c;
  }
  return NULL;
}

static void enable_quad(struct nor *n) {
  if (n->chip->fields.quad_enable.width)
    set_field(n, n->chip->fields.quad_enable, true);
}

static bool set_qpi(struct nor *n) {
  if (!find_action(n->chip, NOR_SET_QPI, 0)) return false;
  enable_quad(n);
  n->qpi = true;
  return true;
}

// The 1-4-4 read is kept: the next command begins with its address on four lines.
static bool set_xip(struct nor *n) {
  const struct nor_chip *chip = n->chip;
  if (chip->mode_rule == NOR_MODE_NONE) return false;
  for (size_t i = 0; i < chip->command_count; i++) {
    const struct nor_command *c = &chip->commands[i];
    const bool fits = c->action == NOR_READ_ARRAY && (c->flags & NOR_MODE_BITS) &&
                      !(c->flags & NOR_DDR) && c->address_lines == 4 &&
                      c->address_rule == NOR_ADDRESS_MODE;
    if (!fits) continue;
    enable_quad(n);
    if (chip->fields.xip_off.width) set_field(n, chip->fields.xip_off, false);
    n->held = c;
    return true;
  }
  return false;
}

static bool set_four_byte(struct nor *n) {
  if (!find_action(n->chip, NOR_SET_FOUR_BYTE, 0)) return false;
  n->four_byte = true;
  return true;
}

// Half of an erase of the last block is still to be done.
static bool set_suspended(struct nor *n) {
  unsigned type = NOR_ERASE_TYPES;
  for (unsigned i = 0; i < NOR_ERASE_TYPES; i++) {
    const uint32_t size = n->chip->erases[i].size;
    const bool larger = type == NOR_ERASE_TYPES || size > n->chip->erases[type].size;
    if (size && larger) type = i;
  }
  if (!find_action(n->chip, NOR_SUSPEND, 0)) return false;
  const struct nor_erase *e = &n->chip->erases[type];
  n->suspended = (struct nor_job){.op = NOR_OP_ERASE,
                                  .address = n->chip->size - e->size,
                                  .size = e->size,
                                  .erase = (uint8_t)type,
                                  .left = e->time.typ / 2};
  return true;
}

static bool set_asleep(struct nor *n) {
  if (!find_action(n->chip, NOR_SLEEP, 0)) return false;
  n->asleep = true;
  return true;
}

static bool set_protected(struct nor *n) {
  const struct nor_protection *p = &n->chip->protection;
  memset(n->unlocked, 0, sizeof n->unlocked);
  if (p->level.width) set_field(n, p->level, true);
  if (p->level_high.width) set_field(n, p->level_high, true);
  return p->level.width || n->chip->locked_at_power_up;
}

// A chip without the bit is as good as its word.
static bool set_noqe(struct nor *n) {
  if (n->chip->fields.quad_enable.width) {
    set_field(n, n->chip->fields.quad_enable, false);
  }
  return true;
}

static const struct {
  const char *name;
  bool (*set)(struct nor *n);
} states[] = {
    {"qpi", set_qpi},
    {"xip", set_xip},
    {"4byte", set_four_byte},
    {"dpd", set_asleep},
    {"suspended", set_suspended},
    {"protected", set_protected},
    {"noqe", set_noqe},
};

const char *nor_state_at(size_t index) {
  return index < sizeof states / sizeof *states ? states[index].name : NULL;
}

bool nor_set_state(struct nor *n, const char *state) {
  for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
    if (!strcmp(states[i].name, state)) return states[i].set(n);
  }
  return false;
}

// How long the chip is deaf after a reset that hits `job`.
static vtime_t recovery(const struct nor *n, const struct nor_job *job) {
  switch (job->op) {
    case NOR_OP_PROGRAM: return n->chip->reset_program;
    case NOR_OP_ERASE: return n->chip->erases[job->erase].reset_recovery;
    case NOR_OP_ERASE_CHIP: return n->chip->chip_erase.reset_recovery;
    case NOR_OP_WRITE_REGISTER: return n->chip->reset_register;
    default: return n->chip->reset_recovery;
  }
}

// A reset or power cut hits what runs and, beside it, what is suspended.
static void abandon_jobs(struct nor *n, uint64_t seed) {
  nor_tear(n, &n->job, seed);
  nor_tear(n, &n->suspended, seed + 1);
}

void nor_reset(struct nor *n) {
  const struct nor_job *hit = nor_busy(n) ? &n->job : &n->suspended;
  n->deaf_until = n->sim->events.now + recovery(n, hit);
  abandon_jobs(n, nor_noise(n->draws++, 0));
  nor_volatile_reset(n);
}

void nor_power_off(struct nor *n, uint64_t seed) {
  if (!n->powered) return;
  abandon_jobs(n, seed);
  nor_volatile_reset(n);
  const bool selected = n->wire.phase != NOR_PHASE_IDLE;
  n->wire = (struct nor_wire){.phase = selected ? NOR_PHASE_IGNORE : NOR_PHASE_IDLE,
                              .unready = true};
  n->powered = false;
}

void nor_power_on(struct nor *n) {
  if (n->powered) return;
  n->powered = true;
  n->deaf_until = n->sim->events.now + n->chip->power_up;
}

void nor_set_clock(struct nor *n, uint64_t hz) {
  n->sclk_hz = hz;
}

const char *nor_operation_name(enum nor_operation op) {
  static const char *const names[] = {"nothing", "program", "erase", "chip erase",
                                      "register write"};
  return names[op];
}
