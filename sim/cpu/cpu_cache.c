// SPDX-License-Identifier: MIT
// What the caches would hold, kept only as far as it catches mistakes.
//
// Unicorn's memory is what the core's loads and stores see. For RAM behind the
// caches two more copies are kept: main memory (what has been cleaned out of the
// D-cache) and the I-cache's lines. Code is run only if all three agree. The
// I-cache is taken as unbounded, which is stricter than 16 KB.
//
// A block that was found good is marked with the I-cache's generation. As long as
// that stands, comparing RAM with the I-cache's copy is enough: main memory changes
// only by taking over what RAM holds.
#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

enum {
  D_SETS = 128,  // 16 KB, 4 ways, 32-byte lines (Cortex-M7 TRM 5.1)
  D_WAYS = 4,
  I_SETS = 256,  // 16 KB, 2 ways
  I_WAYS = 2,
  ART_SETS = 16,  // 64 lines (RM0410 3.3.2), their arrangement is assumed
  ART_WAYS = 4,
};

static struct region_state *cached_ram(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    if (c->regions[i].def.kind == CPU_RAM) return &c->regions[i];
  }
  return NULL;
}

static void tags_init(struct cache_tags *t, unsigned sets, unsigned ways) {
  *t = (struct cache_tags){.sets = sets, .ways = ways};
  t->line = calloc(sets * ways, sizeof *t->line);
  t->next = calloc(sets, sizeof *t->next);
  if (!t->line || !t->next) abort();
}

void cpu_tags_clear(struct cache_tags *t) {
  memset(t->line, 0, t->sets * t->ways * sizeof *t->line);
  memset(t->next, 0, t->sets);
}

static uint32_t tag_of(uint32_t addr) {
  return (addr & ~(uint32_t)(CACHE_LINE - 1)) | TAG_VALID;
}

// Where the line of `addr` is held, or NULL.
static uint32_t *tags_find(struct cache_tags *t, uint32_t addr) {
  uint32_t *line = &t->line[(addr / CACHE_LINE) % t->sets * t->ways];
  for (unsigned way = 0; way < t->ways; way++) {
    if ((line[way] & ~(uint32_t)TAG_OUTRUN) == tag_of(addr)) return &line[way];
  }
  return NULL;
}

// A line that is not held takes the place of the oldest. One that was outrun tells so
// once, and counts as fetched again.
enum cache_hit cpu_tags_look(struct cache_tags *t, uint32_t addr) {
  uint32_t *line = tags_find(t, addr);
  if (line) {
    const bool outrun = *line & TAG_OUTRUN;
    *line &= ~(uint32_t)TAG_OUTRUN;
    return outrun ? CACHE_HIT_OUTRUN : CACHE_HIT;
  }
  const unsigned set = (addr / CACHE_LINE) % t->sets;
  t->line[set * t->ways + t->next[set]] = tag_of(addr);
  t->next[set] = (uint8_t)((t->next[set] + 1u) % t->ways);
  return CACHE_MISS;
}

void cpu_tags_outrun(struct cache_tags *t, uint32_t addr, uint32_t size) {
  for (unsigned i = 0; i < t->sets * t->ways; i++) {
    const bool inside = (t->line[i] & ~(uint32_t)(CACHE_LINE - 1)) - addr < size;
    if ((t->line[i] & TAG_VALID) && inside) t->line[i] |= TAG_OUTRUN;
  }
}

static void tags_drop(struct cache_tags *t, uint32_t addr) {
  uint32_t *line = tags_find(t, addr);
  if (line) *line = 0;
}

void cpu_cache_init(struct cpu *c) {
  cpu_dma_init(c);
  tags_init(&c->dtags, D_SETS, D_WAYS);
  tags_init(&c->itags, I_SETS, I_WAYS);
  tags_init(&c->arttags, ART_SETS, ART_WAYS);
  cpu_flash_init(c);
  const struct region_state *ram = cached_ram(c);
  if (!ram) return;
  c->cached_ram = ram->def.bytes;
  c->icache_generation = 1;
  c->main_memory = malloc(ram->def.size);
  c->icache_bytes = malloc(ram->def.size);
  c->icache_valid = calloc(ram->def.size / CACHE_LINE, 1);
  if (!c->main_memory || !c->icache_bytes || !c->icache_valid) abort();
}

