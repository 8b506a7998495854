// SPDX-License-Identifier: MIT
// A NOR chip on a test bench: whole commands in one call, clock by clock below, as
// a controller would send them. Opcodes and numbers are the tests' own.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/models/nor.h"

enum { CHIP_BYTES = 64 << 20 };

struct rig {
  struct sim sim;
  struct nor nor;
  uint8_t *cells;
};

static inline void rig_start(struct rig *r) {
  sim_init(&r->sim);
  r->cells = malloc(CHIP_BYTES);
  assert_non_null(r->cells);
  memset(r->cells, 0xFF, CHIP_BYTES);
  const struct nor_chip *chip = nor_chip_find("mx25l51245g");
  assert_non_null(chip);
  nor_init(&r->nor, &r->sim, chip, r->cells);
}

// Cells that differ from their neighbours, near and far.
static inline void rig_fill(struct rig *r) {
  uint64_t *const words = (uint64_t *)(void *)r->cells;  // from malloc: aligned
  for (uint64_t i = 0; i < CHIP_BYTES / 8; i++) {
    words[i] = (i + 1) * 0x9E3779B97F4A7C15u;
  }
}

static inline void rig_stop(struct rig *r) {
  sim_free(&r->sim);
  free(r->cells);
}

static inline void rig_wait(struct rig *r, vtime_t time) {
  event_run(&r->sim.events, r->sim.events.now + time);
}

// A command: lines of opcode, address and data; address of 0, 3 or 4 bytes; dummy
// clocks; then bytes out or in.
struct cmd {
  uint8_t opcode;
  unsigned op_lines, address_lines, data_lines;
  unsigned address_bytes;
  uint32_t address;
  unsigned mode_bytes;
  uint8_t mode;
  unsigned dummy;
  const uint8_t *out;
  uint8_t *in;
  size_t count;
};

// Everything but the rise of CS#.
static inline void rig_begin(struct rig *r, const struct cmd *c) {
  const uint8_t address[4] = {(uint8_t)(c->address >> 24), (uint8_t)(c->address >> 16),
                              (uint8_t)(c->address >> 8), (uint8_t)c->address};
  const uint8_t mode[4] = {c->mode, c->mode, c->mode, c->mode};
  nor_select(&r->nor, true);
  if (c->op_lines) nor_send(&r->nor, NOR_PART_OPCODE, c->op_lines, &c->opcode, 8);
  nor_send(&r->nor, NOR_PART_ADDRESS, c->address_lines, address + 4 - c->address_bytes,
           8 * c->address_bytes);
  nor_send(&r->nor, NOR_PART_MODE, c->address_lines, mode, 8 * c->mode_bytes);
  nor_wait(&r->nor, c->dummy);
  if (c->out) nor_send(&r->nor, NOR_PART_DATA, c->data_lines, c->out, 8 * c->count);
  if (c->in) nor_receive(&r->nor, c->data_lines, c->in, c->count);
}

static inline void rig_run(struct rig *r, const struct cmd *c) {
  rig_begin(r, c);
  nor_select(&r->nor, false);
}

static inline void rig_op(struct rig *r, uint8_t opcode) {
  rig_run(r, &(struct cmd){.opcode = opcode, .op_lines = 1});
}

static inline void rig_op4(struct rig *r, uint8_t opcode) {
  rig_run(r, &(struct cmd){.opcode = opcode, .op_lines = 4});
}

static inline uint8_t rig_register(struct rig *r, uint8_t opcode) {
  uint8_t value = 0;
  rig_run(
      r,
      &(struct cmd){
          .opcode = opcode, .op_lines = 1, .data_lines = 1, .in = &value, .count = 1});
  return value;
}

static inline uint8_t rig_register4(struct rig *r, uint8_t opcode) {
  uint8_t value = 0;
  rig_run(
      r,
      &(struct cmd){
          .opcode = opcode, .op_lines = 4, .data_lines = 4, .in = &value, .count = 1});
  return value;
}

// 3-byte commands on one line.
static inline void rig_read3(struct rig *r, uint32_t address, uint8_t *in,
                             size_t count) {
  rig_run(r, &(struct cmd){.opcode = 0x03,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 3,
                           .address = address,
                           .in = in,
                           .count = count});
}

static inline void rig_program3(struct rig *r, uint32_t address, const uint8_t *out,
                                size_t count) {
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = 0x02,
                           .op_lines = 1,
                           .address_lines = 1,
                           .data_lines = 1,
                           .address_bytes = 3,
                           .address = address,
                           .out = out,
                           .count = count});
}

static inline void rig_erase3(struct rig *r, uint8_t opcode, uint32_t address) {
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = opcode,
                           .op_lines = 1,
                           .address_lines = 1,
                           .address_bytes = 3,
                           .address = address});
}

static inline void rig_write_register(struct rig *r, uint8_t opcode, const uint8_t *out,
                                      size_t count) {
  rig_op(r, 0x06);
  rig_run(r, &(struct cmd){.opcode = opcode,
                           .op_lines = 1,
                           .data_lines = 1,
                           .out = out,
                           .count = count});
}

// QE = 1, as every quad test needs it; waits out the write.
static inline void rig_quad(struct rig *r) {
  rig_write_register(r, 0x01, &(uint8_t){0x40}, 1);
  rig_wait(r, VT_MS(40));
}

static inline void rig_dummies(struct rig *r, uint8_t config) {
  rig_write_register(r, 0x01, (uint8_t[]){0x40, config}, 2);
  rig_wait(r, VT_MS(40));
}

// Exactly these reports since the last look: one of a class, or none at all.
static inline void expect_only(struct rig *r, enum guest_error error) {
  const uint64_t n = report_count(&r->sim.report, error);
  if (n != 1 || r->sim.report.guest_errors != 1 || r->sim.report.unimplemented) {
    const struct report_entry *e = r->sim.report.entries;
    for (; e; e = e->next)
      print_message("  %s\n", e->detail);
    fail_msg("expected one %s", guest_error_name(error));
  }
  report_clear(&r->sim.report);
}

static inline void expect_quiet(struct rig *r) {
  const struct report_entry *e = r->sim.report.entries;
  if (e) fail_msg("unexpected report: %s", e->detail);
}
