// SPDX-License-Identifier: MIT
// Spansion (Infineon) S25FL128L, which has no dump and is built from the facts of its
// family; GigaDevice GD25LB512ME; Microchip SST26VF064B.
#include "sim/models/nor_tables.h"

enum { MHZ = 104, SPANSION_MHZ = 133, READ_MHZ = 50, SST_READ_MHZ = 40 };  // [M]

// --- S25FL128L ---

// Dummy clocks by CR3 bits 3..0; with mode clocks before them for BBh and EBh.
// Limits below the default of 8: proportional [M].
#define SPANSION_LATENCY(name, mode)                                                  \
  static const struct nor_latency name[NOR_LATENCIES] = {                             \
      {(mode), 50},       {(mode) + 1, 50},   {(mode) + 2, 60},   {(mode) + 3, 70},   \
      {(mode) + 4, 80},   {(mode) + 5, 90},   {(mode) + 6, 108},  {(mode) + 7, 120},  \
      {(mode) + 8, 133},  {(mode) + 9, 133},  {(mode) + 10, 133}, {(mode) + 11, 133}, \
      {(mode) + 12, 133}, {(mode) + 13, 133}, {(mode) + 14, 133}, {(mode) + 15, 133}}

SPANSION_LATENCY(fl_out, 0);
SPANSION_LATENCY(fl_dual_io, 4);
SPANSION_LATENCY(fl_quad_io, 2);

// On both edges the mode bits take one clock; 66 MHz [M].
static const struct nor_latency fl_ddr[NOR_LATENCIES] = {
    {1, 20}, {2, 20},  {3, 20},  {4, 33},  {5, 40},  {6, 50},  {7, 60},  {8, 66},
    {9, 66}, {10, 66}, {11, 66}, {12, 66}, {13, 66}, {14, 66}, {15, 66}, {16, 66}};

static const struct nor_command s25fl128l[] = {
    READ(0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, 0),
    READ(0x13, "4READ", SPI, A4, 1, 1, 0, READ_MHZ, 0),
    READ_LATENCY(0x0B, "FAST_READ", SPI, AM, 1, 1, fl_out, 0),
    READ_LATENCY(0x0C, "4FAST_READ", SPI, A4, 1, 1, fl_out, 0),
    READ_LATENCY(0x3B, "DOR", SPI, AM, 1, 2, fl_out, 0),
    READ_LATENCY(0x3C, "4DOR", SPI, A4, 1, 2, fl_out, 0),
    READ_LATENCY(0xBB, "DIOR", SPI, AM, 2, 2, fl_dual_io, XIP),
    READ_LATENCY(0xBC, "4DIOR", SPI, A4, 2, 2, fl_dual_io, XIP),
    READ_LATENCY(0x6B, "QOR", SPI, AM, 1, 4, fl_out, QUAD),
    READ_LATENCY(0x6C, "4QOR", SPI, A4, 1, 4, fl_out, QUAD),
    READ_LATENCY(0xEB, "QIOR", BOTH, AM, 4, 4, fl_quad_io, QUAD | XIP),
    READ_LATENCY(0xEC, "4QIOR", BOTH, A4, 4, 4, fl_quad_io, QUAD | XIP),
    READ_LATENCY(0xED, "DDRQIOR", BOTH, AM, 4, 4, fl_ddr, QUAD | XIP | DDR),
    READ_LATENCY(0xEE, "4DDRQIOR", BOTH, A4, 4, 4, fl_ddr, QUAD | XIP | DDR),
    PROGRAM(0x02, "PP", BOTH, AM, 1, 1, 0),
    PROGRAM(0x12, "4PP", BOTH, A4, 1, 1, 0),
    PROGRAM(0x32, "QPP", SPI, AM, 1, 4, QUAD),
    PROGRAM(0x34, "4QPP", SPI, A4, 1, 4, QUAD),
    ERASE(0x20, "SE", BOTH, AM, 0),
    ERASE(0x21, "4SE", BOTH, A4, 0),
    ERASE(0x52, "HBE", BOTH, AM, 1),
    ERASE(0x53, "4HBE", BOTH, A4, 1),
    ERASE(0xD8, "BE", BOTH, AM, 2),
    ERASE(0xDC, "4BE", BOTH, A4, 2),
    OP(0x75, "EPS", BOTH, ALWAYS, NOR_SUSPEND, 0),
    OP(0x7A, "EPR", BOTH, ALWAYS, NOR_RESUME, 0),
    READ_REGISTER(0x07, "RDSR2", BOTH, ALWAYS, NOR_REG_FLAGS, 1),
    READ_REGISTER(0x35, "RDCR1", BOTH, ALWAYS, NOR_REG_CONFIG, 1),
    READ_REGISTER(0x15, "RDCR2", BOTH, ALWAYS, NOR_REG_CONFIG2, 1),
    READ_REGISTER(0x33, "RDCR3", BOTH, ALWAYS, NOR_REG_CONFIG3, 1),
    WRITE_REGISTER(0x01, "WRR", BOTH, STATUS_WRITE, NOR_REG_STATUS, 4),
    OP(0x50, "WRENV", BOTH, PAUSED, NOR_VOLATILE_ENABLE, 0),
    OP(0x30, "CLSR", BOTH, ALWAYS, NOR_CLEAR_FLAGS, 0),
    OP(0xB7, "4BEN", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 1),
    OP(0xE9, "4BEX", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 0),
    OP(0x38, "QPIEN", SPI, PAUSED, NOR_SET_QPI, 1),
    OP(0xF5, "QPIEX", QPI, PAUSED, NOR_SET_QPI, 0),
    READ_ID(0x9F, "RDID", BOTH, A0, 0, PAUSED, NOR_ID_JEDEC),
    READ_ID(0xAF, "RDQID", BOTH, A0, 0, PAUSED, NOR_ID_JEDEC),
    COMMON_ROWS(BOTH),
    POWER_DOWN_ROWS(BOTH),
    IDLE_ROWS(BOTH),
    MISSING(0x65, "RDAR", BOTH),
    MISSING(0x71, "WRAR", BOTH),
    MISSING(0x77, "SBL", BOTH),
    MISSING(0x36, "IBL", BOTH),
    MISSING(0x39, "IBUL", BOTH),
    MISSING(0x3D, "IBLRD", BOTH),
    MISSING(0x7E, "GBL", BOTH),
    MISSING(0x98, "GBUL", BOTH),
};

