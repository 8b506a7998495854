// SPDX-License-Identifier: MIT
// Micron N25Q128A, N25Q256A, MT25QL128ABA and MT25QL512ABB: no QE bit, a flag status
// register, configuration registers (non-volatile, volatile, enhanced), XIP by VCR.
//
// The N25Q128A has no dump: its SFDP is the N25Q256A's with another density. The dual
// protocol (EVCR bit 6), wrapped reads (VCR bits 1..0), drive strength and the
// segment bit of NVCR are kept but have no effect.
#include "sim/models/nor_tables.h"

enum { MHZ = 133, READ_MHZ = 54, DTR_MHZ = 90 };  // [F], 03h [M]

// Dummy clocks by VCR[7:4]: 0 and 15 mean the default of the command. Limits: the
// "Supported Clock Frequencies, STR" tables of the MT25Q data sheet [M]; N25Q parts
// are made of the same rows and stop at 108 MHz.
#define LATENCY(name, normal, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10)         \
  static const struct nor_latency name[NOR_LATENCIES] = {                      \
      {normal, 133}, {1, l1},   {2, l2},   {3, l3},      {4, l4},   {5, l5},   \
      {6, l6},       {7, l7},   {8, l8},   {9, l9},      {10, l10}, {11, 133}, \
      {12, 133},     {13, 133}, {14, 133}, {normal, 133}}

LATENCY(fast_read, 8, 94, 112, 129, 133, 133, 133, 133, 133, 133, 133);
LATENCY(dual_out, 8, 79, 97, 106, 115, 125, 133, 133, 133, 133, 133);
LATENCY(dual_io, 8, 60, 77, 86, 97, 106, 115, 125, 133, 133, 133);
LATENCY(quad_out, 8, 44, 61, 78, 97, 106, 115, 125, 133, 133, 133);
LATENCY(quad_io, 10, 39, 48, 58, 69, 78, 86, 97, 106, 115, 133);

// DTR: as many clocks by VCR; default 6 or 8 [M], all at 90 MHz at most.
static const struct nor_latency dtr_quad_io[NOR_LATENCIES] = {
    {8, 90}, {1, 29}, {2, 37},  {3, 46},  {4, 54},  {5, 62},  {6, 70},  {7, 78},
    {8, 90}, {9, 90}, {10, 90}, {11, 90}, {12, 90}, {13, 90}, {14, 90}, {8, 90}};

// Every fast read looks at IO0 in its first dummy clock. In QPI all take ten.
#define FAST(op, name, rule, al, dl, table)              \
  READ_LATENCY(op, name, SPI, rule, al, dl, table, XIP), \
      READ_LATENCY(op, name, QPI, rule, 4, 4, quad_io, XIP)

#define READ_ROWS                                                                \
  READ(0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, 0),                             \
      FAST(0x0B, "FAST READ", AM, 1, 1, fast_read),                              \
      READ_LATENCY(0x3B, "DUAL OUTPUT FAST READ", SPI, AM, 1, 2, dual_out, XIP), \
      READ_LATENCY(0xBB, "DUAL I/O FAST READ", SPI, AM, 2, 2, dual_io, XIP),     \
      FAST(0x6B, "QUAD OUTPUT FAST READ", AM, 1, 4, quad_out),                   \
      FAST(0xEB, "QUAD I/O FAST READ", AM, 4, 4, quad_io)

#define REGISTER_ROWS                                                             \
  READ_REGISTER(0x70, "READ FLAG STATUS", BOTH, ALWAYS, NOR_REG_FLAGS, 1),        \
      OP(0x50, "CLEAR FLAG STATUS", BOTH, PAUSED, NOR_CLEAR_FLAGS, 0),            \
      WRITE_REGISTER(0x01, "WRITE STATUS", BOTH, ALONE, NOR_REG_STATUS, 1),       \
      READ_REGISTER(0xB5, "READ NVCR", BOTH, PAUSED, NOR_REG_NONVOLATILE_LO, 2),  \
      WRITE_REGISTER(0xB1, "WRITE NVCR", BOTH, ALONE, NOR_REG_NONVOLATILE_LO, 2), \
      READ_REGISTER(0x85, "READ VCR", BOTH, PAUSED, NOR_REG_VOLATILE, 1),         \
      WRITE_VOLATILE(0x81, "WRITE VCR", BOTH, ALONE | PAUSED, NOR_REG_VOLATILE),  \
      READ_REGISTER(0x65, "READ EVCR", BOTH, PAUSED, NOR_REG_ENHANCED, 1),        \
      WRITE_VOLATILE(0x61, "WRITE EVCR", BOTH, ALONE | PAUSED, NOR_REG_ENHANCED)

