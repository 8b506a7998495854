// SPDX-License-Identifier: MIT
#include "host/lib/layout.h"

#include <string.h>

const char *layout_status_text(enum layout_status status) {
  switch (status) {
#define X(name, text) \
  case LAYOUT_##name: return text;
    LAYOUT_STATUS_LIST(X)
#undef X
  }
  return "has a defect without a name";
}

// ---- Text ------------------------------------------------------------------

static bool skip(const char **p, char c) {
  if (**p != c) return false;
  (*p)++;
  return true;
}

// Up to `most` decimal digits; 0 also if there is none.
static uint32_t take_decimal(const char **p, unsigned most) {
  uint32_t value = 0;
  for (unsigned i = 0; i < most && **p >= '0' && **p <= '9'; i++) {
    value = value * 10 + (uint32_t)(*(*p)++ - '0');
  }
  return value;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool take_address(const char **p, uint32_t *out) {
  if (!skip(p, '0') || (!skip(p, 'x') && !skip(p, 'X'))) return false;
  uint32_t value = 0;
  unsigned digits = 0;
  for (; digits < 8 && hex_digit(**p) >= 0; digits++, (*p)++) {
    value = value << 4 | (uint32_t)hex_digit(**p);
  }
  *out = value;
  return digits > 0;
}

static enum layout_status take_name(const char **p, char out[LAYOUT_NAME_ROOM]) {
  const char *end = strchr(*p, '/');
  if (!end) return LAYOUT_BAD_ADDRESS;
  size_t length = (size_t)(end - *p);
  while (length > 0 && (*p)[length - 1] == ' ') {
    length--;
  }
  if (length == 0 || length >= LAYOUT_NAME_ROOM) return LAYOUT_BAD_NAME;
  memcpy(out, *p, length);
  out[length] = '\0';
  *p = end;
  return LAYOUT_OK;
}

// ' ' and 'B' mean bytes; some devices leave the unit out (dfu-util reads those).
static uint32_t take_unit(const char **p) {
  if (skip(p, 'K')) return 1u << 10;
  if (skip(p, 'M')) return 1u << 20;
  if (!skip(p, 'B')) (void)skip(p, ' ');
  return 1;
}

// ---- Runs ------------------------------------------------------------------

enum {
  COUNT_DIGITS = 7,  // 2^32 bytes of 512 would have as many
  SIZE_DIGITS = 7,
};

static enum layout_status take_run(const char **p, struct layout_run *run) {
  run->count = take_decimal(p, COUNT_DIGITS);
  if (run->count == 0 || !skip(p, '*')) return LAYOUT_BAD_COUNT;
  const uint64_t number = take_decimal(p, SIZE_DIGITS);
  const uint64_t size = number * take_unit(p);
  if (size == 0 || size > UINT32_MAX) return LAYOUT_BAD_SIZE;
  run->sector_size = (uint32_t)size;
  if (**p < 'a' || **p > 'g') return LAYOUT_BAD_TYPE;
  run->access = (uint8_t)(*(*p)++ & 7);
  return LAYOUT_OK;
}

static uint64_t run_end(const struct layout_run *run) {
  return run->address + (uint64_t)run->count * run->sector_size;
}

static enum layout_status add_run(struct layout *l, const struct layout_run *run) {
  if (l->count == LAYOUT_RUNS) return LAYOUT_TOO_MANY;
  if (run_end(run) > (uint64_t)1 << 32) return LAYOUT_WRAP;
  for (size_t i = 0; i < l->count; i++) {
    const struct layout_run *other = &l->runs[i];
    if (run->address < run_end(other) && other->address < run_end(run)) {
      return LAYOUT_OVERLAP;
    }
  }
  l->runs[l->count++] = *run;
  return LAYOUT_OK;
}

// "/0x08000000/04*032Kg,01*128Kg"
static enum layout_status take_area(const char **p, struct layout *l) {
  uint32_t address = 0;
  if (!skip(p, '/') || !take_address(p, &address) || !skip(p, '/')) {
    return LAYOUT_BAD_ADDRESS;
  }
  uint64_t at = address;
  do {
    if (at >= (uint64_t)1 << 32) return LAYOUT_WRAP;
    struct layout_run run = {.address = (uint32_t)at};
    enum layout_status status = take_run(p, &run);
    if (status == LAYOUT_OK) status = add_run(l, &run);
    if (status != LAYOUT_OK) return status;
    at = run_end(&run);
  } while (skip(p, ','));
  return LAYOUT_OK;
}

enum layout_status layout_parse(const char *text, struct layout *out) {
  if (!skip(&text, '@')) return LAYOUT_NO_LAYOUT;
  struct layout found = {.count = 0};
  enum layout_status status = take_name(&text, found.name);
  while (status == LAYOUT_OK && *text) {
    status = take_area(&text, &found);
    while (*text == ' ') {
      text++;  // devices pad their strings
    }
  }
  if (status == LAYOUT_OK) *out = found;
  return status;
}

// ---- Questions -------------------------------------------------------------

bool layout_sector_at(const struct layout *l, uint32_t address,
                      struct layout_sector *out) {
  for (size_t i = 0; i < l->count; i++) {
    const struct layout_run *run = &l->runs[i];
    if (address < run->address || address >= run_end(run)) continue;
    const uint32_t inside = (address - run->address) % run->sector_size;
    *out = (struct layout_sector){
        .address = address - inside, .size = run->sector_size, .access = run->access};
    return true;
  }
  return false;
}

uint64_t layout_size(const struct layout *l, uint8_t access) {
  uint64_t size = 0;
  for (size_t i = 0; i < l->count; i++) {
    const struct layout_run *run = &l->runs[i];
    if ((run->access & access) == access) size += run_end(run) - run->address;
  }
  return size;
}
