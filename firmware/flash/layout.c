// SPDX-License-Identifier: MIT
#include "firmware/flash/layout.h"

enum { MAX_COUNT = 999, SPLIT_COUNT = 512 };

struct text {
  char *p;
  size_t length;
};

static void put_char(struct text *t, char c) {
  if (t->length < LAYOUT_MAX) t->p[t->length++] = c;
  t->p[t->length] = 0;
}

static void put_string(struct text *t, const char *s) {
  while (*s)
    put_char(t, *s++);
}

static void put_decimal(struct text *t, uint32_t value, unsigned digits) {
  uint32_t unit = 1;
  for (unsigned i = 1; i < digits || value / unit >= 10; i++)
    unit *= 10;
  for (; unit; unit /= 10)
    put_char(t, (char)('0' + value / unit % 10));
}

static void put_address(struct text *t, uint32_t address) {
  put_string(t, "/0x");
  for (int shift = 28; shift >= 0; shift -= 4) {
    put_char(t, "0123456789ABCDEF"[(address >> shift) & 0xFu]);
  }
}

static void put_segment(struct text *t, char separator, uint32_t count, uint32_t size,
                        bool writable) {
  const bool mega = size % (1024u * 1024u) == 0;
  put_char(t, separator);
  put_decimal(t, count, 2);
  put_char(t, '*');
  put_decimal(t, mega ? size / (1024u * 1024u) : size / 1024u, 3);
  put_char(t, mega ? 'M' : 'K');
  put_char(t, writable ? 'g' : 'a');  // g: read, erase, write; a: read
}

// The zones of all runs that are writable, or are not. A hole begins a new one.
static void put_zones(struct text *t, const struct media_geometry *g, bool writable) {
  uint32_t offset = 0;
  char separator = 0;
  for (uint8_t i = 0; i < g->run_count; i++) {
    const struct media_run *r = &g->runs[i];
    uint32_t left = r->writable == writable ? r->count : 0;
    if (!left) {
      separator = 0;
    } else if (!separator) {
      put_address(t, g->base + offset);
      separator = '/';
    }
    while (left) {
      const uint32_t count = left > MAX_COUNT ? SPLIT_COUNT : left;
      put_segment(t, separator, count, r->block_size, writable);
      separator = ',';
      left -= count;
    }
    offset += r->block_size * r->count;
  }
}

size_t layout_string(const struct media_geometry *g, char out[LAYOUT_MAX + 1]) {
  struct text t = {.p = out};
  put_char(&t, '@');
  put_string(&t, g->name);
  put_string(&t, "  ");
  put_zones(&t, g, true);
  put_zones(&t, g, false);
  return t.length;
}
