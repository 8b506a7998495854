// SPDX-License-Identifier: MIT
// The simulator's chips under the drivers: internal flash, and QUADSPI with DMA2 and
// a NOR chip. A file of its own, since model and driver call their structs the same.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/core/sim.h"

enum {
  CHIPS_FLASH_SIZE = 2048 * 1024,
  CHIPS_NOR_SIZE = 64 * 1024 * 1024,
  CHIPS_NOR_REACH = 16 * 1024 * 1024,  // of three address bytes
  CHIPS_HCLK = 216000000,
};

#define CHIPS_FLASH_REGS  0x40023C00u
#define CHIPS_FLASH_BYTES 0x08000000u
#define CHIPS_QUADSPI     0xA0001000u
#define CHIPS_DMA2        0x40026400u

struct chips {
  struct sim sim;
  struct models *models;
  uint8_t *flash, *nor;  // cells
  bool flash_irq, quadspi_irq;
};

// Good chips as delivered, and the drivers' registers bound to them. Register
// accesses take 50 ns, about what they take at 216 MHz.
struct chips *chips_open(uint32_t supply_mv);
struct chips *chips_open_with(uint32_t supply_mv, const char *nor_chip);
void chips_close(struct chips *c);

// Nothing has been reported; else prints it and fails.
void chips_expect_quiet(const struct chips *c);

// Exactly this class has been reported; forgets it.
void chips_expect_report(struct chips *c, enum guest_error error);

void chips_pass(struct chips *c, vtime_t duration);

// --- internal flash ---

struct chips_counts {
  uint64_t programs, erases;
};
struct chips_counts chips_flash_counts(const struct chips *c);
void chips_flash_stays_busy(struct chips *c, bool on);
void chips_flash_program_fails(struct chips *c, uint32_t offset);
void chips_flash_erase_fails(struct chips *c, unsigned sector);
void chips_flash_lock_for_ever(struct chips *c);  // as after a wrong key
void chips_flash_leave_error(struct chips *c, uint32_t flag);
// A reset with factory option bytes but for these bits of OPTCR, which are 0.
void chips_flash_options(struct chips *c, uint32_t clear);
void chips_flash_size(struct chips *c, uint32_t size);  // 1 or 2 MB
void chips_flash_power_cycle(struct chips *c);

// --- NOR ---

// The states in which a reset of the MCU may find the chip.
enum chips_nor_state {
  CHIPS_NOR_FRESH,
  CHIPS_NOR_QUAD_ENABLED,
  CHIPS_NOR_PROTECTED,  // every block, by BP bits
  CHIPS_NOR_QPI,
  CHIPS_NOR_FOUR_BYTE,
  CHIPS_NOR_QPI_FOUR_BYTE,
  CHIPS_NOR_CONTINUOUS,    // 0-4-4: expects an address, no opcode
  CHIPS_NOR_CONTINUOUS_4,  // the same with four address bytes
  CHIPS_NOR_ASLEEP,        // deep power-down
  CHIPS_NOR_ERASING,
  CHIPS_NOR_PROGRAMMING,
  CHIPS_NOR_SUSPENDED,  // an erase
  CHIPS_NOR_STATES,
};
const char *chips_nor_name(size_t index);  // of the simulator's chips; NULL: no more
const char *chips_nor_state_name(size_t index);  // of any chip's states, likewise
// As if left so (NULL: as delivered). False: this chip cannot be. Its cells hold a
// pattern from here on: around 128 KB, 3.3 MB, 16 MB and the middle.
bool chips_nor_set_state(struct chips *c, const char *name);
uint32_t chips_nor_size(const struct chips *c);

// From now on its reads on both clock edges want so many dummy clocks.
void chips_nor_ddr_dummy(struct chips *c, uint8_t clocks);

// The MX25L51245G, by its own commands.
void chips_nor_put(struct chips *c, enum chips_nor_state state);
void chips_nor_remove(struct chips *c);  // nothing answers
void chips_nor_stays_busy(struct chips *c, bool on);
void chips_nor_fail_program(struct chips *c, uint32_t which);
void chips_nor_fail_erase(struct chips *c, uint32_t which);
void chips_nor_stick(struct chips *c, uint32_t address, uint8_t mask, uint8_t value);
uint64_t chips_nor_register_writes(const struct chips *c);
uint8_t chips_nor_status(const struct chips *c);

// The QUADSPI window: for struct quadspi_config, and 4 bytes from there. What the core
// is not let into, it must not read.
void chips_let_in(uint32_t bytes);
uint32_t chips_let_in_bytes(void);  // as it is
unsigned chips_let_ins(void);       // how often it was opened
uint32_t chips_window_read(struct chips *c, uint32_t offset);