void cpu_cache_free(struct cpu *c) {
  free(c->dtags.line);
  free(c->dtags.next);
  free(c->itags.line);
  free(c->itags.next);
  free(c->arttags.line);
  free(c->arttags.next);
  free(c->main_memory);
  free(c->icache_bytes);
  free(c->icache_valid);
  cpu_dma_free(c);
}

void cpu_cache_reset(struct cpu *c) {
  cpu_dma_reset(c);
  cpu_tags_clear(&c->dtags);
  cpu_tags_clear(&c->itags);
  cpu_flash_reset(c);
  memset(c->set_ways, 0, sizeof c->set_ways);
  const struct region_state *ram = cached_ram(c);
  if (ram) memset(c->icache_valid, 0, ram->def.size / CACHE_LINE);
  c->icache_generation++;
}

// The RAM line that holds `addr` as an offset, or false when it is elsewhere.
bool cpu_cache_line(struct cpu *c, uint32_t addr, uint32_t *offset) {
  const struct region_state *ram = cached_ram(c);
  if (!ram || addr - ram->def.base >= ram->def.size) return false;
  *offset = (addr - ram->def.base) & ~(uint32_t)(CACHE_LINE - 1);
  return true;
}

void cpu_clean_line(struct cpu *c, uint32_t offset) {
  const struct region_state *ram = cached_ram(c);
  memcpy(c->main_memory + offset, ram->def.bytes + offset, CACHE_LINE);
}

// Stores to write-through or uncached memory reach main memory by themselves.
bool cpu_is_write_back(struct cpu *c, uint32_t addr) {
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, addr, true);
  return scs_dcache_on(c->scs) && a.type == MPU_NORMAL && a.cacheable && a.write_back;
}

static void drop_line(struct cpu *c, uint32_t offset) {
  cpu_dma_invalidated(c, offset);
  const struct region_state *ram = cached_ram(c);
  const uint32_t addr = ram->def.base + offset;
  if (!cpu_is_write_back(c, addr)) return;
  if (!memcmp(c->main_memory + offset, ram->def.bytes + offset, CACHE_LINE)) return;
  report_guest(&c->sim->report, GUEST_DIRTY_LOST, addr,
               "D-cache line 0x%08x invalidated before it was cleaned", (unsigned)addr);
  cpu_clean_line(c, offset);
}

static void flush_line(struct cpu *c, uint32_t offset) {
  cpu_clean_line(c, offset);
  cpu_dma_invalidated(c, offset);
}

// Set/way operations name a place in the cache, not an address. A line counts as
// served once all four ways of its set were.
static void by_set(struct cpu *c, uint32_t value, void (*act)(struct cpu *, uint32_t)) {
  const unsigned set = (value >> 5) % D_SETS;
  const unsigned way = value >> 30;
  c->set_ways[set] |= (uint8_t)(1u << way);
  if (c->set_ways[set] != (1u << D_WAYS) - 1) return;
  c->set_ways[set] = 0;
  const struct region_state *ram = cached_ram(c);
  if (!ram) return;
  const uint32_t first = (set - ram->def.base / CACHE_LINE) % D_SETS * CACHE_LINE;
  for (uint32_t at = first; at < ram->def.size; at += D_SETS * CACHE_LINE)
    act(c, at);
  memset(&c->dtags.line[set * D_WAYS], 0, D_WAYS * sizeof *c->dtags.line);
}

static void by_address(struct cpu *c, uint32_t addr,
                       void (*act)(struct cpu *, uint32_t)) {
  uint32_t offset;
  if (cpu_cache_line(c, addr, &offset)) act(c, offset);
}

