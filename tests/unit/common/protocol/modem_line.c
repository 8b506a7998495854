// SPDX-License-Identifier: MIT
#include "tests/unit/common/protocol/modem_line.h"

#include <stdlib.h>
#include <string.h>

enum {
  LATENCY_MS = 1,
  HOUR_MS = 3600000,
  CHUNK = 512,  // of a high-speed bulk packet
};

struct queue {
  uint8_t *bytes;
  uint32_t *due;
  size_t head, tail, room, index;
  uint32_t last_due;
};

struct ends {
  struct line_run *run;
  struct queue queue[LINE_DIRECTIONS];
  uint32_t start, now, ready;  // ready: when the consumer answers
  bool held, cut, moved, stop_sender, stop_receiver;
  size_t stored;   // of the current file
  size_t current;  // file
  bool spoilt;     // by an accident
};

// ---- The line --------------------------------------------------------------

static void append(struct ends *e, struct queue *q, uint8_t byte, uint32_t delay) {
  if (q->tail == q->room) {
    q->room = q->room ? 2 * q->room : 4096;
    q->bytes = realloc(q->bytes, q->room);
    q->due = realloc(q->due, q->room * sizeof *q->due);
    if (!q->bytes || !q->due) abort();
  }
  uint32_t due = e->now + LATENCY_MS + delay;
  if (q->index > 0 && (int32_t)(q->last_due - due) > 0) due = q->last_due;
  q->last_due = due;
  q->bytes[q->tail] = byte;
  q->due[q->tail++] = due;
}

static void put(struct ends *e, enum line_direction d, uint8_t byte) {
  struct queue *q = &e->queue[d];
  struct line_fault f = {0};
  if (e->run->fault) f = e->run->fault(e->run->ctx, d, q->index, byte);
  e->cut = e->cut || f.cut;
  e->stop_sender = e->stop_sender || f.stop_sender;
  e->stop_receiver = e->stop_receiver || f.stop_receiver;
  if (!e->cut && !f.drop) {
    append(e, q, (uint8_t)(byte ^ f.mask), f.delay_ms);
    if (f.twice) append(e, q, (uint8_t)(byte ^ f.mask), 0);
    for (int i = 0; i < f.cans; i++) {
      append(e, q, MODEM_CAN, 0);
    }
  }
  q->index++;
}

// Bytes that have come by now, at most a chunk.
static size_t arrived(const struct ends *e, const struct queue *q) {
  size_t n = 0;
  while (q->head + n < q->tail && n < CHUNK &&
         (int32_t)(q->due[q->head + n] - e->now) <= 0) {
    n++;
  }
  return n;
}

// ---- The receiver's end ----------------------------------------------------

static void fail(struct ends *e, const char *what) {
  if (!e->run->broken) e->run->broken = what;
}

// A block whose check is right and whose bytes are not: an accident of the check,
// unless it is another block of the file.
static void judge_data(struct ends *e) {
  const struct modem_receiver *r = &e->run->r;
  const struct line_file *f = &e->run->files[e->current];
  const size_t left = e->stored < f->size ? f->size - e->stored : 0;
  const size_t n = r->size < left ? r->size : left;
  bool right = !memcmp(r->data, f->data + e->stored, n);
  for (size_t i = n; i < r->size; i++) {
    right = right && r->data[i] == MODEM_PAD && r->xmodem;
  }
  if (right) return;
  if (r->crc) {
    e->run->accidents++;
  } else {
    e->run->sum_accidents++;
  }
  e->spoilt = true;
  for (size_t at = 0; at + MODEM_SMALL <= f->size; at += MODEM_SMALL) {
    if (at != e->stored && r->size >= MODEM_SMALL &&
        !memcmp(r->data, f->data + at, MODEM_SMALL)) {
      fail(e, "a block was stored in the place of another");
    }
  }
}

static void judge_file(struct ends *e) {
  const struct line_file *f = &e->run->files[e->current];
  const bool fits = e->run->r.xmodem
                        ? e->stored >= f->size && e->stored - f->size < MODEM_BIG
                        : e->stored == f->size;
  if (!fits && !e->spoilt) fail(e, "a file of a wrong length was taken as whole");
  e->run->accepted++;
  e->current++;
  e->stored = 0;
}

static void consume(struct ends *e) {
  struct modem_receiver *r = &e->run->r;
  if (r->event == MODEM_FILE) {
    const struct line_file *f = &e->run->files[e->current];
    const bool same =
        e->current < e->run->count && !strcmp(r->name, f->name) && r->length == f->size;
    e->spoilt = !same;
    e->run->accidents += !same;
    e->stored = 0;
  } else if (r->event == MODEM_DATA) {
    judge_data(e);
    e->stored += r->size;
  } else {
    judge_file(e);
  }
  modem_receiver_accept(r, e->now);
}

