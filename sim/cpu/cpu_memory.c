// SPDX-License-Identifier: MIT
// Memory as Unicorn sees it: regions, their access changes, code that changed
// behind its back. Changes are only noted where they happen and applied between
// runs: Unicorn must not be stopped, nor its mappings cut, inside a callback.
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"

enum { PAGE = 4096 };

static void must(uc_err error, const char *what) {
  if (error == UC_ERR_OK) return;
  fprintf(stderr, "CPU emulator: %s: %s\n", what, uc_strerror(error));
  abort();
}

struct region_state *cpu_region_at(struct cpu *c, uint32_t addr) {
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    if (addr - def->base < def->size) return &c->regions[i];
  }
  return NULL;
}

static bool is_ram(const struct region_state *r) {
  return r->def.kind == CPU_RAM || r->def.kind == CPU_RAM_TCM;
}

static bool is_wanted(const struct region_state *r, enum cpu_access access) {
  return r->wanted == access;
}

uint32_t cpu_load32(struct cpu *c, uint32_t addr) {
  struct region_state *r = cpu_region_at(c, addr);
  if (!r || addr - r->def.base > r->def.size - 4) {
    report_guest(&c->sim->report, GUEST_BUS_ERROR, addr,
                 "vector or stack read from 0x%08x, where no memory is",
                 (unsigned)addr);
    return 0;
  }
  if (is_wanted(r, CPU_ACCESS_STALL)) cpu_stall(c, r, addr, true);
  uint32_t value;
  memcpy(&value, r->def.bytes + (addr - r->def.base), sizeof value);
  return value;
}

bool cpu_is_memory(struct cpu *c, uint32_t addr, uint32_t size) {
  const struct region_state *r = cpu_region_at(c, addr);
  return r && size <= r->def.size - (addr - r->def.base);
}

// The half-word of code at `addr`, 0 where no memory is.
uint16_t cpu_code16(struct cpu *c, uint32_t addr) {
  const struct region_state *r = cpu_region_at(c, addr);
  uint16_t half = 0;
  if (r && addr - r->def.base <= r->def.size - 2) {
    memcpy(&half, r->def.bytes + (addr - r->def.base), sizeof half);
  }
  return half;
}

bool cpu_is_ram(struct cpu *c, uint32_t addr, uint32_t size) {
  const struct region_state *r = cpu_region_at(c, addr);
  return r && is_ram(r) && size <= r->def.size - (addr - r->def.base);
}

void cpu_store32(struct cpu *c, uint32_t addr, uint32_t value) {
  const struct region_state *r = cpu_region_at(c, addr);
  if (!r || !is_ram(r) || addr - r->def.base > r->def.size - 4) {
    report_guest(&c->sim->report, GUEST_BUS_ERROR, addr,
                 "exception frame at 0x%08x, where no RAM is", (unsigned)addr);
    return;
  }
  memcpy(r->def.bytes + (addr - r->def.base), &value, sizeof value);
}

static void map_region(struct cpu *c, struct region_state *r) {
  const struct cpu_region *def = &r->def;
  const uint32_t rights = is_ram(r) ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC;
  must(uc_mem_map_ptr(c->uc, def->base, def->size, rights, def->bytes), def->name);
  // Without this second call stores to read-only memory are not trapped.
  if (!is_ram(r)) must(uc_mem_protect(c->uc, def->base, def->size, rights), def->name);
}

// --- code that was translated ---

static void init_code(struct region_state *r) {
  if (!is_ram(r) && r->def.kind != CPU_FLASH) return;
  // One line more: a block at the end is rounded up.
  r->ran = calloc(r->def.size / CACHE_LINE + 2, 1);
  if (!r->ran) abort();
}

void cpu_note_code(const struct region_state *r, uint32_t addr, uint32_t size) {
  if (!r->ran) return;
  memset(r->ran + (addr - r->def.base) / CACHE_LINE, 1, size / CACHE_LINE + 2);
}

// Whether Unicorn may hold code of these bytes, which lie in one region.
bool cpu_has_code(const struct region_state *r, uint32_t addr, uint32_t size) {
  if (!r->ran) return true;
  const uint32_t first = (addr - r->def.base) / CACHE_LINE;
  const uint32_t last = (addr + size - 1 - r->def.base) / CACHE_LINE;
  return memchr(r->ran + first, 1, last - first + 1) != NULL;
}

// --- the map ---

