// SPDX-License-Identifier: MIT
// Shorthand for the chip tables (nor_<family>.c). Nobody else includes it.
//
// Where a number comes from is said beside it: [S] the chip's own SFDP, [F] the
// collected facts on NOR chips (two sources each), [M] from memory of the data sheet,
// wants checking against the paper.
#pragma once

#include "nor_sfdp.h"
#include "sim/models/nor_chips.h"

enum {
  SPI = NOR_SPI,
  QPI = NOR_QPI,
  BOTH = NOR_SPI | NOR_QPI,

  A0 = NOR_ADDRESS_NONE,
  A3 = NOR_ADDRESS_3,
  A4 = NOR_ADDRESS_4,
  AM = NOR_ADDRESS_MODE,

  PAUSED = NOR_WHILE_ERASE_SUSPENDED | NOR_WHILE_PROGRAM_SUSPENDED,
  ALWAYS = NOR_WHILE_BUSY | PAUSED,
  BLIND = ALWAYS | NOR_SENT_BLIND,
  QUAD = NOR_NEEDS_QUAD,
  XIP = NOR_MODE_BITS,
  DDR = NOR_DDR,
  // A page program is all that may run beside a suspended erase.
  WRITE = NOR_NEEDS_WEL | NOR_WHILE_ERASE_SUSPENDED,
  ALONE = NOR_NEEDS_WEL,
  STATUS_WRITE = NOR_NEEDS_WEL | NOR_OR_VOLATILE,
};

// One row of a command table each. `mhz` of most is the chip's, MHZ.
// A read of the array: protocols, address rule, lines of address and data; then dummy
// clocks (with the mode clocks) and limit, or a table of them.
#define READ(op, name, in, rule, al, dl, dummy, mhz, flags)                            \
  {                                                                                    \
    op, name, in, rule, al, dl, dummy, mhz, NULL, PAUSED | (flags), NOR_READ_ARRAY, 0, \
        0                                                                              \
  }
#define READ_LATENCY(op, name, in, rule, al, dl, table, flags) \
  { op, name, in, rule, al, dl, 0, 0, table, PAUSED | (flags), NOR_READ_ARRAY, 0, 0 }
#define PROGRAM(op, name, in, rule, al, dl, flags) \
  { op, name, in, rule, al, dl, 0, MHZ, NULL, WRITE | (flags), NOR_PROGRAM, 0, 0 }
#define ERASE(op, name, in, rule, type) \
  { op, name, in, rule, 1, 1, 0, MHZ, NULL, ALONE, NOR_ERASE, type, 0 }
#define OP(op, name, in, flags, action, argument) \
  { op, name, in, A0, 1, 1, 0, MHZ, NULL, flags, action, argument, 0 }
#define READ_REGISTER(op, name, in, flags, reg, count) \
  { op, name, in, A0, 1, 1, 0, MHZ, NULL, flags, NOR_READ_REGISTER, reg, count }
#define WRITE_REGISTER(op, name, in, flags, reg, count) \
  { op, name, in, A0, 1, 1, 0, MHZ, NULL, flags, NOR_WRITE_REGISTER, reg, count }
#define WRITE_VOLATILE(op, name, in, flags, reg) \
  { op, name, in, A0, 1, 1, 0, MHZ, NULL, flags, NOR_WRITE_VOLATILE, reg, 1 }
#define READ_ID(op, name, in, rule, dummy, flags, kind) \
  { op, name, in, rule, 1, 1, dummy, MHZ, NULL, flags, NOR_READ_ID, kind, 0 }
#define LOCK(op, name, in, rule, flags, action, argument) \
  { op, name, in, rule, 1, 1, 0, MHZ, NULL, flags, action, argument, 0 }
// The chip has it, the model does not.
#define MISSING(op, name, in) \
  { op, name, in, A0, 1, 1, 0, MHZ, NULL, ALWAYS, NOR_NOT_MODELLED, 0, 0 }

// Nearly every chip of every vendor has these, in each protocol that it has.
// JESD216 guarantees SFDP at 50 MHz; data sheets allow the full clock [M].
#define COMMON_ROWS(in)                                                        \
  OP(0x06, "WREN", in, PAUSED, NOR_WRITE_ENABLE, 1),                           \
      OP(0x04, "WRDI", in, PAUSED, NOR_WRITE_ENABLE, 0),                       \
      READ_REGISTER(0x05, "RDSR", in, BLIND, NOR_REG_STATUS, 1),               \
      OP(0x60, "CHIP ERASE", in, ALONE, NOR_ERASE_CHIP, 0),                    \
      OP(0xC7, "CHIP ERASE", in, ALONE, NOR_ERASE_CHIP, 0),                    \
      OP(0x66, "RESET ENABLE", in, BLIND, NOR_RESET_ENABLE, 0),                \
      OP(0x99, "RESET", in, BLIND, NOR_RESET, 0), {                            \
    0x5A, "READ SFDP", in, A3, 1, 1, 8, MHZ, NULL, PAUSED, NOR_READ_SFDP, 0, 0 \
  }

// Deep power-down and its end; the id behind ABh may be left out.
#define POWER_DOWN_ROWS(in)                                                 \
  OP(0xB9, "DEEP POWER-DOWN", in, 0, NOR_SLEEP, 0), {                       \
    0xAB, "RELEASE", in, A3, 1, 1, 0, MHZ, NULL, BLIND | NOR_TAIL_OPTIONAL, \
        NOR_READ_ID, NOR_ID_ELECTRONIC, 0                                   \
  }

// Clocks of all ones, and of zeros: nobody's command, and sent to end 0-4-4.
#define IDLE_ROWS(in) \
  OP(0x00, "NOP", in, BLIND, NOR_NOP, 0), OP(0xFF, "all ones", in, BLIND, NOR_NOP, 0)

#define SIZE_OF(array) (sizeof(array) / sizeof(array)[0])
#define MB(n)          ((uint32_t)(n) << 20)
#define KB(n)          ((uint32_t)(n) << 10)
