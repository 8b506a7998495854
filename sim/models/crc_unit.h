// SPDX-License-Identifier: MIT
// CRC calculation unit (RM0410 chapter 15): 7 to 32-bit polynomials, byte, half-
// word and word feeding, bit reversal on both sides.
#pragma once

#include "sim/core/sim.h"

struct crc_unit {
  struct reg_file regs;
  uint32_t dr, idr, cr, init, pol;
};

void crc_unit_init(struct crc_unit *c, struct sim *sim);
void crc_unit_free(struct crc_unit *c);
void crc_unit_reset(struct crc_unit *c);

uint32_t crc_unit_read(void *crc, uint32_t offset, unsigned bytes);
void crc_unit_write(void *crc, uint32_t offset, unsigned bytes, uint32_t value);
