// SPDX-License-Identifier: MIT
// The writer: what it does, in which order, and how each failure of a medium is told.
#include "firmware/flash/writer.h"

#include "tests/unit/firmware/flash/writer_rig.h"

// A medium that is read more slowly than 10 MB/s is not among ours.
enum { MAX_READ_US_PER_KB = 100 };

static uint8_t pattern[WRITER_BLOCK];

static void fill(uint8_t seed) {
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(seed + i * 7 + i / 251);
}

static bool blank(const struct writer_rig *r, uint32_t offset, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (r->medium.bytes[offset + i] != 0xFF) return false;
  }
  return true;
}

// --- erase ---

static void an_erase_blanks_its_block_and_no_other(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    uint32_t offset, start, size;
  } cases[] = {
      {0x2000, 0x2000, 4096},  {0x2FFF, 0x2000, 4096},  {0x3800, 0x3000, 4096},
      {0x6000, 0x6000, 16384}, {0x9FFF, 0x6000, 16384}, {0xDFFF, 0xA000, 16384},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(r->medium.bytes, 0x5A, RIG_SIZE);
    assert_result(writer_rig_erase(r, cases[i].offset), ST_OK, 0);
    assert_true(blank(r, cases[i].start, cases[i].size));
    const uint32_t end = cases[i].start + cases[i].size;
    for (uint32_t k = 0; k < RIG_SIZE; k++) {
      if (k < cases[i].start || k >= end) assert_int_equal(r->medium.bytes[k], 0x5A);
    }
  }
  assert_int_equal(r->medium.calls[RAM_ERASE_START], 6);
  assert_int_equal(r->medium.calls[RAM_PROGRAM_START], 0);
}

static void an_erase_is_started_and_then_watched(void **state) {
  struct writer_rig *r = *state;
  struct writer *w = &r->writer;
  assert_false(writer_busy(w));
  assert_false(writer_poll(w));
  writer_erase(w, &r->medium.media, RIG_KEPT);
  assert_int_equal(w->state, WRITER_ERASING);
  assert_true(writer_busy(w));
  assert_false(writer_poll(w));  // an interrupt will tell
  r->now_us += r->medium.erase_us;
  assert_true(writer_poll(w));
  for (uint32_t i = 0; i < 4096 / WRITER_STEP; i++) {
    assert_int_equal(w->state, WRITER_CHECKING);
    assert_int_equal(r->medium.calls[RAM_READ], i);
    assert_true(writer_poll(w));
  }
  assert_int_equal(w->state, WRITER_IDLE);
  assert_int_equal(r->medium.calls[RAM_READ], 4096 / WRITER_STEP);
}

static void what_an_erase_left_behind_is_found(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t cells[] = {0x2000, 0x2001, 0x23FF, 0x2400, 0x2FFE, 0x2FFF};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    memset(r->medium.bytes, 0x00, RIG_SIZE);
    r->medium.stuck.offset = cells[i];
    r->medium.stuck.low = 0x10;
    assert_result(writer_rig_erase(r, 0x2000), ST_ERASE_FAILED, RIG_BASE + cells[i]);
  }
}

static void each_failure_of_an_erase_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    enum ram_step step;
    uint32_t countdown;
    enum status status;
    uint32_t offset;  // where
  } cases[] = {
      {RAM_ERASE_START, 1, ST_FLASH_LOCKED, 0x6000},
      {RAM_ERASE_START, 1, ST_BUS_TIMEOUT, 0x6000},
      {RAM_ERASE_END, 1, ST_ERASE_FAILED, 0x6000},
      {RAM_ERASE_END, 1, ST_FLASH_TIMEOUT, 0x6000},
      {RAM_ERASE_END, 1, ST_FLASH_PROTECTED, 0x6000},
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x6000},
      {RAM_READ, 2, ST_BUS_TIMEOUT, 0x6400},
      {RAM_READ, 16, ST_FLASH_TIMEOUT, 0x9C00},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ram_medium_fail(&r->medium, cases[i].step, cases[i].countdown, cases[i].status);
    assert_result(writer_rig_erase(r, 0x7123), cases[i].status,
                  RIG_BASE + cases[i].offset);
    assert_int_equal(r->medium.fail[cases[i].step].countdown, 0);
    assert_result(writer_rig_erase(r, 0x7123), ST_OK, 0);  // usable again
  }
}

// --- mass erase ---

