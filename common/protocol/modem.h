// SPDX-License-Identifier: MIT
// XMODEM (checksum, CRC, 1K), YMODEM batch and YMODEM-G: both ends, as machines without
// I/O. Bytes and the time go in; bytes, blocks of files and one final word come out.
//
//   line --bytes--> modem_receiver_take() --event--> whoever stores the file
//   line <-bytes--- modem_receiver_output() <--accept/cancel--'
//
// How a firmware feeds the receiver, in its main loop, one step at a time:
//
//   modem_receiver_start(&r, MODEM_ASK_CRC, now_ms);
//   loop:
//     n = bytes that USB has;  taken = modem_receiver_take(&r, bytes, n, now_ms);
//     what was not taken stays where it is: USB then says NAK to the host
//     send what modem_receiver_output() gives, if there is room for MODEM_OUTPUT_MAX
//     switch (r.event)
//       MODEM_FILE      look at r.name, r.length; modem_receiver_accept() or _cancel()
//       MODEM_DATA      r.data, r.size: if the writer has room, copy and accept();
//                       if not, do nothing now: the block waits, unacknowledged
//       MODEM_FILE_END  start to finish and verify; accept() when it is done
//       MODEM_OVER      r.end says how; what take() leaves now is not the machine's (it
//                       goes on answering an EOT whose ACK was lost)
//
// When the host closes the port or is unplugged: modem_receiver_cancel(), or just
// forget the struct; nothing needs to be undone. Bytes that came before the start (a
// probe of ModemManager's, an echo) may be given to it: it waits until they are over.
//
// It must be called with no bytes (n = 0) too, for the sake of time: at least every
// 100 ms. An event stands until it is answered, at most MODEM_HOLD_MS, and at the end
// of a file MODEM_VERIFY_MS: then the transfer fails. The next block is asked for when
// one is accepted, not when it is in flash; the end of a file is confirmed when it is
// accepted, so that a sender that was told of success can believe it.
//
// The receiver finds out by itself which of the protocols it hears: block 0 first is
// YMODEM, block 1 or an end XMODEM; blocks of 128 and 1024 bytes may be mixed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MODEM_SOH = 0x01,  // begins a block of 128 bytes
  MODEM_STX = 0x02,  // begins a block of 1024 bytes
  MODEM_EOT = 0x04,
  MODEM_ACK = 0x06,
  MODEM_BS = 0x08,
  MODEM_NAK = 0x15,
  MODEM_CAN = 0x18,
  MODEM_PAD = 0x1A,
  MODEM_CRC = 'C',
  MODEM_STREAM = 'G',
};

enum {
  MODEM_SMALL = 128,
  MODEM_BIG = 1024,
  // Two numbers, the data and their CRC; the byte that begins a block is not kept.
  MODEM_BLOCK_MAX = 2 + MODEM_BIG + 2,
  // CAN and as many backspaces, so that a terminal shows nothing of them.
  MODEM_CANCEL_COUNT = 8,
  // Two CAN in a row cancel where a block could begin; elsewhere they may be data, and
  // it takes five: as many as senders give at least (Forsberg; lrzsz ten).
  MODEM_CANCEL_SURE = 5,
  MODEM_OUTPUT_MAX = 2 * MODEM_CANCEL_COUNT,
};

