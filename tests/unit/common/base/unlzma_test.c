// SPDX-License-Identifier: MIT
// Against liblzma: whatever it packs expands to the same, and of a stream with any one
// bit turned we think as it does.
#include "common/base/unlzma.h"

#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 70000, STREAM = 90000 };

struct text {
  uint8_t bytes[ROOM];
  size_t size;
};

static uint32_t seed;

static uint32_t next_random(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

static lzma_options_lzma options(void) {
  lzma_options_lzma o;
  assert_false(lzma_lzma_preset(&o, 9 | LZMA_PRESET_EXTREME));
  o.lc = o.lp = o.pb = 1;
  o.dict_size = 1 << 17;  // longer than any text; each coder clears its memory
  return o;
}

static void pack(const struct text *t, bool thumb, uint8_t *stream, size_t *size) {
  lzma_options_lzma o = options();
  const lzma_filter all[] = {
      {LZMA_FILTER_ARMTHUMB, NULL}, {LZMA_FILTER_LZMA1, &o}, {LZMA_VLI_UNKNOWN, NULL}};
  *size = 0;
  assert_int_equal(lzma_raw_buffer_encode(thumb ? all : all + 1, NULL, t->bytes,
                                          t->size, stream, size, STREAM),
                   LZMA_OK);
}

// What liblzma makes of it: the size, or -1.
static long judge(const uint8_t *stream, size_t size, uint8_t *out) {
  lzma_options_lzma o = options();
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &o}, {LZMA_VLI_UNKNOWN, NULL}};
  lzma_stream s = LZMA_STREAM_INIT;
  assert_int_equal(lzma_raw_decoder(&s, filters), LZMA_OK);
  s.next_in = stream;
  s.avail_in = size;
  s.next_out = out;
  s.avail_out = ROOM;
  const lzma_ret end = lzma_code(&s, LZMA_FINISH);
  const long made = end == LZMA_STREAM_END ? (long)s.total_out : -1;
  lzma_end(&s);
  return made;
}

// Both ends in memory of exactly their sizes, so that ASan sees a step beyond.
static enum status expand(const uint8_t *stream, size_t size, size_t room, uint8_t *out,
                          size_t *made) {
  uint8_t *in = malloc(size ? size : 1), *to = malloc(room ? room : 1);
  assert_true(in && to);
  memcpy(in, stream, size);
  *made = room;
  const enum status status = unlzma(in, size, to, made);
  assert_true(*made <= room);
  if (status == ST_OK) memcpy(out, to, *made);
  free(in);
  free(to);
  return status;
}

// --- texts ---

static void make_zeros(struct text *t) {
  memset(t->bytes, 0, t->size);
}

static void make_noise(struct text *t) {
  for (size_t i = 0; i < t->size; i++)
    t->bytes[i] = (uint8_t)next_random();
}

static void make_words(struct text *t) {
  static const char *const words[] = {"erase ", "page ", "QUADSPI ", "the ", "of\n"};
  for (size_t i = 0; i < t->size;) {
    for (const char *w = words[next_random() % 5]; *w && i < t->size; w++)
      t->bytes[i++] = (uint8_t)*w;
  }
}

// Pieces of what came before, from near and far.
static void make_echoes(struct text *t) {
  for (size_t i = 0; i < t->size;) {
    size_t n = 1 + next_random() % (next_random() % 8 ? 12 : 400);
    const size_t back =
        i ? 1 + next_random() % (next_random() % 3 ? i : i % 200 + 1) : 0;
    const bool fresh = !i || back > i || next_random() % 4 == 0;
    for (; n && i < t->size; n--, i++)
      t->bytes[i] = fresh ? (uint8_t)(next_random() % 60) : t->bytes[i - back];
  }
}

// Half-words, many of them halves of BL.
static void make_code(struct text *t) {
  for (size_t i = 0; i < t->size; i++)
    t->bytes[i] = (uint8_t)(i % 2 && next_random() % 3 ? 0xF0 | (next_random() & 0xF)
                                                       : next_random());
}

