// SPDX-License-Identifier: MIT
// The cells of a NOR chip and the operations that change them: their times, what
// they leave when they fail or are cut short, stuck bits, protection.
// Whether an operation may start is nor_command.c's business.
//
// An operation changes nothing until its time is over; then it does all at once:
//
//   nor_begin --(time)--> nor_job_done: cells change, WIP and WEL clear
//       |  nor_suspend --(latency)--> nor_job_done: the job is put aside, WIP clears
//       |                                 |  nor_resume: the rest of its time
//       +-- power off or reset --> nor_tear: part of the change, by a seed
//
// Cells live in the caller's array as plain bytes, so that whoever may read them
// directly (nor_streams) does. What is not plain is kept beside it: `torn` ranges,
// whose erased bits read differently every time, and the suspended range.
#include <string.h>

#include "sim/models/nor_internal.h"

// splitmix64's finaliser: well mixed, tiny, and the same everywhere.
uint64_t nor_noise(uint64_t seed, uint64_t index) {
  uint64_t z = seed * 0x9E3779B97F4A7C15u + index * 0xD1B54A32D192ED03u + 1;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Which bits of byte `index` an interrupted operation had reached. The seed also
// decides how many: none, a quarter, half, three quarters or all.
enum { REACHED_NONE, REACHED_QUARTER, REACHED_HALF, REACHED_MOST, REACHED_STEPS = 5 };

static uint8_t reached(uint64_t seed, uint32_t index) {
  const uint64_t a = nor_noise(seed, index), b = a >> 8;
  switch (seed % REACHED_STEPS) {
    case REACHED_NONE: return 0;
    case REACHED_QUARTER: return (uint8_t)(a & b);
    case REACHED_HALF: return (uint8_t)a;
    case REACHED_MOST: return (uint8_t)(a | b);
    default: return 0xFF;
  }
}

// Bits of a torn cell that no read is sure of. Only an erased (1) bit is weak.
static uint8_t weak_bits(const struct nor_torn *t, uint32_t address) {
  const uint64_t a = nor_noise(t->seed, ~(uint64_t)address);
  return (uint8_t)(a | (a >> 8));
}

// Stuck bits are kept true in the array itself, after every change of it.
static void stick_range(struct nor *n, uint32_t address, uint32_t size) {
  for (uint32_t i = 0; i < n->faults.stuck_count; i++) {
    const struct nor_stuck *s = &n->faults.stuck[i];
    if (s->address - address >= size) continue;
    uint8_t *cell = &n->cells[s->address];
    *cell = (uint8_t)((*cell & ~s->mask) | (s->value & s->mask));
  }
}

bool nor_stick(struct nor *n, uint32_t address, uint8_t mask, uint8_t value) {
  struct nor_faults *f = &n->faults;
  if (f->stuck_count == NOR_MAX_STUCK || address >= n->chip->size) return false;
  f->stuck[f->stuck_count++] = (struct nor_stuck){address, mask, value};
  stick_range(n, address, 1);
  return true;
}

// --- Torn cells ---

static void add_torn(struct nor *n, uint32_t address, uint32_t size, uint64_t seed) {
  if (size == 0 || n->torn_count == NOR_MAX_TORN) return;
  n->torn[n->torn_count++] = (struct nor_torn){address, size, seed};
}

// The range was erased: whatever was torn in it is sound again.
static void mend(struct nor *n, uint32_t address, uint32_t size) {
  const uint32_t end = address + size;
  for (uint32_t i = n->torn_count; i-- > 0;) {
    const struct nor_torn t = n->torn[i];
    const uint32_t torn_end = t.address + t.size;
    if (t.address >= end || torn_end <= address) continue;
    n->torn[i] = n->torn[--n->torn_count];
    if (t.address < address) add_torn(n, t.address, address - t.address, t.seed);
    if (torn_end > end) add_torn(n, end, torn_end - end, t.seed);
  }
}

bool nor_cells_are_steady(const struct nor *n) {
  return n->torn_count == 0 && n->suspended.op == NOR_OP_NONE;
}

// A cell while something is torn or suspended: the slow way.
static uint8_t unsteady_cell(struct nor *n, uint32_t address) {
  const uint8_t cell = n->cells[address];
  const struct nor_job *s = &n->suspended;
  if (s->op != NOR_OP_NONE && address - s->address < s->size) {
    nor_tell(n, GUEST_NOR_BUSY, "read of 0x%07X, whose %s is suspended",
             (unsigned)address, nor_operation_name(s->op));
    return (uint8_t)nor_noise(n->draws++, address);
  }
  for (uint32_t i = 0; i < n->torn_count; i++) {
    const struct nor_torn *t = &n->torn[i];
    if (address - t->address >= t->size) continue;
    return (uint8_t)(cell & ~(weak_bits(t, address) & nor_noise(n->draws++, address)));
  }
  return cell;
}

void nor_read_cells(struct nor *n, uint32_t address, uint8_t *dst, size_t count) {
  const uint32_t mask = n->chip->size - 1;
  if (!nor_cells_are_steady(n)) {
    for (size_t i = 0; i < count; i++) {
      dst[i] = unsteady_cell(n, (address + (uint32_t)i) & mask);
    }
    return;
  }
  while (count > 0) {
    const size_t left = n->chip->size - address;
    const size_t part = count < left ? count : left;
    memcpy(dst, n->cells + address, part);
    dst += part;
    count -= part;
    address = 0;  // reads roll over to the first byte
  }
}

// --- Protection ---

bool nor_uses_locks(const struct nor *n) {
  return n->chip->locked_at_power_up ||
         nor_field_is_set(n, n->chip->fields.lock_blocks);
}

bool nor_is_locked(const struct nor *n, uint32_t address) {
  const uint32_t block = address / NOR_LOCK_BYTES;
  return !((n->unlocked[block / 8] >> (block % 8)) & 1u);
}

void nor_lock(struct nor *n, uint32_t first, uint32_t size, bool lock) {
  for (uint32_t at = first; at - first < size; at += NOR_LOCK_BYTES) {
    const uint32_t block = at / NOR_LOCK_BYTES;
    const uint8_t bit = (uint8_t)(1u << (block % 8));
    uint8_t *byte = &n->unlocked[block / 8];
    *byte = (uint8_t)(lock ? *byte & ~bit : *byte | bit);
  }
}

static bool any_locked(const struct nor *n, uint32_t address, uint32_t size) {
  const uint32_t first = address / NOR_LOCK_BYTES * NOR_LOCK_BYTES;
  for (uint32_t at = first; at - first < address - first + size; at += NOR_LOCK_BYTES) {
    if (nor_is_locked(n, at)) return true;
  }
  return false;
}

// Bytes that the BP bits name. PM2006 "Protected Area Sizes": BP = 1 protects one
// unit, each step twice as many. Winbond and its like have three bits and SEC.
static uint64_t named_bytes(const struct nor *n) {
  const struct nor_protection *p = &n->chip->protection;
  const unsigned high = nor_field_is_set(n, p->level_high) ? 1u << p->level.width : 0;
  const unsigned level = nor_field_value(n, p->level) + high;
  if (level == 0) return 0;
  if (p->all_at_7 && level == 7) return n->chip->size;
  if (nor_field_is_set(n, p->fine)) return 4096ull << (level < 4 ? level - 1 : 3);
  const uint64_t bytes = (uint64_t)p->unit << (level - 1);
  return bytes < n->chip->size ? bytes : n->chip->size;
}

bool nor_is_protected(const struct nor *n, uint32_t address, uint32_t size) {
  if (nor_uses_locks(n)) return any_locked(n, address, size);
  const uint64_t bytes = named_bytes(n), rest = n->chip->size - bytes;
  const bool bottom = nor_field_is_set(n, n->chip->protection.bottom);
  const uint64_t end = (uint64_t)address + size;
  if (nor_field_is_set(n, n->chip->protection.complement)) {
    return rest != 0 && (bottom ? end > bytes : address < rest);
  }
  return bytes != 0 && (bottom ? address < bytes : end > rest);
}

// --- Operations ---

// Bits that are not writable keep their value, one-time bits their 1.
static void store_register(struct nor *n, unsigned id, uint8_t value) {
  const struct nor_register *r = &n->chip->registers[id];
  const uint8_t kept = n->registers[id] & r->one_time;
  nor_put_register(n, (enum nor_register_id)id, value | kept, true);
}

static void program(struct nor *n, const struct nor_job *job) {
  for (uint32_t i = 0; i < job->size; i++)
    n->cells[job->address + i] &= job->data[i];
  stick_range(n, job->address, job->size);
}

static void erase(struct nor *n, const struct nor_job *job) {
  memset(n->cells + job->address, 0xFF, job->size);
  mend(n, job->address, job->size);
  stick_range(n, job->address, job->size);
}

static void write_registers(struct nor *n, const struct nor_job *job) {
  for (uint32_t i = 0; i < job->size; i++) {
    store_register(n, job->address + i, job->data[i]);
  }
}

static void tear_program(struct nor *n, const struct nor_job *job, uint64_t seed) {
  for (uint32_t i = 0; i < job->size; i++) {
    uint8_t *cell = &n->cells[job->address + i];
    *cell &= (uint8_t)(job->data[i] | ~reached(seed, i));
  }
}

static void tear_erase(struct nor *n, const struct nor_job *job, uint64_t seed) {
  for (uint32_t i = 0; i < job->size; i++) {
    n->cells[job->address + i] |= reached(seed, i);
  }
  mend(n, job->address, job->size);
  add_torn(n, job->address, job->size, seed);
}

static void tear_registers(struct nor *n, const struct nor_job *job, uint64_t seed) {
  for (uint32_t i = 0; i < job->size; i++) {
    const uint8_t old = n->registers[job->address + i], hit = reached(seed, i);
    store_register(n, job->address + i, (uint8_t)((old & ~hit) | (job->data[i] & hit)));
  }
}

// After an erase was cut no cell of its range is to be trusted, however far it got:
// the chip programs all bits to 0 before it erases, and verifies last.
void nor_tear(struct nor *n, const struct nor_job *job, uint64_t seed) {
  switch (job->op) {
    case NOR_OP_PROGRAM: tear_program(n, job, seed); break;
    case NOR_OP_ERASE:
    case NOR_OP_ERASE_CHIP: tear_erase(n, job, seed); break;
    case NOR_OP_WRITE_REGISTER: tear_registers(n, job, seed); return;
    default: return;
  }
  stick_range(n, job->address, job->size);
}

static void finish(struct nor *n, const struct nor_job *job) {
  switch (job->op) {
    case NOR_OP_PROGRAM:
      n->program_failed = job->fails || (n->program_failed && n->chip->sticky_failures);
      if (!job->fails) program(n, job);
      break;
    case NOR_OP_ERASE:
    case NOR_OP_ERASE_CHIP:
      n->erase_failed = job->fails || (n->erase_failed && n->chip->sticky_failures);
      if (!job->fails) erase(n, job);
      break;
    default: write_registers(n, job); break;
  }
  if (!job->fails) return;
  // A failure is never complete: about half the bits are reached.
  const uint64_t noise = nor_noise(n->draws++, job->address);
  nor_tear(n, job, noise - noise % REACHED_STEPS + REACHED_HALF);
}

static void stop(struct nor *n) {
  n->job.op = NOR_OP_NONE;
  n->write_enabled = n->volatile_enabled = false;
}

void nor_job_done(void *ctx) {
  struct nor *n = ctx;
  if (n->suspending) {
    n->suspending = false;
    n->suspended = n->job;
  } else {
    finish(n, &n->job);
  }
  stop(n);
}

// Counts down to an injected failure: 1 = this one.
static bool fault_hits(uint32_t *countdown) {
  if (*countdown == 0) return false;
  return --*countdown == 0;
}

static void count(struct nor *n, const struct nor_job *job) {
  struct nor_counters *c = &n->counters;
  switch (job->op) {
    case NOR_OP_PROGRAM: c->programs++; break;
    case NOR_OP_ERASE: c->erases[job->erase]++; break;
    case NOR_OP_ERASE_CHIP: c->chip_erases++; break;
    default: c->register_writes++; break;
  }
}

static void run(struct nor *n) {
  if (!n->faults.stay_busy) event_in(&n->sim->events, &n->done, n->job.left);
}

void nor_begin(struct nor *n, const struct nor_job *job, vtime_t duration) {
  n->job = *job;
  n->job.left = duration;
  if (job->op == NOR_OP_PROGRAM) n->job.fails = fault_hits(&n->faults.fail_program);
  if (job->op == NOR_OP_ERASE || job->op == NOR_OP_ERASE_CHIP) {
    n->job.fails = fault_hits(&n->faults.fail_erase);
  }
  count(n, job);
  run(n);
  if (n->on_operation) {
    n->on_operation(n->on_operation_ctx, job->op, job->address, job->size);
  }
}

void nor_suspend(struct nor *n) {
  if (!nor_busy(n) || n->suspending || !n->done.armed) return;
  const bool can = n->job.op == NOR_OP_PROGRAM || n->job.op == NOR_OP_ERASE;
  if (!can || n->suspended.op != NOR_OP_NONE) {
    nor_tell(n, GUEST_NOR_BUSY, "a %s%s cannot be suspended",
             nor_operation_name(n->job.op), can ? " during a suspension" : "");
    return;
  }
  // Until the latency is over the chip still works, and still says that it is busy.
  const vtime_t latency = nor_pick(n, n->chip->suspend);
  const vtime_t left = n->done.at - n->sim->events.now;
  if (left <= latency) return;  // ends before it can be stopped
  n->job.left = left;
  n->suspending = true;
  event_in(&n->sim->events, &n->done, latency);
}

void nor_resume(struct nor *n) {
  if (n->suspended.op == NOR_OP_NONE) return;
  if (nor_busy(n)) {
    nor_tell(n, GUEST_NOR_BUSY, "a %s is running beside the suspended one",
             nor_operation_name(n->job.op));
    return;
  }
  n->job = n->suspended;
  n->suspended.op = NOR_OP_NONE;
  run(n);
}
