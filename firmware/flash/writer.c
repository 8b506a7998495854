// SPDX-License-Identifier: MIT
#include "firmware/flash/writer.h"

#include <string.h>

// Reading back costs about this much per KB on the slowest medium.
#define READ_US_PER_KB 80u

void writer_init(struct writer *w, uint32_t (*now_us)(void *ctx), void *now_ctx,
                 bool (*supply_good)(void)) {
  memset(w, 0, sizeof *w);
  w->now_us = now_us;
  w->now_ctx = now_ctx;
  w->supply_good = supply_good;
}

enum status writer_begin(const struct writer *w) {
  return w->supply_good() ? ST_OK : ST_SUPPLY_LOW;
}

static void finish(struct writer *w, enum status status, uint32_t offset) {
  w->state = WRITER_IDLE;
  w->result = (struct writer_result){
      .status = status,
      .address = w->medium->geometry.base + offset,
  };
}

static void expect(struct writer *w, uint32_t us) {
  w->started_us = w->now_us(w->now_ctx);
  w->expected_us = us;
}

// --- erase ---

uint32_t writer_erase_us(const struct media_block *b) {
  return b->erase_us + b->size / 1024u * READ_US_PER_KB;
}

static void start_erase(struct writer *w) {
  w->state = WRITER_ERASING;
  expect(w, writer_erase_us(&w->block));
  enum status status = writer_begin(w);
  if (status == ST_OK) {
    status = w->medium->erase_start(w->medium->ctx, w->block.offset, w->block.size);
  }
  if (status != ST_OK) finish(w, status, w->block.offset);
}

static void next_block(struct writer *w, uint32_t offset) {
  do {
    if (!media_block_at(&w->medium->geometry, offset, &w->block)) {
      finish(w, ST_OK, 0);
      return;
    }
    offset = w->block.offset + w->block.size;
  } while (!w->block.writable);
  w->ahead_us -= w->block.erase_us;
  w->state = WRITER_LOOKING;
  w->at = 0;
  expect(w, w->block.erase_us);
}

void writer_erase(struct writer *w, const struct media *m, uint32_t offset) {
  w->medium = m;
  w->mass = false;
  w->ahead_us = 0;
  w->result = (struct writer_result){.status = ST_OK};
  media_block_at(&m->geometry, offset, &w->block);
  start_erase(w);
}

static uint32_t mass_erase_us(const struct media_geometry *g) {
  uint32_t us = 0;
  for (uint8_t i = 0; i < g->run_count; i++) {
    if (g->runs[i].writable) us += g->runs[i].count * g->runs[i].erase_us;
  }
  return us;
}

void writer_mass_erase(struct writer *w, const struct media *m) {
  w->medium = m;
  w->mass = true;
  w->ahead_us = mass_erase_us(&m->geometry);
  w->result = (struct writer_result){.status = ST_OK};
  next_block(w, 0);
}

// Bytes before the first that is not blank.
static uint32_t blank_bytes(const uint8_t *p, uint32_t n) {
  uint32_t i = 0;
  while (i < n && p[i] == 0xFF)
    i++;
  return i;
}

// Reads the next piece of [offset, offset + length). False on an error.
static bool read_piece(struct writer *w, uint32_t offset, uint32_t length,
                       uint32_t *n) {
  *n = length - w->at < WRITER_STEP ? length - w->at : WRITER_STEP;
  const enum status status =
      w->medium->read(w->medium->ctx, offset + w->at, w->read_back, *n);
  if (status != ST_OK) finish(w, status, offset + w->at);
  return status == ST_OK;
}

static void block_is_blank(struct writer *w) {
  if (w->mass) {
    next_block(w, w->block.offset + w->block.size);
  } else {
    finish(w, ST_OK, 0);
  }
}

// One piece of a blank check; a byte that is not FFh means an erase before it was
// tried, and a failed one after.
static void step_blank(struct writer *w) {
  uint32_t n;
  if (!read_piece(w, w->block.offset, w->block.size, &n)) return;
  const uint32_t blank = blank_bytes(w->read_back, n);
  w->at += blank;
  if (blank == n) {
    if (w->at == w->block.size) block_is_blank(w);
  } else if (w->state == WRITER_LOOKING) {
    start_erase(w);
  } else {
    finish(w, ST_ERASE_FAILED, w->block.offset + w->at);
  }
}

