// SPDX-License-Identifier: MIT
// Against zlib: what its streams expand to, and what it makes of them with any one bit
// turned (tests/vectors/inflate). And each rule of RFC 1951 broken by itself.
#include "common/base/inflate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/bytes.h"
#include "common/base/crc32.h"

enum { ROOM = 70000, HEADER = 12, FILE_MAX = 100000 };

// Both ends in memory of exactly their sizes, so that ASan sees a step beyond.
static enum status expand(const uint8_t *stream, size_t size, size_t room, size_t *made,
                          uint32_t *crc) {
  uint8_t *in = malloc(size ? size : 1);
  uint8_t *out = malloc(room ? room : 1);
  assert_true(in && out);
  memcpy(in, stream, size);
  *made = room;
  const enum status status = inflate(in, size, out, made);
  assert_true(*made <= room);
  *crc = ~crc32_update(CRC32_INIT, out, *made);
  free(in);
  free(out);
  return status;
}

static void expect_refused(const uint8_t *stream, size_t size, size_t room) {
  size_t made;
  uint32_t crc;
  assert_int_equal(expand(stream, size, room, &made, &crc), ST_DAMAGED);
}

static void expect_made(const uint8_t *stream, size_t size, size_t room,
                        const char *text) {
  size_t made;
  uint32_t crc;
  assert_int_equal(expand(stream, size, room, &made, &crc), ST_OK);
  assert_int_equal(made, strlen(text));
  assert_int_equal(crc, ~crc32_update(CRC32_INIT, text, made));
}

// -------------------------------------------------------------------- vectors

struct vector {
  uint32_t out_size, crc, size;
  const uint8_t *stream;
  const uint8_t *flips;  // NULL: none
};

