// SPDX-License-Identifier: MIT
// The numbers are those of RFC 1951, 3.2.
#include "common/base/inflate.h"

#include <stdbool.h>
#include <string.h>

enum {
  CODE_MAX = 15,  // bits of the longest code
  FAST_BITS = 9,  // codes up to here are looked up at once
  LITERALS = 288,
  DISTANCES = 32,
  END_OF_BLOCK = 256,
  FIRST_LENGTH = 257,
  LAST_LENGTH = 285,
  LAST_DISTANCE = 29,
  REPEAT = 16,
};

// A canonical Huffman code.
struct code {
  uint16_t count[CODE_MAX + 1];    // codes of each length
  uint16_t symbol[LITERALS];       // in the order of their codes
  uint16_t fast[1u << FAST_BITS];  // by the next bits: symbol << 4 | length, or 0
};

enum completeness { COMPLETE, SINGLE, WRONG };

// Whatever goes wrong sets `bad`, which sticks.
struct inflate {
  const uint8_t *in, *in_end;
  uint8_t *begin, *out, *out_end;
  uint32_t hold;  // the next bits of the input, the first one lowest
  uint32_t held;  // how many
  bool bad;
  struct code literals, distances;
};

// ----------------------------------------------------------------------- bits

static void fill(struct inflate *z) {
  while (z->held <= 24 && z->in != z->in_end) {
    z->hold |= (uint32_t)*z->in++ << z->held;
    z->held += 8;
  }
}

// At most 16. Once it was too many, `held` means nothing, and nobody asks.
static void drop(struct inflate *z, uint32_t n) {
  if (n > z->held) z->bad = true;
  z->hold >>= n;
  z->held -= n;
}

// The next `n` bits, at most 16; those that are missing are 0.
static uint32_t bits(struct inflate *z, uint32_t n) {
  fill(z);
  const uint32_t value = z->hold & ((1u << n) - 1u);
  drop(z, n);
  return value;
}

// ---------------------------------------------------------------------- codes

// All codes of up to FAST_BITS bits, with anything behind them.
static void fill_fast(struct code *c) {
  const uint16_t *symbol = c->symbol;
  uint32_t code = 0;  // its first bit lowest
  for (uint32_t length = 1; length <= FAST_BITS; length++) {
    for (uint32_t n = c->count[length]; n > 0; n--) {
      const uint32_t entry = (uint32_t)*symbol++ << 4 | length;
      for (uint32_t i = code; i < 1u << FAST_BITS; i += 1u << length)
        c->fast[i] = (uint16_t)entry;
      // One more, counted from its last bit, which is the highest.
      uint32_t bit = 1u << (length - 1);
      while (code & bit) {
        code ^= bit;
        bit >>= 1;
      }
      code |= bit;
    }
  }
}

static enum completeness make_code(struct code *c, const uint8_t *lengths, uint32_t n) {
  uint16_t next[CODE_MAX + 1];
  memset(c, 0, sizeof *c);
  for (uint32_t i = 0; i < n; i++)
    c->count[lengths[i]]++;
  c->count[0] = 0;
  uint32_t used = 0;
  int32_t left = 1;  // codes of this length that no shorter one begins
  for (uint32_t length = 1; length <= CODE_MAX; length++) {
    next[length] = (uint16_t)used;
    used += c->count[length];
    left = left * 2 - c->count[length];
    if (left < 0) return WRONG;
  }
  for (uint32_t i = 0; i < n; i++) {
    if (lengths[i]) c->symbol[next[lengths[i]]++] = (uint16_t)i;
  }
  fill_fast(c);
  if (left == 0) return COMPLETE;
  return used == c->count[1] ? SINGLE : WRONG;
}

// A code that is longer than FAST_BITS, or none: bit by bit. symbol << 4 | length.
static uint32_t look_up(const struct inflate *z, const struct code *c) {
  uint32_t code = 0;
  uint32_t first = 0;
  const uint16_t *symbol = c->symbol;
  for (uint32_t length = 1; length <= CODE_MAX; length++) {
    code = code << 1 | (z->hold >> (length - 1) & 1u);
    first <<= 1;
    const uint32_t count = c->count[length];
    if (code - first < count) return (uint32_t)symbol[code - first] << 4 | length;
    symbol += count;
    first += count;
  }
  return 0;
}

static uint32_t decode(struct inflate *z, const struct code *c) {
  fill(z);
  uint32_t entry = c->fast[z->hold & ((1u << FAST_BITS) - 1u)];
  if (!entry) entry = look_up(z, c);
  if (!entry) z->bad = true;
  drop(z, entry & 15u);
  return entry >> 4;
}

// --------------------------------------------------------------------- blocks

