// SPDX-License-Identifier: MIT
// The receiving end of XMODEM and YMODEM.
//
//            .--------- asks again: 'C', 'G' or NAK --------------.
//            v                                                    |
//   +---> HEADER --SOH, STX--> BLOCK --bad, broken off--> PURGE --+ quiet
//   |        |                   | good                     ^
//   |        |--anything else----|--------------------------'
//   |        '--EOT--> EOT ------|--quiet, the second one--.
//   |                            v                         v
//   '---- accept --------------- HOLD <--------------------'
//
// From everywhere: CANCELLED, ... --> ENDING --quiet--> OVER.
#include <string.h>

#include "common/base/crc16.h"
#include "common/protocol/modem.h"

enum state { HEADER, BLOCK, PURGE, AFTER_EOT, HOLD, ENDING, OVER };

static void put(struct modem_receiver *r, uint8_t byte) {
  if (r->output_count < sizeof r->output) r->output[r->output_count++] = byte;
}

static void enter(struct modem_receiver *r, enum state state, uint32_t ms) {
  r->state = (uint8_t)state;
  r->deadline = r->now + ms;
}

static void listen(struct modem_receiver *r) {
  r->cans = 0;
  enter(r, HEADER, r->begun ? MODEM_BLOCK_MS : MODEM_ASK_MS);
}

static void purge(struct modem_receiver *r, enum state state) {
  r->purged = 0;
  r->limit = r->now + MODEM_BABBLE_MS;
  enter(r, state, MODEM_QUIET_MS);
}

static void fail(struct modem_receiver *r, enum modem_end end) {
  r->event = MODEM_IDLE;
  r->end = end;
  memset(r->output, MODEM_CAN, MODEM_CANCEL_COUNT);
  memset(r->output + MODEM_CANCEL_COUNT, MODEM_BS, MODEM_CANCEL_COUNT);
  r->output_count = MODEM_OUTPUT_MAX;
  purge(r, ENDING);
}

static void finish(struct modem_receiver *r) {
  r->state = OVER;
  r->event = MODEM_OVER;
}

// An event for the consumer; nothing goes on until it is answered.
static void hold(struct modem_receiver *r, enum modem_event event) {
  r->event = event;
  r->cans = 0;
  enter(r, HOLD, event == MODEM_FILE_END ? MODEM_VERIFY_MS : MODEM_HOLD_MS);
}

// ---- What is said to the sender --------------------------------------------

static void put_start(struct modem_receiver *r) {
  static const uint8_t starts[] = {MODEM_CRC, MODEM_STREAM};
  put(r, r->crc ? starts[r->ask] : MODEM_NAK);
}

// Nothing at all was understood so far.
static bool is_new(const struct modem_receiver *r) {
  return r->naming && r->files == 0;
}

// Asks once more for what is expected; `why` if it was too often.
static void ask_again(struct modem_receiver *r, enum modem_end why) {
  const uint8_t limit = r->begun ? MODEM_TRIES : MODEM_ASK_TRIES;
  if (++r->errors > limit) {
    // Every file that came was confirmed; whether there were more, nobody knows.
    if (r->naming && r->files > 0) {
      r->end = MODEM_END_UNENDED;
      finish(r);
    } else {
      fail(r, is_new(r) && why == MODEM_END_SILENT ? MODEM_END_NOT_STARTED : why);
    }
    return;
  }
  if (is_new(r) && r->errors >= MODEM_ASK_CRC_TRIES && r->ask == MODEM_ASK_CRC) {
    r->crc = false;
  }
  if (!r->begun) {
    put_start(r);
  } else if (r->ask == MODEM_ASK_CRC) {
    put(r, MODEM_NAK);
  }
  listen(r);
}

// A block, or what may have been one, was lost.
static void lose(struct modem_receiver *r) {
  if (r->ask == MODEM_ASK_STREAM && !r->naming) {
    fail(r, MODEM_END_STREAM);
  } else {
    ask_again(r, MODEM_END_ERRORS);
  }
}

// ---- Blocks ----------------------------------------------------------------

// Decimal digits behind the name; a missing number or 0 says nothing about the length:
// senders of pipes have none.
static void take_length(struct modem_receiver *r, const uint8_t *p,
                        const uint8_t *end) {
  uint32_t length = 0;
  for (; p < end && *p >= '0' && *p <= '9'; p++) {
    const uint32_t digit = (uint32_t)(*p - '0');
    length = length > (UINT32_MAX - digit) / 10u ? UINT32_MAX : length * 10u + digit;
  }
  r->length = length;
  r->has_length = length != 0;
}

static void take_name(struct modem_receiver *r) {
  uint8_t *name = r->block + 2;
  uint8_t *end = name + r->data_size;
  if (*name == 0) {
    put(r, MODEM_ACK);
    finish(r);
    return;
  }
  *end = 0;  // it was the check
  const uint8_t *digits = name;
  while (*digits)
    digits++;
  take_length(r, digits + 1, end);
  r->name = (const char *)name;
  r->received = 0;
  hold(r, MODEM_FILE);
}

