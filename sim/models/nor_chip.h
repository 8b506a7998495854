// SPDX-License-Identifier: MIT
// What one NOR flash chip is, as const data: ids, SFDP, registers, commands,
// times and protection. A new chip is a new table, not new code; nor.c and its
// siblings read these tables and know no chip by name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/event.h"

enum { NOR_MAX_PAGE = 256, NOR_ERASE_TYPES = 4 };

// Registers that commands read and write. A multi-byte register write goes to
// consecutive ones (01h writes STATUS, then CONFIG: Macronix).
enum nor_register_id {
  NOR_REG_STATUS,
  NOR_REG_CONFIG,    // Winbond SR2, Spansion CR1
  NOR_REG_CONFIG2,   // Winbond SR3, Macronix MX25R CR2
  NOR_REG_CONFIG3,   // Spansion CR3
  NOR_REG_SECURITY,  // what tells failure or suspension: RDSCUR, ISSI function
  NOR_REG_FLAGS,     // Micron flag status, Spansion SR2
  NOR_REG_EXTENDED_ADDRESS,
  NOR_REG_VOLATILE,        // Micron VCR, ISSI read register
  NOR_REG_ENHANCED,        // Micron enhanced VCR
  NOR_REG_NONVOLATILE_LO,  // Micron NVCR, bits 7..0
  NOR_REG_NONVOLATILE_HI,
  NOR_REG_COUNT,
};

// One register. Bits in neither mask are read-only or reserved.
struct nor_register {
  uint8_t factory;        // value on delivery; of volatile bits, after every reset
  uint8_t nonvolatile;    // writable, survive power-off
  uint8_t one_time;       // of those: once 1, for ever 1
  uint8_t volatile_bits;  // writable, back to `factory` by power-up and reset
};

// Bits of a register; width 0 = the chip has no such bits.
struct nor_field {
  uint8_t reg;  // enum nor_register_id
  uint8_t lsb, width;
};

// Where each bit that the model knows the meaning of lives.
struct nor_fields {
  struct nor_field write_in_progress, write_enabled;
  struct nor_field quad_enable;
  struct nor_field write_disable;  // with WP# low: the status register is locked
  struct nor_field four_byte;      // read-only: 1 = 4-byte address mode
  struct nor_field latency;        // selects the row of every nor_latency table
  struct nor_field program_failed, erase_failed, protection_failed;
  struct nor_field program_suspended, erase_suspended;
  struct nor_field busy_again;  // a second copy of WIP (SST)
  struct nor_field ready;       // WIP the other way round (Micron flag status)
  // Written by commands, besides those that set the mode:
  struct nor_field four_byte_bank;  // 1 = 4-byte addresses (ISSI bank register)
  struct nor_field spi_protocol;    // 0 = QPI (Micron EVCR)
  struct nor_field xip_off;         // 0 = reads may keep their command (Micron VCR)
  struct nor_field lock_blocks;     // 1 = block locks instead of BP (Winbond WPS)
  // Looked at by reset and power-up:
  struct nor_field four_byte_at_reset;   // 1 = 4-byte (Winbond, Spansion ADP)
  struct nor_field three_byte_at_reset;  // 0 = 4-byte (Micron NVCR)
  struct nor_field no_xip_at_reset;      // all ones = none (Micron NVCR)
};

// At reset a volatile field takes the value of a non-volatile one.
struct nor_copy {
  struct nor_field from, to;
};

enum { NOR_COPIES = 2 };

// Block protection by BP bits: value n protects 2^(n-1) units from the top, or
// from the bottom with `bottom` set; a value too large protects everything.
struct nor_protection {
  struct nor_field level, bottom;
  uint32_t unit;                // bytes
  struct nor_field level_high;  // one more bit of `level`, its highest
  struct nor_field fine;        // SEC: 4 KB units, at most 32 KB, value 7 is all
  struct nor_field complement;  // CMP: what is protected and what is not change places
  bool all_at_7;                // three BP bits: 7 protects everything
};

struct nor_time {
  vtime_t typ, max;
};

struct nor_erase {
  uint32_t size;  // bytes; 0 = the chip lacks this type
  struct nor_time time;
  vtime_t reset_recovery;  // after a reset that hits such an erase
};

// Dummy clocks and the fastest SCLK they allow, at one value of the latency field.
// The clocks include the mode (performance enhance) clocks.
struct nor_latency {
  uint8_t clocks, max_mhz;
};

enum { NOR_LATENCIES = 16 };

// In which protocols a command is decoded.
enum { NOR_SPI = 1, NOR_QPI = 2 };  // first opcode bit on IO0; nibbles on IO3..0

enum nor_address_rule {
  NOR_ADDRESS_NONE,
  NOR_ADDRESS_3,     // always 3 bytes
  NOR_ADDRESS_4,     // always 4 bytes: the dedicated opcodes
  NOR_ADDRESS_MODE,  // by the chip's address mode
};