static void put(struct inflate *z, uint32_t byte) {
  if (z->out == z->out_end) {
    z->bad = true;
  } else {
    *z->out++ = (uint8_t)byte;
  }
}

static void stored(struct inflate *z) {
  drop(z, z->held & 7u);
  uint32_t size = bits(z, 16);
  if ((size ^ bits(z, 16)) != 0xFFFFu) z->bad = true;
  while (!z->bad && size--)
    put(z, bits(z, 8));
}

// The ranges of lengths and distances: 2^k of each width, twice for the first.
static uint32_t ranged(struct inflate *z, uint32_t symbol, uint32_t k) {
  const uint32_t step = symbol >> k;
  if (step < 2) return symbol;
  const uint32_t top = 1u << k | (symbol & ((1u << k) - 1u));
  return (top << (step - 1)) + bits(z, step - 1);
}

static void copy(struct inflate *z, uint32_t symbol) {
  uint32_t length = 258;
  if (symbol != LAST_LENGTH) length = 3 + ranged(z, symbol - FIRST_LENGTH, 2);
  const uint32_t far = decode(z, &z->distances);
  const uint32_t distance = 1 + ranged(z, far, 1);
  if (symbol > LAST_LENGTH || far > LAST_DISTANCE ||
      distance > (size_t)(z->out - z->begin) ||
      length > (size_t)(z->out_end - z->out)) {
    z->bad = true;
  }
  if (z->bad) return;
  const uint8_t *from = z->out - distance;  // may overlap: byte by byte
  uint8_t *to = z->out;
  z->out += length;
  while (to != z->out)
    *to++ = *from++;
}

static void coded(struct inflate *z) {
  for (;;) {
    const uint32_t symbol = decode(z, &z->literals);
    if (z->bad || symbol == END_OF_BLOCK) return;
    if (symbol < END_OF_BLOCK) {
      put(z, symbol);
    } else {
      copy(z, symbol);
    }
  }
}

static void make_fixed(struct inflate *z) {
  uint8_t lengths[LITERALS];
  memset(lengths, 8, 144);
  memset(lengths + 144, 9, 112);
  memset(lengths + 256, 7, 24);
  memset(lengths + 280, 8, 8);
  (void)make_code(&z->literals, lengths, LITERALS);
  memset(lengths, 5, DISTANCES);
  (void)make_code(&z->distances, lengths, DISTANCES);
}

// The lengths of both codes, themselves coded, with repetitions.
static void read_lengths(struct inflate *z, uint8_t *lengths, uint32_t n) {
  uint32_t previous = REPEAT;  // there is none
  for (uint32_t i = 0; i < n && !z->bad;) {
    uint32_t value = decode(z, &z->literals);
    uint32_t times = 1;
    if (value >= REPEAT) {
      static const uint8_t width[] = {2, 3, 7}, least[] = {3, 3, 11};
      times = least[value - REPEAT] + bits(z, width[value - REPEAT]);
      if (value > REPEAT) previous = 0;
      value = previous;
    }
    if (times > n - i || value == REPEAT) {
      z->bad = true;
      return;
    }
    memset(lengths + i, (int)value, times);
    previous = value;
    i += times;
  }
}

static void make_dynamic(struct inflate *z) {
  static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                  11, 4,  12, 3, 13, 2, 14, 1, 15};
  uint8_t lengths[LITERALS + DISTANCES] = {0};
  const uint32_t literals = 257 + bits(z, 5);
  const uint32_t distances = 1 + bits(z, 5);
  const uint32_t codes = 4 + bits(z, 4);
  for (uint32_t i = 0; i < codes; i++)
    lengths[order[i]] = (uint8_t)bits(z, 3);
  if (literals > 286 || distances > 30 ||
      make_code(&z->literals, lengths, sizeof order) != COMPLETE) {
    z->bad = true;
    return;
  }
  read_lengths(z, lengths, literals + distances);
  if (z->bad || lengths[END_OF_BLOCK] == 0 ||
      make_code(&z->literals, lengths, literals) == WRONG ||
      make_code(&z->distances, lengths + literals, distances) == WRONG) {
    z->bad = true;
  }
}

static void block(struct inflate *z, uint32_t type) {
  switch (type) {
    case 0: stored(z); return;
    case 1: make_fixed(z); break;
    case 2: make_dynamic(z); break;
    default: z->bad = true; break;
  }
  if (!z->bad) coded(z);
}

enum status inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t *out_size) {
  struct inflate z = {.in = in,
                      .in_end = in + in_size,
                      .begin = out,
                      .out = out,
                      .out_end = out + *out_size};
  bool last = false;
  while (!last && !z.bad) {
    last = bits(&z, 1);
    block(&z, bits(&z, 2));
  }
  *out_size = (size_t)(z.out - out);
  return z.bad ? ST_DAMAGED : ST_OK;
}
