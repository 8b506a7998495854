// SPDX-License-Identifier: MIT
#include "sim/usb/host_sync.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"

#define CONNECT_LIMIT VT_S(1)

// From event to event, so that nothing runs past the completion. False: nothing
// will ever happen again.
static bool step(const struct usb_host_sync *s) {
  const vtime_t next = event_next(s->host->events);
  if (next == VT_NEVER) return false;
  s->advance(s->ctx, next);
  return true;
}

int usb_host_sync_transfer(const struct usb_host_sync *s, struct usb_urb *urb) {
  urb->complete = NULL;
  if (!urb->timeout) urb->timeout = s->host->options.control_deadline;
  const int status = usb_host_submit(s->host, urb);
  if (status) return status;
  // It has a deadline, so there is an event until it is complete.
  while (urb->queued && step(s)) {
  }
  return urb->status ? urb->status : (int)urb->actual;
}

int usb_host_sync_control(const struct usb_host_sync *s, const uint8_t setup[8],
                          void *data) {
  struct usb_urb urb = {
      .type = USB_URB_CONTROL,
      .data = data,
      .length = load_le16(setup + 6),
  };
  memcpy(urb.setup, setup, sizeof urb.setup);
  return usb_host_sync_transfer(s, &urb);
}

struct outcome {
  bool done;
  int status;
};

static void done(void *ctx, int status) {
  struct outcome *o = ctx;
  o->done = true;
  o->status = status;
}

static int wait(const struct usb_host_sync *s, const struct outcome *o) {
  while (!o->done && step(s)) {
  }
  return o->done ? o->status : -ETIMEDOUT;
}

int usb_host_sync_enumerate(const struct usb_host_sync *s, uint8_t address) {
  struct usb_host *h = s->host;
  const vtime_t limit = h->events->now + CONNECT_LIMIT;
  usb_host_plug(h);
  while (h->state < USB_HOST_ATTACHED && h->events->now < limit) {
    const vtime_t next = event_next(h->events);
    s->advance(s->ctx, next < limit ? next : limit);
  }
  struct outcome o = {0};
  const struct usb_enumerate_how how = {.address = address, .first_length = 64};
  const int status = usb_host_enumerate(h, how, done, &o);
  return status ? status : wait(s, &o);
}

int usb_host_sync_reset(const struct usb_host_sync *s) {
  struct outcome o = {0};
  const int status = usb_host_reset(s->host, done, &o);
  return status ? status : wait(s, &o);
}
