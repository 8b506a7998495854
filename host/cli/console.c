// SPDX-License-Identifier: MIT
#include "host/cli/console.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "host/cli/interrupt.h"

enum {
  ESCAPE = 0x1D,     // Ctrl-], as in telnet
  STEP_MS = 10,      // at most so late is a key seen
  LAST_MS = 500,     // a console answers a line at once; its longest pause
  STUCK_MS = 10000,  // the other side takes nothing: a flash erase is over by then
  ROOM = 512,
};

enum input { INPUT_OPEN, INPUT_ENDED, INPUT_LEFT };

struct console {
  const struct serial_io *io;
  bool terminal;
  enum input input;
  uint8_t typed[ROOM];
  size_t at, end;     // of what is not yet sent
  uint32_t heard_ms;  // when something last came or went
};

// What was typed; a terminal's Ctrl-] leaves.
static void take_input(struct console *c) {
  struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
  if (c->input != INPUT_OPEN || c->at < c->end || poll(&p, 1, 0) <= 0) return;
  const ssize_t n = read(STDIN_FILENO, c->typed, sizeof c->typed);
  c->at = 0;
  c->end = n > 0 ? (size_t)n : 0;
  if (n <= 0) c->input = INPUT_ENDED;
  const uint8_t *escape = c->terminal ? memchr(c->typed, ESCAPE, c->end) : NULL;
  if (!escape) return;
  c->end = (size_t)(escape - c->typed);
  c->input = INPUT_LEFT;
}

static enum serial_result send_input(struct console *c) {
  size_t n = 0;
  if (c->at == c->end) return SERIAL_OK;
  const enum serial_result result =
      c->io->write(c->io->ctx, c->typed + c->at, c->end - c->at, &n, STEP_MS);
  c->at += n;
  if (n > 0) c->heard_ms = c->io->now_ms(c->io->ctx);
  return result;
}

static enum serial_result show_line(struct console *c) {
  uint8_t bytes[ROOM];
  size_t n = 0;
  const enum serial_result result =
      c->io->read(c->io->ctx, bytes, sizeof bytes, &n, STEP_MS);
  if (n == 0) return result;
  c->heard_ms = c->io->now_ms(c->io->ctx);
  fwrite(bytes, 1, n, stdout);
  fflush(stdout);
  return result;
}

static bool is_over(const struct console *c) {
  const uint32_t quiet = c->io->now_ms(c->io->ctx) - c->heard_ms;
  if (interrupt_came()) return true;
  if (c->at < c->end) return c->input != INPUT_OPEN && quiet > STUCK_MS;
  return c->input == INPUT_LEFT || (c->input == INPUT_ENDED && quiet > LAST_MS);
}

static enum serial_result talk(struct console *c) {
  enum serial_result result = SERIAL_OK;
  while (result == SERIAL_OK && !is_over(c)) {
    take_input(c);
    result = send_input(c);
    if (result == SERIAL_OK) result = show_line(c);
  }
  return result;
}

bool console_run(const struct serial_io *io, struct qb_error *error) {
  struct console c = {.io = io, .heard_ms = io->now_ms(io->ctx)};
  struct termios before;
  c.terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (c.terminal) {
    struct termios raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  const enum serial_result result = talk(&c);
  if (c.terminal) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  if (result == SERIAL_GONE) return qb_error_set(error, "the serial port is gone");
  return result == SERIAL_OK ||
         qb_error_set(error, "the serial port does not work any more");
}
