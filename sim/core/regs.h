// SPDX-License-Identifier: MIT
// Register descriptions (generated from the SVD and sim/models/corrections) and
// the checks that every model's registers share.
//
// Each bit of a block is one of four things, and a write to none of them is
// silent: *modelled*, *inert* (named, without effect on anything the simulator
// shows), named but unimplemented (reported), or reserved (a guest error when
// written away from its reset value).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/report.h"

enum reg_access { REG_RW, REG_RO, REG_WO };

struct reg_field {
  const char *name;
  uint8_t lsb, width;
  uint8_t access;  // enum reg_access
};

struct reg_desc {
  const char *name;
  uint32_t offset;
  uint32_t reset;
  uint32_t known;      // bits that some field covers
  uint32_t read_only;  // bits whose field is read-only
  const struct reg_field *fields;
  uint8_t field_count;
};

struct reg_block {
  const char *name;
  const struct reg_desc *regs;  // ascending offsets, 4-byte aligned, no two equal
  size_t count;
};

// What a model does with a register: `modelled` bits have their effect, `inert`
// bits are kept and read back. `count` registers, `stride` bytes apart.
struct reg_model {
  uint32_t offset;
  uint32_t modelled, inert;
  uint32_t count, stride;  // 0, 0 = one register
};

// One block at one address.
struct reg_file {
  const struct reg_block *block;
  struct report *report;
  uint32_t base;
  const struct reg_desc **by_word;  // offset / 4 -> description or NULL
  uint32_t *implemented;            // offset / 4 -> modelled | inert
  uint32_t *harmless;               // offset / 4 -> reserved bits that may be written
  size_t words;
  struct reg_file *next;  // in report->files
};

// `name` is the instance ("GPIOA"); NULL takes the block's own name.
void reg_file_init(struct reg_file *f, const struct reg_block *block, uint32_t base,
                   const struct reg_model *models, size_t model_count,
                   struct report *report);
void reg_file_free(struct reg_file *f);

// Writes of ones to these reserved bits of the register at `offset` say nothing: a flag
// register whose flags a 0 clears is written with ones beside it (SR = ~flag), one that
// clears flags by ones with a mask that is wider than the flags.
void reg_file_allow(struct reg_file *f, uint32_t offset, uint32_t bits);

// The register at `offset` (any byte of it), or NULL.
const struct reg_desc *reg_at(const struct reg_file *f, uint32_t offset);

// The block that describes the register at address `addr`, or NULL.
const struct reg_file *reg_file_at(const struct report *r, uint32_t addr);

// Checks and reports a read. False: there is no register; return 0.
bool reg_check_read(const struct reg_file *f, uint32_t offset);

// Checks and reports a write of `value` (right-aligned, `bytes` wide).
// False: nothing there can be written; drop it.
bool reg_check_write(const struct reg_file *f, uint32_t offset, unsigned bytes,
                     uint32_t value);

// `old` with the written byte lanes replaced: what a register holds after a
// byte, half-word or word write at any offset inside it.
uint32_t reg_merge(uint32_t old, uint32_t offset, unsigned bytes, uint32_t value);

// The same on the register at `offset` as the chip does it: read-only and reserved
// bits keep what `old` has.
uint32_t reg_update(const struct reg_file *f, uint32_t old, uint32_t offset,
                    unsigned bytes, uint32_t value);

// The bits of the 32-bit register that such a write touches.
uint32_t reg_lanes(uint32_t offset, unsigned bytes);

// The value a narrow read at `offset` returns from the 32-bit register `word`.
uint32_t reg_extract(uint32_t word, uint32_t offset, unsigned bytes);

// Field access by mask, as generated: SIM_GET(v, SIM_QUADSPI_CR_FTHRES).
#define SIM_GET(word, mask)  (((word) & (mask)) >> __builtin_ctz(mask))
#define SIM_PUT(mask, value) (((uint32_t)(value) << __builtin_ctz(mask)) & (mask))
