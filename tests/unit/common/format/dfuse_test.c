// SPDX-License-Identifier: MIT
// The format's numbers are typed again here, and the good files come from an
// independent writer (tests/vectors/dfuse/dfuse.py).
#include "common/format/dfuse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vectors/dfuse/golden.h"

// Places in golden_two_targets.
enum {
  AT_VERSION = 5,
  AT_IMAGE_SIZE = 6,
  AT_TARGETS = 10,
  AT_TARGET_0 = 11,
  AT_NAMED_0 = 18,
  AT_NAME_0 = 22,
  AT_TARGET_SIZE_0 = 277,
  AT_ELEMENTS_0 = 281,
  AT_ADDRESS_0 = 285,
  AT_SIZE_0 = 289,
  AT_DATA_0 = 293,
  AT_ADDRESS_1 = 301,
  AT_SIZE_1 = 305,
  AT_DATA_1 = 309,
  AT_TARGET_1 = 312,
  AT_TARGET_SIZE_1 = 578,
  AT_ELEMENTS_1 = 582,
  AT_ADDRESS_2 = 586,
  AT_SIZE_2 = 590,
  AT_DATA_2 = 594,
  AT_SUFFIX = 599,
  AT_BCD_DFU = 605,
  AT_UFD = 607,
  AT_LENGTH = 610,
  AT_CRC = 611,
  FILE_SIZE = 615
};
_Static_assert(sizeof golden_two_targets == FILE_SIZE, "the places above are stale");

// ---- Helpers ---------------------------------------------------------------

static uint32_t bitwise_crc(const uint8_t *p, size_t n) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ ((crc & 1u) ? 0xEDB88320u : 0u);
    }
  }
  return crc;
}

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) {
    p[i] = (uint8_t)(v >> (8 * i));
  }
}

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
         (uint32_t)p[3] << 24;
}

static void fix_crc(uint8_t *file, size_t size) {
  put32(file + size - 4, bitwise_crc(file, size - 4));
}

// Opens a copy on the heap of exactly that size, so that ASan sees any read
// beyond it. Walks it when it opens.
static enum dfuse_status open_copy(const uint8_t *file, size_t size,
                                   struct dfuse_summary *summary) {
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, file, size);
  struct dfuse_reader reader;
  const enum dfuse_status status = dfuse_open(&reader, copy, size, summary);
  struct dfuse_target target;
  struct dfuse_element element;
  const uint8_t *data;
  while (status == DFUSE_OK && dfuse_next_target(&reader, &target)) {
    while (dfuse_next_element(&reader, &element, &data)) {
      assert_true(data >= copy && data + element.size <= copy + size - 16);
    }
  }
  free(copy);
  return status;
}

static enum dfuse_status open_status(const uint8_t *file, size_t size) {
  struct dfuse_summary summary;
  return open_copy(file, size, &summary);
}

// The status of the golden file with 32 bits changed and its CRC put right.
static enum dfuse_status status_with(size_t at, uint32_t value) {
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + at, value);
  fix_crc(file, FILE_SIZE);
  return open_status(file, FILE_SIZE);
}

static enum dfuse_status status_with_byte(size_t at, uint8_t value) {
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  file[at] = value;
  fix_crc(file, FILE_SIZE);
  return open_status(file, FILE_SIZE);
}

// ---- Good files ------------------------------------------------------------

static void summary_of_a_good_file(void **state) {
  (void)state;
  struct dfuse_summary s;
  assert_int_equal(open_copy(golden_two_targets, FILE_SIZE, &s), DFUSE_OK);
  assert_int_equal(s.suffix.bcd_device, 0x0102);
  assert_int_equal(s.suffix.vendor, 0x0483);
  assert_int_equal(s.suffix.product, 0xDF11);
  assert_int_equal(s.suffix.crc, get32(golden_two_targets + AT_CRC));
  assert_int_equal(s.size_style, DFUSE_SIZE_WITHOUT_SUFFIX);
  assert_int_equal(s.targets, 2);
  assert_int_equal(s.elements, 3);
  assert_int_equal(s.data_bytes, 8 + 3 + 5);
  assert_true(s.ascending);
}