// Times in milliseconds. lrzsz waits 60 s for an ACK and 10 s for a block, and others
// 10 s for either, ten times over; so both ends here stay below, or ask again.
enum {
  MODEM_ASK_MS = 3000,   // between two requests for the first block (lrzsz: 2.5 to 4 s)
  MODEM_ASK_TRIES = 20,  // so long a person has to start the sender: one minute
  MODEM_ASK_CRC_TRIES = 10,  // then a checksum is asked for: very old senders
  MODEM_BLOCK_MS = 10000,    // until a block begins (lrzsz: 10 s)
  MODEM_QUIET_MS =
      1000,  // inside a block, and until a line counts as quiet (lrzsz: 1 s)
  // An EOT must be followed by nothing: a damaged block can begin with one. lrzsz waits
  // 1 s here; USB and serial lines have no gaps of 0.1 s inside a block.
  MODEM_EOT_QUIET_MS = 100,
  MODEM_BABBLE_MS = 30000,  // longest wait for a line to become quiet
  MODEM_TRIES = 10,         // for one block (lrzsz: RETRYMAX)
  MODEM_HOLD_MS = 30000,    // how long an event may stand: half of lrzsz's patience
  MODEM_VERIFY_MS = 50000,  // the same at the end of a file
  // The sender's. Its ACK wait is longer than MODEM_BLOCK_MS, so that the receiver asks
  // first: two who ask at once get two answers, and one too many is taken for the next.
  MODEM_ANSWER_MS = 15000,
  MODEM_START_MS = 60000,  // (lrzsz: 60 s)
  MODEM_STALE_MS = 1000,   // a 'C' that comes sooner behind a block was sent before it
  MODEM_LAST_MS = 3000,  // for the ACK behind a batch: all files are confirmed by then
  MODEM_LAST_TRIES = 3,
};

// How a transfer ends: X(enumerator, stable number, sentence).
#define MODEM_END_LIST(X)                                                        \
  X(OK, 0, "the transfer is complete")                                           \
  X(CANCELLED, 1, "the other side cancelled the transfer")                       \
  X(STOPPED, 2, "the transfer was stopped on this side")                         \
  X(NOT_STARTED, 3, "the other side did not start a transfer")                   \
  X(SILENT, 4, "the other side no longer answers")                               \
  X(ERRORS, 5, "the line is too bad: a block was damaged ten times in a row")    \
  X(OUT_OF_STEP, 6, "the other side sent a block out of order; start again")     \
  X(SHORT, 7, "the file ended before all of it had come; send it again")         \
  X(STREAM, 8, "a block was damaged, and YMODEM-G cannot repeat it; use YMODEM") \
  X(TOO_SLOW, 9, "the received data could not be stored in time")                \
  X(UNENDED, 10, "the batch broke off behind a file; send all of it again")

enum modem_end {
#define X(name, number, sentence) MODEM_END_##name = (number),
  MODEM_END_LIST(X)
#undef X
};

// The sentence; never NULL, also for a number that is none.
const char *modem_end_sentence(enum modem_end end);

enum modem_event {
  MODEM_IDLE,      // nothing to do but to wait for bytes or time
  MODEM_FILE,      // receiver: a file begins. Sender: which file is next?
  MODEM_DATA,      // receiver: bytes of it. Sender: which bytes are next?
  MODEM_FILE_END,  // receiver only: all of it has come
  MODEM_OVER,      // the end; see `end`
};

// ---- Receiver --------------------------------------------------------------

enum modem_ask {
  MODEM_ASK_CRC,     // 'C', later NAK: every XMODEM and YMODEM sender
  MODEM_ASK_STREAM,  // 'G': YMODEM-G, on a line that loses nothing and can wait
};

struct modem_receiver {
  // For whoever stores the file. Names and data stay until the event is answered.
  enum modem_event event;
  enum modem_end end;
  bool xmodem;      // the last block's padding cannot be told from the file
  bool has_length;  // else all blocks are kept whole

  // Private. (Bytes come first: Thumb reaches them in two bytes of code.)
  uint8_t state, ask, errors, expected, cans, output_count;
  bool crc, naming, begun, eot, missing;
  uint16_t have, need, data_size, check;

  // For whoever stores the file, again.
  const char *name;     // MODEM_FILE: as sent, any bytes; "" is never sent
  uint32_t length;      // cut to 2^32 - 1
  const uint8_t *data;  // MODEM_DATA: the next bytes, behind `received`
  uint32_t size;        // 1 to 1024; padding behind the length is already cut off
  uint32_t received;    // bytes of this file that were accepted
  uint32_t files;       // that were accepted to their end

