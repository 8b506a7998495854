// SPDX-License-Identifier: MIT
// Sources: the data sheets named beside each row; docs/nor-chips.md has the result for
// every chip that was tried.
#include "firmware/flash/nor_family.h"

#include <string.h>

static const struct nor_family families[] = {
    // MX25L51245G (PM2006): 4READ with 6 clocks 84 MHz, QREAD with 8 133 MHz. RDSCUR
    // bits 5 and 6. MX25L25635E: 4READ 70 MHz.
    {.maker = 0xC2,
     .mhz_111 = 133,
     .mhz_114 = 133,
     .mhz_144 = 84,
     .mhz_old = 70,
     .quad_enable = SFDP_QE_SR1_BIT6,
     .quad_program = 0x38,
     .quad_program_lines = 4,
     .resume = 0x30,
     .protect = 0x3C,
     .verdict = {0x2B, 0x40, 0x20, 0, 0}},
    // N25Q: 108 MHz in all modes with the default clocks, MT25Q more. VCR: clocks by
    // default, no XIP, no wrap. Flag status register; 50h clears its errors.
    {.maker = 0x20,
     .mhz_111 = 108,
     .mhz_114 = 108,
     .mhz_144 = 108,
     .mhz_old = 108,
     .quad_enable = SFDP_QE_NONE,
     .quad_program = 0x32,
     .quad_program_lines = 1,
     .resume = 0x7A,
     .protect = 0x5C,
     .flag_status = true,
     .defaults = {0x85, 0x81, 0xFB, 0xFB},
     .verdict = {0x70, 0x20, 0x10, 0x02, 0x50}},
    // W25QxxJV: 133 MHz. W25QxxFV and before (and clones with their id): 104 MHz.
    {.maker = 0xEF,
     .mhz_111 = 133,
     .mhz_114 = 133,
     .mhz_144 = 133,
     .mhz_old = 104,
     .quad_enable = SFDP_QE_SR2_BIT1,
     .quad_program = 0x32,
     .quad_program_lines = 1,
     .resume = 0x7A,
     .protect = 0x3C,
     .locks = NOR_LOCKS_BY_WPS},
    // IS25LP: 1-4-4 with 6 clocks 104 MHz. Read register: dummy clocks (bits 6..3) by
    // default, no wrap (bit 2).
    {.maker = 0x9D,
     .mhz_111 = 133,
     .mhz_114 = 133,
     .mhz_144 = 104,
     .mhz_old = 80,
     .quad_enable = SFDP_QE_SR1_BIT6,
     .quad_program = 0x32,
     .quad_program_lines = 1,
     .resume = 0x7A,
     .no_program_144 = true,
     .protect = 0x3C,
     .defaults = {0x61, 0xC0, 0x7C, 0x00}},
    // S25FL-L, S25FL-S: 104 MHz in all modes of both. S25FL-S and its successors have
    // an ECC over 16 bytes.
    {.maker = 0x01,
     .mhz_111 = 104,
     .mhz_114 = 104,
     .mhz_144 = 104,
     .mhz_old = 80,
     .quad_enable = SFDP_QE_SR2_BIT1_CLEARED,
     .quad_program = 0x32,
     .quad_program_lines = 1,
     .program_once = 16,
     .resume = 0x7A,
     .protect = 0x3C,
     .verdict = {0x07, 0x40, 0x20, 0, 0x30}},
    // GD25Q, GD25L.
    {.maker = 0xC8,
     .mhz_111 = 104,
     .mhz_114 = 104,
     .mhz_144 = 104,
     .mhz_old = 80,
     .quad_enable = SFDP_QE_SR2_BIT1,
     .quad_program = 0x32,
     .quad_program_lines = 1,
     .resume = 0x7A,
     .protect = 0x3C},
    // SST26VF. No BP bits: those places are other flags.
    {.maker = 0xBF,
     .mhz_111 = 104,
     .mhz_114 = 104,
     .mhz_144 = 104,
     .mhz_old = 80,
     .quad_enable = SFDP_QE_RESERVED,
     .quad_program = 0x32,
     .quad_program_lines = 4,
     .locks = NOR_LOCKS_ALWAYS},
    // Any other: JESD216 promises 50 MHz for SFDP, and no chip is slower. It may have
    // an ECC; 16 bytes are what all that are known have.
    {.mhz_111 = 50,
     .mhz_114 = 50,
     .mhz_144 = 50,
     .mhz_old = 50,
     .quad_enable = SFDP_QE_RESERVED,
     .program_once = 16,
     .protect = 0x3C},
};

const struct nor_family *nor_family_of(const uint8_t id[3]) {
  const struct nor_family *f = families;
  while (f->maker && f->maker != id[0])
    f++;
  return f;
}

static const struct nor_correction corrections[] = {
    // MX25R: starts in its low-power mode.
    {.id = {0xC2, 0x28}, .id_bytes = 2, .low_power = true, .mhz = 80},
    // GD25LB512ME: QER 7 is reserved; the chip has no such bit.
    {.id = {0xC8, 0x67, 0x1A}, .id_bytes = 3, .quad_enabled = true},
    // ZD25Q128C has the id of a W25Q128, and 16 MB; its SFDP says 2.
    {.id = {0xEF, 0x40, 0x18}, .id_bytes = 3, .size = 16u << 20},
    // W25Q01JV, W25Q02JV: dies of 64 MB; each has its own status registers.
    {.id = {0xEF, 0x40, 0x21}, .id_bytes = 3, .die = 64u << 20},
    {.id = {0xEF, 0x70, 0x21}, .id_bytes = 3, .die = 64u << 20},
    {.id = {0xEF, 0x70, 0x22}, .id_bytes = 3, .die = 64u << 20},
};

const struct nor_correction *nor_correction_of(const uint8_t id[3]) {
  for (size_t i = 0; i < sizeof corrections / sizeof *corrections; i++) {
    const struct nor_correction *c = &corrections[i];
    if (!memcmp(c->id, id, c->id_bytes)) return c;
  }
  return NULL;
}