static void mass_erase_skips_blank_and_read_only_blocks(void **state) {
  struct writer_rig *r = *state;
  uint8_t *bytes = r->medium.bytes;
  memset(bytes, 0x11, RIG_KEPT);
  bytes[0x2000] = 0;  // first and last byte of a block, and one in the middle
  bytes[0x4FFF] = 0;
  bytes[0xC000] = 0;
  assert_result(writer_rig_mass_erase(r), ST_OK, 0);
  assert_true(blank(r, RIG_KEPT, RIG_SIZE - RIG_KEPT));
  for (uint32_t i = 0; i < RIG_KEPT; i++)
    assert_int_equal(bytes[i], 0x11);
  assert_int_equal(r->medium.calls[RAM_ERASE_START], 3);
}

static void mass_erase_of_a_blank_medium_erases_nothing(void **state) {
  struct writer_rig *r = *state;
  assert_result(writer_rig_mass_erase(r), ST_OK, 0);
  assert_int_equal(r->medium.calls[RAM_ERASE_START], 0);
  assert_int_equal(r->medium.calls[RAM_READ], (RIG_SIZE - RIG_KEPT) / WRITER_STEP);
}

static void mass_erase_of_a_read_only_medium_is_done_at_once(void **state) {
  struct writer_rig *r = *state;
  r->medium.media.geometry.run_count = 1;
  r->medium.media.geometry.size = RIG_KEPT;
  memset(r->medium.bytes, 0x11, RIG_KEPT);
  writer_mass_erase(&r->writer, &r->medium.media);
  assert_false(writer_busy(&r->writer));
  assert_result(writer_take_result(&r->writer), ST_OK, 0);
  assert_int_equal(r->medium.calls[RAM_READ], 0);
}

static void mass_erase_stops_at_a_failure(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    enum ram_step step;
    uint32_t countdown;  // every block is erased; each is looked at, then checked
    enum status status;
    uint32_t offset;
  } cases[] = {
      {RAM_ERASE_START, 1, ST_BUS_TIMEOUT, 0x2000},
      {RAM_ERASE_START, 5, ST_FLASH_LOCKED, 0x6000},
      {RAM_ERASE_END, 2, ST_ERASE_FAILED, 0x3000},
      {RAM_ERASE_END, 6, ST_FLASH_TIMEOUT, 0xA000},
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x2000},  // looking
      {RAM_READ, 2, ST_BUS_TIMEOUT, 0x2000},  // checking
      {RAM_READ, 5, ST_BUS_TIMEOUT, 0x2C00},
      {RAM_READ, 6, ST_BUS_TIMEOUT, 0x3000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(r->medium.bytes, 0, RIG_SIZE);
    ram_medium_fail(&r->medium, cases[i].step, cases[i].countdown, cases[i].status);
    assert_result(writer_rig_mass_erase(r), cases[i].status,
                  RIG_BASE + cases[i].offset);
    assert_false(blank(r, 0xA000, 16384));  // nothing behind the failure was begun
  }
}

static void a_block_with_one_bad_cell_is_erased_and_found_bad(void **state) {
  struct writer_rig *r = *state;
  r->medium.bytes[0x5FFF] = 0x7F;
  r->medium.stuck.offset = 0x5FFF;
  r->medium.stuck.low = 0x80;
  assert_result(writer_rig_mass_erase(r), ST_ERASE_FAILED, RIG_BASE + 0x5FFF);
}

// --- write ---

static void a_block_of_any_length_and_place_is_written(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t lengths[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 4095, 4096};
  static const uint32_t offsets[] = {0x2000, 0x2001, 0x5FFF, 0xD000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
      memset(r->medium.bytes, 0xFF, RIG_SIZE);
      fill((uint8_t)(i * 16 + k));
      assert_result(writer_rig_write(r, offsets[k], pattern, lengths[i]), ST_OK, 0);
      assert_memory_equal(r->medium.bytes + offsets[k], pattern, lengths[i]);
      assert_true(blank(r, 0, offsets[k]));
      const uint32_t end = offsets[k] + lengths[i];
      assert_true(blank(r, end, RIG_SIZE - end));
    }
  }
}

