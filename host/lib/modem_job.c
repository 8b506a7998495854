// SPDX-License-Identifier: MIT
#include "host/lib/modem_job.h"

#include <string.h>

enum {
  STEP_MS = 50,          // between two looks at `stop`
  TYPE_LIMIT_MS = 5000,  // for a console to take a line: it echoes at once
  READ_ROOM = 256,
};

struct work {
  const struct serial_io *io;
  const struct modem_job *job;
  struct modem_sender sender;
  uint64_t before, total;  // bytes of the files that are done, and of all
};

static bool fail_line(enum serial_result result, struct qb_error *error) {
  return result == SERIAL_GONE
             ? qb_error_set(error, "the serial port is gone; connect the board again")
             : qb_error_set(error, "the serial port does not work any more");
}

// ---- A line of text --------------------------------------------------------

bool modem_job_type(const struct serial_io *io, const char *line,
                    struct qb_error *error) {
  char text[256];
  const size_t length = strlen(line);
  if (length + 1 > sizeof text) return qb_error_set(error, "the command is too long");
  memcpy(text, line, length);
  text[length] = '\r';
  const uint32_t start = io->now_ms(io->ctx);
  for (size_t at = 0; at <= length;) {
    size_t n = 0;
    const enum serial_result result =
        io->write(io->ctx, (const uint8_t *)text + at, length + 1 - at, &n, STEP_MS);
    if (result != SERIAL_OK) return fail_line(result, error);
    at += n;
    if (n == 0 && io->now_ms(io->ctx) - start > TYPE_LIMIT_MS) {
      return qb_error_set(error, "the other side does not take the command");
    }
  }
  return true;
}

// ---- Files -----------------------------------------------------------------

static const struct modem_file *current(const struct work *w) {
  return w->sender.files < w->job->count ? &w->job->files[w->sender.files] : NULL;
}

static void answer(struct work *w, uint32_t now) {
  struct modem_sender *s = &w->sender;
  const struct modem_file *f = current(w);
  if (s->event == MODEM_FILE && f) {
    modem_sender_file(s, f->name, f->size, now);
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, now);
  } else if (s->event == MODEM_DATA) {
    modem_sender_data(s, f->data + s->offset, now);
  }
}

static void tell_progress(struct work *w, uint32_t files_before) {
  const struct modem_sender *s = &w->sender;
  for (uint32_t i = files_before; i < s->files; i++) {
    w->before += w->job->files[i].size;
  }
  const uint64_t here = current(w) && s->files == files_before ? s->offset : 0;
  if (w->job->progress) w->job->progress(w->job->ctx, w->before + here, w->total);
}

static enum serial_result send_some(struct work *w) {
  struct modem_sender *s = &w->sender;
  size_t size = 0;
  size_t n = 0;
  const uint8_t *bytes = modem_sender_output(s, &size);
  if (size == 0) return SERIAL_OK;
  const enum serial_result result = w->io->write(w->io->ctx, bytes, size, &n, STEP_MS);
  if (n > 0) modem_sender_sent(s, n, w->io->now_ms(w->io->ctx));
  return result;
}

// Until the machine asks for something or `STEP_MS` have passed.
static enum serial_result step(struct work *w) {
  struct modem_sender *s = &w->sender;
  uint8_t bytes[READ_ROOM];
  size_t n = 0;
  size_t waiting = 0;
  const uint32_t wait = modem_sender_wait(s, w->io->now_ms(w->io->ctx));
  const bool busy = s->event != MODEM_IDLE;
  (void)modem_sender_output(s, &waiting);
  const uint32_t limit = busy || waiting > 0 ? 0 : wait < STEP_MS ? wait : STEP_MS;
  enum serial_result result = w->io->read(w->io->ctx, bytes, sizeof bytes, &n, limit);
  if (result != SERIAL_OK) return result;
  const uint32_t files = s->files;
  modem_sender_take(s, bytes, n, w->io->now_ms(w->io->ctx));
  answer(w, w->io->now_ms(w->io->ctx));
  result = send_some(w);
  tell_progress(w, files);
  return result;
}

static enum modem_outcome tell_end(const struct work *w, struct qb_error *error) {
  const enum modem_end end = w->sender.end;
  if (end == MODEM_END_OK) return MODEM_JOB_DONE;
  if (end == MODEM_END_NOT_STARTED) {
    qb_error_set(error,
                 "the other side does not ask for a file%s; make it receive by %s, or "
                 "give --command",
                 w->job->protocol == MODEM_YMODEM_G ? " as a stream" : "",
                 w->job->protocol <= MODEM_XMODEM_1K ? "XMODEM" : "YMODEM");
  } else {
    qb_error_set(error, "%s", modem_end_sentence(end));
  }
  return end == MODEM_END_STOPPED ? MODEM_JOB_STOPPED : MODEM_JOB_FAILED;
}

enum modem_outcome modem_job_send(const struct serial_io *io, const struct modem_job *j,
                                  struct qb_error *error) {
  struct work w = {.io = io, .job = j};
  for (size_t i = 0; i < j->count; i++) {
    w.total += j->files[i].size;
  }
  modem_sender_start(&w.sender, j->protocol, io->now_ms(io->ctx));
  while (w.sender.event != MODEM_OVER) {
    if (j->stop && j->stop(j->ctx)) modem_sender_cancel(&w.sender, io->now_ms(io->ctx));
    const enum serial_result result = step(&w);
    if (result != SERIAL_OK) {
      fail_line(result, error);
      return MODEM_JOB_FAILED;
    }
  }
  return tell_end(&w, error);
}