#define WRITE_ROWS                                                    \
  PROGRAM(0x02, "PAGE PROGRAM", BOTH, AM, 1, 1, 0),                   \
      PROGRAM(0x32, "QUAD INPUT FAST PROGRAM", BOTH, AM, 1, 4, QUAD), \
      ERASE(0x20, "SUBSECTOR ERASE 4K", BOTH, AM, 0),                 \
      ERASE(0xD8, "SECTOR ERASE", BOTH, AM, 2),                       \
      OP(0x75, "SUSPEND", BOTH, ALWAYS, NOR_SUSPEND, 0),              \
      OP(0x7A, "RESUME", BOTH, ALWAYS, NOR_RESUME, 0)

#define ID_ROWS                                                   \
  READ_ID(0x9E, "READ ID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC),     \
      READ_ID(0x9F, "READ ID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC), \
      READ_ID(0xAF, "MULTIPLE I/O READ ID", QPI, A0, 0, PAUSED, NOR_ID_JEDEC)

#define QPI_ROWS                                           \
  OP(0x35, "ENTER QUAD I/O", SPI, PAUSED, NOR_SET_QPI, 1), \
      OP(0xF5, "RESET QUAD I/O", QPI, PAUSED, NOR_SET_QPI, 0)

#define MISSING_ROWS                                                   \
  MISSING(0x4B, "READ OTP", BOTH), MISSING(0x42, "PROGRAM OTP", BOTH), \
      MISSING(0xE8, "READ SECTOR LOCK", BOTH),                         \
      MISSING(0xE5, "WRITE SECTOR LOCK", BOTH),                        \
      MISSING(0xA2, "DUAL INPUT FAST PROGRAM", BOTH),                  \
      MISSING(0xD2, "EXTENDED DUAL INPUT FAST PROGRAM", BOTH)

#define ALL_ROWS                                                         \
  READ_ROWS, REGISTER_ROWS, WRITE_ROWS, ID_ROWS, QPI_ROWS, MISSING_ROWS, \
      COMMON_ROWS(BOTH), POWER_DOWN_ROWS(BOTH), IDLE_ROWS(BOTH)

// B7h and E9h want a WREN: SFDP DW16 bit 25 and not bit 24 [S].
#define FOUR_BYTE_ROWS                                                              \
  READ(0x13, "READ 4B", SPI, A4, 1, 1, 0, READ_MHZ, 0),                             \
      FAST(0x0C, "FAST READ 4B", A4, 1, 1, fast_read),                              \
      READ_LATENCY(0x3C, "DUAL OUTPUT FAST READ 4B", SPI, A4, 1, 2, dual_out, XIP), \
      READ_LATENCY(0xBC, "DUAL I/O FAST READ 4B", SPI, A4, 2, 2, dual_io, XIP),     \
      FAST(0x6C, "QUAD OUTPUT FAST READ 4B", A4, 1, 4, quad_out),                   \
      FAST(0xEC, "QUAD I/O FAST READ 4B", A4, 4, 4, quad_io),                       \
      PROGRAM(0x12, "PAGE PROGRAM 4B", BOTH, A4, 1, 1, 0),                          \
      PROGRAM(0x34, "QUAD INPUT FAST PROGRAM 4B", BOTH, A4, 1, 4, QUAD),            \
      ERASE(0x21, "SUBSECTOR ERASE 4K 4B", BOTH, A4, 0),                            \
      ERASE(0xDC, "SECTOR ERASE 4B", BOTH, A4, 2),                                  \
      OP(0xB7, "ENTER 4-BYTE", BOTH, ALONE | PAUSED, NOR_SET_FOUR_BYTE, 1),         \
      OP(0xE9, "EXIT 4-BYTE", BOTH, ALONE | PAUSED, NOR_SET_FOUR_BYTE, 0),          \
      READ_REGISTER(0xC8, "READ EAR", BOTH, PAUSED, NOR_REG_EXTENDED_ADDRESS, 1),   \
      WRITE_VOLATILE(0xC5, "WRITE EAR", BOTH, ALONE | PAUSED,                       \
                     NOR_REG_EXTENDED_ADDRESS)

// On the MT25Q: 32 KB subsectors, 38h, and reads on both clock edges.
#define MT25Q_ROWS                                                              \
  PROGRAM(0x38, "EXTENDED QUAD INPUT PROGRAM", BOTH, AM, 4, 4, QUAD),           \
      ERASE(0x52, "SUBSECTOR ERASE 32K", BOTH, AM, 1),                          \
      READ_LATENCY(0xED, "DTR QUAD I/O FAST READ", BOTH, AM, 4, 4, dtr_quad_io, \
                   QUAD | XIP | DDR),                                           \
      MISSING(0x0D, "DTR FAST READ", BOTH),                                     \
      MISSING(0x3D, "DTR DUAL OUTPUT FAST READ", BOTH),                         \
      MISSING(0xBD, "DTR DUAL I/O FAST READ", BOTH),                            \
      MISSING(0x6D, "DTR QUAD OUTPUT FAST READ", BOTH)

