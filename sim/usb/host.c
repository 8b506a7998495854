// SPDX-License-Identifier: MIT
// The root port: power, connect, reset, suspend and resume. Transactions are in
// host_bus.c, transfers in host_urb.c.
#include "sim/usb/host.h"

#include <errno.h>

#include "sim/usb/host_internal.h"

#define DEBOUNCE         VT_MS(100)   // TATTDB, USB 2.0 7.1.7.3
#define RESET_RECOVERY   VT_MS(10)    // TRSTRCY, USB 2.0 7.1.7.5
#define IDLE_TO_SUSPEND  VT_MS(3)     // TWTRSM and 7.1.7.6
#define RESUME_K         VT_MS(20)    // TDRSMDN, USB 2.0 7.1.7.7
#define RESUME_RECOVERY  VT_MS(10)    // TRSMRCY, USB 2.0 7.1.7.7
#define DISCONNECT_DELAY VT_NS(2500)  // TDDIS, USB 2.0 7.1.7.3

const struct usb_host_options usb_host_defaults = {
    .high_speed = true,
    .gap = VT_NS(200),
    .reset_time = VT_MS(50),
    .control_deadline = VT_S(5),
};

static void tell(struct usb_host *h, enum usb_host_event event) {
  if (h->on_event) h->on_event(h->ctx, event);
}

// The port has one timer, since it waits for one thing at a time.
static void wait_in(struct usb_host *h, enum usb_host_state state, vtime_t delay) {
  h->state = state;
  event_in(h->events, &h->timer, delay);
}

// Told once. The callback may ask for the next reset.
static void end_reset(struct usb_host *h, int status) {
  void (*done)(void *, int) = h->reset_done;
  h->reset_done = NULL;
  if (done) done(h->reset_ctx, status);
}

// The device is gone, or no longer usable, and everything that waited for it ends.
static void leave(struct usb_host *h, enum usb_host_state state) {
  const bool was_attached = h->state >= USB_HOST_ATTACHED;
  h->state = state;
  event_cancel(h->events, &h->timer);
  host_frames_stop(h);
  host_flush(h, -ESHUTDOWN);
  end_reset(h, -ENODEV);
  if (was_attached) tell(h, USB_HOST_DISCONNECTED);
}

static void disconnect_fire(void *ctx) {
  struct usb_host *h = ctx;
  if (!h->pull_up && h->state > USB_HOST_POWERED) leave(h, USB_HOST_POWERED);
}

// An edge restarts the debounce interval; a gap that is too short to be a disconnect
// passes unnoticed.
static void port_pull_up(void *ctx, bool on) {
  struct usb_host *h = ctx;
  h->pull_up = on;
  if (h->state == USB_HOST_UNPLUGGED) return;
  if (!on) {
    event_in(h->events, &h->disconnect, DISCONNECT_DELAY);
    return;
  }
  const bool unstable = h->state == USB_HOST_POWERED || h->state == USB_HOST_DEBOUNCE;
  if (unstable) wait_in(h, USB_HOST_DEBOUNCE, DEBOUNCE);
}

static void port_ready(void *ctx, uint8_t endpoint, bool in) {
  host_ready(ctx, endpoint, in);
}

static void port_want_sof(void *ctx, bool on) {
  struct usb_host *h = ctx;
  h->sof_wanted = on;
  host_frames_schedule(h);
}

static uint16_t port_microframe(void *ctx) {
  return host_microframe(ctx);
}

// The host takes the K over from the device and drives it for its own 20 ms
// (USB 2.0 7.1.7.7).
static void port_remote_wakeup(void *ctx, bool driving) {
  struct usb_host *h = ctx;
  if (driving && h->state == USB_HOST_SUSPEND) usb_host_resume(h);
}

static void enable(struct usb_host *h) {
  h->state = USB_HOST_ENABLED;
  host_kick(h);
}

// End of SE0, then end of recovery.
static void reset_step(struct usb_host *h) {
  if (h->recovering) {
    enable(h);
    end_reset(h, 0);
    return;
  }
  h->recovering = true;
  h->speed = h->device->reset_end(h->device->ctx, h->options.high_speed);
  host_frames_restart(h);
  wait_in(h, USB_HOST_RESETTING, RESET_RECOVERY);
}