const struct nor_chip nor_s25fl128l = {
    .name = "s25fl128l",
    .size = MB(16),
    .page = 256,
    .jedec_id = {0x01, 0x60, 0x18},
    .electronic_id = 0x17,
    .sfdp = nor_sfdp_s25fl128l,
    .sfdp_size = sizeof nor_sfdp_s25fl128l,
    .registers =
        {
            // SRP0, SEC, TBPROT, BP2..0; CR1: CMP, LB3..0 one-time, QUAD, SRP1; CR2:
            // IO3R, OI, ADP, ADS; CR3: wrap, latency 8 as delivered.
            [NOR_REG_STATUS] = {.nonvolatile = 0xFC},
            [NOR_REG_CONFIG] = {.nonvolatile = 0x7F, .one_time = 0x3C},
            [NOR_REG_CONFIG2] = {.factory = 0x60, .nonvolatile = 0xE2},
            [NOR_REG_CONFIG3] = {.factory = 0x78, .nonvolatile = 0x7F},
        },
    .fields =
        {
            .write_in_progress = {NOR_REG_STATUS, 0, 1},
            .write_enabled = {NOR_REG_STATUS, 1, 1},
            .quad_enable = {NOR_REG_CONFIG, 1, 1},
            .write_disable = {NOR_REG_STATUS, 7, 1},
            .four_byte = {NOR_REG_CONFIG2, 0, 1},
            .four_byte_at_reset = {NOR_REG_CONFIG2, 1, 1},
            .latency = {NOR_REG_CONFIG3, 0, 4},
            .program_suspended = {NOR_REG_FLAGS, 0, 1},
            .erase_suspended = {NOR_REG_FLAGS, 1, 1},
            .program_failed = {NOR_REG_FLAGS, 5, 1},
            .erase_failed = {NOR_REG_FLAGS, 6, 1},
        },
    .protection = {.level = {NOR_REG_STATUS, 2, 3},
                   .bottom = {NOR_REG_STATUS, 5, 1},
                   .fine = {NOR_REG_STATUS, 6, 1},
                   .complement = {NOR_REG_CONFIG, 6, 1},
                   .unit = KB(256),
                   .all_at_7 = true},
    .mode_rule = NOR_MODE_AX,
    .sticky_failures = true,
    .commands = s25fl128l,
    .command_count = SIZE_OF(s25fl128l),
    // The facts' times [M]; the SFDP made for it says the same.
    .page_time = {VT_US(320), VT_US(1920)},
    .first_byte = {VT_US(72), VT_US(432)},
    .next_byte = {VT_US(1), VT_US(6)},
    .erases = {{KB(4), {VT_MS(64), VT_MS(384)}, VT_US(100)},
               {KB(32), {VT_MS(128), VT_MS(768)}, VT_US(100)},
               {KB(64), {VT_MS(272), VT_MS(1632)}, VT_US(100)}},
    .chip_erase = {MB(16), {VT_S(72), VT_S(432)}, VT_US(100)},
    .register_write = {VT_MS(145), VT_MS(750)},  // [M]
    .suspend = {VT_US(20), VT_US(20)},           // as its SFDP's donor
    .sleep = VT_US(3),
    .wake = VT_US(3),
    .power_up = VT_US(300),
    .reset_recovery = VT_US(100),
    .reset_program = VT_US(100),
    .reset_register = VT_US(100),
};

