// SPDX-License-Identifier: MIT
// ISSI IS25LP064A (no dump: SFDP of the IS25WP256 with another density) and IS25WP256,
// whose own SFDP says "3-byte addresses only" at 32 MB and is wrong.
#include "sim/models/nor_tables.h"

enum { MHZ = 133, READ_MHZ = 50 };

// Dummy clocks by bits 6..3 of the read register: 0 is the default of the command.
// Fewer clocks than that allow proportionally less speed [M].
static const struct nor_latency eight[NOR_LATENCIES] = {
    {8, 133},  {1, 16},   {2, 33},   {3, 50},  {4, 66},   {5, 83},
    {6, 100},  {7, 116},  {8, 133},  {9, 133}, {10, 133}, {11, 133},
    {12, 133}, {13, 133}, {14, 133}, {15, 133}};
static const struct nor_latency six[NOR_LATENCIES] = {
    {6, 133},  {1, 22},   {2, 44},   {3, 66},  {4, 88},   {5, 110},
    {6, 133},  {7, 133},  {8, 133},  {9, 133}, {10, 133}, {11, 133},
    {12, 133}, {13, 133}, {14, 133}, {15, 133}};
static const struct nor_latency four[NOR_LATENCIES] = {
    {4, 133},  {1, 33},   {2, 66},   {3, 100}, {4, 133},  {5, 133},
    {6, 133},  {7, 133},  {8, 133},  {9, 133}, {10, 133}, {11, 133},
    {12, 133}, {13, 133}, {14, 133}, {15, 133}};

// Mode bits Axh keep BBh and EBh.
#define READ_ROWS                                             \
  READ(0x03, "NORD", SPI, AM, 1, 1, 0, READ_MHZ, 0),          \
      READ_LATENCY(0x0B, "FRD", SPI, AM, 1, 1, eight, 0),     \
      READ_LATENCY(0x0B, "FRD", QPI, AM, 4, 4, six, 0),       \
      READ_LATENCY(0x3B, "FRDO", SPI, AM, 1, 2, eight, 0),    \
      READ_LATENCY(0xBB, "FRDIO", SPI, AM, 2, 2, four, XIP),  \
      READ_LATENCY(0x6B, "FRQO", SPI, AM, 1, 4, eight, QUAD), \
      READ_LATENCY(0xEB, "FRQIO", BOTH, AM, 4, 4, six, QUAD | XIP)

#define WRITE_ROWS                                                                   \
  PROGRAM(0x02, "PP", BOTH, AM, 1, 1, 0), PROGRAM(0x32, "PPQ", SPI, AM, 1, 4, QUAD), \
      PROGRAM(0x38, "PPQ", SPI, AM, 1, 4, QUAD), ERASE(0x20, "SER", BOTH, AM, 0),    \
      ERASE(0xD7, "SER", BOTH, AM, 0), ERASE(0x52, "BER32", BOTH, AM, 1),            \
      ERASE(0xD8, "BER64", BOTH, AM, 2),                                             \
      OP(0x75, "PERSUS", BOTH, ALWAYS, NOR_SUSPEND, 0),                              \
      OP(0xB0, "PERSUS", BOTH, ALWAYS, NOR_SUSPEND, 0),                              \
      OP(0x7A, "PERRSM", BOTH, ALWAYS, NOR_RESUME, 0),                               \
      OP(0x30, "PERRSM", BOTH, ALWAYS, NOR_RESUME, 0)

