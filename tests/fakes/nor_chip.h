// SPDX-License-Identifier: MIT
// A NOR chip behind a struct nor_bus, as small as it can be: it answers what the NOR
// logic asks and writes every call down in one line. Programs wrap at the page's end
// as real ones do; what a chip would ignore (no write enable) fails the test.
//
//   w 3E 1-4-4 @00001000/4 n256    write: opcode, lines, address/bytes, data bytes
//   r EB 1-4-4 @000000/3 m4:FFx1 d4 n16   mode lines:FF x bytes, dummy clocks
//   w 01 1-0-1 n1 =42              a single byte is shown
//   wait 05 1-0-1 01=00            until (status & 01) == 00
//   stop | clock 30857142 | size 67108864 | pause (100 us or more without a call)
#pragma once

#include <stdio.h>

#include "firmware/flash/nor_bus.h"
#include "tests/fakes/sfdp_dump.h"

enum { NOR_CHIP_MEMORY = 512 * 1024, NOR_CHIP_LOG = 16 * 1024, NOR_CHIP_TICK_US = 10 };

struct nor_chip {
  struct sfdp_dump sfdp;
  uint8_t id[3];
  uint8_t status;               // without WIP
  uint8_t registers[256];       // what other opcodes read, but for ids and memory
  uint32_t busy_reads;          // that many reads of the status register see WIP
  uint32_t status_write_reads;  // WIP after a write of it
  bool status_locked;           // writes of it change nothing
  bool absent;                  // reads `nothing` on every line
  uint8_t nothing;
  bool quad_lies;           // data on four lines
  uint32_t id_hz, sfdp_hz;  // above these it lies there; 0: never
  uint8_t memory[NOR_CHIP_MEMORY];
  uint32_t page, block;
  bool any_address;  // beyond the memory there is a copy of it
  bool write_enabled;
  uint32_t now_us, last_us, clock_hz;
  uint32_t takes_us;  // an operation; it began at busy_us
  uint32_t busy_us;
  bool waiting;
  uint8_t polled;  // what wait_start asked for
  struct nor_cmd staged;
  const uint8_t *staged_src;
  size_t staged_bytes, fetched;
  unsigned calls, fail_call;  // that call fails, counted from 1; 0: none does
  char log[NOR_CHIP_LOG];
  size_t logged;
};

// --- the log ---

static inline void nor_chip_log(struct nor_chip *c, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t room = sizeof c->log - c->logged;
  const int n = vsnprintf(c->log + c->logged, room, format, arguments);
  va_end(arguments);
  assert_true(n >= 0);
  if ((size_t)n < room) {
    c->logged += (size_t)n;
  } else {
    c->log[c->logged] = 0;  // full: thousands of polls
  }
}

static inline void nor_chip_log_command(struct nor_chip *c, const char *kind,
                                        const struct nor_cmd *k) {
  nor_chip_log(c, "%s %02X %u-%u-%u", kind, k->opcode, k->opcode_lines,
               k->address_lines, k->data_lines);
  if (k->address_lines) {
    nor_chip_log(c, " @%0*X/%u", 2 * k->address_bytes, (unsigned)k->address,
                 k->address_bytes);
  }
  if (k->mode_lines) {
    nor_chip_log(c, " m%u:FFx%u", k->mode_lines, k->mode_bytes);
  }
  if (k->dummy_clocks) nor_chip_log(c, " d%u", k->dummy_clocks);
}

static inline void nor_chip_forget(struct nor_chip *c) {
  c->logged = 0;
  c->log[0] = 0;
}

// Before each call: time that passed, and whether this one is to fail.
static inline enum status nor_chip_enter(struct nor_chip *c) {
  if (c->now_us - c->last_us >= 100) nor_chip_log(c, "pause\n");
  c->last_us = c->now_us;
  c->calls++;
  return c->calls == c->fail_call ? ST_BUS_TIMEOUT : ST_OK;
}

// --- the chip ---

static inline uint8_t nor_chip_status(struct nor_chip *c) {
  if (c->busy_reads == 0) return (uint8_t)(c->status | (c->write_enabled ? 2 : 0));
  c->busy_reads--;
  return c->status | 3;
}

static inline bool nor_chip_too_fast(const struct nor_chip *c, uint32_t hz) {
  return hz && c->clock_hz > hz;
}

static inline void nor_chip_read_memory(struct nor_chip *c, uint32_t address,
                                        uint8_t *dst, size_t n) {
  if (c->any_address) address %= NOR_CHIP_MEMORY;
  assert_true(address + n <= NOR_CHIP_MEMORY);
  memcpy(dst, c->memory + address, n);
}

