// SPDX-License-Identifier: MIT
// The life of a NOR chip: delivery, power, reset, its registers.
//
// `registers` holds what was written; the bits that follow the chip's state (WIP,
// WEL, 4-byte, failure, suspension) are put in when a register is read, each where
// the chip's description says it is, so that they cannot disagree with the state.
#include "sim/models/nor.h"

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

uint8_t nor_register(const struct nor *n, enum nor_register_id id) {
  const struct nor_fields *f = &n->chip->fields;
  const struct {
    struct nor_field field;
    bool set;
  } live[] = {
      {f->write_in_progress, nor_busy(n)},
      {f->write_enabled, n->write_enabled},
      {f->four_byte, n->four_byte},
      {f->program_failed, n->program_failed},
      {f->erase_failed, n->erase_failed},
      {f->program_suspended, n->suspended.op == NOR_OP_PROGRAM},
      {f->erase_suspended, n->suspended.op == NOR_OP_ERASE},
  };
  uint8_t value = n->registers[id];
  for (size_t i = 0; i < sizeof live / sizeof live[0]; i++) {
    if (live[i].field.reg == id && live[i].set) value |= field_mask(live[i].field);
  }
  return value;
}

void nor_set_register(struct nor *n, enum nor_register_id id, uint8_t value) {
  const struct nor_register *r = &n->chip->registers[id];
  const uint8_t writable = r->nonvolatile | r->volatile_bits;
  n->registers[id] = (uint8_t)((n->registers[id] & ~writable) | (value & writable));
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

// Non-volatile bits stay; the rest is as after power-up.
void nor_volatile_reset(struct nor *n) {
  for (unsigned i = 0; i < NOR_REG_COUNT; i++) {
    const struct nor_register *r = &n->chip->registers[i];
    n->registers[i] =
        (uint8_t)((n->registers[i] & r->nonvolatile) | (r->factory & ~r->nonvolatile));
  }
  n->asleep = n->qpi = n->four_byte = n->reset_enabled = false;
  n->write_enabled = n->program_failed = n->erase_failed = false;
  n->suspending = false;
  n->held = NULL;
  n->job.op = n->suspended.op = NOR_OP_NONE;
  event_cancel(&n->sim->events, &n->done);
}

void nor_init(struct nor *n, struct sim *sim, const struct nor_chip *chip,
              uint8_t *cells) {
  *n = (struct nor){.chip = chip, .sim = sim, .cells = cells, .powered = true};
  event_init(&n->done, nor_job_done, n);
  for (unsigned i = 0; i < NOR_REG_COUNT; i++) {
    n->registers[i] = chip->registers[i].factory;
  }
  nor_volatile_reset(n);
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
