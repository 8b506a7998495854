// SPDX-License-Identifier: MIT
// The good files come from an independent writer (tests/vectors/dfuse/dfuse.py), their
// places and contents are typed here again.
#include "common/format/dfuse_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/crc32.h"
#include "tests/vectors/dfuse/golden.h"

enum { FILE_SIZE = 615, PADDED = FILE_SIZE + 1024, LOG_ROOM = 64 };

// What came out of a stream: adjacent data joined.
struct log_entry {
  enum dfuse_piece_kind kind;
  uint32_t address, size;
  uint8_t bytes[16];
  char name[20];
};

struct log {
  struct log_entry entries[LOG_ROOM];
  size_t count;
  enum dfuse_status status;
};

static void add_data(struct log *log, const struct dfuse_piece *piece) {
  // What is left of an element ends where the piece before has said.
  static uint32_t next, end;
  assert_true(piece->left >= piece->size);
  if (piece->address == next && next != end) {
    assert_int_equal(piece->address + piece->left, end);
  }
  end = piece->address + piece->left;
  next = piece->address + piece->size;
  struct log_entry *last = log->count ? &log->entries[log->count - 1] : NULL;
  if (last && last->kind == DFUSE_PIECE_DATA &&
      last->address + last->size == piece->address) {
    memcpy(last->bytes + last->size, piece->data, piece->size);
    last->size += piece->size;
    return;
  }
  struct log_entry *e = &log->entries[log->count++];
  *e = (struct log_entry){
      .kind = DFUSE_PIECE_DATA, .address = piece->address, .size = piece->size};
  memcpy(e->bytes, piece->data, piece->size);
}

static void add(struct log *log, const struct dfuse_stream *s,
                const struct dfuse_piece *piece) {
  assert_true(log->count < LOG_ROOM);
  if (piece->kind == DFUSE_PIECE_DATA) {
    assert_in_range(piece->size, 1, 16);
    add_data(log, piece);
    return;
  }
  struct log_entry *e = &log->entries[log->count++];
  *e = (struct log_entry){.kind = piece->kind};
  if (piece->kind == DFUSE_PIECE_TARGET) {
    e->address = s->target.alternate_setting;
    memcpy(e->name, s->target.name, sizeof e->name - 1);
  }
}

// Streams `size` bytes in chunks of `chunk`, each in memory of its own, so that ASan
// sees any read beyond it.
static struct log stream(const uint8_t *file, size_t size, size_t chunk) {
  struct log log = {.count = 0};
  struct dfuse_stream s;
  dfuse_stream_start(&s);
  for (size_t at = 0; at < size;) {
    const size_t n = size - at < chunk ? size - at : chunk;
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, file + at, n);
    struct dfuse_piece piece;
    for (size_t done = 0; done < n;) {
      done += dfuse_stream_take(&s, copy + done, n - done, &piece);
      if (piece.kind != DFUSE_PIECE_NONE) add(&log, &s, &piece);
      if (piece.kind == DFUSE_PIECE_FAILED) break;
    }
    free(copy);
    if (piece.kind == DFUSE_PIECE_FAILED) break;
    at += n;
  }
  log.status = dfuse_stream_end(&s);
  return log;
}

static void expect(const struct log *log, size_t i, enum dfuse_piece_kind kind,
                   uint32_t address, const char *bytes, uint32_t size) {
  const struct log_entry *e = &log->entries[i];
  assert_int_equal(e->kind, kind);
  assert_int_equal(e->address, address);
  assert_int_equal(e->size, size);
  assert_memory_equal(e->bytes, bytes, size);
}

static void expect_golden(const struct log *log) {
  assert_int_equal(log->status, DFUSE_OK);
  assert_int_equal(log->count, 6);
  expect(log, 0, DFUSE_PIECE_TARGET, 0, "", 0);
  assert_string_equal(log->entries[0].name, "Internal Flash");
  expect(log, 1, DFUSE_PIECE_DATA, 0x08010000, "\x10\x11\x12\x13\x14\x15\x16\x17", 8);
  expect(log, 2, DFUSE_PIECE_DATA, 0x08020000, "\xA1\xA2\xA3", 3);
  expect(log, 3, DFUSE_PIECE_TARGET, 1, "", 0);
  assert_string_equal(log->entries[3].name, "External QSPI");
  expect(log, 4, DFUSE_PIECE_DATA, 0x90000000, (const char *)golden_two_targets + 594,
         5);
  expect(log, 5, DFUSE_PIECE_END, 0, "", 0);
}