enum {
  NOR_NEEDS_WEL = 1 << 0,
  NOR_NEEDS_QUAD = 1 << 1,  // in SPI mode; QPI implies quad
  NOR_WHILE_BUSY = 1 << 2,
  NOR_WHILE_ERASE_SUSPENDED = 1 << 3,
  NOR_WHILE_PROGRAM_SUSPENDED = 1 << 4,
  // Start-up code must send it before it can know the chip's state; a chip that
  // is in no state to take it ignores it and nobody is to blame.
  NOR_SENT_BLIND = 1 << 5,
  NOR_MODE_BITS = 1 << 6,      // the first dummy clocks carry mode bits
  NOR_TAIL_OPTIONAL = 1 << 7,  // works without its address and data
  NOR_OR_VOLATILE = 1 << 8,    // 50h does as well as WREN; then nothing is stored
  NOR_DDR = 1 << 9,            // address, mode bits and data on both clock edges
};

enum nor_action {
  NOR_NOP,
  NOR_NOT_MODELLED,
  // Data out
  NOR_READ_ARRAY,
  NOR_READ_REGISTER,  // argument: register
  NOR_READ_ID,        // argument: which id, enum nor_id_kind
  NOR_READ_SFDP,
  // Data in
  NOR_PROGRAM,
  NOR_WRITE_REGISTER,  // argument: first register; up to `max_bytes` bytes
  NOR_WRITE_VOLATILE,  // the same, at once
  // No data
  NOR_ERASE,  // argument: index into `erases`
  NOR_ERASE_CHIP,
  NOR_WRITE_ENABLE,   // argument: new value of WEL
  NOR_SET_QPI,        // argument: 1 = enter
  NOR_SET_FOUR_BYTE,  // argument: 1 = enter
  NOR_SUSPEND,
  NOR_RESUME,
  NOR_SLEEP,  // deep power-down
  NOR_RESET_ENABLE,
  NOR_RESET,
  NOR_VOLATILE_ENABLE,  // 50h: the next status write is volatile
  NOR_CLEAR_FLAGS,
  NOR_LOCK_ALL,    // argument: 1 = lock every block, 0 = unlock
  NOR_LOCK_BLOCK,  // the same for one
  NOR_READ_LOCK,
  NOR_SELECT_DIE,  // one byte: whose registers are read
  NOR_ACTIONS,
};

enum nor_id_kind {
  NOR_ID_JEDEC,       // RDID, QPIID
  NOR_ID_ELECTRONIC,  // RES; also wakes from deep power-down
  NOR_ID_REMS,        // manufacturer and device, order by address bit 0
  NOR_ID_UNIQUE,
};

struct nor_command {
  uint8_t opcode;
  const char *name;  // the vendor's
  uint8_t in;        // NOR_SPI | NOR_QPI
  uint8_t address_rule;
  uint8_t address_lines, data_lines;  // in SPI mode; all are 4 in QPI
  uint8_t dummy, max_mhz;             // when `latency` is NULL
  const struct nor_latency *latency;  // NOR_LATENCIES rows
  uint16_t flags;
  uint8_t action;  // enum nor_action
  uint8_t argument;
  uint8_t max_bytes;  // of a register write or read; a read begins again after them
};

// Which mode bits make the chip expect an address, without an opcode, next time.
enum nor_mode_rule {
  NOR_MODE_NONE,
  NOR_MODE_TOGGLE,  // Macronix: P7..P4 the complement of P3..P0
  NOR_MODE_M54,     // Winbond: M5..M4 = 10
  NOR_MODE_AX,      // ISSI, Spansion, SST: M7..M4 = 1010
  NOR_MODE_XIP,     // Micron: IO0 low in the first dummy clock, if VCR allows
};

struct nor_chip {
  const char *name;  // lower case: "mx25l51245g"
  uint32_t size, page;
  uint8_t jedec_id[3];
  uint8_t electronic_id;
  uint8_t more_id[3];  // bytes 4 to 6 of RDID
  uint8_t more_ids;    // how many of them
  const uint8_t *sfdp;
  size_t sfdp_size;  // FFh beyond
  struct nor_register registers[NOR_REG_COUNT];
  struct nor_fields fields;
  struct nor_protection protection;
  struct nor_copy copies[NOR_COPIES];
  enum nor_mode_rule mode_rule;
  uint32_t die_size;  // of a stack of dies; 0 = one die
  // Odd ones out.
  bool quad_always;             // needs no QE bit
  bool one_byte_clears_config;  // 01h with one byte clears the next register
  bool sticky_failures;         // until NOR_CLEAR_FLAGS or reset
  bool wakes_by_select;         // any fall of CS# ends deep power-down
  bool locked_at_power_up;      // every block, until unlocked; BP bits do not exist
  bool small_outer_blocks;      // D8h: 8 KB in the outermost 32 KB, then 32 KB
  const struct nor_command *commands;
  size_t command_count;

  // A program of n bytes takes first_byte + (n-1) * next_byte, at most page_time; a
  // whole page takes page_time.
  struct nor_time page_time, first_byte, next_byte;
  struct nor_erase erases[NOR_ERASE_TYPES];
  struct nor_erase chip_erase;
  struct nor_time register_write;
  struct nor_time suspend;                // command to readable
  vtime_t sleep, wake;                    // deep power-down: entered, left
  vtime_t power_up;                       // VCC good to the first command
  vtime_t reset_recovery;                 // after a reset of an idle chip
  vtime_t reset_program, reset_register;  // that hits a program, a register write
};

// The chip called `name` (in upper or lower case), or NULL; and all there are, by
// index, NULL past the last.
const struct nor_chip *nor_chip_find(const char *name);
const struct nor_chip *nor_chip_at(size_t index);
