// SPDX-License-Identifier: MIT
// Clients' requests. Enumeration is in bridge_enumerate.c.
#include "sim/server/bridge.h"

#include <errno.h>
#include <string.h>

#include "common/protocol/ch9.h"
#include "sim/server/bridge_internal.h"

static void activity(struct bridge *b) {
  if (b->watcher.activity) b->watcher.activity(b->watcher.ctx);
}

// --- transfers ---

static struct bridge_transfer *take(struct bridge *b) {
  for (size_t i = 0; i < BRIDGE_MAX_TRANSFERS; i++) {
    struct bridge_transfer *t = &b->transfers[i];
    if (t->used) continue;
    t->used = true;
    b->under_way++;
    return t;
  }
  return NULL;  // the server's own limit is the same
}

static void release(struct bridge_transfer *t) {
  event_cancel(&t->bridge->machine->sim.events, &t->start);
  free(t->urb.data);
  memset(&t->urb, 0, sizeof t->urb);
  t->used = false;
  t->bridge->under_way--;
}

static enum usbip_status wire_status(int status) {
  switch (status) {
    case 0: return USBIP_DONE;
    case -EPIPE: return USBIP_STALL;
    case -EOVERFLOW: return USBIP_OVERFLOW;
    case -EREMOTEIO: return USBIP_SHORT_PACKET;
    case -ESHUTDOWN: return USBIP_SHUTDOWN;
    case -ENOENT: return USBIP_CANCELLED;
    case -EINVAL: return USBIP_INVALID;
    default: return USBIP_PROTOCOL_ERROR;
  }
}

static void finish(struct bridge_transfer *t, int status) {
  struct bridge *b = t->bridge;
  const bool in = t->urb.type == USB_URB_CONTROL ? t->urb.setup[0] & 0x80u
                                                 : t->urb.endpoint & 0x80u;
  activity(b);
  usbip_server_complete(&b->server, t->seqnum, wire_status(status),
                        in ? t->urb.data : NULL, t->urb.actual);
  release(t);
}

// What the client changed about the device's endpoints.
static void note_choice(struct bridge *b, const uint8_t setup[8]) {
  const uint16_t value = (uint16_t)(setup[2] | setup[3] << 8);
  const uint16_t index = (uint16_t)(setup[4] | setup[5] << 8);
  if (setup[0] == 0x00 && setup[1] == CH9_SET_CONFIGURATION) {
    b->configuration = (uint8_t)value;
    memset(b->alternate, 0, sizeof b->alternate);
  } else if (setup[0] == 0x01 && setup[1] == CH9_SET_INTERFACE &&
             index < BRIDGE_INTERFACES) {
    b->alternate[index] = (uint8_t)value;
    bridge_reset_toggles(b, (uint8_t)index);
  }
}

static void on_urb_complete(void *ctx, struct usb_urb *urb) {
  struct bridge_transfer *t = ctx;
  if (urb->type == USB_URB_CONTROL && urb->status == 0)
    note_choice(t->bridge, urb->setup);
  finish(t, urb->status);
}

void bridge_send(struct bridge_transfer *t) {
  const int refused = usb_host_submit(&t->bridge->machine->usb, &t->urb);
  if (refused) finish(t, refused);
}

static bool is_reset_marker(const struct usb_urb *urb) {
  static const uint8_t marker[8] = {0x80, CH9_GET_DESCRIPTOR, 0, CH9_DEVICE, 0, 0, 64,
                                    0};
  return urb->type == USB_URB_CONTROL && !memcmp(urb->setup, marker, sizeof marker);
}

static bool is_set_address(const struct usb_urb *urb) {
  return urb->type == USB_URB_CONTROL && urb->setup[0] == 0 &&
         urb->setup[1] == CH9_SET_ADDRESS;
}

static void on_start(void *ctx) {
  struct bridge_transfer *t = ctx;
  struct bridge *b = t->bridge;
  if (is_set_address(&t->urb)) {
    finish(t, 0);
  } else if (is_reset_marker(&t->urb) && b->state == BRIDGE_READY && !b->resetting) {
    bridge_reset_bus(b, t);
  } else {
    bridge_send(t);
  }
}

