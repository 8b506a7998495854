// SPDX-License-Identifier: MIT
// Stores to RAM. Unicorn 2.0.1 sends every one of them through QEMU's look for code
// that modifies itself, for ever: nearly half of a run's time. The library calls the
// functions below through its dynamic symbol table, so the program's own come first.
// Any other version keeps its own.
//
// A page in which no code was ever translated is marked as written, so that further
// stores to it are not looked at; the mark goes when code is first translated there.
#define _GNU_SOURCE  // RTLD_NEXT  NOLINT(bugprone-reserved-identifier)
#include <dlfcn.h>
#include <stdlib.h>

#include "sim/cpu/cpu_internal.h"

#if UC_VERSION_MAJOR == 2 && UC_VERSION_MINOR == 0 && UC_VERSION_PATCH == 1

enum { PAGE = 4096 };

uint64_t qemu_ram_addr_from_host_arm(uc_engine *uc, void *host);
void *qemu_get_cpu_arm(uc_engine *uc, int index);
void tlb_set_dirty_arm(void *cpu, uint32_t addr);
void tlb_reset_dirty_arm(void *cpu, uint64_t host, uint64_t size);

void *page_collection_lock_arm(void *uc, uint64_t first, uint64_t last);
void page_collection_unlock_arm(void *pages);
void tlb_protect_code_arm(uc_engine *uc, uint64_t page);
void tb_invalidate_phys_page_fast_arm(uc_engine *uc, void *pages, uint64_t start,
                                      int size, uintptr_t return_address);

// The core whose uc_emu_start is under way: these functions are told Unicorn's only.
static struct cpu *running;

void cpu_stores_of(struct cpu *c) {
  running = c;
}

void cpu_stores_init(struct cpu *c, struct region_state *r) {
  r->ram_addr = qemu_ram_addr_from_host_arm(c->uc, r->def.bytes);
  r->code_pages = calloc(r->def.size / PAGE, 1);
  if (!r->code_pages) abort();
}

// The RAM of the running core that QEMU knows by this address, or NULL.
static struct region_state *ram_at(const uc_engine *uc, uint64_t ram_addr) {
  struct cpu *c = running;
  if (!c || c->uc != uc) return NULL;
  for (size_t i = 0; i < c->region_count; i++) {
    struct region_state *r = &c->regions[i];
    if (r->code_pages && ram_addr - r->ram_addr < r->def.size) return r;
  }
  return NULL;
}

// Its only CPU never gets a number: that is -1.
static void *library_cpu(uc_engine *uc) {
  return qemu_get_cpu_arm(uc, -1);
}

// There is one thread here and nothing to lock.
__attribute__((visibility("default"))) void *page_collection_lock_arm(void *uc,
                                                                      uint64_t first,
                                                                      uint64_t last) {
  (void)uc, (void)first, (void)last;
  return NULL;
}

__attribute__((visibility("default"))) void page_collection_unlock_arm(void *pages) {
  (void)pages;
}

// A page has got its first code. (The library's own only keeps a bitmap that it does
// not have.)
__attribute__((visibility("default"))) void tlb_protect_code_arm(uc_engine *uc,
                                                                 uint64_t page) {
  struct region_state *r = ram_at(uc, page);
  if (!r) return;
  const uint64_t offset = (page - r->ram_addr) & ~(uint64_t)(PAGE - 1);
  r->code_pages[offset / PAGE] = 1;
  tlb_reset_dirty_arm(library_cpu(uc), (uintptr_t)(r->def.bytes + offset), PAGE);
}

// A store to a page that is not marked as written.
__attribute__((visibility("default"))) void tb_invalidate_phys_page_fast_arm(
    uc_engine *uc, void *pages, uint64_t start, int size, uintptr_t return_address) {
  static void (*real)(uc_engine *, void *, uint64_t, int, uintptr_t);
  const struct region_state *r = ram_at(uc, start);
  const uint64_t offset = r ? start - r->ram_addr : 0;
  if (r && !r->code_pages[offset / PAGE]) {
    tlb_set_dirty_arm(library_cpu(uc), (r->def.base + (uint32_t)offset) & ~(PAGE - 1u));
    return;
  }
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "tb_invalidate_phys_page_fast_arm");
  real(uc, pages, start, size, return_address);
}

#else

void cpu_stores_of(struct cpu *c) {
  (void)c;
}

void cpu_stores_init(struct cpu *c, struct region_state *r) {
  (void)c, (void)r;
}

#endif