static enum dfuse_status status_of(const uint8_t *file, size_t size) {
  return stream(file, size, 128).status;
}

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) {
    p[i] = (uint8_t)(v >> (8 * i));
  }
}

static enum dfuse_status status_with(size_t at, uint32_t value) {
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + at, value);
  put32(file + FILE_SIZE - 4, crc32_update(CRC32_INIT, file, FILE_SIZE - 4));
  return status_of(file, FILE_SIZE);
}

// ---- Good files ------------------------------------------------------------

static void any_chunks_give_the_same_pieces(void **state) {
  (void)state;
  for (size_t chunk = 1; chunk <= FILE_SIZE; chunk++) {
    const struct log log = stream(golden_two_targets, FILE_SIZE, chunk);
    expect_golden(&log);
  }
}

static void padding_behind_the_end_is_ignored(void **state) {
  (void)state;
  static const uint8_t fills[] = {0x1A, 0x00, 0xFF, 'D'};
  for (size_t i = 0; i < sizeof fills; i++) {
    uint8_t file[PADDED];
    memset(file, fills[i], sizeof file);
    memcpy(file, golden_two_targets, FILE_SIZE);
    for (size_t n = 0; n <= 1023; n += n < 10 ? 1 : 73) {
      const struct log log = stream(file, FILE_SIZE + n, 128);
      expect_golden(&log);
    }
    struct log log = stream(file, FILE_SIZE + 1023, 1024);
    expect_golden(&log);
    log = stream(file, FILE_SIZE + 1024, 128);
    assert_int_equal(log.status, DFUSE_TRAILING);
    assert_int_equal(log.entries[log.count - 1].kind, DFUSE_PIECE_FAILED);
  }
}

static void both_image_sizes_and_an_empty_file(void **state) {
  (void)state;
  const struct log log =
      stream(golden_size_with_suffix, sizeof golden_size_with_suffix, 100);
  expect_golden(&log);
  const struct log none = stream(golden_no_targets, sizeof golden_no_targets, 100);
  assert_int_equal(none.status, DFUSE_OK);
  assert_int_equal(none.count, 1);
  expect(&none, 0, DFUSE_PIECE_END, 0, "", 0);
}

static void the_suffix_tells_the_device(void **state) {
  (void)state;
  struct dfuse_stream s;
  struct dfuse_piece piece = {.kind = DFUSE_PIECE_NONE};
  dfuse_stream_start(&s);
  for (size_t at = 0; piece.kind != DFUSE_PIECE_END;) {
    assert_true(at < FILE_SIZE);
    at += dfuse_stream_take(&s, golden_two_targets + at, FILE_SIZE - at, &piece);
  }
  assert_int_equal(s.suffix.vendor, 0x0483);
  assert_int_equal(s.suffix.product, 0xDF11);
  assert_int_equal(s.targets, 2);
  assert_int_equal(s.data_bytes, 8 + 3 + 5);
}

static void an_empty_element_gives_no_piece(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE - 3];
  memcpy(file, golden_two_targets, 309);
  memcpy(file + 309, golden_two_targets + 312, FILE_SIZE - 312);
  put32(file + 305, 0);
  put32(file + 277, 8 + 8 + 8);
  put32(file + 6, sizeof file - 16);
  put32(file + sizeof file - 4, crc32_update(CRC32_INIT, file, sizeof file - 4));
  const struct log log = stream(file, sizeof file, 7);
  assert_int_equal(log.status, DFUSE_OK);
  assert_int_equal(log.count, 5);
}

