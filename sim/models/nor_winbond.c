// SPDX-License-Identifier: MIT
// Winbond W25Q64JV to W25Q01JV (the -Q parts: ids EF 40 xx, no QPI, no DDR), and the
// Zetta ZD25Q128C, which answers with the id of a W25Q128 and an SFDP that is wrong
// about its size.
//
// Sources: nor_tables.h says what [S], [F] and [M] mean. The SFDP of these chips is
// shared with the -M parts and speaks of QPI and DDR, which the -Q parts lack [F].
#include "sim/models/nor_tables.h"

enum { MHZ = 133, READ_MHZ = 50 };  // fR and fR of 03h [M]

// Mode bits M5..M4 = 10 keep BBh and EBh: "continuous read mode".
#define READ_ROWS                                                    \
  READ(0x03, "READ", SPI, AM, 1, 1, 0, READ_MHZ, 0),                 \
      READ(0x0B, "FAST READ", SPI, AM, 1, 1, 8, MHZ, 0),             \
      READ(0x3B, "FAST READ DUAL OUT", SPI, AM, 1, 2, 8, MHZ, 0),    \
      READ(0xBB, "FAST READ DUAL I/O", SPI, AM, 2, 2, 4, MHZ, XIP),  \
      READ(0x6B, "FAST READ QUAD OUT", SPI, AM, 1, 4, 8, MHZ, QUAD), \
      READ(0xEB, "FAST READ QUAD I/O", SPI, AM, 4, 4, 6, MHZ, QUAD | XIP)

// Status registers 1 to 3 each have a read and a write command; 01h writes the first
// and, with a second byte, the second, which one byte leaves alone (QER 4).
#define STATUS_ROWS                                                             \
  READ_REGISTER(0x35, "READ SR2", SPI, ALWAYS, NOR_REG_CONFIG, 1),              \
      READ_REGISTER(0x15, "READ SR3", SPI, ALWAYS, NOR_REG_CONFIG2, 1),         \
      WRITE_REGISTER(0x01, "WRITE SR1", SPI, STATUS_WRITE, NOR_REG_STATUS, 2),  \
      WRITE_REGISTER(0x31, "WRITE SR2", SPI, STATUS_WRITE, NOR_REG_CONFIG, 1),  \
      WRITE_REGISTER(0x11, "WRITE SR3", SPI, STATUS_WRITE, NOR_REG_CONFIG2, 1), \
      OP(0x50, "WREN VOLATILE SR", SPI, PAUSED, NOR_VOLATILE_ENABLE, 0)

#define WRITE_ROWS                                             \
  PROGRAM(0x02, "PAGE PROGRAM", SPI, AM, 1, 1, 0),             \
      PROGRAM(0x32, "QUAD PAGE PROGRAM", SPI, AM, 1, 4, QUAD), \
      ERASE(0x20, "SECTOR ERASE", SPI, AM, 0),                 \
      ERASE(0x52, "BLOCK ERASE 32K", SPI, AM, 1),              \
      ERASE(0xD8, "BLOCK ERASE 64K", SPI, AM, 2),              \
      OP(0x75, "SUSPEND", SPI, ALWAYS, NOR_SUSPEND, 0),        \
      OP(0x7A, "RESUME", SPI, ALWAYS, NOR_RESUME, 0)

// Locks of single blocks, used instead of BP when SR3.WPS is set.
#define LOCK_ROWS                                                    \
  LOCK(0x7E, "GLOBAL LOCK", SPI, A0, ALONE, NOR_LOCK_ALL, 1),        \
      LOCK(0x98, "GLOBAL UNLOCK", SPI, A0, ALONE, NOR_LOCK_ALL, 0),  \
      LOCK(0x36, "BLOCK LOCK", SPI, AM, ALONE, NOR_LOCK_BLOCK, 1),   \
      LOCK(0x39, "BLOCK UNLOCK", SPI, AM, ALONE, NOR_LOCK_BLOCK, 0), \
      LOCK(0x3D, "READ BLOCK LOCK", SPI, AM, PAUSED, NOR_READ_LOCK, 0)