static const struct nor_command n25q128a[] = {
    ALL_ROWS,
    PROGRAM(0x12, "EXTENDED QUAD INPUT PROGRAM", BOTH, AM, 4, 4, QUAD),
};
// 12h is the 4-byte page program from 256 Mbit on; 38h is the other one [F].
static const struct nor_command n25q256a[] = {
    ALL_ROWS,
    FOUR_BYTE_ROWS,
    PROGRAM(0x38, "EXTENDED QUAD INPUT PROGRAM", BOTH, AM, 4, 4, QUAD),
};
static const struct nor_command mt25ql128[] = {ALL_ROWS, MT25Q_ROWS};
static const struct nor_command mt25ql512[] = {
    ALL_ROWS,
    FOUR_BYTE_ROWS,
    MT25Q_ROWS,
    PROGRAM(0x3E, "EXTENDED QUAD INPUT PROGRAM 4B", BOTH, A4, 4, 4, QUAD),
    ERASE(0x5C, "SUBSECTOR ERASE 32K 4B", BOTH, A4, 1),
    READ_LATENCY(0xEE, "DTR QUAD I/O FAST READ 4B", BOTH, A4, 4, 4, dtr_quad_io,
                 QUAD | XIP | DDR),
    MISSING(0x0E, "DTR FAST READ 4B", BOTH),
    MISSING(0xBE, "DTR DUAL I/O FAST READ 4B", BOTH),
};

// Status: SRWD, BP3, TB, BP2..0. VCR FBh, NVCR FFFFh and EVCR as delivered [F, M].
#define REGISTERS(evcr, ear)                                           \
  {                                                                    \
    [NOR_REG_STATUS] = {.nonvolatile = 0xFC},                          \
    [NOR_REG_EXTENDED_ADDRESS] = {.volatile_bits = (ear)},             \
    [NOR_REG_VOLATILE] = {.factory = 0xFB, .volatile_bits = 0xFB},     \
    [NOR_REG_ENHANCED] = {.factory = (evcr), .volatile_bits = 0xDF},   \
    [NOR_REG_NONVOLATILE_LO] = {.factory = 0xFF, .nonvolatile = 0xFF}, \
    [NOR_REG_NONVOLATILE_HI] = {.factory = 0xFF, .nonvolatile = 0xFF}, \
  }

#define FIELDS                                                                        \
  {                                                                                   \
    .write_in_progress = {NOR_REG_STATUS, 0, 1},                                      \
    .write_enabled = {NOR_REG_STATUS, 1, 1}, .write_disable = {NOR_REG_STATUS, 7, 1}, \
    .latency = {NOR_REG_VOLATILE, 4, 4}, .four_byte = {NOR_REG_FLAGS, 0, 1},          \
    .protection_failed = {NOR_REG_FLAGS, 1, 1},                                       \
    .program_suspended = {NOR_REG_FLAGS, 2, 1},                                       \
    .program_failed = {NOR_REG_FLAGS, 4, 1}, .erase_failed = {NOR_REG_FLAGS, 5, 1},   \
    .erase_suspended = {NOR_REG_FLAGS, 6, 1}, .ready = {NOR_REG_FLAGS, 7, 1},         \
    .spi_protocol = {NOR_REG_ENHANCED, 7, 1}, .xip_off = {NOR_REG_VOLATILE, 3, 1},    \
    .three_byte_at_reset = {NOR_REG_NONVOLATILE_LO, 0, 1},                            \
    .no_xip_at_reset = {NOR_REG_NONVOLATILE_HI, 1, 3},                                \
  }

#define COPIES                                                      \
  {                                                                 \
    {{NOR_REG_NONVOLATILE_HI, 4, 4}, {NOR_REG_VOLATILE, 4, 4}},     \
        {{NOR_REG_NONVOLATILE_LO, 3, 1}, {NOR_REG_ENHANCED, 7, 1}}, \
  }

#define FAMILY                                                             \
  .page = 256, .more_ids = 3, .fields = FIELDS, .copies = COPIES,          \
  .mode_rule = NOR_MODE_XIP, .quad_always = true, .sticky_failures = true, \
  .protection = {.level = {NOR_REG_STATUS, 2, 3},                          \
                 .level_high = {NOR_REG_STATUS, 6, 1},                     \
                 .bottom = {NOR_REG_STATUS, 5, 1},                         \
                 .unit = KB(64)}

