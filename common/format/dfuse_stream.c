// SPDX-License-Identifier: MIT
// The parts themselves are decoded by dfuse.c; here is what comes behind what.
//
//   PREFIX --> TARGET --> ELEMENT --> DATA --.
//                ^ ^         ^---------------|
//                | '-- no element left ------'--> SUFFIX --> PADDING
#include "common/format/dfuse_stream.h"

#include "common/base/crc32.h"

enum state { PREFIX, TARGET, ELEMENT, DATA, SUFFIX, PADDING, FAILED };

static const uint16_t part_size[] = {
    [PREFIX] = DFUSE_PREFIX_SIZE,
    [TARGET] = DFUSE_TARGET_PREFIX_SIZE,
    [ELEMENT] = DFUSE_ELEMENT_PREFIX_SIZE,
    [SUFFIX] = DFUSE_SUFFIX_SIZE,
};

// Ends the stream; the caller's piece says so.
static void fail(struct dfuse_stream *s, enum dfuse_status status,
                 struct dfuse_piece *piece) {
  s->status = status;
  s->state = FAILED;
  piece->kind = DFUSE_PIECE_FAILED;
}

// Where the file goes on behind an element or a target's prefix.
static enum state next_state(const struct dfuse_stream *s) {
  if (s->data_left > 0) return DATA;
  if (s->elements_left > 0) return ELEMENT;
  return s->targets_left > 0 ? TARGET : SUFFIX;
}

// ---- One whole part --------------------------------------------------------

static enum dfuse_status take_prefix(struct dfuse_stream *s, struct rd *r) {
  struct dfuse_prefix prefix;
  const enum dfuse_status status = dfuse_decode_prefix(r, &prefix);
  if (status != DFUSE_OK) return status;
  s->image_size = prefix.image_size;
  s->targets_left = prefix.targets;
  return DFUSE_OK;
}

static enum dfuse_status take_target(struct dfuse_stream *s, struct rd *r,
                                     struct dfuse_piece *piece) {
  const enum dfuse_status status = dfuse_decode_target(r, &s->target);
  if (status != DFUSE_OK) return status;
  s->targets++;
  s->targets_left--;
  s->elements_left = s->target.elements;
  s->target_left = s->target.size;
  if (s->elements_left == 0 && s->target_left > 0) return DFUSE_BAD_TARGET_SIZE;
  piece->kind = DFUSE_PIECE_TARGET;
  return DFUSE_OK;
}

static enum dfuse_status take_element(struct dfuse_stream *s, struct rd *r) {
  struct dfuse_element element;
  const enum dfuse_status status = dfuse_decode_element(r, &element);
  if (status != DFUSE_OK) return status;
  if (s->target_left < DFUSE_ELEMENT_PREFIX_SIZE) return DFUSE_BAD_TARGET_SIZE;
  s->target_left -= DFUSE_ELEMENT_PREFIX_SIZE;
  if (element.size > s->target_left) return DFUSE_BAD_ELEMENT_SIZE;
  s->target_left -= element.size;
  s->elements_left--;
  if (s->elements_left == 0 && s->target_left > 0) return DFUSE_BAD_TARGET_SIZE;
  s->address = element.address;
  s->data_left = element.size;
  return DFUSE_OK;
}

static enum dfuse_status take_suffix(struct dfuse_stream *s, struct rd *r,
                                     struct dfuse_piece *piece) {
  const enum dfuse_status status = dfuse_decode_suffix(r, &s->suffix);
  if (status != DFUSE_OK) return status;
  if (s->crc != s->suffix.crc) return DFUSE_BAD_CRC;
  const bool fits =
      s->image_size == s->taken || s->image_size == s->taken - DFUSE_SUFFIX_SIZE;
  if (!fits) return DFUSE_BAD_IMAGE_SIZE;
  piece->kind = DFUSE_PIECE_END;
  return DFUSE_OK;
}

static void take_part(struct dfuse_stream *s, struct dfuse_piece *piece) {
  struct rd r = {.p = s->part, .left = s->have};
  enum dfuse_status status = DFUSE_OK;
  const uint8_t state = s->state;
  s->have = 0;
  switch (state) {
    case PREFIX: status = take_prefix(s, &r); break;
    case TARGET: status = take_target(s, &r, piece); break;
    case ELEMENT: status = take_element(s, &r); break;
    default: status = take_suffix(s, &r, piece);
  }
  if (status != DFUSE_OK) {
    fail(s, status, piece);
  } else {
    s->state = (uint8_t)(state == SUFFIX ? PADDING : next_state(s));
  }
}

// ---- Bytes -----------------------------------------------------------------

// The checksum covers all but itself.
static void count(struct dfuse_stream *s, const uint8_t *bytes, size_t n) {
  s->crc = crc32_update(s->crc, bytes, n);
  s->taken += (uint32_t)n;
}

static size_t collect(struct dfuse_stream *s, const uint8_t *bytes, size_t n,
                      struct dfuse_piece *piece) {
  const size_t room = (size_t)(part_size[s->state] - s->have);
  if (n > room) n = room;
  memcpy(s->part + s->have, bytes, n);
  s->have = (uint16_t)(s->have + n);
  if (s->state != SUFFIX) {
    count(s, bytes, n);
  } else if (s->have == DFUSE_SUFFIX_SIZE) {
    s->crc = crc32_update(s->crc, s->part, DFUSE_SUFFIX_SIZE - sizeof s->suffix.crc);
    s->taken += DFUSE_SUFFIX_SIZE;
  }
  if (s->have == part_size[s->state]) take_part(s, piece);
  return n;
}

static size_t pass_on(struct dfuse_stream *s, const uint8_t *bytes, size_t n,
                      struct dfuse_piece *piece) {
  if (n > s->data_left) n = s->data_left;
  count(s, bytes, n);
  *piece = (struct dfuse_piece){.kind = DFUSE_PIECE_DATA,
                                .address = s->address,
                                .data = bytes,
                                .size = (uint32_t)n,
                                .left = s->data_left};
  s->address += (uint32_t)n;
  s->data_left -= (uint32_t)n;
  s->data_bytes += (uint32_t)n;
  s->state = (uint8_t)next_state(s);
  return n;
}

static size_t skip_padding(struct dfuse_stream *s, size_t n,
                           struct dfuse_piece *piece) {
  const size_t room = (size_t)(DFUSE_PADDING_MAX - s->have);
  if (n > room) {
    fail(s, DFUSE_TRAILING, piece);
    return room;
  }
  s->have = (uint16_t)(s->have + n);
  return n;
}

void dfuse_stream_start(struct dfuse_stream *s) {
  memset(s, 0, sizeof *s);
  s->crc = CRC32_INIT;
}

size_t dfuse_stream_take(struct dfuse_stream *s, const uint8_t *bytes, size_t n,
                         struct dfuse_piece *piece) {
  size_t taken = 0;
  *piece = (struct dfuse_piece){.kind = DFUSE_PIECE_NONE};
  while (taken < n && piece->kind == DFUSE_PIECE_NONE) {
    const uint8_t *p = bytes + taken;
    const size_t left = n - taken;
    switch (s->state) {
      case DATA: taken += pass_on(s, p, left, piece); break;
      case PADDING: taken += skip_padding(s, left, piece); break;
      case FAILED: piece->kind = DFUSE_PIECE_FAILED; break;
      default: taken += collect(s, p, left, piece);
    }
  }
  return taken;
}

enum dfuse_status dfuse_stream_end(const struct dfuse_stream *s) {
  if (s->state == FAILED) return s->status;
  return s->state == PADDING ? DFUSE_OK : DFUSE_TRUNCATED;
}