#define ID_ROWS                                                    \
  READ_ID(0x9F, "JEDEC ID", SPI, A0, 0, PAUSED, NOR_ID_JEDEC),     \
      READ_ID(0x90, "DEVICE ID", SPI, A3, 0, PAUSED, NOR_ID_REMS), \
      READ_ID(0x4B, "UNIQUE ID", SPI, A3, 8, PAUSED, NOR_ID_UNIQUE)

#define MISSING_ROWS                                                          \
  MISSING(0x92, "DEVICE ID DUAL", SPI), MISSING(0x94, "DEVICE ID QUAD", SPI), \
      MISSING(0x77, "SET BURST WITH WRAP", SPI),                              \
      MISSING(0x44, "ERASE SECURITY REGISTER", SPI),                          \
      MISSING(0x42, "PROGRAM SECURITY REGISTER", SPI),                        \
      MISSING(0x48, "READ SECURITY REGISTER", SPI)

#define ALL_ROWS                                                        \
  READ_ROWS, STATUS_ROWS, WRITE_ROWS, LOCK_ROWS, ID_ROWS, MISSING_ROWS, \
      COMMON_ROWS(SPI), POWER_DOWN_ROWS(SPI), IDLE_ROWS(SPI)

// 4-byte forms: 4BAIT fff00aff of the W25Q512JV [S]; 5Ch is not among them.
#define FOUR_BYTE_ROWS                                                           \
  READ(0x13, "READ 4B", SPI, A4, 1, 1, 0, READ_MHZ, 0),                          \
      READ(0x0C, "FAST READ 4B", SPI, A4, 1, 1, 8, MHZ, 0),                      \
      READ(0x3C, "FAST READ DUAL OUT 4B", SPI, A4, 1, 2, 8, MHZ, 0),             \
      READ(0xBC, "FAST READ DUAL I/O 4B", SPI, A4, 2, 2, 4, MHZ, XIP),           \
      READ(0x6C, "FAST READ QUAD OUT 4B", SPI, A4, 1, 4, 8, MHZ, QUAD),          \
      READ(0xEC, "FAST READ QUAD I/O 4B", SPI, A4, 4, 4, 6, MHZ, QUAD | XIP),    \
      PROGRAM(0x12, "PAGE PROGRAM 4B", SPI, A4, 1, 1, 0),                        \
      PROGRAM(0x34, "QUAD PAGE PROGRAM 4B", SPI, A4, 1, 4, QUAD),                \
      ERASE(0x21, "SECTOR ERASE 4B", SPI, A4, 0),                                \
      ERASE(0xDC, "BLOCK ERASE 64K 4B", SPI, A4, 2),                             \
      OP(0xB7, "ENTER 4-BYTE", SPI, PAUSED, NOR_SET_FOUR_BYTE, 1),               \
      OP(0xE9, "EXIT 4-BYTE", SPI, PAUSED, NOR_SET_FOUR_BYTE, 0),                \
      READ_REGISTER(0xC8, "READ EAR", SPI, PAUSED, NOR_REG_EXTENDED_ADDRESS, 1), \
      WRITE_VOLATILE(0xC5, "WRITE EAR", SPI, ALONE | PAUSED, NOR_REG_EXTENDED_ADDRESS)

static const struct nor_command small[] = {ALL_ROWS};
static const struct nor_command large[] = {ALL_ROWS, FOUR_BYTE_ROWS};
static const struct nor_command stacked[] = {
    ALL_ROWS,
    FOUR_BYTE_ROWS,
    {0xC2, "DIE SELECT", SPI, A0, 1, 1, 0, MHZ, NULL, ALWAYS, NOR_SELECT_DIE, 0, 1},
};
// No 4-byte forms, no locks, and a page erase.
static const struct nor_command zetta[] = {
    READ_ROWS,        STATUS_ROWS,
    WRITE_ROWS,       ID_ROWS,
    COMMON_ROWS(SPI), POWER_DOWN_ROWS(SPI),
    IDLE_ROWS(SPI),   ERASE(0x81, "PAGE ERASE", SPI, AM, 3),
};

