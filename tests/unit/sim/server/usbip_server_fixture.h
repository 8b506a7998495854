// SPDX-License-Identifier: MIT
// A USB/IP server with a scripted backend, and a client of raw sockets, in one
// thread: the client's waits let the server run. Numbers of the protocol are
// typed here again, from its text.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/server/usbip_server.h"

enum { PATIENCE_MS = 400, WAIT_MS = 5000, MOST_URBS = 300 };

// What the backend is told, and what it shall answer.
struct script {
  struct usbip_server server;
  struct usbip_backend backend;
  bool present, admit, refuse_sleep;
  bool complete_at_once, detach_at_once;
  const struct usbip_urb *urbs[MOST_URBS];
  size_t urb_count;
  uint32_t unlinked, unlinks;
  uint32_t sleep_seqnum[4];
  uint64_t sleep_ns[4];
  size_t sleeps;
  unsigned imports_asked, gone, log_lines;
  char log[200];
};

static inline bool script_describe(void *ctx, struct usbip_device *device,
                                   struct usbip_interface *interfaces) {
  const struct script *f = ctx;
  if (!f->present) return false;
  *device = (struct usbip_device){.path = "/sim",
                                  .busid = "1-1",
                                  .busnum = 1,
                                  .devnum = 2,
                                  .speed = 3,
                                  .idVendor = 0x0483,
                                  .idProduct = 0xdf11,
                                  .bNumInterfaces = 2};
  interfaces[0] = (struct usbip_interface){0xFE, 1, 2};
  interfaces[1] = (struct usbip_interface){2, 2, 0};
  return true;
}

static inline enum usbip_import script_import(void *ctx) {
  struct script *f = ctx;
  f->imports_asked++;
  return f->admit ? USBIP_IMPORT_NOW : USBIP_IMPORT_LATER;
}

static inline void script_submit(void *ctx, const struct usbip_urb *urb) {
  struct script *f = ctx;
  static const uint8_t zeros[USBIP_MAX_TRANSFER];
  assert_true(f->urb_count < MOST_URBS);
  if (f->detach_at_once) {
    usbip_server_detach(&f->server);
  } else if (f->complete_at_once) {
    assert_true(
        usbip_server_complete(&f->server, urb->seqnum, USBIP_DONE, zeros, urb->length));
  } else {
    f->urbs[f->urb_count++] = urb;
  }
}

static inline void script_unlink(void *ctx, uint32_t seqnum) {
  struct script *f = ctx;
  f->unlinked = seqnum;
  f->unlinks++;
  if (f->detach_at_once) usbip_server_detach(&f->server);
}

static inline bool script_sleep(void *ctx, uint32_t seqnum, uint64_t ns) {
  struct script *f = ctx;
  if (f->refuse_sleep) return false;
  assert_true(f->sleeps < 4);
  f->sleep_seqnum[f->sleeps] = seqnum;
  f->sleep_ns[f->sleeps++] = ns;
  return true;
}

static inline void script_gone(void *ctx) {
  struct script *f = ctx;
  f->gone++;
  f->urb_count = 0;
}

static inline void script_log(void *ctx, const char *sentence) {
  struct script *f = ctx;
  f->log_lines++;
  snprintf(f->log, sizeof f->log, "%s", sentence);
}

static inline int setup(void **state) {
  struct script *f = calloc(1, sizeof *f);
  if (!f) return -1;
  f->present = true;
  f->admit = true;
  f->backend = (struct usbip_backend){.ctx = f,
                                      .describe = script_describe,
                                      .import = script_import,
                                      .submit = script_submit,
                                      .unlink = script_unlink,
                                      .sleep = script_sleep,
                                      .client_gone = script_gone,
                                      .log = script_log};
  const struct usbip_endpoint any = {.host = "127.0.0.1", .port = 0};
  if (usbip_server_open(&f->server, &any, &f->backend, PATIENCE_MS)) return -1;
  *state = f;
  return 0;
}

static inline int teardown(void **state) {
  struct script *f = *state;
  usbip_server_close(&f->server);
  free(f);
  return 0;
}

static inline uint64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// Serves until nothing more happens at once.
static inline void serve(struct script *f) {
  for (int i = 0; i < 1000 && usbip_server_poll(&f->server, 2); i++) {
  }
}

