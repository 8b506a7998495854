// SPDX-License-Identifier: MIT
// The connection: bytes to packets and back (GDB manual, "Remote Protocol").
#include "sim/server/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/server/gdb_internal.h"

enum { INTERRUPT = 3, ESCAPE = 0x7D };

// --- replies ---

void gdb_say(struct gdb *g, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const size_t room = sizeof g->out - g->out_length;
  const int n = vsnprintf(g->out + g->out_length, room, format, args);
  va_end(args);
  if (n > 0 && (size_t)n < room) g->out_length += (size_t)n;
}

void gdb_say_hex(struct gdb *g, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    gdb_say(g, "%02x", bytes[i]);
}

static void drop(struct gdb *g) {
  if (g->client >= 0) close(g->client);
  g->client = -1;
  g->in_length = 0;
  g->no_ack = g->running = false;
}

static void send_all(struct gdb *g, const char *bytes, size_t n) {
  while (n && g->client >= 0) {
    const ssize_t put = send(g->client, bytes, n, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      drop(g);
      return;
    }
    bytes += put;
    n -= (size_t)put;
  }
}

static uint8_t sum_of(const char *bytes, size_t n) {
  unsigned sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (uint8_t)bytes[i];
  return (uint8_t)sum;
}

static void send_reply(struct gdb *g) {
  char end[4];
  snprintf(end, sizeof end, "#%02x", sum_of(g->out, g->out_length));
  send_all(g, "$", 1);
  send_all(g, g->out, g->out_length);
  send_all(g, end, 3);
  g->out_length = 0;
}

// --- packets ---

static void forget(struct gdb *g, size_t n) {
  memmove(g->in, g->in + n, g->in_length - n);
  g->in_length -= n;
}

// "}x" stands for x ^ 20h.
static size_t unescape(char *text, size_t n) {
  size_t to = 0;
  for (size_t i = 0; i < n; i++) {
    const bool escaped = (uint8_t)text[i] == ESCAPE && i + 1 < n;
    text[to] = text[escaped ? ++i : i];
    if (escaped) text[to] = (char)((unsigned char)text[to] ^ 0x20u);
    to++;
  }
  text[to] = 0;
  return to;
}

// A debugger that vanishes leaves a board that runs, as a pulled probe does.
static void leave(struct gdb *g) {
  flash_f7_debugger(&g->machine->flash, false);
  cpu_debug_detach(g->machine->cpu);
  drop(g);
}

static void act(struct gdb *g, char *packet, size_t length) {
  g->out_length = 0;
  const enum gdb_answer answer = gdb_packet(g, packet, unescape(packet, length));
  if (answer == GDB_LATER) {
    g->running = true;
    return;
  }
  send_reply(g);
  if (answer == GDB_LEAVE) leave(g);
}

// A whole "$...#cs" at the start of `in`. False: not there yet.
static bool take_packet(struct gdb *g) {
  char packet[sizeof g->in];
  const char *hash = memchr(g->in, '#', g->in_length);
  const size_t length = hash ? (size_t)(hash - g->in) - 1 : 0;
  if (!hash || g->in_length < length + 4) return false;
  const char digits[3] = {hash[1], hash[2], 0};
  const bool good = strtoul(digits, NULL, 16) == sum_of(g->in + 1, length);
  memcpy(packet, g->in + 1, length);
  forget(g, length + 4);
  if (!g->no_ack) send_all(g, good ? "+" : "-", 1);
  if (good && g->client >= 0) act(g, packet, length);
  return true;
}

// False: what is there is not enough to act upon.
static bool take_input(struct gdb *g) {
  if (g->client < 0 || g->in_length == 0) return false;
  if (g->in[0] == '$') return take_packet(g);
  if (g->in[0] == INTERRUPT && g->running) {
    cpu_debug_halt(g->machine->cpu, CPU_HALT_REQUEST);
  }
  forget(g, 1);  // acknowledgements need nothing
  return true;
}

static void receive(struct gdb *g) {
  const size_t room = sizeof g->in - g->in_length;
  const ssize_t got = room ? recv(g->client, g->in + g->in_length, room, 0) : 0;
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    leave(g);
    return;
  }
  g->in_length += (size_t)got;
  while (take_input(g)) {
  }
}

static void admit(struct gdb *g) {
  const int fd = accept(g->listener, NULL, NULL);
  if (fd < 0) return;
  g->client = fd;
  cpu_debug_attach(g->machine->cpu);
  flash_f7_debugger(&g->machine->flash, true);
}

// --- for the caller ---

static void tell_stop(struct gdb *g) {
  struct cpu *c = g->machine->cpu;
  if (!g->running) return;
  const bool runs = cpu_debug_halted(c) == CPU_HALT_NONE;
  if (runs && cpu_is_locked_up(c)) cpu_debug_halt(c, CPU_HALT_LOCKUP);
  if (runs && !cpu_is_locked_up(c)) return;
  g->running = false;
  g->out_length = 0;
  gdb_say_stop(g);
  send_reply(g);
}

void gdb_poll(struct gdb *g, int timeout_ms) {
  tell_stop(g);
  // Whoever comes second waits until the first has left.
  const int listener = g->client < 0 ? g->listener : -1;
  struct pollfd fds[2] = {{.fd = listener, .events = POLLIN},
                          {.fd = g->client, .events = POLLIN}};
  if (poll(fds, 2, timeout_ms) <= 0) return;
  if (fds[1].revents) receive(g);
  if (fds[0].revents) admit(g);
  tell_stop(g);
}

bool gdb_stands(const struct gdb *g) {
  return cpu_debug_halted(g->machine->cpu) != CPU_HALT_NONE;
}

static const char *listen_at(struct gdb *g, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  const int one = 1;
  g->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (g->listener < 0) return strerror(errno);
  setsockopt(g->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(g->listener, (struct sockaddr *)&address, length) ||
      listen(g->listener, 1) ||
      getsockname(g->listener, (struct sockaddr *)&address, &length)) {
    return strerror(errno);
  }
  g->port = ntohs(address.sin_port);
  return NULL;
}

const char *gdb_open(struct gdb *g, struct machine *m, uint16_t port) {
  *g = (struct gdb){.machine = m, .listener = -1, .client = -1};
  const char *why = listen_at(g, port);
  if (why) {
    gdb_close(g);
  } else {
    cpu_debug_attach(m->cpu);
  }
  return why;
}

void gdb_close(struct gdb *g) {
  drop(g);
  if (g->listener >= 0) close(g->listener);
  g->listener = -1;
}
