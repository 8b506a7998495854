// SPDX-License-Identifier: MIT
// Little-endian loads and stores, and the cursors every parser and builder uses.
// No structure is ever laid over outside bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_le16(const uint8_t *p) {
  return (uint16_t)(p[0] | (p[1] << 8));
}

static inline uint32_t load_le24(const uint8_t *p) {
  return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16);
}

static inline uint32_t load_le32(const uint8_t *p) {
  return load_le24(p) | ((uint32_t)p[3] << 24);
}

static inline void store_le16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}

static inline void store_le32(uint8_t *p, uint32_t v) {
  store_le16(p, (uint16_t)v);
  store_le16(p + 2, (uint16_t)(v >> 16));
}

// A reading cursor. A read past the end yields zeros and sets `bad`, which
// sticks: parse everything, then check once.
struct rd {
  const uint8_t *p;
  size_t left;
  bool bad;
};

// The next `n` bytes, or NULL (and bad) when fewer are left.
static inline const uint8_t *rd_bytes(struct rd *r, size_t n) {
  if (r->bad || n > r->left) {
    r->bad = true;
    return NULL;
  }
  const uint8_t *p = r->p;
  r->p += n;
  r->left -= n;
  return p;
}

static inline uint8_t rd_u8(struct rd *r) {
  const uint8_t *p = rd_bytes(r, 1);
  return p ? *p : 0;
}

static inline uint16_t rd_le16(struct rd *r) {
  const uint8_t *p = rd_bytes(r, 2);
  return p ? load_le16(p) : 0;
}

static inline uint32_t rd_le32(struct rd *r) {
  const uint8_t *p = rd_bytes(r, 4);
  return p ? load_le32(p) : 0;
}

// A writing cursor. A write past the end stores nothing and sets `bad`.
struct wr {
  uint8_t *p;
  size_t left;
  bool bad;
};

// Room for `n` bytes, or NULL (and bad) when it does not fit.
static inline uint8_t *wr_bytes(struct wr *w, size_t n) {
  if (w->bad || n > w->left) {
    w->bad = true;
    return NULL;
  }
  uint8_t *p = w->p;
  w->p += n;
  w->left -= n;
  return p;
}

static inline void wr_u8(struct wr *w, uint8_t v) {
  uint8_t *p = wr_bytes(w, 1);
  if (p) *p = v;
}

static inline void wr_le16(struct wr *w, uint16_t v) {
  uint8_t *p = wr_bytes(w, 2);
  if (p) store_le16(p, v);
}

static inline void wr_le32(struct wr *w, uint32_t v) {
  uint8_t *p = wr_bytes(w, 4);
  if (p) store_le32(p, v);
}

static inline void wr_copy(struct wr *w, const void *src, size_t n) {
  uint8_t *p = wr_bytes(w, n);
  if (p) memcpy(p, src, n);
}
