// SPDX-License-Identifier: MIT
// When virtual time moves, and how it goes with the time of clients outside.
//
//   LOCKSTEP  Time stands while the board waits for the client. Each request
//             arrives `turnaround` after the last reply; a client's sleep takes
//             exactly as long as it says. Equal runs take equal cycles.
//   WALL      Virtual time never runs ahead of wall time.
//   FREE      As fast as possible; no figure may be quoted.
//
// Lock-step needs one more rule, for when no client is there: the board runs until
// it *rests*, that is until its USB device has been ready and idle for REST_TIME
// of virtual time. Clients are let in only then. There time stands, too, unless
// something is still to come: the end of `run_for`, or a planned act. A board without a
// device runs on; after IDLE_TIME of it, no faster than wall time.
#pragma once

#include "sim/server/bridge.h"

enum pace_mode { PACE_LOCKSTEP, PACE_WALL, PACE_FREE };

#define PACE_TURNAROUND VT_US(125)
#define PACE_REST_TIME  VT_S(1)
#define PACE_IDLE_TIME  VT_S(10)

struct pace_options {
  enum pace_mode mode;
  vtime_t turnaround;
  vtime_t run_for;       // VT_NEVER: until told to end
  bool end_with_client;  // ends at the instant the first client goes away
  const struct usbip_endpoint *endpoint;  // NULL: no server
  // When the caller has to act next: no step goes beyond that. May be NULL.
  vtime_t (*next_act)(void *ctx);
  void (*log)(void *ctx, const char *sentence);
  // A client went away: virtual time stands at that instant.
  void (*client_gone)(void *ctx);
  void *ctx;
};

struct pace {
  struct pace_options options;
  struct machine *machine;
  struct bridge bridge;
  bool serving;
  bool client_left;
  vtime_t last_activity;
  struct event rest, wake;
  bool resting;
  bool sleeping;  // a client's sleep is under way
  uint32_t sleep_seqnum;
  uint64_t wall_start_ns;  // wall time at virtual time `wall_base`
  vtime_t wall_base;
};

// NULL, or why not as a part of a sentence.
const char *pace_open(struct pace *p, struct machine *m, const struct pace_options *o);
void pace_close(struct pace *p);

// The port that the server listens on, 0 without one.
uint16_t pace_port(const struct pace *p);

// Advances a little, whatever that means in the mode. False: the end is reached.
bool pace_step(struct pace *p);

// Something from outside reached the board that may keep it busy: it rests no more.
void pace_disturbed(struct pace *p);

// The board stood still until now, and wall time went on.
void pace_stood(struct pace *p);

// The board is at rest, or never rests: the state a deterministic end wants.
bool pace_settled(const struct pace *p);
