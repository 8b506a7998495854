// SPDX-License-Identifier: MIT
#include "sim/program/uart_out.h"

#include <errno.h>
#include <string.h>

static bool cannot(const char *name, int why, struct load_error *error) {
  snprintf(error->text, sizeof error->text, "%s cannot be written: %s",
           strcmp(name, "-") ? name : "standard output", strerror(why));
  return false;
}

bool uart_out_open(struct uart_out *c, const char *name, struct load_error *error) {
  *c = (struct uart_out){.name = name};
  if (!name) return true;
  c->out = strcmp(name, "-") ? fopen(name, "we") : stdout;
  return c->out || cannot(name, errno, error);
}

static void note(struct uart_out *c, bool good) {
  if (!good && !c->error) c->error = errno;
}

void uart_out_put(struct uart_out *c, uint8_t byte) {
  if (!c->out) return;
  note(c, fputc(byte, c->out) != EOF);
  c->waiting = true;
}

void uart_out_flush(struct uart_out *c) {
  if (c->waiting) note(c, fflush(c->out) == 0);
  c->waiting = false;
}

bool uart_out_close(struct uart_out *c, struct load_error *error) {
  if (!c->out) return true;
  note(c, fflush(c->out) == 0);
  if (c->out != stdout) note(c, fclose(c->out) == 0);
  c->out = NULL;
  return !c->error || cannot(c->name, c->error, error);
}
