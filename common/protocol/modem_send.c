// SPDX-License-Identifier: MIT
// The sending end of XMODEM and YMODEM.
//
//   START --'C', NAK, 'G'--> (file?) --> name --ACK--> GO --'C'--> (data?) --> block
//   --.
//     ^                                                              ^----- ACK ------'
//     '--------------- ACK -------------- EOT <--- behind the last one
//
// Each packet is SENDING, then waits for its ANSWER, and is repeated by NAK and by
// time.
#include <string.h>

#include "common/base/crc16.h"
#include "common/protocol/modem.h"

enum state {
  START,    // until the receiver asks for a file
  GO,       // until it asks for the data behind a name
  ASKING,   // the caller has an event to answer
  SENDING,  // until all of the packet went
  ANSWER,   // until it is acknowledged
  DRAIN,    // a repeated packet was: until no second answer comes
  ENDING,   // until the CANs went
  OVER,
};

enum what { NAME, BLOCK, END_OF_FILE, END_OF_BATCH };

enum { NAME_MAX_LENGTH = 100, DIGITS_MAX = 10, SMALL_TAIL = 896 };

static bool is_xmodem(const struct modem_sender *s) {
  return s->protocol <= MODEM_XMODEM_1K;
}

static void enter(struct modem_sender *s, enum state state, uint32_t ms) {
  s->state = (uint8_t)state;
  s->deadline = s->now + ms;
  s->cans = 0;
}

static void finish(struct modem_sender *s) {
  s->state = OVER;
  s->event = MODEM_OVER;
}

static void fail(struct modem_sender *s, enum modem_end end) {
  s->event = MODEM_IDLE;
  s->end = end;
  memset(s->packet, MODEM_CAN, MODEM_CANCEL_COUNT);
  memset(s->packet + MODEM_CANCEL_COUNT, MODEM_BS, MODEM_CANCEL_COUNT);
  s->output_at = 0;
  s->output_end = MODEM_OUTPUT_MAX;
  enter(s, ENDING, MODEM_START_MS);
}

// ---- Packets ---------------------------------------------------------------

static void send_packet(struct modem_sender *s) {
  s->output_at = 0;
  enter(s, SENDING, MODEM_START_MS);
}

// The check, which depends on what the receiver has asked for.
static void seal(struct modem_sender *s) {
  const uint8_t *data = s->packet + 3;
  uint8_t *check = s->packet + 3 + s->data_size;
  if (s->crc) {
    const uint16_t crc = crc16_update(0, data, s->data_size);
    *check++ = (uint8_t)(crc >> 8);
    *check++ = (uint8_t)crc;
  } else {
    uint8_t sum = 0;
    for (size_t i = 0; i < s->data_size; i++) {
      sum = (uint8_t)(sum + data[i]);
    }
    *check++ = sum;
  }
  s->output_end = (uint16_t)(check - s->packet);
}

static void send_block(struct modem_sender *s, enum what what, uint16_t size) {
  s->what = (uint8_t)what;
  s->tries = 0;
  s->repeated = s->go = false;
  s->data_size = size;
  s->packet[0] = size == MODEM_BIG ? MODEM_STX : MODEM_SOH;
  s->packet[1] = s->number;
  s->packet[2] = (uint8_t)~s->number;
  seal(s);
  send_packet(s);
}

static void send_eot(struct modem_sender *s) {
  s->what = END_OF_FILE;
  s->tries = 0;
  s->repeated = s->go = false;
  s->packet[0] = MODEM_EOT;
  s->output_end = 1;
  send_packet(s);
}

// The last bytes go in small blocks, as lrzsz sends them: less padding.
static uint16_t block_size(const struct modem_sender *s) {
  const bool big = s->protocol != MODEM_XMODEM && s->crc;
  return big && s->length - s->offset > SMALL_TAIL ? MODEM_BIG : MODEM_SMALL;
}

static void next_block(struct modem_sender *s) {
  const uint32_t left = s->length - s->offset;
  if (left == 0) {
    send_eot(s);
    return;
  }
  s->data_size = block_size(s);
  s->size = left < s->data_size ? left : s->data_size;
  s->event = MODEM_DATA;
  s->state = ASKING;
}

// ---- What the receiver says ------------------------------------------------

static void confirm(struct modem_sender *s) {
  switch (s->what) {
    case NAME:
      s->number = 1;
      enter(s, GO, MODEM_START_MS);
      break;
    case BLOCK:
      s->offset += s->size;
      s->number++;
      next_block(s);
      break;
    case END_OF_FILE:
      s->files++;
      if (is_xmodem(s)) {
        finish(s);
      } else {
        enter(s, START, MODEM_START_MS);
      }
      break;
    default: finish(s);
  }
}

