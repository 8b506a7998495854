// SPDX-License-Identifier: MIT
// When transactions happen: frames, round robin, retry slots, faults on the wire.
// What they carry is the business of host_urb.c.
#include <string.h>

#include "sim/usb/host_internal.h"
#include "sim/usb/host_time.h"

#define MICROFRAME VT_US(125)

// A parked endpoint is tried this often even if the device never says ready.
#define PARKED_RETRY VT_MS(1)

// --- frames --------------------------------------------------------------------

// At full speed the number steps by 8, one frame.
uint16_t host_microframe(const struct usb_host *h) {
  if (!h->frames_run) return h->frame_held;
  const uint16_t number = (uint16_t)((h->events->now - h->frame_zero) / MICROFRAME);
  return number & (h->speed == USB_SPEED_HIGH ? 0x3FFF : 0x3FF8);
}

// Start of the frame that `t` lies in.
static vtime_t frame_of(const struct usb_host *h, vtime_t t) {
  const vtime_t length = usb_time_frame(h->speed);
  return h->frame_zero + (t - h->frame_zero) / length * length;
}

// An event per frame only while somebody wants it: an idle bus costs nothing.
void host_frames_schedule(struct usb_host *h) {
  event_cancel(h->events, &h->frame);
  if (!h->frames_run || !h->sof_wanted) return;
  event_at(h->events, &h->frame,
           frame_of(h, h->events->now) + usb_time_frame(h->speed));
}

void host_frames_continue(struct usb_host *h) {
  h->frame_zero = h->events->now - h->frame_held * MICROFRAME;
  h->frames_run = true;
  host_frames_schedule(h);
}

void host_frames_restart(struct usb_host *h) {
  h->frame_held = 0;
  host_frames_continue(h);
}

void host_frames_stop(struct usb_host *h) {
  h->frame_held = host_microframe(h);
  h->frames_run = false;
  event_cancel(h->events, &h->frame);
}

void host_frame_fire(void *ctx) {
  struct usb_host *h = ctx;
  h->device->sof(h->device->ctx);
  host_frames_schedule(h);
}

// The first instant from `t` on at which a transaction of `length` may start: after
// the SOF, and only if it ends before the frame does (USB 2.0 11.2.1). Any token
// is as long as a SOF for this purpose.
static vtime_t fit(const struct usb_host *h, vtime_t t, vtime_t length) {
  const vtime_t sof = usb_time_to_device(h->speed, USB_PID_IN, 0);
  const vtime_t frame = frame_of(h, t);
  const vtime_t next = frame + usb_time_frame(h->speed);
  if (t < frame + sof) t = frame + sof;
  return t + length <= next ? t : next + sof;
}

// --- who is next ---------------------------------------------------------------

static struct usb_pipe *pipe_at(struct usb_host *h, size_t i) {
  return &h->pipes[i / 2][i % 2];
}

enum { PIPES = USB_HOST_ENDPOINTS * 2 };

// The earliest pipe decides when; start() decides who.
void host_kick(struct usb_host *h) {
  if (h->state != USB_HOST_ENABLED || h->wire.phase != USB_WIRE_IDLE) return;
  vtime_t first = VT_NEVER;
  for (size_t i = 0; i < PIPES; i++) {
    const struct usb_pipe *p = pipe_at(h, i);
    if (p->head && p->due < first) first = p->due;
  }
  if (first == VT_NEVER) return;
  event_at(h->events, &h->bus, first > h->free_at ? first : h->free_at);
}

// The next pipe after the one of the last turn; PIPES when all have to wait.
static size_t choose(struct usb_host *h) {
  for (size_t n = 1; n <= PIPES; n++) {
    const size_t i = (h->turn + n) % PIPES;
    const struct usb_pipe *p = pipe_at(h, i);
    if (p->head && p->due <= h->events->now) return i;
  }
  return PIPES;
}

// Interrupt endpoints are asked once per interval, whatever they answered.
static vtime_t next_interval(const struct usb_host *h, const struct usb_urb *urb) {
  const vtime_t interval = (urb->interval ? urb->interval : 1) * MICROFRAME;
  return h->frame_zero + ((h->events->now - h->frame_zero) / interval + 1) * interval;
}

void host_park(struct usb_host *h, struct usb_pipe *pipe) {
  const vtime_t now = h->events->now;
  h->naks++;
  if (pipe->head->type == USB_URB_INTERRUPT) return;
  pipe->slot = now + h->options.gap;
  pipe->slot_by = pipe->slot - h->wire.started;
  if (pipe->woken) return;
  pipe->parked = true;
  pipe->due = pipe->slot + PARKED_RETRY / pipe->slot_by * pipe->slot_by;
}

// A host that polls without pause would ask next in the first slot from now on.
static void unpark(struct usb_host *h, struct usb_pipe *pipe) {
  const vtime_t now = h->events->now;
  pipe->parked = false;
  pipe->due = pipe->slot;
  if (now <= pipe->slot) return;
  const vtime_t slots = (now - pipe->slot + pipe->slot_by - 1) / pipe->slot_by;
  pipe->due += slots * pipe->slot_by;
}

