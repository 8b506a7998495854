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

static uint32_t next_record(const struct session *s) {
  return s->log_block.offset + s->log.records * STATE_LOG_RECORD;
}

// Takes what the flash holds in the next place. False: blank, or the status says more.
static bool take_record(struct session *s, enum status *status) {
  const struct media *m = s->log_medium;
  uint8_t record[STATE_LOG_RECORD];
  *status = m->read(m->ctx, next_record(s), record, sizeof record);
  return *status == ST_OK && state_log_take(&s->log, record);
}

// Changes are allowed while "updating" is on record for certain.
static void set_gate(struct session *s) {
  s->writer->gate = s->log.unfinished && !s->log.torn;
}

static uint32_t places(const struct session *s) {
  return s->log_block.size / STATE_LOG_RECORD;
}

enum status session_open_log(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  media_block_at(&m->geometry, address - m->geometry.base, &s->log_block);
  s->log = (struct state_log){.unfinished = false};
  s->log_medium = m;
  enum status status = ST_OK;
  while (s->log.records < places(s) && take_record(s, &status)) {
  }
  if (status != ST_OK) {
    s->log_medium = NULL;
    return status;
  }
  set_gate(s);
  s->touched = s->log.unfinished;
  if (s->log.unfinished) writer_distrust(s->writer);
  return ST_OK;
}

static bool append(struct session *s) {
  uint8_t record[STATE_LOG_RECORD];
  state_log_build(&s->log, s->logging_kind, record);
  if (!writer_write_now(s->writer, s->log_medium, next_record(s), record,
                        sizeof record)) {
    return false;
  }
  s->logging = SESSION_LOG_WRITING;
  return true;
}

// Each update needs two slots; torn records may have taken more.
static bool has_room(const struct session *s, uint32_t kind) {
  return s->log.records + (kind == STATE_LOG_UPDATING ? 2 : 1) <= places(s);
}

static bool put_on_record(struct session *s, uint32_t kind) {
  s->logging_kind = kind;
  s->log_failed = false;
  s->writer->gate = false;  // what comes beside "complete" is another update
  if (has_room(s, kind)) return append(s);
  if (kind == STATE_LOG_UPDATING && s->log.unfinished) {
    // Erased, the log would say that all is complete; that it is torn has to do.
    s->writer->gate = true;
    s->writer->wants_change = false;
    return true;
  }
  if (!writer_erase_now(s->writer, s->log_medium, s->log_block.offset)) return false;
  s->log.unfinished = false;
  s->logging = SESSION_LOG_ERASING;
  return true;
}

// The log's medium has ended what it was told to do for the log. If anything failed
// meanwhile, that was dropped at any point; what counts is what the next start will
// read.
static bool logged(struct session *s) {
  const bool erased = s->logging == SESSION_LOG_ERASING;
  const bool failed = s->log_failed || s->writer->result.status != ST_OK;
  enum status status;
  s->logging = SESSION_NOT_LOGGING;
  if (erased && failed) return true;
  if (erased) {
    s->log.records = 0;
    return append(s);
  }
  if (take_record(s, &status) && !failed) set_gate(s);
  s->writer->wants_change = false;
  return true;
}

static bool poll_log(struct session *s) {
  const struct writer *w = s->writer;
  const bool wanted =
      s->logging != SESSION_NOT_LOGGING || w->wants_change || s->completing;
  if (!wanted || !s->log_medium || !writer_idle(w, s->log_medium)) return false;
  if (s->logging != SESSION_NOT_LOGGING) return logged(s);
  if (w->result.status != ST_OK) return false;
  if (w->wants_change) return put_on_record(s, STATE_LOG_UPDATING);
  if (!s->completing || !writer_settled(w)) return false;
  return session_unfinished(s) && put_on_record(s, STATE_LOG_COMPLETE);
}

// --- whose turn it is ---

// Erases that a silent owner left noted hold nobody up. A failure is first told to
// whose it is.
static void let_go(struct session *s) {
  const struct writer *w = s->writer;
  if (s->owner == SESSION_NOBODY || w->result.status != ST_OK) return;
  const bool silent = session_now_us(s) - s->claimed_us >= SESSION_SILENCE_US;
  const bool over =
      s->completing ? session_settled(s) : silent && writer_remaining_us(w) == 0;
  if (over) s->owner = SESSION_NOBODY;
}