// --- GD25LB512ME ---
//
// Its quad enable requirement is the reserved 7: no bit. Configuration registers like
// Micron's exist and are not modelled [M]; with their defaults EBh takes 6 clocks [S].
static const struct nor_command gd25lb512me[] = {
    READ(0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, 0),
    READ(0x13, "READ 4B", SPI, A4, 1, 1, 0, READ_MHZ, 0),
    READ(0x0B, "FAST READ", SPI, AM, 1, 1, 8, MHZ, 0),
    READ(0x0C, "FAST READ 4B", SPI, A4, 1, 1, 8, MHZ, 0),
    READ(0x6B, "QUAD OUTPUT FAST READ", SPI, AM, 1, 4, 8, MHZ, QUAD),
    READ(0x6C, "QUAD OUTPUT FAST READ 4B", SPI, A4, 1, 4, 8, MHZ, QUAD),
    READ(0xEB, "QUAD I/O FAST READ", BOTH, AM, 4, 4, 6, MHZ, QUAD | XIP),
    READ(0xEC, "QUAD I/O FAST READ 4B", BOTH, A4, 4, 4, 6, MHZ, QUAD | XIP),
    PROGRAM(0x02, "PP", BOTH, AM, 1, 1, 0),
    PROGRAM(0x12, "PP 4B", BOTH, A4, 1, 1, 0),
    PROGRAM(0x32, "QPP", SPI, AM, 1, 4, QUAD),
    PROGRAM(0x34, "QPP 4B", SPI, A4, 1, 4, QUAD),
    PROGRAM(0x3E, "EXTENDED QPP 4B", SPI, A4, 4, 4, QUAD),
    ERASE(0x20, "SE", BOTH, AM, 0),
    ERASE(0x21, "SE 4B", BOTH, A4, 0),
    ERASE(0x52, "BE32", BOTH, AM, 1),
    ERASE(0x5C, "BE32 4B", BOTH, A4, 1),
    ERASE(0xD8, "BE64", BOTH, AM, 2),
    ERASE(0xDC, "BE64 4B", BOTH, A4, 2),
    OP(0x75, "PES", BOTH, ALWAYS, NOR_SUSPEND, 0),
    OP(0x7A, "PER", BOTH, ALWAYS, NOR_RESUME, 0),
    WRITE_REGISTER(0x01, "WRSR", BOTH, STATUS_WRITE, NOR_REG_STATUS, 1),
    OP(0x50, "WREN VOLATILE SR", BOTH, PAUSED, NOR_VOLATILE_ENABLE, 0),
    READ_REGISTER(0xC8, "RDEAR", BOTH, PAUSED, NOR_REG_EXTENDED_ADDRESS, 1),
    WRITE_VOLATILE(0xC5, "WREAR", BOTH, ALONE | PAUSED, NOR_REG_EXTENDED_ADDRESS),
    OP(0xB7, "EN4B", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 1),
    OP(0xE9, "EX4B", BOTH, PAUSED, NOR_SET_FOUR_BYTE, 0),
    OP(0x38, "ENABLE QPI", SPI, PAUSED, NOR_SET_QPI, 1),
    OP(0xFF, "DISABLE QPI", QPI, BLIND, NOR_SET_QPI, 0),
    READ_ID(0x9F, "RDID", BOTH, A0, 0, PAUSED, NOR_ID_JEDEC),
    COMMON_ROWS(BOTH),
    POWER_DOWN_ROWS(BOTH),
    OP(0xFF, "all ones", SPI, BLIND, NOR_NOP, 0),
    OP(0x00, "NOP", BOTH, BLIND, NOR_NOP, 0),
    MISSING(0x70, "READ FLAG STATUS", BOTH),
    MISSING(0x85, "READ VCR", BOTH),
    MISSING(0x81, "WRITE VCR", BOTH),
    MISSING(0xB5, "READ NVCR", BOTH),
    MISSING(0xB1, "WRITE NVCR", BOTH),
    MISSING(0xED, "DTR QUAD I/O FAST READ", BOTH),
    MISSING(0xEE, "DTR QUAD I/O FAST READ 4B", BOTH),
};

