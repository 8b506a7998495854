// SPDX-License-Identifier: MIT
// The Cortex-M7 core: Unicorn executes instructions, this layer adds everything
// that makes them a Cortex-M7 in a chip: virtual time, exceptions, sleep, faults,
// stalls, and the cache rules that code in RAM must obey.
//
// Two modes. BLOCK checks time and interrupts at every basic block and charges
// 3/8 cycle per code byte; PRECISE does it at every instruction, charges one
// cycle each, and knows the exact PC of every access and fault.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/sim.h"
#include "sim/models/scs.h"

struct cpu;  // opaque: only sim/cpu knows Unicorn

enum cpu_mode { CPU_BLOCK, CPU_PRECISE };

// What the CPU may do with a memory region at the moment.
enum cpu_access {
  CPU_ACCESS_NORMAL,  // as the region was declared
  CPU_ACCESS_STALL,   // waits until the chip's flash is free (the stall callback)
  CPU_ACCESS_FAULT,   // MemManage or BusFault, as the MPU says
};

enum cpu_region_kind {
  CPU_RAM_TCM,     // never cached
  CPU_RAM,         // behind the caches
  CPU_FLASH,       // stores go to the flash_write callback
  CPU_FLASH_ITCM,  // the same by the ITCM bus, behind the ART accelerator
  CPU_ROM,         // stores fault
  CPU_WINDOW,      // QUADSPI: reads cost bus time, through the window callbacks
};

struct cpu_region {
  const char *name;
  enum cpu_region_kind kind;
  uint32_t base, size;  // multiples of 4 KB
  uint8_t *bytes;
};

struct cpu_ports {
  struct sim *sim;
  struct scs *scs;
  void *ctx;
  // A store into a CPU_FLASH or CPU_FLASH_ITCM region.
  void (*flash_write)(void *ctx, uint32_t addr, unsigned bytes, uint32_t value);
  // The CPU wants a region that is set to CPU_ACCESS_STALL: the time it gets it.
  vtime_t (*stall_end)(void *ctx, uint32_t addr, bool fetch);
  // Bus time of a read from the window at `addr`.
  vtime_t (*window_cost)(void *ctx, uint32_t addr, unsigned bytes);
  uint32_t (*window_read)(void *ctx, uint32_t addr, unsigned bytes);
  // A read that faults since the window is off. True: the controller said why.
  bool (*window_refused)(void *ctx, uint32_t addr);
  // The core begins or ends a sleep with SCR.SLEEPDEEP set. May be NULL.
  void (*deep_sleep)(void *ctx, bool begins);
  // The application's vector table for the hand-over check; 0 = no check. Called
  // once per reset, when the PC reaches its reset handler for the first time.
  uint32_t app_vectors;
  void (*app_started)(void *ctx);
};

struct cpu_counters {
  uint64_t cycles;        // executed, sleep not counted
  uint64_t instructions;  // retired, from the code itself in both modes
  uint64_t exceptions;
  uint64_t slices;  // times Unicorn was entered
};

// Never returns NULL: a core that cannot be set up ends the program.
struct cpu *cpu_create(enum cpu_mode mode, const struct cpu_ports *ports,
                       const struct cpu_region *regions, size_t region_count);
void cpu_destroy(struct cpu *c);

// Loads SP and PC from the table at `vectors` as after a reset.
void cpu_reset(struct cpu *c, uint32_t vectors);

// The power is gone: a store that is under way does not arrive. Until the next reset.
void cpu_power_off(struct cpu *c);

// Runs until virtual time `until`, or cpu_stop, or a reset request (see
// cpu_reset_requested), whichever is first.
void cpu_run(struct cpu *c, vtime_t until);

// Leaves cpu_run at the next block; callable from events and models.
void cpu_stop(struct cpu *c);

// Something that decides about interrupts changed: look before the next block.
void cpu_attention(struct cpu *c);

// A pulse on the core's event input (RXEV): sets the event register, for WFE.
void cpu_event(struct cpu *c);

// A register access holds the CPU until `until`: time passes, events fire. For
// models, from within the access.
void cpu_wait(struct cpu *c, vtime_t until);

// The core clock is now `hz`. Call while sim->events.now is exact.
void cpu_set_clock(struct cpu *c, uint64_t hz);

// Both take effect before the next block. `name` is the region's: from then on it lies
// at `base`, and no two may overlap.
void cpu_set_access(struct cpu *c, const char *name, enum cpu_access access);
void cpu_move(struct cpu *c, const char *name, uint32_t base);

// Bytes behind [addr, addr + size) changed by other means than a CPU store.
void cpu_code_changed(struct cpu *c, uint32_t addr, uint32_t size);

// Internal flash changed at [addr, addr + size): code of it, and what caches hold.
void cpu_flash_changed(struct cpu *c, uint32_t addr, uint32_t size);

// The ART accelerator (FLASH_ACR ARTEN), and its reset (ARTRST).
void cpu_art(struct cpu *c, bool on);
void cpu_art_reset(struct cpu *c);

// The flash behind the QUADSPI window changed at [addr, addr + size): lines of it that
// the caches hold are old.
void cpu_data_changed(struct cpu *c, uint32_t addr, uint32_t size);

// Another bus master reads or writes memory that the CPU sees, too: behind the
// D-cache, which is what is checked. False: no such memory, or not writable.
bool cpu_dma_read(struct cpu *c, uint32_t addr, void *to, uint32_t size);
bool cpu_dma_write(struct cpu *c, uint32_t addr, const void *from, uint32_t size);

// The QUADSPI window. DIRECT: the region's own bytes are what a read returns.
// CALLBACK: reads go through window_read, byte-exact and slow (the controller is
// configured such that the array does not read linearly). OFF: reads fault.
enum cpu_window { CPU_WINDOW_OFF, CPU_WINDOW_DIRECT, CPU_WINDOW_CALLBACK };
void cpu_set_window(struct cpu *c, enum cpu_window mode);

bool cpu_is_sleeping(const struct cpu *c);
bool cpu_is_locked_up(const struct cpu *c);

// Address of the block (BLOCK) or instruction (PRECISE) that runs or ran last.
uint32_t cpu_pc(const struct cpu *c);

// Core registers for checks and debuggers: R0 to R15 by number, 16 = xPSR.
uint32_t cpu_register(const struct cpu *c, unsigned number);
struct nvic_masks cpu_masks(const struct cpu *c);  // PRIMASK, FAULTMASK, BASEPRI
uint32_t cpu_control(const struct cpu *c);

// A cache maintenance operation, from scs.cache.
void cpu_cache(struct cpu *c, enum cache_op op, uint32_t value);

// Core clocks since power-on, sleep included: what DWT_CYCCNT counts.
uint64_t cpu_clock_cycles(const struct cpu *c);

struct cpu_counters cpu_counters(const struct cpu *c);
