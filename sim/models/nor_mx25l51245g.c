// SPDX-License-Identifier: MIT
// Macronix MX25L51245G, 512 Mbit, 3 V: the chip of the 32F769I-DISCO; and MX66L1G45G,
// which is two of its kind in one address space and differs in size and times only.
//
// Numbers come from the chip's own SFDP where it has them (a chip must not
// contradict its own table), else from data sheet PM2006; those marked [M] were
// written from memory of it and want checking against the paper.
#include "sim/models/nor_tables.h"

enum {
  QUAD_READ = PAUSED | NOR_NEEDS_QUAD,
  XIP_READ = QUAD_READ | NOR_MODE_BITS,
  DDR_READ = XIP_READ | NOR_DDR,
  QUAD_WRITE = WRITE | NOR_NEEDS_QUAD,
};

// fSCLK of everything without a latency table, and fRSCLK of READ 03h/13h [M].
// JESD216 guarantees RDSFDP at 50 MHz; here it is a fast read with 8 clocks [M].
enum { FAST_MHZ = 166, MHZ = FAST_MHZ, READ_MHZ = 66, SFDP_MHZ = 133 };

// Dummy clocks and SCLK limit by CR.DC[1:0] (PM2006, "Dummy Cycle and Frequency
// Table"). Clocks: two sources; limits: read performance table [M].
static const struct nor_latency fast_read[NOR_LATENCIES] = {
    {8, 133}, {6, 133}, {8, 133}, {10, 166}};
static const struct nor_latency quad_out[NOR_LATENCIES] = {
    {8, 133}, {6, 104}, {8, 133}, {10, 166}};
static const struct nor_latency dual_io[NOR_LATENCIES] = {
    {4, 84}, {6, 104}, {8, 133}, {10, 166}};
static const struct nor_latency quad_io[NOR_LATENCIES] = {
    {6, 84}, {4, 70}, {8, 104}, {10, 133}};
// Both clock edges: the same clocks, less speed [M].
static const struct nor_latency ddr_quad_io[NOR_LATENCIES] = {
    {6, 66}, {4, 52}, {8, 84}, {10, 100}};

