// SPDX-License-Identifier: MIT
// Internal flash and its interface (RM0410 chapter 3): sectors, keys, program and
// erase with their times, every error flag, read-only option registers, and the
// stall of whoever reads the bank meanwhile. Single bank (nDBANK = 1), 2 MB.
#pragma once

#include "sim/core/sim.h"

enum { FLASH_F7_SECTORS = 12 };

enum flash_f7_kind { FLASH_F7_PROGRAM, FLASH_F7_ERASE, FLASH_F7_MASS_ERASE };

struct flash_f7_counters {
  uint64_t programs, erases, mass_erases, bytes_programmed;
  uint32_t sector_erases[FLASH_F7_SECTORS];
};

// Faults that tests inject. Addresses are offsets into the flash.
struct flash_f7_faults {
  bool stuck;         // a cell that cannot change
  uint32_t stuck_at;  // its byte
  uint8_t stuck_mask, stuck_value;
  bool program_fails;  // units covering this byte keep their old content
  uint32_t program_at;
  bool erase_fails;  // this sector stays half erased
  unsigned erase_sector;
  bool stays_busy;  // the next operation never ends
};

struct flash_f7 {
  struct sim *sim;
  struct reg_file regs;
  uint8_t *bytes;
  uint32_t size;
  uint32_t supply_mv;

  uint32_t acr, sr, cr, optcr, optcr1;
  // The option bytes in their own cells: what a reset loads into OPTCR and OPTCR1.
  uint32_t option_optcr, option_optcr1;
  unsigned key_step, option_key_step;
  bool key_locked, option_key_locked;  // a wrong key: until reset

  struct {
    bool active;
    enum flash_f7_kind kind;
    uint32_t offset, length;
    uint32_t old, target;  // of a program unit
    vtime_t end;
  } op;
  struct event done;
  struct flash_f7_faults faults;
  struct flash_f7_counters counters;
  uint64_t random;  // for what a power cut leaves
  struct irq_line irq;

  // The flash can or cannot be read from now on.
  void (*on_busy)(void *ctx, bool busy);
  // Bytes changed: what was fetched from them is stale.
  void (*on_content)(void *ctx, uint32_t offset, uint32_t length);
  // An operation starts; for power-cut sweeps.
  void (*on_operation)(void *ctx, enum flash_f7_kind kind, uint32_t offset);
  void (*on_latency)(void *ctx);
  void *ctx;
};

void flash_f7_init(struct flash_f7 *f, struct sim *sim, uint8_t *bytes, uint32_t size,
                   uint32_t supply_mv);
void flash_f7_free(struct flash_f7 *f);
void flash_f7_reset(struct flash_f7 *f);

uint32_t flash_f7_read(void *flash, uint32_t offset, unsigned bytes);
void flash_f7_write(void *flash, uint32_t offset, unsigned bytes, uint32_t value);

// A store into the flash's address range, `offset` bytes from its start.
void flash_f7_store(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                    uint32_t value);

// When the operation in progress ends: now if there is none, VT_NEVER if stuck.
vtime_t flash_f7_busy_until(const struct flash_f7 *f);

// Power goes this instant: an operation in progress leaves any subset of its bit
// changes behind (a program) or bits of no certain value (an erase).
void flash_f7_power_cut(struct flash_f7 *f);

unsigned flash_f7_sector_of(uint32_t offset);
void flash_f7_sector_range(unsigned sector, uint32_t *offset, uint32_t *length);

// Wait states in use (ACR.LATENCY).
unsigned flash_f7_latency(const struct flash_f7 *f);
