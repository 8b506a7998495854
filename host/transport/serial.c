// SPDX-License-Identifier: MIT
#include "host/transport/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "host/lib/clock.h"

struct line {
  int fd;
  struct termios before;
};

static enum serial_result result_of(int reason) {
  switch (reason) {
    case EAGAIN:
    case EINTR: return SERIAL_OK;
    case EIO:
    case ENXIO:
    case ENODEV: return SERIAL_GONE;
    default: return SERIAL_FAILED;
  }
}

// Waits until `events` are so. A line that hangs up says so in read() or write().
static bool wait_for(const struct line *l, short events, uint32_t timeout_ms) {
  struct pollfd p = {.fd = l->fd, .events = events};
  return poll(&p, 1, (int)timeout_ms) > 0;
}

static enum serial_result line_read(void *ctx, uint8_t *bytes, size_t room, size_t *n,
                                    uint32_t timeout_ms) {
  const struct line *l = ctx;
  *n = 0;
  if (!wait_for(l, POLLIN, timeout_ms)) return SERIAL_OK;
  const ssize_t got = read(l->fd, bytes, room);
  if (got < 0) return result_of(errno);
  *n = (size_t)got;
  // Readable and nothing there: the other end hung up (VMIN is 1).
  return got == 0 ? SERIAL_GONE : SERIAL_OK;
}

static enum serial_result line_write(void *ctx, const uint8_t *bytes, size_t size,
                                     size_t *n, uint32_t timeout_ms) {
  const struct line *l = ctx;
  *n = 0;
  if (!wait_for(l, POLLOUT, timeout_ms)) return SERIAL_OK;
  const ssize_t put = write(l->fd, bytes, size);
  if (put < 0) return result_of(errno);
  *n = (size_t)put;
  return SERIAL_OK;
}

static uint32_t line_now_ms(void *ctx) {
  (void)ctx;
  return (uint32_t)clock_now_ms();
}

static void line_close(void *ctx) {
  struct line *l = ctx;
  // Not TCSADRAIN: a board that takes nothing would keep us here.
  tcsetattr(l->fd, TCSANOW, &l->before);
  ioctl(l->fd, TIOCNXCL);
  close(l->fd);
  free(l);
}

// ---- Opening ---------------------------------------------------------------

static bool baud_code(uint32_t baud, speed_t *out) {
  static const struct {
    uint32_t baud;
    speed_t code;
  } table[] = {{9600, B9600},      {19200, B19200},   {38400, B38400},
               {57600, B57600},    {115200, B115200}, {230400, B230400},
               {460800, B460800},  {921600, B921600}, {1000000, B1000000},
               {2000000, B2000000}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (table[i].baud != baud) continue;
    *out = table[i].code;
    return true;
  }
  return false;
}

static bool make_raw(struct line *l, const char *path, uint32_t baud,
                     struct qb_error *error) {
  speed_t code = 0;
  if (baud && !baud_code(baud, &code)) {
    return qb_error_set(error, "%u baud is no usual rate; try 115200", (unsigned)baud);
  }
  struct termios t = l->before;
  cfmakeraw(&t);
  t.c_cflag |= CLOCAL | CREAD;
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  if (baud) cfsetspeed(&t, code);
  if (tcsetattr(l->fd, TCSANOW, &t) != 0) {
    return qb_error_set(error, "cannot set up %s: %s", path, strerror(errno));
  }
  return true;
}

static bool fail_open(const char *path, int reason, struct qb_error *error) {
  switch (reason) {
    case EACCES:
      return qb_error_set(error,
                          "you may not use %s; join its group (often dialout) and log "
                          "in again, or see 'quadboot doctor'",
                          path);
    case EBUSY: return qb_error_set(error, "another program is using %s", path);
    default: return qb_error_set(error, "cannot open %s: %s", path, strerror(reason));
  }
}

static bool prepare(struct line *l, const char *path, uint32_t baud,
                    struct qb_error *error) {
  l->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (l->fd < 0) return fail_open(path, errno, error);
  if (tcgetattr(l->fd, &l->before) != 0) {
    return qb_error_set(error, "%s is no serial port", path);
  }
  // Later programs are kept out; root is not.
  if (ioctl(l->fd, TIOCEXCL) != 0) return fail_open(path, errno, error);
  return make_raw(l, path, baud, error);
}

bool serial_open(const char *path, uint32_t baud, struct serial_io *out,
                 struct qb_error *error) {
  struct line *l = malloc(sizeof *l);
  if (!l) return qb_error_no_memory(error);
  if (!prepare(l, path, baud, error)) {
    if (l->fd >= 0) close(l->fd);
    free(l);
    return false;
  }
  *out = (struct serial_io){.ctx = l,
                            .read = line_read,
                            .write = line_write,
                            .now_ms = line_now_ms,
                            .close = line_close};
  return true;
}
