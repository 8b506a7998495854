// SPDX-License-Identifier: MIT
// The serial road: files that come by XMODEM or YMODEM go into the update session. A
// file that begins with "DfuSe" is unpacked while it comes, each part to its address;
// any other goes to one address as it is.
//
//   line --> modem_receiver --> dfuse_stream --> 4 KB --> session --> flash
//
// A block is acknowledged when it was taken, the end of a file when all of it is in the
// flash and verified, and the end of the transfer when "complete" is on record. A
// transfer that ends in any other way leaves an unfinished update: nothing starts.
//
// Where a file tells its length (YMODEM, .dfu), whatever lies beside it keeps its
// bytes. XMODEM does not, so the rest of the last erase block is erased.
#pragma once

#include "common/format/dfuse_stream.h"
#include "common/protocol/modem.h"
#include "firmware/install/session.h"
#include "firmware/serial/line.h"

enum receive_kind { RECEIVE_NEW, RECEIVE_PLAIN, RECEIVE_DFUSE };

struct receive {
  struct session *session;
  bool over;           // and the rest says how it ended
  bool plain;          // a plain file has come
  enum status status;  // what was wrong with a file or the flash; else see modem.end
  uint32_t failed_at;  // an address, or 0
  uint32_t bytes;      // that came in files
  uint32_t ms;         // that it took

  // Private. (What is small comes first: Thumb reaches it in two bytes of code.)
  bool application;  // a plain file must be one
  bool begun;        // a file has
  uint8_t kind;      // enum receive_kind, of the file
  uint32_t address;  // of a plain file
  uint32_t now, begun_at;
  const uint8_t *data;  // of the block, what was not looked at
  uint32_t left;
  struct dfuse_piece piece;  // of it, what was not stored
  // An element, or the plain file: the next address, its end, and how far erases of it
  // are noted.
  uint32_t next, end, noted;
  uint32_t chunk_at, chunk_size;  // what was stored and waits for the rest of its unit
  uint32_t tail_size;             // what is kept behind the end
  struct modem_receiver modem;
  struct dfuse_stream dfuse;
  _Alignas(4) uint8_t chunk[WRITER_UNIT];
  _Alignas(4) uint8_t tail[WRITER_UNIT];
};

// Begins to ask for files. A plain one goes to `address`, and must be an application if
// `application`.
void receive_start(struct receive *r, struct session *s, uint32_t address,
                   bool application, enum modem_ask ask, uint32_t now_ms);

// One step, on an open line. False if it waits for the line, the flash or time; at most
// 100 ms later it wants to be called again.
bool receive_poll(struct receive *r, const struct serial_line *l, uint32_t now_ms);

// The flash has failed, or the line is gone: the transfer is to end.
void receive_fail(struct receive *r, enum status status, uint32_t address);

// No more will come: what lies behind the end of a file that was cut off is to keep its
// bytes. False: not now.
bool receive_stop(struct receive *r);

// A file has begun, and the transfer is not over.
static inline bool receive_busy(const struct receive *r) {
  return r->begun && !r->over;
}
