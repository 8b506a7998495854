// SPDX-License-Identifier: MIT
// The host at the other end of the cable, in virtual time: a root port with one
// device, and USB request blocks (URBs) that become transactions on the wire.
//
// It owns the port (power, debounce, reset, frames, suspend), the queues, the
// toggles and the retry rules. It knows no class, parses no descriptor beyond the
// device descriptor, and never blocks: everything is an event of the queue, so
// equal inputs give equal times. host_sync.h waits for those who want to.
//
//   URB ---> pipe (one queue per endpoint) ---> transaction ---> usb_device_port
//              ^ parked by NAK                      |
//              '---- ready() or retry slot <--------'
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/event.h"
#include "sim/core/usb_bus.h"

struct usb_host;

enum usb_urb_type { USB_URB_CONTROL, USB_URB_BULK, USB_URB_INTERRUPT };

// A request. The caller owns it and its buffer until `complete` has been called;
// it fills the first part and may submit it again afterwards. Zero the rest.
struct usb_urb {
  enum usb_urb_type type;
  uint8_t endpoint;     // number, bit 7 set for IN; 0 for control
  uint16_t max_packet;  // wMaxPacketSize; 0 for control (the host keeps its own)
  uint16_t interval;    // interrupt: polling period in microframes (8 = 1 ms)
  uint8_t setup[8];     // control: the SETUP packet; direction and wLength rule
  uint8_t *data;
  uint32_t length;    // bytes to send or room to receive; control: wLength
  bool zero_packet;   // OUT: end an exact multiple of max_packet by an empty packet
  bool short_not_ok;  // IN: fewer bytes than `length` are -EREMOTEIO
  vtime_t timeout;    // 0: the host's deadline for control, none for others
  void (*complete)(void *ctx, struct usb_urb *urb);
  void *ctx;

  // Result, as Linux has it: 0, -EPIPE (STALL), -EPROTO (no answer three times,
  // or nonsense), -EOVERFLOW (more data than asked for), -EREMOTEIO, -ETIMEDOUT,
  // -ENOENT (cancelled), -ESHUTDOWN (device gone or bus reset).
  int status;
  uint32_t actual;  // bytes moved in the data stage

  // Private to the host.
  struct usb_urb *next;
  struct usb_host *host;
  struct event deadline;
  uint8_t stage;
  bool queued, data1, zero_packet_due;
};

enum usb_host_event {
  USB_HOST_CONNECTED,     // the pull-up was stable for the debounce interval
  USB_HOST_DISCONNECTED,  // every URB has been completed
  USB_HOST_SUSPENDED,     // 3 ms without SOF have passed
  USB_HOST_RESUMED,       // by this host or by remote wake-up; traffic runs again
};

// What a fault hook may do to the transaction about to start.
enum usb_fault {
  USB_FAULT_NONE,
  USB_FAULT_DROP_TOKEN,      // the device never hears of it
  USB_FAULT_LOSE_HANDSHAKE,  // the last packet of it is lost on the wire
  USB_FAULT_CORRUPT_DATA,    // the data packet arrives with a bad CRC
  USB_FAULT_UNPLUG,          // the cable is pulled instead
  USB_FAULT_BUS_RESET,       // the host resets the bus instead
};

struct usb_host_options {
  bool high_speed;           // what the port is capable of
  vtime_t gap;               // idle time between two transactions
  vtime_t reset_time;        // SE0, 10 to 50 ms (USB 2.0 7.1.7.5)
  vtime_t control_deadline;  // of a control URB without its own timeout
};

// 200 ns, 50 ms (what a root port drives: TDRSTR, USB 2.0 7.1.7.5), 5 s.
extern const struct usb_host_options usb_host_defaults;

enum usb_host_state {
  USB_HOST_UNPLUGGED,
  USB_HOST_POWERED,    // VBUS on, no pull-up seen
  USB_HOST_DEBOUNCE,   // pull-up seen, waiting for it to be stable
  USB_HOST_ATTACHED,   // stable, not yet reset
  USB_HOST_RESETTING,  // SE0, then reset recovery
  USB_HOST_ENABLED,    // frames run, URBs are served
  USB_HOST_SUSPENDING,
  USB_HOST_SUSPEND,
  USB_HOST_RESUMING,
};

enum { USB_HOST_ENDPOINTS = 16 };

// One endpoint as the host sees it. Control endpoint 0 uses the OUT pipe.
struct usb_pipe {
  struct usb_urb *head, *tail;
  bool data1;       // PID of the next packet, bulk and interrupt
  bool ping;        // high-speed OUT: PING before the next packet
  bool parked;      // the last answer was NAK
  bool woken;       // ready() came while that answer was still on the wire
  uint8_t errors;   // in a row, of the current packet
  vtime_t due;      // no transaction before this time
  vtime_t slot;     // first retry slot after a NAK ...
  vtime_t slot_by;  // ... and the distance of the next ones
};

