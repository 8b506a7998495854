// SPDX-License-Identifier: MIT
#include "sim/cpu/cpu_debug.h"

#include <stdlib.h>
#include <string.h>

#include "sim/cpu/cpu_internal.h"

enum { MAX_BREAKS = 64, MAX_WATCHES = 8, WIDEST_ACCESS = 8 };

struct watch {
  struct cpu *cpu;
  uint32_t addr, size;  // size 0: free
  enum cpu_watch kind;
  uc_hook hook;
};

struct cpu_debug {
  enum cpu_halt halt;
  bool stepping;
  bool leaving;  // the instruction it resumes at is not looked at
  uint32_t breaks[MAX_BREAKS];
  size_t break_count;
  struct watch watches[MAX_WATCHES];
  bool watch_hit;
  uint32_t watched;
  enum cpu_watch watched_kind;
};

// --- From the instruction hook ---

static bool is_break(const struct cpu_debug *d, uint32_t addr) {
  for (size_t i = 0; i < d->break_count; i++) {
    if (d->breaks[i] == addr) return true;
  }
  return false;
}

static enum cpu_halt reason(struct cpu_debug *d, uint32_t addr) {
  if (d->halt != CPU_HALT_NONE) return d->halt;
  if (d->watch_hit) return CPU_HALT_WATCH;
  if (d->leaving) {
    d->leaving = false;
    return CPU_HALT_NONE;
  }
  if (is_break(d, addr)) return CPU_HALT_BREAK;
  return d->stepping ? CPU_HALT_STEP : CPU_HALT_NONE;
}

bool cpu_debug_stops(struct cpu *c, uint32_t addr) {
  const enum cpu_halt why = reason(c->debug, addr);
  if (why == CPU_HALT_NONE) return false;
  cpu_debug_halt(c, why);
  return true;
}

static void on_access(uc_engine *uc, uc_mem_type type, uint64_t addr, int size,
                      int64_t value, void *user) {
  (void)uc, (void)value;
  const struct watch *w = user;
  struct cpu_debug *d = w->cpu->debug;
  const bool overlaps =
      addr < (uint64_t)w->addr + w->size && addr + (uint64_t)size > w->addr;
  if (!d || !overlaps || d->watch_hit) return;
  d->watch_hit = true;
  d->watched = w->addr;
  d->watched_kind = w->kind;
  if (w->kind == CPU_WATCH_ACCESS) return;
  d->watched_kind = type == UC_MEM_WRITE ? CPU_WATCH_WRITE : CPU_WATCH_READ;
}

// --- Life ---

void cpu_debug_attach(struct cpu *c) {
  if (!c->debug) c->debug = calloc(1, sizeof *c->debug);
  if (!c->debug) abort();
  cpu_debug_halt(c, CPU_HALT_REQUEST);
}

static void unhook(struct cpu *c, struct watch *w) {
  uc_hook_del(c->uc, w->hook);
  *w = (struct watch){0};
}

void cpu_debug_detach(struct cpu *c) {
  if (!c->debug) return;
  for (size_t i = 0; i < MAX_WATCHES; i++) {
    if (c->debug->watches[i].size) unhook(c, &c->debug->watches[i]);
  }
  free(c->debug);
  c->debug = NULL;
}

enum cpu_halt cpu_debug_halted(const struct cpu *c) {
  return c->debug ? c->debug->halt : CPU_HALT_NONE;
}

uint32_t cpu_debug_watched(const struct cpu *c, enum cpu_watch *kind) {
  *kind = c->debug->watched_kind;
  return c->debug->watched;
}

void cpu_debug_halt(struct cpu *c, enum cpu_halt why) {
  c->debug->halt = why;
  cpu_stop(c);
}

void cpu_debug_resume(struct cpu *c, bool step) {
  struct cpu_debug *d = c->debug;
  d->halt = CPU_HALT_NONE;
  d->stepping = step;
  d->leaving = true;
  d->watch_hit = false;
}

// --- Points ---

bool cpu_debug_break(struct cpu *c, uint32_t addr, bool set) {
  struct cpu_debug *d = c->debug;
  addr &= ~1u;
  for (size_t i = 0; i < d->break_count; i++) {
    if (d->breaks[i] != addr) continue;
    if (!set) d->breaks[i] = d->breaks[--d->break_count];
    return true;
  }
  if (!set || d->break_count == MAX_BREAKS) return false;
  d->breaks[d->break_count++] = addr;
  return true;
}

// Hooks are compiled into translated code: everything translated before must go.
static void retranslate(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    uc_ctl_remove_cache(c->uc, (uint64_t)def->base, (uint64_t)def->base + def->size);
  }
}

