// SPDX-License-Identifier: MIT
// The QUADSPI window at 0x90000000: reads cost bus time unless the D-cache holds
// the line. While it maps the flash array, Unicorn reads the bytes itself and a
// hook only counts; otherwise each read asks the controller model for its bytes.
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"

enum { PAGE_BYTES = 4096 };  // no block is longer

static struct region_state *window_region(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    if (c->regions[i].def.kind == CPU_WINDOW) return &c->regions[i];
  }
  return NULL;
}

static void charge_read(struct cpu *c, uint32_t addr, unsigned bytes) {
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, addr, true);
  const bool cached = a.type == MPU_NORMAL && a.cacheable && scs_dcache_on(c->scs);
  if (!cached) {
    cpu_sync_time(c);
    cpu_spend(c, c->ports.window_cost(c->ports.ctx, addr, bytes));
    return;
  }
  const uint32_t line = addr & ~(uint32_t)(CACHE_LINE - 1);
  const enum cache_hit hit = cpu_tags_look(&c->dtags, line);
  if (hit == CACHE_HIT_OUTRUN) {
    report_guest(&c->sim->report, GUEST_DATA_STALE, line,
                 "0x%08x is read from the D-cache, but the flash changed since",
                 (unsigned)addr);
  }
  if (hit != CACHE_MISS) return;
  cpu_sync_time(c);
  cpu_spend(c, c->ports.window_cost(c->ports.ctx, line, CACHE_LINE));
}

// Unicorn reports its translator's reads of code like reads of data. They come when PC
// is at a block that has not been begun; cpu_window_fetch charges for it then.
bool cpu_is_translation(const struct cpu *c, uint32_t addr) {
  const uint32_t pc = reg_get(c, UC_ARM_REG_PC) & ~1u;
  return pc != c->block_addr && addr - pc < PAGE_BYTES;
}

static void on_window_read(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                           int64_t value, void *user) {
  (void)uc, (void)type, (void)value;
  if (cpu_is_translation(user, (uint32_t)addr)) return;
  charge_read(user, (uint32_t)addr, (unsigned)bytes);
}

static void charge_fetch(struct cpu *c, uint32_t addr, uint32_t size) {
  cpu_sync_time(c);
  cpu_spend(c, c->ports.window_cost(c->ports.ctx, addr, size));
}

// Instruction fetches from the window go through the I-cache, if it is on.
void cpu_window_fetch(struct cpu *c, uint32_t addr, uint32_t size) {
  if (!scs_icache_on(c->scs)) {
    charge_fetch(c, addr, size);
    return;
  }
  const uint32_t end = addr + size;
  for (uint32_t line = addr & ~(uint32_t)(CACHE_LINE - 1); line < end;
       line += CACHE_LINE) {
    const enum cache_hit hit = cpu_tags_look(&c->itags, line);
    if (hit == CACHE_HIT_OUTRUN) {
      report_guest(&c->sim->report, GUEST_CODE_STALE, line,
                   "code at 0x%08x runs from the I-cache, but the flash changed since",
                   (unsigned)addr);
    }
    if (hit == CACHE_MISS) charge_fetch(c, line, CACHE_LINE);
  }
}

static uint64_t on_callback_read(uc_engine *uc, uint64_t offset, unsigned bytes,
                                 void *user) {
  (void)uc;
  struct cpu *c = user;
  cpu_sync_time(c);
  const uint32_t addr = window_region(c)->def.base + (uint32_t)offset;
  if (!cpu_is_translation(c, addr)) charge_read(c, addr, bytes);
  return c->ports.window_read(c->ports.ctx, addr, bytes);
}

static void on_callback_write(uc_engine *uc, uint64_t offset, unsigned bytes,
                              uint64_t value, void *user) {
  (void)uc, (void)bytes, (void)value;
  const struct cpu *c = user;
  report_guest(&c->sim->report, GUEST_BUS_ERROR, 0x90000000u + (uint32_t)offset,
               "store into the memory-mapped flash");
}