static void enables_changed(struct cpu *c, uint32_t ccr) {
  const struct region_state *ram = cached_ram(c);
  if (ram && (ccr & SIM_SCB_CCR_DC)) {
    memcpy(c->main_memory, ram->def.bytes, ram->def.size);
    cpu_dma_reset(c);
  }
  c->icache_generation++;
  c->memory_changed = true;  // which blocks need checking has changed
  cpu_attention(c);
}

void cpu_cache(struct cpu *c, enum cache_op op, uint32_t value) {
  uint32_t offset;
  switch (op) {
    case CACHE_ICIALLU:
      cpu_tags_clear(&c->itags);
      cpu_flash_icache(c, true, 0);
      memset(c->icache_valid, 0, cached_ram(c)->def.size / CACHE_LINE);
      c->icache_generation++;
      break;
    case CACHE_ICIMVAU:
      tags_drop(&c->itags, value);
      cpu_flash_icache(c, false, value);
      if (cpu_cache_line(c, value, &offset)) c->icache_valid[offset / CACHE_LINE] = 0;
      c->icache_generation++;
      break;
    case CACHE_DCIMVAC:
      tags_drop(&c->dtags, value);
      by_address(c, value, drop_line);
      break;
    case CACHE_DCISW: by_set(c, value, drop_line); break;
    case CACHE_DCCMVAU:
    case CACHE_DCCMVAC: by_address(c, value, cpu_clean_line); break;
    case CACHE_DCCIMVAC:
      tags_drop(&c->dtags, value);
      by_address(c, value, flush_line);
      break;
    case CACHE_DCCSW: by_set(c, value, cpu_clean_line); break;
    case CACHE_DCCISW: by_set(c, value, flush_line); break;
    case CACHE_ENABLES: enables_changed(c, value); break;
  }
}

// The line as the I-cache would fetch it now: from main memory.
static const uint8_t *fetched_line(struct cpu *c, const struct region_state *ram,
                                   uint32_t offset) {
  return cpu_is_write_back(c, ram->def.base + offset) ? c->main_memory + offset
                                                      : ram->def.bytes + offset;
}

static void check_line(struct cpu *c, const struct region_state *ram, uint32_t offset,
                       uint32_t from, uint32_t to) {
  const uint8_t *memory = fetched_line(c, ram, offset);
  const uint32_t addr = ram->def.base + from;
  if (memcmp(memory + (from - offset), ram->def.bytes + from, to - from)) {
    report_guest(&c->sim->report, GUEST_CODE_NOT_CLEAN, addr,
                 "code at 0x%08x runs, but its bytes are still in the D-cache",
                 (unsigned)addr);
    cpu_clean_line(c, offset);
  }
  if (!scs_icache_on(c->scs)) return;
  uint8_t *valid = &c->icache_valid[offset / CACHE_LINE];
  uint8_t *held = c->icache_bytes + offset;
  if (*valid && memcmp(held + (from - offset), memory + (from - offset), to - from)) {
    report_guest(&c->sim->report, GUEST_CODE_STALE, addr,
                 "code at 0x%08x changed, but the I-cache was not invalidated",
                 (unsigned)addr);
    *valid = 0;
  }
  if (!*valid) memcpy(held, memory, CACHE_LINE);
  *valid = 1;
}

void cpu_cache_check_code(struct cpu *c, struct decoded *d) {
  const struct region_state *ram = cached_ram(c);
  if (!ram || d->addr - ram->def.base >= ram->def.size) return;
  uint32_t from = d->addr - ram->def.base;
  uint32_t end = from + d->size;
  if (end > ram->def.size) end = ram->def.size;
  while (from < end) {
    const uint32_t offset = from & ~(uint32_t)(CACHE_LINE - 1);
    const uint32_t to = offset + CACHE_LINE < end ? offset + CACHE_LINE : end;
    check_line(c, ram, offset, from, to);
    from = to;
  }
  if (scs_icache_on(c->scs)) d->fetched = c->icache_generation;
}
