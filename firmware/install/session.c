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
  return ST_OK;
}

static void append(struct session *s, uint32_t kind) {
  uint8_t record[STATE_LOG_RECORD];
  state_log_build(&s->log, kind, record);
  s->logging = SESSION_LOG_WRITING;
  writer_write(s->writer, s->log_medium,
               s->log_block.offset + s->log.records * STATE_LOG_RECORD, record,
               sizeof record);
}

// Each update needs two slots; torn records may have taken more.
static bool has_room(const struct session *s, uint32_t kind) {
  const uint32_t slots = s->log_block.size / STATE_LOG_RECORD;
  return s->log.records + (kind == STATE_LOG_UPDATING ? 2 : 1) <= slots;
}

static void start_append(struct session *s, uint32_t kind) {
  if (has_room(s, kind)) {
    append(s, kind);
  } else {
    s->logging = SESSION_LOG_ERASING;
    writer_erase(s->writer, s->log_medium, s->log_block.offset);
  }
}

// One step of putting `kind` on record, with the writer idle.
static enum status put_on_record(struct session *s, uint32_t kind, bool *ready) {
  *ready = false;
  if (s->logging == SESSION_NOT_LOGGING) {
    start_append(s, kind);
    return ST_OK;
  }
  const enum session_logging was = s->logging;
  s->logging = SESSION_NOT_LOGGING;
  const struct writer_result r = writer_take_result(s->writer);
  if (was == SESSION_LOG_ERASING) {
    if (r.status != ST_OK) return r.status;
    s->log.records = 0;
    append(s, kind);
    return ST_OK;
  }
  s->log.records++;
  if (r.status != ST_OK) return r.status;
  s->log.sequence++;
  s->log.unfinished = kind == STATE_LOG_UPDATING;
  *ready = true;
  return ST_OK;
}

enum status session_begin(struct session *s, bool *ready) {
  *ready = !s->log_medium || s->log.unfinished;
  return *ready ? ST_OK : put_on_record(s, STATE_LOG_UPDATING, ready);
}

uint32_t session_begin_us(const struct session *s) {
  enum { APPEND_US = 500 };  // eight words, compared and read back
  if (!s->log_medium || s->log.unfinished) return 0;
  if (s->logging == SESSION_LOG_ERASING) {
    return writer_remaining_us(s->writer) + APPEND_US;
  }
  if (s->logging == SESSION_LOG_WRITING || has_room(s, STATE_LOG_UPDATING)) {
    return APPEND_US;
  }
  return writer_erase_us(&s->log_block) + APPEND_US;
}

enum status session_complete(struct session *s, bool *ready) {
  *ready = !session_unfinished(s);
  return *ready ? ST_OK : put_on_record(s, STATE_LOG_COMPLETE, ready);
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

void session_erase(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  writer_erase(s->writer, m, address - m->geometry.base);
}

void session_mass_erase(struct session *s, uint8_t medium) {
  writer_mass_erase(s->writer, s->media[medium]);
}

void session_write(struct session *s, uint32_t address, const uint8_t *data,
                   uint32_t length) {
  const struct media *m = find(s, address, false);
  writer_write(s->writer, m, address - m->geometry.base, data, length);
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
  if (session_busy(s)) return ST_NOT_NOW;
  const enum status status = writer_read(s->writer, m, offset, dst, n);
  if (status == ST_OK) *done = n;
  return status;
}

uint32_t session_write_us(const struct session *s, uint32_t address, uint32_t length) {
  const struct media *m = find(s, address, false);
  return m ? writer_write_us(m, length) : 0;
}

// Nothing is put off: what was started is carried out.
void session_flush(struct session *s) {
  (void)s;
}

bool session_settled(const struct session *s) {
  return !session_busy(s);
}

bool session_busy(const struct session *s) {
  return writer_busy(s->writer);
}

uint32_t session_remaining_us(const struct session *s) {
  return writer_remaining_us(s->writer);
}

struct writer_result session_take_result(struct session *s) {
  return writer_take_result(s->writer);
}

uint32_t session_now_us(const struct session *s) {
  return s->writer->now_us(s->writer->now_ctx);
}

bool session_poll(struct session *s) {
  return writer_poll(s->writer);
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