static size_t for_each_vector(void (*check)(const struct vector *v)) {
  static uint8_t file[FILE_MAX];
  size_t count = 0;
  DIR *folder = opendir(QB_ROOT "/tests/vectors/inflate");
  assert_non_null(folder);
  for (struct dirent *e; (e = readdir(folder)) != NULL;) {
    if (!strstr(e->d_name, ".vec")) continue;
    char path[400];
    snprintf(path, sizeof path, QB_ROOT "/tests/vectors/inflate/%s", e->d_name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t size = fread(file, 1, sizeof file, f);
    fclose(f);
    struct vector v = {load_le32(file), load_le32(file + 4), load_le32(file + 8),
                       file + HEADER, NULL};
    if (size > HEADER + v.size) v.flips = v.stream + v.size;
    check(&v);
    count++;
  }
  closedir(folder);
  return count;
}

static void check_whole(const struct vector *v) {
  size_t made;
  uint32_t crc;
  assert_int_equal(expand(v->stream, v->size, v->out_size, &made, &crc), ST_OK);
  assert_int_equal(made, v->out_size);
  assert_int_equal(crc, v->crc);
}

static void streams_expand_to_what_zlib_was_given(void **state) {
  (void)state;
  assert_int_equal(for_each_vector(check_whole), 17);
}

// Each beginning of a short stream; of a long one those around some places.
static void check_beginnings(const struct vector *v) {
  const size_t step = 1 + v->size / 1000;
  for (size_t n = 0; n < v->size; n += step)
    expect_refused(v->stream, n, v->out_size);
  expect_refused(v->stream, v->size - 1, v->out_size);
}

static void no_beginning_is_enough(void **state) {
  (void)state;
  for_each_vector(check_beginnings);
}

static void check_rooms(const struct vector *v) {
  const size_t step = 1 + v->out_size / 500;
  for (size_t n = 0; n < v->out_size; n += step)
    expect_refused(v->stream, v->size, n);
  if (v->out_size) expect_refused(v->stream, v->size, v->out_size - 1);
}

static void less_room_is_not_enough(void **state) {
  (void)state;
  for_each_vector(check_rooms);
}

static void check_flips(const struct vector *v) {
  if (!v->flips) return;
  uint8_t *turned = malloc(v->size);
  assert_non_null(turned);
  memcpy(turned, v->stream, v->size);
  for (size_t bit = 0; bit < 8u * v->size; bit++) {
    turned[bit / 8] ^= (uint8_t)(1u << bit % 8);
    const uint32_t zlib = load_le32(v->flips + 4 * bit);
    size_t made;
    uint32_t crc;
    const enum status status = expand(turned, v->size, ROOM, &made, &crc);
    assert_int_equal(status, zlib ? ST_OK : ST_DAMAGED);
    if (zlib) assert_int_equal(crc ? crc : 1, zlib);
    turned[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  free(turned);
}

static void any_turned_bit_has_the_outcome_that_zlib_gives_it(void **state) {
  (void)state;
  for_each_vector(check_flips);
}

static void bytes_behind_the_end_do_not_count(void **state) {
  (void)state;
  expect_made((const uint8_t[]){0x4B, 0x04, 0x00, 0xFF, 0xFF}, 5, 10, "a");
}

// ------------------------------------------------------------ streams by hand

struct writer {
  uint8_t bytes[200];
  size_t bits;
};

static void put(struct writer *w, uint32_t value, unsigned n) {
  for (unsigned i = 0; i < n; i++, w->bits++)
    w->bytes[w->bits / 8] |= (uint8_t)((value >> i & 1u) << w->bits % 8);
}

// A Huffman code goes in from its highest bit.
static void put_code(struct writer *w, uint32_t code, unsigned n) {
  while (n--)
    put(w, code >> n & 1u, 1);
}

static void put_literal(struct writer *w, uint8_t byte) {  // fixed, below 144
  put_code(w, 0x30u + byte, 8);
}

static const size_t room = 1000;

static void expect_bad(const struct writer *w) {
  expect_refused(w->bytes, sizeof w->bytes, room);
}

static void the_fourth_type_is_refused(void **state) {
  (void)state;
  struct writer w = {0};
  put(&w, 1, 1);
  put(&w, 3, 2);
  expect_bad(&w);
}

static void a_stored_length_needs_its_complement(void **state) {
  (void)state;
  const uint8_t good[] = {1, 2, 0, 0xFD, 0xFF, 'o', 'k'};
  expect_made(good, sizeof good, room, "ok");
  const uint8_t bad[] = {1, 2, 0, 0xFC, 0xFF, 'o', 'k'};
  expect_refused(bad, sizeof bad, room);
}

static struct writer fixed_after(uint8_t byte) {
  struct writer w = {0};
  put(&w, 1, 1);
  put(&w, 1, 2);
  put_literal(&w, byte);
  return w;
}

static void a_distance_reaches_the_first_byte_and_not_beyond(void **state) {
  (void)state;
  struct writer w = fixed_after('x');
  put_code(&w, 1, 7);  // 257: three bytes
  put_code(&w, 0, 5);  // from one back
  put_code(&w, 0, 7);
  expect_made(w.bytes, sizeof w.bytes, room, "xxxx");
  w = fixed_after('x');
  put_code(&w, 1, 7);
  put_code(&w, 1, 5);  // two back
  put_code(&w, 0, 7);
  expect_bad(&w);
}

static void symbols_without_meaning_are_refused(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    struct writer w = fixed_after('x');
    put_code(&w, 0xC6 + i, 8);  // 286, 287
    put_code(&w, 0, 5);
    put_code(&w, 0, 7);
    expect_bad(&w);
    w = fixed_after('x');
    put_code(&w, 1, 7);
    put_code(&w, 30 + i, 5);
    put(&w, 0, 14);
    put_code(&w, 0, 7);
    expect_bad(&w);
  }
}

// A dynamic block up to its code lengths, of which two have codes of one bit.
static struct writer dynamic(unsigned literals, unsigned distances, unsigned first,
                             unsigned second) {
  static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                  11, 4,  12, 3, 13, 2, 14, 1, 15};
  struct writer w = {0};
  put(&w, 1, 1);
  put(&w, 2, 2);
  put(&w, literals - 257, 5);
  put(&w, distances - 1, 5);
  put(&w, 15, 4);
  for (size_t i = 0; i < sizeof order; i++)
    put(&w, order[i] == first || order[i] == second, 3);
  return w;
}

// Codes 0 and 1 of the two, `n` times.
static void put_times(struct writer *w, uint32_t code, unsigned n) {
  while (n--)
    put(w, code, 1);
}

static void zeros_18(struct writer *w, unsigned n) {
  put(w, 1, 1);
  put(w, n - 11, 7);
}

// Literals 0 and 256 with a bit each, made of lengths 1 (code 0) and 18 (code 1).
static struct writer two_literals(unsigned distances) {
  struct writer w = dynamic(257, distances, 1, 18);
  put_times(&w, 0, 1);
  zeros_18(&w, 138);
  zeros_18(&w, 117);
  put_times(&w, 0, 1);
  return w;
}

static void one_distance_of_one_bit_is_enough(void **state) {
  (void)state;
  struct writer w = two_literals(1);
  put_times(&w, 0, 1);  // its length: 1
  put_code(&w, 1, 1);   // the end
  expect_made(w.bytes, sizeof w.bytes, room, "");
}

static void too_many_codes_are_refused(void **state) {
  (void)state;
  struct writer w = two_literals(3);
  put_times(&w, 0, 3);  // three distances of one bit
  put_code(&w, 1, 1);
  expect_bad(&w);
  w = dynamic(257, 1, 1, 18);
  put_times(&w, 0, 2);  // three literals
  zeros_18(&w, 138);
  zeros_18(&w, 116);
  put_times(&w, 0, 2);
  put_code(&w, 1, 1);
  expect_bad(&w);
}

static void too_few_codes_are_refused(void **state) {
  (void)state;
  // Lengths 2 (code 0) and 18: two literals of two bits leave half of the codes.
  struct writer w = dynamic(257, 1, 2, 18);
  put_times(&w, 0, 1);
  zeros_18(&w, 138);
  zeros_18(&w, 117);
  put_times(&w, 0, 2);
  put_code(&w, 1, 2);
  expect_bad(&w);
  // A single code for the lengths.
  w = dynamic(257, 1, 1, 1);
  expect_bad(&w);
}

static void there_must_be_an_end(void **state) {
  (void)state;
  struct writer w = dynamic(257, 1, 1, 18);
  put_times(&w, 0, 2);
  zeros_18(&w, 138);
  zeros_18(&w, 117);  // 256 has no code
  put_times(&w, 0, 1);
  expect_bad(&w);
}

static void repetitions_have_limits(void **state) {
  (void)state;
  struct writer w = dynamic(257, 1, 1, 16);
  put(&w, 1, 1);  // 16 comes first: of nothing
  put(&w, 0, 2);
  expect_bad(&w);
  w = two_literals(1);
  put(&w, 1, 1);  // 11 zeros where one fits
  put(&w, 0, 7);
  expect_bad(&w);
}

static void larger_alphabets_are_refused(void **state) {
  (void)state;
  struct writer w = dynamic(287, 1, 1, 18);
  put_times(&w, 0, 1);
  zeros_18(&w, 138);
  zeros_18(&w, 117);
  put_times(&w, 0, 1);
  zeros_18(&w, 30);
  put_times(&w, 0, 1);
  put_code(&w, 1, 1);
  expect_bad(&w);
  w = two_literals(31);
  put_times(&w, 0, 2);
  zeros_18(&w, 29);
  put_code(&w, 1, 1);
  expect_bad(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_expand_to_what_zlib_was_given),
      cmocka_unit_test(no_beginning_is_enough),
      cmocka_unit_test(less_room_is_not_enough),
      cmocka_unit_test(any_turned_bit_has_the_outcome_that_zlib_gives_it),
      cmocka_unit_test(bytes_behind_the_end_do_not_count),
      cmocka_unit_test(the_fourth_type_is_refused),
      cmocka_unit_test(a_stored_length_needs_its_complement),
      cmocka_unit_test(a_distance_reaches_the_first_byte_and_not_beyond),
      cmocka_unit_test(symbols_without_meaning_are_refused),
      cmocka_unit_test(one_distance_of_one_bit_is_enough),
      cmocka_unit_test(too_many_codes_are_refused),
      cmocka_unit_test(too_few_codes_are_refused),
      cmocka_unit_test(there_must_be_an_end),
      cmocka_unit_test(repetitions_have_limits),
      cmocka_unit_test(larger_alphabets_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
