// SPDX-License-Identifier: MIT
#include "host/transport/usbip_bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/bytes.h"
#include "common/protocol/ch9.h"
#include "host/lib/clock.h"
#include "host/transport/enumerate.h"
#include "host/transport/remote.h"
#include "host/transport/usbip_list.h"

// An import, with what a kernel's probe takes: a simulated board that has just been
// switched on needs some hundred milliseconds of virtual time to connect.
// Virtual time may be a good deal slower than real time when many boards are simulated
// at once; what has not slept after SLEEP_MS has stopped.
enum { IMPORT_MS = 5000, ENUMERATE_MS = 2000, SLEEP_MS = 60000 };

// ---- An open device --------------------------------------------------------

struct device {
  struct remote remote;
  struct remote_events events;
  bool attached, lost;
};

static void on_attached(void *ctx, const struct usbip_device *device) {
  struct device *d = ctx;
  (void)device;
  d->attached = true;
}

static void on_lost(void *ctx) {
  struct device *d = ctx;
  d->lost = true;
}

// Serves the connection until something happened or the time has come.
static void turn(struct device *d, uint64_t deadline_ms) {
  const uint64_t wake = clock_earlier(deadline_ms, remote_deadline(&d->remote));
  const uint64_t now = clock_now_ms();
  struct pollfd p = {.fd = remote_fd(&d->remote),
                     .events = remote_poll_events(&d->remote)};
  const uint64_t left = wake > now ? wake - now : 0;
  poll(&p, 1, left < INT32_MAX ? (int)left : INT32_MAX);
  remote_service(&d->remote);
}

struct waiting {
  bool over, slept;
};

static void transfer_done(struct transfer *t) {
  ((struct waiting *)t->owner)->over = true;
}

static enum usb_result result_of(int32_t status) {
  switch (status) {
    case USBIP_DONE:
    case USBIP_SHORT_PACKET: return USB_DONE;
    case USBIP_STALL: return USB_STALLED;
    case USBIP_SHUTDOWN:
    case USBIP_NO_DEVICE: return USB_GONE;
    default: return USB_FAILED;
  }
}

static enum usb_result io_control(void *ctx, const struct usb_request *r, uint8_t *data,
                                  uint16_t *moved, uint32_t timeout_ms) {
  struct device *d = ctx;
  struct waiting w = {0};
  struct transfer t = {.done = transfer_done, .owner = &w};
  uint8_t setup[8] = {r->bmRequestType, r->bRequest};
  store_le16(setup + 2, r->wValue);
  store_le16(setup + 4, r->wIndex);
  store_le16(setup + 6, r->wLength);
  transfer_set_control(&t, setup, data);
  if (moved) *moved = 0;
  if (d->lost || !remote_submit(&d->remote, &t)) return USB_GONE;
  const uint64_t deadline = clock_now_ms() + timeout_ms;
  while (!w.over) {
    if (clock_now_ms() >= deadline) {
      remote_cancel(&d->remote, &t);
      return USB_TIMEOUT;
    }
    turn(d, deadline);
  }
  if (moved) *moved = (uint16_t)t.actual;
  return d->lost ? USB_GONE : result_of(t.status);
}

// Nobody else can have a device that is imported.
static bool io_claim(void *ctx, uint8_t interface, struct qb_error *error) {
  (void)ctx, (void)interface, (void)error;
  return true;
}

static enum usb_result io_set_alternate(void *ctx, uint8_t interface,
                                        uint8_t alternate) {
  const struct usb_request r = {.bmRequestType = CH9_RECIPIENT_INTERFACE,
                                .bRequest = CH9_SET_INTERFACE,
                                .wValue = alternate,
                                .wIndex = interface};
  return io_control(ctx, &r, NULL, NULL, ENUMERATE_MS);
}

static void sleep_done(struct remote_sleep *sleep, bool slept) {
  struct waiting *w = sleep->owner;
  w->over = true;
  w->slept = slept;
}

static void io_sleep_ms(void *ctx, uint32_t ms) {
  struct device *d = ctx;
  struct waiting w = {0};
  struct remote_sleep sleep = {
      .ns = ms * UINT64_C(1000000), .done = sleep_done, .owner = &w};
  const uint64_t deadline = clock_now_ms() + ms + SLEEP_MS;
  if (!d->lost && remote_start_sleep(&d->remote, &sleep)) {
    while (!w.over) {
      turn(d, deadline);
      if (clock_now_ms() >= deadline) remote_drop(&d->remote, "does not end a sleep");
    }
  }
  if (w.slept || d->lost) return;
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0) {
    // A signal; the device still needs its time.
  }
}

// USB/IP carries no reset; the first request after the next import stands for one.
static void io_reset(void *ctx) {
  (void)ctx;
}

static void io_close(void *ctx) {
  struct device *d = ctx;
  remote_close(&d->remote);
  free(d);
}

// ---- Opening ---------------------------------------------------------------