void cpu_map_regions(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *r = &c->regions[i];
    init_code(r);
    map_region(c, r);
    if (is_ram(r)) cpu_stores_init(c, r);
    // Nothing answers there until the controller maps it (cpu_set_window).
    if (r->def.kind == CPU_WINDOW) r->wanted = CPU_ACCESS_FAULT;
  }
  c->memory_changed = true;
}

static uint64_t on_mmio_read(uc_engine *uc, uint64_t offset, unsigned bytes,
                             void *user) {
  (void)uc;
  const struct mmio_span *span = user;
  cpu_sync_time(span->cpu);
  if (!span->cpu->powered) return 0;
  return bus_mmio_read(&span->cpu->sim->bus, span->base + (uint32_t)offset, bytes);
}

static void on_mmio_write(uc_engine *uc, uint64_t offset, unsigned bytes,
                          uint64_t value, void *user) {
  (void)uc;
  const struct mmio_span *span = user;
  cpu_sync_time(span->cpu);
  if (!span->cpu->powered) return;  // cut in the events that were due
  bus_mmio_write(&span->cpu->sim->bus, span->base + (uint32_t)offset, bytes,
                 (uint32_t)value);
}

static void map_span(struct cpu *c, uint32_t base, uint32_t end) {
  if (c->span_count == CPU_MAX_SPANS) abort();
  struct mmio_span *span = &c->spans[c->span_count++];
  *span = (struct mmio_span){.cpu = c, .base = base, .size = end - base};
  must(uc_mmio_map(c->uc, base, end - base, on_mmio_read, span, on_mmio_write, span),
       "register space");
}

// Every page that holds a register block. What is not mapped faults, as the bus does.
// Neighbours are one mapping, but blocks of whole pages have their own: one of them may
// be closed by the MPU and the next one not (FMC and QUADSPI).
void cpu_map_devices(struct cpu *c) {
  const struct bus *bus = &c->sim->bus;
  uint32_t base = 0, end = 0;
  bool whole_pages = false;
  for (size_t i = 0; i < bus->device_count; i++) {
    const struct bus_device *d = &bus->devices[i];
    const uint32_t first = d->base & ~(uint32_t)(PAGE - 1);
    const uint32_t last = (d->base + d->size + PAGE - 1) & ~(uint32_t)(PAGE - 1);
    const bool apart = first == end && (whole_pages || d->size >= PAGE);
    if (first > end || apart) {
      if (end) map_span(c, base, end);
      base = first;
    }
    whole_pages = d->size >= PAGE;
    if (last > end) end = last;
  }
  if (end) map_span(c, base, end);
}

// Noted; applied before the next block. Only what changes Unicorn's mappings or its
// translated code has to wait until it has ended.
static void memory_changed(struct cpu *c, bool outside) {
  c->memory_changed = true;
  c->deadline = 0;
  if (outside) cpu_attention(c);
}

void cpu_set_access(struct cpu *c, uint32_t addr, enum cpu_access access) {
  struct region_state *r = cpu_region_at(c, addr);
  if (!r || r->wanted == access) return;
  if (r->wanted == CPU_ACCESS_FAULT) c->opened = true;
  const bool free_flash = r->def.kind == CPU_FLASH && access == CPU_ACCESS_NORMAL;
  r->wanted = access;
  memory_changed(c, !free_flash && !(r->shut && access == CPU_ACCESS_STALL));
}

void cpu_code_changed(struct cpu *c, uint32_t addr, uint32_t size) {
  const struct region_state *r = cpu_region_at(c, addr);
  const bool whole = r && size <= r->def.size - (addr - r->def.base);
  const bool translated = !whole || cpu_has_code(r, addr, size);
  memory_changed(c, translated);
  if (!translated) return;
  for (size_t i = 0; i < c->stale_count; i++) {
    // Growing the nearest range is cheaper than keeping many.
    const uint32_t base = c->stale[i].base, end = c->stale[i].end;
    if ((addr ^ base) >> 21) continue;
    c->stale[i].base = addr < base ? addr : base;
    c->stale[i].end = addr + size > end ? addr + size : end;
    return;
  }
  if (c->stale_count == sizeof c->stale / sizeof *c->stale) abort();
  c->stale[c->stale_count].base = addr;
  c->stale[c->stale_count++].end = addr + size;
}

void cpu_grant(struct cpu *c, struct region_state *r) {
  const uint32_t rights = is_ram(r) ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC;
  must(uc_mem_protect(c->uc, r->def.base, r->def.size, rights), r->def.name);
  r->access = CPU_ACCESS_NORMAL;
  r->shut = false;
  r->lent_count = 0;
}