// Hooks are compiled into translated code: everything translated before must go.
static void hook_reads(struct cpu *c, const struct region_state *r) {
  if (c->window_hooked) return;
  c->window_hooked = true;
  uc_hook_add(c->uc, &c->window_hook, UC_HOOK_MEM_READ,
              (void *)(uintptr_t)on_window_read, c, r->def.base,
              r->def.base + (uint64_t)r->def.size - 1);
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    uc_ctl_remove_cache(c->uc, (uint64_t)def->base, (uint64_t)def->base + def->size);
  }
}

static void unmap(struct cpu *c, const struct region_state *r) {
  uc_mem_unmap(c->uc, r->def.base, r->def.size);
}

static void map_bytes(struct cpu *c, struct region_state *r, uint32_t rights) {
  uc_mem_map_ptr(c->uc, r->def.base, r->def.size, UC_PROT_READ | UC_PROT_EXEC,
                 r->def.bytes);
  uc_mem_protect(c->uc, r->def.base, r->def.size, rights);
}

void cpu_data_changed(struct cpu *c, uint32_t addr, uint32_t size) {
  cpu_tags_outrun(&c->dtags, addr, size);
  cpu_tags_outrun(&c->itags, addr, size);
}

// What the controller offers, unless the MPU forbids the window (as a whole: regions
// that cover parts of it are not told apart).
enum cpu_window cpu_window_now(struct cpu *c) {
  const struct region_state *r = window_region(c);
  if (!r || c->window_wanted == CPU_WINDOW_OFF) return CPU_WINDOW_OFF;
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, r->def.base, true);
  return a.readable ? c->window_wanted : CPU_WINDOW_OFF;
}

void cpu_apply_window(struct cpu *c) {
  struct region_state *r = window_region(c);
  if (!r) return;
  if (c->window == CPU_WINDOW_CALLBACK) {
    unmap(c, r);
    map_bytes(c, r, UC_PROT_NONE);
    r->access = CPU_ACCESS_FAULT;
    r->shut = true;
  }
  c->window = cpu_window_now(c);
  switch (c->window) {
    case CPU_WINDOW_OFF: r->wanted = CPU_ACCESS_FAULT; break;
    case CPU_WINDOW_DIRECT:
      r->wanted = CPU_ACCESS_NORMAL;
      hook_reads(c, r);
      uc_ctl_remove_cache(c->uc, (uint64_t)r->def.base,
                          (uint64_t)r->def.base + r->def.size);
      break;
    case CPU_WINDOW_CALLBACK:
      unmap(c, r);
      uc_mmio_map(c->uc, r->def.base, r->def.size, on_callback_read, c,
                  on_callback_write, c);
      r->access = r->wanted = CPU_ACCESS_NORMAL;
      r->shut = false;
      break;
  }
}

// A read in the very block whose store has opened the window: what the controller
// offers is applied between blocks only, so this one gets the region's own bytes. They
// are the right ones but for a controller that does not read the array linearly.
bool cpu_window_opens(struct cpu *c, const struct region_state *r, uint32_t addr,
                      unsigned bytes) {
  const enum cpu_window mode = cpu_window_now(c);
  if (!c->memory_changed || mode == CPU_WINDOW_OFF) return false;
  charge_read(c, addr, bytes);
  if (mode == CPU_WINDOW_DIRECT) return true;
  const uint32_t value = c->ports.window_read(c->ports.ctx, addr, bytes);
  if (!memcmp(&value, r->def.bytes + (addr - r->def.base), bytes)) return true;
  report_unimplemented(&c->sim->report, addr,
                       "window read in the block that opens it, not linear");
  return true;
}

void cpu_set_window(struct cpu *c, enum cpu_window mode) {
  c->window_wanted = mode;
  c->memory_changed = true;
  cpu_attention(c);
}