// An update begins. What the other road has only noted is not its: it is forgotten. DFU
// hosts bring the parts of one update in several goes, with any pause between them, so
// theirs are not told apart.
static void begin_update(struct session *s, enum session_road road) {
  const bool other = s->last != SESSION_NOBODY && s->last != road;
  if (other) writer_forget(s->writer);
  if (!session_unfinished(s)) s->touched = s->half = false;
  if (other || road == SESSION_SERIAL) s->half = s->touched;
  s->owner = s->last = road;
  s->completing = false;  // that was another update, and is on record
}

bool session_claim(struct session *s, enum session_road road) {
  let_go(s);
  if (s->owner == SESSION_NOBODY) begin_update(s, road);
  if (s->owner != road) return false;
  s->claimed_us = session_now_us(s);
  return true;
}

void session_release(struct session *s, enum session_road road) {
  if (s->owner == road) s->claimed_us = session_now_us(s) - SESSION_SILENCE_US;
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
  for (uint32_t at = offset; at < offset + length; at = b.run_end) {
    media_block_at(&m->geometry, at, &b);
    if (!b.writable) return ST_BOOTLOADER_AREA;
  }
  return ST_OK;
}

static void changes(struct session *s, const struct media *m) {
  s->completing = false;
  if (m == s->log_medium) s->touched = true;
}

bool session_erase(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  changes(s, m);
  return writer_erase(s->writer, m, address - m->geometry.base);
}

bool session_erase_part(struct session *s, uint32_t address, uint32_t *length) {
  const struct media *m = find(s, address, false);
  const uint32_t offset = address - m->geometry.base;
  struct media_block b;
  media_block_at(&m->geometry, offset, &b);
  const uint32_t left = b.offset + b.size - offset;
  if (*length > left) *length = left;
  changes(s, m);
  return writer_erase_part(s->writer, m, offset, *length);
}

bool session_mass_erase(struct session *s, uint8_t medium) {
  changes(s, s->media[medium]);
  return writer_mass_erase(s->writer, s->media[medium]);
}

bool session_write(struct session *s, uint32_t address, const uint8_t *data,
                   uint32_t length) {
  const struct media *m = find(s, address, false);
  changes(s, m);
  if (APP_BASE - address < length) s->half = false;
  return writer_write(s->writer, m, address - m->geometry.base, data, length);
}

// `loan`, if any, is tried first; `dst` is its shelter.
static enum status read_at(struct session *s, uint32_t address, struct flash_loan *loan,
                           uint8_t *dst, uint32_t length, uint32_t *done) {
  *done = 0;
  const struct media *m = find(s, address, true);
  if (!m) return ST_BAD_ADDRESS;
  const uint32_t offset = address - m->geometry.base;
  const uint32_t left = m->geometry.size - offset;
  const uint32_t n = length < left ? length : left;
  if (n == 0) return ST_OK;
  enum status status = ST_NOT_NOW;
  if (loan) status = writer_view(s->writer, m, offset, n, loan);
  if (status == ST_NOT_NOW) status = writer_read(s->writer, m, offset, dst, n);
  if (status == ST_OK) *done = n;
  return status;
}

enum status session_read(struct session *s, uint32_t address, uint8_t *dst,
                         uint32_t length, uint32_t *done) {
  return read_at(s, address, NULL, dst, length, done);
}

enum status session_lend(struct session *s, uint32_t address, struct flash_loan *loan,
                         uint32_t length, uint32_t *done) {
  loan->data = loan->shelter;
  loan->length = 0;
  return read_at(s, address, loan, loan->shelter, length, done);
}

void session_flush(struct session *s) {
  writer_flush(s->writer);
}

void session_complete(struct session *s) {
  session_flush(s);
  s->completing = !s->half;
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
  if (r.status != ST_OK) {
    s->completing = false;
    s->log_failed = true;
  }
  return r;
}

bool session_poll(struct session *s) {
  const bool worked = writer_poll(s->writer);
  const bool logged = poll_log(s);
  let_go(s);  // here as well, and before the clock has wrapped
  return worked || logged;
}

uint32_t session_now_us(const struct session *s) {
  return s->writer->now_us(s->writer->now_ctx);
}

enum status session_check_app(const struct session *s, const uint8_t head[8]) {
  const struct media *m = find(s, APP_BASE, false);
  if (!m) return ST_NO_APPLICATION;
  const struct app_vectors v = {.stack = load_le32(head), .reset = load_le32(head + 4)};
  return app_check(v, m->geometry.base + m->geometry.size);
}

enum status session_finish(struct session *s) {
  uint8_t head[8];
  uint32_t done;
  const enum status status = session_read(s, APP_BASE, head, sizeof head, &done);
  if (status == ST_OK && done == sizeof head) return session_check_app(s, head);
  return status == ST_OK || status == ST_BAD_ADDRESS ? ST_NO_APPLICATION : status;
}