static void expect_element(struct dfuse_reader *reader, const uint8_t *file,
                           uint32_t address, uint32_t size, size_t at) {
  struct dfuse_element element;
  const uint8_t *data = NULL;
  assert_true(dfuse_next_element(reader, &element, &data));
  assert_int_equal(element.address, address);
  assert_int_equal(element.size, size);
  assert_ptr_equal(data, file + at);
}

static void expect_no_element(struct dfuse_reader *reader) {
  struct dfuse_element element;
  const uint8_t *data;
  assert_false(dfuse_next_element(reader, &element, &data));
}

static void walk_visits_everything_in_order(void **state) {
  (void)state;
  const uint8_t *file = golden_two_targets;
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  struct dfuse_target target;
  assert_int_equal(dfuse_open(&reader, file, FILE_SIZE, &summary), DFUSE_OK);
  expect_no_element(&reader);  // no target was entered

  assert_true(dfuse_next_target(&reader, &target));
  assert_int_equal(target.alternate_setting, 0);
  assert_string_equal(target.name, "Internal Flash");
  assert_int_equal(target.elements, 2);
  assert_int_equal(target.size, 8 + 8 + 8 + 3);
  expect_element(&reader, file, 0x08010000, 8, AT_DATA_0);
  expect_element(&reader, file, 0x08020000, 3, AT_DATA_1);
  expect_no_element(&reader);
  expect_no_element(&reader);

  assert_true(dfuse_next_target(&reader, &target));
  assert_int_equal(target.alternate_setting, 1);
  assert_string_equal(target.name, "External QSPI");
  expect_element(&reader, file, 0x90000000, 5, AT_DATA_2);
  expect_no_element(&reader);
  assert_false(dfuse_next_target(&reader, &target));
  assert_false(dfuse_next_target(&reader, &target));
}

static void elements_may_be_skipped(void **state) {
  (void)state;
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  struct dfuse_target target;
  const enum dfuse_status status =
      dfuse_open(&reader, golden_two_targets, FILE_SIZE, &summary);
  assert_int_equal(status, DFUSE_OK);
  assert_true(dfuse_next_target(&reader, &target));
  assert_true(dfuse_next_target(&reader, &target));
  expect_element(&reader, golden_two_targets, 0x90000000, 5, AT_DATA_2);
}

static void both_image_size_styles_are_read(void **state) {
  (void)state;
  struct dfuse_summary s;
  const enum dfuse_status status =
      open_copy(golden_size_with_suffix, sizeof golden_size_with_suffix, &s);
  assert_int_equal(status, DFUSE_OK);
  assert_int_equal(s.size_style, DFUSE_SIZE_WITH_SUFFIX);
  assert_int_equal(s.targets, 2);
}

static void a_file_without_targets_is_sound_and_empty(void **state) {
  (void)state;
  struct dfuse_summary s;
  assert_int_equal(sizeof golden_no_targets, 11 + 16);
  const enum dfuse_status status =
      open_copy(golden_no_targets, sizeof golden_no_targets, &s);
  assert_int_equal(status, DFUSE_OK);
  assert_int_equal(s.targets, 0);
  assert_int_equal(s.data_bytes, 0);
}

static void a_name_needs_no_terminator_and_may_be_absent(void **state) {
  (void)state;
  uint8_t bytes[274];
  memcpy(bytes, golden_two_targets + AT_TARGET_0, sizeof bytes);
  memset(bytes + AT_NAME_0 - AT_TARGET_0, 'x', 255);
  struct dfuse_target target;
  struct rd r = {.p = bytes, .left = sizeof bytes};
  assert_int_equal(dfuse_decode_target(&r, &target), DFUSE_OK);
  assert_int_equal(strlen(target.name), 255);

  put32(bytes + AT_NAMED_0 - AT_TARGET_0, 0);
  r = (struct rd){.p = bytes, .left = sizeof bytes};
  assert_int_equal(dfuse_decode_target(&r, &target), DFUSE_OK);
  assert_string_equal(target.name, "");
}