// The read register: C0h and 63h for now, 65h for good; 61h reads it [M].
#define REGISTER_ROWS                                                  \
  WRITE_REGISTER(0x01, "WRSR", BOTH, ALONE, NOR_REG_STATUS, 1),        \
      READ_REGISTER(0x48, "RDFR", BOTH, ALWAYS, NOR_REG_SECURITY, 1),  \
      WRITE_REGISTER(0x42, "WRFR", BOTH, ALONE, NOR_REG_SECURITY, 1),  \
      READ_REGISTER(0x61, "RDRP", BOTH, PAUSED, NOR_REG_VOLATILE, 1),  \
      WRITE_VOLATILE(0xC0, "SRPV", BOTH, PAUSED, NOR_REG_VOLATILE),    \
      WRITE_VOLATILE(0x63, "SRPV", BOTH, PAUSED, NOR_REG_VOLATILE),    \
      WRITE_REGISTER(0x65, "SRPNV", BOTH, ALONE, NOR_REG_VOLATILE, 1), \
      OP(0x35, "QPIEN", SPI, PAUSED, NOR_SET_QPI, 1),                  \
      OP(0xF5, "QPIDI", QPI, PAUSED, NOR_SET_QPI, 0)

#define ID_ROWS                                                   \
  READ_ID(0x9F, "RDJDID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC),      \
      READ_ID(0xAF, "RDJDIDQ", QPI, A0, 0, PAUSED, NOR_ID_JEDEC), \
      READ_ID(0x90, "RDMDID", SPI, A3, 0, PAUSED, NOR_ID_REMS),   \
      READ_ID(0x4B, "RDUID", SPI, A3, 8, PAUSED, NOR_ID_UNIQUE)

#define MISSING_ROWS                                                    \
  MISSING(0x83, "SERPV", BOTH), MISSING(0x81, "RDERP", BOTH),           \
      MISSING(0x85, "SERPNV", BOTH), MISSING(0x82, "CLERP", BOTH),      \
      MISSING(0x26, "SECUNLOCK", BOTH), MISSING(0x24, "SECLOCK", BOTH), \
      MISSING(0x64, "IRER", BOTH), MISSING(0x62, "IRP", BOTH),          \
      MISSING(0x68, "IRRD", BOTH), MISSING(0x0D, "FRDTR", BOTH),        \
      MISSING(0xBD, "FRDDTR", BOTH), MISSING(0xED, "FRQDTR", BOTH)

#define ALL_ROWS                                                                  \
  READ_ROWS, WRITE_ROWS, REGISTER_ROWS, ID_ROWS, MISSING_ROWS, COMMON_ROWS(BOTH), \
      POWER_DOWN_ROWS(BOTH), IDLE_ROWS(BOTH)

static const struct nor_command small[] = {ALL_ROWS};

static const struct nor_command large[] = {
    ALL_ROWS,
    READ(0x13, "4NORD", SPI, A4, 1, 1, 0, READ_MHZ, 0),
    READ_LATENCY(0x0C, "4FRD", SPI, A4, 1, 1, eight, 0),
    READ_LATENCY(0x0C, "4FRD", QPI, A4, 4, 4, six, 0),
    READ_LATENCY(0x3C, "4FRDO", SPI, A4, 1, 2, eight, 0),
    READ_LATENCY(0xBC, "4FRDIO", SPI, A4, 2, 2, four, XIP),
    READ_LATENCY(0x6C, "4FRQO", SPI, A4, 1, 4, eight, QUAD),
    READ_LATENCY(0xEC, "4FRQIO", BOTH, A4, 4, 4, six, QUAD | XIP),
    PROGRAM(0x12, "4PP", BOTH, A4, 1, 1, 0),
    PROGRAM(0x34, "4PPQ", SPI, A4, 1, 4, QUAD),
    PROGRAM(0x3E, "4PPQ", SPI, A4, 1, 4, QUAD),
    ERASE(0x21, "4SER", BOTH, A4, 0),
    ERASE(0x5C, "4BER32", BOTH, A4, 1),
    ERASE(0xDC, "4BER64", BOTH, A4, 2),
    OP(0xB7, "EN4B", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 1),
    OP(0xE9, "EX4B", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 0),
    // The bank register: bit 7 is the address mode (SFDP DW16 bit 27).
    READ_REGISTER(0x16, "RDBR", BOTH, PAUSED, NOR_REG_EXTENDED_ADDRESS, 1),
    READ_REGISTER(0xC8, "RDBR", BOTH, PAUSED, NOR_REG_EXTENDED_ADDRESS, 1),
    WRITE_VOLATILE(0x17, "WRBRV", BOTH, ALONE | PAUSED, NOR_REG_EXTENDED_ADDRESS),
    WRITE_VOLATILE(0xC5, "WRBRV", BOTH, ALONE | PAUSED, NOR_REG_EXTENDED_ADDRESS),
};

// Status: SRWD, QE, BP3..0. Function register: IRL one-time, ESUS and PSUS follow the
// state, TBS one-time. Read register: wrap, dummy clocks, drive.
#define REGISTERS(bank)                                           \
  {                                                               \
    [NOR_REG_STATUS] = {.nonvolatile = 0xFC},                     \
    [NOR_REG_SECURITY] = {.nonvolatile = 0xF2, .one_time = 0xF2}, \
    [NOR_REG_VOLATILE] = {.factory = 0x80, .nonvolatile = 0xFF},  \
    [NOR_REG_EXTENDED_ADDRESS] = {.volatile_bits = (bank)},       \
  }

#define COMMON_FIELDS                                                             \
  .write_in_progress = {NOR_REG_STATUS, 0, 1},                                    \
  .write_enabled = {NOR_REG_STATUS, 1, 1}, .quad_enable = {NOR_REG_STATUS, 6, 1}, \
  .write_disable = {NOR_REG_STATUS, 7, 1}, .latency = {NOR_REG_VOLATILE, 3, 4},   \
  .program_suspended = {NOR_REG_SECURITY, 2, 1},                                  \
  .erase_suspended = {NOR_REG_SECURITY, 3, 1}

// SFDP DW10 (max x8), DW11 (max x6) [S]; tSRST 100 us whatever it hits [M].
#define FAMILY                                                                 \
  .page = 256, .mode_rule = NOR_MODE_AX,                                       \
  .protection = {.level = {NOR_REG_STATUS, 2, 4},                              \
                 .bottom = {NOR_REG_SECURITY, 1, 1},                           \
                 .unit = KB(64)},                                              \
  .page_time = {VT_US(200), VT_US(1200)}, .first_byte = {VT_US(8), VT_US(48)}, \
  .next_byte = {VT_US(3), VT_US(18)},                                          \
  .erases = {{KB(4), {VT_MS(48), VT_MS(384)}, VT_US(100)},                     \
             {KB(32), {VT_MS(160), VT_MS(1280)}, VT_US(100)},                  \
             {KB(64), {VT_MS(304), VT_MS(2432)}, VT_US(100)}},                 \
  .register_write = {VT_MS(2), VT_MS(15)}, .suspend = {VT_US(56), VT_US(56)},  \
  .sleep = VT_US(3), .wake = VT_US(15), .power_up = VT_US(1000),               \
  .reset_recovery = VT_US(100), .reset_program = VT_US(100),                   \
  .reset_register = VT_US(100)

const struct nor_chip nor_is25lp064a = {
    .name = "is25lp064a",
    .size = MB(8),
    .jedec_id = {0x9D, 0x60, 0x17},
    .electronic_id = 0x16,
    .sfdp = nor_sfdp_is25lp064a,
    .sfdp_size = sizeof nor_sfdp_is25lp064a,
    .registers = REGISTERS(0),
    .fields = {COMMON_FIELDS},
    .commands = small,
    .command_count = SIZE_OF(small),
    FAMILY,
    .chip_erase = {MB(8), {VT_S(20), VT_S(160)}, VT_US(100)},
};

const struct nor_chip nor_is25wp256 = {
    .name = "is25wp256",
    .size = MB(32),
    .jedec_id = {0x9D, 0x70, 0x19},
    .electronic_id = 0x18,
    .sfdp = nor_sfdp_is25wp256,
    .sfdp_size = sizeof nor_sfdp_is25wp256,
    .registers = REGISTERS(0x81),
    .fields = {COMMON_FIELDS, .four_byte_bank = {NOR_REG_EXTENDED_ADDRESS, 7, 1}},
    .commands = large,
    .command_count = SIZE_OF(large),
    FAMILY,
    .chip_erase = {MB(32), {VT_S(60), VT_S(480)}, VT_US(100)},
};
