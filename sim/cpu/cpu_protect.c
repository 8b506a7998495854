// SPDX-License-Identifier: MIT
// Who may touch what: the MPU on data and instructions, unprivileged code, aligned
// accesses when CCR asks for them. Unicorn enforces none of it.
//
// Instructions are looked at per block, and the answer is kept with the block. Data go
// unlooked at as long as nothing that exists is forbidden (the usual case: the
// background region and a few attributes); otherwise every access passes a hook, which
// costs three or four times as much. What it denies it makes inaccessible under the
// access's feet: Unicorn then ends it with an error, and nothing has been changed.
#define _GNU_SOURCE  // RTLD_NEXT  NOLINT(bugprone-reserved-identifier)
#include <dlfcn.h>

#include "sim/cpu/cpu_internal.h"
#include "sim_regs.h"

enum { PAGE = 4096 };

#define PPB_BASE 0xE0000000u
#define PPB_END  0xE0100000u

// --- the state that decides ---

// HFNMIENA clear: no MPU in NMI, HardFault and under FAULTMASK (DDI0403E B3.5.3).
static bool mpu_is_on(const struct cpu *c) {
  const uint32_t ctrl = c->scs->mpu.ctrl;
  if (!(ctrl & SIM_MPU_CTRL_ENABLE)) return false;
  if (ctrl & SIM_MPU_CTRL_HFNMIENA) return true;
  return nvic_active_priority(&c->scs->nvic) >= 0 &&
         !(reg_get(c, UC_ARM_REG_FAULTMASK) & 1u);
}

// Never 0, and never the same for two settings.
static uint32_t rights_now(const struct cpu *c) {
  return c->mpu_changes * 2 + 2 + c->privileged;
}

static enum mpu_verdict judge(struct cpu *c, uint32_t base, uint32_t size, bool store) {
  if (!c->rights) return MPU_FREE;
  return mpu_judge(&c->scs->mpu, base, size, c->privileged, store);
}

// Whether a data access to memory can be denied at all. Stores to flash and ROM are
// trapped anyway, the window is closed as a whole when its base is forbidden, and what
// does not answer cannot be reached.
static bool memory_needs_hook(struct cpu *c) {
  if (c->scs->ccr & SIM_SCB_CCR_UNALIGN_TRP) return true;
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    const bool ram = def->kind == CPU_RAM || def->kind == CPU_RAM_TCM;
    if (def->kind == CPU_WINDOW && c->window == CPU_WINDOW_OFF) continue;
    if (c->regions[i].wanted == CPU_ACCESS_FAULT) continue;
    if (judge(c, def->base, def->size, ram) != MPU_FREE) return true;
  }
  return false;
}

// Unprivileged code gets a bus error from the private peripheral bus (B3.1.1). Other
// registers are closed, too, when all of their pages are forbidden: firmware that
// forbids the external space does not pay for it. True: some need the hook.
static bool close_registers(struct cpu *c) {
  bool mixed = false;
  for (size_t i = 0; i < c->span_count; i++) {
    struct mmio_span *s = &c->spans[i];
    const bool ppb = s->base >= PPB_BASE && s->base < PPB_END;
    const enum mpu_verdict verdict = ppb ? MPU_FREE : judge(c, s->base, s->size, true);
    const bool closed = ppb ? !c->privileged : verdict == MPU_CLOSED;
    mixed = mixed || verdict == MPU_MIXED;
    if (s->closed == closed) continue;
    s->closed = closed;
    uc_mem_protect(c->uc, s->base, s->size,
                   closed ? UC_PROT_NONE : UC_PROT_READ | UC_PROT_WRITE);
  }
  return mixed;
}

// --- data ---

static void on_data(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                    int64_t value, void *user);

static void forget_code(struct cpu *c) {
  for (size_t i = 0; i < c->region_count; i++) {
    const struct cpu_region *def = &c->regions[i].def;
    uc_ctl_remove_cache(c->uc, (uint64_t)def->base, (uint64_t)def->base + def->size);
  }
}

// Hooks are compiled into translated code: everything translated before must go.
static void hook_data(struct cpu *c) {
  c->data_hooked = true;
  uc_hook_add(c->uc, &c->data_hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
              (void *)(uintptr_t)on_data, c, 1, 0);
  forget_code(c);
}

void cpu_protect_reset(struct cpu *c) {
  if (!c->data_hooked) return;
  c->data_hooked = false;
  uc_hook_del(c->uc, c->data_hook);
  forget_code(c);
}

// At the start of each slice: what the code that runs next may do.
void cpu_protect_refresh(struct cpu *c, uint32_t xpsr) {
  const bool was_privileged = c->privileged;
  const uint32_t before = c->rights;
  c->privileged = (xpsr & 0x1FFu) || !(reg_get(c, UC_ARM_REG_CONTROL) & 1u);
  c->rights = mpu_is_on(c) ? rights_now(c) : 0;
  const bool changed =
      c->rights != before || c->privileged != was_privileged || c->opened;
  c->opened = false;
  const bool mixed = changed && close_registers(c);
  if (c->data_hooked) return;
  const bool trap = c->scs->ccr & SIM_SCB_CCR_UNALIGN_TRP;
  if (mixed || ((changed || trap) && memory_needs_hook(c))) hook_data(c);
}

bool cpu_may(struct cpu *c, uint32_t addr, enum access_kind kind) {
  if (!c->rights) return true;
  const struct mpu_attributes a = mpu_lookup(&c->scs->mpu, addr, c->privileged);
  switch (kind) {
    case ACCESS_FETCH: return a.executable;
    case ACCESS_STORE: return a.writable;
    default: return a.readable;
  }
}

