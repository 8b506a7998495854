// SPDX-License-Identifier: MIT
// A sender and a receiver at the two ends of a line that damages, loses, repeats and
// delays bytes as it is told, in virtual time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/protocol/modem.h"

enum line_direction {
  LINE_FORTH,
  LINE_BACK,
  LINE_DIRECTIONS
};  // forth: to the receiver

// What happens to one byte.
struct line_fault {
  uint8_t mask;                     // is changed by it
  bool drop;                        // never comes
  bool twice;                       // comes twice
  uint32_t delay_ms;                // comes later, and so does everything behind it
  uint8_t cans;                     // so many CAN come behind it: a person's hand
  bool cut;                         // nothing comes from here on, in both directions
  bool stop_sender, stop_receiver;  // a person does, at this moment
};

struct line_file {
  const char *name;
  const uint8_t *data;
  size_t size;
};

enum { LINE_FILES_MAX = 3 };

struct line_run {
  // What is to happen.
  enum modem_protocol protocol;
  enum modem_ask ask;
  struct line_file files[LINE_FILES_MAX];
  size_t count;
  void *ctx;
  // The fate of byte number `index` of this direction; NULL: a perfect line.
  struct line_fault (*fault)(void *ctx, enum line_direction d, size_t index,
                             uint8_t byte);
  // How long the consumer lets an event stand, in ms; NULL: not at all.
  uint32_t (*hold)(void *ctx, const struct modem_receiver *r);

  // What happened.
  struct modem_receiver r;
  struct modem_sender s;
  size_t accepted;                // files that the receiver's consumer took as whole
  size_t accidents;               // wrong blocks whose CRC fits
  size_t sum_accidents;           // and whose checksum does
  const char *broken;             // a promise that was broken, or NULL
  uint32_t ms;                    // virtual time that it took
  size_t bytes[LINE_DIRECTIONS];  // that were sent
};

// Runs the transfer until both ends are over, then judges it: either a file is right,
// or both ends know that it failed.
void line_run(struct line_run *run);
