// SPDX-License-Identifier: MIT
// One update over the serial port of the real bootloader with one fault on the way: at
// one byte of either direction something happens to the line, the sender is stopped, or
// whoever holds the port goes away. Then what is there: the content and the sender was
// told so, or it was told that it failed and nothing half-done starts.
#pragma once

#include "tests/hostmodel/serial_rig.h"

enum serial_leave { SERIAL_STAY, SERIAL_CLOSE, SERIAL_UNPLUG, SERIAL_RESET };

struct serial_point {
  struct serial_rig *port;                      // open
  const struct serial_content *before, *after;  // what is on the board, what is sent
  enum modem_protocol protocol;
  // The fault; behind one that cuts, the port is left and opened again.
  struct serial_fault fault;
  enum serial_leave leave;
  enum serial_direction direction;
  size_t index;
  bool again;  // then the same board takes the same update again
};

struct serial_judgement {
  bool ended;      // the transfer did
  bool happened;   // the fault did
  bool told_good;  // the sender was told of success
  bool reported;   // and the console said something as clear, if it was heard
  bool right;      // all of the new content is there
  bool started;    // an application was, from power-on
  bool is_new;     // and it is the new one
  bool half;       // or neither the old nor the new one; or success was a lie
  bool repeated;   // the same update went well again, and starts; if it was asked for
  bool clean;      // the board did nothing that rig_teardown would not forgive
};

// On the board itself, which is of no use afterwards: for a copy.
void serial_point_try(const struct serial_point *p, struct serial_judgement *j);

// What must not be; NULL: all is well.
const char *serial_point_wrong(const struct serial_judgement *j);

// What starts from power-on is put into `j`: on a copy of the board.
void serial_point_judge_start(const struct serial_point *p, struct serial_judgement *j);