// Opcode, name, protocols; address rule, lines of address and data; dummy clocks,
// limit in MHz or, with 0 for both, the latency table; flags; action and arguments.
static const struct nor_command commands[] = {
    {0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, NULL, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x13, "READ4B", SPI, A4, 1, 1, 0, READ_MHZ, NULL, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x0B, "FAST READ", SPI, AM, 1, 1, 0, 0, fast_read, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x0C, "FAST READ4B", SPI, A4, 1, 1, 0, 0, fast_read, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x3B, "DREAD", SPI, AM, 1, 2, 0, 0, fast_read, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x3C, "DREAD4B", SPI, A4, 1, 2, 0, 0, fast_read, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0xBB, "2READ", SPI, AM, 2, 2, 0, 0, dual_io, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0xBC, "2READ4B", SPI, A4, 2, 2, 0, 0, dual_io, PAUSED, NOR_READ_ARRAY, 0, 0},
    {0x6B, "QREAD", SPI, AM, 1, 4, 0, 0, quad_out, QUAD_READ, NOR_READ_ARRAY, 0, 0},
    {0x6C, "QREAD4B", SPI, A4, 1, 4, 0, 0, quad_out, QUAD_READ, NOR_READ_ARRAY, 0, 0},
    {0xEB, "4READ", BOTH, AM, 4, 4, 0, 0, quad_io, XIP_READ, NOR_READ_ARRAY, 0, 0},
    {0xEC, "4READ4B", BOTH, A4, 4, 4, 0, 0, quad_io, XIP_READ, NOR_READ_ARRAY, 0, 0},

    {0xED, "4DTRD", BOTH, AM, 4, 4, 0, 0, ddr_quad_io, DDR_READ, NOR_READ_ARRAY, 0, 0},
    {0xEE, "4DTRD4B", BOTH, A4, 4, 4, 0, 0, ddr_quad_io, DDR_READ, NOR_READ_ARRAY, 0,
     0},

    {0x02, "PP", BOTH, AM, 1, 1, 0, FAST_MHZ, NULL, WRITE, NOR_PROGRAM, 0, 0},
    {0x12, "PP4B", BOTH, A4, 1, 1, 0, FAST_MHZ, NULL, WRITE, NOR_PROGRAM, 0, 0},
    {0x38, "4PP", SPI, AM, 4, 4, 0, FAST_MHZ, NULL, QUAD_WRITE, NOR_PROGRAM, 0, 0},
    {0x3E, "4PP4B", SPI, A4, 4, 4, 0, FAST_MHZ, NULL, QUAD_WRITE, NOR_PROGRAM, 0, 0},
    {0x20, "SE", BOTH, AM, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 0, 0},
    {0x21, "SE4B", BOTH, A4, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 0, 0},
    {0x52, "BE32K", BOTH, AM, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 1, 0},
    {0x5C, "BE32K4B", BOTH, A4, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 1, 0},
    {0xD8, "BE", BOTH, AM, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 2, 0},
    {0xDC, "BE4B", BOTH, A4, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE, 2, 0},
    {0x60, "CE", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE_CHIP, 0, 0},
    {0xC7, "CE", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_ERASE_CHIP, 0, 0},
    {0xB0, "SUSPEND", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALWAYS, NOR_SUSPEND, 0, 0},
    {0x30, "RESUME", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALWAYS, NOR_RESUME, 0, 0},

    {0x06, "WREN", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_WRITE_ENABLE, 1, 0},
    {0x04, "WRDI", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_WRITE_ENABLE, 0, 0},
    {0x05, "RDSR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, BLIND, NOR_READ_REGISTER,
     NOR_REG_STATUS, 0},
    {0x15, "RDCR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALWAYS, NOR_READ_REGISTER,
     NOR_REG_CONFIG, 0},
    {0x2B, "RDSCUR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALWAYS, NOR_READ_REGISTER,
     NOR_REG_SECURITY, 0},
    {0xC8, "RDEAR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_READ_REGISTER,
     NOR_REG_EXTENDED_ADDRESS, 0},
    {0x01, "WRSR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALONE, NOR_WRITE_REGISTER,
     NOR_REG_STATUS, 2},
    {0xC5, "WREAR", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, ALONE | PAUSED,
     NOR_WRITE_VOLATILE, NOR_REG_EXTENDED_ADDRESS, 1},
    {0x35, "EQIO", SPI, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_SET_QPI, 1, 0},
    {0xF5, "RSTQIO", QPI, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_SET_QPI, 0, 0},
    {0xB7, "EN4B", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_SET_FOUR_BYTE, 1, 0},
    {0xE9, "EX4B", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_SET_FOUR_BYTE, 0, 0},
    {0xB9, "DP", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, 0, NOR_SLEEP, 0, 0},
    // RDP and RES share the opcode: the three bytes and the id may be left out.
    {0xAB, "RDP/RES", BOTH, A3, 1, 1, 0, FAST_MHZ, NULL, BLIND | NOR_TAIL_OPTIONAL,
     NOR_READ_ID, NOR_ID_ELECTRONIC, 0},

    {0x9F, "RDID", SPI, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_READ_ID, NOR_ID_JEDEC,
     0},
    {0xAF, "QPIID", QPI, A0, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_READ_ID, NOR_ID_JEDEC,
     0},
    {0x90, "REMS", SPI, A3, 1, 1, 0, FAST_MHZ, NULL, PAUSED, NOR_READ_ID, NOR_ID_REMS,
     0},
    {0x5A, "RDSFDP", BOTH, A3, 1, 1, 8, SFDP_MHZ, NULL, PAUSED, NOR_READ_SFDP, 0, 0},

    {0x00, "NOP", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, BLIND, NOR_NOP, 0, 0},
    // Eight or more clocks of all ones: what a controller sends to end 0-4-4.
    {0xFF, "all ones", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, BLIND, NOR_NOP, 0, 0},
    {0x66, "RSTEN", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, BLIND, NOR_RESET_ENABLE, 0, 0},
    {0x99, "RST", BOTH, A0, 1, 1, 0, FAST_MHZ, NULL, BLIND, NOR_RESET, 0, 0},

    // The chip has them, the model does not.
    // Double transfer rate on fewer lines, wrapped reads, fast boot.
    MISSING(0x0D, "FASTDTRD", BOTH),
    MISSING(0xBD, "2DTRD", BOTH),
    MISSING(0x0E, "FASTDTRD4B", BOTH),
    MISSING(0xBE, "2DTRD4B", BOTH),
    MISSING(0xC0, "SBL", BOTH),
    MISSING(0x16, "RDFBR", BOTH),
    MISSING(0x17, "WRFBR", BOTH),
    MISSING(0x18, "ESFBR", BOTH),
    MISSING(0x41, "FMEN", BOTH),
    // Secured OTP and the protection of single sectors.
    MISSING(0x2F, "WRSCUR", BOTH),
    MISSING(0xB1, "ENSO", BOTH),
    MISSING(0xC1, "EXSO", BOTH),
    MISSING(0x68, "WPSEL", BOTH),
    MISSING(0x7E, "GBLK", BOTH),
    MISSING(0x98, "GBULK", BOTH),
    MISSING(0x2C, "WRLR", BOTH),
    MISSING(0x2D, "RDLR", BOTH),
    MISSING(0x28, "WRPASS", BOTH),
    MISSING(0x27, "RDPASS", BOTH),
    MISSING(0x29, "PASSULK", BOTH),
    MISSING(0xE3, "WRSPB", BOTH),
    MISSING(0xE4, "ESSPB", BOTH),
    MISSING(0xE2, "RDSPB", BOTH),
    MISSING(0xA6, "SPBLK", BOTH),
    MISSING(0xA7, "RDSPBLK", BOTH),
    MISSING(0xE1, "WRDPB", BOTH),
    MISSING(0xE0, "RDDPB", BOTH),
};
// Header, BFPT (JESD216B) and 4BAIT: tests/vectors/sfdp/mx_512mbit_jesd216b.hex,
// with the 4BAIT and the vendor table of mx66l1g45g.hex (same family; inferred).
// clang-format off
static const uint8_t sfdp[0x200] = {
    [0x000] =
    0x53, 0x46, 0x44, 0x50, 0x06, 0x01, 0x02, 0xFF, 0x00, 0x06, 0x01, 0x10, 0x30, 0x00, 0x00, 0xFF,
    0xC2, 0x00, 0x01, 0x04, 0x10, 0x01, 0x00, 0xFF, 0x84, 0x00, 0x01, 0x02, 0xC0, 0x00, 0x00, 0xFF,
    [0x020 ... 0x02F] = 0xFF,
    [0x030] =  // BFPT, DW1 to DW16
    0xE5, 0x20, 0xFB, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0x44, 0xEB, 0x08, 0x6B, 0x08, 0x3B, 0x04, 0xBB,
    0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0x44, 0xEB, 0x0C, 0x20, 0x0F, 0x52,
    0x10, 0xD8, 0x00, 0xFF, 0xD6, 0x49, 0xC5, 0x00, 0x81, 0xDF, 0x04, 0xE3, 0x44, 0x03, 0x67, 0x38,
    0x30, 0xB0, 0x30, 0xB0, 0xF7, 0xBD, 0xD5, 0x5C, 0x4A, 0x9E, 0x29, 0xFF, 0xF0, 0x50, 0xF9, 0x85,
    [0x070 ... 0x0BF] = 0xFF,
    [0x0C0] =  // 4BAIT
    0x7F, 0xEF, 0xFF, 0xFF, 0x21, 0x5C, 0xDC, 0xFF,
    [0x0C8 ... 0x10F] = 0xFF,
    [0x110] =  // Macronix
    0x00, 0x36, 0x00, 0x27, 0x9D, 0xF9, 0xC0, 0x64, 0x85, 0xCB,
    [0x11A ... 0x1FF] = 0xFF,
};
// clang-format on

