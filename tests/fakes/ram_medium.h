// SPDX-License-Identifier: MIT
// Flash made of RAM, as a struct media. An erase sets every bit, a program clears
// bits and sets none; both take as long as they are told to and fail when they are
// told to. What real flash would punish (reading while busy, a second operation over
// the first, an erase of something that is no block) fails the test at once.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/flash/media.h"

enum ram_step {
  RAM_READ,
  RAM_ERASE_START,
  RAM_ERASE_END,
  RAM_PROGRAM_START,
  RAM_PROGRAM_END,
  RAM_STEPS,
};

// An operation that was begun.
struct ram_operation {
  bool erasing;
  uint32_t offset, size, started_us, ended_us;
};

enum { RAM_LOG = 128 };

struct ram_medium {
  struct media media;
  const uint32_t *now_us;  // the test's clock
  uint8_t *bytes;
  // How long operations take, and how many there were of each.
  uint32_t erase_us, program_us;
  bool typical;  // as long as the geometry says instead
  uint32_t calls[RAM_STEPS];
  // The first of them, in order.
  struct ram_operation log[RAM_LOG];
  uint32_t logged;
  // The countdown-th call from now on fails; 0: none does.
  struct {
    uint32_t countdown;
    enum status status;
  } fail[RAM_STEPS];
  // One bad cell: bits that never read 1, bits that never read 0.
  struct {
    uint32_t offset;
    uint8_t low, high;
  } stuck;
  // The operation in progress.
  bool busy, erasing;
  uint32_t offset, started_us;
  size_t length;
  const uint8_t *src;
  // What is being fetched: nothing comes but by being asked for.
  uint8_t *fetch_to;  // NULL: nothing is
  uint32_t fetch_from;
  size_t fetch_size, fetch_there;
  // Bytes on loan lie here, and are garbage as soon as anything else is asked.
  uint8_t *window;
  struct flash_loan *loan;
};

static inline uint32_t ram_medium_now(void *ctx) {
  return *(const uint32_t *)ctx;
}

// ST_OK, or what the test wants this call to answer.
static inline enum status ram_medium_step(struct ram_medium *m, enum ram_step step) {
  m->calls[step]++;
  if (m->fail[step].countdown == 0 || --m->fail[step].countdown) return ST_OK;
  return m->fail[step].status;
}

static inline void ram_medium_fail(struct ram_medium *m, enum ram_step step,
                                   uint32_t countdown, enum status status) {
  m->fail[step].countdown = countdown;
  m->fail[step].status = status;
}

static inline void ram_medium_wear(struct ram_medium *m) {
  uint8_t *cell = &m->bytes[m->stuck.offset];
  *cell = (uint8_t)((*cell & ~m->stuck.low) | m->stuck.high);
}

static inline void ram_medium_shut(struct ram_medium *m) {
  struct flash_loan *loan = m->loan;
  m->loan = NULL;
  if (!loan) return;
  if (loan->length) memcpy(loan->shelter, loan->data, loan->length);
  loan->data = loan->shelter;
  memset(m->window, 0xA5, m->media.geometry.size);
}

static inline void ram_medium_bring(struct ram_medium *m, size_t n) {
  if (!m->fetch_to) return;
  const size_t left = m->fetch_size - m->fetch_there;
  if (n > left) n = left;
  memcpy(m->fetch_to + m->fetch_there, m->bytes + m->fetch_from + m->fetch_there, n);
  m->fetch_there += n;
  if (m->fetch_there == m->fetch_size) m->fetch_to = NULL;
}

// Whatever is asked of it ends what came by itself, and what was lent.
static inline void ram_medium_enter(struct ram_medium *m) {
  assert_false(m->busy);
  ram_medium_bring(m, SIZE_MAX);
  ram_medium_shut(m);
}

static inline enum status ram_medium_read(void *ctx, uint32_t offset, uint8_t *dst,
                                          size_t n) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  ram_medium_enter(m);
  assert_true(offset <= m->media.geometry.size);
  assert_true(n <= m->media.geometry.size - offset);
  const enum status status = ram_medium_step(m, RAM_READ);
  if (status == ST_OK) memcpy(dst, m->bytes + offset, n);
  return status;
}

// What is not there yet is garbage.
static inline enum status ram_medium_fetch(void *ctx, uint32_t offset, void *dst,
                                           size_t n) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  ram_medium_enter(m);
  assert_true(n % 4 == 0 && n <= m->media.geometry.size - offset);
  const enum status status = ram_medium_step(m, RAM_READ);
  if (status != ST_OK) return status;
  memset(dst, 0xA5, n);
  m->fetch_to = (uint8_t *)dst;
  m->fetch_from = offset;
  m->fetch_size = n;
  m->fetch_there = 0;
  return ST_OK;
}

static inline enum status ram_medium_fetched(void *ctx, size_t *n) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  const bool all = !m->fetch_to;
  const enum status status = all ? ST_OK : ram_medium_step(m, RAM_READ);
  if (status != ST_OK) m->fetch_to = NULL;
  *n = m->fetch_there;
  ram_medium_bring(m, 700);
  return status;
}

// Reads of whole units go on by themselves from here on.
static inline void ram_medium_fetches(struct ram_medium *m) {
  m->media.fetch = ram_medium_fetch;
  m->media.fetched = ram_medium_fetched;
}

static inline enum status ram_medium_view(void *ctx, uint32_t offset, size_t n,
                                          struct flash_loan *loan) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  assert_false(m->busy);
  ram_medium_bring(m, SIZE_MAX);
  assert_true(n <= m->media.geometry.size - offset);
  const enum status status = ram_medium_step(m, RAM_READ);
  if (status != ST_OK) return status;
  if (loan != m->loan) ram_medium_shut(m);
  memcpy(m->window + offset, m->bytes + offset, n);
  loan->data = m->window + offset;
  loan->length = (uint32_t)n;
  m->loan = loan;
  return ST_OK;
}

