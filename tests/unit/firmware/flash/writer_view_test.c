// SPDX-License-Identifier: MIT
// Bytes on loan through the writer: where the flash itself holds what is read, and
// nothing is at work there; nowhere else.
#include "tests/fakes/board_media.h"

enum { UNIT = WRITER_UNIT };

static bool lends(struct board_media *b, uint32_t offset, uint32_t length) {
  static uint8_t shelter[8 * UNIT];
  struct flash_loan loan = {.shelter = shelter};
  const enum status status =
      writer_view(&b->writer, &b->nor.media, offset, length, &loan);
  assert_true(status == ST_OK || status == ST_NOT_NOW);
  if (status != ST_OK) return false;
  assert_int_equal(loan.length, length);
  assert_memory_equal(loan.data, b->nor.bytes + offset, length);
  b->nor.loan = NULL;  // it does not outlive this function
  return true;
}

// Of units 0 to 7, where one may not be lent, no range that touches it may.
static void expect_lent_but(struct board_media *b, uint32_t unit) {
  for (uint32_t from = 0; from < 8 * UNIT; from += UNIT / 2) {
    for (uint32_t n = UNIT / 2; n <= 3 * UNIT && from + n <= 8 * UNIT; n += UNIT / 2) {
      const bool touches = from < (unit + 1) * UNIT && from + n > unit * UNIT;
      assert_int_equal(lends(b, from, n), !touches);
    }
  }
  assert_int_equal(lends(b, unit * UNIT - 1, 1), true);
  assert_int_equal(lends(b, unit * UNIT - 1, 2), false);
  assert_int_equal(lends(b, (unit + 1) * UNIT - 1, 1), false);
  assert_int_equal(lends(b, (unit + 1) * UNIT, 1), true);
}

static void work(struct board_media *b) {
  if (!writer_poll(&b->writer)) b->now_us += BOARD_WAIT_US;
}

static void fill(struct board_media *b) {
  for (uint32_t i = 0; i < 8 * UNIT; i++)
    b->nor.bytes[i] = (uint8_t)(i * 29 + i / 256);
  b->writer.gate = true;
}

static void what_the_flash_holds_is_lent(void **state) {
  struct board_media *b = *state;
  fill(b);
  for (uint32_t from = 0; from < 8 * UNIT; from += 511) {
    for (uint32_t n = 1; n <= 8 * UNIT - from; n += 1023)
      assert_true(lends(b, from, n));
  }
}

static void not_by_a_medium_that_lends_nothing(void **state) {
  struct board_media *b = *state;
  struct flash_loan loan = {.length = 0};
  assert_int_equal(writer_view(&b->writer, &b->internal.media, 0, 1, &loan),
                   ST_NOT_NOW);
}

static void not_what_is_to_be_erased(void **state) {
  struct board_media *b = *state;
  fill(b);
  assert_true(writer_erase(&b->writer, &b->nor.media, 3 * UNIT));
  expect_lent_but(b, 3);
}

static void not_what_is_to_be_written(void **state) {
  struct board_media *b = *state;
  static const uint8_t data[16] = "not there yet";
  fill(b);
  b->writer.gate = false;
  assert_true(writer_write(&b->writer, &b->nor.media, 4 * UNIT + 7, data, sizeof data));
  expect_lent_but(b, 4);
}

// From its first operation to its last, and all of the medium.
static void not_while_the_flash_works(void **state) {
  struct board_media *b = *state;
  static const uint8_t data[16] = "soon";
  unsigned busy = 0;
  fill(b);
  b->nor.erase_us = b->nor.program_us = 5 * BOARD_WAIT_US;
  assert_true(writer_write(&b->writer, &b->nor.media, 4 * UNIT, data, sizeof data));
  for (; !writer_settled(&b->writer); work(b)) {
    const bool lent = lends(b, 0, UNIT);
    if (b->nor.busy) {
      assert_false(lent);
      busy++;
    }
  }
  assert_true(busy > 5);
  assert_true(lends(b, 0, 8 * UNIT));
}

static void not_while_all_is_erased(void **state) {
  struct board_media *b = *state;
  fill(b);
  assert_true(writer_mass_erase(&b->writer, &b->nor.media));
  for (; !writer_settled(&b->writer); work(b))
    assert_false(lends(b, 0, 1));
  assert_true(lends(b, 0, 8 * UNIT));
}

#define TEST(f) \
  cmocka_unit_test_setup_teardown(f, board_media_setup, board_media_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_the_flash_holds_is_lent), TEST(not_by_a_medium_that_lends_nothing),
      TEST(not_what_is_to_be_erased),     TEST(not_what_is_to_be_written),
      TEST(not_while_the_flash_works),    TEST(not_while_all_is_erased),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