static void take_data(struct modem_receiver *r) {
  const uint32_t left = r->has_length ? r->length - r->received : UINT32_MAX;
  r->data = r->block + 2;
  r->size = r->data_size < left ? r->data_size : left;
  r->expected++;
  r->begun = true;
  hold(r, MODEM_DATA);
  if (r->size == 0) modem_receiver_accept(r, r->now);  // all padding
}

// A repeat of the block before: its ACK was lost.
static void acknowledge(struct modem_receiver *r) {
  if (r->ask == MODEM_ASK_CRC || !r->begun) put(r, MODEM_ACK);
  if (!r->begun) put_start(r);
  listen(r);
}

static void take_good(struct modem_receiver *r, uint8_t number, uint16_t check) {
  const bool repeat = number == (uint8_t)(r->expected - 1u) && check == r->check;
  r->errors = 0;
  r->missing = r->eot = false;
  if (is_new(r) && number == 1) {
    r->naming = false;
    r->xmodem = true;
    r->expected = 1;
  }
  if (number == r->expected && r->naming) {
    r->check = check;
    take_name(r);
  } else if (number == r->expected) {
    r->check = check;
    take_data(r);
  } else if (!r->naming && repeat) {
    acknowledge(r);
  } else {
    fail(r, MODEM_END_OUT_OF_STEP);
  }
}

static uint8_t sum(const uint8_t *p, size_t n) {
  uint8_t total = 0;
  while (n--) {
    total = (uint8_t)(total + *p++);
  }
  return total;
}

// A sender that was stopped inside of a block: its CANs are what came last, or they
// have filled the block up and go on behind it.
static uint8_t cans_at_end(const struct modem_receiver *r) {
  const uint8_t *p = r->block + r->have;
  uint8_t cans = 0;
  while (p > r->block && p[-1] == MODEM_BS)
    p--;
  while (p > r->block && p[-1] == MODEM_CAN && cans < MODEM_CANCEL_SURE) {
    p--;
    cans++;
  }
  return cans;
}

static void end_block(struct modem_receiver *r) {
  const uint8_t *data = r->block + 2;
  const uint8_t *check = data + r->data_size;
  const bool crc = r->need - r->data_size == 4;
  const uint16_t actual =
      crc ? crc16_update(0, data, r->data_size) : sum(data, r->data_size);
  const uint32_t stated = crc ? (uint32_t)check[0] << 8 | check[1] : check[0];
  if (actual == stated && (r->block[0] ^ r->block[1]) == 0xFF) {
    r->crc = crc;
    take_good(r, r->block[0], actual);
  } else if (!crc && is_new(r)) {
    r->need++;  // the sender may have heard an older 'C'
  } else {
    r->missing = true;
    r->cans = cans_at_end(r);
    purge(r, PURGE);
  }
}

static size_t take_block(struct modem_receiver *r, const uint8_t *p, size_t n) {
  const size_t room = (size_t)(r->need - r->have);
  if (n > room) n = room;
  memcpy(r->block + r->have, p, n);
  r->have = (uint16_t)(r->have + n);
  r->deadline = r->now + MODEM_QUIET_MS;
  if (r->have == r->need) end_block(r);
  return n;
}

static void begin_block(struct modem_receiver *r, uint16_t size) {
  r->data_size = size;
  r->have = 0;
  r->need = (uint16_t)(2 + size + (r->crc ? 2 : 1));
  enter(r, BLOCK, MODEM_QUIET_MS);
}

static void break_block(struct modem_receiver *r) {
  if (cans_at_end(r) >= MODEM_CANCEL_SURE) {
    fail(r, MODEM_END_CANCELLED);
    return;
  }
  if (r->have > 2) r->missing = true;  // a damaged EOT is not a lost block
  lose(r);
}

// ---- Bytes between blocks --------------------------------------------------

static void take_header(struct modem_receiver *r, uint8_t byte) {
  switch (byte) {
    case MODEM_SOH: begin_block(r, MODEM_SMALL); break;
    case MODEM_STX: begin_block(r, MODEM_BIG); break;
    case MODEM_EOT: enter(r, AFTER_EOT, MODEM_EOT_QUIET_MS); break;
    case MODEM_CAN:
      if (r->cans >= 2) fail(r, MODEM_END_CANCELLED);
      break;
    // A terminal that is not yet raw echoes what it hears from here.
    case MODEM_ACK:
    case MODEM_NAK:
    case MODEM_CRC:
    case MODEM_STREAM: break;
    default: purge(r, PURGE);
  }
}

