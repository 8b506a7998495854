// SPDX-License-Identifier: MIT
// What the files of the USB host share. Nobody else includes this.
#pragma once

#include "sim/usb/host.h"

// --- host_urb.c: what a URB wants next and what an answer means to it ---------

// The pipe that serves `urb`.
struct usb_pipe *host_pipe(struct usb_host *h, const struct usb_urb *urb);

// The token of the next transaction of the URB at the head of `pipe`.
struct usb_token host_next_token(const struct usb_host *h, const struct usb_pipe *pipe);

// Digests the answer on h->wire. May complete the URB.
void host_digest(struct usb_host *h);

// Removes `urb` from its queue and completes it.
void host_complete(struct usb_host *h, struct usb_urb *urb, int status);

// Completes everything that is queued, and forgets toggles and parking.
void host_flush(struct usb_host *h, int status);

// --- host_bus.c: when transactions happen -------------------------------------

// Something may be sendable: (re)computes the start of the next transaction.
void host_kick(struct usb_host *h);

// No transaction is on the wire any more, whatever was.
void host_abandon_wire(struct usb_host *h);

// Parks `pipe` after a NAK: it is tried again in the first retry slot after the
// device says that it is ready, or after a millisecond.
void host_park(struct usb_host *h, struct usb_pipe *pipe);

// usb_host_port.ready.
void host_ready(struct usb_host *h, uint8_t endpoint, bool in);

// Sends the host's ACK for the data packet on the wire, unless a fault eats it.
void host_ack(struct usb_host *h);

// (Micro)frames begin at number 0, go on where they stopped, or stop.
void host_frames_restart(struct usb_host *h);
void host_frames_continue(struct usb_host *h);
void host_frames_stop(struct usb_host *h);
// Arms or disarms the event of the next SOF, as the device wants it.
void host_frames_schedule(struct usb_host *h);
uint16_t host_microframe(const struct usb_host *h);

// Event handlers.
void host_bus_fire(void *ctx);
void host_frame_fire(void *ctx);