// SR1: SRP, SEC, TB, BP2..0. SR2: SUS (state), CMP, LB3..1 one-time, QE, SRL.
// SR3: DRV1..0, WPS. The -Q parts are delivered with QE = 1; data sheets say that it
// cannot be cleared there, the model lets it be, as in the other ordering options.
#define SMALL_REGISTERS                                                          \
  {                                                                              \
    [NOR_REG_STATUS] = {.nonvolatile = 0xFC},                                    \
    [NOR_REG_CONFIG] = {.factory = 0x02, .nonvolatile = 0x7B, .one_time = 0x38}, \
    [NOR_REG_CONFIG2] = {.factory = 0x60, .nonvolatile = 0x64},                  \
  }

// From 256 Mbit on SR1 has TB at bit 6 and BP3..0 at 5..2; SR3 has ADP and ADS.
#define LARGE_REGISTERS                                                          \
  {                                                                              \
    [NOR_REG_STATUS] = {.nonvolatile = 0xFC},                                    \
    [NOR_REG_CONFIG] = {.factory = 0x02, .nonvolatile = 0x7B, .one_time = 0x38}, \
    [NOR_REG_CONFIG2] = {.factory = 0x60, .nonvolatile = 0x66},                  \
    [NOR_REG_EXTENDED_ADDRESS] = {.volatile_bits = 0x07},                        \
  }

#define COMMON_FIELDS                                                             \
  .write_in_progress = {NOR_REG_STATUS, 0, 1},                                    \
  .write_enabled = {NOR_REG_STATUS, 1, 1}, .quad_enable = {NOR_REG_CONFIG, 1, 1}, \
  .write_disable = {NOR_REG_STATUS, 7, 1},                                        \
  .program_suspended = {NOR_REG_CONFIG, 7, 1},                                    \
  .erase_suspended = {NOR_REG_CONFIG, 7, 1}, .lock_blocks = {NOR_REG_CONFIG2, 2, 1}

#define LARGE_FIELDS                                              \
  {                                                               \
    COMMON_FIELDS, .four_byte = {NOR_REG_CONFIG2, 0, 1},          \
                   .four_byte_at_reset = {NOR_REG_CONFIG2, 1, 1}, \
  }

// One 64th of the chip, or of 4 KB sectors with SEC.
#define SMALL_PROTECTION(bytes)                                           \
  {                                                                       \
    .level = {NOR_REG_STATUS, 2, 3}, .bottom = {NOR_REG_STATUS, 5, 1},    \
    .fine = {NOR_REG_STATUS, 6, 1}, .complement = {NOR_REG_CONFIG, 6, 1}, \
    .unit = (bytes) / 64, .all_at_7 = true                                \
  }

#define LARGE_PROTECTION                                               \
  {                                                                    \
    .level = {NOR_REG_STATUS, 2, 4}, .bottom = {NOR_REG_STATUS, 6, 1}, \
    .complement = {NOR_REG_CONFIG, 6, 1}, .unit = KB(64)               \
  }

// tRST is 30 us whatever it hits [M].
#define OTHER_TIMES                                            \
  .register_write = {VT_MS(10), VT_MS(15)}, /* tW [M] */       \
      .suspend = {VT_US(20), VT_US(20)},    /* DW12 [S] */     \
      .sleep = VT_US(3),                    /* tDP [M] */      \
      .wake = VT_US(3),                     /* DW14 [S] */     \
      .power_up = VT_US(20),                /* tVSL [M] */     \
      .reset_recovery = VT_US(30), .reset_program = VT_US(30), \
  .reset_register = VT_US(30)

// SFDP DW10 (max x14) and DW11 (max x6) [S].
#define TIMES                                                             \
  OTHER_TIMES, .page_time = {VT_US(704), VT_US(4224)},                    \
               .first_byte = {VT_US(32), VT_US(192)},                     \
               .next_byte = {VT_US(3), VT_US(18)},                        \
               .erases = {{KB(4), {VT_MS(64), VT_MS(896)}, VT_US(30)},    \
                          {KB(32), {VT_MS(128), VT_MS(1792)}, VT_US(30)}, \
                          {KB(64), {VT_MS(160), VT_MS(2240)}, VT_US(30)}}

