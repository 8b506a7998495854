// SPDX-License-Identifier: MIT
// An OTG core of the simulator, a cable, and a host at its other end, for the USB
// driver. A file of its own, since the simulator's USB types and the firmware's have
// the same names.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/core/sim.h"

#define CABLE_OTG_HS 0x40040000u
#define CABLE_OTG_FS 0x50000000u

enum cable_fault {
  CABLE_NO_FAULT,
  CABLE_DROP_TOKEN,
  CABLE_LOSE_HANDSHAKE,
  CABLE_CORRUPT_DATA,
  CABLE_FAULTS,  // end of those that a host gets over by itself
  CABLE_BUS_RESET = CABLE_FAULTS,
};

struct cable_setup {
  const char *name;
  bool ulpi;             // OTG_HS with its PHY; else OTG_FS
  bool host_high_speed;  // what the port can do
};

struct cable {
  struct sim sim;
  struct cable_ends *ends;
  bool irq;
  // The driver's main loop: called while the interrupt is up.
  void (*poll)(void *ctx);
  void *ctx;
  uint64_t fault_at, transactions;
  enum cable_fault fault;
};

// The core as after a reset, its clocks running, and registers bound to it.
struct cable *cable_open(const struct cable_setup *setup);
void cable_close(struct cable *c);
void cable_expect_quiet(const struct cable *c);

// --- the core's surroundings ---
void cable_stop_phy_clock(struct cable *c);
void cable_leave_vbus_unwired(struct cable *c);
uint32_t cable_register(const struct cable *c, uint32_t offset);

// --- time; the driver is polled whenever it asks for it ---
void cable_pass(struct cable *c, vtime_t duration);

// --- the host ---
bool cable_attached(struct cable *c);  // within a second
int cable_reset(struct cable *c);      // bus reset, with its recovery
void cable_begin_reset(struct cable *c);
// SETUP bytes as chapter 9 orders them. Bytes moved, or a negative errno.
int cable_control(struct cable *c, uint8_t type, uint8_t request, uint16_t value,
                  uint16_t index, uint16_t length, void *data);
// The same, taken back after that many transactions. False: it had ended.
bool cable_give_up(struct cable *c, uint8_t type, uint8_t request, uint16_t value,
                   uint16_t length, void *data, uint64_t transactions);
// A transfer of an endpoint beside 0, which goes on while time passes; the last one on
// `stream` is over, or is taken back.
enum { CABLE_STREAMS = 3 };
void cable_begin(struct cable *c, unsigned stream, uint8_t endpoint, uint16_t packet,
                 void *data, uint32_t length);
bool cable_running(const struct cable *c, unsigned stream);
// Bytes so far; a negative errno when it ended with one.
int cable_moved(const struct cable *c, unsigned stream);
void cable_take_back(struct cable *c, unsigned stream);

void cable_address(struct cable *c, uint8_t address);  // that the host uses
void cable_suspend(struct cable *c);
void cable_resume(struct cable *c);
// A fault at transaction number `at` from now on, from 1; 0: never.
void cable_arm(struct cable *c, enum cable_fault fault, uint64_t at);
