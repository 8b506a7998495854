// SPDX-License-Identifier: MIT
// Internal flash and its interface (RM0410 chapter 3): sectors in one bank or two,
// keys, program and erase with their times, every error flag, option bytes, OTP, and
// the stall of whoever reads a bank meanwhile. 2 MB and 1 MB parts.
//
//   flash_f7.c          registers, keys, reset
//   flash_f7_map.c      which sector is where in which bank mode, times, protection
//   flash_f7_ops.c      what starts, what it leaves, what a power cut leaves of it
//   flash_f7_options.c  option bytes: cells, loading, programming, read protection
//   flash_f7_otp.c      one-time programmable bytes and their locks
#pragma once

#include "sim/core/sim.h"

enum {
  FLASH_F7_SECTORS = 24,  // at most; two banks: 12 to 23 are the second's
  FLASH_F7_OTP_BYTES = 1024,
  FLASH_F7_OTP_SIZE = 1024 + 32,      // with the lock bytes
  FLASH_F7_OPTION_WORDS = 4,          // 16 bits each, with their complement
  FLASH_F7_OPTION_WINDOW_BYTES = 32,  // what 0x1FFF0000 shows of them
  FLASH_F7_WEAK_CELLS = 512,
};

enum flash_f7_kind {
  FLASH_F7_PROGRAM,
  FLASH_F7_ERASE,
  FLASH_F7_MASS_ERASE,  // of one bank or of everything
  FLASH_F7_OTP,         // a program of OTP or lock bytes; its offset is there
  FLASH_F7_OPTIONS,     // with a mass erase before if read protection is given up
};

struct flash_f7_counters {
  uint64_t programs, erases, mass_erases, bytes_programmed;
  uint64_t otp_programs, option_programs;
  uint32_t sector_erases[FLASH_F7_SECTORS];
};

// Faults that tests inject. Addresses are offsets into the array.
struct flash_f7_faults {
  bool stuck;         // a cell that cannot change
  uint32_t stuck_at;  // its byte
  uint8_t stuck_mask, stuck_value;
  bool program_fails;  // units covering this byte keep their old content
  uint32_t program_at;
  bool erase_fails;  // this sector stays half erased
  unsigned erase_sector;
  bool otp_fails;     // OTP bytes keep their old content
  bool options_fail;  // option bytes keep theirs
  bool stays_busy;    // the next operation never ends
};

struct flash_f7 {
  struct sim *sim;
  struct reg_file regs;
  uint8_t *bytes;
  uint32_t size;
  uint32_t supply_mv;
  uint8_t *otp;            // FLASH_F7_OTP_SIZE bytes; NULL: there are none
  uint8_t *option_window;  // FLASH_F7_OPTION_WINDOW_BYTES; NULL: nobody looks

  uint32_t acr, sr, cr, optcr, optcr1;
  // The option bytes in their own cells, which outlast power: what a reset loads into
  // OPTCR and OPTCR1. `option_broken` is where a half-word's complement is not one,
  // after a power cut (flash_f7_options.c).
  uint32_t option_optcr, option_optcr1;
  uint16_t option_broken[FLASH_F7_OPTION_WORDS];
  uint32_t protection;  // OPTCR.RDP and nWRP in force
  uint32_t loaded;      // OPTCR as the last reset has loaded it
  bool from_flash;      // that reset booted from flash
  bool debugger;        // is connected
  bool intruded;        // has been, at level 1, since power came
  bool swapped;         // the second bank is in front: flash_f7_swap
  bool dual_bank;       // nDBANK as the last reset has loaded it
  bool cells_dual;      // the mode for which `bytes` is laid out
  unsigned key_step, option_key_step;
  bool key_locked, option_key_locked;  // a wrong key: until reset

  struct {
    bool active;
    enum flash_f7_kind kind;
    unsigned banks;  // that cannot be read meanwhile, bit by bit
    uint32_t offset, length;
    uint8_t *cells;        // of a program: the array it works on
    uint32_t old, target;  // of a program unit
    bool regression;       // of option bytes: everything is erased first
    vtime_t start, end;
  } op;
  struct event done;
  // Cells that an erase was cut in: some bits of them read differently every time.
  struct flash_f7_weak {
    uint32_t at;
    uint8_t mask;
  } weak[FLASH_F7_WEAK_CELLS];
  unsigned weak_count;
  struct event tremble;
  struct flash_f7_faults faults;
  struct flash_f7_counters counters;
  uint64_t random;  // for what a power cut leaves
  struct irq_line irq;