#define CHIP_ERASE(bytes, seconds) \
  .chip_erase = {(bytes), {VT_S(seconds), VT_S((seconds)*14)}, VT_US(30)}

#define SFDP(chip)      .sfdp = nor_sfdp_##chip, .sfdp_size = sizeof nor_sfdp_##chip
#define COMMANDS(table) .commands = (table), .command_count = SIZE_OF(table)

const struct nor_chip nor_w25q64jv = {
    .name = "w25q64jv",
    .size = MB(8),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x17},
    .electronic_id = 0x16,
    SFDP(w25q64jv),
    .registers = SMALL_REGISTERS,
    .fields = {COMMON_FIELDS},
    .protection = SMALL_PROTECTION(MB(8)),
    .mode_rule = NOR_MODE_M54,
    COMMANDS(small),
    TIMES,
    CHIP_ERASE(MB(8), 20),
};

const struct nor_chip nor_w25q128jv = {
    .name = "w25q128jv",
    .size = MB(16),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x18},
    .electronic_id = 0x17,
    SFDP(w25q128jv),
    .registers = SMALL_REGISTERS,
    .fields = {COMMON_FIELDS},
    .protection = SMALL_PROTECTION(MB(16)),
    .mode_rule = NOR_MODE_M54,
    COMMANDS(small),
    TIMES,
    CHIP_ERASE(MB(16), 40),
};

const struct nor_chip nor_w25q256jv = {
    .name = "w25q256jv",
    .size = MB(32),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x19},
    .electronic_id = 0x18,
    SFDP(w25q256jv),
    .registers = LARGE_REGISTERS,
    .fields = LARGE_FIELDS,
    .protection = LARGE_PROTECTION,
    .mode_rule = NOR_MODE_M54,
    COMMANDS(large),
    TIMES,
    CHIP_ERASE(MB(32), 80),
};

const struct nor_chip nor_w25q512jv = {
    .name = "w25q512jv",
    .size = MB(64),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x20},
    .electronic_id = 0x19,
    SFDP(w25q512jv),
    .registers = LARGE_REGISTERS,
    .fields = LARGE_FIELDS,
    .protection = LARGE_PROTECTION,
    .mode_rule = NOR_MODE_M54,
    COMMANDS(large),
    TIMES,
    CHIP_ERASE(MB(64), 192),
};

// Two dies in one address space; which of them answers RDSR is C2h's business.
const struct nor_chip nor_w25q01jv = {
    .name = "w25q01jv",
    .size = MB(128),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x21},
    .electronic_id = 0x20,
    SFDP(w25q01jv),
    .registers = LARGE_REGISTERS,
    .fields = LARGE_FIELDS,
    .protection = LARGE_PROTECTION,
    .mode_rule = NOR_MODE_M54,
    .die_size = MB(64),
    COMMANDS(stacked),
    TIMES,
    CHIP_ERASE(MB(128), 192),
};

// 16 MB, of which its SFDP admits 2. No times in it; these are the facts' of the
// W25Q128 class, those of the page erase [M].
const struct nor_chip nor_zd25q128c = {
    .name = "zd25q128c",
    .size = MB(16),
    .page = 256,
    .jedec_id = {0xEF, 0x40, 0x18},
    .electronic_id = 0x17,
    SFDP(zd25q128c),
    .registers = SMALL_REGISTERS,
    .fields = {COMMON_FIELDS},
    .protection = SMALL_PROTECTION(MB(16)),
    .mode_rule = NOR_MODE_M54,
    COMMANDS(zetta),
    OTHER_TIMES,
    .page_time = {VT_US(400), VT_US(3000)},
    .first_byte = {VT_US(32), VT_US(192)},
    .next_byte = {VT_US(3), VT_US(18)},
    .erases = {{KB(4), {VT_MS(45), VT_MS(400)}, VT_US(30)},
               {KB(32), {VT_MS(120), VT_MS(1600)}, VT_US(30)},
               {KB(64), {VT_MS(150), VT_MS(2000)}, VT_US(30)},
               {256, {VT_MS(10), VT_MS(100)}, VT_US(30)}},
    .chip_erase = {MB(16), {VT_S(40), VT_S(200)}, VT_US(30)},
};
