// SPDX-License-Identifier: MIT
// A fake board with files for both of its flashes, as `quadboot flash` has them, and
// what every run must keep to, whatever goes wrong.
#pragma once

#include "host/lib/update.h"
#include "tests/unit/host/lib/fake_board.h"

enum { RIG_APPLICATION = 20001, RIG_ASSETS = 17000 };  // sectors: 3 of 8 KB, 2 of 16 KB

struct update_rig {
  struct fake_board board;
  struct fake_bus fake_bus;
  struct usb_bus bus;
  uint8_t application[RIG_APPLICATION], assets[RIG_ASSETS];
  struct segments list;
  struct connection connection;
  bool connected;
  struct plan plan;
  struct update_options options;
  struct update_events events;
  struct update_result result;
  // What was told.
  struct job_progress progress;
  unsigned losses, returns;
  // Called with every change of a sector; may be NULL.
  void (*on_unit)(struct update_rig *r, size_t index);
};

int update_rig_setup(void **state);
int update_rig_teardown(void **state);

// Opens the board and makes the plan.
void update_rig_plan(struct update_rig *r);
// update_run(), and what must be true of every result.
void update_rig_run(struct update_rig *r);
// Plans and runs anew, on a fresh board with this fault.
void update_rig_again(struct update_rig *r, enum fake_fault fault, uint64_t at);

bool update_rig_is_done(const struct update_rig *r);  // all bytes are on the board
// Its vector table is, so that a bootloader would start what is installed.
bool update_rig_is_bootable(const struct update_rig *r);

// One plain sentence: of one line, without a full stop or control characters.
void expect_sentence(const struct qb_error *e);
