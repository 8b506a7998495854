// SPDX-License-Identifier: MIT
// Fuzz entry for both ends of XMODEM and YMODEM. The input is a small program: what the
// line brings, how time passes, what the consumer does. Blocks with a right check are
// one instruction, since no mutation would find them.
#include <string.h>

#include "common/base/crc16.h"
#include "common/protocol/modem.h"
#include "tests/fuzz/fuzz.h"

struct program {
  const uint8_t *p;
  size_t left;
};

static uint8_t next(struct program *p) {
  if (p->left == 0) return 0;
  p->left--;
  return *p->p++;
}

static uint32_t next_time(struct program *p) {
  static const uint32_t steps[] = {0, 1, 99, 100, 1000, 3000, 10000, 15000, 60000};
  return steps[next(p) % (sizeof steps / sizeof steps[0])];
}

// A right block, its data a short text and zeros.
static size_t make_block(struct program *p, uint8_t *out) {
  const uint8_t number = next(p);
  const size_t size = next(p) & 1 ? MODEM_BIG : MODEM_SMALL;
  const size_t text = next(p) % 32;
  memset(out, 0, 3 + MODEM_BLOCK_MAX);
  out[0] = size == MODEM_BIG ? MODEM_STX : MODEM_SOH;
  out[1] = number;
  out[2] = (uint8_t)~number;
  for (size_t i = 0; i < text; i++) {
    out[3 + i] = next(p);
  }
  const uint16_t crc = crc16_update(0, out + 3, size);
  out[3 + size] = (uint8_t)(crc >> 8);
  out[4 + size] = (uint8_t)crc;
  return 5 + size;
}

static size_t make_bytes(struct program *p, uint8_t *out) {
  const size_t n = next(p) % 16;
  for (size_t i = 0; i < n; i++) {
    out[i] = next(p);
  }
  return n;
}

static void check_receiver(const struct modem_receiver *r) {
  if (r->event == MODEM_DATA) {
    fuzz_require(r->size >= 1 && r->size <= MODEM_BIG);
    fuzz_require(r->data >= r->block &&
                 r->data + r->size <= r->block + sizeof r->block);
    if (r->has_length) fuzz_require(r->size <= r->length - r->received);
  }
  if (r->event == MODEM_FILE) {
    fuzz_require(r->name[0] && strlen(r->name) <= MODEM_BIG);
  }
  if (r->event == MODEM_FILE_END && r->has_length) {
    fuzz_require(r->received == r->length);
  }
}

static void run_receiver(struct program *p) {
  struct modem_receiver r;
  uint8_t bytes[3 + MODEM_BLOCK_MAX];
  uint8_t out[MODEM_OUTPUT_MAX];
  uint32_t now = 0xFFFFF000u;
  modem_receiver_start(&r, next(p) & 1 ? MODEM_ASK_STREAM : MODEM_ASK_CRC, now);
  while (p->left > 0) {
    size_t n = 0;
    bool fetch = false;  // a firmware may be late with the output
    switch (next(p) % 6) {
      case 0: n = make_bytes(p, bytes); break;
      case 1: n = make_block(p, bytes); break;
      case 2:
        now += next_time(p);
        fetch = true;
        break;
      case 3: modem_receiver_cancel(&r, now); break;
      default: modem_receiver_accept(&r, now);
    }
    const bool over = r.event == MODEM_OVER;
    fuzz_require(modem_receiver_take(&r, bytes, n, now) <= n);
    fuzz_require(!over || r.event == MODEM_OVER);
    fuzz_require(r.output_count <= MODEM_OUTPUT_MAX);
    if (fetch) modem_receiver_output(&r, out);
    check_receiver(&r);
  }
}

static void answer_sender(struct modem_sender *s, struct program *p, uint32_t now) {
  static const uint8_t content[MODEM_BIG] = {1, 2, 3};
  if (s->event == MODEM_FILE && next(p) & 1) {
    modem_sender_file(s, "name", (uint32_t)next(p) << (next(p) % 25), now);
  } else if (s->event == MODEM_FILE) {
    modem_sender_finish(s, now);
  } else if (s->event == MODEM_DATA) {
    fuzz_require(s->size >= 1 && s->size <= MODEM_BIG);
    modem_sender_data(s, content, now);
  }
}

static void run_sender(struct program *p) {
  struct modem_sender s;
  uint8_t bytes[16];
  uint32_t now = 0xFFFFF000u;
  modem_sender_start(&s, (enum modem_protocol)(next(p) & 3), now);
  while (p->left > 0) {
    size_t n = 0;
    size_t count = 0;
    switch (next(p) % 5) {
      case 0: n = make_bytes(p, bytes); break;
      case 1: now += next_time(p); break;
      case 2: answer_sender(&s, p, now); break;
      case 3: {
        const uint8_t *out = modem_sender_output(&s, &count);
        fuzz_require(out >= s.packet && out + count <= s.packet + sizeof s.packet);
        if (count > 0) modem_sender_sent(&s, count > 1 ? count / 2 + 1 : 1, now);
        break;
      }
      default:
        if (next(p) == 0) modem_sender_cancel(&s, now);
    }
    const bool over = s.event == MODEM_OVER;
    modem_sender_take(&s, bytes, n, now);
    fuzz_require(!over || s.event == MODEM_OVER);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct program p = {data, size};
  if (next(&p) & 1) {
    run_sender(&p);
  } else {
    run_receiver(&p);
  }
  return 0;
}