static void an_empty_element_is_sound(void **state) {
  (void)state;
  // The second element's three bytes become a part of nothing: shorten the file.
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, AT_DATA_1);
  memcpy(file + AT_DATA_1, golden_two_targets + AT_TARGET_1, FILE_SIZE - AT_TARGET_1);
  put32(file + AT_SIZE_1, 0);
  put32(file + AT_TARGET_SIZE_0, 8 + 8 + 8);
  put32(file + AT_IMAGE_SIZE, FILE_SIZE - 3 - 16);
  fix_crc(file, FILE_SIZE - 3);
  assert_int_equal(open_status(file, FILE_SIZE - 3), DFUSE_OK);
}

// ---- Order of elements -----------------------------------------------------

static bool ascends_with_second_at(uint32_t address) {
  uint8_t file[FILE_SIZE];
  struct dfuse_summary s;
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + AT_ADDRESS_1, address);
  fix_crc(file, FILE_SIZE);
  assert_int_equal(open_copy(file, FILE_SIZE, &s), DFUSE_OK);
  return s.ascending;
}

static void overlapping_and_descending_elements_are_told(void **state) {
  (void)state;
  assert_true(ascends_with_second_at(0x08010008));   // adjacent
  assert_false(ascends_with_second_at(0x08010007));  // last byte
  assert_false(ascends_with_second_at(0x08010000));  // same start
  assert_false(ascends_with_second_at(0x0800FFFD));  // below, without overlap
}

static void order_counts_within_a_target_only(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  struct dfuse_summary s;
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + AT_ADDRESS_2, 0x00000000);
  fix_crc(file, FILE_SIZE);
  assert_int_equal(open_copy(file, FILE_SIZE, &s), DFUSE_OK);
  assert_true(s.ascending);
}

// ---- Bad files -------------------------------------------------------------

static void every_truncation_is_refused(void **state) {
  (void)state;
  for (size_t n = 0; n < FILE_SIZE; n++) {
    const enum dfuse_status expected = n < 11 + 16 ? DFUSE_TRUNCATED : DFUSE_NO_SUFFIX;
    assert_int_equal(open_status(golden_two_targets, n), expected);
  }
}

// Bytes missing before a suffix that is right, at every place.
static void every_shortened_body_is_refused(void **state) {
  (void)state;
  for (size_t body = 11; body < AT_SUFFIX; body++) {
    uint8_t file[FILE_SIZE];
    memcpy(file, golden_two_targets, body);
    memcpy(file + body, golden_two_targets + AT_SUFFIX, 16);
    put32(file + AT_IMAGE_SIZE, (uint32_t)body);
    fix_crc(file, body + 16);
    const bool in_prefix =
        body < AT_ADDRESS_0 || (body >= AT_TARGET_1 && body < AT_ADDRESS_2);
    assert_int_equal(open_status(file, body + 16),
                     in_prefix ? DFUSE_BAD_TARGET_COUNT : DFUSE_BAD_TARGET_SIZE);
  }
}

static void every_flipped_bit_is_refused(void **state) {
  (void)state;
  for (size_t bit = 0; bit < (size_t)8 * FILE_SIZE; bit++) {
    uint8_t file[FILE_SIZE];
    memcpy(file, golden_two_targets, FILE_SIZE);
    file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    assert_int_not_equal(open_status(file, FILE_SIZE), DFUSE_OK);
  }
}

