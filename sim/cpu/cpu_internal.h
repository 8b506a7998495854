// SPDX-License-Identifier: MIT
// Private to sim/cpu: the core's state and the pieces it is made of.
//
//   cpu.c            life, the run loop, what each stop of Unicorn means
//   cpu_hooks.c      Unicorn's callbacks; nothing in them may stop it but the
//                    block and instruction hooks (stopping elsewhere corrupts it)
//   cpu_time.c       cycles to picoseconds and back, attention and deadlines
//   cpu_exception.c  exception entry and return
//   cpu_fault.c      faults: status, escalation, lockup
//   cpu_protect.c    the MPU and privilege, enforced
//   cpu_trap.c       what traps by what its registers hold
//   cpu_stores.c     stores to RAM, and code that modifies itself
//   cpu_memory.c     regions: access changes, code that changed under us
//   cpu_window.c     the QUADSPI window and what its reads cost
//   cpu_cache.c      what the caches would hold, to catch missing maintenance
//   cpu_flash.c      internal flash behind caches that it outruns
//   cpu_dma.c        other bus masters: memory that changes behind the D-cache
//   cpu_decode.c     what is in a block: instructions, what of them can trap
//   cpu_debug.c      breakpoints, watchpoints and steps
#pragma once

#include <string.h>

#include <unicorn/unicorn.h>

#include "sim/cpu/cpu.h"

// Time is counted in eighths of a cycle, so that a block of any size has a whole
// cost. `deadline` 0 sends the next block to the slow path.
#define TICKS_PER_CYCLE 8u
#define TICKS_PER_BYTE  3u

enum {
  CPU_MAX_REGIONS = 20,
  CPU_MAX_SPANS = 32,
  EXCEPTION_ENTRY_CYCLES = 12,  // Cortex-M7 TRM: 12 with zero-wait memory
  EXCEPTION_RETURN_CYCLES = 10,
  MAX_SLICE_CYCLES = 100000,
  CACHE_LINE = 32,
  MAX_LENT = 4,
};

// Why Unicorn was stopped, besides what uc_emu_start says itself.
enum {
  STOP_OWN = 1,
  STOP_INTR = 2,
  STOP_FETCH_STALL = 4,
  STOP_FETCH_FAULT = 8,
  STOP_TRAP = 16,
};

enum access_kind { ACCESS_FETCH, ACCESS_LOAD, ACCESS_STORE };

// Why a data access was refused by us.
enum denial { DENIED_NOT, DENIED_BY_MPU, DENIED_UNALIGNED };

// What is inaccessible meanwhile, and what it had.
struct denied {
  uint32_t base, size, rights;
};

// A run of pages with register blocks in it.
struct mmio_span {
  struct cpu *cpu;
  uint32_t base, size;
  bool closed;  // to the code that runs
};

struct region_state {
  struct cpu_region def;
  enum cpu_access access, wanted;
  // To Unicorn; flash stays so when it is free again. These pages may be read.
  bool shut;
  uint32_t lent[MAX_LENT];
  unsigned lent_count;
  uint8_t *ran;       // RAM and flash: per line, whether code of it was ever translated
  uint64_t ram_addr;  // of RAM, as the library knows it, see cpu_stores.c
  uint8_t *code_pages;  // per page, the same as `ran`, as the library knows it
  uint32_t wanted_base;
  uint8_t *held;    // flash: per line, whether code of it ran since the last reset
  uint8_t *outrun;  // flash: per line, whether it changed since
  uint32_t outrun_count;
};

// What a block may need a look for.
enum {
  FEATURE_FPU = 1,
  FEATURE_DIVIDE = 2,
  FEATURE_ALIGNED = 4,  // LDM, LDRD, LDREX, VLDR and the like
  FEATURE_LDREX = 8,
  FEATURE_STREX = 16,  // with no LDREX before it
  FEATURE_SEV = 32,
  FEATURE_RIGHTS = 64,  // may change privilege or FAULTMASK
};

