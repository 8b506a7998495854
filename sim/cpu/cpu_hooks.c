// SPDX-License-Identifier: MIT
// Unicorn's callbacks. Only the block and instruction hooks may stop it: there a
// stop falls exactly before the code that would run next.
#include <string.h>

#include "sim/cpu/cpu_internal.h"

static void stop_with(struct cpu *c, unsigned reason) {
  c->stop |= reason;
  uc_emu_stop(c->uc);
}

// Before code that has been translated, but not looked at.
static void stop_before(struct cpu *c, uint32_t addr, uint32_t size, unsigned reason) {
  const struct region_state *r = cpu_region_at(c, addr);
  if (r && size <= r->def.size - (addr - r->def.base)) cpu_note_code(r, addr, size);
  stop_with(c, reason);
}

// Blocks in regions that need a look before their code may run. False: stopped.
static bool check_fetch(struct cpu *c, struct decoded *d) {
  const struct region_state *r = cpu_region_at(c, d->addr);
  if (!r) return true;
  if (r->wanted == CPU_ACCESS_STALL || r->wanted == CPU_ACCESS_FAULT) {
    c->fault_addr = d->addr;
    stop_with(c, r->wanted == CPU_ACCESS_STALL ? STOP_FETCH_STALL : STOP_FETCH_FAULT);
    return false;
  }
  if (r->def.kind == CPU_WINDOW) {
    if (!mpu_lookup(&c->scs->mpu, d->addr, true).executable) {
      c->fault_addr = d->addr;
      stop_with(c, STOP_FETCH_FAULT);
      return false;
    }
    cpu_window_fetch(c, d->addr, d->size);
  }
  if (r->def.kind == CPU_RAM) cpu_cache_check_code(c, d);
  return true;
}

static inline bool same_8(const uint8_t *a, const uint8_t *b) {
  uint64_t x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return x == y;
}

// A block has a few dozen bytes, always an even number: a call would cost more.
static inline bool same_bytes(const uint8_t *a, const uint8_t *b, uint32_t size) {
  if (size >= 8) {
    for (uint32_t at = 0; at + 8 < size; at += 8) {
      if (!same_8(a + at, b + at)) return false;
    }
    return same_8(a + size - 8, b + size - 8);
  }
  for (uint32_t at = 0; at + 2 <= size; at += 2) {
    uint16_t x, y;
    memcpy(&x, a + at, sizeof x);
    memcpy(&y, b + at, sizeof y);
    if (x != y) return false;
  }
  return true;
}

// Cached RAM, by far the most: what was fetched once and has not changed since.
static inline bool is_fetched(const struct cpu *c, const struct decoded *d) {
  if (d->fetched != c->icache_generation) return false;
  return same_bytes(c->icache_bytes + (d->code - c->cached_ram), d->code, d->size);
}

// True: an exception is to be taken before this block.
static bool is_interrupted(struct cpu *c) {
  // Only the masks hold an interrupt back, and only CPS or MSR can lift them.
  if (!c->pending_changed && !(c->held && c->last_changes_masks)) return false;
  if (c->pending_changed) cpu_note_events(c);
  c->pending_changed = false;
  const struct nvic_masks masks = cpu_masks(c);
  return nvic_select(&c->scs->nvic, &masks, &c->held) != 0;
}

// The deadline was hit: events that are due fire. True: leave Unicorn before this
// block. What was asked once (and refused, inside an IT block) stays asked.
static bool must_stop(struct cpu *c, uint32_t addr) {
  if (c->stop & STOP_OWN) return true;
  if (c->ticks >= c->slice_end) {
    cpu_sync_time(c);
    if (cpu_time(c) >= c->until) return true;
    cpu_begin_slice(c);
  }
  if (c->attention || c->stop_requested) return true;
  if (c->memory_changed) cpu_apply_memory(c);
  if (c->debug && cpu_debug_stops(c, addr)) return true;
  if (is_interrupted(c)) return true;
  if (!c->debug) c->deadline = c->slice_end;
  return false;
}

// The hand-over check looks once, where the application's first instruction is.
static void check_app_start(struct cpu *c) {
  c->app_seen = true;
  c->app_entry = 1;
  cpu_sync_time(c);
  c->ports.app_started(c->ports.ctx);
}

// The facts about the code, or NULL if it must not run now.
static inline struct decoded *before_code(struct cpu *c, uint32_t addr, uint32_t size) {
  if (c->ticks >= c->deadline && must_stop(c, addr)) {
    c->deadline = 0;
    stop_before(c, addr, size, STOP_OWN);
    return NULL;
  }
  const uint32_t late = c->late ? cpu_trap_late(c) : 0;
  if (late) {
    c->trap_cause = late;
    stop_before(c, addr, size, STOP_TRAP);
    return NULL;
  }
  struct decoded *d = cpu_decode(c, addr, size);
  if (d->rights != c->rights && !cpu_protect_fetch(c, d)) {
    stop_with(c, STOP_FETCH_FAULT);
    return NULL;
  }
  const bool special = (c->special >> (addr >> 28)) & 1u;
  if (special && !is_fetched(c, d) && !check_fetch(c, d)) return NULL;
  if (addr == c->app_entry) check_app_start(c);
  c->block_addr = addr;
  c->block_size = size;
  if ((d->features & c->trapped) && !cpu_trap_check(c, d)) {
    if (c->trap_cause) stop_with(c, STOP_TRAP);
    return NULL;
  }
  return d;
}