// Status: SRWD, QE, BP3..0; WEL and WIP follow the state. Configuration: DC1..0, PBE
// and ODS are volatile, TB is one-time; ODS = 111.
#define REGISTERS(ear)                                                               \
  {                                                                                  \
    [NOR_REG_STATUS] = {.nonvolatile = 0xFC},                                        \
    [NOR_REG_CONFIG] = {.factory = 0x07,                                             \
                        .nonvolatile = 0x08,                                         \
                        .one_time = 0x08,                                            \
                        .volatile_bits = 0xD7},                                      \
    [NOR_REG_SECURITY] = {0}, [NOR_REG_EXTENDED_ADDRESS] = {.volatile_bits = (ear)}, \
  }

#define FIELDS                                                                        \
  {                                                                                   \
    .write_in_progress = {NOR_REG_STATUS, 0, 1},                                      \
    .write_enabled = {NOR_REG_STATUS, 1, 1}, .quad_enable = {NOR_REG_STATUS, 6, 1},   \
    .write_disable = {NOR_REG_STATUS, 7, 1}, .four_byte = {NOR_REG_CONFIG, 5, 1},     \
    .latency = {NOR_REG_CONFIG, 6, 2}, .program_suspended = {NOR_REG_SECURITY, 2, 1}, \
    .erase_suspended = {NOR_REG_SECURITY, 3, 1},                                      \
    .program_failed = {NOR_REG_SECURITY, 5, 1},                                       \
    .erase_failed = {NOR_REG_SECURITY, 6, 1},                                         \
  }

