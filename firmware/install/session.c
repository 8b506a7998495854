// SPDX-License-Identifier: MIT
#include "firmware/install/session.h"

#include <string.h>

#include "common/base/bytes.h"
#include "firmware/boot/app.h"

void session_init(struct session *s, struct writer *w) {
  memset(s, 0, sizeof *s);
  s->writer = w;
}

void session_add_medium(struct session *s, const struct media *m) {
  s->media[s->media_count++] = m;
}

// The medium that holds `address`, or ends there when `at_end`.
static const struct media *find(const struct session *s, uint32_t address,
                                bool at_end) {
  for (uint8_t i = 0; i < s->media_count; i++) {
    const struct media_geometry *g = &s->media[i]->geometry;
    const uint32_t offset = address - g->base;
    if (offset < g->size || (at_end && offset == g->size)) return s->media[i];
  }
  return NULL;
}

enum status session_check_pointer(const struct session *s, uint32_t address) {
  return find(s, address, true) ? ST_OK : ST_BAD_ADDRESS;
}

enum status session_check_erase(const struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  struct media_block b;
  media_block_at(&m->geometry, address - m->geometry.base, &b);
  return b.writable ? ST_OK : ST_BOOTLOADER_AREA;
}

enum status session_check_write(const struct session *s, uint32_t address,
                                uint32_t length) {
  const struct media *m = find(s, address, false);
  if (!m) return ST_BAD_ADDRESS;
  const uint32_t offset = address - m->geometry.base;
  if (length > m->geometry.size - offset) return ST_CROSSES_END;
  struct media_block b;
  for (uint32_t at = offset; at < offset + length; at = b.offset + b.size) {
    media_block_at(&m->geometry, at, &b);
    if (!b.writable) return ST_BOOTLOADER_AREA;
  }
  return ST_OK;
}

void session_erase(struct session *s, uint32_t address) {
  const struct media *m = find(s, address, false);
  writer_erase(s->writer, m, address - m->geometry.base);
}

void session_mass_erase(struct session *s, uint8_t medium) {
  writer_mass_erase(s->writer, s->media[medium]);
}

void session_write(struct session *s, uint32_t address, const uint8_t *data,
                   uint32_t length) {
  const struct media *m = find(s, address, false);
  writer_write(s->writer, m, address - m->geometry.base, data, length);
}

enum status session_read(struct session *s, uint32_t address, uint8_t *dst,
                         uint32_t length, uint32_t *done) {
  *done = 0;
  const struct media *m = find(s, address, true);
  if (!m) return ST_BAD_ADDRESS;
  const uint32_t offset = address - m->geometry.base;
  const uint32_t left = m->geometry.size - offset;
  const uint32_t n = length < left ? length : left;
  if (n == 0) return ST_OK;
  const enum status status = writer_read(s->writer, m, offset, dst, n);
  if (status == ST_OK) *done = n;
  return status;
}

bool session_busy(const struct session *s) {
  return writer_busy(s->writer);
}

uint32_t session_remaining_us(const struct session *s) {
  return writer_remaining_us(s->writer);
}

struct writer_result session_take_result(struct session *s) {
  return writer_take_result(s->writer);
}

bool session_poll(struct session *s) {
  return writer_poll(s->writer);
}

enum status session_finish(struct session *s) {
  const struct media *m = find(s, APP_BASE, false);
  uint8_t head[8];
  if (!m) return ST_NO_APPLICATION;
  const struct media_geometry *g = &m->geometry;
  const enum status status =
      writer_read(s->writer, m, APP_BASE - g->base, head, sizeof head);
  if (status != ST_OK) return status;
  const struct app_vectors v = {.stack = load_le32(head), .reset = load_le32(head + 4)};
  return app_check(v, g->base + g->size);
}