// It lends its bytes from here on.
static inline void ram_medium_lends(struct ram_medium *m) {
  m->window = (uint8_t *)malloc(m->media.geometry.size);
  assert_non_null(m->window);
  memset(m->window, 0xA5, m->media.geometry.size);
  m->media.view = ram_medium_view;
}

static inline enum status ram_medium_begin(struct ram_medium *m, bool erasing,
                                           uint32_t offset, size_t length) {
  ram_medium_enter(m);
  const enum status status =
      ram_medium_step(m, erasing ? RAM_ERASE_START : RAM_PROGRAM_START);
  if (status != ST_OK) return status;
  if (m->logged < RAM_LOG) {
    m->log[m->logged++] = (struct ram_operation){.erasing = erasing,
                                                 .offset = offset,
                                                 .size = (uint32_t)length,
                                                 .started_us = *m->now_us};
  }
  m->busy = true;
  m->erasing = erasing;
  m->offset = offset;
  m->length = length;
  m->started_us = *m->now_us;
  return ST_OK;
}

// One of the geometry's blocks, or a piece of another size that it lists for that run,
// or the whole.
static inline bool ram_medium_can_erase(const struct media_geometry *g, uint32_t offset,
                                        uint32_t size) {
  uint32_t start = 0;
  for (unsigned i = 0; i < g->run_count; i++) {
    const uint32_t length = g->runs[i].block_size * g->runs[i].count;
    const uint32_t at = offset - start;
    if (at < length && size <= length - at) {
      if (size == g->runs[i].block_size && at % size == 0) return true;
      for (unsigned k = 0; k < g->erase_count; k++) {
        const bool here = g->erases[k].runs >> i & 1u;
        if (here && size == g->erases[k].size && offset % size == 0) return true;
      }
    }
    start += length;
  }
  return g->whole_erase_us && offset == 0 && size == g->size;
}

static inline enum status ram_medium_erase(void *ctx, uint32_t offset, uint32_t size) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  assert_true(ram_medium_can_erase(&m->media.geometry, offset, size));
  return ram_medium_begin(m, true, offset, size);
}

// Programming clears bits, and where that may be done only once, it is done only once.
static inline void ram_medium_check_program(const struct ram_medium *m, uint32_t offset,
                                            const uint8_t *src, size_t n) {
  const uint32_t once = m->media.geometry.program_once;
  for (size_t i = 0; i < n; i++) {
    const uint8_t old = m->bytes[offset + i];
    assert_int_equal(src[i] & ~old, 0);
    if (once) assert_int_equal(old, 0xFF);
  }
}

static inline enum status ram_medium_program(void *ctx, uint32_t offset,
                                             const uint8_t *src, size_t n) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  assert_true(n > 0 && offset < m->media.geometry.size);
  assert_true(n <= m->media.geometry.size - offset);
  ram_medium_check_program(m, offset, src, n);
  m->src = src;
  return ram_medium_begin(m, false, offset, n);
}

// The bytes are taken at the end: a source that did not stay is noticed. A program
// that fails has done its first half, a failed erase nothing.
static inline enum status ram_medium_end(struct ram_medium *m) {
  const enum status status =
      ram_medium_step(m, m->erasing ? RAM_ERASE_END : RAM_PROGRAM_END);
  m->busy = false;
  if (m->logged) m->log[m->logged - 1].ended_us = *m->now_us;
  if (m->erasing) {
    if (status == ST_OK) memset(m->bytes + m->offset, 0xFF, m->length);
  } else {
    const size_t n = status == ST_OK ? m->length : m->length / 2;
    for (size_t i = 0; i < n; i++)
      m->bytes[m->offset + i] &= m->src[i];
  }
  ram_medium_wear(m);
  return status;
}

static inline uint32_t ram_medium_takes(const struct ram_medium *m) {
  const struct media_geometry *g = &m->media.geometry;
  if (!m->typical) return m->erasing ? m->erase_us : m->program_us;
  if (!m->erasing) return (uint32_t)m->length * g->program_us_per_kb / 1024u;
  if (m->length == g->size) return g->whole_erase_us;
  for (unsigned i = 0; i < g->erase_count; i++) {
    if (g->erases[i].size == m->length) return g->erases[i].erase_us;
  }
  struct media_block b;
  assert_true(media_block_at(g, m->offset, &b));
  return b.erase_us;
}

static inline enum status ram_medium_poll(void *ctx, bool *busy) {
  struct ram_medium *m = (struct ram_medium *)ctx;
  *busy = m->busy && *m->now_us - m->started_us < ram_medium_takes(m);
  if (*busy || !m->busy) return ST_OK;
  return ram_medium_end(m);
}

// A blank medium of that geometry, whose operations take no time.
static inline void ram_medium_open(struct ram_medium *m, const struct media_geometry *g,
                                   const uint32_t *now_us) {
  memset(m, 0, sizeof *m);
  m->now_us = now_us;
  m->media = (struct media){.ctx = m,
                            .geometry = *g,
                            .read = ram_medium_read,
                            .erase_start = ram_medium_erase,
                            .program_start = ram_medium_program,
                            .poll = ram_medium_poll};
  m->bytes = (uint8_t *)malloc(g->size);
  assert_non_null(m->bytes);
  memset(m->bytes, 0xFF, g->size);
}

static inline void ram_medium_close(struct ram_medium *m) {
  free(m->bytes);
  free(m->window);
}
