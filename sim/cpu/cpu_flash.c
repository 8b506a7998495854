// SPDX-License-Identifier: MIT
// Internal flash behind caches: the core's own on the AXI bus, the ART accelerator on
// the ITCM bus. A program or erase changes neither, so what they hold of the bytes is
// old until somebody invalidates it (RM0410 3.3.2; ARTRST for the accelerator).
//
// Data: tags of the lines that were read, as many as fit. Code: a line counts as held
// once code of it has run, for as long as its cache is not invalidated after the
// change. Reported once per line; the core sees the new bytes, which silicon would not.
//
// Looking at loads costs a quarter of the speed, so it begins when a cache is on.
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"

static bool is_flash(const struct region_state *r) {
  return r->def.kind == CPU_FLASH || r->def.kind == CPU_FLASH_ITCM;
}

void cpu_flash_init(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *r = &c->regions[i];
    if (!is_flash(r)) continue;
    r->held = calloc(r->def.size / CACHE_LINE + 2, 1);
    r->outrun = calloc(r->def.size / CACHE_LINE, 1);
    if (!r->held || !r->outrun) abort();
  }
}

static void forget_outrun(struct region_state *r) {
  if (r->outrun_count) memset(r->outrun, 0, r->def.size / CACHE_LINE);
  r->outrun_count = 0;
}

static void forget_all(struct cpu *c, enum cpu_region_kind kind) {
  for (size_t i = 0; i < c->region_count; i++) {
    if (c->regions[i].def.kind == kind) forget_outrun(&c->regions[i]);
  }
}

void cpu_flash_reset(struct cpu *c) {
  c->art_on = false;
  cpu_art_reset(c);
  forget_all(c, CPU_FLASH);
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *r = &c->regions[i];
    if (is_flash(r)) memset(r->held, 0, r->def.size / CACHE_LINE);
  }
  memset(c->decoded, 0, DECODE_SLOTS * sizeof *c->decoded);
}

void cpu_art(struct cpu *c, bool on) {
  c->art_on = on;
  c->memory_changed = true;
  cpu_attention(c);
}

void cpu_art_reset(struct cpu *c) {
  cpu_tags_clear(&c->arttags);
  forget_all(c, CPU_FLASH_ITCM);
}

static void forget_line(struct region_state *r, uint32_t line) {
  r->outrun_count -= r->outrun[line];
  r->outrun[line] = 0;
}

void cpu_flash_icache(struct cpu *c, bool all, uint32_t addr) {
  if (all) {
    forget_all(c, CPU_FLASH);
    return;
  }
  struct region_state *r = cpu_region_at(c, addr);
  if (r && r->def.kind == CPU_FLASH) forget_line(r, (addr - r->def.base) / CACHE_LINE);
}

// --- what has changed ------------------------------------------------------------

static bool code_is_cached(const struct cpu *c, const struct region_state *r) {
  return r->def.kind == CPU_FLASH ? scs_icache_on(c->scs) : c->art_on;
}

static void outrun_code(struct cpu *c, struct region_state *r, uint32_t from,
                        uint32_t to) {
  if (!code_is_cached(c, r)) return;
  for (uint32_t line = from / CACHE_LINE; line <= (to - 1) / CACHE_LINE; line++) {
    if (!r->held[line] || r->outrun[line]) continue;
    r->outrun[line] = 1;
    r->outrun_count++;
  }
}

// Code that ran at an address is held of it, whichever bank lies there now.
static void exchange(struct cpu *c, struct region_state *a, struct region_state *b) {
  uint8_t *held = a->held;
  a->held = b->held;
  b->held = held;
  forget_outrun(a);
  forget_outrun(b);
  outrun_code(c, a, 0, a->def.size);
  outrun_code(c, b, 0, b->def.size);
}

void cpu_flash_exchange(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *a = &c->regions[i];
    if (!is_flash(a) || a->wanted_base == a->def.base) continue;
    cpu_tags_outrun(&c->dtags, a->def.base, a->def.size);
    cpu_tags_outrun(&c->arttags, a->def.base, a->def.size);
    struct region_state *b = cpu_region_at(c, a->wanted_base);
    if (b && b > a) exchange(c, a, b);
  }
}