// What a kernel asks before anybody may use a device; the first request is the sign
// of a bus reset. Leaves the device configured.
static bool enumerate(struct device *d, const char **problem) {
  struct enumeration *e = malloc(sizeof *e);
  uint8_t setup[8];
  if (!e) return false;
  enumeration_start(e, NULL);
  *problem = NULL;
  while (!*problem && enumeration_request(e, setup)) {
    uint8_t data[UINT16_MAX];
    const struct usb_request r = {.bmRequestType = setup[0],
                                  .bRequest = setup[1],
                                  .wValue = load_le16(setup + 2),
                                  .wIndex = load_le16(setup + 4),
                                  .wLength = load_le16(setup + 6)};
    uint16_t moved = 0;
    const enum usb_result result = io_control(d, &r, data, &moved, ENUMERATE_MS);
    *problem = enumeration_answer(e, result == USB_DONE, data, moved);
    if (result != USB_DONE && result != USB_STALLED) *problem = "does not answer";
  }
  free(e);
  return !*problem;
}

static bool import(struct device *d, struct qb_error *error) {
  const uint64_t deadline = clock_now_ms() + IMPORT_MS;
  while (!d->attached) {
    if (clock_now_ms() >= deadline) {
      return qb_error_set(error, "the USB/IP server %s",
                          d->remote.problem ? d->remote.problem : "does not answer");
    }
    turn(d, deadline);
  }
  const char *problem = NULL;
  if (enumerate(d, &problem)) return true;
  return qb_error_set(error, "the device behind USB/IP %s",
                      problem ? problem : "cannot be asked: no memory");
}

// The bus.
struct server {
  struct usbip_endpoint endpoint;
  char name[USB_LOCATION_ROOM];
  bool scanned;
};

// "usbip:HOST:PORT/BUSID"
static const char *busid_of(const struct usb_found *found) {
  const char *slash = strrchr(found->location, '/');
  return slash ? slash + 1 : "";
}

static bool bus_open(void *ctx, const struct usb_found *found, struct usb_io *out,
                     struct qb_error *error) {
  const struct usbip_endpoint *server = &((struct server *)ctx)->endpoint;
  struct device *d = calloc(1, sizeof *d);
  if (!d) return qb_error_no_memory(error);
  d->events =
      (struct remote_events){.ctx = d, .attached = on_attached, .lost = on_lost};
  const char *problem = remote_open(&d->remote, server, false, &d->events);
  if (!problem) {
    remote_want(&d->remote, busid_of(found));
    *out = (struct usb_io){.ctx = d,
                           .control = io_control,
                           .claim = io_claim,
                           .set_alternate = io_set_alternate,
                           .reset = io_reset,
                           .sleep_ms = io_sleep_ms,
                           .close = io_close};
    if (import(d, error)) return true;
  } else {
    qb_error_set(error, "the host \"%s\" is not found: %s", server->host, problem);
  }
  io_close(d);
  return false;
}

// ---- Finding ---------------------------------------------------------------

struct listing {
  const struct server *server;
  struct usb_found_list *list;
  bool no_memory;
};

static enum usb_io_speed speed_of(uint32_t speed) {
  switch (speed) {
    case USBIP_SPEED_LOW: return USB_IO_LOW;
    case USBIP_SPEED_FULL: return USB_IO_FULL;
    case USBIP_SPEED_HIGH: return USB_IO_HIGH;
    default: return USB_IO_UNKNOWN;
  }
}

static bool add_to_list(void *ctx, const struct usbip_device *device, bool dfu) {
  struct listing *l = ctx;
  if (!dfu) return true;
  struct usb_found found = {.vendor = device->idVendor,
                            .product = device->idProduct,
                            .release = device->bcdDevice,
                            .speed = speed_of(device->speed)};
  snprintf(found.location, sizeof found.location, "%.260s/%.31s", l->server->name,
           device->busid);
  l->no_memory = !usb_found_add(l->list, &found);
  return !l->no_memory;
}

// A server that was named is there for its device: one that lists none yet (a board
// that has just been switched on, perhaps on a busy computer) is asked again for a
// while. Later, whoever misses a board asks again by himself.
static bool bus_scan(void *ctx, struct usb_found_list *list, struct qb_error *error) {
  enum { APPEAR_MS = 10000, AGAIN_MS = 50 };
  struct server *server = ctx;
  struct listing l = {.server = server, .list = list};
  const uint64_t deadline = clock_now_ms() + (server->scanned ? 0 : APPEAR_MS);
  const size_t before = list->count;
  if (!server->scanned) server->scanned = true;
  for (;;) {
    if (!usbip_list(&l.server->endpoint, add_to_list, &l, error)) return false;
    if (l.no_memory) return qb_error_no_memory(error);
    if (list->count > before || clock_now_ms() >= deadline) return true;
    poll(NULL, 0, AGAIN_MS);
  }
}

static void bus_close(void *ctx) {
  free(ctx);
}

bool usbip_bus_open(struct usb_bus *bus, const struct usbip_endpoint *endpoint,
                    struct qb_error *error) {
  struct server *server = malloc(sizeof *server);
  char text[USBIP_ENDPOINT_TEXT_SIZE];
  if (!server) return qb_error_no_memory(error);
  server->endpoint = *endpoint;
  server->scanned = false;
  usbip_endpoint_format(endpoint, text);
  snprintf(server->name, sizeof server->name, "usbip:%s", text);
  *bus = (struct usb_bus){.ctx = server,
                          .name = server->name,
                          .scan = bus_scan,
                          .open = bus_open,
                          .close = bus_close};
  return true;
}
