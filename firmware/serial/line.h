// SPDX-License-Identifier: MIT
// A line of bytes to a host's terminal program, both ways, as the console sees it. It
// is looked at from the main loop; nothing waits. USB's CDC-ACM is one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// room() is at least this whenever all that was put has gone out.
enum { SERIAL_LINE_ROOM = 256 };

struct serial_line {
  void *ctx;
  // Bytes that came and were not taken: so many lie at *bytes. What is not taken stays
  // there, and holds the host back.
  size_t (*peek)(void *ctx, const uint8_t **bytes);
  void (*take)(void *ctx, size_t n);
  // How many bytes put() takes now; they go out by themselves.
  size_t (*room)(void *ctx);
  void (*put)(void *ctx, const uint8_t *bytes, size_t n);
  // Someone has the other end open (DTR), or had it, and left a command there that was
  // not taken yet. Bytes of a line that is not are dropped. If the next one has opened
  // it before they were, it says once that it is not, between the bytes of the two.
  bool (*open)(void *ctx);
};
