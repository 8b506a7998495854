// SPDX-License-Identifier: MIT
// The client's end of USB/IP: finds the first device of a server, or a given one,
// imports it and carries transfers to it. Whenever there is no connection it keeps
// trying in the background, because a device that unplugs itself usually comes back.
// Never blocks; the owner polls remote_fd and calls remote_service.
//
//   IDLE -(time)-> LISTING -(busid)-> IMPORTING -(reply)-> PROBING -> ATTACHED
//     ^               |                  |                   |          |
//     +----- no server, no device, busy, refused, unplugged, garbage ---+
//
// PROBING sends one sleep of no time. A server that is not our simulator hangs
// up on it or says nothing; it is then imported again, and sleeps stay real.
#pragma once

#include <netdb.h>

#include "usbip/endpoint.h"
#include "usbip/stream.h"
#include "usbip/usbip.h"

enum {
  REMOTE_RETRY_MS = 20,
  // From the connection to the end of the device list. An import has no limit
  // of its own: a server may put it off until the device is ready.
  REMOTE_LIST_MS = 2000,
  REMOTE_PROBE_MS = 2000,
};

enum remote_state {
  REMOTE_IDLE,
  REMOTE_LISTING,
  REMOTE_IMPORTING,
  REMOTE_PROBING,
  REMOTE_ATTACHED
};

// One USB transfer. It belongs to the caller and must live until `done` or
// remote_cancel.
struct transfer {
  uint8_t endpoint;  // 0..15
  bool in;
  uint32_t flags;    // USBIP_URB_...
  uint8_t setup[8];  // endpoint 0 only
  uint8_t *data;     // OUT: what to send; IN: room for what comes
  uint32_t length;   // bytes of `data`
  // Called once, unless cancelled, after the results below are filled in.
  void (*done)(struct transfer *t);
  void *owner;      // for `done`
  int32_t status;   // enum usbip_status; USBIP_SHUTDOWN when the device left
  uint32_t actual;  // bytes moved, never more than `length`
};

// One sleep of a program, on the same terms.
struct remote_sleep {
  uint64_t ns;
  // `slept` is false when the program has to sleep for real: the server refused,
  // or the device left first.
  void (*done)(struct remote_sleep *sleep, bool slept);
  void *owner;
};

struct remote_events {
  void *ctx;
  void (*attached)(void *ctx, const struct usbip_device *device);
  // The device is gone; every transfer and sleep has been told so already.
  void (*lost)(void *ctx);
  // For --verbose: what goes on, as a sentence without a line end.
  void (*log)(void *ctx, const char *sentence);
};

struct remote_pending;

struct remote {
  const struct remote_events *events;
  struct addrinfo *addresses;      // of the server
  const struct addrinfo *address;  // the one being tried
  enum remote_state state;
  bool connecting;
  struct usbip_stream stream;
  uint64_t deadline_ms;  // of the state; when to try again in REMOTE_IDLE
  char busid[USBIP_BUSID_SIZE];
  bool busid_given;  // by remote_want: no list is asked for
  uint32_t seqnum;
  struct remote_pending *pending;
  bool real_sleep;  // sleeps are not for the server
  struct usbip_device device;
  const char *problem;  // why the last attempt failed, as "the server ..."
};

// Of a server's devices only this one is wanted (before the first remote_service).
// Without it, the first of the server's list is.
void remote_want(struct remote *r, const char *busid);

// Looks the server up and starts trying. NULL, or why the host is not found.
// With `real_sleep` no sleep is ever sent.
const char *remote_open(struct remote *r, const struct usbip_endpoint *server,
                        bool real_sleep, const struct remote_events *events);

// Ends the connection and frees everything. Transfers and sleeps under way end
// as if the device had left; `lost` is not called.
void remote_close(struct remote *r);

// For poll(): the descriptor (-1: none now), the events, and the time at which
// remote_service wants to be called whatever happens (CLOCK_NEVER: none).
int remote_fd(const struct remote *r);
short remote_poll_events(const struct remote *r);
uint64_t remote_deadline(const struct remote *r);

// Moves on as far as it goes without waiting.
void remote_service(struct remote *r);

// Starts a transfer. False, and `done` is not called, when no device is there.
bool remote_submit(struct remote *r, struct transfer *t);

// Gives a transfer up: `done` will not be called, and `t` may go.
void remote_cancel(struct remote *r, struct transfer *t);

// Starts a sleep. False when no device is there or its server takes no sleeps.
bool remote_start_sleep(struct remote *r, struct remote_sleep *sleep);

// Ends an attachment that turned out to be of no use, and tries again. `problem`
// goes on "the server ...".
void remote_drop(struct remote *r, const char *problem);

// True while a transfer waits for its answer.
bool remote_busy(const struct remote *r);

// A control transfer's parameters from its setup packet (USB 2.0 9.3).
void transfer_set_control(struct transfer *t, const uint8_t setup[8], uint8_t *data);
