// SPDX-License-Identifier: MIT
// Private to flash_f7*.c.
#pragma once

#include "sim/models/flash_f7.h"
#include "sim_regs.h"

#define FLASH_F7_ADDRESS 0x08000000u
#define FLASH_F7_OTP_AT  0x1FF0F000u

#define FLASH_F7_ERRORS                                             \
  (SIM_FLASH_SR_OPERR | SIM_FLASH_SR_WRPERR | SIM_FLASH_SR_PGAERR | \
   SIM_FLASH_SR_PGPERR | SIM_FLASH_SR_ERSERR)

enum { FLASH_F7_BOTH_BANKS = 3 };

// --- flash_f7.c ---

void flash_f7_update_irq(struct flash_f7 *f);

// An error flag comes up, and with it what ERRIE wants.
void flash_f7_refuse(struct flash_f7 *f, uint32_t flag);

// A write that must wait for the operation in progress does, and says so. False: that
// operation never ends, the write is lost.
bool flash_f7_wait_free(struct flash_f7 *f, uint32_t addr, const char *what);

// --- flash_f7_map.c ---

// log2 of the program unit's bytes: CR.PSIZE.
unsigned flash_f7_psize(const struct flash_f7 *f);

// The sector that CR.SNB names; false if there is none.
bool flash_f7_sector_named(const struct flash_f7 *f, unsigned snb, unsigned *sector);
bool flash_f7_sector_protected(const struct flash_f7 *f, unsigned sector);

// The lowest protected sector of the given banks, -1 if there is none.
int flash_f7_first_protected(const struct flash_f7 *f, unsigned banks);

// Bytes of a row, which no program may cross.
uint32_t flash_f7_row(const struct flash_f7 *f);

// The banks that an access to these bytes needs.
unsigned flash_f7_banks_at(const struct flash_f7 *f, uint32_t offset);
void flash_f7_bank_range(const struct flash_f7 *f, unsigned banks, uint32_t *offset,
                         uint32_t *length);

vtime_t flash_f7_erase_time(const struct flash_f7 *f, uint32_t length);
vtime_t flash_f7_mass_erase_time(const struct flash_f7 *f, uint32_t length);

// Lowest supply for the PSIZE in use.
bool flash_f7_supply_suffices(struct flash_f7 *f);

// --- flash_f7_ops.c ---

uint32_t flash_f7_random(struct flash_f7 *f);

// Starts `op`, whose kind, banks and place are filled in.
void flash_f7_begin(struct flash_f7 *f, vtime_t duration);
void flash_f7_begin_program(struct flash_f7 *f, enum flash_f7_kind kind, uint8_t *cells,
                            uint32_t offset, unsigned bytes, uint32_t value);

// STRT was set.
void flash_f7_start_erase(struct flash_f7 *f);

// What is wrong with a program of `bytes` at `offset` whatever lies there: the flag,
// or 0. `addr` is for the report.
uint32_t flash_f7_program_error(struct flash_f7 *f, uint32_t addr, uint32_t offset,
                                unsigned bytes);

// All cells of [offset, offset + length) become FFh, none of them is weak any more.
void flash_f7_blank(struct flash_f7 *f, uint32_t offset, uint32_t length);

// Those cells as an erase leaves them that was cut in.
void flash_f7_tear(struct flash_f7 *f, uint32_t offset, uint32_t length);
void flash_f7_ops_init(struct flash_f7 *f);

// --- flash_f7_options.c ---

// OPTCR, OPTCR1 and what is in force from the cells, as a reset does it.
void flash_f7_options_load(struct flash_f7 *f);
void flash_f7_options_start(struct flash_f7 *f);
void flash_f7_options_finish(struct flash_f7 *f);
void flash_f7_options_cut(struct flash_f7 *f);

// The window at 0x1FFF0000 shows the cells.
void flash_f7_options_show(struct flash_f7 *f);