// Reset recovery while an erase runs: 40 ms of the facts' "up to 40 to 100 ms"; the
// rest [M].
#define OTHER_TIMES                                                             \
  .register_write = {VT_US(1300), VT_MS(8)}, .suspend = {VT_US(25), VT_US(25)}, \
  .sleep = VT_US(3), .wake = VT_US(30), .power_up = VT_US(300),                 \
  .reset_recovery = VT_US(1), .reset_program = VT_US(40), .reset_register = VT_MS(8)

// SFDP DW10 (max x10), DW11 (max x24) [S].
#define MT25Q_TIMES                                                              \
  .page_time = {VT_US(120), VT_US(2880)}, .first_byte = {VT_US(15), VT_US(360)}, \
  .next_byte = {VT_US(1), VT_US(24)},                                            \
  .erases = {{KB(4), {VT_MS(48), VT_MS(480)}, VT_MS(40)},                        \
             {KB(32), {VT_MS(112), VT_MS(1120)}, VT_MS(40)},                     \
             {KB(64), {VT_MS(160), VT_MS(1600)}, VT_MS(40)}},                    \
  OTHER_TIMES

// No times in its SFDP: facts [F, M].
#define N25Q_TIMES                                                           \
  .page_time = {VT_US(500), VT_MS(5)}, .first_byte = {VT_US(500), VT_MS(5)}, \
  .next_byte = {0, 0},                                                       \
  .erases = {{KB(4), {VT_MS(250), VT_MS(800)}, VT_MS(40)},                   \
             {0, {0, 0}, 0},                                                 \
             {KB(64), {VT_MS(700), VT_MS(3000)}, VT_MS(40)}},                \
  OTHER_TIMES

const struct nor_chip nor_n25q128a = {
    .name = "n25q128a",
    .size = MB(16),
    .jedec_id = {0x20, 0xBA, 0x18},
    .electronic_id = 0x17,
    .sfdp = nor_sfdp_n25q128a,
    .sfdp_size = sizeof nor_sfdp_n25q128a,
    .registers = REGISTERS(0xDF, 0),
    FAMILY,
    .more_id = {0x10, 0x40, 0x00},
    .commands = n25q128a,
    .command_count = SIZE_OF(n25q128a),
    N25Q_TIMES,
    .chip_erase = {MB(16), {VT_S(170), VT_S(250)}, VT_MS(100)},
};

const struct nor_chip nor_n25q256a = {
    .name = "n25q256a",
    .size = MB(32),
    .jedec_id = {0x20, 0xBA, 0x19},
    .electronic_id = 0x18,
    .sfdp = nor_sfdp_n25q256a,
    .sfdp_size = sizeof nor_sfdp_n25q256a,
    .registers = REGISTERS(0xDF, 0x01),
    FAMILY,
    .more_id = {0x10, 0x40, 0x00},
    .commands = n25q256a,
    .command_count = SIZE_OF(n25q256a),
    N25Q_TIMES,
    .chip_erase = {MB(32), {VT_S(240), VT_S(480)}, VT_MS(100)},
};

const struct nor_chip nor_mt25ql128 = {
    .name = "mt25ql128",
    .size = MB(16),
    .jedec_id = {0x20, 0xBA, 0x18},
    .electronic_id = 0x17,
    .more_id = {0x10, 0x44, 0x00},
    .sfdp = nor_sfdp_mt25ql128,
    .sfdp_size = sizeof nor_sfdp_mt25ql128,
    .registers = REGISTERS(0xFF, 0),
    FAMILY,
    .commands = mt25ql128,
    .command_count = SIZE_OF(mt25ql128),
    MT25Q_TIMES,
    .chip_erase = {MB(16), {VT_S(40), VT_S(400)}, VT_MS(100)},
};

const struct nor_chip nor_mt25ql512 = {
    .name = "mt25ql512",
    .size = MB(64),
    .jedec_id = {0x20, 0xBA, 0x20},
    .electronic_id = 0x19,
    .more_id = {0x10, 0x44, 0x00},
    .sfdp = nor_sfdp_mt25ql512,
    .sfdp_size = sizeof nor_sfdp_mt25ql512,
    .registers = REGISTERS(0xFF, 0x03),
    FAMILY,
    .commands = mt25ql512,
    .command_count = SIZE_OF(mt25ql512),
    MT25Q_TIMES,
    .chip_erase = {MB(64), {VT_S(128), VT_S(1280)}, VT_MS(100)},
};