// The block is in the control machine's buffer, which the next request overwrites.
static void the_data_are_copied(void **state) {
  struct writer_rig *r = *state;
  uint8_t data[300], wanted[300];
  memset(data, 0x3C, sizeof data);
  memcpy(wanted, data, sizeof wanted);
  writer_write(&r->writer, &r->medium.media, 0x3000, data, sizeof data);
  memset(data, 0, sizeof data);
  assert_result(writer_rig_run(r), ST_OK, 0);
  assert_memory_equal(r->medium.bytes + 0x3000, wanted, sizeof wanted);
}

static void a_write_compares_programs_and_reads_back(void **state) {
  struct writer_rig *r = *state;
  struct writer *w = &r->writer;
  fill(1);
  writer_write(w, &r->medium.media, 0x2000, pattern, 1025);
  for (int piece = 0; piece < 2; piece++) {
    assert_int_equal(w->state, WRITER_COMPARING);
    assert_true(writer_poll(w));
  }
  assert_int_equal(w->state, WRITER_PROGRAMMING);
  assert_false(writer_poll(w));
  r->now_us += r->medium.program_us;
  assert_true(writer_poll(w));
  for (int piece = 0; piece < 2; piece++) {
    assert_int_equal(w->state, WRITER_VERIFYING);
    assert_true(writer_poll(w));
  }
  assert_int_equal(w->state, WRITER_IDLE);
  assert_int_equal(r->medium.calls[RAM_PROGRAM_START], 1);
}

static void a_place_that_is_not_blank_is_refused_by_its_exact_address(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t at[] = {0, 1, 511, 1023, 1024, 2047, 4094, 4095};
  fill(9);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    memset(r->medium.bytes, 0xFF, RIG_SIZE);
    pattern[at[i]] = 0x08;
    r->medium.bytes[0x2000 + at[i]] = 0xF7;
    assert_result(writer_rig_write(r, 0x2000, pattern, 4096), ST_NOT_ERASED,
                  RIG_BASE + 0x2000 + at[i]);
  }
  assert_int_equal(r->medium.calls[RAM_PROGRAM_START], 0);
}

static void clearing_more_bits_needs_no_erase(void **state) {
  struct writer_rig *r = *state;
  static const uint8_t first[] = {0xFF, 0xF0, 0x0F, 0x55};
  static const uint8_t second[] = {0xFE, 0x30, 0x0F, 0x00};
  assert_result(writer_rig_write(r, 0x4000, first, 4), ST_OK, 0);
  assert_result(writer_rig_write(r, 0x4000, second, 4), ST_OK, 0);
  assert_memory_equal(r->medium.bytes + 0x4000, second, 4);
  assert_result(writer_rig_write(r, 0x4000, first, 4), ST_NOT_ERASED,
                RIG_BASE + 0x4000);
}

static void a_bit_that_does_not_stay_is_found_by_its_exact_address(void **state) {
  struct writer_rig *r = *state;
  static const uint32_t at[] = {0, 1, 1023, 1024, 3000, 4095};
  memset(pattern, 0xF0, sizeof pattern);
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    memset(r->medium.bytes, 0xFF, RIG_SIZE);
    r->medium.stuck.offset = 0x3000 + at[i];
    r->medium.stuck.high = 0x02;
    assert_result(writer_rig_write(r, 0x3000, pattern, 4096), ST_VERIFY_FAILED,
                  RIG_BASE + 0x3000 + at[i]);
  }
}

static void each_failure_of_a_write_is_told(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    enum ram_step step;
    uint32_t countdown;
    enum status status;
    uint32_t offset;
  } cases[] = {
      {RAM_READ, 1, ST_BUS_TIMEOUT, 0x2010},  // comparing
      {RAM_READ, 2, ST_BUS_TIMEOUT, 0x2410},
      {RAM_PROGRAM_START, 1, ST_FLASH_LOCKED, 0x2010},
      {RAM_PROGRAM_START, 1, ST_BUS_TIMEOUT, 0x2010},
      {RAM_PROGRAM_END, 1, ST_PROGRAM_FAILED, 0x2010},
      {RAM_PROGRAM_END, 1, ST_FLASH_TIMEOUT, 0x2010},
      {RAM_PROGRAM_END, 1, ST_FLASH_PROTECTED, 0x2010},
      {RAM_READ, 4, ST_BUS_TIMEOUT, 0x2010},  // verifying
      {RAM_READ, 6, ST_BUS_TIMEOUT, 0x2810},
  };
  fill(3);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(r->medium.bytes, 0xFF, RIG_SIZE);
    ram_medium_fail(&r->medium, cases[i].step, cases[i].countdown, cases[i].status);
    assert_result(writer_rig_write(r, 0x2010, pattern, 3000), cases[i].status,
                  RIG_BASE + cases[i].offset);
    assert_int_equal(r->medium.fail[cases[i].step].countdown, 0);
  }
}