static void every_lie_about_a_length_is_refused(void **state) {
  (void)state;
  static const size_t fields[] = {AT_IMAGE_SIZE, AT_TARGET_SIZE_0, AT_ELEMENTS_0,
                                  AT_SIZE_0,     AT_SIZE_1,        AT_TARGET_SIZE_1,
                                  AT_ELEMENTS_1, AT_SIZE_2};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    const uint32_t truth = get32(golden_two_targets + fields[i]);
    const uint32_t lies[] = {
        0,          1,          truth - 1,      truth + 1,      truth * 2, 0x10000000,
        0x7FFFFFFF, 0x80000000, UINT32_MAX - 7, UINT32_MAX - 1, UINT32_MAX};
    for (size_t k = 0; k < sizeof lies / sizeof lies[0]; k++) {
      if (lies[k] == truth) continue;
      assert_int_not_equal(status_with(fields[i], lies[k]), DFUSE_OK);
    }
  }
}

static void every_wrong_target_count_is_refused(void **state) {
  (void)state;
  for (unsigned n = 0; n < 256; n++) {
    const enum dfuse_status expected = n == 2 ? DFUSE_OK : DFUSE_BAD_TARGET_COUNT;
    assert_int_equal(status_with_byte(AT_TARGETS, (uint8_t)n), expected);
  }
}

static void each_defect_has_its_own_status(void **state) {
  (void)state;
  assert_int_equal(status_with_byte(0, 'd'), DFUSE_BAD_SIGNATURE);
  assert_int_equal(status_with_byte(4, 'E'), DFUSE_BAD_SIGNATURE);
  assert_int_equal(status_with_byte(AT_VERSION, 0), DFUSE_BAD_VERSION);
  assert_int_equal(status_with_byte(AT_VERSION, 2), DFUSE_BAD_VERSION);
  assert_int_equal(status_with_byte(AT_UFD, 'D'), DFUSE_NO_SUFFIX);
  assert_int_equal(status_with_byte(AT_LENGTH, 15), DFUSE_BAD_SUFFIX_LENGTH);
  assert_int_equal(status_with_byte(AT_LENGTH, 17), DFUSE_BAD_SUFFIX_LENGTH);
  assert_int_equal(status_with_byte(AT_BCD_DFU, 0x10), DFUSE_PLAIN_SUFFIX);
  assert_int_equal(status_with_byte(AT_BCD_DFU + 1, 0x00), DFUSE_PLAIN_SUFFIX);
  assert_int_equal(status_with(AT_IMAGE_SIZE, FILE_SIZE - 15), DFUSE_BAD_IMAGE_SIZE);
  assert_int_equal(status_with(AT_IMAGE_SIZE, FILE_SIZE), DFUSE_OK);
  assert_int_equal(status_with_byte(AT_TARGET_0, 't'), DFUSE_BAD_TARGET_SIGNATURE);
  assert_int_equal(status_with_byte(AT_TARGET_1 + 5, 'T'), DFUSE_BAD_TARGET_SIGNATURE);
  assert_int_equal(status_with(AT_TARGET_SIZE_1, UINT32_MAX), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(AT_TARGET_SIZE_1, 12), DFUSE_BAD_ELEMENT_SIZE);
  assert_int_equal(status_with(AT_ELEMENTS_0, 1), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(AT_ELEMENTS_0, 3), DFUSE_BAD_TARGET_SIZE);
  assert_int_equal(status_with(AT_SIZE_2, 6), DFUSE_BAD_ELEMENT_SIZE);
  assert_int_equal(status_with(AT_SIZE_2, 4), DFUSE_BAD_TARGET_SIZE);
}

static void an_address_may_reach_the_last_byte_but_not_wrap(void **state) {
  (void)state;
  assert_int_equal(status_with(AT_ADDRESS_2, 0xFFFFFFFB), DFUSE_OK);
  assert_int_equal(status_with(AT_ADDRESS_2, 0xFFFFFFFC), DFUSE_ELEMENT_WRAP);
  assert_int_equal(status_with(AT_SIZE_2, 0xFFFFFFFF), DFUSE_ELEMENT_WRAP);
}