struct trap {
  uint16_t at;  // of the instruction, from the block's start
  uint8_t kind, reg;
  uint8_t low;   // FEATURE_ALIGNED: address bits that must be 0
  uint8_t late;  // the block itself writes the register before
};

enum { DECODED_TRAPS = 2, RIGHTS_UNKNOWN = 1 };

// Facts about a block of code that has run before.
struct decoded {
  uint32_t addr, size;
  const uint8_t *code;  // where its bytes are, NULL if nowhere
  uint32_t first_word;  // tells when other code is there now
  uint32_t fetched;     // generation of the I-cache that holds it, see cpu_cache.c
  uint16_t instructions;
  bool changes_masks;  // CPS or MSR: may unmask an interrupt
  uint8_t features, trap_count;
  uint32_t rights;  // of the code that may run it, see struct cpu
  struct trap traps[DECODED_TRAPS];
};

enum { DECODE_SLOTS = 1u << 15 };

// Pages of data that the code of these rights may read and write as it likes.
enum { FREE_SLOTS = 256 };

struct free_page {
  uint32_t page, rights;
};

// Tags of a cache over the QUADSPI window, for the cost of reads and for lines that
// the flash has outrun.
struct cache_tags {
  unsigned sets, ways;
  uint32_t *line;  // [sets * ways], line address and the bits below
  uint8_t *next;   // [sets], round robin
};

enum { TAG_VALID = 1, TAG_OUTRUN = 2 };

enum cache_hit { CACHE_MISS, CACHE_HIT, CACHE_HIT_OUTRUN };

struct cpu {
  uc_engine *uc;
  enum cpu_mode mode;
  struct cpu_ports ports;
  struct sim *sim;
  struct scs *scs;

  // Time.
  uint64_t ticks, deadline;
  uint64_t base_ticks;  // where the present clock rate began
  vtime_t base_time;
  uint64_t hz;
  uint64_t tick_ps_q32;  // picoseconds per tick, 32 fractional bits
  uint64_t ps_tick_q64;  // ticks per picosecond, 64 fractional bits
  uint64_t slice_end;
  vtime_t until;  // of cpu_run

  // Stops.
  unsigned stop;
  uint32_t interrupt_number;
  uint32_t block_addr, block_size;  // the block or instruction under way
  bool last_changes_masks;
  uint32_t fault_addr;
  uint32_t unaligned_next, unaligned_left;  // bytes of a store that come again
  bool attention;  // something decided elsewhere: leave Unicorn before the next block
  bool pending_changed;  // in the NVIC: look before the next block
  bool held;             // an exception is pending that only the masks hold back
  bool stop_requested, sleeping, locked_up;
  bool deep;  // the chip knows that this sleep is a deep one
  bool powered;
  bool waits_for_event, event;  // WFE: asleep by it; the event register (B1.5.18)
  uint32_t pending_seen[5];     // for SEVONPEND: what was pending before
  bool app_seen;                // app_started was called since the last reset
  uint32_t app_entry;           // the application's first instruction, 1: none, or seen

  // Memory.
  struct region_state regions[CPU_MAX_REGIONS];
  size_t region_count;
  struct mmio_span spans[CPU_MAX_SPANS];
  size_t span_count;
  uint32_t special;  // bit addr >> 28: blocks there need the slow path
  bool memory_changed;
  struct {
    uint32_t base, end;
  } stale[4];
  size_t stale_count;
  enum cpu_window window, window_wanted;
  bool window_hooked;
  uc_hook window_hook;

  // Protection: who the code is that runs, as of the start of the slice.
  bool privileged, data_hooked;
  bool opened;  // a region answers that did not: rights are to be looked at again
  uint32_t mpu_changes;
  uint32_t rights;  // 0: no MPU; else a new even number per setting, + 1 privileged
  uc_hook data_hook;
  struct free_page free_pages[FREE_SLOTS];
  enum denial denial;
  struct denied denied;

