// SPDX-License-Identifier: MIT
// Macronix MX25R6435F, 64 Mbit, low power: no QPI, no 4-byte addresses, two bytes of
// configuration, the second of which holds L/H: it starts in ultra low power, where
// the clock is limited to 33 MHz [F]; 80 MHz with L/H = 1 [F].
#include "sim/models/nor_tables.h"

// Of what does not depend on the mode the limit is that of high performance [M].
enum { MHZ = 80, READ_MHZ = 33 };

// By CR2 bit 1. READ 03h is 33 MHz in either [M].
static const struct nor_latency read1[NOR_LATENCIES] = {{8, 33}, {8, 80}};
static const struct nor_latency read2[NOR_LATENCIES] = {{4, 33}, {4, 80}};
static const struct nor_latency read4[NOR_LATENCIES] = {{6, 33}, {6, 80}};

static const struct nor_command commands[] = {
    READ(0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, 0),
    READ_LATENCY(0x0B, "FAST READ", SPI, AM, 1, 1, read1, 0),
    READ_LATENCY(0x3B, "DREAD", SPI, AM, 1, 2, read1, 0),
    READ_LATENCY(0xBB, "2READ", SPI, AM, 2, 2, read2, 0),
    READ_LATENCY(0x6B, "QREAD", SPI, AM, 1, 4, read1, QUAD),
    READ_LATENCY(0xEB, "4READ", SPI, AM, 4, 4, read4, QUAD | XIP),
    PROGRAM(0x02, "PP", SPI, AM, 1, 1, 0),
    PROGRAM(0x38, "4PP", SPI, AM, 4, 4, QUAD),
    ERASE(0x20, "SE", SPI, AM, 0),
    ERASE(0x52, "BE32K", SPI, AM, 1),
    ERASE(0xD8, "BE", SPI, AM, 2),
    OP(0xB0, "SUSPEND", SPI, ALWAYS, NOR_SUSPEND, 0),
    OP(0x75, "SUSPEND", SPI, ALWAYS, NOR_SUSPEND, 0),
    OP(0x30, "RESUME", SPI, ALWAYS, NOR_RESUME, 0),
    OP(0x7A, "RESUME", SPI, ALWAYS, NOR_RESUME, 0),
    READ_REGISTER(0x15, "RDCR", SPI, ALWAYS, NOR_REG_CONFIG, 2),
    READ_REGISTER(0x2B, "RDSCUR", SPI, ALWAYS, NOR_REG_SECURITY, 1),
    WRITE_REGISTER(0x01, "WRSR", SPI, ALONE, NOR_REG_STATUS, 3),
    READ_ID(0x9F, "RDID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC),
    READ_ID(0x90, "REMS", SPI, A3, 0, PAUSED, NOR_ID_REMS),
    COMMON_ROWS(SPI),
    POWER_DOWN_ROWS(SPI),
    IDLE_ROWS(SPI),
    MISSING(0xC0, "SBL", SPI),
    MISSING(0x2F, "WRSCUR", SPI),
    MISSING(0xB1, "ENSO", SPI),
    MISSING(0xC1, "EXSO", SPI),
};

const struct nor_chip nor_mx25r6435f = {
    .name = "mx25r6435f",
    .size = MB(8),
    .page = 256,
    .jedec_id = {0xC2, 0x28, 0x17},
    .electronic_id = 0x17,
    .sfdp = nor_sfdp_mx25r6435f,
    .sfdp_size = sizeof nor_sfdp_mx25r6435f,
    .registers =
        {
            // SRWD, QE, BP3..0. CR1: TB one-time. CR2: L/H.
            [NOR_REG_STATUS] = {.nonvolatile = 0xFC},
            [NOR_REG_CONFIG] = {.nonvolatile = 0x08, .one_time = 0x08},
            [NOR_REG_CONFIG2] = {.nonvolatile = 0x02},
        },
    .fields =
        {
            .write_in_progress = {NOR_REG_STATUS, 0, 1},
            .write_enabled = {NOR_REG_STATUS, 1, 1},
            .quad_enable = {NOR_REG_STATUS, 6, 1},
            .write_disable = {NOR_REG_STATUS, 7, 1},
            .latency = {NOR_REG_CONFIG2, 1, 1},
            .program_suspended = {NOR_REG_SECURITY, 2, 1},
            .erase_suspended = {NOR_REG_SECURITY, 3, 1},
            .program_failed = {NOR_REG_SECURITY, 5, 1},
            .erase_failed = {NOR_REG_SECURITY, 6, 1},
        },
    .protection = {.level = {NOR_REG_STATUS, 2, 4},
                   .bottom = {NOR_REG_CONFIG, 3, 1},
                   .unit = KB(64)},
    .mode_rule = NOR_MODE_TOGGLE,
    .wakes_by_select = true,  // tCRDP [M]
    .commands = commands,
    .command_count = SIZE_OF(commands),
    // SFDP DW10 (max x8), DW11 (max x6) [S].
    .page_time = {VT_US(896), VT_US(5376)},
    .first_byte = {VT_US(32), VT_US(192)},
    .next_byte = {VT_US(1), VT_US(6)},
    .erases = {{KB(4), {VT_MS(48), VT_MS(384)}, VT_MS(12)},
               {KB(32), {VT_MS(240), VT_MS(1920)}, VT_MS(25)},
               {KB(64), {VT_MS(480), VT_MS(3840)}, VT_MS(25)}},
    .chip_erase = {MB(8), {VT_S(52), VT_S(416)}, VT_MS(100)},
    .register_write = {VT_MS(40), VT_MS(40)},  // as the MX25L51245G [M]
    .suspend = {VT_US(40), VT_US(40)},         // DW12 [S]
    .sleep = VT_US(10),
    .wake = VT_US(40),  // DW14 [S]
    .power_up = VT_US(800),
    .reset_recovery = VT_US(40),
    .reset_program = VT_US(310),
    .reset_register = VT_MS(40),
};
