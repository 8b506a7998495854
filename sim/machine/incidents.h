// SPDX-License-Identifier: MIT
// What happens to a board from outside, or goes wrong inside it, at a chosen moment:
// the button, power, supply, the USB cable and its packets, cells that fail. For the
// command line and for tests; each is a few lines over what the models offer.
//
//   incidents_add(&i, &(struct incident){.kind = INCIDENT_POWER_CUT, ...});
//   incidents_arm(&i, m);                      before machine_power_on
//   run until incidents_next(&i), then incidents_serve(&i); and so on
#pragma once

#include "sim/machine/machine.h"

enum incident_kind {
  // At any moment. Button, power and cable are back after `duration`.
  INCIDENT_BUTTON,
  INCIDENT_POWER_CUT,
  INCIDENT_SUPPLY,  // to `value` millivolts, for good
  INCIDENT_USB_UNPLUG,
  INCIDENT_USB_RESET,
  // At a USB transaction.
  INCIDENT_USB_DROP_TOKEN,
  INCIDENT_USB_LOSE_HANDSHAKE,
  INCIDENT_USB_CORRUPT_DATA,
  // At a flash operation: it never ends.
  INCIDENT_STAYS_BUSY,
  // Always.
  INCIDENT_STUCK,          // bit `bit` at `address` holds `value`
  INCIDENT_PROGRAM_FAILS,  // every program that covers `address`
  INCIDENT_ERASE_FAILS,    // every erase that covers it
  INCIDENT_NO_CRYSTAL,     // HSE never starts
};

enum incident_when {
  INCIDENT_ALWAYS,
  INCIDENT_AT_TIME,
  INCIDENT_AT_OPERATION,     // flash operation `number`, over both flashes, begins
  INCIDENT_IN_OPERATION,     // `percent` of it are over
  INCIDENT_AFTER_OPERATION,  // it has ended
  INCIDENT_AT_TRANSACTION,   // USB transaction `number` begins
};

struct incident {
  enum incident_kind kind;
  enum incident_when when;
  vtime_t time;
  uint64_t number;   // of the operation or transaction, from 1
  unsigned percent;  // of an operation
  vtime_t duration;  // VT_NEVER: never back
  uint32_t address;  // as the CPU sees it: 0x08000000 or 0x90000000 and up
  unsigned bit, value;
};

struct incidents;

struct incident_state {
  struct incident is;
  struct incidents *owner;
  struct event event;
  bool due, done;
  vtime_t back_at;
};

enum { INCIDENTS_MAX = 64 };

struct incidents {
  struct machine *machine;
  struct incident_state list[INCIDENTS_MAX];
  size_t count;
  uint64_t internal_operations;  // seen so far, to tell the two flashes apart
  void (*next_operation)(void *ctx, uint64_t number);  // who else wants to hear
  void *next_operation_ctx;
  void (*next_usb_event)(void *ctx, enum usb_host_event event);
  void *next_usb_ctx;
};

// NULL, or why it cannot be, as a sentence.
const char *incidents_add(struct incidents *i, const struct incident *incident);

// Ties them to a machine that has no power yet. `i` must outlive its running.
const char *incidents_arm(struct incidents *i, struct machine *m);

// When time must stop next for something to happen; VT_NEVER: nothing is planned.
vtime_t incidents_next(const struct incidents *i);

// Lets happen what is due. Not from within a run.
void incidents_serve(struct incidents *i);