static void on_block(uc_engine *uc, uint64_t addr, uint32_t size, void *user) {
  (void)uc;
  struct cpu *c = user;
  const struct decoded *d = before_code(c, (uint32_t)addr, size);
  if (!d) return;
  c->last_changes_masks = d->changes_masks;
  if (d->changes_masks && c->held) c->deadline = 0;
  c->counters.instructions += d->instructions;
  c->ticks += size * TICKS_PER_BYTE;
  c->counters.cycles += size * TICKS_PER_BYTE;  // in ticks; see cpu_counters
}

static void charge_instruction(struct cpu *c) {
  c->ticks += TICKS_PER_CYCLE;
  c->counters.cycles += TICKS_PER_CYCLE;
  c->counters.instructions++;
}

static void on_instruction(uc_engine *uc, uint64_t addr, uint32_t size, void *user) {
  (void)uc;
  struct cpu *c = user;
  // A stop asked for inside an IT block is refused: the instruction did run.
  if (c->stop & STOP_OWN) charge_instruction(c);
  const struct decoded *d = before_code(c, (uint32_t)addr, size);
  if (!d) return;
  c->stop &= ~(unsigned)STOP_OWN;
  c->last_changes_masks = d->changes_masks;
  if (d->changes_masks && c->held) c->deadline = 0;
  charge_instruction(c);
  if (c->it || (d->first_word & 0xFF00u) == 0xBF00u) {
    cpu_it_advance(c, (uint16_t)d->first_word);
  }
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user) {
  (void)uc;
  struct cpu *c = user;
  c->interrupt_number = number;
  stop_with(c, STOP_INTR);
}

static bool on_unmapped(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                        int64_t value, void *user) {
  (void)uc, (void)type, (void)bytes, (void)value;
  struct cpu *c = user;
  if (c->denial == DENIED_NOT) c->fault_addr = (uint32_t)addr;
  return false;
}

// An unaligned store comes as a whole, and then once more byte by byte.
static bool is_repeated(struct cpu *c, uint32_t addr, int bytes) {
  if (bytes == 1 && c->unaligned_left && addr == c->unaligned_next) {
    c->unaligned_next++;
    c->unaligned_left--;
    return true;
  }
  const bool aligned = addr % (unsigned)bytes == 0;
  c->unaligned_next = addr;
  c->unaligned_left = aligned ? 0 : (unsigned)bytes;
  return false;
}

static bool on_protected(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                         int64_t value, void *user) {
  (void)uc;
  struct cpu *c = user;
  if (c->denial != DENIED_NOT) return false;  // by us: fault_addr is known
  struct region_state *r = cpu_region_at(c, (uint32_t)addr);
  c->fault_addr = (uint32_t)addr;
  if (!r) return false;
  if (r->shut && r->access == CPU_ACCESS_NORMAL) {
    if (type == UC_MEM_READ_PROT) cpu_lend(c, r, (uint32_t)addr);
    if (type == UC_MEM_FETCH_PROT) cpu_grant(c, r);
  }
  if (r->access == CPU_ACCESS_STALL) {
    cpu_stall(c, r, (uint32_t)addr, type == UC_MEM_FETCH_PROT);
    if (type != UC_MEM_WRITE_PROT) cpu_grant(c, r);
  }
  if (r->def.kind == CPU_WINDOW && type == UC_MEM_READ_PROT &&
      cpu_window_opens(c, r, (uint32_t)addr, bytes < 4 ? (unsigned)bytes : 4u)) {
    cpu_grant(c, r);
  }
  if (type != UC_MEM_WRITE_PROT) return r->access == CPU_ACCESS_NORMAL;
  if (r->def.kind != CPU_FLASH || !cpu_may(c, (uint32_t)addr, ACCESS_STORE))
    return false;
  if (is_repeated(c, (uint32_t)addr, bytes)) return true;
  cpu_sync_time(c);
  if (!c->powered) return true;  // cut in the events that were due
  c->ports.flash_write(c->ports.ctx, (uint32_t)addr, (unsigned)bytes, (uint32_t)value);
  if (bytes == 8) {
    c->ports.flash_write(c->ports.ctx, (uint32_t)addr + 4, 4,
                         (uint32_t)((uint64_t)value >> 32));
  }
  return true;
}

void cpu_add_hooks(struct cpu *c) {
  uc_hook h;
  uc_engine *uc = c->uc;
  const bool precise = c->mode == CPU_PRECISE;
  uc_hook_add(uc, &h, precise ? UC_HOOK_CODE : UC_HOOK_BLOCK,
              precise ? (void *)(uintptr_t)on_instruction : (void *)(uintptr_t)on_block,
              c, 1, 0);
  uc_hook_add(uc, &h, UC_HOOK_INTR, (void *)(uintptr_t)on_interrupt, c, 1, 0);
  uc_hook_add(uc, &h, UC_HOOK_MEM_UNMAPPED, (void *)(uintptr_t)on_unmapped, c, 1, 0);
  uc_hook_add(uc, &h,
              UC_HOOK_MEM_READ_PROT | UC_HOOK_MEM_WRITE_PROT | UC_HOOK_MEM_FETCH_PROT,
              (void *)(uintptr_t)on_protected, c, 1, 0);
}