static inline void nor_chip_answer(struct nor_chip *c, const struct nor_cmd *k,
                                   uint8_t *dst, size_t n) {
  switch (k->opcode) {
    case 0x05: *dst = nor_chip_status(c); return;
    case 0x5A:
      sfdp_dump_read(&c->sfdp, k->address, dst, n);
      if (nor_chip_too_fast(c, c->sfdp_hz)) dst[0] ^= 1;
      return;
    case 0x9F:
      memcpy(dst, c->id, n);
      if (nor_chip_too_fast(c, c->id_hz)) dst[1] ^= 1;
      return;
    default:
      if (!k->address_lines) {
        memset(dst, c->registers[k->opcode], n);
        return;
      }
      nor_chip_read_memory(c, k->address, dst, n);
      if (c->quad_lies && k->data_lines == 4) dst[n - 1] ^= 1;
      return;
  }
}

static inline enum status nor_chip_read(void *ctx, const struct nor_cmd *k,
                                        uint8_t *dst, size_t n) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  const enum status status = nor_chip_enter(c);
  nor_chip_log_command(c, "r", k);
  nor_chip_log(c, " n%zu\n", n);
  if (status != ST_OK) return status;
  if (c->absent) {
    memset(dst, c->nothing, n);
  } else {
    nor_chip_answer(c, k, dst, n);
  }
  return ST_OK;
}

static inline void nor_chip_begin(struct nor_chip *c) {
  assert_true(c->write_enabled);
  c->write_enabled = false;
  c->busy_us = c->now_us;
}

static inline void nor_chip_program(struct nor_chip *c, uint32_t address,
                                    const uint8_t *src, size_t n) {
  nor_chip_begin(c);
  const uint32_t first = address - address % c->page;
  assert_true(n > 0 && n <= c->page && first + c->page <= NOR_CHIP_MEMORY);
  for (size_t i = 0; i < n; i++)
    c->memory[first + (address + i) % c->page] &= src[i];
}

static inline void nor_chip_erase(struct nor_chip *c, uint32_t address) {
  nor_chip_begin(c);
  if (c->any_address) address %= NOR_CHIP_MEMORY;
  const uint32_t first = address - address % c->block;
  assert_true(first + c->block <= NOR_CHIP_MEMORY);
  memset(c->memory + first, 0xFF, c->block);
}

static inline void nor_chip_set(struct nor_chip *c, uint8_t opcode, uint8_t value) {
  nor_chip_begin(c);
  if (!c->status_locked) c->registers[opcode] = value;
}

static inline void nor_chip_take(struct nor_chip *c, const struct nor_cmd *k,
                                 const uint8_t *src, size_t n) {
  switch (k->opcode) {
    case 0x06: c->write_enabled = true; break;
    case 0x01:
      nor_chip_begin(c);
      if (!c->status_locked) c->status = *src;
      if (!c->status_locked && n == 2) c->registers[0x35] = src[1];
      c->busy_reads = c->status_write_reads;
      break;
    case 0x31: nor_chip_set(c, 0x35, *src); break;
    case 0x3E:
      if (k->address_lines) {
        nor_chip_program(c, k->address, src, n);
      } else {
        nor_chip_set(c, 0x3F, *src);
      }
      break;
    case 0x81: nor_chip_set(c, 0x85, *src); break;
    case 0xC0: nor_chip_set(c, 0x61, *src); break;
    case 0x98:
    case 0xB7: c->write_enabled = false; break;
    case 0x50: c->registers[0x70] &= 0x80; break;
    case 0x32:
    case 0x34:
    case 0x38:
    case 0x02:
    case 0x12: nor_chip_program(c, k->address, src, n); break;
    case 0x20:
    case 0x52:
    case 0xD8:
    case 0x21:
    case 0x5C:
    case 0xDC: nor_chip_erase(c, k->address); break;
    default: break;
  }
}

static inline enum status nor_chip_write(void *ctx, const struct nor_cmd *k,
                                         const uint8_t *src, size_t n) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  const enum status status = nor_chip_enter(c);
  nor_chip_log_command(c, "w", k);
  if (n) nor_chip_log(c, " n%zu", n);
  if (n == 1) nor_chip_log(c, " =%02X", *src);
  nor_chip_log(c, "\n");
  if (status == ST_OK && !c->absent) nor_chip_take(c, k, src, n);
  return status;
}