// --- supply ---

static void nothing_is_begun_below_the_supply_limit(void **state) {
  struct writer_rig *r = *state;
  assert_int_equal(writer_begin(&r->writer), ST_OK);
  writer_rig_supply = false;
  assert_int_equal(writer_begin(&r->writer), ST_SUPPLY_LOW);
  fill(5);
  r->medium.bytes[0x3000] = 0;
  const uint32_t at = RIG_BASE + 0x3000;
  assert_result(writer_rig_erase(r, 0x3000), ST_SUPPLY_LOW, at);
  assert_result(writer_rig_mass_erase(r), ST_SUPPLY_LOW, at);
  assert_result(writer_rig_write(r, 0x4000, pattern, 10), ST_SUPPLY_LOW, at + 0x1000);
  assert_int_equal(r->medium.calls[RAM_ERASE_START], 0);
  assert_int_equal(r->medium.calls[RAM_PROGRAM_START], 0);
}

static void a_supply_that_drops_stops_a_mass_erase_at_the_next_block(void **state) {
  struct writer_rig *r = *state;
  memset(r->medium.bytes, 0, RIG_SIZE);
  writer_mass_erase(&r->writer, &r->medium.media);
  while (r->medium.calls[RAM_ERASE_END] < 2) {
    if (!writer_poll(&r->writer)) r->now_us += RIG_STEP_US;
  }
  writer_rig_supply = false;
  assert_result(writer_rig_run(r), ST_SUPPLY_LOW, RIG_BASE + 0x4000);
  assert_int_equal(r->medium.calls[RAM_ERASE_START], 2);
}

// --- results, reading, estimates ---

static void a_result_is_told_once(void **state) {
  struct writer_rig *r = *state;
  ram_medium_fail(&r->medium, RAM_ERASE_START, 1, ST_FLASH_LOCKED);
  writer_erase(&r->writer, &r->medium.media, 0x2000);
  assert_result(writer_finish(&r->writer), ST_FLASH_LOCKED, RIG_BASE + 0x2000);
  assert_result(writer_finish(&r->writer), ST_OK, 0);
}

static void old_failures_do_not_stick_to_new_work(void **state) {
  struct writer_rig *r = *state;
  fill(7);
  for (int kind = 0; kind < 3; kind++) {
    ram_medium_fail(&r->medium, RAM_ERASE_START, 1, ST_FLASH_LOCKED);
    writer_erase(&r->writer, &r->medium.media, 0x2000);  // fails; nobody asks
    if (kind == 0) assert_result(writer_rig_erase(r, 0x3000), ST_OK, 0);
    if (kind == 1) assert_result(writer_rig_mass_erase(r), ST_OK, 0);
    if (kind == 2) assert_result(writer_rig_write(r, 0x2000, pattern, 8), ST_OK, 0);
  }
}

static void reading_gives_what_is_there_or_why_not(void **state) {
  struct writer_rig *r = *state;
  uint8_t got[4];
  memcpy(r->medium.bytes + 0x1234, "abcd", 4);
  assert_int_equal(writer_read(&r->writer, &r->medium.media, 0x1234, got, 4), ST_OK);
  assert_memory_equal(got, "abcd", 4);
  ram_medium_fail(&r->medium, RAM_READ, 1, ST_BUS_TIMEOUT);
  assert_int_equal(writer_read(&r->writer, &r->medium.media, 0, got, 4),
                   ST_BUS_TIMEOUT);
}

// Some microseconds per KB for reading back; a sixteenth more when the typical time
// has passed.
static void estimates_start_at_the_typical_time_and_shrink(void **state) {
  struct writer_rig *r = *state;
  struct writer *w = &r->writer;
  assert_int_equal(writer_remaining_us(w), 0);
  r->medium.erase_us = 100000;
  writer_erase(w, &r->medium.media, 0x2000);
  const uint32_t whole = writer_remaining_us(w);
  assert_in_range(whole, 30000, 30000 + 4 * MAX_READ_US_PER_KB);
  r->now_us += 10000;
  assert_int_equal(writer_remaining_us(w), whole - 10000);
  r->now_us += whole - 10001;
  assert_int_equal(writer_remaining_us(w), 1);
  r->now_us += 1;
  assert_int_equal(writer_remaining_us(w), whole / 16 + 1);
  r->now_us += 50000;
  assert_int_equal(writer_remaining_us(w), whole / 16 + 1);
  assert_result(writer_rig_run(r), ST_OK, 0);
  assert_int_equal(writer_remaining_us(w), 0);
}