// End of K, then end of recovery.
static void resume_step(struct usb_host *h) {
  if (h->recovering) {
    enable(h);
    tell(h, USB_HOST_RESUMED);
    return;
  }
  h->recovering = true;
  host_frames_continue(h);
  wait_in(h, USB_HOST_RESUMING, RESUME_RECOVERY);
}

static void timer_fire(void *ctx) {
  struct usb_host *h = ctx;
  switch (h->state) {
    case USB_HOST_UNPLUGGED:
      // A device that does not watch VBUS still drives its pull-up: to it the
      // dead bus looks idle.
      if (h->pull_up) h->device->suspend(h->device->ctx);
      break;
    case USB_HOST_DEBOUNCE:
      h->state = USB_HOST_ATTACHED;
      tell(h, USB_HOST_CONNECTED);
      break;
    case USB_HOST_RESETTING: reset_step(h); break;
    case USB_HOST_SUSPENDING:
      h->state = USB_HOST_SUSPEND;
      h->device->suspend(h->device->ctx);
      tell(h, USB_HOST_SUSPENDED);
      break;
    case USB_HOST_RESUMING: resume_step(h); break;
    default: break;
  }
}

void usb_host_init(struct usb_host *h, struct event_queue *events,
                   const struct usb_host_options *options,
                   const struct usb_device_port *device) {
  *h = (struct usb_host){
      .options = *options,
      .events = events,
      .device = device,
      .ep0_max_packet = 64,
  };
  h->port = (struct usb_host_port){
      .ctx = h,
      .pull_up = port_pull_up,
      .ready = port_ready,
      .want_sof = port_want_sof,
      .microframe = port_microframe,
      .remote_wakeup = port_remote_wakeup,
  };
  event_init(&h->bus, host_bus_fire, h);
  event_init(&h->frame, host_frame_fire, h);
  event_init(&h->timer, timer_fire, h);
  event_init(&h->disconnect, disconnect_fire, h);
}

void usb_host_plug(struct usb_host *h) {
  if (h->state != USB_HOST_UNPLUGGED) return;
  h->state = USB_HOST_POWERED;
  h->device->vbus(h->device->ctx, true);
  // A pull-up that was on all the time makes no edge.
  if (h->pull_up) port_pull_up(h, true);
}

void usb_host_unplug(struct usb_host *h) {
  if (h->state == USB_HOST_UNPLUGGED) return;
  leave(h, USB_HOST_UNPLUGGED);
  h->device->vbus(h->device->ctx, false);
  event_in(h->events, &h->timer, IDLE_TO_SUSPEND);
}

int usb_host_reset(struct usb_host *h, void (*done)(void *ctx, int status), void *ctx) {
  if (h->state < USB_HOST_ATTACHED || !h->pull_up) return -ENODEV;
  h->state = USB_HOST_RESETTING;  // before the URBs end: nobody can submit new ones
  host_frames_stop(h);
  host_flush(h, -ESHUTDOWN);
  end_reset(h, -ECANCELED);
  h->recovering = false;
  h->address = 0;
  h->ep0_max_packet = 64;
  wait_in(h, USB_HOST_RESETTING, h->options.reset_time);
  h->device->reset_begin(h->device->ctx);
  h->reset_done = done;
  h->reset_ctx = ctx;
  return 0;
}

int usb_host_suspend(struct usb_host *h) {
  if (h->state != USB_HOST_ENABLED) return -EINVAL;
  host_frames_stop(h);
  wait_in(h, USB_HOST_SUSPENDING, IDLE_TO_SUSPEND);
  return 0;
}

int usb_host_resume(struct usb_host *h) {
  // Within the first 3 ms the device has not noticed anything: frames just go on.
  if (h->state == USB_HOST_SUSPENDING) {
    event_cancel(h->events, &h->timer);
    host_frames_continue(h);
    enable(h);
    return 0;
  }
  if (h->state != USB_HOST_SUSPEND) return -EINVAL;
  h->recovering = false;
  wait_in(h, USB_HOST_RESUMING, RESUME_K);
  h->device->resume(h->device->ctx);
  return 0;
}