// The transaction on the wire.
struct usb_wire {
  enum { USB_WIRE_IDLE, USB_WIRE_TO_DEVICE, USB_WIRE_TO_HOST } phase;
  struct usb_pipe *pipe;
  struct usb_urb *urb;  // NULL once it was cancelled
  struct usb_token token;
  struct usb_answer answer;
  enum usb_fault fault;
  vtime_t started;
};

struct usb_enumeration {
  uint8_t address, step, attempts, first_length;
  bool second_reset;
  struct event pause;
  struct usb_urb urb;
  uint8_t descriptor[64];
  void (*done)(void *ctx, int status);
  void *ctx;
};

struct usb_host {
  struct usb_host_port port;  // give its address to the device model
  struct usb_host_options options;
  struct event_queue *events;
  const struct usb_device_port *device;
  enum usb_host_state state;
  enum usb_speed speed;  // since the last reset
  uint8_t address;       // of the device; follows SET_ADDRESS
  uint16_t ep0_max_packet;
  bool pull_up, sof_wanted;

  // Called for events of the port; may be NULL.
  void (*on_event)(void *ctx, enum usb_host_event event);
  // Called before each transaction with its number, from 1; may be NULL.
  enum usb_fault (*on_transaction)(void *ctx, uint64_t number,
                                   const struct usb_token *token);
  void *ctx;

  struct usb_pipe pipes[USB_HOST_ENDPOINTS][2];  // [number][1 = IN]
  size_t turn;                                   // round robin over the pipes
  struct usb_wire wire;
  vtime_t free_at;  // the gap after the last one ends
  struct event bus, timer, frame, disconnect;
  bool frames_run;
  vtime_t frame_zero;   // start of microframe 0, as if the frames had always run
  uint16_t frame_held;  // number while no frames run
  bool recovering;
  void (*reset_done)(void *ctx, int status);
  void *reset_ctx;
  struct usb_enumeration enumeration;
  uint64_t transactions, naks, errors;
};

// `device` is the other end; it must outlive the host. Nothing is plugged yet.
void usb_host_init(struct usb_host *h, struct event_queue *events,
                   const struct usb_host_options *options,
                   const struct usb_device_port *device);

// The cable. Unplugging completes every URB with -ESHUTDOWN.
void usb_host_plug(struct usb_host *h);
void usb_host_unplug(struct usb_host *h);

// Resets the bus: SE0 for options.reset_time, 10 ms of recovery, then `done` with 0,
// or with -ENODEV if the device went away meanwhile. Pending URBs get -ESHUTDOWN.
// Address, toggles and speed start anew. -ENODEV at once when nothing is attached.
int usb_host_reset(struct usb_host *h, void (*done)(void *ctx, int status), void *ctx);

// Stops the frames; the device sees it 3 ms later. Queued URBs wait.
int usb_host_suspend(struct usb_host *h);
// 20 ms of K, then 10 ms of recovery (USB 2.0 7.1.7.7). -EINVAL: not suspended.
int usb_host_resume(struct usb_host *h);

// Queues `urb`. -ESHUTDOWN: no enabled device (`complete` is not called); -EINVAL:
// a request that makes no sense, or one that is queued already.
int usb_host_submit(struct usb_host *h, struct usb_urb *urb);

// Takes `urb` back: it completes with -ENOENT before this returns. No effect on a
// URB that is not queued.
void usb_host_cancel(struct usb_host *h, struct usb_urb *urb);

// Toggle back to DATA0, as after CLEAR_FEATURE(ENDPOINT_HALT) or SET_INTERFACE.
// The host does so by itself for CLEAR_FEATURE and SET_CONFIGURATION that it
// carried; which endpoints a SET_INTERFACE touches only the caller knows.
void usb_host_reset_toggle(struct usb_host *h, uint8_t endpoint);

// Reset, GET_DESCRIPTOR(DEVICE) of `first_length` bytes (8 or 64), a second reset
// if asked, SET_ADDRESS, 2 ms (USB 2.0 9.2.6.3), GET_DESCRIPTOR(DEVICE) of 18, then
// `done`. Up to three attempts. The descriptor is in h->enumeration.descriptor.
struct usb_enumerate_how {
  uint8_t address;
  uint8_t first_length;
  bool second_reset;
};
int usb_host_enumerate(struct usb_host *h, struct usb_enumerate_how how,
                       void (*done)(void *ctx, int status), void *ctx);