// A read of flash that is free again but still shut: Unicorn lets it pass, and
// remembers the page as readable until that is taken back.
void cpu_lend(struct cpu *c, struct region_state *r, uint32_t addr) {
  if (r->lent_count == MAX_LENT) {
    cpu_grant(c, r);
  } else {
    r->lent[r->lent_count++] = addr & ~(uint32_t)(PAGE - 1);
  }
}

// Rights are looked at when a page is first read, and then remembered: without this
// pages that were read before could still be read. (Version 2.0.1 lacks the call, and
// has another under its name: it would drop all translated code.)
#if UC_VERSION_MAJOR == 2 && UC_VERSION_MINOR == 0 && UC_VERSION_PATCH == 1
void tcg_flush_softmmu_tlb_arm(uc_engine *uc);
void *qemu_get_cpu_arm(uc_engine *uc, int index);
void tlb_flush_page_arm(void *cpu, uint32_t addr);

static void forget_pages(struct cpu *c) {
  tcg_flush_softmmu_tlb_arm(c->uc);
}

// Its only CPU never gets a number: that is -1.
static void forget_page(struct cpu *c, uint32_t addr) {
  tlb_flush_page_arm(qemu_get_cpu_arm(c->uc, -1), addr);
}
#else
static void forget_pages(struct cpu *c) {
  uc_ctl_flush_tlb(c->uc);
}

static void forget_page(struct cpu *c, uint32_t addr) {
  (void)addr;
  forget_pages(c);
}
#endif

static void take_back(struct cpu *c, struct region_state *r) {
  for (unsigned i = 0; i < r->lent_count; i++)
    forget_page(c, r->lent[i]);
  r->lent_count = 0;
}

static void shut(struct cpu *c, struct region_state *r) {
  must(uc_mem_protect(c->uc, r->def.base, r->def.size, UC_PROT_NONE), r->def.name);
  forget_pages(c);
  r->shut = true;
}

static void apply_access(struct cpu *c, struct region_state *r) {
  if (r->wanted == r->access) return;
  r->access = r->wanted;
  if (r->access == CPU_ACCESS_NORMAL) {
    // Flash that is programmed word by word is read little in between.
    if (r->def.kind != CPU_FLASH) cpu_grant(c, r);
  } else if (r->shut) {
    take_back(c, r);
  } else {
    shut(c, r);
  }
}

// Blocks translated earlier run on whatever the rights are now, so fetches from
// a region with a special state are checked at each block.
static void note_special(struct cpu *c) {
  c->special = 0;
  for (size_t i = 0; i < c->region_count; i++) {
    const struct region_state *r = &c->regions[i];
    const bool cached = r->def.kind == CPU_RAM && (c->scs->ccr & (3u << 16));
    if (r->wanted != CPU_ACCESS_NORMAL || r->def.kind == CPU_WINDOW || cached) {
      c->special |= 1u << (r->def.base >> 28);
    }
  }
}

// What lies where the application's vector table should be is one only if its stack
// is in RAM and its reset handler behind it in flash.
static void find_application(struct cpu *c) {
  const uint32_t vectors = c->ports.app_vectors;
  const struct region_state *r = vectors ? cpu_region_at(c, vectors) : NULL;
  uint32_t v[2];
  c->app_entry = 1;
  if (!r || c->app_seen) return;
  memcpy(v, r->def.bytes + (vectors - r->def.base), sizeof v);
  const struct region_state *code = cpu_region_at(c, v[1]);
  const bool in_flash = v[1] > vectors && code && code->def.kind == CPU_FLASH;
  if (v[0] >> 28 == 2 && v[0] % 4 == 0 && in_flash) c->app_entry = v[1] & ~1u;
}

void cpu_apply_memory(struct cpu *c) {
  c->memory_changed = false;
  find_application(c);
  if (c->window != cpu_window_now(c)) cpu_apply_window(c);
  for (size_t i = 0; i < c->region_count; i++)
    apply_access(c, &c->regions[i]);
  for (size_t i = 0; i < c->stale_count; i++) {
    uc_ctl_remove_cache(c->uc, (uint64_t)c->stale[i].base, (uint64_t)c->stale[i].end);
  }
  c->stale_count = 0;
  cpu_dma_watch(c);
  note_special(c);
}

void cpu_stall(struct cpu *c, struct region_state *r, uint32_t addr, bool fetch) {
  const vtime_t end = c->ports.stall_end(c->ports.ctx, addr, fetch);
  if (end > cpu_time(c)) c->ticks = cpu_ticks_at(c, end);
  cpu_sync_time(c);
  r->wanted = CPU_ACCESS_NORMAL;
}