// Written down like a read, and never closed.
static inline enum status nor_chip_map(void *ctx, const struct nor_cmd *k, size_t n,
                                       struct flash_loan *loan) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  const enum status status = nor_chip_enter(c);
  assert_int_equal(c->fetched, 0);
  nor_chip_log_command(c, "map", k);
  nor_chip_log(c, " n%zu\n", n);
  assert_true(k->address + n <= NOR_CHIP_MEMORY || c->any_address);
  loan->data = c->memory + k->address % NOR_CHIP_MEMORY;
  loan->length = (uint32_t)n;
  return status;
}

// At once.
static inline enum status nor_chip_fetch(void *ctx, const struct nor_cmd *k, void *dst,
                                         size_t n) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  assert_int_equal(n % 4, 0);
  assert_int_equal(c->fetched, 0);
  c->fetched = n;
  return nor_chip_read(ctx, k, (uint8_t *)dst, n);
}

static inline enum status nor_chip_fetched(void *ctx, size_t *n) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  assert_int_not_equal(c->fetched, 0);
  *n = c->fetched;
  c->fetched = 0;
  return ST_OK;
}

static inline void nor_chip_stage(void *ctx, const struct nor_cmd *k,
                                  const uint8_t *src, size_t n) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  assert_int_equal(c->staged_bytes, 0);
  assert_in_range(n, 1, NOR_BUS_STAGE);
  c->staged = *k;
  c->staged_src = src;
  c->staged_bytes = n;
}

static inline void nor_chip_send(void *ctx) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  assert_int_not_equal(c->staged_bytes, 0);
  nor_chip_log_command(c, "w", &c->staged);
  nor_chip_log(c, " n%zu\n", c->staged_bytes);
  nor_chip_take(c, &c->staged, c->staged_src, c->staged_bytes);
  c->staged_bytes = 0;
}

static inline void nor_chip_wait_start(void *ctx, const struct nor_cmd *k, uint8_t mask,
                                       uint8_t match) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  nor_chip_log_command(c, "wait", k);
  nor_chip_log(c, " %02X=%02X\n", mask, match);
  assert_false(c->waiting);
  c->waiting = true;
  c->polled = k->opcode;
}

static inline enum status nor_chip_wait_done(void *ctx, bool *done, uint8_t *byte) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  assert_true(c->waiting);
  c->calls++;
  *done = c->now_us - c->busy_us >= c->takes_us;
  if (*done) c->waiting = false;
  if (*done) *byte = c->polled == 0x05 ? nor_chip_status(c) : c->registers[c->polled];
  return c->calls == c->fail_call ? ST_BUS_TIMEOUT : ST_OK;
}

static inline void nor_chip_wait_stop(void *ctx) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  nor_chip_log(c, "stop\n");
  c->waiting = false;
}

static inline uint32_t nor_chip_set_clock(void *ctx, uint32_t hz) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  const uint32_t kernel = 216000000, divisor = (kernel + hz - 1) / hz;
  c->clock_hz = kernel / divisor;
  nor_chip_log(c, "clock %u\n", (unsigned)c->clock_hz);
  return c->clock_hz;
}

static inline void nor_chip_set_size(void *ctx, uint32_t bytes) {
  nor_chip_log((struct nor_chip *)ctx, "size %u\n", (unsigned)bytes);
}

static inline uint32_t nor_chip_now(void *ctx) {
  struct nor_chip *c = (struct nor_chip *)ctx;
  c->now_us += NOR_CHIP_TICK_US;
  return c->now_us;
}

static inline struct nor_bus nor_chip_bus(struct nor_chip *c) {
  return (struct nor_bus){.ctx = c,
                          .read = nor_chip_read,
                          .map = nor_chip_map,
                          .fetch = nor_chip_fetch,
                          .fetched = nor_chip_fetched,
                          .write = nor_chip_write,
                          .stage = nor_chip_stage,
                          .send = nor_chip_send,
                          .wait_start = nor_chip_wait_start,
                          .wait_done = nor_chip_wait_done,
                          .wait_stop = nor_chip_wait_stop,
                          .set_clock = nor_chip_set_clock,
                          .set_size = nor_chip_set_size,
                          .now_us = nor_chip_now};
}

// A blank chip that describes itself by that dump.
static inline void nor_chip_open(struct nor_chip *c, const char *dump) {
  memset(c, 0, sizeof *c);
  sfdp_dump_load(&c->sfdp, dump);
  memcpy(c->id, c->sfdp.id, sizeof c->id);
  c->page = 256;
  c->block = 64 * 1024;
  c->now_us = c->last_us = 0xFFFF0000;
  memset(c->memory, 0xFF, sizeof c->memory);
}
