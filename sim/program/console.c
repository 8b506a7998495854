// SPDX-License-Identifier: MIT
#include "sim/program/console.h"

#include <errno.h>
#include <string.h>

static bool cannot(const char *name, int why, struct load_error *error) {
  snprintf(error->text, sizeof error->text, "%s cannot be written: %s",
           strcmp(name, "-") ? name : "standard output", strerror(why));
  return false;
}

bool console_open(struct console *c, const char *name, struct load_error *error) {
  *c = (struct console){.name = name};
  if (!name) return true;
  c->out = strcmp(name, "-") ? fopen(name, "we") : stdout;
  return c->out || cannot(name, errno, error);
}

static void note(struct console *c, bool good) {
  if (!good && !c->error) c->error = errno;
}

void console_put(struct console *c, uint8_t byte) {
  if (!c->out) return;
  note(c, fputc(byte, c->out) != EOF);
  if (byte == '\n') note(c, fflush(c->out) == 0);
}

bool console_close(struct console *c, struct load_error *error) {
  if (!c->out) return true;
  note(c, fflush(c->out) == 0);
  if (c->out != stdout) note(c, fclose(c->out) == 0);
  c->out = NULL;
  return !c->error || cannot(c->name, c->error, error);
}
