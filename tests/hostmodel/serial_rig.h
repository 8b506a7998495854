// SPDX-License-Identifier: MIT
// The serial program of serial_host.h on a rig, with two small updates for it: a .dfu
// file of two targets, an application that runs for ever and some bytes of NOR; and a
// plain file of one block, such an application alone.
#pragma once

#include "tests/hostmodel/rig.h"
#include "tests/hostmodel/serial_host.h"

enum {
  SERIAL_APPLICATION_SIZE = 0x204,
  SERIAL_ASSETS_SIZE = 300,
  SERIAL_SHORT_SIZE = 100,
  SERIAL_DFU_ROOM = 2048,
};

struct serial_content {
  uint8_t application[SERIAL_APPLICATION_SIZE], assets[SERIAL_ASSETS_SIZE];
  uint32_t application_size, assets_size;
  uint8_t dfu[SERIAL_DFU_ROOM];
  struct serial_file file;
};

void serial_content_make(struct serial_content *c, uint8_t seed);
void serial_content_make_short(struct serial_content *c, uint8_t seed);

// Whether it is in the cells.
bool serial_content_is_on(const struct serial_content *c, const struct rig *r);

struct serial_rig {
  struct rig *rig;
  struct serial_host host;
};

// The host model's hooks are kept; the board is configured. Returns when it has
// greeted.
void serial_rig_open(struct serial_rig *s, struct rig *r);
// DTR falls, if somebody is there to be told.
void serial_rig_close(struct serial_rig *s);

// Runs until the transfer is over or was cut; false: it still runs after `limit`.
bool serial_rig_wait(struct serial_rig *s, vtime_t limit);
// Until the console is at its prompt, and silent; false: it is not within `limit`.
bool serial_rig_prompt(struct serial_rig *s, vtime_t limit);

// `load` or `load g`, and a whole transfer; true: the sender was told of success.
bool serial_rig_load(struct serial_rig *s, enum modem_protocol protocol,
                     const struct serial_file *file);