  // These banks cannot be read from now on, or any, if the flash is shut: bit 0 the
  // first half of the array, bit 1 the second one. A single bank is both.
  void (*on_busy)(void *ctx, unsigned banks);
  // Bytes of the array changed: what was fetched from them is stale.
  void (*on_content)(void *ctx, uint32_t offset, uint32_t length);
  // An operation starts; for power-cut sweeps.
  void (*on_operation)(void *ctx, enum flash_f7_kind kind, uint32_t offset);
  void (*on_latency)(void *ctx);
  // The ART accelerator is on or off from now on, and is to forget what it holds.
  void (*on_art)(void *ctx, bool on, bool reset);
  // The bus stands still until then. Without it, time just passes.
  void (*wait)(void *ctx, vtime_t until);
  // Read protection was given up: backup SRAM is erased as well.
  void (*on_regression)(void *ctx);
  void *ctx;
};

void flash_f7_init(struct flash_f7 *f, struct sim *sim, uint8_t *bytes, uint32_t size,
                   uint32_t supply_mv);
void flash_f7_free(struct flash_f7 *f);
void flash_f7_reset(struct flash_f7 *f);

uint32_t flash_f7_read(void *flash, uint32_t offset, unsigned bytes);
void flash_f7_write(void *flash, uint32_t offset, unsigned bytes, uint32_t value);

// SYSCFG_MEMRMP.SWP_FB: which of two banks lies at the flash's first address. Sectors,
// banks and their protection are numbered by the array, swapped or not (AN4826).
void flash_f7_swap(struct flash_f7 *f, bool on);

// Where in the array a byte of the flash's address range is, and the other way round.
uint32_t flash_f7_place(const struct flash_f7 *f, uint32_t offset);

// A store into the flash's address range, `offset` bytes from its start.
void flash_f7_store(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                    uint32_t value);

// A store into the OTP area, lock bytes included.
void flash_f7_store_otp(struct flash_f7 *f, uint32_t offset, unsigned bytes,
                        uint32_t value);

// When the operation in progress ends: now if there is none, VT_NEVER if stuck.
vtime_t flash_f7_busy_until(const struct flash_f7 *f);

// Power goes this instant: an operation in progress leaves any subset of its bit
// changes behind (a program) or bits of no certain value (an erase).
void flash_f7_power_cut(struct flash_f7 *f);

// The chip as it was delivered: these option bytes, the flash laid out for their bank
// mode. Takes effect with the next reset.
void flash_f7_set_options(struct flash_f7 *f, uint32_t optcr, uint32_t optcr1);

// The same from what the window holds, complements included: a programmer has written
// there.
void flash_f7_set_option_window(struct flash_f7 *f);

// Where a reset boots from, by the BOOT pin (RM0410 2.4).
uint32_t flash_f7_boot_address(const struct flash_f7 *f, bool pin);

// Read protection in force: 0, 1 or 2.
unsigned flash_f7_rdp_level(const struct flash_f7 *f);

// Level 1, and the code that runs was not booted from flash, or a debugger was there
// since power came: neither flash nor backup SRAM can be read, programmed or erased
// (RM0410 3.6.3).
bool flash_f7_is_shut(const struct flash_f7 *f);

// A debugger connects, or leaves; power comes, which forgets that it ever did.
void flash_f7_debugger(struct flash_f7 *f, bool connected);
void flash_f7_power_on(struct flash_f7 *f);

// Sectors by their number in the manual, in the bank mode in force.
unsigned flash_f7_sector_of(const struct flash_f7 *f, uint32_t offset);
bool flash_f7_sector_range(const struct flash_f7 *f, unsigned sector, uint32_t *offset,
                           uint32_t *length);

// Wait states in use (ACR.LATENCY).
unsigned flash_f7_latency(const struct flash_f7 *f);