  // Traps.
  uint32_t trapped;     // FEATURE_ bits that need a look
  uint32_t trap_cause;  // for CFSR; 0: none
  uint32_t trap_pc;     // 0: where it was stopped
  bool fpu_on, monitor_open;
  uint8_t it;                  // IT state, PRECISE only
  const struct decoded *late;  // a divisor to look at behind the block
  uint32_t late_addr;

  // Caches.
  const uint8_t *cached_ram;   // RAM as loads and stores see it
  uint8_t *main_memory;        // RAM as it is behind the D-cache
  uint8_t *icache_bytes;       // what the I-cache holds of RAM
  uint8_t *icache_valid;       // per line
  uint32_t icache_generation;  // changes whenever lines may have been dropped
  uint8_t set_ways[128];       // ways of each D-cache set cleaned so far
  struct cache_tags dtags, itags, arttags;
  bool art_on, flash_watched;
  uint8_t *dma_lines;   // per line: a master wrote it, no invalidate since
  uint32_t dma_marked;  // how many such lines
  bool dma_watched;     // loads from RAM are being looked at
  uc_hook dma_hook;

  struct cpu_debug *debug;  // NULL: no debugger, see cpu_debug.h
  struct decoded *decoded;
  struct cpu_counters counters;
};

// cpu_time.c
vtime_t cpu_time(const struct cpu *c);
uint64_t cpu_ticks_at(const struct cpu *c, vtime_t t);
void cpu_sync_time(struct cpu *c);  // sim->events.now = cpu_time, due events fired
void cpu_spend(struct cpu *c, vtime_t duration);
void cpu_on_sooner(void *ctx);
void cpu_on_pending(void *ctx);
void cpu_begin_slice(struct cpu *c);

// cpu_window.c: may the CPU read what is to be opened? `bytes` is at most 4.
bool cpu_window_opens(struct cpu *c, const struct region_state *r, uint32_t addr,
                      unsigned bytes);

// cpu.c
void cpu_note_events(struct cpu *c);

// cpu_hooks.c
void cpu_add_hooks(struct cpu *c);

// cpu_exception.c
uint32_t reg_get(const struct cpu *c, int reg);
void reg_put(struct cpu *c, int reg, uint32_t value);
void cpu_take_exception(struct cpu *c, unsigned number);
void cpu_return_from_exception(struct cpu *c, uint32_t exc_return);
void cpu_refresh_flags(struct cpu *c);

// cpu_fault.c
void cpu_lock_up(struct cpu *c);
void cpu_raise_fault(struct cpu *c, unsigned exception);
void cpu_usage_fault(struct cpu *c, uint32_t cause);
void cpu_memory_fault(struct cpu *c, enum access_kind kind);
// An access that did take place: a fault, if it was answered with an error.
void cpu_bus_answered(struct cpu *c, uint32_t addr, enum access_kind kind);
void cpu_breakpoint(struct cpu *c);
void cpu_supervisor_call(struct cpu *c);
void cpu_undefined(struct cpu *c, uint32_t pc);

// cpu_protect.c
void cpu_protect_reset(struct cpu *c);
void cpu_protect_refresh(struct cpu *c, uint32_t xpsr);
bool cpu_may(struct cpu *c, uint32_t addr, enum access_kind kind);
enum denial cpu_protect_restore(struct cpu *c);
bool cpu_protect_fetch(struct cpu *c, struct decoded *d);

// cpu_trap.c
void cpu_it_begin(struct cpu *c, uint32_t xpsr);
void cpu_it_advance(struct cpu *c, uint16_t half);
void cpu_trap_refresh(struct cpu *c);
bool cpu_trap_check(struct cpu *c, const struct decoded *d);
uint32_t cpu_trap_late(struct cpu *c);  // only with c->late

