// SPDX-License-Identifier: MIT
#include "usbip/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384 };

// Room for `length` more bytes: first by moving to the front, then by growing.
static bool reserve(struct usbip_bytes *b, size_t length) {
  if (b->head + b->length + length <= b->capacity) return true;
  if (b->head > 0) memmove(b->base, b->base + b->head, b->length);
  b->head = 0;
  if (b->length + length <= b->capacity) return true;
  // Twice what is needed: a queue that grows slowly is moved rarely.
  const size_t capacity = (b->length + length) * 2;
  uint8_t *base = realloc(b->base, capacity);
  if (!base) return false;
  b->base = base;
  b->capacity = capacity;
  return true;
}

bool usbip_bytes_append(struct usbip_bytes *b, const void *data, size_t length) {
  if (length == 0) return true;
  if (!reserve(b, length)) return false;
  memcpy(b->base + b->head + b->length, data, length);
  b->length += length;
  return true;
}

void usbip_bytes_consume(struct usbip_bytes *b, size_t length) {
  if (length > b->length) length = b->length;
  b->head += length;
  b->length -= length;
  if (b->length == 0) b->head = 0;
}

void usbip_stream_prepare(int fd) {
  const int one = 1;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// An error that only means "not now".
static bool try_again(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

bool usbip_stream_receive(struct usbip_stream *s, size_t most) {
  uint8_t chunk[READ_SIZE];
  while (s->in.length < most) {
    const ssize_t n = recv(s->fd, chunk, sizeof chunk, 0);
    if (n < 0) return try_again();
    if (n == 0 || !usbip_bytes_append(&s->in, chunk, (size_t)n)) return false;
  }
  return true;
}

bool usbip_stream_write(struct usbip_stream *s, const void *data, size_t length) {
  return usbip_bytes_append(&s->out, data, length);
}

bool usbip_stream_flush(struct usbip_stream *s) {
  while (s->out.length > 0) {
    const ssize_t n =
        send(s->fd, usbip_bytes_first(&s->out), s->out.length, MSG_NOSIGNAL);
    if (n < 0) return try_again();
    usbip_bytes_consume(&s->out, (size_t)n);
  }
  return true;
}

void usbip_stream_close(struct usbip_stream *s) {
  if (s->fd >= 0) close(s->fd);
  free(s->in.base);
  free(s->out.base);
  *s = (struct usbip_stream){.fd = -1};
}