static uint32_t rights_of(const struct cpu *c, const struct region_state *r) {
  const bool ram = r->def.kind == CPU_RAM || r->def.kind == CPU_RAM_TCM;
  if (ram) return UC_PROT_ALL;
  const bool callback = r->def.kind == CPU_WINDOW && c->window == CPU_WINDOW_CALLBACK;
  return UC_PROT_READ | (callback ? UC_PROT_WRITE : UC_PROT_EXEC);
}

// Version 2.0.1 rebuilds its whole memory map when a region becomes read-only, and with
// it the table that the access under way still uses. The access itself looks only at
// the rights. The library calls this function through its dynamic symbol table, so the
// program's own comes first; the flag is set during one call of uc_mem_protect.
#if UC_VERSION_MAJOR == 2 && UC_VERSION_MINOR == 0 && UC_VERSION_PATCH == 1
static bool map_is_in_use;

void memory_region_set_readonly_arm(void *region, bool readonly);

__attribute__((visibility("default"))) void memory_region_set_readonly_arm(
    void *region, bool readonly) {
  static void (*real)(void *, bool);
  if (map_is_in_use) return;
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "memory_region_set_readonly_arm");
  real(region, readonly);
}

static void set_rights_now(struct cpu *c, uint32_t rights) {
  map_is_in_use = true;
  uc_mem_protect(c->uc, c->denied.base, c->denied.size, rights);
  map_is_in_use = false;
}
#else
static void set_rights_now(struct cpu *c, uint32_t rights) {
  uc_mem_protect(c->uc, c->denied.base, c->denied.size, rights);
}
#endif

// Taking the right to execute away would make Unicorn stop at once.
static void take_away(struct cpu *c, uint32_t addr) {
  const struct region_state *r = cpu_region_at(c, addr);
  if (r && r->shut) return;
  if (r) {
    c->denied = (struct denied){r->def.base, r->def.size, rights_of(c, r)};
  } else {
    for (size_t i = 0; i < c->span_count; i++) {
      const struct mmio_span *s = &c->spans[i];
      if (addr - s->base >= s->size || s->closed) continue;
      c->denied = (struct denied){s->base, s->size, UC_PROT_READ | UC_PROT_WRITE};
    }
  }
  if (!c->denied.size) return;  // nothing is there: it fails by itself
  set_rights_now(c, c->denied.rights & (uint32_t)UC_PROT_EXEC);
}

// Most accesses go to pages of which nothing is forbidden; each page is judged once.
static bool is_free_page(struct cpu *c, uint32_t addr) {
  if (!c->rights) return true;
  // Of the MPU as it is now: a block may change it and go on.
  const uint32_t rights = rights_now(c), page = addr & ~(uint32_t)(PAGE - 1);
  struct free_page *f = &c->free_pages[page / PAGE % FREE_SLOTS];
  if (f->page == page && f->rights == rights) return true;
  if (judge(c, page, PAGE, true) != MPU_FREE) return false;
  *f = (struct free_page){page, rights};
  return true;
}

static void on_data(uc_engine *uc, uc_mem_type type, uint64_t addr, int bytes,
                    int64_t value, void *user) {
  (void)uc, (void)value;
  struct cpu *c = user;
  if (c->denied.size || c->denial != DENIED_NOT) return;
  const uint32_t at = (uint32_t)addr, last = at + (uint32_t)bytes - 1;
  const bool aligned = (at & ((uint32_t)bytes - 1)) == 0;  // and so in one page
  if (aligned && is_free_page(c, at)) return;
  const enum access_kind kind = type == UC_MEM_WRITE ? ACCESS_STORE : ACCESS_LOAD;
  const bool trapped = c->scs->ccr & SIM_SCB_CCR_UNALIGN_TRP;
  // Eight bytes are two words, and need be aligned to one.
  const uint32_t low = bytes == 8 ? 3 : (uint32_t)bytes - 1;
  if (trapped && (at & low)) {
    c->denial = DENIED_UNALIGNED;
  } else if (!cpu_may(c, at, kind)) {
    c->denial = DENIED_BY_MPU;
  } else if (!cpu_may(c, last, kind)) {
    c->denial = DENIED_BY_MPU;
  } else {
    return;
  }
  if (kind == ACCESS_LOAD && cpu_is_translation(c, at)) {
    c->denial = DENIED_NOT;  // code is judged when it is to run
    return;
  }
  c->fault_addr = cpu_may(c, at, kind) && c->denial == DENIED_BY_MPU ? last : at;
  take_away(c, at);
}

// After Unicorn has ended the access.
enum denial cpu_protect_restore(struct cpu *c) {
  const enum denial why = c->denial;
  if (c->denied.size) {
    uc_mem_protect(c->uc, c->denied.base, c->denied.size, c->denied.rights);
  }
  c->denied = (struct denied){0};
  c->denial = DENIED_NOT;
  return why;
}

// --- instructions ---

// True: all of the block may be executed by the code that runs.
bool cpu_protect_fetch(struct cpu *c, struct decoded *d) {
  if (!cpu_may(c, d->addr, ACCESS_FETCH)) {
    c->fault_addr = d->addr;
    return false;
  }
  const uint32_t last = d->addr + d->size - 1;
  if (!cpu_may(c, last, ACCESS_FETCH)) {
    c->fault_addr = last & ~1u;
    return false;
  }
  d->rights = c->rights;
  return true;
}