  // Private.
  uint32_t now, deadline, limit, purged;
  uint8_t output[MODEM_OUTPUT_MAX];
  uint8_t block[MODEM_BLOCK_MAX + 1];  // with room for a NUL behind a name
};

void modem_receiver_start(struct modem_receiver *r, enum modem_ask ask,
                          uint32_t now_ms);

// Takes bytes from the line and looks at the time, which may wrap. Returns how many of
// them it took: fewer than `n` while a stream has to wait, and when it is over.
size_t modem_receiver_take(struct modem_receiver *r, const uint8_t *bytes, size_t n,
                           uint32_t now_ms);

// Moves up to MODEM_OUTPUT_MAX bytes for the line to `out`; returns how many.
size_t modem_receiver_output(struct modem_receiver *r, uint8_t out[MODEM_OUTPUT_MAX]);

// Answers MODEM_FILE, MODEM_DATA or MODEM_FILE_END: taken, go on.
void modem_receiver_accept(struct modem_receiver *r, uint32_t now_ms);

// At any time: ends the transfer and tells the sender. MODEM_OVER follows when the line
// is quiet, so that the rest of a file is not taken for a command.
void modem_receiver_cancel(struct modem_receiver *r, uint32_t now_ms);

// Milliseconds until it wants to be called even if no byte comes.
uint32_t modem_receiver_wait(const struct modem_receiver *r, uint32_t now_ms);

// ---- Sender ----------------------------------------------------------------
//
//   loop: modem_sender_take(&s, bytes, n, now_ms);
//         write what modem_sender_output() gives; modem_sender_sent() how much went
//         switch (s.event)
//           MODEM_FILE  modem_sender_file(), or _finish() when there is no more
//           MODEM_DATA  modem_sender_data(): s.size bytes of the file, from s.offset
//           MODEM_OVER  s.end says how

enum modem_protocol {
  MODEM_XMODEM,     // one file, blocks of 128 bytes
  MODEM_XMODEM_1K,  // one file, blocks of 1024 bytes; of 128 for a receiver without CRC
  MODEM_YMODEM,     // files with names and lengths, blocks of 1024 bytes
  MODEM_YMODEM_G,   // the same, only to a receiver that asks for a stream
};

struct modem_sender {
  enum modem_event event;
  enum modem_end end;
  uint32_t offset, size;  // MODEM_DATA: which bytes
  uint32_t files;         // that the receiver has confirmed

  // Private.
  uint8_t state, protocol, what, number, tries, cans, ask;
  bool crc, stream, repeated, go;
  uint16_t data_size, output_at, output_end;
  uint32_t length, now, deadline, fresh;
  uint8_t packet[1 + MODEM_BLOCK_MAX];
};

void modem_sender_start(struct modem_sender *s, enum modem_protocol protocol,
                        uint32_t now_ms);
void modem_sender_take(struct modem_sender *s, const uint8_t *bytes, size_t n,
                       uint32_t now_ms);

// What is to be written next: `*n` bytes, perhaps none; and that some of them were.
const uint8_t *modem_sender_output(const struct modem_sender *s, size_t *n);
void modem_sender_sent(struct modem_sender *s, size_t n, uint32_t now_ms);

// Answers MODEM_FILE. XMODEM sends no name; a name is cut to 100 bytes.
void modem_sender_file(struct modem_sender *s, const char *name, uint32_t length,
                       uint32_t now_ms);
void modem_sender_finish(struct modem_sender *s, uint32_t now_ms);

// Answers MODEM_DATA.
void modem_sender_data(struct modem_sender *s, const uint8_t *bytes, uint32_t now_ms);

// At any time: tells the receiver, then MODEM_OVER.
void modem_sender_cancel(struct modem_sender *s, uint32_t now_ms);

uint32_t modem_sender_wait(const struct modem_sender *s, uint32_t now_ms);