const struct nor_chip nor_gd25lb512me = {
    .name = "gd25lb512me",
    .size = MB(64),
    .page = 256,
    .jedec_id = {0xC8, 0x67, 0x1A},
    .electronic_id = 0x19,
    .sfdp = nor_sfdp_gd25lb512me,
    .sfdp_size = sizeof nor_sfdp_gd25lb512me,
    .registers =
        {
            [NOR_REG_STATUS] = {.nonvolatile = 0xFC},  // SRP0, TB, BP3..0 [M]
            [NOR_REG_EXTENDED_ADDRESS] = {.volatile_bits = 0x03},
        },
    .fields =
        {
            .write_in_progress = {NOR_REG_STATUS, 0, 1},
            .write_enabled = {NOR_REG_STATUS, 1, 1},
        },
    .protection = {.level = {NOR_REG_STATUS, 2, 4},
                   .bottom = {NOR_REG_STATUS, 6, 1},
                   .unit = KB(64)},
    .mode_rule = NOR_MODE_AX,
    .quad_always = true,
    .commands = gd25lb512me,
    .command_count = SIZE_OF(gd25lb512me),
    // SFDP DW10 (max x12), DW11 (max x8) [S].
    .page_time = {VT_US(184), VT_US(1472)},
    .first_byte = {VT_US(32), VT_US(256)},
    .next_byte = {VT_US(3), VT_US(24)},
    .erases = {{KB(4), {VT_MS(30), VT_MS(360)}, VT_MS(12)},
               {KB(32), {VT_MS(112), VT_MS(1344)}, VT_MS(12)},
               {KB(64), {VT_MS(208), VT_MS(2496)}, VT_MS(12)}},
    .chip_erase = {MB(64), {VT_S(100), VT_S(1200)}, VT_MS(12)},
    .register_write = {VT_MS(5), VT_MS(30)},  // [M]
    .suspend = {VT_US(20), VT_US(20)},        // DW12 [S]
    .sleep = VT_US(3),
    .wake = VT_US(30),  // DW14 [S]
    .power_up = VT_US(1800),
    .reset_recovery = VT_US(40),
    .reset_program = VT_US(40),
    .reset_register = VT_US(40),
};

// --- SST26VF064B ---
//
// Every block is locked at power-up; 98h unlocks all of them. No deep power-down
// (SFDP DW14 bit 31). D8h erases 8, 32 or 64 KB by address. In QPI the answers to
// 05h, 35h and AFh come after two dummy clocks [M].
#define SST_REGISTER(op, name, reg)                                         \
  READ_REGISTER(op, name, SPI, BLIND, reg, 1), {                            \
    op, name, QPI, A0, 4, 4, 2, MHZ, NULL, BLIND, NOR_READ_REGISTER, reg, 1 \
  }