static void a_wrong_crc_is_told_before_what_it_may_have_caused(void **state) {
  (void)state;
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + AT_TARGET_SIZE_0, UINT32_MAX);
  assert_int_equal(open_status(file, FILE_SIZE), DFUSE_BAD_CRC);
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + AT_CRC, ~get32(file + AT_CRC));  // the inverted form of zlib
  assert_int_equal(open_status(file, FILE_SIZE), DFUSE_BAD_CRC);
}

static void output_is_untouched_on_failure(void **state) {
  (void)state;
  struct dfuse_reader reader;
  struct dfuse_summary summary;
  struct dfuse_reader reader_before;
  struct dfuse_summary summary_before;
  memset(&reader, 0x5A, sizeof reader);
  memset(&summary, 0x5A, sizeof summary);
  memcpy(&reader_before, &reader, sizeof reader);
  memcpy(&summary_before, &summary, sizeof summary);
  uint8_t file[FILE_SIZE];
  memcpy(file, golden_two_targets, FILE_SIZE);
  put32(file + AT_SIZE_2, 4);
  fix_crc(file, FILE_SIZE);
  assert_int_not_equal(dfuse_open(&reader, file, FILE_SIZE, &summary), DFUSE_OK);
  assert_memory_equal(&reader, &reader_before, sizeof reader);
  assert_memory_equal(&summary, &summary_before, sizeof summary);
}

// ---- One part at a time ----------------------------------------------------

static void each_part_needs_all_its_bytes(void **state) {
  (void)state;
  struct dfuse_prefix prefix;
  struct dfuse_target target;
  struct dfuse_element element;
  struct dfuse_suffix suffix;
  for (size_t n = 0; n <= 274; n++) {
    struct rd r = {.p = golden_two_targets, .left = n};
    assert_int_equal(dfuse_decode_prefix(&r, &prefix),
                     n < 11 ? DFUSE_TRUNCATED : DFUSE_OK);
    r = (struct rd){.p = golden_two_targets + AT_TARGET_0, .left = n};
    assert_int_equal(dfuse_decode_target(&r, &target),
                     n < 274 ? DFUSE_TRUNCATED : DFUSE_OK);
    r = (struct rd){.p = golden_two_targets + AT_ADDRESS_0, .left = n};
    assert_int_equal(dfuse_decode_element(&r, &element),
                     n < 8 ? DFUSE_TRUNCATED : DFUSE_OK);
    r = (struct rd){.p = golden_two_targets + AT_SUFFIX, .left = n > 16 ? 16 : n};
    assert_int_equal(dfuse_decode_suffix(&r, &suffix),
                     n < 16 ? DFUSE_TRUNCATED : DFUSE_OK);
  }
}

// A receiver that sees the file as a stream: part after part, from one cursor.
static void parts_can_be_decoded_one_after_another(void **state) {
  (void)state;
  struct rd r = {.p = golden_two_targets, .left = FILE_SIZE};
  struct dfuse_prefix prefix;
  struct dfuse_target target;
  struct dfuse_element element;
  struct dfuse_suffix suffix;
  assert_int_equal(dfuse_decode_prefix(&r, &prefix), DFUSE_OK);
  assert_int_equal(prefix.image_size, 599);
  for (unsigned t = 0; t < prefix.targets; t++) {
    assert_int_equal(dfuse_decode_target(&r, &target), DFUSE_OK);
    for (uint32_t e = 0; e < target.elements; e++) {
      assert_int_equal(dfuse_decode_element(&r, &element), DFUSE_OK);
      assert_non_null(rd_bytes(&r, element.size));
    }
  }
  assert_int_equal(dfuse_decode_suffix(&r, &suffix), DFUSE_OK);
  assert_int_equal(r.left, 0);
}

// ---- Building --------------------------------------------------------------

