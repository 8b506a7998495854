// SPDX-License-Identifier: MIT
#include "common/format/ihex.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/hex.h"

// Bytes of a record besides its data: length, offset (2), type, checksum.
#define OVERHEAD   5u
#define RECORD_MAX (OVERHEAD + IHEX_DATA_MAX)

enum record_type {
  TYPE_DATA = 0,
  TYPE_END_OF_FILE = 1,
  TYPE_SEGMENT_BASE = 2,
  TYPE_SEGMENT_START = 3,
  TYPE_LINEAR_BASE = 4,
  TYPE_LINEAR_START = 5,
  TYPE_COUNT
};

const char *ihex_status_text(enum ihex_status status) {
  static const char *const texts[] = {
#define X(name, text) text,
      IHEX_STATUS_LIST(X)
#undef X
  };
  if ((size_t)status >= sizeof texts / sizeof texts[0]) return "has an unknown defect";
  return texts[status];
}

void ihex_begin(struct ihex_reader *r, const void *text, size_t size) {
  *r = (struct ihex_reader){.p = text, .left = size};
}

// ---- Lines -----------------------------------------------------------------

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r';
}

// The next line without its end and trailing blanks. The caller knows that
// something is left.
static struct rd take_line(struct ihex_reader *r) {
  struct rd line = {.p = r->p};
  const uint8_t *newline = memchr(r->p, '\n', r->left);
  line.left = newline ? (size_t)(newline - r->p) : r->left;
  const size_t taken = line.left + (newline ? 1 : 0);
  r->p += taken;
  r->left -= taken;
  r->line++;
  while (line.left > 0 && is_blank(line.p[line.left - 1])) {
    line.left--;
  }
  return line;
}

// The line's digits as bytes. IHEX_DATA: all were taken.
static enum ihex_status decode_digits(struct rd line, uint8_t bytes[RECORD_MAX],
                                      size_t *count) {
  if (rd_u8(&line) != ':') return IHEX_NO_COLON;
  size_t n = 0;
  while (line.left > 0) {
    const int high = hex_digit((char)rd_u8(&line));
    if (high < 0) return IHEX_BAD_DIGIT;
    if (line.left == 0) return IHEX_SHORT;
    const int low = hex_digit((char)rd_u8(&line));
    if (low < 0) return IHEX_BAD_DIGIT;
    if (n == RECORD_MAX) return IHEX_LONG;
    bytes[n++] = (uint8_t)(high << 4 | low);
  }
  *count = n;
  return IHEX_DATA;
}

// ---- Records ---------------------------------------------------------------

struct record {
  uint8_t length, type;
  uint16_t offset;
  const uint8_t *data;
};

static uint16_t rd_be16(struct rd *r) {
  const uint8_t high = rd_u8(r);
  return (uint16_t)(high << 8 | rd_u8(r));
}

static uint8_t sum(const uint8_t *bytes, size_t n) {
  unsigned total = 0;
  for (size_t i = 0; i < n; i++) {
    total += bytes[i];
  }
  return (uint8_t)total;
}

// Takes the record apart and checks what it says about itself.
static enum ihex_status parse_record(const uint8_t *bytes, size_t n,
                                     struct record *out) {
  static const int length_of_type[TYPE_COUNT] = {
      [TYPE_DATA] = -1,         [TYPE_END_OF_FILE] = 0, [TYPE_SEGMENT_BASE] = 2,
      [TYPE_SEGMENT_START] = 4, [TYPE_LINEAR_BASE] = 2, [TYPE_LINEAR_START] = 4,
  };
  struct rd r = {.p = bytes, .left = n};
  out->length = rd_u8(&r);
  out->offset = rd_be16(&r);
  out->type = rd_u8(&r);
  out->data = r.p;
  if (n < OVERHEAD + out->length) return IHEX_SHORT;
  if (n > OVERHEAD + out->length) return IHEX_LONG;
  if (sum(bytes, n) != 0) return IHEX_CHECKSUM;
  if (out->type >= TYPE_COUNT) return IHEX_TYPE;
  const int expected = length_of_type[out->type];
  if (expected >= 0 && out->length != expected) return IHEX_LENGTH;
  return IHEX_DATA;
}

// In the 20-bit form a record past offset 0xFFFF would go on at the segment's
// start; no tool means that, so it is refused. In the 32-bit form the carry goes
// into the upper half, up to 2^32.
static enum ihex_status locate(const struct ihex_reader *r, const struct record *record,
                               uint32_t *address) {
  const uint32_t end = (uint32_t)record->offset + record->length;
  if (r->segmented && end > 0x10000) return IHEX_WRAP;
  if ((uint64_t)r->base + end > (uint64_t)1 << 32) return IHEX_WRAP;
  *address = r->base + record->offset;
  return IHEX_DATA;
}

// Applies a record that holds no bytes for memory.
static void apply(struct ihex_reader *r, const struct record *record) {
  switch (record->type) {
    case TYPE_END_OF_FILE: r->ended = true; break;
    case TYPE_SEGMENT_BASE:
      r->base = (uint32_t)(record->data[0] << 8 | record->data[1]) << 4;
      r->segmented = true;
      break;
    case TYPE_LINEAR_BASE:
      r->base = (uint32_t)(record->data[0] << 8 | record->data[1]) << 16;
      r->segmented = false;
      break;
    default: break;  // entry points, and data records of length 0
  }
}

// Handles one line that is not blank. IHEX_END here: nothing for the caller in it.
static enum ihex_status take_record(struct ihex_reader *r, struct rd line,
                                    struct ihex_record *out) {
  if (r->ended) return IHEX_AFTER_END;
  uint8_t bytes[RECORD_MAX];
  size_t n = 0;
  enum ihex_status status = decode_digits(line, bytes, &n);
  if (status != IHEX_DATA) return status;
  struct record record;
  status = parse_record(bytes, n, &record);
  if (status != IHEX_DATA) return status;
  if (record.type != TYPE_DATA || record.length == 0) {
    apply(r, &record);
    return IHEX_END;
  }
  status = locate(r, &record, &out->address);
  if (status != IHEX_DATA) return status;
  out->size = record.length;
  memcpy(out->data, record.data, record.length);
  return IHEX_DATA;
}

enum ihex_status ihex_next(struct ihex_reader *r, struct ihex_record *out) {
  while (r->left > 0) {
    const struct rd line = take_line(r);
    if (line.left == 0) continue;
    const enum ihex_status status = take_record(r, line, out);
    if (status != IHEX_END) return status;
  }
  return r->ended ? IHEX_END : IHEX_NO_END;
}

bool ihex_detect(const void *text, size_t size) {
  const uint8_t *p = text;
  if (size < 9 || p[0] != ':') return false;
  for (size_t i = 1; i < 9; i++) {
    if (hex_digit((char)p[i]) < 0) return false;
  }
  return true;
}