static void (*const makers[])(struct text *) = {make_zeros, make_noise, make_words,
                                                make_echoes, make_code};

static void expect_same(const struct text *t, bool thumb) {
  static uint8_t stream[STREAM], out[ROOM];
  size_t size, made;
  pack(t, thumb, stream, &size);
  assert_int_equal(expand(stream, size, t->size, out, &made), ST_OK);
  if (thumb) thumb_unfilter(out, made);
  assert_int_equal(made, t->size);
  assert_memory_equal(out, t->bytes, t->size);
}

static void whatever_is_packed_expands(void **state) {
  static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 100, 4095, 4096, 4097, ROOM};
  static struct text t;
  (void)state;
  for (size_t m = 0; m < sizeof makers / sizeof *makers; m++) {
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      t.size = sizes[s];
      makers[m](&t);
      expect_same(&t, false);
      expect_same(&t, true);
    }
  }
  for (int i = 0; i < 300; i++) {
    t.size = next_random() % 3000;
    makers[3 + i % 2](&t);
    expect_same(&t, i % 4 == 1);
  }
}

static void short_text(struct text *t, int which, uint8_t *stream, size_t *size) {
  t->size = 700;
  makers[which](t);
  pack(t, false, stream, size);
}

static void every_bit_counts(void **state) {
  static struct text t;
  static uint8_t stream[STREAM], out[ROOM], theirs[ROOM];
  size_t size, made;
  unsigned refused = 0, taken = 0;
  (void)state;
  for (int which = 2; which < 5; which++) {
    short_text(&t, which, stream, &size);
    for (size_t i = 0; i < 8 * size; i++) {
      stream[i / 8] ^= (uint8_t)(1u << i % 8);
      const long judged = judge(stream, size, theirs);
      const enum status status = expand(stream, size, ROOM, out, &made);
      assert_int_equal(status, judged < 0 ? ST_DAMAGED : ST_OK);
      if (status == ST_OK) {
        assert_int_equal(made, judged);
        assert_memory_equal(out, theirs, made);
      }
      *(status == ST_OK ? &taken : &refused) += 1;
      stream[i / 8] ^= (uint8_t)(1u << i % 8);
    }
  }
  print_message("%u refused, %u taken\n", refused, taken);
  assert_true(refused > 1000);
}

static void a_stream_that_is_cut_is_refused(void **state) {
  static struct text t;
  static uint8_t stream[STREAM], out[ROOM];
  size_t size, made;
  (void)state;
  short_text(&t, 2, stream, &size);
  // The coder's last bytes say nothing new: liblzma knows which.
  for (size_t cut = 0; cut < size; cut++) {
    if (judge(stream, cut, out) >= 0) continue;
    assert_int_equal(expand(stream, cut, ROOM, out, &made), ST_DAMAGED);
  }
  assert_true(judge(stream, size - 6, out) < 0);
}

static void too_little_room_is_refused(void **state) {
  static struct text t;
  static uint8_t stream[STREAM], out[ROOM];
  size_t size, made;
  (void)state;
  short_text(&t, 2, stream, &size);
  for (size_t room = 0; room < t.size; room++)
    assert_int_equal(expand(stream, size, room, out, &made), ST_DAMAGED);
}

static void what_lies_behind_is_not_looked_at(void **state) {
  static struct text t;
  static uint8_t stream[STREAM], out[ROOM];
  size_t size, made;
  (void)state;
  short_text(&t, 3, stream, &size);
  memset(stream + size, 0xA5, 100);
  assert_int_equal(expand(stream, size + 100, ROOM, out, &made), ST_OK);
  assert_int_equal(made, t.size);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_is_packed_expands),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(a_stream_that_is_cut_is_refused),
      cmocka_unit_test(too_little_room_is_refused),
      cmocka_unit_test(what_lies_behind_is_not_looked_at),
  };
  return cmocka_run_group_tests_name("unlzma", tests, NULL, NULL);
}
