// SPDX-License-Identifier: MIT
#include "sim/program/uarts.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void on_byte(void *ctx, unsigned number, uint8_t byte) {
  struct uarts *u = ctx;
  if (number < UARTS) uart_out_put(&u->out[number], byte);
}

bool uarts_open(struct uarts *u, struct machine *m, const struct options *o,
                struct load_error *error) {
  *u = (struct uarts){.machine = m};
  for (unsigned i = 0; i < o->uart_count; i++) {
    const struct uart_option *port = &o->uarts[i];
    if (!uart_out_open(&u->out[port->number], port->path, error)) return false;
    if (!strcmp(port->path, "-")) u->typed = port->number;
  }
  m->on_uart_tx = on_byte;
  m->on_uart_tx_ctx = u;
  return true;
}

bool uarts_own_stdout(const struct uarts *u) {
  for (unsigned i = 0; i < UARTS; i++) {
    if (u->out[i].out == stdout) return true;
  }
  return false;
}

static void read_input(struct uarts *u) {
  struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
  if (u->waiting_count || poll(&fd, 1, 0) <= 0) return;
  const ssize_t got = read(STDIN_FILENO, u->waiting, sizeof u->waiting);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    u->typed = 0;
  } else {
    u->waiting_count = (size_t)got;
  }
}

bool uarts_serve(struct uarts *u) {
  for (unsigned i = 0; i < UARTS; i++)
    uart_out_flush(&u->out[i]);
  if (!u->typed) return false;
  read_input(u);
  const size_t taken =
      machine_uart_send(u->machine, u->typed, u->waiting, u->waiting_count);
  u->waiting_count -= taken;
  memmove(u->waiting, u->waiting + taken, u->waiting_count);
  return taken > 0;
}

bool uarts_close(struct uarts *u, struct load_error *error) {
  bool good = true;
  for (unsigned i = 0; i < UARTS; i++)
    good = uart_out_close(&u->out[i], error) && good;
  return good;
}
