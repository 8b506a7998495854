// SPDX-License-Identifier: MIT
// A non-blocking TCP connection with a buffer on each side, for both ends of
// USB/IP. Knows bytes, not messages; never waits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A queue of bytes in one block of memory. Zero-initialised it is empty.
struct usbip_bytes {
  uint8_t *base;
  size_t head, length;  // the bytes are base[head .. head + length)
  size_t capacity;
};

// False, and nothing changed, when there is no memory.
bool usbip_bytes_append(struct usbip_bytes *b, const void *data, size_t length);

// Drops the first `length` bytes, at most all.
void usbip_bytes_consume(struct usbip_bytes *b, size_t length);

static inline const uint8_t *usbip_bytes_first(const struct usbip_bytes *b) {
  return b->length ? b->base + b->head : NULL;
}

// Zero-initialise it, then set `fd`.
struct usbip_stream {
  int fd;                  // non-blocking; closed by usbip_stream_close
  struct usbip_bytes in;   // received, not yet looked at
  struct usbip_bytes out;  // written, not yet taken by the kernel
};

// Makes a connected or listening socket fit for use here: non-blocking, closed
// on exec, small messages sent at once.
void usbip_stream_prepare(int fd);

// Takes what has arrived, as long as `in` holds less than `most` bytes; it may
// end up a little larger. False when the connection is over (closed by the
// other side, broken, or out of memory); bytes already taken stay readable.
bool usbip_stream_receive(struct usbip_stream *s, size_t most);

// Appends to `out` without sending. False when there is no memory.
bool usbip_stream_write(struct usbip_stream *s, const void *data, size_t length);

// Sends what the kernel takes now. False when the connection is broken.
bool usbip_stream_flush(struct usbip_stream *s);

// Closes the socket and frees both buffers; harmless when called again.
void usbip_stream_close(struct usbip_stream *s);