// cpu_memory.c
void cpu_map_regions(struct cpu *c);
void cpu_map_devices(struct cpu *c);
void cpu_stall(struct cpu *c, struct region_state *r, uint32_t addr, bool fetch);
struct region_state *cpu_region_at(struct cpu *c, uint32_t addr);
bool cpu_is_ram(struct cpu *c, uint32_t addr, uint32_t size);
bool cpu_is_memory(struct cpu *c, uint32_t addr, uint32_t size);
uint16_t cpu_code16(struct cpu *c, uint32_t addr);
uint32_t cpu_load32(struct cpu *c, uint32_t addr);
void cpu_store32(struct cpu *c, uint32_t addr, uint32_t value);
void cpu_apply_memory(struct cpu *c);
void cpu_grant(struct cpu *c, struct region_state *r);
void cpu_lend(struct cpu *c, struct region_state *r, uint32_t addr);
void cpu_note_code(const struct region_state *r, uint32_t addr, uint32_t size);
bool cpu_has_code(const struct region_state *r, uint32_t addr, uint32_t size);

// cpu_stores.c
void cpu_stores_init(struct cpu *c, struct region_state *r);
void cpu_stores_of(struct cpu *c);  // whose uc_emu_start begins; NULL: none's

// cpu_window.c
enum cpu_window cpu_window_now(struct cpu *c);
void cpu_apply_window(struct cpu *c);
bool cpu_is_translation(const struct cpu *c, uint32_t addr);
void cpu_window_fetch(struct cpu *c, uint32_t addr, uint32_t size);

// cpu_cache.c
void cpu_cache_init(struct cpu *c);
void cpu_cache_free(struct cpu *c);
void cpu_cache_reset(struct cpu *c);
void cpu_cache_check_code(struct cpu *c, struct decoded *d);
enum cache_hit cpu_tags_look(struct cache_tags *t, uint32_t addr);
void cpu_tags_outrun(struct cache_tags *t, uint32_t addr, uint32_t size);
void cpu_tags_clear(struct cache_tags *t);
bool cpu_cache_line(struct cpu *c, uint32_t addr, uint32_t *offset);
bool cpu_is_write_back(struct cpu *c, uint32_t addr);
void cpu_clean_line(struct cpu *c, uint32_t offset);

// cpu_dma.c
void cpu_dma_init(struct cpu *c);
void cpu_dma_free(struct cpu *c);
void cpu_dma_reset(struct cpu *c);
void cpu_dma_invalidated(struct cpu *c, uint32_t offset);  // a line of cached RAM
void cpu_dma_watch(struct cpu *c);  // starts to look at loads, if that is due

// cpu_flash.c
void cpu_flash_init(struct cpu *c);
void cpu_flash_reset(struct cpu *c);
void cpu_flash_watch(struct cpu *c);     // starts to look at loads, if that is due
void cpu_flash_exchange(struct cpu *c);  // before the banks change places
void cpu_flash_icache(struct cpu *c, bool all, uint32_t addr);  // invalidated
void cpu_flash_check_code(struct cpu *c, struct region_state *r,
                          const struct decoded *d);

// cpu_debug.c: the debugger halts before the instruction at `addr`.
bool cpu_debug_stops(struct cpu *c, uint32_t addr);

// cpu_decode.c. In line: this runs before every block.
struct decoded *cpu_decode_again(struct cpu *c, uint32_t addr, uint32_t size);

static inline struct decoded *cpu_decoded_slot(const struct cpu *c, uint32_t addr) {
  return &c->decoded[(addr >> 1) % DECODE_SLOTS];
}

static inline struct decoded *cpu_decode(struct cpu *c, uint32_t addr, uint32_t size) {
  struct decoded *d = cpu_decoded_slot(c, addr);
  uint32_t first = 0;
  if (d->code) memcpy(&first, d->code, sizeof first);
  const bool known = d->addr == addr && d->size == size && d->first_word == first;
  return known ? d : cpu_decode_again(c, addr, size);
}
