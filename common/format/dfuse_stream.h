// SPDX-License-Identifier: MIT
// A DfuSe file taken apart while it arrives: bytes in pieces of any size go in, and
// targets and the data of their elements come out, each with its address. Needs no
// memory but this struct, whatever the file holds.
//
// How a firmware feeds it, behind the serial road (common/protocol/modem.h), for each
// block of a file that begins with "DfuSe" (dfuse_begins()):
//
//   dfuse_stream_start(&s);                                   once, at the file's start
//   while (n > 0) {
//     taken = dfuse_stream_take(&s, bytes, n, &piece);        at most one piece a call
//     bytes += taken, n -= taken;
//     DFUSE_PIECE_TARGET   s.target: look at its number and name
//     DFUSE_PIECE_DATA     piece.data belongs at piece.address; it lies in `bytes`
//     DFUSE_PIECE_END      the suffix came, and the checksum is right: s.suffix
//     DFUSE_PIECE_FAILED   s.status says what is wrong with the file; nothing more
//     comes
//   }
//   dfuse_stream_end(&s)                                      once, at the file's end
//
// A step may stop between any two calls: if the writer has no room for a piece, its
// bytes are kept and the block stays unanswered.
//
// Data come out before the checksum has been seen, which is the file's last word. Who
// writes them must not call an update complete before DFUSE_PIECE_END.
#pragma once

#include "common/format/dfuse.h"

// What may follow the suffix: the padding of a last block (XMODEM), of any value.
#define DFUSE_PADDING_MAX 1023u

enum dfuse_piece_kind {
  DFUSE_PIECE_NONE,  // all bytes were taken, and more are needed
  DFUSE_PIECE_TARGET,
  DFUSE_PIECE_DATA,
  DFUSE_PIECE_END,
  DFUSE_PIECE_FAILED,
};

struct dfuse_piece {
  enum dfuse_piece_kind kind;
  uint32_t address;     // DFUSE_PIECE_DATA
  const uint8_t *data;  // inside the bytes that were given
  uint32_t size;        // never 0
  uint32_t left;        // of the element, from `address` on
};

struct dfuse_stream {
  enum dfuse_status status;      // DFUSE_OK until something is wrong
  uint32_t targets, data_bytes;  // that have come

  // Private. (What is small comes first: Thumb reaches it in two bytes of code.)
  uint8_t state, targets_left;
  uint16_t have;
  uint32_t elements_left, target_left, address, data_left;
  uint32_t image_size, taken, crc;

  // The caller's again.
  struct dfuse_suffix suffix;  // behind DFUSE_PIECE_END
  struct dfuse_target target;  // the current one

  // Private.
  uint8_t part[DFUSE_TARGET_PREFIX_SIZE];  // a fixed part that has not yet come whole
};

void dfuse_stream_start(struct dfuse_stream *s);

// Takes bytes up to the end of the next piece; returns how many. A piece of data lives
// as long as `bytes`.
size_t dfuse_stream_take(struct dfuse_stream *s, const uint8_t *bytes, size_t n,
                         struct dfuse_piece *piece);

// What to make of the file, now that no more bytes come: DFUSE_OK, what was wrong, or
// DFUSE_TRUNCATED.
__attribute__((warn_unused_result)) enum dfuse_status dfuse_stream_end(
    const struct dfuse_stream *s);