static const struct dfuse_element_plan internal[] = {
    {0x08010000, 8, (const uint8_t *)"\x10\x11\x12\x13\x14\x15\x16\x17"},
    {0x08020000, 3, (const uint8_t *)"\xA1\xA2\xA3"},
};
static const struct dfuse_element_plan external[] = {
    {0x90000000, 5, (const uint8_t *)"\x00\xFF\x55\xAA\x7E"},
};
static const struct dfuse_target_plan targets[] = {
    {0, "Internal Flash", internal, 2},
    {1, "External QSPI", external, 1},
};
static const struct dfuse_plan two_targets = {targets, 2, 0x0483, 0xDF11, 0x0102};

static void the_built_file_is_the_golden_one(void **state) {
  (void)state;
  uint32_t size = 0;
  uint8_t out[FILE_SIZE + 1];
  memset(out, 0xEE, sizeof out);
  assert_int_equal(dfuse_plan_size(&two_targets, &size), DFUSE_OK);
  assert_int_equal(size, FILE_SIZE);
  assert_int_equal(dfuse_build(&two_targets, out, sizeof out), DFUSE_OK);
  assert_memory_equal(out, golden_two_targets, FILE_SIZE);
  assert_int_equal(out[FILE_SIZE], 0xEE);
}

static void a_file_without_targets_can_be_built(void **state) {
  (void)state;
  const struct dfuse_plan plan = {NULL, 0, 0x0483, 0xDF11, 0xFFFF};
  uint8_t out[27];
  assert_int_equal(dfuse_build(&plan, out, sizeof out), DFUSE_OK);
  assert_memory_equal(out, golden_no_targets, sizeof out);
}

static void too_little_room_is_refused_and_left_alone(void **state) {
  (void)state;
  for (size_t room = 0; room < FILE_SIZE; room++) {
    uint8_t out[FILE_SIZE] = {0};
    assert_int_equal(dfuse_build(&two_targets, out, room), DFUSE_NO_ROOM);
    assert_int_equal(out[0], 0);
  }
}

static enum dfuse_status size_of_target(const struct dfuse_target_plan *target,
                                        uint32_t *size) {
  const struct dfuse_plan plan = {target, 1, 0, 0, 0};
  return dfuse_plan_size(&plan, size);
}

static void a_name_of_254_bytes_fits_and_255_do_not(void **state) {
  (void)state;
  char name[256];
  memset(name, 'n', sizeof name);
  struct dfuse_target_plan target = {.name = name};
  uint32_t size;
  name[254] = '\0';
  assert_int_equal(size_of_target(&target, &size), DFUSE_OK);
  name[254] = 'n';
  name[255] = '\0';
  assert_int_equal(size_of_target(&target, &size), DFUSE_NAME_TOO_LONG);
  uint8_t out[512];
  const struct dfuse_plan plan = {&target, 1, 0, 0, 0};
  assert_int_equal(dfuse_build(&plan, out, sizeof out), DFUSE_NAME_TOO_LONG);
}

static void at_most_255_targets_fit(void **state) {
  (void)state;
  struct dfuse_target_plan many[256] = {0};
  for (size_t i = 0; i < 256; i++) {
    many[i].name = "";
  }
  struct dfuse_plan plan = {.targets = many, .count = 255};
  uint32_t size = 0;
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_OK);
  assert_int_equal(size, 11 + 255 * 274 + 16);
  plan.count = 256;
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_BAD_TARGET_COUNT);
}

static enum dfuse_status status_of_elements(uint32_t a, uint32_t a_size, uint32_t b,
                                            uint32_t b_size) {
  const struct dfuse_element_plan elements[] = {{a, a_size, NULL}, {b, b_size, NULL}};
  const struct dfuse_target_plan target = {0, "", elements, 2};
  uint32_t size;
  return size_of_target(&target, &size);
}

