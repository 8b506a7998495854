// SPDX-License-Identifier: MIT
#include "firmware/serial/receive.h"

#include <string.h>

static void fail_at(struct receive *r, enum status status, uint32_t address) {
  if (r->status == ST_OK) {
    r->status = status;
    r->failed_at = address;
  }
  r->left = r->piece.size = 0;
  modem_receiver_cancel(&r->modem, r->now);
}

static void fail(struct receive *r, enum status status) {
  fail_at(r, status, 0);
}

void receive_fail(struct receive *r, enum status status, uint32_t address) {
  fail_at(r, status, address);
}

// ---- From pieces to units --------------------------------------------------

static void add_to_chunk(struct receive *r, const uint8_t *data, uint32_t n) {
  const uint32_t at = r->chunk_at + r->chunk_size;
  memcpy(r->chunk + at % WRITER_UNIT, data, n);
  r->chunk_size += n;
}

// False: not now.
static bool write_chunk(struct receive *r) {
  const uint8_t *bytes = r->chunk + r->chunk_at % WRITER_UNIT;
  if (r->chunk_size && !session_write(r->session, r->chunk_at, bytes, r->chunk_size)) {
    return false;
  }
  r->chunk_size = 0;
  return true;
}

// The file goes no further: what has come of it, and what was kept behind its end.
bool receive_stop(struct receive *r) {
  fail(r, ST_OK);
  if (!write_chunk(r)) return false;
  r->chunk_at = r->end;
  add_to_chunk(r, r->tail, r->tail_size);
  r->tail_size = 0;
  return write_chunk(r);
}

// Another element begins, or a plain file of unknown length goes on.
static bool begin_extent(struct receive *r) {
  const struct dfuse_piece *p = &r->piece;
  const enum status status = session_check_write(r->session, p->address, p->left);
  if (status != ST_OK) {
    fail_at(r, status, p->address);
    return false;
  }
  r->next = r->noted = p->address;
  r->end = p->address + p->left;
  return true;
}

// The last unit of an element or a file is erased with the others, or the sector would
// be erased again for it; what lies behind the end is kept here meanwhile.
static bool keep_tail(struct receive *r) {
  const uint32_t from = r->end % WRITER_UNIT, size = WRITER_UNIT - from;
  uint32_t got;
  if (!from) return true;
  const enum status status = session_read(r->session, r->end, r->tail, size, &got);
  if (status == ST_OK) {
    r->tail_size = size;
  } else if (status != ST_NOT_NOW) {
    fail_at(r, status, r->end);
  }
  return status == ST_OK;
}

// Notes erases up to the end of the erase block. What they cover will be written.
static bool note_erase(struct receive *r) {
  const bool open = r->kind == RECEIVE_PLAIN && !r->modem.has_length;
  if (!open && !keep_tail(r)) return false;
  uint32_t n = open ? UINT32_MAX : r->end + r->tail_size - r->noted;
  if (!session_erase_part(r->session, r->noted, &n)) return false;
  r->noted += n;
  return true;
}

// Some of the piece. False: not now, or it failed.
static bool store(struct receive *r) {
  struct dfuse_piece *p = &r->piece;
  const bool follows = p->address == r->chunk_at + r->chunk_size;
  const uint32_t from = p->address % WRITER_UNIT;
  if ((!follows || from == 0) && !write_chunk(r)) return false;
  const bool inside = p->address == r->next && p->address + p->left == r->end;
  if (!inside && !begin_extent(r)) return false;
  if (r->next == r->noted && !note_erase(r)) return false;
  uint32_t n = p->size;
  if (n > WRITER_UNIT - from) n = WRITER_UNIT - from;
  if (!r->chunk_size) r->chunk_at = p->address;
  add_to_chunk(r, p->data, n);
  r->next += n;
  p->address += n;
  p->data += n;
  p->size -= n;
  p->left -= n;
  if (r->next == r->end) {
    add_to_chunk(r, r->tail, r->tail_size);
    r->tail_size = 0;
  }
  return true;
}

// ---- From blocks to pieces -------------------------------------------------

static enum status status_of(enum dfuse_status status) {
  switch (status) {
    case DFUSE_OK: return ST_OK;
    case DFUSE_TRUNCATED: return ST_FILE_CUT;
    default: return ST_FILE_DAMAGED;
  }
}

// What kind of file it is, its first bytes say.
static void begin_file(struct receive *r) {
  const struct modem_receiver *m = &r->modem;
  r->kind = RECEIVE_DFUSE;
  if (dfuse_begins(m->data, m->size)) {
    dfuse_stream_start(&r->dfuse);
    return;
  }
  r->kind = RECEIVE_PLAIN;
  if (r->plain) {
    fail(r, ST_FILE_SECOND);
  } else if (r->application && session_check_app(r->session, m->data) != ST_OK) {
    fail(r, ST_FILE_NO_APP);
  }
  r->plain = true;
}

