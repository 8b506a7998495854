// SPDX-License-Identifier: MIT
// The DfuSe memory string, read back by a parser of its own that is as strict as the
// strictest host: UM0424's grammar as dfu-util scans it, with fwupd's limits.
#include "firmware/flash/layout.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KB 1024u
#define MB (1024u * 1024u)

// --- the parser ---

struct segment {
  uint32_t address, count, size;
  char type;
};

struct parsed {
  char name[64];
  struct segment segments[32];
  size_t count;
};

// The next character, which must be one of `set`.
static char take(const char **p, const char *set) {
  assert_true(**p != 0 && strchr(set, **p) != NULL);
  return *(*p)++;
}

static uint32_t number(const char **p, unsigned base, unsigned max_digits) {
  uint32_t value = 0;
  unsigned digits = 0;
  for (; isxdigit((unsigned char)**p) && (base == 16 || isdigit((unsigned char)**p));
       (*p)++) {
    const char c = (char)tolower((unsigned char)**p);
    value = value * base + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    digits++;
  }
  assert_in_range(digits, 1, max_digits);
  return value;
}

// COUNT*SIZEunit type. fwupd drops a device with a number above 999; dfu-util wants
// pages of a power of two.
static struct segment parse_segment(const char **p, uint32_t address) {
  struct segment s = {.address = address};
  s.count = number(p, 10, 3);
  take(p, "*");
  s.size = number(p, 10, 3);
  const char unit = take(p, " BKM");
  s.size *= unit == 'K' ? KB : unit == 'M' ? MB : 1;
  s.type = take(p, "abcdefg");
  assert_true(s.count > 0 && s.size > 0);
  assert_int_equal(s.size & (s.size - 1), 0);
  return s;
}

static struct parsed parse(const char *text) {
  struct parsed out = {.count = 0};
  take(&text, "@");
  for (size_t n = 0; *text != '/'; n++) {
    assert_true(*text >= ' ' && *text <= '~' && n < sizeof out.name - 1);
    out.name[n] = *text++;
  }
  assert_true(out.name[0] != 0);
  do {
    take(&text, "/");
    take(&text, "0");
    take(&text, "x");
    uint32_t address = number(&text, 16, 8);
    char separator = '/';
    do {
      take(&text, (char[]){separator, 0});
      assert_true(out.count < 32);
      struct segment *s = &out.segments[out.count++];
      *s = parse_segment(&text, address);
      address += s->count * s->size;
      separator = ',';
    } while (*text == ',');
  } while (*text);
  return out;
}

// --- what the string must say ---

// Type letter of the block at `address`, or 0; counts how often it is described.
static char described(const struct parsed *p, uint32_t address, uint32_t size) {
  char type = 0;
  for (size_t i = 0; i < p->count; i++) {
    const struct segment *s = &p->segments[i];
    if (address - s->address >= s->count * s->size) continue;
    assert_int_equal(s->size, size);
    assert_int_equal((address - s->address) % size, 0);
    assert_int_equal(type, 0);
    type = s->type;
  }
  return type;
}

static uint32_t described_bytes(const struct parsed *p) {
  uint32_t bytes = 0;
  for (size_t i = 0; i < p->count; i++)
    bytes += p->segments[i].count * p->segments[i].size;
  return bytes;
}

// Every block once, by its own size and kind; nothing else; writable zone first.
static void expect_true_layout(const struct media_geometry *g) {
  char text[LAYOUT_MAX + 1];
  memset(text, '#', sizeof text);
  const size_t length = layout_string(g, text);
  assert_true(length <= 126);
  assert_int_equal(strlen(text), length);
  const struct parsed p = parse(text);
  assert_memory_equal(p.name, g->name, strlen(g->name));
  assert_int_equal(described_bytes(&p), g->size);
  uint32_t address = g->base;
  for (unsigned i = 0; i < g->run_count; i++) {
    const struct media_run *r = &g->runs[i];
    for (unsigned k = 0; k < r->count; k++, address += r->block_size) {
      assert_int_equal(described(&p, address, r->block_size), r->writable ? 'g' : 'a');
    }
  }
  bool read_only = false;
  for (size_t i = 0; i < p.count; i++) {
    assert_false(read_only && p.segments[i].type == 'g');
    if (p.segments[i].type == 'a') read_only = true;
  }
}

// --- internal flash: DS11532 tables 53 and 54, quadboot in the first 64 KB ---