void host_ready(struct usb_host *h, uint8_t endpoint, bool in) {
  struct usb_pipe *pipe = &h->pipes[endpoint % USB_HOST_ENDPOINTS][endpoint && in];
  pipe->woken = true;  // matters if its NAK is still on the wire
  if (!pipe->parked) return;
  unpark(h, pipe);
  host_kick(h);
}

// --- one transaction -----------------------------------------------------------

void host_abandon_wire(struct usb_host *h) {
  event_cancel(h->events, &h->bus);
  h->wire.phase = USB_WIRE_IDLE;
}

// The length of the data packet that this token may bring either way.
static uint32_t largest(const struct usb_host *h, const struct usb_pipe *pipe,
                        const struct usb_token *token) {
  if (token->pid != USB_PID_IN) return token->length;
  return pipe->head->max_packet ? pipe->head->max_packet : h->ep0_max_packet;
}

// Asks the fault hook. False: the transaction does not take place.
static bool pass_fault(struct usb_host *h, const struct usb_token *token) {
  h->transactions++;
  h->wire.fault = USB_FAULT_NONE;
  if (h->on_transaction) {
    h->wire.fault = h->on_transaction(h->ctx, h->transactions, token);
  }
  if (h->wire.fault == USB_FAULT_UNPLUG) usb_host_unplug(h);
  if (h->wire.fault == USB_FAULT_BUS_RESET) usb_host_reset(h, NULL, NULL);
  return h->state == USB_HOST_ENABLED;
}

// The one place where a transaction begins.
static void start(struct usb_host *h) {
  const size_t chosen = choose(h);
  if (chosen == PIPES || h->state != USB_HOST_ENABLED) {
    host_kick(h);
    return;
  }
  struct usb_pipe *pipe = pipe_at(h, chosen);
  const struct usb_token token = host_next_token(h, pipe);
  const vtime_t now = h->events->now;
  const vtime_t at = fit(h, now, usb_time_worst(h->speed, largest(h, pipe, &token)));
  if (at > now) {
    event_at(h->events, &h->bus, at);
    return;
  }
  h->wire.urb = pipe->head;
  if (!pass_fault(h, &token) || !h->wire.urb) {  // the hook may cancel it
    host_kick(h);
    return;
  }
  h->turn = chosen;
  pipe->woken = false;
  h->wire.phase = USB_WIRE_TO_DEVICE;
  h->wire.pipe = pipe;
  h->wire.token = token;
  h->wire.started = now;
  event_in(h->events, &h->bus, usb_time_to_device(h->speed, token.pid, token.length));
}

// Whether the device receives what the host sent. A cancelled URB's buffer may be
// gone: its packet is not sent after all.
static bool heard(const struct usb_wire *w) {
  if (!w->urb || w->fault == USB_FAULT_DROP_TOKEN) return false;
  return w->fault != USB_FAULT_CORRUPT_DATA || w->token.pid == USB_PID_IN;
}

static void deliver(struct usb_host *h) {
  struct usb_wire *w = &h->wire;
  w->answer.reply = USB_REPLY_NONE;
  w->answer.length = 0;
  if (heard(w)) h->device->transact(h->device->ctx, &w->token, &w->answer);
  const bool data = w->answer.reply == USB_REPLY_DATA;
  const uint32_t bytes = data ? w->answer.length : w->token.length;
  // A data packet with a bad CRC takes its time; a handshake that is lost is a
  // time-out.
  if (w->fault == USB_FAULT_LOSE_HANDSHAKE && !data) w->answer.reply = USB_REPLY_NONE;
  w->phase = USB_WIRE_TO_HOST;
  event_in(h->events, &h->bus,
           usb_time_to_host(h->speed, w->token.pid, bytes, w->answer.reply));
  if (w->fault == USB_FAULT_CORRUPT_DATA) w->answer.reply = USB_REPLY_NONE;
}

void host_ack(struct usb_host *h) {
  if (h->wire.fault == USB_FAULT_LOSE_HANDSHAKE) return;
  h->device->acked(h->device->ctx, h->wire.token.endpoint);
}

// The host knows the outcome. Control and bulk go on after the gap; whoever was told
// to wait longer is put off by host_digest.
static void finish(struct usb_host *h) {
  struct usb_wire *w = &h->wire;
  struct usb_urb *urb = w->urb;
  h->free_at = h->events->now + h->options.gap;
  w->phase = USB_WIRE_IDLE;
  if (urb) {
    w->pipe->due = urb->type == USB_URB_INTERRUPT ? next_interval(h, urb) : h->free_at;
    host_digest(h);
  }
  w->urb = NULL;
  host_kick(h);
}

void host_bus_fire(void *ctx) {
  struct usb_host *h = ctx;
  switch (h->wire.phase) {
    case USB_WIRE_IDLE: start(h); break;
    case USB_WIRE_TO_DEVICE: deliver(h); break;
    case USB_WIRE_TO_HOST: finish(h); break;
  }
}