static void a_write_is_estimated_by_its_kilobytes(void **state) {
  struct writer_rig *r = *state;
  static const struct {
    uint32_t length, kb;
  } cases[] = {{1, 1}, {1024, 1}, {1025, 2}, {4096, 4}};
  fill(0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(r->medium.bytes, 0xFF, RIG_SIZE);
    writer_write(&r->writer, &r->medium.media, 0x6000, pattern, cases[i].length);
    assert_in_range(writer_remaining_us(&r->writer), cases[i].kb * 1000,
                    cases[i].kb * (1000 + 2 * MAX_READ_US_PER_KB));
    assert_result(writer_rig_run(r), ST_OK, 0);
  }
}

// 4 x 30 ms + 2 x 200 ms; blank blocks cost nothing any more once they were seen.
static void a_mass_erase_is_estimated_as_a_whole(void **state) {
  struct writer_rig *r = *state;
  struct writer *w = &r->writer;
  r->medium.bytes[0x5000] = 0;
  writer_mass_erase(w, &r->medium.media);
  assert_int_equal(writer_remaining_us(w), 520000);
  uint32_t last = 520000;
  while (w->state == WRITER_LOOKING) {
    assert_true(writer_remaining_us(w) <= last);
    last = writer_remaining_us(w);
    writer_poll(w);
  }
  assert_in_range(writer_remaining_us(w), 430000, 430000 + 4 * MAX_READ_US_PER_KB);
  assert_result(writer_rig_run(r), ST_OK, 0);
}

// 256 MB of 64 KB blocks at 0.5 s each, the slowest that is assumed: no overflow.
static void the_longest_mass_erase_can_be_told(void **state) {
  struct writer_rig *r = *state;
  struct media big = r->medium.media;
  big.geometry.size = 256u << 20;
  big.geometry.runs[0] = (struct media_run){64 * 1024, 4096, true, 500000};
  big.geometry.run_count = 1;
  writer_mass_erase(&r->writer, &big);
  assert_int_equal(writer_remaining_us(&r->writer), 4096u * 500000u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      writer_rig_test(an_erase_blanks_its_block_and_no_other),
      writer_rig_test(an_erase_is_started_and_then_watched),
      writer_rig_test(what_an_erase_left_behind_is_found),
      writer_rig_test(each_failure_of_an_erase_is_told),
      writer_rig_test(mass_erase_skips_blank_and_read_only_blocks),
      writer_rig_test(mass_erase_of_a_blank_medium_erases_nothing),
      writer_rig_test(mass_erase_of_a_read_only_medium_is_done_at_once),
      writer_rig_test(mass_erase_stops_at_a_failure),
      writer_rig_test(a_block_with_one_bad_cell_is_erased_and_found_bad),
      writer_rig_test(a_block_of_any_length_and_place_is_written),
      writer_rig_test(the_data_are_copied),
      writer_rig_test(a_write_compares_programs_and_reads_back),
      writer_rig_test(a_place_that_is_not_blank_is_refused_by_its_exact_address),
      writer_rig_test(clearing_more_bits_needs_no_erase),
      writer_rig_test(a_bit_that_does_not_stay_is_found_by_its_exact_address),
      writer_rig_test(each_failure_of_a_write_is_told),
      writer_rig_test(nothing_is_begun_below_the_supply_limit),
      writer_rig_test(a_supply_that_drops_stops_a_mass_erase_at_the_next_block),
      writer_rig_test(a_result_is_told_once),
      writer_rig_test(old_failures_do_not_stick_to_new_work),
      writer_rig_test(reading_gives_what_is_there_or_why_not),
      writer_rig_test(estimates_start_at_the_typical_time_and_shrink),
      writer_rig_test(a_write_is_estimated_by_its_kilobytes),
      writer_rig_test(a_mass_erase_is_estimated_as_a_whole),
      writer_rig_test(the_longest_mass_erase_can_be_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
