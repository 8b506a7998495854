// SPDX-License-Identifier: MIT
// Written from the LZMA specification. Names are its own: a stream is a row of
// decisions, each coded with a probability that learns from it.
#include "common/base/unlzma.h"

#include "common/base/bytes.h"

enum {
  LITERAL_CONTEXT = 1,   // lc: bits of the byte before that choose the probabilities
  LITERAL_POSITION = 1,  // lp: bits of the position that do
  POSITIONS = 2,         // 2 to the power of pb
  STATES = 12,
  LITERAL_STATES = 7,  // below: the last was a literal
  PROBABILITY_BITS = 11,
  EVEN = 1 << (PROBABILITY_BITS - 1),
  LEARNING = 5,
  LENGTH_STATES = 4,
  SLOT_BITS = 6,
  ALIGN_BITS = 4,
  FIRST_SPECIAL = 4,  // distance slots with probabilities of their own: 4 to 13
  FIRST_PLAIN = 14,
  SPECIALS = 115,
  SHORTEST = 2,
  FRESH = 5,  // bytes before the first decision
};

#define END_MARKER 0xFFFFFFFFu

struct lengths {
  uint16_t choice, choice2;
  uint16_t low[POSITIONS][8], middle[POSITIONS][8], high[256];
};

// All of it are probabilities.
struct model {
  uint16_t is_match[STATES][POSITIONS];
  uint16_t is_rep[STATES], is_rep0[STATES], is_rep1[STATES], is_rep2[STATES];
  uint16_t is_rep0_long[STATES][POSITIONS];
  uint16_t slot[LENGTH_STATES][1 << SLOT_BITS];
  uint16_t special[SPECIALS], align[1 << ALIGN_BITS];
  struct lengths match, rep;
  uint16_t literal[1 << (LITERAL_CONTEXT + LITERAL_POSITION)][0x300];
};

struct decoder {
  const uint8_t *in, *in_end;
  uint8_t *out;
  size_t at, room;
  uint32_t range, code;
  uint32_t state;
  uint32_t rep[4];
  bool bad;
  struct model model;
};

static void normalize(struct decoder *d) {
  if (d->range >> 24) return;
  d->range <<= 8;
  d->code <<= 8;
  if (d->in == d->in_end) {
    d->bad = true;
  } else {
    d->code |= *d->in++;
  }
}

static uint32_t bit(struct decoder *d, uint16_t *probability) {
  const uint32_t p = *probability;
  normalize(d);
  const uint32_t bound = (d->range >> PROBABILITY_BITS) * p;
  if (d->code < bound) {
    d->range = bound;
    *probability = (uint16_t)(p + (((1u << PROBABILITY_BITS) - p) >> LEARNING));
    return 0;
  }
  d->range -= bound;
  d->code -= bound;
  *probability = (uint16_t)(p - (p >> LEARNING));
  return 1;
}

static uint32_t direct_bits(struct decoder *d, uint32_t count) {
  uint32_t value = 0;
  while (count--) {
    normalize(d);
    d->range >>= 1;
    const uint32_t one = d->code >= d->range;
    if (one) d->code -= d->range;
    value = value << 1 | one;
  }
  return value;
}

static uint32_t tree(struct decoder *d, uint16_t *probabilities, uint32_t bits) {
  uint32_t m = 1;
  while (!(m >> bits))
    m = m << 1 | bit(d, &probabilities[m]);
  return m - (1u << bits);
}

static uint32_t reverse_tree(struct decoder *d, uint16_t *probabilities,
                             uint32_t bits) {
  uint32_t m = 1, value = 0;
  for (uint32_t i = 0; i < bits; i++) {
    const uint32_t b = bit(d, &probabilities[m]);
    m = m << 1 | b;
    value |= b << i;
  }
  return value;
}

static void put(struct decoder *d, uint8_t byte) {
  if (d->at == d->room) {
    d->bad = true;
  } else {
    d->out[d->at++] = byte;
  }
}

// The byte `distance` + 1 before the next.
static uint8_t earlier(struct decoder *d, uint32_t distance) {
  if (distance >= d->at) {
    d->bad = true;
    return 0;
  }
  return d->out[d->at - distance - 1];
}

// Behind a match the byte that it would have gone on with tells the bits, until one
// differs.
static void literal(struct decoder *d) {
  const uint32_t before = d->at ? d->out[d->at - 1] : 0;
  const uint32_t low = (uint32_t)d->at & ((1u << LITERAL_POSITION) - 1);
  uint16_t *p =
      d->model.literal[low << LITERAL_CONTEXT | before >> (8 - LITERAL_CONTEXT)];
  const bool matched = d->state >= LITERAL_STATES;
  uint32_t with = matched ? earlier(d, d->rep[0]) : 0;
  uint32_t offset = matched ? 0x100 : 0;
  uint32_t m = 1;
  while (m < 0x100) {
    with <<= 1;
    const uint32_t expected = with & offset;
    const uint32_t b = bit(d, &p[offset + expected + m]);
    m = m << 1 | b;
    offset &= b ? expected : ~expected;
  }
  put(d, (uint8_t)m);
  d->state = d->state < 4 ? 0 : d->state - (d->state < 10 ? 3 : 6);
}