static inline int client_connect(struct script *f) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(f->server.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

static inline void client_send(int fd, const void *bytes, size_t length) {
  assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

// Reads `length` bytes while the server runs; fewer when the server ends the
// connection. Fails the test after WAIT_MS.
static inline size_t client_read(struct script *f, int fd, void *out, size_t length) {
  const uint64_t deadline = clock_ms() + WAIT_MS;
  size_t got = 0;
  while (got < length) {
    if (clock_ms() > deadline) fail_msg("waited too long for the server");
    const ssize_t n = recv(fd, (char *)out + got, length - got, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return got;
    if (n > 0) got += (size_t)n;
    if (n < 0) usbip_server_poll(&f->server, 1);
  }
  return got;
}

static inline void assert_ended(struct script *f, int fd) {
  uint8_t byte;
  assert_int_equal(client_read(f, fd, &byte, 1), 0);
}

static inline void assert_silent(struct script *f, int fd) {
  serve(f);
  uint8_t byte;
  assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
  assert_int_equal(errno, EAGAIN);
}

static inline void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++)
    p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// A header of 12 words, as the protocol text draws them.
struct header {
  uint8_t bytes[48];
};

static inline struct header make_header(uint32_t command, uint32_t seqnum, uint32_t in,
                                        uint32_t endpoint, uint32_t word5,
                                        uint32_t word6) {
  struct header h = {{0}};
  const uint32_t words[] = {command, seqnum, 0x00010002, in, endpoint, word5, word6};
  for (size_t i = 0; i < 7; i++)
    put32(h.bytes + 4 * i, words[i]);
  return h;
}

static inline struct header make_submit(uint32_t seqnum, uint32_t in, uint32_t endpoint,
                                        uint32_t length) {
  struct header h = make_header(1, seqnum, in, endpoint, 0, length);
  put32(h.bytes + 32, 0xFFFFFFFF);
  if (endpoint == 0) {
    const uint8_t setup_packet[8] = {
        in ? 0xA1 : 0x21, 3, 0, 0, 0, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    memcpy(h.bytes + 40, setup_packet, 8);
  }
  return h;
}

static inline void send_header(int fd, struct header h) {
  client_send(fd, h.bytes, sizeof h.bytes);
}

// Reads one header and compares its first seven words.
static inline void expect_header(struct script *f, int fd, uint32_t command,
                                 uint32_t seqnum, uint32_t word5, uint32_t word6) {
  uint8_t got[48];
  assert_int_equal(client_read(f, fd, got, sizeof got), sizeof got);
  const uint32_t words[] = {command, seqnum, 0, 0, 0, word5, word6};
  for (size_t i = 0; i < 7; i++)
    assert_int_equal(get32(got + 4 * i), words[i]);
}

static inline void send_import(int fd, const char *busid) {
  uint8_t request[40] = {0x01, 0x11, 0x80, 0x03};
  memcpy(request + 8, busid, strlen(busid));
  client_send(fd, request, sizeof request);
}

static inline uint32_t import_status(struct script *f, int fd) {
  uint8_t reply[8];
  assert_int_equal(client_read(f, fd, reply, sizeof reply), sizeof reply);
  assert_int_equal(get32(reply), 0x01110003);
  return get32(reply + 4);
}

static inline int client_import(struct script *f) {
  const int fd = client_connect(f);
  send_import(fd, "1-1");
  assert_int_equal(import_status(f, fd), 0);
  uint8_t device[312];
  assert_int_equal(client_read(f, fd, device, sizeof device), sizeof device);
  assert_string_equal((char *)device + 256, "1-1");
  assert_int_equal(get32(device + 296), 3);
  return fd;
}

static inline uint32_t devlist_count(struct script *f) {
  const int fd = client_connect(f);
  client_send(fd, (uint8_t[]){0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0}, 8);
  uint8_t reply[12 + 312 + 8 + 1];
  const size_t length = client_read(f, fd, reply, sizeof reply);
  assert_int_equal(get32(reply), 0x01110005);
  assert_int_equal(get32(reply + 4), 0);
  const uint32_t count = get32(reply + 8);
  assert_int_equal(length, count == 0 ? 12 : 12 + 312 + 2 * 4);
  if (count) {
    assert_string_equal((char *)reply + 12 + 256, "1-1");
    const uint8_t interfaces[8] = {0xFE, 1, 2, 0, 2, 2, 0, 0};
    assert_memory_equal(reply + 12 + 312, interfaces, 8);
  }
  close(fd);
  return count;
}