#define PROTECTION                                                     \
  {                                                                    \
    .level = {NOR_REG_STATUS, 2, 4}, .bottom = {NOR_REG_CONFIG, 3, 1}, \
    .unit = 64u << 10                                                  \
  }

const struct nor_chip nor_mx25l51245g = {
    .name = "mx25l51245g",
    .size = 64u << 20,
    .page = 256,
    .jedec_id = {0xC2, 0x20, 0x1A},
    .electronic_id = 0x19,
    .sfdp = sfdp,
    .sfdp_size = sizeof sfdp,
    .registers = REGISTERS(0x03),
    .fields = FIELDS,
    .protection = PROTECTION,
    .mode_rule = NOR_MODE_TOGGLE,
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],

    // SFDP BFPT DW11: page 256 us, first byte 32 us, each further 1 us; max x4.
    .page_time = {VT_US(256), VT_US(1024)},
    .first_byte = {VT_US(32), VT_US(128)},
    .next_byte = {VT_US(1), VT_US(4)},
    // SFDP BFPT DW10 (max x14) and DW11. Recovery after reset: tREADY2 [M].
    .erases = {{4u << 10, {VT_MS(30), VT_MS(420)}, VT_MS(12)},
               {32u << 10, {VT_MS(160), VT_MS(2240)}, VT_MS(25)},
               {64u << 10, {VT_MS(288), VT_MS(4032)}, VT_MS(25)}},
    .chip_erase = {64u << 20, {VT_S(256), VT_S(3584)}, VT_MS(100)},
    // tW has only a maximum, 40 ms: taken for both.
    .register_write = {VT_MS(40), VT_MS(40)},
    .suspend = {VT_US(25), VT_US(25)},  // tPSL, tESL; SFDP BFPT DW12 says the same
    .sleep = VT_US(10),                 // tDP [M]
    .wake = VT_US(30),                  // tRES1; SFDP BFPT DW14 says the same
    .power_up = VT_US(1500),            // tVSL [M]
    .reset_recovery = VT_US(40),        // tREADY2 [M], as the next two
    .reset_program = VT_US(310),
    .reset_register = VT_MS(40),
};

// Times of its own SFDP: DW10 max x14, DW11 max x12; the rest as above.
const struct nor_chip nor_mx66l1g45g = {
    .name = "mx66l1g45g",
    .size = 128u << 20,
    .page = 256,
    .jedec_id = {0xC2, 0x20, 0x1B},
    .electronic_id = 0x1A,  // [M]
    .sfdp = nor_sfdp_mx66l1g45g,
    .sfdp_size = sizeof nor_sfdp_mx66l1g45g,
    .registers = REGISTERS(0x07),
    .fields = FIELDS,
    .protection = PROTECTION,
    .mode_rule = NOR_MODE_TOGGLE,
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
    .page_time = {VT_US(256), VT_US(3072)},
    .first_byte = {VT_US(32), VT_US(384)},
    .next_byte = {VT_US(1), VT_US(12)},
    .erases = {{4u << 10, {VT_MS(30), VT_MS(420)}, VT_MS(12)},
               {32u << 10, {VT_MS(160), VT_MS(2240)}, VT_MS(25)},
               {64u << 10, {VT_MS(288), VT_MS(4032)}, VT_MS(25)}},
    .chip_erase = {128u << 20, {VT_S(256), VT_S(3584)}, VT_MS(100)},
    .register_write = {VT_MS(40), VT_MS(40)},
    .suspend = {VT_US(25), VT_US(25)},
    .sleep = VT_US(10),
    .wake = VT_US(30),
    .power_up = VT_US(1500),
    .reset_recovery = VT_US(40),
    .reset_program = VT_US(310),
    .reset_register = VT_MS(40),
};
