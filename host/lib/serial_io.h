// SPDX-License-Identifier: MIT
// What the library needs of a serial line; a transport implements it.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum serial_result {
  SERIAL_OK,
  SERIAL_GONE,    // unplugged
  SERIAL_FAILED,  // anything else
};

// One open line, of 8 bits that nobody interprets.
struct serial_io {
  void *ctx;
  // Waits up to `timeout_ms` for bytes; `*n` is how many came, perhaps none.
  enum serial_result (*read)(void *ctx, uint8_t *bytes, size_t room, size_t *n,
                             uint32_t timeout_ms);
  // Waits up to `timeout_ms` until the line takes some; `*n` is how many, perhaps none:
  // the other side is busy.
  enum serial_result (*write)(void *ctx, const uint8_t *bytes, size_t size, size_t *n,
                              uint32_t timeout_ms);
  uint32_t (*now_ms)(void *ctx);  // free-running, wraps
  void (*close)(void *ctx);       // puts the line back as it was
};