static const struct nor_command sst26vf064b[] = {
    READ(0x03, "READ", SPI, AM, 1, 1, 0, SST_READ_MHZ, 0),
    READ(0x0B, "HIGH-SPEED READ", SPI, AM, 1, 1, 8, MHZ, 0),
    READ(0x0B, "HIGH-SPEED READ", QPI, AM, 4, 4, 6, MHZ, XIP),
    READ(0x3B, "SDOR", SPI, AM, 1, 2, 8, MHZ, 0),
    READ(0xBB, "SDIOR", SPI, AM, 2, 2, 4, 80, XIP),
    READ(0x6B, "SQOR", SPI, AM, 1, 4, 8, MHZ, QUAD),
    READ(0xEB, "SQIOR", SPI, AM, 4, 4, 6, MHZ, QUAD | XIP),
    PROGRAM(0x02, "PAGE PROGRAM", BOTH, AM, 1, 1, 0),
    PROGRAM(0x32, "SPI QUAD PAGE PROGRAM", SPI, AM, 4, 4, QUAD),  // 1-4-4 [M]
    ERASE(0x20, "SECTOR ERASE", BOTH, AM, 0),
    ERASE(0xD8, "BLOCK ERASE", BOTH, AM, 3),
    OP(0xC7, "CHIP ERASE", BOTH, ALONE, NOR_ERASE_CHIP, 0),
    OP(0xB0, "SUSPEND", BOTH, ALWAYS, NOR_SUSPEND, 0),
    OP(0x30, "RESUME", BOTH, ALWAYS, NOR_RESUME, 0),
    OP(0x06, "WREN", BOTH, PAUSED, NOR_WRITE_ENABLE, 1),
    OP(0x04, "WRDI", BOTH, PAUSED, NOR_WRITE_ENABLE, 0),
    SST_REGISTER(0x05, "RDSR", NOR_REG_STATUS),
    SST_REGISTER(0x35, "RDCR", NOR_REG_CONFIG),
    WRITE_REGISTER(0x01, "WRSR", BOTH, ALONE, NOR_REG_STATUS, 2),
    LOCK(0x98, "ULBPR", BOTH, A0, ALONE, NOR_LOCK_ALL, 0),
    OP(0x38, "EQIO", SPI, PAUSED, NOR_SET_QPI, 1),
    OP(0xFF, "RSTQIO", QPI, BLIND, NOR_SET_QPI, 0),
    OP(0xFF, "RSTQIO", SPI, BLIND, NOR_NOP, 0),
    OP(0x00, "NOP", BOTH, BLIND, NOR_NOP, 0),
    OP(0x66, "RSTEN", BOTH, BLIND, NOR_RESET_ENABLE, 0),
    OP(0x99, "RST", BOTH, BLIND, NOR_RESET, 0),
    READ_ID(0x9F, "JEDEC-ID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC),
    {0xAF, "QUAD J-ID", QPI, A0, 4, 4, 2, MHZ, NULL, PAUSED, NOR_READ_ID, NOR_ID_JEDEC,
     0},
    {0x5A, "SFDP", SPI, A3, 1, 1, 8, MHZ, NULL, PAUSED, NOR_READ_SFDP, 0, 0},
    // Not its command, but start-up code sends it before it knows.
    OP(0xAB, "RELEASE", BOTH, BLIND | NOR_TAIL_OPTIONAL, NOR_NOP, 0),
    MISSING(0x42, "WBPR", BOTH),
    MISSING(0x72, "RBPR", BOTH),
    MISSING(0x8D, "LBPR", BOTH),
    MISSING(0xE8, "nVWLDR", BOTH),
    MISSING(0x88, "RSID", BOTH),
    MISSING(0xA5, "PSID", BOTH),
    MISSING(0x85, "LSID", BOTH),
    MISSING(0xC0, "SB", QPI),
    MISSING(0x0C, "RBSQI", QPI),
    MISSING(0xEC, "RBSPI", SPI),
};

const struct nor_chip nor_sst26vf064b = {
    .name = "sst26vf064b",
    .size = MB(8),
    .page = 256,
    .jedec_id = {0xBF, 0x26, 0x43},
    .electronic_id = 0x43,
    .sfdp = nor_sfdp_sst26vf064b,
    .sfdp_size = sizeof nor_sfdp_sst26vf064b,
    .registers =
        {
            // IOC, BPNV (reads 1 as delivered) and WPEN.
            [NOR_REG_CONFIG] = {.factory = 0x08,
                                .nonvolatile = 0x80,
                                .volatile_bits = 2},
        },
    .fields =
        {
            .write_in_progress = {NOR_REG_STATUS, 0, 1},
            .write_enabled = {NOR_REG_STATUS, 1, 1},
            .erase_suspended = {NOR_REG_STATUS, 2, 1},
            .program_suspended = {NOR_REG_STATUS, 3, 1},
            .busy_again = {NOR_REG_STATUS, 7, 1},
            .quad_enable = {NOR_REG_CONFIG, 1, 1},
        },
    .mode_rule = NOR_MODE_AX,
    .locked_at_power_up = true,
    .small_outer_blocks = true,
    .commands = sst26vf064b,
    .command_count = SIZE_OF(sst26vf064b),
    // SFDP DW10 (max x2), DW11 (max x2) [S].
    .page_time = {VT_US(1024), VT_US(2048)},
    .first_byte = {VT_US(48), VT_US(96)},
    .next_byte = {VT_US(4), VT_US(8)},
    .erases = {{KB(4), {VT_MS(19), VT_MS(38)}, VT_US(100)},
               {KB(8), {VT_MS(19), VT_MS(38)}, VT_US(100)},
               {KB(32), {VT_MS(19), VT_MS(38)}, VT_US(100)},
               {KB(64), {VT_MS(19), VT_MS(38)}, VT_US(100)}},
    .chip_erase = {MB(8), {VT_MS(32), VT_MS(64)}, VT_US(100)},
    .register_write = {VT_MS(10), VT_MS(25)},  // [M]
    .suspend = {VT_US(25), VT_US(25)},         // DW12 [S]
    .power_up = VT_US(100),
    .reset_recovery = VT_US(1),
    .reset_program = VT_US(100),
    .reset_register = VT_US(100),
};