static uint32_t length(struct decoder *d, struct lengths *l) {
  const uint32_t position = (uint32_t)d->at & (POSITIONS - 1);
  if (!bit(d, &l->choice)) return SHORTEST + tree(d, l->low[position], 3);
  if (!bit(d, &l->choice2)) return SHORTEST + 8 + tree(d, l->middle[position], 3);
  return SHORTEST + 16 + tree(d, l->high, 8);
}

static uint32_t distance(struct decoder *d, uint32_t len) {
  const uint32_t state =
      len - SHORTEST < LENGTH_STATES ? len - SHORTEST : LENGTH_STATES - 1;
  const uint32_t slot = tree(d, d->model.slot[state], SLOT_BITS);
  if (slot < FIRST_SPECIAL) return slot;
  const uint32_t bits = (slot >> 1) - 1;
  const uint32_t base = (2 | (slot & 1)) << bits;
  if (slot < FIRST_PLAIN) {
    return base + reverse_tree(d, d->model.special + base - slot, bits);
  }
  const uint32_t high = direct_bits(d, bits - ALIGN_BITS) << ALIGN_BITS;
  return base + high + reverse_tree(d, d->model.align, ALIGN_BITS);
}

// Puts one of the last distances in front. False: one byte only, at the first.
static bool repeat(struct decoder *d, uint32_t position) {
  struct model *m = &d->model;
  uint32_t which = 0;
  if (!bit(d, &m->is_rep0[d->state])) {
    if (!bit(d, &m->is_rep0_long[d->state][position])) return false;
  } else {
    which = !bit(d, &m->is_rep1[d->state]) ? 1 : 2 + bit(d, &m->is_rep2[d->state]);
  }
  const uint32_t found = d->rep[which];
  for (; which; which--)
    d->rep[which] = d->rep[which - 1];
  d->rep[0] = found;
  return true;
}

// Length of the match; 1: a byte at the last distance; 0: the end.
static uint32_t match(struct decoder *d) {
  const uint32_t position = (uint32_t)d->at & (POSITIONS - 1);
  const uint32_t behind_literal = d->state < LITERAL_STATES;
  uint32_t n;
  if (bit(d, &d->model.is_rep[d->state])) {
    if (!repeat(d, position)) {
      d->state = behind_literal ? 9 : 11;
      return 1;
    }
    n = length(d, &d->model.rep);
    d->state = behind_literal ? 8 : 11;
    return n;
  }
  for (int i = 3; i; i--)
    d->rep[i] = d->rep[i - 1];
  n = length(d, &d->model.match);
  d->state = behind_literal ? 7 : 10;
  d->rep[0] = distance(d, n);
  return d->rep[0] == END_MARKER ? 0 : n;
}

// A coder that was not disturbed leaves nothing behind its end marker.
static bool is_finished(struct decoder *d) {
  normalize(d);
  return !d->bad && d->code == 0;
}

static bool expand(struct decoder *d) {
  while (!d->bad) {
    const uint32_t position = (uint32_t)d->at & (POSITIONS - 1);
    if (!bit(d, &d->model.is_match[d->state][position])) {
      literal(d);
      continue;
    }
    uint32_t n = match(d);
    if (n == 0) return is_finished(d);
    for (; n && !d->bad; n--)
      put(d, earlier(d, d->rep[0]));
  }
  return false;
}

enum status unlzma(const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_size) {
  struct decoder d = {.in = in + FRESH,
                      .in_end = in + in_size,
                      .out = out,
                      .room = *out_size,
                      .range = 0xFFFFFFFFu};
  if (in_size < FRESH || in[0] != 0) return ST_DAMAGED;
  for (int i = 1; i < FRESH; i++)
    d.code = d.code << 8 | in[i];
  uint16_t *const probabilities = (uint16_t *)&d.model;
  for (size_t i = 0; i < sizeof d.model / sizeof *probabilities; i++)
    probabilities[i] = EVEN;
  if (!expand(&d)) return ST_DAMAGED;
  *out_size = d.at;
  return ST_OK;
}

// The two halves of BL, with 11 bits of the target each (Armv7-M A7.7.18, near).
void thumb_unfilter(uint8_t *code, size_t size) {
  for (size_t i = 0; i + 4 <= size; i += 2) {
    const uint32_t first = load_le16(code + i), second = load_le16(code + i + 2);
    if (first >> 11 != 0x1E || second >> 11 != 0x1F) continue;
    const uint32_t target = (first & 0x7FF) << 11 | (second & 0x7FF);
    const uint32_t offset = target - (uint32_t)(i + 4) / 2;
    store_le16(code + i, (uint16_t)(0xF000 | (offset >> 11 & 0x7FF)));
    store_le16(code + i + 2, (uint16_t)(0xF800 | (offset & 0x7FF)));
    i += 2;
  }
}