static void run_consumer(struct ends *e) {
  struct modem_receiver *r = &e->run->r;
  if (r->event == MODEM_IDLE || r->event == MODEM_OVER) {
    e->held = false;
    return;
  }
  if (!e->held) {
    e->held = true;
    e->ready = e->now + (e->run->hold ? e->run->hold(e->run->ctx, r) : 0);
  }
  if ((int32_t)(e->now - e->ready) < 0) return;
  e->held = false;
  e->moved = true;
  consume(e);
}

static void run_receiver(struct ends *e) {
  struct queue *q = &e->queue[LINE_FORTH];
  struct modem_receiver *r = &e->run->r;
  const size_t n = arrived(e, q);
  const size_t taken = modem_receiver_take(r, q->bytes + q->head, n, e->now);
  q->head += r->event == MODEM_OVER ? n : taken;
  if (taken > 0) e->moved = true;
  run_consumer(e);
  uint8_t out[MODEM_OUTPUT_MAX];
  const size_t count = modem_receiver_output(r, out);
  for (size_t i = 0; i < count; i++) {
    put(e, LINE_BACK, out[i]);
  }
}

// ---- The sender's end ------------------------------------------------------

static void feed_sender(struct ends *e) {
  struct modem_sender *s = &e->run->s;
  const size_t at = s->files;
  if (s->event == MODEM_FILE && at < e->run->count) {
    modem_sender_file(s, e->run->files[at].name, (uint32_t)e->run->files[at].size,
                      e->now);
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, e->now);
  } else if (s->event == MODEM_DATA) {
    modem_sender_data(s, e->run->files[at].data + s->offset, e->now);
  }
}

static void run_sender(struct ends *e) {
  struct queue *q = &e->queue[LINE_BACK];
  struct modem_sender *s = &e->run->s;
  const size_t n = arrived(e, q);
  if (s->event == MODEM_OVER) {
    q->head += n;
    return;
  }
  modem_sender_take(s, q->bytes + q->head, n, e->now);
  q->head += n;
  feed_sender(e);
  size_t count = 0;
  const uint8_t *out = modem_sender_output(s, &count);
  if (count > CHUNK) count = CHUNK;
  for (size_t i = 0; i < count; i++) {
    put(e, LINE_FORTH, out[i]);
  }
  if (count > 0) modem_sender_sent(s, count, e->now);
  if (n + count > 0) e->moved = true;
}

// ---- Time ------------------------------------------------------------------

static void sooner(const struct ends *e, uint32_t *wait, uint32_t at) {
  const int32_t left = (int32_t)(at - e->now);
  const uint32_t ms = left > 0 ? (uint32_t)left : 1;
  if (ms < *wait) *wait = ms;
}

// To the next thing that can happen.
static void pass_time(struct ends *e) {
  const struct line_run *run = e->run;
  uint32_t wait = HOUR_MS;
  for (int d = 0; d < LINE_DIRECTIONS; d++) {
    const struct queue *q = &e->queue[d];
    if (q->head < q->tail) sooner(e, &wait, q->due[q->head]);
  }
  if (e->held) sooner(e, &wait, e->ready);
  if (run->r.event != MODEM_OVER) {
    sooner(e, &wait, e->now + modem_receiver_wait(&run->r, e->now));
  }
  if (run->s.event != MODEM_OVER) {
    sooner(e, &wait, e->now + modem_sender_wait(&run->s, e->now));
  }
  e->now += wait;
}

static bool is_over(const struct ends *e) {
  return e->run->r.event == MODEM_OVER && e->run->s.event == MODEM_OVER;
}

static void judge(struct ends *e) {
  struct line_run *run = e->run;
  const bool sent = run->s.end == MODEM_END_OK;
  run->ms = e->now - e->start;
  for (int d = 0; d < LINE_DIRECTIONS; d++) {
    run->bytes[d] = e->queue[d].index;
  }
  if (!is_over(e)) fail(e, "the transfer has no end");
  if (sent && run->accepted < run->count) fail(e, "the sender believes in a lost file");
  if (sent && run->s.files != run->count) fail(e, "the sender left files out");
  if (run->r.files != run->accepted) fail(e, "the receiver miscounts");
}

void line_run(struct line_run *run) {
  struct ends e = {.run = run};
  e.start = e.now = 0xFFFFF000u;  // milliseconds wrap on the way
  run->accepted = run->accidents = run->sum_accidents = 0;
  run->broken = NULL;
  modem_receiver_start(&run->r, run->ask, e.now);
  modem_sender_start(&run->s, run->protocol, e.now);
  while (!is_over(&e) && e.now - e.start < HOUR_MS) {
    e.moved = false;
    if (e.stop_sender) modem_sender_cancel(&run->s, e.now);
    if (e.stop_receiver) modem_receiver_cancel(&run->r, e.now);
    e.stop_sender = e.stop_receiver = false;
    run_receiver(&e);
    run_sender(&e);
    if (!e.moved && !is_over(&e)) pass_time(&e);
  }
  judge(&e);
  for (int d = 0; d < LINE_DIRECTIONS; d++) {
    free(e.queue[d].bytes);
    free(e.queue[d].due);
  }
}