void cpu_flash_changed(struct cpu *c, uint32_t addr, uint32_t size) {
  cpu_code_changed(c, addr, size);
  cpu_tags_outrun(&c->dtags, addr, size);
  cpu_tags_outrun(&c->arttags, addr, size);
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *r = &c->regions[i];
    const uint32_t end = r->def.base + r->def.size;
    const uint32_t from = addr > r->def.base ? addr : r->def.base;
    const uint32_t to = addr + size < end ? addr + size : end;
    if (is_flash(r) && from < to)
      outrun_code(c, r, from - r->def.base, to - r->def.base);
  }
}

// --- what is used of it ----------------------------------------------------------

static bool data_is_cached(struct cpu *c, const struct region_state *r, uint32_t addr) {
  if (r->def.kind == CPU_FLASH_ITCM) return c->art_on;
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, addr, true);
  return scs_dcache_on(c->scs) && a.type == MPU_NORMAL && a.cacheable;
}

static void on_read(uc_engine *uc, uc_mem_type type, uint64_t addr64, int bytes,
                    int64_t value, void *user) {
  (void)uc, (void)type, (void)bytes, (void)value;
  struct cpu *c = user;
  const uint32_t addr = (uint32_t)addr64;
  const struct region_state *r = cpu_region_at(c, addr);
  if (!r || !is_flash(r) || cpu_is_translation(c, addr)) return;
  if (!data_is_cached(c, r, addr)) return;
  const bool itcm = r->def.kind == CPU_FLASH_ITCM;
  if (cpu_tags_look(itcm ? &c->arttags : &c->dtags, addr) != CACHE_HIT_OUTRUN) return;
  report_guest(&c->sim->report, GUEST_DATA_STALE, addr & ~(uint32_t)(CACHE_LINE - 1),
               "0x%08x is read from the %s, but the flash changed since",
               (unsigned)addr, itcm ? "ART accelerator" : "D-cache");
}

// From the first to the last byte of a kind: each hook costs every load.
static void hook_kind(struct cpu *c, enum cpu_region_kind kind) {
  uint32_t first = UINT32_MAX, last = 0;
  uc_hook hook;
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    if (def->kind != kind) continue;
    if (def->base < first) first = def->base;
    if (def->base + (def->size - 1) > last) last = def->base + (def->size - 1);
  }
  if (first > last) return;
  uc_hook_add(c->uc, &hook, UC_HOOK_MEM_READ, (void *)(uintptr_t)on_read, c, first,
              last);
}

// Hooks are compiled into translated code: everything translated before must go.
void cpu_flash_watch(struct cpu *c) {
  if (c->flash_watched || (!scs_dcache_on(c->scs) && !c->art_on)) return;
  c->flash_watched = true;
  hook_kind(c, CPU_FLASH);
  hook_kind(c, CPU_FLASH_ITCM);
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    uc_ctl_remove_cache(c->uc, (uint64_t)def->base, (uint64_t)def->base + def->size);
  }
}

void cpu_flash_check_code(struct cpu *c, struct region_state *r,
                          const struct decoded *d) {
  if (!r->outrun_count || !code_is_cached(c, r)) return;
  const uint32_t from = (d->addr - r->def.base) / CACHE_LINE;
  const uint32_t to = (d->addr + d->size - 1 - r->def.base) / CACHE_LINE;
  for (uint32_t line = from; line <= to && line < r->def.size / CACHE_LINE; line++) {
    if (!r->outrun[line]) continue;
    forget_line(r, line);
    report_guest(&c->sim->report, GUEST_CODE_STALE, r->def.base + line * CACHE_LINE,
                 "code at 0x%08x runs from the %s, but the flash changed since",
                 (unsigned)d->addr,
                 r->def.kind == CPU_FLASH_ITCM ? "ART accelerator" : "I-cache");
  }
}