static bool hook(struct cpu *c, struct watch *w) {
  int types = 0;
  if (w->kind & CPU_WATCH_WRITE) types |= UC_HOOK_MEM_WRITE;
  if (w->kind & CPU_WATCH_READ) types |= UC_HOOK_MEM_READ;
  // A hook is asked for the first byte of an access: wider ones begin before.
  const uint64_t begin = w->addr < WIDEST_ACCESS ? 0 : w->addr - (WIDEST_ACCESS - 1);
  const uc_err e = uc_hook_add(c->uc, &w->hook, types, (void *)(uintptr_t)on_access, w,
                               begin, (uint64_t)w->addr + w->size - 1);
  retranslate(c);
  return e == UC_ERR_OK;
}

static struct watch *find_watch(struct cpu_debug *d, uint32_t addr, uint32_t size,
                                unsigned kind) {
  for (size_t i = 0; i < MAX_WATCHES; i++) {
    struct watch *w = &d->watches[i];
    if (w->addr == addr && w->size == size && (size == 0 || w->kind == kind)) return w;
  }
  return NULL;
}

bool cpu_debug_watch(struct cpu *c, uint32_t addr, uint32_t size, enum cpu_watch kind,
                     bool set) {
  if (size == 0) return false;
  struct watch *w = find_watch(c->debug, addr, size, kind);
  if (!set) {
    if (w) unhook(c, w);
    return w != NULL;
  }
  if (w) return true;
  w = find_watch(c->debug, 0, 0, 0);
  if (!w) return false;
  *w = (struct watch){.cpu = c, .addr = addr, .size = size, .kind = kind};
  return hook(c, w);
}

// --- Registers ---

static int register_id(unsigned number) {
  static const int ids[] = {
      UC_ARM_REG_R0,      UC_ARM_REG_R1,        UC_ARM_REG_R2,     UC_ARM_REG_R3,
      UC_ARM_REG_R4,      UC_ARM_REG_R5,        UC_ARM_REG_R6,     UC_ARM_REG_R7,
      UC_ARM_REG_R8,      UC_ARM_REG_R9,        UC_ARM_REG_R10,    UC_ARM_REG_R11,
      UC_ARM_REG_R12,     UC_ARM_REG_SP,        UC_ARM_REG_LR,     UC_ARM_REG_PC,
      UC_ARM_REG_XPSR,    UC_ARM_REG_MSP,       UC_ARM_REG_PSP,    UC_ARM_REG_PRIMASK,
      UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK, UC_ARM_REG_CONTROL};
  if (number == CPU_DEBUG_FPSCR) return UC_ARM_REG_FPSCR;
  if (number >= CPU_DEBUG_S0) return UC_ARM_REG_S0 + (int)(number - CPU_DEBUG_S0);
  return ids[number];
}

uint32_t cpu_debug_get(const struct cpu *c, unsigned number) {
  return number < CPU_DEBUG_REGISTERS ? reg_get(c, register_id(number)) : 0;
}

void cpu_debug_put(struct cpu *c, unsigned number, uint32_t value) {
  enum { PC = 15 };
  if (number >= CPU_DEBUG_REGISTERS) return;
  if (number == PC) {
    value |= 1u;  // there is no other state than Thumb
    c->block_addr = value & ~1u;
    c->sleeping = false;
  }
  // A write of XPSR drops GE; this name takes all of it.
  const int id =
      number == CPU_DEBUG_XPSR ? UC_ARM_REG_XPSR_NZCVQG : register_id(number);
  reg_put(c, id, value);
  cpu_refresh_flags(c);
}

// --- Memory ---

static uint8_t *reach(struct cpu *c, uint32_t addr, size_t *size, bool write) {
  const struct region_state *r = cpu_region_at(c, addr);
  if (!r) return NULL;
  const enum cpu_region_kind kind = r->def.kind;
  if (kind == CPU_WINDOW && (write || c->window == CPU_WINDOW_OFF)) return NULL;
  if (kind == CPU_ROM && write) return NULL;
  if (kind != CPU_WINDOW && r->wanted == CPU_ACCESS_FAULT) return NULL;
  const uint32_t offset = addr - r->def.base;
  if (*size > r->def.size - offset) *size = r->def.size - offset;
  return r->def.bytes + offset;
}

size_t cpu_debug_read(struct cpu *c, uint32_t addr, uint8_t *bytes, size_t size) {
  const uint8_t *from = reach(c, addr, &size, false);
  if (!from) return 0;
  memcpy(bytes, from, size);
  return size;
}

size_t cpu_debug_write(struct cpu *c, uint32_t addr, const uint8_t *bytes,
                       size_t size) {
  uint8_t *to = reach(c, addr, &size, true);
  if (!to) return 0;
  memcpy(to, bytes, size);
  // Flash is there twice: what was translated from the other place is old, too.
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    if (to >= def->bytes && to < def->bytes + def->size) {
      cpu_code_changed(c, def->base + (uint32_t)(to - def->bytes), (uint32_t)size);
    }
  }
  return size;
}
