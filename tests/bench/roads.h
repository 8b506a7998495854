// SPDX-License-Identifier: MIT
// How hosts write to a board, and read from it: the sequence of dfu-util, typed from
// what its source does (0.11), the host tool's own library as `quadboot flash` uses it,
// and a serial program that types `load qspi` and sends by XMODEM-1K or YMODEM-G.
#pragma once

#include "tests/bench/link.h"

enum road { ROAD_DFU_UTIL, ROAD_QUADBOOT, ROAD_XMODEM_1K, ROAD_YMODEM_G, ROADS };

static inline bool road_is_serial(enum road road) {
  return road >= ROAD_XMODEM_1K;
}

extern const char *const road_names[ROADS];

struct road_piece {
  uint32_t address, size;
  const uint8_t *bytes;
};

enum { ROAD_PIECES = 2 };

struct road_job {
  struct road_piece pieces[ROAD_PIECES];  // ascending
  size_t count;
  bool reads;  // what is there must be these bytes; by dfu-util's sequence only
};

// From the first request behind the enumeration to the last reply; of a serial road
// from the command to the sender's end.
struct road_span {
  vtime_t begin, end;
};

// True: the host was told that all is well, at span->end.
bool road_run(enum road road, const struct link *link, const struct road_job *job,
              struct road_span *span, struct qb_error *error);
