// SPDX-License-Identifier: MIT
// The serial function of the device as a terminal, as Linux's cdc_acm shows it: a
// pseudo-terminal under a name that the user chose. What a program writes goes out by
// bulk transfers and back; when it opens the terminal the device is told of the line
// coding and of DTR, when it closes it, that DTR is gone.
//
//   program <--> terminal (slave | master) <--> bulk transfers <--> remote
//
// The terminal exists as long as the device does: when that leaves, programs see the
// line hang up.
#pragma once

#include "host/transport/enumerate.h"
#include "host/transport/remote.h"

enum {
  TTY_LOOK_MS = 5,      // whether a program has opened it: nothing tells
  TTY_CHUNK = 4096,     // bytes of a transfer
  TTY_LINE_CODING = 7,  // bytes (PSTN120 6.3.10)
  TTY_BAUD = 115200,
};

struct tty {
  struct remote *remote;
  const char *link;  // NULL: no terminal is wanted
  int master;        // -1: none now
  bool open;         // a program has it open
  uint64_t look_ms;
  // Of the device.
  uint8_t interface, in, out;  // communication interface; endpoint numbers
  // What the device knows of it: the steps of opening that were done.
  uint8_t told;
  struct transfer asking, incoming, outgoing;
  bool asks, receives, sends;
  bool hung_up;  // a transfer did not end well: the rest of this session is nobody's
  size_t have, given;  // bytes of `from`, and those the program has
  uint8_t coding[TTY_LINE_CODING];
  uint8_t from[TTY_CHUNK], to[TTY_CHUNK];
};

// `link`: where the terminal's name is to be; NULL for none.
void tty_init(struct tty *t, struct remote *remote, const char *link);

// A device is there. NULL, or why it has no terminal now, as a sentence's end.
const char *tty_plug(struct tty *t, const struct enumeration *e);

// It left; its transfers have ended.
void tty_unplug(struct tty *t);

// Programs are gone: gives up what is under way.
void tty_close(struct tty *t);

// For poll(): the descriptor (-1: none now), its events, and when tty_service wants to
// be called whatever happens.
int tty_fd(const struct tty *t);
short tty_poll_events(const struct tty *t);
uint64_t tty_deadline(const struct tty *t);
void tty_service(struct tty *t);

// True while something that a program wrote is on its way.
bool tty_busy(const struct tty *t);