static const struct {
  struct media_geometry geometry;
  const char *text;
} internal[] = {
    {{.size = 2 * MB,  // one bank
      .runs = {{32 * KB, 2, false, 0},
               {32 * KB, 2, true, 0},
               {128 * KB, 1, true, 0},
               {256 * KB, 7, true, 0}},
      .run_count = 4},
     "/0x08010000/02*032Kg,01*128Kg,07*256Kg/0x08000000/02*032Ka"},
    {{.size = 1 * MB,
      .runs = {{32 * KB, 2, false, 0},
               {32 * KB, 2, true, 0},
               {128 * KB, 1, true, 0},
               {256 * KB, 3, true, 0}},
      .run_count = 4},
     "/0x08010000/02*032Kg,01*128Kg,03*256Kg/0x08000000/02*032Ka"},
    {{.size = 2 * MB,  // two banks
      .runs = {{16 * KB, 4, false, 0},
               {64 * KB, 1, true, 0},
               {128 * KB, 7, true, 0},
               {16 * KB, 4, true, 0},
               {64 * KB, 1, true, 0},
               {128 * KB, 7, true, 0}},
      .run_count = 6},
     "/0x08010000/01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*128Kg"
     "/0x08000000/04*016Ka"},
    {{.size = 1 * MB,
      .runs = {{16 * KB, 4, false, 0},
               {64 * KB, 1, true, 0},
               {128 * KB, 3, true, 0},
               {16 * KB, 4, true, 0},
               {64 * KB, 1, true, 0},
               {128 * KB, 3, true, 0}},
      .run_count = 6},
     "/0x08010000/01*064Kg,03*128Kg,04*016Kg,01*064Kg,03*128Kg"
     "/0x08000000/04*016Ka"},
};

static void internal_flash_of_every_kind(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof internal / sizeof *internal; i++) {
    struct media_geometry g = internal[i].geometry;
    g.name = "Internal Flash";
    g.base = 0x08000000;
    char text[LAYOUT_MAX + 1], expected[LAYOUT_MAX + 1] = "@Internal Flash  ";
    layout_string(&g, text);
    assert_string_equal(text, strcat(expected, internal[i].text));
    expect_true_layout(&g);
  }
}

// --- NOR flash ---

static struct media_geometry nor(uint32_t size, uint32_t block) {
  return (struct media_geometry){
      .name = "External QSPI",
      .base = 0x90000000,
      .size = size,
      .runs = {{block, (uint16_t)(size / block), true, 0}},
      .run_count = 1,
  };
}

static void nor_flash_of_every_size(void **state) {
  (void)state;
  for (uint32_t size = 1 * MB; size <= 256 * MB; size *= 2) {
    const struct media_geometry g = nor(size, 64 * KB);
    expect_true_layout(&g);
  }
  for (uint32_t size = 1 * MB; size <= 128 * MB; size *= 2) {
    const struct media_geometry g = nor(size, 32 * KB);
    expect_true_layout(&g);
  }
  for (uint32_t size = 1 * MB; size <= 16 * MB; size *= 2) {
    const struct media_geometry g = nor(size, 4 * KB);
    expect_true_layout(&g);
  }
  const struct media_geometry mega = nor(64 * MB, 1 * MB);
  expect_true_layout(&mega);
}

static void segments_stop_at_999_blocks(void **state) {
  (void)state;
  static const struct {
    uint32_t blocks;
    const char *text;
  } cases[] = {
      {1, "@External QSPI  /0x90000000/01*064Kg"},
      {99, "@External QSPI  /0x90000000/99*064Kg"},
      {100, "@External QSPI  /0x90000000/100*064Kg"},
      {999, "@External QSPI  /0x90000000/999*064Kg"},
      {1000, "@External QSPI  /0x90000000/512*064Kg,488*064Kg"},
      {1024, "@External QSPI  /0x90000000/512*064Kg,512*064Kg"},
      {1511, "@External QSPI  /0x90000000/512*064Kg,999*064Kg"},
      {1512, "@External QSPI  /0x90000000/512*064Kg,512*064Kg,488*064Kg"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct media_geometry g = nor(cases[i].blocks * 64 * KB, 64 * KB);
    char text[LAYOUT_MAX + 1];
    assert_int_equal(layout_string(&g, text), strlen(cases[i].text));
    assert_string_equal(text, cases[i].text);
  }
}

// A read-only stretch in the middle makes two writable zones, each at its address.
static void a_hole_starts_a_new_zone(void **state) {
  (void)state;
  const struct media_geometry g = {
      .name = "Split",
      .base = 0x10000000,
      .size = 6 * 64 * KB,
      .runs = {{64 * KB, 1, true, 0},
               {64 * KB, 2, false, 0},
               {64 * KB, 2, true, 0},
               {64 * KB, 1, false, 0}},
      .run_count = 4,
  };
  char text[LAYOUT_MAX + 1];
  layout_string(&g, text);
  assert_string_equal(text,
                      "@Split  /0x10000000/01*064Kg/0x10030000/02*064Kg"
                      "/0x10010000/02*064Ka/0x10050000/01*064Ka");
  expect_true_layout(&g);
}

// More than fits is cut, and stays terminated and inside its room.
static void what_does_not_fit_is_cut(void **state) {
  (void)state;
  const struct media_geometry g = nor(256 * MB, 8 * KB);
  struct {
    char text[LAYOUT_MAX + 1], guard[8];
  } room;
  memset(&room, '#', sizeof room);
  assert_int_equal(layout_string(&g, room.text), 126);
  assert_int_equal(strlen(room.text), 126);
  assert_memory_equal(room.guard, "########", 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(internal_flash_of_every_kind),
      cmocka_unit_test(nor_flash_of_every_size),
      cmocka_unit_test(segments_stop_at_999_blocks),
      cmocka_unit_test(a_hole_starts_a_new_zone),
      cmocka_unit_test(what_does_not_fit_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