// The receiver may ask for it often: before its first ACK it asks by the clock.
static bool is_first(const struct modem_sender *s) {
  return s->what == NAME || s->what == END_OF_BATCH ||
         (s->what == BLOCK && s->offset == 0);
}

static uint8_t tries_limit(const struct modem_sender *s, enum modem_end why) {
  if (s->what == END_OF_BATCH) return MODEM_LAST_TRIES;
  return is_first(s) && why == MODEM_END_ERRORS ? MODEM_ASK_TRIES : MODEM_TRIES;
}

static void repeat(struct modem_sender *s, enum modem_end why) {
  if (s->stream && s->what == BLOCK) {
    fail(s, MODEM_END_STREAM);
  } else if (++s->tries <= tries_limit(s, why)) {
    s->repeated = true;
    send_packet(s);
  } else if (s->what == END_OF_BATCH) {
    finish(s);  // each file was confirmed before
  } else {
    fail(s, why);
  }
}

static bool asks(uint8_t byte) {
  return byte == MODEM_CRC || byte == MODEM_STREAM || byte == MODEM_NAK;
}

static void take_ask(struct modem_sender *s, uint8_t byte) {
  const bool stream = byte == MODEM_STREAM;
  if (!asks(byte)) return;
  if (stream ? is_xmodem(s) : s->protocol == MODEM_YMODEM_G) return;
  // Only who asks for it twice, before the name and behind it, gets a stream: one
  // damaged 'C' must not make us send to a receiver that is not ready.
  s->stream = stream && (s->stream || s->state == START);
  s->crc = byte != MODEM_NAK;
  if (s->state == GO) {
    next_block(s);
  } else {
    s->state = ASKING;
    s->event = MODEM_FILE;
  }
}

// Before the first file a console may still be talking, and its words have letters:
// only one with nothing behind it is meant.
static void take_first_ask(struct modem_sender *s, uint8_t byte) {
  if (s->files > 0) {
    take_ask(s, byte);
    return;
  }
  s->ask = asks(byte) ? byte : 0;
  s->deadline = s->ask ? s->now + MODEM_EOT_QUIET_MS : s->fresh + MODEM_START_MS;
}

static void end_first_ask(struct modem_sender *s) {
  const uint8_t byte = s->ask;
  s->ask = 0;
  s->deadline = s->fresh + MODEM_START_MS;
  take_ask(s, byte);
}

static void take_answer(struct modem_sender *s, uint8_t byte) {
  if (byte == MODEM_ACK && s->repeated) {
    enter(s, DRAIN, MODEM_QUIET_MS);
  } else if (byte == MODEM_ACK) {
    confirm(s);
  } else if (byte == MODEM_NAK && s->what == END_OF_FILE) {
    s->tries++;  // custom: the first one is refused
    if (s->tries > MODEM_TRIES) {
      fail(s, MODEM_END_ERRORS);
    } else {
      send_packet(s);
    }
  } else if (byte == MODEM_NAK) {
    repeat(s, MODEM_END_ERRORS);
  } else if (asks(byte) && is_first(s) && s->now - s->fresh >= MODEM_STALE_MS) {
    s->crc = true;
    if (s->what == BLOCK || s->what == NAME) seal(s);
    repeat(s, MODEM_END_ERRORS);
  }
}

// After the answer to a packet that went twice.
static void take_second(struct modem_sender *s, uint8_t byte) {
  if (byte == MODEM_NAK) {
    repeat(s, MODEM_END_ERRORS);  // it was in step, and lost the second one
    return;
  }
  if (byte == MODEM_CRC || byte == MODEM_STREAM) s->go = true;
  // Not for ever: a line may babble.
  if (s->now - s->fresh < MODEM_BLOCK_MS) s->deadline = s->now + MODEM_QUIET_MS;
}

static void take_byte(struct modem_sender *s, uint8_t byte) {
  s->cans = (uint8_t)(byte == MODEM_CAN ? s->cans + 1 : 0);
  if (s->cans >= 2 && s->state < ENDING) {
    fail(s, MODEM_END_CANCELLED);
    return;
  }
  switch (s->state) {
    case START: take_first_ask(s, byte); break;
    case GO: take_ask(s, byte); break;
    case ANSWER: take_answer(s, byte); break;
    case DRAIN: take_second(s, byte); break;
    case ASKING:
    case SENDING:
      if (byte == MODEM_NAK && s->stream && s->what == BLOCK) fail(s, MODEM_END_STREAM);
      break;
    default: break;
  }
}

// No second answer came to a packet that was repeated.
static void end_drain(struct modem_sender *s) {
  const uint8_t ask = s->stream ? MODEM_STREAM : s->crc ? MODEM_CRC : MODEM_NAK;
  const bool go = s->go;
  confirm(s);
  if (go && (s->state == GO || s->state == START)) take_ask(s, ask);
}

