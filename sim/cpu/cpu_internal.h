// SPDX-License-Identifier: MIT
// Private to sim/cpu: the core's state and the pieces it is made of.
//
//   cpu.c            life, the run loop, what each stop of Unicorn means
//   cpu_hooks.c      Unicorn's callbacks; nothing in them may stop it but the
//                    block and instruction hooks (stopping elsewhere corrupts it)
//   cpu_time.c       cycles to picoseconds and back, attention and deadlines
//   cpu_exception.c  exception entry, return, faults
//   cpu_memory.c     regions: access changes, code that changed under us
//   cpu_window.c     the QUADSPI window and what its reads cost
//   cpu_cache.c      what the caches would hold, to catch missing maintenance
//   cpu_dma.c        other bus masters: memory that changes behind the D-cache
//   cpu_decode.c     instruction counts of blocks
#pragma once

#include <unicorn/unicorn.h>

#include "sim/cpu/cpu.h"

// Time is counted in eighths of a cycle, so that a block of any size has a whole
// cost. `deadline` 0 sends the next block to the slow path.
#define TICKS_PER_CYCLE 8u
#define TICKS_PER_BYTE  3u

enum {
  CPU_MAX_REGIONS = 12,
  CPU_MAX_SPANS = 32,
  EXCEPTION_ENTRY_CYCLES = 12,  // Cortex-M7 TRM: 12 with zero-wait memory
  EXCEPTION_RETURN_CYCLES = 10,
  MAX_SLICE_CYCLES = 100000,
  CACHE_LINE = 32,
};

// Why Unicorn was stopped, besides what uc_emu_start says itself.
enum { STOP_OWN = 1, STOP_INTR = 2, STOP_FETCH_STALL = 4, STOP_FETCH_FAULT = 8 };

// A run of pages with register blocks in it.
struct mmio_span {
  struct cpu *cpu;
  uint32_t base;
};

struct region_state {
  struct cpu_region def;
  enum cpu_access access, wanted;
  uint8_t *ran;  // RAM: per line, whether code of it was ever translated
};

// Facts about a block of code that has run before.
struct decoded {
  uint32_t addr, size;
  const uint8_t *code;  // where its bytes are, NULL if nowhere
  uint32_t first_word;  // tells when other code is there now
  uint32_t fetched;     // generation of the I-cache that holds it, see cpu_cache.c
  uint16_t instructions;
  bool changes_masks;  // CPS or MSR: may unmask an interrupt
};

enum { DECODE_SLOTS = 1u << 15 };

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
  uint64_t slice_end;

  // Stops.
  unsigned stop;
  uint32_t interrupt_number;
  uint32_t block_addr, block_size;  // the block or instruction under way
  bool last_changes_masks;
  uint32_t fault_addr;
  uint32_t unaligned_next, unaligned_left;  // bytes of a store that come again
  bool attention;  // something decided elsewhere: leave Unicorn before the next block
  bool held;       // an exception is pending that only the masks hold back
  bool stop_requested, sleeping, locked_up;
  bool powered;
  bool app_seen;       // app_started was called since the last reset
  uint32_t app_entry;  // the application's first instruction, 1: there is none

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

  // Caches.
  const uint8_t *cached_ram;   // RAM as loads and stores see it
  uint8_t *main_memory;        // RAM as it is behind the D-cache
  uint8_t *icache_bytes;       // what the I-cache holds of RAM
  uint8_t *icache_valid;       // per line
  uint32_t icache_generation;  // changes whenever lines may have been dropped
  uint8_t set_ways[128];       // ways of each D-cache set cleaned so far
  struct cache_tags dtags, itags;
  uint8_t *dma_lines;   // per line: a master wrote it, no invalidate since
  uint32_t dma_marked;  // how many such lines
  bool dma_watched;     // loads from RAM are being looked at
  uc_hook dma_hook;

  struct decoded *decoded;
  struct cpu_counters counters;
};

// cpu_time.c
vtime_t cpu_time(const struct cpu *c);
uint64_t cpu_ticks_at(const struct cpu *c, vtime_t t);
void cpu_sync_time(struct cpu *c);  // sim->events.now = cpu_time, due events fired
void cpu_spend(struct cpu *c, vtime_t duration);
void cpu_on_sooner(void *ctx);
void cpu_begin_slice(struct cpu *c, vtime_t until);

// cpu_window.c: may the CPU read what is to be opened? `bytes` is at most 4.
bool cpu_window_opens(struct cpu *c, const struct region_state *r, uint32_t addr,
                      unsigned bytes);

// cpu_hooks.c
void cpu_add_hooks(struct cpu *c);

// cpu_exception.c
uint32_t reg_get(const struct cpu *c, int reg);
void reg_put(struct cpu *c, int reg, uint32_t value);
void cpu_take_exception(struct cpu *c, unsigned number);
void cpu_return_from_exception(struct cpu *c, uint32_t exc_return);
void cpu_raise_fault(struct cpu *c, unsigned exception);
void cpu_refresh_flags(struct cpu *c);

// cpu_memory.c
void cpu_map_regions(struct cpu *c);
void cpu_map_devices(struct cpu *c);
void cpu_stall(struct cpu *c, struct region_state *r, uint32_t addr, bool fetch);
struct region_state *cpu_region_at(struct cpu *c, uint32_t addr);
uint32_t cpu_load32(struct cpu *c, uint32_t addr);
void cpu_store32(struct cpu *c, uint32_t addr, uint32_t value);
void cpu_apply_memory(struct cpu *c);
void cpu_grant(struct cpu *c, struct region_state *r);

// cpu_window.c
enum cpu_window cpu_window_now(struct cpu *c);
void cpu_apply_window(struct cpu *c);
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

// cpu_decode.c
struct decoded *cpu_decode(struct cpu *c, uint32_t addr, uint32_t size);