static void next_piece(struct receive *r) {
  const struct modem_receiver *m = &r->modem;
  if (r->kind == RECEIVE_PLAIN) {
    r->piece =
        (struct dfuse_piece){.kind = DFUSE_PIECE_DATA,
                             .address = r->address + m->received,
                             .data = r->data,
                             .size = r->left,
                             .left = m->has_length ? m->length - m->received : r->left};
    r->left = 0;
    return;
  }
  const size_t n = dfuse_stream_take(&r->dfuse, r->data, r->left, &r->piece);
  r->data += n;
  r->left -= (uint32_t)n;
  if (r->piece.kind == DFUSE_PIECE_FAILED) fail(r, status_of(r->dfuse.status));
}

static bool claim(struct receive *r) {
  if (session_claim(r->session, SESSION_SERIAL)) return true;
  fail(r, ST_OTHER_ROAD);
  return false;
}

static bool begin(struct receive *r) {
  if (!claim(r)) return false;
  if (!r->begun) r->begun_at = r->now;
  r->begun = true;
  return true;
}

// The block is looked at once there is room behind it. False: not now.
static bool begin_block(struct receive *r) {
  if (session_behind_us(r->session, r->next)) return false;
  if (!begin(r)) return false;
  r->data = r->modem.data;
  r->left = r->modem.size;
  if (r->kind == RECEIVE_NEW) begin_file(r);
  return true;
}

static bool take_block(struct receive *r) {
  if (!r->left && !r->piece.size && !begin_block(r)) return false;
  while (r->left || r->piece.size) {
    if (!r->piece.size) {
      next_piece(r);
    } else if (!store(r)) {
      return false;
    }
  }
  r->bytes += r->modem.size;
  modem_receiver_accept(&r->modem, r->now);  // if it did not fail
  return true;
}

// ---- Ends ------------------------------------------------------------------

// An empty file is as good as any, but completes nothing. (lrzsz would not notice that
// it is refused: it repeats its EOT for minutes.)
static enum status judge_file(const struct receive *r) {
  if (r->kind != RECEIVE_DFUSE) return ST_OK;
  const enum status status = status_of(dfuse_stream_end(&r->dfuse));
  return status == ST_OK && !r->dfuse.data_bytes ? ST_FILE_EMPTY : status;
}

static bool end_file(struct receive *r) {
  const enum status status = judge_file(r);
  if (status != ST_OK) {
    fail(r, status);
    return true;
  }
  if (!write_chunk(r)) return false;
  session_flush(r->session);
  if (!session_settled(r->session)) return false;
  r->kind = RECEIVE_NEW;
  modem_receiver_accept(&r->modem, r->now);
  return true;
}

// Every file came, and the sender has said that there are no more: the update is
// complete when that is on record. Else what was taken is done, and no more.
static bool end_work(struct receive *r) {
  if (!receive_stop(r)) return false;
  if (r->modem.end == MODEM_END_OK && r->status == ST_OK && r->bytes) {
    session_complete(r->session);
  } else {
    session_flush(r->session);
  }
  return session_settled(r->session);
}

static bool end_transfer(struct receive *r) {
  if (r->begun && !end_work(r)) return false;
  r->over = true;
  r->ms = r->now - r->begun_at;
  session_release(r->session, SESSION_SERIAL);
  return true;
}

static bool step(struct receive *r) {
  switch (r->modem.event) {
    case MODEM_FILE:
      if (begin(r)) modem_receiver_accept(&r->modem, r->now);
      return true;
    case MODEM_DATA: return take_block(r);
    case MODEM_FILE_END: return end_file(r);
    case MODEM_OVER: return end_transfer(r);
    default: return false;
  }
}

// ---- The line --------------------------------------------------------------

static bool feed(struct receive *r, const struct serial_line *l) {
  const uint8_t *bytes = NULL;
  const size_t n = r->modem.event == MODEM_OVER ? 0 : l->peek(l->ctx, &bytes);
  const size_t taken = modem_receiver_take(&r->modem, bytes, n, r->now);
  if (taken) l->take(l->ctx, taken);
  return taken != 0;
}

// The last word waits until it is true.
static void answer(struct receive *r, const struct serial_line *l) {
  uint8_t out[MODEM_OUTPUT_MAX];
  if (r->modem.event == MODEM_OVER && !r->over) return;
  if (l->room(l->ctx) < sizeof out) return;
  size_t n = modem_receiver_output(&r->modem, out);
  if (n && r->modem.event == MODEM_OVER && r->status != ST_OK) {
    memset(out, MODEM_CAN, MODEM_CANCEL_COUNT);
    n = MODEM_CANCEL_COUNT;
  }
  if (n) l->put(l->ctx, out, n);
}

bool receive_poll(struct receive *r, const struct serial_line *l, uint32_t now_ms) {
  r->now = now_ms;
  bool worked = feed(r, l);
  if (receive_busy(r)) claim(r);
  if (!r->over && step(r)) worked = true;
  answer(r, l);
  return worked;
}

void receive_start(struct receive *r, struct session *s, uint32_t address,
                   bool application, enum modem_ask ask, uint32_t now_ms) {
  memset(r, 0, offsetof(struct receive, modem));
  r->session = s;
  r->address = r->next = address;
  r->application = application;
  r->now = now_ms;
  r->end = r->noted = address;
  modem_receiver_start(&r->modem, ask, now_ms);
}