static void take_time(struct modem_sender *s) {
  if ((int32_t)(s->now - s->deadline) < 0) return;
  switch (s->state) {
    case START:
      if (s->ask) {
        end_first_ask(s);
      } else {
        fail(s, s->files ? MODEM_END_SILENT : MODEM_END_NOT_STARTED);
      }
      break;
    case GO: fail(s, MODEM_END_SILENT); break;
    case SENDING: fail(s, MODEM_END_SILENT); break;
    case ANSWER: repeat(s, MODEM_END_SILENT); break;
    case DRAIN: end_drain(s); break;
    case ENDING: finish(s); break;
    default: break;
  }
}

// ---- From outside ----------------------------------------------------------

void modem_sender_start(struct modem_sender *s, enum modem_protocol protocol,
                        uint32_t now_ms) {
  memset(s, 0, offsetof(struct modem_sender, packet));
  s->protocol = (uint8_t)protocol;
  s->now = s->fresh = now_ms;
  enter(s, START, MODEM_START_MS);
}

void modem_sender_take(struct modem_sender *s, const uint8_t *bytes, size_t n,
                       uint32_t now_ms) {
  s->now = now_ms;
  for (size_t i = 0; i < n; i++) {
    take_byte(s, bytes[i]);
  }
  take_time(s);
}

const uint8_t *modem_sender_output(const struct modem_sender *s, size_t *n) {
  const bool some = s->state == SENDING || s->state == ENDING;
  *n = some ? (size_t)(s->output_end - s->output_at) : 0;
  return s->packet + s->output_at;
}

void modem_sender_sent(struct modem_sender *s, size_t n, uint32_t now_ms) {
  s->now = now_ms;
  s->output_at = (uint16_t)(s->output_at + n);
  if (s->output_at < s->output_end) return;
  s->fresh = now_ms;
  if (s->state == ENDING) {
    finish(s);
  } else if (s->stream && s->what == BLOCK) {
    confirm(s);
  } else {
    enter(s, ANSWER, s->what == END_OF_BATCH ? MODEM_LAST_MS : MODEM_ANSWER_MS);
  }
}

static void put_decimal(uint8_t *out, uint32_t value) {
  char digits[DIGITS_MAX];
  size_t n = 0;
  do {
    digits[n++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value > 0);
  for (size_t i = 0; i < n; i++) {
    out[i] = (uint8_t)digits[n - 1 - i];
  }
}

void modem_sender_file(struct modem_sender *s, const char *name, uint32_t length,
                       uint32_t now_ms) {
  if (s->event != MODEM_FILE) return;
  s->now = now_ms;
  s->event = MODEM_IDLE;
  s->length = length;
  s->offset = 0;
  if (is_xmodem(s)) {
    s->number = 1;
    next_block(s);
    return;
  }
  uint8_t *data = s->packet + 3;
  const char *end = memchr(name, 0, NAME_MAX_LENGTH);
  const size_t n = end ? (size_t)(end - name) : NAME_MAX_LENGTH;
  memset(data, 0, MODEM_SMALL);
  memcpy(data, name, n);
  put_decimal(data + n + 1, length);
  s->number = 0;
  send_block(s, NAME, MODEM_SMALL);
}

void modem_sender_finish(struct modem_sender *s, uint32_t now_ms) {
  if (s->event != MODEM_FILE) return;
  s->now = now_ms;
  s->event = MODEM_IDLE;
  if (is_xmodem(s)) {
    fail(s, MODEM_END_STOPPED);  // a receiver of one file waits for one
    return;
  }
  s->number = 0;
  memset(s->packet + 3, 0, MODEM_SMALL);
  send_block(s, END_OF_BATCH, MODEM_SMALL);
}

void modem_sender_data(struct modem_sender *s, const uint8_t *bytes, uint32_t now_ms) {
  if (s->event != MODEM_DATA) return;
  s->now = now_ms;
  s->event = MODEM_IDLE;
  memcpy(s->packet + 3, bytes, s->size);
  memset(s->packet + 3 + s->size, MODEM_PAD, s->data_size - s->size);
  send_block(s, BLOCK, s->data_size);
}

void modem_sender_cancel(struct modem_sender *s, uint32_t now_ms) {
  s->now = now_ms;
  if (s->state < ENDING) fail(s, MODEM_END_STOPPED);
}

uint32_t modem_sender_wait(const struct modem_sender *s, uint32_t now_ms) {
  const int32_t left = (int32_t)(s->deadline - now_ms);
  return left > 0 ? (uint32_t)left : 0;
}
