// SPDX-License-Identifier: MIT
// Other bus masters and the D-cache. A master reads main memory, not what the CPU has
// written and not cleaned; and what it writes the CPU may not see before the line has
// been invalidated. The cache may fill a line at any time (the core reads normal memory
// speculatively), so only an invalidate after the master's last write helps.
//
// What is mended along with the report: dirty lines are cleaned, and loads return
// what the master wrote. On a chip that depends on what was evicted.
//
// Looking at loads costs time, so it begins when a master first writes cached memory.
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"

static bool is_ram(const struct region_state *r) {
  return r->def.kind == CPU_RAM || r->def.kind == CPU_RAM_TCM;
}

void cpu_dma_init(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    const struct region_state *r = &c->regions[i];
    if (r->def.kind != CPU_RAM || c->dma_lines) continue;
    c->dma_lines = calloc(r->def.size / CACHE_LINE, 1);
    if (!c->dma_lines) abort();
  }
}

void cpu_dma_free(struct cpu *c) {
  free(c->dma_lines);
}

static const struct region_state *cached_ram(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    if (c->regions[i].def.kind == CPU_RAM) return &c->regions[i];
  }
  return NULL;
}

void cpu_dma_reset(struct cpu *c) {
  const struct region_state *ram = cached_ram(c);
  if (!ram || !c->dma_marked) return;
  memset(c->dma_lines, 0, ram->def.size / CACHE_LINE);
  c->dma_marked = 0;
}

void cpu_dma_invalidated(struct cpu *c, uint32_t offset) {
  if (!c->dma_marked || !c->dma_lines[offset / CACHE_LINE]) return;
  c->dma_lines[offset / CACHE_LINE] = 0;
  c->dma_marked--;
}

// --- loads -----------------------------------------------------------------------

static bool is_cached(struct cpu *c, uint32_t addr) {
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, addr, true);
  return scs_dcache_on(c->scs) && a.type == MPU_NORMAL && a.cacheable;
}

static void on_load(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                    int64_t value, void *user) {
  (void)uc, (void)type, (void)bytes, (void)value;
  struct cpu *c = user;
  uint32_t offset;
  if (!c->dma_marked || !cpu_cache_line(c, (uint32_t)addr, &offset)) return;
  if (!c->dma_lines[offset / CACHE_LINE] || !is_cached(c, (uint32_t)addr)) return;
  cpu_dma_invalidated(c, offset);
  report_guest(&c->sim->report, GUEST_DMA_STALE, (uint32_t)addr,
               "0x%08x is read: DMA wrote it and the D-cache was not invalidated since",
               (unsigned)addr);
}

// Hooks are compiled into translated code: everything translated before must go.
void cpu_dma_watch(struct cpu *c) {
  const struct region_state *ram = cached_ram(c);
  if (c->dma_watched || !c->dma_marked || !ram) return;
  c->dma_watched = true;
  uc_hook_add(c->uc, &c->dma_hook, UC_HOOK_MEM_READ, (void *)(uintptr_t)on_load, c,
              ram->def.base, ram->def.base + (uint64_t)ram->def.size - 1);
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    uc_ctl_remove_cache(c->uc, (uint64_t)def->base, (uint64_t)def->base + def->size);
  }
}

static void mark(struct cpu *c, uint32_t offset) {
  if (c->dma_lines[offset / CACHE_LINE]) return;
  c->dma_lines[offset / CACHE_LINE] = 1;
  c->dma_marked++;
  if (c->dma_watched) return;
  c->memory_changed = true;
  cpu_attention(c);
}

// --- the masters' accesses -------------------------------------------------------

// The bytes of [addr, addr + size) in one line of cached RAM are dirty: reported, and
// cleaned.
static void check_dirty(struct cpu *c, uint32_t addr, uint32_t size, const char *what) {
  uint32_t offset;
  if (!cpu_cache_line(c, addr, &offset) || !cpu_is_write_back(c, addr)) return;
  const uint32_t at = offset + addr % CACHE_LINE;
  if (!memcmp(c->cached_ram + at, c->main_memory + at, size)) return;
  report_guest(&c->sim->report, GUEST_DMA_NOT_CLEAN, addr & ~(uint32_t)(CACHE_LINE - 1),
               "DMA %s 0x%08x, but its line is dirty in the D-cache", what,
               (unsigned)addr);
  cpu_clean_line(c, offset);
}

// The end of the line of `addr`, at most `end`.
static uint32_t line_end(uint32_t addr, uint32_t end) {
  const uint32_t next = (addr & ~(uint32_t)(CACHE_LINE - 1)) + CACHE_LINE;
  return next < end ? next : end;
}

// The region that holds all of it, or NULL.
static struct region_state *whole_region(struct cpu *c, uint32_t addr, uint32_t size) {
  struct region_state *r = cpu_region_at(c, addr);
  return r && size <= r->def.size - (addr - r->def.base) ? r : NULL;
}

bool cpu_dma_read(struct cpu *c, uint32_t addr, void *to, uint32_t size) {
  const struct region_state *r = whole_region(c, addr, size);
  if (!r || r->def.kind == CPU_WINDOW) return false;
  if (r->def.kind == CPU_RAM) {
    const uint32_t end = addr + size;
    for (uint32_t at = addr; at < end; at = line_end(at, end))
      check_dirty(c, at, line_end(at, end) - at, "reads");
  }
  memcpy(to, r->def.bytes + (addr - r->def.base), size);
  return true;
}

static void write_line(struct cpu *c, uint32_t addr, const uint8_t *from,
                       uint32_t size) {
  uint32_t offset;
  if (!cpu_cache_line(c, addr, &offset)) return;
  // The whole line: written back, it takes what the master wrote with it.
  check_dirty(c, addr & ~(uint32_t)(CACHE_LINE - 1), CACHE_LINE, "writes");
  memcpy(c->main_memory + offset + addr % CACHE_LINE, from, size);
  if (is_cached(c, addr)) mark(c, offset);
}

bool cpu_dma_write(struct cpu *c, uint32_t addr, const void *from, uint32_t size) {
  struct region_state *r = whole_region(c, addr, size);
  if (!r || !is_ram(r)) return false;
  if (!size) return true;
  if (r->def.kind == CPU_RAM) {
    const uint8_t *bytes = from;
    const uint32_t end = addr + size;
    for (uint32_t at = addr; at < end; at = line_end(at, end))
      write_line(c, at, bytes + (at - addr), line_end(at, end) - at);
  }
  memcpy(r->def.bytes + (addr - r->def.base), from, size);
  if (cpu_has_code(r, addr, size)) cpu_code_changed(c, addr, size);
  return true;
}
