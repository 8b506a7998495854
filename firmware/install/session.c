// SPDX-License-Identifier: MIT
#include "firmware/install/session.h"

#include <string.h>

#include "common/base/bytes.h"
#include "firmware/boot/app.h"

void session_init(struct session *s, struct writer *w) {
  memset(s, 0, sizeof *s);
  s->writer = w;
}

void session_add_medium(struct session *s, const struct media *m) {
  s->media[s->media_count++] = m;
  writer_add(s->writer, m);
}

// The medium that holds `address`, or ends there when `at_end`.
static const struct media *find(const struct session *s, uint32_t address,
                                bool at_end) {
  for (uint8_t i = 0; i < s->media_count; i++) {
    const struct media_geometry *g = &s->media[i]->geometry;
    const uint32_t offset = address - g->base;
    if (offset < g->size || (at_end && offset == g->size)) return s->media[i];
  }
  return NULL;
}

// --- the state log ---

enum status session_open_log(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  struct media_block *b = &s->log_block;
  media_block_at(&m->geometry, address - m->geometry.base, b);
  s->log = (struct state_log){.unfinished = false};
  for (uint32_t at = 0; at < b->size; at += STATE_LOG_RECORD) {
    uint8_t slot[STATE_LOG_RECORD];
    const enum status status = m->read(m->ctx, b->offset + at, slot, sizeof slot);
    if (status != ST_OK) return status;
    if (!state_log_take(&s->log, slot)) break;
  }
  s->log_medium = m;
  s->writer->gate = s->log.unfinished;
  if (s->log.unfinished) writer_distrust(s->writer);
  return ST_OK;
}

static bool append(struct session *s) {
  uint8_t record[STATE_LOG_RECORD];
  state_log_build(&s->log, s->logging_kind, record);
  if (!writer_write_now(s->writer, s->log_medium,
                        s->log_block.offset + s->log.records * STATE_LOG_RECORD, record,
                        sizeof record)) {
    return false;
  }
  s->logging = SESSION_LOG_WRITING;
  return true;
}

// Each update needs two slots; torn records may have taken more.
static bool has_room(const struct session *s, uint32_t kind) {
  const uint32_t slots = s->log_block.size / STATE_LOG_RECORD;
  return s->log.records + (kind == STATE_LOG_UPDATING ? 2 : 1) <= slots;
}

static bool put_on_record(struct session *s, uint32_t kind) {
  s->logging_kind = kind;
  if (has_room(s, kind)) return append(s);
  if (!writer_erase_now(s->writer, s->log_medium, s->log_block.offset)) return false;
  s->logging = SESSION_LOG_ERASING;
  return true;
}

// The log's medium has ended what it was told to do for the log.
static bool logged(struct session *s) {
  const enum session_logging was = s->logging;
  s->logging = SESSION_NOT_LOGGING;
  const bool failed = s->writer->result.status != ST_OK;
  if (was == SESSION_LOG_ERASING) {
    if (failed) return true;
    s->log.records = 0;
    return append(s);
  }
  s->log.records++;  // torn if it failed, but there
  if (failed) return true;
  s->log.sequence++;
  s->log.unfinished = s->logging_kind == STATE_LOG_UPDATING;
  s->writer->gate = s->log.unfinished;
  s->writer->wants_change = false;
  return true;
}

static bool poll_log(struct session *s) {
  const struct writer *w = s->writer;
  const bool wanted = s->logging != SESSION_NOT_LOGGING || w->wants_change || s->completing;
  if (!wanted || !s->log_medium || !writer_idle(w, s->log_medium)) return false;
  if (s->logging != SESSION_NOT_LOGGING) return logged(s);
  if (w->result.status != ST_OK) return false;
  if (w->wants_change) return put_on_record(s, STATE_LOG_UPDATING);
  if (!s->completing || !writer_settled(w)) return false;
  return session_unfinished(s) && put_on_record(s, STATE_LOG_COMPLETE);
}

// --- checks ---

enum status session_check_pointer(const struct session *s, uint32_t address) {
  return find(s, address, true) ? ST_OK : ST_BAD_ADDRESS;
}

enum status session_check_erase(const struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  struct media_block b;
  media_block_at(&m->geometry, address - m->geometry.base, &b);
  return b.writable ? ST_OK : ST_BOOTLOADER_AREA;
}

enum status session_check_write(const struct session *s, uint32_t address,
                                uint32_t length) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  const uint32_t offset = address - m->geometry.base;
  if (length > m->geometry.size - offset) return ST_CROSSES_END;
  struct media_block b;
  for (uint32_t at = offset; at < offset + length; at = b.offset + b.size) {
    media_block_at(&m->geometry, at, &b);
    if (!b.writable) return ST_BOOTLOADER_AREA;
  }
  return ST_OK;
}

bool session_erase(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  s->completing = false;
  return writer_erase(s->writer, m, address - m->geometry.base);
}

bool session_mass_erase(struct session *s, uint8_t medium) {
  s->completing = false;
  return writer_mass_erase(s->writer, s->media[medium]);
}

bool session_write(struct session *s, uint32_t address, const uint8_t *data,
                   uint32_t length) {
  const struct media *m = find(s, address, false);
  s->completing = false;
  return writer_write(s->writer, m, address - m->geometry.base, data, length);
}

enum status session_read(struct session *s, uint32_t address, uint8_t *dst,
                         uint32_t length, uint32_t *done) {
  *done = 0;
  const struct media *m = find(s, address, true);
  if (!m) return ST_BAD_ADDRESS;
  const uint32_t offset = address - m->geometry.base;
  const uint32_t left = m->geometry.size - offset;
  const uint32_t n = length < left ? length : left;
  if (n == 0) return ST_OK;
  const enum status status = writer_read(s->writer, m, offset, dst, n);
  if (status == ST_OK) *done = n;
  return status;
}

void session_flush(struct session *s) {
  writer_flush(s->writer);
}

void session_complete(struct session *s) {
  session_flush(s);
  s->completing = true;
}

bool session_settled(const struct session *s) {
  const bool recorded = !s->completing || !session_unfinished(s);
  return writer_settled(s->writer) && s->logging == SESSION_NOT_LOGGING && recorded;
}

uint32_t session_remaining_us(const struct session *s) {
  enum { APPEND_US = 500 };  // eight words, compared and read back
  uint32_t us = writer_remaining_us(s->writer);
  if (s->logging != SESSION_NOT_LOGGING || s->completing) us += APPEND_US;
  return session_settled(s) ? 0 : us + 1u;
}

uint32_t session_behind_us(const struct session *s, uint32_t address) {
  const struct media *m = find(s, address, true);
  return m ? writer_behind_us(s->writer, m) : 0;
}

struct writer_result session_take_result(struct session *s) {
  const struct writer_result r = writer_take_result(s->writer);
  if (r.status != ST_OK) s->completing = false;
  return r;
}

bool session_poll(struct session *s) {
  const bool worked = writer_poll(s->writer);
  return poll_log(s) || worked;
}

uint32_t session_now_us(const struct session *s) {
  return s->writer->now_us(s->writer->now_ctx);
}

enum status session_finish(struct session *s) {
  const struct media *m = find(s, APP_BASE, false);
  uint8_t head[8];
  if (!m) return ST_NO_APPLICATION;
  const struct media_geometry *g = &m->geometry;
  const enum status status =
      writer_read(s->writer, m, APP_BASE - g->base, head, sizeof head);
  if (status != ST_OK) return status;
  const struct app_vectors v = {.stack = load_le32(head), .reset = load_le32(head + 4)};
  return app_check(v, g->base + g->size);
}