static void plans_that_overlap_descend_or_wrap_are_refused(void **state) {
  (void)state;
  assert_int_equal(status_of_elements(100, 10, 110, 10), DFUSE_OK);
  assert_int_equal(status_of_elements(100, 10, 109, 10), DFUSE_ELEMENT_ORDER);
  assert_int_equal(status_of_elements(100, 10, 50, 10), DFUSE_ELEMENT_ORDER);
  assert_int_equal(status_of_elements(100, 10, 0xFFFFFFFF, 1), DFUSE_OK);
  assert_int_equal(status_of_elements(100, 10, 0xFFFFFFFF, 2), DFUSE_ELEMENT_WRAP);
  assert_int_equal(status_of_elements(1, UINT32_MAX, 0, 1), DFUSE_ELEMENT_ORDER);
}

// No memory of 4 GiB is needed: sizes are told without reading data.
static void the_format_ends_at_4_gib(void **state) {
  (void)state;
  struct dfuse_element_plan element = {0, UINT32_MAX - (11 + 274 + 8 + 16), NULL};
  const struct dfuse_target_plan target = {0, "", &element, 1};
  uint32_t size = 0;
  assert_int_equal(size_of_target(&target, &size), DFUSE_OK);
  assert_int_equal(size, UINT32_MAX);
  element.size++;
  assert_int_equal(size_of_target(&target, &size), DFUSE_TOO_BIG);

  const struct dfuse_target_plan twice[] = {target, target};
  const struct dfuse_plan plan = {twice, 2, 0, 0, 0};
  assert_int_equal(dfuse_plan_size(&plan, &size), DFUSE_TOO_BIG);
}

// ---- The status list -------------------------------------------------------

static void every_status_has_its_number_and_a_sentence_of_its_own(void **state) {
  (void)state;
  static const struct {
    int value, number;
  } list[] = {
#define X(name, number, text) {DFUSE_##name, number},
      DFUSE_STATUS_LIST(X)
#undef X
  };
  const size_t count = sizeof list / sizeof list[0];
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(list[i].value, list[i].number);
    assert_int_equal(list[i].number, i);  // none missing, none twice
    for (size_t k = 0; k < i; k++) {
      assert_string_not_equal(dfuse_status_text((enum dfuse_status)i),
                              dfuse_status_text((enum dfuse_status)k));
    }
  }
  assert_string_equal(dfuse_status_text((enum dfuse_status)count),
                      "has an unknown defect");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(summary_of_a_good_file),
      cmocka_unit_test(walk_visits_everything_in_order),
      cmocka_unit_test(elements_may_be_skipped),
      cmocka_unit_test(both_image_size_styles_are_read),
      cmocka_unit_test(a_file_without_targets_is_sound_and_empty),
      cmocka_unit_test(a_name_needs_no_terminator_and_may_be_absent),
      cmocka_unit_test(an_empty_element_is_sound),
      cmocka_unit_test(overlapping_and_descending_elements_are_told),
      cmocka_unit_test(order_counts_within_a_target_only),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(every_shortened_body_is_refused),
      cmocka_unit_test(every_flipped_bit_is_refused),
      cmocka_unit_test(every_lie_about_a_length_is_refused),
      cmocka_unit_test(every_wrong_target_count_is_refused),
      cmocka_unit_test(each_defect_has_its_own_status),
      cmocka_unit_test(an_address_may_reach_the_last_byte_but_not_wrap),
      cmocka_unit_test(a_wrong_crc_is_told_before_what_it_may_have_caused),
      cmocka_unit_test(output_is_untouched_on_failure),
      cmocka_unit_test(each_part_needs_all_its_bytes),
      cmocka_unit_test(parts_can_be_decoded_one_after_another),
      cmocka_unit_test(the_built_file_is_the_golden_one),
      cmocka_unit_test(a_file_without_targets_can_be_built),
      cmocka_unit_test(too_little_room_is_refused_and_left_alone),
      cmocka_unit_test(a_name_of_254_bytes_fits_and_255_do_not),
      cmocka_unit_test(at_most_255_targets_fit),
      cmocka_unit_test(plans_that_overlap_descend_or_wrap_are_refused),
      cmocka_unit_test(the_format_ends_at_4_gib),
      cmocka_unit_test(every_status_has_its_number_and_a_sentence_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
