// SPDX-License-Identifier: MIT
#include "host/transport/usbip_list.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/protocol/dfu.h"
#include "host/lib/clock.h"
#include "usbip/stream.h"

enum {
  // Longest list that is read.
  DEVICES_MOST = 255,
  LIST_MOST = DEVICES_MOST * (USBIP_DEVICE_SIZE + 32 * USBIP_INTERFACE_SIZE),
};

struct asking {
  const struct usbip_endpoint *server;
  struct usbip_stream stream;
  uint64_t deadline_ms;
  bool ended;  // the server has closed the connection
  struct qb_error *error;
};

static bool refuse(struct asking *a, const char *what) {
  char server[USBIP_ENDPOINT_TEXT_SIZE];
  usbip_endpoint_format(a->server, server);
  return qb_error_set(a->error, "the USB/IP server at %s %s", server, what);
}

// ---- Connecting ------------------------------------------------------------

// Waits for the socket, until the deadline; behind it nothing is ready any more.
static bool await(struct asking *a, short events) {
  struct pollfd p = {.fd = a->stream.fd, .events = events};
  for (;;) {
    const uint64_t now = clock_now_ms();
    if (now >= a->deadline_ms) return false;
    const int n = poll(&p, 1, (int)(a->deadline_ms - now));
    if (n >= 0 || errno != EINTR) return n > 0;
  }
}

static bool connect_to(struct asking *a, const struct addrinfo *address) {
  const int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
  if (fd < 0) return false;
  usbip_stream_prepare(fd);
  a->stream = (struct usbip_stream){.fd = fd};
  int problem = 0;
  socklen_t length = sizeof problem;
  if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) return true;
  if (errno == EINPROGRESS && await(a, POLLOUT) &&
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 && problem == 0) {
    return true;
  }
  usbip_stream_close(&a->stream);
  return false;
}

static bool connect_any(struct asking *a) {
  char port[8];
  snprintf(port, sizeof port, "%u", a->server->port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  const int code = getaddrinfo(a->server->host, port, &hints, &addresses);
  if (code != 0) {
    return qb_error_set(a->error, "the host \"%s\" is not found: %s", a->server->host,
                        gai_strerror(code));
  }
  bool connected = false;
  for (const struct addrinfo *i = addresses; i && !connected; i = i->ai_next) {
    connected = connect_to(a, i);
  }
  freeaddrinfo(addresses);
  return connected ? true : refuse(a, "does not answer; is it running?");
}

// ---- The list --------------------------------------------------------------

static bool ask(struct asking *a) {
  uint8_t bytes[USBIP_OP_SIZE];
  usbip_op_encode((struct usbip_op){.code = USBIP_OP_REQ_DEVLIST}, bytes);
  if (!usbip_stream_write(&a->stream, bytes, sizeof bytes)) {
    return qb_error_no_memory(a->error);
  }
  return usbip_stream_flush(&a->stream) ? true : refuse(a, "hangs up");
}

// Waits until `length` bytes are there.
static bool have(struct asking *a, size_t length) {
  while (a->stream.in.length < length) {
    if (a->ended || !await(a, POLLIN))
      return refuse(a, "sends only a part of its list");
    a->ended = !usbip_stream_receive(&a->stream, LIST_MOST);
  }
  return true;
}

static bool take_head(struct asking *a, uint32_t *count) {
  const size_t size = USBIP_OP_SIZE + USBIP_COUNT_SIZE;
  struct usbip_op op;
  if (!have(a, size)) return false;
  const uint8_t *bytes = usbip_bytes_first(&a->stream.in);
  if (usbip_op_decode(bytes, size, &op) != USBIP_OK ||
      op.code != USBIP_OP_REP_DEVLIST) {
    return refuse(a, "does not speak USB/IP version 1.1.1");
  }
  if (op.status != USBIP_ST_OK) return refuse(a, "refuses to tell its devices");
  (void)usbip_count_decode(bytes + USBIP_OP_SIZE, USBIP_COUNT_SIZE, count);
  usbip_bytes_consume(&a->stream.in, size);
  return true;
}

// As servers make them: "1-1.2". It is shown to people, and ends a location.
static bool is_busid(const char *text) {
  if (!*text) return false;
  for (; *text; text++) {
    if (*text <= ' ' || *text > '~' || *text == '/') return false;
  }
  return true;
}

static bool take_device(struct asking *a, struct usbip_device *device, bool *dfu) {
  if (!have(a, USBIP_DEVICE_SIZE)) return false;
  (void)usbip_device_decode(usbip_bytes_first(&a->stream.in), USBIP_DEVICE_SIZE,
                            device);
  usbip_bytes_consume(&a->stream.in, USBIP_DEVICE_SIZE);
  if (!is_busid(device->busid)) return refuse(a, "lists a device without a bus id");
  const size_t size = (size_t)device->bNumInterfaces * USBIP_INTERFACE_SIZE;
  if (!have(a, size)) return false;
  const uint8_t *interface = usbip_bytes_first(&a->stream.in);
  *dfu = false;
  for (size_t i = 0; i < device->bNumInterfaces; i++) {
    const uint8_t *b = interface + i * USBIP_INTERFACE_SIZE;
    if (b[0] == DFU_CLASS && b[1] == DFU_SUBCLASS) *dfu = true;
  }
  usbip_bytes_consume(&a->stream.in, size);
  return true;
}

static bool take_list(struct asking *a, usbip_list_each *each, void *ctx) {
  uint32_t count = 0;
  if (!take_head(a, &count)) return false;
  if (count > DEVICES_MOST) return refuse(a, "lists more than 255 devices");
  for (uint32_t i = 0; i < count; i++) {
    struct usbip_device device;
    bool dfu = false;
    if (!take_device(a, &device, &dfu)) return false;
    if (!each(ctx, &device, dfu)) break;
  }
  return true;
}

bool usbip_list(const struct usbip_endpoint *server, usbip_list_each *each, void *ctx,
                struct qb_error *error) {
  struct asking a = {.server = server,
                     .stream = {.fd = -1},
                     .deadline_ms = clock_now_ms() + USBIP_LIST_MS,
                     .error = error};
  if (!connect_any(&a)) return false;
  const bool ok = ask(&a) && take_list(&a, each, ctx);
  usbip_stream_close(&a.stream);
  return ok;
}