static bool fill_urb(struct bridge_transfer *t, const struct usbip_urb *request) {
  struct usb_urb *u = &t->urb;
  memset(u, 0, sizeof *u);
  u->length = request->length;
  u->data = request->length ? malloc(request->length) : NULL;
  if (request->length && !u->data) return false;
  if (!request->in && request->length) memcpy(u->data, request->data, request->length);
  u->zero_packet = request->flags & USBIP_URB_ZERO_PACKET;
  u->short_not_ok = request->flags & USBIP_URB_SHORT_NOT_OK;
  u->complete = on_urb_complete;
  u->ctx = t;
  if (request->endpoint == 0) {
    u->type = USB_URB_CONTROL;
    memcpy(u->setup, request->setup, sizeof u->setup);
    return true;
  }
  u->endpoint = (uint8_t)(request->endpoint | (request->in ? 0x80u : 0));
  return bridge_find_endpoint(t->bridge, u);
}

static void on_submit(void *ctx, const struct usbip_urb *request) {
  struct bridge *b = ctx;
  struct bridge_transfer *t = take(b);
  activity(b);
  if (!t) {
    usbip_server_complete(&b->server, request->seqnum, USBIP_NO_MEMORY, NULL, 0);
    return;
  }
  t->bridge = b;
  t->seqnum = request->seqnum;
  event_init(&t->start, on_start, t);
  if (!fill_urb(t, request)) {
    finish(t, -EINVAL);
    return;
  }
  const vtime_t delay =
      b->watcher.turnaround ? b->watcher.turnaround(b->watcher.ctx) : 0;
  event_in(&b->machine->sim.events, &t->start, delay);
}

// Takes a transfer back without a completion.
static void withdraw(struct bridge *b, struct bridge_transfer *t) {
  t->urb.complete = NULL;
  usb_host_cancel(&b->machine->usb, &t->urb);
  if (b->resetting == t) b->resetting = NULL;
  release(t);
}

static void on_unlink(void *ctx, uint32_t seqnum) {
  struct bridge *b = ctx;
  activity(b);
  for (size_t i = 0; i < BRIDGE_MAX_TRANSFERS; i++) {
    struct bridge_transfer *t = &b->transfers[i];
    if (t->used && t->seqnum == seqnum) withdraw(b, t);
  }
}

void bridge_withdraw_all(struct bridge *b) {
  for (size_t i = 0; i < BRIDGE_MAX_TRANSFERS; i++) {
    if (b->transfers[i].used) withdraw(b, &b->transfers[i]);
  }
}

static void on_client_gone(void *ctx) {
  struct bridge *b = ctx;
  bridge_withdraw_all(b);
  activity(b);
  if (b->watcher.client_gone) b->watcher.client_gone(b->watcher.ctx);
}

// --- the rest of the backend ---

static bool on_describe(void *ctx, struct usbip_device *device,
                        struct usbip_interface interfaces[USBIP_SERVER_INTERFACES]) {
  const struct bridge *b = ctx;
  if (b->state != BRIDGE_READY) return false;
  *device = b->device;
  memcpy(interfaces, b->interfaces, sizeof b->interfaces);
  return true;
}

static enum usbip_import on_import(void *ctx) {
  struct bridge *b = ctx;
  if (b->watcher.may_import && !b->watcher.may_import(b->watcher.ctx)) {
    return USBIP_IMPORT_LATER;
  }
  activity(b);
  return USBIP_IMPORT_NOW;
}

static bool on_sleep(void *ctx, uint32_t seqnum, uint64_t ns) {
  struct bridge *b = ctx;
  return b->watcher.sleep && b->watcher.sleep(b->watcher.ctx, seqnum, ns);
}

static void on_log(void *ctx, const char *sentence) {
  struct bridge *b = ctx;
  if (b->watcher.log) b->watcher.log(b->watcher.ctx, sentence);
}

const char *bridge_open(struct bridge *b, struct machine *m,
                        const struct usbip_endpoint *endpoint,
                        const struct bridge_watcher *watcher) {
  memset(b, 0, sizeof *b);
  b->machine = m;
  b->watcher = *watcher;
  b->backend = (struct usbip_backend){.ctx = b,
                                      .describe = on_describe,
                                      .import = on_import,
                                      .submit = on_submit,
                                      .unlink = on_unlink,
                                      .sleep = on_sleep,
                                      .client_gone = on_client_gone,
                                      .log = on_log};
  return usbip_server_open(&b->server, endpoint, &b->backend, 0);
}

void bridge_close(struct bridge *b) {
  bridge_withdraw_all(b);
  usbip_server_close(&b->server);
}

void bridge_poll(struct bridge *b, int timeout_ms) {
  usbip_server_poll(&b->server, timeout_ms);
}
