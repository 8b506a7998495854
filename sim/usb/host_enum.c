// SPDX-License-Identifier: MIT
// Enumeration as an operating system does it (USB 2.0 9.1.2), one event at a time.
#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "sim/usb/host_internal.h"

#define ADDRESS_RECOVERY VT_MS(2)    // USB 2.0 9.2.6.3
#define RETRY_PAUSE      VT_MS(100)  // a debounce interval between attempts

enum { ATTEMPTS = 3, DEVICE_DESCRIPTOR = 18 };

enum step {
  STEP_RESET,
  STEP_FIRST_DESCRIPTOR,
  STEP_SECOND_RESET,
  STEP_ADDRESS,
  STEP_DESCRIPTOR,
};

static void take_step(struct usb_host *h, enum step step);

static void end(struct usb_host *h, int status) {
  void (*done)(void *, int) = h->enumeration.done;
  h->enumeration.done = NULL;
  if (done) done(h->enumeration.ctx, status);
}

// Another attempt after a pause, unless there were enough.
static void fail(struct usb_host *h, int status) {
  struct usb_enumeration *e = &h->enumeration;
  if (++e->attempts == ATTEMPTS) {
    end(h, status);
    return;
  }
  e->step = STEP_RESET;
  event_in(h->events, &e->pause, RETRY_PAUSE);
}

// Both pauses share the event: before another attempt, and after SET_ADDRESS.
static void pause_fire(void *ctx) {
  struct usb_host *h = ctx;
  const bool again = h->enumeration.step == STEP_RESET;
  take_step(h, again ? STEP_RESET : STEP_DESCRIPTOR);
}

static void reset_done(void *ctx, int status) {
  struct usb_host *h = ctx;
  if (status) {
    fail(h, status);
    return;
  }
  const bool first = h->enumeration.step == STEP_RESET;
  take_step(h, first ? STEP_FIRST_DESCRIPTOR : STEP_ADDRESS);
}

// Whether the bytes that came begin a device descriptor (USB 2.0 9.6.1).
static bool is_descriptor(const struct usb_enumeration *e, uint32_t least) {
  const uint8_t *d = e->descriptor;
  const uint8_t m = d[7];
  const bool packet_size = m == 8 || m == 16 || m == 32 || m == 64;
  return e->urb.actual >= least && d[0] == DEVICE_DESCRIPTOR && d[1] == 1 &&
         packet_size;
}

// bMaxPacketSize0 is known from now on. Before, 64 is assumed: a smaller device's
// first packet then looks like a short one, which is all that is needed.
static void first_descriptor_done(struct usb_host *h) {
  struct usb_enumeration *e = &h->enumeration;
  if (!is_descriptor(e, 8)) {
    fail(h, -EPROTO);
    return;
  }
  if (!e->second_reset) h->ep0_max_packet = e->descriptor[7];
  take_step(h, e->second_reset ? STEP_SECOND_RESET : STEP_ADDRESS);
}

static void urb_done(void *ctx, struct usb_urb *urb) {
  struct usb_host *h = ctx;
  struct usb_enumeration *e = &h->enumeration;
  if (urb->status) {
    fail(h, urb->status);
    return;
  }
  switch (e->step) {
    case STEP_FIRST_DESCRIPTOR: first_descriptor_done(h); break;
    case STEP_ADDRESS: event_in(h->events, &e->pause, ADDRESS_RECOVERY); break;
    default:
      if (is_descriptor(e, DEVICE_DESCRIPTOR)) {
        end(h, 0);
      } else {
        fail(h, -EPROTO);
      }
  }
}

// All requests use the one URB and the one buffer of 64 bytes.
static void request(struct usb_host *h, const uint8_t setup[8]) {
  struct usb_enumeration *e = &h->enumeration;
  e->urb = (struct usb_urb){
      .type = USB_URB_CONTROL,
      .data = e->descriptor,
      .length = load_le16(setup + 6),
      .complete = urb_done,
      .ctx = h,
  };
  memcpy(e->urb.setup, setup, sizeof e->urb.setup);
  const int status = usb_host_submit(h, &e->urb);
  if (status) fail(h, status);
}

static void take_step(struct usb_host *h, enum step step) {
  struct usb_enumeration *e = &h->enumeration;
  // GET_DESCRIPTOR(DEVICE) and SET_ADDRESS, USB 2.0 9.4.3 and 9.4.6.
  const uint8_t length =
      step == STEP_FIRST_DESCRIPTOR ? e->first_length : DEVICE_DESCRIPTOR;
  const uint8_t get_descriptor[8] = {0x80, 6, 0, 1, 0, 0, length, 0};
  const uint8_t set_address[8] = {0x00, 5, e->address, 0, 0, 0, 0, 0};
  e->step = (uint8_t)step;
  switch (step) {
    case STEP_RESET:
    case STEP_SECOND_RESET: {
      const uint16_t max_packet = e->descriptor[7];
      const int status = usb_host_reset(h, reset_done, h);
      if (status) {
        end(h, status);
        return;
      }
      if (step == STEP_SECOND_RESET) h->ep0_max_packet = max_packet;
      break;
    }
    case STEP_ADDRESS: request(h, set_address); break;
    default: request(h, get_descriptor); break;
  }
}

int usb_host_enumerate(struct usb_host *h, struct usb_enumerate_how how,
                       void (*done)(void *ctx, int status), void *ctx) {
  struct usb_enumeration *e = &h->enumeration;
  const bool length_fits = how.first_length >= 8 && how.first_length <= 64;
  if (e->done || !length_fits || how.address == 0 || how.address > 127) return -EINVAL;
  if (h->state < USB_HOST_ATTACHED || !h->pull_up) return -ENODEV;
  *e = (struct usb_enumeration){
      .address = how.address,
      .first_length = how.first_length,
      .second_reset = how.second_reset,
      .done = done,
      .ctx = ctx,
  };
  event_init(&e->pause, pause_fire, h);
  take_step(h, STEP_RESET);
  return 0;
}
