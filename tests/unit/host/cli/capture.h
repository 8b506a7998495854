// SPDX-License-Identifier: MIT
// What a piece of code prints.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct capture {
  FILE *stream, *file;
  int real;
};

static inline struct capture capture_begin(FILE *stream) {
  struct capture c = {.stream = stream, .file = tmpfile()};
  assert_non_null(c.file);
  fflush(stream);
  c.real = dup(fileno(stream));
  dup2(fileno(c.file), fileno(stream));
  return c;
}

// The text; free() it.
static inline char *capture_end(struct capture *c) {
  fflush(c->stream);
  dup2(c->real, fileno(c->stream));
  close(c->real);
  const long size =
      ftell(c->file) >= 0 && fseek(c->file, 0, SEEK_END) == 0 ? ftell(c->file) : 0;
  char *text = calloc((size_t)size + 1, 1);
  assert_non_null(text);
  rewind(c->file);
  assert_int_equal(fread(text, 1, (size_t)size, c->file), size);
  fclose(c->file);
  return text;
}