static void a_dfuse_file_is_told_by_its_beginning(void **state) {
  (void)state;
  assert_true(dfuse_begins(golden_two_targets, FILE_SIZE));
  assert_true(dfuse_begins((const uint8_t *)"DfuSe", 5));
  assert_false(dfuse_begins((const uint8_t *)"DfuSe", 4));
  assert_false(dfuse_begins((const uint8_t *)"DfuSE", 5));
}

// ---- Bad files -------------------------------------------------------------

static void every_truncation_is_told(void **state) {
  (void)state;
  for (size_t n = 0; n < FILE_SIZE; n++) {
    assert_int_equal(status_of(golden_two_targets, n), DFUSE_TRUNCATED);
  }
}

static void every_flipped_bit_is_told(void **state) {
  (void)state;
  for (size_t bit = 0; bit < (size_t)8 * FILE_SIZE; bit++) {
    uint8_t file[PADDED] = {0};
    memcpy(file, golden_two_targets, FILE_SIZE);
    file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    const struct log log = stream(file, sizeof file - 1, 1024);
    assert_int_not_equal(log.status, DFUSE_OK);
    for (size_t i = 0; i < log.count; i++) {
      assert_int_not_equal(log.entries[i].kind, DFUSE_PIECE_END);
    }
  }
}

static void flipped_data_are_a_bad_checksum(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  file[595] ^= 0x40;
  assert_int_equal(status_of(file, FILE_SIZE), DFUSE_BAD_CRC);
}

static void each_defect_has_its_status(void **state) {
  (void)state;
  assert_int_equal(status_with(6, 1), DFUSE_BAD_IMAGE_SIZE);
  assert_int_equal(status_with(277, 8 + 8 + 8 + 4), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(277, 8 + 8 + 8 + 2), DFUSE_BAD_ELEMENT_SIZE);
  assert_int_equal(status_with(277, 8 + 8 + 7), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(281, 0), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(281, 1), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(289, 9 + 8 + 3), DFUSE_BAD_ELEMENT_SIZE);
  assert_int_equal(status_with(285, 0xFFFFFFF9), DFUSE_ELEMENT_WRAP);
  assert_int_equal(status_with(285, 0xFFFFFFF8), DFUSE_OK);
  assert_int_equal(status_with(11, 0x20202020), DFUSE_BAD_TARGET_SIGNATURE);
  assert_int_equal(status_with(5, 0x00000257 << 8 | 2), DFUSE_BAD_VERSION);
  assert_int_equal(status_with(0, 0x20202020), DFUSE_BAD_SIGNATURE);
  assert_int_equal(status_with(607, 0x10202020), DFUSE_NO_SUFFIX);
}

static void nothing_comes_behind_a_failure(void **state) {
  (void)state;
  struct dfuse_stream s;
  struct dfuse_piece piece;
  dfuse_stream_start(&s);
  dfuse_stream_take(&s, (const uint8_t *)"this is no .dfu file", 20, &piece);
  assert_int_equal(piece.kind, DFUSE_PIECE_FAILED);
  assert_int_equal(dfuse_stream_take(&s, golden_two_targets, FILE_SIZE, &piece), 0);
  assert_int_equal(piece.kind, DFUSE_PIECE_FAILED);
  assert_int_equal(s.status, DFUSE_BAD_SIGNATURE);
  assert_int_equal(dfuse_stream_end(&s), DFUSE_BAD_SIGNATURE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_chunks_give_the_same_pieces),
      cmocka_unit_test(padding_behind_the_end_is_ignored),
      cmocka_unit_test(both_image_sizes_and_an_empty_file),
      cmocka_unit_test(the_suffix_tells_the_device),
      cmocka_unit_test(an_empty_element_gives_no_piece),
      cmocka_unit_test(a_dfuse_file_is_told_by_its_beginning),
      cmocka_unit_test(every_truncation_is_told),
      cmocka_unit_test(every_flipped_bit_is_told),
      cmocka_unit_test(flipped_data_are_a_bad_checksum),
      cmocka_unit_test(each_defect_has_its_status),
      cmocka_unit_test(nothing_comes_behind_a_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