static void take_byte(struct modem_receiver *r, uint8_t byte) {
  if (byte == MODEM_CAN) {
    r->cans = (uint8_t)(r->cans + (r->cans < UINT8_MAX));
  } else if (byte != MODEM_BS) {
    r->cans = 0;
  }
  switch (r->state) {
    case HEADER: take_header(r, byte); break;
    case AFTER_EOT:
      if (byte != MODEM_EOT) purge(r, PURGE);
      break;
    case PURGE:
    case ENDING:
      // Not beyond the limit, which is at least one quiet time away.
      if ((int32_t)(r->limit - r->now) > MODEM_QUIET_MS) {
        r->deadline = r->now + MODEM_QUIET_MS;
      }
      if (++r->purged > 2) r->missing = true;  // a damaged EOT is not a lost block
      break;
    default:  // HOLD: the sender cannot know yet whether its block came; it repeats it
      if (r->cans >= MODEM_CANCEL_SURE) fail(r, MODEM_END_CANCELLED);
  }
}

// An EOT with nothing behind it. The first one is refused (YMODEM's custom), since a
// byte of noise must not end a file.
static void take_eot(struct modem_receiver *r) {
  if (r->naming && r->files > 0) {
    put(r, MODEM_ACK);  // that of the file before was lost
    put_start(r);
    listen(r);
  } else if (!r->eot) {
    r->eot = true;
    put(r, MODEM_NAK);
    enter(r, HEADER, MODEM_BLOCK_MS);
  } else if ((r->missing && r->begun) || (r->has_length && r->received < r->length)) {
    fail(r, MODEM_END_SHORT);
  } else {
    r->xmodem = r->xmodem || r->naming;  // an empty file
    hold(r, MODEM_FILE_END);
  }
}

static void end_purge(struct modem_receiver *r) {
  if (r->cans >= MODEM_CANCEL_SURE) {
    fail(r, MODEM_END_CANCELLED);
  } else {
    lose(r);
  }
}

// A sender that is silent behind its EOT took our refusal for an ACK, and is gone: if
// the file is whole, or empty. Else it may have been killed, and the EOT a Ctrl-D.
static void take_silence(struct modem_receiver *r) {
  if (r->eot && r->received == r->length) {  // 0 if it is not known
    take_eot(r);
  } else {
    ask_again(r, MODEM_END_SILENT);
  }
}

static void take_time(struct modem_receiver *r) {
  if ((int32_t)(r->now - r->deadline) < 0) return;
  switch (r->state) {
    case HEADER: take_silence(r); break;
    case BLOCK: break_block(r); break;
    case AFTER_EOT: take_eot(r); break;
    case HOLD: fail(r, MODEM_END_TOO_SLOW); break;
    case PURGE: end_purge(r); break;
    case ENDING: finish(r); break;
    default: break;
  }
}

// ---- From outside ----------------------------------------------------------

void modem_receiver_start(struct modem_receiver *r, enum modem_ask ask,
                          uint32_t now_ms) {
  memset(r, 0, offsetof(struct modem_receiver, output));
  r->ask = (uint8_t)ask;
  r->crc = r->naming = true;
  r->now = now_ms;
  put_start(r);
  listen(r);
}

size_t modem_receiver_take(struct modem_receiver *r, const uint8_t *bytes, size_t n,
                           uint32_t now_ms) {
  size_t taken = 0;
  r->now = now_ms;
  while (taken < n) {
    if (r->state == OVER) {
      // The ACK of the end was lost, and only XMODEM has nothing behind it.
      if (bytes[taken] != MODEM_EOT || !r->xmodem || r->end != MODEM_END_OK) break;
      taken++;
      put(r, MODEM_ACK);
    } else if (r->state == BLOCK) {
      taken += take_block(r, bytes + taken, n - taken);
    } else if (r->state == HOLD && r->ask == MODEM_ASK_STREAM) {
      break;
    } else {
      take_byte(r, bytes[taken++]);
    }
  }
  take_time(r);
  return taken;
}

size_t modem_receiver_output(struct modem_receiver *r, uint8_t out[MODEM_OUTPUT_MAX]) {
  const size_t n = r->output_count;
  memcpy(out, r->output, n);
  r->output_count = 0;
  return n;
}

void modem_receiver_accept(struct modem_receiver *r, uint32_t now_ms) {
  const enum modem_event event = r->event;
  r->now = now_ms;
  r->event = MODEM_IDLE;
  switch (event) {
    case MODEM_FILE:
      r->naming = r->begun = r->eot = false;
      r->expected = 1;
      acknowledge(r);
      break;
    case MODEM_DATA:
      r->received += r->size;
      acknowledge(r);
      break;
    case MODEM_FILE_END:
      r->files++;
      r->naming = true;
      r->begun = r->eot = false;
      r->expected = 0;
      put(r, MODEM_ACK);
      if (r->xmodem) {
        finish(r);
      } else {
        put_start(r);
        listen(r);
      }
      break;
    default: r->event = event;
  }
}

void modem_receiver_cancel(struct modem_receiver *r, uint32_t now_ms) {
  r->now = now_ms;
  if (r->state < ENDING) fail(r, MODEM_END_STOPPED);
}

uint32_t modem_receiver_wait(const struct modem_receiver *r, uint32_t now_ms) {
  const int32_t left = (int32_t)(r->deadline - now_ms);
  return left > 0 ? (uint32_t)left : 0;
}
