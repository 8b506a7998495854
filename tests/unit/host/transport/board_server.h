// SPDX-License-Identifier: MIT
// A fake board behind a USB/IP server, which may go silent, hang up or lie at each of
// its messages.
#pragma once

#include "tests/unit/host/lib/fake_board.h"
#include "tests/unit/host/transport/played_server.h"

enum lie {
  LIE_NONE,
  LIE_SILENT,  // no answer, to this and all others
  LIE_HANG_UP,
  LIE_SEQNUM,    // the answer to another request
  LIE_TOO_LONG,  // more bytes than were asked for
  LIE_BAD_COMMAND,
  LIE_STATUS,  // a status that nobody knows
  LIES,
};

struct board_server {
  struct fake_board board;
  struct usb_io io;
  struct played_server server;
  bool knows_sleeps, refuses_import, lists_nothing;
  const char *busid;
  enum lie lie;
  unsigned at, messages;  // message `at` of an import (from 1) is the one
};

void board_server_start(struct board_server *r);
void board_server_stop(struct board_server *r);