static bool step_erase(struct writer *w) {
  bool busy;
  const enum status status = w->medium->poll(w->medium->ctx, &busy);
  if (busy) return false;
  w->state = WRITER_CHECKING;
  w->at = 0;
  if (status != ST_OK) finish(w, status, w->block.offset);
  return true;
}

// --- write ---

uint32_t writer_write_us(const struct media *m, uint32_t length) {
  const uint32_t kb = (length + 1023u) / 1024u;
  return kb * (m->geometry.program_us_per_kb + 2 * READ_US_PER_KB);
}

void writer_write(struct writer *w, const struct media *m, uint32_t offset,
                  const uint8_t *data, uint32_t length) {
  w->medium = m;
  w->mass = false;
  w->ahead_us = 0;
  w->offset = offset;
  w->length = length;
  w->at = 0;
  w->result = (struct writer_result){.status = ST_OK};
  memcpy(w->data, data, length);
  w->state = WRITER_COMPARING;
  expect(w, writer_write_us(m, length));
}

static void start_program(struct writer *w) {
  w->state = WRITER_PROGRAMMING;
  enum status status = writer_begin(w);
  if (status == ST_OK) {
    status = w->medium->program_start(w->medium->ctx, w->offset, w->data, w->length);
  }
  if (status != ST_OK) finish(w, status, w->offset);
}

// Programming clears bits only: what is there must have every bit that is wanted.
static void step_compare(struct writer *w) {
  uint32_t n;
  if (!read_piece(w, w->offset, w->length, &n)) return;
  for (uint32_t i = 0; i < n; i++) {
    if (w->data[w->at + i] & ~w->read_back[i]) {
      finish(w, ST_NOT_ERASED, w->offset + w->at + i);
      return;
    }
  }
  w->at += n;
  if (w->at == w->length) start_program(w);
}

static bool step_program(struct writer *w) {
  bool busy;
  const enum status status = w->medium->poll(w->medium->ctx, &busy);
  if (busy) return false;
  w->state = WRITER_VERIFYING;
  w->at = 0;
  if (status != ST_OK) finish(w, status, w->offset);
  return true;
}

static void step_verify(struct writer *w) {
  uint32_t n;
  if (!read_piece(w, w->offset, w->length, &n)) return;
  for (uint32_t i = 0; i < n; i++) {
    if (w->data[w->at + i] != w->read_back[i]) {
      finish(w, ST_VERIFY_FAILED, w->offset + w->at + i);
      return;
    }
  }
  w->at += n;
  if (w->at == w->length) finish(w, ST_OK, 0);
}

bool writer_poll(struct writer *w) {
  switch (w->state) {
    case WRITER_IDLE: return false;
    case WRITER_LOOKING:
    case WRITER_CHECKING: step_blank(w); break;
    case WRITER_ERASING: return step_erase(w);
    case WRITER_COMPARING: step_compare(w); break;
    case WRITER_PROGRAMMING: return step_program(w);
    case WRITER_VERIFYING: step_verify(w); break;
  }
  return true;
}

enum status writer_read(struct writer *w, const struct media *m, uint32_t offset,
                        uint8_t *dst, uint32_t length) {
  (void)w;
  return m->read(m->ctx, offset, dst, length);
}

struct writer_result writer_take_result(struct writer *w) {
  const struct writer_result r = w->result;
  w->result = (struct writer_result){.status = ST_OK};
  return r;
}

struct writer_result writer_finish(struct writer *w) {
  return writer_take_result(w);
}

uint32_t writer_remaining_us(const struct writer *w) {
  if (w->state == WRITER_IDLE) return 0;
  const uint32_t passed = w->now_us(w->now_ctx) - w->started_us;
  // Slower than typical: a sixteenth more, again and again.
  const uint32_t present =
      passed < w->expected_us ? w->expected_us - passed : w->expected_us / 16u + 1u;
  return present + w->ahead_us;
}
